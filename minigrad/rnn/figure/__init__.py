"""The textbook figure: a network folded and unrolled, coloured by its gradient; and the same in motion.

In reading order: `wiring`, what is connected with what in a real run, and the gradient in each connection; `names`, how
things are called; `grid`, where steps stand; `buses`, how parameters come to them; `layouts`, where roles stand within
a step, judged by `crossings`; `picture`, which knows what each of its ids stands for; `paint`, the colours; `folded`,
the other half; and `drawing`, which puts all of it together (`draw`). `film` tells what happens on it, and `page` plays
that (`animate`).
"""

from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import animate
from minigrad.rnn.figure.page import Animation

__all__ = ["Animation", "animate", "draw"]
