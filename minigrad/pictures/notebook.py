"""What a notebook shows of a tensor or a model when it is the last thing in a cell.

Of a small recorded graph, its picture below the values; of a large one, in words, what it is and how to draw it: a
notebook that freezes because somebody looked at a loss would be worse than none. Showing something never fails: where
there is no Graphviz, or it takes too long, the words remain.

IPython asks an object for its ``_repr_mimebundle_``. Tensors and modules come long before drawings in the story and
know nothing of them: `minigrad` itself gives them one, which imports this file when a notebook asks (`lazy.shown_by`).
"""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.graph import rms
from minigrad.module import Module
from minigrad.pictures.dot import Digraph
from minigrad.pictures.embedded import WIDE
from minigrad.pictures.operations import draw

SMALL = 50
"""A graph of at most so many tensors is drawn without being asked."""
PATIENCE = 2.0
"""Seconds after which a drawing is given up; usually it takes a tenth of one."""


def shown(text: str, picture: Callable[[], Digraph] | None, words: str = "") -> dict[str, Any]:
    """An object's ``repr``, and below it a picture, or else words, as a notebook's MIME bundle.

    Parameters
    ----------
    text : str
        What the object prints as.
    picture : callable or None
        Makes the drawing; None if it is not to be tried. Whatever it raises, ``words`` are shown instead. Whatever it
        warns of is not shown: nobody has asked for a drawing.
    words : str
        HTML.
    """
    bundle: dict[str, Any] = {"text/html": words}
    if picture is not None:
        # No Graphviz, a slow one, a graph gone stale: reason enough for words, none for an error.
        with warnings.catch_warnings(action="ignore"), suppress(Exception):
            bundle = picture().bundle(("text/html", "image/svg+xml"), timeout=PATIENCE)
    return bundle | {"text/html": f'<pre style="{WIDE}">{html.escape(text)}</pre>\n{bundle["text/html"]}'}


def of_tensor(tensor: Tensor) -> dict[str, Any]:
    """A tensor's values, and the graph it was made by: nothing more for a leaf."""
    if tensor.fn is None:
        return {}
    found = _count(tensor, SMALL)
    colored = tensor.size == 1
    many = f"more than {SMALL}" if found > SMALL else str(found)
    scope = f" in scope {html.escape('/'.join(tensor.scope))}" if tensor.scope else ""
    option = "" if colored else ', color="value"'
    words = (
        f"<p>Made by <code>{html.escape(name_of(tensor.fn))}</code>{scope}; its graph has {many} tensors."
        f" <code>minigrad.draw(t{option})</code> draws them.</p>"
    )
    picture = None if found > SMALL else lambda: draw(tensor, color="gradient" if colored else "value")
    return shown(repr(tensor), picture, words)


def of_module(module: Module) -> dict[str, Any]:
    """A model's parameters as a table, with the sizes of their values and gradients."""
    rows, total = [], 0
    for name, parameter in module.parameters().items():
        total += parameter.size
        gradient = "none" if parameter.grad is None else f"{rms(parameter.grad):.3g}"
        cells = (name, str(parameter.shape), str(parameter.dtype), f"{rms(parameter.data):.3g}", gradient)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{title}</th>" for title in ("parameter", "shape", "dtype", "RMS value", "RMS gradient"))
    words = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    return shown(repr(module), None, f"{words}\n<p>{total:,} numbers in {len(rows)} parameters</p>")


def _count(tensor: Tensor, limit: int) -> int:
    """How many tensors went into ``tensor``, itself included; ``limit + 1`` for any larger number."""
    seen = {tensor.index}
    open_ = [tensor]
    while open_ and len(seen) <= limit:
        for argument in open_.pop().args:
            if isinstance(argument, Tensor) and argument.index not in seen and len(seen) <= limit:
                seen.add(argument.index)
                open_.append(argument)
    return len(seen)
