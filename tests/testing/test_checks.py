"""The checker is checked: wrong gradients fail with the right hint, right ones never do, and kinks are neither."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import (
    GradCheckError,
    adjoint_report,
    check_adjoint,
    check_grads,
    check_vjp,
    grad_report,
    vjp_report,
)
from tests.testing.pairs import PAIRS
from tests.testing.wrong import WRONG, sin_right, wrong_second

RNG = np.random.default_rng(0)
W, X, B = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4)), RNG.normal(size=3)


def layer(W, x, b):
    return np.tanh(x @ W.T + b)


# -- wrong gradients fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_wrong_gradients_fail_with_a_hint(case):
    with pytest.raises(GradCheckError) as raised:
        check_vjp(case.forward, case.vjp, case.args)
    report = raised.value.report
    assert report.verdict == "fail"
    assert case.hint in str(report) == str(raised.value)


@pytest.mark.parametrize("case", [case for case in WRONG if case.right is not None], ids=lambda case: case.name)
def test_the_right_formula_in_its_place_passes(case):
    assert vjp_report(case.forward, case.right, case.args).verdict != "fail"


@pytest.mark.usefixtures("tables")
def test_what_is_wrong_in_second_order_only_fails_there():
    for case in wrong_second():
        assert check_grads(case.f, case.args, order=1), case.name
        report = grad_report(case.f, case.args)
        assert report.verdict == "fail" and case.hint in str(report), f"{case.name}\n{report}"


MEMORY = {
    "in memory order": lambda g, y, x: np.ravel(raw(g), order="K").reshape(x.shape) * np.cos(x),
    "as a buffer": lambda g, y, x: np.frombuffer(raw(g), g.dtype).reshape(x.shape) * np.cos(x),
}


def raw(x):
    return x.data if isinstance(x, mg.Tensor) else x


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("rule", MEMORY.values(), ids=MEMORY.keys())
def test_rules_that_read_their_cotangent_as_it_lies_in_memory_fail(rule):
    sine = mg.primitive(lambda x: np.sin(x))
    mg.defvjp(sine, rule)
    assert grad_report(sine, (W,), order=1, method="reverse", contract=False)  # where all is in order
    report = grad_report(sine, (W,), order=1, method="reverse")
    assert {finding.argument for finding in report.findings} >= {"the same among other operations"}, str(report)


def test_there_are_enough_of_both():
    assert len(WRONG) + len(wrong_second()) >= 18
    assert len(PAIRS) >= 200
    assert {pair.name for pair in PAIRS} >= UNTOLD
    assert len(UNTOLD) <= 0.02 * len(PAIRS)


# -- right ones never do ----------------------------------------------------------------------------------------------


UNTOLD = {  # of smooth functions: the values have lost the digits that a slope would be seen by
    "(1 − cos x)/x² at 0.0001, -1e-05, 0.0001",
    "(x − 1)⁷ expanded at 1.01, 0.99, 1.02",
}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_right_gradients_never_fail_and_seldom_cannot_be_told(pair):
    """Kinks apart, where it would be wrong to tell, though sometimes it can be."""
    report = vjp_report(pair.forward, pair.vjp, pair.args)
    if pair.name.startswith("kink") or pair.name in UNTOLD:
        assert report.verdict != "fail", str(report)
    else:
        assert report, str(report)


def test_functions_of_tensors_to_third_order():
    report = check_grads(layer, (W, X, B), order=3)
    assert report
    assert {"order 1", "order 2", "order 3", "contract"} <= {row.check for row in report.rows}


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda A, b: np.linalg.solve(A, b), (np.eye(3) + 0.1 * W[:, :3], B)),
        (lambda p: {"y": np.tanh(p["W"] @ p["x"]), "also": [p["x"] * 2]}, ({"W": W, "x": X[0]},)),
        (lambda x, n: x**n, (X, 3)),
        (lambda x, y: x * y + np.sin(x), (X, X + 1)),
        (lambda xs: np.stack(xs).sum(0), ([B, B + 1],)),
        (lambda x: x.astype(np.float64), (np.array(0.5, np.float32),)),
    ],
    ids=["solve", "containers", "an integer", "of one shape", "a list", "float32"],
)
def test_functions_of_all_kinds(f, args):
    assert check_grads(f, args)


def test_forward_mode_alone():
    assert check_grads(layer, (W, X, B), method="forward", contract=False)


@pytest.mark.usefixtures("tables")
def test_forward_mode_fails_on_its_own_mistakes():
    crooked = mg.primitive(lambda a: np.cumsum(a))
    mg.defvjp(crooked, lambda g, y, a: np.cumsum(g))  # not reversed
    report = grad_report(crooked, (B,), method="forward", contract=False, order=1)
    assert report.verdict == "fail" and "tangent" in report.reason


@pytest.mark.parametrize("directions", [1, 2, 3])
def test_as_many_directions_as_asked_for(directions):
    report = check_grads(layer, (W, X, B), directions=directions, contract=False)
    for order, argument in product(("order 1", "order 2"), range(3)):
        rows = [row for row in report.rows if (row.check, row.argument) == (order, f"args[{argument}]")]
        assert len(rows) == directions


def test_keywords_and_a_choice_of_arguments():
    f = lambda W, x, *, power: (W @ x) ** power
    report = check_grads(f, (W, X[0]), {"power": 3}, wrt=[1])
    assert {row.argument for row in report.rows if row.check == "order 1"} == {"args[1]"}


# -- and what cannot be told is not told --------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_at_a_kink_no_slope_between_left_and_right_fails(slope):
    x = np.array([0.0, 1.0, -2.0])
    vjp = lambda g, x: g * np.where(x == 0, slope, x > 0)
    report = vjp_report(lambda x: np.maximum(x, 0), vjp, (x,))
    assert report.verdict == "inconclusive" and "kink" in report.reason
    assert not report
    assert check_vjp(lambda x: np.maximum(x, 0), vjp, (x,)).verdict == "inconclusive"  # and raises nothing


def test_at_the_edge_of_a_domain():
    assert vjp_report(np.sqrt, lambda g, x: g * np.inf, (np.array(0.0),), contract=False).verdict == "inconclusive"


def test_beside_a_kink_a_wrong_slope_fails():
    x = np.array([1e-6, 1.0, -2.0])
    assert vjp_report(abs, lambda g, x: g * np.sign(x), (x,))
    assert vjp_report(abs, lambda g, x: g * np.sign(x) * (x > 1e-3), (x,)).verdict == "fail"


def test_noise_is_inconclusive():
    noisy = lambda x: x + 1e-3 * np.sin(1e9 * x)
    assert vjp_report(noisy, lambda g, x: g, (np.array([0.5, 1.0]),), contract=False).verdict == "inconclusive"


# -- the report -----------------------------------------------------------------------------------------------------


def test_one_wrong_element_of_ten_thousand_is_named():
    def vjp(g, x):
        cotangent = g * np.cos(x)
        cotangent[3, 77] *= 1.001
        return cotangent

    calls = []
    forward = lambda x: calls.append(1) or np.sin(x)
    report = vjp_report(forward, vjp, (RNG.normal(size=(100, 100)),), contract=False)
    (finding,) = report.findings
    assert (finding.argument, finding.index) == ("args[0]", (3, 77))
    assert finding.ratio == pytest.approx(1.001, abs=1e-7)
    assert len(calls) < 60 * (2 * 14 + 2 * 33 + 10)  # differences, for bisection and a sample


def test_an_exception_in_a_pullback_is_a_finding_and_one_in_the_function_is_not_hidden():
    def lost(g, x):
        raise IndexError("too many indices")

    assert "raised IndexError: too many indices" in vjp_report(np.sin, lost, (X,)).reason
    report = vjp_report(np.linalg.inv, lambda g, x: g, (np.zeros((2, 2)),))
    assert (report.verdict, report.findings[0].kind) == ("inconclusive", "domain") and "Singular" in report.reason
    with pytest.raises(np.linalg.LinAlgError):
        check_vjp(np.linalg.inv, lambda g, x: g, (np.zeros((2, 2)),))


@pytest.mark.parametrize("where", ["forward", "vjp"])
def test_who_says_that_something_is_not_there_is_not_accused(where):
    def missing(*args):
        raise NotImplementedError("no such option")

    report = vjp_report(*(missing, sin_right) if where == "forward" else (np.sin, missing), (X,))
    assert report.verdict == "not supported" and {finding.kind for finding in report.findings} == {"unsupported"}


@pytest.mark.parametrize("error", [ValueError, ArithmeticError, RecursionError, MemoryError, StopIteration, KeyError])
def test_an_exception_at_a_step_is_the_edge_of_a_domain(error):
    def f(x):
        if np.any(x != 0.5):
            raise error
        return x * 2

    report = vjp_report(f, lambda g, x: 2 * g, (np.array([0.5, 0.5]),))
    assert report.verdict == "inconclusive" and {finding.kind for finding in report.findings} == {"domain"}


def test_a_random_function_has_no_slope():
    rng = np.random.default_rng(0)
    for f, check in [(lambda x: x * rng.normal(size=x.shape), vjp_report), (lambda x: x * rng.normal(), None)]:
        report = check(f, lambda g, x: g, (X,)) if check else grad_report(f, (X,))
        assert [finding.kind for finding in report.findings] == ["random"] and "fix the seed" in report.reason


@pytest.mark.parametrize("off", [1e-6, 1e-7, -1e-6])
@pytest.mark.parametrize("x", [X, np.array(0.5)], ids=["matrix", "number"])
def test_nearly_right_is_a_matter_of_precision(off, x):
    report = vjp_report(np.sin, lambda g, x: g * np.cos(x) * (1 + off), (x,))
    assert report.verdict == "fail" and report.findings[0].kind == "precision"
    assert not any(word in report.reason for word in ("transposed", "sign", "ties", "stale"))


def test_hints_are_of_what_is_wrong_only():
    """What could not be told says why, not what would be the matter if it were wrong."""
    for f, x in [(np.log, [0.0, -1.0, 2.0]), (np.max, [1.0, 2.0, 2.0]), (np.sin, [np.nan, 1.0])]:
        report = grad_report(lambda x, f=f: f(x), (np.array(x),))
        assert report.verdict != "fail"
        assert not any("disagree" in f.hint or "ties counted" in f.hint for f in report.findings), str(report)


def test_nothing_is_left_in_the_tensors_that_are_passed():
    x = mg.Tensor(B, requires_grad=True)
    assert check_grads(np.tanh, (x,))
    assert x.grad is None


# -- adjoints -------------------------------------------------------------------------------------------------------


def test_adjoints():
    jvp = lambda v, W, x: v[0] @ x + W @ v[1]
    vjp = lambda w, W, x: (np.outer(w, x), W.T @ w)
    assert check_adjoint(jvp, vjp, (W, X[0]))
    with pytest.raises(GradCheckError, match="adjoint"):
        check_adjoint(jvp, lambda w, W, x: (np.outer(w, x), -W.T @ w), (W, X[0]))


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_grads(np.sin, B), TypeError, r"ndarray: pass the arguments as a tuple, \(x,\)"),
        (lambda: check_grads(np.sin, (1,)), TypeError, r"write 1\.0, not 1"),
        (lambda: check_grads(np.sin, (B,), method="both"), ValueError, "'both'.*'auto', 'reverse' or 'forward'"),
        (lambda: check_grads(np.sin, (B,), order=0), ValueError, "order=0"),
        (lambda: check_grads(np.sin, (B,), directions=0), ValueError, "directions=0"),
        (lambda: check_grads(np.power, (B, 2), wrt=[1]), ValueError, r"argument 1: there are 2.* in \[0\]"),
        (lambda: check_grads(np.argsort, (B,)), TypeError, "int64"),
        (lambda: check_vjp(np.add, lambda g, a, b: (g,), (B, B)), ValueError, "1 cotangents for 2 arguments"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises((error, GradCheckError), match=message):
        call()


# -- where nothing can be told, and why -------------------------------------------------------------------------------

UNTELLABLE = {  # function, point, kind
    "log at 0": (np.log, np.array([0.0, 1.0]), "pole"),
    "log of a negative number": (np.log, np.array([-1.0, 2.0]), "domain"),
    "sqrt at 0": (np.sqrt, np.array([0.0, 4.0]), "domain"),
    "exp of 800": (np.exp, np.array([800.0, 1.0]), "pole"),
    "an argument that is NaN": (np.tanh, np.array([np.nan, 0.5]), "domain"),
    "an argument that is infinite": (np.sin, np.array([np.inf, 0.5]), "domain"),
    "|x| at 0": (np.abs, np.array([0.0, 1.0]), "kink"),
    "cbrt at 0": (np.cbrt, np.array([0.0, 1.0]), "pole"),
    "random": (lambda x: x * np.random.default_rng().uniform(1, 2), np.array([0.5, 1.0]), "random"),
    "a sum of logarithms": (lambda x: np.sum(np.log(x)), np.array([-0.5, 1.0]), "domain"),
}


@pytest.mark.parametrize(("f", "x", "kind"), UNTELLABLE.values(), ids=UNTELLABLE.keys())
def test_where_nothing_can_be_told_the_kind_says_why(f, x, kind):
    report = grad_report(f, (x,))
    assert report.verdict == "inconclusive", str(report)
    assert kind in {finding.kind for finding in report.findings}, str(report)
    assert all(row.verdict == "pass" or row.kind for row in report.rows)
    with pytest.raises(GradCheckError):
        check_grads(f, (x,), strict=True)


@pytest.mark.parametrize("x", [0.0, 720.0])
def test_a_claim_of_nan_fails_where_there_is_a_slope_even_of_nothing(x):
    slopes = {0.0: lambda x: np.cos(np.pi * x) / x - np.sin(np.pi * x) / (np.pi * x * x), 720.0: lambda x: x * np.nan}
    f = np.sinc if x == 0 else lambda x: 1 / np.cosh(x)
    report = vjp_report(f, lambda g, x: g * slopes[float(x[0])](x), (np.array([x]),), contract=False)
    assert report.findings[0].kind == "wrong", str(report)


def test_containers_of_arrays_of_different_shapes():
    f = lambda p, y: np.sin(p[0]) * p[1] * y
    pull = lambda g, p, y: (
        (g * np.cos(p[0]) * p[1] * y, np.sum(g * np.sin(p[0]) * y)), g * np.sin(p[0]) * p[1]
    )  # fmt: skip
    assert check_vjp(f, pull, ((np.full((2, 2), 0.5), np.array(1.5)), np.full((2, 2), 0.7)), strict=True)


def test_beside_a_pole_the_other_numbers_are_still_checked():
    x = np.array([0.0, 1.0, 2.0])
    wrong = lambda g, x: g * 1.01 / x
    assert vjp_report(np.log, wrong, (x,)).findings[0].kind == "wrong"


@pytest.mark.parametrize("error", [NotImplementedError("later"), TypeError("this is not supported here")])
def test_what_is_refused_is_not_wrong_but_not_supported(error):
    def refusing(g, x):
        raise error

    report = vjp_report(np.sin, refusing, (B,))
    assert (report.verdict, report.findings[0].kind) == ("not supported", "unsupported")
    with pytest.raises(GradCheckError):
        check_vjp(np.sin, refusing, (B,))
    assert grad_report(lambda x: np.full(3, x[0]), (B,)).verdict == "not supported"


@pytest.mark.parametrize("error", [ValueError, KeyError, ZeroDivisionError, RecursionError, RuntimeError, MemoryError])
def test_every_exception_of_a_pullback_is_a_finding_and_none_escapes(error):
    def failing(g, x):
        raise error("somehow")

    report = vjp_report(np.sin, failing, (B,))
    assert (report.verdict, report.findings[0].kind) == ("fail", "raised") and error.__name__ in report.reason

    def picky(x):
        if not np.array_equal(x, B):
            raise error("not here")
        return np.sin(x)

    assert vjp_report(picky, lambda g, x: g * np.cos(x), (B,)).verdict == "inconclusive"


# -- options ----------------------------------------------------------------------------------------------------------


def test_further_points_are_looked_at_and_named():
    wrong_above_1 = lambda g, x: g * np.cos(x) * np.where(x > 1, 1.5, 1.0)
    assert vjp_report(np.sin, wrong_above_1, (np.array([0.5]),))
    report = vjp_report(np.sin, wrong_above_1, (np.array([0.5]),), points=[(np.array([0.2]),), (np.array([1.5]),)])
    assert report.findings[0].check == "point 2, order 1"
    assert "np.array([1.5]" in report.reproducer


def test_a_budget_ends_the_check_and_the_report_says_so():
    report = grad_report(np.tanh, (W,), budget=1e-9)
    assert len(report.rows) == 1 and "the time was used up" in report.reason
    assert "used up" not in grad_report(np.tanh, (W,), budget=60.0).reason
    with pytest.raises(ValueError, match="budget=0"):
        grad_report(np.tanh, (W,), budget=0)


def test_only_moves_that_the_function_is_meant_for_are_made():
    """A function that reads one triangle may give its gradient there, or share it between both."""
    symmetric = lambda a: (a + a.T) / 2
    x = symmetric(W[:, :3])
    upper = lambda a: np.sum(np.sin(np.triu(a)) + np.sin(np.triu(a, 1)))
    halves = lambda g, a: g * np.cos(a)
    assert vjp_report(upper, halves, (x,)).verdict == "fail"
    assert vjp_report(upper, halves, (x,), project=symmetric)
    assert vjp_report(upper, lambda g, a: g * np.cos(a) * 1.001, (x,), project=symmetric).verdict == "fail"


def test_second_order_of_a_pair_takes_the_pullback_of_its_pullback():
    vjp = lambda g, x: g * np.cos(x)
    second = lambda u, g, x: (u * np.cos(x), -u * g * np.sin(x))
    assert vjp_report(np.sin, vjp, (B,), order=2, second=second)
    report = vjp_report(np.sin, vjp, (B,), order=2, second=lambda u, g, x: (u * np.cos(x), u * g * np.sin(x)))
    assert (report.findings[0].check, report.findings[0].argument) == ("order 2", "args[1]")
    for order, given in ((2, None), (1, second), (3, second)):
        with pytest.raises(ValueError, match="second="):
            vjp_report(np.sin, vjp, (B,), order=order, second=given)


def test_adjoint_reports_allow_for_rounding_and_for_nothing_else():
    slope = lambda x: 1 - 1 / np.cosh(x) ** 2  # of x - tanh x, all digits of which cancel at 1e-6
    x = np.full(4, 1e-6)
    jvp, vjp = lambda v, x: v[0] - v[0] / np.cosh(x) ** 2, lambda w, x: w * slope(x)
    for seed in range(20):
        assert adjoint_report(jvp, vjp, (x,), seed=seed).verdict == "pass"
        assert adjoint_report(jvp, lambda w, x: w * (1 - 1.001 / np.cosh(x) ** 2), (x,), seed=seed).verdict == "fail"
    single = lambda w, x: (w.astype(np.float32) * np.cos(x).astype(np.float32)).astype(float)
    assert adjoint_report(lambda v, x: v[0] * np.cos(x), single, (B,)).verdict == "pass"


def test_right_up_to_a_constant_in_single_precision_is_said_so():
    report = vjp_report(np.sin, lambda g, x: g * np.cos(x) * (1 + 1e-6), (B,))
    assert report.findings[0].kind == "precision" and "right to about 1e-06" in report.reason
