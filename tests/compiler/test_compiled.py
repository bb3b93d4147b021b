"""Compiled is what the function gives: for all models, lengths and batches, whatever happened in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor, compile, functions, grad, hvp, value_and_grad
from minigrad.compiler.compiled import Compiled
from minigrad.compiler.traced import Refused
from minigrad.containers import leaves
from minigrad.testing.programs import Program, programs

rnn = mg.rnn
MODELS: dict[str, Callable[[], Any]] = {
    **{f"f={f}": lambda f=f: rnn.RNN(2, 3, 2, f=f) for f in ("tanh", "logistic", "relu", "identity")},
    **{f"g={g}": lambda g=g: rnn.RNN(2, 3, 2, g=g) for g in ("tanh", "logistic", "relu", "softmax")},
    "no outputs": lambda: rnn.RNN(2, 2),
    "layer norm": lambda: rnn.RNN(2, 3, 2, layer_norm=True),
    "feedback": lambda: rnn.OutputFeedbackRNN(2, 3, 2),
    "both fed back": lambda: rnn.OutputFeedbackRNN(2, 3, 2, hidden=True),
    "LSTM": lambda: rnn.LSTM(2, 3, 2),
    "peepholes": lambda: rnn.LSTM(2, 3, 2, peepholes=True),
    "GRU": lambda: rnn.GRU(2, 3, 2),
    "GRU before": lambda: rnn.GRU(2, 3, 2, reset="before"),
    "stacked": lambda: rnn.Stacked([rnn.RNN(2, 3), rnn.LSTM(3, 2, 2)]),
    "layers alike": lambda: rnn.Stacked([rnn.GRU(2, 2), rnn.GRU(2, 2, 2)]),
    "bidirectional": lambda: rnn.Bidirectional(rnn.GRU(2, 2), rnn.RNN(2, 3), n_out=2),
}
LENGTHS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 12])
BATCHES = st.sampled_from([None, 1, 3, 4])


def agree(found: Any, expected: Any, exact: bool = False) -> None:
    """All numbers are the same, up to rounding unless ``exact``."""
    for got, want in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(got) == np.shape(want)
        assert np.asarray(got).dtype == np.asarray(want).dtype
        if exact:
            np.testing.assert_array_equal(got, want)
        else:
            size = np.max(np.abs(want), initial=0.0)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * size + 1e-300)


def dirty(step: Compiled) -> None:
    """Buffers are full of NaN from now on, so that what is not written to shows."""
    for program in step.programs.values():
        empty = np.empty

        def full(shape: Any, dtype: Any = float, empty: Any = empty) -> Any:
            array = empty(shape, dtype)
            array.fill(np.nan if array.dtype.kind == "f" else 1)
            return array

        program.space["empty"] = full
        program.threads = threading.local()


def problem(name: str, T: int, B: int | None, seed: int, kind: str) -> tuple[Any, Any, list[Any]]:
    """The function that gives cost and gradients; a model; and inputs and targets, several of them."""
    rng, shape = np.random.default_rng(seed), (T,) if B is None else (T, B)
    options: dict[str, Any] = {"last": {"at": "last"}, "entropy": {"cost": "cross_entropy"}}.get(kind, {})
    if kind == "lengths" and B is not None:
        options = {"lengths": [max(1, T - b) for b in range(B)]}
    if kind == "weights":
        options = {"weights": np.arange(T) % 3}
    step = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys, **options).cost)
    model = MODELS[name]()
    data = []
    for k in range(3):
        xs = (1 + k) * rng.normal(size=(*shape, 2))
        ys = rng.normal(size=(*(shape[1:] if kind == "last" else shape), 2))
        data.append((xs, np.eye(2)[rng.integers(0, 2, shape)] if kind == "entropy" else ys))
    return step, model, data


@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.sampled_from(sorted(MODELS)),
    LENGTHS,
    BATCHES,
    st.integers(0, 99),
    st.sampled_from(["every", "last", "entropy", "lengths", "weights"]),
)
def test_networks_give_what_they_give_uncompiled(name: str, T: int, B: int | None, seed: int, kind: str) -> None:
    """Once more with other numbers, and after a gap; results that were kept do not change."""
    f, model, data = problem(name, T, B, seed, kind)
    step, exact = compile(f), compile(f, roll=False)
    agree(step(model, *data[0]), f(model, *data[0]))
    dirty(step)
    kept = []
    for k in (1, 0, 2, 1):
        kept.append((step(model, *data[k]), f(model, *data[k])))
        agree(*kept[-1])
        agree(exact(model, *data[k]), kept[-1][1], exact=True)
    for found, expected in kept:
        agree(found, expected)
    assert step.report().traced == 1


@pytest.mark.parametrize("T", [4, 50])
@pytest.mark.parametrize("name", ["f=tanh", "LSTM", "GRU", "stacked", "bidirectional", "g=softmax"])
def test_steps_become_loops(name: str, T: int) -> None:
    f, model, data = problem(name, max(T, 6), 3, 0, "every")
    step = compile(f)
    agree(step(model, *data[0]), f(model, *data[0]))
    report = step.report()
    assert report.rolled and report.why == ""
    assert report.calls < report.recorded
    assert "\n        for " in step.listing()


@pytest.mark.parametrize("name", ["f=tanh", "f=relu", "LSTM", "GRU"])
def test_transposes_are_laid_out_before_loops_in_which_many_rows_are_multiplied(name: str) -> None:
    for B, laid_out in ((3, False), (9, True)):
        f, model, data = problem(name, 20, B, 0, "every")
        step = compile(f)
        step(model, *data[0])
        dirty(step)
        for each in data:
            agree(step(model, *each), f(model, *each))
        assert ("[...] = WT" in step.listing()) is laid_out


def test_float32_stays_what_it_is() -> None:
    model = rnn.RNN(2, 4, 1, dtype="float32")
    xs, ys = (np.random.default_rng(0).normal(size=(9, 3, n)).astype("float32") for n in (2, 1))
    f = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost)
    found, expected = leaves(compile(f)(model, xs, ys)), leaves(f(model, xs, ys))
    for got, want in zip(found, expected, strict=True):
        assert got.dtype == want.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)


X = np.array([[0.5, -0.75], [1.25, 0.375]])
W = np.array([[-0.25, 0.625]])


@given(programs(), st.integers(0, 99))
def test_random_programs_and_their_gradients(program: Program, seed: int) -> None:
    """On numbers that take other branches than those that were traced."""
    f = value_and_grad(lambda x, w: np.sum(np.sin(1 + program(x, w))), (0, 1))
    rolled, exact = compile(f), compile(f, roll=False)
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        for k in range(3):
            x, w = (X, W) if not k else (rng.normal(size=X.shape), rng.normal(size=W.shape))
            try:
                expected = f(x, w)
                found = rolled(x, w), exact(x, w)
            except Refused:
                return
            if all(np.isfinite(each).all() for each in leaves(expected)):
                agree(found[0], expected)
                agree(found[1], expected)
            dirty(exact)


@pytest.mark.parametrize(
    "choice",
    [
        lambda x: np.maximum(x, 0.25) * np.where(x > 0, x, -2 * x),
        lambda x: np.max(x) + np.min(x) * np.clip(x, -0.5, 0.5),
        lambda x: np.sign(x) * x**3 + np.abs(x),
        lambda x: functions.relu(x) * functions.softmax(x),
        lambda x: np.sort(x) * np.arange(4.0),
        lambda x: x[np.argsort(x.detach() if isinstance(x, Tensor) else x)] * np.arange(4.0),
        lambda x: np.linalg.norm(x) + np.median(x) * np.var(x),
        lambda x: np.logaddexp(x, 0.0) + np.prod(x),
    ],
)
def test_what_depends_on_values_is_in_the_program(choice: Any) -> None:
    f = value_and_grad(lambda x: np.sum(choice(x)))
    step = compile(f)
    for seed in range(12):
        x = np.random.default_rng(seed).normal(size=4)
        agree(step(x), f(x))
    assert step.report().traced == 1


def test_second_derivatives() -> None:
    model, (xs, ys) = rnn.RNN(2, 3, 1), (np.random.default_rng(0).normal(size=(6, 2, n)) for n in (2, 1))
    vector = {name: np.ones(p.shape) for name, p in model.parameters().items()}

    def product(model: Any, xs: Any, ys: Any, vector: Any) -> Any:
        return hvp(lambda model: rnn.unroll(model, xs, ys).cost, (model,), (vector,))

    step = compile(product)
    agree(step(model, xs, ys, vector), product(model, xs, ys, vector))
    agree(step(model, 2 * xs, ys, vector), product(model, 2 * xs, ys, vector))


def test_a_step_of_training_assigns_the_parameters() -> None:
    one, two = (rnn.RNN(2, 3, 1, rng=3) for _ in range(2))
    xs, ys = (np.random.default_rng(0).normal(size=(6, 2, n)) for n in (2, 1))

    def update(model: Any, xs: Any, ys: Any) -> Any:
        cost, grads = value_and_grad(lambda model: rnn.unroll(model, xs, ys).cost)(model)
        norm = np.sqrt(sum(np.vdot(g, g) for g in grads.values()))
        for name, p in model.parameters().items():
            p.data = p.data - 0.1 * np.minimum(1.0, 0.5 / norm) * grads[name]
        return cost

    step = compile(update)
    for _ in range(3):
        assert step(one, xs, ys) == pytest.approx(update(two, xs, ys), rel=1e-12)
    agree(one.state_dict(), two.state_dict())


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (lambda x: x if x[0] > 0 else -x, "a condition"),
        (lambda x: x * float(x[0]), r"float\(x\)"),
        (lambda x: x * x[0].item(), r"x\.item\(\)"),
        (lambda x: x[: int(x[0])], r"int\(x\)"),
        (lambda x: x[np.nonzero(x)], "the shape of what np.nonzero gives"),
        (lambda x: x[x > 0], "how many elements a mask selects"),
        (lambda x: np.asarray(x), "leaves the computation"),
        (lambda x: np.add(x, 1.0, out=np.zeros(3)), "changes an array in place"),
        (lambda x: x * np.random.default_rng().normal(), "two runs differ"),
        (lambda x: f"{x[0]}", "a string"),
        (lambda x: object(), "returned a object"),
    ],
)
def test_what_no_program_has_is_refused_with_its_line(f: Any, told: str) -> None:
    step = compile(f)
    for _ in range(2):
        with pytest.raises(TypeError, match=rf"mg\.compile: .*({told})"):
            step(np.array([1.0, -2.0, 3.0]))


def test_the_line_is_that_of_the_user() -> None:
    with pytest.raises(Refused, match=r"test_compiled\.py:\d+: if np\.sum\(x\) > 0"):

        def f(x: Any) -> Any:
            if np.sum(x) > 0:
                return x
            return -x

        compile(f)(np.ones(2))


def test_generators_and_strangers_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(Refused, match="draw them outside"):
        compile(lambda x: x * rng.normal())(np.ones(2))
    with pytest.raises(Refused, match="uses a Task"):

        class Task:
            pass

        compile(lambda x, task: x)(np.ones(2), Task())


# -- what it takes from outside ---------------------------------------------------------------------------------------

scale = np.ones(3)


def test_what_a_function_reads_besides_its_arguments_is_looked_at_every_time() -> None:
    """Arrays and modules in its closure and among its global names, in place or new; numbers make another program."""
    global scale
    model, factor, offset = rnn.RNN(3, 2), np.ones(3), 1.0

    def f(x: Any) -> Any:
        return np.sum(model.parameters()["U"] @ (x * factor * scale) + offset)

    step, x = compile(f), np.arange(3.0)
    agree(step(x), f(x).data)
    model.U.data = 2 * model.U.data
    factor[0] = 7.0
    agree(step(x), f(x).data)
    scale = np.array([1.0, 2.0, 3.0])
    agree(step(x), f(x).data)
    assert step.report().traced == 1
    offset = 2.0
    agree(step(x), f(x).data)
    assert step.report().traced == 2
    model.U = Tensor(np.ones((2, 3)), requires_grad=True)
    agree(step(x), f(x).data)


def test_other_kinds_of_arguments_are_other_programs_and_too_many_are_told() -> None:
    step = compile(lambda x, n: np.sum(x) * n, most=3)
    for n in (1, 1.0, True):
        assert step(np.ones(2), n) == 2.0
    assert step.report().programs == 3
    with pytest.warns(UserWarning, match="compiled 4 times"):
        step(np.ones(3), 1)
    assert step.report().programs == 3 and step.report().traced == 4
    with pytest.raises(ValueError, match="nothing has been compiled yet"):
        compile(np.sum).report()


def test_programs_that_are_used_stay() -> None:
    """Whether a call went through all that it was given or was told at a glance."""
    for args in ((), (1.0,)):
        step = compile(lambda x, n=1.0: np.sum(x) * n, most=2)
        for size in (2, 3, 2):
            assert step(np.ones(size), *args) == size
        with pytest.warns(UserWarning, match="compiled 3 times"):
            step(np.ones(4), *args)
        step(np.ones(2), *args)
        assert step.report().traced == 3
        step(np.ones(3), *args)
        assert step.report().traced == 4 and step.report().programs == 2


# -- whose results, and when ------------------------------------------------------------------------------------------


def test_results_are_the_callers_own() -> None:
    step = compile(lambda x: (x, x.T, np.tanh(x) * 2, np.stack([np.tanh(x[0]), np.tanh(x[1])]), np.sum(x), 3.0))
    x = np.random.default_rng(0).normal(size=(2, 2))
    first = step(x)
    kept = [np.array(each) for each in first]
    for each in first[:4]:
        assert each.flags.writeable and not np.shares_memory(each, x)
        each[...] = np.nan
    agree(step(x), tuple(kept))
    assert isinstance(first[4], np.float64) and first[5] == 3.0


def test_attributes_of_what_is_compiled_are_its_own() -> None:
    """A module may be compiled, and a function may have any attributes: none of them is the program's."""

    class Layer(mg.Module):
        def __init__(self) -> None:
            self.w, self.f, self.programs, self.roll = Tensor(np.ones(2), True), np.tanh, {}, 0

        def __call__(self, x: Any) -> Any:
            return np.sum(self.w * self.f(x))

    def double(x: Any) -> Any:
        return 2 * x

    vars(double).update(f=np.sin, last=1)
    layer, x = Layer(), np.array([0.5, -1.5])
    agree(compile(layer)(x), layer(x).data)
    agree(compile(double)(x), 2 * x)
    assert compile(double).__name__ == "double"  # type: ignore[attr-defined]


def test_a_method_may_be_compiled_where_it_stands() -> None:
    class Net(mg.Module):
        def __init__(self, w: float) -> None:
            self.w = Tensor(np.full(2, w), True)

        @compile
        def loss(self, x: Any) -> Any:
            return np.sum(self.w * x)

        @compile
        def twice(self, x: Any) -> Any:
            return 2 * self.loss(x)

    one, two, x = Net(1.0), Net(2.0), np.array([0.5, 2.0])
    for net, value in ((one, 2.5), (two, 5.0), (one, 2.5)):
        assert net.loss(x) == Net.loss(net, x) == value and net.twice(x) == 2 * value
    assert Net.loss.report().traced == 1
    np.testing.assert_array_equal(grad(one.loss)(x).data, [1.0, 1.0])


def test_inside_of_a_transform_the_function_itself_is_called() -> None:
    step = compile(lambda x: np.sum(np.sin(x)))
    np.testing.assert_array_equal(grad(step)(np.ones(3)), np.cos(np.ones(3)))
    model = rnn.RNN(2, 3, 1)
    xs, ys = np.ones((5, 2)), np.ones((5, 1))

    def cost(model: Any) -> Any:
        return rnn.unroll(model, xs, ys).cost

    agree(grad(compile(cost))(model), grad(cost)(model))
    outer = compile(lambda x: 2 * step(x))
    assert outer(np.ones(3)) == 2 * np.sum(np.sin(np.ones(3)))


def test_checks_are_made_at_every_run() -> None:
    step = compile(value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost))
    model, xs, ys = rnn.RNN(2, 3, 1), np.ones((5, 2)), np.ones((5, 1))
    before = step(model, xs, ys)
    broken = xs.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"xs\[3, 1\] is nan"):
        step(model, broken, ys)
    agree(step(model, xs, ys), before)


def test_a_cost_that_overflows_is_that_of_the_engine() -> None:
    f = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost)
    model, xs, ys = rnn.RNN(2, 3, 2), np.ones((6, 2)), np.full((6, 2), 1.2e154)
    with np.errstate(over="ignore"):
        agree(compile(f)(model, xs, ys), f(model, xs, ys))


@pytest.mark.parametrize("name", ["f=tanh", "f=logistic", "f=relu", "g=softmax", "LSTM", "GRU", "layer norm"])
@pytest.mark.parametrize("size", [1e4, 1e155, 1e300])
def test_warnings_are_those_of_the_engine(name: str, size: float) -> None:
    """Of gates that are closed, none; of what overflows, the same."""
    f, model, ((xs, ys), *_) = problem(name, 9, 3, 0, "every")
    step = compile(f)
    step(model, xs, ys)
    outcomes: list[Any] = []
    for each in (f, step):
        with np.errstate(all="raise", under="ignore"):
            try:
                outcomes.append(leaves(each(model, size * xs, ys)))
            except FloatingPointError as error:
                outcomes.append(str(error).partition(" encountered")[0])
    if isinstance(outcomes[0], str):
        assert outcomes[0] == outcomes[1]
    else:
        agree(outcomes[1], outcomes[0])


def test_what_a_program_was_made_for_is_compared_at_every_run() -> None:
    """Weights decide which costs there are: other ones need the function itself."""

    def f(model: Any, xs: Any, ys: Any, weights: Any) -> Any:
        return value_and_grad(lambda model: rnn.unroll(model, xs, ys, weights=weights).cost)(model)

    step, model, xs, ys = compile(f), rnn.RNN(2, 3, 1), np.ones((6, 2)), np.ones((6, 1))
    for weights in (np.ones(6), np.arange(6.0), np.arange(6.0)[::-1], np.ones(6)):
        agree(step(model, xs, ys, weights), f(model, xs, ys, weights))


def test_errors_and_interruptions_leave_it_usable() -> None:
    f, model, data = problem("f=tanh", 6, 3, 0, "every")
    step = compile(f)
    expected = step(model, *data[0])
    program = next(iter(step.programs.values()))
    tanh, calls = program.space["tanh"], []

    def interrupted(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return tanh(*args)

    program.space["tanh"] = interrupted
    with pytest.raises(KeyboardInterrupt):
        step(model, *data[1])
    agree(step(model, *data[0]), expected)


# -- the listing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roll", [True, False])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_listing_runs_as_it_stands_and_gives_the_same_bits(name: str, roll: bool) -> None:
    f, model, data = problem(name, 6, 3, 0, "every")
    step = compile(f, roll=roll)
    result = leaves(step(model, *data[0]))
    space: dict[str, Any] = {}
    exec(step.listing(), space)
    program = space["build"]()
    found = program(*(p.data for p in parameters(model)), *data[0])
    for got, want in zip(found, result, strict=True):
        np.testing.assert_array_equal(got, want)


def parameters(model: Any) -> list[Any]:
    """In the order of a module's attributes, which is that of the inputs."""
    found: list[Any] = []

    def look(value: Any) -> None:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, mg.Module):
            for part in vars(value).values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(model)
    return found


def test_the_report_counts() -> None:
    f, model, data = problem("f=tanh", 9, 3, 0, "every")
    report = compile(f).report(model, *data[0])
    assert (report.inputs, report.programs, report.traced) == (7, 1, 1)
    assert report.calls < report.passes["simplify"] <= report.recorded
    assert report.buffers > 0 and 0 < report.bytes < 20_000
    assert compile(f, roll=False).report(model, *data[0]).why == "roll=False"


# -- all that one can do with a network -------------------------------------------------------------------------------

UNROLLED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "what is left at the end": lambda m, x, y: (
        lambda run: run.cost + np.sum(run.final["h"] ** 2) + np.sum(run["h"][3])
    )(rnn.unroll(m, x, y)),
    "one run goes on from another": lambda m, x, y: rnn.unroll(m, 2 * x, y, initial=rnn.unroll(m, x).final).cost,
    "two runs": lambda m, x, y: rnn.unroll(m, x, y, scope="a").cost + rnn.unroll(m, 2 * x, y, scope="b").cost,
    "missing targets": lambda m, x, y: rnn.unroll(m, x, np.where(y > 1, np.nan, y), missing=True).cost,
    "dropout": lambda m, x, y: rnn.unroll(m, x, y, dropout=3).cost,
    "a start": lambda m, x, y: rnn.unroll(m, x, y, initial={"h": np.ones((3, 4))}).cost,
}


@pytest.mark.parametrize("name", UNROLLED)
def test_runs_of_all_kinds_and_gradients_of_inputs(name: str) -> None:
    f = value_and_grad(UNROLLED[name], (0, 1))
    model = rnn.RNN(2, 4, 1, dropout=0.5, recurrent_dropout=0.5)
    step, rng = compile(f), np.random.default_rng(0)
    for _ in range(3):
        x, y = rng.normal(size=(8, 3, 2)), rng.normal(size=(8, 3, 1))
        agree(step(model, x, y), f(model, x, y))
        dirty(step)


def test_all_states_are_the_callers_own() -> None:
    def f(model: Any, x: Any) -> Any:
        run = rnn.unroll(model, x)
        return run["h"], np.stack(run["y"])

    model, x = rnn.RNN(2, 4, 1), np.random.default_rng(0).normal(size=(8, 3, 2))
    step = compile(f)
    first = step(model, x)
    kept = [np.array(each) for each in leaves(first)]
    step(model, 2 * x)
    for got, before, want in zip(leaves(first), kept, leaves(f(model, x)), strict=True):
        np.testing.assert_array_equal(got, before)
        np.testing.assert_allclose(got, want.data, rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.linalg.eigh(x + x.T).eigenvalues ** 3),
        lambda x: np.sum(np.linalg.svd(x, compute_uv=False)),
        lambda x: sum(np.sum(part) ** 2 for part in np.split(x, 3)),
        lambda x: np.sum(np.einsum("ij,jk->ik", x, x) ** 2),
        lambda x: np.sum(x[np.array([0, 2, 2])] ** 2) + np.sum(np.cumsum(x) ** 2),
        lambda x: np.sum(x * np.frexp(x)[0]),
    ],
)
def test_functions_of_several_results_and_indices(f: Any) -> None:
    g, rng = value_and_grad(f), np.random.default_rng(0)
    step = compile(g)
    for _ in range(3):
        x = rng.normal(size=(3, 3))
        agree(step(x), g(x), exact=True)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_are_the_ufuncs_own(name: str, axis: Any, keepdims: bool) -> None:
    reduce, x = getattr(np, name), np.random.default_rng(0).normal(size=(3, 1, 4))
    for array in (x, x.astype(np.float32), x > 0, (10 * x).astype(np.int8)):
        step = mg.compile(lambda x: reduce(x, axis=axis, keepdims=keepdims))
        found, right = step(array), reduce(array, axis=axis, keepdims=keepdims)
        assert found.dtype == right.dtype
        np.testing.assert_array_equal(found, right, strict=True)
        assert f"{name}(" not in step.listing() and ".reduce(" in step.listing()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("batch", [(1,), (3,), (2, 3)])
def test_products_of_whole_sequences_with_one_matrix_are_one(batch: tuple[int, ...], order: Any) -> None:
    def cost(W: Any, U: Any, V: Any, xs: Any) -> Any:
        h, hs, drive = np.zeros((*batch, 4)), [], xs @ U
        for each in drive:
            h = np.tanh(each + h @ W)
            hs.append(h)
        return np.sum(np.square(np.stack(hs) @ V))

    rng = np.random.default_rng(0)
    W, U, V = (rng.normal(size=shape) for shape in ((4, 4), (2, 4), (4, 3)))
    xs = np.array(rng.normal(size=(6, *batch, 2)), order=order)
    step = compile(value_and_grad(cost, argnums=(0, 1, 2)))
    for _ in range(2):
        (_, found), (_, right) = step(W, U, V, xs), value_and_grad(cost, argnums=(0, 1, 2))(W, U, V, xs)
        for gradient, expected in zip(found, right, strict=True):
            np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)
        xs = xs + 1.0
    if len(batch) == 1:
        assert "matmul(" not in step.listing()
