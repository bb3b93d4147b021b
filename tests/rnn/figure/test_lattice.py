"""Tracks between columns and rows of circles, and what runs there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import Outline
from minigrad.rnn.figure.lattice import ACROSS, ALONG, CLEAR, MIDDLE, NEAR, OUTSIDE, STUB, TURN, Lattice, Spacing

RNN = {"x": (0, -1), "z": (0, 0), "h": (1, 0), "y": (1, 1), "C": (1, 2)}
placements = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1
).filter(lambda slots: len(set(slots.values())) == len(slots))


def lattice_of(slots, spacing=None):
    spacing = spacing or Spacing(slots, [])
    circles = [Outline(spacing.x[c], spacing.y[r]) for c, r in slots.values()]
    return Lattice(spacing.columns(), spacing.rows(), circles, spacing.period), circles


def test_the_lectures_network_has_the_distances_that_it_always_had():
    spacing = Spacing(RNN, [])
    assert spacing.x == {0: 0.0, 1: 60.0}
    assert spacing.y == {-1: -62.0, 0: 0.0, 1: 62.0, 2: 124.0}
    assert (spacing.left, spacing.right, spacing.period - spacing.width) == (38.0, 52.0, 98.0)
    assert Spacing({**RNN, "target": (2.1, 1)}, ["target"]).x[2.1] == pytest.approx(126)


@given(placements, st.integers(0, 4), st.integers(0, 2))
def test_lines_of_the_lattice_are_apart(slots, wider, crowd):
    spacing = Spacing(slots, [], wider, wider, crowd)
    for lines in (spacing.columns(), spacing.rows()):
        places = [at for at, _ in lines]
        assert np.min(np.diff(places)) >= 4
        travelled = [at for at, kind in lines if kind < STUB]
        assert np.min(np.diff(travelled)) >= 8 - 1e-9
    xs = [x for x, _ in spacing.columns()]
    assert -spacing.left < xs[0] and xs[-1] < spacing.width + spacing.right
    assert [kind for _, kind in spacing.rows()].count(OUTSIDE) == 2
    assert sum(kind == MIDDLE for _, kind in spacing.columns()) == len(spacing.x)


@settings(max_examples=25)
@given(placements, st.integers(0, 3))
def test_a_vertex_is_there_if_it_is_clear_of_all_circles_of_all_steps(slots, wider):
    spacing = Spacing(slots, [], wider)
    lattice, circles = lattice_of(slots, spacing)
    for i in range(lattice.nx):
        for j in range(1, lattice.ny - 1):
            near = min(
                outline.moved(k * spacing.period).away(lattice.at((i, j))) for outline in circles for k in (-1, 0, 1)
            )
            assert lattice.there[lattice.cell(i, j)] == (near >= CLEAR)
    assert lattice.at((lattice.nx + 2, 1))[0] == pytest.approx(lattice.at((2, 1))[0] + spacing.period)
    assert lattice.cell(lattice.nx + 2, 1) == lattice.cell(2, 1)


def test_a_line_is_where_it_runs_in_all_steps_at_once():
    lattice, _ = lattice_of(RNN)
    i, j, k = 1, 2, lattice.nx + 1
    corner, end = lattice.at((k, j)), lattice.at((k, j + 2))
    lattice.occupied((lattice.at((i + 2, j)), corner, end))

    def used(a, b):
        return lattice.used[lattice.cell(a, b)]

    assert used(i, j) & TURN and used(k, j) & TURN
    assert used(i + 3, j) == ALONG
    assert used(i, j + 1) == ACROSS
    assert used(i, j + 3) == 0


def test_what_is_near_an_oblique_line_is_told():
    lattice, _ = lattice_of(RNN)
    a, b = (-60.0, -120.0), (260.0, 200.0)
    lattice.occupied((a, b))
    for i in range(lattice.nx):
        for j in range(lattice.ny):
            away = min(
                abs((x + k * lattice.period) - y - 60.0) / np.sqrt(2) for x, y in [lattice.at((i, j))] for k in (0, 1)
            )
            marked = lattice.used[lattice.cell(i, j)]
            inside = -110 < lattice.ys[j] < 190
            if inside and abs(away - 4) > 0.01:
                assert bool(marked & NEAR) == (away < 4) or lattice.at((i, j))[0] > 150
