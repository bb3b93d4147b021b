"""Batches are pairs with weights."""

from __future__ import annotations

from minigrad.rnn.tasks import Batch


def test_weights_may_be_left_out():
    assert Batch("xs", "targets") == ("xs", "targets", None)
