"""Calls of every function in `minigrad.rules.elementwise`."""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.engine.tensor import Tensor, astype
from minigrad.rules.elementwise import fraction, logistic, share
from minigrad.rules.kinks import creased, marked
from tests.rules.cases.grid import Case, grid, nonzero, positive, real

UNARY = {
    **dict.fromkeys((np.negative, np.positive, np.absolute, np.fabs, np.square), real),
    **dict.fromkeys(
        (np.exp, np.exp2, np.expm1, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, logistic, creased), real
    ),
    **dict.fromkeys((np.arctan, np.arcsinh, np.deg2rad, np.radians, np.rad2deg, np.degrees, np.nan_to_num), real),
    **dict.fromkeys((np.conjugate, np.real, np.imag, np.real_if_close, np.copy), real),
    **dict.fromkeys((fraction, np.angle, np.fix), lambda x: 8 * x - 0.125),
    **dict.fromkeys((np.reciprocal, np.cbrt), nonzero),
    **dict.fromkeys((np.sqrt, np.log, np.log2, np.log10), positive),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh), lambda x: 4 * x),  # to ±0.625
    **dict.fromkeys((np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around), lambda x: 8 * x - 0.125),
    np.sinc: lambda x: 8 * x,  # to ±1.25: both sides of where its rule changes over
    np.log1p: lambda x: abs(x) - 0.5,
    np.arccosh: lambda x: abs(x) + 1.5,
}
BINARY = {
    **dict.fromkeys((np.add, np.subtract, np.multiply, np.logaddexp, np.logaddexp2), (real, real)),
    **dict.fromkeys((np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.heaviside), (real, real)),
    **dict.fromkeys((np.divide, np.remainder, np.fmod, np.floor_divide), (real, nonzero)),
    **dict.fromkeys((np.power, np.float_power), (positive, real)),
    **dict.fromkeys((np.hypot, np.arctan2), (nonzero, real)),
}


def elementwise():
    for (fn, domain), shape in product(UNARY.items(), [(), (2, 3)]):
        yield Case(fn, fn, (domain(grid(shape)),))
    for (fn, domains), shape in product(BINARY.items(), [(), (2, 3)]):
        yield Case(fn, fn, tuple(domain(grid(shape, i)) for i, domain in enumerate(domains)))
    for constant in (2.0, np.array([0.25, -1.5, 3.0]), Tensor([[2.0], [0.75]])):
        for fn in BINARY:
            yield Case(fn, lambda a, fn=fn, c=constant: fn(a, abs(c)), (positive(grid((2, 3))),))
            yield Case(fn, lambda b, fn=fn, c=constant: fn(abs(c), b), (positive(grid((2, 3))),))
    for exponent in (0, 1, 2, 3, -2, 2.0, np.array([0, 1, 2]), np.array([3.0, 0.0, -1.0])):
        yield Case(np.power, lambda a, n=exponent: a**n, (nonzero(grid((2, 3))),))
    for mask in (True, np.array([True, False, True]), Tensor([[True], [False]])):
        yield Case(np.where, lambda a, b, m=mask: np.where(m, a, b), (grid((2, 3)), grid((2, 3), 1)))
    yield Case(np.where, lambda a: np.where(np.array([True, False]), a, 0), (grid(()),))
    yield Case(np.where, lambda b: np.where(np.array([True, False]), 1.0, b), (grid((2, 1)),))
    for shape in ((), (0, 3), (2, 3)):
        yield Case(astype, lambda a: a.astype(np.float64), (grid(shape),))
    for options in ({}, {"nan": 1.0}, {"posinf": 2.0, "neginf": -2.0}):
        yield Case(np.nan_to_num, lambda a, o=options: np.nan_to_num(a, **o), (grid((2, 3)),))
    for fn, decimals in product((np.round, np.around), (0, 1, -1)):
        yield Case(fn, lambda a, f=fn, d=decimals: f(a, d), (8 * grid((2, 3)) - 0.125,))
    for shape in ((), (0, 3), (2, 3)):
        a, b = 8 * grid(shape) - 0.125, nonzero(grid(shape, 1))
        yield Case(np.ldexp, lambda a: np.ldexp(a, np.array([1, -2, 0])), (grid((2, 3)),))
        yield Case(np.frexp, lambda a: np.frexp(a)[0], (a + 0.03,))
        yield Case(np.modf, lambda a: np.stack(np.modf(a)), (a,))
        yield Case(np.divmod, lambda a, b: np.stack(np.divmod(a, b)), (grid(shape), b))
        if hasattr(np, "astype"):
            yield Case(np.astype, lambda a: np.astype(a, np.float64, copy=False), (a,))
        for exp in (np.exp, np.exp2):
            yield Case(share, lambda a, b, e=exp: share(a, b, e), (grid(shape), grid(shape, 1)))
        yield Case(marked, lambda slope, x: marked(slope, x, False), (grid(shape), grid(shape, 1)))
    yield Case(np.angle, lambda a: np.angle(a, deg=True), (grid((2, 3)),))
    yield from clipped()


def clipped():
    a, low, high = grid((2, 3)), np.array([-0.125, 0.0, 0.125]), np.array([[0.0], [0.125]])
    for bounds in ((-0.1, 0.1), (None, 0.1), (-0.1, None), (None, None), (low, high), (0, Tensor(high)), (0.1, -0.1)):
        yield Case(np.clip, lambda a, b=bounds: np.clip(a, *b), (a,))
        yield Case(np.clip, lambda a, b=bounds: np.clip(a, a_min=b[0], a_max=b[1]), (a,))
        yield Case(np.clip, lambda a, b=bounds: np.clip(a, min=b[0], max=b[1]), (a,))
    for options in ({}, {"min": 0}, {"max": 0.0}):
        yield Case(np.clip, lambda a, o=options: np.clip(a, **o), (a,))
    for shape in ((), (0, 3)):
        yield Case(np.clip, lambda a: np.clip(a, 0, 0.1), (grid(shape),))
    yield Case(np.clip, np.clip, (a, low, grid((3,), 2) + 0.3))
    yield Case(np.clip, lambda low, high: np.clip(a, low, high), (grid((3,), 1) - 0.1, grid((), 2) + 0.1))
