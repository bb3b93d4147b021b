"""Whether a function does the same at every step, however many there are: then a short run shows what a long one does.

What this package does along a sequence it does so. Code of the user's may know which step it is (``if t == 50``,
``xs[min(t, 20)]``, a counter), or how long the sequence is (``if len(xs) > 100``, ``xs[-20:]``), and a run of ten steps
would not show it. So it is read out of the code, which must keep nothing from step to step, use no number that could
be one of a late step, and call no function of which it is not known here what it does; and where it has loops or looks
at sizes, it must not choose. What is left are sums and products of the step's number, and these do not stay the same
for ten steps and change later. Where this says no, code may be all right still: the whole sequence is run.
"""

from __future__ import annotations

import builtins
import dis
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from minigrad.compiler.arguments import BY_IDENTITY, PLAIN, Wrapper, of_a_library, opened
from minigrad.compiler.traced import Refused
from minigrad.engine.tensor import Tensor
from minigrad.module import Module

FEW = 8  # numbers below may be written in the code: they are no steps that a short run would not have
LATE = 20_000
"""What comes of a number of steps like this one, and of ordinary numbers in the code, has come."""
COUNTING = {
    "LOAD_GLOBAL": {"range", "len", "enumerate", "reversed", "map"},
    "LOAD_ATTR": {"shape", "size", "nbytes", "strides"},
}
"""Where numbers of steps come from, besides loops."""
UNIFORM = {
    "zip", "list", "tuple", "dict", "isinstance", "float", "print", "super", "str", "sum", "range", "len",
    "enumerate", "reversed", "map", "T", "mT", "shape", "size", "ndim", "dtype", "real", "newaxis", "float32",
    "float64", "append", "extend", "items", "keys", "values", "copy", "astype", "tanh", "exp", "exp2", "expm1",
    "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arctan", "sinh", "cosh", "sqrt", "square", "cbrt",
    "add", "subtract", "multiply", "divide", "negative", "power", "reciprocal", "logaddexp", "mean", "var",
    "std", "prod", "cumsum", "dot", "vdot", "inner", "outer", "matmul", "einsum", "tensordot", "linalg", "norm",
    "stack", "concatenate", "hstack", "vstack", "column_stack", "reshape", "ravel", "flatten", "transpose",
    "swapaxes", "moveaxis", "expand_dims", "squeeze", "broadcast_to", "zeros", "ones", "full", "zeros_like",
    "ones_like", "full_like", "eye", "array", "asarray", "functions", "rnn", "unroll", "cost", "final", "parameters",
    "data", "model", "step", "bind", "scope", "value_and_grad", "grad", "vjp", "jvp", "hvp", "Tensor", "logistic",
    "sigmoid", "softplus", "softmax", "log_softmax", "logsumexp", "squared_error", "cross_entropy",
    "binary_cross_entropy",
}  # fmt: skip
"""Names of which it is known what they do: the same for all lengths, and with numbers no steps at all, no kinks."""
KINKED = {
    "abs", "absolute", "fabs", "sign", "maximum", "minimum", "fmax", "fmin", "clip", "where", "relu", "max", "min",
    "amax", "amin", "heaviside",
}  # fmt: skip
"""These stay the same for a while and then change: of arrays, not of numbers of steps."""
KNOWN = UNIFORM | KINKED
BY_SIZE = {"min", "max"}
"""Python's own choose, and no array can be given to them."""
KEEPING = {"STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "DELETE_ATTR", "DELETE_GLOBAL", "DELETE_SUBSCR",
           "STORE_SLICE", "IMPORT_NAME"}  # fmt: skip
CHOOSING = {"CONTAINS_OP", "IS_OP", "UNARY_NOT", "UNARY_INVERT"}
CONSTANT = {"LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"}
SMOOTH = {"+", "-", "*", "/", "@", "**", "[]"}


def steady(values: Any) -> Literal["yes", "perhaps", "no"]:
    """Whether no function that can be reached from here can tell one step from another, or long from short.

    Perhaps: code of the user's runs at every step or counts them, or has large numbers, slices with computed bounds and
    comparisons, which need not have to do with steps (``np.zeros(64)``, ``z[:n]``, ``z > 0``). It has to be tried out.
    """
    read = _read(values)
    if read is None or not _all_harmless(read, strict=False):
        return "no"
    alone = len(read.codes) <= 1 and not _counting(read) and all(type(number) is float for number in read.numbers)
    return "yes" if alone and _all_harmless(read, strict=True) else "perhaps"


def telling(values: Any, T: int) -> int:
    """How many steps of T have to be tried out, where that is needed: all, if there are numbers like a late step's."""
    read = _read(values)
    numbers = [*read.numbers, *[each for code, _ in read.codes for each in _numbers(code)]] if read else [np.inf]
    return min(T, LATE) if all(not number or 1e-3 <= abs(number) <= 1e3 for number in numbers) else T


def _numbers(code: types.CodeType) -> list[float]:
    """All that are written in it."""
    parts = [part for each in code.co_consts for part in (each if isinstance(each, tuple) else (each,))]
    return [part for part in parts if isinstance(part, (int, float, complex))]  # type: ignore[misc]  # abs is asked


def _all_harmless(read: Read, strict: bool) -> bool:
    counting = _counting(read)
    return read.used <= KNOWN - BY_SIZE and all(
        _harmless(code, all_, i, space, counting, strict)
        for code, space in read.codes for all_ in [list(dis.get_instructions(code))] for i in range(len(all_))
    )  # fmt: skip


@dataclass(frozen=True)
class Read:
    """The user's code that can be reached, each with its global names; what else is called; large numbers."""

    codes: list[tuple[types.CodeType, dict[str, Any]]]
    used: set[str]
    numbers: list[float]


def _read(values: Any) -> Read | None:
    """Nothing where something is reached that may be, or be looked up by, the number of a late step."""
    read = Read([], set(), [])
    try:
        for value in _reached(values):
            if isinstance(value, types.FunctionType) and not of_a_library(value):
                read.codes.extend((code, value.__globals__) for code in _codes(value.__code__))
            elif callable(value) and not isinstance(value, Module):
                if "<locals>" not in getattr(value, "__qualname__", ""):  # a part of a function of this package
                    read.used.add(getattr(value, "__name__", "?"))
            elif type(value) is float or (type(value) is int and not _small(value)):
                read.numbers.append(value)
            elif not _small(value):
                return None
    except Refused:
        return None
    return read


def _counting(read: Read) -> bool:
    return any(
        _loops(each) or each.argval in COUNTING.get(each.opname, ())
        for code, _ in read.codes for each in dis.get_instructions(code)
    )  # fmt: skip


def _small(value: Any) -> bool:
    """Whether a constant or container cannot be, or be looked up by, the number of a late step."""
    if type(value) is int:
        return abs(value) < FEW
    if type(value) is slice:
        return value.step is None and _small(value.start) and _small(value.stop)
    if type(value) in (list, tuple, set, frozenset, dict):
        return len(value) < FEW
    return type(value) is bool or not isinstance(value, (int, list, tuple, dict, range, np.memmap))


def _reached(values: Any) -> Iterator[Any]:
    """All values, functions and methods that may be looked up or called, once; of this package's models none."""
    seen: set[int] = set()
    open_ = [(values, False)]
    while open_:
        value, inside = open_.pop()
        if id(value) in seen or isinstance(value, (str, bool, np.ndarray, np.generic, Tensor)):
            continue
        seen.add(id(value))
        if isinstance(value, Module) or (is_dataclass(value) and not isinstance(value, type)):
            inside = of_a_library(type(value))
            open_ += [
                (method, False) for cls in type(value).__mro__ if not of_a_library(cls)
                for name, each in vars(cls).items() if name != "__init__" for method in _functions(each)
            ]  # fmt: skip
        elif isinstance(value, types.FunctionType) and (value.__closure__ or not of_a_library(value)):
            if not of_a_library(value):
                yield value
        elif not isinstance(value, (types.MethodType, partial, Wrapper)):
            if not inside:
                yield value
            if callable(value) or type(value) in PLAIN or isinstance(value, (float, *BY_IDENTITY)):
                continue
        open_ += [(part, inside) for part in opened(value)[1]]


def _functions(attribute: Any) -> list[Any]:
    """The functions of a class's attribute: methods, properties."""
    found = [attribute, *(getattr(attribute, name, None) for name in ("__func__", "fget", "func"))]
    return [each for each in found if isinstance(each, types.FunctionType)]


def _codes(code: types.CodeType) -> list[types.CodeType]:
    """That of a function, and of those inside it."""
    return [code, *(c for each in code.co_consts if isinstance(each, types.CodeType) for c in _codes(each))]


def _loops(each: dis.Instruction) -> bool:
    return each.opname == "FOR_ITER" or "BACKWARD" in each.opname


def _harmless(
    code: types.CodeType, all_: list[dis.Instruction], i: int, space: dict[str, Any], counting: bool, strict: bool
) -> bool:
    """Whether an instruction keeps nothing, takes nothing unknown and, where somebody counts, chooses nothing."""
    each = all_[i]
    name, value = each.opname, each.argval
    if name in KEEPING or (name == "STORE_DEREF" and value in code.co_freevars):
        return False
    if name in CONSTANT and not isinstance(value, types.CodeType):
        parts = (value, *value) if isinstance(value, tuple) else (value,)
        return all(_small(part) or (type(part) is int and not strict) for part in parts)
    if name in ("BUILD_SLICE", "BINARY_SLICE"):  # if strict, its bounds are written there: xs[1:], xs[:-1]
        return each.arg != 3 and (not strict or all(before.opname in CONSTANT for before in all_[i - 2 : i]))
    if name.startswith("BUILD_"):
        return not isinstance(each.arg, int) or each.arg < FEW
    if name in ("LOAD_GLOBAL", "LOAD_NAME"):
        return _global(value, space.get(value), counting)
    if name in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
        return value in KNOWN or not _has_a_meaning(value)
    if not counting:
        return True
    if name in CHOOSING or ("JUMP" in name and "IF" in name and "NONE" not in name):
        return False
    return name != "BINARY_OP" or each.argrepr.rstrip("=") in SMOOTH


def _global(name: str, value: Any, counting: bool) -> bool:
    """Whether it is known what a global name does."""
    if isinstance(value, types.ModuleType):
        return value.__name__.partition(".")[0] in ("numpy", "minigrad")
    if value is None and hasattr(builtins, name):
        return name in (KNOWN - BY_SIZE if counting else KNOWN) or name.endswith("Error")
    if isinstance(value, types.FunctionType) and not of_a_library(value):
        return True
    return not callable(value) or isinstance(value, Module) or value.__name__ in KNOWN


def _has_a_meaning(name: str) -> bool:
    """Whether NumPy, Python or this package has something of that name."""
    owners = [np, np.linalg, np.fft, np.ndarray, int, float, str, list, tuple, dict, set, range]
    owners += [sys.modules[each] for each in ("minigrad", "minigrad.functions", "minigrad.rnn") if each in sys.modules]
    return name.startswith("__") or any(hasattr(owner, name) for owner in owners)
