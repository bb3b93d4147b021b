"""What is not differentiated, and what to write instead."""

from __future__ import annotations

from minigrad.engine.calls import INSTEAD

INSTEAD |= {
    "where": "select first: np.where(mask, a, 0) for a sum, a[mask] otherwise",
    "dtype": "convert first: a.astype(dtype)",
    "initial": "combine it with the result: np.sum(a) + initial, np.maximum(np.max(a), initial)",
    "correction": "write ddof=",
}
