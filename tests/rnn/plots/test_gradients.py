"""Where the gradient goes: flow, contributions, exponents."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.rnn import plots
from minigrad.rnn.dynamics.lyapunov import lyapunov_spectrum
from minigrad.rnn.dynamics.shares import Contributions
from tests.rnn.plots.lines import assert_shows, curve


def test_the_gradient_is_drawn_relative_to_where_it_starts_from(ax):
    norms = np.array([1e-3, 1e-2, 0.1, 2.0])
    assert plots.plot_gradient_flow(norms, ax=ax, label="here", linestyle="--") is ax
    assert_shows(curve(ax, "here"), [3, 2, 1, 0], norms / 2.0)
    assert (curve(ax, "here").get_linestyle(), ax.get_yscale()) == ("--", "log")


def test_a_gradient_that_starts_nowhere_is_refused(ax):
    for norms in ([1.0, 0.0], [], [[1.0]]):
        with pytest.raises(ValueError, match="a row that ends above 0: of an earlier cost C_t, pass the first t"):
            plots.plot_gradient_flow(norms, ax=ax)
    with pytest.raises(ValueError, match=r"norms holds nan at index \(1,\)"):
        plots.plot_gradient_flow([1.0, np.nan], ax=ax)


def test_beside_the_gradient_stands_what_a_linear_network_would_do(ax):
    plots.plot_gradient_flow([0.1, 0.5, 1.0], radius=0.5, ax=ax, label="here")
    assert_shows(curve(ax, r"$\rho^{T-t}$, ρ = 0.5"), [0, 1, 2], [1, 0.5, 0.25])


def test_contributions_keep_what_is_nothing_and_what_is_little_apart(ax):
    found = Contributions(np.array([[0.5, 1.0, 0.0, 0.0], [1e-3, 1e-3, 2.0, 0.0], [0.0, 1e-30, 1e-2, 4.0]]), 0.5)
    assert plots.plot_contributions(found, ax=ax) is ax
    (mesh,) = ax.collections
    shown = mesh.get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), found.norms == 0)
    np.testing.assert_array_equal(shown[found.norms != 0], [0.5, 1.0, 1e-3, 1e-3, 2.0, 4e-8, 1e-2, 4.0])
    assert (mesh.norm.vmin, mesh.norm.vmax) == (pytest.approx(4e-8), 4.0)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 3.5), (3.5, 0.5))  # downwards, as matrices are written


def test_beside_contributions_stands_what_the_radius_says_in_the_same_colours(ax):
    found = Contributions(np.array([[0.5, 1.0, 0.0], [1e-3, 1e-2, 2.0]]), 0.5)
    plots.plot_contributions(found, predicted=True, ax=ax)
    (mesh,) = ax.collections
    np.testing.assert_array_equal(mesh.get_array().filled(0), [[0.5, 1.0, 0.0], [0.5, 1.0, 2.0]])
    assert mesh.norm.vmax == 2.0


def test_what_is_foretold_to_explode_is_beyond_the_colours(ax):
    found = Contributions(np.array([[0.5, 1.0, 0.0], [1e-3, 1e-2, 2.0]]), 10.0)
    plots.plot_contributions(found, predicted=True, ax=ax)
    assert ax.collections[0].colorbar.extend == "both"


def test_contributions_that_say_nothing_are_refused(ax):
    norms = np.array([[0.5, 1.0, 0.0], [1e-3, 1e-2, 2.0]])
    with pytest.raises(ValueError, match="the model has no square W"):
        plots.plot_contributions(Contributions(norms, np.nan), predicted=True, ax=ax)
    with pytest.raises(ValueError, match="norms holds nan"):
        plots.plot_contributions(Contributions(norms * np.nan, 1.0), ax=ax)


def test_contributions_of_nothing(ax):
    plots.plot_contributions(Contributions(np.zeros((3, 4)), 1.0), ax=ax)
    assert np.ma.getmaskarray(ax.collections[0].get_array()).all()


def test_exponents_in_order_with_their_errors(ax):
    found = lyapunov_spectrum([np.diag([0.5, 2.0, 0.0])] * 40)
    assert plots.plot_lyapunov(found, predicted=0.7, label="here", ax=ax) is ax
    (bars,) = ax.containers
    assert bars.get_label() == "here (1 at -∞)"
    assert bars.lines[0].get_xdata().tolist() == [1, 2]
    np.testing.assert_allclose(bars.lines[0].get_ydata(), np.log([2, 0.5]))
    assert {*curve(ax, r"$\lambda_1$ predicted, 0.7").get_ydata()} == {0.7}
