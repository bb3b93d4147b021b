"""A contender in a process of its own, and what it can be asked.

    python -m tests.benchmarks.bptt.worker NAME

It imports its library once. For every problem it forks, so that none finds memory, caches or compiled code that another
one has left. Questions and answers are lines of JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import Any

import numpy as np

from tests import BLAS
from tests.benchmarks.bptt.problem import Once, Problem

CONTENDERS = {
    "NumPy": ("by_numpy", "by_hand", "numpy"),
    "compiled unroll": ("by_minigrad", "Compiled", "minigrad"),
    "compiled loop": ("by_minigrad", "compiled_loop", "minigrad"),
    "eager unroll": ("by_minigrad", "eager", "minigrad"),
    "eager loop": ("by_minigrad", "eager_loop", "minigrad"),
    "torch.nn": ("by_torch", "fused", "torch"),
    "torch.compile": ("by_torch", "compiled", "torch"),
    "torch loop": ("by_torch", "loop", "torch"),
    "torch loop of costs": ("by_torch", "loop_of_costs", "torch"),
    "lax.scan": ("by_jax", "scanned", "jax"),
    "autograd": ("by_tapes", "autograd", "autograd"),
    "MyGrad": ("by_tapes", "mygrad", "mygrad"),
}
"""Module, function, and the library that it needs."""
ONE_THREAD = dict.fromkeys(BLAS, "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}
SAMPLE = 1e-3
"""Seconds that one sample takes at least: shorter passes are repeated so often."""


def installed(name: str) -> bool:
    return importlib.util.find_spec(CONTENDERS[name][2]) is not None


# -- in the worker ----------------------------------------------------------------------------------------------------


class Desk:
    """Where a contender is asked about one problem."""

    def __init__(self, name: str) -> None:
        module, function, _ = CONTENDERS[name]
        self.maker = getattr(importlib.import_module(f"tests.benchmarks.bptt.{module}"), function)
        self.once: Once
        self.repeat = 1

    def make(self, kind: str, sizes: list[int], dtype: str, gradients: str = "") -> float:
        """Seconds of the first call, which may compile. Its gradients go to a file."""
        T, B, n_in, n = sizes
        problem = Problem.of(kind, (T, B, n_in, n), dtype)
        self.once = self.maker(problem)
        start = time.process_time()
        found = self.once()
        first = time.process_time() - start
        if gradients:
            np.savez(gradients, **found)
        start = time.process_time()
        self.once()
        self.repeat = math.ceil(SAMPLE / max(time.process_time() - start, 1e-9))
        return first

    def turn(self, seconds: float) -> list[tuple[float, float]]:
        """Pass after pass for so long, and two at least: seconds on the processor, and on the clock.

        The first does not count: caches and memory are still as others have left them.
        """
        samples: list[tuple[float, float]] = []
        end = time.perf_counter() + seconds
        while len(samples) < 2 or time.perf_counter() < end:
            clock, processor = time.perf_counter(), time.process_time()
            for _ in range(self.repeat):
                self.once()
            processor, clock = time.process_time() - processor, time.perf_counter() - clock
            samples.append((processor / self.repeat, clock / self.repeat))
        return samples[1:]

    def memory(self) -> int:
        """Bytes of Python's and NumPy's that are there at the worst moment of a pass, without data and parameters."""
        tracemalloc.start()
        self.once()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        held = getattr(self.once, "held", None)
        return peak + (held() if held else 0)

    def peak(self, dtype: str) -> float:
        """Multiplications and additions a second in a large product of matrices: the best of some."""
        n = 1024
        a = np.random.default_rng(0).normal(size=(n, n)).astype(dtype)
        out, best = np.empty_like(a), math.inf
        for _ in range(5):
            start = time.process_time()
            np.dot(a, a, out)
            best = min(best, time.process_time() - start)
        return 2 * n**3 / best


def serve(name: str) -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    desk = Desk(name)
    while line := sys.stdin.readline():
        if not hasattr(os, "fork"):
            answer(desk, line, answers)
        elif (child := os.fork()) == 0:
            while line and answer(desk, line, answers):
                line = sys.stdin.readline()
            os._exit(0)
        else:
            os.waitpid(child, 0)


def answer(desk: Desk, line: str, answers: Any) -> bool:
    """Whether there may be more questions about this problem."""
    question = json.loads(line)
    asked = question.pop("ask")
    if asked == "end":
        said: dict[str, Any] = {"said": True}
    else:
        try:
            said = {"said": getattr(desk, asked)(**question)}
        except Exception as error:  # whatever goes wrong in somebody's library: this contender is left out
            said = {"error": f"{type(error).__name__}: {error}"}
    try:
        print(json.dumps(said), file=answers, flush=True)
    except BrokenPipeError:  # nobody is there any more
        os._exit(1)
    return asked != "end"


# -- and outside of it ------------------------------------------------------------------------------------------------


class Failed(Exception):
    """A contender could not do it, or not in time."""


class Worker:
    """A contender's process, seen from outside."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bptt.worker", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD,
            start_new_session=True,
        )  # fmt: skip

    def ask(self, asked: str, patience: float = 300.0, **question: Any) -> Any:
        """What it says. After that many seconds it is stopped."""
        assert self.process.stdin is not None and self.process.stdout is not None
        late = threading.Timer(patience, self.kill)
        late.start()
        try:
            self.process.stdin.write(json.dumps({"ask": asked, **question}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            late.cancel()
        if not line:
            raise Failed(f"{self.name} ended, or took longer than {patience:.0f} s")
        said = json.loads(line)
        if "error" in said:
            raise Failed(f"{self.name}: {said['error']}")
        return said["said"]

    def kill(self) -> None:
        """With whatever it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()

    def stop(self) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


if __name__ == "__main__":
    serve(sys.argv[1])
