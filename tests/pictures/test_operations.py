"""Pictures of any graph: nothing lost, nothing invented, the gradient's colours, and always the same text."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from contextlib import ExitStack
from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minigrad import StaleGraphError, Tensor, gradients, no_grad, scope
from minigrad.graph import cotangents_through, graph_of, rms, rms_together
from minigrad.pictures import Digraph, draw
from minigrad.pictures.style import NONFINITE, ZERO, Scale, clean, color
from minigrad.pictures.text import names_in
from minigrad.rnn import RNN, Bidirectional, unroll
from tests.pictures import golden


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


ATTRIBUTE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ENTRY = re.compile(r"^\t+([nb]\d\w*)(?: -> (\w+))? \[(.*)\]$")


def drawn(picture):
    """The nodes of a picture by id, and its edges in order: their attributes as dicts."""
    nodes, edges = {}, []
    for line in picture.source.splitlines():
        if entry := ENTRY.match(line):
            start, end, rest = entry.groups()
            attributes = dict(ATTRIBUTE.findall(rest))
            if end and attributes.get("style") != "invis":  # those only put steps in order
                edges.append((start, end, attributes))
            elif not end:
                assert start not in nodes
                nodes[start] = attributes
    return nodes, edges


def clusters(picture):
    """For each node of a picture the labels of the clusters around it, outermost first."""
    around, found = [], {}
    for line in picture.source.splitlines():
        text = line.strip()
        if text.startswith("subgraph"):
            around.append(None)
        elif text == "}" and around:
            around.pop()
        elif around and around[-1] is None:
            around[-1] = re.search(r'label=("?)(.*?)\1 \w+=', text)[2]
        elif (entry := ENTRY.match(line)) and entry[2] is None:
            found[entry[1]] = tuple(around)
    return found


def lines(attributes, key="tooltip"):
    """What is read in a label or tooltip: its lines, without the escapes of DOT, which tooltips have twice."""
    read = attributes[key]
    for _ in range(2 if key == "tooltip" else 1):
        read = re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), read)
    return read.replace("&amp;", "&").split("\n")


# -- the text is always the same --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_the_text_is_the_stored_one(name):
    stored = (golden.FOLDER / f"{name}.dot").read_text(encoding="utf-8")
    assert golden.PROGRAMS[name]().source == stored, "look at the picture, then run python -m tests.pictures.golden"


def test_every_stored_text_has_a_program():
    assert {path.stem for path in golden.FOLDER.glob("*.dot")} == golden.PROGRAMS.keys()


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_every_graphviz_draws_all_of_it(name, real):
    picture = golden.PROGRAMS[name]()
    nodes, edges = drawn(picture)
    svg = minidom.parseString(picture.pipe("svg"))
    groups = {g.getAttribute("id"): g for g in svg.getElementsByTagName("g")}
    assert nodes.keys() <= groups.keys()
    assert {attributes["id"] for *_, attributes in edges} <= groups.keys()
    for name, attributes in nodes.items():
        texts = ["".join(c.data for c in t.childNodes) for t in groups[name].getElementsByTagName("text")]
        assert [text.replace("\xa0", " ") for text in texts] == lines(attributes, "label")
        title = groups[name].getElementsByTagName("a")[0].getAttribute("xlink:title")
        assert title.split("\n") == lines(attributes)
    colors = {attributes["fillcolor"] for attributes in nodes.values() if "fillcolor" in attributes}
    assert colors - {"white"} <= set(re.findall(r'fill="(#\w+)"', svg.toxml()))


def test_pictures_are_painted_too(real, tmp_path):
    assert golden.one_step().render(tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"
    assert golden.gates().render(tmp_path / "gates.pdf").read_bytes()[:5] == b"%PDF-"


# -- nothing lost, nothing invented -----------------------------------------------------------------------------------


@st.composite
def programs(draw):
    """A random graph within random nested scopes."""
    tensors = [leaf(1.5, "a"), Tensor(0.5, name="b"), leaf([1.0, -2.0])]
    operations = (np.multiply, np.subtract, lambda x, y: np.tanh(x), lambda x, y: y / 3.0)
    for _ in range(draw(st.integers(1, 12))):
        x, y = (tensors[draw(st.integers(0, len(tensors) - 1))] for _ in "xy")
        with ExitStack() as scopes:
            for name in draw(st.lists(st.sampled_from(["u", "v", "w"]), max_size=3)):
                scopes.enter_context(scope(name))
            tensors.append(draw(st.sampled_from(operations))(x, y))
    return np.sum(sum(tensors[3:], tensors[0]))


@given(programs())
def test_every_tensor_and_every_argument_is_drawn_once(output):
    graph = graph_of(output)
    nodes, edges = drawn(draw(output, level="operation"))
    ghosts = {name for name in nodes if "_" in name}
    assert nodes.keys() - ghosts == {f"n{i}" for i in range(len(graph.nodes))}
    ends = Counter((start.split("_")[0], end) for start, end, _ in edges)
    assert ends == Counter((f"n{e.source}", f"n{e.target}") for e in graph.edges)
    ids = [attributes["id"] for *_, attributes in edges]
    assert len(set(ids)) == len(ids)
    around = clusters(draw(output, level="operation"))
    assert all(around.get(f"n{i}", ()) == node.scope for i, node in enumerate(graph.nodes))
    for start, end, _ in edges:
        if start in ghosts:  # it stands where it is used, and its tensor elsewhere
            assert around.get(start, ()) == around.get(end, ()) != around.get(start.split("_")[0], ())


@given(programs())
def test_closed_scopes_hold_the_rest(output):
    graph = graph_of(output)
    nodes, edges = drawn(draw(output, level="scope"))
    outside = [i for i, node in enumerate(graph.nodes) if not node.scope]
    assert {name for name in nodes if name.startswith("n")} == {f"n{i}" for i in outside}
    scopes = {node.scope[0] for node in graph.nodes if node.scope}
    boxes = {n: lines(a, "label") for n, a in nodes.items() if re.fullmatch(r"b\d+", n)}
    assert {label[0] for label in boxes.values()} == scopes
    for name, about in boxes.values():
        count = sum(1 for node in graph.nodes if node.fn and node.scope[:1] == (name,))
        assert about == f"{count} operation{'s' * (count != 1)}"
    crossing = sum(1 for e in graph.edges if graph.nodes[e.source].scope[:1] != graph.nodes[e.target].scope[:1])
    inside = sum(1 for e in graph.edges if not graph.nodes[e.source].scope and not graph.nodes[e.target].scope)
    merged = sum(int(a["tooltip"].split(r"\n")[1].split()[0]) for *_, a in edges if "drawn as one" in a["tooltip"])
    single = sum("drawn as one" not in a["tooltip"] for *_, a in edges)
    assert (merged, single) == (crossing, inside)


def test_a_product_with_itself_has_two_edges():
    x = leaf(3.0, "x")
    for y in (x * x, x - x):
        _, edges = drawn(draw(y))
        assert [(start, end) for start, end, _ in edges] == [("n0", "n1")] * 2
        assert [attributes["id"] for *_, attributes in edges] == ["n0--n1", "n0--n1--2"]
        assert [lines(attributes)[1][:11] for *_, attributes in edges] == ["argument 0 ", "argument 1 "]
        assert not any("headlabel" in attributes for *_, attributes in edges)


def test_diamonds_are_not_walked_by_path():
    y = leaf(1.0, "y")
    for _ in range(40):
        y = y + y
    nodes, edges = drawn(draw(y))
    assert (len(nodes), len(edges)) == (41, 80)


def test_arguments_are_told_apart_where_order_matters_only():
    a, b, M, h = leaf(2.0), leaf(3.0), leaf(np.eye(2)), leaf([1.0, 2.0])

    def labels(y):
        return [attributes.get("headlabel") for *_, attributes in drawn(draw(y, color="none"))[1]]

    assert labels(a - b) == labels(a**b) == labels(M @ leaf(np.eye(2))) == labels(M @ h) == [None, "2nd"]
    assert labels(np.where(np.True_, a, b)) == ["2nd", "3rd"]
    assert labels(a + b) == labels(a * b) == labels(np.maximum(a, b)) == labels(h @ h) == [None, None]
    assert labels(leaf(np.ones((3, 2))) @ h) == [None, None] and labels(a - 1) == [None]


def test_labels_and_tooltips():
    W, x = leaf(np.ones((3, 2)), "W"), Tensor([1.0, 2.0], name="x_12")
    z = x @ W.T
    z.name = "z_1"
    with scope("t=1"):
        y = np.sum(z[1:] ** 2 / 2)
    nodes, _ = drawn(draw(y))
    assert [nodes[f"n{i}"]["label"] for i in range(7)] == [
        r"W\n3×2", r"x₁₂\n2", r"Wᵀ\n2×3", r"z₁\n@\n3", r"[1:]\n2", "** 2", "÷ 2"
    ]  # fmt: skip
    assert lines(nodes["n3"]) == [
        "z₁ = x₁₂ @ Wᵀ", "made by matmul", "shape (3,), float64", "values 3 … 3", "gradient rms 2.45, norm 4.24"
    ]  # fmt: skip
    assert lines(nodes["n7"])[0] == "n7 = sum(n6)" and lines(nodes["n7"])[-1] == "scope t=1"
    assert lines(nodes["n1"])[1] == "constant" and "no gradient asked for" in lines(nodes["n1"])
    assert nodes["n0"]["shape"] == nodes["n1"]["shape"] == "ellipse" and "shape" not in nodes["n3"]
    assert nodes["n7"]["peripheries"] == "2" and sum("peripheries" in a for a in nodes.values()) == 1


# -- shared tensors ---------------------------------------------------------------------------------------------------


def test_parameters_are_repeated_in_scopes_and_stand_outside_once():
    nodes, edges = drawn(golden.four_steps())
    around = clusters(golden.four_steps())
    for parameter in ("Wᵀ", "Uᵀ", "Vᵀ", "b", "c"):
        (real,) = [n for n, a in nodes.items() if "_" not in n and lines(a, "label")[0] == parameter]
        ghosts = [n for n in nodes if n.startswith(f"{real}_")]
        assert around[real] == () and [around[ghost] for ghost in ghosts] == [(f"t = {t}",) for t in (1, 2, 3, 4)]
        assert all("dashed" in nodes[g]["style"] and nodes[g]["label"] == parameter for g in ghosts)
        assert not any(start == real for start, *_ in edges)


def test_what_flows_from_step_to_step_is_heavy_and_no_ghost():
    picture = golden.four_steps()
    around = clusters(picture)
    heavy = [(around[start], around[end]) for start, end, a in drawn(picture)[1] if a.get("weight") == "8"]
    assert heavy == [((f"t = {t}",), (f"t = {t + 1}",)) for t in (1, 2, 3)]


def test_what_many_scopes_use_is_repeated_even_if_it_is_no_parameter():
    def used(times):
        y = np.exp(leaf(0.5) + leaf(0.25))
        total = 0.0
        for i in range(times):
            with scope(f"head {i}"):
                total = total + y * float(i + 1)
        return drawn(draw(total))[0]

    assert not any("_" in name for name in used(5))
    assert sum("_" in name for name in used(6)) == 6


def ghosts_in(output, level):
    nodes, _ = drawn(draw(output, level=level, color="none"))
    return sorted(lines(a, "label")[0] for name, a in nodes.items() if "_" in name)


@given(st.integers(0, 2), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_one_more_scope_around_all_of_it_repeats_the_same(depth, steps, gates, inside):
    def network(scopes):
        with ExitStack() as around:
            if not inside:
                W = leaf(np.eye(2), "W")
            for name in scopes:
                around.enter_context(scope(name))
            if inside:
                W = leaf(np.eye(2), "W")
            h = context = np.exp(W @ np.ones(2))
            for t in range(steps):
                with scope(f"t={t}"):
                    made = context * 2.0
                    for gate in range(gates):
                        with scope(f"gate {gate}"):
                            made = made + np.tanh(W @ h)
                    h = made
            return np.sum(h)

    alone = ghosts_in(network([]), "operation")
    assert ghosts_in(network(["net", "inner"][:depth]), "operation") == alone
    assert alone.count("W") == (steps * gates if steps > 1 else 0)  # the uses part at the steps


def test_a_step_begins_behind_the_one_before_it_in_every_direction(real):
    """Whatever it is made of: steps that have nothing to do with each other, or go through a sequence both ways."""
    W, terms = leaf(np.eye(2), "W"), []
    for t in range(1, 5):
        with scope(f"t={t}"):
            terms.append(np.sum(np.tanh(W @ np.ones(2) * t)))
    apart, both = np.sum(np.stack(terms)), unroll(both_ways(), *np.ones((2, 3, 2))).cost
    for output, steps in ((apart, 4), (both, 3)):
        graph = graph_of(output)
        first = [min(i for i, n in enumerate(graph.nodes) if n.fn and n.scope == (f"t={t + 1}",)) for t in range(steps)]
        for direction, axis, sign in (("LR", 0, 1), ("RL", 0, -1), ("TB", 1, 1), ("BT", 1, -1)):
            picture = draw(output, level="operation", direction=direction, arrays="label")
            place = places(picture)
            along = [sign * place[f"n{i}"][axis] for i in first]
            assert along == sorted(along) and len(set(along)) == steps
            for start, end, _ in drawn(picture)[1]:
                assert sign * place[start][axis] < sign * place[end][axis]


def both_ways():
    return Bidirectional(RNN(2, 3, 1, rng=0), RNN(2, 3, 1, rng=1))


def places(picture):
    """The middle of every node, in points, y growing downwards."""
    svg = minidom.parseString(picture.pipe("svg"))
    found = {}
    for g in svg.getElementsByTagName("g"):
        if g.getAttribute("class") == "node" and (texts := g.getElementsByTagName("text")):
            found[g.getAttribute("id")] = tuple(float(texts[0].getAttribute(axis)) for axis in "xy")
    return found


# -- colours ----------------------------------------------------------------------------------------------------------


def test_colours_are_those_of_the_gradient():
    run = golden.run(3)
    C = run["C"][-1]
    graph = graph_of(run["C"])
    found = cotangents_through(graph, C)
    nodes, edges = drawn(draw(run["C"], C, level="operation"))
    totals = {f"n{number}": rms(total) for number, total in found.totals.items()}
    shares = {(f"n{e.source}", f"n{e.target}", e.position): rms(share) for e, share in found.shares.items()}
    scale = Scale.covering([*totals.values(), *shares.values()])
    assert 0.0 in totals.values()
    for name, size in totals.items():
        expected = "white" if size == 0 else color(scale.position(size))
        assert nodes[name]["fillcolor"] == expected
        assert ("dashed" in nodes[name].get("style", "")) == (size == 0)
    seen = set()
    for start, end, attributes in edges:
        key = start.split("_")[0], end, int(lines(attributes)[1].split()[1])
        seen.add(key)
        if graph.nodes[int(key[0][1:])].requires_grad:
            size = shares.get(key, 0.0)
            assert attributes["color"] == (ZERO if size == 0 else color(scale.position(size)))
    assert shares.keys() <= seen
    assert run.model.W.grad is None


def test_a_closed_scope_has_the_size_of_all_gradients_in_it_and_its_edges_that_of_their_sum():
    run = golden.run(3)
    graph = graph_of(run.cost)
    found = cotangents_through(graph, run.cost)
    nodes, edges = drawn(draw(run.cost, level="scope"))
    by_label = {lines(a, "label")[0]: (n, a) for n, a in nodes.items()}
    box, second = by_label["t = 2"]
    inside = [i for i, node in enumerate(graph.nodes) if node.scope == ("t=2",)]
    size = rms_together(found.totals[i] for i in inside if i in found.totals)
    assert f"gradient rms {size:.3g}" in lines(second)
    (into,) = [a for start, end, a in edges if end == box and lines(nodes[start], "label")[0] == "t = 1"]
    (edge,) = [e for e in found.shares if e.target in inside and graph.nodes[e.source] is run["h"][0]]
    assert f"gradient rms {rms(found.shares[edge]):.3g}" in lines(into)


def test_of_several_uses_the_shares_add_up():
    x = leaf([1.0, 2.0], "x")
    with scope("s"):
        y = np.sum(x * 3.0 - x * 3.0)
    _, edges = drawn(draw(y, level="scope"))
    ((_, _, attributes),) = edges
    assert attributes["label"] == "×2" and attributes["color"] == ZERO and "gradient exactly 0" in lines(attributes)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_zero_is_dashed_and_what_is_not_finite_violet_and_the_legend_says_so():
    x, w = leaf([0.0, 1.0], "x"), leaf(2.0, "w")
    picture = draw(np.sum(np.sqrt(x)) + w * 0.0)
    nodes, edges = drawn(picture)
    assert nodes["n0"]["fillcolor"] == NONFINITE and nodes["n1"]["color"] != ZERO and "dashed" in nodes["n1"]["style"]
    assert [a["color"] for start, _, a in edges if start == "n0"] == [NONFINITE]
    assert r"log scale\ndashed grey: exactly 0\nviolet: NaN or infinite" in picture.source
    assert lines(nodes["n0"], "label") == ["x", "2", "∞"] and "∞" not in nodes["n1"]["label"]
    assert [a["label"] for start, _, a in edges if start == "n0"] == ["∞"]
    both = draw(np.sum(np.sqrt(x) * np.sqrt(x))).source  # 0 × ∞
    assert "NaN" in both and "∞" not in both
    plain = draw(np.sum(x * x * x + x)).source
    assert "dashed grey" not in plain and "violet" not in plain


def test_by_value_or_not_at_all():
    x = Tensor([3.0, 4.0], name="x")
    y = leaf([0.0, 0.0], "y")
    z = x * y
    nodes, edges = drawn(draw(z, color="value"))
    assert "values rms 3.54, norm 5" in lines(nodes["n0"]) and "values exactly 0" in lines(nodes["n2"])
    assert "dashed" in nodes["n1"]["style"] and "RMS of the values" in draw(z, color="value").source
    assert {a["color"] for *_, a in edges} == {"#555566"}
    nodes, edges = drawn(draw(z, color="none"))
    assert nodes["n0"]["fillcolor"] == "#eeeeee" and "fillcolor" not in nodes["n2"]
    assert "key" not in draw(z, color="none").source and "gradient" not in draw(z, color="none").source


# -- large graphs -----------------------------------------------------------------------------------------------------


def chain_of(length):
    y = leaf(0.5, "x")
    for _ in range(length):
        y = np.tanh(y)
    return y


@pytest.mark.slow
def test_a_hundred_thousand_operations_reach_text():
    y = chain_of(100_000)
    source = draw(y, level="operation").source
    assert source.count(" -> ") == 100_000
    nodes, edges = drawn(draw(y))
    assert [a["label"] for a in nodes.values()][::-1] == ["x", *["tanh"] * 3, "… 99,994 operations …", *["tanh"] * 3]
    assert len(edges) == 7


def test_five_thousand_steps_fit_on_a_page(real, tmp_path):
    picture = draw(golden.run(5000).cost)
    nodes, _ = drawn(picture)
    labels = [lines(a, "label")[0] for n, a in nodes.items() if re.fullmatch(r"b\d+", n)][::-1]
    assert labels == ["t = 1", "t = 2", "t = 3", "… 4,994 scopes …", "t = 4998", "t = 4999", "t = 5000"]
    assert len(nodes) < 30
    assert "19,976 operations" in picture.source
    assert picture.render(tmp_path / "long.png").stat().st_size > 0


@pytest.mark.parametrize("steps", [13, 30, 99])
def test_many_steps_are_no_strip(steps, real):
    for output in (golden.run(steps).cost, by_hand(steps)):
        width, height = size_of(draw(output))
        assert width < 1300 and height < 700
    assert len(re.findall(r"\tb\d+ \[", draw(output, max_nodes=120).source)) == steps  # unless asked for


def by_hand(steps):
    """A loop as it is written by somebody who knows NumPy only."""
    rng = np.random.default_rng(0)
    W, U, h = leaf(rng.normal(size=(3, 3)), "W"), leaf(rng.normal(size=(3, 2)), "U"), np.zeros(3)
    cost = 0.0
    for t in range(1, steps + 1):
        with scope(f"t={t}"):
            h = np.tanh(W @ h + U @ rng.normal(size=2))
            cost = cost + np.sum((h - rng.normal(size=3)) ** 2)
    return cost


def size_of(picture):
    """In points."""
    return [
        float(n)
        for n in re.search(
            r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', str(picture.pipe("svg", encoding="utf-8"))
        ).groups()
    ]


def test_text_grows_with_the_graph_not_with_the_depth_of_its_scopes():
    def deep(depth):
        y = leaf(1.0, "y")
        with ExitStack() as around:
            for i in range(depth):
                around.enter_context(scope(f"s{i}"))
                y = np.tanh(y)
        return len(draw(y, level="operation").source) / depth

    assert deep(800) < 1.05 * deep(100)


def test_up_to_the_limit_everything_is_drawn():
    y = chain_of(9)
    assert len(drawn(draw(y, max_nodes=10))[0]) == 10
    assert len(drawn(draw(y, max_nodes=9))[0]) == 8
    assert len(drawn(draw(y, max_nodes=1))[0]) == 8  # never less than the ends, and the leaf
    assert len(drawn(draw(y, level="operation", max_nodes=1))[0]) == 10


def test_few_scopes_are_not_folded():
    for steps, limit in ((80, 100), (120, 200)):
        nodes, _ = drawn(draw(golden.run(steps).cost, max_nodes=limit))
        assert sum(bool(re.fullmatch(r"b\d+", name)) for name in nodes) == steps


def test_a_scope_is_opened_by_name_in_the_middle_of_what_is_folded():
    picture = draw(golden.run(60).cost, max_nodes=30, expand="t=30")
    nodes, _ = drawn(picture)
    boxes = [lines(a, "label")[0] for n, a in nodes.items() if re.fullmatch(r"b\d+", n)]
    assert {"… 26 scopes …", "… 27 scopes …"} <= set(boxes) and "t = 30" not in boxes
    assert sum(where == ("t = 30",) for where in clusters(picture).values()) == 6 + 5  # a step, and its ghosts


def test_scopes_within_scopes_are_opened_by_their_path():
    with scope("outer"):
        with scope("inner"):
            y = np.exp(leaf(1.0))
        z = y * y
    assert set(clusters(draw(z, level="scope")).values()) == {()}
    assert len(drawn(draw(z, level="scope", expand="outer"))[0]) == 2
    for name in ("inner", "outer/inner", ["outer", "inner"]):
        around = clusters(draw(z, level="scope", expand=name))
        assert sorted(around.values()) == [("outer",), ("outer", "inner"), ("outer", "inner")]


def test_a_scope_left_and_entered_again_is_one():
    y = leaf(1.0)
    for name in ("a", "b", "a"):
        with scope(name):
            y = np.tanh(y)
    assert [lines(a, "label") for n, a in drawn(draw(y, level="scope"))[0].items() if n.startswith("b")] == [
        ["b", "1 operation"],
        ["a", "2 operations"],
    ]


# -- the backward pass ------------------------------------------------------------------------------------------------


def test_forward_and_backward_halves():
    x = leaf(0.75, "x")
    with scope("s"):
        y = np.sin(x) * x
    grads = gradients(y, [x], create_graph=True)
    picture = draw(grads, forward=y)
    graph = graph_of([*grads, y])
    around = {name: where for name, where in clusters(picture).items() if "_" not in name}  # without ghosts
    assert len(around) == len(graph.nodes) and {where[0] for where in around.values()} == {"forward", "backward"}
    for name, (half, *rest) in around.items():
        node = graph.nodes[int(name[1:])]
        assert (half == "forward") == (node.index <= y.index) and tuple(rest) == node.scope
    nodes, _ = drawn(picture)
    assert [n for n, a in nodes.items() if "peripheries" in a] == [f"n{graph.outputs[0]}"]
    assert clusters(draw(grads)).keys() < around.keys()  # without forward=, no halves


def test_halves_of_a_large_graph():
    run = golden.run(20)
    grads = gradients(run.cost, [run.model.W, run.model.V], create_graph=True)
    picture = draw(grads, color="value", forward=run.cost, max_nodes=100)
    nodes, _ = drawn(picture)
    assert len(nodes) < 130
    assert sum(where == ("forward",) and n.startswith("b") for n, where in clusters(picture).items()) >= 20
    assert any("operations …" in a["label"] and clusters(picture)[n] == ("backward",) for n, a in nodes.items())


# -- names ------------------------------------------------------------------------------------------------------------


ODD = ['a"b', "<b>x</b>", "x\ny", "back\\slash", r"\N", "\\", '\\\\"', "a&lt;b &amp;", "τ 日本", "\0\x1b", "\ud800"]
ODD += ["{|}", "%s", "->", "node", "a;b[c]", "é\u200d", "<", "a=b", " ", "x" * 300, "\ufffe", "h_12", "\u2028", "_"]


def shown_by(svg, kind):
    groups = [g for g in svg.getElementsByTagName("g") if g.getAttribute("class") == kind]
    texts = [["".join(c.data for c in t.childNodes) for t in g.getElementsByTagName("text")] for g in groups]
    return {g.getAttribute("id"): [text.replace("\xa0", " ") for text in t] for g, t in zip(groups, texts, strict=True)}


def test_odd_names_are_shown_as_they_are(real):
    outputs = []
    for name in ODD:
        with scope(name):
            outputs.append(np.tanh(leaf(2.0, name)))
    svg = minidom.parseString(draw(outputs, color="none", level="operation").pipe("svg"))
    names = names_in(graph_of(outputs))
    nodes, boxes = shown_by(svg, "node"), shown_by(svg, "cluster")
    titles = [a.getAttribute("xlink:title") for a in svg.getElementsByTagName("a")]
    for i, name in enumerate(ODD):
        expected = names[2 * i]
        assert expected.rstrip("⁽⁰¹²³⁴⁵⁶⁷⁸⁹⁾") == (clean(name) if name != "h_12" else "h₁₂")
        (label,) = nodes[f"n{2 * i}"]
        assert label == expected[:23] + "…" if len(name) > 24 else label == expected.replace("\xa0", " ")
        assert any(title.split("\n")[0] == expected for title in titles), name
    labels = [texts[0] if texts else "" for texts in boxes.values()]
    assert {"a = b", '\\\\"', "a&lt;b &amp;", r"\N"} <= set(labels)


@given(st.text(max_size=8), st.text(max_size=8))
@example('"', "\\")
@example("\\", '"]')
@example("\r\n", "\x00")
def test_any_name_gives_lines_that_can_be_read_back(name, scope_name):
    with scope(scope_name):
        y = np.tanh(leaf(2.0, name))
        y.name = name
    for level in ("operation", "scope"):
        picture = draw(y, level=level)
        picture.source.encode("utf-8")
        nodes, _ = drawn(picture)
        assert len(nodes) == (2 if level == "operation" else 1)
        graph = graph_of(y)
        for i, known in enumerate(names_in(graph) if level == "operation" else []):
            assert lines(nodes[f"n{i}"], "label")[0] == (known if name else ["n0", "tanh"][i])
            assert known in lines(nodes[f"n{i}"])[0]


# -- small things and errors ------------------------------------------------------------------------------------------


def test_a_leaf_and_a_constant():
    nodes, edges = drawn(draw(leaf(3.0, "x")))
    assert list(nodes) == ["n0"] and edges == []
    nodes, _ = drawn(draw(Tensor(3.0), color="none"))
    assert nodes["n0"]["label"] == "3" and nodes["n0"]["fillcolor"] == "#eeeeee"
    with no_grad():
        y = np.exp(leaf([1.0, 2.0]))
    nodes, edges = drawn(draw([y, leaf(np.zeros((0, 3)))], color="none"))
    assert {name: a["label"] for name, a in nodes.items()} == {"n0": r"n0\n2", "n1": r"n1\n0×3"} and not edges
    assert "no values" in lines(nodes["n1"])


def test_integers_and_texts_have_no_size():
    x = leaf([1.0, 2.0])
    words = Tensor(np.array(["a", "b"]), name="words")
    nodes, _ = drawn(draw([x * Tensor([1, 2]), words], color="value"))
    assert any("values of dtype" in line for a in nodes.values() for line in lines(a))


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda x: Tensor(2.0) * 3, {}, ValueError, r"nothing .* requires grad.*requires_grad=True.*color=\"value\""),
        (lambda x: x.detach() * 3, {}, ValueError, "requires grad"),
        (lambda x: x * 3, {}, ValueError, r"shape \(2,\) is not one number.*np\.sum\(y\).*or draw it with color"),
        (lambda x: [x[0], x[1]], {}, ValueError, r"of 2 outputs one has to be chosen: name with of="),
        (lambda x: x[0], {"of": leaf(1.0)}, ValueError, r"shape \(\) that of= names is not in the graph"),
        (lambda x: x[0], {"of": 1.0}, TypeError, "of is a float"),
        (lambda x: [], {}, ValueError, "nothing to draw: the list of outputs is empty"),
        (lambda x: x.data, {}, TypeError, "a ndarray has no recorded graph: pass a Tensor"),
        (lambda x: [x, None], {}, TypeError, "a NoneType has no recorded graph"),
        (
            lambda x: x[0],
            {"level": "step"},
            ValueError,
            "level='step' is not known: choose one of auto, operation, scope",
        ),
        (lambda x: x[0], {"color": "red"}, ValueError, "color='red' is not known: choose one of gradient, value, none"),
        (lambda x: x[0], {"direction": "up"}, ValueError, "direction='up' is not known: choose one of LR, TB, RL, BT"),
        (lambda x: x[0], {"arrays": "no"}, ValueError, "arrays='no' is not known: choose one of node, label"),
        (lambda x: x[0], {"max_nodes": 0}, ValueError, "max_nodes=0 given"),
        (lambda x: x[0], {"expand": "t=1"}, ValueError, "'t=1', which is no scope of this graph: it has no scopes"),
        (lambda x: x[0], {"forward": 3}, TypeError, "a int has no recorded graph"),
    ],
)
def test_what_cannot_be_drawn_says_why_and_what_to_do(make, options, error, message):
    with pytest.raises(error, match=message):
        draw(make(leaf([1.0, 2.0])), **options)


def test_unknown_scopes_are_listed_shortly():
    with pytest.raises(ValueError, match=r"the scopes are t=1, t=2, t=3, \.\.\., t=39, t=40$"):
        draw(golden.run(40).cost, expand=["t=3", "t=41"])


def test_a_stale_graph_is_not_drawn():
    W = leaf(np.eye(2), "W")
    y = np.sum(W @ W)
    W.data = np.ones((2, 2))
    with pytest.raises(StaleGraphError, match="data of W"):
        draw(y)


def test_directions():
    y = np.exp(leaf(1.0))
    assert {d: f"rankdir={d}" in draw(y, direction=d).source for d in ("LR", "TB", "RL", "BT")} == dict.fromkeys(
        ("LR", "TB", "RL", "BT"), True
    )


def test_a_picture_is_a_digraph_without_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    picture = draw(np.exp(leaf(1.0)))
    assert isinstance(picture, Digraph)
    assert picture.render(tmp_path / "a.dot").read_text(encoding="utf-8") == picture.source


def test_batches_and_other_models():
    xs, targets = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    cost = unroll(RNN(2, 4, 2), xs, targets).cost
    nodes, _ = drawn(draw(cost, level="operation"))
    assert any(lines(a, "label") == ["x₁", "5×2"] for a in nodes.values())
    assert all(math.isfinite(float(a.get("penwidth", 1))) for a in nodes.values())
