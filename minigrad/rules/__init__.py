"""What NumPy's functions differentiate to; importing this package registers the rules."""

from minigrad.rules import elementwise, linalg, reductions, shapes

__all__ = ["elementwise", "linalg", "reductions", "shapes"]
