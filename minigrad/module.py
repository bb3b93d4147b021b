"""Module: something with parameters that have names, so that they can be counted, saved and put back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MemberDescriptorType
from typing import Any, Self

import numpy as np

from minigrad.containers import CONTAINERS, Parts
from minigrad.engine.tensor import Array, Tensor, operand
from minigrad.files import read_arrays, write_arrays


class Module(Parts):
    """Base class: every attribute that is a `Tensor` with ``requires_grad`` is a parameter.

    Modules may be nested, and both may stand in lists, tuples and dicts. A module is an argument like these of `grad`
    and all other transforms: its gradient is a dict by the parameters' names.

    Raises
    ------
    TypeError
        Where a subclass is written with ``__slots__``: a parameter in a slot would never be found.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        slotted = [vars(each).items() for each in cls.__mro__ if "__slots__" in vars(each)]
        slots = [name for items in slotted for name, part in items if isinstance(part, MemberDescriptorType)]
        if slots:
            raise TypeError(
                f"{cls.__name__} has slots for {', '.join(slots)}, and a parameter in a slot would never be found:"
                " leave __slots__ out (of a dataclass, slots=True)"
            )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a parameter can be replaced by another one, but not by something that is none."""
        known = vars(self).get(name)
        if isinstance(known, Tensor) and known.requires_grad and not (value is None or isinstance(value, Tensor)):
            raise TypeError(
                f"{name} is a parameter, and a {type(value).__name__} in its place would be none: write"
                f" m.{name}.data = ... for new values, m.{name} = Tensor(..., requires_grad=True) for a new parameter"
            )
        super().__setattr__(name, value)

    def parameters(self) -> dict[str, Tensor]:
        """The parameters by name, in the order in which they were set.

        Those of a module ``a`` are called ``"a.W"``, the first in a list ``cells`` ``"cells.0"`` or ``"cells.0.W"``.
        """
        found: dict[str, Tensor] = {}
        open_: list[tuple[str, Any]] = [*_parts("", self)]
        seen = {id(self)}
        while open_:
            name, value = open_.pop()
            if isinstance(value, Tensor):
                if value.requires_grad:
                    found[name] = value
            elif isinstance(value, OPENED) and id(value) not in seen:
                seen.add(id(value))
                open_ += _parts(f"{name}.", value)
        return found

    def with_parameters(self, new: Mapping[str, Tensor]) -> Self:
        """A module like this one, with these tensors for parameters; what else it has, both have in common."""
        places = {id(tensor): new[name] for name, tensor in self.parameters().items()}
        made: dict[int, Any] = {}  # by what they are copies of: a module may stand in two places, or in itself

        def copied(value: Any) -> Any:
            if isinstance(value, Tensor):
                return places.get(id(value), value)
            if id(value) in made or not _parts("", value):
                return made.get(id(value), value)
            if isinstance(value, tuple):
                parts = [copied(part) for part in value]
                return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
            twin: Any = object.__new__(type(value)) if isinstance(value, Module) else type(value)()
            made[id(value)] = twin
            if isinstance(value, list):
                twin += [copied(part) for part in value]
            else:
                into, items = (vars(twin), vars(value)) if isinstance(value, Module) else (twin, value)
                into.update({key: copied(part) for key, part in items.items()})
            return twin

        twin: Self = copied(self)
        return twin

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
        TypeError
            If a value holds no real numbers. Nothing has been assigned then, either.
        """
        parameters = self.parameters()
        if state.keys() != parameters.keys():
            raise ValueError(
                f"the state holds parameters {sorted(state)}, the module has {sorted(parameters)}: the names must agree"
            )
        values: dict[str, Array] = {}
        for name, parameter in parameters.items():
            values[name] = np.asarray(operand(state[name], f"the state's {name}"))
            if values[name].dtype.kind not in "fiu":
                raise TypeError(f"the state's {name} has dtype {values[name].dtype}: parameters are real numbers")
            if values[name].shape != parameter.shape:
                raise ValueError(
                    f"the state's {name} has shape {values[name].shape}, the module's {parameter.shape}:"
                    " build the module with the sizes that were saved"
                )
        for name, parameter in parameters.items():
            parameter.data = values[name]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the parameters to ``path`` (NumPy's .npz format), wholly or not at all."""
        return write_arrays(path, self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read parameters that `save` wrote.

        Raises
        ------
        OSError
            If there is no such file, or it cannot be read.
        ValueError
            If it is no checkpoint, or not one of this module. Nothing has been assigned then.
        """
        self.load_state_dict(read_arrays(path, "checkpoint that Module.save wrote"))


OPENED = (Module, *CONTAINERS)
"""What parameters are looked for in."""


def _parts(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """What stands in a module or container, by name, the last first; nothing for anything else."""
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Module):
        parts = vars(value).items()
    elif isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, (list, tuple)):
        parts = enumerate(value)
    return [(f"{prefix}{name}", part) for name, part in reversed(list(parts))]
