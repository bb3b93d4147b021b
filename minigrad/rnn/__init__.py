"""Recurrent networks: the lecture, in its order.

`dynamics`: an oscillator stepped by Euler's method is a recurrence (`oscillator`), what its eigenvalues say about
gradients (`spectral`), and where the gradient of a real run goes (`flow`). `cells`: given weights, a recurrence is an
RNN. `unrolling`: along a sequence it is a graph (`unroll`). `training`: its weights are learnt (`fit`). `figure`: what
all that looks like (`draw`), and how it moves (`animate`). `plots`: curves and spectra, by matplotlib, which is loaded
when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.dynamics import flow, oscillator, spectral
from minigrad.rnn.figure import Animation, animate, draw
from minigrad.rnn.training import History, evaluate, fit
from minigrad.rnn.unrolling import Run, unroll

if TYPE_CHECKING:
    from minigrad.rnn import plots as plots

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


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("minigrad.rnn.plots")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "plots"})
