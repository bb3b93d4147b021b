"""What is told at a glance is what a closer look would find, whatever has been changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from types import CellType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compiler import again, compiled
from minigrad.compiler.arguments import look

LIST, WEIGHTS = [1.0, np.ones(2)], np.ones(2)
UNKNOWN = np.random.default_rng(0)
POWER, SHARE, activation, Number, place = 1.0, 1.0, mg.functions.relu, float, ModuleType("place")
minimum: Any = None
place.factor = 2.0  # type: ignore[attr-defined]


def scale() -> float:
    return 2.0


@wraps(np.sum)
def wrapped(x: Any) -> Any:
    return np.sum(x) * SHARE


class Line(mg.Module):
    rate, shared = 1.5, np.ones(2)

    def __init__(self) -> None:
        self.w, self.kind, self.parts = mg.Tensor(np.ones(2), requires_grad=True), 1, [np.ones(2), "a"]

    @property
    def scaled(self) -> Any:
        return self.w * self.rate * self.shared * self.hidden(scale())

    @staticmethod
    def hidden(x: Any) -> Any:
        return x * WEIGHTS * LIST[1]

    def __matmul__(self, x: Any) -> Any:
        return self.w @ x * POWER

    def save_somewhere(self) -> None:
        """Of what it uses, nothing is known; it is not called."""
        print(UNKNOWN)


def made() -> SimpleNamespace:
    """A function with all that it may use, and its arguments."""
    factor, inner, model = 3.0, Line(), Line()
    inner.w = model.w  # known by two names

    def f(model: Any, x: Any, power: int = 2) -> Any:
        both = model.w * x**power + inner.w * WEIGHTS * LIST[0] * LIST[1]
        both = both * factor * scale() * inner.parts[0] * model.kind * model.scaled
        more = activation(x[0]) * Number(2.5) * place.factor * (model @ np.ones(2)) * wrapped(x)
        return np.sum(both) + (more if minimum is None else minimum(more))

    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    return SimpleNamespace(f=f, cells=cells, inner=inner, model=model, x=np.ones(2), space=f.__globals__)


def set_(name: str, attribute: str, value: Callable[[], Any]) -> Callable[[Any], None]:
    return lambda here: setattr(getattr(here, name), attribute, value())


def cell(name: str, value: Callable[[], Any]) -> Callable[[Any], None]:
    return lambda here: setattr(here.cells[name], "cell_contents", value())


def global_(name: str, value: Callable[[], Any]) -> Callable[[Any], None]:
    return lambda here: here.space.update({name: value()})


def other_place() -> ModuleType:
    place = ModuleType("other")
    place.factor = 3.0  # type: ignore[attr-defined]
    return place


CHANGES: dict[str, Callable[[Any], None]] = {
    "other input": lambda here: setattr(here, "x", np.full(2, 3.0)),
    "input of another dtype": lambda here: setattr(here, "x", np.ones(2, np.float32)),
    "input of another shape": lambda here: setattr(here, "x", np.ones((3, 2))),
    "other model": lambda here: setattr(here, "model", Line()),
    "parameter's data": set_("model", "w", lambda: mg.Tensor(np.ones(2), requires_grad=True)),
    "parameter without gradient": lambda here: setattr(here.model.w, "requires_grad", False),
    "parameter's new values": lambda here: setattr(here.model.w, "data", np.full(2, 5.0)),
    "parameter that is reshaped where it is": lambda here: setattr(here.model.w.data, "shape", (2, 1)),
    "parameter of one more name": lambda here: setattr(here.model, "v", here.model.w),
    "module's number": set_("model", "kind", lambda: 4),
    "module's new attribute": set_("model", "other", lambda: 4),
    "number in a hidden module's list": lambda here: here.inner.parts.__setitem__(1, "b"),
    "array in a hidden module's list": lambda here: here.inner.parts.__setitem__(0, np.full(2, 7.0)),
    "array that is reshaped where it is": lambda here: setattr(here.inner.parts[0], "shape", (2, 1)),
    "number of the class": lambda here: setattr(Line, "rate", 2.5),
    "array of the class": lambda here: setattr(Line, "shared", np.full(2, 5.0)),
    "array of the class that is reshaped": lambda here: setattr(Line.shared, "shape", (2, 1)),
    "method": lambda here: setattr(Line, "hidden", staticmethod(lambda x: x * 3.0)),
    "property": lambda here: setattr(Line, "scaled", property(lambda self: self.w * 3.0)),
    "numbers in a global array": lambda here: WEIGHTS.fill(7.0),
    "cell": cell("factor", lambda: 4.0),
    "cell with an array": cell("factor", lambda: np.ones(2)),
    "cell with another module": cell("inner", Line),
    "code": lambda here: setattr(here.f, "__code__", here.f.__code__.replace(co_name="g")),
    "defaults": lambda here: setattr(here.f, "__defaults__", (3,)),
    "global array": global_("WEIGHTS", lambda: np.full(2, 3.0)),
    "global array of another shape": global_("WEIGHTS", lambda: np.ones((3, 1))),
    "global list's number": lambda here: LIST.__setitem__(0, 3.0),
    "global function": global_("scale", lambda: lambda: 5.0),
    "global function of this package": global_("activation", lambda: mg.functions.logistic),
    "global function where there was none": global_("minimum", lambda: mg.functions.logistic),
    "global class": global_("Number", lambda: int),
    "global module": global_("place", other_place),
    "number that an operator uses": global_("POWER", lambda: 3.0),
    "number that a function by another's name uses": global_("SHARE", lambda: 3.0),
    "global partial": global_("scale", lambda: partial(float, 5.0)),
}


GLOBAL = "WEIGHTS", "scale", "POWER", "SHARE", "activation", "minimum", "Number", "place"


def looked(here: Any) -> tuple[Any, list[Any]]:
    key: list[Any] = []
    found: list[Any] = []
    look((here.f, (here.model, here.x), {}), key, found, {})
    return tuple(key), found


def outcome(f: Any, args: Any) -> Any:
    """A number; NaN where shapes do not fit."""
    try:
        return np.asarray(getattr(found := f(*args), "data", found))
    except ValueError:
        return np.nan


def alike(found: list[Any], other: list[Any]) -> bool:
    return len(found) == len(other) and all(a is b for a, b in zip(found, other, strict=True))


@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3))
def test_a_glance_sees_what_a_look_would_find(changes: list[str]) -> None:
    here, before = made(), {name: globals()[name] for name in GLOBAL}
    of_class = {name: vars(Line)[name] for name in ("rate", "hidden", "scaled")}
    LIST[:] = [1.0, np.ones(2)]
    try:
        first = again.outline((here.model, here.x), {})
        sight, (key, found) = again.sighted(here.f, (here.model, here.x), None), looked(here)
        again_found = sight.filled((here.model, here.x))
        assert again_found is not None and alike(again_found, found)
        for change in changes:
            CHANGES[change](here)
        args = here.model, here.x
        seen = sight.filled(args) if again.outline(args, {}) == first else None
        now, found = looked(here)
        if seen is not None:
            assert now == key
            assert alike(seen, found)
        if {*changes} <= {"other input", "parameter's new values", "numbers in a global array"}:
            assert seen is not None
    finally:
        globals().update(before | {"WEIGHTS": np.ones(2)})
        for name, value in (of_class | {"shared": np.ones(2)}).items():
            setattr(Line, name, value)


@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3))
def test_programs_are_not_stale_after_changes(changes: list[str]) -> None:
    here, before = made(), {name: globals()[name] for name in GLOBAL}
    of_class = {name: vars(Line)[name] for name in ("rate", "hidden", "scaled")}
    LIST[:] = [1.0, np.ones(2)]
    try:
        step = mg.compile(here.f)
        for change in [None, *changes, None]:
            if change:
                CHANGES[change](here)
            args, rtol = (here.model, here.x), 1e-12 if here.x.dtype == np.float64 else 1e-6
            for _ in range(2):
                np.testing.assert_allclose(outcome(step, args), outcome(here.f, args), rtol=rtol)
    finally:
        globals().update(before | {"WEIGHTS": np.ones(2)})
        for name, value in (of_class | {"shared": np.ones(2)}).items():
            setattr(Line, name, value)


def test_cells_that_are_empty_are_seen() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * factor)

    factor = 2.0
    full, empty = f.__closure__, (CellType(),)
    assert full is not None
    assert again.glance(f)[3] == factor
    other = type(f)(f.__code__, f.__globals__, closure=empty)
    assert again.glance(other)[3] is again.EMPTY


def test_calls_with_more_than_arrays_and_modules_are_looked_at() -> None:
    x, model = np.ones(2), Line()
    assert again.outline((model, x), {}) == (id(model), (x.shape, x.dtype))
    for args, kwargs in (((x, 2.0), {}), (([x],), {}), ((mg.Tensor(x),), {}), ((x,), {"y": x})):
        assert again.outline(args, kwargs) is None


def test_few_calls_are_remembered_and_recording_is_one_kind() -> None:
    step = mg.compile(lambda model, x: np.sum(model.w * x))
    models = [Line() for _ in range(2 * compiled.SIGHTS)]
    for model in models:
        for _ in range(2):
            step(model, np.ones(2))
    assert len(step.sights) == compiled.SIGHTS
    assert [first[0][0] for first in step.sights] == [id(model) for model in models[-compiled.SIGHTS :]]
    assert step.report().programs == 1
    with mg.no_grad():
        step(models[-1], np.ones(2))
    assert step.report().programs == 2


def test_a_transform_around_it_is_not_seen_as_an_ordinary_call() -> None:
    model, x = Line(), np.ones(2)
    step = mg.compile(lambda model, x: np.sum(model.w * x * x))
    for _ in range(3):
        step(model, x)
    np.testing.assert_array_equal(mg.grad(step, argnums=1)(model, x).data, 2 * np.ones(2))
    np.testing.assert_array_equal(mg.grad(step)(model, x)["w"], x * x)
