"""What NumPy's functions differentiate to; importing this package registers the rules."""

from minigrad.rules import contractions, decompositions, elementwise, indexing, linalg, reductions, shapes

__all__ = ["contractions", "decompositions", "elementwise", "indexing", "linalg", "reductions", "shapes"]
