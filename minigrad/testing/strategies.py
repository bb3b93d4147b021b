"""What hypothesis can draw for tests of gradients: shapes, numbers, Tensors, axes, indices and whole programs.

General strategies look for trouble at the edges of a format: zeros, equal numbers, the largest float. For derivatives
these are the wrong edges. At a tie ``max`` has none, next to zero ``log`` is steep, and a numerical derivative can
judge neither. So numbers come from a grid, (k + ½)/16 for integers k: never 0, never an integer, at least 1/32 away
from both, exact in float32, and, where asked, all different. The edges that do matter are those of *shapes*: no axes,
axes of size 1 and 0, what broadcasts, what is indexed twice. They are drawn often.

Everything shrinks towards what is easy to read: few axes, of size 1, then 2; the numbers of a grid that are nearest to
zero, positive ones first, so that an array of different numbers ends as 1/32, -1/32, 3/32; indices made of ``0``.

With minigrad installed, hypothesis knows Tensors by itself: ``st.from_type(minigrad.Tensor)`` is `tensors` with its
defaults (`minigrad.testing.entry`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from minigrad.engine.tensor import Array, Tensor
from minigrad.testing.examples import DOMAINS, Domain, Shape, grid
from minigrad.testing.programs import DEFAULT_OPS, Op, Program, long_programs, programs

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

__all__ = [
    "DEFAULT_OPS",
    "DOMAINS",
    "Fitting",
    "Op",
    "Program",
    "arrays",
    "axes",
    "broadcastable",
    "indices",
    "long_programs",
    "matmul_shapes",
    "programs",
    "shapes",
    "tensors",
    "values",
]


class Fitting(NamedTuple):
    """Shapes of arrays that an operation accepts together, and the shape of what it then gives."""

    shapes: tuple[Shape, ...]
    result: Shape


# -- shapes -----------------------------------------------------------------------------------------------------------


@st.composite
def shapes(draw: st.DrawFn, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> Shape:
    """A strategy of shapes.

    Parameters
    ----------
    min_dims, max_dims : int
        How many axes there are.
    min_side, max_side : int
        How long they are. With a ``min_side`` of 0, one shape in ten holds no numbers at all.

    Notes
    -----
    Shrinking: towards few axes of size 1; an axis of size 0 stays only if it is what matters.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(shapes(), lambda shape: len(shape) == 2, settings=settings(derandomize=True, max_examples=1000))
    (1, 1)
    """
    _check_range("dims", min_dims, max_dims)
    _check_range("side", min_side, max_side)
    sides = st.integers(max(1, min_side), max_side) if max_side else st.just(0)
    shape = draw(st.lists(sides, min_size=min_dims, max_size=max_dims))
    if shape and min_side == 0 and draw(st.integers(0, 9)) == 9:
        shape[draw(st.integers(0, len(shape) - 1))] = 0
    return tuple(shape)


@st.composite
def broadcastable(
    draw: st.DrawFn, n: int = 2, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> Fitting:
    """A strategy of ``n`` shapes that broadcast together, with what they broadcast to.

    Parameters
    ----------
    n : int
        How many there are.
    min_dims, max_dims, min_side, max_side : int
        As in `shapes`, for the result; the ``n`` shapes may have fewer axes, and axes of size 1.

    Notes
    -----
    Shrinking: towards ``n`` equal shapes.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> differ = lambda fitting: fitting.shapes[0] != fitting.shapes[1]
    >>> find(broadcastable(2), differ, settings=settings(derandomize=True, max_examples=1000))
    Fitting(shapes=((1,), ()), result=(1,))
    """
    whole = draw(shapes(min_dims, max_dims, min_side, max_side))
    found = []
    for _ in range(n):  # two numbers a shape, counting from the last axis: when a first one goes, they still fit
        missing, ones = draw(st.integers(0, max_dims)), draw(st.integers(0, 2**max_dims - 1))
        shape = [1 if ones >> place & 1 else side for place, side in enumerate(reversed(whole))]
        found.append(tuple(reversed(shape[: max(0, len(whole) - missing)])))
    return Fitting(tuple(found), np.broadcast_shapes(*found))


@st.composite
def matmul_shapes(draw: st.DrawFn, max_side: int = 4, max_batch: int = 2, min_side: int = 0) -> Fitting:
    """A strategy of two shapes that ``@`` accepts: vectors, matrices, and stacks of matrices that broadcast.

    Parameters
    ----------
    max_side, min_side : int
        How long axes are.
    max_batch : int
        How many axes there may be in front of those that are multiplied.

    Notes
    -----
    Shrinking: towards two matrices of one number.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> stacked = lambda fitting: len(fitting.result) == 3
    >>> find(matmul_shapes(), stacked, settings=settings(derandomize=True, max_examples=1000))
    Fitting(shapes=((1, 1, 1), (1, 1, 1)), result=(1, 1, 1))
    """
    rows, inner, columns = draw(shapes(3, 3, min_side, max_side))
    batches = draw(broadcastable(2, 0, max_batch, min_side, max_side)).shapes
    left, right = (*batches[0], rows, inner), (*batches[1], inner, columns)
    vectors = draw(st.sampled_from(["", "left", "right", "both"]))
    if vectors in ("left", "both"):
        left = (inner,)
    if vectors in ("right", "both"):
        right = (inner,)
    return Fitting((left, right), np.matmul(np.zeros(left), np.zeros(right)).shape)


# -- numbers ----------------------------------------------------------------------------------------------------------


def values(domain: Domain = "real") -> st.SearchStrategy[float]:
    """A strategy of single numbers.

    Parameters
    ----------
    domain : str or (float, float)
        A name in `DOMAINS`, or the two ends of an open interval.

    Notes
    -----
    The numbers are (k + ½)/16; for intervals that hold none of them the step is smaller, for those longer than 256 it
    is larger. Shrinking: towards zero, which is never reached.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(values("above one"), lambda x: True, settings=settings(derandomize=True, max_examples=1000))
    1.03125
    """
    return st.sampled_from(grid(domain))


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape | int | st.SearchStrategy[Shape] | None = None,
    domain: Domain = "real",
    distinct: bool = False,
    dtype: npt.DTypeLike | st.SearchStrategy[Any] = np.float64,
) -> Array:
    """A strategy of arrays of the numbers of `values`.

    Parameters
    ----------
    shape : tuple of int, int, strategy or None
        The shape, or where it is drawn from; left out, `shapes`.
    domain : str or (float, float)
        As for `values`.
    distinct : bool
        Whether all numbers differ: no ties for ``max``, ``sort`` and ``median``. The grid is refined if need be.
    dtype : dtype or strategy
        A floating-point type, or where it is drawn from: ``st.sampled_from([np.float64, np.float32])``.

    Raises
    ------
    ValueError
        If the dtype cannot hold the numbers exactly.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(arrays((2, 2), distinct=True), lambda a: True, settings=settings(derandomize=True, max_examples=1000))
    array([[ 0.03125, -0.03125],
           [ 0.09375, -0.09375]])
    """
    wanted = draw(_strategy(shapes() if shape is None else shape))
    wanted = (wanted,) if isinstance(wanted, int) else tuple(wanted)
    size = math.prod(wanted)
    numbers = st.sampled_from(grid(domain, max(1, size if distinct else 1)))
    drawn = np.array(draw(st.lists(numbers, min_size=size, max_size=size, unique=distinct)), float).reshape(wanted)
    array: Array = drawn.astype(draw(_strategy(dtype)))
    if not np.array_equal(array, drawn):
        raise ValueError(f"{array.dtype} is too coarse for numbers of {domain}: take a wider interval, or float64")
    return array


def tensors(
    shape: Shape | int | st.SearchStrategy[Shape] | None = None,
    domain: Domain = "real",
    distinct: bool = False,
    requires_grad: bool = True,
    dtype: npt.DTypeLike | st.SearchStrategy[Any] = np.float64,
) -> st.SearchStrategy[Tensor]:
    """A strategy of Tensors that are leaves; ``st.from_type(minigrad.Tensor)`` is this one with its defaults.

    Parameters
    ----------
    shape, domain, distinct, dtype
        As for `arrays`.
    requires_grad : bool
        Whether `minigrad.backward` shall leave a gradient in them.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(tensors((2,)), lambda t: t.data[0] > 1, settings=settings(derandomize=True, max_examples=1000))
    Tensor([1.03125, 0.03125], requires_grad=True)
    """
    return arrays(shape, domain, distinct, dtype).map(lambda array: Tensor(array, requires_grad=requires_grad))


# -- axes and indices -------------------------------------------------------------------------------------------------


def axes(
    shape: Shape | int, *, tuples: bool = True, none: bool = True
) -> st.SearchStrategy[int | tuple[int, ...] | None]:
    """A strategy of what NumPy's reductions take as ``axis`` for an array of a given shape.

    Parameters
    ----------
    shape : tuple of int or int
        The shape, or how many axes there are.
    tuples : bool
        Whether several axes at once may be named, or none by ``()``. Functions such as ``np.cumsum`` take only one.
    none : bool
        Whether None may be drawn, which stands for all axes.

    Raises
    ------
    ValueError
        If that leaves nothing to draw: no axes, and neither ``()`` nor None.

    Notes
    -----
    Shrinking: towards None, or 0 where it has to be an axis; a tuple stays only if it is what matters.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> several = lambda axis: isinstance(axis, tuple) and len(axis) == 2
    >>> find(axes((2, 3, 4)), several, settings=settings(derandomize=True, max_examples=1000))
    (0, 1)
    """
    ndim = shape if isinstance(shape, int) else len(shape)
    kinds: list[st.SearchStrategy[Any]] = [st.none()] if none else []
    if ndim:
        kinds += [st.integers(0, ndim - 1), st.integers(-ndim, -1)]
    if tuples:
        one = st.sampled_from([sign for i in range(ndim) for sign in (i, i - ndim)]) if ndim else st.nothing()
        kinds += [st.lists(one, max_size=ndim, unique_by=lambda i: i % ndim).map(tuple)]
    if not kinds:
        raise ValueError("an array without axes can only be reduced over None or (): allow none=True or tuples=True")
    return st.one_of(kinds)


@st.composite
def indices(draw: st.DrawFn, shape: Shape, *, advanced: bool = True) -> Any:
    """A strategy of indices into an array of a given shape, of every kind that NumPy allows.

    Integers, negative ones too, slices of any step, None, Ellipsis, and, mixed with them in any order, lists and arrays
    of integers, which may name a place twice, and boolean masks, over one axis or several.

    Parameters
    ----------
    shape : tuple of int
        The shape of what is indexed. Axes that the index does not mention come at the end, or in the middle.
    advanced : bool
        Whether lists, arrays and masks may occur; without them an index gives a view.

    Notes
    -----
    Shrinking: towards ``()``, the whole array; then integers, slices, lists, arrays, masks.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> twice = lambda index: isinstance(index, list) and len(index) > len(set(index))
    >>> find(indices((3, 4)), twice, settings=settings(derandomize=True, max_examples=1000))
    [0, 0]
    """
    head = draw(st.integers(0, len(shape)))
    tail = draw(st.integers(0, len(shape) - head))
    points = draw(st.sampled_from([(2,), (4,), (1,), (2, 3), (0,)]))  # what lists, arrays and masks broadcast to
    kinds = ["int", "slice", "list", "array", "mask"] if advanced else ["int", "slice"]
    parts = _parts(draw, shape[:head], points, kinds)
    if tail or draw(st.integers(0, 4)) == 4:
        parts.append(...)
    parts += _parts(draw, shape[len(shape) - tail :], points, kinds)
    if draw(st.integers(0, 4)) == 4:
        parts.insert(draw(st.integers(0, len(parts))), None)
    if shape == () and advanced and draw(st.integers(0, 4)) == 4:
        parts.append(np.array(draw(st.booleans())))  # as in a[a > 0], of an array without axes
    return parts[0] if len(parts) == 1 and draw(st.integers(0, 3)) < 3 else tuple(parts)


def _parts(draw: st.DrawFn, sides: Shape, points: Shape, kinds: Sequence[str]) -> list[Any]:
    """Indices for consecutive axes of lengths ``sides``; arrays among them broadcast to the shape ``points``."""
    parts = []
    while sides:
        part, used = _part(draw, draw(st.sampled_from(kinds)), sides, points)
        parts.append(part)
        sides = sides[used:]
    return parts


def _part(draw: st.DrawFn, kind: str, sides: Shape, points: Shape) -> tuple[Any, int]:
    """An index into the first of the axes, and how many of them it is for; a slice where ``kind`` is impossible."""
    side = sides[0]
    places = st.sampled_from([*range(side), *range(-side, 0)]) if side else st.nothing()
    if kind == "int" and side:
        return draw(places), 1
    if kind == "list" and (side or not points[-1]):
        return draw(st.lists(places, min_size=points[-1], max_size=points[-1])), 1
    if kind == "array" and (side or 0 in points):
        whole = draw(st.sampled_from([points, points[-1:], (*points[:-1], 1), ()] if side else [points]))
        size = math.prod(whole)
        return np.array(draw(st.lists(places, min_size=size, max_size=size)), int).reshape(whole), 1
    if kind == "mask":
        used = draw(st.integers(1, len(sides)))
        size = math.prod(sides[:used])
        if counts := [count for count in {points[-1], 1} if count <= size]:
            count = draw(st.sampled_from(sorted(counts)))
            cells = st.sampled_from(range(size)) if size else st.nothing()
            true = draw(st.lists(cells, min_size=count, max_size=count, unique=True))
            return np.isin(np.arange(size), true).reshape(sides[:used]), used
    return draw(st.slices(side)), 1


def _strategy(given: Any) -> st.SearchStrategy[Any]:
    return given if isinstance(given, st.SearchStrategy) else st.just(given)


def _check_range(what: str, low: int, high: int) -> None:
    if not 0 <= low <= high:
        raise ValueError(f"min_{what}={low} and max_{what}={high} leave no shape: take 0 <= min_{what} <= max_{what}")
