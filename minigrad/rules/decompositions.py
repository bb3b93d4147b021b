"""What inverses, determinants and factorizations of matrices differentiate to; batches lead, as everywhere in NumPy.

Sources: Giles, "An extended collection of matrix derivative results" (2008), below G; Petersen & Pedersen, "The Matrix
Cookbook" (2012), PP; Townsend, "Differentiating the singular value decomposition" (2016); Murray, "Differentiation of
the Cholesky decomposition" (2016); Walter & Lehmann, "Algorithmic differentiation of linear algebra functions" (2010);
Golub & Pereyra, "The differentiation of pseudo-inverses" (1973).

Where a derivative does not exist, the gradient is NaN or NumPy raises `LinAlgError` (and close to such a place it is
large and inaccurate): eigenvectors and singular vectors whose values tie (to rounding), singular vectors of the
singular value 0 of an oblong matrix, and the inverse, the logarithm of the determinant or QR where the matrix is
singular. Of eigenvalues or singular values that tie only symmetric functions (their sum, the sum of their squares ...)
have a derivative; a single one of them gets one of its directional derivatives.

`cholesky` and `eigh` read one triangle of their argument, and it is this triangle that receives the gradient.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, plain, rewrite
from minigrad.engine.tensor import Tensor, record
from minigrad.rules.contractions import operand
from minigrad.rules.linalg import matmul_left, swap

EighResult, SlogdetResult = type(np.linalg.eigh(np.eye(1))), type(np.linalg.slogdet(np.eye(1)))
QRResult, SVDResult = type(np.linalg.qr(np.eye(1))), type(np.linalg.svd(np.eye(1)))


def eye(a):
    """The identity as a mask, for the square matrices ``a``."""
    return np.eye(a.shape[-1], dtype=bool)


# -- inverse and solutions (G 2.2.3 and 2.3.1) ------------------------------------------------------------------------


def solved(g, y, a, b):
    """The cotangents of ``a`` and ``b`` in a y = b: that of b, and that of a in b - a y."""
    if np.ndim(b) == 1 and np.ndim(a) > 2:
        share, back = solved(g[..., None], y[..., None], a, b[:, None])
        return share, back[..., 0]
    back = np.linalg.solve(swap(a), g)
    return matmul_left(-back, None, a, y), back


def matrix_power(a, n):
    """`numpy.linalg.matrix_power`, by squaring, in the order of NumPy."""
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.where(False, a, eye(a).astype(a.dtype))
    if n == 3:
        return a @ a @ a
    y, power = None, np.positive(a)
    while n:
        if n % 2:
            y = power if y is None else y @ power
        n //= 2
        power = power @ power if n else None
    return y


def pinverted(g, y, a):
    """Where the rank of ``a`` stays what it is (Golub & Pereyra 1973, 4.12)."""
    left, right = eye(a @ y) - a @ y, eye(y @ a) - y @ a
    return left @ swap(g) @ y @ swap(y) + swap(y) @ y @ swap(g) @ right - swap(y) @ g @ swap(y)


@primitive
def least_squares(a, b):
    """The first of what `numpy.linalg.lstsq` gives."""
    return np.linalg.lstsq(a, b)[0]


def fitted(g, y, a, b):
    """Of y = a⁺ b, where the rank of ``a`` stays what it is (Golub & Pereyra 1973, 4.12 times b)."""
    if np.ndim(b) == 1:
        share, back = fitted(g[:, None], y[:, None], a, b[:, None])
        return share, back[:, 0]
    inverse = np.linalg.pinv(a)
    back = swap(inverse) @ g
    missed, idle = b - a @ y, g - inverse @ (a @ g)
    return -back @ swap(y) + missed @ swap(inverse @ back) + swap(inverse) @ y @ swap(idle), back


def lstsq(a, b):
    """`numpy.linalg.lstsq`; the residuals and the singular values have gradients too."""
    a, b = operand(a), operand(b)
    a, b = (v.astype(np.result_type(a, b, np.float32)) for v in (a, b))
    x, rank = least_squares(a, b), np.linalg.matrix_rank(a)
    determined = rank == a.shape[1] < a.shape[0]
    residuals = np.sum(np.square(np.reshape(b - a @ x, (len(b), -1))), axis=0) if determined else np.empty(0, a.dtype)
    return x, residuals, rank, np.linalg.svdvals(a)


def cond(x, p=None):
    """`numpy.linalg.cond`."""
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


def tensorinv(a, ind=2):
    """`numpy.linalg.tensorinv`, the inverse of a matrix in another shape."""
    n = math.prod(a.shape[ind:])
    return np.reshape(np.linalg.inv(np.reshape(a, (n, -1))), a.shape[ind:] + a.shape[:ind])


def tensorsolve(a, b, axes=None):
    """`numpy.linalg.tensorsolve`, the solution of a linear system in another shape."""
    a = operand(a)
    if axes is not None:
        a = np.transpose(a, [i for i in range(a.ndim) if i not in axes] + list(axes))
    shape = a.shape[np.ndim(b):]
    return np.reshape(np.linalg.solve(np.reshape(a, (-1, math.prod(shape))), np.ravel(b)), shape)


defvjp(np.linalg.inv, lambda g, y, a: -swap(y) @ g @ swap(y))
defvjp(np.linalg.solve, joint=solved)
defvjp(np.linalg.pinv, pinverted)
defvjp(least_squares, joint=fitted)
rewrite(np.linalg.matrix_power, matrix_power)
rewrite(np.linalg.lstsq, lstsq)
rewrite(np.linalg.cond, cond)
rewrite(np.linalg.tensorinv, tensorinv)
rewrite(np.linalg.tensorsolve, tensorsolve)
plain(np.linalg.matrix_rank)


# -- determinants -----------------------------------------------------------------------------------------------------


@primitive
def cofactor(a):
    """The derivative of det ``a``: det(a) a⁻ᵀ, of singular matrices too.

    With a = U diag(s) Vᵀ it is det(U V) U diag(∏ⱼ≠ᵢ sⱼ) Vᵀ: products that leave one singular value out, no quotients.
    """
    u, s, vh = np.linalg.svd(a)
    turn = np.sign(np.linalg.det(u @ vh))[..., None, None]
    return turn * (u * np.prod(np.where(eye(a), 1, s[..., None, :]), axis=-1)[..., None, :]) @ vh


def cofactored(g, y, a):
    """Second derivatives of det, in the axes U, V: here two singular values are left out.

    A third derivative differentiates these lines, and so is NaN where singular values tie (as those of the identity).
    """
    u, s, vh = np.linalg.svd(a)
    turn = np.sign(np.linalg.det(u @ vh))[..., None, None]
    h, one = swap(vh @ swap(g) @ u), eye(a)
    rest = np.where(one, 0, np.prod(np.where(one[:, None] | one, 1, s[..., None, None, :]), axis=-1))
    return turn * u @ np.where(one, rest @ np.sum(np.where(one, h, 0), axis=-1)[..., None], -rest * swap(h)) @ vh


@primitive
def logabsdet(a):
    """log |det a|."""
    return np.linalg.slogdet(a)[1]


def slogdet(a):
    """`numpy.linalg.slogdet`; the sign is a constant."""
    return SlogdetResult(Tensor(np.linalg.slogdet(a.detach().data)[0]), logabsdet(a))


defvjp(np.linalg.det, lambda g, y, a: g[..., None, None] * cofactor(a))  # PP 46
defvjp(cofactor, cofactored)
defvjp(logabsdet, lambda g, y, a: g[..., None, None] * swap(np.linalg.inv(a)))  # PP 57
rewrite(np.linalg.slogdet, slogdet)


# -- factorizations: one result with all factors in a row, which are taken out by indexing ----------------------------


def together(a, *factors):
    """The factors of each matrix of the batch ``a``, flattened and joined: a result that can be recorded."""
    lead = a.shape[:-2]
    return np.concatenate([f.reshape(*lead, math.prod(f.shape[len(lead) :])) for f in factors], axis=-1)


def apart(y, *shapes):
    """The factors again, which have ``shapes``."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    starts = [0, *ends]
    return [np.reshape(y[..., i:j], (*y.shape[:-1], *s)) for i, j, s in zip(starts, ends, shapes, strict=False)]


def over_gaps(m, w):
    """mᵢⱼ / (wⱼ - wᵢ) off the diagonal, 0 on it: how vectors turn. NaN where w ties and m asks for it."""
    gap = w[..., None, :] - w[..., :, None]
    tied = abs(gap) <= np.finfo(w.dtype).eps * np.sum(abs(w), axis=-1)[..., None, None]
    quotient = np.where(tied, 0, m) / np.where(tied, 1, gap)
    return np.where(tied & (m != 0) & ~eye(m), np.nan, quotient)


def triangle(s, UPLO="L"):
    """The cotangent of the triangle that stands for a symmetric matrix, from that of the matrix."""
    kept = np.tri(s.shape[-1], dtype=bool) if UPLO in "Ll" else np.tri(s.shape[-1], dtype=bool).T
    return np.where(eye(s), s, np.where(kept, s + swap(s), 0))


def choleskied(g, y, a, upper=False):
    """Murray (2016), equation 9: of L, by way of Φ, which takes the lower triangle and half of the diagonal."""
    if upper:
        return swap(choleskied(swap(g), swap(y), swap(a)))
    m, inverse = swap(y) @ g, np.linalg.inv(y)
    phi = np.where(eye(m), 0.5 * m, np.where(np.tri(m.shape[-1], dtype=bool), m, 0))
    return triangle(0.5 * swap(inverse) @ (phi + swap(phi)) @ inverse)


@primitive
def eigh_factors(a, UPLO="L"):
    """`numpy.linalg.eigh`, in one array."""
    return together(a, *np.linalg.eigh(a, UPLO))


def eigh_parts(y, a):
    n = a.shape[-1]
    return apart(y, (n,), (n, n))


def eigh_rule(g, y, a, UPLO="L"):
    """G 3.1: eigenvalues move by what the diagonal of VᵀĀV says, eigenvectors turn the faster, the smaller a gap is."""
    (gw, gv), (w, v) = eigh_parts(g, a), eigh_parts(y, a)
    m = swap(v) @ gv
    turned = over_gaps(m, w)
    return triangle(v @ np.where(eye(a), gw[..., None], 0.5 * (turned + swap(turned))) @ swap(v), UPLO)


@primitive
def svd_factors(a):
    """`numpy.linalg.svd`, reduced, in one array."""
    return together(a, *np.linalg.svd(a, full_matrices=False))


def svd_parts(y, a):
    (m, n), k = a.shape[-2:], min(a.shape[-2:])
    return apart(y, (m, k), (k,), (k, n))


def svd_rule(g, y, a):
    """Townsend (2016): as for `eigh`, with what turns the vectors out of their span where ``a`` is not square."""
    (gu, gs, gvh), (u, s, vh) = svd_parts(g, a), svd_parts(y, a)
    v, gv, row = swap(vh), swap(gvh), s[..., None, :]
    turned_u, turned_v = over_gaps(swap(u) @ gu, s * s), over_gaps(vh @ gv, s * s)
    core = (turned_u + swap(turned_u)) * row + s[..., None] * (turned_v + swap(turned_v))
    total = u @ np.where(eye(core), gs[..., None], core) @ vh
    if u.shape[-2] > u.shape[-1]:
        total = total + over(gu - u @ (swap(u) @ gu), row) @ vh
    if v.shape[-2] > v.shape[-1]:
        total = total + u @ swap(over(gv - v @ (vh @ gv), row))
    return total


def over(m, s):
    """m / s; NaN where s is 0 and m asks for it."""
    return np.where((s == 0) & (m != 0), np.nan, np.where(s == 0, 0, m) / np.where(s == 0, 1, s))


@primitive
def qr_factors(a):
    """`numpy.linalg.qr`, reduced, in one array."""
    return together(a, *np.linalg.qr(a))


def qr_parts(y, a):
    (m, n), k = a.shape[-2:], min(a.shape[-2:])
    return apart(y, (m, k), (k, n))


def qr_rule(g, y, a):
    """Walter & Lehmann (2010). Of a wide matrix [A B] = Q [R S], S = QᵀB depends on Q as well."""
    (gq, gr), (q, r), k = qr_parts(g, a), qr_parts(y, a), min(a.shape[-2:])
    rest = q @ gr[..., k:]
    gq, gr, r = gq + a[..., k:] @ swap(gr[..., k:]), gr[..., :k], r[..., :k]
    m = r @ swap(gr) - swap(gq) @ q
    m = np.where(np.tri(k, dtype=bool), m, swap(m))
    first = swap(np.linalg.solve(r, swap(gq + q @ m)))
    return np.concatenate([first, rest], axis=-1) if a.shape[-1] > k else first


def eigh(a, UPLO="L"):
    """`numpy.linalg.eigh`."""
    return EighResult(*eigh_parts(eigh_factors(a, UPLO=UPLO), a))


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """`numpy.linalg.svd`; what the full matrices have in addition is not determined by ``a``."""
    if hermitian:
        raise TypeError("np.linalg.svd has no rule with hermitian=True: write np.linalg.svd(a), or np.linalg.eigh(a)")
    if not compute_uv:
        return record(np.linalg.svdvals, (a,))
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise TypeError("np.linalg.svd has a rule with full_matrices=False only: write np.linalg.svd(a, False)")
    return SVDResult(*svd_parts(svd_factors(a), a))


def qr(a, mode="reduced"):
    """`numpy.linalg.qr`."""
    if mode != "reduced":
        raise TypeError(f"np.linalg.qr has no rule with mode={mode!r}: write np.linalg.qr(a), which gives Q and R")
    return QRResult(*qr_parts(qr_factors(a), a))


def spectrum(g, y, a, UPLO="L"):
    """G 3.1: each eigenvalue v·A v moves as if its vector stood still."""
    v = np.linalg.eigh(a, UPLO)[1]
    return triangle((v * g[..., None, :]) @ swap(v), UPLO)


def singular(g, y, a):
    """G 3.2: each singular value u·A v moves as if its vectors stood still."""
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return (u * g[..., None, :]) @ vh


defvjp(np.linalg.cholesky, choleskied)
defvjp(np.linalg.eigvalsh, spectrum)
defvjp(np.linalg.svdvals, singular)
defvjp(eigh_factors, eigh_rule)
defvjp(svd_factors, svd_rule)
defvjp(qr_factors, qr_rule)
rewrite(np.linalg.eigh, eigh)
rewrite(np.linalg.svd, svd)
rewrite(np.linalg.qr, qr)
