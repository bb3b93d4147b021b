"""What NumPy's functions differentiate to; importing this package registers the rules."""

from minigrad.rules import (
    contractions,
    decompositions,
    differences,
    elementwise,
    indexing,
    linalg,
    norms,
    reductions,
    refusals,
    shapes,
)

__all__ = [
    "contractions",
    "decompositions",
    "differences",
    "elementwise",
    "indexing",
    "linalg",
    "norms",
    "reductions",
    "refusals",
    "shapes",
]
