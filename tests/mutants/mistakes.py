"""Small mistakes that can be made in a Python expression.

A `Mutant` is one node of a file's syntax tree and what stands in its place. The operators below are the mistakes that
derivative rules are made with: a sign, a factor, an axis, two arguments exchanged, a sum or a cast that is missing, a
tie, a constant, a comparison; and formulas that are right on paper and lose their digits in the machine.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

Variants = Iterator[tuple[str, ast.expr | ast.stmt]]
Surroundings = Iterator[tuple[ast.AST, tuple[str, tuple[str, int]]]]


@dataclass(frozen=True)
class Mutant:
    """A mistake in a file.

    Attributes
    ----------
    file : str
        The module in `minigrad.rules`.
    where : str
        The function that it is made in, or the one whose rule it is made in: ``np.fmod``.
    line : int
    kind, before, after : str
        What kind of mistake, and the source without and with it.
    node, variant : int
        The node's place in the order of `ast.walk`, and which of its `variants` this is.
    code : tuple of str and int
        Name and first line of the innermost function around it, as in its code object.
    again : int
        How many mistakes of the same name stand before it.
    """

    file: str
    where: str
    line: int
    kind: str
    before: str
    after: str
    node: int
    variant: int
    code: tuple[str, int]
    again: int = 0

    @property
    def name(self) -> str:
        """What it is known by, wherever in the file it stands."""
        return f"{self.file}, {self.where}: {self.before} → {self.after}" + (
            f" ({self.again + 1})" if self.again else ""
        )


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """All mistakes in the functions of a file, one at a time."""
    tree = ast.parse(source)
    around = dict(_surroundings(tree))
    seen: Counter[str] = Counter()
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for number, node in enumerate(ast.walk(tree)):
        if node not in around:
            continue
        where, code = around[node]
        shown = node
        while isinstance(shown, ast.Constant) or (shown is not node and isinstance(shown, ast.UnaryOp)):
            shown = parents[shown]  # a number alone says little
        before = _text(shown)
        for variant, (kind, replacement) in enumerate(variants(node)):
            after = _text(replacement if shown is node else copy.deepcopy(shown, {id(node): replacement}))
            if before != after:
                mutant = Mutant(file, where, node.lineno, kind, before, after, number, variant, code)
                yield replace(mutant, again=seen[mutant.name])
                seen[mutant.name] += 1


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The file with the mistake in it."""
    tree = ast.parse(source)
    target = next(node for number, node in enumerate(ast.walk(tree)) if number == mutant.node)
    _, replacement = list(variants(target))[mutant.variant]

    class Exchange(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return replacement if node is target else self.generic_visit(node)

    return ast.fix_missing_locations(Exchange().visit(tree))


def _text(node: ast.AST) -> str:
    """The source of a node in one line."""
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())


def _surroundings(tree: ast.Module) -> Surroundings:
    """For each node inside of a function, whose rule it is, and the code object that runs it.

    What does nothing but raise an error is left out.
    """

    def inside(node: ast.AST, where: str, code: tuple[str, int]) -> Surroundings:
        complaint = isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise)
        if complaint or isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg == "strict"):
            return
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            code = (getattr(node, "name", "<lambda>"), node.lineno)
            where = where or code[0]
            parts: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
            if code[0] != "<lambda>" or (node.args.args[:1] and node.args.args[0].arg == "g"):
                yield node, (where, code)
        else:
            parts = [node.value] if isinstance(node, ast.AnnAssign) and node.value else list(ast.iter_child_nodes(node))
            if code[0]:
                yield node, (where, code)
        for part in parts:
            yield from inside(part, where, code)

    for statement in tree.body:
        yield from inside(statement, _whose(statement), ("", 0))


def _whose(statement: ast.stmt) -> str:
    """Whose rules a statement gives: ``defvjp(np.sin, ...)``, ``for fn in (np.floor, np.ceil): ...``; or nothing."""
    match statement:
        case ast.Expr(ast.Call(args=[first, *_])) | ast.Assign([ast.Subscript(slice=first)]) | ast.For(iter=first):
            return ast.unparse(first)
    return ""


# -- the mistakes -----------------------------------------------------------------------------------------------------

COMPARED = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.GtE), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
"""What a comparison is taken for."""
TAKEN_FOR = {
    "rint": "trunc", "floor_divide": "divide", "max": "min", "min": "max", "maximum": "minimum", "cos": "sin",
    "sin": "cos", "cosh": "sinh", "sinh": "cosh", "ones_like": "zeros_like", "zeros_like": "ones_like", "exp": "exp2",
    "exp2": "exp", "all": "any", "deg2rad": "rad2deg", "rad2deg": "deg2rad", "cumsum": "cumprod", "sum": "mean",
    "concatenate": "append", "isfinite": "isnan", "copysign": "multiply", "prod": "sum", "cumprod": "cumsum",
}  # fmt: skip
"""NumPy's functions, and others that they are taken for."""
SYMMETRIC = {
    "np.hypot",
    "np.maximum",
    "np.minimum",
    "np.multiply",
    "np.result_type",
    "common_dtype",
    "max",
    "min",
    "zip",
}
"""Whose arguments may be exchanged."""
HARMLESS = {"tuple", "list", "len", "range", "zip", "enumerate", "isinstance", "type", "np.shape", "np.ndim", "np.size"}
"""Calls that something has to be done to before an array comes out; without them there is no program."""


def variants(node: ast.AST) -> Variants:
    """What may wrongly stand in the place of a node."""
    operators = {
        ast.UnaryOp: _unary, ast.BinOp: _binary, ast.Compare: _compared, ast.BoolOp: _joined, ast.IfExp: _chosen,
        ast.Call: _called, ast.Attribute: _attribute, ast.Constant: _constant, ast.Subscript: _subscript,
        ast.AugAssign: _augmented, ast.Lambda: _result, ast.Return: _returned,
    }  # fmt: skip
    if type(node) in operators:
        yield from operators[type(node)](node)


def _unary(node: ast.UnaryOp) -> Variants:
    yield ("sign" if isinstance(node.op, ast.USub) else "comparison"), node.operand


def _binary(node: ast.BinOp) -> Variants:
    left, right = node.left, node.right
    swapped = ast.BinOp(right, node.op, left)
    match node.op:
        case ast.Add():
            yield from (("sign", ast.BinOp(left, ast.Sub(), right)), ("term", left), ("term", right))
        case ast.Sub():
            yield from (("sign", ast.BinOp(left, ast.Add(), right)), ("term", left), ("swapped", swapped))
        case ast.Mult():
            yield from (("factor", left), ("factor", right))
            if digits := _losing_digits(left, right):
                yield "digits", digits
        case ast.Div():
            yield from (("factor", left), ("swapped", swapped), ("factor", ast.BinOp(left, ast.Mult(), right)))
        case ast.MatMult():
            yield from (("factor", left), ("factor", right), ("swapped", swapped))
        case ast.BitAnd() | ast.BitOr():
            other = ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd()
            yield from (("comparison", ast.BinOp(left, other, right)), ("comparison", left), ("comparison", right))
        case _:
            yield "factor", left


def _losing_digits(left: ast.expr, right: ast.expr) -> ast.expr | None:
    """(1 - a) * (1 + a) as 1 - a * a, and √(a - 1) √(a + 1) as √(a * a - 1): the same on paper."""
    texts = ast.unparse(left), ast.unparse(right)
    known = {("1 - a", "1 + a"): "1 - a * a", ("np.sqrt(a - 1)", "np.sqrt(a + 1)"): "np.sqrt(a * a - 1)"}
    return ast.parse(known[texts], mode="eval").body if texts in known else None


def _compared(node: ast.Compare) -> Variants:
    for other in COMPARED.get(type(node.ops[0]), ()) if len(node.ops) == 1 else ():
        yield "comparison", ast.Compare(node.left, [other()], node.comparators)


def _joined(node: ast.BoolOp) -> Variants:
    yield "comparison", ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    for i in range(len(node.values)):
        rest = [value for k, value in enumerate(node.values) if k != i]
        yield "comparison", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _chosen(node: ast.IfExp) -> Variants:
    yield from (("branch", node.body), ("branch", node.orelse))


def _called(node: ast.Call) -> Variants:
    name, plain = ast.unparse(node.func), not any(isinstance(arg, ast.Starred) for arg in node.args)
    if isinstance(node.func, ast.Attribute) and name.startswith("np.") and node.func.attr in TAKEN_FOR:
        other = ast.Attribute(node.func.value, TAKEN_FOR[node.func.attr], ast.Load())
        yield "function", ast.Call(other, node.args, node.keywords)
    if name == "np.where":
        condition, a, b = node.args
        yield from (("tie", a), ("tie", b), ("tie", ast.Call(node.func, [condition, b, a], [])))
    elif plain and len(node.args) > 1 and name not in SYMMETRIC:
        yield "swapped", ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if name == "np.hypot":
        yield "digits", ast.parse(f"np.sqrt({' + '.join(f'({ast.unparse(a)}) ** 2' for a in node.args)})").body[0].value
    if plain and node.args and name not in HARMLESS | {"np.where"}:
        yield ("cast" if "array" in name else "sum" if "sum" in name else "function"), node.args[0]
    elif isinstance(node.func, ast.Attribute) and not name.startswith(("np.", "math.")):
        yield "function", node.func.value  # of a method, what it is called on
    if isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
        yield "cast", node.func.value
    for i, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":  # a complaint of zip's
            continue
        rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
        yield ("cast" if keyword.arg == "dtype" else "option"), ast.Call(node.func, node.args, rest)
        if keyword.arg in ("axis", "axes"):
            zero = isinstance(keyword.value, ast.Constant) and keyword.value.value == 0
            wrong = ast.keyword(keyword.arg, ast.Constant(-1 if zero else 0))
            yield "axis", ast.Call(node.func, node.args, [*node.keywords[:i], wrong, *node.keywords[i + 1 :]])


def _attribute(node: ast.Attribute) -> Variants:
    if node.attr == "T":
        yield "axis", node.value


def _constant(node: ast.Constant) -> Variants:
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, (int, float)):
        yield "constant", ast.Constant(node.value + 1)


def _subscript(node: ast.Subscript) -> Variants:
    if isinstance(node.ctx, ast.Load):
        yield "axis", node.value


def _augmented(node: ast.AugAssign) -> Variants:
    yield "sum", ast.Assign([node.target], node.value, lineno=node.lineno)


def _result(node: ast.Lambda) -> Variants:
    yield "sign", ast.Lambda(node.args, ast.UnaryOp(ast.USub(), node.body))


def _returned(node: ast.Return) -> Variants:
    if isinstance(node.value, ast.Tuple):
        for i, value in enumerate(node.value.elts):
            parts: list[ast.expr] = [*node.value.elts]
            parts[i] = ast.UnaryOp(ast.USub(), value)
            yield "sign", ast.Return(ast.Tuple(parts, ast.Load()))
    elif isinstance(node.value, ast.ListComp):
        yield "sign", ast.Return(ast.ListComp(ast.UnaryOp(ast.USub(), node.value.elt), node.value.generators))
    elif node.value is not None:
        yield "sign", ast.Return(ast.UnaryOp(ast.USub(), node.value))
