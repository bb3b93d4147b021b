"""Mistakes that no test can notice, or need not, and why. They are known by their names.

Most of them are none: what stands there instead comes to the same. A line whose mistake is noticed after all, or is
not made any more, is told by ``python -m tests.mutants``, and can go.
"""

from __future__ import annotations

SAME = "the same numbers, up to rounding"
SQUARE = "the matrix is square: either side is as long"
MASK = "a mask of 0 and 1 masks as one of False and True does"
LONGER = "the same, by an operation more"
NEGATIVE_ZERO = "the zeros of the cotangent get another sign"
UNKNOWN = "NumPy takes any negative length of a reshape for the one that it has to find"
RAVELLED = "argsort and take_along_axis ravel what has no axis, too"
INSIDE = "what is put in its place is cut out again"

ARGUED: dict[str, str] = {
    # contractions
    "contractions, einsum: len(arrays) == 1 → len(arrays) >= 1": LONGER,
    "contractions, einsum: np.positive(y) if len(arrays) == 1 else y → np.positive(y)": LONGER,
    "contractions, parsed: 2 * count → 3 * count (2)": "from the last axes on, every second entry is past the end",
    "contractions, tensordot: {*a_labels, *b_labels} - {*over_a} → {*over_a} - {*a_labels, *b_labels}":
        "no label is in both but those summed over: whether any other is kept is never asked",
    "contractions, without_broadcast_axes: n == sizes[i] → n >= sizes[i]": "no axis is longer than the longest",
    # decompositions
    "decompositions, called: any((type(a) is Tensor for a in args)) → (type(a) is Tensor for a in args)":
        "a tensor that needs no gradient is as good as an array",
    "decompositions, called: record(fn, args) if any((type(a) is Tensor for a in args)) else fn(*args) →"
    " record(fn, args)":
        "a tensor that needs no gradient is as good as an array",
    "decompositions, choleskied: m.shape[-1] → m.shape[-2]": SQUARE,
    "decompositions, choleskied: np.tri(m.shape[-1], dtype=bool) → np.tri(m.shape[-1])": MASK,
    "decompositions, choleskied: swap(a) → a": "the matrix is not looked at, only its factor",
    "decompositions, choleskied: swap(phi) → phi": "the triangle adds up what lies opposite of each other, later",
    "decompositions, cofactor: np.sign(np.linalg.det(u @ vh)) → np.linalg.det(u @ vh)": SAME,
    "decompositions, cofactor: u @ vh → vh @ u": "of either order the determinant is the same",
    "decompositions, cofactored: np.sign(np.linalg.det(u @ vh)) → np.linalg.det(u @ vh)": SAME,
    "decompositions, cofactored: u @ vh → vh @ u": "of either order the determinant is the same",
    "decompositions, eigh_rule: swap(turned) → turned": "the triangle adds up what lies opposite of each other, later",
    "decompositions, matrix_power: a @ a @ a → a @ (a @ a)": SAME,
    "decompositions, matrix_power: eye(a).astype(a.dtype) → eye(a)": "np.where makes numbers of it",
    "decompositions, matrix_power: power @ power if n else None → power @ power": LONGER,
    "decompositions, matrix_power: y @ power → power @ y": SAME,
    "decompositions, over: np.where(s == 0, 0, m) → m": "where s is 0, m is 0 or NaN takes its place",
    "decompositions, over: np.where(s == 0, 1, s) → np.where(s == 0, 2, s)": INSIDE,
    "decompositions, over_gaps: abs(gap) <= np.finfo(w.dtype).eps * np.sum(abs(w), axis=-1)[..., None, None] →"
    " abs(gap) < np.finfo(w.dtype).eps * np.sum(abs(w), axis=-1)[..., None, None]":
        "whether as much as rounding is a tie, or less, is a matter of taste",
    "decompositions, over_gaps: np.where(tied, 0, m) → m": "nobody looks at the diagonal, and elsewhere NaN is there",
    "decompositions, over_gaps: np.where(tied, 1, gap) → np.where(tied, 2, gap)": INSIDE,
    "decompositions, over_gaps: np.sum(abs(w), axis=-1) → np.mean(abs(w), axis=-1)":
        "how many roundings of w are a tie is a matter of taste",
    "decompositions, pinverted: a @ y → y": "as many columns, which is all that is asked of it",
    "decompositions, pinverted: y @ a → a": "as many columns, which is all that is asked of it",
    "decompositions, qr_rule: a.shape[-1] > k → a.shape[-1] >= k": "nothing is joined to it",
    "decompositions, qr_rule: np.concatenate([first, rest], axis=-1) if a.shape[-1] > k else first →"
    " np.concatenate([first, rest], axis=-1)": "nothing is joined to it",
    "decompositions, qr_rule: np.tri(k, dtype=bool) → np.tri(k)": MASK,
    "decompositions, slogdet: a.detach() → a": "its data are the same",
    "decompositions, triangle: np.tri(s.shape[-1], dtype=bool) → np.tri(s.shape[-1])": MASK,
    "decompositions, triangle: np.tri(s.shape[-1], dtype=bool) → np.tri(s.shape[-1]) (2)": MASK,
    "decompositions, triangle: swap(s) → s": "s is symmetric",
    # differences
    "differences, diff: len(parts) > 1 → len(parts) >= 1": LONGER,
    "differences, diff: np.concatenate(parts, axis) if len(parts) > 1 else a → np.concatenate(parts, axis)": LONGER,
    "differences, gradient: s if s.dtype == f.dtype else s.astype(f.dtype) → s.astype(f.dtype)": LONGER,
    "differences, slope: h == h[:1] → h != h[:1]": "the first is equal to itself: the longer formula, always",
    "differences, slope: isinstance(x, Tensor) or np.ndim(x) == 0 → isinstance(x, Tensor)":
        "a strong float64 for a weak one: the slopes are cast in the end",
    "differences, slope: np.arange(len(x)) if np.ndim(x) else 1.0 → np.arange(len(x)) if np.ndim(x) else 2.0":
        "it is there to complain of shapes, whatever the distance",
    "differences, trapezoid: -1 if np.ndim(x) == 1 else axis → axis": "of one axis, every number is the first",
    "differences, trapezoid: np.ndim(x) == 1 → np.ndim(x) == 2": "of one axis, every number is the first",
    # elementwise
    "elementwise, (np.round, np.around): lambda g, y, a, decimals=0: np.zeros_like(g) →"
    " lambda g, y, a, decimals=0: -np.zeros_like(g)": NEGATIVE_ZERO,
    "elementwise, np.copysign: lambda g, y, a, b: np.zeros_like(g) → lambda g, y, a, b: -np.zeros_like(g)":
        NEGATIVE_ZERO,
    "elementwise, np.floor_divide: lambda g, y, a, b: np.zeros_like(g) → lambda g, y, a, b: -np.zeros_like(g)":
        NEGATIVE_ZERO,
    "elementwise, np.floor_divide: lambda g, y, a, b: np.zeros_like(g) → lambda g, y, a, b: -np.zeros_like(g) (2)":
        NEGATIVE_ZERO,
    "elementwise, np.heaviside: lambda g, y, a, b: np.zeros_like(g) → lambda g, y, a, b: -np.zeros_like(g)":
        NEGATIVE_ZERO,
    "elementwise, ratio: np.where(r == 0, 0, a / np.where(r == 0, 1, r)) → a / np.where(r == 0, 1, r)":
        "where the radius is 0, so is a",
    "elementwise, sinc_slope: abs(a) < 0.5 → abs(a) <= 0.5": SAME,
    "elementwise, sinc_slope: np.where(near, 1, a) → np.where(near, 2, a)": INSIDE,
    "elementwise, sinc_slope: np.where(near, a, 0) → np.where(near, a, 1)": INSIDE,
    "elementwise, sinc_slope: range(12, 0, -1) → range(13, 0, -1)": "a term more than is needed",
    # indexing
    "indexing, <lambda>: m.shape[-2:] → m.shape": "the same mask, once for every matrix",
    "indexing, <lambda>: m.shape[-2:] → m.shape (2)": "the same mask, once for every matrix",
    "indexing, choose: frozen(a, True) → frozen(a, False)": "a list of choices is an array of them",
    "indexing, insert: frozen(obj, True) → frozen(obj, False)": "a list of places is an array of them",
    "indexing, partition: (np.ravel(a), 0) if axis is None else (a, axis) → (a, axis)": RAVELLED,
    "indexing, scatter: np.arange(out.size).reshape(shape) if places is None else places →"
    " np.arange(out.size).reshape(shape)": "the same places, counted again",
    "indexing, scattered: record(scatter, tuple(values), kwargs) if isinstance(values[0], Tensor) else"
    " scatter(*values, **kwargs) → record(scatter, tuple(values), kwargs)":
        "a tensor that needs no gradient is as good as an array",
    "indexing, sort: (np.ravel(a), 0) if axis is None else (a, axis) → (a, axis)": RAVELLED,
}  # fmt: skip
