"""The code in docs/ does what stands there, and what is generated is up to date."""

from __future__ import annotations

import doctest
import importlib
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from docs import stamps
from tests.benchmarks import drawings
from tests.numerical import assert_derivative

DOCS = Path(__file__).parent.parent / "docs"
WITHOUT_EXAMPLES = {
    "conventions.md": "its tables are the tests of tests/rules/test_conventions.py",
    "drawing-compared.md": "what a benchmark printed, of tools that are not installed here",
    "functions.md": "generated from the rules",
    "gallery.md": "generated, and what stands there is run to draw the pictures",
    "glossary.md": "words",
    "index.md": "the first page of the site",
    "speed.md": "what a benchmark printed",
}
"""Pages on which nothing can be tried out, and why."""

pytestmark = pytest.mark.usefixtures("tables")


class Installed(doctest.DocTestParser):
    """Leaves out what is written for a library that is not here: its block opens with ```` ```python torch ````.

    Or with ```` ```python torch==2.13.0 ````, if it is about that version.
    """

    def parse(self, string: str, name: str = "<string>") -> list[Any]:
        def kept(block: re.Match[str]) -> str:
            return block[0] if all(map(installed, block[1].split())) else "\n" * block[0].count("\n")

        return super().parse(re.sub(r"(?ms)^```python ([\w.= ]+)\n.*?^```$", kept, string), name)


def installed(library: str) -> bool:
    name, _, version = library.partition("==")
    if importlib.util.find_spec(name) is None:
        return False
    return not version or importlib.metadata.version(name).partition("+")[0] == version


def test_a_page_that_draws_shows_what_it_has_drawn() -> None:
    for path in DOCS.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if drawn := re.findall(r'plots\.saved_as\("([^"]+)"', text):
            assert re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", text) == drawn


@pytest.mark.filterwarnings("default::DeprecationWarning:torch")
@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_code_block_prints_what_stands_there(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(str(path), module_relative=False, encoding="utf-8", parser=Installed())
    assert failed == 0
    assert (attempted == 0) == (path.name in WITHOUT_EXAMPLES)


def test_blocks_for_what_is_not_installed_are_left_out() -> None:
    blocks = [f"```python {names}\n>>> {names!r}\n\n```\n" for names in ("numpy", "numpy nothing", "numpy==1.0.0")]
    examples = Installed().get_examples("\n".join(blocks) + "\n>>> 4\n4\n")
    assert [(example.source, example.lineno) for example in examples] == [("'numpy'\n", 1), ("4\n", 15)]


def test_no_page_is_excused_that_is_not_there() -> None:
    assert WITHOUT_EXAMPLES.keys() <= {path.name for path in DOCS.glob("*.md")}


@pytest.mark.parametrize("script", ["make_engine.py", "make_functions.py"])
def test_what_is_generated_is_up_to_date(script: str) -> None:
    """In a process of its own: other tests may have given rules to functions."""
    command = [sys.executable, str(DOCS / script), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=DOCS.parent)
    assert result.returncode == 0, result.stdout + result.stderr


# -- pictures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that makes it, as a module."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("make_gallery")


def test_the_gallery_is_up_to_date(gallery: Any) -> None:
    assert gallery.page(write=False) == gallery.PAGE.read_text(encoding="utf-8")
    pictures = {path.name for path in gallery.PICTURES.iterdir()}
    made = {entry.__name__ for entry in gallery.ENTRIES}
    assert {name.partition(".")[0] for name in pictures} == made - {"in_a_terminal"}


def test_a_picture_of_something_else_is_noticed(gallery: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    with pytest.raises(SystemExit, match=r"twice\.svg is missing"):
        gallery.section(gallery.twice, write=False)
    right = (DOCS / "gallery" / "twice.svg").read_text(encoding="utf-8")
    (tmp_path / "twice.svg").write_text(right, encoding="utf-8")
    assert "![x · x]" in gallery.section(gallery.twice, write=False)
    for wrong in ((DOCS / "gallery" / "doubling.svg").read_text(encoding="utf-8"), "<svg></svg>"):
        (tmp_path / "twice.svg").write_text(wrong, encoding="utf-8")
        with pytest.raises(SystemExit, match=r"twice\.svg shows something else than its lines draw"):
            gallery.section(gallery.twice, write=False)


def test_what_was_noted_is_replaced_and_the_file_stays_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>\n", encoding="utf-8")
    assert stamps.noted(file) == ""
    for text in ("digraph {a}", "digraph {b}"):
        stamps.stamp(file, stamps.digest(text))
        assert stamps.noted(file) == stamps.digest(text)
    assert file.read_text(encoding="utf-8").count("<!--") == 1
    ElementTree.parse(file)


def test_the_pictures_that_are_compared_are_up_to_date() -> None:
    page = (DOCS / "drawing-compared.md").read_text(encoding="utf-8")
    assert drawings.outdated(DOCS / "compared", page) == []
    assert {path.name for path in (DOCS / "compared").iterdir()} == {
        drawings.file_of(tool, Path()).name for tool in drawings.MODULES
    }


def test_a_picture_of_another_network_or_by_another_version_is_noticed(tmp_path: Path) -> None:
    page = (DOCS / "drawing-compared.md").read_text(encoding="utf-8")
    for path in (DOCS / "compared").iterdir():
        if path.name != "mygrad.svg":
            shutil.copy(path, tmp_path)
    shutil.copy(tmp_path / "minigrad-mg-draw.svg", tmp_path / "minigrad-rnn-draw.svg")
    page = page.replace("keras 3.15.1", "keras 3.15.10")
    assert drawings.outdated(tmp_path, page) == ["minigrad-rnn-draw.svg", "mygrad.svg", "keras.svg"]


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
