"""Lyapunov exponents: the growth a step of a small deviation, for every direction, along a run or a map.

They are to a nonlinear network what ln|λ_i| is to a linear one. λ₁ < 0: whatever h_0 was is forgotten, and the gradient
vanishes; λ₁ > 0: two runs from nearby separate, and it explodes.

References
----------
V. I. Oseledets (1968), "A multiplicative ergodic theorem", Transactions of the Moscow Mathematical Society 19.
G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn (1980), "Lyapunov characteristic exponents for smooth dynamical
systems", Meccanica 15.
J. L. Kaplan, J. A. Yorke (1979), "Chaotic behavior of multidimensional difference equations", Lecture Notes in
Mathematics 730.
R. Engelken, F. Wolf, L. F. Abbott (2023), "Lyapunov spectra of chaotic recurrent neural networks", Physical Review
Research 5.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import RNN, lyapunov, maps, unroll
>>> found = lyapunov.map_spectrum(maps.henon, [0.1, 0.1], 2000, burn=100)
>>> print(f"{found.exponents[0]:.2f} {found.exponents.sum():.3f}")  # chaos; and the sum is ln 0.3
0.43 -1.204
>>> print(f"{lyapunov.kaplan_yorke(found.exponents):.2f} {lyapunov.entropy_rate(found.exponents):.2f}")
1.26 0.43
>>> along = lyapunov.trajectory_jacobians(maps.henon, [0.1, 0.1], 2100)
>>> bool(np.allclose(lyapunov.lyapunov_spectrum(along, burn=100).exponents, found.exponents))
True
>>> run = unroll(RNN(1, 8, rng=0, radius=0.5), np.ones((100, 1)))
>>> bool(lyapunov.lyapunov_spectrum(run, k=1).exponents[0] < 0)
True
>>> noise = np.random.default_rng(0).normal(size=(1000, 1))
>>> lyapunov.batch_means_error(noise, 20).round(2)  # near 1/√1000
array([0.03])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.flow import each_jacobian
from minigrad.rnn.dynamics.incoming import count, real, square
from minigrad.transforms import jacobian

__all__ = [
    "Spectrum",
    "batch_means_error",
    "entropy_rate",
    "kaplan_yorke",
    "lyapunov_spectrum",
    "map_spectrum",
    "trajectory_jacobians",
]

if TYPE_CHECKING:
    from minigrad.rnn.unrolling import Run


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Lyapunov exponents and how well they are known.

    Attributes
    ----------
    exponents : (k,) ndarray
        Natural logarithms of growth a step, in the order in which the method finds them: the largest first, in the long
        run. -inf where a direction is lost.
    standard_errors : (k,) ndarray
        By batch means: the scatter of the averages of equal stretches of the run. NaN for fewer than two steps.
    steps : int
        How many steps they are averages of.
    """

    exponents: Array
    standard_errors: Array
    steps: int

    @property
    def dimension(self) -> float:
        """`kaplan_yorke` of them."""
        return kaplan_yorke(self.exponents)

    @property
    def entropy(self) -> float:
        """`entropy_rate` of them."""
        return entropy_rate(self.exponents)


def lyapunov_spectrum(
    of: Run | Iterable[Any], *, k: int | None = None, burn: int = 0, batches: int = 20, sample: int = 0
) -> Spectrum:
    """The Lyapunov exponents of a run, or of any sequence of Jacobians, by QR (Benettin et al. 1980).

    Q_t R_t = J_t Q_{t-1}, with Q_0 = I and R_ii > 0: the averages of ln R_ii.

    Parameters
    ----------
    of : Run, or iterable of (n, n) array_like
        Of a run's whole state, as `flow.step_jacobians`, but one step at a time; or J_1 ... J_T.
    k : int, optional
        Only the first k exponents, which costs less; all n otherwise.
    burn : int
        So many steps turn Q, and do not count.
    batches : int
        How many stretches the standard errors are taken from, at least 2; they are of equal length, so that some steps
        at the beginning may be left out of them.
    sample : int
        Of a run: which sequence of the batch.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If no step is left after ``burn``, or a Jacobian is not square, real and finite.
    """
    run: Any = of  # told by what it has, since what makes runs stands above
    steps: Iterable[Any] = each_jacobian(run, sample) if hasattr(of, "carried") else run
    logs, Q, burn = list[Array](), None, count("burn", burn)
    for t, J in enumerate(steps):
        J = square("a Jacobian", J)
        if Q is None:
            if k is not None and not 1 <= k <= len(J):
                raise ValueError(f"k is {k}: of a state of {len(J)} numbers there are 1 to {len(J)} exponents")
            Q = np.eye(len(J))[:, :k]
        Q, R = np.linalg.qr(J @ Q)
        if t >= burn:
            logs.append(np.abs(np.diagonal(R)))
    if not logs:
        raise ValueError(f"no step is left after burn={burn}: take a longer run, or a smaller burn")
    with np.errstate(divide="ignore"):
        growth = np.log(np.array(logs))
    return Spectrum(growth.mean(axis=0), batch_means_error(growth, batches), len(growth))


def map_spectrum(
    step: Callable[[Any], Any],
    start: npt.ArrayLike,
    steps: int,
    *,
    burn: int = 0,
    batches: int = 20,
    jac: Callable[[Array], Any] | None = None,
) -> Spectrum:
    """The Lyapunov exponents of a map h ← F(h), such as those of `maps`.

    Parameters
    ----------
    step : callable
        F, from a state (n,) to the next one, written in NumPy.
    start : (n,) array_like
    steps : int
        How many steps count, after ``burn`` others, which bring h onto the attractor and turn Q.
    burn, batches : int
        As in `lyapunov_spectrum`.
    jac : callable, optional
        ∂F/∂h at h, if there is a formula that is quicker than differentiating ``step``.

    Returns
    -------
    Spectrum
        A step: divide by its length in time.
    """
    count("steps", steps)
    walk = trajectory_jacobians(step, start, count("burn", burn) + steps, jac)
    return lyapunov_spectrum(walk, burn=burn, batches=batches)


def trajectory_jacobians(
    step: Callable[[Any], Any], start: npt.ArrayLike, steps: int, jac: Callable[[Array], Any] | None = None
) -> Iterator[Array]:
    """∂F/∂h (n, n) at h_0 (n,), h_1 ... of h ← F(h): what `lyapunov_spectrum` and `log_singular_values` take."""
    h, derivative = real("start", start), jac or jacobian(step)
    for _ in range(steps):
        yield derivative(h)
        h = real("the state", step(h))


def batch_means_error(values: Array, batches: int) -> Array:
    """The standard error of the mean of a correlated series (T, ...), from the means of equal stretches of it.

    Where stretches are longer than what is remembered, their means are as good as independent.

    Raises
    ------
    ValueError
        If there are fewer than two ``batches``.
    """
    if batches < 2:
        raise ValueError(f"batches is {batches}: a scatter takes at least 2")
    batches = min(batches, len(values))
    if batches < 2:
        return np.full(values.shape[1:], np.nan)
    length = len(values) // batches
    means = values[-batches * length :].reshape(batches, length, *values.shape[1:]).mean(axis=1)
    with np.errstate(invalid="ignore"):
        error: Array = means.std(axis=0, ddof=1) / math.sqrt(batches)
    return error


def kaplan_yorke(exponents: npt.ArrayLike) -> float:
    """The dimension of the attractor that exponents (k,) suggest, k + Σ_{i≤k} λ_i / |λ_{k+1}|.

    k is the largest number of exponents whose sum is not negative (Kaplan, Yorke 1979). 0 if all are negative, their
    number if all of them together are not.
    """
    ordered = np.sort(np.asarray(exponents, np.float64))[::-1]
    sums = np.cumsum(ordered)
    k = int(np.count_nonzero(sums >= 0))
    if k in (0, len(ordered)):
        return float(k)
    return k + float(sums[k - 1] / abs(ordered[k]))


def entropy_rate(exponents: npt.ArrayLike) -> float:
    """The sum of the positive ones of exponents (k,), in nats: at least the Kolmogorov-Sinai entropy (Ruelle 1978).

    For systems with a smooth invariant measure it is that entropy (Pesin 1977): what is forgotten of h_0, and newly
    told about it, at every step.
    """
    values = np.asarray(exponents, np.float64)
    return float(np.sum(values[values > 0]))
