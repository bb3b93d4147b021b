"""Every derivative rule against differences: to first and to second order, for every shape that it may meet.

`CASES` holds calls of every function that has a rule, and a function without one fails the first test. The points are
numbers (k + ½)/16, or (k + ¼)/16 for a second argument, all different: no kink, no tie and no zero is ever nearer
than the steps of the numerical derivative reach.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor, record
from minigrad.engine.walk import gradients
from minigrad.testing import GradCheckError, check_grads
from tests.rules.cases import CASES, Case, grid
from tests.tables import known, ruled


def name(case):
    return f"{name_of(case.fn)}-{'-'.join(str(np.shape(x)) for x in case.points)}".replace(" ", "")


# -- every case -------------------------------------------------------------------------------------------------------


def value(y):
    return y.data if isinstance(y, Tensor) else np.asarray(y)


def pulled(call, points, cotangent):
    """The gradients of ``cotangent`` · ``call(*points)``, as arrays."""
    xs = [Tensor(x, requires_grad=True) for x in points]
    return gradients(call(*xs), xs, cotangent)


def test_every_rule_has_a_case():
    """Those of the rules' files, that is: other chapters have primitives of their own, which they test."""
    ruled = known("rules") | known("joint") | known("rewrite")
    others = {
        fn
        for fn in ruled
        if str(getattr(fn, "__module__", "")).startswith(("minigrad.recomputing", "minigrad.optim", "minigrad.rnn"))
    }
    assert ruled - others == {case.fn for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_case(case):
    """NumPy's values; derivatives to second order, forward as well as back; and what a pullback has to be besides.

    What a check of the checker says (shape, dtype, layout, linearity, nothing written to ...) is not said again here.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what NumPy says of the mean of nothing
        for dtype in (np.float32, np.float64):
            y = values_are_numpys(case, dtype)
        single_precision_is_close(case, np.random.default_rng(2).uniform(-0.5, 0.5, y.shape))
        assert check_grads(case.call, case.points, directions=1)


EXACT = known("rules") - known("rewrite")  # NumPy itself is called: to the last bit


def values_are_numpys(case, dtype):
    """In dtype and shape as well; the value."""
    points = [np.asarray(x, dtype) for x in case.points]
    y = case.call(*[Tensor(x, requires_grad=True) for x in points])
    assert isinstance(y, Tensor)
    ulps = 0 if case.fn in EXACT else case.ulps
    rtol = ulps * np.finfo(dtype).eps
    atol = rtol if ulps > 4 else 0
    np.testing.assert_allclose(y.data, value(case.call(*points)), rtol=rtol, atol=atol, strict=True)
    return y


def single_precision_is_close(case, cotangent):
    """The gradients in float32 are those in float64, to some digits."""
    single = pulled(case.call, [np.asarray(x, np.float32) for x in case.points], cotangent)
    rtol = 1000 * np.finfo(np.float32).eps
    for g, exact in zip(single, pulled(case.call, case.points, cotangent), strict=True):
        np.testing.assert_allclose(g, exact, rtol=rtol, atol=rtol * (1 + np.max(abs(exact), initial=0)))


# -- functions without a derivative ------------------------------------------------------------------------------------

NO_MORE = (
    np.isfinite,
    np.isnan,
    np.isinf,
    np.signbit,
    np.argmax,
    np.argmin,
    np.any,
    np.all,
    np.logical_not,
    np.argsort,
)
NO_MORE += (np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.shape, np.ndim, np.size, np.zeros_like)
NO_MORE += (np.ones_like, np.empty_like, np.result_type, np.isreal, np.iscomplex, np.isposinf, np.isneginf, np.lexsort)
NO_MORE += (np.iscomplexobj, np.isrealobj, np.common_type, np.min_scalar_type, np.nanargmax, np.nanargmin)
NO_MORE += (np.array2string, np.array_repr, np.array_str, np.linalg.matrix_rank, np.tril_indices_from)
NO_MORE += (np.triu_indices_from,)
PLAIN = {
    **dict.fromkeys(NO_MORE, ()),
    **dict.fromkeys((np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal), (1.0,)),
    **dict.fromkeys((np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin, np.argpartition), (1,)),
    **dict.fromkeys((np.logical_and, np.logical_or, np.logical_xor), (True,)),
    **dict.fromkeys((np.may_share_memory, np.shares_memory), (np.zeros(3),)),
    np.digitize: ([-0.1, 0.1],),
    np.can_cast: (np.float32,),
}
ODD = {
    np.diag_indices_from: lambda x: np.diag_indices_from(x[:, :2]),
    np.ix_: lambda x: np.ix_(x[0] > 0, [0, 1]),
    np.searchsorted: lambda x: np.searchsorted(np.sort(x[0]), x[1]),
    np.einsum_path: lambda x: np.einsum_path("ij,kj->ik", x, x)[1],
    np.save: lambda x: loaded(np.save, x),
    np.savez: lambda x: loaded(np.savez, x)["arr_0"],
    np.savez_compressed: lambda x: loaded(np.savez_compressed, x)["arr_0"],
    np.savetxt: lambda x: np.loadtxt(written(np.savetxt, x)),
}


for ufunc in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal):
    PLAIN[ufunc.outer] = (0.0,)
for ufunc in (np.logical_and, np.logical_or, np.logical_xor):
    PLAIN |= {ufunc.reduce: (), ufunc.accumulate: (), ufunc.outer: (True,)}


def written(save, x):
    """A file with ``x``."""
    file = io.BytesIO()
    save(file, x)
    file.seek(0)
    return file


def loaded(save, x):
    return np.load(written(save, x))


@pytest.mark.parametrize("fn", sorted(known("plain"), key=name_of), ids=name_of)
def test_plain_functions_give_arrays(fn):
    x, call = grid((2, 3)), ODD.get(fn, lambda x: fn(x, *PLAIN[fn]))
    result, expected = call(Tensor(x, requires_grad=True)), call(x)
    assert type(result) is type(expected)
    if fn is np.empty_like:
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    else:
        for one, other in zip(result, expected, strict=True) if type(result) is tuple else [(result, expected)]:
            np.testing.assert_array_equal(one, other)


# -- and the checks themselves ----------------------------------------------------------------------------------------


def curve(a, b):
    return np.sin(a) * b


RIGHT = (lambda g, y, a, b: g * b * np.cos(a), lambda g, y, a, b: g * np.sin(a))
WRONG = {
    "by a millionth": (lambda g, y, a, b: g * b * np.cos(a) * (1 + 1e-6), RIGHT[1]),
    "in one element": (lambda g, y, a, b: g * b * np.cos(a) + np.array([0, 0, 1e-6]), RIGHT[1]),
    "in sign": (RIGHT[0], lambda g, y, a, b: -RIGHT[1](g, y, a, b)),
    "by omission": (None, RIGHT[1]),
    "in place": (lambda g, y, a, b: (g * b * np.cos(a))[..., ::-1], RIGHT[1]),
}
HALF_WRONG = {
    "of a": (lambda g, y, a, b: g * b * np.cos(value(a)), RIGHT[1]),
    "of b": (lambda g, y, a, b: g * value(b) * np.cos(a), RIGHT[1]),
    "of g": (lambda g, y, a, b: value(g) * b * np.cos(a), RIGHT[1]),
    "of a in the other": (RIGHT[0], lambda g, y, a, b: g * np.sin(value(a))),
}
CURVE = Case(curve, lambda a, b: record(curve, (a, b)), (grid((2, 3)), grid((2, 3), 1)))


def test_right_rules_pass(monkeypatch):
    ruled(monkeypatch, curve, *RIGHT)
    assert check_grads(CURVE.call, CURVE.points)


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG.keys())
def test_wrong_rules_fail(rules, monkeypatch):
    ruled(monkeypatch, curve, *rules)
    with pytest.raises(GradCheckError):
        check_grads(CURVE.call, CURVE.points, order=1)


@pytest.mark.parametrize("rules", HALF_WRONG.values(), ids=HALF_WRONG.keys())
def test_rules_that_are_wrong_in_second_order_only_fail_there(rules, monkeypatch):
    ruled(monkeypatch, curve, *rules)
    assert check_grads(CURVE.call, CURVE.points, order=1, method="reverse")
    with pytest.raises(GradCheckError):
        check_grads(CURVE.call, CURVE.points)
