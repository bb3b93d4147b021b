"""Checkpoints: all that a training needs to go on as if it had never been interrupted, in one file.

The file is NumPy's ``.npz``, holds no pickle, and is replaced in a single step (`minigrad.files`): whenever a training
is killed, there is a whole one. `numpy.load` opens it, too; the entry ``about`` is JSON, and the others are arrays:
``last/W``, ``best/W``, ``optimizer/W.m``, ``history/costs`` ...

Examples
--------
>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from minigrad.rnn import RNN, checkpoints, fit, tasks
>>> task = tasks.Adding(T=5)
>>> model = RNN(task.n_in, 4, task.n_out, rng=0)
>>> with TemporaryDirectory() as folder:
...     _ = fit(model, task, updates=2, checkpoint=Path(folder, "adding.npz"))
...     kept = checkpoints.read(Path(folder, "adding.npz"))
...     copy = checkpoints.write(Path(folder, "copy.npz"), kept).name
>>> kept.history.steps, copy
(2, 'copy.npz')
>>> checkpoints.described(task)["T"]
5
>>> checkpoints.difference(checkpoints.described(task), checkpoints.described(tasks.Adding(T=6)))
'T is 5 there and 6 here'
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.files import read_arrays, write_arrays
from minigrad.rnn.history import History, State

FORMAT = 1
WHAT = "checkpoint that minigrad.rnn.fit wrote"
COLUMNS = {"costs": float, "norms": float, "clipped": bool}
NUMBERS = ("steps", "stride", "limit", "clippings", "best_step", "waited")
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, np.ufunc, type)


@dataclass(frozen=True)
class Checkpoint:
    """A training after a whole number of updates.

    Attributes
    ----------
    history : History
        With the parameters in ``history.last`` and, if validation has found any, ``history.best``.
    optimizer : dict of str to ndarray
        Its `state_dict`.
    generator : dict, optional
        The ``bit_generator.state`` of what batches are drawn by.
    closing : (int, float), optional
        A validation at the end of a training, out of its turn: one that goes on has never made it.
    belongs : dict
        What the file belongs to, in JSON: ``"model"``, ``"optimizer"``, ``"task"`` and ``"settings"``, see `described`.
    configuration : dict
        What the caller of `minigrad.rnn.fit` has put there, in JSON.
    """

    history: History
    optimizer: State
    generator: dict[str, Any] | None = None
    closing: tuple[int, float] | None = None
    belongs: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many updates there were."""
        return self.history.steps

    @property
    def last(self) -> State:
        """The parameters after all updates."""
        return self.history.last or {}

    @property
    def best(self) -> State | None:
        """Those that did best in validation, the closing one included; None without validation."""
        if self.closing is not None and self.closing[1] < self.history.best_cost:
            return self.last
        return self.history.best

    @property
    def parameters(self) -> State:
        """The best parameters or, without validation, the last."""
        return self.last if self.best is None else self.best


def write(path: str | os.PathLike[str], checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, wholly or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError
        If the configuration cannot be written as JSON.
    """
    history = checkpoint.history
    about = {
        "format": FORMAT,
        **checkpoint.belongs,
        "configuration": checkpoint.configuration,
        "generator": checkpoint.generator,
        "closing": checkpoint.closing,
        "history": {name: getattr(history, name) for name in NUMBERS} | {"best_cost": repr(history.best_cost)},
    }
    arrays: dict[str, Any] = {"about": np.array(json.dumps(about, ensure_ascii=False))}
    arrays |= {f"history/{name}": np.array(getattr(history, name), kind) for name, kind in COLUMNS.items()}
    arrays["history/validation"] = np.array(history.validation, float).reshape(-1, 2)
    for part, state in (("last", history.last), ("best", history.best), ("optimizer", checkpoint.optimizer)):
        arrays |= {f"{part}/{name}": value for name, value in (state or {}).items()}
    return write_arrays(path, arrays)


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it is no checkpoint of a training, is damaged, or was written by a newer minigrad.
    """
    arrays = read_arrays(path, WHAT)
    try:
        about = json.loads(arrays.pop("about").item())
        form, numbers = about.pop("format"), about.pop("history")
        if form != FORMAT:
            raise ValueError(f"its format is {form}, and this minigrad reads format {FORMAT}")
        cost = float(numbers.pop("best_cost"))  # JSON knows no infinity
        history = History(
            **{name: arrays.pop(f"history/{name}").tolist() for name in COLUMNS},
            validation=[(int(step), found) for step, found in arrays.pop("history/validation").tolist()],
            **numbers,
            best_cost=cost,
            best=_part("best", arrays) or None,
            last=_part("last", arrays),
        )
        closing = about.pop("closing")
        return Checkpoint(
            history,
            _part("optimizer", arrays),
            about.pop("generator"),
            None if closing is None else (closing[0], closing[1]),
            configuration=about.pop("configuration"),
            belongs=about,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        missing = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{os.fspath(path)} is no {WHAT}: {missing}") from None


def _part(part: str, arrays: Mapping[str, Array]) -> State:
    """The arrays whose names begin so, which nobody can change."""
    found = {}
    for name, value in arrays.items():
        if name.startswith(f"{part}/"):
            value.flags.writeable = False
            found[name.removeprefix(f"{part}/")] = value
    return found


# -- what a checkpoint belongs to -------------------------------------------------------------------------------------


def described(thing: Any, without: tuple[str, ...] = ()) -> Any:
    """What can be said in JSON about a model, an optimizer or a task: its class, and how it was built.

    Parameters
    ----------
    thing : object
        Of an object, those of its constructor's options that are attributes too, save those in ``without``; functions
        by their names; arrays and long texts by a digest; numbers, and containers of all these, as they are.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Equal for objects that were built alike, today and in another process.
    """
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or isinstance(thing, (bool, int, float)):
        return thing
    if isinstance(thing, str):
        return thing if len(thing) <= 200 else f"text of {len(thing)} characters, {_digest(thing.encode())}"
    if isinstance(thing, np.dtype):
        return thing.name
    if isinstance(thing, (np.ndarray, Tensor)):
        values = np.ascontiguousarray(thing.data if isinstance(thing, Tensor) else thing)
        return f"{values.dtype} {list(values.shape)}, {_digest(values.tobytes())}"
    if isinstance(thing, Mapping):
        return {str(name): described(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [described(value) for value in thing]
    if isinstance(thing, FUNCTIONS):
        return thing.__name__
    own = getattr(thing, "__dict__", {})
    names = [name for name in _options(type(thing)) if name in own and name not in without]
    return {"class": type(thing).__qualname__} | {name: described(own[name]) for name in names}


def difference(there: Any, here: Any) -> str | None:
    """The first thing in which two descriptions differ, in words; None if they are equal."""
    one, other = dict(_leaves(there)), dict(_leaves(here))
    for name in [*one, *(other.keys() - one.keys())]:
        told, own = (json.dumps(found[name]) if name in found else "absent" for found in (one, other))
        if told != own:
            return f"{name} is {told} there and {own} here"
    return None


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, (dict, list)) and tree:
        for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    else:
        yield path, tree


def _options(kind: type) -> dict[str, None]:
    """The names of the parameters of a class's constructor, and of those that it hands on to."""
    found = dict[str, None]()
    for each in kind.__mro__:
        if isinstance(init := vars(each).get("__init__"), FunctionType):
            found |= dict.fromkeys([*inspect.signature(init).parameters][1:])
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
