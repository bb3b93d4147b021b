"""Entries of the gallery: the models of `minigrad.rnn`, and what else goes on around a run. See make_gallery.py."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.rnn import GRU, LSTM, RNN, Bidirectional, Stacked, draw, run_of, unroll


def data(T, batch=()):
    rng = np.random.default_rng(0)
    return rng.normal(size=(T, *batch, 2)), rng.normal(size=(T, *batch, 1))


def lstm():
    """An LSTM

    z holds what all gates are made from. The cell state c has a lane of its own: through it the gradient goes the
    short way, by the forget gates alone.
    """
    return draw(unroll(LSTM(2, 8, 1, rng=0), *data(3)))


def gru():
    """A GRU

    h goes on in a straight line, past the gates. W, U and b are used twice in every step, for z and for n, and each of
    these uses has its own share.
    """
    return draw(unroll(GRU(2, 8, 1, rng=0), *data(3)))


def two_layers():
    """Two layers

    Both have a W; the numbers tell them apart.
    """
    return draw(unroll(Stacked([RNN(2, 8, rng=0), RNN(8, 8, 1, rng=1)]), *data(3)))


def both_directions():
    """Both directions

    The second network goes back in time, and starts behind the last step.
    """
    return draw(unroll(Bidirectional(RNN(2, 8, rng=0), RNN(2, 8, rng=1), n_out=1), *data(3)))


def encoder():
    """An encoder

    What is differentiated may lie outside of the run: here it is the cost of a decoder, which goes on from the
    encoder's last state. It is a node, and the line to it says where it was made from.
    """
    xs, targets = data(4)
    encoder = unroll(RNN(2, 8, rng=0), xs, scope="encoder")
    decoder = unroll(RNN(1, 8, 1, rng=1), targets, targets, initial=encoder.final, scope="decoder")
    return draw(encoder, decoder.cost)


def decoder():
    """And its decoder

    The same two runs, the other way: h₀ passes the gradient on to the encoder. Were both the same network, its
    parameters would be used elsewhere, too.
    """
    xs, targets = data(4)
    encoder = unroll(RNN(2, 8, rng=0), xs, scope="encoder")
    decoder = unroll(RNN(1, 8, 1, rng=1), targets, targets, initial=encoder.final, scope="decoder")
    return draw(decoder)


def windows():
    """Truncated windows

    h is detached after every second step. Values pass, no gradient does.
    """

    class Truncated(RNN):
        done = 0

        def step(self, bound, x, carried):
            if self.done and self.done % 2 == 0:
                carried = {"h": carried["h"].detach()}
            self.done += 1
            return super().step(bound, x, carried)

    return draw(unroll(Truncated(2, 8, 1, rng=0), *data(6)))


def many_to_one():
    """Many to one

    Only the last step has a target.
    """
    xs, targets = data(5)
    run = unroll(RNN(2, 8, 1, rng=0), xs, targets[-1], at="last")
    return draw(run, targets=True)


def penalty():
    """A penalty

    The gradient of W has one part that comes from the steps, along the bus, and one from elsewhere, the penalty. The
    box shows both together.
    """
    model = RNN(2, 8, 1, rng=0)
    run = unroll(model, *data(3))
    loss = run.cost + 0.1 * np.sum(model.W**2)
    loss.name = "loss"
    return draw(run, loss)


def worked_example():
    """A worked example

    One unit, two steps, and the lecture's notation: ỹ is the output, y the target.
    """
    run = unroll(RNN(1, 1, 1, rng=0), [[1.0], [-1.0]], [[0.5], [0.0]])
    return draw(run, targets=True, numbers=True)


def loop():
    """A loop of your own

    Plain NumPy, without a model: `rnn.run_of` reads it back from the graph of its cost. Inputs, targets and h₀ are
    arrays. [loops.md](loops.md) tells how.
    """
    W, U = (mg.Tensor(np.ones(shape) / 4, True, name) for name, shape in (("W", (4, 4)), ("U", (4, 2))))
    V = mg.Tensor(np.ones((1, 4)), True, "V")
    h, cost = np.zeros(4), 0.0
    for x, y in zip(*data(4), strict=True):
        h = np.tanh(W @ h + U @ x)
        cost = cost + np.sum((V @ h - y) ** 2)
    return draw(run_of(cost), targets=True)


def translation():
    """Encoder and decoder, by hand

    Names that count tell the steps apart, and the decoder's steps are numbered on. It starts from what the encoder has
    come to, and has to say it backwards.
    """
    W, S = (mg.Tensor(np.eye(3) / 2, requires_grad=True, name=name) for name in "WS")
    U, V = (mg.Tensor(np.ones((3, 2)) / 4, requires_grad=True, name=name) for name in "UV")
    (xs, _), e, cost = data(6), np.zeros(3), 0.0
    for t in (1, 2, 3):
        e = np.tanh(W @ e + U @ xs[t - 1])
        e.name = f"e_{t}"
    s = e
    for t in (4, 5, 6):
        s = np.tanh(S @ s)
        y = V.T @ s
        s.name, y.name = f"s_{t}", f"y_{t}"
        cost = cost + np.sum((y - xs[6 - t]) ** 2)
    return draw(run_of(cost))


MODELS = [lstm, gru, two_layers, both_directions, encoder, decoder, windows, many_to_one, penalty, worked_example]
MODELS += [loop, translation]
