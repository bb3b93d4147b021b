"""Recurrent networks: the lecture, in its order.

An oscillator stepped by Euler's method is a recurrence (`oscillator`); given weights it is an RNN (`cells`), and along
a sequence a graph (`unroll`). What its eigenvalues say about gradients (`spectral`), where the gradient really goes
(`flow`), what that looks like (`draw`; its parts are `figure`, `grid`, `paint`, `names`, `folded`) and how it moves
(`animate`), and training it (`training`).
"""

from typing import TYPE_CHECKING

from minigrad.lazy import later, shown_by
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.dynamics import flow, oscillator, spectral
from minigrad.rnn.training import History, evaluate, fit
from minigrad.rnn.unrolling import Run, unroll

__all__ = [
    "RNN",
    "Animation",
    "History",
    "OutputFeedbackRNN",
    "Run",
    "animate",
    "draw",
    "evaluate",
    "fit",
    "flow",
    "oscillator",
    "spectral",
    "unroll",
]

if TYPE_CHECKING:
    from minigrad.rnn.figure.drawing import draw
    from minigrad.rnn.figure.film import Animation, animate
else:
    __getattr__, __dir__ = later(
        __name__,
        figure="minigrad.rnn",
        draw="minigrad.rnn.figure.drawing",
        Animation="minigrad.rnn.figure.film",
        animate="minigrad.rnn.figure.film",
    )

Run._repr_mimebundle_ = shown_by("minigrad.rnn.figure.drawing", "of_run")  # type: ignore[attr-defined]
