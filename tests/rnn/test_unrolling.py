"""Along a sequence: that time, batch and initial values mean what they should; names; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.functions import cross_entropy, squared_error
from minigrad.graph import graph_of
from minigrad.module import Module
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import scope
from tests.rnn import handmade

seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=30)
KINDS = {
    "W": lambda **options: RNN(2, 3, 2, **options),
    "R": lambda **options: OutputFeedbackRNN(2, 3, 2, **options),
    "WR": lambda **options: OutputFeedbackRNN(2, 3, 2, hidden=True, **options),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def data(seed, T=5, batch=(3,), n_in=2, n_out=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, *batch, n_in)), rng.normal(size=(T, *batch, n_out))


# -- time, batch and what is carried ----------------------------------------------------------------------------------


@kinds
@some
@given(seed=seeds, T=st.integers(1, 8), B=st.integers(1, 4), forced=st.booleans())
def test_a_batch_is_its_sequences_side_by_side(kind, seed, T, B, forced):
    model, (xs, targets) = KINDS[kind](rng=seed), data(seed, T, (B,))
    forced = forced and "R" in kind
    run = unroll(model, xs, targets, teacher_forcing=forced)
    alone = [unroll(model, xs[:, i], targets[:, i], teacher_forcing=forced) for i in range(B)]
    for i in range(B):
        np.testing.assert_allclose(run.outputs[:, i], alone[i].outputs, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.cost.item(), np.mean([one.cost.item() for one in alone]), rtol=1e-12)


@kinds
@some
@given(seed=seeds, T=st.integers(2, 8), cut=st.integers(1, 7))
def test_the_past_does_not_know_the_future_and_can_be_gone_on_from(kind, seed, T, cut):
    cut = 1 + (cut - 1) % (T - 1)
    model, (xs, targets) = KINDS[kind](rng=seed), data(seed, T)
    whole, early = unroll(model, xs, targets), unroll(model, xs[:cut], targets[:cut])
    late = unroll(model, xs[cut:], targets[cut:], initial={role: early[role][-1].data for role in model.carried})
    np.testing.assert_array_equal(np.concatenate([early.outputs, late.outputs]), whole.outputs)
    np.testing.assert_allclose(early.cost.item() + late.cost.item(), whole.cost.item(), rtol=1e-12)


@kinds
def test_the_past_may_stay_part_of_the_graph(kind):
    """Initial values that are tensors keep their history: two halves joined so give the gradient of the whole."""
    xs, targets = data(0, 6)
    gradients = []
    for halves in (False, True):
        model = KINDS[kind](rng=1)
        if halves:
            early = unroll(model, xs[:3], targets[:3])
            late = unroll(model, xs[3:], targets[3:], initial={role: early[role][-1] for role in model.carried})
            (early.cost + late.cost).backward()
        else:
            unroll(model, xs, targets).cost.backward()
        gradients.append([parameter.grad for parameter in model.parameters().values()])
    for actual, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@kinds
@some
@given(seed=seeds)
def test_the_same_question_has_the_same_answer(kind, seed):
    model, (xs, targets) = KINDS[kind](rng=seed), data(seed)
    answers = []
    for _ in range(2):
        model.zero_grad()
        run = unroll(model, xs, targets)
        run.cost.backward()
        answers.append([run.outputs, run.cost.data, *(p.grad for p in model.parameters().values())])
    for one, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["R", "WR"])
def test_teacher_forcing_feeds_the_target_of_the_step_before(kind):
    model, (xs, targets) = KINDS[kind](rng=1), data(1)
    run = unroll(model, xs, targets, teacher_forcing=True)
    assert run.forced
    trace = handmade.feed_forward(model.state_dict(), xs, targets, forced=True)
    np.testing.assert_allclose(run.outputs, trace.y, rtol=1e-13, atol=1e-14)
    assert not np.any(run.carried[0]["y"].data)
    for carried, target in zip(run.carried[1:], targets[:-1], strict=True):
        np.testing.assert_array_equal(carried["y"].data, target)
        assert not carried["y"].requires_grad
    free = unroll(model, xs, targets)
    assert not free.forced
    assert np.any(free.outputs[1:] != run.outputs[1:])
    np.testing.assert_array_equal(free.outputs[0], run.outputs[0])
    same = unroll(model, xs, free.outputs, teacher_forcing=True)  # it is always right: forcing changes nothing
    np.testing.assert_allclose(same.outputs, free.outputs, rtol=1e-13)
    assert same.cost.item() == pytest.approx(0, abs=1e-25)


def test_forced_targets_get_their_gradient_if_it_is_asked_for():
    """∂C/∂target_1 is what its own cost asks, -2(ỹ_1 - target_1)/n, plus Rᵀδ^z_2."""
    model, (xs, targets) = KINDS["R"](rng=1), data(1, T=2, batch=())
    targets = Tensor(targets, requires_grad=True)
    run = unroll(model, xs, targets, teacher_forcing=True)
    run.cost.backward()
    back = handmade.propagate_back(handmade.feed_forward(model.state_dict(), xs, targets.data, forced=True))
    heard = back.deltas["z"][1] @ model.R.data
    np.testing.assert_allclose(targets.grad, -back.deltas["y"] + [heard, np.zeros(2)], rtol=1e-12)


# -- what a run is ----------------------------------------------------------------------------------------------------


def test_a_run_without_targets_has_no_cost():
    xs, _ = data(0)
    run = unroll(RNN(2, 3, 2), xs)
    assert run.cost is None
    assert list(run.steps[0]) == ["x", "z", "h", "y"]
    assert len(run) == 5
    with pytest.raises(KeyError, match=r"'C' is no role of this run: it has x, z, h, y"):
        run["C"]


@pytest.mark.parametrize("batch", [(), (3,)])
def test_shapes(batch):
    xs, targets = data(0, 4, batch)
    run = unroll(RNN(2, 5, 2), xs, targets)
    assert [h.shape for h in run["h"]] == [(*batch, 5)] * 4
    assert run.outputs.shape == (4, *batch, 2)
    assert isinstance(run.outputs, np.ndarray)
    assert [C.shape for C in run["C"]] == [()] * 4
    assert run.cost.shape == ()
    np.testing.assert_array_equal([x.data for x in run["x"]], xs)


@kinds
def test_tensors_carry_names_and_scopes(kind):
    xs, targets = data(0)
    model = KINDS[kind]()
    with scope("training"):
        run = unroll(model, xs, targets, teacher_forcing="R" in kind)
    for t, step in enumerate(run.steps, 1):
        assert {role: tensor.name for role, tensor in step.items()} == {role: f"{role}_{t}" for role in step}
        assert {tensor.scope for tensor in step.values()} == {("training", f"t={t}")}
    assert {role: tensor.name for role, tensor in run.carried[0].items()} == {r: f"{r}_0" for r in model.carried}
    if "R" in kind:
        assert [carried["y"].name for carried in run.carried[1:]] == [f"target_{t}" for t in range(1, 5)]
    assert (run.cost.name, run.cost.scope) == ("cost", ("training",))
    assert unroll(model, xs, targets)["h"][2].name == "h_3"
    assert unroll(model, xs, targets)["h"][2].scope == ("t=3",)


def test_matrices_are_transposed_once_an_unrolling():
    xs, targets = data(0, T=9)
    run = unroll(RNN(2, 3, 2), xs, targets)
    transposed = [node for node in graph_of(run.cost).nodes if node.fn is np.transpose]
    assert sorted(node.args[0].name for node in transposed) == ["U", "V", "W"]
    assert {node.scope for node in transposed} == {()}


def test_roles_are_tensors_of_their_own_even_if_a_function_returns_its_argument():
    """``f=lambda z: z`` is linear just like ``f="identity"``."""
    xs, targets = data(0)
    run = unroll(RNN(2, 3, 2, f=lambda z: z, g=lambda o: o), xs, targets)
    assert [run.steps[0][role].name for role in ("z", "h", "y")] == ["z_1", "h_1", "y_1"]


def test_float32_is_kept_and_numbers_are_converted_to_it():
    model = RNN(2, 3, 2, dtype=np.float32)
    run = unroll(model, [[1, 2], [3, 4]], np.ones((2, 2)), initial={"h": [1, 2, 3]})
    tensors = [*run.carried[0].values(), *(tensor for step in run.steps for tensor in step.values()), run.cost]
    assert {tensor.dtype for tensor in tensors} == {np.dtype(np.float32)}


def test_initial_values():
    xs, targets = data(0)
    model = KINDS["WR"]()
    h_0 = np.random.default_rng(1).normal(size=(3, 3))
    run = unroll(model, xs, targets, initial={"h": h_0})
    np.testing.assert_array_equal(run.carried[0]["h"].data, h_0)
    assert not np.any(run.carried[0]["y"].data)
    assert all(tensor.requires_grad for tensor in run.carried[0].values())
    given_tensor = Tensor(h_0)
    run = unroll(model, xs, targets, initial={"h": given_tensor})
    assert run.carried[0]["h"] is given_tensor
    run.cost.backward()
    assert given_tensor.grad is None
    assert np.any(run.carried[0]["y"].grad)


def test_a_tensor_that_was_given_keeps_its_name():
    """It belongs to the caller; it may be the h_5 of another run."""
    start = Tensor(np.zeros((3, 3)), name="start")
    unroll(RNN(2, 3, 2), data(0)[0], initial={"h": start})
    assert start.name == "start"


def test_costs():
    xs, targets = data(0)
    targets = handmade.softmax(targets)
    model = RNN(2, 3, 2)
    for cost, formula in (
        ("squared_error", handmade.squared_error),
        (squared_error, handmade.squared_error),
        ("cross_entropy", handmade.cross_entropy),
        (cross_entropy, handmade.cross_entropy),
        (lambda target, y: np.sum(np.abs(y - target)), lambda target, y: np.sum(np.abs(y - target))),
    ):
        run = unroll(model, xs, targets, cost=cost)
        expected = [formula(target, y) for target, y in zip(targets, run.outputs, strict=True)]
        np.testing.assert_allclose([C.item() for C in run["C"]], expected, rtol=1e-13)
        np.testing.assert_allclose(run.cost.item(), np.sum(expected), rtol=1e-13)


def test_squared_error_is_a_mean_over_batch_and_components():
    model = RNN(1, 1, 2)  # zeros in, zeros out
    run = unroll(model, np.zeros((1, 2, 1)), [[[1.0, 2.0], [3.0, 4.0]]])
    assert run.cost.item() == (1 + 4 + 9 + 16) / 4


# -- what is refused --------------------------------------------------------------------------------------------------

XS, TARGETS = data(0)


def spoilt(array, where, value):
    array = array.copy()
    array[where] = value
    return array


@pytest.mark.parametrize(
    ("xs", "targets", "options", "message"),
    [
        (XS[:0], None, {}, r"xs of shape \(0, 3, 2\) is empty: at least one step \(T >= 1\) is needed"),
        (XS, TARGETS[:0], {}, r"targets of shape \(0, 3, 2\) is empty"),
        (XS[:, :0], None, {}, r"xs of shape \(5, 0, 2\) is empty"),
        (XS[:, 0, 0], None, {}, r"xs needs the shape \(T, B, n\) or \(T, n\), got \(5,\)"),
        (1.0, None, {}, r"xs needs the shape .* got \(\)"),
        (XS[None], None, {}, r"xs needs the shape .* got \(1, 5, 3, 2\)"),
        (XS[..., :1], None, {}, r"xs of shape \(5, 3, 1\) has 1 components a step, the model takes n_in=2"),
        (XS, TARGETS[:4], {}, r"targets of shape \(4, 3, 2\) do not go with xs of shape \(5, 3, 'n_in'\): T, B"),
        (XS, TARGETS[:, :2], {}, r"targets of shape \(5, 2, 2\) do not go with xs"),
        (XS, TARGETS[:, 0], {}, r"targets of shape \(5, 2\) do not go with xs"),
        (spoilt(XS, (3, 1, 0), np.nan), None, {}, r"xs\[3, 1, 0\] is nan, the first of 1 numbers that are not finite"),
        (spoilt(XS, (2, slice(1, 3)), np.inf), None, {}, r"xs\[2, 1, 0\] is inf, the first of 4 numbers"),
        (XS, spoilt(TARGETS, (4, 2, 1), -np.inf), {}, r"targets\[4, 2, 1\] is -inf"),
        (Tensor(XS, dtype=np.float32), None, {}, r"xs has dtype float32, the model float64"),
        (XS, TARGETS, {"cost": "mse"}, r"cost='mse' is not known: choose one of squared_error, cross_entropy"),
        (XS, TARGETS, {"teacher_forcing": True}, r"teacher forcing .* RNN does not feed its output back"),
        (XS, None, {"teacher_forcing": True}, r"teacher forcing .* pass targets"),
        (XS, None, {"initial": {"y": np.zeros((3, 2))}}, r"initial names \['y'\], but RNN carries h"),
        (XS, None, {"initial": {"h": np.zeros(3)}}, r"initial\['h'\] has shape \(3,\), needed is \(3, 3\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_unrolled_is_refused(xs, targets, options, message):
    with pytest.raises(ValueError, match=message):
        unroll(RNN(2, 3, 2), xs, targets, **options)


@pytest.mark.parametrize("n", [1, 3])
def test_targets_of_another_size_than_the_outputs_are_refused(n):
    """Of one component they would be broadcast: a cost, gradients, and training towards something nobody asked for."""
    targets = np.ones((5, 3, n))
    with pytest.raises(ValueError, match=r"targets of shape \(5, 3, [13]\)"):
        unroll(RNN(2, 3, 2), XS, targets)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_initial_values_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match="finite"):
        unroll(RNN(2, 3, 2), XS, initial={"h": np.full((3, 3), value)})


def test_an_initial_tensor_of_another_dtype_is_refused():
    """Otherwise float64 would run through a float32 network from there on."""
    h_0 = Tensor(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="dtype float64"):
        unroll(RNN(2, 3, 2, dtype=np.float32), XS, initial={"h": h_0})


def test_teacher_forcing_without_targets_is_refused_of_feedback_networks_too():
    with pytest.raises(ValueError, match="pass targets"):
        unroll(KINDS["R"](), XS, teacher_forcing=True)


def test_two_runs_in_one_graph_may_have_scopes_of_their_own():
    run = unroll(RNN(1, 2, 1), np.ones((2, 1)), np.ones((2, 1)), scope="encoder")
    assert run["h"][1].scope == ("encoder", "t=2")
    assert run.cost.scope == ("encoder",)


def test_what_is_compared_with_targets_is_y():
    class Renamed(RNN):
        roles = ("z", "h", "o")

        def step(self, bound, x, carried):
            found = super().step(bound, x, carried)
            return {"z": found["z"], "h": found["h"], "o": found["y"]}

    model, xs = Renamed(2, 3, 1), np.ones((4, 2))
    assert unroll(model, xs).roles == ["x", "z", "h", "o"]
    with pytest.raises(
        ValueError, match="a step of Renamed has x, z, h, o, and no y to be compared with targets: call"
    ):
        unroll(model, xs, np.ones((4, 1)))


def test_what_a_model_lacks_is_named():
    class Half(Module):
        roles = carried = ("h",)

        def step(self, bound, x, carried):
            return {"h": x}

    with pytest.raises(
        TypeError, match="Half has no n_in, bind, initial: a model to be unrolled is a Module with n_in"
    ):
        unroll(Half(), XS)
    with pytest.raises(TypeError, match="NoneType has no n_in, roles, carried, parameters"):
        unroll(None, XS)


def test_a_model_has_the_precision_of_its_parameters():
    """A twin with other parameters, as transforms and the checker make them, has theirs."""
    model = RNN(2, 3, 1)
    single = model.with_parameters(
        {name: Tensor(p.data, True, dtype=np.float32) for name, p in model.parameters().items()}
    )
    assert unroll(single, np.float32(XS)).outputs.dtype == np.float32
    with pytest.raises(ValueError, match="xs has dtype float64, the model float32"):
        unroll(single, Tensor(XS))
