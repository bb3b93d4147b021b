"""All doors of a function of tensors tell the same: each promise is broken by somebody, and that one is named."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.containers import leaves
from minigrad.testing import grad_report
from minigrad.testing.checks import RTOL
from minigrad.testing.comparison import Comparison
from minigrad.testing.recorded import of_some, of_tensors, promises, same
from minigrad.testing.report import Results

X, Y = np.array([0.5, -1.25, 2.0]), np.array([1.5, 0.75, -0.5])
VALUE, APART, OUTPUTS, SHARED, AMONG = (
    "the same value, recorded or not",
    "each argument alone, and all together",
    "each output alone",
    "shared arguments accumulate",
    "the same among other operations",
)
pytestmark = pytest.mark.usefixtures("tables")


def kept(f, *args):
    """What is said of each promise: nothing, if it is kept."""
    problem = of_tensors(f, args, tuple(range(len(args))))
    return dict(promises(f, Comparison(problem, "order 1", np.random.default_rng(0), RTOL, Results())))


def is_tensor(x):
    return isinstance(x, mg.Tensor)


def raw(x):
    return x.data if is_tensor(x) else x


def asking(x, y):
    """Another value for tensors than for arrays."""
    return np.sin(x) * y + (1.0 if is_tensor(x) else 0.0)


def alone(x, y):
    """Another gradient, though no other value, where ``y`` is no tensor."""
    return x * y + (0.0 if is_tensor(x) and is_tensor(y) else x - raw(x))


def by_identity():
    """Remembers gradients by its argument's numbers: one tensor passed twice gets only one of them."""
    times = mg.primitive(lambda a, b: a * a * b)
    mg.defvjp(
        times,
        lambda g, y, a, b: g * 2 * a * b,
        lambda g, y, a, b: g * a * a * (0.0 if raw(a) is raw(b) else 1.0),
    )
    return times


def in_memory_order():
    sine = mg.primitive(lambda x: np.sin(x))
    mg.defvjp(sine, lambda g, y, x: np.ravel(raw(g), order="K").reshape(x.shape) * np.cos(x))
    return sine


def test_whoever_keeps_them_is_told_so():
    f = lambda x, y: (np.sin(x) * y, x + y * y)
    assert kept(f, X, Y) == dict.fromkeys([VALUE, APART, OUTPUTS, SHARED, AMONG], "")


def test_what_does_not_apply_is_not_said():
    assert kept(np.sin, X) == dict.fromkeys([VALUE, AMONG], "")


def test_another_value_for_tensors():
    assert "another value than on plain arrays" in kept(asking, X, Y)[VALUE]


def test_another_gradient_alone_than_together():
    assert "args[0] differentiated alone" in kept(alone, X, Y)[APART]


def test_another_gradient_of_one_output_than_with_zeros_for_the_others():
    """Where the other output is missing, not zero, a hidden one comes in."""

    def f(x):
        first = np.sin(x)
        calls.append(1)
        return first, np.cos(x) * (1.0 if len(calls) % 2 else 2.0)

    calls = []
    found = kept(f, X)
    assert found[OUTPUTS] or found[VALUE]  # by chance of the calls, one of them at least
    assert not any(kept(lambda x: (np.sin(x), np.cos(x)), X).values())


def test_one_tensor_twice():
    assert "passed twice" in kept(by_identity(), X, Y)[SHARED]


def test_views_in_other_orders():
    W = np.arange(6.0).reshape(2, 3) + 0.5
    assert "read in memory order" in kept(in_memory_order(), W)[AMONG]


def test_an_error_is_the_broken_promise():
    picky = mg.primitive(lambda x: np.sin(x))

    def rule(g, y, x):
        if not raw(g).flags.c_contiguous:
            raise ValueError("rows only")
        return g * np.cos(x)

    mg.defvjp(picky, rule)
    assert "ValueError: rows only" in kept(picky, np.arange(6.0).reshape(2, 3) + 0.5)[AMONG]


def test_broken_promises_are_findings():
    report = grad_report(asking, (X, Y), order=1)
    assert report.verdict == "fail" and {finding.kind for finding in report.findings} == {"contract"}


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-12], True),
        ([1.0, 2.0], [1.0, 2.0 + 1e-6], False),
        ([np.nan, np.inf], [np.nan, np.inf], True),
        ([np.nan], [1.0], False),
        ([1.0], [[1.0]], False),
    ],
)
def test_the_same_is_up_to_rounding(a, b, equal):
    assert same({"a": np.array(a)}, {"a": np.array(b)}) is equal


def test_the_others_stay_as_they_are():
    assert of_some(lambda a, b, c: (a, b, c), (1, 2, 3), (0, 2))(7, 9) == (7, 2, 9)


class Scaled(mg.Module):
    """A module in which modules stand in containers, and one in two places."""

    def __init__(self, wrong=False):
        self.inner, self.wrong = [mg.rnn.RNN(1, 2, 1), {"again": mg.rnn.RNN(1, 2)}], wrong
        self.shared = self.inner[0]
        self.s = mg.Tensor(1.5, requires_grad=True)

    def __call__(self, xs):
        first, second = self.inner[0], self.inner[1]["again"]
        s = self.s if not self.wrong else 2.0 * self.s - self.s.detach()
        return s * np.sum(np.stack(mg.rnn.unroll(first, xs)["y"])) + np.sum(np.stack(mg.rnn.unroll(second, xs)["y"]))


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: [m, X], lambda m: {"in": (m,)}], ids=["alone", "list", "dict"])
def test_a_module_is_checked_by_its_parameters_wherever_it_stands(wrap):
    def f(given, xs):
        model = given if isinstance(given, mg.Module) else (given[0] if isinstance(given, list) else given["in"][0])
        assert isinstance(model, Scaled)
        return model(xs)

    xs, model = np.array([[0.5], [-1.0]]), Scaled()
    before = {name: (p, p.data) for name, p in model.parameters().items()}
    report = grad_report(f, (wrap(model), xs), points=[(wrap(Scaled()), 2 * xs)])
    assert report.verdict == "pass"
    checked = "\n".join(row.argument for row in report.rows)
    assert all(f"[{name!r}]" in checked for name in before)
    assert all(
        model.parameters()[name] is p and p.data is data and p.grad is None for name, (p, data) in before.items()
    )
    (finding,) = {finding.argument for finding in grad_report(f, (wrap(Scaled(wrong=True)), xs), order=1).findings}
    assert finding.endswith("['s']")


@pytest.mark.parametrize("args", [[np.ones((2, 2)), X], (X, Y), {"a": np.ones((1, 3)), "b": [X, (Y,)]}])
def test_containers_come_as_they_are_given_through_every_door(args):
    """Arrays of different shapes in a list are no array, and those of one shape are none either."""

    def f(given):
        assert type(given) is type(args)
        return sum((np.sum(np.sin(leaf)) for leaf in leaves(given)), 0.0)

    assert grad_report(f, (args,)).verdict == "pass"
