"""How minigrad's gradient checker compares with others: who fails what is right, and who passes what is wrong.

    python -m tests.benchmarks.checkers

The same pairs of NumPy functions, a function and its claimed pullback (`tests.testing.pairs`, `tests.testing.wrong`),
go through every checker that is installed, each with the settings that it has if one sets none. Each of the others is
given the pair as a function of its own: PyTorch as an `autograd.Function`, JAX as a `custom_vjp` around a callback,
autograd as a primitive.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import importlib.metadata
import importlib.util
import logging
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing import vjp_report
from tests.testing.pairs import PAIRS
from tests.testing.wrong import wrongs

Checker = Callable[[Any, Any, tuple[Any, ...]], str]
STEP, TOLERANCE = 1e-6, 1e-5  # of "by hand"


MODULES = {"PyTorch": "torch", "JAX": "jax", "autograd": "autograd"}


class Unable(Exception):
    """The checker cannot be given this pair."""


# -- the checkers: each says "pass", "fail" or "inconclusive" ---------------------------------------------------------


def minigrad(forward: Any, vjp: Any, args: tuple[Any, ...]) -> str:
    """`minigrad.testing.vjp_report`."""
    return vjp_report(forward, vjp, args).verdict


def by_hand(forward: Any, vjp: Any, args: tuple[Any, ...]) -> str:
    """Central differences at a fixed step, element by element, as one writes them at first."""
    args = plain(args)
    y = np.asarray(forward(*args))
    w = np.random.default_rng(0).normal(size=y.shape)
    for i, g in enumerate(cotangents(vjp, w, args)):
        numerical = np.zeros(args[i].shape)
        for place in np.ndindex(args[i].shape):
            sides = []
            for sign in (1, -1):
                moved = [np.array(x) for x in args]
                moved[i][place] += sign * STEP
                sides.append(np.sum(w * forward(*[x[()] for x in moved])))
            numerical[place] = (sides[0] - sides[1]) / (2 * STEP)
        if not np.allclose(g, numerical, rtol=TOLERANCE, atol=TOLERANCE):
            return "fail"
    return "pass"


def pytorch(forward: Any, vjp: Any, args: tuple[Any, ...]) -> str:
    """`torch.autograd.gradcheck`."""
    import torch

    args = plain(args)

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            return torch.as_tensor(np.array(forward(*arrays(tensors))))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            found = cotangents(vjp, np.array(g.numpy()), arrays(ctx.saved_tensors))
            return tuple(torch.as_tensor(np.ascontiguousarray(each)) for each in found)

    def arrays(tensors: Any) -> Any:
        return tuple(np.array(t.detach().numpy()) for t in tensors)

    tensors = [torch.tensor(x, requires_grad=True) for x in args]
    return "pass" if torch.autograd.gradcheck(Pair.apply, tensors, raise_exception=False) else "fail"


def jax(forward: Any, vjp: Any, args: tuple[Any, ...]) -> str:
    """`jax.test_util.check_grads`, first order, reverse mode."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    args = plain(args)
    like = np.asarray(forward(*args))
    result = jax.ShapeDtypeStruct(like.shape, like.dtype)
    shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in args]
    raw = lambda xs: [np.array(x) for x in xs]

    @jax.custom_vjp
    def f(*xs: Any) -> Any:
        return jax.pure_callback(lambda *inner: np.asarray(forward(*raw(inner)), like.dtype), result, *xs)

    def back(xs: Any, g: Any) -> Any:
        def pulled(g: Any, *inner: Any) -> Any:
            return [np.asarray(each) for each in cotangents(vjp, np.array(g), raw(inner))]

        return tuple(jax.pure_callback(pulled, shapes, g, *xs))

    f.defvjp(lambda *xs: (f(*xs), xs), back)
    try:
        check_grads(f, args, order=1, modes=["rev"])
    except Exception:  # AssertionError, or what the callback raised
        return "fail"
    return "pass"


def autograd(forward: Any, vjp: Any, args: tuple[Any, ...]) -> str:
    """`autograd.test_util.check_grads`, first order, reverse mode."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    args = plain(args)
    f = primitive(lambda *xs: forward(*[np.array(x)[()] for x in xs]))

    def rule(i: int) -> Any:
        return lambda y, *xs: lambda g: cotangents(vjp, np.array(g), [np.array(x) for x in xs])[i]

    defvjp(f, *[rule(i) for i in range(len(args))])
    try:
        check_grads(f, tuple(range(len(args))), modes=["rev"], order=1)(*args)
    except Exception:
        return "fail"
    return "pass"


CHECKERS: dict[str, Checker] = {
    "minigrad": minigrad, "PyTorch": pytorch, "JAX": jax, "autograd": autograd, "by hand": by_hand
}  # fmt: skip


def plain(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as writeable float64 arrays; only minigrad takes other ones."""
    if not all(isinstance(x, (np.ndarray, float)) and np.asarray(x).dtype == np.float64 for x in args):
        raise Unable
    return tuple(np.array(x) for x in args)


def cotangents(vjp: Any, g: Any, args: Any) -> list[Any]:
    """What a pullback gives, one array an argument."""
    found = vjp(g, *args)
    found = found if isinstance(found, tuple) else (found,)
    return [np.zeros(np.shape(x)) if each is None else np.asarray(each) for each, x in zip(found, args, strict=True)]


# -- and the comparison -----------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What a checker said, and how long it took; "not run" if it cannot be given the pair."""

    verdict: str
    seconds: float


def judged(checker: Checker, forward: Any, vjp: Any, args: tuple[Any, ...]) -> Outcome:
    np.random.seed(0)  # noqa: NPY002  # some of the checkers draw from it
    start = time.perf_counter()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdict = checker(forward, vjp, args)
    except Unable:
        verdict = "not run"
    except Exception:  # the pair raised, inside a checker that lets it through: somebody looks at it
        verdict = "fail"
    return Outcome(verdict, time.perf_counter() - start)


def installed() -> dict[str, Checker]:
    missing = [name for name, module in MODULES.items() if importlib.util.find_spec(module) is None]
    for name in missing:
        print(f"{name} is not installed and left out", file=sys.stderr)
    return {name: checker for name, checker in CHECKERS.items() if name not in missing}


def main() -> None:
    """Run everything, and print the tables as Markdown."""
    checkers = installed()
    logging.disable()  # JAX logs what a callback raises; that is counted here
    rows: dict[str, list[str]] = {}
    found: dict[str, dict[str, bool]] = {}
    for name, checker in checkers.items():
        right = {p.name: judged(checker, p.forward, p.vjp, p.args) for p in PAIRS}
        wrong = {w.name: judged(checker, w.forward, w.vjp, w.args) for w in wrongs()}
        smooth = Counter(o.verdict for name, o in right.items() if not name.startswith("kink"))
        kinks = Counter(o.verdict for name, o in right.items() if name.startswith("kink"))
        found[name] = {each: outcome.verdict == "fail" for each, outcome in wrong.items()}
        unable = sum(outcome.verdict == "not run" for outcome in wrong.values())
        milliseconds = 1e3 * statistics.median(o.seconds for o in right.values() if o.verdict != "not run")
        rows[name] = [
            str(smooth["pass"]), str(smooth["fail"]), str(smooth["inconclusive"]), str(smooth["not run"]),
            str(kinks["fail"]), str(sum(found[name].values())),
            str(len(wrong) - unable - sum(found[name].values())), f"{milliseconds:.1f}",
        ]  # fmt: skip
    versions = [f"{m} {importlib.metadata.version(m)}" for m in ("numpy", *MODULES.values()) if m in sys.modules]
    kinks_of = sum(p.name.startswith("kink") for p in PAIRS)
    print(
        f"{len(PAIRS) - kinks_of} right gradients, {kinks_of} more at kinks, {len(wrongs())} wrong ones;",
        ", ".join(versions) + ":\n",
    )
    print("| | right: passed | **false alarms** | inconclusive | not run | false alarms at kinks ", end="")
    print("| wrong: found | **missed** | median ms |\n" + "| --- " + "| ---: " * 8 + "|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")
    print(
        "\nWhat was missed:\n\n| wrong gradient | "
        + " | ".join(checkers)
        + " |\n| --- "
        + "| --- " * len(checkers)
        + "|"
    )
    for each in next(iter(found.values())):
        if not all(found[name][each] for name in checkers):
            print(
                f"| {each} | " + " | ".join("found" if found[name][each] else "**missed**" for name in checkers) + " |"
            )


if __name__ == "__main__":
    main()
