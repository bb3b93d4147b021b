"""How much of its past a network's state holds, so that a linear output can say it.

References
----------
H. Jaeger (2001), "Short term memory in echo state networks", GMD Report 152.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import count, real


class Capacity(NamedTuple):
    """Memory capacity.

    Attributes
    ----------
    total : float
        Σ of the shares: at most the number of units, for inputs that are independent.
    shares : (delays,) ndarray
        r² between u_{t-k} and its best linear reconstruction from h_t, for k = 0, 1 ...; between 0 and 1.
    """

    total: float
    shares: Array


def memory_capacity(states: Any, inputs: Any, delays: int) -> Capacity:
    """Σ_k r²(u_{t-k}, ŵ_k·h_t), the memory capacity of Jaeger (2001, eq. 2), for inputs that are independent numbers.

    The ŵ_k are least squares of the first half of the sequence, the correlations those of the second half: what is
    learnt by heart does not count. Chance leaves about 1/T for each delay.

    Parameters
    ----------
    states : (T, n) array_like
        h_1 ... h_T, such as ``np.stack([h.data for h in run["h"]])``. Leave out the first of them, which h_0 shaped.
    inputs : (T,) or (T, 1) array_like
        u_1 ... u_T, of mean 0, say, and independent.
    delays : int
        How many: k = 0 ... delays - 1. Twice as many as there are units is enough.

    Returns
    -------
    Capacity

    Raises
    ------
    ValueError
        If shapes do not go together, or either half has fewer steps than n + 1.
    """
    states, inputs, delays = real("states", states), np.squeeze(real("inputs", inputs)), count("delays", delays)
    if states.ndim != 2 or inputs.shape != states.shape[:1]:
        raise ValueError(f"states {states.shape} and inputs {inputs.shape}: expected (T, n) and (T,), a number a step")
    T, n = states.shape
    half = (T - delays) // 2
    if half < n + 2:
        raise ValueError(
            f"T is {T}: with {n} units and {delays} delays, at least {2 * n + 4 + delays} steps are needed"
        )
    heard = np.column_stack([states[delays:], np.ones(T - delays)])
    wanted = np.column_stack([inputs[delays - k : T - k] for k in range(delays)]) if delays else np.empty((T, 0))
    weights = np.linalg.lstsq(heard[:half], wanted[:half], rcond=None)[0]
    said, true = heard[half:] @ weights, wanted[half:]
    said, true = said - said.mean(axis=0), true - true.mean(axis=0)
    size = np.sum(said**2, axis=0) * np.sum(true**2, axis=0)
    shares = np.divide(np.sum(said * true, axis=0) ** 2, size, out=np.zeros(delays), where=size > 0)
    return Capacity(float(np.sum(shares)), shares)
