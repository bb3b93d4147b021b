"""The docstrings of the public names say what their reader cannot do without: shapes, errors, an example.

Where they belong, by a rule:

- *a shape*, where a parameter is an array, by its annotation or by what the docstring says of it: a tuple such as
  ``(T, n)``, or the word;
- *an error*, by its name below ``Raises``, where the code raises it itself: a function, a method, a class that is made;
- *an example* that runs, of every function: in its docstring, or in that of its module, which shows several at once.

Doctest runs the examples, with all modules of the package.
"""

from __future__ import annotations

import ast
import builtins
import enum
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from tests.public import modules, public

SHAPE = re.compile(r"(?<!\w)\((?:[^()\s,]+( [+*] [^()\s,]+)?,[^()]*)?\)|\bshapes?\b|\bscalars?\b")
ARRAY = re.compile(r"\b(?:Array|ArrayLike|NDArray|ndarray|array_like)\b|\barrays?\b")


def unique() -> dict[str, Any]:
    """The public classes and functions of the package, each by the first of its names."""
    found: dict[int, tuple[str, Any]] = {}
    for name, value in public():
        if getattr(value, "__module__", "").startswith("minigrad"):
            found.setdefault(id(value), (name, value))
    return dict(found.values())


NAMES = unique()


def doc(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "")


def section(text: str, title: str) -> str:
    """A section of a numpydoc docstring; empty if there is none."""
    found = re.search(rf"(?ms)^{title}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text)
    return found[1] if found else ""


def exempt(value: Any) -> bool:
    """Exceptions are raised and enumerations are chosen from: both are told where that happens."""
    return inspect.isclass(value) and issubclass(value, (BaseException, enum.Enum))


def takes_arrays(value: Any) -> bool:
    try:
        annotations = [str(parameter.annotation) for parameter in inspect.signature(value).parameters.values()]
    except ValueError:
        return False
    types = re.findall(r"(?m)^[\w*, ]+ : (.*)$", section(doc(value), "Parameters"))
    return any(ARRAY.search(each) for each in [*annotations, *types])


def raised(value: Any) -> set[str]:
    """The exceptions that the code of a function raises, or of a class when it is made; not those of what it calls."""
    made = (
        [vars(value).get(name) for name in ("__init__", "__new__", "__post_init__")]
        if inspect.isclass(value)
        else [value]
    )
    found = set()
    for function in filter(inspect.isfunction, map(inspect.unwrap, filter(None, made))):
        if function.__code__.co_filename == "<string>":
            continue  # which a dataclass has made
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc):
            name = ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            kind = function.__globals__.get(name, getattr(builtins, name, None))
            if inspect.isclass(kind) and issubclass(kind, Exception):
                found.add(name)
    return found - {"NotImplementedError"}


def methods(value: Any) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class has of its own."""
    for name, each in vars(value).items() if inspect.isclass(value) else ():
        function = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
        if inspect.isfunction(function) and not name.startswith("_"):
            yield name, function


def without_a_shape(value: Any) -> bool:
    return takes_arrays(value) and not SHAPE.search(doc(value))


def not_named(value: Any) -> set[str]:
    return {name for name in raised(value) if not re.search(rf"\b{name}\b", section(doc(value), "Raises"))}


def places(name: str, value: Any) -> Iterator[str]:
    """The docstrings in which a function may be tried out."""
    yield doc(value)
    yield doc(sys.modules[value.__module__])
    yield doc(dict(modules())[name.rpartition(".")[0]])


def without_an_example(name: str, value: Any) -> bool:
    called = re.compile(rf"^(?:>>>|\.\.\.) .*\b{re.escape(value.__name__)}\b", re.MULTILINE)
    return not any(called.search(text) for text in places(name, value))


def test_every_public_name_has_a_docstring() -> None:
    assert [name for name, value in NAMES.items() if not doc(value)] == []
    assert len(NAMES) > 200


def test_where_arrays_go_in_a_shape_is_told() -> None:
    assert [name for name, value in NAMES.items() if not exempt(value) and without_a_shape(value)] == []


def test_what_is_raised_is_told() -> None:
    told = {name: value for name, value in NAMES.items() if not exempt(value)}
    told |= {f"{name}.{method}": value for name, kind in told.items() for method, value in methods(kind)}
    assert {name: wrong for name, value in told.items() if (wrong := not_named(value))} == {}


def test_every_function_is_tried_out() -> None:
    functions = {name: value for name, value in NAMES.items() if not inspect.isclass(value)}
    assert [name for name, value in functions.items() if without_an_example(name, value)] == []
    assert len(functions) > 100


# -- what is missing is noticed ---------------------------------------------------------------------------------------


def silent(x: Array) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Something about f(x), g(x, x) and ValueError, and silent is its name."""
    if x:
        raise ValueError(f"{x} is wrong")


def told(x: Any) -> None:
    """Something.

    Parameters
    ----------
    x : array_like (n, n)

    Raises
    ------
    ValueError
        If it is wrong.

    Examples
    --------
    >>> with_nothing = told
    """
    raise ValueError("it is wrong")


class Made:
    """Something that ValueError is thought of."""

    def __init__(self, x: list[ndarray]) -> None:  # type: ignore[name-defined]  # noqa: F821
        raise ValueError("it is wrong")

    @property
    def never(self) -> None:
        """Never."""
        raise TypeError("never")


def test_what_is_missing_is_noticed() -> None:
    assert [without_a_shape(value) for value in (silent, Made, told)] == [True, True, False]
    assert [not_named(value) for value in (silent, Made, told)] == [{"ValueError"}, {"ValueError"}, set()]
    assert [not_named(value) for _, value in methods(Made)] == [{"TypeError"}]
    assert [without_an_example("minigrad.f", value) for value in (silent, told)] == [True, False]
