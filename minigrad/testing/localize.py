"""Which element is wrong: bisection over directions.

A gradient is linear, so what is wrong with ⟨g, v⟩ is wrong with ⟨g, v⟩ restricted to one half of the elements or to the
other. Ten comparisons find one wrong element of a thousand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad.engine.tensor import Array

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails


def bisect(wrong: Callable[[Array], bool], v: Array) -> tuple[int, ...]:
    """The index of an element to blame.

    Parameters
    ----------
    wrong : callable
        Tells of a direction, an array of the shape of ``v``, whether the derivative along it is wrong.
    v : ndarray
        A direction along which it is.

    Returns
    -------
    tuple of int
        An index into ``v``. Where neither half of some elements is wrong enough to be told, their largest entry.

    Notes
    -----
    At most 2 ⌈log₂ n⌉ comparisons; one a halving where the first half is wrong, two otherwise.
    """
    places = np.flatnonzero(v)
    while len(places) > 1:
        halves = np.array_split(places, 2)
        for half in halves:
            part = np.zeros_like(v)
            part.flat[half] = v.flat[half]
            if wrong(part):
                places = half
                break
        else:
            places = places[[int(np.argmax(np.abs(v.flat[places])))]]
    return tuple(int(i) for i in np.unravel_index(int(places[0]), v.shape))
