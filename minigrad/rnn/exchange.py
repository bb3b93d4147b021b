"""Weights of other packages: what PyTorch and Keras call their arrays, and where ours stand among them.

Only plain arrays are mapped, in dicts by name: neither package is imported. What another package has and we have not,
or the other way round, is refused, so that what comes out computes what went in.

======== =============================== ======================= ==========================
model    here                            PyTorch                 Keras
======== =============================== ======================= ==========================
RNN      W, U, b                         W, U, b in two parts    Wᵀ, Uᵀ, b
LSTM     rows i f g o                    the same                columns i f c o, the same
GRU      rows r u n, and d               r z n, d in bias_hh     columns z r h, d in bias[1]
======== =============================== ======================= ==========================

Examples
--------
>>> from minigrad import rnn
>>> model = rnn.GRU(2, 3, rng=0)
>>> state = rnn.to_torch(model)
>>> sorted(state), state["weight_hh_l0"].shape
(['bias_hh_l0', 'bias_ih_l0', 'weight_hh_l0', 'weight_ih_l0'], (9, 3))
>>> bool((rnn.from_torch(state).W.data == model.W.data).all())
True
>>> weights = rnn.to_keras(model)
>>> {name: each.shape for name, each in weights.items()}
{'kernel': (2, 9), 'recurrent_kernel': (3, 9), 'bias': (2, 9)}
>>> bool((rnn.from_keras(weights).W.data == model.W.data).all())
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.functions import relu
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LSTM, RNN, Stacked
from minigrad.rnn.cells.cell import Function

KINDS: dict[int, type[RNN | LSTM | GRU]] = {1: RNN, 3: GRU, 4: LSTM}
"""By the number of blocks of rows."""
TORCH = re.compile(r"(weight|bias)_(ih|hh)_l(\d+)(_reverse)?")
SWAPPED = [1, 0, 2]
"""Keras's GRU has the update gate first."""


# -- PyTorch ----------------------------------------------------------------------------------------------------------


def from_torch(state: Mapping[str, Any], *, f: str | Function = "tanh") -> RNN | LSTM | GRU | Stacked | Bidirectional:
    """The network whose weights are ``state``: that of an ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``, or one of their cells.

    Parameters
    ----------
    state : mapping of str to array_like
        ``{name: value.numpy() for name, value in module.state_dict().items()}``. Kind, sizes, number of layers and
        directions are read off it.
    f : {"tanh", "relu", ...} or callable
        PyTorch's ``nonlinearity``, which the weights do not tell.

    Returns
    -------
    RNN, LSTM or GRU
        Without outputs of its own (``n_out``), as PyTorch's: ỹ_t is h_t. Of several layers a `Stacked`, of two
        directions a `Bidirectional`.

    Raises
    ------
    ValueError
        For names and shapes that are not those of these modules.
    """
    named = {name if "_l" in name else f"{name}_l0": np.asarray(value) for name, value in state.items()}
    if unknown := [name for name in named if not TORCH.fullmatch(name)]:
        raise ValueError(
            f"{', '.join(unknown)}: not among the parameters of nn.RNN, nn.LSTM and nn.GRU without proj_size"
        )
    directions = ("", "_reverse") if any(name.endswith("_reverse") for name in named) else ("",)
    layers = 1 + max((int(name.split("_l")[1].split("_")[0]) for name in named), default=0)
    cells = [_from_torch(named, f"_l{k}{direction}", f) for k in range(layers) for direction in directions]
    if len(directions) == 2:
        return Bidirectional(*cells)
    return cells[0] if layers == 1 else Stacked(cells)


def _from_torch(named: Mapping[str, Array], suffix: str, f: str | Function) -> RNN | LSTM | GRU:
    missing = [name for name in (f"weight_ih{suffix}", f"weight_hh{suffix}") if name not in named]
    if missing:
        raise ValueError(f"{missing[0]} is missing: there is {', '.join(named) or 'nothing'}")
    U, W = named[f"weight_ih{suffix}"], named[f"weight_hh{suffix}"]
    none = np.zeros(len(W), W.dtype)
    first, second = (np.array(named.get(f"bias_{part}{suffix}", none)) for part in ("ih", "hh"))
    return _built(W, U, first, second, f, "after")


def to_torch(model: RNN | LSTM | GRU | Stacked | Bidirectional) -> dict[str, Array]:
    """The state of the ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` that computes the same h_t.

    V and c are not in it: they are weight and bias of an ``nn.Linear`` behind it.

    Parameters
    ----------
    model : RNN, LSTM, GRU, or Stacked or Bidirectional of one kind of them

    Returns
    -------
    dict of str to ndarray
        For ``module.load_state_dict({name: torch.tensor(value) for name, value in state.items()})``. Of PyTorch's two
        biases, which are added, the first is b.

    Raises
    ------
    ValueError
        For what PyTorch has not: peepholes, layer normalisation, the reset before the product, another f, other models.
    """
    cells, directions = list[Any]([model]), [""]
    if isinstance(model, Stacked):
        cells = model.layers
    elif isinstance(model, Bidirectional):
        cells, directions = model.cells, ["", "_reverse"]
    if len({type(cell) for cell in cells}) > 1:
        raise ValueError(
            f"the layers are {', '.join(type(cell).__name__ for cell in cells)}: PyTorch's are of one kind"
        )
    state: dict[str, Array] = {}
    for i, cell in enumerate(cells):
        _same_elsewhere(cell, "PyTorch")
        if isinstance(cell, GRU) and cell.reset == "before":
            raise ValueError('PyTorch has no GRU with reset="before" the product')
        if cell.reads_out and i // len(directions) < (len(cells) - 1) // len(directions):
            raise ValueError("a layer below another one has outputs of its own (n_out), which PyTorch's have not")
        if cell.f is not np.tanh and not (cell.f is relu and isinstance(cell, RNN)):
            raise ValueError(f"PyTorch's {type(cell).__name__} has no such f: it has tanh, and RNN relu as well")
        second = np.zeros_like(cell.b.data)
        if isinstance(cell, GRU):
            second[cell.rows("candidate")] = cell.d.data
        values = {"weight_ih": cell.U.data, "weight_hh": cell.W.data, "bias_ih": cell.b.data, "bias_hh": second}
        suffix = f"_l{i // len(directions)}{directions[i % len(directions)]}"
        state |= {f"{name}{suffix}": value for name, value in values.items()}
    return state


# -- Keras ------------------------------------------------------------------------------------------------------------


def from_keras(
    weights: Mapping[str, Any], *, f: str | Function = "tanh", reset: Literal["after", "before"] | None = None
) -> RNN | LSTM | GRU:
    """The network whose weights are those of a ``SimpleRNN``, ``LSTM`` or ``GRU`` layer of Keras.

    Parameters
    ----------
    weights : mapping of str to array_like
        "kernel", "recurrent_kernel" and, unless it has none, "bias": ``{w.name: w.numpy() for w in layer.weights}``.
    f : {"tanh", "relu", ...} or callable
        Keras's ``activation``, which the weights do not tell.
    reset : {"after", "before"}, optional
        Of a GRU: whether ``reset_after`` is true. It is read off the bias, which has two rows then, if there is one,
        and is "after" otherwise.

    Returns
    -------
    RNN, LSTM or GRU
        Without outputs of its own (``n_out``): ỹ_t is h_t.

    Raises
    ------
    ValueError
        For names and shapes that are not those of these layers.
    """
    if not {"kernel", "recurrent_kernel"} <= weights.keys() <= {"kernel", "recurrent_kernel", "bias"}:
        raise ValueError(f"there is {', '.join(weights)}: expected kernel, recurrent_kernel and perhaps bias")
    U, W = (np.asarray(weights[name]).T for name in ("kernel", "recurrent_kernel"))
    bias = np.asarray(weights.get("bias", np.zeros(len(W), W.dtype)))
    first, second = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    if "bias" in weights and reset is None:
        reset = "after" if bias.ndim == 2 else "before"
    if W.ndim == 2 and len(W) == 3 * W.shape[1]:
        U, W, first, second = (_swapped(value) for value in (U, W, first, second))
    return _built(W, U, first, second, f, reset or "after")


def to_keras(model: RNN | LSTM | GRU) -> dict[str, Array]:
    """The weights of the layer of Keras that computes the same h_t.

    V and c are not in it: they are a ``Dense`` layer behind it.

    Parameters
    ----------
    model : RNN, LSTM or GRU
        Of a `Stacked`, one layer at a time.

    Returns
    -------
    dict of str to ndarray
        For ``layer.set_weights(list(weights.values()))``: "kernel", "recurrent_kernel" and "bias".

    Raises
    ------
    ValueError
        For what Keras has not: peepholes, layer normalisation, other models.
    """
    _same_elsewhere(model, "Keras")
    U, W, b = model.U.data, model.W.data, model.b.data
    if isinstance(model, GRU):
        U, W, b = _swapped(U), _swapped(W), _swapped(b)
        if model.reset == "after":
            second = np.zeros_like(b)
            second[model.rows("candidate")] = model.d.data
            b = np.stack([b, second])
    return {"kernel": U.T, "recurrent_kernel": W.T, "bias": b}


# -- both -------------------------------------------------------------------------------------------------------------


def _built(
    W: Array, U: Array, first: Array, second: Array, f: str | Function, reset: Literal["after", "before"]
) -> RNN | LSTM | GRU:
    """A model of the kind that the shapes tell; of the two biases, the second belongs to the product with W."""
    if W.ndim != 2 or U.ndim != 2 or not W.shape[1] or len(W) != len(U) or len(W) / W.shape[1] not in KINDS:
        raise ValueError(
            f"recurrent weights of shape {W.shape} and input weights of shape {U.shape}, in rows: expected (k n, n) and"
            " (k n, n_in) with k = 1 for an RNN, 3 for a GRU, 4 for an LSTM"
        )
    if not first.shape == second.shape == (len(W),):
        raise ValueError(f"biases of shapes {first.shape} and {second.shape} do not go with {len(W)} rows")
    n, (rows, n_in) = W.shape[1], U.shape
    if rows == 3 * n:
        model: RNN | LSTM | GRU = GRU(n_in, n, f=f, reset=reset, dtype=W.dtype)
    else:
        model = KINDS[rows // n](n_in, n, f=f, dtype=W.dtype)
    state = {"W": W, "U": U, "b": first + second}
    if isinstance(model, GRU) and reset == "after":
        candidate = model.rows("candidate")
        state |= {"b": np.concatenate([state["b"][: 2 * n], first[candidate]]), "d": second[candidate]}
    model.load_state_dict(state)
    return model


def _same_elsewhere(model: Any, where: str) -> None:
    """Refuse what the other package would not compute."""
    if not isinstance(model, (RNN, LSTM, GRU)) or "U" not in model.parameters() or "W" not in model.parameters():
        raise ValueError(f"{type(model).__name__} is not among what {where} has: RNN, LSTM and GRU")
    for option in ("layer_norm", "peepholes"):
        if getattr(model, option, False):
            raise ValueError(f"{where} has no {type(model).__name__} with {option}")
    if type(model).states not in (RNN.states, LSTM.states, GRU.states):
        raise ValueError(f"{type(model).__name__} has a step of its own, which {where} has not")


def _swapped(rows: Array) -> Array:
    """The first two of three blocks of rows in the other order."""
    return np.concatenate([np.split(rows, 3)[k] for k in SWAPPED])
