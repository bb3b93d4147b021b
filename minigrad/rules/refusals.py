"""What is not differentiated, and what to write instead; and what carries no gradient because it is no number."""

from __future__ import annotations

import numpy as np

from minigrad.engine.calls import INSTEAD
from minigrad.engine.tables import Function, plain, primitives

INSTEAD |= {
    "where": "; select first: np.where(mask, a, 0), or a[mask]",
    "dtype": "; convert first: a.astype(dtype)",
    "initial": "; combine it with the result",
    "order": "; it is about memory: leave it out",
    "casting": "; convert first: a.astype(dtype)",
    "mean": "; it is computed: leave it out",
    "out": "; write y = ... for a new array",
}

REFUSED: dict[str, tuple[Function, ...]] = {
    "it changes an array in place: write np.where(mask, new, t), or index_add of minigrad.rules.indexing":
        (np.put, np.put_along_axis, np.place, np.putmask, np.fill_diagonal, np.add.at, np.subtract.at, np.multiply.at,
         np.maximum.at, np.minimum.at),
    "it changes an array in place, as np.full does: write np.broadcast_to(t, shape), np.where(mask, t, a) or np.stack":
        (np.copyto,),
    "which elements are left depends on their values: find their places outside the graph, i = np.unique("
    "t.detach().data, return_index=True)[1] for example, and write np.ravel(t)[i]":
        (np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.union1d, np.intersect1d,
         np.setdiff1d, np.setxor1d, np.trim_zeros),
    "its results are complex, which have no derivatives here: write np.linalg.eigh for a symmetric matrix, "
    "np.linalg.svd for any, or call it outside the graph, on t.detach().data":
        (np.linalg.eig, np.linalg.eigvals, np.roots, np.sort_complex),
    "it takes the eigenvalues of a matrix apart, or the roots together: write np.polymul of factors":
        (np.poly,),
    "a count is a step and has no slope: call it on t.detach().data, or write np.bincount with weights":
        (np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges),
    "the next number is a matter of rounding: call it outside the graph, on t.detach().data":
        (np.nextafter, np.spacing),
    "its derivative is a function that NumPy lacks, the Bessel function I1: add one with minigrad.defvjp(np.i0, ...)":
        (np.i0,),
    "it has no closed form for every case: write np.linalg.lstsq(np.vander(x, deg + 1), y)[0]":
        (np.polyfit,),
    "which coefficients are left depends on their values: add one with minigrad.defvjp(np.polydiv, ...)":
        (np.polydiv,),
    "a running reduction of pieces has no rule: write np.add.reduce, or np.cumsum and differences of it":
        (np.add.reduceat, np.multiply.reduceat, np.maximum.reduceat, np.minimum.reduceat),
    "the order of its operands matters: write a loop, or y = a[0] - np.sum(a[1:], axis=0)":
        (np.subtract.reduce, np.subtract.accumulate),
    "the order of its operands matters: write a loop, or y = a[0] / np.prod(a[1:], axis=0)":
        (np.divide.reduce, np.divide.accumulate),
    "the order of its operands matters: write a loop":
        (np.power.reduce, np.power.accumulate, np.arctan2.reduce, np.arctan2.accumulate),
}  # fmt: skip
"""By the reason, followed by what to write instead: the functions that are refused."""

for reason, fns in REFUSED.items():
    for fn in fns:
        primitives[fn].refused = reason

plain(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed)
plain(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.ix_, np.einsum_path)
