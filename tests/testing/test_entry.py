"""Hypothesis knows tensors, whatever is imported first."""

from __future__ import annotations

import pytest

from tests.fresh import installed, run

FROM_TYPE = """
from hypothesis import find, settings, strategies as st
import minigrad
print(find(st.from_type(minigrad.Tensor), lambda t: t.size > 1, settings=settings(database=None)))
"""


@pytest.mark.parametrize("first", ["import hypothesis", "import minigrad.testing.strategies", "import minigrad"])
def test_hypothesis_knows_tensors_whatever_is_imported_first(first, tmp_path):
    """The hook runs while hypothesis is being imported, possibly by the very module that defines the strategies."""
    result = run(f"{first}\n{FROM_TYPE}", PYTHONPATH=installed(tmp_path))
    assert result == "Tensor([0.03125, 0.03125], requires_grad=True)"
