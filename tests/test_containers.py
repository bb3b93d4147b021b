"""Nested dicts, lists, tuples and named tuples, walked in one order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Module, Tensor
from minigrad.containers import aligned, leaves, mapped, twin


class Pair(NamedTuple):
    first: Any
    second: Any


TREES = st.recursive(
    st.integers(),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3),
        st.lists(parts, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), parts, max_size=3),
        st.builds(Pair, parts, parts),
    ),
    max_leaves=8,
)


def kinds(tree: Any) -> Any:
    """The containers alone."""
    if isinstance(tree, dict):
        return dict, [(key, kinds(part)) for key, part in tree.items()]
    return (type(tree), [kinds(part) for part in tree]) if isinstance(tree, (list, tuple)) else None


@given(TREES)
def test_mapping_keeps_the_containers_and_the_order(tree: Any) -> None:
    assert mapped(lambda leaf: leaf, tree) == tree
    doubled = mapped(lambda leaf: (2 * leaf, "twice")[0], tree)
    assert kinds(doubled) == kinds(tree)
    assert leaves(doubled) == [2 * leaf for leaf in leaves(tree)]


@given(TREES, TREES)
def test_the_leaves_of_a_pair_are_those_of_its_parts_one_after_the_other(one: Any, other: Any) -> None:
    assert (
        leaves(Pair(one, other))
        == leaves([one, other])
        == leaves({"a": one, "b": other})
        == [*leaves(one), *leaves(other)]
    )


def test_arrays_and_none_and_strings_are_leaves() -> None:
    x = np.ones(2)
    assert leaves((x, None, "sum", set())) == [x, None, "sum", set()]


class Two(Module):
    def __init__(self) -> None:
        self.w, self.b = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))


def test_the_parameters_of_a_module_are_leaves_and_what_is_made_of_them_has_their_names() -> None:
    two = Two()
    assert leaves([1.0, two]) == [1.0, two.w, two.b]
    assert mapped(lambda leaf: 0, [1.0, two]) == [0, {"w": 0, "b": 0}]
    other = mapped(lambda leaf: leaf.detach(), two, twin)
    assert type(other) is Two and other.w is not two.w and two.w.requires_grad


def test_what_is_given_for_a_module_is_put_in_the_order_of_its_names() -> None:
    two = Two()
    assert list(aligned([{"b": 1, "w": 2}], [two])[0].items()) == [("w", 2), ("b", 1)]
    for wrong in ({"b": 1}, 3.0):
        with pytest.raises(ValueError, match=r"was given for a Two: a dict with \['b', 'w'\] is needed"):
            aligned(wrong, two)
    assert aligned({"a": 1}, {"a": 2}) == {"a": 1}
