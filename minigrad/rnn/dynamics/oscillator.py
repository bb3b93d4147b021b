"""The oscillator m x'' + x = F(t), and why stepping through it is already a recurrent network.

This is where the lecture opens. A differential equation is solved by small steps: with the state s = (x, v), Euler's
method is s_{i+1} = h(s_i, F_i), the same function applied over and over to the last state and the next input. That is
the definition of a recurrent network, and since h is linear here, the network is

    s_{i+1} = W s_i + U F_i,        W = [[1, Δ], [-Δ/m, 1]],        U = (0, Δ/m)ᵀ.

Its eigenvalues 1 ± iΔ/√m lie outside the unit circle: the first exploding network of the story. The other classical
methods are linear networks too, and differ in nothing but their matrices. Read `motion` first, the problem and what is
known of it exactly, and then `methods`, the matrices and the one loop that steps through all of them.

m, Δ, x_0 and v_0 may be tensors. The loop is then recorded, and back-propagation through it answers how the state after
a thousand steps depends on each of them. Units are those in which the spring constant is 1. All of it is found here, as
``minigrad.rnn.oscillator``.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import oscillator
>>> W, U = oscillator.euler_as_rnn(m=1.0, dt=0.1)
>>> W, U.ravel()
(array([[ 1. ,  0.1],
       [-0.1,  1. ]]), array([0. , 0.1]))
>>> free = oscillator.Oscillator(m=1.0)
>>> times, states = oscillator.simulate(free, dt=0.1, steps=100)
>>> energy = oscillator.energy(states, m=1.0)
>>> print(f"{energy[-1] / energy[0]:.4f} = {1.01**100:.4f}")  # by Euler's method (1 + Δ²/m)^100 times as large
2.7048 = 2.7048
>>> energy = oscillator.energy(oscillator.exact(free, times), m=1.0)
>>> print(f"{energy[-1] / energy[0]:.4f}")
1.0000
>>> _, states = oscillator.simulate(free, "symplectic", dt=0.1, steps=100)
>>> bool(np.ptp(oscillator.symplectic_invariant(states, m=1.0, dt=0.1)) < 1e-12)
True
>>> bool(np.all(oscillator.step_matrix("euler", 1.0, 0.1) == W)), oscillator.input_matrix("euler", 1.0, 0.1).shape
(True, (2, 1))
>>> oscillator.inputs(np.sin, dt=0.1, steps=3).round(3).ravel()
array([0.   , 0.1  , 0.199])
"""

from minigrad.rnn.dynamics.methods import (
    NODES,
    euler_as_rnn,
    input_matrix,
    inputs,
    simulate,
    step_matrix,
    symplectic_invariant,
)
from minigrad.rnn.dynamics.motion import Force, Harmonic, Oscillator, Scalar, energy, exact

__all__ = [
    "NODES",
    "Force",
    "Harmonic",
    "Oscillator",
    "Scalar",
    "energy",
    "euler_as_rnn",
    "exact",
    "input_matrix",
    "inputs",
    "simulate",
    "step_matrix",
    "symplectic_invariant",
]
