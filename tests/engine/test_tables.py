"""The table: adding rules, and the names of functions."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.tables import name_of, primitives

pytestmark = pytest.mark.usefixtures("tables")


def test_a_new_rule_serves_every_order() -> None:
    mg.defvjp(np.sinh, lambda g, y, a: g * np.cosh(a))
    mg.defvjp(np.cosh, lambda g, y, a: g * np.sinh(a))
    f = np.sinh
    for order in range(1, 5):
        f = mg.grad(f)
        assert f(0.7) == pytest.approx((np.cosh if order % 2 else np.sinh)(0.7), rel=1e-14)


@pytest.mark.parametrize("rules", [{}, {"one": True, "joint": True}])
def test_rules_for_each_argument_or_one_for_all_but_not_both(rules: dict[str, bool]) -> None:
    each = (lambda g, y, a: g,) if "one" in rules else ()
    joint = (lambda g, y, *a: [g]) if "joint" in rules else None
    with pytest.raises(TypeError, match=r"defvjp\(fft.*and not both"):
        mg.defvjp(np.fft.fft, *each, joint=joint)
    assert np.fft.fft not in primitives


def test_names() -> None:
    assert name_of(np.tanh) == "tanh"
    assert name_of(None) == "None"
