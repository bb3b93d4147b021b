"""Curves, spectra and surfaces: matplotlib figures as functions of data.

Each draws on the axes that it is given, or on new ones, and returns them: titles, legends and whatever else is to stand
there are up to the caller. Nothing is computed here that has not its place elsewhere (`oscillator`, `spectral`, `flow`,
`training`). Only this folder imports matplotlib, and nothing else in `minigrad.rnn` imports it.

- `matrices`: `plot_spectrum`, with pseudospectra, and `plot_transient`, with Kreiss's bounds.
- `gradients`: `plot_gradient_flow`, `plot_contributions`, `plot_lyapunov`.
- `cliffs`: `plot_cliff`, the error surface with descents on it.
- `trainings`: `plot_training`, `plot_trajectory`, `plot_sweep`.
- `style`: colours, `saved_as`, and the sizes for a column and a slide.
"""

from minigrad.rnn.plots.cliffs import plot_cliff
from minigrad.rnn.plots.gradients import plot_contributions, plot_gradient_flow, plot_lyapunov
from minigrad.rnn.plots.matrices import plot_spectrum, plot_transient
from minigrad.rnn.plots.style import BLUE, GREEN, GREY, ORANGE, SIZES, STYLE, legend_beside, saved_as
from minigrad.rnn.plots.trainings import plot_sweep, plot_training, plot_trajectory, wilson

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "SIZES",
    "STYLE",
    "legend_beside",
    "plot_cliff",
    "plot_contributions",
    "plot_gradient_flow",
    "plot_lyapunov",
    "plot_spectrum",
    "plot_sweep",
    "plot_training",
    "plot_trajectory",
    "plot_transient",
    "saved_as",
    "wilson",
]  # fmt: skip
