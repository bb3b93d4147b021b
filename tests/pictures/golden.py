"""The programs whose DOT text is stored in ``golden/``: ``python -m tests.pictures.golden`` writes it anew.

Look at the pictures before committing what has changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad import Tensor, gradients, scope
from minigrad.pictures import Digraph, draw
from minigrad.rnn import RNN, Run, Stacked, unroll

FOLDER = Path(__file__).with_name("golden")


def run(steps: int, radius: float = 0.9, f: str = "tanh") -> Run:
    """An RNN along a sequence, the same every time."""
    model = RNN(2, 4, 1, f=f, rng=0, radius=radius)
    xs, targets = (np.random.default_rng(seed).standard_normal((steps, n)) for seed, n in ((1, 2), (2, 1)))
    return unroll(model, xs, targets)


def one_step() -> Digraph:
    return draw(run(1).cost)


def four_steps() -> Digraph:
    four = run(4)
    return draw(four["C"], four["C"][-1])


def expanded() -> Digraph:
    return draw(run(12).cost, expand="t=11")


def folded() -> Digraph:
    return draw(run(40).cost, max_nodes=20, direction="TB")


def vanishing() -> Digraph:
    return draw(run(10, 0.5)["C"][-1], level="scope")


def exploding() -> Digraph:
    return draw(run(10, 1.5, f="identity")["C"][-1], level="scope")


def gradient_of_product() -> Digraph:
    x = Tensor(0.75, requires_grad=True, name="x")
    y = np.sin(x) * x
    y.name = "y"
    (dydx,) = gradients(y, [x], create_graph=True)
    dydx.name = "dy/dx"
    return draw(dydx, forward=y)


def gates() -> Digraph:
    """Scopes within scopes, one of them open; what every gate of a step uses is no ghost."""
    weights = {gate: Tensor(np.eye(2) + i, requires_grad=True, name=f"W{gate}") for i, gate in enumerate("if")}
    h = Tensor([0.5, -0.5], requires_grad=True, name="h_0")
    for t in range(1, 4):
        made = {}
        with scope(f"t={t}"):
            for gate, W in weights.items():
                with scope(f"gate {gate}"):
                    made[gate] = np.tanh(W @ h)
            h = made["f"] * h + made["i"]
            h.name = f"h_{t}"
    return draw(np.sum(h), level="scope", expand=["t=2", "t=3/gate i"])


def by_hand() -> Digraph:
    """A loop in plain NumPy: its data are plain arrays."""
    rng = np.random.default_rng(0)
    W, U = (Tensor(rng.normal(size=(3, n)), requires_grad=True, name=name) for name, n in (("W", 3), ("U", 2)))
    h, cost = np.zeros(3), 0.0
    for t in (1, 2, 3):
        with scope(f"t={t}"):
            h = np.tanh(W @ h + U @ rng.normal(size=2))
            cost = cost + np.sum((h - rng.normal(size=3)) ** 2)
    return draw(cost)


def two_networks() -> Digraph:
    """Two layers with the same names, all in one more scope."""
    rng = np.random.default_rng(0)
    layers = [RNN(2, 3, 2, rng=rng), RNN(2, 3, 1, rng=rng)]
    with scope("network"):
        return draw(unroll(Stacked(layers), *(rng.normal(size=(2, n)) for n in (2, 1))).cost, level="operation")


def values() -> Digraph:
    """Nested scopes, zeros, infinities and constants."""
    x, w = Tensor([0.0, 4.0], requires_grad=True, name="x"), Tensor([1.0, 2.0], requires_grad=True, name="w")
    with scope("layer"):
        with scope("inner"):
            y = np.sqrt(x) * w
        with np.errstate(divide="ignore"):
            z = np.sum(y * y - Tensor([1.0, 1.0])) * 0.0 + np.sum(np.log(x)) / 2
    return draw(z, color="value")


PROGRAMS = {
    f.__name__: f
    for f in (
        one_step,
        four_steps,
        expanded,
        folded,
        vanishing,
        exploding,
        gates,
        by_hand,
        two_networks,
        gradient_of_product,
        values,
    )
}

if __name__ == "__main__":
    for name, program in PROGRAMS.items():
        program().save(FOLDER / f"{name}.dot")
