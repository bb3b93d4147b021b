"""What NumPy's functions differentiate to; importing this package registers the rules."""

from minigrad.rules import (
    contractions,
    decompositions,
    differences,
    elementwise,
    indexing,
    kinks,
    linalg,
    networks,
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
    "kinks",
    "linalg",
    "networks",
    "norms",
    "reductions",
    "refusals",
    "shapes",
]
