"""The figures whose DOT text is stored in ``golden/``: ``python -m tests.rnn.figure.golden`` writes it anew.

Look at the pictures before committing what has changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad.pictures.dot import Digraph
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LSTM, RNN, OutputFeedbackRNN
from minigrad.rnn.cells import Stacked as Layers
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import Run, unroll
from tests.rnn import loops
from tests.rnn.figure.models import Gated, Stacked, Truncated

FOLDER = Path(__file__).with_name("golden")


def run(model, steps, batch=(), **options) -> Run:
    """A model along a sequence, the same every time."""
    rng = np.random.default_rng(0)
    xs, targets = rng.standard_normal((steps, *batch, 2)), rng.standard_normal((steps, *batch, 2))
    return unroll(model, xs, targets, **options)


def rnn(**options) -> RNN:
    return RNN(2, 4, 2, **{"radius": 0.9, "rng": 0, **options})


def of_last(run: Run, **options) -> Digraph:
    return draw(run, run["C"][-1], **options)


def one_step() -> Digraph:
    return draw(run(rnn(), 1))


def four_steps() -> Digraph:
    return of_last(run(rnn(), 4))


def by_cost() -> Digraph:
    return draw(run(rnn(), 4), by="cost")


def values() -> Digraph:
    return draw(run(rnn(), 4, batch=(3,)), color="value", folded=False)


def feedback() -> Digraph:
    return draw(run(OutputFeedbackRNN(2, 4, 2, hidden=True), 4))


def forced() -> Digraph:
    return draw(run(OutputFeedbackRNN(2, 4, 2, hidden=True), 4, teacher_forcing=True))


def elided() -> Digraph:
    return draw(run(rnn(), 100))


def some_steps() -> Digraph:
    return of_last(run(OutputFeedbackRNN(2, 4, 2), 20), steps=range(5, 9))


def vanishing() -> Digraph:
    return of_last(run(rnn(f="identity", init="orthogonal", radius=0.5), 12))


def exploding() -> Digraph:
    return of_last(run(rnn(f="identity", init="orthogonal", radius=1.5), 12))


def not_finite() -> Digraph:
    with np.errstate(all="ignore"):
        return draw(run(rnn(f=lambda z: np.sqrt(z * 0.0)), 3))


def gated() -> Digraph:
    return draw(run(Gated(2, 3, 2), 3))


def stacked() -> Digraph:
    return draw(run(Stacked(2, 3, 2), 20))


def lstm() -> Digraph:
    return draw(run(LSTM(2, 3, 2), 3))


def gru() -> Digraph:
    return draw(run(GRU(2, 3, 2), 3))


def layers() -> Digraph:
    return draw(run(Layers([RNN(2, 3), RNN(3, 3, 2)]), 3))


def both_ways() -> Digraph:
    return draw(run(Bidirectional(RNN(2, 3), RNN(2, 3), n_out=2), 20))


def numbers() -> Digraph:
    return draw(run(RNN(2, 1, 2, rng=0), 2), targets=True, numbers=True)


def penalised() -> Digraph:
    of = run(model := rnn(), 2)
    return draw(of, of.cost + np.sum(model.W**2))


def decoder() -> Digraph:
    """A run that goes on from another one, of the same model: all of its parameters are used elsewhere, too."""
    model = rnn()
    return draw(run(model, 3, initial=run(model, 4).final))


def encoder() -> Digraph:
    there = run(rnn(), 4)
    return draw(there, run(rnn(rng=1), 3, initial=there.final).cost)


def truncated() -> Digraph:
    return draw(run(Truncated(2, 4, 2, every=2), 6))


def by_hand() -> Digraph:
    cost, _ = loops.nameless(4)
    return draw(run_of(cost))


def lstm_by_hand() -> Digraph:
    cost, _ = loops.lstm(3)
    return draw(run_of(cost))


def column() -> Digraph:
    return draw(run(rnn(), 3)).for_width("column")


def lstm_page() -> Digraph:
    return draw(run(LSTM(2, 3, 2), 100)).for_width("page")


PROGRAMS = {
    f.__name__: f
    for f in (
        *(one_step, four_steps, by_cost, values, feedback, forced, elided, some_steps, vanishing, exploding),
        *(not_finite, gated, stacked, truncated, numbers, penalised, decoder, encoder, lstm, gru, layers, both_ways),
        *(by_hand, lstm_by_hand, column, lstm_page),
    )
}

if __name__ == "__main__":
    for name, program in PROGRAMS.items():
        program().save(FOLDER / f"{name}.dot")
