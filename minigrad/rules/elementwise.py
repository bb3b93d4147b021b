"""What elementwise functions differentiate to.

Read a line as mathematics: ``g`` is the cotangent of the result ``y``, then come the function's own arguments, and the
rule gives the cotangent of one of them. Broadcasting is undone by the walk, never here. What holds at kinks, jumps and
poles is a matter of convention: ``docs/conventions.md`` has the table.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.standin import anywhere
from minigrad.engine.tables import Function, defvjp, linear, plain, rewrite
from minigrad.engine.tensor import Tensor, astype
from minigrad.rules.kinks import kinked

fn: Function  # one after the other, of those that share a rule

# -- arithmetic -------------------------------------------------------------------------------------------------------

defvjp(np.add, lambda g, y, a, b: g,
               lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g,
                    lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b,
                    lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b,
                  lambda g, y, a, b: -g * y / b)


def power_slope(a, b):
    """b aᵇ⁻¹; x**0 is the constant 1, at x = 0 too, so there 0**(-1) is kept away."""
    if type(b) in (int, float):
        return b * a ** (b - 1) if b else np.zeros_like(a)
    if not anywhere(at_zero := np.equal(a, 0)):
        return b * a ** (b - 1)
    return kinked(b * a ** np.where(at_zero & (b == 0), 1, b - 1), b, at_zero)


def exponential_slope(y, a, b):
    """y log a; 0**b is the constant 0, so there log 0 is kept away."""
    at_zero = a == 0
    slope = y * np.log(np.where(at_zero, np.ones_like(y), a))  # in the precision of y
    return kinked(kinked(slope, a, at_zero), b, at_zero & (b <= 0))


for fn in (np.power, np.float_power):
    defvjp(fn, lambda g, y, a, b: g * power_slope(a, b),
               lambda g, y, a, b: g * exponential_slope(y, a, b))
defvjp(np.remainder, lambda g, y, a, b: g,  # y = a - b ⌊a/b⌋
                     lambda g, y, a, b: -g * np.floor_divide(a, b))
defvjp(np.fmod, lambda g, y, a, b: g,  # y = a - b n for a whole number n, which rounding must not miss
                lambda g, y, a, b: -g * np.rint((a - y) / b))
defvjp(np.negative, lambda g, y, a: -g)
defvjp(np.positive, lambda g, y, a: g)
defvjp(np.conjugate, lambda g, y, a: g)  # of real numbers, as all are here
defvjp(np.real, lambda g, y, a: g)
defvjp(np.ldexp, lambda g, y, a, n: np.ldexp(g, n), None)
defvjp(np.absolute, lambda g, y, a: kinked(g * np.sign(a), a))
defvjp(np.fabs, lambda g, y, a: kinked(g * np.sign(a), a))
defvjp(np.square, lambda g, y, a: g * 2 * a)
defvjp(np.sqrt, lambda g, y, a: g / (2 * y))
defvjp(np.cbrt, lambda g, y, a: g / (3 * y * y))
defvjp(np.reciprocal, lambda g, y, a: -g * y * y)

# -- exponentials and logarithms --------------------------------------------------------------------------------------

defvjp(np.exp, lambda g, y, a: g * y)
defvjp(np.exp2, lambda g, y, a: g * y * math.log(2))
defvjp(np.expm1, lambda g, y, a: g * np.exp(a))  # y + 1 has lost its digits where y is near -1
defvjp(np.log, lambda g, y, a: g / a)
defvjp(np.log2, lambda g, y, a: g / (a * math.log(2)))
defvjp(np.log10, lambda g, y, a: g / (a * math.log(10)))
defvjp(np.log1p, lambda g, y, a: g / (1 + a))


@primitive
@np.errstate(over="ignore")
def logistic(x):
    """1 / (1 + exp(-x)), which keeps its digits in either tail; where exp overflows it is 0, without a warning."""
    return 1 / (1 + np.exp(np.negative(x)))


@primitive
@np.errstate(invalid="ignore", over="ignore")
def share(a, b, exp):
    """exp(a) / (exp(a) + exp(b)): two infinities share equally, two zeros have no share in their sum."""
    y = np.reciprocal(1 + exp(np.subtract(b, a)))
    if not math.isnan(np.vdot(y, y)):  # one number to look at; only ∞ - ∞, and NaN, come further
        return y
    return np.where(np.equal(a, b), 0.5 * np.greater(a, -np.inf), y)


defvjp(logistic, lambda g, y, a: g * y * logistic(-a))  # 1 - y has lost its digits where y is near 1
defvjp(share, lambda g, y, a, b, exp: g * math.log(exp(1)) * y * share(b, a, exp),
              lambda g, y, a, b, exp: -g * math.log(exp(1)) * y * share(b, a, exp), None)
defvjp(np.logaddexp, lambda g, y, a, b: g * share(a, b, np.exp),
                     lambda g, y, a, b: g * share(b, a, np.exp))
defvjp(np.logaddexp2, lambda g, y, a, b: g * share(a, b, np.exp2),
                      lambda g, y, a, b: g * share(b, a, np.exp2))

# -- trigonometric and hyperbolic functions; the factors keep digits where 1 - a² would lose them ----------------------


def share_of_arctan(g, y, a):
    """g / (1 + a²); where the square overflows it is 0, and that is no cause for a warning."""
    with np.errstate(over="ignore"):
        return g / (1 + a * a)


defvjp(np.sin, lambda g, y, a: g * np.cos(a))
defvjp(np.cos, lambda g, y, a: -g * np.sin(a))
defvjp(np.tan, lambda g, y, a: g * (1 + y * y))
defvjp(np.arcsin, lambda g, y, a: g / np.sqrt((1 - a) * (1 + a)))
defvjp(np.arccos, lambda g, y, a: -g / np.sqrt((1 - a) * (1 + a)))
defvjp(np.arctan, share_of_arctan)
defvjp(np.sinh, lambda g, y, a: g * np.cosh(a))
defvjp(np.cosh, lambda g, y, a: g * np.sinh(a))
defvjp(np.tanh, lambda g, y, a: g * (1 - y * y))
defvjp(np.arcsinh, lambda g, y, a: g / np.hypot(a, 1))
defvjp(np.arccosh, lambda g, y, a: g / (np.sqrt(a - 1) * np.sqrt(a + 1)))
defvjp(np.arctanh, lambda g, y, a: g / ((1 - a) * (1 + a)))
defvjp(np.deg2rad, lambda g, y, a: np.deg2rad(g))
defvjp(np.rad2deg, lambda g, y, a: np.rad2deg(g))
defvjp(np.radians, lambda g, y, a: np.radians(g))
defvjp(np.degrees, lambda g, y, a: np.degrees(g))


def ratio(a, r):
    """a/r, and 0 at the origin, where the radius r is 0 and nothing has a direction."""
    return kinked(np.where(r == 0, 0, a / np.where(r == 0, 1, r)), r)


defvjp(np.hypot, lambda g, y, a, b: g * ratio(a, y),
                 lambda g, y, a, b: g * ratio(b, y))
defvjp(np.arctan2, lambda g, y, a, b: g * ratio(ratio(b, np.hypot(a, b)), np.hypot(a, b)),  # b/r², without squares
                   lambda g, y, a, b: -g * ratio(ratio(a, np.hypot(a, b)), np.hypot(a, b)))


def sinc_slope(a):
    """The derivative of sinc: near 0, where its quotient would lose all digits, from Σ (-1)ᵏ (πa)²ᵏ / (2k + 1)!."""
    near = abs(a) < 0.5
    small, large = np.where(near, a, 0), np.where(near, 1, a)
    series = 0.0
    for k in range(12, 0, -1):
        series = series * small * small + 2 * k * (-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1)
    return np.where(near, series * small, (np.cos(math.pi * large) - np.sinc(large)) / large)


defvjp(np.sinc, lambda g, y, a: g * sinc_slope(a))

# -- choices: `where` on the cotangent keeps an untaken branch at exactly zero -----------------------------------------


def tied(share, a, b):
    """What a choice between a and b hands back; where they are equal, and vary apart, it has no derivative."""
    if a is b or not (type(a) is Tensor and type(b) is Tensor and a.requires_grad and b.requires_grad):
        return share
    tie = a.data == b.data
    return kinked(kinked(share, a, tie), b, tie)


for fn in (np.maximum, np.minimum, np.fmax, np.fmin):  # where both are equal each gets half
    defvjp(fn, lambda g, y, a, b: tied(np.where(a == y, np.where(b == y, g * 0.5, g), 0), a, b),
               lambda g, y, a, b: tied(np.where(b == y, np.where(a == y, g * 0.5, g), 0), a, b))
defvjp(np.where, None,
                 lambda g, y, condition, a, b: np.where(condition, g, 0),
                 lambda g, y, condition, a, b: np.where(condition, 0, g))
defvjp(np.nan_to_num, lambda g, y, a, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(a), g, 0))
defvjp(np.copysign, lambda g, y, a, b: kinked(g * np.sign(a) * np.copysign(1, b), a),
                    lambda g, y, a, b: np.zeros_like(g))
defvjp(astype, lambda g, y, a, dtype: g, None)  # the walk casts a cotangent to its tensor's dtype


def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    """`numpy.clip` as a maximum and a minimum; None is no bound."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip takes its bounds as a_min and a_max or as min and max, not as both")
    low, high = a_min if min is None else min, a_max if max is None else max
    y = np.positive(a) if low is None else np.maximum(a, low)
    return y if high is None else np.minimum(y, high)


rewrite(np.clip, clip)

# -- steps: flat everywhere, their jumps included; g * 0 would make NaN of an infinite g -------------------------------

for fn in (np.sign, np.floor, np.ceil, np.trunc, np.rint):
    defvjp(fn, lambda g, y, a: np.zeros_like(g))
for fn in (np.fix, np.imag):
    defvjp(fn, lambda g, y, a: np.zeros_like(g))
defvjp(np.angle, lambda g, y, a, deg=False: np.zeros_like(g))  # 0 or π
for fn in (np.round, np.around):
    defvjp(fn, lambda g, y, a, decimals=0: np.zeros_like(g))
defvjp(np.floor_divide, lambda g, y, a, b: np.zeros_like(g),
                        lambda g, y, a, b: np.zeros_like(g))
defvjp(np.heaviside, lambda g, y, a, b: np.zeros_like(g),
                     lambda g, y, a, b: np.where(a == 0, g, 0))  # b is the value at a = 0

# -- two results, and other names --------------------------------------------------------------------------------------


@primitive
def fraction(a):
    """What `numpy.modf` leaves beside the whole number."""
    return np.modf(a)[0]


def frexp(a):
    """`numpy.frexp`; the exponent is a constant."""
    exponent = np.frexp(a.detach().data)[1]
    return np.ldexp(a, -exponent), exponent


defvjp(fraction, lambda g, y, a: g)
rewrite(np.modf, lambda a: (fraction(a), np.trunc(a)))
rewrite(np.frexp, frexp)
rewrite(np.divmod, lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)))
rewrite(np.real_if_close, lambda a, tol=100: np.real(a))
rewrite(np.copy, lambda a, order="K": np.positive(a))  # the order in memory is no matter of values
if hasattr(np, "astype"):  # NumPy 2.1
    rewrite(np.astype, lambda x, dtype, *, copy=True: x.astype(dtype))

linear(np.where, astype, np.real)
plain(np.isreal, np.iscomplex, np.isposinf, np.isneginf, np.iscomplexobj, np.isrealobj, np.array_equiv)
linear(logistic, share, form="elementwise")
plain(np.isfinite, np.isnan, np.isinf, np.signbit, np.isclose, np.allclose, np.array_equal)
plain(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
plain(np.logical_and, np.logical_or, np.logical_not, np.logical_xor)
