"""The code in docs/ does what stands there, and what is generated is up to date."""

from __future__ import annotations

import contextlib
import doctest
import importlib.metadata
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import typer

import minigrad as mg
from minigrad.cli import app
from tests import cells
from tests.benchmarks import drawings
from tests.floors import floors
from tests.numerical import assert_derivative

DOCS = Path(__file__).parent.parent / "docs"
WITHOUT_EXAMPLES = {
    "cells.md": "its cells are executed",
    "conventions.md": "its tables are the tests of tests/rules/test_conventions.py",
    "drawing-compared.md": "what a benchmark printed, of tools that are not installed here",
    "functions.md": "generated from the rules",
    "gallery.md": "its cells are executed",
    "glossary.md": "words",
    "index.md": "the first page of the site",
    "series.md": "its cells are executed",
    "speed.md": "what a benchmark printed",
    "vanishing.md": "its cells are executed",
}
"""Pages without examples that show what they print, and why."""
EXECUTED = sorted(path for path in DOCS.glob("*.md") if "```{code-cell}" in path.read_text(encoding="utf-8"))
"""Pages whose pictures are drawn when the site is built."""
RECORDED = {
    "drawing-compared.md": "what a benchmark printed",
    "speed.md": "what a benchmark printed",
    "sweeps.md": "a hundred trainings",
}
"""Those of them whose numbers come from elsewhere, and where from."""

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


def commands_in(text: str) -> list[str]:
    """What is printed as a command, in lines of their own and among words; names in capitals are to be filled in."""
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    return re.findall(r"^minigrad [a-z].*$", blocks, re.MULTILINE) + re.findall(r"`(minigrad [a-z][^`\n]*)`", text)


def parsed(printed: str) -> None:
    """Its options, and their values, are such as the command takes: it is not run. Help stands for itself."""
    name, *words = shlex.split(printed)[1:]
    known = typer.main.get_command(app).commands[name]
    if words and "--help" not in words:
        known.make_context(name, words)


@pytest.mark.parametrize("path", [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: path.stem)
def test_every_command_that_is_printed_is_one(path: Path) -> None:
    for printed in commands_in(path.read_text(encoding="utf-8")):
        parsed(printed)


def test_a_command_that_is_none_is_noticed() -> None:
    one, two, three = commands_in("`minigrad unroll --cell no`, `minigrad no`\n```sh\nminigrad demo --quick\n```\n")
    parsed(one)
    with pytest.raises(typer.BadParameter, match="'no' is not one of"):
        parsed(two)
    with pytest.raises(KeyError):
        parsed(three)


def test_the_changelog_is_read_in_short_lines() -> None:
    lines = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 128] == []


# -- pages that are made when the site is built ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is seen of a page after its cells have run, once for all tests."""

    @cache
    def seen(name: str) -> cells.Seen:
        folder = tmp_path_factory.mktemp("page")
        shutil.copytree(DOCS / "compared", folder / "compared")
        with contextlib.chdir(folder):
            found = cells.run(DOCS / name)
        assert {path.name for path in folder.iterdir()} == {"compared"}, "a page leaves files behind in docs/"
        return found

    return seen


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: path.name)
def test_its_cells_run_and_its_numbers_are_theirs(path: Path, executed: Any) -> None:
    seen = executed(path.name)
    assert path.name in RECORDED or cells.not_computed(seen.cells, seen.text) == []
    code = [line for kind, source in seen.cells if kind == "code" for line in source.splitlines()]
    assert [line for line in code if len(line) > 88] == []  # which the page cuts off


def test_a_number_that_no_cell_shows_is_noticed() -> None:
    page = [("markdown", "It is 2.5, $0.1$, [1.5](2.5), not 2.51 or 3."), ("code", "1.5 + 1\n"), ("code", "x = 2.5")]
    assert cells.not_computed(page, cells.ran(page)[0]) == ["2.51"]


def test_every_section_of_the_gallery_shows_a_whole_picture(executed: Any) -> None:
    _, *sections = re.split(r"(?m)^## ", (DOCS / "gallery.md").read_text(encoding="utf-8"))
    in_words = [section for section in sections if "mg.tree" in section]
    assert all(section.count("```{code-cell}") == 1 for section in sections)
    assert [html for html in executed("gallery.md").shown if cells.nodes(html) < 2] == []
    assert len(executed("gallery.md").shown) == len(sections) - len(in_words) > 30
    assert "└─" in executed("gallery.md").text


def test_what_is_no_picture_or_half_a_one_is_noticed() -> None:
    assert cells.nodes("<p>Graphviz was not found</p>") == 0
    with pytest.raises(ElementTree.ParseError):
        cells.nodes("<div><svg><g class='node'></svg></div>")


def test_the_files_of_the_compiler_stand_in_reading_order() -> None:
    """Each once, upwards through the floors that import-linter knows."""
    page = (DOCS / "compile.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[`(\w+)`\]\(\.\./minigrad/compiler/\1\.py\) \|", page, re.MULTILINE)
    height = {name: number for number, floor in enumerate(reversed(floors()["minigrad.compiler"])) for name in floor}
    assert sorted(named) == sorted(height)
    assert [height[name] for name in named] == sorted(height.values())


def test_the_engines_own_lines_are_up_to_date() -> None:
    result = script("make_engine.py", "--check")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_tables_of_functions_have_every_function_once() -> None:
    """In a process of its own: other tests may have given rules to functions."""
    found = script("make_functions.py")
    assert found.returncode == 0, found.stderr
    ruled, written = map(int, re.findall(r"^(\d+) functions .* (\d+) are written", found.stdout)[0])
    kinds = re.split(r"(?m)^\| function \| (cotangents|is written as|because) \|\n.*\n", found.stdout)
    rows = {kind: [] for kind in kinds[1::2]}
    for kind, table in zip(kinds[1::2], kinds[2::2], strict=True):
        rows[kind] += re.findall(r"(?m)^\| (`.*`) \| (.+) \|$", table.partition("\n\n")[0])
    assert [len(set(rows[kind])) for kind in ("cotangents", "is written as")] == [ruled, written]
    assert dict(rows["cotangents"])["`np.tanh(a)`"] == "`g·(1 - y·y)`"
    assert len(rows["because"]) > 5
    assert "`np.argmax`" in found.stdout


def script(name: str, *options: str) -> Any:
    return subprocess.run([sys.executable, str(DOCS / name), *options], capture_output=True, text=True, cwd=DOCS.parent)


# -- pictures that are committed --------------------------------------------------------------------------------------


def test_only_readmes_picture_and_what_cannot_be_drawn_here_are_committed() -> None:
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.svg") if "_build" not in path.parts}
    assert there == {"unrolled.svg", "compared/torchvista.svg"}


def unnamed(folder: Path, page: str) -> list[str]:
    """Records of other tools that are missing, or of a version that the page does not name."""
    records = [record for tool in drawings.MODULES if (record := drawings.record_of(tool, folder))]
    versions = {record.name: drawings.drawn_by(record) if record.exists() else "" for record in records}
    return [name for name, each in versions.items() if not each or not re.search(rf"\b{re.escape(each)}\b", page)]


def test_the_records_of_other_tools_are_of_the_versions_that_the_page_names(executed: Any) -> None:
    page = (DOCS / "drawing-compared.md").read_text(encoding="utf-8")
    assert unnamed(DOCS / "compared", page) == []
    tools = [record for tool in drawings.MODULES if (record := drawings.record_of(tool, DOCS / "compared"))]
    assert set((DOCS / "compared").iterdir()) == set(tools)
    shown = executed("drawing-compared.md").shown
    assert len(shown) == len(drawings.MODULES) - 1  # all but torchvista's, which a browser laid out
    assert min(map(cells.nodes, shown)) > 8


def test_a_record_that_is_missing_or_of_another_version_is_noticed(tmp_path: Path) -> None:
    page = (DOCS / "drawing-compared.md").read_text(encoding="utf-8")
    for path in (DOCS / "compared").iterdir():
        if path.name != "mygrad.dot":
            shutil.copy(path, tmp_path)
    page = page.replace("keras 3.15.1", "keras 3.15.10")
    assert unnamed(tmp_path, page) == ["mygrad.dot", "keras.dot"]


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
