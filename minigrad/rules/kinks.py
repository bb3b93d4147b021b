"""Second derivatives at a kink: there are none, and NaN says so.

At a kink a rule gives one slope by convention, that of |x| at 0 being 0. Were that convention differentiated as if it
were a formula, |x|² would get the second derivative 2 · 0² = 0 at 0, where 2 is right: a number that looks well and is
wrong. So a slope by convention is marked. While the walk is not recorded, nobody can differentiate what it computes,
and the mark is nothing at all.
"""

from __future__ import annotations

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, linear
from minigrad.engine.tensor import Tensor


@primitive
def marked(slope, x, mask):
    """``slope``, whose derivative with respect to ``x`` is unknown where ``mask`` holds."""
    return +slope


@primitive
def creased(x):
    """x, and whatever is made of it has a kink where it is 0."""
    return +x


def kinked(slope, x, mask=None):
    """``slope``, a result of a rule, which was settled by convention where ``mask`` holds; without one, where x is 0.

    It may depend on ``x`` in any way elsewhere.
    """
    return marked(slope, x, x.data == 0 if mask is None else mask) if type(x) is Tensor else slope


defvjp(marked, lambda g, y, slope, x, mask: kinked(g, x, mask),  # and so are all that are derived from it
               lambda g, y, slope, x, mask: kinked(g * np.where(mask, np.nan, 0), x, mask),
               None)
defvjp(creased, lambda g, y, x: kinked(g, x))
linear(marked, creased, form="elementwise")
