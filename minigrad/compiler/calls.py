"""A call as text: how a function is called in a program, and how it is told where to write."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from minigrad.compiler import batching
from minigrad.compiler.algebra import mean_product, outer, total
from minigrad.compiler.naming import Naming, Value, code_of
from minigrad.compiler.node import Node, as_traced
from minigrad.engine.tensor import astype

FRESH = {np.matmul, np.vdot, np.concatenate, np.stack, np.where, np.mean, *batching.REDUCTIONS}
"""Functions whose result is an array of its own, besides ufuncs."""


class Calls(Naming):
    """Calls of a program.

    Parameters
    ----------
    exact : bool
        Whether all is to be the same to the last bit: a straight line, of the calls as they were made.
    in_order : bool
        Whether sums are to be added up as they stand.
    """

    def __init__(self, exact: bool, in_order: bool) -> None:
        super().__init__()
        self.exact, self.in_order = exact, in_order

    def shape(self, value: Any) -> tuple[int, ...]:
        """Of an array of the program, or of a constant."""
        return value.shape if type(value) is Value else np.shape(value)

    def expression(self, node: Node, args: Any, kwargs: Any) -> tuple[str, bool]:
        """A call as text, and whether its result is known to be an array of its own."""
        fn = node.fn
        texts = [self.render(arg) for arg in args]
        if fn is operator.getitem:
            index = args[1] if type(args[1]) is tuple else (args[1],)
            copies = any(type(i) is list or len(self.shape(i)) > 0 for i in index if type(i) is not slice)
            part = f"{texts[0]}[{texts[1]}]"
            several = type(args[0]) is Value and args[0].array is None  # of which this is one
            return self.guarded(part, node) if several and not batching.settled(node.args[0].fn) else part, copies
        if fn is astype:
            return f"{texts[0]}.astype({texts[1]})", True
        if fn is outer:
            return f"{self.function(np.dot)}({texts[0]}.T, {texts[1]})", True
        if fn is mean_product:
            return f"{self.function(np.vdot)}({texts[0]}, {texts[1]}) / {math.prod(self.shape(args[0]))}", True
        if fn is np.matmul and self.dotted(args):
            return f"{self.function(np.dot)}({', '.join(texts)})", True
        if reduced := self.reduced_by(fn, args, kwargs):
            reduce, axis, kept = reduced
            return f"{reduce}({texts[0]}, {axis}{kept})", True
        options = [f"{key}={self.render(value)}" for key, value in kwargs.items()]
        fresh = isinstance(fn, np.ufunc) or fn in FRESH
        call = f"{self.function(fn)}({', '.join([*texts, *options])})"
        return call if fresh or node.shape is None or batching.settled(fn) else self.guarded(call, node), fresh

    def guarded(self, call: str, node: Node) -> str:
        """A call whose result has another shape where numbers are others: which the program is not made for."""
        return f"{self.function(as_traced)}({call}, {node.shape}, {code_of(node.dtype)!r})"

    def reduced_by(self, fn: Any, args: Any, kwargs: Any) -> tuple[str, str, str] | None:
        """What `numpy.sum` and its like call in the end, a microsecond later: a ufunc's method, axis, and the rest."""
        if fn not in batching.REDUCTIONS or len(args) > 2 or kwargs.keys() - {"axis", "keepdims"}:
            return None
        axis = kwargs.get("axis", args[1] if len(args) > 1 else None)
        kept = ", keepdims=True" if kwargs.get("keepdims") else ""
        return self.function(batching.REDUCTIONS[fn]), self.render(axis), kept

    def dotted(self, args: Any) -> bool:
        """Whether `numpy.dot` will do for `numpy.matmul`."""
        ranks = [len(self.shape(arg)) for arg in args]
        return not self.exact and max(ranks) <= 2

    def without_axes(self, fn: Any, args: Any) -> list[Any]:
        """Numbers among a ufunc's arguments as arrays: it takes half the time to look at one."""
        dtypes = {arg.dtype for arg in args if type(arg) is Value}
        if not isinstance(fn, np.ufunc) or len(dtypes) != 1:
            return list(args)
        (dtype,) = dtypes
        weak = (int, float) if dtype.kind == "f" and dtype.itemsize > 2 else ()
        return [
            np.array(arg, dtype) if type(arg) in weak else np.asarray(arg) if isinstance(arg, np.floating) else arg
            for arg in args
        ]

    def writes(self, node: Node, args: Any, kwargs: Any) -> bool:
        """Whether a function writes where it is told to."""
        fn = node.fn
        if isinstance(fn, np.ufunc):
            return fn.nout == 1 and not kwargs
        return fn in (total, outer, np.concatenate, np.stack) or (fn in batching.REDUCTIONS and len(args) <= 2)

    def written(self, node: Node, args: Any, kwargs: Any, out: Value) -> list[str]:
        """The statements that write the result of a call."""
        fn, target = node.fn, out.name
        texts = [self.render(arg) for arg in args]
        if fn is total:
            add = self.function(np.add)
            if not self.in_order:
                texts = [texts[i] for i in sorted(range(len(args)), key=lambda i: self.shape(args[i]) != out.shape)]
            return [f"{add}({texts[0]}, {texts[1]}, {target})", *(f"{add}({target}, {t}, {target})" for t in texts[2:])]
        if fn is np.matmul and not kwargs and self.fits_dot(args, out):
            return [f"{self.function(np.dot)}({', '.join([*texts, target])})"]
        if isinstance(fn, np.ufunc) and fn.nout == 1:
            options = [f", {key}={self.render(value)}" for key, value in kwargs.items()]
            where = f"out={target}" if fn in (np.maximum, np.minimum) else target  # which deprecate a third position
            return [f"{self.function(fn)}({', '.join([*texts, where])}{''.join(options)})"]
        if (
            fn is outer
            and all(type(a) is Value and a.dtype == out.dtype for a in args)
            and out.array.flags.c_contiguous
        ):
            return [f"{self.function(np.dot)}({texts[0]}.T, {texts[1]}, {target})"]
        if fn in (np.concatenate, np.stack):
            options = [f", {key}={self.render(value)}" for key, value in kwargs.items()]
            return [f"{self.function(fn)}({', '.join(texts)}{''.join(options)}, out={target})"]
        if reduced := self.reduced_by(fn, args, kwargs):
            reduce, axis, kept = reduced
            return [f"{reduce}({texts[0]}, {axis}, None, {target}{kept})"]
        return [f"{target}[...] = {self.expression(node, args, kwargs)[0]}"]

    def fits_dot(self, args: Any, out: Value) -> bool:
        """`numpy.dot` wants its result's memory in one piece, and of the very dtype."""
        dtypes = [arg.dtype if isinstance(arg, (Value, np.ndarray)) else None for arg in args]
        return self.dotted(args) and all(d == out.dtype for d in dtypes) and bool(out.array.flags.c_contiguous)
