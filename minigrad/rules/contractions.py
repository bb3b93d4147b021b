"""Contractions: products of tensors, summed over the axes that they share.

Axes carry labels, as in `einsum`. There is no rule here: two operands at a time are laid out as matrices and go to
`matmul`, which has one.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.tables import rewrite
from minigrad.engine.tensor import Tensor


def contract(a, a_labels, b, b_labels, keep):
    """The product of two operands, summed over the labels that both have and nobody will ``keep``; and its labels.

    No operand has a label twice. One that is laid out as a matrix product wants it goes to `matmul` as it is, so that
    the cotangent of a matrix stays factored: that of ``W`` in ``"ij,bj->bi"`` and ``"bi,ij->bj"``, for example.
    """
    both = [i for i in a_labels if i in b_labels]
    batch, summed = [i for i in both if i in keep], [i for i in both if i not in keep]
    free_a, free_b = [i for i in a_labels if i not in both], [i for i in b_labels if i not in both]
    a, b = laid_out(a, a_labels, batch + free_a + summed), laid_out(b, b_labels, batch + summed + free_b)
    k, n = len(batch), len(batch + free_a)
    lead, left, inner, right = a.shape[:k], a.shape[k:n], a.shape[n:], b.shape[k + len(summed) :]
    if summed:
        y = np.matmul(shaped(a, (*lead, math.prod(left), math.prod(inner))),
                      shaped(b, (*lead, math.prod(inner), math.prod(right))))
    else:
        y = np.multiply(shaped(a, (*lead, *left, *[1] * len(right))), shaped(b, (*lead, *[1] * len(left), *right)))
    return shaped(y, (*lead, *left, *right)), batch + free_a + free_b


def laid_out(a, labels, wanted):
    """``a`` with its axes in the order in which ``wanted`` names them."""
    return a if labels == wanted else np.transpose(a, [labels.index(i) for i in wanted])


def shaped(a, shape):
    """``a`` in another shape, and ``a`` itself if that is its own."""
    return a if np.shape(a) == shape else np.reshape(a, shape)


def operand(a):
    """``a`` with the attributes of an array."""
    return a if isinstance(a, Tensor) else np.asarray(a)


def parsed(operands):
    """The arrays of an `einsum`, the labels of their axes, and those of the result.

    Axes under an ellipsis are called -1, -2 ... from the last one, so that those of several operands match.
    """
    output: Any
    if isinstance(operands[0], str):
        left, arrow, right = operands[0].replace(" ", "").replace("...", ".").partition("->")
        *terms, output = [[Ellipsis if i == "." else i for i in term] for term in [*left.split(","), right]]
        arrays, output = operands[1:], output if arrow else None
    else:  # einsum(a, [0, 1], b, [1, 2], [0, 2])
        count = len(operands) // 2
        arrays, terms = operands[: 2 * count : 2], [list(term) for term in operands[1 : 2 * count : 2]]
        output = list(operands[-1]) if len(operands) % 2 else None
    if len(arrays) != len(terms):
        raise ValueError(f"np.einsum was told the axes of {len(terms)} operands and given {len(arrays)}")
    arrays, labels, most = [operand(a) for a in arrays], [], 0
    for a, term in zip(arrays, terms, strict=True):
        dots = term.count(Ellipsis)
        hidden = a.ndim - len(term) + dots
        if hidden < 0 or dots > 1 or (hidden and not dots):
            raise ValueError(f"np.einsum names {len(term)} axes of an operand of shape {a.shape}: {term}")
        labels.append([j for i in term for j in (range(-hidden, 0) if i is Ellipsis else [i])])
        most = max(most, hidden)
    counts = Counter(i for term in labels for i in term)
    if output is None:
        output = [Ellipsis]
        output += sorted(i for i in counts if counts[i] == 1 and i not in range(-most, 0))
    elif most and Ellipsis not in output:
        raise ValueError("np.einsum needs an ellipsis in the output too where it stands for axes of an operand")
    return arrays, labels, [j for i in output for j in (range(-most, 0) if i is Ellipsis else [i])]


def einsum(*operands, optimize=False, **options):
    """`numpy.einsum`, as products of two operands at a time, from left to right; ``optimize`` makes no difference."""
    if given := [key for key, value in options.items() if value is not None]:
        raise TypeError(f"np.einsum has no rule with {', '.join(given)}=: write np.einsum(...).astype(dtype)")
    arrays, labels, output = parsed(operands)
    if len(set(output)) < len(output) or not set(output) <= {i for term in labels for i in term}:
        raise ValueError(f"np.einsum cannot give axes {output}: each has to be one of an operand's, and only once")
    factors = [without_repeats(a, term) for a, term in zip(arrays, labels, strict=True)]
    sizes: dict[Any, int] = {}
    for a, term in factors:
        for i, n in zip(term, a.shape, strict=True):
            if n != sizes.setdefault(i, n) and 1 not in (n, sizes[i]):
                raise ValueError(f"np.einsum was given axes {i!r} of {sizes[i]} and of {n} elements")
            sizes[i] = n if sizes[i] == 1 else sizes[i]
    y: Any = None
    have: list[Any] = []
    for k, (a, term) in enumerate(factors):
        keep = {*output, *(i for term in labels[k + 1 :] for i in term)}
        a, term = without_broadcast_axes(a, term, sizes)
        a, term = summed_to(a, term, keep.union(have))
        if k:
            y, have = summed_to(y, have, keep.union(term))
            y, have = contract(y, have, a, term, keep)
        else:
            y, have = a, term
    y = laid_out(y, have, output)
    return np.positive(y) if len(arrays) == 1 else y  # never the operand itself


def summed_to(a, labels, keep):
    """``a`` summed over the axes whose labels nobody will ``keep``."""
    alone = [i for i in labels if i not in keep]
    a = np.sum(a, axis=tuple([labels.index(i) for i in alone])) if alone else a
    return a, [i for i in labels if i in keep]


def without_repeats(a, labels):
    """The diagonal over axes of one label, and labels that differ."""
    for i in [i for i, n in Counter(labels).items() for _ in range(n - 1)]:
        one = labels.index(i)
        two = labels.index(i, one + 1)
        if a.shape[one] != a.shape[two]:
            raise ValueError(f"np.einsum has no diagonal of axes {i!r} of {a.shape[one]} and {a.shape[two]} elements")
        a, labels = np.diagonal(a, axis1=one, axis2=two), [*labels[:one], *labels[one + 1 : two], *labels[two + 1 :], i]
    return a, labels


def without_broadcast_axes(a, labels, sizes):
    """An axis of one element that meets longer ones need not be there at all."""
    wide = [n == sizes[i] for i, n in zip(labels, a.shape, strict=True)]
    if not all(wide):
        a = a[tuple([slice(None) if w else 0 for w in wide])]
    return a, [i for i, w in zip(labels, wide, strict=True) if w]


def tensordot(a, b, axes=2):
    """`numpy.tensordot`: the axes that are summed over carry one label in both operands."""
    a, b = operand(a), operand(b)
    over_a, over_b = axes if np.iterable(axes) else (range(-axes, 0), range(axes))
    over_a, over_b = normalize_axis_tuple(over_a, a.ndim), normalize_axis_tuple(over_b, b.ndim)
    if [a.shape[i] for i in over_a] != [b.shape[j] for j in over_b]:
        raise ValueError(f"np.tensordot over axes {over_a} of shape {a.shape} and {over_b} of {b.shape}: they differ")
    partner = dict(zip(over_b, over_a, strict=True))
    a_labels, b_labels = [*range(a.ndim)], [partner.get(j, a.ndim + j) for j in range(b.ndim)]
    return contract(a, a_labels, b, b_labels, keep={*a_labels, *b_labels} - {*over_a})[0]


rewrite(np.einsum, einsum)
rewrite(np.tensordot, tensordot)
