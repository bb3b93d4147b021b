"""What NumPy's functions differentiate to; importing this package registers the rules."""

from minigrad.rules import (
    calling,
    contractions,
    decompositions,
    differences,
    elementwise,
    indexing,
    linalg,
    norms,
    partial,
    polynomials,
    ranges,
    reductions,
    refusals,
    shapes,
    signals,
    statistics,
)

__all__ = [
    "calling",
    "contractions",
    "decompositions",
    "differences",
    "elementwise",
    "indexing",
    "linalg",
    "norms",
    "partial",
    "polynomials",
    "ranges",
    "reductions",
    "refusals",
    "shapes",
    "signals",
    "statistics",
]
