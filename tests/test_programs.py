"""Random programs of many operations: their gradients are their numerical derivatives.

The programs come from `minigrad.testing.programs`. One that a wrong rule makes fail shrinks to a single operation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings

from minigrad import Tensor, grad, hvp, jvp, value_and_grad
from minigrad.primitives import Function, name_of, vjps
from minigrad.rules import shapes as shape_rules
from minigrad.testing.numerical import near_kink, numerical_jvp
from minigrad.testing.programs import Op, Program, long_programs, programs

POINTS = {"x": np.array([[0.5, -0.75], [1.25, 0.375]]), "w": np.array([[-0.25, 0.625]])}
DIRECTIONS = {"x": np.array([[0.25, 0.375], [-0.5, 0.125]]), "w": np.array([[0.375, -0.25]])}
ARGS, TANGENTS = tuple(POINTS.values()), tuple(DIRECTIONS.values())
WEIGHTS = np.array([[1.0, 2.0], [-1.5, 0.5]])


def cost(program: Program) -> Callable[[Any, Any], Any]:
    """A number that all of a program's result goes into."""
    return lambda x, w: np.sum(np.sin(1 + program(x, w)) * WEIGHTS)


def whole(program: Program) -> Callable[[Any, Any], Any]:
    """The program's result, as a matrix, whatever its shape is."""
    return lambda x, w: np.broadcast_to(program(x, w), (2, 2))


def told(estimate: Any) -> Any:
    """Where a numerical derivative is exact enough to judge by."""
    return np.asarray(estimate.error) < 1e-8 * (1 + abs(np.asarray(estimate.value)))


def apart(claimed: Any, f: Callable[..., Any]) -> bool:
    """Whether a derivative is wrong, as far as differences can tell: near a kink, or on a steep slope, they cannot."""
    estimate = numerical_jvp(f, ARGS, TANGENTS)
    value, error = np.asarray(estimate.value), np.asarray(estimate.error)
    differ = told(estimate) & (abs(claimed - value) > 10 * error + 1e-8 * (1 + abs(value)))
    return bool(np.any(differ)) and not near_kink(f, ARGS, TANGENTS)


def wrong(program: Program) -> bool:
    """Whether the gradient of a program is not its derivative."""
    f = cost(program)
    _, gradients = value_and_grad(f, (0, 1))(*ARGS)
    return apart(sum(np.sum(g * v) for g, v in zip(gradients, TANGENTS, strict=True)), f)


@settings(max_examples=150)
@given(programs())
def test_gradients_of_programs(program: Program) -> None:
    assert not wrong(program)


@settings(max_examples=60)
@given(long_programs())
def test_gradients_of_long_programs(program: Program) -> None:
    assert len(program.operations) >= 10
    assert not wrong(program)


def test_differences_can_judge_long_programs() -> None:
    """Not being able to tell counts as right: that has to be rare."""
    judged = []

    @settings(max_examples=60, database=None)
    @given(long_programs())
    def judge(program: Program) -> None:
        f = cost(program)
        fine = bool(np.all(told(numerical_jvp(f, ARGS, TANGENTS)))) and not near_kink(f, ARGS, TANGENTS)
        judged.append((len(program.operations), fine))

    judge()
    assert np.median([size for size, _ in judged]) >= 20
    assert np.mean([fine for _, fine in judged]) >= 0.8


@settings(max_examples=50)
@given(programs())
def test_second_derivatives_of_programs(program: Program) -> None:
    f = cost(program)
    for i, product in enumerate(hvp(f, ARGS, TANGENTS)):
        assert not apart(product, grad(f, i))


@settings(max_examples=50)
@given(programs())
def test_tangents_of_programs(program: Program) -> None:
    f = whole(program)
    _, tangent = jvp(f, ARGS, TANGENTS)
    assert not apart(tangent, f)


@settings(max_examples=50)
@given(programs())
def test_single_precision_stays_and_agrees(program: Program) -> None:
    x, w = (Tensor(point, requires_grad=True, dtype=np.float32) for point in ARGS)
    result = cost(program)(x, w)
    if not isinstance(result, Tensor) or not result.requires_grad:
        return
    result.backward()
    _, exact = value_and_grad(cost(program), (0, 1))(*ARGS)
    for tensor, gradient in zip((x, w), exact, strict=True):
        if tensor.grad is not None:
            assert result.dtype == tensor.grad.dtype == np.float32
            np.testing.assert_allclose(tensor.grad, gradient, rtol=1e-3, atol=1e-3 * (1 + abs(gradient).max()))


# -- wrong rules are found, and shrink --------------------------------------------------------------------------------


def bent(rules: Any, position: int) -> Any:
    """Rules of which one is wrong by a thousandth; a position of -1 bends a rule that serves all arguments at once."""
    if not isinstance(rules, tuple):
        return lambda g, y, *args, **options: rules(g * 1.001, y, *args, **options)
    slightly = lambda g, y, *args, **options: rules[position](g * 1.001, y, *args, **options)
    return tuple(slightly if i == position else rule for i, rule in enumerate(rules))


BUGS = [
    (np.sin, 0),
    (np.tanh, 0),
    (np.negative, 0),
    (np.add, 0),
    (np.subtract, 1),
    (np.multiply, 1),
    (np.divide, 1),
    (np.power, 0),
    (np.logaddexp, 1),
    (np.matmul, 0),
    (np.matmul, 1),
    (np.sum, 0),
    (np.mean, 0),
    (np.max, 0),
    (np.var, 0),
    (np.cumsum, 0),
    (np.maximum, 1),
    (np.where, 2),
    (np.transpose, 0),
    (np.roll, 0),
    (np.broadcast_to, 0),
    (operator.getitem, 0),
    (shape_rules.concatenate, -1),
    (shape_rules.stack, -1),
]


def shrunk() -> Program:
    """The smallest program whose gradient is wrong."""
    return find(programs(), wrong, settings=settings(max_examples=3000, database=None))


@pytest.mark.parametrize(("fn", "position"), BUGS, ids=[f"{name_of(fn)}-{position}" for fn, position in BUGS])
def test_a_wrong_rule_is_found_and_shrunk_to_one_operation(
    fn: Function, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fn not in (np.sin, np.add, np.sum, np.multiply):  # `cost` itself calls these
        monkeypatch.setitem(vjps, fn, bent(vjps[fn], position))
        smallest = shrunk()
        assert len(smallest.operations) == 1, smallest.source()


def test_a_wrong_sum_over_broadcast_axes_shrinks_to_one_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of the walk, not of a rule: only the first of the rows to which an argument was broadcast is counted."""
    import minigrad.backward as walk

    right = walk.sum_to
    first = lambda g, shape: (
        right(g[:1] * 1.0, shape) if len(shape) == 2 and shape[0] == 1 < len(g) else right(g, shape)
    )
    monkeypatch.setattr(walk, "sum_to", first)
    smallest = shrunk()
    assert len(smallest.operations) == 1, smallest.source()


def test_a_cotangent_that_is_overwritten_needs_a_part_that_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """``=`` in the place of ``+=`` where shares meet: no program without sharing would show it."""
    import minigrad.backward as walk

    monkeypatch.setattr(walk, "met", lambda total, share: share)
    smallest = shrunk()
    assert len(smallest.operations) == 1
    (operation,) = smallest.operations
    assert operation.parts[0] is operation.parts[1]


def test_a_wrong_operation_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs can be made of any functions: those of a guest, too."""
    cube = lambda a: a**3

    def recorded(a: Any) -> Any:
        from minigrad.tensor import record

        return record(cube, (a,)) if isinstance(a, Tensor) else cube(a)

    monkeypatch.setitem(vjps, cube, (lambda g, y, a: g * 2 * a * a,))
    ops = [Op("a + b"), Op("np.tanh(a)"), Op("cube(a)", {"cube": recorded})]
    smallest = find(programs(ops), wrong, settings=settings(database=None))
    assert repr(smallest) == "cube(x)"
