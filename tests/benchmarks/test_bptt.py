"""The comparison's own parts: contenders that agree, one that is found out, and tables that say what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

from docs.pages import cells as cells_of
from tests.benchmarks.bptt import curves, growth, page, worker
from tests.benchmarks.bptt.__main__ import main
from tests.benchmarks.bptt.by_minigrad import Compiled, eager
from tests.benchmarks.bptt.problem import DTYPES, GRID, Problem, disagreement, operations
from tests.benchmarks.bptt.races import RACERS, Pace, race, workers

SMALL = (5, 3, 2, 4)
OURS = tuple(name for name, (_, _, library) in worker.CONTENDERS.items() if library in ("minigrad", "numpy"))


def invented(without: tuple[str, ...] = (), factor: float = 1.0) -> dict[str, Any]:
    """As if measured: all take a second, or a millisecond in the first row, and compiled programs ``factor`` of it."""

    def took(kind: str, sizes: Any) -> dict[str, Any]:
        base = 1e-3 if sizes == GRID[0] else 1.0
        return {
            name: {"seconds": base * (factor if name.startswith("compiled") else 1), "clock": 1.0, "first": 1.0}
            for name in RACERS[kind]
            if name not in without
        }

    rows = [
        {"kind": kind, "sizes": sizes, "dtype": dtype, "times": took(kind, sizes)}
        for kind in RACERS
        for dtype in DTYPES
        for sizes in GRID
    ]
    held = {"NumPy": 3 << 20, "eager unroll": 4 << 20, "compiled unroll": 2 << 20}
    points = [{"value": 10, "times": took("RNN", GRID[1]), "bytes": held}]
    found = {
        "date": "2030-01-02", "machine": "2, Abacus, Linux", "load": 0.5, "missing": list(without),
        "versions": {"Python": "3"} | ({} if "torch.nn" in without else {"torch": "9"}),
        "peak": dict.fromkeys(DTYPES, 2e9), "rows": rows, "growth": dict.fromkeys(growth.AXES, points),
        "memory": [{"sizes": sizes, "bytes": held} for sizes in GRID],
        "first": [
            {"name": "compiled loop", "T": T, "seconds": seconds, "patience": 60.0}
            for T, seconds in ((1000, 1.25), (100_000, None))
        ],
    }  # fmt: skip
    return dict(json.loads(json.dumps(found)))


# -- contenders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_those_in_processes_of_their_own_agree_and_are_timed(dtype: str) -> None:
    with workers(OURS) as there:
        times = race(there, "RNN", SMALL, dtype, Pace(1, 0.0))
    assert times.keys() == {*OURS}
    assert all(found["seconds"] > 0 for found in times.values())


@pytest.mark.parametrize("kind", RACERS)
def test_the_contenders_compute_the_same(kind: str) -> None:
    """All that are installed."""
    problem, reference = Problem.of(kind, SMALL, "float64"), None
    for name in filter(worker.installed, RACERS[kind]):
        if name == "torch.compile":  # takes half a minute
            continue
        desk = worker.Desk(name)
        found = desk.maker(problem)()
        reference = reference or found
        assert found.keys() == problem.state.keys()
        assert disagreement(found, reference, "float64") == "", name


def test_other_gradients_end_the_race(tmp_path: Path) -> None:
    right = eager(Problem.of("RNN", SMALL, "float64"))()
    wrong = right | {"V": right["V"] + 1e-8 * np.abs(right["V"]).max()}
    assert disagreement(wrong, right, "float64") == "the gradient of V is off by 1.0e-08"
    assert disagreement(wrong, right, "float32") == ""
    assert disagreement(right | {"b": right["b"] * np.nan}, right, "float64") == "the gradient of b is off by nan"


class Pretender:
    """A worker that gives another gradient, or none."""

    def __init__(self, gradients: Any) -> None:
        self.gradients = gradients

    def ask(self, asked: str, **question: Any) -> Any:
        if self.gradients is None:
            raise worker.Failed("not today")
        if asked == "make":
            np.savez(question["gradients"], **self.gradients)
        return [(1.0, 2.0)] if asked == "turn" else 1.0


def test_a_race_is_ended_by_a_wrong_gradient_and_goes_on_without_those_that_fail(capsys: Any) -> None:
    right, wrong = Pretender({"W": np.ones(2)}), Pretender({"W": np.ones(2) * 1.1})
    there: Any = {"NumPy": right, "torch.nn": Pretender(None), "MyGrad": right}
    times = race(there, "RNN", SMALL, "float64", Pace(2, 0.0))
    assert times == {name: {"seconds": 1.0, "clock": 2.0, "first": 1.0} for name in ("NumPy", "MyGrad")}
    assert "left out: not today" in capsys.readouterr().err
    with pytest.raises(AssertionError, match=r"autograd, RNN \(5, 3, 2, 4\), float64: the gradient of W is off"):
        race(there | {"autograd": wrong}, "RNN", SMALL, "float64", Pace(2, 0.0))


def test_a_contender_that_fails_says_why_and_goes_on() -> None:
    with workers(("NumPy",)) as there:
        asked = there["NumPy"].ask
        with pytest.raises(worker.Failed, match="NumPy: KeyError: 'Elman'"):
            asked("make", kind="Elman", sizes=SMALL, dtype="float64")
        asked("end")
        assert asked("make", kind="RNN", sizes=SMALL, dtype="float64") > 0
        there["NumPy"].kill()
        with pytest.raises(worker.Failed, match="NumPy ended, or took longer than 300 s"):
            asked("turn", seconds=0.0)


def test_who_takes_too_long_is_stopped() -> None:
    with workers(("NumPy",)) as there, pytest.raises(worker.Failed, match="took longer than 0 s"):
        there["NumPy"].ask("make", patience=0.01, kind="RNN", sizes=(10**6, 1, 2, 2), dtype="float64")


def test_memory_is_what_a_pass_needs_and_what_a_program_holds() -> None:
    T, B, n = 50, 4, 16
    seen = {}
    for name in growth.REMEMBERING:
        desk = worker.Desk(name)
        desk.make("RNN", [T, B, 2, n], "float64")
        seen[name] = desk.memory()
    states = T * B * n * 8
    assert states < min(seen.values()) < max(seen.values()) < 40 * states
    assert isinstance(desk.once, Compiled)
    assert seen["compiled unroll"] > desk.once.held() >= 3 * states


def test_operations_are_those_of_the_products() -> None:
    T, B, n_in, n = SMALL
    of_step = 2 * B * n * n_in + 2 * B * n * n + 2 * B * n  # U x, W h and V h; n_out is 1
    weights, back = T * of_step, T * 2 * B * n + (T - 1) * 2 * B * n * n
    assert operations(SMALL) == T * of_step + weights + back


# -- the page ---------------------------------------------------------------------------------------------------------


def test_tables_say_times_over_the_first_ones() -> None:
    lines = page.section(invented(factor=0.5)).splitlines()
    start = lines.index(f"| RNN, float32 | {' | '.join(str(sizes) for sizes in GRID)} | geometric mean |")
    assert lines[start + 2] == "| NumPy, ms | 1.00 |" + " 1000 |" * 6 + "  |"
    assert lines[start + 3] == "| compiled unroll |" + " 0.50 |" * 8
    assert lines[start + 13] == "| MyGrad |" + " 1.00 |" * 8
    assert lines[start + 14].startswith("| compiled loop, of the peak |")
    assert lines[start + 15] == ""


def test_targets_are_held_or_missed_by_what_was_measured() -> None:
    held = {target.what: target.line() for target in page.targets(invented(factor=0.5))}
    name = "compiled unroll, of hand-written NumPy's time"
    assert held[f"{name}: geometric mean"] == f"| {name}: geometric mean | 0.85 | 0.50 | held |"
    assert held[f"{name}: any size"].endswith("| 1.05 | 0.50, (10, 1, 2, 16) float64 | held |")
    assert held["first call, T = 1,000"] == "| first call, T = 1,000 | 1.5 s | 1.25 s, compiled loop | held |"
    late = "| first call, T = 100,000 | 5 s | not in time, compiled loop | **missed** |"
    assert held["first call, T = 100,000"] == late
    missed = [target for target in page.targets(invented(factor=1.02)) if "missed" in target.line()]
    assert f"{name}: geometric mean" in {target.what for target in missed}
    assert f"{name}: any size" not in {target.what for target in missed}


def test_who_is_not_there_is_named_and_nothing_is_said_about_them() -> None:
    without = tuple(name for name in worker.CONTENDERS if name not in OURS)
    text = page.section(invented(without))
    assert f"Not installed, and left out: {', '.join(without)}." in " ".join(text.split())
    assert "fused" not in text
    assert f"| {page.NONE} |" not in text
    assert not any("torch" in target.what or "lax" in target.what for target in page.targets(invented(without)))


def test_the_tables_on_a_page_are_replaced_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, path = tmp_path / "measured.json", tmp_path / "speed.md"
    measured.write_text(json.dumps(invented()), encoding="utf-8")
    path.write_text(f"before\n\n{page.BEGIN}\n\nold\n{page.END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["bptt", "--from", str(measured), "--page", str(path)])
    main()
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"before\n\n{page.BEGIN}\n\n2030-01-02, one core of 2, Abacus, Linux")
    assert text.endswith(f'MiB");\n```\n\n{page.END}\n\nafter\n')
    assert "old" not in text
    path.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match=r"speed\.md has no <!-- measured --> with"):
        main()
    assert path.read_text(encoding="utf-8") == "no marks"


@pytest.mark.parametrize("without", [(), ("torch.nn", "lax.scan")])
def test_the_figure_is_drawn_from_numbers_that_stand_in_its_cell(
    without: tuple[str, ...],
) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = invented(without)["growth"]
    found["T"][0]["times"].pop("lax.scan", None)  # it did not do it
    ((_, code),) = cells_of(curves.cell(found))
    with matplotlib.rc_context():
        names: dict[str, Any] = {}
        exec(code, names)
        pyplot.close("all")
    for ax in names["axes"][0]:
        assert [line.get_label() for line in ax.lines] == [name for name in growth.GROWING if name not in without]
    assert {tuple(line.get_ydata()) for line in names["axes"][1, 2].lines} == {(3.0,), (4.0,), (2.0,)}
    assert all(len(line) <= 88 for line in code.splitlines())
