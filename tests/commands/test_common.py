"""Bad questions: one sentence, exit status 2, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.calling import command


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("unroll", "--out", "unrolled.bmp"), "'.bmp'"),
        (("unroll", "--out", "nowhere/unrolled.svg"), "there is no folder"),
        (("unroll", "--forcing"), "does not feed its output back"),
        (("unroll", "--cell", "elman"), "elman"),
        (("unroll", "--steps", "0"), "--steps"),
        (("draw", "mine"), "package.module:function"),
        (("draw", "mine:noise"), "missing"),
        (("draw", "mine:nothing"), "of type int"),
        (("draw", "yours:graph"), "no module yours"),
        (("check", "mine:nope"), "no nope"),
        (("check", "mine:noise"), "give a shape"),
        (("check", "mine:logs", "--shape", "3,x"), "3,x"),
        (("check", "mine:logs", "--domain", "large"), "'large'"),
        (("check", "mine:logs", "--domain", "1,x"), "'1,x' is no domain"),
        (("check", "mine:logs", "--domain", "2,1"), "the lower one first"),
        (("check", "mine:layer", "--shape", "3,4", "--shape", "5"), "size 5"),
    ],
)
def test_bad_questions_get_a_sentence_and_leave_nothing(arguments: tuple[str, ...], named: str, here: Path) -> None:
    done = command(*arguments)
    assert done.exit_code == 2, done.stdout
    assert named in done.stderr
    assert {path.name for path in here.iterdir()} <= {"mine.py", "__pycache__"}
