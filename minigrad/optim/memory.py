"""What an optimizer remembers: to come back to a step, to go on in another process, to be part of a program.

`minigrad.compile` runs a step of training as a program. It is given the memory and the learning rate at every run, and
hands back what the memory becomes: see `minigrad.compiler.keeping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad.containers import Keeper
from minigrad.engine.standin import StandIn
from minigrad.engine.tensor import Array
from minigrad.optim.clips import AutoClip, Clip
from minigrad.optim.schedules import Plateau, Schedule


class Step(NamedTuple):
    """What a step met.

    Attributes
    ----------
    norm : float
        ‖g‖₂ of the whole gradient before clipping.
    scale : float
        What it was multiplied by: 1 if it was short enough, 0 if it was skipped.
    clipped : bool
        Whether it was shortened.
    skipped : bool
        Whether it held NaN or infinity, and nothing was changed.
    """

    norm: float
    scale: float
    clipped: bool
    skipped: bool


class Memory(NamedTuple):
    """What an optimizer knew after so many steps: see `Optimizer.memory`."""

    steps: int
    state: dict[str, Array]
    taken: int
    norms: int
    schedule: dict[str, float]


REMEMBERED = {"_lr", "state", "steps", "history", "norms"}
"""What changes from step to step."""


class Later:
    """In the place of a record of what was before: it can be added to, and not looked at."""

    def __init__(self, name: str, there: StandIn) -> None:
        self.name, self.there = name, there
        self.added: list[Any] = []

    def append(self, entry: Any) -> None:
        """One more."""
        self.added.append(entry)

    def __getattr__(self, name: str) -> Any:
        raise self.there.refuse(f"{self.name} is looked at, which will be another one at the next run")

    def _refused(self, *args: Any) -> Any:
        return self.__getattr__("")

    __len__ = __iter__ = __getitem__ = __contains__ = __bool__ = __eq__ = _refused
    __hash__ = None  # type: ignore[assignment]


class Remembering(Keeper):
    """An optimizer's memory of past gradients and of its steps: its attributes are those of `Optimizer`."""

    clip: Clip | None
    state: dict[str, Array]
    steps: int
    history: list[Step]
    norms: list[float]
    _lr: float | Schedule

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        raise NotImplementedError

    def keep(self, name: str, **memories: Any) -> None:
        """Put these into the memory of the parameter ``name``."""
        for what, value in memories.items():
            array: Any = value if isinstance(value, StandIn) else np.asarray(value)
            self.state[f"{name}.{what}"] = array

    def _note(self, step: Step) -> None:
        self.steps += not step.skipped
        if isinstance(self.clip, AutoClip) and not step.skipped:
            self.norms.append(step.norm)
        self.history.append(step)

    def memory(self) -> Memory:
        """What `recall` needs to come back to this step; unlike `state_dict` it copies no numbers."""
        taken = len(self.history), len(self.norms)
        return Memory(self.steps, dict(self.state), *taken, self._schedule())

    def recall(self, memory: Memory) -> None:
        """Forget what has happened since `memory` was asked for; the parameters stay as they are."""
        self.steps, self.state = memory.steps, dict(memory.state)
        del self.history[memory.taken :], self.norms[memory.norms :]
        self._reschedule(memory.schedule)

    def state_dict(self) -> dict[str, Array]:
        """The memory and the number of steps, as copies: what `load_state_dict` needs to go on from here.

        With `Plateau` or `AutoClip`, its memory is part of it. The parameters are not, and neither is what was chosen
        when the optimizer was made, such as a learning rate that is a number.
        """
        found = {"steps": np.array(self.steps)} | {key: np.array(value) for key, value in self.state.items()}
        if isinstance(self.clip, AutoClip):
            found["clip.norms"] = np.array(self.norms, np.float64)
        return found | {f"lr.{key}": np.array(value) for key, value in self._schedule().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of an optimizer of the same kind, parameters and options.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or of another shape. Nothing has been changed then.
        """
        expected = self.state_dict()
        if state.keys() != expected.keys():
            raise ValueError(
                f"this state is of another optimizer: {sorted(expected.keys() - state.keys())} are missing"
                f" and {sorted(state.keys() - expected.keys())} unknown"
            )
        loaded = {key: np.array(state[key], expected[key].dtype) for key in expected}
        norms = loaded.pop("clip.norms", np.empty(0))
        for key, value in loaded.items():
            if value.shape != expected[key].shape:
                raise ValueError(f"{key} has shape {value.shape} in this state, and {expected[key].shape} here")
        steps = int(loaded.pop("steps"))
        self._reschedule({key: loaded.pop(f"lr.{key}").item() for key in self._schedule()})
        self.steps, self.state, self.norms = steps, loaded, [float(norm) for norm in norms.ravel()]

    def _schedule(self) -> dict[str, float]:
        """What the learning rate remembers."""
        return self._lr.state_dict() if isinstance(self._lr, Plateau) else {}

    def _reschedule(self, memory: Mapping[str, float]) -> None:
        if isinstance(self._lr, Plateau):
            self._lr.load_state_dict(memory)

    # -- as part of a program -----------------------------------------------------------------------------------------

    def kept(self) -> dict[str, Any]:
        """The learning rate, the norms that `AutoClip` needs, in one object, and the memory."""
        kept: dict[str, Any] = {"lr": np.float64(self.lr)}
        if isinstance(self.clip, AutoClip):
            kept["norms"] = np.empty((), object)
            kept["norms"][()] = self.norms
        return kept | self.state

    def fixed(self) -> dict[str, Any]:
        """All options, and whether the learning rate is another one after a step."""
        fixed = {name: value for name, value in vars(self).items() if name not in REMEMBERED}
        return fixed | {"scheduled": callable(self._lr)}

    def twin(self, kept: Mapping[str, Any], fixed: Mapping[str, Any]) -> Self:
        """One in which a step is written down, with stand-ins for what is kept."""
        twin = object.__new__(type(self))
        state = dict(kept)
        lr = state.pop("lr")
        given = {**fixed, "_lr": lr, "norms": state.pop("norms", []), "state": state}
        given |= {name: Later(f"optimizer.{name}", lr) for name in ("steps", "history")}
        twin.__dict__.update(given, **{"as given": given, "state": dict(state)})
        return twin

    def left(self) -> dict[str, Any]:
        """Of a twin: what has changed in the memory, and the steps that were taken."""
        given = vars(self).pop("as given")
        if other := [
            name for name, value in vars(self).items() if name != "state" and value is not given.get(name, given)
        ]:
            raise given["_lr"].refuse(
                f"{type(self).__name__}.{other[0].lstrip('_')} was changed, which no program does: what a method"
                " remembers belongs into its state, and the learning rate is assigned outside"
            )
        found = {key: value for key, value in self.state.items() if value is not given["state"].get(key)}
        for number, step in enumerate(given["history"].added):
            met = step._asdict() if isinstance(step.skipped, StandIn) else step._asdict() | {"skipped": None}
            found |= {f"{what} {number}": value for what, value in met.items() if value is not None}
        return found

    def settle(self, left: Mapping[str, Any]) -> None:
        """Remember what a program has left: the memory, and its steps."""
        left = dict(left)
        number = 0
        while f"norm {number}" in left:
            values = [left.pop(f"{what} {number}", False) for what in Step._fields]  # skipped where that can be
            self._note(Step(float(values[0]), float(values[1]), bool(values[2]), bool(values[3])))
            number += 1
        self.state |= {key: np.asarray(value) for key, value in left.items()}
