"""A job of a sweep, and what came of it: plain values in, arrays out, one file each.

A job is nothing but numbers and words, so that it means the same in every process, on every machine, and next year.
What came of it is arrays by name, or an error. It is stored as soon as it is there, in a file of its own that is
written wholly or not at all: an archive like NumPy's .npz, in which nothing is pickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.files import read_arrays, write_arrays

Plain: TypeAlias = bool | int | float | str | None
Train: TypeAlias = Callable[..., Any]
WHAT = "outcome that a sweep wrote"
VERSION = 1
"""Of the files. Others are not read."""
LONGEST = 100  # characters of a file's name that tell what is in it


@dataclass(frozen=True)
class Job:
    """One call: ``train(**options, seed=seed)``.

    Attributes
    ----------
    options : dict of str to bool, int, float, str or None
    seed : int
    """

    options: dict[str, Plain]
    seed: int

    @property
    def key(self) -> str:
        """The same text for the same job, and another one for every other; 1, 1.0 and True are three."""
        return json.dumps({"options": self.options, "seed": self.seed}, sort_keys=True)

    @property
    def file(self) -> str:
        """A file name that a person can read, and that no other job has."""
        told = ",".join(f"{name}={value}" for name, value in (*self.options.items(), ("seed", self.seed)))
        readable = re.sub(r"[^A-Za-z0-9=.,+-]+", "_", told)[:LONGEST]
        return f"{readable}-{hashlib.sha256(self.key.encode()).hexdigest()[:16]}.npz"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    options, seed
        The job: ``train(**options, seed=seed)`` was called.
    values : dict of str to ndarray
        What it returned, of any shape: a single number or array is called ``"value"``. Empty if it failed.
    error : str or None
        The exception that it raised, in a line, with the file and line that raised it.
    """

    options: dict[str, Plain]
    seed: int
    values: dict[str, Array] = field(default_factory=dict)
    error: str | None = None

    @property
    def job(self) -> Job:
        return Job(self.options, self.seed)

    def __repr__(self) -> str:
        called = ", ".join(f"{name}={value!r}" for name, value in (*self.options.items(), ("seed", self.seed)))
        return f"<Outcome of {called}: {self.error or ', '.join(self.values) or 'nothing'}>"


def perform(train: Train, job: Job, ticket: bytes = b"") -> Outcome:
    """Call ``train`` for a job. What it raises is what came of it; but Ctrl-C is not its own.

    The ``ticket`` is for dask alone, which takes equal calls for one, and would not do again what has failed.
    """
    try:
        return Outcome(job.options, job.seed, arrays(train(**job.options, seed=job.seed)))
    except (Exception, SystemExit) as error:
        return Outcome(job.options, job.seed, error=said(error))


def arrays(found: Any) -> dict[str, Array]:
    """What a function returned, as arrays by name.

    Parameters
    ----------
    found : number, str, array, or a dict, named tuple or dataclass of these
        A single one is called ``"value"``.

    Raises
    ------
    TypeError
        If something in it cannot be stored without pickling it.
    """
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        found = {each.name: getattr(found, each.name) for each in dataclasses.fields(found)}
    elif hasattr(found, "_asdict"):
        found = found._asdict()
    elif not isinstance(found, Mapping):
        found = {"value": found}
    taken: dict[str, Array] = {}
    for name, value in found.items():
        if not isinstance(name, str):
            raise TypeError(f"train returned a dict with the key {name!r}: call what it found by names, which are str")
        taken[name] = np.array(value)
        if taken[name].dtype.hasobject:
            raise TypeError(
                f"train returned {type(value).__name__} for {name}: a number, a string or an array of these can be"
                " stored; for nothing, return NaN"
            )
    return taken


def said(error: BaseException) -> str:
    """An exception in a line: its kind, what it says, and where it was raised."""
    line = " ".join("".join(traceback.format_exception_only(error)).split())
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return f"{line} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else line


def store(outcome: Outcome, folder: Path) -> Path:
    """Write ``outcome`` to its file in ``folder``, wholly or not at all."""
    told = {"version": VERSION, "options": outcome.options, "seed": outcome.seed, "error": outcome.error}
    values = {f"values/{name}": value for name, value in outcome.values.items()}
    return write_arrays(folder / outcome.job.file, {"outcome": np.array(json.dumps(told)), **values})


def stored(path: Path) -> Outcome:
    """Read what `store` wrote.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it is something else.
    """
    found = read_arrays(path, WHAT)
    try:
        told = json.loads(found.pop("outcome").item())
        if told["version"] != VERSION:
            raise ValueError(f"its version is {told['version']}, and {VERSION} is read here")
        values = {name.removeprefix("values/"): value for name, value in found.items()}
        return Outcome(told["options"], told["seed"], values, told["error"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no {WHAT}: {error}") from None
