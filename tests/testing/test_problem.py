"""A function, its pullback and a point, in containers or not: taken apart, moved, and put together again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.problem import Problem, checked, dtype_of, inner, is_float, values


class Pair(NamedTuple):
    W: object
    rest: object


ARGS = (Pair(np.ones((2, 3)), [{"b": np.zeros(2)}, 7]), np.array(0.5), "sum", np.arange(3))


def scaled(p, s, how, n):
    return {"y": p.W.sum(axis=1) * s + p.rest[0]["b"], "n": (s * 2.0,)}


def scaled_back(g, p, s, how, n):
    rows = np.broadcast_to(g["y"][:, None] * s, p.W.shape)
    return Pair(rows, [{"b": g["y"]}, None]), np.sum(g["y"] * p.W.sum(axis=1)) + 2 * g["n"][0], None, None


PROBLEM = Problem(scaled, scaled_back, ARGS, (0, 1))


def test_every_array_of_numbers_is_called_as_one_writes_it():
    parts = list(PROBLEM.parts())
    assert [path for _, _, path in parts] == ["args[0].W", "args[0].rest[0]['b']", "args[1]"]
    for i, _, path in parts:
        assert is_float(eval(path, {"args": ARGS}))
        assert i == int(path[5])


@given(st.integers(0, 2**32))
def test_the_slope_of_a_bilinear_function_is_known(seed):
    rng = np.random.default_rng(seed)
    w = {"y": rng.normal(size=2), "n": (rng.normal(),)}
    (rows, rest), by_s, *none = PROBLEM.cotangents(w)
    assert all(not np.any(g) for g in (rest[1], *none))  # nothing for an integer, a string
    v = rng.normal(size=(2, 3))
    assert PROBLEM.slope(w, PROBLEM.direction(0, 0, v)).value == pytest.approx(np.sum(v * rows), rel=1e-6, abs=1e-9)
    assert PROBLEM.slope(w, PROBLEM.direction(1, 0, np.array(2.0))).value == pytest.approx(2 * by_s, rel=1e-6, abs=1e-9)


def test_a_direction_moves_one_array_alone():
    moved = PROBLEM.direction(0, 1, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(moved[0].rest[0]["b"], [1.0, 2.0])
    assert not np.any(moved[0].W) and not np.any(moved[1])


def test_copies_may_be_written_to_and_numbers_stay_numbers():
    copies = PROBLEM.copies()
    copies[0].W[...] = 9.0
    assert np.all(ARGS[0].W == 1.0)
    assert isinstance(copies[1], np.float64) and copies[2:] == ARGS[2:]


def test_in_another_dtype_only_what_has_a_gradient_changes():
    there = PROBLEM.in_dtype(np.float32)
    assert there.args[0].W.dtype == there.args[1].dtype == np.float32
    assert there.args[3].dtype == ARGS[3].dtype and there.args[2] == "sum"
    assert PROBLEM.at(there.args).args == there.args and PROBLEM.args is ARGS


def test_a_pullback_with_too_few_or_too_many_parts():
    short = Problem(scaled, lambda g, *args: (None, None), ARGS, (0, 1))
    with pytest.raises(ValueError, match="gave 2 cotangents for 4 arguments"):
        short.cotangents({"y": np.ones(2), "n": (1.0,)})
    crowded = Problem(np.sin, lambda g, x: [g, g], (np.ones(2),), (0,))
    with pytest.raises(ValueError, match="a cotangent of 2 arrays was given for an argument of 1"):
        Problem(crowded.forward, lambda g, x: ([g, g],), crowded.args, (0,)).cotangents(np.ones(2))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), st.floats(-10, 10), st.integers(0, 9))
def test_the_inner_product_is_bilinear_and_positive(numbers, factor, seed):
    a = {"x": np.array(numbers), "y": [1.0]}
    b = {"x": np.random.default_rng(seed).normal(size=len(numbers)), "y": [2.0]}
    both = {"x": a["x"] + factor * b["x"], "y": [a["y"][0] + factor * b["y"][0]]}
    size = abs(inner(a, a)) + abs(factor * inner(b, a)) + abs(inner(a, b))
    assert inner(both, a) == pytest.approx(
        inner(a, a) + factor * inner(b, a), abs=1e-9 * (1 + size) * (1 + abs(factor))
    )
    assert inner(a, b) == pytest.approx(inner(b, a)) and inner(a, a) >= 1.0


def test_points_are_checked_in_double_precision_whatever_they_come_in():
    point, positions = checked((np.float32([1, 2]), 3, mg.Tensor([0.5]), {"n": 1, "x": 1.5}, 2.0), None)
    assert positions == (0, 2, 4)  # not a container that holds an integer as well, unless it is asked for
    assert [np.asarray(point[i]).dtype for i in positions] == [np.float64] * 3
    assert checked((1.0, {"n": 1, "x": 1.5}), [1])[1] == (1,)
    assert dtype_of((np.float32([1]), 3)) == np.float32
    assert dtype_of((np.float32([1]), 3.0)) == np.float64
    assert type(values(mg.Tensor([1.0]))) is np.ndarray
