"""The mutation check is checked: it makes the mistakes it is meant to make, one at a time, and tells who noticed."""

from __future__ import annotations

import ast
import multiprocessing
import os
from itertools import takewhile

import numpy as np
import pytest

from tests.mutants.mistakes import Mutant, mutants, mutated
from tests.rules.cases import CASES

SOURCE = """
defvjp(np.f, lambda g, y, a: g * np.cos(a) / (1 - a),
             lambda g, y, a: np.where(a == y, -g, 0))
"""

MADE = {  # kind, what was there, what stands there instead
    ("sign", "lambda g, y, a: np.where(a == y, -g, 0)", "lambda g, y, a: -np.where(a == y, -g, 0)"),
    ("sign", "-g", "g"),
    ("sign", "1 - a", "1 + a"),
    ("factor", "g * np.cos(a)", "g"),
    ("factor", "g * np.cos(a)", "np.cos(a)"),
    ("factor", "g * np.cos(a) / (1 - a)", "g * np.cos(a)"),
    ("swapped", "g * np.cos(a) / (1 - a)", "(1 - a) / (g * np.cos(a))"),
    ("term", "1 - a", "1"),
    ("function", "np.cos(a)", "np.sin(a)"),
    ("function", "np.cos(a)", "a"),
    ("constant", "1 - a", "2 - a"),
    ("comparison", "a == y", "a != y"),
    ("tie", "np.where(a == y, -g, 0)", "-g"),
    ("tie", "np.where(a == y, -g, 0)", "np.where(a == y, 0, -g)"),
}
IN_FUNCTIONS = {
    "return np.sum(x, axis=axis)": {
        ("axis", "np.sum(x, axis=axis)", "np.sum(x, axis=0)"), ("sum", "np.sum(x, axis=axis)", "x"),
        ("option", "np.sum(x, axis=axis)", "np.sum(x)"),
    },
    "return np.zeros(s, dtype=t)": {("cast", "np.zeros(s, dtype=t)", "np.zeros(s)")},
    "return x.astype(t)": {("cast", "x.astype(t)", "x")},
    "return np.take(x, i)": {("swapped", "np.take(x, i)", "np.take(i, x)")},
    "return a < b": {("comparison", "a < b", "a <= b"), ("comparison", "a < b", "a > b")},
    "return (1 - a) * (1 + a)": {("digits", "(1 - a) * (1 + a)", "1 - a * a")},
    "return np.hypot(a, 1)": {("digits", "np.hypot(a, 1)", "np.sqrt(a ** 2 + 1 ** 2)")},
    "return a.T @ b": {("axis", "a.T", "a"), ("swapped", "a.T @ b", "b @ a.T")},
    "out[i] += v": {("sum", "out[i] += v", "out[i] = v")},
    "return -a, b": {("sign", "return (-a, b)", "return (-a, -b)")},
}  # fmt: skip


def told(source: str) -> set[tuple[str, str, str]]:
    return {(each.kind, each.before, each.after) for each in mutants("file", source)}


def test_the_mistakes_that_people_make_are_made() -> None:
    assert told(SOURCE) >= MADE
    for line, some in IN_FUNCTIONS.items():
        assert told(f"def f(*args):\n    {line}") >= some, line


def test_each_is_known_by_a_name_of_its_own_and_by_whose_rule_it_is_in() -> None:
    found = list(mutants("file", SOURCE + SOURCE))
    assert len({each.name for each in found}) == len(found)
    assert {each.where for each in found} == {"np.f"}
    for statement in (
        "for fn in (np.f, np.h):\n    defvjp(fn, {})",
        "rewrites[np.f, np.h] = {}",
        "rule((np.f, np.h), {})",
    ):
        assert {each.where for each in mutants("file", statement.format("lambda x: -x"))} == {"(np.f, np.h)"}
    assert {each.where for each in mutants("file", "def helper(x):\n    return -x")} == {"helper"}
    assert {each.code for each in found if each.line == 2} == {("<lambda>", 2)}


def test_one_thing_is_changed_at_a_time() -> None:
    tree = ast.unparse(ast.parse(SOURCE))
    for mutant in mutants("file", SOURCE):
        text = ast.unparse(mutated(SOURCE, mutant))
        compile(text, "file", "exec")
        assert text != tree
        one, other = ast.dump(ast.parse(SOURCE)), ast.dump(ast.parse(text))
        same = alike(one, other) + alike(one[::-1], other[::-1])
        assert same >= len(one) - len(ast.dump(ast.parse(mutant.before)))


def alike(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def test_complaints_are_left_alone() -> None:
    source = "def f(x):\n    if x.ndim > 2:\n        raise ValueError(f'{x.ndim - 2} too many')\n    return x"
    assert {each.before for each in mutants("file", source)} == {"return x"}


def outcome(file: str, name: str) -> str:
    """What notices a mistake in the rules, asked of the cases of np.tanh and np.maximum."""
    from tests.mutants.__main__ import chosen, tried

    (mutant,) = (each for each in chosen([f"{file}, "]) if each.name == f"{file}, {name}")
    assert isinstance(mutant, Mutant)
    asked = (case.fn in (np.tanh, np.maximum) and np.shape(case.points[0]) == (2, 3) for case in CASES)
    cases = [number for number, some in enumerate(asked) if some]
    return tried((mutant, cases, [])).noticed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="every mistake is tried in a fork")
@pytest.mark.parametrize(
    ("name", "noticed"),
    [
        ("np.tanh: 1 - y * y → 1 + y * y", "tanh-(2,3): GradCheckError"),
        ("np.tanh: lambda g, y, a: g * (1 - y * y) → lambda g, y, a: -(g * (1 - y * y))", "tanh-(2,3): GradCheckError"),
        ("np.sin: np.cos(a) → np.sin(a)", ""),  # whom nobody here asks
    ],
)
def test_who_notices_is_told(name: str, noticed: str) -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply(outcome, ("elementwise", name))
    assert found.endswith(noticed) and bool(found) == bool(noticed)
