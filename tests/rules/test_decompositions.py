"""Factorizations where they are easily wrong: singular matrices, ties, results in several parts."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.testing import numerical_gradient
from tests.rules.cases import grid
from tests.rules.cases.linalg import square
from tests.rules.gradients import gradient, leaf


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_gradient_of_a_determinant_is_the_cofactor_matrix_at_any_rank(rank):
    rng = np.random.default_rng(rank)
    a = rng.normal(size=(4, rank + 1)) @ rng.normal(size=(rank + 1, 4))
    minor = lambda i, j: np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
    cofactors = [[(-1) ** (i + j) * minor(i, j) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(gradient(np.linalg.det, a), cofactors, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1])
def test_determinants_of_the_smallest_matrices(n):
    np.testing.assert_array_equal(gradient(np.linalg.det, np.zeros((n, n))), np.ones((n, n)))


@pytest.mark.parametrize(
    "f", [np.linalg.inv, lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.solve(a, np.ones(2))]
)
def test_singular_matrices_are_errors_where_nothing_is_defined(f):
    with np.errstate(all="ignore"), pytest.raises(np.linalg.LinAlgError, match="Singular"):
        gradient(f, np.ones((2, 2)))


TIED = np.diag([1.0, 2.0, 2.0])


def test_vectors_of_tied_values_have_no_gradient_and_say_so():
    for f in (
        lambda a: np.linalg.eigh(a).eigenvectors * grid((3, 3)),
        lambda a: np.linalg.svd(a).U * grid((3, 3)),
        lambda a: np.linalg.svd(a).Vh * grid((3, 3)),
    ):
        assert np.isnan(gradient(f, TIED)).any()


def test_oblong_matrices_of_singular_value_0_have_no_singular_vectors_to_differentiate():
    assert np.isnan(gradient(lambda a: np.linalg.svd(a, False).U * grid((3, 2)), np.eye(3, 2) * [2, 0])).any()


def test_symmetric_functions_of_tied_values_have_gradients():
    for f in (
        lambda a: np.linalg.eigvalsh(a) ** 2,
        lambda a: np.linalg.eigh(a)[0] ** 2,
        lambda a: np.linalg.svdvals(a) ** 2,
    ):
        np.testing.assert_allclose(gradient(f, TIED), 2 * TIED, atol=1e-12)


def test_a_second_derivative_through_tied_eigenvalues_is_nan_rather_than_wrong():
    a = leaf(TIED)
    (g,) = gradients(np.sum(np.linalg.eigvalsh(a) ** 2), [a], create_graph=True)
    (second,) = gradients(np.sum(g * grid((3, 3))), [a])
    assert np.isnan(second).any()


def test_only_the_triangle_that_is_read_has_a_gradient():
    a = 2 * np.eye(3) + 0.25
    for f in (np.linalg.cholesky, np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[1][:, 0]):
        assert not np.triu(gradient(f, np.diag([0.0, 1, 2]) + a), 1).any()


def test_parts_come_in_the_types_of_numpy():
    a = grid((3, 3)) + 2 * np.eye(3)
    for fn in (np.linalg.eigh, np.linalg.svd, np.linalg.qr, np.linalg.slogdet):
        ours, theirs = fn(leaf(a)), fn(a)
        assert type(ours) is type(theirs)
        for x, y in zip(ours, theirs, strict=True):
            assert type(x) is Tensor
            np.testing.assert_array_equal(x.data, y)


def third_derivative_of_det(a, directions):
    a = leaf(a)
    g = np.linalg.det(a)
    for u in directions:
        (slope,) = gradients(g, [a], create_graph=True)
        g = np.sum(slope * u)
    return g.data


@pytest.mark.parametrize("a", [square(3), np.diag([1.0, 2.0, 0.0])])
def test_third_derivatives_of_a_determinant(a):
    u, v, w = directions = grid((3, 3)), grid((3, 3), 1), grid((3, 3), 2)
    det = np.linalg.det  # of order 3, a cubic form: polarize it
    exact = det(u + v + w) - det(u + v) - det(v + w) - det(u + w) + det(u) + det(v) + det(w)
    np.testing.assert_allclose(third_derivative_of_det(a, directions), exact, atol=1e-11)
    assert np.isnan(third_derivative_of_det(np.eye(3), directions))


def test_the_first_power_is_not_the_matrix_itself():
    a = leaf(square(3))
    assert np.linalg.matrix_power(a, 1) is not a


# -- near ties --------------------------------------------------------------------------------------------------------


def turned(*values):
    """A symmetric matrix of these eigenvalues, as exactly as it can be written down."""
    n = len(values)
    w = np.arange(1.0, n + 1)
    reflection = np.eye(n) - 2 * np.outer(w, w) / (w @ w)
    return reflection @ np.diag(values) @ reflection


def of_vectors(a):
    return np.sum(np.linalg.eigh(a).eigenvectors * grid(a.shape))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("values", [(1.0, 2.0, 2.0), (-1.0, -1.0, 2.0), (-2.0, -2.0, -1.0)])
def test_ties_to_rounding_are_ties_at_every_scale(values, scale):
    assert np.isnan(gradient(of_vectors, scale * turned(*values))).any()
    apart = turned(*np.array(values) * [1, 1 + 1e-6, 1 + 2e-6])
    np.testing.assert_allclose(gradient(of_vectors, scale * apart) * scale, gradient(of_vectors, apart), rtol=1e-7)


def test_a_large_matrix_of_a_batch_makes_no_ties_in_a_small_one():
    small, large = turned(1.0, 1 + 1e-6, 3.0), turned(1e12, 2e12, 3e12)
    together = gradient(of_vectors, np.stack([small, large]))
    assert np.all(np.isfinite(together))


def upper_projector(vectors):
    """Of the last of two vectors, which has no sign."""
    v = vectors[:, -1:]
    return v @ np.swapaxes(v, 0, 1)


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("angle", [0.3, 1.9, 4.0])
def test_how_vectors_turn_near_a_tie_is_known_of_two_by_two(gap, angle):
    """Of [[1 + d, e], [e, 1 - d]] with d + ie = r exp(iθ), the projector is ½(1 + [[d, e], [e, -d]]/r)."""
    d, e = gap * np.cos(angle), gap * np.sin(angle)
    a, weights = np.array([[1 + d, e], [e, 1 - d]]), np.array([[0.5, -1.0], [2.0, 0.25]])
    d, e = (a[0, 0] - a[1, 1]) / 2, a[1, 0]  # as they were rounded
    r = np.hypot(d, e)
    by_d, by_e = weights[0, 0] - weights[1, 1], weights[0, 1] + weights[1, 0]
    along = (by_d * d + by_e * e) / r**3
    by_d, by_e = (by_d / r - along * d) / 2, (by_e / r - along * e) / 2
    g = gradient(lambda a: weights * upper_projector(np.linalg.eigh(a).eigenvectors), a)
    np.testing.assert_allclose(g, [[by_d / 2, 0], [by_e, -by_d / 2]], rtol=1e-14 / gap, atol=1e-14 / gap**2)


@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-6])
def test_singular_vectors_near_a_tie_are_the_eigenvectors_of_the_square(gap):
    a = turned(1.0, 1 + gap)
    a = a @ np.array([[0.0, -1.0], [1.0, 0.0]])  # no longer symmetric
    weights = grid((2, 2))
    by_svd = gradient(lambda a: weights * upper_projector(np.linalg.svd(a).U[:, ::-1]), a)
    by_eigh = gradient(lambda a: weights * upper_projector(np.linalg.eigh(a @ np.transpose(a)).eigenvectors), a)
    np.testing.assert_allclose(by_svd, by_eigh, rtol=1e-12 / gap, atol=1e-13 / gap**2)


# -- singular values of 0 ---------------------------------------------------------------------------------------------


def test_oblong_matrices_of_singular_value_0_have_gradients_of_what_does_not_ask_for_its_vectors():
    a = np.eye(4, 2) * [2.0, 0.0]
    for f in (lambda a: np.linalg.svd(a, False).S ** 2, lambda a: np.linalg.svd(a.T, False).S ** 2):
        np.testing.assert_allclose(gradient(f, a), 2 * a, atol=1e-15)
    g = gradient(lambda a: np.linalg.svd(a, False).U[:, :1] ** 2, a)  # of the other vector
    assert np.all(np.isfinite(g))


def test_nothing_is_special_about_singular_values_of_1():
    a = np.eye(4, 2) * [2.0, 1.0]
    f = lambda a: np.sum(upper_projector(np.linalg.svd(a, False).U) * grid((4, 4)))
    (numerical,) = numerical_gradient(f, (a,))
    np.testing.assert_allclose(gradient(f, a), numerical.value, atol=1e-8)


def test_square_matrices_of_singular_value_0_have_vectors_to_differentiate():
    """But for their signs: that of a 3 by 3 matrix of rank 2 is orthogonal to the two others, whatever is turned."""
    a = np.diag([3.0, 2.0, 0.0]) + grid((3, 3)) / 4
    a[:, 2] = a[:, 0] - a[:, 1]
    for part in ("U", "Vh"):
        squares = lambda a, k=part: np.sum(getattr(np.linalg.svd(a), k) ** 2 * grid((3, 3), 1))
        (numerical,) = numerical_gradient(squares, (a,))
        np.testing.assert_allclose(gradient(squares, a), numerical.value, rtol=1e-6, atol=1e-8)
