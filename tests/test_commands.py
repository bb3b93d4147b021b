"""The command ``minigrad`` and the documents: what they name is there, and what is there they name."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from minigrad.cli import app
from tests.floors import ROOT

TREE: Any = typer.main.get_command(app)
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = r"(?:\.venv/bin/)?minigrad|(?:\.venv/bin/)?python3? -m minigrad"


def tree(command: Any = TREE, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, groups included."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from tree(inner, (*path, name))


COMMANDS = dict(tree())


def options(command: Any) -> set[str]:
    return {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}


def calls_in(text: str) -> list[list[str]]:
    """The words after ``minigrad`` wherever a page calls it: in `spans of code`, blocks of shell, and lines set in."""
    spans = re.findall(rf"`(?:{PROGRAMS})((?:\s[^`]*)?)`", text)
    blocks = [*re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE), *re.findall("\n    .*", text)]
    lines = re.findall(rf"^ *(?:.*&& |\$ )?(?:{PROGRAMS})( .*)?$", "\n".join(blocks), re.MULTILINE)
    return [shlex.split(words, comments=True) for words in (*spans, *lines)]


def example(command: Any) -> str:
    """What stands below the help of a command, as a block of code."""
    assert command.epilog.startswith("Example: "), command.name
    return "\n    " + str(command.epilog.removeprefix("Example: "))


def documents() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        yield page.name, page.read_text(encoding="utf-8")
    for path, command in COMMANDS.items():
        yield f"minigrad {' '.join(path)} --help", example(command)
    yield "demo.py", Path(ROOT, "minigrad", "demo.py").read_text(encoding="utf-8").replace("``", "`")


CALLS = [(document, words) for document, text in documents() for words in calls_in(text)]


def named_by(words: list[str]) -> tuple[str, ...]:
    """The command that some words call: as many of them as lead from group to group."""
    path: tuple[str, ...] = ()
    for word in words:
        if not hasattr(COMMANDS[path], "commands") or word.startswith("-"):
            break
        path = (*path, word)
        assert path in COMMANDS, f"there is no command minigrad {' '.join(path)}"
    return path


@pytest.mark.parametrize(("document", "words"), CALLS, ids=[f"{name}: {' '.join(words)}" for name, words in CALLS])
def test_what_documents_call_is_there(document: str, words: list[str]) -> None:
    known = options(COMMANDS[named_by(words)])
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, document


def test_options_that_are_named_alone_are_there() -> None:
    """As `--quick`, in a page, and without marks in the help of a command."""
    known = {name for command in COMMANDS.values() for name in options(command)}
    for document, text in documents():
        assert set(re.findall(r"`(--[a-z-]+)[^`]*`", text)) <= known, document
    for path, command in COMMANDS.items():
        said = " ".join([command.help or "", *(each.help or "" for each in command.params)])
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", said)) <= options(command), path


def test_every_command_is_named_by_a_page() -> None:
    pages = {page.name for page in PAGES}
    told = {named_by(words) for document, words in CALLS if document in pages}
    assert {path for path, command in COMMANDS.items() if not hasattr(command, "commands")} <= told


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
def test_the_example_is_understood(path: tuple[str, ...]) -> None:
    """Command, options, values and arguments, as far as that can be told without running it."""
    (words,) = calls_in(example(COMMANDS[path]))
    assert named_by(words) == path
    COMMANDS[path].make_context(path[-1], words[len(path) :])


@pytest.mark.parametrize(
    ("needed", "advice"),
    [
        ("hypothesis", 'this needs hypothesis: run pip install ".[testing]" in a clone of minigrad'),
        ("nowhere_to_be_found", "this needs nowhere_to_be_found, which is not installed"),
    ],
)
def test_what_is_missing_is_named_with_the_extra_that_brings_it(
    needed: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, needed, None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "needing.py").write_text(f"import {needed}")
    done = CliRunner().invoke(app, ["draw", "needing:f"])
    assert (done.exit_code, advice in done.stderr) == (2, True), done.stderr
