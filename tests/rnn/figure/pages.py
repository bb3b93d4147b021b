"""Reading the page of an animation."""

from __future__ import annotations

import json
import re
from xml.dom import minidom

import numpy as np


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def film_of(page):
    (text,) = re.findall(r'<script type="application/json" data-part="film">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def svg_of(page):
    (text,) = re.findall(r'<div class="figure".*?>\s*(<svg.*?</svg>)', page, re.DOTALL)
    return minidom.parseString(text)


def drawn(page, kind):
    """The ids of nodes or edges in the figure."""
    return [g.getAttribute("id") for g in svg_of(page).getElementsByTagName("g") if g.getAttribute("class") == kind]


def sizes_of(film, value="all"):
    (choice,) = (choice for choice in film["choices"] if choice["value"] == value)
    return dict(zip(film["ids"], choice["sizes"], strict=True)), choice


def frames_of(film, direction):
    return [frame for frame in film["frames"] if frame["pass"] == direction]
