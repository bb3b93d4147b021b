"""Random programs of many operations: their gradients are their numerical derivatives.

The programs come from `minigrad.testing.programs`. One that a wrong rule makes fail shrinks to a single operation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, find, given, settings

from minigrad import grad, hvp, jvp, vjp
from minigrad.engine import walk
from minigrad.engine.tables import Function, Primitive, name_of, primitives
from minigrad.engine.tensor import record
from minigrad.rules import shapes as shape_rules
from minigrad.testing.numerical import near_kink, numerical_jvp
from minigrad.testing.programs import Op, Program, long_programs, programs
from tests.tables import ruled

ARGS = np.array([[0.5, -0.75], [1.25, 0.375]]), np.array([[-0.25, 0.625]])
TANGENTS = np.array([[0.25, 0.375], [-0.5, 0.125]]), np.array([[0.375, -0.25]])
WEIGHTS = np.array([[1.0, 2.0], [-1.5, 0.5]])

HALF = settings(max_examples=settings.default.max_examples // 2)  # of what the profile says


def cost(program: Program) -> Callable[[Any, Any], Any]:
    """A number that all of a program's result goes into."""
    return lambda x, w: np.sum(np.sin(1 + program(x, w)) * WEIGHTS)


def told(estimate: Any) -> Any:
    """Where a numerical derivative is exact enough to judge by."""
    return np.asarray(estimate.error) < 1e-8 * (1 + abs(np.asarray(estimate.value)))


def apart(claimed: Any, f: Callable[..., Any]) -> bool:
    """Whether a derivative is wrong, as far as differences can tell: near a kink, or on a steep slope, they cannot."""
    estimate = numerical_jvp(f, ARGS, TANGENTS)
    value, error = np.asarray(estimate.value), np.asarray(estimate.error)
    differ = told(estimate) & (abs(claimed - value) > 10 * error + 1e-8 * (1 + abs(value)))
    return bool(np.any(differ)) and not near_kink(f, ARGS, TANGENTS)


def floating(program: Program) -> bool:
    """Whether a program has a gradient at all: one that is an integer, such as 2, has none."""
    return bool(np.asarray(program(*ARGS)).dtype.kind == "f")


def wrong(program: Program) -> bool:
    """Whether what is pulled back through a program, with nothing in front of it, is not its derivative."""
    if not floating(program):
        return False
    y, pullback = vjp(program, *ARGS)
    weights = np.resize(WEIGHTS, np.shape(y))
    claimed = sum(np.sum(g * v) for g, v in zip(pullback(weights), TANGENTS, strict=True))
    return apart(claimed, lambda x, w: np.sum(weights * program(x, w)))


@given(programs())
def test_gradients_of_programs(program: Program) -> None:
    assert not wrong(program)


@HALF
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


@HALF
@given(programs())
def test_second_derivatives_of_programs(program: Program) -> None:
    f = cost(program)
    for i, product in enumerate(hvp(f, ARGS, TANGENTS)):
        assert not apart(product, grad(f, i))


@HALF
@given(programs())
def test_tangents_of_programs(program: Program) -> None:
    f = lambda x, w: 1.0 * np.broadcast_to(program(x, w), (2, 2))
    _, tangent = jvp(f, ARGS, TANGENTS)
    assert not apart(tangent, f)


@HALF
@given(programs())
def test_gradients_in_single_precision(program: Program) -> None:
    assume(floating(program))
    single = [point.astype(np.float32) for point in ARGS]
    (y, pullback), (_, exact_pullback) = vjp(program, *single), vjp(program, *ARGS)
    assert np.asarray(y).dtype == np.asarray(program(*single)).dtype  # NumPy's: np.sin(2) is one of double precision
    weights = np.resize(WEIGHTS, np.shape(y))
    for g, exact in zip(pullback(weights), exact_pullback(weights), strict=True):
        assert g.dtype == np.float32 and g.shape == exact.shape
        np.testing.assert_allclose(g, exact, rtol=1e-3, atol=1e-3 * (1 + abs(exact).max()))


# -- wrong rules are found, and shrink --------------------------------------------------------------------------------


def bent(known: Primitive, position: int) -> Primitive:
    """Rules of which one is wrong by a thousandth; a position of -1 bends a rule that serves all arguments at once."""
    right: Any = known.joint if position == -1 else known.rules[position]
    slightly = lambda g, y, *args, **options: right(g * 1.001, y, *args, **options)
    if position == -1:
        return replace(known, joint=slightly)
    return replace(known, rules=tuple(slightly if i == position else rule for i, rule in enumerate(known.rules)))


BUGS = [  # one of a kind: mistakes in all the others are made and noticed by `tests.mutants`
    (np.sin, 0),
    (np.subtract, 1),
    (np.divide, 1),
    (np.matmul, 0),
    (np.matmul, 1),
    (np.sum, 0),
    (np.max, 0),
    (np.cumsum, 0),
    (np.where, 2),
    (np.roll, 0),
    (operator.getitem, 0),
    (shape_rules.concatenate, -1),
]


def shrunk() -> Program:
    """The smallest program whose gradient is wrong."""
    return find(programs(), wrong, settings=settings(derandomize=True, max_examples=3000))


@pytest.mark.parametrize(("fn", "position"), BUGS, ids=[f"{name_of(fn)}-{position}" for fn, position in BUGS])
def test_a_wrong_rule_is_found_and_shrunk_to_one_operation(
    fn: Function, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(primitives, fn, bent(primitives[fn], position))
    smallest = shrunk()
    assert len(smallest.operations) == 1, smallest.source()


def test_a_wrong_sum_over_broadcast_axes_is_found_and_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of the walk, not of a rule: of the rows to which an argument was broadcast, only the first counts."""
    right = walk.sum_to

    def first_row(g: Any, shape: tuple[int, ...], fn: Function) -> Any:
        return g[:1] if g.shape[1:] == shape[1:] and shape[:1] == (1,) else right(g, shape, fn)

    monkeypatch.setattr(walk, "sum_to", first_row)
    smallest = shrunk()
    assert len(smallest.operations) <= 2, smallest.source()


def test_overwriting_a_share_is_found_by_a_part_that_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """``=`` in the place of ``+=`` where shares meet: no program without sharing would show it."""
    monkeypatch.setattr(walk, "met", lambda total, share: share)
    smallest = shrunk()
    (operation,) = smallest.operations
    assert operation.parts[0] is operation.parts[1]


def test_a_wrong_operation_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs can be made of any functions: those of a guest, too."""
    cube = lambda a: a**3
    ruled(monkeypatch, cube, lambda g, y, a: g * 2 * a * a)
    ops = [Op("a + b"), Op("np.tanh(a)"), Op("cube(a)", {"cube": lambda a: record(cube, (a,))})]
    smallest = find(programs(ops), wrong, settings=settings(derandomize=True))
    assert repr(smallest) == "cube(x)"
