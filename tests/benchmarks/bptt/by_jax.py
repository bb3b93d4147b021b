"""JAX: the loop as `lax.scan`, differentiated and jitted."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks.bptt.problem import Gradients, Once, Problem

jax.config.update("jax_enable_x64", True)


def rnn(p: Any, carried: Any, drive: Any) -> Any:
    h = jnp.tanh(drive + carried[0] @ p["W"].T)
    return (h,), h


def lstm(p: Any, carried: Any, drive: Any) -> Any:
    h, c = carried
    i, f, g, o = jnp.split(drive + h @ p["W"].T, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru(p: Any, carried: Any, drive: Any) -> Any:
    (h,) = carried
    (x_r, x_u, x_n), (h_r, h_u, h_n) = jnp.split(drive, 3, axis=-1), jnp.split(h @ p["W"].T, 3, axis=-1)
    candidate = jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * (h_n + p["d"]))
    h = candidate + jax.nn.sigmoid(x_u + h_u) * (h - candidate)
    return (h,), h


STEPS = {"RNN": rnn, "LSTM": lstm, "GRU": gru}


def scanned(problem: Problem) -> Once:
    step = STEPS[problem.kind]
    state = {name: jnp.asarray(value) for name, value in problem.state.items()}
    xs, targets = jnp.asarray(problem.xs), jnp.asarray(problem.targets)
    zeros = jnp.zeros((xs.shape[1], problem.model.n_hidden), xs.dtype)

    def cost(p: Any, xs: Any, targets: Any) -> Any:
        start = (zeros, zeros) if problem.kind == "LSTM" else (zeros,)
        _, hs = jax.lax.scan(lambda carried, drive: step(p, carried, drive), start, xs @ p["U"].T + p["b"])
        return jnp.sum(jnp.square(hs @ p["V"].T + p["c"] - targets)) / xs.shape[1]

    jitted = jax.jit(jax.value_and_grad(cost))

    def once() -> Gradients:
        _, gradients = jax.block_until_ready(jitted(state, xs, targets))
        return {name: np.asarray(gradient) for name, gradient in gradients.items()}

    return once
