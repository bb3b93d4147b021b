"""What eigenvalues, norms and products say of one and the same matrix; and that all of it is found in one place."""

from __future__ import annotations

import numpy as np
from hypothesis import given

import minigrad as mg
from minigrad.rnn.dynamics import expansion, products, spectral, spectrum, verdict
from minigrad.rnn.dynamics.spectral import (
    Fate,
    classify,
    eigenvalues,
    henrici,
    jacobian_products,
    powers_norm,
    spectral_norm,
    spectral_radius,
)
from tests.rnn.dynamics.matrices import generators, orthogonal, quick, sizes
from tests.rnn.dynamics.test_oscillator import made_in

FILES = (spectrum, expansion, products, verdict)


@quick
@given(generators, sizes)
def test_the_radius_is_at_most_the_norm_and_powers_lie_between_theirs(rng, n):
    W = rng.standard_normal((n, n))
    radius, norm = spectral_radius(W), spectral_norm(W)
    assert radius <= norm * (1 + 1e-12)
    norms, t = powers_norm(W, 12), np.arange(13)
    assert np.all(norms <= norm**t * (1 + 1e-12))
    assert np.all(norms >= radius**t * (1 - 1e-9))


@quick
@given(generators, sizes)
def test_an_orthogonal_matrix_keeps_every_length_for_ever(rng, n):
    Q = orthogonal(rng, n)
    np.testing.assert_allclose(np.abs(eigenvalues(Q)), 1, rtol=1e-12)
    np.testing.assert_allclose(powers_norm(Q, 50), 1, rtol=1e-12)
    np.testing.assert_allclose(jacobian_products([Q, Q.T, Q]), 0, atol=1e-12)
    assert henrici(Q) < 1e-6
    assert classify(Q).linear is classify(Q).nonlinear is Fate.BORDERLINE


def test_all_of_it_is_found_in_one_place():
    """And what leads there names every file that it leads to."""
    assert mg.rnn.spectral is spectral
    made = made_in(*FILES)
    for name in ("by_modulus", "normalised"):  # which the files have between themselves
        del made[name]
    assert made == {name: getattr(spectral, name) for name in made}
    assert {*made, "CONDITION_LIMIT"} == set(spectral.__all__)
    assert all(f"`{file.__name__.rpartition('.')[2]}`" in spectral.__doc__ for file in FILES)
