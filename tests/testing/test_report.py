"""A report: one verdict from many comparisons, as data, as text, and as Python that shows the same again."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import GradCheckError, grad_report, vjp_report
from minigrad.testing.report import Finding, Results, Row, raised, report_of, reproducer

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4))
ORDER = ["fail", "not supported", "inconclusive", "pass"]
VERDICTS = st.sampled_from(ORDER)


def reported(verdicts):
    results, kinds = Results(), {"fail": "wrong", "inconclusive": "noise", "not supported": "unsupported"}
    for i, verdict in enumerate(verdicts):
        row = Row("order 1", f"args[{i}]", verdict, 1.0, 2.0, 0.5, "noise", kinds.get(verdict))
        results.add(row, "half" if verdict == "fail" else "")
    return report_of(results, 7, "print()")


@given(st.lists(VERDICTS, max_size=6))
def test_the_worst_comparison_decides_and_is_the_reason(verdicts):
    report = reported(verdicts)
    worst = min(verdicts, key=ORDER.index, default="pass")
    assert report.verdict == worst
    assert bool(report) == (worst == "pass")
    if worst == "pass":
        assert report.reason == f"{len(verdicts)} comparisons agree"
    else:
        assert f"args[{verdicts.index(worst)}]" in report.reason
    assert [finding.kind for finding in report.findings[: verdicts.count("fail")]] == ["wrong"] * verdicts.count("fail")
    assert len(report.findings) == len(verdicts) - verdicts.count("pass")
    for strict, errors in ((False, ORDER[:2]), (True, ORDER[:3])):
        if worst in errors:
            with pytest.raises(GradCheckError, match="half" if worst == "fail" else "noise") as error:
                raised(report, strict)
            assert error.value.report is report
        else:
            assert raised(report, strict) is report


@given(st.lists(VERDICTS, min_size=1, max_size=6))
def test_the_text_has_a_line_a_comparison_in_columns(verdicts):
    report = reported(verdicts)
    first, _, head, *lines = str(report).splitlines()
    assert first == f"{report.verdict}: {report.reason}"
    for verdict, line in zip(verdicts, lines, strict=False):
        assert line[head.index("verdict") :].startswith(verdict)
        assert line[head.index("claimed") : head.index("numerical")].strip() == "1"
    assert ("To see it again (seed 7):" in str(report)) == (report.verdict != "pass")


def test_a_ratio_where_there_is_one():
    ratio = lambda claimed, numerical: Finding("order 1", "args[0]", (1, 2), claimed, numerical, 0.1, "").ratio
    assert ratio(3.0, 2.0) == 1.5
    for claimed, numerical in product([None, 1.0], [None, 0.0]):
        assert ratio(claimed, numerical) is None
    assert "args[0][1, 2]: claimed 3, numerical 2 ± 0.1, ratio 1.5" in str(
        Finding("order 1", "args[0]", (1, 2), 3.0, 2.0, 0.1, "")
    )


def test_arguments_are_written_as_they_were_given_and_large_ones_described():
    args = ({"W": np.float32([1, 2]), "n": 3}, (mg.Tensor([0.5]),), [np.zeros((9, 9))], "both")
    lines = reproducer("grad_report", ["f"], args, 5).splitlines()
    assert lines[0] == "from minigrad.testing import grad_report"
    assert "...  # float64 (9, 9)" in lines[4]
    given = eval("".join(["(", *lines[2:4], "[0],", *lines[5:-1]]), {"np": np})
    check = {"grad_report": lambda f, args, seed: (args, seed), "print": lambda x: x}
    written, seed = eval(lines[-1], check | {"f": None, "args": given})
    assert seed == 5
    np.testing.assert_array_equal(written[0]["W"], args[0]["W"], strict=True)
    assert written[0]["n"] == 3 and written[1][0] == [0.5] and written[3] == "both"


def test_every_row_is_there():
    report = grad_report(np.tanh, (X,), order=1)
    assert {row.check for row in report.rows} == {"order 1", "order 1, forward", "contract"}
    assert len(str(report).splitlines()) == 3 + len(report.rows)


def test_findings_name_arrays_in_containers():
    def vjp(g, p):
        return {"W": 2 * np.outer(g, p["v"][0]), "v": [p["W"].T @ g]}

    report = vjp_report(lambda p: p["W"] @ p["v"][0], vjp, ({"W": W, "v": [X[0]]},))
    assert report.findings[0].argument == "args[0]['W']"
    assert "exactly twice" in report.reason


def test_the_same_seed_gives_the_same_report():
    reports = [str(vjp_report(np.sin, lambda g, x: g * np.sin(x), (X,), seed=7)) for _ in range(2)]
    assert reports[0] == reports[1]
    assert reports[0] != str(vjp_report(np.sin, lambda g, x: g * np.sin(x), (X,), seed=8))


def test_the_reproducer_can_be_pasted(capsys):
    vjp = lambda g, x, n: (g * np.sin(x), None)
    report = vjp_report(lambda x, n: np.sin(x), vjp, (np.array([0.5, 1.0]), 2), seed=3)
    exec(f"import numpy as np\n{report.reproducer}", {"forward": lambda x, n: np.sin(x), "vjp": vjp})
    assert capsys.readouterr().out.rstrip("\n") == str(report)


def test_a_report_reads_like_this():
    report = vjp_report(np.square, lambda g, x: g * x, (np.array([1.5, -0.5]),), contract=False)
    assert str(report).startswith("fail: args[0]: exactly half of the right gradient")
    assert "order 1, args[0][0]: claimed" in str(report)
    assert "ratio 0.5" in str(report)
