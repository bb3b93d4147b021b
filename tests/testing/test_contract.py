"""Each promise is broken by somebody, is found broken by that alone, and is kept by whoever keeps it."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.testing.contract import contract
from minigrad.testing.problem import Problem, checked
from tests.testing.pairs import PAIRS
from tests.testing.wrong import wrongs

BROKEN = {
    "shape and dtype are the argument's": ["the bias is not un-broadcast", "float64 for float32"],
    "nothing is written to": ["writes to its argument", "scales its cotangent in place"],
    "memory is not an argument's, nor an earlier result's": ["zeros that are an argument", "a reused buffer"],
    "twice gives the same": [],
    "zero gives exactly zero": ["not zero for a cotangent of zeros", "upstream cotangent ignored"],
    "float32 gives the same": ["wrong by 10 % in float32"],
    "linear in the cotangent": ["not linear in the cotangent"],
    "memory layout does not matter": [
        "memory order for row order", "the cotangent in memory order", "the cotangent as a buffer"
    ],
    "one array may be given twice": ["cotangents by the identity of arguments"],
    "numbers and empty arrays are taken too": ["the wrong shape for a number"],
}  # fmt: skip


def clauses(forward, vjp, args, dtypes=(np.float64, np.float32)):
    point, wrt = checked(args, None)
    found = contract(Problem(forward, vjp, point, wrt), dtypes, np.random.default_rng(0))
    return {clause.promise: clause.broken for clause in found}


def test_all_promises_are_tried():
    assert list(clauses(np.sin, lambda g, x: g * np.cos(x), (np.ones(3),))) == list(BROKEN)


@pytest.mark.parametrize(("promise", "name"), [(promise, name) for promise in BROKEN for name in BROKEN[promise]])
def test_whoever_breaks_a_promise_is_told_which(promise, name):
    (case,) = (case for case in wrongs() if case.name == name)
    found = clauses(case.forward, case.vjp, case.args)
    assert found[promise]
    if case.right is not None:
        assert not any(clauses(case.forward, case.right, case.args).values())


def test_whoever_answers_otherwise_the_second_time_is_found():
    calls = []

    def fickle(g, x):
        calls.append(x)
        return g * len(calls)

    assert "a second call gave another cotangent" in clauses(np.positive, fickle, (np.ones(3),))["twice gives the same"]


def test_an_error_for_single_precision_is_a_finding():
    def double(g, x):
        if x.dtype != np.float64:
            raise TypeError("float64 only")
        return g * np.cos(x)

    found = clauses(np.sin, double, (np.ones(3),))
    assert found.pop("shape and dtype are the argument's") == "the pullback raised TypeError: float64 only"
    assert not any(found.values())


def test_nothing_is_said_of_shapes_that_a_function_was_not_made_for():
    """A sum over rows has no first number to be taken at."""
    vjp = lambda g, x: np.broadcast_to(g[:, None], x.shape).copy()
    assert not any(clauses(lambda x: x.sum(axis=1), vjp, (np.ones((2, 3)),)).values())


@pytest.mark.parametrize("pair", PAIRS[::10], ids=lambda pair: pair.name)
def test_whoever_keeps_them_is_not_accused(pair):
    """All pairs, and more than the contract, in `test_checks`."""
    assert not any(clauses(pair.forward, pair.vjp, pair.args).values())
