"""What the tests of optimizers share: a parameter, gradients for it, and where these lead."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.tensor import Tensor

ENTRIES = st.floats(-10, 10).filter(lambda x: abs(x) > 1e-3)
GRADIENTS = hnp.arrays(np.float64, (6, 3), elements=ENTRIES)  # six steps for three weights


def parameter(data, name=None, dtype=np.float64):
    return Tensor(data, requires_grad=True, name=name, dtype=dtype)


def run(optimizer, p, gradients):
    """The trajectory of ``p`` when it gets these gradients one after the other."""
    trajectory = []
    for g in gradients:
        p.grad = None if g is None else np.array(g, p.dtype)
        optimizer.step()
        trajectory.append(p.data)
    return np.array(trajectory)
