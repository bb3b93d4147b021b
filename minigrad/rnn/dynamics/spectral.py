"""Why gradients vanish and explode, read off the recurrent matrix.

Unrolled, a recurrent network applies the same matrix at every step, so the derivative of a late state with respect to
an early one is a product of T Jacobians, ∂h_T/∂h_0 = J_T ... J_1 with J_t = diag(f'(z_t)) W. What such a product does
in the long run is a question about W. It is asked in several ways, and each has a file, best read in this order:

- `spectrum`, the matrix alone: eigenvalues, norm, and how far from normal it is (`henrici`).
- `expansion`, *for ever*: in a linear network the product is W^t, and `expand` writes W^t h_0 as a sum of modes, each
  of which grows or decays by its own factor λ a step. `dominant`: which of them wins, by multiplying.
- `products`, *meanwhile* and *in a given run*: a matrix that is far from normal can amplify a hundredfold before it
  decays, which its eigenvalues do not tell, but `powers_norm` does. `jacobians` and `jacobian_products` follow the true
  product of a run, however small or large it becomes.
- `pseudospectra`, `numerical_range` and `kreiss`: how far it can go meanwhile, foretold by the matrix, without a grid
  (`level_sets` is how).
- `singular`: how the product of a run stretches in *every* direction, the smallest ones too; `capacity`: how much of
  the past the state holds; `mean_field`: what is known of a large random network beforehand.
- `verdict`: `classify` turns radius and norm into the famous answer.

All of them are found here, as ``minigrad.rnn.spectral``. Nothing is differentiated: these are plain arrays in double
precision. A `Tensor` may be passed for its values.

Examples
--------
The matrix alone, and what it foretells:

>>> import numpy as np
>>> from minigrad.rnn import spectral
>>> W = np.array([[0.9, 10.0], [0.0, 0.8]])
>>> spectral.eigenvalues(W).real, spectral.spectral_radius(W), round(spectral.spectral_norm(W), 2)
(array([0.9, 0.8]), 0.9, 10.07)
>>> spectral.is_normal(W), round(spectral.henrici(W), 2)
(False, 10.0)
>>> print(spectral.classify(W), spectral.vanishing_bound(0.25))
linear: vanish (spectral radius 0.9 against 1); with f: may explode (spectral norm 10.07 against 1) 4.0
>>> spectral.gelfand(W, 100)[[0, 9, 99]].round(2)  # ‖W^t‖^(1/t) comes down to the radius
array([10.07,  1.37,  0.94])

How far its powers rise before they fall, and how the matrix itself foretells it:

>>> spectral.powers_norm(W, 3).round(1), round(spectral.transient_growth(W, 60).value, 2)
(array([ 1. , 10.1, 17. , 21.7]), 26.94)
>>> round(spectral.kreiss_constant(W), 2), round(abs(spectral.kreiss_point(W).z), 2)
(17.17, 1.14)
>>> round(spectral.numerical_abscissa(W), 2), round(spectral.numerical_radius(W), 2)
(5.85, 5.85)
>>> round(spectral.stability_radius(W), 4), round(spectral.pseudospectral_radius(W, 0.01), 3)
(0.002, 1.17)
>>> round(spectral.outermost(W, 0.01).real, 3), spectral.pseudospectrum(W, [1.0, 1.0j]).round(4)
(1.17, array([0.002 , 0.1694]))

Along a run every step has a Jacobian of its own:

>>> rng = np.random.default_rng(0)
>>> J = spectral.jacobians(rng.uniform(0.5, 1.0, size=(30, 2)), W)
>>> J.shape, spectral.jacobian_products(J).shape
((30, 2, 2), (30,))
>>> spectral.log_singular_values(J)[-1].round(1)
array([ -7.3, -20.9])
>>> print(f"{spectral.mean_field(2.0).exponent:.4f}")
0.1547
>>> states, u = rng.normal(size=(200, 4)), rng.normal(size=200)
>>> bool(spectral.memory_capacity(states, u, delays=8).total < 1)  # states that have not heard the inputs
True
"""

from minigrad.rnn.dynamics.capacity import Capacity, memory_capacity
from minigrad.rnn.dynamics.dominant import Ending, PowerIteration, power_iteration
from minigrad.rnn.dynamics.expansion import CONDITION_LIMIT, DefectiveMatrixWarning, Expansion, Mode, Repetition, expand
from minigrad.rnn.dynamics.kreiss import Kreiss, kreiss_constant, kreiss_point
from minigrad.rnn.dynamics.mean_field import MeanField, mean_field
from minigrad.rnn.dynamics.numerical_range import numerical_radius
from minigrad.rnn.dynamics.products import (
    JacobianProduct,
    Transient,
    gelfand,
    jacobian_products,
    jacobians,
    powers_norm,
    transient_growth,
)
from minigrad.rnn.dynamics.pseudospectra import outermost, pseudospectral_radius, pseudospectrum, stability_radius
from minigrad.rnn.dynamics.singular import log_singular_values
from minigrad.rnn.dynamics.spectrum import (
    eigenvalues,
    henrici,
    is_normal,
    numerical_abscissa,
    spectral_norm,
    spectral_radius,
)
from minigrad.rnn.dynamics.verdict import Fate, Verdict, classify, vanishing_bound

__all__ = [
    "CONDITION_LIMIT",
    "Capacity",
    "DefectiveMatrixWarning",
    "Ending",
    "Expansion",
    "Fate",
    "JacobianProduct",
    "Kreiss",
    "MeanField",
    "Mode",
    "PowerIteration",
    "Repetition",
    "Transient",
    "Verdict",
    "classify",
    "eigenvalues",
    "expand",
    "gelfand",
    "henrici",
    "is_normal",
    "jacobian_products",
    "jacobians",
    "kreiss_constant",
    "kreiss_point",
    "log_singular_values",
    "mean_field",
    "memory_capacity",
    "numerical_abscissa",
    "numerical_radius",
    "outermost",
    "power_iteration",
    "powers_norm",
    "pseudospectral_radius",
    "pseudospectrum",
    "spectral_norm",
    "spectral_radius",
    "stability_radius",
    "transient_growth",
    "vanishing_bound",
]
