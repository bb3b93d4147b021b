"""The tables: adding rules, and what a call has to look like for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import minigrad as mg
from minigrad.primitives import arranged, name_of, vjps


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    before = dict(vjps)
    yield
    vjps.clear()
    vjps.update(before)


def test_a_new_rule_serves_every_order() -> None:
    mg.defvjp(np.sinh, lambda g, y, a: g * np.cosh(a))
    mg.defvjp(np.cosh, lambda g, y, a: g * np.sinh(a))
    f = np.sinh
    for order in range(1, 5):
        f = mg.grad(f)
        assert f(0.7) == pytest.approx((np.cosh if order % 2 else np.sinh)(0.7), rel=1e-14)


def test_a_joint_rule_may_have_options() -> None:
    """`numpy.hypot`-like: a function of any number of arguments that knows an option, and one that it does not."""
    mg.defvjp(np.einsum, joint=lambda g, y, *args, optimize=False: [None, *(g * y / a for a in args[1:])])
    a, b = mg.Tensor(2.0, requires_grad=True), mg.Tensor(5.0, requires_grad=True)
    np.einsum(",->", a, b, optimize=True).backward()
    assert (a.grad, b.grad) == (5.0, 2.0)
    with pytest.raises(TypeError, match=r"np\.einsum knows no order=, only optimize"):
        np.einsum(",->", a, b, order="F")


@pytest.mark.parametrize("rules", [{}, {"one": True, "joint": True}])
def test_rules_for_each_argument_or_one_for_all_but_not_both(rules: dict[str, bool]) -> None:
    each = (lambda g, y, a: g,) if "one" in rules else ()
    joint = (lambda g, y, *a: [g]) if "joint" in rules else None
    with pytest.raises(TypeError, match=r"defvjp\(sinh.*and not both"):
        mg.defvjp(np.sinh, *each, joint=joint)
    assert np.sinh not in vjps


def test_required_arguments_may_be_named_and_options_may_stand_by_position() -> None:
    x = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert arranged(np.sum, (x, 1), {}) == ((x,), {"axis": 1})
    assert arranged(np.sum, (), {"a": x, "axis": 1}) == ((x,), {"axis": 1})
    assert arranged(np.max, (x, 1, None, True), {}) == ((x,), {"axis": 1, "keepdims": True})
    assert arranged(np.reshape, (x,), {"shape": (3, 2), "order": "C"}) == ((x, (3, 2)), {})
    with pytest.raises(TypeError, match="without shape"):
        arranged(np.reshape, (x,), {})


def test_names() -> None:
    assert name_of(np.tanh) == "tanh"
    assert name_of(None) == "None"
