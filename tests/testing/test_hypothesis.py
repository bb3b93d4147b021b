"""The checker in property tests as somebody else writes and runs them: deadlines, warnings as errors, failures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fresh import installed, run

FIRST = """
import sys
import numpy as np
from hypothesis import given, settings
import minigrad as mg
from minigrad.testing import check_grads, strategies as mst
before = set(sys.modules)

@settings(max_examples=5, database=None, derandomize=True, deadline=None)
@given(mst.arrays(mst.shapes(min_side=1)))
def test(x):
    check_grads(lambda x: np.logaddexp(0, x), (x,))

test()
ours = ("numpy", "minigrad", "graphviz")
print(sorted(name for name in set(sys.modules) - before if name.partition(".")[0] in ours))
"""


def test_nothing_is_left_to_be_imported_in_the_first_example() -> None:
    """Hypothesis would count it: an import from a disk that is busy may take longer than its deadline."""
    assert run(FIRST) == "[]"


STRICT = """
import numpy as np
from hypothesis import given, settings, strategies as st
from minigrad.testing import check_grads, check_vjp, strategies as mst

few = settings(max_examples=20, database=None, derandomize=True, deadline=None)
all_of_them = (
    mst.values(), mst.shapes(), mst.broadcastable(), mst.matmul_shapes(), mst.axes((2, 3)), mst.indices((2, 3)),
    mst.tensors(), mst.programs(), mst.long_programs(),
)

@few
@given(st.one_of(all_of_them))
def draws(drawn):
    repr(drawn)

@few
@given(mst.arrays(mst.shapes(min_side=1)), mst.arrays(mst.shapes(min_side=1), domain="positive"))
def checks(x, positive):
    check_grads(lambda x: np.logaddexp(0, x), (x,))
    check_grads(np.log, (positive,))
    check_vjp(np.sqrt, lambda g, x: g / 2 / np.sqrt(x), (positive,))

@few
@given(mst.programs(), mst.tensors((2, 2), "bounded"))
def runs(program, x):
    np.sum(program(x, x) + x).backward()

draws(), checks(), runs()
print("done")
"""


def test_warnings_may_be_errors() -> None:
    assert run(STRICT, PYTHONWARNINGS="error") == "done"


FAILING = """
import numpy as np
from hypothesis import Phase, given, settings, strategies as st
from minigrad.testing import check_adjoint, check_grads, check_vjp, numerical_gradient, strategies as mst

explained = settings(max_examples=10, database=None, derandomize=True, deadline=None)
quick = settings(explained, phases=[Phase.generate])
X = mst.arrays((2,))


@quick
@given(st.data())
def test_no_such_domain(data):
    data.draw(mst.arrays((2,), "reals"))

@quick
@given(st.data())
def test_a_dtype_too_coarse(data):
    data.draw(mst.tensors((2,), (1e8, 1e8 + 1), dtype=np.float32))

@quick
@given(mst.programs([mst.Op("a.nothing")]))
def test_a_program_that_raises(program):
    program(1.0, 2.0)

@explained
@given(X)
def test_wrong(x):
    check_vjp(np.sin, lambda g, x: g * np.cos(x) * (2 if x[0] > 1 else 1), (x,))

@quick
@given(X)
def test_not_adjoint(x):
    check_adjoint(lambda v, x: v[0], lambda g, x: 2 * g, (x,))

@quick
@given(X)
def test_raises(x):
    check_grads(lambda x: 1 // 0, (x,))

@quick
@given(X)
def test_raises_with_tensors(x):
    check_grads(lambda x: x if isinstance(x, np.ndarray) else [][1], (x,))

@quick
@given(X)
def test_no_tuple(x):
    check_grads(np.sin, x)

@quick
@given(X)
def test_no_number(x):
    numerical_gradient(lambda x: x, x)
"""
ALL = re.findall(r"def (test_\w+)", FAILING)


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What pytest prints of each test that fails."""
    folder: Path = tmp_path_factory.mktemp("user")
    (folder / "test_mine.py").write_text(FAILING)
    printed = run(
        f"import pytest; pytest.main({['-q', '-Werror', '-pno:cacheprovider', str(folder)]})",
        PYTHONPATH=installed(folder),
    )
    parts = re.split(r"^_+ (test_\w+) _+$", printed.partition("= short test summary")[0], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", ALL)
def test_a_failure_holds_no_line_of_ours(name: str, failures: dict[str, str]) -> None:
    shown = failures[name]
    assert "test_mine.py:" in shown, "the user's own line"
    assert "\nE " in shown
    assert re.findall(r".*minigrad/testing/.*", shown) == []
