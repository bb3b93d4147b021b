"""What the textbook figure shows: that it is the network and its gradient as derived by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import rms as size_of
from minigrad.rnn.figure.wiring import Figure, Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn import handmade
from tests.rnn.figure.models import Gated, Stacked, Truncated, data, example, network, textbook

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


# -- what is shown is what was derived --------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("functions", [{}, {"f": "logistic", "g": "softmax"}, {"f": "identity"}, {"f": "relu"}])
@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("T", [1, 2, 4])
def test_the_connections_are_the_textbooks(kind, forced, functions, cost, T):
    forced = forced and "R" in kind
    run = unroll(network(kind, **functions), *data(T), cost=cost, teacher_forcing=forced)
    figure = Figure.of_run(run, run.cost)
    assert set(figure.connections) == textbook(kind, T, forced)
    roles = {(role, t) for role in ("x", "z", "h", "y", "C") for t in range(1, T + 1)}
    initial = {(role, 0) for role in run.model.carried}
    targets = {("target", t) for t in range(1, T + 1)} if forced else set()
    assert set(figure.tensors) == set(figure.sizes) == roles | initial | targets
    assert figure.recurrent == {name: role for name, role in (("W", "h"), ("R", "y")) if name in kind}
    at = {"V": "y", "c": "y"}
    used = {(name, (at.get(name, "z"), t)) for name in run.model.parameters() for t in range(1, T + 1)}
    assert set(figure.taps) == used
    assert set(figure.accumulated) == {(name, t) for name, (_, t) in used}


@kinds
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    T=st.integers(1, 6),
    batch=st.sampled_from([(), (1,), (3,)]),
    f=st.sampled_from(["tanh", "logistic", "identity"]),
    g=st.sampled_from(["identity", "tanh", "softmax"]),
    cost=st.sampled_from(["squared_error", "cross_entropy"]),
    forced=st.booleans(),
    last=st.booleans(),
)
def test_every_size_is_derived_by_hand(kind, seed, T, batch, f, g, cost, forced, last):
    model, (xs, targets) = network(kind, f=f, g=g, rng=seed), data(T, batch, seed)
    forced = forced and "R" in kind
    xs = Tensor(xs, requires_grad=True)
    run = unroll(model, xs, targets, cost=cost, teacher_forcing=forced)
    figure = Figure.of_run(run, run["C"][-1] if last else run.cost)

    weights = np.eye(T)[-1] if last else np.ones(T)
    p = model.state_dict()
    trace = handmade.feed_forward(p, xs.data, targets, f=f, g=g, cost=cost, forced=forced)
    back = handmade.propagate_back(trace, weights)
    dx, dz, dh, do, dy = (back.deltas[role] for role in ("x", "z", "h", "o", "y"))
    own = handmade.COST_SLOPES[cost](targets, trace.y) * weights.reshape(-1, *[1] * (targets.ndim - 1))
    sizes = {(role, 0): value for role, value in back.initial.items()}
    connections = {}
    for t in range(1, T + 1):
        i = t - 1
        sizes |= {("x", t): dx[i], ("z", t): dz[i], ("h", t): dh[i], ("y", t): dy[i], ("C", t): weights[i]}
        connections |= {(("x", t), ("z", t)): dx[i], (("z", t), ("h", t)): dz[i], (("y", t), ("C", t)): own[i]}
        connections[("h", t), ("y", t)] = do[i] @ p["V"]
        if "W" in kind:
            connections[("h", t - 1), ("z", t)] = dz[i] @ p["W"]
        if "R" in kind and (t == 1 or not forced):
            connections[("y", t - 1), ("z", t)] = dz[i] @ p["R"]
    taps, accumulated = {}, {}
    for name, terms in handmade.contributions(trace, back).items():
        for t in range(1, T + 1):
            taps[name, ("y" if name in "Vc" else "z", t)] = terms[t - 1]
            accumulated[name, t] = terms[t - 1 :].sum(axis=0)

    def agrees(found, expected, besides=()):
        assert {key for key, size in found.items() if size is None} == set(besides)
        for key, values in expected.items():
            assert found[key] == pytest.approx(rms(values), rel=1e-9, abs=1e-15), key
            assert (found[key] == 0) == (not np.any(values)), key

    aside = [("target", t) for t in range(1, T + 1)] if forced else []
    agrees(figure.sizes, sizes, aside)
    fed = [(tail, head) for tail, head in textbook(kind, T, forced) if tail[0] == "target"]
    agrees(figure.connections, connections, fed)
    agrees(figure.taps, taps)
    agrees(figure.accumulated, accumulated)


@kinds
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_all_contributions_together_are_the_gradient(kind, dtype):
    run = unroll(network(kind, dtype=dtype), *data(7, (2,)))
    figure = Figure.of_run(run, run.cost)
    run.cost.backward()
    for name, parameter in run.model.parameters().items():
        assert figure.accumulated[name, 1] == pytest.approx(rms(parameter.grad), rel=100 * float(np.finfo(dtype).eps))
        assert figure.accumulated[name, 7] == figure.taps[name, ("y" if name in "Vc" else "z", 7)]


def test_without_asking_the_inputs_have_no_gradient():
    run = example()
    figure = Figure.of_run(run, run.cost)
    assert [size for (role, _), size in figure.sizes.items() if role == "x"] == [None] * 5
    assert figure.connections[("x", 2), ("z", 2)] is None


# -- models of a reader's own -----------------------------------------------------------------------------------------


def gates(T):
    """The arrows of a cell with gates."""
    arrows = set()
    for t in range(1, T + 1):
        now = [("x", "z"), ("i", "c"), ("f", "c"), ("g", "c"), ("o", "h"), ("c", "h"), ("h", "y"), ("y", "C")]
        now += [("z", gate) for gate in "ifog"]
        arrows |= {((tail, t), (head, t)) for tail, head in now}
        arrows |= {(("h", t - 1), ("z", t)), (("c", t - 1), ("c", t))}
    return arrows


def layers(T):
    """The arrows of two layers."""
    now = [("x", "z1"), ("z1", "h1"), ("h1", "z2"), ("z2", "h2"), ("h2", "y"), ("y", "C")]
    arrows = {((tail, t), (head, t)) for tail, head in now for t in range(1, T + 1)}
    return arrows | {((f"h{n}", t - 1), (f"z{n}", t)) for n in (1, 2) for t in range(1, T + 1)}


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize(
    ("model", "arrows", "recurrent"),
    [(Gated(2, 4, 3), gates, {"W": "h"}), (Stacked(2, 4, 3), layers, {"W1": "h1", "W2": "h2"})],
)
def test_gates_and_layers_are_connected_as_they_should(model, arrows, recurrent, T):
    run = unroll(model, *data(T))
    figure = Figure.of_run(run, run.cost)
    assert set(figure.connections) == arrows(T)
    assert figure.recurrent == recurrent
    assert figure.cuts == set()


@pytest.mark.parametrize("model", [Gated(2, 4, 3), Stacked(2, 4, 3)])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_what_a_step_contributes_is_the_gradient_of_its_own_copy_of_the_parameters(model, batch):
    """With a copy for each step, the engine tells the contributions apart without any help."""
    T, (xs, targets) = 4, data(4, batch)
    run = unroll(model, xs, targets)
    figure = Figure.of_run(run, run.cost)
    originals = model.parameters()
    copies = [{name: Tensor(p.data, requires_grad=True, name=name) for name, p in originals.items()} for _ in range(T)]
    carried = {role: Tensor(value) for role, value in model.initial(batch).items()}
    cost = 0.0
    for t in range(T):
        vars(model).update(copies[t])
        step = model.step(model.bind(), Tensor(xs[t]), carried)
        carried = {role: step[role] for role in model.carried}
        cost = cost + 0.5 * np.sum((step["y"] - targets[t]) ** 2)
    vars(model).update(originals)
    factor = run.cost.item() / cost.item()  # whatever the cost's convention for batches
    wanted = [copy[name] for copy in copies for name in originals]
    grads = iter(gradients(cost, wanted))
    terms = {(name, t): factor * next(grads) for t in range(1, T + 1) for name in originals}
    assert {(name, t) for name, (_, t) in figure.taps} == terms.keys()
    for (name, (_, t)), size in figure.taps.items():
        assert size == pytest.approx(rms(terms[name, t]), rel=1e-9, abs=1e-15)
        assert figure.accumulated[name, t] == pytest.approx(
            rms(sum(terms[name, s] for s in range(t, T + 1))), rel=1e-9, abs=1e-15
        )


@pytest.mark.parametrize("every", [1, 2, 3])
def test_what_was_detached_is_a_cut(every):
    T = 6
    model = Truncated(2, 4, 3, every=every)
    run = unroll(model, *data(T))
    figure = Figure.of_run(run, run["C"][-1])
    cut = {t for t in range(2, T + 1) if (t - 1) % every == 0}
    assert figure.cuts == {(("h", t - 1), ("z", t)) for t in cut}
    assert set(figure.connections) == textbook("W", T)
    assert all(figure.connections[connection] is None for connection in figure.cuts)
    assert figure.recurrent == {"W": "h"}
    reached = {t for t in range(1, T + 1) if figure.sizes["h", t] > 0}
    assert reached == set(range(max(cut), T + 1))
    run.cost.backward()
    whole = Figure.of_run(run, run.cost)
    assert whole.accumulated["W", 1] == pytest.approx(rms(model.W.grad), rel=1e-9)


def test_what_is_carried_may_be_detached_by_whoever_unrolls():
    """Values go on through a detached tensor whoever made it, so long as they are the very same."""
    model, (xs, targets) = network("W"), data(4)
    run = unroll(model, xs, targets)
    again = unroll(model, xs[2:], targets[2:], initial={"h": run["h"][1].detach()})
    steps = [*run.steps[:2], *again.steps]
    joined = type(run)(model, [*run.carried[:2], *again.carried], steps, again.cost, False)
    assert Figure.of_run(joined, again.cost).cuts == {(("h", 2), ("z", 3))}


def test_parameters_made_from_others_outside_the_steps_are_told_apart():
    """W = A B, and a mask: what a step contributes is told for A and for B."""

    class Factored(type(network("W"))):
        def bind(self):
            return self.U.T, (self.A @ self.B * Tensor(np.tri(4))).T, self.V.T

    model, (xs, targets) = Factored(2, 4, 3), data(4)
    rng = np.random.default_rng(0)
    model.A = Tensor(rng.normal(size=(4, 2)), requires_grad=True, name="A")
    model.B = Tensor(rng.normal(size=(2, 4)), requires_grad=True, name="B")
    del model.W
    run = unroll(model, xs, targets)
    figure = Figure.of_run(run, run.cost)
    assert figure.recurrent == {"A": "h", "B": "h"}
    assert {t for name, (_, t) in figure.taps if name == "A"} == {1, 2, 3, 4}
    run.cost.backward()
    for name in "AB":
        assert figure.accumulated[name, 1] == pytest.approx(rms(getattr(model, name).grad), rel=1e-9)
    assert figure.taps["A", ("z", 1)] == 0  # h_0 = 0


def test_frozen_parameters_have_no_gradient():
    model = network("W")
    model.U = Tensor(model.U.data, name="U")
    run = unroll(model, *data(3))
    figure = Figure.of_run(run, run.cost)
    assert {size for (name, _), size in figure.taps.items() if name == "U"} <= {None}
    assert figure.taps["W", ("z", 2)] > 0


# -- several gradients of one wiring ----------------------------------------------------------------------------------


@kinds
def test_one_wiring_serves_any_number_of_gradients(kind):
    run = example(kind, T=4)
    wiring = Wiring.of_run(run)
    for t in range(4):
        assert wiring.differentiated(run["C"][t]) == Figure.of_run(run, run["C"][t])
    together, whole = wiring.differentiated(*run["C"]), Figure.of_run(run, run.cost)
    for table in ("sizes", "connections", "taps", "accumulated"):
        sizes = {key: size for key, size in getattr(whole, table).items() if size is not None}
        assert {key: getattr(together, table)[key] for key in sizes} == pytest.approx(sizes, rel=1e-12)


def test_values_are_measured_without_a_walk():
    run = example("WR", T=3)
    figure = Wiring.of_run(run).of_values()
    assert figure.sizes["h", 2] == size_of(run["h"][1].data)
    assert figure.sizes["h", 0] == 0
    assert figure.accumulated["W", 1] == size_of(run.model.W.data)
    assert {*figure.connections.values(), *figure.taps.values()} == {None}
    assert figure.connections.keys() == textbook("WR", 3)
