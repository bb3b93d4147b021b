"""How time and memory grow with T, n and B, as a cell of a page: it holds the numbers, and draws them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.benchmarks.bptt.growth import BASE, GROWING

CELL = """```{{code-cell}} ipython3
:tags: [hide-input]

import matplotlib.pyplot as plt

from minigrad.rnn import plots

values = {{
{values}}}
milliseconds = {{
{times}}}
mebibytes = {{
{memory}}}
colours = {{
    "NumPy": plots.GREY, "eager unroll": plots.ORANGE, "compiled unroll": plots.BLUE,
    "torch.nn": plots.GREEN, "lax.scan": "#805ad5",
}}
plt.style.use(plots.STYLE)
figure, axes = plt.subplots(
    2, 3, figsize=(10, 5.6), sharex="col", sharey="row", layout="constrained"
)
for (axis, at), column in zip(values.items(), axes.T, strict=True):
    for ax, found in zip(column, (milliseconds, mebibytes), strict=True):
        for name, lines in found.items():
            ax.plot(at, lines[axis], "o-", ms=4, color=colours[name], label=name)
        ax.set(xscale="log", yscale="log")
        ax.set_xticks(at[::2], [f"{{x:,}}" for x in at[::2]])
        ax.set_xticks([], minor=True)
        ax.yaxis.set_major_formatter("{{x:g}}")
fixed = {fixed}
names = "T, steps", "n, hidden units", "B, sequences"
for (above, below), title, name in zip(axes.T, fixed, names, strict=True):
    above.set_title(title, fontsize=10)
    below.set_xlabel(name)
labels = axes[0, 0].get_legend_handles_labels()
figure.legend(*labels, loc="outside lower center", ncols=5)
axes[0, 0].set_ylabel("forward and back, ms")
axes[1, 0].set_ylabel("memory, MiB");
```"""


def cell(found: dict[str, Any]) -> str:
    """Times above, memory below; a column for what grows, the other two being `BASE`."""
    fixed = tuple(", ".join(f"{k} = {v}" for k, v in BASE.items() if k not in (axis, "n_in")) for axis in found)
    return CELL.format(
        values="".join(f'    "{axis}": {[p["value"] for p in points]},\n' for axis, points in found.items()),
        times=numbers(found, lambda p, name: 1e3 * p["times"][name]["seconds"] if name in p["times"] else None),
        memory=numbers(found, lambda p, name: p["bytes"][name] / 2**20 if name in p["bytes"] else None),
        fixed=", ".join(f'"{each}"' for each in fixed),
    )


def numbers(found: dict[str, Any], of: Callable[[Any, str], float | None]) -> str:
    """For every contender that has any, its numbers along every axis, to three digits."""
    text = ""
    for name in GROWING:
        lines = {axis: [of(point, name) for point in points] for axis, points in found.items()}
        if any(each is not None for line in lines.values() for each in line):
            short = {axis: ", ".join("None" if x is None else f"{x:.3g}" for x in line) for axis, line in lines.items()}
            text += f'    "{name}": {{\n' + "".join(f'        "{k}": [{v}],\n' for k, v in short.items()) + "    },\n"
    return text
