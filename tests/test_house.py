"""How the package is laid out: what can be imported under which name, and what comes along when it is."""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import reduce
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import faults
from tests.floors import ROOT, floors

HOUSE, CONTRIBUTING = ROOT / "minigrad", ROOT / "CONTRIBUTING.md"
FIRST = {
    "anomaly",
    "containers",
    "copies",
    "engine",
    "files",
    "functions",
    "lazy",
    "module",
    "optim",
    "recomputing",
    "rules",
    "scopes",
    "transforms",
}
"""What `import minigrad` loads. Whatever else there is waits until it is asked for."""
OTHERS = 'pip install {library}"'
"""The one hint, of the checker's adapters, to install what is somebody else's."""


def fresh(code: str) -> str:
    """What a new process prints that runs ``code``."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(code: str) -> set[str]:
    """The modules that a new process has loaded after ``code``, less those that NumPy loads."""
    return set(
        fresh(f"import sys, numpy; before = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)").split()
    )


def names_in(file: Path) -> set[str]:
    """What a type checker finds in a module by the imports that stand in it, whether they are carried out or not."""
    found = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in found for alias in node.names}


# -- what comes along -------------------------------------------------------------------------------------------------


def test_importing_minigrad_loads_the_engine_and_what_is_light() -> None:
    names = loaded("import minigrad")
    assert {name.split(".")[1] for name in names if name.startswith("minigrad.")} == FIRST
    assert not names & {"graphviz", "hypothesis", "matplotlib", "pytest", "rich", "subprocess", "typer", "zipfile"}


def test_networks_come_without_pictures() -> None:
    names = loaded("import minigrad as mg; mg.rnn.fit; mg.rnn.unroll(mg.rnn.RNN(1, 2, 1), [[1.0]], [[1.0]]).cost")
    assert "minigrad.rnn.cells.vanilla" in names
    assert not {name for name in names if name.startswith(("graphviz", "minigrad.pictures", "minigrad.rnn.figure"))}


@pytest.mark.parametrize(
    ("made", "shows"),
    [
        ("mg.Tensor([1.0, 2.0], requires_grad=True) * 3.0", "Made by <code>multiply</code>"),
        ("mg.rnn.RNN(1, 2, 1)", "parameters"),
        ("mg.rnn.unroll(mg.rnn.RNN(1, 2, 1), [[1.0]], [[1.0]])", "minigrad.rnn.animate(run)"),
    ],
    ids=["tensor", "model", "run"],
)
def test_notebooks_show_what_nothing_was_imported_for(made: str, shows: str) -> None:
    """Without any Graphviz, so that there are words."""
    code = f"""
import os, sys
import minigrad as mg
shown = {made}
assert "minigrad.pictures" not in sys.modules
os.environ.update(MINIGRAD_DOT="/no/such/dot", PATH="")
print(shown._repr_mimebundle_(include=None, exclude=None)["text/html"])"""
    assert shows in fresh(code)


def test_importing_star_brings_every_public_name() -> None:
    code = "import minigrad\nfrom minigrad import *\nprint(set(minigrad.__all__) - set(globals()), rnn.RNN, draw)"
    assert fresh(code).startswith("set() <class 'minigrad.rnn.cells.vanilla.RNN'> <function draw")


@pytest.mark.parametrize("package", ["minigrad", "minigrad.rnn"])
def test_public_names_are_seen_before_they_are_there(package: str) -> None:
    """By `dir()`, which completes what one types, and by type checkers, which only read."""
    assert fresh(f"import {package} as package; print(set(package.__all__) - set(dir(package)))").strip() == "set()"
    module = importlib.import_module(package)
    assert set(module.__all__) <= names_in(Path(str(module.__file__)))


def test_other_names_are_not_there() -> None:
    for module in (mg, mg.rnn):
        with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute 'nothing'"):
            _ = module.nothing


# -- names ------------------------------------------------------------------------------------------------------------


def test_no_module_hides_behind_something_else_of_its_name() -> None:
    """So ``import minigrad.pictures.operations as m`` gives the module, whatever has been imported before."""
    names = [module.name for module in pkgutil.walk_packages(mg.__path__, "minigrad.")]
    assert len(names) > 60
    modules = {name: importlib.import_module(name) for name in names}
    assert [name for name in names if reduce(getattr, name.split(".")[1:], mg) is not modules[name]] == []
    assert {Path(str(module.__file__)) for module in modules.values()} == {*HOUSE.rglob("*.py")} - {Path(mg.__file__)}


@pytest.mark.parametrize("statement", ["from minigrad import rnn", "import minigrad.rnn as rnn", "rnn = minigrad.rnn"])
def test_networks_are_one_module_however_they_are_imported(statement: str) -> None:
    code = f"import sys, minigrad; {statement}; print(rnn.RNN, rnn is sys.modules['minigrad.rnn'] is minigrad.rnn)"
    assert fresh(code).strip() == "<class 'minigrad.rnn.cells.vanilla.RNN'> True"


def test_public_classes_are_found_again_by_their_names() -> None:
    for module in (mg, mg.rnn, mg.optim, mg.testing, mg.pictures):
        classes = [found for name in module.__all__ if isinstance(found := getattr(module, name), type)]
        assert [found for found in classes if pickle.loads(pickle.dumps(found)) is not found] == []


def test_the_package_is_a_command_too() -> None:
    command = [sys.executable, "-W", "error", "-m", "minigrad", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == mg.__version__


# -- floors -----------------------------------------------------------------------------------------------------------


def test_every_module_has_its_floor() -> None:
    """What no contract of import-linter mentions may import what it likes."""
    rooms = defaultdict(set)
    for module in pkgutil.walk_packages(mg.__path__, "minigrad."):
        folder, _, name = module.name.rpartition(".")
        rooms[folder].add(name)
    known = {folder: {name for floor in floors_ for name in floor} for folder, floors_ in floors().items()}
    assert known == {folder: names for folder, names in rooms.items() if len(names) > 1}


def test_the_picture_of_the_house_is_true() -> None:
    """That of CONTRIBUTING.md: every floor of the package, and those of two of its folders, from top to bottom."""
    (picture,) = re.findall(r"```text\nminigrad/\n(.*?)```", CONTRIBUTING.read_text(encoding="utf-8"), re.DOTALL)
    shown = [re.split(r"(?<=\S)  +", line)[0] for line in picture.splitlines()]
    expected = []
    for floor in floors()["minigrad"]:
        expected.append("  " + " | ".join(f"{name}{'/' * (HOUSE / name).is_dir()}" for name in floor))
        if floor in (["rnn"], ["engine"]):
            inner = floors()[f"minigrad.{floor[0]}"]
            for names in inner:
                expected.append("    " + " | ".join(f"{n}{'/' * (HOUSE / floor[0] / n).is_dir()}" for n in names))
    assert shown == expected


def test_hints_install_from_a_clone() -> None:
    """The name is on no index, so nothing may tell anyone to install from there; and the extras exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    hints = [hint for file in HOUSE.rglob("*.py") for hint in re.findall(r"pip install.*", file.read_text("utf-8"))]
    assert len(hints) >= 4
    found = [re.match(r'pip install "\.\[(\w+|\{\w+\})\]" in a clone', hint) for hint in hints if hint != OTHERS]
    assert len(found) == len(hints) - 1
    assert None not in found
    assert {match[1] for match in found if match} - {"{extra}"} <= extras.keys()
    assert {*faults.EXTRAS.values()} <= extras.keys()


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {mg.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
