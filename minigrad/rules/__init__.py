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
    "shapes",
]
