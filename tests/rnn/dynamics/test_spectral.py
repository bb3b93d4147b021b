"""What eigenvalues, norms and products say of one and the same matrix; and that all of it is found in one place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.dynamics import (
    capacity,
    dominant,
    expansion,
    kreiss,
    mean_field,
    numerical_range,
    products,
    pseudospectra,
    singular,
    spectral,
    spectrum,
    verdict,
)
from minigrad.rnn.dynamics.spectral import (
    Fate,
    classify,
    eigenvalues,
    henrici,
    jacobian_products,
    kreiss_constant,
    numerical_radius,
    powers_norm,
    pseudospectral_radius,
    spectral_norm,
    spectral_radius,
    stability_radius,
    transient_growth,
)
from tests.rnn.dynamics.matrices import generators, orthogonal, quick, sizes
from tests.rnn.dynamics.test_oscillator import made_in

FILES = (
    spectrum,
    expansion,
    dominant,
    products,
    pseudospectra,
    numerical_range,
    kreiss,
    singular,
    capacity,
    mean_field,
    verdict,
)


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
@given(generators, sizes, st.floats(0.2, 0.99))
def test_all_bounds_of_powers_hold_at_once(rng, n, radius):
    """ρ ≤ r ≤ σ_max ≤ 2r (Berger: ‖W^t‖ ≤ 2r^t), and K ≤ sup ‖W^t‖ ≤ e n K (Kreiss, Spijker)."""
    W = rng.standard_normal((n, n))
    W *= radius / spectral_radius(W)
    r, norm, K = numerical_radius(W), spectral_norm(W), kreiss_constant(W)
    assert spectral_radius(W) <= r * (1 + 1e-12)
    assert r <= norm * (1 + 1e-12)
    assert norm <= 2 * r * (1 + 1e-12)
    found = transient_growth(W, 400)
    assert np.all(found.norms <= 2 * r ** np.arange(401) * (1 + 1e-9))
    assert found.value * (1 + 1e-9) >= K
    assert found.value <= np.e * n * K
    assert stability_radius(W) <= (1 - spectral_radius(W)) * (1 + 1e-9)
    eps = 10.0 ** rng.uniform(-5, 0)
    assert (pseudospectral_radius(W, eps) - 1) / eps <= K * (1 + 1e-9)


@quick
@given(generators, sizes)
def test_turning_the_axes_changes_nothing(rng, n):
    W, Q = rng.standard_normal((n, n)), orthogonal(rng, n)
    W /= 1.2 * spectral_radius(W)
    turned = Q @ W @ Q.T
    measures = (numerical_radius, stability_radius, kreiss_constant, lambda W: pseudospectral_radius(W, 0.1))
    for measure in (*measures, spectral_norm, henrici):
        np.testing.assert_allclose(measure(turned), measure(W), rtol=1e-8)


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
    for name in ("by_modulus", "normalised", "lowest_on_circle"):  # which the files have between themselves
        del made[name]
    assert made == {name: getattr(spectral, name) for name in made}
    assert {*made, "CONDITION_LIMIT"} == set(spectral.__all__)
    assert all(f"`{file.__name__.rpartition('.')[2]}`" in spectral.__doc__ for file in FILES)
