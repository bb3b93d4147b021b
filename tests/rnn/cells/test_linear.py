"""minGRU and LRU: another program's numbers, what is linear in them, and that they are stable whatever happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import LRU, MinGRU
from minigrad.rnn.dynamics.flow import step_jacobians
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost
from tests.rnn.cells.reference import H0, NETWORKS, agree, compared, half_squares

seeds = st.integers(0, 2**32 - 1)


def test_mingru_by_another_program():
    p = NETWORKS["minGRU"]["params"]
    model = MinGRU(2, 3)
    values = {"U": np.concatenate([p["Wz"], p["Wh"]]), "b": np.concatenate([p["bz"], p["bh"]])}
    _, grads = compared("minGRU", model, values, {"h": H0})
    for gate, names in (("input", ("Wz", "bz")), ("candidate", ("Wh", "bh"))):
        found = model.gate_gradients(gate)
        agree({names[0]: found["U"], names[1]: found["b"]}, grads)


def test_lru_by_another_program():
    stored = NETWORKS["LRU"]
    p = stored["params"]
    model = LRU(2, 3, 2)
    logs = {name: p[name] for name in ("nu_log", "theta_log", "gamma_log")}
    U, V = np.concatenate([p["B_re"], p["B_im"]]), np.concatenate([p["C_re"], -p["C_im"]], axis=1)
    values = {**logs, "U": U, "V": V, "D": np.diag(p["D"])}
    run, grads = compared("LRU", model, values, {}, x=stored["x"], y=np.zeros((4, 2)))
    states = np.concatenate([stored["states_re"], stored["states_im"]], axis=1)
    np.testing.assert_allclose([h.data for h in run["h"]], states, rtol=1e-12)
    agree({name: model.parameters()[name].grad for name in logs}, grads)
    agree({"B_re": model.U.grad[:3], "B_im": model.U.grad[3:]}, grads)
    agree({"C_re": model.V.grad[:, :3], "C_im": -model.V.grad[:, 3:], "D": np.diag(model.D.grad)}, grads)


MODELS = {
    "MinGRU": lambda: MinGRU(2, 2, 1, g="tanh"),
    "LRU": lambda: LRU(2, 2, 1, g="tanh"),
    "LRU without D": lambda: LRU(2, 2, 1, skip=False),
    "states": lambda: LRU(2, 2),
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_gradient_of_the_cost_to_second_order(kind):
    check_cost(MODELS[kind]())


@pytest.mark.parametrize("kind", MODELS)
@given(seed=seeds)
def test_the_state_is_linear_in_the_state(kind, seed):
    """h_t(a h + b h') = a h_t(h) + b h_t(h') where a + b = 1."""
    model, rng = MODELS[kind](), np.random.default_rng(seed)
    x, (one, other) = Tensor(rng.normal(size=2)), rng.normal(size=(2, *model.initial(())["h"].shape))
    after = [model.step(model.bind(), x, {"h": Tensor(h)})["h"].data for h in (one, other, 3 * one - 2 * other)]
    np.testing.assert_allclose(after[2], 3 * after[0] - 2 * after[1], rtol=1e-10, atol=1e-12)


def test_the_jacobian_of_mingru_is_what_its_gate_leaves():
    run = unroll(MinGRU(2, 3, 1), np.random.default_rng(0).normal(size=(5, 2)))
    for J, i in zip(step_jacobians(run), run["i"], strict=True):
        np.testing.assert_allclose(J, np.diag(1 - i.data), atol=1e-15)


@given(seed=seeds, at=st.floats(-30, 5))
def test_lru_is_stable_whatever_its_parameters_are(seed, at):
    model, rng = LRU(1, 4, 1), np.random.default_rng(seed)
    model.nu_log.data, model.theta_log.data = rng.normal(at, 1, 4), rng.normal(0, 3, 4)
    assert np.all(np.abs(model.eigenvalues()) < 1)
    J = step_jacobians(unroll(model, np.zeros((1, 1))))[0]
    assert np.linalg.norm(J, 2) <= 1
    both = np.concatenate([model.eigenvalues(), model.eigenvalues().conj()])
    key = lambda values: np.sort_complex(np.round(values, 9))
    np.testing.assert_allclose(key(np.linalg.eigvals(J)), key(both), atol=1e-8)
    np.testing.assert_allclose(J.T @ J, J @ J.T, atol=1e-15)  # rotations of planes: normal


@given(seed=seeds, low=st.floats(0, 0.8), phase=st.floats(0.1, 6.28))
def test_lru_starts_on_a_ring_and_keeps_the_size_of_its_input(seed, low, phase):
    model = LRU(2, 50, 1, radii=(low, low + 0.1), phase=phase, rng=seed)
    found = model.eigenvalues()
    assert np.all((np.abs(found) >= low - 1e-9) & (np.abs(found) <= low + 0.1 + 1e-9))
    assert np.all(np.angle(found) % (2 * np.pi) <= phase + 1e-9)
    np.testing.assert_allclose(np.exp(model.gamma_log.data), np.sqrt(1 - np.abs(found) ** 2), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radii": (0.5, 1.0)}, r"r_max < 1"),
        ({"radii": (0.9, 0.1)}, r"radii=\(0\.9, 0\.1\)"),
        ({"phase": 7.0}, "phase=7"),
    ],
)
def test_what_would_not_be_stable_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LRU(1, 2, 1, **options)


@pytest.mark.parametrize("kind", [MinGRU, LRU])
def test_a_model_keeps_its_dtype(kind):
    model = kind(2, 3, 1, dtype=np.float32)
    run = unroll(model, np.ones((3, 2), np.float32), np.ones((3, 1)), cost=half_squares)
    run.cost.backward()
    assert {tensor.dtype for step in run.steps for tensor in step.values()} == {np.dtype(np.float32)}
    assert {parameter.grad.dtype for parameter in model.parameters().values()} == {np.dtype(np.float32)}
