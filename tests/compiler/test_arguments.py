"""What a function is given and what it reads besides: all arrays are found, and all else tells programs apart."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from minigrad import Module, Tensor, compile
from minigrad.compiler.arguments import Found, exchanged, look
from minigrad.compiler.traced import Refused


class Layer(Module):
    def __init__(self) -> None:
        self.w = Tensor(np.ones(2), requires_grad=True)
        self.mask, self.again, self.itself = np.ones(2), self.w, self

    def __call__(self, x: Any) -> Any:
        return x * self.w.data * self.mask


@dataclass(frozen=True)
class Pair:
    x: Any
    n: int


def seen(value: Any) -> tuple[tuple[Any, ...], list[Any]]:
    key: list[Any] = []
    found = Found()
    look(value, key, found, {})
    return tuple(key), found


def test_arrays_are_found_wherever_they_are_and_exchanged() -> None:
    layer, x, shift = Layer(), np.zeros(2), np.full(2, 3.0)

    def f(y: Any, at: Any = x) -> Any:
        return layer(y) + shift + at

    given = (f, partial(np.add, x), [Pair(x, 1), {"a": (x, slice(None))}], layer.__call__, np.float64(2.0))
    key, found = seen(given)
    assert len(found) == 8  # two of the layer, what f has twice, and each x where it stands; the layer once
    assert hash(key) == hash(seen(given)[0])
    others = [Tensor(10 * t.data, True) if isinstance(t, Tensor) else 10.0 * t for t in found]
    g, added, (pair, inner), method, number = exchanged(given, iter(others), {})
    assert g(np.ones(2)).tolist() == [130.0, 130.0]
    assert f(np.ones(2)).tolist() == [4.0, 4.0]
    assert method(np.ones(2)).tolist() == [100.0, 100.0] and number == 20.0
    assert isinstance(pair, Pair) and pair.n == 1 and inner["a"][1] == slice(None)
    assert added(1.0).tolist() == [1.0, 1.0]
    assert method.__self__.again is method.__self__.w and method.__self__.itself is method.__self__


def test_dicts_of_all_kinds() -> None:
    x = np.ones(2)
    for given in (defaultdict(list, w=x), OrderedDict(w=x), Counter(w=x)):
        made = exchanged(given, iter([2 * x]), {})
        assert type(made) is type(given) and made["w"].tolist() == [2.0, 2.0] and given["w"] is x
    assert compile(lambda p: np.sum(p["w"]))(defaultdict(list, w=x)) == 2.0


def test_what_makes_another_program_is_in_the_key() -> None:
    kinds: list[Any] = [
        1,
        1.0,
        True,
        "1",
        None,
        -0.0,
        0.0,
        np.ones(1),
        np.ones(2),
        np.ones(1, "float32"),
        [1],
        (1,),
        {1: 1},
    ]
    kinds += [Tensor(1.0), Tensor(1.0, requires_grad=True), np.tanh, np.sin, lambda: 1, lambda: 2, float("nan")]
    keys = [seen(kind)[0] for kind in kinds]
    assert len(set(keys)) == len(keys)
    assert seen(float("nan"))[0] == seen(float("nan"))[0]


def test_what_may_change_unnoticed_is_refused() -> None:
    with pytest.raises(Refused, match="random numbers would be drawn once"):
        seen(np.random.default_rng(0))
    with pytest.raises(Refused, match="uses a object, which may change"):
        seen(object())
