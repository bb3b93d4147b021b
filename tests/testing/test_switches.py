"""Each rule of the method earns its place: switched off, somebody is accused whom the whole method does not accuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from minigrad.testing import judging, verdict, vjp_report, windows
from tests.testing.hard import hard
from tests.testing.pairs import Pair


class Switch(NamedTuple):
    """A rule, how it is switched off, and by seed and group who is accused then."""

    owner: Any
    name: str
    off: Any
    seed: int
    group: str
    accused: tuple[str, ...]


def always(answer: Any) -> Callable[..., Any]:
    return lambda *_: answer


SWITCHES = {
    "what stands still has the error of a stair": Switch(
        windows.Ladder, "quantum", lambda ladder: windows.EPS * ladder.unit, 0, "flatness",
        ("(x/1e9 + 1e8) - 1e8 at 0.5", "(x/1e9 + 1e8) - 1e8 at 30"),
    ),
    "ones may have cancelled": Switch(
        verdict, "ONES", 0.0, 0, "saturation", ("entropy at 36", "entropy at 50", "loss at 40, order 2")
    ),
    "windows that support a claim veto": Switch(
        verdict.Seen, "against", always(False), 0, "near ties", ("1e-06 of the slope within 1e-05",)
    ),
    "a derivative is additive": Switch(judging.Judge, "additive", always(True), 1, "near ties", ("sort of 5, tied",)),
    "the claim itself is rounded": Switch(
        judging.Judge, "rounding", always(0.0), 0, "flatness",
        ("0 x, its slope rounded at 0.3", "0 x, its slope rounded at 1.1"),
    ),
    "stairs close by": Switch(
        windows.Ladder, "nearby", always(False), 0, "steps", ("floor(x) sin(x/s) at 1e+10",)
    ),
    "steps are averaged over from afar": Switch(verdict, "averaged", always(False), 0, "here", ("floor times sine",)),
    "whole numbers are steps": Switch(judging, "whole", always(False), 0, "here", ("rounded cube",)),
    "float32 inside": Switch(judging, "single", always(False), 0, "here", ("softmax in float32",)),
}  # fmt: skip


def softmax_in_single(x):
    e = np.exp((x - np.max(x)).astype(np.float32))
    return (e / np.sum(e)).astype(np.float64)


def softmax_back(g, x):
    y = softmax_in_single(x)
    return y * (g - np.sum(g * y))


HERE = [
    Pair("floor times sine", lambda x: np.floor(x) * np.sin(x / 1e7),
         lambda g, x: g * np.floor(x) * np.cos(x / 1e7) / 1e7, (np.array([1.2345e10]),)),
    Pair("rounded cube", lambda x: np.round(x**3), lambda g, x: 0 * x, (np.array([8.56, -909407.7, -9.24]),)),
    Pair("softmax in float32", softmax_in_single, softmax_back, (np.array([-9.1, -8.4, 12.3]),)),
]  # fmt: skip


@cache
def named(seed: int, group: str) -> dict[str, Any]:
    return {pair.name: pair for pair in (HERE if group == "here" else hard(seed)[group])}


def told(switch: Switch) -> list[str]:
    pairs = [named(switch.seed, switch.group)[name] for name in switch.accused]
    return [vjp_report(p.forward, p.vjp, p.args, seed=switch.seed, contract=False).verdict for p in pairs]


@pytest.mark.parametrize("switch", SWITCHES.values(), ids=SWITCHES.keys())
def test_without_any_one_rule_somebody_is_accused(switch, monkeypatch):
    assert "fail" not in told(switch)
    monkeypatch.setattr(switch.owner, switch.name, switch.off)
    assert set(told(switch)) == {"fail"}
