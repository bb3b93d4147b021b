"""A worked example: the numbers themselves in every circle and box, the value and below it the gradient.

That takes room, so a figure with numbers is drawn larger, and its numbers as large as their circle allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import rms

ZOOM = 1.8  # of the whole figure
LARGEST, LEAST, IN_BOXES = 8.0, 4.0, 6.4  # sizes of letters before that
LINE = 1.15  # how high a line is, in parts of that
FEW = 4  # so many numbers are told one by one


class Numbers:
    """The values of tensors and their gradients, in three digits.

    Parameters
    ----------
    tensors : iterable of Tensor
    of : Tensor, optional
        What is differentiated; without, there are no gradients.
    name : str
        What that is called.

    Attributes
    ----------
    meaning : str
        A legend.
    """

    def __init__(self, tensors: Iterable[Tensor], of: Tensor | None, name: str = "") -> None:
        self.gradients: dict[int, Array] = {}
        self.meaning = "numbers: the values"
        if of is not None:
            asked = [tensor for tensor in tensors if tensor.requires_grad]
            with np.errstate(all="ignore"):
                found = gradients(of, asked, np.ones_like(of.data))
            self.gradients = {tensor.index: gradient for tensor, gradient in zip(asked, found, strict=True)}
            self.meaning += f", and ∂ the gradient of {name}"

    def lines(self, tensor: Tensor, whole: Sequence[bool] = (True, True)) -> list[str]:
        """The numbers of a tensor and of its gradient; if they are many, or not ``whole``, their root mean square."""
        found = [told(tensor.data, whole[0])]
        if tensor.index in self.gradients:
            found.append(f"∂ {told(self.gradients[tensor.index], whole[1])}")
        return found

    def in_circle(self, name: str, tensor: Tensor, diameter: float) -> tuple[str, str]:
        """What a circle says, and how large."""
        tried = [[name, *self.lines(tensor, whole)] for whole in ((True, True), (True, False), (False, False))]
        lines = next((lines for lines in tried if largest(lines, diameter) >= LEAST), tried[-1])
        return "\n".join(lines), f"{max(largest(lines, diameter), LEAST):.1f}"

    def in_box(self, name: str, tensor: Tensor) -> tuple[str, float]:
        """What a parameter's box says, and how wide it has to be."""
        lines = [name, *self.lines(tensor)]
        return "\n".join(lines), max(map(width, lines)) * IN_BOXES + 10


def largest(lines: Sequence[str], diameter: float) -> float:
    """The size of letters at which lines, one below the other, just fit into a circle."""
    middle = (len(lines) - 1) / 2
    corners = [math.hypot(width(line) / 2, LINE * (abs(k - middle) + 0.4)) for k, line in enumerate(lines)]
    return min(LARGEST, (diameter / 2 - 1) / max(corners))


def width(line: str) -> float:
    """Of a line in letters of size 1, in a font like Arial."""
    return sum(0.28 if letter in " ,.;:" else 0.57 for letter in line)


def told(values: Any, whole: bool = True) -> str:
    """A few numbers, rows parted by a semicolon."""
    values = np.asarray(values)
    if values.size > FEW or not whole:
        return f"rms {number(rms(values))}"
    rows = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(1, -1)
    return "; ".join(", ".join(map(number, row)) for row in rows.tolist())


def number(value: float) -> str:
    """A number in three significant digits."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    digits, _, exponent = f"{value + 0.0:.3g}".partition("e")
    return (digits + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")
