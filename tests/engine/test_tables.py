"""The tables: adding rules, and what a call has to look like for them."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.calls import arranged
from minigrad.engine.tables import name_of, primitives

pytestmark = pytest.mark.usefixtures("tables")


def test_a_new_rule_serves_every_order() -> None:
    mg.defvjp(np.sinh, lambda g, y, a: g * np.cosh(a))
    mg.defvjp(np.cosh, lambda g, y, a: g * np.sinh(a))
    f = np.sinh
    for order in range(1, 5):
        f = mg.grad(f)
        assert f(0.7) == pytest.approx((np.cosh if order % 2 else np.sinh)(0.7), rel=1e-14)


def test_a_joint_rule_may_have_options() -> None:
    product = mg.primitive(lambda a, b, scale=1.0: scale * a * b)
    mg.defvjp(product, joint=lambda g, y, *args, scale=1.0: [g * y / a for a in args])
    a, b = mg.Tensor([2.0], requires_grad=True), mg.Tensor([5.0], requires_grad=True)
    product(a, b, scale=2.0).backward()
    assert (a.grad, b.grad) == (10.0, 4.0)
    with pytest.raises(TypeError, match=r"knows no order=, only scale"):
        arranged(product, primitives[product], (a, b), {"order": "F"})


def test_what_to_write_instead_is_said() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.median knows no overwrite_input=, only axis, keepdims$"):
        np.median(x, overwrite_input=True)
    with pytest.raises(TypeError, match=r"np\.add knows no dtype=, only its arguments; convert first: a\.astype"):
        np.add(x, x, dtype=np.float32)
    with pytest.raises(TypeError, match=r"np\.vstack knows no casting="):
        np.vstack([x, x], casting="unsafe")


@pytest.mark.parametrize("rules", [{}, {"one": True, "joint": True}])
def test_rules_for_each_argument_or_one_for_all_but_not_both(rules: dict[str, bool]) -> None:
    each = (lambda g, y, a: g,) if "one" in rules else ()
    joint = (lambda g, y, *a: [g]) if "joint" in rules else None
    with pytest.raises(TypeError, match=r"defvjp\(fft.*and not both"):
        mg.defvjp(np.fft.fft, *each, joint=joint)
    assert np.fft.fft not in primitives


def test_required_arguments_may_be_named_and_options_may_stand_by_position() -> None:
    x = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert arranged(np.sum, primitives[np.sum], (x, 1), {}) == ((x,), {"axis": 1})
    assert arranged(np.sum, primitives[np.sum], (), {"a": x, "axis": 1}) == ((x,), {"axis": 1})
    assert arranged(np.max, primitives[np.max], (x, 1, None, True), {}) == ((x,), {"axis": 1, "keepdims": True})
    assert arranged(np.reshape, primitives[np.reshape], (x,), {"shape": (3, 2), "order": "C"}) == ((x, (3, 2)), {})
    with pytest.raises(TypeError, match="without shape"):
        arranged(np.reshape, primitives[np.reshape], (x,), {})


def test_names() -> None:
    assert name_of(np.tanh) == "tanh"
    assert name_of(None) == "None"
