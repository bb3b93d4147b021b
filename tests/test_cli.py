"""The command as a whole: its help, its version, and what a process of it returns."""

from __future__ import annotations

import re

import pytest

import minigrad as mg
from minigrad import cli
from tests.commands.calling import command, process


def test_help_explains_itself_with_an_example() -> None:
    for arguments in ((), ("demo",)):
        shown = command(*arguments, "--help")
        assert shown.exit_code == 0
        assert "Example: minigrad demo" in shown.stdout
    assert command("--version").stdout.strip() == mg.__version__


def test_help_is_a_map_of_all_commands_by_what_one_wants() -> None:
    shown = command("--help").stdout
    places = [shown.index(wanted) for wanted in cli.COMMANDS]
    assert places == sorted(places)
    for place, end, commands in zip(places, [*places[1:], len(shown)], cli.COMMANDS.values(), strict=True):
        assert re.findall(r"(?m)^│ (\w+) ", shown[place:end]) == [each.__name__ for each in commands]
    examples = {each.__name__: example for group in cli.COMMANDS.values() for each, example in group.items()}
    assert {each.callback.__name__ for each in cli.app.registered_commands if each.callback} == examples.keys()
    assert [name for name, example in examples.items() if not example.startswith(f"minigrad {name} ")] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("demo", "--seed", "-1"), "-1"),
        (("demo", "--seed", "many"), "many"),
        (("demmo",), "demmo"),
        (("demo", "--fast"), "--fast"),
    ],
)
def test_wrong_usage_is_named(arguments: tuple[str, ...], named: str) -> None:
    done = command(*arguments)
    assert done.exit_code == 2
    assert named in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        (("--version",), 0, mg.__version__),
        (("demo", "--seed", "many"), 2, "many"),
        (("check", "numpy:nope"), 2, "no nope"),
        (("check", "numpy:square", "--shape", "3", "--vjp", "numpy:multiply"), 1, "exactly half"),
    ],
)
def test_the_status_is_what_the_command_says_and_nothing_else_is_printed(
    arguments: tuple[str, ...], status: int, named: str
) -> None:
    done = process(*arguments)
    assert done.returncode == status
    assert named in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
