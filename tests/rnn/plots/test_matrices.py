"""Spectra and powers of a matrix."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import same_color

import minigrad as mg
from minigrad.rnn import plots, spectral
from tests.rnn.plots.lines import assert_shows, curve


def test_a_spectrum_and_one_unit_circle(ax):
    W = np.random.default_rng(0).normal(size=(5, 5))
    matrices = {"W": W, "half": 0.5 * W, "as a tensor": mg.Tensor(W)}
    for label, matrix in matrices.items():
        assert plots.plot_spectrum(matrix, label=label, ax=ax, color="red") is ax
    circle, *points = ax.lines
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1)
    for (label, matrix), line in zip(matrices.items(), points, strict=True):
        values = mg.rnn.spectral.eigenvalues(matrix)
        assert_shows(line, values.real, values.imag)
        assert line.get_label() == f"{label}, ρ = {mg.rnn.spectral.spectral_radius(matrix):.4g}"
        assert (line.get_linestyle(), line.get_marker()) == ("None", "o")
        assert same_color(line.get_color(), "red")


def test_contours_of_pseudospectra_are_where_a_matrix_has_its_distance(ax):
    W = np.array([[0.5, 2.0], [0.0, -0.3]])
    plots.plot_spectrum(W, eps=[0.3, 0.1], ax=ax)
    (lines,) = (each for each in ax.collections if hasattr(each, "levels"))
    assert list(lines.levels) == [0.1, 0.3]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        z = path.vertices @ [1, 1j]
        np.testing.assert_allclose(spectral.pseudospectrum(W, z), level, rtol=0.05)
        assert np.abs(z).max() == pytest.approx(spectral.pseudospectral_radius(W, level), rel=0.02)


def test_powers_between_the_bounds_of_kreiss(ax):
    """The numbers of a Jordan block: sup ‖W^t‖ = 38.7459 at t = 9, K = 25.010."""
    W = np.array([[0.9, 10.0], [0.0, 0.9]])
    assert plots.plot_transient(W, 60, label="here", ax=ax) is ax
    norms = spectral.powers_norm(W, 60)
    assert_shows(curve(ax, "here"), np.arange(61), norms)
    assert_shows(curve(ax, r"$\rho^t$, ρ = 0.9"), np.arange(61), 0.9 ** np.arange(61))
    (low,), (high,) = ({*curve(ax, label).get_ydata()} for label in ("K = 25", "e n K = 136"))
    assert low == pytest.approx(25.010, abs=1e-3)
    assert high == pytest.approx(2 * np.e * low)
    assert low <= norms.max() <= high
    (top,) = (line for line in ax.lines if line.get_marker() == "o")
    assert (*top.get_xdata(), *top.get_ydata()) == (9, pytest.approx(38.7459, abs=1e-4))


def test_what_is_beyond_double_precision_is_not_drawn_and_breaks_nothing(ax):
    plots.plot_transient([[0.5, 1e200], [0.0, 0.5]], 10, ax=ax)  # K is nothing but rounding
    assert [line.get_label() for line in ax.lines[1:-1]] == [r"$\rho^t$, ρ = 0.5"]
    huge = np.array([[1e200, 1e200], [0.0, 2e200]])
    plots.plot_transient(huge, 10, ax=ax)
    plots.plot_spectrum(huge, ax=ax)
    assert ax.lines[-1].get_label() == "W, ρ = 2e+200"


def test_a_pseudospectrum_smaller_than_a_cell_of_the_grid_is_left_out(ax):
    plots.plot_spectrum(1e-200 * np.eye(2), eps=[1e-202, 1e-201], ax=ax)
    assert not any(hasattr(each, "levels") for each in ax.collections)


def test_powers_that_explode_have_no_bounds(ax):
    plots.plot_transient([[1.1]], 10, ax=ax)
    assert len(ax.lines) == 3
