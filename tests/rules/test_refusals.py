"""What is not differentiated is refused, with what to write instead."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.engine.tables import name_of
from minigrad.engine.tensor import apply
from minigrad.rules.indexing import index_add
from minigrad.rules.refusals import INSTEAD, REFUSED
from tests.rules.cases import grid
from tests.rules.gradients import gradient, leaf, tensor

CALLS = {
    "where": lambda x: np.tanh(x, where=np.array([True, False])),
    "dtype": lambda x: np.tanh(x, dtype=np.float32),
    "initial": lambda x: np.logaddexp.reduce(x, initial=5.0),
    "order": lambda x: np.tanh(x, order="F"),
    "casting": lambda x: np.tanh(x, casting="unsafe"),
    "mean": lambda x: np.var(x, mean=np.array(1.5)),
    "out": lambda x: np.round(x, out=np.zeros(2)),
}


@pytest.mark.parametrize("option", CALLS)
def test_an_option_is_refused_with_advice(option):
    advice = "would overwrite an array: write y = " if option == "out" else INSTEAD[option]
    with pytest.raises(TypeError, match=rf"np\.\w+.* {option}=|out=") as caught:
        CALLS[option](Tensor([1.0, 2.0], requires_grad=True))
    assert advice in str(caught.value)


def test_every_advice_has_a_call():
    assert CALLS.keys() == INSTEAD.keys()


@pytest.mark.parametrize("fn", [fn for fns in REFUSED.values() for fn in fns], ids=name_of)
def test_a_function_is_refused_with_its_reason_and_what_to_write(fn):
    (reason,) = [reason for reason, fns in REFUSED.items() if fn in fns]
    assert re.search("write|call it|add one", reason)
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError) as caught:
        apply(fn, (x, x, x)[: 1 if fn in (np.linalg.eig, np.roots) else 3], {})
    assert reason in str(caught.value)


# -- the advice, followed ---------------------------------------------------------------------------------------------


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
