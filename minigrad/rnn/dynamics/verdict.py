"""Do gradients vanish, or may they explode? What the recurrent matrix alone can say about it.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from minigrad.rnn.dynamics.spectrum import spectral_norm, spectral_radius


class Fate(StrEnum):
    """What is known of gradients in the long run."""

    VANISH = "vanish"
    MAY_EXPLODE = "may explode"
    BORDERLINE = "borderline"


@dataclass(frozen=True)
class Verdict:
    """What a recurrent matrix says about gradients: ``str(verdict)`` is a caption.

    Attributes
    ----------
    radius, norm : float
        The spectral radius and the spectral norm of W.
    gamma : float
        The bound on the slope of f, sup|f'|.
    """

    radius: float
    norm: float
    gamma: float

    @property
    def linear(self) -> Fate:
        """For a linear network, decided by the spectral radius and 1."""
        return _fate(self.radius, 1.0)

    @property
    def nonlinear(self) -> Fate:
        """For a network with a nonlinearity f of slope at most gamma, decided by the spectral norm and 1/gamma."""
        return _fate(self.norm, vanishing_bound(self.gamma))

    def __str__(self) -> str:
        return (
            f"linear: {self.linear} (spectral radius {self.radius:.4g} against 1); with f: {self.nonlinear}"
            f" (spectral norm {self.norm:.4g} against {vanishing_bound(self.gamma):.4g})"
        )


def vanishing_bound(gamma: float) -> float:
    """1/gamma: with a spectral norm of W below it, gradients are bound to vanish.

    Pascanu, Mikolov and Bengio (2013), section 2.1: ‖J_t‖ <= ‖diag(f'(z_t))‖ ‖W‖ <= gamma ‖W‖ < 1 for every t.

    Parameters
    ----------
    gamma : float
        sup|f'|, positive: 1 for tanh and the identity, ¼ for the logistic function.

    Raises
    ------
    ValueError
        If gamma is no positive number.
    """
    if not (math.isfinite(gamma) and gamma > 0.0):
        raise ValueError(f"gamma is {gamma}: expected sup|f'|, a positive number: 1 for tanh, 0.25 for the logistic")
    return 1.0 / gamma


def classify(W: Any, gamma: float = 1.0) -> Verdict:
    """Do gradients vanish, or may they explode? Both answers of Pascanu, Mikolov and Bengio (2013), section 2.1.

    In a linear network, a spectral radius below 1 is sufficient for gradients to vanish, and one above 1 necessary
    for them to explode (sufficient for ‖W^t‖ to do so, but a gradient may have no share in the mode that grows). With
    a nonlinearity, a spectral norm below 1/gamma is sufficient for them to vanish, and one above it necessary for
    them to explode, not more: a network with a norm above the bound may well have gradients that vanish.

    What the lecture's argument takes for granted, it has to be granted: W is diagonalisable (else `expand` and
    `transient_growth` tell more), the gradient has a share α ≠ 0 in the mode that grows, it is the modulus |λ| that
    counts, a complex or negative λ turning as it grows, and of ρ = 1 it says nothing ("borderline").

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    gamma : float
        sup|f'|: 1 for tanh, ¼ for the logistic function.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> print(classify([[0.9, 10.0], [0.0, 0.9]]))
    linear: vanish (spectral radius 0.9 against 1); with f: may explode (spectral norm 10.08 against 1)
    """
    vanishing_bound(gamma)  # refuses an impossible gamma here, not when the verdict is printed
    return Verdict(spectral_radius(W), spectral_norm(W), float(gamma))


def _fate(size: float, bound: float) -> Fate:
    if math.isclose(size, bound):  # to nine digits: an orthogonal W is on the border, however its last bit came out
        return Fate.BORDERLINE
    return Fate.VANISH if size < bound else Fate.MAY_EXPLODE
