"""Crossings of a level, against curves whose crossings are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.level_sets import (
    CHUNK,
    highest,
    midpoints,
    on_circle,
    on_ray,
    smallest_singular,
    smallest_triple,
    unimodular,
)
from tests.rnn.dynamics.matrices import generators, quick, sizes


@quick
@given(generators, sizes)
def test_the_smallest_singular_value_changes_as_its_vectors_say(rng, n):
    W, z, h = rng.standard_normal((n, n)), complex(*rng.standard_normal(2)), 1e-6
    sigma, direction = smallest_triple(W, z)
    assert sigma == pytest.approx(np.linalg.svd(z * np.eye(n) - W)[1][-1])
    for turn in (1, 1j):
        up, down = smallest_singular(W, [z + h * turn, z - h * turn])
        assert (up - down) / (2 * h) == pytest.approx((direction * turn).real, abs=1e-4 * (1 + 1 / sigma))


def test_points_come_in_chunks_but_give_the_same_numbers(monkeypatch):
    W, z = np.random.default_rng(0).standard_normal((3, 3)), np.linspace(-2, 2, 23) + 0.5j
    whole = smallest_singular(W, z)
    monkeypatch.setattr("minigrad.rnn.dynamics.level_sets.CHUNK", 36)
    np.testing.assert_array_equal(smallest_singular(W, z), whole)
    assert CHUNK > 36


@quick
@given(generators, sizes, st.floats(0.3, 3), st.floats(0.05, 2))
def test_all_crossings_are_found_and_nothing_on_other_rays_and_circles_but_crossings(rng, n, radius, level):
    W = rng.standard_normal((n, n))
    angles = np.linspace(0, 2 * np.pi, 400)
    below = smallest_singular(W, radius * np.exp(1j * angles)) < level
    found = np.sort(on_circle(W, radius, level) % (2 * np.pi))
    for k in np.flatnonzero(below[1:] != below[:-1]):
        assert np.any((found >= angles[k] - 1e-9) & (found <= angles[k + 1] + 1e-9))
    for theta in (0.0, 1.0):
        r = np.linspace(0, 5, 400)
        below = smallest_singular(W, r * np.exp(1j * theta)) < level
        roots = on_ray(W, theta, level)
        for k in np.flatnonzero(below[1:] != below[:-1]):
            assert np.any((roots >= r[k] - 1e-9) & (roots <= r[k + 1] + 1e-9))


def test_a_matrix_that_looks_the_same_at_every_angle_has_no_crossings_to_tell():
    W = np.array([[0.0, 2.0], [0.0, 0.0]])
    level = float(smallest_singular(W, 1.0))
    assert on_circle(W, 1.0, level).size == 0
    assert on_circle(W, 1.0, 1.5 * level).size == 0


def test_climbing_finds_the_higher_of_two_hills():
    """cos θ + cos 2θ is 2 at 0; around 2π/3 there is a valley, and a lower hill at π."""
    height = lambda angles: np.cos(angles) + np.cos(2 * angles)

    def crossings(level):
        roots = np.roots([0.5, 0.5, -level, 0.5, 0.5])  # (z + 1/z)/2 + (z² + 1/z²)/2 = level
        return np.angle(roots[np.abs(np.abs(roots) - 1) < 1e-6])

    best, at = highest(height, crossings, np.array([np.pi + 0.1]))
    assert best == pytest.approx(2)
    assert np.cos(at) == pytest.approx(1)


def test_midpoints_go_once_around():
    np.testing.assert_allclose(midpoints(np.array([3.0, 1.0])), [2.0, 2.0 + np.pi])
    assert midpoints(np.empty(0)).size == 0
    np.testing.assert_allclose(midpoints(np.array([1.0])), [1.0 + np.pi])


def test_eigenvalues_of_a_pencil_on_the_circle_even_if_it_is_singular_at_infinity():
    angles = np.array([0.4, -1.1])
    A, B = np.diag([*np.exp(1j * angles), 0.5, 1.0]), np.diag([1.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(np.sort(unimodular(A, B, -1.0)), np.sort(angles), atol=1e-12)
