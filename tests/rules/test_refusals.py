"""What is said instead of a derivative leads somewhere: the advice is followed here."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.rules.indexing import index_add
from minigrad.rules.refusals import REFUSED
from tests.rules.cases import grid
from tests.rules.gradients import gradient, leaf, tensor


def test_every_function_that_advice_names_exists():
    for reason in REFUSED:
        for name in re.findall(r"\bnp\.([\w.]+)", reason):
            owner = np
            for part in name.rstrip(".").split("."):
                owner = getattr(owner, part)


def test_a_polynomial_is_fitted_by_least_squares():
    x, y = np.linspace(-1, 1, 7), grid((7,))
    fit = lambda y: np.linalg.lstsq(np.vander(x, 3), y)[0]
    np.testing.assert_allclose(fit(leaf(y)).data, np.polyfit(x, y, 2), atol=1e-12)
    assert gradient(fit, y).shape == (7,)


def test_unique_elements_are_found_outside_and_taken_inside():
    t = leaf([3.0, 1.0, 3.0, 2.0])
    places = np.unique(t.detach().data, return_index=True)[1]
    (g,) = mg.gradients(np.sum(np.ravel(t)[places]), [t])
    np.testing.assert_array_equal(g, [1, 1, 0, 1])


def test_what_would_be_changed_in_place_is_made_anew():
    t = tensor(3)
    assert np.where(np.array([True, False, True]), 0.0, t).requires_grad
    assert index_add(t, [0, 0], np.ones(2)).requires_grad
    with pytest.raises(TypeError, match=r"np\.copyto .*np\.full .*np\.broadcast_to"):
        np.full(3, t[0], float)


def test_weighted_counts_have_gradients():
    w = leaf([1.0, 2.0, 3.0])
    (g,) = mg.gradients(np.bincount([0, 1, 1], w)[1], [w])
    np.testing.assert_array_equal(g, [0, 1, 1])
