"""Scopes as a tree: each once, found by name or path, and nothing that takes longer because they are deep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.pictures.nesting import Scope, common, descending, matching, scopes_of

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
