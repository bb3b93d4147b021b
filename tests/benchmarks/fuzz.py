"""Random programs against JAX: the same expression, the same numbers, in float64.

    python -m tests.benchmarks.fuzz [--count 5000] [--seed 0]

A program has 5 to 40 operations, each of earlier results, many of them used several times. The gradient of a weighted
sum of its result is compared, and the gradient's gradient along a direction. Whatever differs is printed as source, and
the exit status is then 1; a second derivative that is NaN here, which is what it is said to be at ties and kinks
(docs/conventions.md), is counted. Needs jax (the dependency group ``bench``).
"""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import reduce
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.testing.programs import DEFAULT_OPS, A, B, Node, Op, Program, node

LISTS = ("[[0, 0]]", "[[1, 1], [0, 0]]")  # JAX takes no lists for indices
MORE = (
    "np.cos(a)",
    "np.arctan(a)",
    "np.log1p(a ** 2)",
    "np.arcsinh(a)",
    "np.expm1(-a ** 2)",
    "np.sinc(a)",
    "np.hypot(a, 1 + b)",
    "np.arctan2(a, 2 + np.cos(b))",
    "np.clip(a, -0.5, 0.5)",
    "(1.5 + np.sin(a)) ** b",
    "np.cbrt(2 + np.sin(a))",
    "np.copysign(a, 0.1234 + b)",
    "np.heaviside(a - 0.1234, 0.5) * b",
    "np.square(a) - np.fabs(b)",
    "np.reciprocal(2 + np.cos(a))",
    f"np.std(np.stack([{A}, 1 + {B}, 3 - {A}]), axis=0)",
    f"np.linalg.norm({A} + 2, axis=1, keepdims=True)",
    f"np.linalg.inv({A} @ {A}.T + 3 * np.eye(2))",
    f"np.linalg.det({A})",
    f"np.linalg.solve({A} @ {A}.T + 3 * np.eye(2), {B})",
    f"np.linalg.cholesky({A} @ {A}.T + 3 * np.eye(2))",
    f"np.tensordot({A}, {B}, axes=([0], [1]))",
    f"np.kron({A}[0], {B}[1]).reshape(2, 2)",
    f"np.vdot({A}, {B})",
    f"np.trace({A})",
    f"np.diagonal({A})",
    f"np.diag({A}[0])",
    f"np.tril({A}) + np.triu({B}, 1)",
    f"np.cumprod({A}, axis=1)",
    f"np.diff({A}, axis=0)",
    f"np.repeat({A}[:1], 2, axis=0)",
    f"np.tile({A}[0], (2, 1))",
    f"np.flip({A}, 1)",
    f"np.rot90({A})",
    f"np.swapaxes({A}, 0, 1)",
    f"np.pad({A}[:1, :1], ((0, 1), (1, 0)))",
    f"np.take({A}, np.array([1, 0]), axis=1)",
    f"np.average({A}, axis=0, weights=1 + {B} ** 2)",
    f"np.split({A}, 2)[1]",
    f"np.hstack([{A}[:, :1], {B}[:, 1:]])",
)
SINGLE = "np.float32"  # and these constants would be computed with in float32, with other rounding
OPS = [op for op in DEFAULT_OPS if not op.source.endswith(LISTS) and SINGLE not in op.source] + [*map(Op, MORE)]
PLUS, STEADY = Op("a + b"), Op("np.sin(a)")
SHAPES = [(), (2,), (1, 2), (2, 1), (2, 2)]


def drawn(rng: np.random.Generator) -> tuple[Program, list[np.ndarray]]:
    """A program of 5 to 40 operations, and numbers for its inputs."""
    lines: list[Node] = [node("x"), node("w"), *(node(op) for op in OPS if not op.parameters)]
    ops = [op for op in OPS if op.parameters]
    for _ in range(rng.integers(5, 41) // 2):
        op = ops[rng.integers(len(ops))]
        parts = [lines[max(0, len(lines) - 1 - int(rng.exponential(4.0)))] for _ in op.parameters]
        lines.append(node(STEADY, node(op, *parts)))
    program = Program(reduce(lambda a, b: node(PLUS, a, b), lines[-min(4, len(lines)) :]), ("x", "w"))
    return program, [rng.normal(size=SHAPES[rng.integers(len(SHAPES))]) for _ in program.inputs]


def with_jax(program: Program, values: list[np.ndarray], directions: list[np.ndarray]) -> tuple[Any, Any]:
    """The gradient and its own derivative along ``directions``, by JAX."""
    import jax

    names: dict[str, Any] = {"np": jax.numpy}
    exec(program.source(), names)
    weighted = lambda *inputs: weigh(names["program"](*inputs), jax.numpy)
    gradient = jax.grad(weighted, argnums=(0, 1))
    along = lambda *inputs: sum(jax.numpy.sum(g * d) for g, d in zip(gradient(*inputs), directions, strict=True))
    return gradient(*values), jax.grad(along, argnums=(0, 1))(*values)


def with_minigrad(program: Program, values: list[np.ndarray], directions: list[np.ndarray]) -> tuple[Any, Any]:
    """The same by minigrad."""
    weighted = lambda *inputs: weigh(program(*inputs), np)
    return mg.grad(weighted, argnums=(0, 1))(*values), mg.hvp(weighted, values, directions)


def weigh(y: Any, numpy: Any) -> Any:
    """A number out of any result; each element counts differently."""
    return numpy.sum(y * np.linspace(0.5, 1.5, int(np.prod(np.shape(y)))).reshape(np.shape(y)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(options.seed)
    found = passed_over = at_kinks = operations = 0
    for number in range(options.count):
        program, values = drawn(rng)
        directions = [rng.normal(size=value.shape) for value in values]
        operations += len(program.operations)
        theirs, ours = with_jax(program, values, directions), with_minigrad(program, values, directions)
        for order, (expected, claimed) in enumerate(zip(theirs, ours, strict=True), 1):
            for name, exact, g in zip(program.inputs, expected, claimed, strict=True):
                exact, g = np.asarray(exact), np.asarray(g)
                scale = 1.0 + np.max(np.abs(exact), initial=0.0)
                if not np.isfinite(scale):
                    passed_over += 1
                elif order == 2 and g.shape == exact.shape and np.isnan(g).any():
                    at_kinks += 1
                elif g.shape != exact.shape or not np.allclose(g, exact, rtol=1e-8, atol=1e-9 * scale):
                    found += 1
                    print(f"\n# program {number}, order {order}, argument {name}: {g} here, {exact} by JAX")
                    print(f"{program.source()}\n# at {values}, along {directions}")
    print(f"{options.count} programs, {operations} operations: {found} differ, {passed_over} infinite in JAX,", end=" ")
    print(f"{at_kinks} second derivatives NaN at kinks")
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
