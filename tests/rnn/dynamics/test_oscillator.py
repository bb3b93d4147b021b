"""The oscillator is two files found in one place; what they do is tested in test_motion and test_methods."""

from __future__ import annotations

import minigrad as mg
from minigrad.rnn.dynamics import methods, motion, oscillator


def made_in(*modules):
    """The public functions and classes that stand in these files."""
    found = {name: thing for module in modules for name, thing in vars(module).items()}
    homes = {module.__name__ for module in modules}
    return {n: t for n, t in found.items() if getattr(t, "__module__", None) in homes and not n.startswith("_")}


def test_all_of_it_is_found_in_one_place():
    assert mg.rnn.oscillator is oscillator
    made = made_in(motion, methods)
    del made["coordinates"]  # which the two files have between themselves
    assert made == {name: getattr(oscillator, name) for name in made}
    assert {*made, "NODES", "Force", "Scalar"} == set(oscillator.__all__)
    assert (oscillator.NODES, oscillator.Force, oscillator.Scalar) == (methods.NODES, motion.Force, motion.Scalar)
