"""The tests are a mirror of the package: whoever wants to know how a file is tested knows where to look."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
ELSEWHERE = {
    "engine/ancestors.py": "what the walk needs of it, in tests/engine/test_walk.py",
    "compiler/batching.py": "all steps in one call: whole programs, in tests/compiler/test_compiled.py",
    "compiler/calls.py": "calls as text: the listings in tests/compiler/test_compiled.py",
    "compiler/homes.py": "where results are: whole programs, in tests/compiler/test_compiled.py",
    "compiler/naming.py": "names: the listings in tests/compiler/test_compiled.py",
    "compiler/node.py": "plain data",
    "compiler/text.py": "the program as text: the listings in tests/compiler/test_compiled.py",
    "engine/context.py": "recording, scopes and who watches: tests/engine/test_tensor.py, tests/test_anomaly.py",
    "optim/memory.py": "tests/optim/test_optimizer.py, and as part of programs tests/compiler/test_keeping.py",
    "rnn/stepping.py": "one step after the other: tests/rnn/test_unrolling.py, tests/rnn/test_counting.py",
    "engine/cotangents.py": "shares that wait and meet: tests/engine/test_walk.py",
}
"""Files without a test file of their own, why, and where they are tested."""
WIDER = {
    "engine": {"test_operands.py": "what is no tensor and meets one, from the operators to the table"},
    "rnn": {"test_bptt.py": "networks against gradients derived by hand"},
    "rules": {"test_conventions.py": "the page on conventions", "test_namespace.py": "all of NumPy"},
    "testing": {
        "test_hypothesis.py": "the checker in property tests, as somebody else writes and runs them",
        "test_hard.py": "the whole checker at the hardest places that are known",
        "test_imports.py": "what needs hypothesis",
        "test_state.py": "whole sessions, of engine and checker",
        "test_switches.py": "each rule of the checker switched off",
    },
}
"""Tests in these folders that are of more than one file."""


def modules() -> set[str]:
    """All files of the package that say something of their own, as ``engine/walk.py``."""
    package = ROOT / "minigrad"
    return {path.relative_to(package).as_posix() for path in package.rglob("*.py") if not path.name.startswith("__")}


def mirrored(module: str) -> Path:
    """Where its tests are."""
    path = ROOT / "tests" / module
    return path.with_name(f"test_{path.name}")


def test_every_file_has_its_tests() -> None:
    without = {module for module in modules() if not mirrored(module).exists()}
    assert without - ELSEWHERE.keys() == set()
    assert ELSEWHERE.keys() - without == set(), "they are gone, or have tests now: take them off the list"


def test_every_test_beside_the_package_is_of_something_in_it() -> None:
    """A test file in a folder that mirrors one of the package is called after a file there, or after the folder."""
    for folder in {module.rpartition("/")[0] for module in modules()} - {""}:
        names = {mirrored(module) for module in modules() if module.startswith(f"{folder}/")}
        names |= {ROOT / "tests" / folder / f"test_{Path(folder).name}.py"}
        strangers = {path for path in (ROOT / "tests" / folder).glob("test_*.py") if path not in names}
        assert {path.name for path in strangers} <= WIDER.get(folder, {}).keys(), folder
