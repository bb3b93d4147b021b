"""What a call has to look like for the rules, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.calls import arranged, face
from minigrad.engine.tables import primitives

pytestmark = pytest.mark.usefixtures("tables")


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
    with pytest.raises(TypeError, match=r"np\.add knows no dtype=, and no other option; convert first: a\.astype"):
        np.add(x, x, dtype=np.float32)
    with pytest.raises(TypeError, match=r"np\.vstack knows no casting="):
        np.vstack([x, x], casting="unsafe")


def test_required_arguments_may_be_named_and_options_may_stand_by_position() -> None:
    x = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert arranged(np.sum, primitives[np.sum], (x, 1), {}) == ((x,), {"axis": 1})
    assert arranged(np.sum, primitives[np.sum], (), {"a": x, "axis": 1}) == ((x,), {"axis": 1})
    assert arranged(np.max, primitives[np.max], (x, 1, None, True), {}) == ((x,), {"axis": 1, "keepdims": True})
    assert arranged(np.reshape, primitives[np.reshape], (x,), {"shape": (3, 2), "order": "C"}) == ((x, (3, 2)), {})
    with pytest.raises(TypeError, match="without shape"):
        arranged(np.reshape, primitives[np.reshape], (x,), {})


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"),
    [(np.sum, (0,), {"axis": 1, "dtype": None}), (np.max, (0,), {"keepdims": True}), (np.reshape, (0, 1), {})],
)
def test_a_form_is_learnt_once(fn, args, kwargs, monkeypatch) -> None:
    """To inspect a function takes longer than most calls of it."""
    arranged(fn, primitives[fn], args, kwargs)
    monkeypatch.setattr("inspect.signature", lambda fn: pytest.fail(f"{fn} was inspected again"))
    for _ in range(3):
        arranged(fn, primitives[fn], args, kwargs)


def test_where_nothing_is_told_of_a_function_the_options_of_ufuncs_are_assumed(monkeypatch) -> None:
    """As by NumPy before 2.4, of ufuncs and of what is written in C."""

    def told_nothing(fn):
        raise ValueError(f"no signature found for {fn}")

    face.cache_clear()
    monkeypatch.setattr("inspect.signature", told_nothing)
    try:
        x = mg.Tensor([1.0, 2.0], requires_grad=True)
        defaults = {"out": None, "where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}
        assert np.tanh(x, **defaults).fn is np.tanh
        with pytest.raises(TypeError, match=r"np\.tanh knows no casting=, and no other option"):
            np.tanh(x, casting="unsafe")
    finally:
        face.cache_clear()
