"""What may know which step it is, or how long a sequence, is not told from short runs; the usual code is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy import maximum

import minigrad as mg
from minigrad.compiler.steady import _harmless, steady, telling
from minigrad.rnn import unroll

W = np.array([[0.5, 0.2], [-0.3, 0.4]])
TABLE = [0.1] * 50
FEW = [0.1, 0.2]
bound = 20
minimum = np.minimum


def outputs_stacked(xs: Any) -> Any:
    h, hs = np.zeros(2), []
    for x in xs:
        h = np.tanh(h @ W + x)
        hs.append(h)
    return np.sum(np.stack(hs) ** 2)


def by_number(xs: Any) -> Any:
    hs, cost = [np.zeros(2)], 0.0
    for t in range(1, len(xs)):
        hs.append(np.tanh(W @ hs[t - 1] + 0.5 * xs[t]))
        cost = cost + np.sum((hs[t] - xs[t - 1]) ** 2)
    return cost


def in_pairs(xs: Any) -> Any:
    return sum(np.sum(a * np.tanh(b)) for a, b in zip(xs[1:], xs[:-1], strict=True)) / len(xs)


def from_the_end(xs: Any) -> Any:
    h = np.zeros(2)
    for x in reversed(xs):
        h = np.sin(h + x)
    return np.mean(h)


def without_a_loop(xs: Any) -> Any:
    return np.mean(np.maximum(xs, 0)) + np.sum(np.where(xs > 0.5, xs, xs**2))


class Leaky(mg.Module):
    """A cell of the user's, with a choice that has nothing to do with time."""

    n_in, dtype, roles, carried = 2, np.dtype(np.float64), ("h",), ("h",)

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.A = mg.Tensor(W, True, "A")
        self.bias = bias

    def bind(self, batch: Any = (), rng: Any = None) -> Any:
        return self.A.T

    def initial(self, batch: tuple[int, ...]) -> dict[str, Any]:
        return {"h": np.zeros((*batch, 2))}

    def step(self, bound: Any, x: Any, carried: dict[str, Any]) -> dict[str, Any]:
        z = carried["h"] @ bound + x
        if self.bias:
            z = z + 0.1
        return {"h": 0.9 * carried["h"] + 0.1 * mg.functions.relu(z)}


def of_a_model(model: Any) -> Callable[[Any], Any]:
    return lambda xs: sum(np.sum(h**2) for h in unroll(model, xs)["h"])


EVEN = [outputs_stacked, by_number, in_pairs, from_the_end, without_a_loop]


@pytest.mark.parametrize("f", EVEN)
def test_the_usual_code_is_the_same_at_all_lengths(f: Any) -> None:
    assert steady(f) == steady(mg.value_and_grad(f)) == ("yes" if f is without_a_loop else "perhaps")


@pytest.mark.parametrize("bias", [True, False])
def test_cells_may_choose_and_their_own_loop_is_this_packages(bias: bool) -> None:
    model = Leaky(bias)
    f = mg.value_and_grad(lambda model, xs: np.sum(unroll(model, xs)["h"][-1] ** 2))
    assert steady((f, (model,))) == "perhaps"
    step, xs = mg.compile(f), np.random.default_rng(0).normal(size=(60, 2))
    np.testing.assert_allclose(step(model, xs)[1]["A"], f(model, xs)[1]["A"], rtol=1e-12)
    step(model, xs[:40])
    assert step.report().traced == 1


def at_a_step(xs: Any) -> Any:
    return sum(np.sum(x * (3.0 if t == 50 else 1.0)) for t, x in enumerate(xs))


def by_the_length(xs: Any) -> Any:
    return np.sum(xs) if len(xs) > 40 else np.sum(xs**2)


def by_the_shape(xs: Any) -> Any:
    return np.sum(xs) if xs.shape[0] > 40 else np.sum(xs**2)


def no_further(xs: Any) -> Any:
    return sum(np.sum(x * xs[min(t, 20)]) for t, x in enumerate(xs))


def no_further_in_numpy(xs: Any) -> Any:
    return sum(np.sum(x * xs[np.minimum(t, 20)]) for t, x in enumerate(xs))


def no_further_by_another_name(xs: Any) -> Any:
    return sum(np.sum(x * xs[minimum(t, 20)]) for t, x in enumerate(xs))


def no_further_by_default(xs: Any, least: Any = np.minimum) -> Any:
    return sum(np.sum(x * xs[least(t, 20)]) for t, x in enumerate(xs))


def the_last_twenty(xs: Any) -> Any:
    return np.sum(xs[-20:] ** 2)


def the_last_by_name(xs: Any) -> Any:
    return np.sum(xs[-bound:] ** 2)


def the_first_fifty(xs: Any) -> Any:
    return sum(np.sum(x**2) for x, _ in zip(xs, W.repeat(25), strict=False))


def every_seventh(xs: Any) -> Any:
    return np.mean(xs[::7])


def in_turns(xs: Any) -> Any:
    return sum(np.sum(x * FEW[t % 2]) for t, x in enumerate(xs))


def in_blocks(xs: Any) -> Any:
    return sum(np.sum(x * (1.0 + t // 30)) for t, x in enumerate(xs))


def out_of_a_table(xs: Any) -> Any:
    return sum(np.sum(x * weight) for x, weight in zip(xs, TABLE, strict=False))


def with_a_counter(xs: Any) -> Any:
    count = 0

    def one(x: Any) -> Any:
        nonlocal count
        count += 1
        return np.sum(x) * max(0, count - 30)

    return sum(one(x) for x in xs)


def relu_of_the_step(xs: Any) -> Any:
    return sum(np.sum(x) * maximum(t - 30.0, 0) for t, x in enumerate(xs))


def rounded(xs: Any) -> Any:
    return sum(np.sum(x) * np.floor(t / 40.0) for t, x in enumerate(xs))


def while_it_lasts(xs: Any) -> Any:
    t, cost = 0, 0.0
    while t < len(xs):
        cost = cost + np.sum(xs[t])
        t += 1 + (t > 30)
    return cost


def method_of_a_number(xs: Any) -> Any:
    return sum(np.sum(x) * t.bit_length() for t, x in enumerate(xs))


def found_in_text(xs: Any) -> Any:
    return sum(np.sum(x) * ("a" * 30 + "b").find("b", t) for t, x in enumerate(xs))


@dataclass(frozen=True)
class Settings:
    """What a function may be given."""

    window: int = 30

    def at(self, t: int) -> float:
        return 1.0 if t < self.window else 0.5


def with_settings(xs: Any, settings: Any = Settings()) -> Any:
    return sum(np.sum(x) * settings.at(t) for t, x in enumerate(xs))


class Tired(Leaky):
    """A cell that counts."""

    def step(self, bound: Any, x: Any, carried: dict[str, Any]) -> dict[str, Any]:
        self.count = getattr(self, "count", 0) + 1
        return super().step(bound, x, carried)


KNOWING = [
    at_a_step, by_the_length, by_the_shape, no_further, every_seventh, in_turns, in_blocks, out_of_a_table,
    with_a_counter, rounded, while_it_lasts, method_of_a_number, found_in_text, with_settings,
]  # fmt: skip


def with_kinks(xs: Any) -> Any:
    h, cost = np.zeros(2), 0.0
    for x in xs:
        h = np.tanh(h @ W + x)
        cost = cost + np.sum(np.where(h > 0, h, 0.1 * h) ** 2)
    return cost


PERHAPS = [no_further_in_numpy, no_further_by_another_name, no_further_by_default, the_last_twenty, the_last_by_name,
           relu_of_the_step, with_kinks]  # fmt: skip


@pytest.mark.parametrize("f", PERHAPS)
def test_what_has_to_be_tried_out(f: Any) -> None:
    assert steady(f) == steady(lambda xs: f(xs)) == "perhaps"


@pytest.mark.parametrize("f", KNOWING)
def test_what_may_know_the_step_is_not(f: Any) -> None:
    assert steady(f) == steady(lambda xs: f(xs)) == "no"


@pytest.mark.parametrize(
    ("name", "value", "before", "fine"),
    [
        ("LOAD_SMALL_INT", 50, None, False),
        ("LOAD_SMALL_INT", 2, None, True),
        ("RETURN_CONST", 50, None, False),
        ("LOAD_CONST", slice(-20, None), None, False),
        ("LOAD_CONST", slice(None, None, 7), None, False),
        ("LOAD_CONST", slice(1, None), None, True),
        ("BINARY_SLICE", None, "LOAD_FAST", False),
        ("BINARY_SLICE", None, "LOAD_CONST", True),
        ("STORE_SLICE", None, None, False),
        ("LOAD_SUPER_ATTR", "bit_length", None, False),
    ],
)
def test_instructions_of_other_versions_of_python(name: str, value: Any, before: Any, fine: bool) -> None:
    all_: Any = [*[SimpleNamespace(opname=before)] * 2, SimpleNamespace(opname=name, argval=value, arg=None)]
    assert _harmless(steady.__code__, all_, 2, {}, False, True) == fine


def test_names_that_two_modules_have_in_common() -> None:
    """`scale` is one thing here and another one there."""
    there: dict[str, Any] = {"scale": np.tanh}
    exec("def g(x): return scale(x)", there)
    here: dict[str, Any] = {"scale": np.floor, "g": there["g"]}
    exec("def f(x): return scale(x) + g(x)", here)
    assert steady(there["g"]) == "yes" and steady(here["f"]) == "no"


def test_what_is_called_at_every_step_is_tried_out() -> None:
    assert steady(mg.value_and_grad(lambda model, xs: np.sum(unroll(model, xs)["h"] ** 2))) == "yes"
    for f in (outputs_stacked, in_pairs, lambda xs: scaled(xs)):
        assert steady(f) == "perhaps"


def scaled(x: Any) -> Any:
    return 2.0 * x


def test_how_many_steps_tell() -> None:
    """Of very long sequences those at the beginning do, unless a number in the code is like that of a late step."""
    late, eps = 60_000.0, 1e-9
    assert telling(outputs_stacked, 100_000) == telling(scaled, 100_000) == 20_000
    assert telling(outputs_stacked, 70) == 70
    for f in (lambda x: x - 60_000, lambda x: x - late, lambda x: x * eps, lambda x: [x, (x, 5000)], no_further):
        assert telling(f, 100_000) == (20_000 if f is no_further else 100_000)


class Tabled(Leaky):
    """What it knows of steps is its class's."""

    weights = [1.0] * 20 + [2.0] * 200

    def cost(self, xs: Any) -> Any:
        return sum(np.sum(x * x) * weight for x, weight in zip(xs, self.weights, strict=False))


def of_literal_size(xs: Any) -> Any:
    h, cost = np.zeros((1, 12)), 0.0
    for x in xs:
        h = np.tanh(np.sum(x) + 0.5 * h)
        cost = cost + np.sum(h**2)
    return cost


def with_gates(xs: Any) -> Any:
    n, h, cost = W.shape[0] - 1, np.zeros(1), 0.0
    for x in xs:
        z = np.sum(h) + x @ W
        h = np.tanh(z[:n]) / (1 + np.exp(-z[n:]))
        cost = cost + np.sum(h**2)
    return cost


@pytest.mark.parametrize("f", [of_literal_size, with_gates])
def test_usual_code_is_not_run_as_a_whole(f: Any) -> None:
    g, rng = mg.value_and_grad(f), np.random.default_rng(0)
    step = mg.compile(g)
    for T in (60, 35, 81):
        xs = rng.normal(size=(T, 2))
        for got, want in zip(step(xs), g(xs), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    assert step.report().traced == 1


def test_tables_of_a_class_are_not() -> None:
    assert steady((lambda model, xs: model.cost(xs), Tabled(False))) == "no"


def test_a_cell_that_keeps_something_is_not() -> None:
    assert steady((of_a_model(None), Tired(False))) == "no"


@pytest.mark.parametrize("f", [*EVEN, *KNOWING, *PERHAPS, the_first_fifty])
def test_either_is_what_it_is_uncompiled(f: Any) -> None:
    """Also where an array of another length cuts a loop short."""
    step, rng = mg.compile(f), np.random.default_rng(0)
    for T in (60, 35, 81):
        xs = rng.normal(size=(T, 2))
        np.testing.assert_allclose(step(xs), f(xs), rtol=1e-12)
