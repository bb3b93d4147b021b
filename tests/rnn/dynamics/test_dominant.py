"""Power iteration: it converges where it should, as fast as it should, and says so where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.dominant import Ending, power_iteration
from tests.rnn.dynamics.matrices import generators, jordan_like, orthogonal, quick, well_conditioned


def with_values(rng, values):
    basis = well_conditioned(rng, len(values))
    return basis * values @ np.linalg.inv(basis)


@quick
@given(
    generators,
    st.integers(1, 5),
    st.floats(-1, 1).filter(lambda x: abs(x) > 0.1),
    st.sampled_from([1.0, 1e200, 1e-200]),
)
def test_a_dominant_eigenvalue_is_found_with_its_vector(rng, n, top, scale):
    values = np.array([top, *rng.uniform(-0.8, 0.8, n - 1) * abs(top)]) * scale
    W = with_values(rng, values)
    found = power_iteration(W)
    assert found.converged
    assert found.eigenvalues[0] == pytest.approx(values[0], rel=1e-9, abs=0)
    np.testing.assert_allclose(W / scale @ found.vector, top * found.vector, atol=1e-11)


def test_it_converges_by_the_ratio_of_the_two_largest_moduli():
    W = np.diag([1.0, 0.9, 0.3])
    residuals = power_iteration(W, tol=1e-10).residuals
    np.testing.assert_allclose(residuals[101:190] / residuals[100:189], 0.9, rtol=1e-6)


@quick
@given(generators, st.integers(0, 3), st.floats(0.1, 3.0))
def test_a_complex_pair_does_not_converge_and_is_told(rng, others, angle):
    c, s = np.cos(angle), np.sin(angle)
    blocks = np.diag([0.0, 0.0, *rng.uniform(-0.7, 0.7, others)])
    blocks[:2, :2] = [[c, -s], [s, c]]
    basis = well_conditioned(rng, 2 + others)
    found = power_iteration(basis @ blocks @ np.linalg.inv(basis))
    assert not found.converged
    assert found.ending is Ending.PAIR
    np.testing.assert_allclose(found.eigenvalues, [c + 1j * s, c - 1j * s], atol=1e-7)


@quick
@given(generators, st.integers(0, 3))
def test_a_tie_does_not_converge_and_is_told(rng, others):
    values = np.array([1.0, -1.0, *rng.uniform(-0.7, 0.7, others)])
    found = power_iteration(with_values(rng, values))
    assert (found.ending, found.converged) == (Ending.TIE, False)
    np.testing.assert_allclose(np.sort(np.real(found.eigenvalues)), [-1, 1], rtol=1e-8)


def test_one_eigenvalue_twice_is_no_tie_unless_it_is_defective():
    rng = np.random.default_rng(0)
    Q = orthogonal(rng, 3)
    assert power_iteration(Q * np.array([1.0, 1.0, 0.2]) @ Q.T).converged
    assert power_iteration(jordan_like(1.0, 1.0), max_steps=500).ending is Ending.UNDECIDED
    assert power_iteration(np.diag([1.0, 0.9999, 0.5]), max_steps=500).ending is Ending.UNDECIDED


def test_where_nothing_is_left_the_eigenvalue_is_0():
    for W in (np.zeros((2, 2)), np.eye(3, k=1), [[0.0]]):
        found = power_iteration(W)
        assert (found.converged, found.eigenvalues) == (True, (0,))


def test_a_start_without_a_share_finds_another_one():
    assert power_iteration(np.diag([2.0, 1.0]), [0.0, 1e-300]).eigenvalues == (1,)


@pytest.mark.parametrize("start", [[1.0], [0.0, 0.0], [[1.0, 1.0]]])
def test_a_start_has_to_fit(start):
    with pytest.raises(ValueError, match=r"start has shape .*expected a vector \(2,\), not 0"):
        power_iteration(np.eye(2), start)
