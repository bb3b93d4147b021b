"""What a drawing shows, read out of its DOT text: circles, words, lines as Graphviz will draw them, and what is wrong.

Nothing here knows how the lines were found. They are sampled along their Bézier curves.
"""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise

import numpy as np

SAMPLES = np.linspace(0, 1, 9)
CLEAR = 4.0  # from a line to a circle that it does not lead to
APART = 1.5  # from line to line where they do not cross
ACUTE = np.sin(np.radians(10))
TIPS = 3.0  # from tip to tip at a circle, however many meet there


def attributes_of(text):
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', text)}


def nodes_of(source):
    """Attributes of all nodes, and of the steps' boxes, by name."""
    name = r'("[^"]*"|[^\s"\[]+)'
    found = {
        match[1].strip('"'): attributes_of(match[2])
        for match in re.finditer(rf"^\s*{name} \[(.*pos=.*)\]$", source, re.MULTILINE)
    }
    boxes = re.findall(r"^\s*subgraph (\w+) {\n(?:\s*(?:graph|node|edge) \[.*\]\n|\s*\w+=.*\n)*", source, re.MULTILINE)
    return {name: node for name, node in found.items() if "lp" not in node and name not in boxes}


def curve(pos):
    """The points of an edge, and whether it is a true spline: 3n + 1 points."""
    tip = re.match(r"e,(\S+) ", pos)
    points = np.array([[float(v) for v in pair.split(",")] for pair in pos.split() if not pair.startswith("e,")])
    assert len(points) % 3 == 1 and len(points) >= 4, "Graphviz would draw a straight line instead"
    assert np.all(np.isfinite(points))
    t = SAMPLES[:, None]
    pieces = [
        (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        for a, b, c, d in (points[k : k + 4] for k in range(0, len(points) - 1, 3))
    ]
    line = np.concatenate([pieces[0][:1], *(piece[1:] for piece in pieces)])
    return np.vstack([line, [float(v) for v in tip[1].split(",")]]) if tip else line


def lines_of(source):
    """{id: (tail, head, points)}."""
    found = {}
    for tail, head, text in re.findall(r'^\s*("[^"]*"|\S+) -> ("[^"]*"|\S+) \[(.*)\]$', source, re.MULTILINE):
        edge = attributes_of(text)
        found[edge["id"]] = tail.strip('"'), head.strip('"'), curve(edge["pos"])
    return found


def rectangle(node):
    """Centre and half sizes, in points."""
    centre = np.array([float(v) for v in node["pos"].split(",")])
    half = np.array([float(node["width"]), float(node["height"])]) * 36
    return centre, half + (4 if node.get("shape") == "doublecircle" or node.get("peripheries") == "2" else 0)


def to_segments(points, a, b):
    """From each point to each segment."""
    along = b - a
    part = np.sum((points[:, None] - a) * along, axis=-1) / np.maximum(np.sum(along**2, axis=-1), 1e-12)
    return np.linalg.norm(points[:, None] - a - np.clip(part, 0, 1)[..., None] * along, axis=-1)


def away(node, line):
    """From a circle or box to a line."""
    centre, half = rectangle(node)
    if node.get("shape") in (None, "circle", "doublecircle"):
        return np.min(to_segments(centre[None], line[:-1], line[1:])) - half[0]
    dense = np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(line)])
    return np.min(np.linalg.norm(np.maximum(np.abs(dense - centre) - half, 0), axis=1))


def crossing(p, q):
    """The smallest sine of an angle at which two lines cross, 2 if they do not."""
    a, b, c, d = p[:-1, None], p[1:, None], q[None, :-1], q[None, 1:]
    one, other = b - a, d - c
    area = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = ((c - a)[..., 0] * other[..., 1] - (c - a)[..., 1] * other[..., 0]) / area
        u = ((c - a)[..., 0] * one[..., 1] - (c - a)[..., 1] * one[..., 0]) / area
        sine = np.abs(area) / lengths
    met = (sine > 1e-6) & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    return np.min(sine[met], initial=2.0)


def apart(p, q):
    return min(np.min(to_segments(p, q[:-1], q[1:])), np.min(to_segments(q, p[:-1], p[1:])))


def faults(picture, *, folded=True):
    """What is wrong with a drawing, in words."""
    nodes, lines, parts = nodes_of(picture.source), lines_of(picture.source), picture.parts
    kinds = {name: parts[name].kind if name in parts else "" for name in nodes}
    circles = {name for name, kind in kinds.items() if kind in ("place", "folded")}
    words = {name for name, node in nodes.items() if node.get("shape") == "plaintext" and not name.startswith("cut_")}
    boxes = {name for name, kind in kinds.items() if kind in ("parameter", "tap")}
    parameters = {name for name, kind in kinds.items() if kind == "parameter"}
    if not folded:
        left = min(rectangle(nodes[name])[0][0] - 60 for name in circles if kinds[name] == "place")
        lines = {id: line for id, line in lines.items() if parts[id].kind != "folded"}
        circles, words, boxes = (
            {name for name in names if rectangle(nodes[name])[0][0] > left} for names in (circles, words, boxes)
        )
    return [
        *(f"{a} lies on {b}" for a, b in overlaps(nodes, circles | words | boxes)),
        *(f"{id} touches {name}" for id, name in touches(nodes, lines, circles, CLEAR)),
        *(f"{id} runs through the words {name}" for id, name in touches(nodes, lines, words | boxes - parameters, 0.1)),
        *confusions(lines, circles),
    ]


def overlaps(nodes, names):
    for a, b in combinations(sorted(names), 2):
        (p, half), (q, other) = rectangle(nodes[a]), rectangle(nodes[b])
        if np.all(np.abs(p - q) < half + other - 0.1) and not (a.startswith("legend_") and b.startswith("legend_")):
            yield a, b


def touches(nodes, lines, names, least):
    for id, (tail, head, line) in lines.items():
        low, high = line.min(axis=0), line.max(axis=0)
        for name in names - {tail, head}:
            centre, half = rectangle(nodes[name])
            here = np.all(centre + half + least > low) and np.all(centre - half - least < high)
            if here and away(nodes[name], line) < least:
                yield id, name


def confusions(lines, circles):
    for (one, (*ends, p)), (other, (*others, q)) in combinations(lines.items(), 2):
        if np.any(p.max(axis=0) + 4 < q.min(axis=0)) or np.any(q.max(axis=0) + 4 < p.min(axis=0)):
            continue
        shared = set(ends) & set(others)
        if shared - circles:  # pieces of one bus, of one loop
            continue
        sine = crossing(p, q)
        if sine < ACUTE:
            yield f"{one} crosses {other} at too small an angle"
        elif sine > 1 and apart(p, q) < APART:
            yield f"{one} runs into {other}"
        for name in shared:
            tips = [line[0] if tail == name else line[-1] for (tail, _), line in ((ends, p), (others, q))]
            if np.linalg.norm(tips[0] - tips[1]) < TIPS:
                yield f"{one} and {other} end together"


def outside(picture, least=0.3):
    """What Graphviz draws beyond the edges of the picture, with how far; points."""
    found, graph = [], json.loads(picture.pipe("json"))
    low, high = np.reshape([float(v) for v in graph["bb"].split(",")], (2, 2))
    low, high = low - 1.44, high + 1.44
    if "viewport" in graph:
        *size, scale = (float(v) for v in graph["viewport"].split(","))
        low, high = ((low + high) / 2 + side * np.array(size) / scale / 2 for side in (-1, 1))
    for each in [*graph.get("objects", []), *graph.get("edges", [])]:
        pen, size = float(each.get("penwidth", 1)), 0.0
        for op in (op for key, ops in each.items() if key.endswith("draw_") for op in ops):
            size = op["size"] if op["op"] == "F" else size
            if op["op"] == "T":
                (x, y), half = op["pt"], op["width"] / 2
                points = np.array([[x - half, y - 0.2 * size], [x + half, y + 0.75 * size]])
            elif op["op"] in "Ee":
                x, y, width, height = op["rect"]
                points = np.array(
                    [[x - width - pen / 2, y - height - pen / 2], [x + width + pen / 2, y + height + pen / 2]]
                )
            elif "points" in op:
                points = np.vstack([np.array(op["points"]) - pen / 2, np.array(op["points"]) + pen / 2])
            else:
                continue
            beyond = max(np.max(low - points), np.max(points - high))
            if beyond > least:
                found.append((each.get("name", each.get("id")), op["op"], round(float(beyond), 1)))
    return found
