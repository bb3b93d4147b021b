"""The code in docs/ does what stands there, and what is generated is up to date."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from tests.numerical import assert_derivative

DOCS = Path(__file__).parent.parent / "docs"


pytestmark = pytest.mark.usefixtures("tables")


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_code_block_prints_what_stands_there(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert attempted > 0 or ">>>" not in path.read_text(encoding="utf-8")
    assert failed == 0


@pytest.mark.parametrize("script", ["make_engine.py", "make_functions.py", "make_gallery.py"])
def test_what_is_generated_is_up_to_date(script: str) -> None:
    """In a process of its own: other tests may have given rules to functions."""
    command = [sys.executable, str(DOCS / script), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=DOCS.parent)
    assert result.returncode == 0, result.stdout + result.stderr


# -- primitives -------------------------------------------------------------------------------------------------------


@mg.primitive
def wave(x, y, *, phase=0.0):
    """A function of two arguments and an option, which sees arrays only."""
    assert not isinstance(x, mg.Tensor)
    assert not isinstance(y, mg.Tensor)
    return np.sin(x + phase) * y


RULES = (
    lambda g, z, x, y, phase=0.0: g * np.cos(x + phase) * y,
    lambda g, z, x, y, phase=0.0: g * np.sin(x + phase),
)


def test_a_primitive_is_recorded_as_one_call() -> None:
    mg.defvjp(wave, *RULES)
    x, y = mg.Tensor([0.5, 1.0], requires_grad=True), mg.Tensor(2.0, requires_grad=True)
    z = wave(x, y=y, phase=1.0)
    assert z.fn is wave
    assert z.args == (x, y)
    assert wave.__name__ == "wave"
    np.testing.assert_array_equal(z.data, wave(x.data, y.data, phase=1.0))
    mg.backward(z.sum())
    np.testing.assert_allclose(x.grad, np.cos(x.data + 1) * 2)
    assert y.grad == pytest.approx(np.sin(x.data + 1).sum())
    assert wave(np.float32([1, 2]), mg.Tensor(np.float32(2))).dtype == np.float32


def test_a_primitive_serves_every_order_and_every_transform() -> None:
    mg.defvjp(wave, *RULES)
    points, directions = [np.array([0.5, 1.0]), np.array([2.0, -1.0])], [np.array([0.25, -0.5]), np.array([0.5, 0.125])]
    _, dz = mg.jvp(wave, points, directions)
    assert_derivative(dz, wave, points, directions)
    (hx, _) = mg.hvp(lambda x, y: np.sum(wave(x, y)), points, directions)
    assert_derivative(hx, mg.grad(lambda x, y: np.sum(wave(x, y))), points, directions)


def test_a_primitive_refuses_what_would_lose_a_gradient() -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"wave has no derivative rule: add one with minigrad\.defvjp"):
        wave(x, 1.0)
    mg.defvjp(wave, *RULES)
    with pytest.raises(TypeError, match="would lose its gradient: pass it by position"):
        wave(1.0, 1.0, phase=x)
    with pytest.raises(TypeError, match="knows no other=, only phase"):
        wave(x, 1.0, other=2)
    assert wave(x, 1.0, phase=mg.Tensor(1.0)).data == np.sin(2.0)
