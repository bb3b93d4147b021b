"""Reading the DOT text of a drawing."""

from __future__ import annotations

import re

GREY = "#bbbbbb"


def statements(source):
    """The nodes and edges of a DOT text with their attributes: {"h1": {...}}, {("h1", "y1"): {...}}."""
    nodes, edges = {}, {}
    for line in source.splitlines():
        name = r'("[^"]*"|[\w.]+)'
        if match := re.fullmatch(rf"\s*{name}(?: -> {name})?(?: \[(.*)\])?", line):
            tail, head, attributes = match.groups()
            pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', attributes or "")
            found = {key: value.strip('"') for key, value in pairs}
            if head:
                assert (tail, head) not in edges
                edges[tail.strip('"'), head.strip('"')] = found
            elif tail not in ("graph", "node", "edge"):
                assert tail not in nodes
                nodes[tail.strip('"')] = found
    return nodes, edges


def place_of(node):
    x, y = node["pos"].split(",")
    return float(x), float(y)


def steps_shown(source, role="h"):
    return [int(t) for t in re.findall(rf"^\s*{role}(\d+) \[", source, re.MULTILINE) if t != "0"]


def zero(attributes):
    return "dashed" in attributes.get("style", "") and attributes["color"] == GREY
