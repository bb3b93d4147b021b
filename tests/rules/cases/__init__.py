"""The table of rules: calls of every function that has one, by the file that the rule stands in."""

from tests.rules.cases.elementwise import elementwise
from tests.rules.cases.grid import Case, grid, real
from tests.rules.cases.linalg import products
from tests.rules.cases.partial import partial
from tests.rules.cases.ranges import ranges
from tests.rules.cases.reductions import reductions
from tests.rules.cases.shapes import sequences, shapes
from tests.rules.cases.statistics import statistics

CASES = [*elementwise(), *reductions(), *partial(), *shapes(), *sequences(), *products(), *ranges(), *statistics()]

__all__ = ["CASES", "Case", "grid", "real"]
