"""What stands in functions.md on the site: every function that minigrad differentiates, and to what, from the rules.

    python docs/make_functions.py            prints it, as Markdown

The functions come from the tables that importing minigrad fills, so none can be missing; their rules come from the
source, where each is an expression: it is printed as mathematics, with `numpy`'s prefix dropped and · for a product.
"""

from __future__ import annotations

import ast
import dis
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import minigrad
from minigrad.engine.tables import name_of, primitives

RULES = Path(minigrad.__file__).parent / "rules"
INTRODUCTION = """\
{count} functions have rules of their own, {written} are written in terms of them.

At the end stand the functions [without gradient](#without-gradient) and those that are [refused](#refused): then
nothing that takes floats is left in `numpy` and `numpy.linalg`.
"""
WITHOUT = """
## Without gradient

Their results are no function of the numbers that could have a slope: comparisons, counts, indices, shapes, files. They
take tensors of any kind and give what NumPy gives.

"""
REFUSED = """
## Refused

With a tensor that requires grad, each of these is a `TypeError` that says why, and what to write instead. A tensor that
needs no gradient may enter them, and any other function of NumPy.

| function | because |
| --- | --- |
"""


@cache
def bodies(file: str) -> list[ast.expr]:
    """The expressions of all lambdas in a file."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return [node.body for node in ast.walk(tree) if isinstance(node, ast.Lambda)]


def span(node: ast.expr) -> tuple[Any, Any]:
    """Where an expression starts and ends."""
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def expression(rule: Callable[..., Any]) -> ast.expr | None:
    """What a lambda, or a function of one ``return``, gives; None for longer functions."""
    code = rule.__code__
    if code.co_name != "<lambda>":
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(rule))).body
        assert isinstance(function, ast.FunctionDef)
        statements = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        only = statements[0] if len(statements) == 1 else None
        return only.value if isinstance(only, ast.Return) else None
    every = [instruction.positions for instruction in dis.get_instructions(code)]
    places = [p for p in every if p and p.end_col_offset]  # the others start the function and return
    start = min((p.lineno, p.col_offset) for p in places)
    end = max((p.end_lineno, p.end_col_offset) for p in places)
    return next(body for body in bodies(code.co_filename) if span(body) == (start, end))


def mathematics(node: ast.AST) -> str:
    """An expression as it would be written on paper, as far as plain text can."""
    text = ast.unparse(node)
    text = re.sub(r"\b(np|math)\.", "", text)
    text = re.sub(r"(?<=[\w)\]]) \* (?=[\w(\-])", "·", text)
    text = re.sub(r" ?\*\* ?2\b", "²", text)
    return text.replace(" ** ", "^")


def summary(fn: Callable[..., Any]) -> str:
    """The first sentence of a docstring, in one line."""
    text = " ".join((inspect.getdoc(fn) or "").split("\n\n")[0].split())
    text = text.replace("``", "`").rstrip(".")
    return "in several steps: see the source" if re.fullmatch(r"(`numpy[.\w]+`)?", text) else text


def spelled(fn: Callable[..., Any]) -> str:
    """The name that a user writes."""
    name = name_of(fn)
    if isinstance(getattr(fn, "__self__", None), np.ufunc):
        return f"np.{name}"
    for prefix, module in (("np", np), ("np.linalg", np.linalg), ("np.lib.stride_tricks", np.lib.stride_tricks)):
        if getattr(module, name, None) is fn:
            return f"{prefix}.{name}"
    return {"getitem": "a[index]", "astype": "a.astype"}.get(name, name)


def signature(fn: Callable[..., Any], skipped: int = 0) -> tuple[list[str], list[str]]:
    """The arguments of a function, and its options."""
    names, options = [], []
    for parameter in list(inspect.signature(fn).parameters.values())[skipped:]:
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        optional = parameter.kind is parameter.KEYWORD_ONLY or parameter.default is not parameter.empty
        (options if optional else names).append(star + parameter.name)
    return names, options


def call(fn: Callable[..., Any], names: list[str], options: list[str]) -> str:
    name = spelled(fn)
    if name.startswith(("a.", "a[")):  # a method, an operator
        names = [n for n in names if n not in ("a", "index")]
        return f"{name}({', '.join(names)})" if names else name
    return f"{name}({', '.join([*names, *(f'{option}=' for option in options)])})"


def ruled(fn: Callable[..., Any], rules: Any) -> tuple[Path, str, str]:
    """The file, the call and the cotangents of a function with rules of its own."""
    each = rules if isinstance(rules, tuple) else (rules,)
    first = next(rule for rule in each if rule is not None)
    names, options = signature(first, skipped=2)  # g and y
    lines = []
    for name, rule in zip(names if isinstance(rules, tuple) else ["all arguments"], each, strict=False):
        if rule is None:
            continue
        body = expression(rule)
        whose = f"{name}: " if len(names) > 1 or name == "all arguments" else ""
        lines.append(f"{whose}`{mathematics(body)}`" if body is not None else f"{whose}{summary(rule)}")
    return Path(first.__code__.co_filename), call(fn, names, options), "<br>".join(lines)


def rewritten(fn: Callable[..., Any], rewrite: Callable[..., Any]) -> tuple[Path, str, str]:
    """The same for a function that is written in terms of others."""
    if not rewrite.__module__.startswith("minigrad"):  # NumPy's own: another name, or its definition
        known = getattr(np, rewrite.__name__) is rewrite
        return home(fn), call(fn, *signature(fn)), f"= `{spelled(rewrite)}`" if known else "as NumPy defines it"
    body = expression(rewrite)
    meaning = f"= `{mathematics(body)}`" if body is not None else summary(rewrite)
    general = {"args", "options"} >= set(inspect.signature(rewrite).parameters)  # takes what NumPy's function takes
    return Path(rewrite.__code__.co_filename), call(fn, *signature(fn if general else rewrite)), meaning


def helpers(rules: list[Callable[..., Any]]) -> dict[str, str]:
    """What the expressions call besides NumPy, and what it does."""
    found: dict[str, str] = {}
    for rule in rules:
        for node in ast.walk(expression(rule) or ast.Constant(0)):
            helper = rule.__globals__.get(node.id) if isinstance(node, ast.Name) else None
            if inspect.isfunction(helper) and helper.__module__.startswith("minigrad.rules"):
                found[helper.__name__] = summary(helper)
    return found


def home(fn: Callable[..., Any]) -> Path:
    """The file that says of a function that NumPy's own definition will do."""
    name = re.escape(spelled(fn))
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(RULES.glob("*.py"))}
    for said in (rf"^(rewrite\(|for \w+ in).*{name}\b", rf"{name}\b"):
        for file, text in texts.items():
            if re.search(said, text, re.MULTILINE):
                return file
    raise LookupError(f"no file of rules mentions {name}")


def document() -> str:
    """All tables."""
    tables: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for kind, (file, name, meaning) in entries():
        if file.parent != RULES:  # a primitive of another chapter, such as networks'
            continue
        tables[file.name][kind].append((name, meaning.replace("|", "\\|")))
    shown: dict[str, list[Callable[..., Any]]] = defaultdict(list)
    for rule in everything():
        shown[Path(rule.__code__.co_filename).name].append(rule)
    count = {kind: sum(len(table[kind]) for table in tables.values()) for kind in ("rule", "rewrite")}
    parts = [INTRODUCTION.format(count=count["rule"], written=count["rewrite"])]
    for file, table in sorted(tables.items()):
        opening = ast.get_docstring(ast.parse((RULES / file).read_text(encoding="utf-8"))) or ""
        parts.append(f"\n## [minigrad/rules/{file}](../minigrad/rules/{file})\n\n{opening.splitlines()[0]}\n")
        for kind, head in (("rule", "cotangents"), ("rewrite", "is written as")):
            if table[kind]:
                parts.append(f"\n| function | {head} |\n| --- | --- |\n")
                parts += [f"| `{name}` | {meaning} |\n" for name, meaning in table[kind]]
        if known := helpers(shown[file]):
            parts.append("\nIn these lines:\n\n")
            parts += [f"- `{name}`: {meaning}\n" for name, meaning in sorted(known.items())]
    return "".join([*parts, *rest()])


def rest() -> Iterator[str]:
    """What is not differentiated."""
    names = sorted(spelled(fn) for fn, known in primitives.items() if known.plain)
    yield WITHOUT + textwrap.fill(", ".join(f"`{name}`" for name in names), 120, break_on_hyphens=False) + "\n"
    yield REFUSED
    reasons = {spelled(fn): known.refused for fn, known in primitives.items() if known.refused}
    for reason in dict.fromkeys(reasons.values()):
        names = sorted(name for name in reasons if reasons[name] == reason)
        yield f"| {', '.join(f'`{name}`' for name in names)} | {reason} |\n"


def entries() -> Iterator[tuple[str, tuple[Path, str, str]]]:
    """Every function in the tables, in the order in which the rules stand in their files."""
    for fn, known in primitives.items():
        assert fn is not None
        if known.joint or known.rules:
            yield "rule", ruled(fn, known.joint or known.rules)
    for fn, known in primitives.items():
        if fn is not None and known.rewrite is not None:
            yield "rewrite", rewritten(fn, known.rewrite)


def everything() -> Iterator[Callable[..., Any]]:
    """All rules and rewrites that stand in the source."""
    for known in primitives.values():
        yield from (rule for rule in (known.joint, *known.rules) if rule is not None)
    twins = [known.rewrite for known in primitives.values() if known.rewrite is not None]
    yield from (twin for twin in twins if twin.__module__.startswith("minigrad"))


if __name__ == "__main__":
    print(document(), end="")
