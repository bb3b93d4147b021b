"""The sizes in the figure: that they are the gradient as derived by hand, and that nothing of it is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import rms as size_of
from minigrad.rnn.figure.attribution import Attribution, Figure
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn import handmade
from tests.rnn.figure.models import CELLS, Gated, Stacked, Wired, data, example, network, textbook

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


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
            use = name, ("y" if name in "Vc" else "z", t)
            taps[use] = terms[t - 1]
            accumulated[use] = terms[t - 1 :].sum(axis=0)

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
        role = "y" if name in "Vc" else "z"
        whole = figure.accumulated[name, (role, 1)]
        assert whole == pytest.approx(rms(parameter.grad), rel=100 * float(np.finfo(dtype).eps))
        assert figure.accumulated[name, (role, 7)] == figure.taps[name, (role, 7)]


def test_without_asking_the_inputs_have_no_gradient():
    run = example()
    figure = Figure.of_run(run, run.cost)
    assert [size for (role, _), size in figure.sizes.items() if role == "x"] == [None] * 5
    assert figure.connections[("x", 2), ("z", 2)] is None


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
    for use, size in figure.taps.items():
        name, (_, t) = use
        assert size == pytest.approx(rms(terms[name, t]), rel=1e-9, abs=1e-15)
        assert figure.accumulated[use] == pytest.approx(
            rms(sum(terms[name, s] for s in range(t, T + 1))), rel=1e-9, abs=1e-15
        )


def test_frozen_parameters_have_no_gradient():
    model = network("W")
    model.U = Tensor(model.U.data, name="U")
    run = unroll(model, *data(3))
    figure = Figure.of_run(run, run.cost)
    assert {size for (name, _), size in figure.taps.items() if name == "U"} <= {None}
    assert figure.taps["W", ("z", 2)] > 0


@kinds
def test_one_wiring_serves_any_number_of_gradients(kind):
    run = example(kind, T=4)
    wiring = Wiring.of_run(run)
    for t in range(4):
        assert Figure.of(wiring, run["C"][t]) == Figure.of_run(run, run["C"][t])
    together, whole = Figure.of(wiring, *run["C"]), Figure.of_run(run, run.cost)
    for table in ("sizes", "connections", "taps", "accumulated"):
        sizes = {key: size for key, size in getattr(whole, table).items() if size is not None}
        assert {key: getattr(together, table)[key] for key in sizes} == pytest.approx(sizes, rel=1e-12)


def test_values_are_measured_without_a_walk():
    run = example("WR", T=3)
    figure = Figure.of_values(Wiring.of_run(run))
    assert figure.sizes["h", 2] == size_of(run["h"][1].data)
    assert figure.sizes["h", 0] == 0
    assert figure.parameters["W"] == size_of(run.model.W.data)
    assert {*figure.connections.values(), *figure.taps.values()} == {None}
    assert figure.connections.keys() == textbook("WR", 3)


@pytest.mark.parametrize("cell", CELLS)
def test_the_contributions_to_every_cell_are_its_gradient(cell):
    """Of gates that are cut from one product, too."""
    run = unroll(CELLS[cell](), *data(3, (2,)))
    figure = Figure.of_run(run, run.cost)
    for name, parameter in run.model.parameters().items():
        whole = size_of(gradients(run.cost, [parameter])[0])
        assert figure.parameters[name] == pytest.approx(whole, rel=1e-12)
        first = next(use for use in figure.accumulated if use[0] == name)
        assert figure.accumulated[first] == pytest.approx(whole, rel=1e-12)


# -- nothing is missing -----------------------------------------------------------------------------------------------


class Hiding(Wired):
    """Some of its roles have no place in the figure, so that others are made from one nameless tensor; one has two."""

    def step(self, bound, x, carried):
        made = super().step(bound, x, carried)
        shown = {role: tensor for role, tensor in made.items() if role not in self.hidden}
        return {"twice": made[self.roles[0]], **shown} if self.twice else shown


def bent(tensor):
    """Some number that a tensor is penalised by."""
    return np.sum(np.tanh(tensor) ** 2)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5), T=st.integers(1, 4), choose=st.data())
def test_contributions_and_what_comes_from_elsewhere_are_the_gradient(seed, n, T, choose):
    """With penalties, shared and twice named parameters, nameless tensors, and a run before or beside this one."""
    rng = np.random.default_rng(seed)
    model = Hiding((*("a", "b1", "c", "b2", "e")[: n - 1], "y"), rng)
    model.hidden = {role for role in model.roles[:-1] if role not in model.carried and rng.random() < 0.4}
    model.twice = choose.draw(st.booleans(), label="a role with two names")
    if choose.draw(st.booleans(), label="tied"):
        model.again = model.b
    xs = Tensor(rng.normal(size=(T, 2)), requires_grad=choose.draw(st.booleans(), label="x is asked"))
    if choose.draw(st.booleans(), label="x made from parameters"):
        xs = xs * model.b
    before = unroll(model, xs, rng.normal(size=(T, 2)))
    started = {"initial": before.final} if choose.draw(st.booleans(), label="goes on") else {}
    run = unroll(model, xs, rng.normal(size=(T, 2)), **started)
    of = run.cost
    for term in choose.draw(st.sets(st.sampled_from(["before", "penalty", "product", "state"])), label="terms"):
        values = list(model.parameters().values())
        of = (
            of
            + {
                "before": lambda: before.cost,
                "penalty": lambda values=values: sum(map(bent, values[: len(values) // 2 + 1])),
                "product": lambda values=values: bent(values[-1]) * bent(run["y"][0]),
                "state": lambda: bent(run.final[model.carried[0]]),
            }[term]()
        )
    if choose.draw(st.booleans(), label="the earlier one is drawn"):
        run = before
    nameless = next(iter(run["y"][-1].args), of)  # an output that hears nothing is a constant
    if nameless.requires_grad and choose.draw(st.booleans(), label="something within a step is differentiated"):
        of = np.sum(nameless) if choose.draw(st.booleans(), label="its sum") else nameless
    wiring = Wiring.of_run(run, of, ending=True)
    found = Attribution(wiring, [of])
    parts = {name: [share] for name, share in found.elsewhere().items()}
    for (name, _), share in found.contributions():
        parts.setdefault(name, []).append(share)
    assert parts.keys() == {name for name, _ in wiring.uses} == Figure.of(wiring, of).parameters.keys()
    for name, shares in parts.items():
        (gradient,) = gradients(of, [model.parameters()[name]], np.ones_like(of.data))
        scale = max(np.max(np.abs(share)) for share in shares)
        np.testing.assert_allclose(sum(shares), gradient, rtol=1e-12, atol=1e-12 * scale, err_msg=name)
    # And so with every circle: what went to it along all lines, from others and from what is differentiated.
    straight = found.ends()
    for place, tensor in wiring.tensors.items():
        if place[1] and tensor.requires_grad and not model.twice:
            shares = [found.through(connection) for connection in wiring.connections if connection[0] == place]
            shares += [straight[place]] if place in straight else []
            (gradient,) = gradients(of, [tensor], np.ones_like(of.data))
            scale = max((np.max(np.abs(share)) for share in shares), default=0.0)
            np.testing.assert_allclose(sum(shares), gradient, rtol=1e-12, atol=1e-12 * scale, err_msg=str(place))


@pytest.mark.parametrize("earlier", [False, True])
def test_what_comes_from_elsewhere_is_the_gradient_of_parameters_of_its_own(earlier):
    """What is the same parameter here and elsewhere gets there what a copy of it would get, and here likewise."""
    (xs, targets), here, there = data(4), network("W"), network("W")
    found = []
    for other in (here, there):
        before = unroll(other, xs, targets)
        run = unroll(here, xs, targets, **({"initial": before.final} if earlier else {}))
        of = run.cost + 100 * np.sum(other.W**2) + before.cost
        found.append((Figure.of_run(run, of), of))
    (together, _), (apart, of) = found
    assert together.elsewhere.keys() == together.parameters.keys() == set("WUVbc")
    assert apart.elsewhere == {}
    for name, copy in there.parameters().items():
        assert together.elsewhere[name] == pytest.approx(rms(gradients(of, [copy])[0]), rel=1e-12)
        whole = sum(gradients(of, [copy, here.parameters()[name]]))
        assert together.parameters[name] == pytest.approx(rms(whole), rel=1e-12)
    assert together.taps == apart.taps


def test_of_a_parameter_that_is_used_in_the_steps_alone_nothing_comes_from_elsewhere():
    run = example("WR")
    assert Figure.of_run(run, run.cost).elsewhere == {}
    detached = unroll(run.model, *data(5), initial=run)
    assert Figure.of_run(detached, detached.cost).elsewhere == {}
    only = Figure.of_run(run, run.cost + np.sum(run.model.W))
    assert set(only.elsewhere) == {"W"}
    assert only.elsewhere["W"] == pytest.approx(1)


class Nameless(Gated):
    """All gates are cut from one product that has no role."""

    roles = Gated.roles[1:]

    def step(self, bound, x, carried):
        step = super().step(bound, x, carried)
        del step["z"]
        return step


def test_what_goes_into_a_nameless_tensor_is_told_apart_by_what_comes_of_it():
    """Each gate gets its own share: the one that it would get if it had a product of its own."""
    T, model, whole = 3, Nameless(2, 4, 3), Gated(2, 4, 3)
    run, other = unroll(model, *data(T)), unroll(whole, *data(T))
    figure = Figure.of_run(run, run.cost)
    for t in range(1, T + 1):
        gates = gradients(other.cost, [other[role][t - 1] for role in "ifog"])
        values = [other[role][t - 1].data for role in "ifog"]
        slopes = [v * (1 - v) for v in values[:3]] + [1 - values[3] ** 2]
        h = other.carried[t - 1]["h"].data
        for k, role in enumerate("ifog"):
            share = np.zeros(16)
            share[4 * k : 4 * k + 4] = gates[k] * slopes[k]
            assert figure.taps["W", (role, t)] == pytest.approx(rms(np.outer(share, h)), rel=1e-12, abs=1e-15)
            assert figure.connections[("h", t - 1), (role, t)] == pytest.approx(rms(share @ whole.W.data), rel=1e-12)
