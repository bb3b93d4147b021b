"""What the tests of optimizers share: a parameter, gradients for it, where these lead, and every method."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.tensor import Tensor
from minigrad.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSProp

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


EVERY = {
    "SGD": lambda p, lr=0.1, **o: SGD(p, lr, **o),
    "momentum": lambda p, lr=0.1, **o: SGD(p, lr, momentum=0.9, **o),
    "dampening": lambda p, lr=0.1, **o: SGD(p, lr, momentum=0.9, dampening=0.5, **o),
    "Nesterov": lambda p, lr=0.1, **o: SGD(p, lr, momentum=0.9, nesterov=True, **o),
    "RMSProp": lambda p, lr=0.1, **o: RMSProp(p, lr, alpha=0.9, **o),
    "centered": lambda p, lr=0.1, **o: RMSProp(p, lr, alpha=0.9, centered=True, momentum=0.5, **o),
    "Adagrad": lambda p, lr=0.1, **o: Adagrad(p, lr, lr_decay=0.1, **o),
    "Adadelta": lambda p, lr=1.0, **o: Adadelta(p, lr, **o),
    "Adam": lambda p, lr=0.1, **o: Adam(p, lr, **o),
    "amsgrad": lambda p, lr=0.1, **o: Adam(p, lr, amsgrad=True, **o),
    "AdamW": lambda p, lr=0.1, **o: AdamW(p, lr, **o),
    "Adamax": lambda p, lr=0.1, **o: Adamax(p, lr, **o),
    "NAdam": lambda p, lr=0.1, **o: NAdam(p, lr, **o),
    "RAdam": lambda p, lr=0.1, **o: RAdam(p, lr, betas=(0.9, 0.9), **o),  # so that six steps are enough to rely on v
}
"""Every method, with every kind of memory."""


def forgetting(values, beta):
    """(1 − β) Σ βᵗ⁻ˢ xₛ over s ≤ t: the recurrence m ← β m + (1 − β) x from 0, solved."""
    t = np.arange(len(values))
    return (1 - beta) * np.tril(beta ** np.maximum(t[:, None] - t, 0)) @ values
