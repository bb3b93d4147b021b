"""A picture as part of a page, as in notebooks: it fits the page, tells what is pointed at, and can be read aloud."""

from __future__ import annotations

import html
from typing import Any
from xml.dom import minidom

WIDE = "overflow-x: auto; max-width: 100%"
"""The style of what may be wider than a page and must not be shrunk."""
FITTING = "max-width: 100%; height: auto; break-inside: avoid"
"""The style of what is shrunk to the width of the page, and goes on the next one rather than being cut."""
PRINTED = "@media print { svg.minigrad { max-height: 95vh } }"
"""So that what is higher than a page of paper is not cut either."""


def embedded(svg: str, title: str, alt: str) -> str:
    """Graphviz's SVG as HTML.

    Parameters
    ----------
    svg : str
    title : str
        What the whole is called.
    alt : str
        What is to be seen, in words, for those who do not see it.

    Returns
    -------
    str
        A ``div``. Tooltips are titles, which browsers of all kinds show; Graphviz writes them as links that lead
        nowhere, and as titles the names of nodes, which say nothing.
    """
    document: Any = minidom.parseString(svg.encode("utf-8"))
    root = document.documentElement
    for told in list(root.getElementsByTagName("title")):
        told.parentNode.removeChild(told)
    for link in list(root.getElementsByTagName("a")):  # <g class="node"><g><a xlink:title="..."> ... </a></g></g>
        around, part = link.parentNode, link.parentNode.parentNode
        for child in list(link.childNodes):
            part.insertBefore(child, around)
        part.removeChild(around)
        _entitle(document, part, link.getAttribute("xlink:title"))
    style = document.createElement("style")
    style.appendChild(document.createTextNode(PRINTED))
    root.insertBefore(style, root.firstChild)
    _entitle(document, root, title)
    for name, value in (("class", "minigrad"), ("role", "img"), ("aria-label", alt), ("style", FITTING)):
        root.setAttribute(name, value)
    return f'<div style="max-width: 100%">{root.toxml()}</div>'


def sentence(error: Exception) -> str:
    """Why there is no picture, as HTML."""
    return f"<p>{html.escape(str(error))}</p>"


def _entitle(document: Any, element: Any, text: str) -> None:
    title = document.createElement("title")
    title.appendChild(document.createTextNode(text))
    element.insertBefore(title, element.firstChild)
