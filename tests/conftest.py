"""What all tests share: hypothesis draws the same examples on every run, and no machine is too slow for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from minigrad.primitives import vjps

settings.register_profile(
    "minigrad", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("minigrad")


@pytest.fixture
def tables() -> Iterator[None]:
    """The rules that there are, and nothing that the test has added to them afterwards."""
    before = dict(vjps)
    yield
    vjps.clear()
    vjps.update(before)
