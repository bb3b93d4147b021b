"""Random programs of many operations: their gradients are their numerical derivatives.

A program is an expression of two inputs, with parts that occur several times and are then computed once, so that its
graph is no tree. A program that a wrong rule makes fail shrinks to one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from minigrad import Tensor, grad, hvp, jvp, value_and_grad
from minigrad.primitives import Function, name_of, vjps
from minigrad.testing import numerical_jvp

SIDE = 2
POINTS = {"x": np.array([[0.5, -0.75], [1.25, 0.375]]), "w": np.array([[-0.25, 0.625]])}
DIRECTIONS = {"x": np.array([[0.25, 0.375], [-0.5, 0.125]]), "w": np.array([[0.375, -0.25]])}
CONSTANTS = {"2": 2, "0.5": 0.5, "c": np.array([[0.75], [-0.5]])}


def square(a: Any) -> Any:
    """Any of the shapes that occur, (2, 2), (1, 2), (2, 1) or (), as a square matrix."""
    return np.broadcast_to(a, (SIDE, SIDE))


UNARY: dict[str, Callable[[Any], Any]] = {
    "np.sin": np.sin,
    "np.tanh": np.tanh,
    "np.exp(-{}**2)": lambda a: np.exp(-(a**2)),
    "np.sqrt(1 + {}**2)": lambda a: np.sqrt(1 + a**2),
    "-": np.negative,
    "np.sum(axis=0)": lambda a: np.sum(square(a), axis=0, keepdims=True),
    "np.mean(axis=1)": lambda a: np.mean(square(a), axis=1, keepdims=True),
    "np.max": np.max,
    "np.transpose": lambda a: np.transpose(square(a)),
    "[::-1, :1]": lambda a: square(a)[::-1, :1],
    "[[0, 0, 1], ...].sum(0)": lambda a: np.sum(square(a)[[0, 0, 1]], axis=0, keepdims=True),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/ (2 + sin)": lambda a, b: a / (2 + np.sin(b)),
    "@": lambda a, b: square(a) @ square(b),
    "np.maximum": np.maximum,
    "np.where(c > 0)": lambda a, b: np.where(CONSTANTS["c"] > 0, a, b),
    "np.concatenate": lambda a, b: np.concatenate([square(a), square(b)])[1:3],
    "np.stack": lambda a, b: np.sum(np.stack([square(a), square(b)], axis=1), axis=-1),
}


@dataclass(frozen=True, eq=False)
class Node:
    """An operation on other programs."""

    op: str
    parts: tuple[Node, ...]

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(repr, self.parts))})" if self.parts else self.op

    def __call__(self, **inputs: Any) -> Any:
        values = {program(name): value for name, value in (CONSTANTS | inputs).items()}

        def run(node: Node) -> Any:
            if node not in values:
                operation: Any = UNARY[node.op] if len(node.parts) == 1 else BINARY[node.op]
                values[node] = operation(*map(run, node.parts))
            return values[node]

        return run(self)


@cache
def program(op: str, *parts: Node) -> Node:
    """The one program that does this: equal parts are the same object, and computed once."""
    return Node(op, parts)


def grown(smaller: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Programs with one more operation, on different parts or twice on the same."""
    unary, binary = st.sampled_from(sorted(UNARY)), st.sampled_from(sorted(BINARY))
    return (
        st.builds(program, unary, smaller)
        | st.builds(program, binary, smaller, smaller)
        | st.builds(lambda op, again, a: program(op, a, program(again, a)), binary, unary, smaller)
    )


LEAVES = st.sampled_from([*POINTS, *CONSTANTS]).map(program)
PROGRAMS = st.recursive(LEAVES, grown, max_leaves=8)


@st.composite
def long_programs(draw: st.DrawFn) -> Node:
    """Programs of some thirty lines, on results of earlier ones; every line is a sine, so that none grows large."""
    lines = [program(name) for name in (*POINTS, *CONSTANTS)]
    for _ in range(draw(st.integers(15, 25))):
        a, b = (draw(st.sampled_from(lines[-6:])) for _ in range(2))
        op = draw(st.sampled_from(sorted(UNARY)) | st.sampled_from(sorted(BINARY)))
        lines.append(program("np.sin", program(op, a) if op in UNARY and op != "-" else program(op, a, b)))
    return reduce(lambda a, b: program("+", a, b), lines[-6:])


def operations(node: Node) -> set[Node]:
    """The distinct operations of a program."""
    found, open_ = set(), [node]
    while open_:
        here = open_.pop()
        if here.parts and here not in found:
            found.add(here)
            open_ += here.parts
    return found


def cost(node: Node) -> Callable[[Any, Any], Any]:
    """A number that all of a program's result goes into."""
    return lambda x, w: np.sum(np.sin(1 + square(node(x=x, w=w))) * np.array([[1.0, 2.0], [-1.5, 0.5]]))


def apart(claimed: Any, f: Callable[..., Any]) -> bool:
    """Whether a derivative is wrong, as far as differences can tell: near a kink, or on a steep slope, they cannot."""
    estimate = numerical_jvp(f, list(POINTS.values()), list(DIRECTIONS.values()))
    scale = 1 + abs(estimate.value)
    told = estimate.error < 1e-8 * scale
    return bool(np.any(told & (abs(claimed - estimate.value) > 10 * estimate.error + 1e-8 * scale)))


def wrong(node: Node) -> bool:
    """Whether the gradient of a program is not its derivative."""
    f = cost(node)
    _, gradients = value_and_grad(f, (0, 1))(*POINTS.values())
    return apart(sum(np.sum(g * v) for g, v in zip(gradients, DIRECTIONS.values(), strict=True)), f)


@settings(max_examples=150)
@given(PROGRAMS)
def test_gradients_of_programs(node: Node) -> None:
    assert not wrong(node)


@settings(max_examples=60)
@given(long_programs())
def test_gradients_of_long_programs(node: Node) -> None:
    assert len(operations(node)) >= 10
    assert not wrong(node)


def test_differences_can_judge_long_programs() -> None:
    """Not being able to tell counts as right: that has to be rare."""
    judged = []

    @settings(max_examples=60, database=None)
    @given(long_programs())
    def judge(node: Node) -> None:
        estimate = numerical_jvp(cost(node), list(POINTS.values()), list(DIRECTIONS.values()))
        judged.append((len(operations(node)), bool(estimate.error < 1e-8 * (1 + abs(estimate.value)))))

    judge()
    assert np.median([size for size, _ in judged]) >= 20
    assert np.mean([told for _, told in judged]) >= 0.8


@settings(max_examples=50)
@given(PROGRAMS)
def test_second_derivatives_of_programs(node: Node) -> None:
    f = cost(node)
    for i, product in enumerate(hvp(f, list(POINTS.values()), list(DIRECTIONS.values()))):
        assert not apart(product, grad(f, i))


@settings(max_examples=50)
@given(PROGRAMS)
def test_tangents_of_programs(node: Node) -> None:
    f = lambda x, w: square(node(x=x, w=w))
    _, tangent = jvp(f, list(POINTS.values()), list(DIRECTIONS.values()))
    assert not apart(tangent, f)


def test_equal_parts_are_computed_once() -> None:
    x = Tensor(POINTS["x"], requires_grad=True)
    y = program("*", program("np.sin", program("x")), program("np.tanh", program("np.sin", program("x"))))(x=x)
    assert y.args[1].args[0] is y.args[0]
    node = program("x")
    for _ in range(60):
        node = program("np.tanh", program("+", node, node))
    assert np.isfinite(node(x=x).data).all()  # by paths, 2**60 of them, it would take for ever


def bent(rules: Any, position: int) -> Any:
    """Rules of which one is wrong by a thousandth."""
    slightly = lambda g, y, *args, **options: rules[position](g * 1.001, y, *args, **options)
    return tuple(slightly if i == position else rule for i, rule in enumerate(rules))


BUGS = [
    (np.tanh, 0),
    (np.multiply, 1),
    (np.divide, 1),
    (np.matmul, 0),
    (np.mean, 0),
    (np.maximum, 1),
    (np.transpose, 0),
]


@pytest.mark.parametrize(("fn", "position"), BUGS, ids=[name_of(fn) for fn, _ in BUGS])
def test_a_wrong_rule_is_found_and_shrunk_to_one_line(
    fn: Function, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vjps, fn, bent(vjps[fn], position))
    smallest = find(PROGRAMS, wrong, settings=settings(max_examples=1000, database=None))
    assert len(repr(smallest)) < 40, smallest
