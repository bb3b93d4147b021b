"""Module: something with parameters that have names, so that they can be counted, saved and put back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.files import writing


class Module:
    """Base class: every attribute that is a `Tensor` with ``requires_grad`` is a parameter; modules may be nested."""

    def parameters(self) -> dict[str, Tensor]:
        """The parameters by name, in the order in which they were set; those of a module ``a`` as ``"a.W"``."""
        found: dict[str, Tensor] = {}
        open_: list[tuple[str, Any]] = [(name, value) for name, value in reversed(vars(self).items())]
        seen = {id(self)}
        while open_:
            name, value = open_.pop()
            if isinstance(value, Tensor) and value.requires_grad:
                found[name] = value
            elif isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                open_ += [(f"{name}.{inner}", v) for inner, v in reversed(vars(value).items())]
        return found

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {parameter.shape}" for name, parameter in self.parameters().items())
        return f"<{type(self).__name__} with {shapes or 'no parameters'}>"

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters().values():
            parameter.grad = None

    def state_dict(self) -> dict[str, Array]:
        """The parameters' values by name. The arrays are read-only, so this is a snapshot that costs nothing."""
        return {name: parameter.data for name, parameter in self.parameters().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the parameters the values of ``state``.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a shape differs. Nothing has been assigned then.
        """
        parameters = self.parameters()
        if state.keys() != parameters.keys():
            raise ValueError(
                f"the state holds parameters {sorted(state)}, the module has {sorted(parameters)}: the names must agree"
            )
        for name, parameter in parameters.items():
            if np.shape(state[name]) != parameter.shape:
                raise ValueError(
                    f"the state's {name} has shape {np.shape(state[name])}, the module's {parameter.shape}:"
                    " build the module with the sizes that were saved"
                )
        for name, parameter in parameters.items():
            parameter.data = state[name]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the parameters to ``path`` (NumPy's .npz format), wholly or not at all."""
        from zipfile import ZipFile  # here, because few programs save and all import this file

        with writing(path, "wb") as file, ZipFile(file, "w") as archive:
            for name, values in self.state_dict().items():  # `numpy.savez` would refuse parameters called "file"
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, values, allow_pickle=False)
        return Path(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read parameters that `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            self.load_state_dict(dict(archive))
