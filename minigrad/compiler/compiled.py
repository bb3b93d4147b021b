"""`compile`: a function that runs as the NumPy program that it comes down to."""

from __future__ import annotations

import gc
import inspect
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from itertools import count
from types import MethodType
from typing import Any

import numpy as np

from minigrad.compiler.again import Sight, outline, sighted
from minigrad.compiler.arguments import Found, Wrapper, exchanged, look, traced_already
from minigrad.compiler.keeping import settle
from minigrad.compiler.lengths import Sequences, any_length, candidates, confirmed
from minigrad.compiler.node import Differing, Unusual
from minigrad.compiler.program import PASSES, Figures, Program, Source, written
from minigrad.compiler.steady import FEW, steady, telling
from minigrad.compiler.traced import Refused
from minigrad.compiler.tracing import once, traced
from minigrad.containers import Keeper, mapped
from minigrad.engine.context import context
from minigrad.engine.standin import even
from minigrad.engine.tensor import Tensor
from minigrad.transforms import is_argument

SIGHTS = 4
"""Of how many kinds of calls is known how they look: those of training and of validation, with a last batch each."""


def compile(f: Callable[..., Any], *, roll: bool = True, without: str | Iterable[str] = (), most: int = 16) -> Compiled:
    """``f`` as a program: traced once for each kind of arguments, and from then on run without a graph.

    Parameters
    ----------
    f : callable
        Of arrays, tensors, modules, and nested dicts, lists and tuples of them: a loss, ``value_and_grad(loss)``, a
        step of training. It is a function of its arguments: what it prints, it does while it is traced only. Arrays and
        modules that it takes from its closure, or from global names, are looked at in every call.
    roll : bool
        Write the steps of a recurrence as loops, and what does not depend on the step before as one call for all of
        them. The last bits then differ from those of ``f`` itself; without, they are the same.
    without : str or iterable of str
        Passes to leave out, to see what each is worth: "simplify", "lower", "simplify again", "part", "flatten",
        "turn", "factor", "split", "sink", "merge", "blocks", "share", described in docs/compile.md. The program gives
        the same. Without "reorder", sums over the steps are added up in the order in which the engine does: mostly to
        the same bits.
    most : int
        How many programs are kept, the ones used last; and after so many a warning says that ``f`` is compiled again
        and again.

    Returns
    -------
    Compiled
        Takes what ``f`` takes and gives what it gives, arrays where that is tensors. Where arguments require grad (an
        outer transform passed them) or anomalies are looked for, ``f`` itself is called.

    Raises
    ------
    TypeError
        At the first call, if what ``f`` does depends on values in a way that no program has, with the line that does
        it: ``if x > 0``, ``float(x)``, a number of elements, random numbers. Or if ``f`` keeps something for its next
        call: in an attribute, a variable around it, a list or dict.
    ValueError
        If there is no pass of a name in ``without``.

    Examples
    --------
    >>> from minigrad import value_and_grad
    >>> step = compile(value_and_grad(lambda w, x: np.sum(np.tanh(w * x))))
    >>> step(np.ones(2), np.zeros(2))
    (np.float64(0.0), array([0., 0.]))
    """
    left_out = frozenset([without] if isinstance(without, str) else without)
    if unknown := left_out.difference(PASSES):
        raise ValueError(f"without={sorted(map(str, unknown))}: no such pass; there are {', '.join(PASSES)}")
    return Compiled(f, roll, left_out, most)


@dataclass(frozen=True)
class Report(Figures):
    """What a program is: see `Compiled.report`.

    Attributes
    ----------
    inputs : int
        How many arrays the program is given.
    recorded : int
        How many calls ``f`` made.
    passes : dict of str to int
        How many calls there were after each pass, up to the loops.
    calls, calls_a_step : int
        How many the program makes, and how many of them at each step of its loops, all loops together.
    flops : int
        Multiplications and additions in products of matrices (`matmul`, `dot`, `vdot`, `inner`), at each run.
    buffers, bytes : int
        How many there are, and their memory.
    rolled : bool
    why : str
        If it is not rolled: why.
    programs, traced : int
        How many programs there are, and how often ``f`` was traced.
    """

    rolled: bool
    why: str
    programs: int
    traced: int


class Compiled(Wrapper):
    """What `compile` gives: a function of the same arguments."""

    def __init__(self, f: Callable[..., Any], roll: bool, without: frozenset[str], most: int) -> None:
        self.f, self.roll, self.without, self.most = f, roll, without, most
        self.programs: dict[Any, Program] = {}
        self.refusals: OrderedDict[Any, Refused] = OrderedDict()
        self.patterns: OrderedDict[Any, Callable[[int], Source | None] | None] = OrderedDict()
        self.lock, self.traced, self.uses = threading.RLock(), 0, count()
        self.sights: OrderedDict[Any, Sight] = OrderedDict()
        self.last: Program | None = None
        update_wrapper(self, f, updated=())  # attributes of f may be called as these are

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        surrounding = context.get()
        if surrounding.watch is not None:
            return self.f(*args, **kwargs)
        first = outline(args, kwargs), bool(surrounding.recording)
        sight = self.sights.get(first)
        known, keepers = sight.filled(args) if sight else None, list[Keeper]()
        if sight and known:
            program, found = sight.program, known
        else:
            kind, found = self.looked_at(args, kwargs)
            keepers = found.keepers
            if graph_wanted(args, kwargs) or traced_already(found):
                return self.f(*args, **kwargs)
            program = self.programs.get(kind) or self.compiled(kind, args, kwargs, found)
            if first[0] is not None and not keepers:
                self.remember(first, sighted(self.f, args, program))
        self.last, program.used = program, next(self.uses)
        try:
            results = program.run(arrays_in(found))
        except Unusual:
            return mapped(_own, self.f(*args, **kwargs))
        source = program.source
        if source.effects:
            settle(found, keepers, source.effects, results[source.count :])
        values = iter(results)
        return mapped(lambda _: _own(next(values)), source.structure)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """``@compile`` above a method: called with the instance, as a function is."""
        return self if instance is None else MethodType(self, instance)

    def looked_at(self, args: Any, kwargs: Any) -> tuple[Any, Found]:
        """What tells a call from others, and all arrays and tensors in it."""
        key: list[Any] = [bool(context.get().recording)]
        found = Found()
        look((self.f, args, kwargs), key, found, {})
        return tuple(key), found

    def remember(self, first: Any, sight: Sight) -> None:
        """The last ones only, since they keep modules alive."""
        with self.lock:
            self.sights[first] = sight
            self.sights.move_to_end(first)
            if len(self.sights) > SIGHTS:
                self.sights.popitem(last=False)

    def compiled(self, kind: Any, args: Any, kwargs: Any, found: Found) -> Program:
        """A new program."""
        with self.lock:
            if kind in self.programs:
                return self.programs[kind]
            if kind in self.refusals:
                raise self.refusals[kind].with_traceback(None)
            collecting = gc.isenabled()
            alike = even.set(self.roll)
            try:
                gc.disable()  # of so many objects, all of which are in use, it would find nothing, again and again
                known = argument_names(self.f, args, kwargs)
                names = [known.get(id(each), "") for each in found]
                program = self.of_any_length(args, kwargs, found, names)
                if program is None:
                    self.traced += 1
                    trace, structure = traced(self.f, args, kwargs, found, names)
                    program = Program(written(trace, structure, self.roll, self.without))
            except Refused as error:
                self.refusals[kind] = error
                if len(self.refusals) > self.most:
                    self.refusals.popitem(last=False)
                raise
            finally:
                even.reset(alike)
                if collecting:
                    gc.enable()
            self.programs[kind], program.used = program, next(self.uses)
            if len(self.programs) > self.most:
                del self.programs[min(self.programs, key=lambda each: self.programs[each].used)]
                self.sights.clear()
            if self.traced == self.most + 1:
                warnings.warn(
                    f"{getattr(self.f, '__name__', 'a function')} was compiled {self.traced} times, for as many kinds"
                    " of arguments: numbers among them are part of a program, so pass what varies as arrays",
                    stacklevel=3,
                )
            return program

    def of_any_length(self, args: Any, kwargs: Any, found: Found, names: list[str]) -> Program | None:
        """The program for sequences of this length, from one for all lengths; None if there is none."""
        told = steady((self.f, args, kwargs)) if self.roll and not found.keepers else "no"
        for sequences in candidates(found) if told != "no" else ():
            short = sequences.cut(found, sequences.short[0])
            key: list[Any] = [bool(context.get().recording), sequences.places]
            look(exchanged((self.f, args, kwargs), iter(short), {}), key, Found(), {})
            kind = tuple(key)
            if kind not in self.patterns:
                self.patterns[kind] = self.pattern(args, kwargs, found, names, sequences)
                if len(self.patterns) > self.most:
                    self.patterns.popitem(last=False)
            self.patterns.move_to_end(kind)
            pattern = self.patterns[kind]
            source = pattern(sequences.T) if pattern else None
            if source is None:
                continue
            if told == "yes" or self.tried(pattern, args, kwargs, found, sequences):
                program = Program(source)
                if meant_for(program, found):
                    return program
            else:
                self.patterns[kind] = None
        return None

    def tried(self, pattern: Any, args: Any, kwargs: Any, found: Found, sequences: Sequences) -> bool:
        """Whether the program for these sequences, or for as many of their steps as tell, gives what ``f`` gives."""
        T = telling((self.f, args, kwargs), sequences.T)
        source = pattern(T)
        return source is not None and confirmed(Program(source), self.f, args, kwargs, sequences.cut(found, T))

    def pattern(
        self, args: Any, kwargs: Any, found: list[Any], names: list[str], sequences: Sequences
    ) -> Callable[[int], Source | None] | None:
        """The program for all lengths, out of those for a few short ones."""
        sources: list[Source] = []
        for T in sequences.short:
            run = once if sources else traced
            try:
                trace, structure = run(self.f, args, kwargs, sequences.cut(found, T), names)
            except Exception:  # these arrays are no sequences: the whole run will say what is wrong, if anything is
                return None
            if trace.uneven or not all(length < FEW or abs(length - T) < FEW for length in trace.asked):
                return None
            sources.append(written(trace, structure, True, self.without))
        self.traced += 1
        return any_length(sources, sequences.short)

    def program_for(self, args: Any, kwargs: Any) -> Program:
        """That for these arguments; without any, the one that was used last."""
        if args or kwargs:
            kind, found = self.looked_at(args, kwargs)
            self.last = self.programs.get(kind) or self.compiled(kind, args, kwargs, found)
        if self.last is None:
            raise ValueError("nothing has been compiled yet: call the function, or pass its arguments here")
        return self.last

    def listing(self, *args: Any, **kwargs: Any) -> str:
        """The program for these arguments as text: ``build()`` in it gives the function.

        Parameters
        ----------
        *args, **kwargs
            As in a call; compiled now if there is no program for them yet. Without any: the program that was used last.

        Returns
        -------
        str
            NumPy's functions, one after the other. It runs as it stands if all functions in it can be imported.

        Raises
        ------
        TypeError
            If there is no program for these arguments.
        ValueError
            If nothing has been compiled yet, and there are no arguments.
        """
        return self.program_for(args, kwargs).source.text

    def report(self, *args: Any, **kwargs: Any) -> Report:
        """What the program consists of, for arguments as those of `listing`; it raises the same errors."""
        source = self.program_for(args, kwargs).source
        return Report(
            **vars(source.figures), rolled=not source.why, why=source.why, programs=len(self.programs),
            traced=self.traced,
        )  # fmt: skip


def graph_wanted(args: Any, kwargs: Any) -> bool:
    """Whether somebody outside wants a graph: an argument that requires grad, or a module that a transform passed."""
    if not context.get().recording:
        return False
    open_ = [*args, *kwargs.values()]
    while open_:
        value = open_.pop()
        if type(value) is Tensor:
            if value.requires_grad:
                return True
        elif isinstance(value, (list, tuple)):
            open_ += value
        elif isinstance(value, dict):
            open_ += value.values()
        elif is_argument(value):
            return True
    return False


def meant_for(program: Program, found: Sequence[Any]) -> bool:
    """Whether numbers that decide which calls there are, such as weights, go on as they do in a short run."""
    try:
        with np.errstate(all="ignore"):
            program.run(arrays_in(found))
    except Differing:
        return False
    except Exception:  # which is told when it is run in earnest
        return True
    return True


def arrays_in(found: Sequence[Any]) -> list[Any]:
    """What a program is given."""
    return [each._data if type(each) is Tensor else each for each in found]


def argument_names(f: Any, args: Any, kwargs: Any) -> dict[int, str]:
    """What arrays among the arguments are called, by their identity."""
    try:
        given = inspect.signature(f).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return {}
    return {id(value): name for name, value in given.items() if isinstance(value, np.ndarray)}


def _own(value: Any) -> Any:
    """A result as its receiver's own."""
    if isinstance(value, Tensor):
        value = np.array(value.data)
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value
