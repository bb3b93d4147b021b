"""What the textbook figure shows: that it is the network, as derived by hand."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from tests.rnn import loops
from tests.rnn.figure.models import Gated, Stacked, Truncated, data, network, textbook
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import statements

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


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
    assert set(figure.accumulated) == used


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
    assert whole.accumulated["W", ("z", 1)] == pytest.approx(rms(model.W.grad), rel=1e-9)


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
        assert figure.accumulated[name, ("z", 1)] == pytest.approx(rms(getattr(model, name).grad), rel=1e-9)
    assert figure.taps["A", ("z", 1)] == 0  # h_0 = 0


def test_a_cost_that_counts_for_nothing_is_none():
    xs, targets = data(4)
    run = unroll(network("W"), xs, targets[-1], at="last")
    assert [place for place in Wiring.of_run(run).tensors if place[0] == "C"] == [("C", 4)]


def test_plain_arrays_of_a_loop_lead_where_they_are_used():
    run = run_of(loops.lstm()[0])
    wiring = Wiring.of_run(run, run.cost, targets=True)
    for t in (1, 2, 3):
        assert {target for source, target in wiring.connections if source == ("x", t)} == {(g, t) for g in "ifog"}
        assert {target for source, target in wiring.connections if source == ("target", t)} == {("C", t)}
    assert {target for source, target in wiring.connections if source == ("h", 0)} == {(g, 1) for g in "ifog"}
    assert wiring.cuts == set()
    assert wiring.recurrent == {f"W_{g}": "h" for g in "ifog"}
    assert {name for name, place in wiring.uses if place == ("i", 2)} == {"W_i", "U_i", "b_i"}


def test_numbers_may_be_data_too():
    wiring = Wiring.of_run(run_of(loops.scalars()[0]))
    assert {(("x", 2), ("h", 2)), (("h", 0), ("h", 1)), (("h", 1), ("h", 2))} <= wiring.connections.keys()
    assert {name for name, place in wiring.uses if place == ("h", 1)} == {"w", "u"}


# -- what is handed on ------------------------------------------------------------------------------------------------


def test_the_state_of_sequences_that_have_ended_has_a_place_of_its_own():
    """So that long paddings need no lines from far away."""
    xs, targets = data(60, (3,))
    run = unroll(network("W"), xs, targets, lengths=[60, 30, 5])
    figure = Figure.of_run(run, run.cost)
    assert {t for role, t in figure.tensors if role == "h⁺"} == set(range(6, 60))
    assert max(t - s for (_, s), (_, t) in figure.connections) == 1
    assert {(("h", 6), ("h⁺", 6)), (("h", 5), ("h⁺", 6)), (("h⁺", 6), ("h⁺", 7)), (("h⁺", 6), ("z", 7))} <= set(
        figure.connections
    )
    assert figure.recurrent == {"W": "h"}
    assert figure.connections[("h⁺", 6), ("h⁺", 7)] == 0  # what stays there is never heard of again
    picture = draw(run)
    (id,) = (id for id, part in picture.parts.items() if part.key == ("h⁺", 59) and part.kind == "place")
    assert statements(picture.source)[0][id]["label"] == "h⁺₅₉"
    assert faults(draw(unroll(network("W"), *data(5, (3,)), lengths=[5, 4, 2]))) == []


def test_of_a_network_that_goes_back_in_time_too():
    """What is handed on to the step before stands at the step that it comes from."""
    xs, targets = data(20, (3,))
    run = unroll(Bidirectional(RNN(2, 3), RNN(2, 3), n_out=3), xs, targets, lengths=[20, 13, 7])
    figure = Figure.of_run(run, run.cost)
    for role, begins in (("→h⁺", range(8, 20)), ("←h⁺", range(8, 21))):
        assert {t for other, t in figure.tensors if other == role} == set(begins)
    assert {t - s for (_, s), (_, t) in figure.connections if s} == {-1, 0, 1}
    assert {(("←h", 8), ("←h⁺", 8)), (("←h⁺", 9), ("←h⁺", 8)), (("←h⁺", 8), ("←z", 7)), (("←h", 7), ("←z", 6))} <= set(
        figure.connections
    )
    assert faults(draw(run)) == []


def test_targets_that_are_fed_back_for_a_share_are_drawn():
    run = unroll(network("R"), *data(4, (3,)), teacher_forcing=0.5, rng=1)
    figure = Figure.of_run(run, run.cost)
    assert {(("target", 2), ("y⁺", 2)), (("y", 2), ("y⁺", 2)), (("y⁺", 2), ("z", 3))} <= set(figure.connections)
    assert figure.recurrent == {"R": "y"}
    picture = draw(run)
    nodes, _ = statements(picture.source)
    assert nodes["y2"]["label"] == "ỹ₂" and nodes["target2"]["label"] == "y₂"
    assert {part.key for part in picture.parts.values() if part.kind == "folded"} >= {"target", "y", "h"}
    assert faults(picture) == []
