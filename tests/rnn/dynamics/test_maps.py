"""Maps: where others have found them to go."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.rnn.dynamics import maps
from minigrad.rnn.dynamics.oscillator import step_matrix
from tests.rnn.dynamics.matrices import stored

KNOWN = stored("lyapunov.json")
MAPS = {
    "henon": maps.henon,
    "lorenz_rk4": maps.lorenz,
    "tanh_map": maps.random_network(KNOWN["tanh_map"]["J"]),
    "linear_map": maps.linear(KNOWN["linear_map"]["W"]),
}
each = pytest.mark.parametrize("name", MAPS)


@each
def test_they_arrive_where_others_have_found_them(name):
    known = KNOWN[name]
    h = known.get("h0", np.ones(4))
    for _ in range(int(known["finite"]["T"])):
        h = MAPS[name](h)
    if "h0" in known:  # Hénon's has lost six digits after 30 steps: it is chaotic
        np.testing.assert_allclose(h, known["finite"]["final_state"], rtol=1e-9)
    else:
        np.testing.assert_allclose(h, np.linalg.matrix_power(known["W"], 40) @ np.ones(4), rtol=1e-12)


@each
def test_their_jacobians_are_those_of_a_complex_step(name):
    h = np.random.default_rng(0).normal(size=len(KNOWN[name]["finite"]["final_state"]))
    columns = [np.imag(MAPS[name](h + 1e-30j * e)) / 1e-30 for e in np.eye(len(h))]
    np.testing.assert_allclose(mg.jacobian(MAPS[name])(h), np.transpose(columns), rtol=1e-12, atol=1e-14)


def test_euler_s_method_is_a_linear_map():
    A = step_matrix("euler", 1.0, 0.1)
    np.testing.assert_allclose(maps.linear(A)(np.array([1.0, 0.0])), A[:, 0])
