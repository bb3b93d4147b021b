"""The page that plays a film: one HTML file that asks for nothing from anywhere.

It works from a stick, offline, and in a notebook. The page's frame, style and behaviour stand beside this file as
``page.html``, ``.css`` and ``.js``; what it shows is a figure, as SVG, and what happens there, as JSON.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from xml.dom import minidom

from minigrad.files import writing

HEIGHT = 840  # of the frame in a notebook, in pixels


@dataclass(frozen=True, repr=False)
class Animation:
    """A page that plays a run; it shows itself in a notebook.

    Attributes
    ----------
    title : str
    html : str
        The whole page.
    """

    title: str
    html: str

    def __repr__(self) -> str:
        return f'<Animation "{self.title}", {len(self.html) / 1000:.0f} kB of HTML: .save("bptt.html") writes it>'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to ``path``, which ends in ``.html`` or ``.htm``, whole or not at all.

        Raises
        ------
        ValueError
            For another suffix.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"{str(path)!r} has the suffix {path.suffix!r}, but an animation is a page: use .html")
        with writing(path) as file:
            file.write(self.html)
        return path

    render = save  # as pictures are written

    def _repr_html_(self) -> str:
        """The page in a frame of its own: neither its style nor its script can meet the notebook's."""
        page = html.escape(self.html, quote=True)
        return (
            f'<iframe title="{html.escape(self.title, quote=True)}" srcdoc="{page}" sandbox="allow-scripts"'
            f' style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )


def page(title: str, subtitle: str, figure: str, film: dict[str, Any]) -> Animation:
    """Put the page together. Every part is escaped for where it stands; the only script that may run is the page's."""
    frame, style, script = (_beside(f"page.{suffix}") for suffix in ("html", "css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "title": html.escape(title),
        "subtitle": html.escape(subtitle),
        "svg": figure,
        "film": json.dumps(film, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
    }
    return Animation(title, re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], frame))


def furnished(svg: bytes, stops: Mapping[str, str], title: str, description: str) -> str:
    """Graphviz's SVG as a figure that can be read aloud, and walked through with the keyboard.

    ``stops`` are the ids at which one stops, in that order, and how they are called.
    """
    document: Any = minidom.parseString(svg)
    root = document.documentElement
    for link in list(root.getElementsByTagName("a")):  # <g><a xlink:title="..."> is Graphviz's way to show a tooltip
        wrapper = link.parentNode
        for child in list(link.childNodes):
            wrapper.parentNode.insertBefore(child, wrapper)
        wrapper.parentNode.removeChild(wrapper)
    for told in list(root.getElementsByTagName("title")):
        told.parentNode.removeChild(told)
    graph = root.getElementsByTagName("g")[0]
    graph.insertBefore(document.createElement("title"), graph.firstChild)  # empty: no tooltip over the whole figure
    for name, text in (("desc", description), ("title", title)):
        element = document.createElement(name)
        element.appendChild(document.createTextNode(text))
        root.insertBefore(element, root.firstChild)
    root.setAttribute("role", "group")
    nodes = {g.getAttribute("id"): g for g in graph.getElementsByTagName("g") if g.getAttribute("class") == "node"}
    for id, label in stops.items():
        g = nodes[id]
        g.setAttribute("tabindex", "0")
        g.setAttribute("role", "img")
        g.setAttribute("aria-label", label)
        graph.appendChild(g)  # moves it: what comes later in the document is reached later
    return str(root.toxml())


def _beside(name: str) -> str:
    return resources.files("minigrad.rnn.figure").joinpath(name).read_text(encoding="utf-8")
