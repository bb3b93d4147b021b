"""Loops as people write them, in plain NumPy and without a model: each returns the cost, and what it has collected."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.functions import cross_entropy, logistic


class Drawn:
    """Parameters and data, the same ones every time."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)

    def parameter(self, name, *shape):
        return mg.Tensor(self.rng.normal(0, 0.5, shape), requires_grad=True, name=name)

    def rnn(self, n_in=2, n=5, n_out=1):
        """W, U, b, V, c."""
        shapes = {"W": (n, n), "U": (n, n_in), "b": (n,), "V": (n_out, n), "c": (n_out,)}
        return [self.parameter(name, *shape) for name, shape in shapes.items()]

    def data(self, T, n_in=2, n_out=1):
        return self.rng.normal(size=(T, n_in)), self.rng.normal(size=(T, n_out))


def nameless(T=4, first=0):
    """No name but those of the parameters, no scope, no list."""
    drawn = Drawn()
    (W, U, b, V, c), (xs, ys) = drawn.rnn(), drawn.data(T)
    h, cost = np.zeros(5), first
    for x, y in zip(xs, ys, strict=True):
        h = np.tanh(W @ h + U @ x + b)
        cost = cost + np.sum((V @ h + c - y) ** 2)
    return cost, {}


def named(T=4, count="{}_{}", first=1):
    """Names that count."""
    drawn = Drawn()
    (W, U, b, V, c), (xs, ys) = drawn.rnn(), drawn.data(T)
    h, costs = np.zeros(5), []
    for t in range(T):
        h = np.tanh(W @ h + U @ xs[t] + b)
        y = V @ h + c
        C = np.sum((y - ys[t]) ** 2)
        for role, tensor in {"h": h, "y": y, "C": C}.items():
            tensor.name = count.format(role, t + first)
        costs.append(C)
    return sum(costs), {}


def scoped(T=4):
    """Scopes that count, from 0; a mean over the steps."""
    drawn = Drawn()
    (W, U, b, V, c), (xs, ys) = drawn.rnn(), drawn.data(T)
    h, cost = np.zeros(5), 0.0
    for t in range(T):
        with mg.scope(f"t={t}"):
            h = np.tanh(W @ h + U @ xs[t] + b)
            cost = cost + np.mean((V @ h + c - ys[t]) ** 2)
    return cost / T, {}


def lists(T=4):
    """Lists of what the steps made; one cost of all outputs, after the loop."""
    drawn = Drawn()
    (W, U, b, V, c), (xs, ys) = drawn.rnn(), drawn.data(T)
    h, hs, outputs = np.zeros(5), [], []
    for x in xs:
        h = np.tanh(W @ h + U @ x + b)
        hs.append(h)
        outputs.append(V @ h + c)
    return np.mean((np.stack(outputs) - ys) ** 2), {"h": hs, "y": outputs}


def last(T=4):
    """Many to one: only the last step has an output."""
    drawn = Drawn()
    (W, U, b, V, c), (xs, ys) = drawn.rnn(n_out=3), drawn.data(T, n_out=3)
    h = np.zeros(5)
    for x in xs:
        h = np.tanh(W @ h + U @ x + b)
    return np.sum((V @ h + c - ys[-1]) ** 2), {"h": h}


def feedback(T=4):
    """The output is heard by the next step."""
    drawn = Drawn()
    (_, U, b, V, _), (xs, ys) = drawn.rnn(), drawn.data(T)
    R, y, cost = drawn.parameter("R", 5, 1), np.zeros(1), 0
    for t in range(T):
        h = np.tanh(R @ y + U @ xs[t] + b)
        y = V @ h
        cost = cost + np.sum((y - ys[t]) ** 2)
    return cost, {}


def scalars(T=4):
    """Numbers instead of vectors."""
    drawn = Drawn()
    w, u, (xs, ys) = drawn.parameter("w"), drawn.parameter("u"), drawn.data(T)
    h, cost = 0.0, 0
    for t in range(T):
        h = np.tanh(w * h + u * xs[t, 0])
        cost = cost + (h - ys[t, 0]) ** 2
    return cost, {}


def lstm(T=3):
    """Every gate on its own."""
    drawn, n = Drawn(), 4
    shapes = {"W": (n, n), "U": (n, 2), "b": (n,)}
    W, U, b = ({gate: drawn.parameter(f"{M}_{gate}", *shape) for gate in "ifgo"} for M, shape in shapes.items())
    V, (xs, ys) = drawn.parameter("V", 1, n), drawn.data(T)
    h = c = np.zeros(n)
    cost = 0
    for t, x in enumerate(xs, 1):
        z = {gate: W[gate] @ h + U[gate] @ x + b[gate] for gate in "ifgo"}
        i, f, o = (logistic(z[gate]) for gate in "ifo")
        g = np.tanh(z["g"])
        c = f * c + i * g
        h = o * np.tanh(c)
        y = V @ h
        for role, tensor in {"i": i, "f": f, "o": o, "g": g, "c": c, "h": h, "y": y}.items():
            tensor.name = f"{role}_{t}"
        cost = cost + np.sum((y - ys[t - 1]) ** 2)
    return cost, {}


def layers(T=3):
    """Two layers; in scopes, names need not count."""
    drawn, n = Drawn(), 4
    W1, U1, W2, U2 = (drawn.parameter(name, n, n) for name in ("W1", "U1", "W2", "U2"))
    V, (xs, ys) = drawn.parameter("V", 1, n), drawn.data(T, n_in=n)
    h1, h2, cost = np.zeros(n), np.zeros(n), 0
    for t in range(T):
        with mg.scope(f"step {t + 1}"):
            h1 = np.tanh(W1 @ h1 + U1 @ xs[t])
            h2 = np.tanh(W2 @ h2 + U2 @ h1)
            h1.name, h2.name = "h1", "h2"
            cost = cost + np.sum((V @ h2 - ys[t]) ** 2)
    return cost, {}


def characters(T=4):
    """After Karpathy's min-char-rnn: dicts by the step, which begin at -1; one-hot inputs, targets as numbers."""
    drawn, size, n = Drawn(), 4, 5
    Wxh, Whh, Why = drawn.parameter("Wxh", n, size), drawn.parameter("Whh", n, n), drawn.parameter("Why", size, n)
    bh, by = drawn.parameter("bh", n, 1), drawn.parameter("by", size, 1)
    inputs, targets = drawn.rng.integers(size, size=T), drawn.rng.integers(size, size=T)
    xs, hs, ys, ps, loss = {}, {-1: np.zeros((n, 1))}, {}, {}, 0
    for t in range(T):
        xs[t] = np.zeros((size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        ys[t] = Why @ hs[t] + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][int(targets[t]), 0])
    return loss, {"h": hs, "y": ys, "p": ps}


def rows(T=3):
    """A batch, as rows; transposed once; a start that is learnt; tensors as data, counted from 0; names of its own."""
    drawn = Drawn()
    W, U, b, V, c = drawn.rnn(n_out=3)
    xs, ys = mg.Tensor(drawn.rng.normal(size=(T, 6, 2))), np.eye(3)[drawn.rng.integers(3, size=(T, 6))]
    h, total = drawn.parameter("h0", 5), 0.0
    WT, UT, VT = W.T, U.T, V.T
    for t in range(T):
        x = xs[t]
        h = np.tanh(h @ WT + x @ UT + b)
        loss = cross_entropy(ys[t], h @ VT + c)
        x.name, h.name, loss.name = f"in{t}", f"h{t + 1}", f"loss{t + 1}"
        total = total + loss
    return total, {}


def translation(T=4):
    """An encoder hears, a decoder speaks: its steps are numbered on."""
    drawn, half = Drawn(), T // 2
    (W, U, _, V, _), S, R = drawn.rnn(), drawn.parameter("S", 5, 5), drawn.parameter("R", 5, 1)
    (xs, ys), e, cost = drawn.data(T), np.zeros(5), 0
    for t in range(half):
        e = np.tanh(W @ e + U @ xs[t])
        e.name = f"e_{t + 1}"
    s = e
    for t in range(half, T):
        s = np.tanh(S @ s + R @ ys[t - 1])
        y = V @ s
        s.name, y.name = f"s_{t + 1}", f"y_{t + 1}"
        cost = cost + np.sum((y - ys[t]) ** 2)
    return cost, {}


ALL = {
    loop.__name__: loop
    for loop in (nameless, named, scoped, lists, last, feedback, scalars, lstm, layers, characters, rows, translation)
}
