"""Rules of one's own: what is wrong in one is said with the primitive's name. (docs/primitives.md shows right ones.)"""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.tensor import Tensor

pytestmark = pytest.mark.usefixtures("tables")


@pytest.fixture
def wave():
    @mg.primitive
    def wave(x, y):
        return np.sin(x) * y

    return wave


GOOD = (lambda g, z, x, y: g * np.cos(x) * y, lambda g, z, x, y: g * np.sin(x))


def leaf(values):
    return Tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    "rules",
    [
        GOOD[:1],
        (*GOOD, GOOD[1]),
        (lambda g, x, y: g, GOOD[1]),
        (lambda g, z, x: g, lambda g, z, x: g),
        (lambda g: g, lambda g: g),
    ],
    ids=["one for two arguments", "three for two", "no y in the first", "one argument forgotten", "neither"],
)
def test_rules_and_arguments_are_counted_when_they_are_given(wave, rules):
    with pytest.raises(TypeError, match=r"defvjp\(wave, \.\.\.\) got \d rules, .*a rule takes g, y, then those of the"):
        mg.defvjp(wave, *rules)
    x = leaf(1.0)
    with pytest.raises(TypeError, match="wave has no derivative rule"):
        wave(x, 2.0)


def test_none_stands_for_an_argument_without_a_gradient(wave):
    mg.defvjp(wave, GOOD[0], None)
    x, y = leaf(1.0), leaf(2.0)
    wave(x, y).backward()
    assert x.grad == pytest.approx(2 * np.cos(1.0))
    assert y.grad is None


BAD = {
    "a tuple": (lambda g, z, x, y: (g, g), TypeError, r"of wave gave \(.*: it has to give an array of shape \(2,\)"),
    "a float": (lambda g, z, x, y: 1.0, TypeError, r"of wave gave 1\.0: it has to give an array"),
    "nothing": (lambda g, z, x, y: None, TypeError, r"of wave gave None: it has to give an array"),
    "a shape": (lambda g, z, x, y: np.ones(3), ValueError, r"of wave gave shape \(3,\), its argument has \(2,\)"),
}


@pytest.mark.parametrize(("rule", "error", "words"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_a_rule_may_not_return_is_said_with_the_primitives_name(wave, rule, error, words, create_graph):
    mg.defvjp(wave, rule, GOOD[1])
    x = leaf([1.0, 2.0])
    with pytest.raises(error, match=words):
        mg.gradients(np.sum(wave(x, 2.0)), [x], create_graph=create_graph)
    assert x.grad is None


def test_an_error_inside_a_rule_says_whose_rule_it_is(wave):
    mg.defvjp(wave, lambda g, z, x, y: g @ np.ones((5, 5)), GOOD[1])
    with pytest.raises(ValueError, match="matmul") as caught:
        np.sum(wave(leaf([1.0, 2.0]), 2.0)).backward()
    assert caught.value.__notes__ == ["in a derivative rule of wave"]


def test_a_primitive_of_several_results_is_told_to_give_one():
    @mg.primitive
    def both(x):
        return np.sin(x), np.cos(x)

    mg.defvjp(both, lambda g, y, x: g)
    with pytest.raises(TypeError, match=r"both gave 2 results, a primitive gives one: np\.stack them inside it"):
        both(leaf([1.0, 2.0]))


def test_foreign_ufuncs_are_called_by_their_own_names():
    gamma = np.frompyfunc(lambda x: x, 1, 1)
    gamma.__name__ if hasattr(gamma, "__name__") else None
    with pytest.raises(TypeError) as caught:
        gamma(leaf(1.0))
    assert "np." not in str(caught.value).split(" has no derivative rule")[0]


def test_a_primitive_may_give_a_plain_number():
    mean_of_squares = mg.primitive(lambda x: float(x @ x) / len(x))
    mg.defvjp(mean_of_squares, lambda g, y, x: g * 2 * x / len(x))
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = mean_of_squares(x)
    y.backward()
    assert (y.shape, y.item()) == ((), pytest.approx(14 / 3))
    np.testing.assert_allclose(x.grad, x.data * 2 / 3)
