"""The pseudospectrum: what the eigenvalues of a matrix become if its entries are off by a little.

Λ_ε(W) = {z : σ_min(zI - W) ≤ ε} is the set of eigenvalues of all W + E with ‖E‖₂ ≤ ε. Around the eigenvalues of a
normal matrix these are discs of radius ε. Where it is much more, powers of W grow for a while before the eigenvalues
have their way.

References
----------
L. N. Trefethen, M. Embree (2005), "Spectra and Pseudospectra", Princeton University Press.
E. Mengi, M. L. Overton (2005), "Algorithms for the computation of the pseudospectral radius and the numerical radius of
a matrix", IMA Journal of Numerical Analysis 25.
R. Byers (1988), "A bisection method for measuring the distance of a stable matrix to the unstable matrices", SIAM
Journal on Scientific and Statistical Computing 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import positive, square
from minigrad.rnn.dynamics.level_sets import highest, midpoints, on_circle, on_ray, smallest_singular, smallest_triple
from minigrad.rnn.dynamics.spectrum import eigenvalues, spectral_radius


def pseudospectrum(W: Any, z: Any) -> Array:
    """σ_min(zI - W), the distance from W to the nearest matrix of which z is an eigenvalue.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    z : array_like of complex
        Points of the plane, such as ``x + 1j * y[:, None]``.

    Returns
    -------
    ndarray
        Of the shape of ``z``; its contour of height ε is the boundary of Λ_ε(W) (Trefethen, Embree 2005, §2). Each
        point is a singular value decomposition: absolute errors are of the order of rounding, 1e-16 ‖zI - W‖.

    Raises
    ------
    ValueError
        If a point is not finite, or W not square.
    """
    W, z = square("W", W), np.asarray(z, np.complex128)
    if not np.all(np.isfinite(z)):
        raise ValueError("z holds points that are not finite: expected finite complex numbers")
    return smallest_singular(W, z)


def outermost(W: Any, eps: float) -> complex:
    """The point of the ε-pseudospectrum of ``W`` that is farthest from 0: see `pseudospectral_radius`.

    Raises
    ------
    ValueError
        If ``eps`` is so small that rounding hides the pseudospectrum, or W is not square.
    """
    W = square("W", W)
    positive("eps", eps)
    exponent = int(np.frexp(max(np.max(np.abs(W)), eps))[1])  # so that nothing overflows
    W, level = np.ldexp(W, -exponent), float(np.ldexp(float(eps), -exponent))
    if level < 4 * len(W) * np.finfo(float).eps * np.linalg.norm(W, 2):
        raise ValueError(
            f"eps is {eps}: less than what rounding does to W of norm {np.ldexp(np.linalg.norm(W, 2), exponent):.3g};"
            " double precision cannot tell that pseudospectrum from the eigenvalues"
        )
    best = complex(eigenvalues(W)[0])
    angles, before = np.array([np.angle(best)]), -1.0
    while len(angles) and abs(best) > before * (1 + 1e-14):
        before = abs(best)
        for angle in angles:  # the ray through it, unless another one has left it inside
            if smallest_singular(W, abs(best) * np.exp(1j * angle)) <= level:
                best = max(best, _last_crossing(W, angle, level, abs(best)), key=abs)
        angles = midpoints(on_circle(W, abs(best), level))
        heights = smallest_singular(W, abs(best) * np.exp(1j * angles))
        angles = angles[np.argsort(heights)][: np.count_nonzero(heights < level)]
    return complex(np.ldexp(best.real, exponent), np.ldexp(best.imag, exponent))


def pseudospectral_radius(W: Any, eps: float) -> float:
    """ρ_ε(W) = max {|z| : σ_min(zI - W) ≤ ε}: the largest spectral radius of all W + E with ‖E‖₂ ≤ ε.

    ρ + ε for a normal matrix, more for others. (ρ_ε - 1)/ε is a lower bound of sup ‖W^t‖ for every ε, and the largest
    of these is Kreiss's constant.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    eps : float
        Above 0, and above what rounding does to W.

    Returns
    -------
    float
        Exact but for rounding: by criss-cross search (Mengi, Overton 2005) between circles and rays, both of which meet
        the boundary at eigenvalues of matrices of twice the size. No grid.

    Raises
    ------
    ValueError
        If eps is not above rounding, or W no real, finite, square matrix.
    """
    return abs(outermost(W, eps))


def stability_radius(W: Any) -> float:
    """min σ_min(zI - W) over |z| = 1: how far it is from W to the nearest matrix with ρ ≥ 1.

    0 if W is there itself. 1 - ρ for a normal matrix, less for others. Exact but for rounding, of the order of
    1e-16 ‖I - W‖, by level sets (Byers 1988; Boyd, Balakrishnan 1990).
    """
    W = square("W", W)
    values = eigenvalues(W)
    if spectral_radius(W) >= 1:
        return 0.0
    return lowest_on_circle(W, 1.0, np.concatenate([np.angle(values), np.linspace(0, np.pi, 8)]))[0]


def lowest_on_circle(W: Array, radius: float, angles: Array) -> tuple[float, float]:
    """The smallest σ_min(zI - W) on a circle around 0, and the angle it is at; ``angles`` are where to start."""
    height, at = highest(
        lambda angles: -smallest_singular(W, radius * np.exp(1j * angles)),
        lambda level: on_circle(W, radius, -level),
        angles,
    )
    return -height, at


def _last_crossing(W: Array, angle: float, level: float, inside: float) -> complex:
    """The largest z on a ray with σ_min(z - W) = level, polished by Newton's method; |z| = ``inside`` has less."""
    towards = complex(np.exp(1j * angle))
    candidates = np.sort(on_ray(W, angle, level))[::-1]
    below = [r for r in candidates if r > inside and smallest_singular(W, r * towards) <= level * (1 + 1e-4)]
    r = float(below[0]) if below else _bisected(W, towards, level, inside)
    for _ in range(4):
        height, direction = smallest_triple(W, r * towards)
        slope = (direction * towards).real
        if slope <= 0.1 * abs(direction) or abs(height - level) <= 1e-15 * level:
            break
        r -= (height - level) / slope
    return r * towards


def _bisected(W: Array, towards: complex, level: float, inside: float) -> float:
    """A crossing farther out than ``inside``, where rounding has moved all of them off the real line."""
    outside = float(np.linalg.norm(W, 2)) + 2 * level
    for _ in range(60):
        r = (inside + outside) / 2
        inside, outside = (r, outside) if smallest_singular(W, r * towards) <= level else (inside, r)
    return inside
