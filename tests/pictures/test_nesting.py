"""Scopes as a tree: each once, found by name or path, and nothing that takes longer because they are deep."""

from __future__ import annotations

import json
from shutil import which

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minigrad import Tensor
from minigrad.graph import graph_of
from minigrad.pictures import draw
from minigrad.pictures.nesting import LINE, WRAPPED, Scope, common, descending, matching, rows_of, scopes_of

paths = st.lists(st.lists(st.sampled_from("abc"), max_size=4).map(tuple), min_size=1, max_size=8)


def names(scope):
    return tuple(each.name for each in scope.chain())[::-1]


@given(paths)
def test_every_path_is_one_scope(given_paths):
    root, scopes = scopes_of(given_paths)
    assert [names(scope) for scope in scopes] == given_paths
    assert [scope.depth for scope in scopes] == [len(path) for path in given_paths]
    assert len(set(scopes)) == len(set(given_paths))
    everything = list(descending(root))
    prefixes = {path[: i + 1] for path in given_paths for i in range(len(path))}
    assert len(everything) == len(prefixes) and {names(scope) for scope in everything} == prefixes
    assert all(scope.parent is root or scope.parent in everything[: everything.index(scope)] for scope in everything)
    around = common(scopes)
    shared = max(
        (path[:i] for path in given_paths for i in range(5) if all(p[:i] == path[:i] for p in given_paths)), key=len
    )
    assert names(around) == shared
    assert all(scope.up_to(around.depth) is around for scope in scopes)


def found(given_paths, *asked):
    root, _ = scopes_of(given_paths)
    return {scope.path for scope in matching(root, asked)}


def test_scopes_are_named_by_themselves_or_by_their_path():
    given_paths = [("a", "b", "c"), ("b",), ()]
    assert found(given_paths, "a") == {"a"}
    assert found(given_paths, "b") == {"a", "a/b", "b"}
    assert found(given_paths, "a/b") == {"a", "a/b"}
    assert found(given_paths) == set()
    assert found([("x/y", "z")], "x/y") == {"x/y"} and found([("x/y", "z")], "x/y/z") == {"x/y", "x/y/z"}
    with pytest.raises(ValueError, match=r"'d', which is no scope of this graph: the scopes are a, b, c$"):
        found(given_paths, "a", "d")
    with pytest.raises(ValueError, match=r"it has no scopes, see minigrad\.scope"):
        found([()], "d")


def test_steps_are_told_by_their_names():
    series = {name: Scope(name).series for name in ("t=3", "layer=12", "t = 3", "t=x", "=3", "t=", "gate")}
    assert {name for name, of in series.items() if of} == {"t=3", "layer=12"}
    assert (series["t=3"], series["layer=12"]) == ("t", "layer")


def test_of_deep_scopes_the_ends_are_told():
    _, (deep, deeper) = scopes_of([tuple("abcdef"), tuple("abcdefg")])
    assert (deep.told(), deeper.told()) == ("a/b/c/d/e/f", "a/b/c/…/e/f/g")
    assert Scope("t=1", Scope()).told() == "t=1"


# -- rows -------------------------------------------------------------------------------------------------------------


def chain(n, beside=()):
    """So many operations, one made from the other; where k is among ``beside``, an array comes in."""
    y = Tensor([0.5, 0.2], requires_grad=True, name="x")
    for k in range(n):
        y = np.tanh(y) if k not in beside else y + Tensor([1.0, 2.0])
    return y


def rows(picture):
    """The rows of a picture from the top."""
    clusters = [each for each in json.loads(picture.pipe("json"))["objects"] if each.get("label", "").startswith("row")]
    return [each["label"] for each in sorted(clusters, key=lambda each: -float(each["bb"].split(",")[1]))]


@example(n=WRAPPED - 1)
@example(n=WRAPPED)
@given(n=st.integers(1, 99))
def test_a_long_chain_is_written_in_rows(n):
    found = rows_of(graph_of(chain(n)))
    assert (found is None) == (n < WRAPPED)
    if found is not None:
        numbers = [int(name.removeprefix("row ")) for (name,) in found]
        assert numbers == sorted(numbers)
        assert max(map(numbers.count, numbers)) <= LINE + 1  # and x


@pytest.mark.skipif(which("dot") is None, reason="no Graphviz is installed: there is no dot on the PATH")
@pytest.mark.parametrize("n", [25, 28, 29, 60, 97])
def test_the_rows_stand_below_each_other_and_are_no_strip(n):
    picture = draw(np.sum(chain(n)))
    assert rows(picture) == [f"row {k}" for k in range(1, len(rows(picture)) + 1)] != []
    _, _, width, height = map(float, json.loads(picture.pipe("json"))["bb"].split(","))
    assert width < 1200 and height < 1200


def test_what_is_no_plain_chain_or_was_asked_for_stays_in_a_row():
    assert rows_of(graph_of(chain(40, beside=[3]))) is not None
    assert rows_of(graph_of(chain(40, beside=[30]))) is None
    y = chain(3)
    for _ in range(30):
        y = y + np.tanh(y)
    assert rows_of(graph_of(y)) is None
    assert "row 1" in draw(np.sum(chain(40))).source
    for options in ({"level": "operation"}, {"direction": "TB"}, {"max_nodes": 20}):
        assert "row 1" not in draw(np.sum(chain(40)), **options).source
