"""The textbook figure: a network folded and unrolled, coloured by its gradient; and the same in motion.

In reading order: `wiring`, what is connected with what in a real run; `attribution`, how much of the gradient went
there; `names`, how things are called, and `numbers`, a worked example's. All steps are laid out alike: a `pattern` is a
step as a drawing sees it, `slots` are where its roles stand; `geometry` tells what is in a line's way, `lattice` where
there is room, `search` the shortest way through that, and `routes` how lines run; `standins` are for what cannot be
shown as it is. A `template` is a step laid out, `scrutiny` looks through it once more, and `placing` does all of this.

Then `grid`, where steps stand; `buses`, how parameters come to them; `layouts`, the slots of known models; `picture`,
which knows what each of its ids stands for; `paint`, the colours; `splines`, lines with round corners; `folded`, the
other half, whose arrows are `strokes` and whose roles stand where there are few `crossings`; `steps`, the circles and
arrows of the unrolled half; `compact`, the same in the width of a column; and `drawing`, which puts all of it together
(`draw`). `film` tells what happens on it, and `page` plays that (`animate`).
"""

from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import animate
from minigrad.rnn.figure.page import Animation

__all__ = ["Animation", "animate", "draw"]
