"""Right functions with right pullbacks, at easy and at nasty points: whoever finds one of them wrong is wrong.

A checker that calls a right gradient wrong is soon not believed any more. So these pairs are what it must not accuse:
near singularities, where a difference quotient is all rounding; at scales of 1e-8 and 1e8, where no one step fits;
where the function oscillates within the step; and a step away from a kink. Where the name begins with ``kink:`` there
is no derivative, or one that no difference quotient would find: a subgradient is given, and nothing can be said of it.

Everything is NumPy only. Every pullback is linear in the cotangent, keeps shape and dtype, writes to nothing that it
was given, and takes arrays of any memory layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

RNG = np.random.default_rng(0)


class Pair(NamedTuple):
    """A function, its pullback, and a point: ``vjp(cotangent, *args)`` is one array, or a tuple for several args."""

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    args: tuple[Any, ...]


def some(*shape: int) -> np.ndarray:
    """Random numbers of about size 1 and of either sign, none near zero and no two alike."""
    return RNG.uniform(0.4, 1.4, shape) * RNG.choice([-1.0, 1.0], shape)


def positive(*shape: int) -> np.ndarray:
    return RNG.uniform(0.4, 1.4, shape)


# -- one number at a time ---------------------------------------------------------------------------------------------


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))  # which does not overflow


def gelu_slope(x):
    t = np.tanh(0.8 * (x + 0.05 * x**3))
    return (1 + t) / 2 + x * (1 - t * t) * 0.4 * (1 + 0.15 * x * x)


def versine_slope(x):
    """The derivative of (1 − cos x)/x² by its series: the closed form would cancel, as the function does."""
    return -x / 12 + x**3 / 180 - x**5 / 6720 + x**7 / 453600


ELEMENTWISE: list[tuple[Any, ...]] = [  # name, f, f', points
    ("exp", np.exp, np.exp, (0.5, -1.0, 2.0), (30.0, -30.0, 0.1), (1e-8, -1e-8, 1e-4)),
    ("log", np.log, lambda x: 1 / x, (0.5, 1.5, 3.0), (1e-6, 1e-3, 2.0), (1e-8, 1.0, 1e8)),
    ("sqrt", np.sqrt, lambda x: 0.5 / np.sqrt(x), (0.5, 1.5, 3.0), (1e-8, 1e-4, 1.0), (1e8, 2e8, 3e-8)),
    ("sin", np.sin, np.cos, (0.5, -1.5, 3.0), (100.0, -300.0, 1000.0), (1e-8, -1e-8, 1e-4)),
    ("cos", np.cos, lambda x: -np.sin(x), (0.5, -1.5, 3.0), (1e-3, -1e-4, 2.0)),
    ("tan", np.tan, lambda x: 1 / np.cos(x) ** 2, (0.5, -1.0, 3.0), (np.pi / 2 - 1e-3, 1.5, 0.1)),
    ("arcsin", np.arcsin, lambda x: 1 / np.sqrt((1 - x) * (1 + x)), (0.5, -0.8, 0.1), (1 - 1e-6, -0.999, 0.5)),
    ("arccos", np.arccos, lambda x: -1 / np.sqrt((1 - x) * (1 + x)), (0.5, -0.8, 0.1), (1e-6 - 1, 0.9999, 0.5)),
    ("arctan", np.arctan, lambda x: 1 / (1 + x * x), (0.5, -1.5, 3.0), (1e8, -1e4, 1e-8)),
    ("sinh", np.sinh, np.cosh, (0.5, -1.5, 3.0), (20.0, -1e-6, 1.0)),
    ("cosh", np.cosh, np.sinh, (0.5, -1.5, 3.0), (20.0, -1e-3, 1.0)),
    ("tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2, (0.5, -1.5, 3.0), (10.0, -8.0, 1e-6)),
    ("arcsinh", np.arcsinh, lambda x: 1 / np.sqrt(1 + x * x), (0.5, -1.5, 3.0), (1e8, -1e4, 1e-8)),
    ("arccosh", np.arccosh, lambda x: 1 / np.sqrt((x - 1) * (x + 1)), (1.5, 2.0, 5.0), (1 + 1e-6, 1.001, 3.0)),
    ("arctanh", np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)), (0.5, -0.8, 0.1), (1 - 1e-6, -0.999, 0.5)),
    ("expm1", np.expm1, np.exp, (0.5, -1.5, 3.0), (1e-8, -1e-8, 1e-12)),
    ("log1p", np.log1p, lambda x: 1 / (1 + x), (0.5, -0.5, 3.0), (1e-6 - 1, 1e-8, 1.0)),
    ("log2", np.log2, lambda x: 1 / (x * 0.6931471805599453), (0.5, 1.5, 3.0), (1e-6, 1e6, 1.0)),
    ("log10", np.log10, lambda x: 1 / (x * 2.302585092994046), (0.5, 1.5, 3.0)),
    ("exp2", np.exp2, lambda x: np.exp2(x) * 0.6931471805599453, (0.5, -1.5, 3.0)),
    ("cbrt", np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2), (0.5, -1.5, 3.0), (1e-9, -1e-6, 1.0)),
    ("1/x", lambda x: 1 / x, lambda x: -1 / x**2, (0.5, -1.5, 3.0), (1e-3, -1e-2, 1.0), (1e-8, 1e8, 1.0)),
    ("1/x²", lambda x: 1 / x**2, lambda x: -2 / x**3, (0.5, -1.5, 3.0), (1e-3, -1e-2, 1.0)),
    ("1/√x", lambda x: 1 / np.sqrt(x), lambda x: -0.5 / (x * np.sqrt(x)), (0.5, 1.5, 3.0), (1e-6, 1e-3, 1e6)),
    ("x²", np.square, lambda x: 2 * x, (0.5, -1.5, 3.0), (1e-8, 1e-4, 1e-6), (1e8, -1e8, 1.0)),
    ("x³", lambda x: x**3, lambda x: 3 * x**2, (0.5, -1.5, 3.0), (1e-6, -1e-6, 1.0), (1e6, -1e4, 1e-2)),
    ("x⁷", lambda x: x**7, lambda x: 7 * x**6, (0.5, -1.5, 3.0), (1e-2, 1e2, -1.0)),
    ("x^2.5", lambda x: x**2.5, lambda x: 2.5 * x**1.5, (0.5, 1.5, 3.0), (1e-4, 1e4, 1.0)),
    ("sigmoid", sigmoid, lambda x: sigmoid(x) * sigmoid(-x), (0.5, -1.5, 3.0), (20.0, -20.0, 1e-6)),
    ("softplus", lambda x: np.logaddexp(0, x), sigmoid, (0.5, -1.5, 3.0), (30.0, -30.0, 1e-6)),
    ("silu", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), (0.5, -1.5, 3.0)),
    ("gelu", lambda x: x / 2 * (1 + np.tanh(0.8 * (x + 0.05 * x**3))), gelu_slope, (0.5, -1.5, 3.0)),
    ("logit", lambda x: np.log(x / (1 - x)), lambda x: 1 / (x * (1 - x)), (0.5, 0.1, 0.8), (1e-6, 0.999, 0.5)),
    ("gauss", lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), (0.5, -1.5, 2.0), (5.0, 1e-4, -4.0)),
    ("x log x", lambda x: x * np.log(x), lambda x: np.log(x) + 1, (0.5, 1.5, 3.0), (1e-8, 1e-4, 1.0)),
    ("xˣ", lambda x: x**x, lambda x: x**x * (np.log(x) + 1), (0.5, 1.5, 3.0), (1e-3, 1e-2, 5.0)),
    ("1/sin", lambda x: 1 / np.sin(x), lambda x: -np.cos(x) / np.sin(x) ** 2, (0.5, -1.5, 2.0), (1e-4, -1e-3, 1.0)),
    ("sin(x)/x", lambda x: np.sin(x) / x, lambda x: np.cos(x) / x - np.sin(x) / x**2, (0.5, -1.5, 3.0)),
    ("log log", lambda x: np.log(np.log(x)), lambda x: 1 / (x * np.log(x)), (1.5, 2.0, 5.0), (1.0001, 1.01, 1e4)),
    ("e^(−1/x)", lambda x: np.exp(-1 / x), lambda x: np.exp(-1 / x) / x**2, (0.5, 1.5, 3.0), (0.02, 0.05, 0.1)),
    ("sin(1/x)", lambda x: np.sin(1 / x), lambda x: -np.cos(1 / x) / x**2, (0.5, -1.5, 3.0), (0.01, 0.003, 1.0)),
    ("sin 100x", lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x), (0.5, -1.5, 3.0), (1e-3, 10.0, 1.0)),
    ("sin 10⁴x", lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x), (0.5, -1.5, 3.0), (1e-5, 1.0, 7.0)),
    ("x + sin(1000x)/1000", lambda x: x + np.sin(1e3 * x) / 1e3, lambda x: 1 + np.cos(1e3 * x), (0.5, -1.5, 3.0)),
    ("exp 20x", lambda x: np.exp(20 * x), lambda x: 20 * np.exp(20 * x), (0.5, -1.5, 1.0), (2.0, -2.0, 1e-3)),
    ("exp −50x²", lambda x: np.exp(-50 * x**2), lambda x: -100 * x * np.exp(-50 * x**2), (0.1, -0.2, 0.5)),
    ("tanh 50x", lambda x: np.tanh(50 * x), lambda x: 50 / np.cosh(50 * x) ** 2, (0.01, -0.02, 0.05), (1e-4, 0.2, 0.1)),
    ("runge", lambda x: 1 / (1 + 1e4 * x * x), lambda x: -2e4 * x / (1 + 1e4 * x * x) ** 2, (0.01, -0.5, 1e-3)),
    ("chirp", lambda x: np.sin(x**2), lambda x: 2 * x * np.cos(x**2), (0.5, 5.0, 50.0), (1e-4, 100.0, 1.0)),
    ("step of width 1e-3", lambda x: sigmoid(1e3 * x), lambda x: 1e3 * sigmoid(1e3 * x) * sigmoid(-1e3 * x),
     (1e-3, -2e-3, 5e-3)),
    ("|x|", np.abs, np.sign, (0.5, -1.5, 3.0), (1e-3, -1e-3, 2.0), (1e-6, -1e-6, 1e-6)),
    ("relu", lambda x: np.maximum(x, 0), lambda x: x > 0, (0.5, -1.5, 3.0), (1e-3, -1e-3, 1.0), (1e-8, -1e-8, 2e-8)),
    ("leaky relu", lambda x: np.maximum(x, 0.1 * x), lambda x: np.where(x > 0, x == x, 0 * x + 0.1),
     (1e-3, -1e-3, 1.0)),
    ("elu", lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.exp(np.minimum(x, 0)), (0.5, -1.5, 3.0),
     (1e-3, -1e-3, 1.0)),
    ("clip to ±1", lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) < 1, (0.5, -1.5, 3.0), (0.999, -1.001, 1.001)),
    ("soft threshold", lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0), lambda x: np.abs(x) > 1,
     (1.001, -0.999, 2.0)),
    ("huber", lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5), lambda x: np.clip(x, -1, 1),
     (0.999, -1.001, 0.1)),
    ("x mod 1", lambda x: x - np.floor(x), lambda x: x == x, (0.5, -1.3, 2.001)),
    ("|sin x|", lambda x: np.abs(np.sin(x)), lambda x: np.sign(np.sin(x)) * np.cos(x), (np.pi - 1e-3, 1e-3, -1.0)),
    ("√|x|", lambda x: np.sqrt(np.abs(x)), lambda x: 0.5 * np.sign(x) / np.sqrt(np.abs(x)), (1e-3, -1e-3, 1.0)),
    ("constant", lambda x: 0 * x + 3, lambda x: 0 * x, (0.5, -1.5, 3.0)),
    ("zero", lambda x: 0 * x, lambda x: 0 * x, (0.5, -1.5, 1e8)),
    ("identity", np.array, lambda x: x == x, (0.5, -1.5, 3.0), (1e-8, 1e8, -1.0), (0.0, 0.0, 0.0)),
    ("floor", np.floor, lambda x: 0 * x, (0.5, -1.3, 2.01)),
    # What cancels: the function is noisier than its value is large.
    ("10⁸x − 10⁸x + x", lambda x: x * 1e8 - x * 1e8 + x, lambda x: x == x, (0.5, -1.5, 3.0)),
    ("(x + 10⁴) − 10⁴", lambda x: (x + 1e4) - 1e4, lambda x: x == x, (0.3, -1.7, 2.2)),
    ("(x + 10⁸) − 10⁸", lambda x: (x + 1e8) - 1e8, lambda x: x == x, (0.3, -1.7, 2.2)),
    ("(1 − cos x)/x²", lambda x: (1 - np.cos(x)) / x**2, versine_slope, (0.1, -0.05, 0.02), (1e-2, 1e-3, 0.1),
     (1e-4, -1e-5, 1e-4)),
    ("exp x − 1", lambda x: np.exp(x) - 1, np.exp, (1e-6, -1e-6, 1e-4), (1e-10, 1e-10, -1e-10)),
    ("log(1 + x)", lambda x: np.log(1 + x), lambda x: 1 / (1 + x), (1e-6, 1e-8, 1e-4)),
    ("√(x² + 1) − x", lambda x: np.sqrt(x * x + 1) - x, lambda x: -1 / (np.sqrt(x * x + 1) * (x + np.sqrt(x * x + 1))),
     (10.0, 100.0, 1e3)),
    ("(x − 1)⁷ expanded", lambda x: np.polyval([1, -7, 21, -35, 35, -21, 7, -1], x), lambda x: 7 * (x - 1) ** 6,
     (1.1, 0.8, 2.0), (1.01, 0.99, 1.02)),
    ("sin(x + 10⁶)", lambda x: np.sin(x + 1e6), lambda x: np.cos(x + 1e6), (0.5, -1.5, 3.0)),
    ("log cosh", lambda x: np.log(np.cosh(x)), np.tanh, (1e-4, 1e-3, 1.0)),
]  # fmt: skip

STEEP = [(1.0, 1e-8), (1.0, 1e8), (1e8, 1.0), (1e-8, 1.0), (1e8, 1e-8), (1e-8, 1e8)]  # x ↦ b f(ax): pairs of a and b


def elementwise(f, slope):
    """The pullback of a function that acts on each number alone."""
    return f, lambda g, x: g * slope(x)


def scaled(f, slope, a, b):
    """The same for x ↦ b f(ax)."""
    return elementwise(lambda x: b * f(a * x), lambda x: b * (a * slope(a * x)))


def one_by_one() -> Iterator[Pair]:
    for name, f, slope, *points in ELEMENTWISE:
        for point in points:
            yield Pair(f"{name} at {', '.join(f'{x:.7g}' for x in point)}", *elementwise(f, slope), (np.array(point),))
    rules = {name: (f, slope, points[0]) for name, f, slope, *points in ELEMENTWISE}
    for name in ("sin", "exp", "tanh", "x³", "sigmoid"):
        f, slope, point = rules[name]
        for a, b in STEEP:
            yield Pair(f"{b:g} {name}({a:g} x)", *scaled(f, slope, a, b), (np.array(point) / a,))
    for name in ("exp", "tanh", "relu", "1/x", "gelu"):
        f, slope, point = rules[name]
        shapes = {"float32": np.float32(point), "a number": np.array(point[0]), "nothing": np.zeros(0)}
        shapes |= {"no rows": np.zeros((0, 3)), "three axes": positive(2, 1, 3), "float32 number": np.float32(point[1])}
        for kind, x in shapes.items():
            yield Pair(f"{name} of {kind}", *elementwise(f, slope), (np.asarray(x),))


# -- two arrays that are broadcast ------------------------------------------------------------------------------------


def summed_to(g, x):
    """The cotangent of what was broadcast from the shape of ``x``: the sum over all its copies."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - np.ndim(x))))
    return np.sum(g, axis=tuple(i for i, n in enumerate(np.shape(x)) if n == 1), keepdims=True)


def broadcast(f, by_a, by_b):
    return f, lambda g, a, b: (summed_to(g * by_a(a, b), a), summed_to(g * by_b(a, b), b))


BINARY: list[tuple[Any, ...]] = [  # name, f(a, b), ∂f/∂a, ∂f/∂b
    ("a + b", lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1),
    ("a − b", lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1),
    ("ab", lambda a, b: a * b, lambda a, b: b, lambda a, b: a),
    ("a/b", lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    ("|a|ᵇ", lambda a, b: np.abs(a) ** b, lambda a, b: b * np.abs(a) ** (b - 1) * np.sign(a),
     lambda a, b: np.abs(a) ** b * np.log(np.abs(a))),
    ("hypot", np.hypot, lambda a, b: a / np.hypot(a, b), lambda a, b: b / np.hypot(a, b)),
    ("arctan2", np.arctan2, lambda a, b: b / np.hypot(a, b) ** 2, lambda a, b: -a / np.hypot(a, b) ** 2),
    ("logaddexp", np.logaddexp, lambda a, b: sigmoid(a - b), lambda a, b: sigmoid(b - a)),
    ("maximum", np.maximum, lambda a, b: a > b, lambda a, b: a < b),
    ("minimum", np.minimum, lambda a, b: a < b, lambda a, b: a > b),
    ("a sin b", lambda a, b: a * np.sin(b), lambda a, b: np.sin(b), lambda a, b: a * np.cos(b)),
]  # fmt: skip

PLACES: dict[str, tuple[Any, Any]] = {  # where all of them are looked at
    "one shape": (some(3), some(3)),
    "a row": (some(2, 3), some(3)),
    "column by row": (some(2, 1), some(3)),
    "two numbers": (np.array(0.7), np.array(-1.2)),
}

NASTY: list[tuple[str, Any, Any]] = [  # function, a, b
    ("ab", [1e8, -1e8], [1e-8, 3e-8]),
    ("ab", [1e-8, 2e-8], [3e-8, 1e-8]),
    ("a + b", [1e8, -2e8], [1e-8, 3e-8]),
    ("a + b", [1e4, -2e4], [1e-4, 3e-4]),
    ("a − b", [1.0, 2.0], [1.0 - 1e-9, 2.0 + 1e-9]),
    ("a/b", [1.0, -2.0], [1e-3, 1e-2]),
    ("a/b", [1e8, 1e-8], [1e-4, 1e4]),
    ("a/b", [1e-8, 3e-8], [1e8, 2e8]),
    ("hypot", [1e-8, 1e-6], [2e-8, -1e-6]),
    ("hypot", [1e8, 1e4], [1.0, 1e-4]),
    ("arctan2", [1e-6, -1e-8], [1e-6, 2e-8]),
    ("arctan2", [1e-3, -1e-3], [-1.0, -2.0]),
    ("logaddexp", [100.0, -50.0], [1.0, 2.0]),
    ("maximum", [1.0, 2.0], [1.001, 1.999]),
    ("maximum", [1e8, 1e-8], [1e-8, 1.0]),
    ("minimum", [1e-3, -1e-3], [0.0, 0.0]),
    ("a sin b", [1e8, 1e-8], [100.0, 1e-4]),
    ("|a|ᵇ", [1e-2, 1e2], [3.5, -2.5]),
]


def two_by_two() -> Iterator[Pair]:
    rules = {name: broadcast(*rule) for name, *rule in BINARY}
    for name, rule in rules.items():
        for place, args in PLACES.items():
            yield Pair(f"{name} of {place}", *rule, args)
    for name, a, b in NASTY:
        yield Pair(f"{name} at {a} and {b}", *rules[name], (np.array(a), np.array(b)))
    for name in ("a + b", "ab", "hypot"):
        yield Pair(f"{name} in float32", *rules[name], (np.float32(some(2, 3)), np.float32(some(3))))
        yield Pair(f"{name} of no rows and a row", *rules[name], (np.zeros((0, 3)), some(3)))


# -- reductions -------------------------------------------------------------------------------------------------------


def logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    y = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))
    return y if keepdims else np.sum(y, axis=axis)  # over axes of length 1


def norm(x, axis=None, keepdims=False):
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


REDUCTIONS: list[tuple[Any, ...]] = [  # name, f(x, axis, keepdims), ∂y/∂x from x, y and how many numbers make one y
    ("sum", np.sum, lambda x, y, n: 1),
    ("mean", np.mean, lambda x, y, n: 1 / n),
    ("prod", np.prod, lambda x, y, n: y / x),
    ("var", np.var, lambda x, y, n: 2 * (x - spread_sum(x, y, n)) / n),
    ("std", np.std, lambda x, y, n: (x - spread_sum(x, y, n)) / (n * y)),
    ("max", np.max, lambda x, y, n: x == y),
    ("min", np.min, lambda x, y, n: x == y),
    ("norm", norm, lambda x, y, n: x / y),
    ("logsumexp", logsumexp, lambda x, y, n: np.exp(x - y)),
]


def spread_sum(x, y, n):
    """The means that belong to the reduced ``y``, over the same axes."""
    return summed_to(x, np.reshape(y, [1] * (np.ndim(x) - np.ndim(y)) + list(np.shape(y)))) / n


def reduction(f, slope, axis, keepdims):
    def vjp(g, x):
        if axis is not None and not keepdims and np.ndim(x):
            g = np.expand_dims(g, axis)
        y = f(x, axis=axis, keepdims=True)
        return g * slope(x, y, np.size(x) / max(np.size(y), 1)) * np.ones_like(x)

    return lambda x: f(x, axis=axis, keepdims=keepdims), vjp


AXES = [(None, False), (0, False), (-1, True), ((0, 2), False)]
TALL = {"badly scaled": np.array([[1e-8, 1e8, 1.0], [2e-8, 3e8, -2.0]]), "far from 0": 1e4 + some(2, 3)}


def reductions() -> Iterator[Pair]:
    for name, f, slope in REDUCTIONS:
        for axis, keepdims in AXES:
            point = (some(2, 2, 3),)
            yield Pair(f"{name} over {axis}, keepdims={keepdims}", *reduction(f, slope, axis, keepdims), point)
    rules = {name: rule for name, *rule in REDUCTIONS}
    for name, axis, place in [
        ("sum", None, "badly scaled"), ("sum", 0, "badly scaled"), ("mean", 0, "far from 0"), ("var", 1, "far from 0"),
        ("norm", 0, "badly scaled"), ("max", 0, "badly scaled"), ("logsumexp", None, "far from 0"),
    ]:  # fmt: skip
        yield Pair(f"{name} over {axis}, {place}", *reduction(*rules[name], axis, False), (TALL[place],))
    for name, x in [
        ("norm", [1e-8, -2e-8, 1e-8]), ("norm", [1e-4, 0.0, 0.0]), ("norm", [1e8, 1.0, 1e-8]),
        ("std", [1.0, 1.001, 0.999]),
        ("max", [1.0, 1.001, 0.999]), ("min", [1e-3, -1e-3, 0.0]), ("prod", [1e-4, 1e4, 1.0]),
        ("prod", [1e-8, 1e-6, 2.0]),
        ("logsumexp", [1000.0, 999.0, -1000.0]), ("logsumexp", [-1000.0, -1001.0, -999.0]), ("max", [3.0]), ("sum", []),
    ]:  # fmt: skip
        yield Pair(f"{name} at {x}", *reduction(*rules[name], None, False), (np.array(x),))
    yield Pair("mean of a number", *reduction(*rules["mean"], None, False), (np.array(0.7),))
    yield Pair("sum over 0 of no rows", *reduction(*rules["sum"], 0, False), (np.zeros((0, 3)),))
    yield Pair("mean in float32", *reduction(*rules["mean"], 0, True), (np.float32(some(2, 3)),))


# -- along an axis, and from place to place ---------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_vjp(g, x):
    p = softmax(x)
    return p * (g - np.sum(g * p, axis=-1, keepdims=True))


def log_softmax(x):
    return x - logsumexp(x, -1, True)


def log_softmax_vjp(g, x):
    return g - softmax(x) * np.sum(g, axis=-1, keepdims=True)


def backwards(x):
    """The sum of each number and all that follow."""
    return np.flip(np.cumsum(np.flip(x)))


def cumprod_vjp(g, x):
    return (backwards(g * np.cumprod(x)) / x).reshape(np.shape(x))


def placed(where, values, x):
    """The cotangent of ``x[where]``: what was taken several times, has several cotangents to add."""
    out = np.zeros_like(x, shape=np.shape(x))
    np.add.at(out, where, values)
    return out


def take(where):
    return lambda x: np.array(x[where]), lambda g, x: placed(where, g, x)


def rank(x):
    return np.argsort(x, axis=None, kind="stable")


def median_places(x):
    return rank(x)[[(x.size - 1) // 2, x.size // 2]]


def variation_vjp(g, x):
    signs = np.sign(np.diff(x))
    return g * (placed(slice(1, None), signs, x) - placed(slice(-1), signs, x))


def normalised_vjp(g, x):
    r = norm(x)
    return g / r - x * (np.sum(g * x) / r**3)


def conv(x, k):
    """y_t = Σ_s x_{t+s} k_s, where all of k has its place."""
    steps = len(x) - len(k) + 1
    return sum((x[s : s + steps] * k[s] for s in range(len(k))), np.zeros_like(x, shape=steps))


def conv_vjp(g, x, k):
    gx = np.zeros_like(x, shape=x.shape)
    for s in range(len(k)):
        gx[s : s + len(g)] += g * k[s]
    return gx, np.stack([np.sum(g * x[s : s + len(g)]) for s in range(len(k))])


REPEATED, GRID = np.array([0, 2, 2, 1, 2]), (np.array([0, 1, 1, 0]), np.array([2, 0, 0, 2]))
MASK = np.array([True, False, True, True])

ARRANGED: list[tuple[Any, ...]] = [  # name, forward, vjp, args
    ("softmax", softmax, softmax_vjp, some(2, 4)),
    ("softmax, large", softmax, softmax_vjp, np.array([1000.0, 999.0, 997.0])),
    ("softmax, saturated", softmax, softmax_vjp, np.array([30.0, 0.0, -30.0])),
    ("softmax of one", softmax, softmax_vjp, np.array([[0.3], [0.5]])),
    ("log-softmax", log_softmax, log_softmax_vjp, some(2, 4)),
    ("log-softmax, large", log_softmax, log_softmax_vjp, np.array([1000.0, 999.0, 0.0])),
    ("cumsum", np.cumsum, lambda g, x: backwards(g).reshape(np.shape(x)), some(5)),
    ("cumsum of a matrix", np.cumsum, lambda g, x: backwards(g).reshape(np.shape(x)), some(2, 3)),
    ("cumprod", np.cumprod, cumprod_vjp, some(5)),
    ("cumprod, badly scaled", np.cumprod, cumprod_vjp, np.array([1e-4, 1e4, 1e-4, 1e4])),
    ("diff", np.diff, lambda g, x: placed(slice(1, None), g, x) + placed(slice(-1), -g, x), some(5)),
    ("flip", np.flip, lambda g, x: np.flip(g).copy(), some(2, 3)),
    ("roll", lambda x: np.roll(x, 2), lambda g, x: np.roll(g, -2), some(5)),
    ("transpose", lambda x: x.T.copy(), lambda g, x: g.T.copy(), some(2, 3)),
    ("reshape", lambda x: np.reshape(x, (3, -1)), lambda g, x: np.array(np.reshape(g, np.shape(x))), some(2, 3)),
    ("ravel, column by column", lambda x: x.ravel("F"), lambda g, x: g.reshape(x.shape, order="F").copy(), some(2, 3)),
    ("tril", np.tril, lambda g, x: np.tril(g), some(3, 3)),
    ("diagonal", lambda x: np.diag(x).copy(), lambda g, x: placed((np.arange(len(g)),) * 2, g, x), some(3, 3)),
    ("diagonal matrix", lambda x: np.diag(x), lambda g, x: np.diag(g).copy(), some(3)),
    ("repeat", lambda x: np.repeat(x, 2), lambda g, x: np.sum(g.reshape(*np.shape(x), 2), axis=-1), some(3)),
    ("tile", lambda x: np.tile(x, 3), lambda g, x: np.sum(g.reshape(3, *x.shape), axis=0), some(2)),
    ("pad", lambda x: np.pad(x, 1), lambda g, x: g[(slice(1, -1),) * np.ndim(x)].copy(), some(2, 3)),
    ("x[2, 0]", *take((0, 2)), some(2, 3)),
    ("x[::2]", *take(slice(None, None, 2)), some(5)),
    ("x[:, ::-1]", *take((slice(None), slice(None, None, -1))), some(2, 3)),
    ("x[[0, 2, 2, 1, 2]]", *take(REPEATED), some(3)),
    ("rows [0, 2, 2, 1, 2]", *take(REPEATED), some(3, 2)),
    ("x[pairs]", *take(GRID), some(2, 3)),
    ("x[mask]", *take(MASK), some(4)),
    ("x[nothing]", *take(slice(0)), some(4)),
    ("sort", lambda x: np.sort(x, axis=None), lambda g, x: placed(rank(x), g, x), some(5)),
    ("sort, nearly tied", np.sort, lambda g, x: placed(rank(x), g, x), np.array([1.0, 0.999, 1.001, 0.5])),
    ("median of odd", np.median, lambda g, x: placed(median_places(x), g / 2, x), some(5)),
    ("median of even", np.median, lambda g, x: placed(median_places(x), g / 2, x), some(4)),
    ("median, nearly tied", np.median, lambda g, x: placed(median_places(x), g / 2, x), np.array([1.0, 0.999, 1.001])),
    ("largest two", lambda x: np.sort(x)[-2:], lambda g, x: placed(rank(x)[-2:], g, x), some(5)),
    ("total variation", lambda x: np.sum(np.abs(np.diff(x))), variation_vjp, some(5)),
    ("unit vector", lambda x: x / norm(x), normalised_vjp, some(4)),
    ("unit vector, short", lambda x: x / norm(x), normalised_vjp, 1e-6 * some(4)),
    ("rosenbrock", lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
     lambda g, x: g * np.stack([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]),
     np.array([-1.2, 1.0])),
    ("ten variables of ten scales", lambda x: np.sum(np.sin(x / 10.0 ** np.arange(-5, 5).astype(x.dtype))),
     lambda g, x: summed_to(g * np.cos(x / (s := 10.0 ** np.arange(-5, 5).astype(x.dtype))) / s, x),
     some(10) * 10.0 ** np.arange(-5, 5)),
    ("convolution", conv, conv_vjp, some(7), some(3)),
    ("convolution, badly scaled", conv, conv_vjp, 1e8 * some(5), 1e-8 * some(2)),
    ("convolution in float32", conv, conv_vjp, np.float32(some(6)), np.float32(some(3))),
    ("concatenate", lambda a, b: np.concatenate([a, b]), lambda g, a, b: (g[: len(a)].copy(), g[len(a) :].copy()),
     some(2), some(3)),
    ("concatenate with nothing", lambda a, b: np.concatenate([a, b]),
     lambda g, a, b: (g[: len(a)].copy(), g[len(a) :].copy()), np.zeros(0), some(3)),
    ("concatenate columns", lambda a, b: np.concatenate([a, b], axis=1),
     lambda g, a, b: (g[:, : a.shape[1]].copy(), g[:, a.shape[1] :].copy()), some(2, 1), some(2, 3)),
    ("stack", lambda a, b: np.stack([a, b]), lambda g, a, b: (g[0].copy(), g[1].copy()), some(3), some(3)),
    ("where", lambda a, b: np.where(a > 0, a * b, b**2),
     lambda g, a, b: (g * b * (a > 0), g * np.where(a > 0, a, 2 * b)),
     some(5), some(5)),
    ("a and a again", lambda a, b: a * a + b, lambda g, a, b: (2 * a * g, g), some(3), some(3)),
    ("only the first matters", lambda a, b: np.sin(a), lambda g, a, b: (g * np.cos(a), np.zeros_like(b, shape=b.shape)),
     some(3), some(2)),
    ("embedding", lambda table, index: table[index], lambda g, table, index: (placed(index, g, table), None),
     some(4, 2), np.array([1, 3, 1, 0, 1])),
]  # fmt: skip


# -- matrices ---------------------------------------------------------------------------------------------------------


def symmetric(a):
    return (a + np.swapaxes(a, -1, -2)) / 2


def cholesky_vjp(g, a):
    lower = np.linalg.cholesky(symmetric(a))
    inner = np.tril(lower.T @ np.tril(g))
    inner = inner - np.diag(np.diag(inner)) / 2
    inverse = np.linalg.inv(lower)
    return symmetric(inverse.T @ inner @ inverse)


def solve_vjp(g, a, b):
    gb = np.linalg.solve(a.T, g)
    x = np.linalg.solve(a, b)
    return -(gb @ x.T if x.ndim == 2 else np.outer(gb, x)), gb


def inv_vjp(g, a):
    b = np.linalg.inv(a).T
    return -b @ g @ b


def eigvalsh_vjp(g, a):
    vectors = np.linalg.eigh(symmetric(a))[1]
    return (vectors * g) @ vectors.T


def einsum(formula):
    """The pullback of an einsum of two arrays is two: each argument changes places with the value."""
    inputs, out = formula.split("->")
    a, b = inputs.split(",")
    return lambda x, y: np.einsum(formula, x, y), lambda g, x, y: (
        np.einsum(f"{out},{b}->{a}", g, y),
        np.einsum(f"{out},{a}->{b}", g, x),
    )


def det_vjp(g, a):
    return g * np.linalg.det(a) * np.linalg.inv(a).T


SQUARE = some(3, 3) + 3 * np.eye(3)
NEARLY_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0 + 1e-4]])
DEFINITE = SQUARE @ SQUARE.T
GRADED = np.diag([1e4, 1.0, 1e-4]) @ SQUARE

MATRICES: list[tuple[Any, ...]] = [  # name, forward, vjp, args
    ("A @ B", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), some(2, 3), some(3, 4)),
    ("A @ x", lambda a, x: a @ x, lambda g, a, x: (np.outer(g, x), a.T @ g), some(2, 3), some(3)),
    ("x @ A", lambda x, a: x @ a, lambda g, x, a: (a @ g, np.outer(x, g)), some(2), some(2, 3)),
    ("x @ y", lambda x, y: x @ y, lambda g, x, y: (g * y, g * x), some(4), some(4)),
    ("x @ y, orthogonal", lambda x, y: x @ y, lambda g, x, y: (g * y, g * x), np.array([1.0, 2.0]),
     np.array([-2.0, 1.0])),
    ("stacks of matrices", lambda a, b: a @ b, lambda g, a, b: (g @ np.swapaxes(b, 1, 2), np.swapaxes(a, 1, 2) @ g),
     some(2, 3, 2), some(2, 2, 3)),
    ("a stack by a matrix", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, np.einsum("bij,bik->jk", a, g)),
     some(2, 3, 2), some(2, 3)),
    ("A @ B, badly scaled", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), 1e8 * some(2, 3),
     1e-8 * some(3, 2)),
    ("A @ B in float32", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), np.float32(some(2, 3)),
     np.float32(some(3, 2))),
    ("A @ B of no columns", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), some(2, 3), np.zeros((3, 0))),
    ("outer", np.outer, lambda g, x, y: (g @ y, g.T @ x), some(2), some(3)),
    ("outer, badly scaled", np.outer, lambda g, x, y: (g @ y, g.T @ x), np.array([1e8, 1.0]),
     np.array([1e-8, 1.0, 1e4])),
    *((f"einsum {formula}", *einsum(formula), some(*p), some(*q)) for formula, p, q in [
        ("ij,jk->ik", (2, 3), (3, 2)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("i,j->ij", (2,), (3,)),
        ("ij,ij->ij", (2, 3), (2, 3)), ("bi,bi->b", (2, 3), (2, 3)), ("ij,kj->ki", (2, 3), (4, 3)),
        ("hqd,hkd->hqk", (2, 2, 3), (2, 4, 3)),
    ]),
    ("trace", np.trace, lambda g, a: g * np.eye(*a.shape, dtype=a.dtype), some(3, 3)),
    ("trace of a product", lambda a, b: np.trace(a @ b), lambda g, a, b: (g * b.T, g * a.T), some(2, 3), some(3, 2)),
    ("xᵀAx", lambda x, a: x @ a @ x, lambda g, x, a: (g * ((a + a.T) @ x), g * np.outer(x, x)), some(3), some(3, 3)),
    ("A @ A @ A", lambda a: a @ a @ a, lambda g, a: g @ a.T @ a.T + a.T @ g @ a.T + a.T @ a.T @ g, some(3, 3)),
    ("solve", np.linalg.solve, solve_vjp, SQUARE, some(3)),
    ("solve for columns", np.linalg.solve, solve_vjp, SQUARE, some(3, 2)),
    ("solve, nearly singular", np.linalg.solve, solve_vjp, NEARLY_SINGULAR, some(2)),
    ("solve, graded", np.linalg.solve, solve_vjp, GRADED, some(3)),
    ("inv", np.linalg.inv, inv_vjp, SQUARE),
    ("inv, nearly singular", np.linalg.inv, inv_vjp, NEARLY_SINGULAR),
    ("inv, small", np.linalg.inv, inv_vjp, 1e-6 * SQUARE),
    ("det", np.linalg.det, det_vjp, SQUARE),
    ("det, nearly singular", np.linalg.det, det_vjp, NEARLY_SINGULAR),
    ("det, large", np.linalg.det, det_vjp, 1e4 * SQUARE),
    ("log |det|", lambda a: np.linalg.slogdet(a)[1], lambda g, a: g * np.linalg.inv(a).T, SQUARE),
    ("cholesky", lambda a: np.linalg.cholesky(symmetric(a)), cholesky_vjp, DEFINITE),
    ("cholesky, nearly indefinite", lambda a: np.linalg.cholesky(symmetric(a)), cholesky_vjp,
     np.array([[1.0, 1.0], [1.0, 1.001]])),
    ("eigenvalues", lambda a: np.linalg.eigvalsh(symmetric(a)), eigvalsh_vjp, DEFINITE),
    ("eigenvalues, nearly equal", lambda a: np.linalg.eigvalsh(symmetric(a)), eigvalsh_vjp, np.diag([1.0, 1.001, 3.0])),
    ("norm of A", norm, lambda g, a: g * a / norm(a), some(3, 2)),
    ("hilbert @ x", lambda x: (1 / (1 + np.add.outer(np.arange(4), np.arange(4)))).astype(x.dtype) @ x,
     lambda g, x: (1 / (1 + np.add.outer(np.arange(4), np.arange(4)))).astype(x.dtype) @ g, some(4)),
]  # fmt: skip


# -- networks ---------------------------------------------------------------------------------------------------------


def layer_norm(x, gain, bias, eps=1e-5):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps) * gain + bias


def layer_norm_vjp(g, x, gain, bias, eps=1e-5):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
    z, gz = centred * scale, g * gain
    gx = scale * (gz - np.mean(gz, axis=-1, keepdims=True) - z * np.mean(gz * z, axis=-1, keepdims=True))
    return gx, summed_to(g * z, gain), summed_to(g, bias)


def mlp(x, A, b, C):
    return np.tanh(x @ A + b) @ C


def mlp_vjp(g, x, A, b, C):
    h = np.tanh(x @ A + b)
    gz = (g @ C.T) * (1 - h * h)
    return gz @ A.T, x.T @ gz, np.sum(gz, axis=0), h.T @ g


def attention(q, k, v):
    return softmax(q @ k.T) @ v


def attention_vjp(g, q, k, v):
    scores = softmax_vjp(g @ v.T, q @ k.T)
    return scores @ k, scores.T @ q, softmax(q @ k.T).T @ g


def cross_entropy(z, target):
    return -np.mean(log_softmax(z)[np.arange(len(target)), target])


def cross_entropy_vjp(g, z, target):
    hot = np.zeros_like(z, shape=z.shape)
    hot[np.arange(len(target)), target] = 1
    return g * (softmax(z) - hot) / len(target), None


def rnn_step(W, U, b, h, x):
    return np.tanh(W @ h + U @ x + b)


def rnn_step_vjp(g, W, U, b, h, x):
    gz = g * (1 - rnn_step(W, U, b, h, x) ** 2)
    return np.outer(gz, h), np.outer(gz, x), gz, W.T @ gz, U.T @ gz


def rnn(W, U, b, h, xs):
    """All states after the first, one row for each input."""
    states = [h]
    for x in xs:
        states.append(rnn_step(W, U, b, states[-1], x))
    return np.stack(states)[1:]


def rnn_vjp(g, W, U, b, h, xs):
    """Back-propagation through time: each weight was used at every step, and has the sum of what came back."""
    states = [h, *rnn(W, U, b, h, xs)]
    gW, gU, gb, gh = (np.zeros_like(a, shape=a.shape) for a in (W, U, b, h))
    gxs = np.zeros_like(xs, shape=xs.shape)
    for t in reversed(range(len(xs))):
        dW, dU, db, gh, gxs[t] = rnn_step_vjp(g[t] + gh, W, U, b, states[t], xs[t])
        gW, gU, gb = gW + dW, gU + dU, gb + db
    return gW, gU, gb, gh, gxs


def last_rnn_vjp(g, W, U, b, h, xs):
    above = np.zeros_like(h, shape=(len(xs), len(h)))
    above[-1] = g
    return rnn_vjp(above, W, U, b, h, xs)


def lstm_step(W, h, c):
    """Four gates from one matrix of four blocks; the value is the new state and the new cell."""
    i, f, o, u = np.split(W @ h, 4)
    cell = sigmoid(f) * c + sigmoid(i) * np.tanh(u)
    return sigmoid(o) * np.tanh(cell), cell


def lstm_step_vjp(g, W, h, c):
    z = W @ h
    (i, f, o), u = sigmoid(z[: 3 * len(h)]).reshape(3, -1), np.tanh(z[3 * len(h) :])
    cell = f * c + i * u
    gc = g[1] + g[0] * o * (1 - np.tanh(cell) ** 2)
    gates = gc * u * i * (1 - i), gc * c * f * (1 - f), g[0] * np.tanh(cell) * o * (1 - o), gc * i * (1 - u * u)
    gz = np.concatenate(gates)
    return np.outer(gz, h), W.T @ gz, gc * f


def max_pool(x):
    return np.max(x.reshape(-1, 2), axis=1)


def max_pool_vjp(g, x):
    first = np.argmax(x.reshape(-1, 2), axis=1)
    return placed(2 * np.arange(len(g)) + first, g, x)


def weights(scale=1.0):
    """W, U, b, h and five inputs, for three units and two inputs."""
    return scale * some(3, 3), some(3, 2), some(3), np.tanh(some(3)), some(5, 2)


NETWORKS: list[tuple[Any, ...]] = [  # name, forward, vjp, args
    ("layer norm", layer_norm, layer_norm_vjp, some(2, 4), some(4), some(4)),
    ("layer norm, narrow", layer_norm, layer_norm_vjp, 1 + 1e-2 * some(2, 4), some(4), some(4)),
    ("layer norm, wide", layer_norm, layer_norm_vjp, 1e6 * some(2, 4), 1e-4 * some(4), some(4)),
    ("multi-layer perceptron", mlp, mlp_vjp, some(2, 3), some(3, 4), some(4), some(4, 2)),
    ("multi-layer perceptron, saturated", mlp, mlp_vjp, 10 * some(2, 3), some(3, 4), some(4), 1e4 * some(4, 2)),
    ("multi-layer perceptron, float32", mlp, mlp_vjp, *map(np.float32, (some(2, 3), some(3, 4), some(4), some(4, 2)))),
    ("attention", attention, attention_vjp, some(2, 3), some(4, 3), some(4, 2)),
    ("attention, sharp", attention, attention_vjp, 5 * some(2, 3), 5 * some(4, 3), some(4, 2)),
    ("cross-entropy", cross_entropy, cross_entropy_vjp, some(3, 4), np.array([1, 0, 3])),
    ("cross-entropy, sure", cross_entropy, cross_entropy_vjp, 20 * some(3, 4), np.array([1, 0, 3])),
    ("max pool", max_pool, max_pool_vjp, some(8)),
    ("recurrent step", rnn_step, rnn_step_vjp, *weights()[:4], some(2)),
    ("recurrent step, saturated", rnn_step, rnn_step_vjp, *weights(5.0)[:4], some(2)),
    ("recurrent step, float32", rnn_step, rnn_step_vjp, *map(np.float32, (*weights()[:4], some(2)))),
    ("five steps", rnn, rnn_vjp, *weights()),
    ("five steps, vanishing", rnn, rnn_vjp, *weights(1e-3)),
    ("five steps, exploding", rnn, rnn_vjp, 20 * some(3, 3), *(1e-3 * a for a in weights()[1:])),
    ("no steps", rnn, rnn_vjp, *weights()[:4], np.zeros((0, 2))),
    ("the last of five steps", lambda *args: rnn(*args)[-1], last_rnn_vjp, *weights()),
    ("long short-term memory", lstm_step, lstm_step_vjp, some(8, 2), some(2), some(2)),
]  # fmt: skip


# -- dicts, lists and tuples ------------------------------------------------------------------------------------------


def dense(p, x):
    return np.tanh(x @ p["W"] + p["b"])


def dense_vjp(g, p, x):
    gz = g * (1 - dense(p, x) ** 2)
    return {"W": x.T @ gz, "b": np.sum(gz, axis=0)}, gz @ p["W"].T


def deep(p, x):
    for layer in p["layers"]:
        x = dense(layer, x)
    return x * p["scale"]


def deep_vjp(g, p, x):
    inputs = [x]
    for layer in p["layers"]:
        inputs.append(dense(layer, inputs[-1]))
    out, layers = {"scale": np.sum(g * inputs[-1])}, []
    g = g * p["scale"]
    for layer, before in zip(reversed(p["layers"]), reversed(inputs[:-1]), strict=True):
        cotangent, g = dense_vjp(g, layer, before)
        layers.insert(0, cotangent)
    return {"layers": layers, **out}, g


def dict_rnn_vjp(g, p, xs):
    *found, gxs = rnn_vjp(g, p["W"], p["U"], p["b"], p["h"], xs)
    return dict(zip("WUbh", found, strict=True)), gxs


def layer(n, m):
    return {"W": some(n, m), "b": some(m)}


CONTAINERS: list[tuple[Any, ...]] = [  # name, forward, vjp, args
    ("a dict", lambda p: p["a"] * np.sin(p["b"]),
     lambda g, p: {"a": g * np.sin(p["b"]), "b": g * p["a"] * np.cos(p["b"])}, {"a": some(3), "b": some(3)}),
    ("a dict of two scales", lambda p: p["a"] * p["b"], lambda g, p: {"a": g * p["b"], "b": g * p["a"]},
     {"a": np.array([1e8, 2e8]), "b": np.array([1e-8, 3e-8])}),
    ("a dict and an array", dense, dense_vjp, layer(3, 2), some(4, 3)),
    ("nested", deep, deep_vjp, {"layers": [layer(3, 4), layer(4, 2)], "scale": np.array(1.5)}, some(2, 3)),
    ("a list", lambda xs: sum(x**2 for x in xs), lambda g, xs: [2 * g * x for x in xs], [some(3), some(3), some(3)]),
    ("two values", lambda x: (np.sin(x), np.sum(x)), lambda g, x: g[0] * np.cos(x) + g[1], some(3)),
    ("values in a dict", lambda x, y: {"p": x * y, "s": [x + y]},
     lambda g, x, y: (g["p"] * y + g["s"][0], g["p"] * x + g["s"][0]), some(3), some(3)),
    ("recurrent weights in a dict", lambda p, xs: rnn(p["W"], p["U"], p["b"], p["h"], xs),
     dict_rnn_vjp,
     dict(zip("WUbh", weights()[:4], strict=True)), some(5, 2)),
]  # fmt: skip


# -- at the kink ------------------------------------------------------------------------------------------------------


def shares(x):
    """Of all that tie for the maximum, an equal share."""
    best = x == np.max(x)
    return best / np.sum(best).astype(x.dtype)


def norm_vjp_at_zero(g, x):
    r = norm(x)
    return g * x / (r if r > 0 else np.ones_like(r))


def finite_or_zero(f):
    """The convention that a slope is 0 where the formula has none."""

    def slope(x):
        with np.errstate(divide="ignore", invalid="ignore"):
            y = f(x)
        return np.where(np.isfinite(y), y, 0 * x)

    return slope


def first_of(ties):
    return lambda g, x: placed(ties(x), g, x)


KINKED: list[tuple[Any, ...]] = [  # name, f, a subgradient, points
    ("|x|", np.abs, np.sign, (0.0, 1.0, -1.0), 0.0, (0.0, 0.0, 0.0)),
    ("|x|, slope 1", np.abs, lambda x: np.sign(x) + (x == 0), (0.0, 1.0, -1.0), 0.0),
    ("relu, slope 0", lambda x: np.maximum(x, 0), lambda x: x > 0, (0.0, 1.0, -1.0), 0.0, (0.0, 0.0)),
    ("relu, slope 1", lambda x: np.maximum(x, 0), lambda x: x >= 0, (0.0, 1.0, -1.0), 0.0, (0.0, 0.0)),
    ("relu, slope ½", lambda x: np.maximum(x, 0), lambda x: (np.sign(x) + 1) / 2, (0.0, 1.0)),
    ("leaky relu", lambda x: np.maximum(x, 0.1 * x), lambda x: 0.1 + 0.9 * (x > 0).astype(x.dtype), (0.0, 1.0, -1.0)),
    ("clip to ±1, slope 0", lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) < 1, (1.0, -1.0, 0.5), 1.0),
    ("clip to ±1, slope 1", lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) <= 1, (1.0, -1.0, 0.5), 1.0),
    ("hinge", lambda x: np.maximum(1 - x, 0), lambda x: -(x < 1).astype(x.dtype), (1.0, 0.5, 2.0)),
    ("sign", np.sign, lambda x: 0 * x, (0.0, 1.0, -1.0)),
    ("floor", np.floor, lambda x: 0 * x, (1.0, 0.5, -2.0)),
    ("round", np.round, lambda x: 0 * x, (0.5, 0.3, -1.5)),
    ("√x", np.sqrt, finite_or_zero(lambda x: 0.5 / np.sqrt(x)), (0.0, 1.0), 0.0),
    ("cbrt", np.cbrt, finite_or_zero(lambda x: 1 / (3 * np.cbrt(x) ** 2)), (0.0, 1.0), 0.0),
    ("√|x|", lambda x: np.sqrt(np.abs(x)), finite_or_zero(lambda x: np.sign(x) / (2 * np.sqrt(np.abs(x)))), 0.0),
    ("arcsin", np.arcsin, finite_or_zero(lambda x: 1 / np.sqrt((1 - x) * (1 + x))), (1.0, 0.5), 1.0),
    ("x|x|", lambda x: x * np.abs(x), lambda x: 2 * np.abs(x), (0.0, 1.0, -1.0), 0.0),
    ("x √|x|", lambda x: x * np.sqrt(np.abs(x)), lambda x: 1.5 * np.sqrt(np.abs(x)), (0.0, 1.0), 0.0),
    ("huber", lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5), lambda x: np.clip(x, -1, 1), (1.0, -1.0)),
    ("elu", lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.exp(np.minimum(x, 0)), (0.0, 1.0)),
    ("selu", lambda x: 1.05 * np.where(x > 0, x, 1.67 * np.expm1(x)),
     lambda x: 1.05 * np.where(x > 0, x == x, 1.67 * np.exp(np.minimum(x, 0))), (0.0, 1.0)),
    ("x² sin(1/x)", lambda x: np.where(x == 0, 0 * x, x * x * np.sin(1 / (x + (x == 0)))),
     finite_or_zero(lambda x: 2 * x * np.sin(1 / x) - np.cos(1 / x)), 0.0),
    ("|x| + sin x", lambda x: np.abs(x) + np.sin(x), lambda x: np.sign(x) + np.cos(x), (0.0, 1.0)),
    ("10⁸|x|", lambda x: 1e8 * np.abs(x), lambda x: 1e8 * np.sign(x), (0.0, 1.0)),
    ("1e-8 relu", lambda x: 1e-8 * np.maximum(x, 0), lambda x: 1e-8 * (x > 0).astype(x.dtype), (0.0, 1e-8)),
]  # fmt: skip

TIED: list[tuple[Any, ...]] = [  # name, forward, vjp, args
    ("max with ties, shares", np.max, lambda g, x: g * shares(x), np.array([1.0, 1.0, 0.5])),
    ("max with ties, the first", np.max, first_of(np.argmax), np.array([1.0, 1.0, 0.5])),
    ("max, all tied", np.max, lambda g, x: g * shares(x), np.zeros(3)),
    ("min with ties, shares", np.min, lambda g, x: g * shares(-x), np.array([1.0, 1.0, 1.5])),
    ("min with ties, the first", np.min, first_of(np.argmin), np.array([1.0, 1.0, 1.5])),
    ("sort with ties", np.sort, lambda g, x: placed(rank(x), g, x), np.array([1.0, 0.5, 1.0, 2.0])),
    ("median with ties", np.median, lambda g, x: placed(median_places(x), g / 2, x), np.array([1.0, 1.0, 3.0, 0.5])),
    ("max pool with ties", max_pool, max_pool_vjp, np.array([1.0, 1.0, 0.5, 2.0])),
    ("maximum, halves",
     *broadcast(np.maximum, lambda a, b: np.sign(a - b) / 2 + 0.5, lambda a, b: np.sign(b - a) / 2 + 0.5),
     np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    ("maximum, to the first", *broadcast(np.maximum, lambda a, b: a >= b, lambda a, b: a < b), np.array([1.0, 2.0]),
     np.array([1.0, 3.0])),
    ("minimum, to the second", *broadcast(np.minimum, lambda a, b: a < b, lambda a, b: a >= b), np.array([1.0]),
     np.array([1.0])),
    ("|a − b|", *broadcast(lambda a, b: np.abs(a - b), lambda a, b: np.sign(a - b), lambda a, b: np.sign(b - a)),
     np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    ("hypot at the origin", lambda x: norm(x), norm_vjp_at_zero, np.zeros(2)),
    ("norm at 0", norm, norm_vjp_at_zero, np.zeros((2, 3))),
    ("sum of |x|, one at 0", lambda x: np.sum(np.abs(x)), lambda g, x: g * np.sign(x),
     np.array([0.0, 1.0, -2.0, 1e-3])),
    ("a layer of relu with a sum of 0", lambda a, x: np.maximum(a @ x, 0),
     lambda g, a, x: (np.outer(g * (a @ x > 0), x), a.T @ (g * (a @ x > 0))),
     np.array([[1.0, -1.0], [1.0, 2.0]]), np.array([1.0, 1.0])),
    ("total variation, one flat step", lambda x: np.sum(np.abs(np.diff(x))), variation_vjp, np.array([1.0, 1.0, 2.0])),
    ("eigenvalues of the identity", lambda a: np.linalg.eigvalsh(symmetric(a)), eigvalsh_vjp, np.eye(2)),
]  # fmt: skip


def kinked() -> Iterator[Pair]:
    for name, f, slope, *points in KINKED:
        for point in points:
            yield Pair(f"kink: {name} at {point}", *elementwise(f, slope), (np.array(point),))
    yield from listed(TIED, "kink: ")


def listed(table: Sequence[tuple[Any, ...]], prefix: str = "") -> Iterator[Pair]:
    for name, forward, vjp, *args in table:
        yield Pair(prefix + name, forward, vjp, tuple(args))


PAIRS: list[Pair] = [
    *one_by_one(),
    *two_by_two(),
    *reductions(),
    *listed(ARRANGED),
    *listed(MATRICES),
    *listed(NETWORKS),
    *listed(CONTAINERS),
    *kinked(),
]
