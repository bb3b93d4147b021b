"""What a figure shows."""

from __future__ import annotations

import numpy as np


def curve(ax, label):
    (line,) = (line for line in ax.lines if line.get_label() == label)
    return line


def assert_shows(line, x, y):
    np.testing.assert_array_equal(line.get_xdata(), x)
    np.testing.assert_array_equal(line.get_ydata(), y)
