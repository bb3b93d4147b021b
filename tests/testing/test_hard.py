"""Nobody is accused at the hardest places that are known, and at generic ones everything is told."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from minigrad.containers import leaves
from minigrad.testing import vjp_report
from tests.testing.hard import GROUPS, WRONGS, hard, wrong

TOLD = ("× 2", "× -1", "× 1.001", "× (1 + 1e-6)")  # the wrong ones that have to fail at every generic point
EVERY = {0: 1, 1: 4}  # by seeds: all of the one, some of the other; tests.benchmarks.verdicts takes all of twelve


@cache
def pairs(seed):
    return hard(seed)


@pytest.mark.parametrize("seed", EVERY)
@pytest.mark.parametrize("group", GROUPS)
def test_no_right_gradient_fails(group, seed):
    for pair in pairs(seed)[group][seed :: EVERY[seed]]:
        report = vjp_report(pair.forward, pair.vjp, pair.args, seed=seed)
        assert report.verdict in ("pass", "inconclusive"), f"{pair.name}\n{report}"
        if group in ("generic", "scales"):
            assert report, f"{pair.name}\n{report}"


@pytest.mark.parametrize("how", TOLD)
def test_wrong_gradients_fail_at_every_generic_point(how):
    """A millionth of a slope can drown in the rounding of values of 1: then nothing is told."""
    for pair in pairs(2)["generic"][TOLD.index(how) :: 6]:
        one = wrong(pair, how)
        report = vjp_report(one.forward, one.vjp, one.args, contract=False)
        drowned = how == "× (1 + 1e-6)" and report.verdict == "inconclusive" and abs(report.rows[-1].analytic) < 1e-4
        assert report.verdict == "fail" or drowned, f"{one.name}\n{report}"


@pytest.mark.parametrize("how", WRONGS)
def test_wrong_gradients_pass_at_no_scale(how):
    """Where values are so small that they may be differences of ones, nothing may be told; that is all."""
    verdicts = Counter()
    for pair in pairs(2)["scales"][::4]:
        one = wrong(pair, how)
        verdicts[vjp_report(one.forward, one.vjp, one.args, contract=False).verdict] += 1
    assert verdicts["pass"] == 0 and verdicts["fail"] > verdicts["inconclusive"]


def test_there_are_enough_of_them_and_none_is_there_twice():
    names = [pair.name for group in pairs(0).values() for pair in group]
    assert len(names) >= 600 and len(set(names)) == len(names)
    assert all(len(group) >= 30 for group in pairs(0).values())


def test_the_right_gradients_are_right():
    """By a complex step, which neither the checker nor minigrad knows of, where the function takes complex numbers."""
    compared = 0
    for pair in pairs(0)["generic"]:
        (x, *others), w = pair.args, np.random.default_rng(0)
        v = w.normal(size=x.shape)
        try:
            y = pair.forward(x + 1e-30j * v, *others)
        except TypeError:  # such as np.logaddexp
            continue
        if not isinstance(y, np.ndarray) or y.dtype.kind != "c":
            continue
        g = w.normal(size=y.shape)
        found = pair.vjp(g, *pair.args)
        claimed = np.sum((found[0] if isinstance(found, tuple) else found) * v)
        assert claimed == pytest.approx(np.sum(g * y.imag) / 1e-30, rel=1e-9, abs=1e-12), pair.name
        compared += 1
    assert compared >= 20


def test_the_same_seed_gives_the_same_pairs():
    for a, b in zip(pairs(3)["generic"], hard(3)["generic"], strict=True):
        assert a.name == b.name
        for one, other in zip(leaves(a.forward(*a.args)), leaves(b.forward(*b.args)), strict=True):
            np.testing.assert_array_equal(one, other)
