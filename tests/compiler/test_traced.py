"""What is recorded of NumPy, and what is refused: functions, options and arrays that are out of the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import compile, rnn
from minigrad.compiler.traced import Refused
from minigrad.containers import leaves

ARRAYS: dict[str, Callable[[Any], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype("float32"),
    "whole": lambda x: np.asarray(3 * x, int),
    "complex": lambda x: x + 1j * x[::-1],
    "backwards": lambda x: x[::-1],
    "every other": lambda x: np.repeat(x, 2)[::2],
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "real": lambda x: np.fft.fft(x).real + (1j * x).imag,
    "an option": lambda x: np.sum(x, where=np.abs(x) > 0.5, initial=2),
    "another dtype": lambda x: np.cumsum(x.real, dtype="float32"),
    "reduce": lambda x: np.add.reduce(x) + np.multiply.accumulate(x) + np.add.reduceat(x, [0, 2])[1],
    "outer": lambda x: np.add.outer(x, x),
    "several": lambda x: np.modf(x.real),
    "a truth": lambda x: (np.allclose(x, 0), np.array_equal(x, x), x[0] == x[1], (x.real > 0) & (x.real < 1)),
    "all of it": lambda x: x[()],
    "in Fortran's order": lambda x: x.reshape((2, 2), order="F"),
    "nothing": lambda x: x[:0] @ x[:0] + np.sum(np.ones((0, 4)) * x),
    "no results": lambda x: ((), {}, []),
    "what is there already": lambda x: (x, x[1:], np.broadcast_to(x, (2, 4)), x.T, [x, {"k": (x,)}]),
    "a row by number": lambda x: np.tanh(np.multiply.outer(x, x))[np.array(2)],
    "a row by value": lambda x: np.tanh(np.multiply.outer(x, x))[np.argmax(x.real)],
    "as many as are positive": lambda x: np.sum(np.repeat(x, np.where(x.real > 0, 1, 0)) * 2),
    "complex or not": lambda x: np.linalg.eigvals(np.reshape(x, (2, 2))) * 2,
    "zeros of a polynomial": lambda x: np.roots(np.where(x.real > 0, x, 0)) * 1,
    "the other way round": lambda x: np.stack([np.astype(x.real, ">f8")] * 4)[0],
    "a constant of other bytes": lambda x: x * np.array([1.5, 2.0, 3.0, 4.0], ">f8") * np.arange(4, dtype=">i2"),
    "constants": lambda x: x * np.longdouble(1.5) + np.float16(1.5) * np.complex64(1 - 2j) - np.uint8(3) * -0.0,
    "not a number": lambda x: x * np.array([np.nan, -0.0, np.inf, 1.0]) + np.float64(np.nan),
    "a constant on its side": lambda x: np.sum(np.arange(12.0).reshape(3, 4).T[:, 1] * 0.1 * x) + np.eye(4)[::-1] @ x,
}


def same(found: Any, expected: Any) -> None:
    for got, want in zip(leaves(found), leaves(expected), strict=True):
        got, want = np.asarray(got), np.asarray(want)
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        size = np.max(np.abs(want), initial=0, where=np.isfinite(want)) if want.dtype.kind in "fc" else 0
        np.testing.assert_allclose(got, want, rtol=0, atol=8 * size * float(np.finfo(want.dtype).eps) if size else 0)


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_arrays_of_all_kinds(name: str, kind: str) -> None:
    """On other numbers than those that were traced: other signs, zeros, other shapes of what comes out."""
    f = FUNCTIONS[name]
    step, exact = compile(f), compile(f, roll=False)
    with np.errstate(all="ignore"):
        for values in ([0.5, -0.75, 2.5, 0.25], [-0.5, 1.5, -2.0, -1.0], [0.0, 0.0, 1.0, 0.0], [0.5, -0.75, 2.5, 0.25]):
            x = ARRAYS[kind](np.array(values))
            found, expected = (step(x), exact(x)), f(x)
            for each in found:
                same(each, expected)
                assert not any(isinstance(leaf, np.ndarray) and np.shares_memory(leaf, x) for leaf in leaves(each))


def test_results_stay_when_a_row_of_a_buffer_is_picked() -> None:
    step = compile(lambda x: np.tanh(np.multiply.outer(x, x))[np.argmax(x)])
    first = step(np.array([1.0, 2.0]))
    step(np.array([3.0, 1.0]))
    np.testing.assert_array_equal(first, np.tanh([2.0, 4.0]))


def test_a_memory_map_is_read_at_every_call(tmp_path: Any) -> None:
    numbers = np.memmap(tmp_path / "numbers", float, "w+", shape=(3,))
    step = compile(lambda x: np.sum(x * numbers))
    for value in (1.0, 2.0):
        numbers[:] = value
        assert step(np.ones(3)) == 3 * value


def writing(into: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Returns what was written to an array of its own."""

    def f(x: Any) -> Any:
        out = np.zeros(4)
        into(x, out)
        return out

    return f


@pytest.mark.parametrize(
    "into",
    [
        lambda x, out: np.cumsum(x, 0, None, out),
        lambda x, out: np.take(x, [0, 1, 2, 3], 0, out),
        lambda x, out: np.dot(np.eye(4), x, out),
        lambda x, out: np.concatenate([x], 0, out),
        lambda x, out: np.clip(x, -1, 1, out),
        lambda x, out: np.mean(x, 0, None, out[:1].reshape(())),
        lambda x, out: np.matmul(np.eye(4), x, out),
        lambda x, out: np.copyto(x, out),
        lambda x, out: np.put_along_axis(x, np.array([0]), 1.0, 0),
        lambda x, out: np.nan_to_num(x, False),
        lambda x, out: np.median(x, overwrite_input=True),
        lambda x, out: out.__setitem__(0, x[0]),
        lambda x, out: out.fill(x[0]),
        lambda x, out: out.__iadd__(x),
    ],
)
def test_what_writes_to_an_array_is_refused_before_it_has_written(into: Any) -> None:
    x = np.array([0.5, -0.75, 2.5, 0.25])
    with pytest.raises(Refused, match=r"mg\.compile: .*(in place|float\(x\)|changes an array)"):
        compile(writing(into))(x)
    np.testing.assert_array_equal(x, [0.5, -0.75, 2.5, 0.25])


def test_kinds_of_arrays_that_have_rules_of_their_own_are_refused() -> None:
    class Own(np.ndarray):
        pass

    with pytest.raises(Refused, match="a Own takes part"):
        compile(lambda x: x * np.ones(2).view(Own))(np.ones(2))


def test_what_stand_ins_have_not_is_told_with_its_line() -> None:
    with pytest.raises(Refused, match=r"has no \.flat, at .*test_traced\.py"):
        compile(lambda x: x.flat[0])(np.ones(2))


def test_names_of_arguments_may_be_those_of_functions() -> None:
    """And results may be called as the functions that gave them."""
    model, xs, ys = rnn.RNN(2, 3, 1), np.ones((5, 2, 2)), np.ones((5, 2, 1))

    def loss(scatter: Any, Unusual: Any, all_finite: Any) -> Any:
        return rnn.unroll(scatter, Unusual, all_finite).cost

    assert compile(loss)(model, xs, ys) == pytest.approx(loss(model, xs, ys).item(), rel=1e-12)


def infinite(x: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.sum(1 / x)


@pytest.mark.parametrize("around", ["ignore", "warn", "raise"])
def test_warnings_that_the_function_switches_off_are_off_wherever_it_was_traced(around: Any) -> None:
    step = compile(infinite)
    with np.errstate(all=around):
        step(np.ones(3))
    with np.errstate(all="raise"):
        assert step(np.zeros(3)) == infinite(np.zeros(3)) == np.inf


def test_numbers_of_the_first_call_are_warned_of_once() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero") as told:
        assert compile(lambda x: np.sum(1 / x))(np.zeros(3)) == np.inf
    assert len(told) == 1


def test_errors_that_the_function_asks_for_in_a_part_of_it_are_refused() -> None:
    def f(x: Any) -> Any:
        with np.errstate(divide="raise"):
            y = np.log(np.abs(x))
        return np.sum(y) + np.sum(1 / x)

    with pytest.raises(Refused, match=r"np\.errstate\(divide='raise'\) .*test_traced\.py.*np\.log"):
        compile(f)(np.ones(3))
