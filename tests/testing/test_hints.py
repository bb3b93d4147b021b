"""Common mistakes are known by what they do to the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.testing.hints import of_numbers, of_shape

RNG = np.random.default_rng(0)
G, PLAIN = RNG.normal(size=(2, 4, 4))


def spoilt(at, value):
    g = G.copy()
    g[at] = value
    return g


MISTAKES = {
    "zero": (np.zeros((4, 4)), "zero"),
    "sign": (-G, "sign"),
    "twice": (2 * G, "exactly twice"),
    "half": (G / 2, "exactly half"),
    "a factor": (1.001 * G, "constant factor 1.001"),
    "cotangent ignored": (PLAIN, "upstream cotangent ignored"),
    "transposed": (G.T, "transposed"),
    "reversed": (G[::-1], "reversed along axis 0"),
    "shifted": (np.roll(G, 1, 1), "shifted by one along axis 1"),
    "permuted": (G[[2, 0, 3, 1]], "wrong places"),
    "one element": (spoilt((1, 2), 7.0), "one element of 16"),
    "a missing contribution": (spoilt((1, 2), G[1, 2] / 3), "overwritten"),
    "a row left out": (spoilt(2, 0.0), "some elements get nothing"),
    "anything": (np.sin(3 * G) + 2, "no common mistake"),
}


@pytest.mark.parametrize(("claimed", "hint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(claimed, hint):
    assert hint in of_numbers(claimed, G, PLAIN)


SHAPES = {
    "leading axis": (np.ones((5, 3)) * G[0, :3], 5 * G[0, :3], "missing sum over axis 0"),
    "kept axis": (np.ones((4, 3)) * G[:, :1], 3 * G[:, :1], "missing sum over axis 1"),
    "two axes": (np.ones((2, 3, 4)), np.full(4, 6.0), "missing sum over axes (0, 1)"),
    "all axes": (np.ones((2, 3)), np.array(6.0), "missing sum over axes (0, 1)"),
    "transposed": (G[:2].T, G[:2], "transposed"),
    "of the transposed shape": (np.ones((4, 2)), G[:2], "transposed shape"),
    "keepdims": (G[0], G[0][:, None] * 2, "keepdims"),
    "too few": (np.ones(2), G[0], "argument's shape"),
}


@pytest.mark.parametrize(("claimed", "numerical", "hint"), SHAPES.values(), ids=SHAPES.keys())
def test_shapes(claimed, numerical, hint):
    assert hint in of_shape(claimed, numerical)
