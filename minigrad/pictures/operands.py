"""What operations were given: plain arrays as nodes of their own, and which argument is which.

A recorded call remembers the arrays among its arguments, but they are no tensors, so no `Graph` has them. A drawing
without them would show ``x - c`` and ``c - x`` alike, and a loop written by hand without its data.
"""

from __future__ import annotations

import operator

import numpy as np

from minigrad.engine.tables import Function
from minigrad.engine.tensor import Array, Tensor
from minigrad.graph import Edge, Graph
from minigrad.pictures.text import is_layer, operand

COMMUTATIVE: set[Function | None] = {
    np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.hypot, np.vdot, np.inner
}  # fmt: skip
"""Functions whose arguments need not be told apart in a picture, if there are two."""


def with_arrays(graph: Graph) -> tuple[Graph, set[int]]:
    """``graph`` with a constant for every argument that is a plain array, and which nodes these are.

    Each stands right before the operation that was given it, and in the same scope: the recorder copies arrays, so
    whether two operations were given the same one is not known.
    """
    nodes: list[Tensor] = []
    edges: list[Edge] = []
    data: set[int] = set()
    numbers: dict[int, int] = {}
    for node in graph.nodes:
        entering = []
        for position, argument in enumerate(node.args):
            if isinstance(argument, Tensor):
                entering.append((numbers[argument.index], position))
            elif operand(argument):
                constant = _constant(argument, node)
                numbers[constant.index] = len(nodes)
                data.add(len(nodes))
                entering.append((len(nodes), position))
                nodes.append(constant)
        numbers[node.index] = len(nodes)
        edges += [Edge(source, len(nodes), position) for source, position in entering]
        nodes.append(node)
    outputs = [numbers[graph.nodes[number].index] for number in graph.outputs]
    return Graph(nodes, edges, outputs, numbers), data


def _constant(array: Array, consumer: Tensor) -> Tensor:
    constant = Tensor(0.0)
    constant._data = array  # shared: a recorded array is read-only
    constant.scope = consumer.scope
    return constant


def told_apart(node: Tensor, arrays: bool) -> bool:
    """Whether a picture has to say which argument of this node is which; of arrays too, if they are drawn."""
    given = [each for each in node.args if isinstance(each, Tensor) or (arrays and operand(each))]
    if len({id(each) for each in given}) < 2 or node.fn is operator.getitem or is_layer(node):  # an index is no float
        return False
    if node.fn is np.matmul:
        left, right = (each.shape for each in given)
        # Only where the other order is a product too; and that of two vectors is the same.
        return len(left) + len(right) > 2 and right[-1] == left[-2 if len(left) > 1 else 0]
    return not (node.fn in COMMUTATIVE and len(node.args) == 2)
