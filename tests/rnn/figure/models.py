"""Models to be drawn: those of `minigrad.rnn` by the letters of what they hear, and some that it has not.

Of the latter each tells the figure where its roles stand, and nothing else is done for it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.functions import logistic
from minigrad.module import Module
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN
from minigrad.rnn.cells import Stacked as Layers
from minigrad.rnn.unrolling import unroll

CELLS = {
    "RNN": lambda: RNN(2, 4, 3),
    "normalised": lambda: RNN(2, 4, 3, layer_norm=True),
    "LSTM": lambda: LSTM(2, 4, 3),
    "peepholes": lambda: LSTM(2, 4, 3, peepholes=True),
    "GRU": lambda: GRU(2, 4, 3),
    "reset before": lambda: GRU(2, 4, 3, reset="before"),
    "MinGRU": lambda: MinGRU(2, 4, 3),
    "LRU": lambda: LRU(2, 4, 3),
    "without outputs": lambda: LSTM(2, 3),
    "layers": lambda: Layers([RNN(2, 4), RNN(4, 4, 3)]),
    "layers of gates": lambda: Layers([LSTM(2, 4), GRU(4, 4, 3)]),
}
"""What `minigrad.rnn` has, all with two inputs and three outputs."""


def network(kind, **options):
    """ "W" hears h, "R" its output, "WR" both."""
    sizes = {"n_in": 2, "n_hidden": 4, "n_out": 3, "rng": 0, **options}
    return OutputFeedbackRNN(hidden="W" in kind, **sizes) if "R" in kind else RNN(**sizes)


def data(T, batch=(), seed=0):
    """Inputs and targets for `network`."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, *batch, 2)), rng.uniform(0, 1, size=(T, *batch, 3))


def example(kind="W", T=5, batch=(), **options):
    """A run of it."""
    return unroll(network(kind), *data(T, batch), **options)


def textbook(kind, T, forced=False):
    """The arrows of the textbooks' figure."""
    arrows = set()
    for t in range(1, T + 1):
        arrows |= {(("x", t), ("z", t)), (("z", t), ("h", t)), (("h", t), ("y", t)), (("y", t), ("C", t))}
        if "W" in kind:
            arrows.add((("h", t - 1), ("z", t)))
        if "R" in kind:
            arrows.add((("target" if forced and t > 1 else "y", t - 1), ("z", t)))
        if forced:
            arrows.add((("target", t), ("C", t)))
    return arrows


def _matrix(name, rng, m, n):
    return Tensor(rng.normal(0, 1 / np.sqrt(n), (m, n)), requires_grad=True, name=name)


class Gated(Module):
    """A cell with gates (Hochreiter, Schmidhuber 1997; Gers et al. 2000): c = f c' + i g, h = o tanh(c)."""

    roles = ("z", "i", "f", "o", "g", "c", "h", "y")
    carried = ("h", "c")
    layout: ClassVar = {
        "x": (0, -1), "z": (0, 0), "o": (1, 0), "g": (1.4, 1), "i": (1.1, 2), "f": (1, 3),
        "c": (2.1, 3.6), "h": (2.6, 0), "y": (3.2, 1), "C": (3.2, 2),
    }  # fmt: skip
    folded: ClassVar = {"x": (0, -1), "z": (0, 0), "c": (-1, 0.8), "h": (0, 1.2), "y": (0, 2.2), "C": (0, 3.2)}

    def __init__(self, n_in, n, n_out, rng=0):
        rng = np.random.default_rng(rng)
        self.n_in, self.n, self.dtype = n_in, n, np.dtype(float)
        self.W, self.U, self.V = (
            _matrix("W", rng, 4 * n, n),
            _matrix("U", rng, 4 * n, n_in),
            _matrix("V", rng, n_out, n),
        )
        self.b = Tensor(np.zeros(4 * n), requires_grad=True, name="b")

    def initial(self, batch):
        return {"h": np.zeros((*batch, self.n)), "c": np.zeros((*batch, self.n))}

    def bind(self):
        return self.U.T, self.W.T, self.V.T

    def step(self, bound, x, carried):
        UT, WT, VT = bound
        z = x @ UT + carried["h"] @ WT + self.b
        i, f, o = (logistic(z[..., k * self.n : (k + 1) * self.n]) for k in range(3))
        g = np.tanh(z[..., 3 * self.n :])
        c = f * carried["c"] + i * g
        h = o * np.tanh(c)
        return {"z": z, "i": i, "f": f, "o": o, "g": g, "c": c, "h": h, "y": h @ VT}


class Stacked(Module):
    """Two layers; the roles end in digits."""

    roles = ("z1", "h1", "z2", "h2", "y")
    carried = ("h1", "h2")
    layout: ClassVar = {
        "x": (0, -1), "z1": (0, 0), "h1": (1, 0), "z2": (1, 1), "h2": (2, 1), "y": (2, 2), "C": (2, 3)
    }  # fmt: skip
    folded: ClassVar = {"x": (0, -1), "h1": (0, 0), "h2": (0, 1), "y": (0, 2), "C": (0, 3)}

    def __init__(self, n_in, n, n_out, rng=0):
        rng = np.random.default_rng(rng)
        self.n_in, self.n, self.dtype = n_in, n, np.dtype(float)
        self.W1, self.U1 = _matrix("W1", rng, n, n), _matrix("U1", rng, n, n_in)
        self.W2, self.U2, self.V = _matrix("W2", rng, n, n), _matrix("U2", rng, n, n), _matrix("V", rng, n_out, n)

    def initial(self, batch):
        return {"h1": np.zeros((*batch, self.n)), "h2": np.zeros((*batch, self.n))}

    def bind(self):
        return self.U1.T, self.W1.T, self.U2.T, self.W2.T, self.V.T

    def step(self, bound, x, carried):
        U1T, W1T, U2T, W2T, VT = bound
        z1 = x @ U1T + carried["h1"] @ W1T
        h1 = np.tanh(z1)
        z2 = h1 @ U2T + carried["h2"] @ W2T
        h2 = np.tanh(z2)
        return {"z1": z1, "h1": h1, "z2": z2, "h2": h2, "y": h2 @ VT}


class Truncated(RNN):
    """Truncated back-propagation through time: after every ``every`` steps h is detached."""

    def __init__(self, *sizes, every, **options):
        super().__init__(*sizes, **options)
        self.every, self.count = every, 0

    def bind(self):
        self.count = 0
        return super().bind()

    def step(self, bound, x, carried):
        if self.count and self.count % self.every == 0:
            carried = {role: tensor.detach() for role, tensor in carried.items()}
        self.count += 1
        return super().step(bound, x, carried)


class Named(Module):
    """Its carried role and its only parameters have the names that it is given."""

    def __init__(self, role, *parameters):
        self.roles, self.carried, self.names = (role, "y"), (role,), parameters
        self.layout = {"x": (0, -1), role: (0, 0), "y": (0, 1), "C": (0, 2)}
        self.n_in, self.dtype = 1, np.dtype(float)
        for name in parameters:
            setattr(self, name, Tensor(np.eye(1), requires_grad=True, name=name))

    def initial(self, batch):
        return {self.carried[0]: np.zeros((*batch, 1))}

    def bind(self):
        return tuple(getattr(self, name).T for name in self.names)

    def step(self, bound, x, carried):
        h = np.tanh(sum(x @ matrix for matrix in bound) + carried[self.carried[0]])
        return {self.carried[0]: h, "y": h * 1.0}

    def run(self, T=3):
        return unroll(self, np.ones((T, 1)), np.zeros((T, 1)))


class Wired(Module):
    """A model of some roles that are made from one another, from x and from the step before as ``rng`` pleases.

    Every role has matrices of its own (``W_a_b`` leads from a to b), or only some of them: then what it hears is added.
    """

    def __init__(self, roles, rng, n=2):
        self.n_in, self.n, self.dtype, self.roles = n, n, np.dtype(float), roles
        self.b = Tensor(np.zeros(n), requires_grad=True, name="b")
        self.carried = tuple(role for role in roles if rng.random() < 0.5) or roles[:1]
        self.hears, later = {}, dict.fromkeys(self.carried, False)
        for i, role in enumerate(roles):
            now = [other for other in ("x", *roles[:i]) if rng.random() < 0.6]
            before = [other for other in self.carried if rng.random() < 0.6]
            later |= dict.fromkeys(before, True)
            self.hears[role] = now or ["x"], before
        for role in (role for role, heard in later.items() if not heard):
            self.hears[role][1].append(role)
        for role, (now, before) in self.hears.items():
            for other in (*now, *(f"{other}'" for other in before)):
                if rng.random() < 0.5:
                    setattr(self, f"W_{other}_{role}", _matrix(f"W_{other}_{role}", rng, n, n))

    def initial(self, batch):
        return {role: np.zeros((*batch, self.n)) for role in self.carried}

    def bind(self):
        return ()

    def step(self, bound, x, carried):
        made = {"x": x}
        for role, (now, before) in self.hears.items():
            z = self.b if role == self.roles[0] else 0.1
            for name, tensor in [(o, made[o]) for o in now] + [(f"{o}'", carried[o]) for o in before]:
                matrix = self.parameters().get(f"W_{name}_{role}")
                z = z + (tensor if matrix is None else tensor @ matrix.T)
            made[role] = np.tanh(z)
        del made["x"]
        return made


def wired(n, seed, T, forced=False, names=("a", "b1", "c", "b2", "e", "d")):
    """A run of such a model with ``n`` roles, the last of which is y."""
    rng = np.random.default_rng(seed)
    model = Wired((*names[: n - 1], "y"), rng)
    return unroll(
        model, rng.normal(size=(T, 2)), rng.normal(size=(T, 2)), teacher_forcing=forced and "y" in model.carried
    )
