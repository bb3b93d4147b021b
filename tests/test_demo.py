"""The lecture once through: whole pictures, a network that learns, baselines that are what they are called."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import demo

PICTURES = ("unrolled.svg", "trajectory.svg", "gradient_flow.svg", "spectrum.svg", "training.svg")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> demo.Outcome:
    return demo.run(tmp_path_factory.mktemp("demo"), seed=0, quick=True, progress=False)


def test_the_demo_writes_whole_pictures_and_says_what_each_shows(outcome: demo.Outcome) -> None:
    assert tuple(row.file for row in outcome.rows) == PICTURES
    for row in outcome.rows:
        root = ElementTree.parse(outcome.model.parent / row.file).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(row.shows) > 20
    left = {path.name for path in outcome.model.parent.iterdir()}
    assert left == {*PICTURES, "model.npz"}


def parts(svg: bytes) -> list[str]:
    """The circles, boxes and lines of a picture by Graphviz: all but its numbers and colours."""
    return sorted(title.text or "" for title in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}title"))


def test_readmes_picture_is_of_this_network() -> None:
    """But for its numbers, which a training of another length, or on another machine, would change."""
    xs, targets = demo.sequences(np.random.default_rng(0), 1)
    run = mg.rnn.unroll(mg.rnn.RNN(2, demo.N_HIDDEN, 1), mg.Tensor(xs[:, 0], requires_grad=True), targets[:, 0])
    committed = parts((Path(__file__).parent.parent / "docs" / "unrolled.svg").read_bytes())
    assert committed == parts(mg.rnn.draw(run, run["C"][-1], steps=(1, 2, demo.T - 1, demo.T)).pipe("svg"))
    assert committed != parts(mg.rnn.draw(run, run["C"][-1]).pipe("svg"))


def test_the_network_beats_both_baselines_in_open_and_closed_loop(outcome: demo.Outcome) -> None:
    model = mg.rnn.RNN(2, demo.N_HIDDEN, 1)
    model.load(outcome.model)
    xs, targets = demo.sequences(np.random.default_rng(123), 64)
    errors = {name: demo.rmse(values, targets) for name, values in demo.forecast(model, xs, targets).items()}
    for loop in ("open loop", "closed loop"):
        assert errors[f"network, {loop}"] < errors[f"linear, {loop}"]
        assert errors[f"network, {loop}"] < errors[f"persistence, {loop}"]


def test_baselines_are_what_they_are_called() -> None:
    xs, targets = demo.sequences(np.random.default_rng(0), 3)
    forecasts = demo.forecast(mg.rnn.RNN(2, demo.N_HIDDEN, 1), xs, targets)
    at = demo.WARMUP - 1
    x = xs[:, :, :1]
    np.testing.assert_array_equal(x[1:], targets[:-1])
    np.testing.assert_array_equal(forecasts["persistence, open loop"], x[at:])
    np.testing.assert_allclose(forecasts["linear, open loop"], 2 * x[at:] - x[at - 1 : -1])
    for name in ("persistence", "linear", "network"):  # at the first forecast both loops know the same
        np.testing.assert_allclose(forecasts[f"{name}, open loop"][0], forecasts[f"{name}, closed loop"][0])
    np.testing.assert_allclose(np.diff(forecasts["linear, closed loop"], axis=0, n=2), 0, atol=1e-12)
    np.testing.assert_array_equal(np.diff(forecasts["persistence, closed loop"], axis=0), 0)


def test_the_same_seed_gives_the_same_table(outcome: demo.Outcome, tmp_path: Path) -> None:
    again = demo.run(tmp_path, seed=0, quick=True, progress=False)
    assert again.rows == outcome.rows
    for name in PICTURES:
        assert (tmp_path / name).read_bytes() == (outcome.model.parent / name).read_bytes(), name
