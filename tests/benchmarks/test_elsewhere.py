"""The campaign's own parts: a judge that is wrong would accuse, and a shrinker that is wrong would mislead."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.elsewhere import tables
from tests.benchmarks.elsewhere.cases import Case
from tests.benchmarks.elsewhere.judging import careful, judged
from tests.benchmarks.elsewhere.points import VARIETIES, A, filled
from tests.benchmarks.elsewhere.shrinking import reproducer, shrunk

pytestmark = pytest.mark.filterwarnings("ignore")  # of other people's libraries

SLOPES = {
    "smooth": (lambda t: np.sin(1 + t), 1.0, np.cos(1.0)),
    "steep": (lambda t: np.exp(100 * t), 1.0, 100.0),
    "tiny": (lambda t: 1e-20 * t, 1.0, 1e-20),
    "saturated": (lambda t: np.tanh(20 + t), 20.0, 0.0),
    "near a kink": (lambda t: max(2 + t, 2 + 1e-7), 2.0, 0.0),
    "on a large value": (lambda t: 1e6 + t * t + t, 1.0, 1.0),
}
NONE = {
    "kink": (abs, 1.0),
    "edge": (lambda t: np.sqrt(t) if t >= 0 else np.nan, 1.0),
    "jump that looks like a slope": (lambda t: np.trunc(4e6 + t), 4e6),
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_judge_finds_slopes(name: str) -> None:
    phi, size, right = SLOPES[name]
    found = careful(phi, size)
    assert not found.kink
    assert abs(found.value - right) <= 10 * found.error + 1e-12 * abs(right)


@pytest.mark.parametrize("name", NONE)
def test_the_judge_finds_kinks(name: str) -> None:
    assert careful(*NONE[name]).kink


@pytest.mark.parametrize("variety", VARIETIES)
def test_arguments_are_drawn_alike_from_one_seed(variety: str) -> None:
    holes = [A((2, 3)), A(()), A((3, 3), "spd")]
    once, again = (filled(holes, "real", variety, np.random.default_rng(3)) for _ in range(2))
    assert [x.shape for x in once] == [hole.shape for hole in holes]
    assert all(np.array_equal(x, y) for x, y in zip(once, again, strict=True))
    assert np.all(np.linalg.eigvalsh(once[2]) > 0)


CASE = Case("autograd", "numpy.repeat", (np.array([[1.25, 2.0]]), 2), {"axis": -1}, "generic")


def test_a_case_is_a_line_of_python() -> None:
    assert repr(CASE) == "numpy.repeat(x, 2, axis=-1); x = np.array([[1.25, 2.0]])"
    both = Case("torch", "torch.add", ([np.float32([1]), np.ones(2)], np.array([1])), {"alpha": -np.inf})
    assert both.call == "torch.add([x, y], torch.tensor([1]), alpha=-np.inf)"
    assert both.assignments == ["x = np.array([1.0], dtype=np.float32)", "y = np.array([1.0, 1.0])"]


def test_what_is_shrunk_is_still_wrong_and_no_larger() -> None:
    case = Case("autograd", "numpy.add", (np.arange(12.0).reshape(3, 4) / 7, np.ones(4)), {"dtype": None, "order": "C"})
    least = shrunk(case, lambda each: "order" in each.options and np.max(each.floats[0]) > 0.5)
    assert least.options == {"order": "C"}
    assert repr(least) == "numpy.add(x, y, order='C'); x = np.array(1.0); y = np.array(1.0)"


@pytest.mark.parametrize(
    ("function", "options", "kind"), [("repeat", {"axis": -1}, "fault"), ("repeat", {"axis": 0}, "false accusation")]
)
def test_a_fault_is_told_from_a_false_accusation(function: str, options: dict[str, int], kind: str) -> None:
    autograd = pytest.importorskip("autograd", reason="autograd is not installed")
    pytest.importorskip("mpmath", reason="mpmath is not installed")
    case = Case(autograd.__name__, f"autograd.numpy.{function}", (np.array([[1.0, 2.0]]), 2), options)
    found = judged(case, "order 1")
    assert found.kind == kind
    if kind == "fault":
        assert found.evidence == "args[0][0, 0]: 4.0 given, 3.0 ± 3e-15 right (50 digits)"
        assert len(reproducer(case, "order 1", found.evidence).splitlines()) < 10
        exec(reproducer(case, "order 1", found.evidence), {})


def test_what_was_found_becomes_a_page(tmp_path: Path) -> None:
    record = {
        "library": "autograd",
        "function": "f",
        "check": "order 1",
        "version": "1",
        "seconds": 0.5,
        "case": "f(x)",
    }
    record |= {"verdict": "fail", "judged": "fault", "reason": "wrong", "evidence": "2 given, 1 right"}
    lines = [record, {**record, "verdict": "pass"}, {**record, "verdict": "not drawn"}]
    (tmp_path / "autograd.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    page = tables.page(tables.read(tmp_path))
    assert "| autograd 1 | 1 | 2 | 1 | 1 | 0 | 0 | 0 | 0 | 0.0 |" in page
    assert "## fault\n\n### f, order 1 (1 times)\n\n- wrong\n- 2 given, 1 right\n\n    f(x)\n" in page
