"""All of `numpy` and `numpy.linalg`: what takes floats is differentiable, or without gradient, or refused with advice.

The namespaces are walked, so a function that a new NumPy brings fails here until somebody has decided what it is.
"""

from __future__ import annotations

import inspect
import re
import warnings

import numpy as np
import pytest

from minigrad.engine import tensor as engine
from minigrad.engine.calls import arranged, face
from minigrad.engine.tables import name_of, primitives, spelled
from minigrad.engine.tensor import Tensor
from tests.rules.cases import CASES, grid
from tests.tables import known

DISPATCHED = type(np.sum)  # of functions that hand over to foreign arrays
NO_FLOATS = {
    *("busday_count", "busday_offset", "is_busday", "datetime_as_string", "isnat", "packbits", "unpackbits"),
    *("ravel_multi_index", "unravel_index", "gcd", "lcm", "invert", "bitwise_and", "bitwise_or", "bitwise_xor"),
    *("bitwise_count", "left_shift", "right_shift"),
}
WITHOUT_PROTOCOL = [
    *(np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite, np.require),
    *(lambda t: np.full(3, t), lambda t: np.full_like(np.ones(3), t), lambda t: np.array([t, t])),
]


def parameters_of(fn):
    """The parameters of a function; of what is written in C, not every release of NumPy tells them."""
    try:
        return {} if isinstance(fn, np.ufunc) else inspect.signature(fn).parameters
    except ValueError:
        return {}


def functions():
    """Those of both namespaces that NumPy lets a tensor answer, each once."""
    found = [getattr(module, name) for module in (np, np.linalg) for name in dir(module) if not name.startswith("_")]
    return list(dict.fromkeys(f for f in found if isinstance(f, (DISPATCHED, np.ufunc))))


def trait(fn):
    entry = primitives.get(fn)
    if entry is None:
        return None
    if entry.count != 0 or entry.rewrite:
        return "differentiable"
    return "without gradient" if entry.plain else "refused" if entry.refused else None


FUNCTIONS = [fn for fn in functions() if name_of(fn) not in NO_FLOATS]
DIFFERENTIABLE = [fn for fn in FUNCTIONS if trait(fn) == "differentiable"]
REFUSED = sorted(known("refused"), key=spelled)


def test_what_is_left_out_takes_no_floats():
    left_out = {fn for fn in functions() if name_of(fn) in NO_FLOATS}
    assert not any(set(kinds.partition("->")[0]) & set("fd") for fn in left_out for kinds in getattr(fn, "types", ()))


def test_every_function_is_decided_upon():
    assert [spelled(fn) for fn in FUNCTIONS if trait(fn) is None] == []
    assert len(FUNCTIONS) > 280


def test_nothing_is_two_things_at_once():
    for fn, entry in primitives.items():
        kinds = (entry.count != 0 or entry.rewrite is not None, entry.plain, bool(entry.refused))
        assert sum(kinds) == 1, spelled(fn)


# -- what is refused --------------------------------------------------------------------------------------------------


def call(fn, x):
    """``fn`` of as many ``x`` as it needs."""
    if isinstance(getattr(fn, "__self__", None), np.ufunc):
        return fn(x, [0], x[0]) if fn.__name__ == "at" else fn(x, [0]) if fn.__name__ == "reduceat" else fn(x)
    needed = fn.nin if isinstance(fn, np.ufunc) else 0
    return fn(*[x] * (needed or sum(p.default is p.empty for p in parameters_of(fn).values())))


@pytest.mark.parametrize("fn", REFUSED, ids=spelled)
def test_a_refusal_says_why_and_what_to_write(fn):
    reason = primitives[fn].refused
    with pytest.raises(TypeError, match=re.escape(f"{spelled(fn)} has no derivative rule: {reason}")):
        call(fn, Tensor(grid((3,)), requires_grad=True))
    why, _, advice = reason.partition(": ")
    assert why and re.match(r"write |add |call |find ", advice)


@pytest.mark.parametrize("fn", WITHOUT_PROTOCOL)
def test_what_would_take_an_array_out_of_the_graph_is_an_error(fn):
    with pytest.raises(TypeError, match=r"leave the graph|in place"):
        fn(Tensor(2.0, requires_grad=True))


@pytest.mark.parametrize("fn", [np.unique, np.histogram, np.roots, np.nextafter, np.i0, np.fft.fft, np.linalg.eigvals])
def test_a_tensor_that_needs_no_gradient_may_enter_any_function(fn):
    x = grid((3, 3)) if fn is np.linalg.eigvals else grid((3,))
    got, expected = call(fn, Tensor(x)), call(fn, x)
    assert type(got) is type(expected)
    for one, other in zip(got, expected, strict=True) if isinstance(got, tuple) else [(got, expected)]:
        np.testing.assert_array_equal(one, other)


def test_tensors_in_lists_enter_too():
    a, b = Tensor([1.0, 2.0]), Tensor([2.0, 3.0], requires_grad=True)
    np.testing.assert_array_equal(np.lexsort((a, b)), [0, 1])
    assert np.union1d(a, a).tolist() == [1.0, 2.0]
    target = np.zeros(2)
    np.copyto(target, a)
    np.testing.assert_array_equal(target, a.data)
    with pytest.raises(TypeError, match=r"np\.union1d has no derivative rule"):
        np.union1d(a, b)


# -- keywords ---------------------------------------------------------------------------------------------------------

NONE = inspect.Parameter.empty
CHANGES_NO_VALUE = {"copy", "subok", "kind", "stable", "tol"}
ABOUT_MEMORY = {np.copy, np.full_like, np.sort, np.partition}  # or fields, which floats have not, is their order=
REFUSED_BY_VALUE = {(np.linalg.svd, "hermitian"), (np.linalg.qr, "mode")}


def keywords(fn):
    """The options of a function and their defaults."""
    if not parameters_of(fn):
        return {key: value for key, value in face(fn)[0].items() if value is not NONE}
    parameters = [p for p in parameters_of(fn).values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {p.name: p.default for p in parameters if p.default is not NONE and p.kind is not p.POSITIONAL_ONLY}


def understood(fn):
    """What the rules or the twin of a function take; None for anything."""
    entry = primitives[fn]
    twin = parameters_of(entry.rewrite) if entry.rewrite is not None else {}
    free = any(p.kind is p.VAR_KEYWORD for p in twin.values())
    required = [*parameters_of(fn)][: entry.count] if entry.count else []
    return keywords(fn).keys() if free else {*entry.options, *twin, *required}


def arrangement(fn, key, value):
    """The call of ``fn`` with one option more, as it is handed on."""
    entry, x = primitives[fn], Tensor(grid((3,)), requires_grad=True)
    needed = entry.count or sum(p.default is NONE for p in parameters_of(fn).values())
    if isinstance(fn, np.ufunc):
        needed = fn.nin
    names = [*parameters_of(fn)]
    return arranged(fn, entry, (x,) * (names.index(key) if key in names[:needed] else needed), {key: value})[1]


OPTIONS = [(fn, key) for fn in DIFFERENTIABLE for key in keywords(fn)]


@pytest.mark.parametrize(("fn", "key"), OPTIONS, ids=lambda v: v if isinstance(v, str) else spelled(v))
def test_an_option_is_accepted_at_its_default_and_otherwise_honoured_or_refused(fn, key):
    default, strange = keywords(fn)[key], object()
    arrangement(fn, key, default)
    if key == "where":
        arrangement(fn, key, True)
    if key in understood(fn):
        return
    with pytest.raises(TypeError, match=rf"{re.escape(spelled(fn))} knows no {key}=|without {key}"):
        arrangement(fn, key, strange)


@pytest.mark.parametrize("fn", [fn for fn in DIFFERENTIABLE if primitives[fn].rewrite], ids=spelled)
def test_a_twin_has_the_arguments_of_numpy(fn):
    """By the same names, in the same order, with the same defaults."""
    twin, numpys = primitives[fn].rewrite, list(parameters_of(fn).values())
    ours = list(parameters_of(twin).values())
    if not numpys or any(p.kind is p.VAR_POSITIONAL for p in ours):
        return
    for mine, theirs in zip([p for p in ours if p.kind <= p.POSITIONAL_OR_KEYWORD], numpys, strict=False):
        assert theirs.kind is theirs.POSITIONAL_ONLY or mine.name == theirs.name
    defaults = {p.name: p.default for p in numpys}
    for mine in ours:
        if mine.kind is not mine.VAR_KEYWORD and mine.default is not NONE:
            theirs = defaults[mine.name]
            assert theirs is np._NoValue or theirs == mine.default


def test_every_option_that_is_honoured_has_a_case(monkeypatch):
    """The table of cases is run, and every call written down."""
    seen, apply = set(), engine.apply

    def noted(fn, args, kwargs):
        defaults = keywords(fn)
        for key, value in (dict(zip(parameters_of(fn), args, strict=False)) | kwargs).items():
            if key in defaults and value is not defaults[key]:
                seen.add((fn, key))
        return apply(fn, args, kwargs)

    monkeypatch.setattr(engine, "apply", noted)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for case in CASES:
            case.call(*[Tensor(x, requires_grad=True) for x in case.points])
    expected = {(fn, key) for fn, key in OPTIONS if key in understood(fn) and key not in {"out", *CHANGES_NO_VALUE}}
    expected -= {(fn, "order") for fn in ABOUT_MEMORY} | REFUSED_BY_VALUE
    assert not (missing := sorted(f"{spelled(fn)} {key}" for fn, key in expected - seen)), ", ".join(missing)
