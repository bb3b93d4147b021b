"""What is shown of a large graph: every node in exactly one box, no more boxes than allowed, ends always seen."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor
from minigrad.graph import Graph
from minigrad.pictures.boxes import ENDS, boxes_of
from minigrad.pictures.nesting import scopes_of

names = st.sampled_from("abc")
paths_of_nodes = st.lists(st.lists(names, max_size=3).map(tuple), min_size=1, max_size=40)


def graph_with(count):
    return Graph([Tensor(float(i)) for i in range(count)], [], [count - 1], {})


def boxes_for(paths, opened, named, limit, row=math.inf):
    """`boxes_of` with scopes told by their paths."""
    root, scopes = scopes_of(paths)
    wanted = [None if asked is None else scopes_in(root, asked) for asked in (opened, named)]
    return boxes_of(graph_with(len(paths)), root, scopes, *wanted, limit, row)


def scopes_in(root, paths):
    found = set()
    for path in paths:
        scope = root
        for name in path:
            scope = scope.inner(name)
        found.add(scope)
    return found


def path_of(scope):
    return tuple(each.name for each in scope.chain())[::-1]


@given(
    paths_of_nodes, st.sets(st.lists(names, min_size=1, max_size=2).map(tuple)), st.integers(1, 40) | st.just(math.inf)
)
def test_every_node_is_in_one_box(paths, opened, limit):
    opened = {path[:depth] for path in opened for depth in range(1, len(path) + 1)}
    boxes = boxes_for(paths, opened, set(), limit)
    assert sorted(n for box in boxes for n in box.members) == list(range(len(paths)))
    assert len({box.id for box in boxes}) == len(boxes)
    for box in boxes:
        assert box.members == sorted(box.members)
        assert not path_of(box.inside) or path_of(box.inside) in opened
        assert all(paths[n][: box.inside.depth] == path_of(box.inside) for n in box.members)
        if box.kind == "tensor":
            assert len(box.members) == 1 and paths[box.members[0]] == path_of(box.inside)
        if box.kind == "scope":
            closed = (*path_of(box.inside), box.what)
            assert closed not in opened
            assert box.members == [n for n, path in enumerate(paths) if path[: len(closed)] == closed]
    if limit == math.inf:
        assert not any(box.kind == "run" for box in boxes)


@given(st.integers(1, 60), st.integers(1, 60))
def test_rows_are_folded_in_the_middle_above_the_limit(count, limit):
    paths = [(f"t={i}",) for i in range(count)]
    boxes = boxes_for(paths, set(), set(), limit)
    if count <= max(limit, 2 * ENDS + 1):
        assert [box.what for box in boxes] == [f"t={i}" for i in range(count)]
    else:
        middle = boxes.pop(ENDS)
        assert (middle.kind, middle.what, middle.folded) == ("run", "scopes", count - 2 * ENDS)
        assert [box.what for box in boxes] == [f"t={i}" for i in (0, 1, 2, count - 3, count - 2, count - 1)]


def test_runs_end_at_an_open_scope_and_one_alone_is_none():
    def kinds(count, opened):
        paths = [(f"t={i}",) for i in range(count)]
        boxes = boxes_for(paths, {(f"t={opened}",)}, set(), 1)
        return "".join({"tensor": "o", "scope": "s", "run": "r"}[box.kind] for box in boxes)

    assert kinds(9, 4) == "ssssossss"
    assert kinds(11, 4) == "ssssorsss"
    assert kinds(13, 6) == "sssrorsss"


def test_what_is_named_is_not_folded():
    paths = [("s",)] * 30
    assert len(boxes_for(paths, {("s",)}, set(), 10)) == 7
    assert len(boxes_for(paths, {("s",)}, {("s",)}, 10)) == 30


def test_the_longest_row_is_folded_first():
    paths = [("s", f"{i}") for i in range(20)] + [("r", f"{i}") for i in range(10)]
    boxes = boxes_for(paths, {("s",), ("r",)}, set(), 17)
    assert [(path_of(box.inside), box.folded) for box in boxes if box.kind == "run"] == [(("s",), 14)]


def test_a_row_of_too_many_scopes_is_folded_however_few_boxes_there_are():
    paths = [("s", f"{i}") for i in range(13)]
    for row, count in ((13, 13), (12, 7), (1, 7)):
        assert len(boxes_for(paths, {("s",)}, set(), 100, row)) == count
    assert len(boxes_for(paths, {("s",)}, {("s",)}, 100, 12)) == 13  # what is named
    assert len(boxes_for([()] * 30, set(), set(), 100, 12)) == 30  # tensors
