"""What is not differentiated is refused, with what to write instead."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.engine.tables import name_of
from minigrad.engine.tensor import apply
from minigrad.rules.refusals import INSTEAD, REFUSED

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
