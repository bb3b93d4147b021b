"""The program as text, and the arrays that it writes to.

Buffers and the views of them are made once, in ``build``; what it returns is the program. Two buffers of which one is
not needed any more when the other begins lie in the same memory (`sharing`): their names stay apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler import batching
from minigrad.compiler.algebra import total
from minigrad.compiler.aligned import empty
from minigrad.compiler.calls import Calls
from minigrad.compiler.naming import Value, code_of
from minigrad.compiler.node import Node, Unusual, walked
from minigrad.compiler.sharing import Home, Over, memories


@dataclass(eq=False)
class Each:
    """A loop that is being written."""

    count: int
    rows: list[tuple[str, Value]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    homes: set[str] = field(default_factory=set)


class Text(Calls):
    """A program that is being written."""

    def __init__(self, exact: bool, in_order: bool) -> None:
        super().__init__(exact, in_order)
        self.known: dict[Any, Value] = {}
        self.inputs: list[str] = []
        self.homes: dict[str, Home] = {}
        self.heads: list[str] = []  # constants, and views of buffers
        self.lines: list[tuple[list[str], frozenset[str]]] = []
        self.loop: Each | None = None
        self.calls = self.calls_a_step = 0

    # -- what is there before the program runs -----------------------------------------------------------------------

    def input(self, node: Node) -> Value:
        name = self.name(node.name or "x")
        self.inputs.append(name)
        return Value(name, np.broadcast_to(np.zeros((), node.dtype), node.shape))

    def home(self, wish: str, shape: tuple[int, ...], dtype: Any) -> Value:
        """A buffer."""
        name = self.name(wish)
        self.homes[name] = Home(name, shape, dtype)
        return Value(name, np.empty(shape, dtype), True, frozenset([name]))

    # -- views --------------------------------------------------------------------------------------------------------

    def view(self, value: Value, template: str, wish: str = "") -> Value:
        """A part of an array, or all of it in another shape."""
        if template == "{}":
            return value
        if "{n}" in template:
            template = template.replace("{n}", str(value.shape[0]))
        if (known := self.known.get((value.name, template))) is not None:
            return known
        array = eval(template.format("a"), {"a": value.array})
        found: Value
        if value.built:
            if value.homes and array.size and not np.shares_memory(array, value.array):
                raise batching.NoPlan(f"{template} of {value.name} is no view")
            found = Value(self.name(wish or value.name + batching.part_of(template)), array, True, value.homes)
            self.heads.append(f"{found.name} = {template.format(value.name)}")
        else:
            found = Value(self.name(wish or value.name + batching.part_of(template)), array, False, value.homes)
            self.line(f"{found.name} = {template.format(value.name)}", value.homes)
        self.known[value.name, template] = found
        return found

    def flat(self, value: Value, rank: int = 2) -> Value | None:
        """All steps one below the other, in an array of ``rank`` axes; None if they do not lie so in memory."""
        if len(value.shape) == rank:
            return value
        shape = (-1, *value.shape[len(value.shape) - rank + 1 :])
        if value.built and value.array.size and not np.shares_memory(value.array.reshape(shape), value.array):
            return None
        return self.view(value, f"{{}}.reshape({shape})")

    def lifted(self, value: Value, rank: int) -> Value:
        """One a step, with so many axes behind that of the steps."""
        missing = rank - (len(value.shape) - 1)
        if missing <= 0:
            return value
        return self.view(value, f"{{}}.reshape({(value.shape[0], *[1] * missing, *value.shape[1:])})")

    def used(self, value: Value) -> None:
        if self.loop is not None:
            self.loop.homes |= value.homes

    # -- statements ---------------------------------------------------------------------------------------------------

    def line(self, text: str | list[str], homes: Any) -> None:
        """A statement; in a loop, before it."""
        self.lines.append(([text] if isinstance(text, str) else text, frozenset(homes)))

    def homes_in(self, tree: Any) -> frozenset[str]:
        found: set[str] = set()

        def look(leaf: Any) -> None:
            if type(leaf) is Value:
                found.update(leaf.homes)

        walked(look, tree)
        return frozenset(found)

    def copy(self, out: Value, value: Any) -> None:
        self.calls += 1
        self.line(f"{out.name}[...] = {self.render(value)}", out.homes | self.homes_in(value))

    def copied(self, value: Value) -> Value:
        self.calls += 1
        name = self.name(value.name)
        text = f"{value.name}.copy()" if value.shape else f"{self.function(np.array)}({value.name})"
        self.line(f"{name} = {text}", value.homes)
        return Value(name, value.array, fresh=True)

    def laid_out(self, value: Value, shape: tuple[int, ...] | None = None) -> Value:
        """The same numbers, row after row in a buffer, repeated to a ``shape``."""
        shape = value.shape if shape is None else shape
        known = self.known.get((value.name, str(shape)))
        if known is None:
            known = self.known[value.name, str(shape)] = self.home(value.name, shape, value.dtype)
            self.copy(known, value)
        return known

    def check(self, node: Node, args: Any) -> None:
        """A call that is made for the error that it may raise."""
        self.calls += 1
        self.line(self.expression(node, args, {})[0], self.homes_in(args))

    def call(self, node: Node, args: Any, kwargs: Any, fresh: bool) -> Value:
        """A single call, into a buffer where that can be."""
        if node.shape is None:  # several results
            self.calls += 1
            text, _ = self.expression(node, args, kwargs)
            homes = self.homes_in((args, kwargs))
            name = self.name("parts")
            self.line(f"{name} = {text}", homes)
            return Value(name, None, homes=homes)
        if not fresh and node.shape and node.in_order and self.writes(node, args, kwargs):
            home = self.home(node.name or batching.singular(node), node.shape, node.dtype)
            self.into(node, args, home, kwargs)
            return home
        if node.fn is total:
            return self.added(list(args), node)
        self.calls += 1
        text, own = self.expression(node, args, kwargs)
        homes = self.homes_in((args, kwargs))
        name = self.name(node.name or batching.singular(node))
        self.line(f"{name} = {text}", homes)
        array = np.broadcast_to(np.zeros((), node.dtype), node.shape)
        return Value(name, array, homes=frozenset() if own else homes, fresh=own)

    def into(self, node: Node, args: Any, out: Value, kwargs: Any = None) -> None:
        """A call whose result is written to ``out``."""
        if node.fn is np.matmul and not self.exact and not self.in_order and self.in_rows(args, out):
            (many, matrix), shape = args, (-1, out.shape[-1])
            rows = self.view(many, f"{{}}.reshape({(-1, many.shape[-1])})")
            self.into(node, (rows, matrix), self.view(out, f"{{}}.reshape({shape})"), kwargs)
            return
        homes = out.homes | self.homes_in((args, kwargs or {}))
        lines = self.written(node, args, node.kwargs if kwargs is None else kwargs, out)
        self.calls += len(lines)
        if out.name in self.homes and batching.in_place(node) and len(lines) == 1:
            values = [arg for arg in args if type(arg) is Value]
            for arg in values:
                parts = any(arg.name in other.homes for other in values if other is not arg)
                if arg.name in self.homes and arg.shape == out.shape and arg.dtype == out.dtype and not parts:
                    self.homes[out.name].over[arg.name] = Over(len(self.lines), len(self.lines))
        self.line(lines, homes)

    def in_rows(self, args: Any, out: Value) -> bool:
        """Whether many products with one matrix are one: `numpy.matmul` makes them one after the other."""
        many, matrix = args
        if type(many) is not Value or len(many.shape) < 3 or len(self.shape(matrix)) != 2:
            return False
        whole = [value.array.flags.c_contiguous for value in (many, out) if value.built]
        return out.built and all(whole) and out.array.size > 0

    def product_into(self, a: Any, b: Any, out: Value) -> None:
        self.into(Node(np.matmul, (), {}, -1, out.shape, out.dtype), (a, b), out)

    def zeros(self, wish: str, like: Node) -> Value:
        """An array to add up in."""
        return self.assigned(wish, f"{self.function(np.zeros)}({like.shape}, {self.render(like.dtype)})", like, ())

    # -- totals -------------------------------------------------------------------------------------------------------

    def assigned(self, wish: str, text: str, like: Node, homes: Any) -> Value:
        self.calls += 1
        name = self.name(wish)
        self.line(f"{name} = {text}", homes)
        return Value(name, np.broadcast_to(np.zeros((), like.dtype), like.shape), fresh=True)

    def product(self, left: Value, right: Value, node: Node) -> Value:
        """Σ LᵀR over all steps, as one product."""
        one, two = self.flat(left), self.flat(right)
        if one is None or two is None:
            axes = tuple(range(len(left.shape) - 1))
            text = f"{self.function(np.tensordot)}({left.name}, {right.name}, {(axes, axes)})"
        else:
            turned = self.view(one, "{}.T").name if one.built else f"{one.name}.T"
            text = f"{self.function(np.dot)}({turned}, {two.name})"
        return self.assigned(node.name or "total", text, node, left.homes | right.homes)

    def mean(self, a: Any, b: Any, node: Node, shape: Any = None) -> Value:
        """The mean of a · b, or the sum of those of all steps; where it overflows, the engine has to do better."""
        count = math.prod(self.shape(a) if shape is None else shape)
        text = f"{self.function(np.vdot)}({self.render(a)}, {self.render(b)}) / {count}"
        value = self.assigned(node.name or "mean", text, node, self.homes_in((a, b)))
        self.imports.setdefault("math", set()).add("isinf")
        self.line([f"if isinf({value.name}):", f"    raise {self.function(Unusual)}"], ())
        return value

    def below(self, pieces: list[Value]) -> Value:
        """Rows, and further rows below them, in an array of their own."""
        self.calls += 1
        name = self.name("rows")
        self.line(
            f"{name} = {self.function(np.concatenate)}(({', '.join(map(self.render, pieces))}))", self.homes_in(pieces)
        )
        return Value(name, np.concatenate([piece.array for piece in pieces]), fresh=True)

    def reduced(self, value: Value, node: Node, axes: Any = 0) -> Value:
        """The sum over the steps, and over the rows of each if told so."""
        add = self.function(np.add)
        text = f"{add}.reduce({value.name}, {axes})"
        if self.in_order and axes == 0 and math.prod(value.shape[1:]) == 1:  # NumPy adds numbers in a line up in pairs
            text = f"{add}.accumulate({value.name}, 0)[-1]"
        return self.assigned(node.name or "total", text, node, value.homes)

    def added(self, parts: list[Any], node: Node) -> Value:
        """Their sum."""
        if len(parts) == 1:
            only: Value = parts[0]
            return only
        add, texts = self.function(np.add), [self.render(part) for part in parts]
        value = self.assigned(node.name or "total", f"{add}({texts[0]}, {texts[1]})", node, self.homes_in(parts))
        self.calls += len(texts[2:])
        for each in texts[2:]:
            self.line(f"{value.name} = {add}({value.name}, {each})", self.homes_in(parts))
        return value

    # -- loops --------------------------------------------------------------------------------------------------------

    def open_loop(self, count: int) -> None:
        self.loop = Each(count)

    def each(self, rows: Value, wish: str) -> Value:
        """One row after the other."""
        loop = self.loop
        assert loop is not None
        for name, known in loop.rows:
            if known is rows:
                return Value(name, rows.array[0], False, rows.homes)
        name = self.name(wish)
        loop.rows.append((name, rows))
        loop.homes |= rows.homes
        return Value(name, rows.array[0], False, rows.homes)

    def in_loop(self, like: Node, args: Any, out: Value) -> None:
        loop = self.loop
        assert loop is not None
        loop.homes |= out.homes
        lines = self.written(like, self.without_axes(like.fn, args), like.kwargs, out)
        loop.body += lines
        self.calls += len(lines) * loop.count
        self.calls_a_step += len(lines)

    def turns(self, home: Value, places: range) -> Value:
        """The rows of a block one after the other, back in time, and again from the last one on."""
        rows = home.shape[0]
        template = f"[{{}}[{rows - 1} - i % {rows}] for i in range({places.start}, {places.stop})]"
        if (known := self.known.get((home.name, template))) is None:
            array = np.broadcast_to(np.zeros((), home.dtype), (len(places), *home.shape[1:]))
            known = self.known[home.name, template] = Value(self.name(f"{home.name}_back"), array, True, home.homes)
            self.heads.append(f"{known.name} = {template.format(home.name)}")
        return known

    def close_loop(self, steps: int, skipped: int, sums: list[str], block: int) -> None:
        """The loop itself; with ``sums``, in blocks of steps, of which the first ones have been computed before it."""
        loop, self.loop = self.loop, None
        assert loop is not None
        names = [each for each, _ in loop.rows]
        texts = [
            rows.name if rows.shape[1:] or rows.homes == frozenset() else
            f"[{rows.name}[i, ...] for i in range({loop.count})]"
            for _, rows in loop.rows
        ]  # fmt: skip
        built = all(rows.built for _, rows in loop.rows)
        if not names:
            head = f"for _ in range({loop.count}):"
        else:
            together = f"zip({', '.join(texts)})" if len(names) > 1 else texts[0]
            if built or sums:
                listed = self.name("steps")
                whole = f"{listed} = list({together})"
                self.heads.append(whole) if built else self.line(whole, loop.homes)
                together = listed
            head = f"for {', '.join(names)} in {together}:"
        lines = [head, *(f"    {line}" for line in loop.body)]
        if sums:
            first = f"max(start - {skipped}, 0)" if skipped else "start"
            lines[0] = f"{head[:-1]}[{first} : start + {block - skipped}]:"
            lines += [f"high = {steps} - start", f"low = max(high - {block}, 0)"]
            lines = [f"for start in range(0, {steps}, {block}):", *(f"    {line}" for line in [*lines, *sums])]
        self.line(lines, loop.homes)

    def results(self, values: list[Any]) -> None:
        returned = ", ".join(map(self.render, values)) + ("," if len(values) == 1 else "") or "()"
        self.line(f"return {returned}", self.homes_in(values))

    # -- the whole ----------------------------------------------------------------------------------------------------

    def buffered(self, share: bool) -> list[str]:
        """The buffers as text; if they ``share`` memory, those that may be one in one."""
        for number, (_, homes) in enumerate(self.lines):
            for name in homes:
                home = self.homes[name]
                home.first = number if home.first < 0 else home.first
                home.last = number
        found = memories([home for home in self.homes.values() if home.first >= 0], share)
        self.buffers, self.bytes = len(found), sum(memory.bytes for memory in found)
        texts: list[tuple[int, str]] = []
        for memory in found:
            self.imports.setdefault(empty.__module__, set()).add("empty")
            code = code_of(memory.latest.dtype)
            dtype = "" if code == "float64" else f', "{code}"'
            whole, first = memory.whole(), min(home.first for home in memory.begins)
            name = whole.name if whole else self.name("memory")
            texts.append((first, f"{name} = empty({memory.shape}{dtype})"))
            for home, begin in memory.begins.items():
                if home is not whole:
                    row, rows = begin - memory.low, memory.high - memory.low
                    part = batching.sliced(row, row + home.rows, rows).format(name)
                    then = "earlier" if whole and home.first < whole.first else "later"
                    note = f"  # in the same memory, {then}" if whole else ""
                    texts.append((home.first, f"{home.name} = {part}{note}"))
        return [text for _, text in sorted(texts, key=lambda each: each[0])]

    def source(self, share: bool, indent: str = "    ") -> str:
        """The text of the program."""
        buffers = self.buffered(share)
        constants = [f"{value.name} = {self.constant_text(array)}" for array, value in self.constants]
        run = [line for lines, _ in self.lines for line in lines]
        imports = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self.imports.items())]
        return "\n".join(
            [
                *imports,
                "",
                "",
                "def build():",
                *(f"{indent}{line}" for line in [*constants, *buffers, *self.heads]),
                "",
                f"{indent}def program({', '.join(self.inputs)}):",
                *(f"{indent * 2}{line}" for line in run),
                "",
                f"{indent}return program",
                "",
            ]
        )
