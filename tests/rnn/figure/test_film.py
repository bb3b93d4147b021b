"""The film of a run: that its numbers are those derived by hand, and that everything lights up when it should."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.pictures.finding import NoGraphvizError, find_graphviz
from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import FIRST, animate
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad
from tests.rnn import handmade, loops
from tests.rnn.figure.models import CELLS, Gated, Named, Stacked, Truncated, data, example, network, wired
from tests.rnn.figure.pages import drawn, film_of, frames_of, rms, sizes_of
from tests.rnn.figure.test_layouts import DRAWN
from tests.rnn.figure.test_picture import CUNNING

try:
    find_graphviz()
except NoGraphvizError:
    pytest.skip("no Graphviz on this machine", allow_module_level=True)

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


# -- the numbers ------------------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize("forced", [False, True])
def test_every_number_is_derived_by_hand(kind, batch, forced):
    """For Σ C and for each C_t alone: circles, arrows, taps, and the sums that grow along the buses."""
    T, (xs, targets), forced = 4, data(4, batch), forced and "R" in kind
    model = network(kind)
    run = unroll(model, Tensor(xs, requires_grad=True), targets, teacher_forcing=forced)
    film = film_of(animate(run).html)
    assert [choice["value"] for choice in film["choices"]] == ["all", "1", "2", "3", "4"]
    p = model.state_dict()
    trace = handmade.feed_forward(p, xs, targets, forced=forced)
    for value, weights in {"all": np.ones(T), **{str(t + 1): np.eye(T)[t] for t in range(T)}}.items():
        back = handmade.propagate_back(trace, weights)
        dx, dz, dh, do, dy = (back.deltas[role] for role in ("x", "z", "h", "o", "y"))
        own = handmade.COST_SLOPES["squared_error"](targets, trace.y) * weights.reshape(-1, *[1] * (targets.ndim - 1))
        terms = handmade.contributions(trace, back)
        found, choice = sizes_of(film, value)
        expected = {f"{role}0": gradient for role, gradient in back.initial.items()}
        expected |= back.parameters
        arrays = dict(expected)
        for t in range(1, T + 1):
            i = t - 1
            arrays |= {f"x{t}": dx[i], f"z{t}": dz[i], f"h{t}": dh[i], f"y{t}": dy[i], f"C{t}": weights[i]}
            expected |= arrays
            expected |= {f"x{t}--z{t}": dx[i], f"z{t}--h{t}": dz[i], f"h{t}--y{t}": do[i] @ p["V"]}
            expected |= {f"y{t}--C{t}": own[i]}
            expected |= {f"h{t - 1}--z{t}": dz[i] @ p["W"]} if "W" in kind else {}
            expected |= {f"y{t - 1}--z{t}": dz[i] @ p["R"]} if "R" in kind and (t == 1 or not forced) else {}
            for name in p:
                at = f"{name}_{'y' if name in 'Vc' else 'z'}"
                before = name if t == 1 else f"{at}{t - 1}"
                expected[f"{before}--{at}{t}"] = terms[name][i:].sum(axis=0)
                taps = [id for id in found if id.startswith(f"{at}{t}") and not id.endswith(f"--{at}{t + 1}")]
                assert len(taps) >= 1
                expected |= dict.fromkeys(taps, terms[name][i])
        aside = {id for id in found if "target" in id}
        assert found.keys() - aside == expected.keys()
        assert all(found[id] is None for id in aside)
        assert bool(aside) == forced
        for id, gradient in expected.items():
            assert found[id] == pytest.approx(rms(gradient), rel=1e-5, abs=1e-15), (value, id)
            assert (found[id] == 0) == (not np.any(gradient)), (value, id)
        assert choice["first"].keys() == arrays.keys()
        for id, gradient in arrays.items():
            assert choice["first"][id] == pytest.approx(np.ravel(gradient)[:FIRST], rel=1e-3, abs=1e-15), (value, id)


def test_values_are_told():
    run = example("W", batch=(2,))
    about = film_of(animate(run).html)["about"]
    for t in range(1, 5):
        for role in ("x", "z", "h", "y", "C"):
            values = run[role][t - 1].data
            told = about[f"{role}{t}"]
            assert told["value"]["first"] == pytest.approx(np.ravel(values)[:FIRST], rel=1e-3)
            assert told["value"]["rms"] == pytest.approx(rms(values), rel=1e-5)
            assert told["count"] == values.size
            assert str(values.shape) in told["facts"]
    assert about["W"]["kind"] == "parameter"
    assert about["W"]["value"]["rms"] == pytest.approx(rms(run.model.W.data), rel=1e-5)


def test_the_scale_covers_all_choices_but_not_what_has_vanished():
    film = film_of(animate(example("W", T=5)).html)
    positive = [size for choice in film["choices"] for size in choice["sizes"] if size]
    assert film["scale"]["low"] <= min(positive) <= max(positive) <= film["scale"]["high"]
    assert not film["scale"]["clipped"]
    run = unroll(network("W", radius=0.1), *data(12))
    scale = film_of(animate(run).html)["scale"]
    assert scale["low"] == pytest.approx(scale["high"] * 1e-8)
    assert scale["clipped"]


def test_animating_leaves_gradients_alone():
    run = example("WR")
    animate(run)
    assert all(parameter.grad is None for parameter in run.model.parameters().values())
    assert all(tensor.grad is None for tensor in run.carried[0].values())


def test_gradients_that_are_not_finite_are_told_in_json():
    with np.errstate(all="ignore"):
        run = unroll(network("W", f="identity", radius=1e200), *data(4))
        film = film_of(animate(run).html)
    told = {size for choice in film["choices"] for size in choice["sizes"] if isinstance(size, str)}
    assert told
    assert told <= {"nan", "inf"}


# -- the order --------------------------------------------------------------------------------------------------------


def test_circles_light_up_as_they_were_computed_and_back():
    film = film_of(animate(example(T=3)).html)
    assert [frame["pass"] for frame in film["frames"]] == (
        ["start"] + 16 * ["forward"] + ["turn"] + 13 * ["backward"] + ["end"]
    )
    order = ["h0"] + [f"{role}{t}" for t in (1, 2, 3) for role in "xzhyC"]
    assert [frame["id"] for frame in frames_of(film, "forward")] == order
    asked = [id for id in reversed(order) if not id.startswith("x")]  # nobody asked for the gradient of the inputs
    assert [frame["id"] for frame in frames_of(film, "backward")] == asked


# Runs of models of all kinds, by their names; "forced" is fed its targets.
RUNS = {
    "W": lambda T: example("W", T),
    "R": lambda T: example("R", T),
    "forced": lambda T: example("WR", T, teacher_forcing=True),
    "gated": lambda T: unroll(Gated(2, 3, 3), *data(T)),
    "stacked": lambda T: unroll(Stacked(2, 3, 3), *data(T)),
    "truncated": lambda T: unroll(Truncated(2, 4, 3, every=2), *data(T)),
}


def drawn_size(tooltip):
    """The gradient that a tooltip tells."""
    if "gradient exactly 0" in tooltip:
        return 0.0
    found = re.search(r"gradient rms ([-+.\de]+)", tooltip)
    return float(found[1]) if found else None


def all_of_it_is_played(run, **options):
    """Everything drawn outside the folded half lights up once each way, and has the gradient that `draw` tells."""
    picture, page = draw(run, **options), animate(run, **options).html
    film, parts = film_of(page), picture.parts
    unfolded = {id: part for id, part in parts.items() if part.kind != "folded"}
    lines = [id for id in drawn(page, "edge") if parts[id].kind != "folded"]
    circles = {id for id, part in unfolded.items() if part.kind == "place"}
    gaps = {id for id, part in unfolded.items() if part.kind == "gap"}
    boxes = {id for id, part in unfolded.items() if part.kind == "parameter"}
    assert {*lines, *circles, *gaps, *boxes} == unfolded.keys()
    assert {*circles, *gaps, *boxes} <= {*drawn(page, "node")}
    asked = {*film["choices"][0]["first"]}
    for direction, expected in (("forward", circles), ("backward", circles & asked)):
        frames = frames_of(film, direction)
        assert Counter(frame["id"] for frame in frames) == Counter([*expected, *gaps])
        assert Counter(id for frame in frames for id in frame["lights"]) == Counter(lines)
    sizes, _ = sizes_of(film)
    assert sizes.keys() == film["about"].keys() == {*lines, *circles, *boxes}
    told = re.findall(r"\bid=(\S+|\"[^\"]*\").*tooltip=(\"(?:[^\"\\]|\\.)*\")", picture.source)
    told = {id.strip('"'): drawn_size(tooltip) for id, tooltip in told}
    for id, size in sizes.items():
        assert size == (told[id] if not told[id] else pytest.approx(told[id], rel=6e-3)), id


@pytest.mark.parametrize("name", RUNS)
@settings(max_examples=4)
@given(T=st.integers(1, 16), choose=st.data())
def test_everything_that_is_drawn_lights_up_once_each_way(name, T, choose):
    some = st.lists(st.integers(1, T), min_size=1, unique=True)
    steps = choose.draw(st.one_of(st.sampled_from(["auto", "all", "ends"]), some), label="steps")
    all_of_it_is_played(RUNS[name](T), steps=steps)


@pytest.mark.parametrize("kind", CELLS)
def test_the_models_of_the_house_are_played(kind):
    all_of_it_is_played(unroll(CELLS[kind](), *data(3)))


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("targets", [False, True])
def test_whatever_is_drawn_is_played(name, targets):
    all_of_it_is_played(DRAWN[name](), targets=targets)


def test_what_goes_back_in_time_has_its_sum_when_all_steps_have_added_to_it():
    film = film_of(animate(DRAWN["bidirectional"]()).html)
    for name in ("W", "U", "b"):
        for i, whole in ((0, f"cells.0.{name}--cells.0.{name}_-2192-z1"), (1, f"cells.1.{name}")):
            sums = [frame["sums"] for frame in frames_of(film, "backward") if f"cells.{i}.{name}" in frame["sums"]]
            assert len(sums) == (1 if i else 3)
            assert sums[-1][f"cells.{i}.{name}"] == whole


@pytest.mark.parametrize("loop", loops.ALL.values(), ids=loops.ALL)
@pytest.mark.parametrize("T", [4, 20])
def test_loops_by_hand_are_played(loop, T):
    """What stands for plain arrays lights up before what is made from it."""
    cost, collected = loop(T)
    run = run_of(cost, **collected)
    targets = bool(run.targets)  # not of what is computed of all outputs together
    all_of_it_is_played(run, targets=targets)
    picture, page = draw(run, targets=targets), animate(run, targets=targets).html
    order = {frame["id"]: k for k, frame in enumerate(frames_of(film_of(page), "forward"))}
    at = {part.key: id for id, part in picture.parts.items() if part.kind == "place"}
    arrows = [part.key for part in picture.parts.values() if part.kind == "connection"]
    shown = [(at[source], at[target]) for source, target in arrows if source in at and target in at]
    assert shown
    assert all(order[source] < order[target] for source, target in shown)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), T=st.integers(1, 14), forced=st.booleans())
def test_models_of_a_readers_own_are_played_too(seed, n, T, forced):
    run = wired(n, seed, T, forced)
    assume(run.cost.requires_grad)
    all_of_it_is_played(run)


@pytest.mark.parametrize("names", [("h1", "h2"), ("h", "h1"), ("h1", "h1_"), ("gap", "unfold"), ("W_a", "b")])
def test_roles_whose_names_look_like_ids_are_told_apart(names):
    all_of_it_is_played(wired(3, 0, 14, names=names))


@pytest.mark.parametrize("name", ['a"b', "<b>", "a\nb", "a\\"])
def test_names_may_hold_anything(name):
    all_of_it_is_played(Named(name, name, "W").run(14))


def test_parameters_may_be_called_like_parts_of_the_drawing():
    all_of_it_is_played(Named("h", "W", *CUNNING).run(14))


@kinds
def test_an_arrow_lights_up_with_the_circle_that_it_leads_to(kind):
    """A piece of a bus does so with the step whose contribution it takes up, on its way to the parameter."""
    film = film_of(animate(example(kind, 4)).html)
    for direction in ("forward", "backward"):
        for frame in frames_of(film, direction):
            for edge in frame["lights"]:
                _, target = edge.split("--")
                assert re.fullmatch(rf"(\w+_)?{frame['id']}", target), (frame["id"], edge)
    for name in network(kind).parameters():
        sums = [frame["sums"][name] for frame in frames_of(film, "backward") if name in frame["sums"]]
        at = f"{name}_{'y' if name in 'Vc' else 'z'}"
        assert sums == [*(f"{at}{t - 1}--{at}{t}" for t in (4, 3, 2)), f"{name}--{at}1"]


def test_what_is_said():
    film = film_of(animate(example("WR", T=20)).html)
    said = {
        (frame["pass"], frame["id"]): frame["text"] for d in ("forward", "backward") for frame in frames_of(film, d)
    }
    assert said["forward", "x2"] == "x₂ is given."
    assert said["forward", "h2"] == "h₂ is computed from z₂."
    assert re.match(r"z₂ is computed from .*h₁.*, with .*W.* and ", said["forward", "z2"])
    assert said["backward", "C20"] == "C₂₀ has its whole cotangent; it passes shares to y₂₀."
    assert re.match(
        r"z₂ has its whole cotangent; it passes shares to .* and adds to the gr.* of ", said["backward", "z2"]
    )
    assert "x₂" not in said["backward", "z2"]
    assert said["backward", "h0"] == "h₀ has its whole cotangent."
    assert said["forward", "gap"] == "14 steps in between, t = 4 … 17: computed likewise."


# -- many steps --------------------------------------------------------------------------------------------------------


def steps_of(ids, role="h"):
    return sorted(int(id[len(role) :]) for id in ids if re.fullmatch(rf"{role}\d+", id))


def test_what_comes_from_elsewhere_completes_the_sum_at_last():
    run = example("W", T=3)
    of = run.cost + 100 * np.sum(run.model.W**2)
    film = film_of(animate(run, of).html)
    *_, frame, end = film["frames"]
    assert (frame["pass"], frame["id"], frame["lights"]) == ("backward", "W", ["W--W_elsewhere"])
    assert frame["sums"] == {"W": "W"}
    assert end["pass"] == "end"
    figure = Figure.of_run(run, of)
    assert sizes_of(film, "all")[0]["W"] == pytest.approx(figure.parameters["W"], rel=1e-5)
    assert sizes_of(film, "all")[0]["W--W_elsewhere"] == pytest.approx(figure.elsewhere["W"], rel=1e-5)
    assert sizes_of(film, "1")[0]["W--W_elsewhere"] == 0
    assert film["about"]["W--W_elsewhere"]["label"] == "W, elsewhere"


def test_of_many_steps_only_those_drawn_are_told():
    page = animate(example("WR", T=100)).html
    film = film_of(page)
    shown = [1, 2, 3, 98, 99, 100]
    assert steps_of(film["ids"]) == [0, *shown]
    assert [choice["value"] for choice in film["choices"]] == ["all", *map(str, shown)]
    order = [frame["id"] for frame in frames_of(film, "forward")]
    assert order.index("C3") < order.index("gap") < order.index("x98")
    order = [frame["id"] for frame in frames_of(film, "backward")]
    assert order.index("z98") < order.index("gap") < order.index("C3")
    assert len(page) < 250_000


def test_what_the_gap_swallows_and_adds():
    run = example("WR", T=20)
    found, _ = sizes_of(film_of(animate(run).html))
    p = run.model.state_dict()
    trace = handmade.feed_forward(p, *data(20))
    back = handmade.propagate_back(trace)
    terms, dz = handmade.contributions(trace, back), back.deltas["z"]
    expected = {f"{name}_{'y' if name in 'Vc' else 'z'}3--{name}_gap": terms[name][3:].sum(axis=0) for name in p}
    expected |= {"h3--gap_h_in": dz[3] @ p["W"], "y3--gap_y_in": dz[3] @ p["R"]}  # towards t = 4
    expected |= {"gap_h_out--z18": dz[17] @ p["W"], "gap_y_out--z18": dz[17] @ p["R"]}  # from t = 17
    assert {id for id in found if re.search("gap", id)} == expected.keys() | {
        f"{name}_gap--{name}_{'y' if name in 'Vc' else 'z'}18" for name in p
    }
    for id, gradient in expected.items():
        assert found[id] == pytest.approx(rms(gradient), rel=1e-5), id


def test_the_change_across_the_gap_is_told_for_costs_beyond_it():
    run = example("W", T=100)
    film = film_of(animate(run).html)
    across = {choice["value"]: choice["across"] for choice in film["choices"]}
    assert {value: list(change) for value, change in across.items() if change} == {
        value: ["gap"] for value in ("98", "99", "100")
    }
    trace = handmade.feed_forward(run.model.state_dict(), *data(100))
    dh = handmade.propagate_back(trace, np.eye(100)[-1]).deltas["h"]
    assert across["100"]["gap"] == pytest.approx(rms(dh[2]) / rms(dh[97]), rel=1e-5)


@pytest.mark.parametrize(
    ("T", "options", "values"),
    [
        (20, {"steps": "all"}, [1, 2, 3, 18, 19, 20]),
        (12, {}, range(1, 13)),
        (8, {"steps": "ends"}, [1, 2, 3, 6, 7, 8]),
        (4, {"costs": [4, 2, 4]}, [4, 2]),
        (4, {"costs": []}, []),
        (100, {"costs": [50]}, [50]),
    ],
)
def test_which_costs_can_be_chosen(T, options, values):
    film = film_of(animate(example(T=T), **options).html)
    assert [choice["value"] for choice in film["choices"]] == ["all", *map(str, values)]


class Deaf(RNN):
    """Its outputs know nothing of its hidden units: what is fed back instead of them is all that they are made from."""

    carried = ("h", "y")

    def initial(self, batch):
        return super().initial(batch) | {"y": np.zeros((*batch, self.n_out))}

    def step(self, bound, x, carried):
        return super().step(bound, x, carried) | {"y": np.tanh(carried["y"])}


def test_costs_that_depend_on_nothing_cannot_be_chosen():
    run = unroll(Deaf(2, 4, 3), *data(3), teacher_forcing=True)
    assert [choice["value"] for choice in film_of(animate(run).html)["choices"]] == ["all", "1"]
    with pytest.raises(ValueError, match=r"costs names \[3\], whose C_t depend on nothing that requires grad"):
        animate(run, costs=[1, 3])


def test_a_run_without_targets_can_be_animated():
    run = unroll(network("W"), data(3)[0])
    film = film_of(animate(run, np.sum(run["h"][-1])).html)
    assert [choice["value"] for choice in film["choices"]] == ["all"]
    assert sizes_of(film)[0]["h3"] == 1


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "some"}, "steps='some'"),
        ({"costs": [1, 5]}, r"costs names \[5\], but the steps of this run are 1 ... 4"),
        ({"costs": [0]}, r"costs names \[0\]"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        animate(example(T=4), **options)


def test_a_run_without_a_cost_is_refused():
    run = unroll(network("W"), data(3)[0])
    with pytest.raises(ValueError, match="needs a cost: unroll with targets, or name a number with of="):
        animate(run)
    with pytest.raises(ValueError, match="the run has no costs: unroll it with targets"):
        animate(run, np.sum(run["h"][-1]), costs=[1])


def test_what_is_no_recorded_run_is_refused():
    with pytest.raises(TypeError, match="Tensor cannot be drawn unrolled"):
        animate(Tensor(1.0))
    with no_grad():
        run = example()
    with pytest.raises(ValueError, match="not recorded"):
        animate(run)


def test_without_an_engine_there_is_advice(monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/no/such/dot")
    with pytest.raises(NoGraphvizError, match="does not exist: let it name Graphviz's dot"):
        animate(example())
