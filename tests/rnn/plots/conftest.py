"""What the tests of figures share."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from minigrad.rnn.training import History


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def history():
    norms = [5.0, 1.0, 4.0, 0.5]
    return History([4.0, 2.0, 3.0, 1.0], norms, [norm > 3 for norm in norms], [(2, 2.5), (4, 1.5)], 4, 1.5, clippings=2)
