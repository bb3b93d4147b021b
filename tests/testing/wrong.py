"""Gradients that are wrong on purpose: whatever checks gradients has to fail every one of them.

The mistakes are those that people make. `WRONG` needs nothing but NumPy, so that the checkers of other frameworks can
be run on the same list; `wrong_second` has functions of tensors whose gradient is right and whose second derivative is
not.

The arrays in ``args`` are read-only, since some of the pullbacks below write to what they are given: a checker has to
pass copies. Some remember earlier calls, too; `wrongs` makes a list whose memory is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Wrong(NamedTuple):
    """A function and a wrong pullback of it.

    Attributes
    ----------
    name : str
        The mistake.
    forward : callable
        ``forward(*args)``, an array or a number.
    vjp : callable
        ``vjp(cotangent, *args)``, which is wrong: an array for one argument and a tuple for several.
    right : callable or None
        The right one; None if the numbers of ``vjp`` are right, and the mistake is in what it does besides.
    args : tuple
        Arrays at which the mistake shows.
    hint : str
        What the report should say, among other things.
    """

    name: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    right: Callable[..., Any] | None
    args: tuple[Any, ...]
    hint: str


class WrongSecond(NamedTuple):
    """A function of tensors whose gradient is right, and whose second derivative is not."""

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    hint: str


# -- functions that several mistakes are made with --------------------------------------------------------------------


def sin_right(g, x):
    return g * np.cos(x)


def single_wrong(g, x):
    return g * np.cos(x) * (x.dtype.type(1.1) if x.dtype == np.float32 else 1)


def by_identity(g, a, b):
    """A tape that finds its arguments by ``id``: where they are one array, the one overwrites the other."""
    found = {id(a): g * b * b}
    found[id(b)] = 2 * g * a * b
    return found[id(a)], found[id(b)]


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def softmax_right(g, x):
    y = softmax(x)
    return y * (g - np.sum(g * y))


def logsumexp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def mean_rows(x):
    return np.mean(x, axis=1)


def mean_rows_right(g, x):
    return np.broadcast_to(g[:, None] / x.shape[1], x.shape).copy()


def matvec(A, x):
    return A @ x


def matvec_right(g, A, x):
    return np.outer(g, x), A.T @ g


def rnn(W, h, xs):
    """h ← tanh(W h + x), for each x in turn; the last h."""
    for x in xs:
        h = np.tanh(W @ h + x)
    return h


def rnn_back(g, W, h, xs, until):
    """Back-propagation through time down to step ``until``, which ought to be 0."""
    states = [h]
    for x in xs:
        states.append(np.tanh(W @ states[-1] + x))
    gW, gxs = np.zeros_like(W), np.zeros_like(xs)
    for t in reversed(range(until, len(xs))):
        inside = g * (1 - states[t + 1] ** 2)
        gW += np.outer(inside, states[t])
        gxs[t] = inside
        g = W.T @ inside
    return gW, g, gxs


def layer_norm(x):
    return (x - np.mean(x)) / np.std(x)


def layer_norm_right(g, x):
    y = layer_norm(x)
    return (g - np.mean(g) - y * np.mean(g * y)) / np.std(x)


def convolve(x, k):
    return np.convolve(x, k, mode="valid")


def convolve_right(g, x, k):
    return np.convolve(g, k[::-1]), np.correlate(x, g, mode="valid")[::-1]


def sinc(x):
    """sin x / x, and 1 for 0."""
    return np.sinc(x / np.pi)


def sinc_wrong(g, x):
    with np.errstate(all="ignore"):
        return g * (x * np.cos(x) - np.sin(x)) / x**2


def sinc_right(g, x):
    return np.where(x == 0, 0.0, sinc_wrong(g, np.where(x == 0, 1.0, x)))


# -- mistakes that take more than a line ------------------------------------------------------------------------------

REPEATED = np.array([0, 0, 2])
CYCLE = (2, 0, 1)  # a permutation that is not its own inverse


def gather_wrong(g, x):
    out = np.zeros_like(x)
    out[REPEATED] = g
    return out


def gather_right(g, x):
    out = np.zeros_like(x)
    np.add.at(out, REPEATED, g)
    return out


def max_rows_wrong(g, x):
    return g[:, None] * (x == np.max(x, axis=1, keepdims=True))


def max_rows_right(g, x):
    ties = x == np.max(x, axis=1, keepdims=True)
    return g[:, None] * ties / np.sum(ties, axis=1, keepdims=True, dtype=x.dtype)


def one_element_wrong(g, x):
    out = g * np.cos(x)
    out[37, 61] *= 1.5
    return out


def softmax_shifting_its_argument(g, x):
    x -= np.max(x)  # softmax is the same for the shifted numbers
    return softmax_right(g, x)


def half_square_in_place(g, x):
    x *= g
    return x


def scaling_its_cotangent(g, x):
    g *= np.cos(x)
    return g


def in_double(g, x):
    return g * np.cos(x) * np.ones(x.shape)


def in_memory_order(g, x):
    return (np.ravel(g, order="K") * np.cos(np.ravel(x, order="K"))).reshape(x.shape)


def cotangent_in_memory_order(g, x):
    return np.ravel(g, order="K").reshape(x.shape) * np.cos(x)


def cotangent_as_a_buffer(g, x):
    return np.frombuffer(g).reshape(x.shape) * np.cos(x)  # as a compiled kernel does


def sort_wrong(g, x):
    return g[np.argsort(x)]


def sort_right(g, x):
    out = np.empty_like(g)
    out[np.argsort(x)] = g
    return out


def with_a_buffer() -> Callable[..., Any]:
    """The same array is returned by all calls for arguments of one kind."""
    buffers: dict[Any, Any] = {}

    def vjp(g, x):
        buffer = buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
        np.multiply(g, np.cos(x), out=buffer)
        return buffer

    return vjp


def with_a_stale_array() -> Callable[..., Any]:
    """The first x is kept, as by a graph that is built once, and taken for all later ones."""
    kept: list[Any] = []

    def vjp(g, x):
        if not kept:
            kept.append(np.array(x))
        return g * np.cos(kept[0])

    return vjp


def with_a_stale_cache() -> Callable[..., Any]:
    """The derivative is cached by the shape and dtype of x, but not by its numbers."""
    cache: dict[Any, Any] = {}

    def vjp(g, x):
        return g * cache.setdefault((x.shape, x.dtype), np.cos(x))

    return vjp


def wrongs() -> list[Wrong]:
    """All mistakes, none of which remembers anything yet."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> Any:
        return frozen(rng.normal(size=shape))

    def positive(*shape: int) -> Any:
        return frozen(rng.uniform(0.5, 2.0, shape))

    x5, x34, x44, b4 = some(5), some(3, 4), some(4, 4), some(4)
    tied = frozen([[1.0, 3.0, 3.0, 2.0], [0.5, -1.0, 0.25, 0.5], [1.0, 2.0, 3.0, 4.0]])
    sin = np.sin

    return [
        # shapes: broadcasting and axes
        Wrong(
            "the bias is not un-broadcast",
            lambda x, b: x + b,
            lambda g, x, b: (g, g),
            lambda g, x, b: (g, np.sum(g, axis=0)),
            (x34, b4),
            "missing sum over axis 0",
        ),
        Wrong(
            "a column is not un-broadcast",
            lambda x, c: x * c,
            lambda g, x, c: (g * c, g * x),
            lambda g, x, c: (g * c, np.sum(g * x, axis=1, keepdims=True)),
            (x34, some(3, 1)),
            "missing sum over axis 1",
        ),
        Wrong(
            "keepdims lost in a mean",
            mean_rows,
            lambda g, x: np.broadcast_to(g / x.shape[1], x.shape).copy(),
            mean_rows_right,
            (x34,),
            "keepdims",
        ),
        Wrong(
            "a mean that is not broadcast back",
            mean_rows,
            lambda g, x: g[:, None] / x.shape[1],
            mean_rows_right,
            (x34,),
            "keepdims",
        ),
        Wrong(
            "keepdims lost in a mean of a square array",
            mean_rows,
            lambda g, x: np.broadcast_to(g / x.shape[1], x.shape).copy(),
            mean_rows_right,
            (x44,),
            "transposed",
        ),
        Wrong(
            "summed over the wrong axis",
            lambda x, c: x * c,
            lambda g, x, c: (g * c, np.sum(g * x, axis=0)[:, None]),
            lambda g, x, c: (g * c, np.sum(g * x, axis=1, keepdims=True)),
            (x44, some(4, 1)),
            "",
        ),
        Wrong(
            "cumsum the wrong way",
            np.cumsum,
            lambda g, x: np.cumsum(g).reshape(x.shape),
            lambda g, x: np.cumsum(g[::-1])[::-1].reshape(x.shape),
            (x5,),
            "",
        ),
        Wrong(
            "the wrong shape for a number",
            sin,
            lambda g, x: np.atleast_1d(g * np.cos(x)),
            None,
            (x5,),
            "of numbers it gives the wrong shape",
        ),
        Wrong(
            "the wrong shape for its number",
            lambda x, s: x * s,
            lambda g, x, s: (g * s, np.sum(g * x, keepdims=True)),
            lambda g, x, s: (g * s, np.sum(g * x)),
            (x5, frozen(0.75)),
            "cotangent has shape (1,)",
        ),
        # the right numbers in the wrong places
        Wrong(
            "the outer product transposed",
            matvec,
            lambda g, A, x: (np.outer(x, g), A.T @ g),
            matvec_right,
            (x44, b4),
            "transposed",
        ),
        Wrong("W for its transpose", matvec, lambda g, A, x: (np.outer(g, x), A @ g), matvec_right, (x44, b4), ""),
        Wrong(
            "a cycle of axes not undone",
            lambda x: np.transpose(x, CYCLE),
            lambda g, x: np.transpose(g, CYCLE),
            lambda g, x: np.transpose(g, np.argsort(CYCLE)),
            (some(3, 3, 3),),
            "wrong places",
        ),
        Wrong("flip not undone", lambda x: x[::-1], lambda g, x: g, lambda g, x: g[::-1], (x5,), "reversed along"),
        Wrong(
            "roll undone in the wrong direction",
            lambda x: np.roll(x, 1),
            lambda g, x: np.roll(g, 1),
            lambda g, x: np.roll(g, -1),
            (x5,),
            "wrong places",
        ),
        Wrong(
            "roll not undone", lambda x: np.roll(x, 1), lambda g, x: g, lambda g, x: np.roll(g, -1), (x5,), "shifted by"
        ),
        Wrong("sorted instead of unsorted", np.sort, sort_wrong, sort_right, (x5,), "wrong places"),
        Wrong(
            "the parts of a concatenation exchanged",
            lambda a, b: np.concatenate([a, b]),
            lambda g, a, b: (g[len(b) :], g[: len(b)]),
            lambda g, a, b: (g[: len(a)], g[len(a) :]),
            (x5, some(5)),
            "",
        ),
        Wrong(
            "the kernel of a convolution reversed",
            convolve,
            lambda g, x, k: (np.convolve(g, k[::-1]), np.correlate(x, g, mode="valid")),
            convolve_right,
            (some(7), some(3)),
            "reversed along",
        ),
        # factors
        Wrong("sign", np.cos, lambda g, x: g * np.sin(x), lambda g, x: -g * np.sin(x), (x34,), "sign: "),
        Wrong("counted twice", sin, lambda g, x: 2 * g * np.cos(x), sin_right, (x34,), "exactly twice"),
        Wrong("the 2 of a square", np.square, lambda g, x: g * x, lambda g, x: 2 * g * x, (x34,), "exactly half"),
        Wrong("wrong by 0.1 %", sin, lambda g, x: 1.001 * g * np.cos(x), sin_right, (x34,), "factor 1.001"),
        Wrong(
            "the 1/n of a mean",
            np.mean,
            lambda g, x: np.full_like(x, g),
            lambda g, x: np.full_like(x, g / x.size),
            (x34,),
            "constant factor 12",
        ),
        Wrong("zero", sin, lambda g, x: np.zeros_like(x), sin_right, (x34,), "zero: "),
        # the cotangent
        Wrong("upstream cotangent ignored", sin, lambda g, x: np.cos(x), sin_right, (x34,), "cotangent ignored"),
        Wrong("not linear in the cotangent", sin, lambda g, x: g * g * np.cos(x), sin_right, (x34,), ""),
        Wrong(
            "not zero for a cotangent of zeros",
            sin,
            lambda g, x: g * np.cos(x) + 1e-3,
            sin_right,
            (x34,),
            "a cotangent of zeros gave",
        ),
        Wrong("wrong by 10 % in float32", sin, single_wrong, sin_right, (x34,), "in float32"),
        Wrong(
            "cotangents by the identity of arguments",
            lambda a, b: a * b * b,
            by_identity,
            lambda g, a, b: (g * b * b, 2 * g * a * b),
            (x34, 2 - x34),
            "given twice",
        ),
        # formulas
        Wrong(
            "= for += where an index is repeated",
            lambda x: x[REPEATED],
            gather_wrong,
            gather_right,
            (b4,),
            "overwritten",
        ),
        Wrong(
            "ties of max overcounted",
            lambda x: np.max(x, axis=1),
            max_rows_wrong,
            max_rows_right,
            (tied,),
            "ties counted",
        ),
        Wrong("one element of 10 000", sin, one_element_wrong, sin_right, (some(100, 100),), "one element"),
        Wrong(
            "softmax without the rest of its Jacobian",
            softmax,
            lambda g, x: g * softmax(x) * (1 - softmax(x)),
            softmax_right,
            (x5,),
            "",
        ),
        Wrong(
            "logsumexp without normalisation",
            logsumexp,
            lambda g, x: g * np.exp(x - np.max(x)),
            lambda g, x: g * softmax(x),
            (x5,),
            "",
        ),
        Wrong(
            "the square and the sign of a divisor",
            np.divide,
            lambda g, a, b: (g / b, g * a / b),
            lambda g, a, b: (g / b, -g * a / b**2),
            (x5, positive(5)),
            "",
        ),
        Wrong(
            "a norm without the division by it",
            np.linalg.norm,
            lambda g, x: g * x,
            lambda g, x: g * x / np.linalg.norm(x),
            (x5,),
            "",
        ),
        Wrong(
            "tanh by x instead of y", np.tanh, lambda g, x: g * (1 - x**2), lambda g, x: g / np.cosh(x) ** 2, (x5,), ""
        ),
        Wrong(
            "the wrong side of a maximum",
            lambda x: np.maximum(x, 0.0),
            lambda g, x: g * (x < 0),
            lambda g, x: g * (x > 0),
            (x34,),
            "",
        ),
        Wrong(
            "mean and deviation taken for constants",
            layer_norm,
            lambda g, x: g / np.std(x),
            layer_norm_right,
            (x5,),
            "",
        ),
        Wrong("0/0", sinc, sinc_wrong, sinc_right, (frozen([-1.0, 0.5, 0.0, 2.0]),), "not finite"),
        Wrong(
            "the last step back through an RNN",
            rnn,
            lambda g, W, h, xs: rnn_back(g, W, h, xs, 1),
            lambda g, W, h, xs: rnn_back(g, W, h, xs, 0),
            (some(3, 3), some(3), some(4, 3)),
            "",
        ),
        # right numbers, made in a way that will make others wrong
        Wrong("float64 for float32", sin, in_double, None, (x34.astype(np.float32),), "its cotangent float64"),
        Wrong("writes to its argument", softmax, softmax_shifting_its_argument, None, (x5,), "was changed"),
        Wrong("scales its cotangent in place", sin, scaling_its_cotangent, None, (x34,), "was changed"),
        Wrong(
            "the result overwrites the argument",
            lambda x: x * x / 2,
            half_square_in_place,
            None,
            (x34,),
            "is memory of",
        ),
        Wrong(
            "zeros that are an argument",
            lambda x, h: np.sin(x) + 0.0 * h,
            lambda g, x, h: (g * np.cos(x), h),
            None,
            (x5, frozen(np.zeros(5))),
            "is memory of",
        ),
        Wrong("a reused buffer", sin, with_a_buffer(), None, (x34,), "next call"),
        Wrong("a stale array", sin, with_a_stale_array(), None, (x34,), ""),
        Wrong("a stale cache", sin, with_a_stale_cache(), None, (x34,), ""),
        Wrong("memory order for row order", sin, in_memory_order, None, (x34,), "views of arguments"),
        Wrong("the cotangent in memory order", sin, cotangent_in_memory_order, None, (x34,), "views of the cotangent"),
        Wrong("the cotangent as a buffer", sin, cotangent_as_a_buffer, None, (x5,), "not C-contiguous"),
    ]


def frozen(numbers: Any) -> Any:
    """A read-only array."""
    array = np.array(numbers, np.float64)
    array.setflags(write=False)
    return array


WRONG: list[Wrong] = wrongs()


def wrong_second() -> list[WrongSecond]:
    """Primitives of minigrad whose rules give the right gradient, and one that has another or no derivative."""
    import minigrad as mg

    rng = np.random.default_rng(0)
    a, b = frozen(rng.normal(size=5)), frozen(rng.normal(size=5))

    def detached(t: Any) -> Any:
        return t.data if isinstance(t, mg.Tensor) else t

    sine = mg.primitive(lambda x: np.sin(x))
    mg.defvjp(sine, lambda g, y, x: g * np.cos(detached(x)))

    tangens = mg.primitive(lambda x: np.tanh(x))
    mg.defvjp(tangens, lambda g, y, x: g * (1 - detached(y) ** 2))

    product = mg.primitive(lambda x, z: x * z)
    mg.defvjp(product, lambda g, y, x, z: g * detached(z), lambda g, y, x, z: g * detached(x))

    cosine = mg.primitive(lambda x: np.cos(x))
    mg.defvjp(cosine, lambda g, y, x: g * np.sin(x))
    with_cosine = mg.primitive(lambda x: np.sin(x))
    mg.defvjp(with_cosine, lambda g, y, x: g * cosine(x))

    doubled = mg.primitive(lambda x: np.exp(2 * x))
    mg.defvjp(doubled, lambda g, y, x: 2 * g * np.exp(x + detached(x)))

    saved: list[Any] = [None]

    def cube(x: Any) -> Any:
        saved[0] = 3 * x**2
        return x**3

    cubed = mg.primitive(cube)
    mg.defvjp(cubed, lambda g, y, x: g * saved[0])

    return [
        WrongSecond("the argument detached", lambda x: sine(x), (a,), "cut out of the graph"),
        WrongSecond("the result detached", lambda x: tangens(x), (a,), "cut out of the graph"),
        WrongSecond("both factors of a product detached", lambda x, z: product(x, z), (a, b), "cut out of the graph"),
        WrongSecond("the sign of the derivative's derivative", lambda x: with_cosine(x), (a,), "sign: "),
        WrongSecond("half of the argument detached", lambda x: doubled(x), (a,), "exactly half"),
        WrongSecond("saved by the forward pass", lambda x: cubed(x), (a,), "cut out of the graph"),
    ]
