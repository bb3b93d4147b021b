"""Right gradients at the hardest places that are known, in groups: nobody may be accused here, many cannot be told.

`pairs` is a list for everybody's checker, at ordinary and at nasty points. These are the places at which earlier
versions of this package's own checker accused somebody, and their like: where values have lost the digits that a slope
would be seen by (saturation, flatness, float32 inside, noise), where it changes a little further on (near ties), and
where there is none (poles, edges). The generic ones are random compositions at ordinary points: there it has to tell.

The functions are NumPy's, and minigrad differentiates them, unless the gradient is written beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

import minigrad as mg
from tests.testing.pairs import Pair, conv, log_softmax, lstm_step, placed, rank, softmax

Function = Callable[..., Any]
Slope = Callable[[Any], Any]


# -- what a pair is made of -------------------------------------------------------------------------------------------


def first(name: str, f: Function, *args: Any) -> Pair:
    """A function and the pullback that minigrad gives it."""
    return Pair(name, f, lambda g, *xs: pulled(f, g, *xs), tuple(np.asarray(x, float) for x in args))


def second(name: str, f: Function, *args: Any) -> Pair:
    """The gradient of a function, for a fixed cotangent, and its pullback."""
    args = tuple(np.asarray(x, float) for x in args)
    w = np.random.default_rng(0).uniform(0.5, 1.0, np.shape(f(*args))) * (-1) ** np.arange(np.size(f(*args))).reshape(
        np.shape(f(*args))
    )
    return first(f"{name}, order 2", lambda *xs: mg.vjp(f, *xs)[1](w), *args)


def given(name: str, f: Function, slope: Slope, *points: Any) -> Pair:
    """A function of each number alone, with its derivative."""
    return Pair(name, f, lambda g, x: g * slope(x), (np.array(points, float),))


def pulled(f: Function, g: Any, *args: Any) -> Any:
    """The cotangents of the arguments, one array for one argument and a tuple for several."""
    found = tuple(np.array(each) for each in mg.vjp(f, *args)[1](g))
    return found[0] if len(found) == 1 else found


# -- random compositions ----------------------------------------------------------------------------------------------


def smooth(rng: np.random.Generator, n: int) -> Function:
    """A random function of n numbers with as many values: some three to six steps, one after the other or side by side.

    All steps are of slope about 1 where their argument is of size 1, so that no value is drowned by others.
    """
    A, b, c = rng.normal(size=(n, n)) / np.sqrt(n), rng.normal(size=n), rng.uniform(0.5, 1.5)
    steps: list[Function] = [
        np.sin, np.tanh, np.arctan, np.arcsinh, lambda x: np.cos(x + c), lambda x: np.exp(x / 2), lambda x: x + b,
        lambda x: np.logaddexp(0.0, x), lambda x: x / np.sqrt(1 + x * x), lambda x: np.log1p(x * x), lambda x: A @ x,
        lambda x: x * np.exp(-x * x / 4), lambda x: softmax(x) * n, lambda x: np.cumsum(x) / np.sqrt(n), log_softmax,
        lambda x: x - np.mean(x) + b, lambda x: x * x / 2, lambda x: np.hypot(x, c), lambda x: 1 / (1 + np.exp(-x)),
        lambda x: x[::-1] * b, lambda x: np.sqrt(c + x * x), lambda x: np.arctan2(x, c + x * x), lambda x: c * x**3 / 3,
        lambda x: x * np.sum(x * x) / n / 2,
    ]  # fmt: skip
    chosen = [steps[k] for k in rng.integers(len(steps), size=rng.integers(3, 7))]
    beside = steps[rng.integers(len(steps))]
    where, how = rng.integers(len(chosen)), rng.integers(3)

    def f(x: Any) -> Any:
        for place, step in enumerate(chosen):
            y = step(x)
            x = y if place != where or how == 0 else y + beside(x) if how == 1 else y * (1 + beside(x) / 4)
        return x

    return f


def some(rng: np.random.Generator, *shape: int) -> Any:
    """Random numbers of about size 1 and of either sign, none near zero."""
    return rng.uniform(0.4, 1.4, shape) * rng.choice([-1.0, 1.0], shape)


def generic(rng: np.random.Generator) -> Iterator[Pair]:
    for count in range(150):
        n = int(rng.integers(2, 6))
        f, order = smooth(rng, n), second if count % 3 == 2 else first
        g = f if count % 2 else lambda x, f=f: np.sum(f(x) * np.sin(np.arange(1.0, 1.0 + np.size(x))))
        yield order(f"composition {count} of {n}", g, some(rng, n))
    for n in (2, 3):
        A, x, y = some(rng, n, 3), some(rng, 3), some(rng, n)
        yield first(f"layer of {n}", lambda A, x, y: np.tanh(A @ x + y), A, x, y)
        yield second(f"layer of {n}", lambda A, x, y: np.tanh(A @ x + y), A, x, y)
        yield first(f"attention of {n}", lambda q, k, v: softmax(q @ k.T) @ v, A, some(rng, 2, 3), some(rng, 2, n))
        yield first(f"solve of {n}", np.linalg.solve, some(rng, n, n) + 4 * np.eye(n), y)
        yield first(f"convolution of {n}", conv, some(rng, 4 + n), some(rng, n))
        yield first(f"long short-term memory of {n}", lstm_step, some(rng, 4 * n, n), y, some(rng, n))


SCALES = [1e-8, 1e-4, 1e4, 1e8]


def scales(rng: np.random.Generator) -> Iterator[Pair]:
    """b f(x / a) at points of size a."""
    for a, b in [*product(SCALES, SCALES), *((a, 1.0) for a in SCALES), *((1.0, b) for b in SCALES)]:
        for count in range(3):
            n = int(rng.integers(2, 5))
            f = smooth(rng, n)
            order = second if count == 2 else first
            yield order(f"{b:g} f(x/{a:g}), {count} of {n}", lambda x, f=f, a=a, b=b: b * f(x / a), a * some(rng, n))


# -- values that have lost their digits -------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def entropy(x: Any) -> Any:
    return -np.sum(softmax(x) * log_softmax(x))


def crossed(x: Any) -> Any:
    return -log_softmax(x)[0]


def saturation(rng: np.random.Generator) -> Iterator[Pair]:
    for top in (10.0, 18.0, 25.0, 30.0, 36.0, 40.0, 50.0, 700.0):
        x = np.array([top, *rng.uniform(-1, 1, 2)])
        for name, f in [("softmax", softmax), ("log_softmax", log_softmax), ("entropy", entropy), ("loss", crossed)]:
            yield first(f"{name} at {top:g}", f, x)
            yield second(f"{name} at {top:g}", f, x)
        yield first(f"two softmaxes at {top:g}", lambda x: softmax(3 * softmax(x)), x)
    slopes: list[tuple[str, Function, Slope]] = [
        ("tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2),
        ("1 - tanh²", lambda x: 1 - np.tanh(x) ** 2, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2),
        ("1 - tanh", lambda x: 1 - np.tanh(x), lambda x: -1 / np.cosh(x) ** 2),
        ("s(1 - s)", lambda x: sigmoid(x) * (1 - sigmoid(x)), lambda x: sigmoid(x) * sigmoid(-x) * np.tanh(-x / 2)),
        ("log(1 + e^x) - x", lambda x: np.log(1 + np.exp(x)) - x, lambda x: -sigmoid(-x)),
        ("arctan(e^x)", lambda x: np.arctan(np.exp(x)), lambda x: 1 / (2 * np.cosh(x))),
    ]
    for top in (5.0, 10.0, 14.0, 18.0, 18.3, 20.0, 36.0, 40.0):
        for name, f, slope in slopes:
            yield given(f"{name} at {top:g}", f, slope, top + rng.uniform(-0.01, 0.01), 1 - top)
        yield second(f"tanh at {top:g}", np.tanh, [top, rng.uniform(0.5, 1)])
        yield second(f"sigmoid at {top:g}", sigmoid, [top, rng.uniform(0.5, 1)])


def flatness(rng: np.random.Generator) -> Iterator[Pair]:
    slopes: list[tuple[str, Function, Slope, list[float]]] = [
        ("cos(x) - 1", lambda x: np.cos(x) - 1, lambda x: -np.sin(x), [1e-8, 1e-7, 1e-6, 1e-4, 1e-10]),
        ("log(1 + e^x)", lambda x: np.log(1 + np.exp(x)), sigmoid, [-30.0, -34.0, -36.0, -38.0, -40.0, -700.0]),
        ("√(1 + x²) - 1", lambda x: np.sqrt(1 + x * x) - 1, lambda x: x / np.sqrt(1 + x * x),
         [1e-9, 1e-8, 1e-7, 1e-5, 1e-3]),
        ("x²", lambda x: x * x, lambda x: 2 * x, [1e-162, 1e-155, 1e-100, 1e-200, 0.0]),
        ("relu", lambda x: np.maximum(x, 0), lambda x: x > 0, [-1.0, -1e-6, -30.0, -1e8]),
        ("clip", lambda x: np.clip(x, -1, 1), lambda x: abs(x) < 1, [2.0, -1.0001, 30.0]),
        ("relu(x)²", lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), [-1.0, 1e-9, -1e-9]),
        ("e^x - 1 - x", lambda x: np.exp(x) - 1 - x, np.expm1, [1e-8, 1e-6, 1e-4, -1e-9]),
        ("x - sin x", lambda x: x - np.sin(x), lambda x: 2 * np.sin(x / 2) ** 2, [1e-3, 1e-5, 1e-7]),
        ("x - tanh x", lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2, [1e-2, 1e-4, 1e-6]),
        ("e^(-x²)", lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), [6.0, 20.0, 26.5, 27.5, 1e-9]),
        ("1 + e^(-1/x²)", lambda x: 1 + np.exp(-1 / x**2), lambda x: 2 * np.exp(-1 / x**2) / x**3, [0.1, 0.17, 0.2]),
        ("x⁴", lambda x: x**4, lambda x: 4 * x**3, [1e-4, 1e-20, 1e-80]),
        ("1 + x⁴", lambda x: 1 + x**4, lambda x: 4 * x**3, [1e-2, 1e-4, 1e-5]),
        ("1e8 + sin x", lambda x: 1e8 + np.sin(x), np.cos, [0.5, 1.0, -1.5]),
        ("(x + 1e6)² - 1e12", lambda x: (x + 1e6) ** 2 - 1e12, lambda x: 2 * (x + 1e6), [0.5, 1e-3, -2.0]),
        ("0 x", lambda x: 0 * x, lambda x: 0 * x, [0.0, 1.0, 1e8]),
        ("0 x, its slope rounded", lambda x: 0 * x, lambda x: 1e8 * ((x * 0.1 + x * 0.2) - x * 0.3), [0.3, 1.1, 7.0]),
        ("(x/1e9 + 1e8) - 1e8", lambda x: (x / 1e9 + 1e8) - 1e8, lambda x: 1e-9 + 0 * x, [0.5, -1.0, 30.0]),
        ("(x/1e5 + 1e6) - 1e6", lambda x: (x / 1e5 + 1e6) - 1e6, lambda x: 1e-5 + 0 * x, [0.5, -1.0, 3e-6]),
    ]  # fmt: skip
    for name, f, slope, points in slopes:
        for x in points:
            yield given(f"{name} at {x:g}", f, slope, x * rng.uniform(0.999, 1.001), x)
    for x in (1e-6, 1e-4, 1e-3):
        yield second(f"tanh at {x:g}", np.tanh, [x, -x])
        yield second(f"sum of squares at {x:g}", lambda x: np.sum(x * x), [x, -x])
        yield second(f"norm at {x:g}", lambda x: np.sqrt(np.sum(x * x)), [x, -x])


# -- a slope that changes a little further on -------------------------------------------------------------------------


def ties(rng: np.random.Generator) -> Iterator[Pair]:
    for gap in 10.0 ** -np.arange(2, 10):
        a = rng.uniform(0.5, 1.5, 3)
        signs = rng.choice([-1.0, 1.0], 3)
        yield first(f"maximum at a gap of {gap:g}", np.maximum, a, a + gap * signs)
        yield first(f"minimum with a number at a gap of {gap:g}", lambda x: np.minimum(x, 1.0), 1 + gap * signs)
        yield first(f"|x| at {gap:g}", np.abs, gap * signs)
        yield first(f"max at a gap of {gap:g}", np.max, [1.0, 1.0 + gap, 1 - gap, 0.3])
        yield first(f"sort at a gap of {gap:g}", np.sort, [1.0, 1.0 + gap, 1 - gap, 0.3])
        yield first(f"leaky relu at {gap:g}", lambda x: np.maximum(x, 0.1 * x), gap * signs)
        yield first(f"max(x₀, 0) + 3 max(x₁, x₂) at {gap:g}", kinked_beside, [0.5, 1.0, 1 + gap])
        yield first(f"huber at {gap:g}", lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5), 1 + gap * signs)
        yield first(f"kink beside a tie of {gap:g}", kinked_beside, [0.0, 1.0, 1 + gap])
        for part in (part for part in (1.0, 1e-3, 1e-6) if part * gap > 1e-12):  # below, values hardly differ from x
            yield first(f"{part:g} of the slope within {gap:g}", lambda x, gap=gap, part=part: x + part * gap * np.tanh(
                (x - 0.5) / gap), [0.5, 0.5 + gap / 3])  # fmt: skip
    for middle in (1e3, 1e6, 1e8):
        x = rng.normal(middle, 1, 5)
        yield first(f"max of numbers around {middle:g}", np.max, x)
        yield first(f"sort of numbers around {middle:g}", np.sort, x)
        yield Pair(f"median of numbers around {middle:g}", np.median, lambda g, x: placed(rank(x)[2], g, x), (x,))
        yield first(f"logaddexp at {middle:g}", np.logaddexp, middle, middle + 1)
        yield first(f"logsumexp at {middle:g}", lambda x: x[0] - log_softmax(x)[0], x)
        yield first(f"std around {middle:g}", np.std, x)
        yield first(f"differences at {middle:g}", lambda x: np.sum(np.abs(np.diff(x))), x)
        yield first(f"softmax at {middle:g}", softmax, x)
        yield first(f"shifted max at {middle:g}", lambda x, m=middle: np.max(x - m), x)
    for n in (3, 5):
        x = rng.permutation([1.0] * (n - 1) + [2.0])
        yield first(f"max of {n}, tied", np.max, -x)
        yield first(f"sort of {n}, tied", np.sort, x)
        yield Pair(f"median of {n}, tied", np.median, lambda g, x: placed(rank(x)[x.size // 2], g, x), (x,))
    yield first("norms beside 0", lambda x: np.sqrt(np.sum(x * x, axis=1)), [[1e-7, 0.0], [1.0, 1.0]])
    yield first("max pool", lambda x: np.max(x.reshape(-1, 2), axis=1), [1.0, 1.0, 1.0, 1.0 + 1e-7])


def kinked_beside(x: Any) -> Any:
    return np.maximum(x[0], 0) + 3 * np.maximum(x[1], x[2])


# -- no slope, or no value --------------------------------------------------------------------------------------------


def edges(rng: np.random.Generator) -> Iterator[Pair]:
    ok = rng.uniform(0.5, 0.9)
    elementwise: list[tuple[str, Function, list[float]]] = [
        ("log", np.log, [0.0, -1.0, np.nan, np.inf, 5e-324]),
        ("sqrt", np.sqrt, [0.0, -1.0, np.nan, np.inf, 5e-324, 1e-300]),
        ("exp", np.exp, [800.0, -800.0, 709.7, np.inf, -np.inf, np.nan]),
        ("1/x", lambda x: 1 / x, [0.0, np.inf, 1e-308, np.nan]),
        ("arcsin", np.arcsin, [1.0, -1.0, 2.0, 1 - 1e-5]),
        ("arccosh", np.arccosh, [1.0, 0.5]),
        ("arctanh", np.arctanh, [1.0, -1.0]),
        ("x log x", lambda x: x * np.log(x), [0.0, 1e-300]),
        ("log1p", np.log1p, [-1.0, -2.0]),
        ("|x|", np.abs, [0.0, np.inf, np.nan]),
        ("cbrt", np.cbrt, [0.0, 1e-30]),
        ("√|x|", lambda x: np.sqrt(np.abs(x)), [0.0]),
        ("x^1.5", lambda x: x**1.5, [0.0, -1.0]),
        ("x/x", lambda x: x / x, [0.0]),
        ("sin(x)/x", lambda x: np.sin(x) / x, [0.0, np.inf]),
        ("tan", np.tan, [np.pi / 2]),
        ("cosh", np.cosh, [720.0, 700.0]),
        ("x²", lambda x: x * x, [1e154, 1e155, 1e200, np.nan]),
        ("max(x, 0)", lambda x: np.maximum(x, 0), [0.0, np.nan, np.inf]),
    ]
    for name, f, points in elementwise:
        for x in points:
            yield first(f"{name} at {x:g}", f, x)
            yield first(f"{name} at {x:g} and {ok:.3f}", f, [x, ok])
            yield second(f"{name} at {x:g} and {ok:.3f}", f, [x, ok])
    yield first("sum of log with a 0", lambda x: np.sum(np.log(x)), [ok, 0.0, 2 * ok])
    yield first("prod with a 0", np.prod, [ok, 0.0, 2 * ok])
    yield first("norm at 0", lambda x: np.sqrt(np.sum(x * x)), np.zeros(3))
    yield first("0/0 in a row", lambda x: x / np.sum(x, axis=1, keepdims=True), [[0.0, 0.0], [ok, 1.0]])
    yield first("log of a determinant of 0", lambda a: np.log(np.linalg.det(a)), [[1.0, 2.0], [2.0, 4.0]])
    yield first("std of a constant", np.std, [ok, ok, ok])
    yield first("logsumexp of -inf", lambda x: np.logaddexp(x[0], x[1]), [ok, -np.inf])
    yield first("x^y at 0", lambda x, y: x**y, [0.0, ok], [ok, 0.0])


# -- stairs, and noise ------------------------------------------------------------------------------------------------


def steps(rng: np.random.Generator) -> Iterator[Pair]:
    for size in (1.0, 1e3, 1e5, 1e7, 1e8, 1e10, 1e11):
        x = size * rng.uniform(1, 2, 2)
        for name, f in [("floor", np.floor), ("round", np.round), ("sign", np.sign), ("trunc", np.trunc)]:
            yield given(f"{name} at {size:g}", f, lambda x: 0 * x, *x)
        yield given(f"x - floor(x) at {size:g}", lambda x: x - np.floor(x), lambda x: x == x, *x)
        yield given(f"floor(10x) at {size:g}", lambda x: np.floor(10 * x), lambda x: 0 * x, *x)
        yield given(f"floor(x) sin(x/s) at {size:g}", lambda x, s=size: np.floor(x) * np.sin(x / s),
                    lambda x, s=size: np.floor(x) * np.cos(x / s) / s, *x)  # fmt: skip


def single(f: Function) -> Function:
    """The function computed in float32, whatever it is given; what it gives is float64."""
    return lambda *xs: f(*[x.astype(np.float32) for x in xs]).astype(np.float64)


def float32(rng: np.random.Generator) -> Iterator[Pair]:
    """Both gradients are right: the one that is computed in float32, and that of the function that is meant."""
    A, x = some(rng, 3, 3), some(rng, 3)
    functions: list[tuple[str, Function, tuple[Any, ...]]] = [
        ("sin", np.sin, (x,)), ("exp", np.exp, (x,)), ("tanh", np.tanh, (x,)), ("x³", lambda x: x**3, (x,)),
        ("log", np.log, (abs(x),)), ("1/x", lambda x: 1 / x, (x,)), ("softmax", softmax, (x,)), ("sum", np.sum, (x,)),
        ("log_softmax", log_softmax, (x,)), ("matmul", lambda A, x: A @ x, (A, x)), ("sqrt", np.sqrt, (abs(x),)),
        ("layer", lambda A, x: np.tanh(A @ x), (A, x)), ("norm", lambda x: np.sqrt(np.sum(x * x)), (x,)),
        ("std", np.std, (x,)), ("max", np.max, (x,)), ("relu", lambda x: np.maximum(x, 0), (x,)),
        ("sin of large numbers", np.sin, (100 * x,)), ("small numbers", np.sin, (1e-4 * x,)),
        ("softmax at 10", softmax, (10 * x,)), ("1 - cos", lambda x: 1 - np.cos(x), (0.1 * x,)),
        ("x - tanh x", lambda x: x - np.tanh(x), (0.1 * x,)), ("cumsum", np.cumsum, (x,)), ("x", lambda x: x, (x,)),
    ]  # fmt: skip
    for name, f, args in functions:
        yield first(f"{name} in float32", single(f), *args)
        meant = first(f"{name} in float32, the gradient in float64", f, *args)
        yield meant._replace(forward=single(f))
        if name in ("sin", "tanh", "softmax", "layer", "x³", "norm"):
            yield second(f"{name} in float32", single(f), *args)


def noise(rng: np.random.Generator) -> Iterator[Pair]:
    for unit in (1e-7, 1e-8, 1e-10, 1e-12, 1e-14):
        for count in range(3):
            n = int(rng.integers(2, 4))
            f = smooth(rng, n)
            x = some(rng, n)
            rounded = lambda x, f=f, unit=unit: np.round(f(x) / unit) * unit
            trembling = lambda x, f=f, unit=unit: f(x) + unit * np.sin(1e15 * x + 1 / x)
            yield first(f"composition {count} rounded to {unit:g}", f, x)._replace(forward=rounded)
            yield first(f"composition {count} with noise of {unit:g}", f, x)._replace(forward=trembling)


GROUPS: dict[str, Callable[[np.random.Generator], Iterator[Pair]]] = {
    "generic": generic, "scales": scales, "saturation": saturation, "flatness": flatness, "near ties": ties,
    "poles and edges": edges, "steps": steps, "float32 inside": float32, "noise": noise,
}  # fmt: skip


def hard(seed: int) -> dict[str, list[Pair]]:
    """All pairs, by their groups."""
    with np.errstate(all="ignore"):
        return {name: list(group(np.random.default_rng([seed, k]))) for k, (name, group) in enumerate(GROUPS.items())}


# -- wrong ones -------------------------------------------------------------------------------------------------------


def by(factor: float) -> Callable[[Any], Any]:
    return lambda g: g * factor


def without_one(g: Any) -> Any:
    """The largest number of a cotangent is missing."""
    g = np.array(g)
    g[np.unravel_index(np.argmax(np.abs(g)), g.shape)] = 0.0
    return g


WRONGS: dict[str, Callable[[Any], Any]] = {
    "× 2": by(2.0), "× -1": by(-1.0), "× 1.001": by(1.001), "× (1 + 1e-6)": by(1 + 1e-6), "zero": by(0.0),
    "one missing": without_one,
}  # fmt: skip


def wrong(pair: Pair, how: str) -> Pair:
    """The pair with a mistake made in the cotangent of every argument."""
    change = WRONGS[how]

    def vjp(g: Any, *args: Any) -> Any:
        found = pair.vjp(g, *args)
        return tuple(change(each) for each in found) if isinstance(found, tuple) else change(found)

    return Pair(f"{pair.name}, {how}", pair.forward, vjp, pair.args)
