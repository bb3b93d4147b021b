"""What all tests share: hypothesis draws the same examples on every run, and no machine is too slow for it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "minigrad", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("minigrad")
