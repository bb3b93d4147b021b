"""Random programs: expressions of several operations, with parts that occur several times, as graphs.

A rule that is right on its own can be wrong in company: where a result is used twice, where its cotangent was
broadcast, where the walk adds up shares of different kinds. So whole expressions are drawn, run on arrays or on
Tensors, and compared with numerical derivatives.

How they are drawn decides what a failure looks like. Here a program is drawn as a *tree*, an operation of smaller
programs, and equal parts of it are made the same object (they are *hash-consed*), which turns the tree into a graph.
Hypothesis makes a failing tree smaller by putting a part in the place of the whole, so that a wrong rule ends up as a
single operation such as ``np.tanh(x)``. Programs that are drawn as a list of lines, each of which names earlier lines
by number (`long_programs`), have longer paths and more sharing, but shrink badly: a line that is dropped renumbers
all others.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any
from weakref import WeakValueDictionary

import graphviz  # type: ignore[import-untyped]
import numpy as np
from hypothesis import strategies as st

from minigrad.pictures.dot import Digraph

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

PARAMETERS = ("a", "b", "c", "d")
"""What the arguments of an operation are called in its source."""
LINE = 100
"""Characters that the ``repr`` of a program may have; a longer program is counted instead."""


@dataclass(frozen=True, eq=False)
class Op:
    """An operation: one Python expression of its arguments.

    The expression is all there is to say, for the function that runs and the line that `Program.source` prints are
    both made of it, and cannot disagree.

    Parameters
    ----------
    source : str
        An expression of ``np`` and of the arguments ``a``, ``b``, ``c``, ``d``, as many as it has. One without any is
        a constant.
    given : mapping of str to object, optional
        Other names that the expression uses: functions of your own.

    Attributes
    ----------
    parameters : tuple of str
        The arguments that occur.
    fn : callable
        The expression as a function of them.

    Raises
    ------
    ValueError
        If ``source`` is no expression, or uses a name that is neither ``np`` nor an argument nor given.

    Examples
    --------
    >>> Op("np.maximum(a, b)").fn(1.0, 2.0)
    np.float64(2.0)
    >>> def swish(a):
    ...     return a / (1 + np.exp(-a))
    >>> Op("swish(a)", {"swish": swish}).parameters
    ('a',)
    """

    source: str
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    parameters: tuple[str, ...] = field(init=False, repr=False)
    fn: Callable[..., Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            names = {each.id for each in ast.walk(ast.parse(self.source, mode="eval")) if isinstance(each, ast.Name)}
        except SyntaxError as error:
            raise ValueError(f"an Op is one Python expression of np and a, b, c, d; got {self.source!r}") from error
        if unknown := sorted(names - {"np", *PARAMETERS, *self.given, *dir(builtins)}):
            name = unknown[0]
            raise ValueError(
                f"Op({self.source!r}) uses {name}, which it does not know: pass given={{{name!r}: {name}}}"
            )
        parameters = tuple(name for name in PARAMETERS if name in names)
        fn = eval(f"lambda {', '.join(parameters)}: {self.source}", {"np": np} | dict(self.given))
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "fn", fn)

    def written(self, *arguments: str) -> str:
        """The expression with other expressions in the place of its arguments; parentheses where they are needed."""
        values = {
            name: ast.parse(text, mode="eval").body for name, text in zip(self.parameters, arguments, strict=True)
        }

        class Substitution(ast.NodeTransformer):
            def visit_Name(self, name: ast.Name) -> ast.expr:
                return values.get(name.id, name)

        return ast.unparse(Substitution().visit(ast.parse(self.source, mode="eval")))


square = "np.broadcast_to({}, (2, 2))".format  # any shape that occurs as a matrix, for operations that need one
A, B = square("a"), square("b")

DEFAULT_OPS: tuple[Op, ...] = tuple(
    map(
        Op,
        (
            # constants
            "2",
            "0.5",
            "np.array([[0.75], [-0.5]], np.float32)",  # exact in either precision, and widens neither
            # elementwise; none of them makes large numbers of small ones, and none has a pole
            "-a",
            "np.sin(a)",
            "np.tanh(a)",
            "a ** 2",
            "np.exp(-a ** 2)",
            "np.sqrt(1 + a ** 2)",
            "np.logaddexp(0, a)",
            "np.abs(a)",
            "a + b",
            "a - b",
            "a * b",
            "a / (2 + np.sin(b))",
            "np.maximum(a, b)",
            "np.minimum(a, b)",
            "np.where(np.array([[True], [False]]), a, b)",
            # reductions
            "np.mean(a)",
            "np.max(a)",
            f"np.sum({A}, axis=0, keepdims=True)",
            f"np.mean({A}, axis=1, keepdims=True)",
            f"np.min({A}, axis=-1, keepdims=True)",
            f"np.prod({A}, axis=0)",
            f"np.var({A}, axis=1, keepdims=True)",
            f"np.cumsum({A}, axis=0)",
            f"np.sort({A}, axis=1)",
            # shapes and indices
            f"np.transpose({A})",
            f"np.roll({A}, 1, axis=0)",
            f"np.reshape({A}, (2, 1, 2))[:, 0]",
            f"{A}[-1]",
            f"{A}[::-1, :1]",
            f"{A}[..., None, 0]",
            f"{A}[[0, 0]]",
            f"{A}[[1, 1], [0, 0]]",
            f"{A}[np.array([[False, True], [True, False]])]",
            # matrices
            f"{A} @ {B}",
            f"{A}[0] @ {B}",
            f"np.outer({A}[0], {B}[1])",
            f"np.einsum('ij,kj->ki', {A}, {B})",
            # several arrays in one
            f"np.concatenate([{A}, {B}])[1:3]",
            f"np.stack([{A}, {B}], axis=1)[..., 1]",
        ),
    )
)
"""Operations on inputs whose shapes broadcast to (2, 2), as those of all their results do again.

Every one of them can therefore be applied to every result: no program is ever invalid, and none has to be thrown away.
"""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Node:
    """An operation on other nodes, or an input, of which ``op`` is the name. Made by `node`, never directly."""

    op: Op | str
    parts: tuple[Node, ...] = ()


_nodes: WeakValueDictionary[tuple[Op | str, tuple[Node, ...]], Node] = WeakValueDictionary()


def node(op: Op | str, *parts: Node) -> Node:
    """The one node that does this: asked again for the same, it gives the same object.

    Nodes are hash-consed (Ershov 1958): since equal parts are the same object already, it is enough to look at the
    operation and at the identities of the parts. So nodes are equal if they are identical, and comparing two of them
    never walks a graph. The table holds them weakly: a node is forgotten with the last program that contains it.
    """
    key = (op, parts)
    found = _nodes.get(key)
    if found is None:
        found = _nodes[key] = Node(op, parts)
    return found


@dataclass(frozen=True)
class Program:
    """An expression of some inputs, as a graph in which equal parts are one node.

    Programs are equal if they have the same inputs and compute the same expression, of the same `Op` objects. They are
    callable, with one argument an input.

    Parameters
    ----------
    result : Node
        What is computed.
    inputs : tuple of str
        The names of the arguments; the expression need not use them all.

    Examples
    --------
    >>> sine = node(Op("np.sin(a)"), node("x"))
    >>> program = Program(node(Op("a * b"), sine, sine), ("x", "w"))
    >>> program
    np.sin(x) * np.sin(x)
    >>> program(0.5, 1.0)
    np.float64(0.22984884706593015)
    >>> print(program.source())
    def program(x, w):
        v1 = np.sin(x)
        return v1 * v1
    """

    result: Node
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.inputs:
            if not name.isidentifier() or keyword.iskeyword(name) or name == "np" or re.fullmatch(r"v\d+", name):
                raise ValueError(f"an input cannot be called {name!r}: take a Python name other than np, v1, v2 ...")
        if unknown := sorted({n.op for n in self.nodes if isinstance(n.op, str)} - set(self.inputs)):
            raise ValueError(f"the program uses {', '.join(unknown)}, but its inputs are {', '.join(self.inputs)}")

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Each node once, parts before what is made of them: the order in which they are computed."""
        found: dict[Node, None] = {}
        stack = [(self.result, False)]
        while stack:
            here, parts_done = stack.pop()
            if parts_done:
                found[here] = None
            elif here not in found:
                stack.append((here, True))
                stack.extend((part, False) for part in reversed(here.parts))
        return tuple(found)

    @property
    def operations(self) -> tuple[Node, ...]:
        """The nodes that are neither inputs nor constants."""
        return tuple(each for each in self.nodes if each.parts)

    def run(self, **inputs: Any) -> Any:
        """Compute the result, each shared part once.

        Parameters
        ----------
        **inputs : array or Tensor
            One for each name in `inputs`.

        Raises
        ------
        TypeError
            If one is missing, or one too many.
        """
        if inputs.keys() != set(self.inputs):
            raise TypeError(f"the program's inputs are {', '.join(self.inputs)}; got {', '.join(inputs) or 'none'}")
        values: dict[Node, Any] = {}
        for each in self.nodes:
            op = each.op
            values[each] = inputs[op] if isinstance(op, str) else op.fn(*(values[part] for part in each.parts))
        return values[self.result]

    def __call__(self, *arrays: Any) -> Any:
        """`run`, with the inputs by position."""
        return self.run(**dict(zip(self.inputs, arrays, strict=True)))

    def source(self, name: str = "program") -> str:
        """Python text that, with NumPy as ``np``, defines a function that does the same.

        It has one line an operation, so that a shared result is computed once and has a name. Functions that an `Op`
        was given are imported from their modules; for those that cannot be, a comment says what is missing.

        Raises
        ------
        ValueError
            If two operations were given different functions of one name.
        """
        lines = self._lines() or [f"v0 = {self._leaf(self.result)}"]
        lines[-1] = f"return {lines[-1].partition(' = ')[2]}"
        body = "".join(f"    {line}\n" for line in lines)
        head = "".join(f"{line}\n" for line in _imports(each.op for each in self.nodes))
        return f"{head}def {name}({', '.join(self.inputs)}):\n{body}".rstrip("\n")

    def _lines(self) -> list[str]:
        """``v1 = np.sin(x)`` and so on, one an operation."""
        names: dict[Node, str] = {}
        lines: list[str] = []
        for each in self.nodes:
            names[each] = f"v{len(lines) + 1}" if each.parts else self._leaf(each)
            if each.parts and isinstance(each.op, Op):
                lines.append(f"{names[each]} = {each.op.written(*(names[part] for part in each.parts))}")
        return lines

    @staticmethod
    def _leaf(leaf: Node) -> str:
        return leaf.op if isinstance(leaf.op, str) else leaf.op.source

    def draw(self) -> Digraph:
        """The expression as a picture: a box for each node, a shared one once, an arrow for each use.

        Returns
        -------
        Digraph
            With the nodes ``n0``, ``n1`` and so on, in the order of computation. Equal programs give equal DOT text.
            Any Graphviz draws it, that of the extra ``dot`` if there is no other.
        """
        picture = Digraph("program", node_attr={"shape": "box"})
        numbers = {each: f"n{i}" for i, each in enumerate(self.nodes)}
        for each, number in numbers.items():
            style = {} if each.parts else {"shape": "ellipse" if isinstance(each.op, str) else "plaintext"}
            label = each.op if isinstance(each.op, str) else each.op.written(*each.op.parameters)
            picture.node(number, graphviz.escape(label), **style)
            for name, part in zip(each.op.parameters if isinstance(each.op, Op) else (), each.parts, strict=True):
                picture.edge(numbers[part], number, **({"label": name} if len(each.parts) > 1 else {}))
        return picture

    def __repr__(self) -> str:
        """The expression in one line if it fits (with shared parts written out), else its size."""
        if len(self.operations) <= 8:  # sharing doubles the text with every operation: never write out a large program
            text: dict[Node, str] = {}
            for each in self.nodes:
                parts = [text[part] for part in each.parts]
                text[each] = each.op if isinstance(each.op, str) else each.op.written(*parts)
            if len(text[self.result]) <= LINE:
                return text[self.result]
        return f"<program of {', '.join(self.inputs)} with {len(self.operations)} operations: see .source()>"


def _imports(ops: Iterable[Op | str]) -> list[str]:
    """Where the functions that ``ops`` were given come from, as lines of Python."""
    given: dict[str, Any] = {}
    for op in ops:
        for name, thing in op.given.items() if isinstance(op, Op) else ():
            if given.setdefault(name, thing) is not thing:
                raise ValueError(f"two functions are called {name}, in different operations: rename one of them")
    lines = []
    for name, thing in given.items():
        module, own = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "<none>")
        importable = bool(module) and own.isidentifier()
        what = own if own == name else f"{own} as {name}"
        lines.append(f"from {module} import {what}" if importable else f"# {name} has to be defined before")
    return lines


def programs(
    ops: Sequence[Op] = DEFAULT_OPS, inputs: Sequence[str] = ("x", "w"), max_leaves: int = 8
) -> st.SearchStrategy[Program]:
    """A strategy of expressions that shrink to a single operation.

    Parameters
    ----------
    ops : sequence of Op
        What a program may be made of. Every operation has to accept every result of every other one; put simple ones
        first, since it is towards them that a failing program shrinks.
    inputs : sequence of str
        The names of a program's inputs. The shapes are yours to choose: with `DEFAULT_OPS`, any that broadcast to
        (2, 2).
    max_leaves : int
        About how often inputs and constants may occur in a program, each place in which it occurs counted.

    Raises
    ------
    ValueError
        If ``ops`` holds constants alone.

    Notes
    -----
    Shrinking: parts take the place of the whole, the inputs, in their order, that of constants, and earlier operations
    that of later ones.
    """
    constants, known = _by_arity(ops)
    branches = [(st.sampled_from(known[arity]), arity) for arity in sorted(known)]
    leaves = st.sampled_from([*map(node, inputs), *map(node, constants)])

    def grown(smaller: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        different = [st.builds(node, op, *[smaller] * arity) for op, arity in branches]
        alike = [st.builds(lambda op, a: node(op, a, a), op, smaller) for op, arity in branches if arity == 2]
        if alike and 1 in known:  # a part next to something that is made of it: the shape of a residual connection
            unary, binary = st.sampled_from(known[1]), st.sampled_from(known[2])
            alike += [st.builds(lambda op, f, a: node(op, a, node(f, a)), binary, unary, smaller)]
        return st.one_of(*different, *alike)

    names = tuple(inputs)
    return st.recursive(leaves, grown, max_leaves=max_leaves).map(lambda result: Program(result, names))


@st.composite
def long_programs(
    draw: st.DrawFn,
    ops: Sequence[Op] = DEFAULT_OPS,
    inputs: Sequence[str] = ("x", "w"),
    min_lines: int = 15,
    max_lines: int = 25,
    steady: Op = Op("np.sin(a)"),
) -> Program:
    """A strategy of long expressions, on results of earlier lines: for depth and sharing, not for shrinking.

    Parameters
    ----------
    ops, inputs
        As for `programs`.
    min_lines, max_lines : int
        How many lines there are; some of them may be equal, or not be needed for the result.
    steady : Op
        What is done to every line, so that no number grows large; otherwise twenty products in a row would leave
        nothing that a numerical derivative can judge.
    """
    constants, known = _by_arity(ops)
    plus, recent = Op("a + b"), 6
    lines = [*map(node, constants), *map(node, inputs)]
    any_op = st.one_of(*(st.sampled_from(known[arity]) for arity in sorted(known)))
    for _ in range(draw(st.integers(min_lines, max_lines))):
        op = draw(any_op)
        parts = [draw(st.sampled_from(lines[: -recent - 1 : -1])) for _ in op.parameters]  # the youngest is simplest
        lines.append(node(steady, node(op, *parts)))
    return Program(reduce(lambda a, b: node(plus, a, b), lines[-recent:]), tuple(inputs))


def _by_arity(ops: Sequence[Op]) -> tuple[list[Op], dict[int, list[Op]]]:
    """The constants among ``ops``, and the operations by the number of their arguments."""
    known: dict[int, list[Op]] = {}
    for op in ops:
        known.setdefault(len(op.parameters), []).append(op)
    constants = known.pop(0, [])
    if not known:
        raise ValueError(f"programs need an operation, an Op of at least one argument; got {[op.source for op in ops]}")
    return constants, known
