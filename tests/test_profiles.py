"""The profiles of hypothesis say what the tests' conftest says, wherever they run."""

from __future__ import annotations

import os
import sys

import pytest

from tests.fresh import run

PROFILE = """
import tests.conftest
from hypothesis import settings
s = settings.default
print(s.derandomize, s.deadline, s.max_examples, s.database is not None, s.print_blob)
"""


@pytest.mark.parametrize(
    ("ci", "chosen", "expected"),
    [
        ("", "", "True None 100 False False"),
        ("true", "", "True None 100 False False"),
        ("", "ci", "True None 100 False True"),
        ("true", "nightly", "False None 2000 True True"),
    ],
)
def test_profiles_do_not_depend_on_where_they_run(ci, chosen, expected, tmp_path):
    path = os.pathsep.join(sys.path)
    environment = {"PYTHONPATH": path, "CI": ci, "HYPOTHESIS_PROFILE": chosen}
    assert run(PROFILE, **environment) == expected
