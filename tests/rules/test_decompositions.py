"""Factorizations where they are easily wrong: singular matrices, ties, results in several parts."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
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
    assert np.isnan(gradient(lambda a: np.linalg.svd(a, False).U * grid((3, 2)), np.eye(3, 2) * [1, 0])).any()


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
