"""Why gradients vanish and explode, read off the recurrent matrix.

Unrolled, a recurrent network applies the same matrix at every step, so the derivative of a late state with respect to
an early one is a product of T Jacobians, ∂h_T/∂h_0 = J_T ... J_1 with J_t = diag(f'(z_t)) W. What such a product does
in the long run is a question about W. It is asked in three ways, and each has a file, best read in this order:

- `spectrum`, the matrix alone: eigenvalues, norm, and how far from normal it is (`henrici`).
- `expansion`, *for ever*: in a linear network the product is W^t, and `expand` writes W^t h_0 as a sum of modes, each
  of which grows or decays by its own factor λ a step.
- `products`, *meanwhile* and *in a given run*: a matrix that is far from normal can amplify a hundredfold before it
  decays, which its eigenvalues do not tell, but `powers_norm` does. `jacobians` and `jacobian_products` follow the true
  product of a run, however small or large it becomes.
- `verdict`: `classify` turns radius and norm into the famous answer.

All of them are found here, as ``minigrad.rnn.spectral``. Nothing is differentiated: these are plain arrays in double
precision. A `Tensor` may be passed for its values.
"""

from minigrad.rnn.dynamics.expansion import CONDITION_LIMIT, DefectiveMatrixWarning, Expansion, Repetition, expand
from minigrad.rnn.dynamics.products import JacobianProduct, jacobian_products, jacobians, powers_norm
from minigrad.rnn.dynamics.spectrum import eigenvalues, henrici, numerical_abscissa, spectral_norm, spectral_radius
from minigrad.rnn.dynamics.verdict import Fate, Verdict, classify, vanishing_bound

__all__ = [
    "CONDITION_LIMIT",
    "DefectiveMatrixWarning",
    "Expansion",
    "Fate",
    "JacobianProduct",
    "Repetition",
    "Verdict",
    "classify",
    "eigenvalues",
    "expand",
    "henrici",
    "jacobian_products",
    "jacobians",
    "numerical_abscissa",
    "powers_norm",
    "spectral_norm",
    "spectral_radius",
    "vanishing_bound",
]
