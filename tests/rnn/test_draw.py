"""The textbook figure: that what it shows is the network and its gradient as derived by hand, then how it looks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.context import no_grad, scope
from minigrad.draw.engines import NoEngineError, find_engine
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.draw import Figure, draw
from minigrad.rnn.unroll import unroll
from minigrad.tensor import Tensor, vjps
from tests.rnn import handmade

GREY = "#bbbbbb"
kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def network(kind, **options):
    sizes = {"n_in": 2, "n_hidden": 4, "n_out": 3, "rng": 0, **options}
    return OutputFeedbackRNN(hidden="W" in kind, **sizes) if "R" in kind else RNN(**sizes)


def data(T, batch=(), seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, *batch, 2)), rng.uniform(0, 1, size=(T, *batch, 3))


def example(kind="W", T=5, **options):
    return unroll(network(kind), *data(T), **options)


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


# -- reading DOT ------------------------------------------------------------------------------------------------------


def statements(source):
    """The nodes and edges of a DOT text with their attributes: {"h1": {...}}, {("h1", "y1"): {...}}."""
    nodes, edges = {}, {}
    for line in source.splitlines():
        if match := re.fullmatch(r"\s*(\w+)(?: -> (\w+))?(?: \[(.*)\])?", line):
            tail, head, attributes = match.groups()
            pairs = re.findall(r'(\w+)=("[^"]*"|\S+)', attributes or "")
            found = {key: value.strip('"') for key, value in pairs}
            if head:
                assert (tail, head) not in edges
                edges[tail, head] = found
            elif tail not in ("graph", "node", "edge"):
                assert tail not in nodes
                nodes[tail] = found
    return nodes, edges


def steps_shown(source, role="h"):
    return [int(t) for t in re.findall(rf"^\s*{role}(\d+) \[", source, re.MULTILINE) if t != "0"]


def zero(attributes):
    return "dashed" in attributes.get("style", "") and attributes["color"] == GREY


# -- what is shown is what was derived --------------------------------------------------------------------------------


def textbook(kind, T, forced=False):
    """The arrows of the textbooks' figure."""
    arrows = set()
    for t in range(1, T + 1):
        arrows |= {(("x", t), ("z", t)), (("z", t), ("h", t)), (("h", t), ("y", t)), (("y", t), ("C", t))}
        if "W" in kind:
            arrows.add((("h", t - 1), ("z", t)))
        if "R" in kind:
            arrows.add((("target" if forced and t > 1 else "y", t - 1), ("z", t)))
        if forced and t < T:
            arrows.add((("target", t), ("C", t)))
    return arrows


@kinds
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("functions", [{}, {"f": "logistic", "g": "softmax"}, {"f": "identity"}, {"f": "relu"}])
@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("T", [1, 2, 4])
def test_the_connections_are_the_textbooks(kind, forced, functions, cost, T):
    forced = forced and "R" in kind
    run = unroll(network(kind, **functions), *data(T), cost=cost, teacher_forcing=forced)
    figure = Figure.of_run(run, run.cost)
    assert set(figure.connections) == textbook(kind, T, forced)
    roles = {(role, t) for role in ("x", "z", "h", "y", "C") for t in range(1, T + 1)}
    initial = {(role, 0) for role in run.model.carried}
    targets = {("target", t) for t in range(1, T)} if forced else set()
    assert set(figure.tensors) == set(figure.sizes) == roles | initial | targets
    assert figure.recurrent == {name: role for name, role in (("W", "h"), ("R", "y")) if name in kind}
    at = {"V": "y", "c": "y"}
    used = {(name, (at.get(name, "z"), t)) for name in run.model.parameters() for t in range(1, T + 1)}
    assert set(figure.taps) == used
    assert set(figure.accumulated) == {(name, t) for name, (_, t) in used}


@kinds
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    T=st.integers(1, 6),
    batch=st.sampled_from([(), (1,), (3,)]),
    f=st.sampled_from(["tanh", "logistic", "identity"]),
    g=st.sampled_from(["identity", "tanh", "softmax"]),
    cost=st.sampled_from(["squared_error", "cross_entropy"]),
    forced=st.booleans(),
    last=st.booleans(),
)
def test_every_size_is_derived_by_hand(kind, seed, T, batch, f, g, cost, forced, last):
    model, (xs, targets) = network(kind, f=f, g=g, rng=seed), data(T, batch, seed)
    forced = forced and "R" in kind
    xs = Tensor(xs, requires_grad=True)
    run = unroll(model, xs, targets, cost=cost, teacher_forcing=forced)
    figure = Figure.of_run(run, run["C"][-1] if last else run.cost)

    weights = np.eye(T)[-1] if last else np.ones(T)
    p = model.state_dict()
    trace = handmade.feed_forward(p, xs.data, targets, f=f, g=g, cost=cost, forced=forced)
    back = handmade.propagate_back(trace, weights)
    dx, dz, dh, do, dy = (back.deltas[role] for role in ("x", "z", "h", "o", "y"))
    own = handmade.COST_SLOPES[cost](targets, trace.y) * weights.reshape(-1, *[1] * (targets.ndim - 1))
    sizes = {(role, 0): value for role, value in back.initial.items()}
    connections = {}
    for t in range(1, T + 1):
        i = t - 1
        sizes |= {("x", t): dx[i], ("z", t): dz[i], ("h", t): dh[i], ("y", t): dy[i], ("C", t): weights[i]}
        connections |= {(("x", t), ("z", t)): dx[i], (("z", t), ("h", t)): dz[i], (("y", t), ("C", t)): own[i]}
        connections[("h", t), ("y", t)] = do[i] @ p["V"]
        if "W" in kind:
            connections[("h", t - 1), ("z", t)] = dz[i] @ p["W"]
        if "R" in kind and (t == 1 or not forced):
            connections[("y", t - 1), ("z", t)] = dz[i] @ p["R"]
    taps, accumulated = {}, {}
    for name, terms in handmade.contributions(trace, back).items():
        for t in range(1, T + 1):
            taps[name, ("y" if name in "Vc" else "z", t)] = terms[t - 1]
            accumulated[name, t] = terms[t - 1 :].sum(axis=0)

    def agrees(found, expected, besides=()):
        assert {key for key, size in found.items() if size is None} == set(besides)
        for key, values in expected.items():
            assert found[key] == pytest.approx(rms(values), rel=1e-9, abs=1e-15), key
            assert (found[key] == 0) == (not np.any(values)), key

    aside = [("target", t) for t in range(1, T)] if forced else []
    agrees(figure.sizes, sizes, aside)
    fed = [(("target", t), (role, s)) for t in range(1, T) for role, s in (("C", t), ("z", t + 1))] if forced else []
    agrees(figure.connections, connections, fed)
    agrees(figure.taps, taps)
    agrees(figure.accumulated, accumulated)


@kinds
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_all_contributions_together_are_the_gradient(kind, dtype):
    run = unroll(network(kind, dtype=dtype), *data(7, (2,)))
    figure = Figure.of_run(run, run.cost)
    run.cost.backward()
    for name, parameter in run.model.parameters().items():
        assert figure.accumulated[name, 1] == pytest.approx(rms(parameter.grad), rel=100 * float(np.finfo(dtype).eps))
        assert figure.accumulated[name, 7] == figure.taps[name, ("y" if name in "Vc" else "z", 7)]


def test_without_asking_the_inputs_have_no_gradient():
    run = example()
    figure = Figure.of_run(run, run.cost)
    assert [size for (role, _), size in figure.sizes.items() if role == "x"] == [None] * 5
    assert figure.connections[("x", 2), ("z", 2)] is None


def test_inside_a_scope_of_the_users_it_is_the_same_figure():
    with scope("lecture"), scope("one"):
        run = example("WR", T=3)
    assert set(Figure.of_run(run, run.cost).connections) == textbook("WR", 3)
    assert draw(run).source == draw(example("WR", T=3)).source


def test_a_function_that_returns_its_argument():
    """``f=lambda z: z`` is linear just like ``f="identity"``."""
    run = unroll(network("W", f=lambda z: z, g=lambda o: o), *data(3))
    assert set(Figure.of_run(run, run.cost).connections) == textbook("W", 3)
    assert steps_shown(draw(run).source) == [1, 2, 3]


def test_drawing_leaves_gradients_alone():
    run = example("WR")
    draw(run)
    parameters = run.model.parameters().values()
    assert all(parameter.grad is None for parameter in parameters)
    assert all(tensor.grad is None for tensor in run.carried[0].values())
    run.cost.backward()
    before = [parameter.grad for parameter in parameters]
    draw(run, run["C"][-1])
    assert all(parameter.grad is old for parameter, old in zip(parameters, before, strict=True))


# -- what it looks like -----------------------------------------------------------------------------------------------


@kinds
def test_the_same_program_gives_the_same_text(kind):
    run = example(kind)
    source = draw(run).source
    assert draw(run).source == source
    example("WR", T=9)  # other tensors take other running numbers
    assert draw(example(kind)).source == source


def test_every_arrow_of_the_figure_is_drawn():
    run = example("WR", T=4, teacher_forcing=True)
    _, edges = statements(draw(run).source)
    for (tail, s), (head, t) in textbook("WR", 4, forced=True):
        assert (f"{tail}{s}", f"{head}{t}") in edges


def test_roles_stand_on_a_grid():
    nodes, _ = statements(draw(example(T=4)).source)
    position = {name: tuple(map(float, node["pos"].split(","))) for name, node in nodes.items()}
    for t in range(1, 5):
        heights = [position[f"{role}{t}"][1] for role in "xhyC"]
        assert heights == sorted(set(heights))
        assert position[f"z{t}"][0] < position[f"h{t}"][0] < position[f"z{t + 1}" if t < 4 else "legend_high"][0]
        for role in "xzhyC":
            assert position[f"{role}{t}"][1] == position[f"{role}1"][1]
            assert position[f"{role}{t}"][0] - position[f"{role}1"][0] == pytest.approx(
                (t - 1) * (position["h2"][0] - position["h1"][0])
            )


@kinds
def test_every_parameter_is_one_bus_with_a_tap_a_step(kind):
    run = example(kind, T=4)
    nodes, edges = statements(draw(run, folded=False).source)
    for name in run.model.parameters():
        role = "y" if name in "Vc" else "z"
        assert nodes[name]["label"] == name
        heads = {head for tail, head in edges if tail == name or tail.startswith(f"{name}_")}
        assert {f"{role}{t}" for t in range(1, 5)} == {head for head in heads if "_" not in head}


@pytest.mark.parametrize("kind", ["W", "WR"])
def test_exactly_zero_is_dashed_grey_and_nothing_else_is(kind):
    """The last cost alone: C_1 ... C_{T-1} do not matter, nor does W in the first step, where h_0 = 0."""
    T = 4
    run = example(kind, T=T)
    nodes, edges = statements(draw(run, run["C"][-1], folded=False).source)
    dashed = {name for name, node in nodes.items() if zero(node)}
    assert dashed == {f"C{t}" for t in range(1, T)} | ({f"y{t}" for t in range(1, T)} if kind == "W" else set())
    arrows = {(f"{tail}{s}", f"{head}{t}") for (tail, s), (head, t) in textbook(kind, T)}
    expected = {(f"y{t}", f"C{t}") for t in range(1, T)}
    if kind == "W":
        expected |= {(f"h{t}", f"y{t}") for t in range(1, T)}
    assert {edge for edge in arrows if zero(edges[edge])} == expected
    into_z1 = {tail.split("_")[0]: zero(edge) for (tail, head), edge in edges.items() if head == "z1" and "_" in tail}
    assert into_z1 == {"U": False, "b": False} | dict.fromkeys(kind, True)
    into_y1 = {tail.split("_")[0]: zero(edge) for (tail, head), edge in edges.items() if head == "y1" and "_" in tail}
    assert into_y1 == dict.fromkeys("Vc", kind == "W")


def test_a_larger_gradient_is_drawn_with_a_broader_pen():
    run = example(T=4)
    figure = Figure.of_run(run, run.cost)
    _, edges = statements(draw(run).source)
    asked = sorted((size, arrow) for arrow, size in figure.connections.items() if size)
    widths = [float(edges[f"{a}{s}", f"{b}{t}"]["penwidth"]) for _, ((a, s), (b, t)) in asked]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert edges["x1", "z1"]["tooltip"] == "no gradient asked for"


@pytest.mark.parametrize(
    ("T", "steps", "shown"),
    [
        (100, "auto", [1, 2, 3, 98, 99, 100]),
        (13, "auto", [1, 2, 3, 11, 12, 13]),
        (12, "auto", range(1, 13)),
        (9, "ends", [1, 2, 3, 7, 8, 9]),
        (6, "ends", range(1, 7)),
        (1, "ends", [1]),
        (1, "auto", [1]),
        (20, "all", range(1, 21)),
    ],
)
def test_many_steps_are_drawn_from_both_ends(T, steps, shown):
    run = example("WR", T=T)
    source = draw(run, steps=steps).source
    for role in "xzhyC":
        assert steps_shown(source, role) == list(shown)
    assert (f"… {T - 6} steps …" in source) == (len(shown) < T)
    assert ("steps …" in source) == (len(shown) < T)
    nodes, edges = statements(source)
    assert {end for edge in edges for end in edge} <= set(nodes)  # nothing leads to a node that is not there


def test_the_loss_across_the_gap_is_written_on_it():
    run = example(T=100)
    sizes = Figure.of_run(run, run["C"][-1]).sizes
    drop = sizes["h", 3] / sizes["h", 98]
    assert f"gradient × {drop:.2g}" in draw(run, run["C"][-1]).source


def test_the_legend_names_what_was_differentiated():
    run = example()
    assert "RMS gradient of Σ C " in draw(run).source
    assert "RMS gradient of C₅ " in draw(run, run["C"][-1]).source


def test_colours_can_be_left_out():
    source = draw(example(), color="none").source
    assert "legend" not in source
    assert "dashed" not in source
    _, edges = statements(source)
    assert {edge["color"] for edge in edges.values() if "color" in edge} == {"#555566"}
    assert set(edges) == set(statements(draw(example()).source)[1])


def test_without_colours_nothing_is_differentiated(monkeypatch):
    def rule(*args):
        raise AssertionError("a derivative was asked for")

    run = example()
    monkeypatch.setitem(vjps, np.tanh, (rule,))
    with pytest.raises(AssertionError, match="a derivative was asked for"):
        draw(run)
    source = draw(run, color="none").source
    assert steps_shown(source) == [1, 2, 3, 4, 5]
    assert "gradient rms" not in source
    assert "exactly 0" not in source


def test_the_folded_network_can_be_left_out():
    run = example("WR")
    nodes, _ = statements(draw(run).source)
    assert [nodes[f"folded_{role}"]["label"] for role in "xhyC"] == ["xₜ", "hₜ", "yₜ", "Cₜ"]
    alone, _ = statements(draw(run, folded=False).source)
    assert set(alone) == {name for name in nodes if not re.match("folded_|loop_|unfold", name)}


def test_a_run_without_targets_can_be_drawn():
    run = unroll(network("W"), data(3)[0])
    source = draw(run, np.sum(run["h"][-1])).source
    assert steps_shown(source) == [1, 2, 3]
    assert steps_shown(source, "C") == []


def test_graphviz_understands_it():
    try:
        find_engine()
    except NoEngineError:
        pytest.skip("no Graphviz on this machine")
    svg = draw(example("WR", T=20)).pipe("svg", encoding="utf-8")
    for label in ("h₁", "y₂₀", "… 14 steps …", ">W<", ">R<"):
        assert label in svg


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "some"}, "steps='some' is not known: choose one of auto, all, ends"),
        ({"color": "red"}, "color='red' is not known: choose one of gradient, none"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        draw(example(), **options)


def test_a_run_without_a_cost_is_refused():
    run = unroll(network("W"), data(3)[0])
    with pytest.raises(ValueError, match=r"needs a cost: unroll with targets, or name a number with of="):
        draw(run)


@pytest.mark.parametrize("color", ["gradient", "none"])
def test_a_run_that_was_not_recorded_is_refused(color):
    """There is no graph to draw: a picture without an arrow would say that nothing is connected."""
    with no_grad():
        run = example()
    with pytest.raises(ValueError, match="not recorded"):
        draw(run, color=color)
