"""The verdicts of ``check``, as exit status and as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.calling import command


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("mine:layer",), 0, "pass"),
        (("mine:layer", "--shape", "2,2", "--shape", "2"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:right"), 0, "pass"),
        (("mine:logs", "--domain", "0.5,2"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:twice"), 1, "exactly twice"),
        (("mine:noise", "--shape", "3"), 3, "inconclusive"),
        (("mine:noise", "--shape", "3", "--strict"), 1, "To see it again"),
        (("mine:layer", "--strict"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:twice", "--strict"), 1, "exactly twice"),
    ],
)
def test_check_checks(arguments: tuple[str, ...], status: int, says: str, here: Path) -> None:
    done = command("check", *arguments, "--examples", "2")
    assert done.exit_code == status, done.stdout + done.stderr
    assert says in done.stdout
