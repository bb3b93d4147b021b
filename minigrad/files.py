"""Writing a file whole or not at all.

A picture, a checkpoint or a table that was cut short by an error or by Ctrl-C looks like a result and is none. So
everything in minigrad that writes a file does it here: into a new file in the same folder, which takes the place of
the old one in a single step once it is complete.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np


@contextmanager
def writing(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open ``path`` for writing, so that it appears, or changes, only if the block succeeds.

    Parameters
    ----------
    path : path-like
        The file to write, in a folder that exists. A link is followed; a device or pipe is written to directly. A file
        that is replaced leaves its permissions to the new one.
    mode : {"w", "wb"}
        Text (UTF-8, lines end as written, on every system) or bytes.

    Yields
    ------
    file object
        Open for writing; closed at the end of the block. When the block raises, KeyboardInterrupt included, what was
        written is thrown away and ``path`` is left as it was.

    Raises
    ------
    OSError
        If the folder does not exist or must not be written to, or ``path`` is a folder itself. It names the path and
        is of the kind that Python would raise (FileNotFoundError, PermissionError ...).
    ValueError
        If ``mode`` is another one.

    Examples
    --------
    >>> with writing("losses.csv") as file:  # doctest: +SKIP
    ...     file.write("step,loss\\n")
    """
    if mode not in ("w", "wb"):
        raise ValueError(f"mode {mode!r} given: a file is written whole, so it is 'w' for text or 'wb' for bytes")
    text = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        with open(path, mode, **text) as file:  # type: ignore[call-overload]  # a device, such as /dev/stdout
            yield file
        return

    target = path.resolve()  # of a link, the file that it names is replaced, not the link
    beside = target.with_name(f".minigrad-{os.urandom(8).hex()}.tmp")
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file = open(beside, mode.replace("w", "x"), **text)  # type: ignore[call-overload]  # noqa: SIM115
    except OSError as error:
        raise _explained(error, path, target.parent) from error
    try:
        with file:
            if target.exists():
                beside.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _explained(error: OSError, path: Path, folder: Path) -> OSError:
    if path.is_dir():
        advice = "is a folder: name a file in it"
    elif not folder.is_dir():
        advice = f"cannot be written, there is no folder {folder}: create it, or name another one"
    else:
        advice = f"cannot be written in the folder {folder} ({error.strerror}): name another one, or change that"
    return type(error)(error.errno, f"{path} {advice}")


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> Path:
    """Write arrays by name to ``path`` (NumPy's .npz format, without pickle), wholly or not at all."""
    from zipfile import ZipFile  # imported when something is saved: few programs do

    if cut := [name for name in arrays if "\0" in name]:
        raise ValueError(f"an array is called {cut[0]!r}: the name of an entry ends at \\0, so leave that out")
    with writing(path, "wb") as file, ZipFile(file, "w") as archive:
        for name, values in arrays.items():  # `numpy.savez` would refuse an array called "file"
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, np.asanyarray(values), allow_pickle=False)
    return Path(path)


def read_arrays(path: str | os.PathLike[str], what: str) -> dict[str, np.ndarray[Any, Any]]:
    """Read what `write_arrays` wrote.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If it was not written so, or is damaged: it is not ``what`` is needed.
    """
    from zipfile import BadZipFile, ZipFile

    arrays: dict[str, np.ndarray[Any, Any]] = {}
    try:
        with ZipFile(path) as archive:
            for entry in archive.namelist():  # `numpy.load` takes "W.npy" and "W" for one name
                with archive.open(entry) as file:
                    arrays[entry.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
    except (BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise ValueError(f"{os.fspath(path)} is no {what}: {error}") from None
    return arrays
