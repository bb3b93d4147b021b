"""What is told of the steps that are left out."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import draw
from tests.rnn.figure.models import example


@pytest.mark.parametrize("of_sum", [False, True])
def test_the_loss_across_the_gap_is_written_on_it(of_sum):
    """Of Σ C, to which every step in between adds, that of the costs beyond it: as if there were no other costs."""
    run = example(T=100)
    beyond = np.sum(np.stack(run["C"][97:])) if of_sum else run["C"][-1]
    sizes = Figure.of_run(run, beyond).sizes
    drop = f"gradient × {sizes['h', 3] / sizes['h', 98]:.2g}"
    source = draw(run, run.cost if of_sum else beyond).source
    assert drop in source
    assert ("from t ≥ 98:" in source) == of_sum


def test_of_what_lies_before_the_gap_nothing_is_lost_across_it():
    run = example(T=100)
    assert "gradient ×" not in draw(run, run["C"][1]).source
