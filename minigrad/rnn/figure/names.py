"""How things are called in both halves of the textbook figure, and how large a name makes them.

Equal names are told apart: two layers that both have a W show W⁽¹⁾ and W⁽²⁾, and tooltips have the whole names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count

from minigrad.engine.tensor import Tensor
from minigrad.pictures.style import clean, greek, pretty, subscript
from minigrad.rnn.figure.wiring import Place, Wiring

CIRCLE, COST = 37.4, 30.0  # diameters, in points
TARGET = 50.0, 24.0  # the size of the box of a target that is fed back
LECTURE = {"y": "ỹ", "target": "y"}  # where both are drawn
IN_CIRCLES, IN_BOXES = 6, 20  # so many letters


class Names:
    """How the roles and parameters of a run are written.

    Parameters
    ----------
    wiring : Wiring
    given : dict of str to str
        What is to be written in the place of which name.

    Attributes
    ----------
    roles, parameters : dict of str to str
        By the names that the run and the model know them by.

    Raises
    ------
    ValueError
        If a name is given to what the figure has not.
    """

    def __init__(self, wiring: Wiring, given: Mapping[str, str] | None = None) -> None:
        used = {name for name, _ in wiring.uses}
        roles = dict.fromkeys(role for role, _ in wiring.tensors)
        parameters = {name: tensor for name, tensor in wiring.parameters.items() if name in used}
        known = {"C": None, **roles, **parameters}
        given = {name: called for name, called in wiring.called.items() if name in known} | dict(given or {})
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"names has {unknown}, but the figure shows {', '.join(known)}")
        self.forced = wiring.forced  # then y_0 is what the first step hears in the place of a target
        lecture = LECTURE if "target" in roles else {}
        self.roles = told_apart(
            {role: greek(clean(given.get(role, lecture.get(role, role)))) for role in roles}, IN_CIRCLES
        )
        wanted = qualified(parameters) | {name: pretty(clean(given[name])) for name in given if name in parameters}
        self.parameters = told_apart(wanted, IN_BOXES)
        self.cost = greek(clean(given.get("C", "C")))

    def place(self, place: Place) -> str:
        """What stands in a circle."""
        role, t = place
        return self.roles["target" if self.forced and place == ("y", 0) else role] + subscript(t)


def qualified(parameters: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of parameters, those given to the tensors first; of equal ones as much of their paths as is needed.

    A number in a path becomes an index: ``layers.0.W`` and ``layers.1.W`` are W⁽¹⁾ and W⁽²⁾.
    """
    own = {path: pretty(clean(tensor.name or path.rpartition(".")[2])) for path, tensor in parameters.items()}
    found, most = dict(own), max((path.count(".") for path in own), default=0)
    for n in range(1, most + 1):
        several = Counter(found.values())
        if len(several) == len(found):
            break
        found |= {path: _with_path(own[path], path, n) for path in own if several[found[path]] > 1}
    several = Counter(found.values())
    return {path: name if several[name] == 1 else clean(path) for path, name in found.items()}


def _with_path(name: str, path: str, n: int) -> str:
    """A name with the last ``n`` parts of the path that leads to it."""
    parts = path.split(".")[:-1][-n:]
    indices = [f"⁽{int(part) + 1}⁾" for part in parts if _is_index(part)]
    words = [clean(part) for part in parts if not _is_index(part)]
    return ".".join([*words, name]) + "".join(indices).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit()


def told_apart(names: Mapping[str, str], most: int) -> dict[str, str]:
    """Names of at most so many letters, every one another."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key, name in names.items():
        found[key] = next(each for each in _shorter(name, most) if each not in taken)
        taken.add(found[key])
    return found


def _shorter(name: str, most: int) -> Iterator[str]:
    """A name, or what is left of it when it is too long, and others if that is taken."""
    yield short(name, most)
    if len(name) > most:
        tail = most // 2 - 1
        yield f"{name[: most - tail - 1]}…{name[-tail:]}"
    yield from (f"{name[: most - len(str(n)) - 1]}…{n}" for n in count(2))


def safe(name: str) -> str:
    """A name as part of a DOT name: what is not a letter, a digit, "_" or "." becomes its code point."""
    return "".join(c if c.isalnum() or c in "_." else f"-{ord(c):x}-" for c in name)


def circle(place: Place) -> str:
    """The DOT name, and the id in the SVG, of a circle: ``h3``, or ``h1_3`` for the role h1."""
    role, t = place
    return f"{safe(role)}{'_' * (role[-1:] in '0123456789')}{t}"


def escaped(name: str) -> str:
    """A name in a label of DOT, which reads entities."""
    return name.replace("&", "&amp;")


def short(name: str, most: int) -> str:
    """A name that goes into a small place; tooltips have the whole."""
    return name if len(name) <= most else name[: most - 1] + "…"


def box_width(written: str) -> float:
    """Of a parameter's box."""
    return max(30.0, 7.5 * len(written) + 12)
