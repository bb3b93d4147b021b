"""How the tests draw their examples: profiles of hypothesis, one of which is chosen by name.

- ``minigrad``, unless told otherwise: the same examples on every run, and no machine is too slow for them.
- ``ci``: the same, and a failure prints how to reproduce it elsewhere.
- ``nightly``: twenty times as many examples, other ones on every run; failures are kept and tried first next time.

``HYPOTHESIS_PROFILE=nightly pytest``, or ``pytest --hypothesis-profile=nightly``, chooses. A test with a number of
examples of its own keeps that number, but draws other ones.

Hypothesis has a profile ``ci`` too and makes it the current one when it sees that it runs under CI; and a profile is
registered with whatever the *current* one says where it is silent. All profiles here therefore name their parent,
``default``: otherwise ``nightly`` would, on a CI server of all places, draw the same examples every night.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, settings

from tests.tables import remembered

collect_ignore_glob = ["benchmarks/bptt/by_*.py"]  # contenders, which need the libraries that they are about

default = settings(
    settings.get_profile("default"), deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.register_profile("minigrad", default, derandomize=True)
settings.register_profile("ci", default, derandomize=True, print_blob=True)
settings.register_profile("nightly", default, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "minigrad")


@pytest.fixture
def tables() -> Iterator[None]:
    """The rules that there are, and nothing that the test has added to them afterwards."""
    restored = remembered()
    yield
    restored()


@pytest.fixture(params=["dot", "pygraphviz"])
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each Graphviz that this machine really has."""
    dot = shutil.which("dot")
    if request.param == "dot":
        if dot is None:
            pytest.skip("no Graphviz is installed: there is no dot on the PATH")
        monkeypatch.setenv("MINIGRAD_DOT", dot)
    else:
        if find_spec("pygraphviz") is None:
            pytest.skip("pygraphviz is not installed")
        monkeypatch.delenv("MINIGRAD_DOT", raising=False)
        monkeypatch.setenv("PATH", "")
    return str(request.param)
