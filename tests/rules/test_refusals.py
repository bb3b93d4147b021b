"""What is not differentiated is refused, with what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.rules.refusals import INSTEAD

CALLS = {
    "where": lambda x: np.sum(x, where=np.array([True, False])),
    "dtype": lambda x: np.cumsum(x, dtype=np.float32),
    "initial": lambda x: np.max(x, initial=5.0),
    "correction": lambda x: np.var(x, correction=1),
}


@pytest.mark.parametrize("option", CALLS)
def test_an_option_is_refused_with_advice(option):
    with pytest.raises(TypeError, match=rf"knows no {option}=") as caught:
        CALLS[option](Tensor([1.0, 2.0], requires_grad=True))
    assert INSTEAD[option] in str(caught.value)


def test_every_advice_has_a_call():
    assert CALLS.keys() == INSTEAD.keys()
