"""Oscillators and steps to draw from."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st

properties = settings(derandomize=True, deadline=None, max_examples=50)
masses = st.floats(0.1, 10.0)
dts = st.floats(0.001, 1.0)
numbers = st.floats(-3.0, 3.0)
starts = st.tuples(numbers, numbers).filter(lambda s: math.hypot(*s) > 0.1)
