"""A session at the keyboard, at random: the engine against a reference that is too naive to be wrong.

Hypothesis makes leaves, computes with them, goes backward, once or twice, detaches, assigns data, forgets gradients,
in any order. The reference does the same with plain Python floats: each number carries its slopes with respect to all
leaf numbers it was made from (forward mode, the chain rule as it is taught), so there is no graph, no walk, no order,
and nothing to accumulate but a sum. After every step all values and all gradients have to agree.

That is how the contract about *sequences* is tested: a second backward accumulates; a failed one changes nothing; data
that was assigned after its use makes a graph stale, and going through it is an error and never a wrong number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

import minigrad as mg
from minigrad.engine import walk
from minigrad.engine.ancestors import ancestors
from minigrad.engine.tables import primitives
from minigrad.testing.strategies import arrays, values
from tests.tables import ruled

SHAPES = [(), (1,), (2,)]
LARGEST = 1e3  # results and slopes beyond are not kept: a tower of squares would leave the range of floats


@dataclass
class Dual:
    """A number, and its slope with respect to every leaf number that it depends on."""

    value: float
    slopes: dict[tuple[int, int], float] = field(default_factory=dict)


UNARY: dict[str, tuple[Callable, Callable[[float], tuple[float, float]]]] = {
    "sin": (np.sin, lambda a: (math.sin(a), math.cos(a))),
    "tanh": (np.tanh, lambda a: (math.tanh(a), 1 - math.tanh(a) ** 2)),
    "square": (lambda a: a**2, lambda a: (a * a, 2 * a)),
    "negative": (lambda a: -a, lambda a: (-a, -1.0)),
    "half": (lambda a: 0.5 * a, lambda a: (0.5 * a, 0.5)),
}
BINARY: dict[str, tuple[Callable, Callable[[float, float], tuple[float, float, float]]]] = {
    "add": (lambda a, b: a + b, lambda a, b: (a + b, 1.0, 1.0)),
    "subtract": (lambda a, b: a - b, lambda a, b: (a - b, 1.0, -1.0)),
    "multiply": (lambda a, b: a * b, lambda a, b: (a * b, b, a)),
    "divide": (lambda a, b: a / (3 + np.sin(b)), lambda a, b: divided(a, 3 + math.sin(b), math.cos(b))),
    "maximum": (np.maximum, lambda a, b: (max(a, b), *((0.5, 0.5) if a == b else (float(a > b), float(a < b))))),
}


def divided(a: float, d: float, slope: float) -> tuple[float, float, float]:
    return a / d, 1 / d, -a * slope / d**2


def chained(value: float, *terms: tuple[float, Dual]) -> Dual:
    """A result with the slopes Σ factor · slope: the chain rule."""
    result = Dual(value)
    for factor, part in terms:
        for leaf, slope in part.slopes.items():
            result.slopes[leaf] = result.slopes.get(leaf, 0.0) + factor * slope
    return result


@dataclass(eq=False)
class Variable:
    """A Tensor, and what the reference knows about it."""

    tensor: mg.Tensor
    numbers: list[Dual]
    uses: dict[Variable, set[int]] = field(default_factory=dict)  # each leaf, in which of its versions
    leaf: bool = True
    version: int = 0
    grad: list[float] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    def stale(self) -> bool:
        return any(versions != {leaf.version} for leaf, versions in self.uses.items())


class Session(RuleBasedStateMachine):
    """What can be done with Tensors, in any order."""

    variables = Bundle("variables")

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Variable] = []

    def leaf_of(self, tensor: mg.Tensor) -> Variable:
        """The variable of a tensor without history, with slope 1 to itself if it requires grad."""
        number = len(self.known)
        numbers = [
            Dual(float(x), {(number, i): 1.0} if tensor.requires_grad else {}) for i, x in enumerate(tensor.data.flat)
        ]
        variable = Variable(tensor, numbers)
        variable.uses = {variable: {0}}
        self.known.append(variable)
        return variable

    def result_of(self, tensor: mg.Tensor, numbers: list[Dual], *parts: Variable) -> Any:
        """The variable of a result: one more leaf, if nothing that requires grad went into it."""
        assert tensor.requires_grad == any(part.tensor.requires_grad for part in parts)
        if max(abs(x) for number in numbers for x in (number.value, *number.slopes.values())) > LARGEST:
            return multiple()
        if not tensor.requires_grad:
            return self.leaf_of(tensor)
        uses: dict[Variable, set[int]] = {}
        for part in parts:
            for leaf, versions in ({part: {part.version}} if part.leaf else part.uses).items():
                uses[leaf] = uses.get(leaf, set()) | versions
        self.known.append(Variable(tensor, numbers, uses, leaf=False))
        return self.known[-1]

    # -- making tensors -----------------------------------------------------------------------------------------------

    @initialize(target=variables, data=arrays((2,), "bounded"))
    def first(self, data):
        return self.leaf_of(mg.Tensor(data, requires_grad=True))

    @rule(target=variables, data=arrays(st.sampled_from(SHAPES), "bounded"), requires_grad=st.booleans())
    def leaf(self, data, requires_grad):
        return self.leaf_of(mg.Tensor(data, requires_grad=requires_grad))

    @rule(target=variables, a=variables, name=st.sampled_from(sorted(UNARY)))
    def unary(self, a, name):
        ours, reference = UNARY[name]
        numbers = []
        for x in a.numbers:
            value, slope = reference(x.value)
            numbers.append(chained(value, (slope, x)))
        return self.result_of(ours(a.tensor), numbers, a)

    @rule(target=variables, a=variables, b=variables, name=st.sampled_from(sorted(BINARY)))
    def binary(self, a, b, name):
        ours, reference = BINARY[name]
        numbers = []
        for i in range(max(len(a.numbers), len(b.numbers))):
            x, y = (each.numbers[i if len(each.numbers) > 1 else 0] for each in (a, b))
            value, left, right = reference(x.value, y.value)
            numbers.append(chained(value, (left, x), (right, y)))
        return self.result_of(ours(a.tensor, b.tensor), numbers, a, b)

    @rule(target=variables, a=variables)
    def total(self, a):
        numbers = [chained(sum(x.value for x in a.numbers), *((1.0, x) for x in a.numbers))]
        return self.result_of(np.sum(a.tensor), numbers, a)

    @rule(target=variables, a=variables)
    def last_twice(self, a):
        """The last number, two times: an index with a repeat."""
        numbers = [chained(x.value, (1.0, x)) for x in a.numbers[-1:] * 2]
        return self.result_of(np.reshape(a.tensor, (-1,))[[-1, -1]], numbers, a)

    @rule(target=variables, a=variables)
    def detach(self, a):
        twin = a.tensor.detach()
        assert not twin.requires_grad and np.array_equal(twin.data, a.tensor.data)
        return self.leaf_of(twin)

    @rule(target=variables, a=variables, b=variables)
    def product_without_grad(self, a, b):
        with mg.no_grad():
            product = a.tensor * b.tensor
        assert not product.requires_grad
        return multiple() if np.max(np.abs(product.data)) > LARGEST else self.leaf_of(product)

    # -- changing them ------------------------------------------------------------------------------------------------

    @rule(a=variables, x=values("bounded"))
    def assign(self, a, x):
        """Data of a leaf may be assigned; of a result, never."""
        data = np.full(a.shape, x)
        if not a.leaf:
            with pytest.raises(TypeError, match="only a leaf's data can be assigned"):
                a.tensor.data = data
            return
        a.tensor.data = data
        a.version += 1
        a.uses = {a: {a.version}}
        a.numbers = [Dual(x, number.slopes) for number in a.numbers]

    @rule(a=variables)
    def forget_gradient(self, a):
        a.tensor.grad = None
        a.grad = None

    # -- going back ---------------------------------------------------------------------------------------------------

    @rule(y=variables, x=values("bounded"))
    def backward(self, y, x):
        self.go_back([y], [np.full(y.shape, x)])

    @rule(y=variables, z=variables, x=values("bounded"))
    def backward_from_two(self, y, z, x):
        self.go_back([y, z], [np.full(y.shape, x), np.full(z.shape, 1.0)])

    def go_back(self, outputs, cotangents):
        tensors = [output.tensor for output in outputs]
        if not any(tensor.requires_grad for tensor in tensors):
            with pytest.raises(ValueError, match="nothing to differentiate"):
                mg.backward(tensors, cotangents)
            return
        reached = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.tensor.requires_grad]
        if any(output.stale() for output, _ in reached):
            with pytest.raises(mg.StaleGraphError, match="was assigned after"):
                mg.backward(tensors, cotangents)
            return
        mg.backward(tensors, cotangents)
        for leaf in {leaf: None for output, _ in reached for leaf in output.uses if leaf.tensor.requires_grad}:
            leaf.grad = leaf.grad or [0.0] * len(leaf.numbers)
        for output, cotangent in reached:
            for number, weight in zip(output.numbers, cotangent.flat, strict=True):
                for (leaf, i), slope in number.slopes.items():
                    self.known[leaf].grad[i] += float(weight) * slope

    @precondition(lambda self: any(variable.leaf and variable.tensor.requires_grad for variable in self.known))
    @rule(y=variables, data=st.data())
    def gradient_for_one(self, y, data):
        """With ``wrt`` the gradient is returned, and `Tensor.grad` stays as it is: the invariant sees to that."""
        leaf = data.draw(st.sampled_from([each for each in self.known if each.leaf and each.tensor.requires_grad]))
        if not y.tensor.requires_grad or y.stale():
            return
        (gradient,) = mg.gradients([y.tensor], [leaf.tensor], [np.ones(y.shape)])
        number = self.known.index(leaf)
        expected = [sum(x.slopes.get((number, i), 0.0) for x in y.numbers) for i in range(len(leaf.numbers))]
        np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-9, atol=1e-9)
        assert gradient.shape == leaf.shape

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def values_agree(self):
        for variable in self.known:
            expected = [number.value for number in variable.numbers]
            np.testing.assert_allclose(variable.tensor.data.ravel(), expected, rtol=1e-12, atol=1e-12)

    @invariant()
    def gradients_agree(self):
        for variable in self.known:
            grad = variable.tensor.grad
            assert (grad is None) == (variable.grad is None)
            if grad is not None:
                assert grad.shape == variable.shape and not grad.flags.writeable
                np.testing.assert_allclose(grad.ravel(), variable.grad, rtol=1e-9, atol=1e-8)


TestSession = Session.TestCase
TestSession.settings = settings(stateful_step_count=30)


# -- the machine can fail ---------------------------------------------------------------------------------------------


def overwritten(monkeypatch):
    """``.grad`` is overwritten by a second backward."""
    right = walk.backward

    def forgetful(outputs, cotangents=None, **options):
        for variable in ancestors(outputs):
            variable.grad = None
        return right(outputs, cotangents, **options)

    monkeypatch.setattr(mg, "backward", forgetful)


def shares_lost(monkeypatch):
    """Where two shares meet, the second replaces the first."""
    monkeypatch.setattr(walk, "met", lambda total, share: share)


def never_stale(monkeypatch):
    """Assigning data does not make graphs stale."""
    right = mg.Tensor.data.fset

    def same_index(tensor, value):
        index = tensor.index
        right(tensor, value)
        tensor.index = index

    monkeypatch.setattr(mg.Tensor, "data", property(mg.Tensor.data.fget, same_index))


def detached_too_little(monkeypatch):
    """`detach` gives the tensor itself."""
    monkeypatch.setattr(mg.Tensor, "detach", lambda tensor: tensor)


def always_recording(monkeypatch):
    """`no_grad` does nothing."""
    monkeypatch.setattr(mg, "no_grad", lambda: mg.scope("recorded"))


def wrong_rule(monkeypatch):
    """The second argument of a product gets the cotangent of the first."""
    ruled(monkeypatch, np.multiply, *primitives[np.multiply].rules[:1] * 2)


BUGS = [overwritten, shares_lost, never_stale, detached_too_little, always_recording, wrong_rule]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_is_found(bug, monkeypatch):
    bug(monkeypatch)
    only_find = settings(max_examples=500, stateful_step_count=30, database=None, phases=[Phase.generate])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_state_machine_as_test(Session, settings=only_find)
