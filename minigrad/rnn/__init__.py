"""Recurrent networks: the lecture, in its order.

`dynamics`: an oscillator stepped by Euler's method is a recurrence (`oscillator`), what its eigenvalues say about
gradients (`spectral`), and where the gradient of a real run goes (`flow`). `cells`: given weights, a recurrence is an
RNN, or one of its relatives with gates. `unrolling`: along a sequence it is a graph (`unroll`); `bidirectional`: along
it and back. `tasks`: what there is to be learnt, and what has to be beaten. `training`: its weights are learnt (`fit`),
after somebody has looked over the setup (`lint`); a `checkpoints` file keeps all of that; or they come from elsewhere
(`exchange`). `sweeping`: the same many times, over a grid of options and seeds (`sweep`). `generating`: it hears its
own outputs (`generate`). `reading`: a loop that somebody wrote by hand is a run as well (`run_of`). `figure`: what all
that looks like (`draw`), and how it moves (`animate`). `plots`: curves and spectra, by matplotlib. The last two are
loaded when they are first asked for.
"""

from typing import TYPE_CHECKING

from minigrad.lazy import later, shown_by
from minigrad.rnn import checkpoints, tasks
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, EulerOscillator, MinGRU, OutputFeedbackRNN, Stacked, initial
from minigrad.rnn.dynamics import flow, lyapunov, maps, oscillator, spectral
from minigrad.rnn.exchange import from_keras, from_torch, to_keras, to_torch
from minigrad.rnn.experiments import Experiment
from minigrad.rnn.generating import generate, horizon, sample
from minigrad.rnn.history import History
from minigrad.rnn.linting import Finding, lint
from minigrad.rnn.outcomes import Outcome
from minigrad.rnn.reading import run_of
from minigrad.rnn.remembering import Passed, bptt, rtrl, truncated_bptt
from minigrad.rnn.scanning import scan
from minigrad.rnn.solving import Solved, newton
from minigrad.rnn.sweeping import Standing, Sweep, sweep
from minigrad.rnn.tasks import Batch, Task
from minigrad.rnn.training import fit
from minigrad.rnn.unrolling import Run, unroll
from minigrad.rnn.updating import evaluate

__all__ = [
    "GRU",
    "LRU",
    "LSTM",
    "RNN",
    "Animation",
    "Batch",
    "Bidirectional",
    "EulerOscillator",
    "Experiment",
    "Finding",
    "History",
    "MinGRU",
    "Outcome",
    "OutputFeedbackRNN",
    "Passed",
    "Run",
    "Solved",
    "Stacked",
    "Standing",
    "Sweep",
    "Task",
    "animate",
    "bptt",
    "checkpoints",
    "draw",
    "evaluate",
    "fit",
    "flow",
    "from_keras",
    "from_torch",
    "generate",
    "horizon",
    "initial",
    "lint",
    "lyapunov",
    "maps",
    "newton",
    "oscillator",
    "rtrl",
    "run_of",
    "sample",
    "scan",
    "spectral",
    "sweep",
    "tasks",
    "to_keras",
    "to_torch",
    "truncated_bptt",
    "unroll",
]

if TYPE_CHECKING:
    from minigrad.rnn import figure as figure
    from minigrad.rnn import plots as plots
    from minigrad.rnn.figure import Animation, animate, draw
else:
    __getattr__, __dir__ = later(
        __name__,
        figure="minigrad.rnn",
        plots="minigrad.rnn",
        draw="minigrad.rnn.figure",
        Animation="minigrad.rnn.figure",
        animate="minigrad.rnn.figure",
    )

Run._repr_mimebundle_ = shown_by("minigrad.rnn.figure.drawing", "of_run")  # type: ignore[attr-defined]
