"""The differentiable functions of a library, and calls of them."""

from __future__ import annotations

import inspect
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from tests.benchmarks.elsewhere.calls import GENERIC, LAX, NUMPY, OPTIONS
from tests.benchmarks.elsewhere.cases import Case, resolved
from tests.benchmarks.elsewhere.checking import limited, quiet
from tests.benchmarks.elsewhere.names import LISTS, MODULES, NOT_MEANT, REDUCTIONS
from tests.benchmarks.elsewhere.points import DOMAINS, VARIETIES, A, filled
from tests.benchmarks.elsewhere.samples import torch_samples

Known = dict[str, list[int]]


@dataclass
class Operation:
    """A function of a library, with the calls that it was found to take."""

    library: str
    function: str
    calls: list[tuple[Any, ...]]
    parameters: list[str]
    samples: list[Case] = field(default_factory=list)
    domains: dict[int, list[str]] = field(default_factory=dict)

    def drawn(self, turn: int, seed: int) -> Case | None:
        """The case of this turn, the same for the same seed; None if nothing that was drawn can be computed."""
        rng = np.random.default_rng([seed, turn, zlib.crc32(self.function.encode())])
        for _ in range(12):
            case = self._sampled(rng, turn) if self.samples and (turn % 2 or not self.calls) else self._made(rng, turn)
            if case is not None and computable(case):
                return case
        return None

    def _variety(self, rng: np.random.Generator, turn: int) -> str:
        """Generic at first, then anything; ties twice as often as the rest, since they take many forms."""
        return str(rng.choice([*VARIETIES, "ties"]) if turn > 1 and rng.random() < 0.8 else "generic")

    def _made(self, rng: np.random.Generator, turn: int) -> Case | None:
        if not self.calls:
            return None
        number = (turn if turn < len(self.calls) else int(rng.integers(len(self.calls)))) % len(self.calls)
        call, variety = self.calls[number], self._variety(rng, turn)
        domain = str(rng.choice(self._domains(number)))
        case = case_of(self.library, self.function, call, domain, variety, rng)
        return replace(case, options={**case.options, **self._options(rng, turn)})

    def _domains(self, number: int) -> list[str]:
        """Where the values of a call are finite; anywhere, if they are nowhere."""
        if number not in self.domains:
            same = (self.library, self.function, self.calls[number])
            good = [each for each in DOMAINS if finite(case_of(*same, each, "generic", np.random.default_rng(0)))]
            self.domains[number] = good or list(DOMAINS)
        return self.domains[number]

    def _options(self, rng: np.random.Generator, turn: int) -> dict[str, Any]:
        """None at first, then all values of all options in turn, at times two together."""
        reduces = self.function.rpartition(".")[2] in REDUCTIONS
        names = [name for name in self.parameters if reduces or name != "where"]  # elsewhere it leaves numbers unset
        values = [(name, value) for name in names for value in OPTIONS[name]]
        if not values or turn == 0 or rng.random() < 0.2:
            return {}
        others = [values[int(rng.integers(len(values)))] for _ in range(int(rng.random() < 0.25))]
        return dict([*others, values[turn % len(values)] if rng.random() < 0.7 else values[rng.integers(len(values))]])

    def _sampled(self, rng: np.random.Generator, turn: int) -> Case:
        case = self.samples[int(rng.integers(len(self.samples)))]
        variety = self._variety(rng, turn)
        chosen = VARIETIES[variety](rng, [np.array(x) for x in case.floats])
        floats = [np.asarray(x).reshape(like.shape) for x, like in zip(chosen, case.floats, strict=True)]
        return Case(self.library, self.function, case.with_floats(floats).args, case.options, f"sample, {variety}")


def case_of(
    library: str, path: str, call: tuple[Any, ...], domain: str, variety: str, rng: np.random.Generator
) -> Case:
    """A call as a case, with numbers for its arrays; a dict at its end holds options that it needs."""
    args, options = (call[:-1], call[-1]) if isinstance(call[-1], dict) else (call, {})
    return Case(library, path, call_filled(args, domain, variety, rng), dict(options), variety)


def call_filled(call: tuple[Any, ...], domain: str, variety: str, rng: np.random.Generator) -> tuple[Any, ...]:
    """A call with numbers for its arrays."""
    numbers = iter(filled([hole for hole in leaves(call) if isinstance(hole, A)], domain, variety, rng))
    args: tuple[Any, ...] = mapped(lambda hole: next(numbers) if isinstance(hole, A) else hole, call)
    return args


def computable(case: Case) -> bool:
    """Whether the call is one at all: it gives floating-point numbers, the same ones twice, and not too many."""
    if not case.floats or sum(x.size for x in case.floats) > 60:
        return False
    try:
        with quiet(), limited(20):
            forward = case.adapted.forward
            first, second = (leaves(forward(*case.floats)) for _ in range(2))
    except Exception:
        return False
    kinds = {y.dtype.kind for y in first}
    return (
        kinds == {"f"}
        and sum(y.size for y in first) <= 300
        and all(np.array_equal(y, z, equal_nan=True) for y, z in zip(first, second, strict=True))
        and any(np.any(np.isfinite(y)) for y in first)
    )


def operations(library: str, known: Known) -> Iterator[Operation]:
    """All of a library's functions that can be called with arrays, and give floating-point numbers.

    What they take is found by trying, and kept in ``known``, by the name of the function.
    """
    samples = torch_samples() if library == "torch" else {}
    seen: dict[int, str] = {}
    for module in MODULES[library]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                space = resolved(module)
            except (ImportError, AttributeError):
                continue
            for name in sorted(vars(space) if module != "torch.Tensor" else dir(space)):
                function = getattr(space, name, None)
                if name.startswith("_") or name.endswith("_") or not meant(library, name, function):
                    continue
                if id(function) in seen:
                    continue
                path = f"{module}.{name}"
                operation = found(library, path, function, samples.pop(path, []), known)
                if operation is not None:
                    seen[id(function)] = path
                    yield operation
    for path, cases in samples.items():
        if not any(part in path for part in NOT_MEANT):
            yield Operation(library, path, [], [], cases)


def meant(library: str, name: str, function: Any) -> bool:
    """Whether this is a function to be differentiated at all, and not a class or one of NumPy's own that came along."""
    if not callable(function) or any(part in name for part in NOT_MEANT):
        return False
    if library == "autograd":
        own = str(getattr(function, "__module__", "")).startswith("autograd.") and not hasattr(function, "fun")
        return own or function in resolved("autograd.core.primitive_vjps")
    return library == "mygrad" or not isinstance(function, type)


def found(library: str, path: str, function: Callable[..., Any], samples: list[Case], known: Known) -> Operation | None:
    """A function with the calls that it takes, if there are any."""
    name = path.rpartition(".")[2]
    table = (LAX if path.startswith("jax.lax") else NUMPY).get(name, GENERIC)
    if path not in known:
        known[path] = list(_taken(library, path, table))
    calls = [table[number] for number in known[path]]
    if not calls and not samples:
        return None
    return Operation(library, path, calls, parameters(library, name, function), samples)


def _taken(library: str, path: str, table: Sequence[tuple[Any, ...]]) -> Iterator[int]:
    """The numbers of the calls in a table that a function takes; of what any one is tried with, some of each length."""
    name, counts = path.rpartition(".")[2], Counter[int]()
    arity, most = getattr(getattr(np, name, None), "nin", None), 5 if library == "jax" else 9
    for number, call in enumerate(table):
        if arity is not None and len(call) != arity:
            continue  # what follows is an array for the result
        if table is GENERIC and (counts[len(call)] == most or (isinstance(call[0], list) and name not in LISTS)):
            continue
        if accepted(case_of(library, path, call, "fraction", "generic", np.random.default_rng(0))):
            counts[len(call)] += 1
            yield number


def accepted(case: Case) -> bool:
    """Whether the call gives floating-point numbers, finite or not; JAX need not compute them to know."""
    try:
        with quiet(), limited(10):
            y = resolved("jax.eval_shape")(case.called(), *case.floats) if case.library == "jax" else case.value()
            dtypes = {str(each.dtype) for each in leaves(y) if each.size}
    except Exception:
        return False
    return any(dtype.startswith("float") for dtype in dtypes)


def finite(case: Case) -> bool:
    try:
        with quiet(), limited(10):
            y = leaves(case.value())
    except Exception:
        return False
    return bool(y) and all(each.dtype.kind == "f" and each.size and np.all(np.isfinite(each)) for each in y)


def parameters(library: str, name: str, function: Callable[..., Any]) -> list[str]:
    """The names of a function's options: its own and, where it stands in for one of NumPy's, those of that."""
    numpys = () if library == "torch" else (getattr(np, name, None), getattr(np.linalg, name, None))
    names: list[str] = ["dim", "keepdim"] if library == "torch" else []
    for each in (function, *numpys):
        try:
            names += inspect.signature(each).parameters  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    layout = {"order"} if isinstance(getattr(np, name, None), np.ufunc) else set()  # of the result's memory alone
    return [option for option in dict.fromkeys(names) if option in OPTIONS.keys() - layout]
