"""Where a curve on a circle is exactly as high as this: eigenvalues, in the place of a grid.

How high λ_max or σ_min of a family of matrices stands at an angle θ is one small decomposition; *where* it is exactly
r is an eigenvalue problem of twice the size, whose eigenvalues on the unit circle are the e^{iθ}. A maximum is found
by climbing from level to level: between two crossings the curve is above the level, so the next level is the highest
midpoint (Boyd, Balakrishnan 1990; Bruinsma, Steinbuch 1990). It converges quadratically, and to the global maximum.

NumPy has no generalized eigenvalues. A pencil A - zB is therefore turned about a point s of the circle at which it is
far from singular: (A - sB)⁻¹(A + sB) has the eigenvalues (z + s)/(z - s), imaginary where |z| = 1 (Cayley). Rounding
moves them off the axis, at a tangency by the root of it. So whoever asks is given every angle that may be a crossing,
and looks at the midpoints himself: one angle too many costs an evaluation, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array

NEAR = 1e-5
"""How far from the circle, or from the real line, what rounding has moved may lie."""
CHUNK = 2**20  # numbers at a time


def smallest_singular(W: Array, z: Any) -> Array:
    """σ_min(zI - W) for each of an array ``z`` of complex numbers."""
    z, n = np.asarray(z, np.complex128), len(W)
    points, found = z.reshape(-1), np.empty(z.size)
    for start in range(0, z.size, size := max(CHUNK // n**2, 1)):
        block = points[start : start + size]
        found[start : start + size] = np.linalg.svd(block[:, None, None] * np.eye(n) - W, compute_uv=False)[:, -1]
    return found.reshape(z.shape)


def smallest_triple(W: Array, z: complex) -> tuple[float, complex]:
    """σ_min(zI - W), and u*v of its singular vectors: σ_min changes by Re(u*v dz)."""
    U, s, Vh = np.linalg.svd(z * np.eye(len(W)) - W)
    return float(s[-1]), complex(np.vdot(U[:, -1], Vh[-1].conj()))


def highest(
    height: Callable[[Array], Array], crossings: Callable[[float], Array], angles: Array
) -> tuple[float, float]:
    """The global maximum of ``height`` on the circle, and the angle it is at.

    ``crossings(level)`` gives all angles where the level is met, and may give others; ``angles`` are where to start.
    """
    best, at = -np.inf, 0.0
    while len(angles):
        heights = height(angles)
        i = int(np.argmax(heights))
        if np.isfinite(best) and not heights[i] > best + 1e-14 * abs(best):
            break
        best, at = float(heights[i]), float(angles[i])
        angles = midpoints(crossings(best))
    return best, at


def midpoints(angles: Array) -> Array:
    """The middle of each arc between neighbours; none of none."""
    angles = np.sort(angles % (2 * np.pi))
    return angles + np.diff(angles, append=angles[:1] + 2 * np.pi) / 2


def unimodular(A: Array, B: Array, s: complex) -> Array:
    """The angles of the z with |z| = 1 and det(A - zB) = 0, of which s is none, and those of some z nearby."""
    turned = np.linalg.eigvals(np.linalg.solve(A - s * B, A + s * B))
    with np.errstate(divide="ignore", invalid="ignore"):  # 1 stands for infinity
        z = s * (turned + 1) / (turned - 1)
    near: Array = np.angle(z[np.abs(np.abs(z) - 1) < NEAR])
    return near


def on_circle(W: Array, radius: float, level: float) -> Array:
    """All angles with σ_min(radius e^{iθ} - W) = level, and maybe others; none if it is that everywhere.

    A singular value of zI - W is σ where (zI - W)v = σu and (zI - W)*u = σv. Divided by z on the circle, z̄ = r²/z,
    both are linear in e^{iθ}: r e^{iθ}v = Wv + σu and e^{iθ}(Wᵀu + σv) = r u (Byers 1988; Mengi, Overton 2005).
    """
    eye = np.eye(len(W))
    trial = np.linspace(0.3, 2 * np.pi + 0.3, 8, endpoint=False)
    off = np.abs(smallest_singular(W, radius * np.exp(1j * trial)) - level)
    if off.max() <= 1e-12 * level:  # W is as good as turned by every angle
        return np.empty(0)
    A = np.block([[W, level * eye], [0 * eye, radius * eye]])
    B = np.block([[radius * eye, 0 * eye], [level * eye, W.T]])
    return unimodular(A, B, np.exp(1j * trial[np.argmax(off)]))


def on_ray(W: Array, angle: float, level: float) -> Array:
    """All r with σ_min(r e^{iθ} - W) = level, and maybe others: r v = W'v + σu, r u = W'*u + σv with W' = e^{-iθ}W."""
    turned, eye = np.exp(-1j * angle) * W, level * np.eye(len(W))
    r = np.linalg.eigvals(np.block([[turned, eye], [eye, turned.conj().T]]))
    near: Array = np.real(r[np.abs(np.imag(r)) < NEAR * np.max(np.abs(r))])
    return near
