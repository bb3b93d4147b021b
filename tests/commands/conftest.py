"""A folder with a module of the user's, in which a command is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

MINE = """
import numpy as np
import minigrad as mg
from minigrad.testing import arguments

@arguments((3, 4), 4)
def layer(W, x):
    return np.tanh(W @ x)

def graph():
    W = mg.Tensor([[0.5, 1.0], [0.25, -0.5]], requires_grad=True, name="W")
    return np.sum(layer(W, np.ones(2)))

@arguments(4, domain="positive")
def logs(x):
    return np.log(x)

def right(g, x):
    return g / x

def twice(g, x):
    return 2 * g / x

def noise(x):
    return x + 0.001 * np.sin(1e9 * x)

nothing = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # that of an earlier test
    return tmp_path
