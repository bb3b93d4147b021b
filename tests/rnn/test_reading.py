"""Loops by hand, read back as runs."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from tests.rnn import loops
from tests.rnn.figure.models import data, example, network, wired
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.test_layouts import DRAWN

each_loop = pytest.mark.parametrize("loop", loops.ALL.values(), ids=loops.ALL)
BY_MODEL = ("gates by hand",)  # whose layout is told by the model, which the graph does not know


def again(run):
    """A run, read back from its cost and the names of its parameters."""
    return run_of(run.cost, **run.model.parameters())


# -- runs of models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(DRAWN.keys() - BY_MODEL))
def test_a_run_that_is_read_back_looks_the_same(name):
    run = DRAWN[name]()
    names = getattr(run.model, "called", {})  # of which the graph does not know
    assert draw(again(run), names=names).source == draw(run).source


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), T=st.integers(2, 6), forced=st.booleans(), steps=st.booleans()
)
def test_whatever_model_is_read_back_looks_the_same(seed, n, T, forced, steps):
    run = wired(n, seed, T, forced)
    assume(run.cost.requires_grad)
    read = run_of(run.cost, **run.model.parameters(), **{role: run[role] for role in run.model.roles * steps})
    assume(read.forced == run.forced)  # it may be that no role hears what is fed back
    tensors = lambda run: {tensor for step in run.steps for tensor in step.values()}
    assume(tensors(read) == tensors(run))  # what nothing was made from cannot be found
    assert draw(read).source == draw(run).source


@settings(max_examples=15)
@given(kind=st.sampled_from(["W", "R", "WR"]), T=st.integers(1, 15), batch=st.booleans(), grad=st.booleans())
def test_so_do_the_lectures_networks(kind, T, batch, grad):
    xs, targets = data(T, (3,) * batch)
    run = unroll(network(kind), mg.Tensor(xs, requires_grad=grad), targets)
    read = again(run)
    assert draw(read).source == draw(run).source
    assert [read[role] for role in read.roles] == [run[role] for role in run.roles]
    assert repr(read).replace("Loop", type(run.model).__name__) == repr(run)


# -- loops ------------------------------------------------------------------------------------------------------------


@each_loop
@pytest.mark.parametrize("T", [3, 20])
def test_a_loop_is_drawn_and_nothing_in_it_lies(loop, T):
    cost, collected = loop(T)
    run = run_of(cost, **collected)
    assert len(run) == T
    assert run.roles[0] == "x"
    assert run.model.carried
    assert run.carried[0].keys() <= set(run.model.carried)
    assert faults(draw(run), folded=False) == []


@each_loop
def test_the_graph_is_that_of_the_loop(loop):
    cost, collected = loop()
    run = run_of(cost, **collected)
    run.cost.backward()
    once = {name: parameter.grad for name, parameter in run.model.parameters().items()}
    cost.backward()
    for name, parameter in run.model.parameters().items():
        np.testing.assert_array_equal(parameter.grad, 2 * once[name])


@pytest.mark.parametrize("other", ["scoped", "named"])
def test_however_steps_are_told_apart_the_picture_is_the_same(other):
    """But for the scale of the cost, and names."""
    one, two = (run_of(*loops.ALL[name]()[:1]) for name in ("nameless", other))
    places = lambda run: [(list(step), [t.shape for t in step.values()]) for step in run.steps]
    assert places(one) == places(two)
    wirings = [mg.rnn.figure.wiring.Wiring.of_run(run) for run in (one, two)]
    assert wirings[0].connections.keys() == wirings[1].connections.keys()
    assert wirings[0].uses.keys() == wirings[1].uses.keys()


@pytest.mark.parametrize("count", ["{}_{}", "{}{}", "{}[{}]", "{}_{{{}}}", "{}({})"])
@pytest.mark.parametrize("first", [0, 1, 7])
def test_names_may_be_written_and_counted_in_many_ways(count, first):
    run = run_of(loops.named(4, count, first)[0])
    assert run.roles == ["x", "h", "y", "C"]
    assert len(run) == 4


@each_loop
def test_it_goes_through_pickle_and_copies(loop):
    cost, collected = loop()
    run = run_of(cost, **collected)
    for other in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert draw(other).source == draw(run).source
        assert other.cost is not run.cost


def test_what_does_not_lead_to_the_cost_may_be_passed():
    run = unroll(network("W"), *data(3))
    read = run_of(run["C"][0], y=run["y"], h=run["h"])
    assert read["y"] == run["y"]
    assert read.costs == {1: run["C"][0]}


def test_lists_may_begin_with_the_initial_value_and_end_before_others():
    cost, _ = loops.named()
    run = run_of(cost)
    start = mg.Tensor(np.zeros(5))
    read = run_of(cost, s=[start, *run["h"]], out=run["y"][-1:])
    assert read["s"] == run["h"]
    assert read.steps[-1]["out"] is run["y"][-1]


def test_a_dict_tells_the_steps_itself():
    cost, collected = loops.characters()
    run = run_of(cost, **collected)
    assert run["p"] == list(collected["p"].values())
    np.testing.assert_array_equal(run.carried[0]["h"].data, np.zeros((5, 1)))


def test_parameters_are_called_as_they_are_or_as_is_told():
    w, u, v = (mg.Tensor(0.5, requires_grad=True, name=name) for name in ("w", "w", None))
    h = 0.1
    for t in (1, 2, 3):
        h = np.tanh(w * h + u * v)
        h.name = f"h_{t}"
    assert list(run_of(h).model.parameters()) == ["w", "w_2", "θ"]
    assert run_of(h, drive=u).model.parameters() == {"drive": u, "w": w, "θ": v}


def test_what_was_understood_is_said():
    assert str(run_of(loops.lstm()[0]).model).splitlines() == [
        "A loop of 3 steps, told by the names of i, f, o, g, c, h, y",
        "  x (2,)        given",
        "  i (4,)        from x and h before, with W_i, U_i, b_i",
        "  f (4,)        from x and h before, with W_f, U_f, b_f",
        "  o (4,)        from x and h before, with W_o, U_o, b_o",
        "  g (4,)        from x and h before, with W_g, U_g, b_g",
        "  c (4,)        from i, f, g and c before; c_0 is given",
        "  h (4,)        from o and c; h_0 is given",
        "  y (1,)        from h, with V",
        "  C ()          from y and target",
        "  target (1,)   given",
    ]
    assert "y (3,)        from h, with V, c; in 1 step only" in str(run_of(loops.last()[0]).model)


def test_a_loop_cannot_be_run_again():
    model = run_of(loops.nameless()[0]).model
    with pytest.raises(TypeError, match="a loop that was read back cannot be run again: call your own once more"):
        unroll(model, np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("read", "error", "message"),
    [
        (lambda: run_of(3.0), TypeError, "cost is a float: pass the Tensor that the loop has led to"),
        (lambda: run_of(mg.Tensor(3.0)), ValueError, "the cost was not recorded, so there is no graph to read"),
        (lambda: run_of(example().cost, h=np.ones(3)), TypeError, "h is a ndarray without tensors: pass those of all"),
        (lambda: run_of(example().cost, h=[np.ones(3)]), TypeError, "h is a list without tensors: pass those of all"),
        (lambda: run_of(example().cost, h={"a": 1}), TypeError, "h is a dict without tensors: pass those of all"),
        (lambda: run_of(np.sum(network("W").W)), ValueError, "no steps were found in what the cost was made from: na"),
    ],
)
def test_what_cannot_be_read_is_said(read, error, message):
    with pytest.raises(error, match=message):
        read()
