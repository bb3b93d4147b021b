"""The differentiable functions of a library, and calls of them."""

from __future__ import annotations

import inspect
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from tests.benchmarks.elsewhere.calls import GENERIC, LAX, NUMPY, OPTIONS
from tests.benchmarks.elsewhere.cases import Case, resolved
from tests.benchmarks.elsewhere.checking import limited, quiet
from tests.benchmarks.elsewhere.points import DOMAINS, VARIETIES, A, filled

MODULES = {
    "autograd": [
        "autograd.numpy", "autograd.numpy.linalg", "autograd.scipy.special", "autograd.scipy.linalg", "autograd.scipy.signal",
        *(f"autograd.scipy.stats.{name}" for name in ("norm", "t", "beta", "gamma", "chi2", "poisson", "dirichlet", "multivariate_normal")),
    ],
    "mygrad": ["mygrad", "mygrad.linalg", "mygrad.nnet.activations", "mygrad.nnet.losses", "mygrad.nnet.layers"],
    "torch": ["torch", "torch.special", "torch.linalg", "torch.nn.functional", "torch.Tensor"],
    "jax": [
        "jax.numpy", "jax.scipy.special", "jax.nn", "jax.numpy.linalg", "jax.lax", "jax.scipy.linalg", "jax.ops", "jax.lax.linalg", "jax.scipy.signal",
        *(f"jax.scipy.stats.{name}" for name in (
            "beta", "binom", "cauchy", "chi2", "expon", "gamma", "gennorm", "gumbel_l", "gumbel_r", "laplace", "logistic", "norm", "pareto", "poisson", "t", "truncnorm",
            "uniform", "vonmises", "wrapcauchy",
        )),
    ],
}  # fmt: skip
NOT_MEANT = (
    "rand", "dropout", "bernoulli", "multinomial", "poisson_nll", "normal_", "exponential_", "cauchy_", "geometric_", "log_normal_", "empty", "uniform_", "random_",
    "save", "load", "set_", "get_", "register", "manual_seed", "compile", "vmap", "from_", "frombuffer", "fromfile", "psum", "pmean", "pmax", "pmin", "all_gather", "ppermute",
    "gumbel_softmax", "rrelu", "fractional", "stop_gradient", "rms", "requires_grad", "backward", "retain_grad", "detach", "numpy", "tolist", "data_ptr", "hook", "share_memory",
    "clone_", "pin_memory", "alpha_dropout", "resize", "storage", "debug", "print", "assert", "hypergeom", "typeof", "fft", "quantize", "quantized", "fake_quant", "int_repr", "mutable", "equal", "greater", "less", "logical_", "isfinite", "isinf", "isnan", "signbit", "ones_like", "zeros_like",
    "mem_guard", "memory", "Tensor", "asarray", "array_repr", "array_str", "isclose", "allclose", "histc", "histogram", "item", "half", "scalar_tensor",
    "sym_", "lowrank", "grad_", "norm_jvp", "add2d", "wrap_if", "generalized_outer", "lobpcg", "normal", "poisson", "binomial", "new", "cpu", "float16", "bfloat16", "longdouble", "double", "nextafter",
)  # fmt: skip
"""Parts of names of what is random, changes its argument, or is no function of arrays."""


REDUCTIONS = {"sum", "prod", "mean", "std", "var", "max", "min", "amax", "amin", "ptp", "nansum", "logsumexp", "softmax"}
REDUCTIONS |= {"nanmean", "nanmax", "nanmin", "nanprod", "nanvar", "nanstd", "log_softmax", "average", "norm"}


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
        for _ in range(8):
            case = self._sampled(rng, turn) if self.samples and (turn % 2 or not self.calls) else self._made(rng, turn)
            if case is not None and computable(case):
                return case
        return None

    def _variety(self, rng: np.random.Generator, turn: int) -> str:
        return str(rng.choice(list(VARIETIES)) if turn > 1 and rng.random() < 0.7 else "generic")

    def _made(self, rng: np.random.Generator, turn: int) -> Case | None:
        if not self.calls:
            return None
        number = (turn if turn < len(self.calls) else int(rng.integers(len(self.calls)))) % len(self.calls)
        call, variety = self.calls[number], self._variety(rng, turn)
        domain = str(rng.choice(self.domains.get(number) or list(DOMAINS)))
        names = [name for name in self.parameters if name in OPTIONS]
        if self.function.rpartition(".")[2] not in REDUCTIONS:
            names = [name for name in names if name != "where"]  # of others it leaves numbers that nobody has set
        chosen = (
            rng.choice(names, min(len(names), int(rng.choice([0, 1, 2], p=[0.3, 0.5, 0.2]))), replace=False)
            if names
            else []
        )
        options = {str(name): OPTIONS[name][rng.integers(len(OPTIONS[name]))] for name in chosen}
        return Case(self.library, self.function, call_filled(call, domain, variety, rng), options, variety)

    def _sampled(self, rng: np.random.Generator, turn: int) -> Case:
        case = self.samples[int(rng.integers(len(self.samples)))]
        variety = self._variety(rng, turn)
        chosen = VARIETIES[variety](rng, [np.array(x) for x in case.floats])
        floats = [np.asarray(x).reshape(like.shape) for x, like in zip(chosen, case.floats, strict=True)]
        return Case(self.library, self.function, case.with_floats(floats).args, case.options, f"sample, {variety}")


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
            forward = case.adapted().forward
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


def operations(library: str) -> Iterator[Operation]:
    """All of a library's functions that can be called with arrays, and give floating-point numbers."""
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
                operation = found(library, path, function, samples.pop(path, []))
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


def found(library: str, path: str, function: Callable[..., Any], samples: list[Case]) -> Operation | None:
    """The calls that a function takes, and the domains in which their values are finite."""
    name = path.rpartition(".")[2]
    table = LAX if path.startswith("jax.lax") else NUMPY
    calls: list[tuple[Any, ...]] = []
    domains: dict[int, list[str]] = {}
    for call in table.get(name, GENERIC):
        good = [
            domain
            for domain in DOMAINS
            if finite(Case(library, path, call_filled(call, domain, "generic", np.random.default_rng(0))))
        ]
        if good:
            domains[len(calls)] = good
            calls.append(call)
    if name not in table:  # of many, some of each number of arguments
        keep = [i for n in (1, 2, 3, 4) for i in [i for i, call in enumerate(calls) if len(call) == n][:9]]
        calls, domains = [calls[i] for i in keep], {k: domains[i] for k, i in enumerate(keep)}
    if not calls and not samples:
        return None
    return Operation(library, path, calls, parameters(name, function), samples, domains)


def finite(case: Case) -> bool:
    try:
        with quiet(), limited(10):
            y = leaves(case.called_plainly())
    except Exception:
        return False
    return bool(y) and all(each.dtype.kind == "f" and each.size and np.all(np.isfinite(each)) for each in y)


def parameters(name: str, function: Callable[..., Any]) -> list[str]:
    """The names of a function's options; a wrapper's are those of NumPy's function."""
    for each in (function, getattr(np, name, None), getattr(np.linalg, name, None)):
        try:
            names = [p for p in inspect.signature(each).parameters if p not in ("args", "kwargs", "self")]  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if names:
            return names
    return ["dim", "keepdim"]


def torch_samples() -> dict[str, list[Case]]:
    """PyTorch's own examples of calls, as its tests have them, by the name of the function."""
    try:
        from torch.testing._internal.common_methods_invocations import op_db
    except ImportError:  # its test tools want packages of their own
        return {}
    torch = resolved("torch")
    found: dict[str, list[Case]] = {}
    for op in op_db:
        path = next((f"{root}.{op.name}" for root in ("torch", "torch.Tensor") if _has(f"{root}.{op.name}")), None)
        if path is None or not op.supports_autograd or torch.float64 not in op.dtypes:
            continue
        torch.manual_seed(0)
        try:
            with quiet():
                samples = list(op.sample_inputs("cpu", torch.float64))
        except Exception:
            continue
        for sample in samples:
            try:
                case = Case("torch", path, _plain((sample.input, *sample.args)), _plain(sample.kwargs), "sample")
            except Exception:
                continue
            if case.floats and 0 < sum(x.size for x in case.floats) <= 60 and len(found.get(path, [])) < 40:
                found.setdefault(path, []).append(case)
    return found


def _plain(tree: Any) -> Any:
    """Tensors as arrays, in Python's own containers."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return (list if isinstance(tree, list) else tuple)(map(_plain, tree))
    return np.array(tree.detach().numpy()) if hasattr(tree, "detach") else tree


def _has(path: str) -> bool:
    try:
        resolved(path)
    except (AttributeError, ImportError):
        return False
    return True
