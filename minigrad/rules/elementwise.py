"""What elementwise functions differentiate to.

Read a line as mathematics: ``g`` is the cotangent of the result ``y``, then come the function's own arguments, and the
rule gives the cotangent of one of them. Broadcasting is undone by the walk, never here.
"""

from __future__ import annotations

import numpy as np

from minigrad.primitives import defvjp, plain
from minigrad.tensor import astype

defvjp(np.add, lambda g, y, a, b: g,
               lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g,
                    lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b,
                    lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b,
                  lambda g, y, a, b: -g * y / b)
# x**0 is the constant 1, at x = 0 too, and 0**b the constant 0: the inner `where` keeps 0**(-1) and log 0 away.
defvjp(np.power, lambda g, y, a, b: g * (b * a ** np.where(b == 0, 1, b - 1)),
                 lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)))

defvjp(np.negative, lambda g, y, a: -g)
defvjp(np.positive, lambda g, y, a: g)
defvjp(np.absolute, lambda g, y, a: g * np.sign(a))
defvjp(np.sign, lambda g, y, a: g * 0)
defvjp(np.square, lambda g, y, a: g * 2 * a)
defvjp(np.sqrt, lambda g, y, a: g / (2 * y))
defvjp(np.reciprocal, lambda g, y, a: -g * y * y)

defvjp(np.exp, lambda g, y, a: g * y)
defvjp(np.expm1, lambda g, y, a: g * (y + 1))
defvjp(np.log, lambda g, y, a: g / a)
defvjp(np.log1p, lambda g, y, a: g / (1 + a))
defvjp(np.logaddexp, lambda g, y, a, b: g * np.exp(a - y),
                     lambda g, y, a, b: g * np.exp(b - y))
defvjp(np.sin, lambda g, y, a: g * np.cos(a))
defvjp(np.cos, lambda g, y, a: -g * np.sin(a))
defvjp(np.tanh, lambda g, y, a: g * (1 - y * y))

# Where both are equal each gets half; `where` on the cotangent keeps an untaken branch at exactly zero.
defvjp(np.maximum, lambda g, y, a, b: np.where(a == b, g * 0.5, np.where(a > b, g, 0)),
                   lambda g, y, a, b: np.where(a == b, g * 0.5, np.where(a < b, g, 0)))
defvjp(np.minimum, lambda g, y, a, b: np.where(a == b, g * 0.5, np.where(a < b, g, 0)),
                   lambda g, y, a, b: np.where(a == b, g * 0.5, np.where(a > b, g, 0)))
defvjp(np.where, None,
                 lambda g, y, condition, a, b: np.where(condition, g, 0),
                 lambda g, y, condition, a, b: np.where(condition, 0, g))
defvjp(astype, lambda g, y, a, dtype: g)  # the walk casts a cotangent to its tensor's dtype

plain.update({np.isfinite, np.isnan, np.isinf, np.signbit, np.isclose, np.allclose, np.array_equal})
