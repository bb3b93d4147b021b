"""How time and memory grow with T, n and B, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minigrad.rnn import plots
from tests.benchmarks.bptt.growth import BASE

LOOKS = {
    "NumPy": ("NumPy by hand", plots.GREY, "o"),
    "eager unroll": ("minigrad, eager", plots.ORANGE, "s"),
    "compiled unroll": ("minigrad, compiled", plots.BLUE, "o"),
    "torch.nn": ("torch.nn.RNN", plots.GREEN, "^"),
    "lax.scan": ("JAX, lax.scan", "#805ad5", "v"),
}
NAMES = {"T": "T, steps", "n": "n, hidden units", "B": "B, sequences"}


def drawn(found: dict[str, Any], path: Path) -> None:
    """Times above, memory below; a column for what grows, the other two being `BASE`."""
    axes: Any
    with plots.saved_as(path, 2, len(found), size=(10, 5.6), sharex="col", sharey="row") as axes:
        for (axis, points), (above, below) in zip(found.items(), axes.T, strict=True):
            for name, (label, color, marker) in LOOKS.items():
                look = {"label": label, "color": color, "marker": marker, "markersize": 4, "linewidth": 1.5}
                here = [p for p in points if name in p["times"]]
                if here:
                    above.plot([p["value"] for p in here], [p["times"][name]["seconds"] * 1e3 for p in here], **look)
                here = [p for p in points if name in p["bytes"]]
                if here:
                    below.plot([p["value"] for p in here], [p["bytes"][name] / 2**20 for p in here], **look)
            for ax in (above, below):
                ax.set(xscale="log", yscale="log")
            fixed = ", ".join(f"{k} = {v}" for k, v in BASE.items() if k not in (axis, "n_in"))
            above.set_title(fixed, fontsize=10)
            below.set_xlabel(NAMES[axis])
        axes[0, 0].set_ylabel("forward and back, ms")
        axes[1, 0].set_ylabel("memory, MiB")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
