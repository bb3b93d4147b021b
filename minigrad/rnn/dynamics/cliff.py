"""The cliff: the error of a recurrent network with one unit as a surface over its two weights, and descents on it.

x_t = w σ(x_{t-1}) + b with the logistic σ is the smallest network that explodes. Where its fixed point loses stability,
small changes of the weights decide to which of two others the state runs in T steps, and the error has a wall. Its
gradient on the wall is longer than anywhere else by orders of magnitude: one step of plain gradient descent throws away
what a hundred have found, and a clipped one does not.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML, §2.3, fig. 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import logistic
from minigrad.optim.clips import Clip
from minigrad.optim.sgd import SGD
from minigrad.rnn.dynamics.incoming import count, finite, real


@dataclass(frozen=True)
class Descent:
    """A path of gradient descent on the surface.

    Attributes
    ----------
    points : ndarray (k + 1, 2)
        (w, b) at the start and after every step.
    errors : ndarray (k + 1,)
    norms : ndarray (k,)
        ‖g‖₂ at each step, before it was clipped.
    clipped : ndarray of bool (k,)
    """

    points: Array
    errors: Array
    norms: Array
    clipped: Array


@dataclass(frozen=True)
class Cliff:
    """E(w, b) = (σ(x_T) - target)² of x_t = w σ(x_{t-1}) + b.

    Parameters
    ----------
    steps : int
        T.
    x0 : float
    target : float
    """

    steps: int = 50
    x0: float = 0.5
    target: float = 0.7

    def __post_init__(self) -> None:
        count("steps", self.steps)
        finite("x0", self.x0)
        finite("target", self.target)

    def error(self, w: Any, b: Any) -> Any:
        """E, of numbers, arrays that are broadcast together, or tensors."""
        x: Any = self.x0
        for _ in range(self.steps):
            x = w * logistic(x) + b
        return (logistic(x) - self.target) ** 2

    def still(self, w: float) -> float:
        """b* = x_0 - w σ(x_0), for which the state stays where it is; the wall runs along it where w σ'(x_0) > 1."""
        return float(self.x0 - w * logistic(self.x0))

    def slope(self, w: float, b: float) -> tuple[float, Array]:
        """E and (∂E/∂w, ∂E/∂b) at one point."""
        at = Tensor(w, requires_grad=True, name="w", dtype=float), Tensor(b, requires_grad=True, name="b", dtype=float)
        error = self.error(*at)
        error.backward()
        return error.item(), np.array([each.grad for each in at])

    def descend(
        self,
        start: npt.ArrayLike,
        *,
        lr: float,
        steps: int,
        max_norm: float | None = None,
        clip: Clip | None = None,
    ) -> Descent:
        """Plain gradient descent from ``start``.

        Parameters
        ----------
        start : (2,) array_like
            (w, b).
        lr, max_norm, clip
            As of `minigrad.optim.SGD`.
        steps : int

        Returns
        -------
        Descent
        """
        start = real("start", start)
        if start.shape != (2,):
            raise ValueError(f"start has shape {start.shape}: expected (w, b), two numbers")
        w, b = (Tensor(each, requires_grad=True, name=name) for each, name in zip(start, "wb", strict=True))
        optimizer = SGD({"w": w, "b": b}, lr=lr, max_norm=max_norm, clip=clip)
        points, errors = [start], list[float]()
        for _ in range(count("steps", steps)):
            optimizer.zero_grad()
            error = self.error(w, b)
            errors.append(error.item())
            error.backward()
            optimizer.step()
            points.append(np.array([w.item(), b.item()]))
        errors.append(float(self.error(w.data, b.data)))
        met = optimizer.history
        return Descent(
            np.array(points),
            np.array(errors),
            np.array([each.norm for each in met], float),
            np.array([each.clipped for each in met], bool),
        )
