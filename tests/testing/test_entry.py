"""Hypothesis knows tensors, whatever is imported first."""

from __future__ import annotations

import os
import sys

import pytest

from tests.fresh import run

METADATA = "Metadata-Version: 2.1\nName: hook\nVersion: 1\n"
HOOK = "[hypothesis]\nminigrad = minigrad.testing.entry:register\n"
FROM_TYPE = """
from hypothesis import find, settings, strategies as st
import minigrad
print(find(st.from_type(minigrad.Tensor), lambda t: t.size > 1, settings=settings(database=None)))
"""


@pytest.mark.parametrize("first", ["import hypothesis", "import minigrad.testing.strategies", "import minigrad"])
def test_hypothesis_knows_tensors_whatever_is_imported_first(first, tmp_path):
    """The hook runs while hypothesis is being imported, possibly by the very module that defines the strategies."""
    folder = tmp_path / "hook-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    (folder / "entry_points.txt").write_text(HOOK)
    result = run(f"{first}\n{FROM_TYPE}", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert result == "Tensor([0.03125, 0.03125], requires_grad=True)"
