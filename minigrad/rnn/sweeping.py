"""sweep: one function over a grid of options and seeds, on whatever there is to run it on.

A study asks the same question many times: for each radius, length, method and seed, was it learnt? Nothing here knows
what is asked. Jobs are independent, so they may run one after the other, in processes, or on other machines
(`dask.distributed`): everything that can run a function later is a `concurrent.futures.Executor`. What comes out is the
same, in the same order, whoever ran it.

Long studies are interrupted. So what is done is stored at once (`outcomes.py`), and the same call goes on from there.
"""

from __future__ import annotations

import itertools
import math
import os
import pickle
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.outcomes import Job, Outcome, Plain, Train, perform, said, store, stored

TRIES = 3
"""How often a job that runs alone may be what its worker dies of."""


class Standing(NamedTuple):
    """How far a sweep has come, in jobs: ``done`` well, ``failed``, and ``remaining``."""

    done: int
    failed: int
    remaining: int


@dataclass(eq=False, repr=False)
class Sweep:
    """What came of a sweep.

    Attributes
    ----------
    grid : dict of str to list
        The options, and their values.
    seeds : list of int
    outcomes : list of Outcome
        Of the jobs that are finished, in the order of the grid: the seeds change fastest, then the last option.
    interrupted : bool
        Whether Ctrl-C ended it before all were finished.
    """

    grid: dict[str, list[Plain]]
    seeds: list[int]
    outcomes: list[Outcome]
    interrupted: bool = False

    @property
    def failed(self) -> list[Outcome]:
        """Those that have an error."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def values(self, name: str = "value") -> Array:
        """What all jobs returned as ``name``.

        Returns
        -------
        ndarray
            One axis for each option of the grid, then one for the seeds, then those of the value. NaN where a job
            failed or is not finished, so ``np.nanmean(sweep.values("solved"), axis=-1)`` is the share that is solved.

        Raises
        ------
        KeyError
            If a job did not return it.
        ValueError
            If it has not the same shape everywhere, or is no number.
        """
        found = {outcome.job.key: outcome.values for outcome in self.outcomes if outcome.error is None}
        lacking = next((values for values in found.values() if name not in values), None)
        if lacking is not None:
            raise KeyError(f"there is no {name!r} in what train returned: {sorted(lacking)}")
        shapes = {values[name].shape for values in found.values()}
        if len(shapes) > 1:
            raise ValueError(f"{name} has the shapes {sorted(shapes)}: they do not fit into one array, take .outcomes")
        missing = np.full(shapes.pop() if shapes else (), np.nan)
        table = [found[job.key][name] if job.key in found else missing for job in _jobs(self.grid, self.seeds)]
        if any(each.dtype.kind not in "biufc" for each in table):
            raise ValueError(f"{name} is no number everywhere: take it from .outcomes")
        return np.stack(table).reshape(*map(len, self.grid.values()), len(self.seeds), *missing.shape)

    def __repr__(self) -> str:
        total = math.prod(map(len, self.grid.values())) * len(self.seeds)
        axes = ", ".join([*(f"{name} ({len(each)})" for name, each in self.grid.items()), f"seed ({len(self.seeds)})"])
        failed = len(self.failed)
        return f"<Sweep over {axes}: {len(self.outcomes) - failed} done, {failed} failed of {total}>"


def sweep(
    train: Train,
    grid: Mapping[str, Iterable[Any]],
    *,
    seeds: int | Iterable[int] = 1,
    executor: Executor | None = None,
    out: str | os.PathLike[str] | None = None,
    retry: bool = False,
    progress: bool | Callable[[Standing], object] = False,
) -> Sweep:
    """Call ``train`` for every combination of the grid's values, with every seed.

    Parameters
    ----------
    train : callable
        ``train(**options, seed=seed)`` returns a number or array, or a dict, named tuple or dataclass of these. All its
        randomness is to come from the seed. An exception is what came of its job, and the others go on.
    grid : dict of str to sequence
        For each option its values: numbers, strings, booleans or None. What is larger, such as a kind of cell, goes by
        a name that ``train`` looks up.
    seeds : int or sequence of int
        So many, from 0 on; or these.
    executor : concurrent.futures.Executor, optional
        Left out, the jobs run here, one after the other. A ``ProcessPoolExecutor`` wants a ``train`` that stands in a
        module. ``dask.distributed``'s ``client.get_executor()`` runs them where its workers are (extra
        ``distributed``), which need minigrad, and ``train``'s own module if it has one. It stays open.
    out : path, optional
        A folder for the outcomes, one file each, written when its job is finished; made if there is none. What is there
        already is not done again: it belongs to one ``train``, so take another folder after a change of that.
    retry : bool
        Do again what failed before.
    progress : bool or callable
        Show on standard error how many are done, failed and remaining; or call this with a `Standing`.

    Returns
    -------
    Sweep
        The same whatever the executor, as far as NumPy's sums are: large products of matrices can differ in the last
        digit between numbers of BLAS threads, and dask's workers have one. On Ctrl-C what is finished, with
        ``interrupted`` set.

    Raises
    ------
    TypeError
        If a value of the grid is not plain, a seed no whole number, or ``train`` cannot be sent to processes.
    ValueError
        If the grid has an option without values, one called seed, or something twice.
    RuntimeError
        If an executor breaks that cannot be made anew. (A process pool can be. A job that a worker died of is done
        again by another one; what at last is known to kill its worker has failed.) What is finished is stored.

    Examples
    --------
    >>> from minigrad.rnn import initial
    >>> def train(radius, steps, seed):
    ...     W = np.random.default_rng(seed).normal(size=(8, 8))
    ...     return np.linalg.norm(np.linalg.matrix_power(initial.scale_to_spectral_radius(W, radius), steps), 2)
    >>> found = sweep(train, {"radius": [0.9, 1.1], "steps": [10, 100]}, seeds=3)
    >>> found
    <Sweep over radius (2), steps (2), seed (3): 12 done, 0 failed of 12>
    >>> found.values().shape
    (2, 2, 3)
    """
    axes, numbers = _axes(grid), _seeds(seeds)
    jobs = _jobs(axes, numbers)
    if executor is not None:
        _check_sendable(train, executor)
    folder = None if out is None else Path(out)
    finished: dict[str, Outcome] = {}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        finished = {o.job.key: o for o in _already(jobs, folder) if not (retry and o.error is not None)}

    def standing() -> Standing:
        failed = sum(outcome.error is not None for outcome in finished.values())
        return Standing(len(finished) - failed, failed, len(jobs) - len(finished))

    with _teller(progress) as tell:

        def keep(outcome: Outcome) -> None:
            if folder is not None:
                store(outcome, folder)
            finished[outcome.job.key] = outcome
            tell(standing())

        interrupted = False
        remaining = [job for job in jobs if job.key not in finished]
        try:
            tell(standing())
            if executor is None:
                for job in remaining:
                    keep(perform(train, job))
            else:
                _through(executor, train, remaining, keep)
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        where = f"are in {folder}: the same call goes on from there" if folder else "are returned, and stored nowhere"
        print(f"interrupted: {len(finished)} of {len(jobs)} jobs are finished, and {where}", file=sys.stderr)
    return Sweep(axes, numbers, [finished[job.key] for job in jobs if job.key in finished], interrupted)


# -- what is asked ----------------------------------------------------------------------------------------------------


def _jobs(grid: Mapping[str, list[Plain]], seeds: list[int]) -> list[Job]:
    return [Job(dict(zip(grid, each, strict=True)), s) for each in itertools.product(*grid.values()) for s in seeds]


def _axes(grid: Mapping[str, Iterable[Any]]) -> dict[str, list[Plain]]:
    """The grid in Python's own plain values."""
    axes: dict[str, list[Plain]] = {}
    for name, values in grid.items():
        if name == "seed":
            raise ValueError("the grid has an option called seed: pass seeds=")
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise TypeError(f"the grid has {name}={values!r}, which is no list of values: write {name}=[{values!r}]")
        axes[name] = [_plain(name, value) for value in values]
        if not axes[name]:
            raise ValueError(f"the grid has no value for {name}: give one at least, or leave it out")
        _check_once(name, axes[name])
    return axes


def _plain(name: str, value: Any) -> Plain:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, (bool, int, float, str)):
        return plain
    raise TypeError(
        f"the grid has {name}={value!r}, a {type(value).__name__}: jobs are plain values (numbers, strings, booleans,"
        " None), so pass a name, and look it up in train"
    )


def _seeds(seeds: int | Iterable[int]) -> list[int]:
    if isinstance(seeds, Integral):
        if seeds < 1:
            raise ValueError(f"seeds={seeds}: one at least is needed")
        return list(range(int(seeds)))
    found = list(seeds)  # type: ignore[arg-type]  # an int was Integral
    for seed in found:
        if not isinstance(seed, Integral) or isinstance(seed, bool):
            raise TypeError(f"there is a seed {seed!r}, a {type(seed).__name__}: seeds are whole numbers")
    if not found:
        raise ValueError("there are no seeds: one at least is needed")
    _check_once("seeds", found)
    return [int(seed) for seed in found]


def _check_once(name: str, values: Iterable[Any]) -> None:
    value, times = Counter(map(repr, values)).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{name} has {value} {times} times: once is enough, as both would be the same job")


def _check_sendable(train: Train, executor: Executor) -> None:
    from concurrent.futures import ProcessPoolExecutor

    if isinstance(executor, ProcessPoolExecutor):
        try:
            pickle.dumps(train)
        except Exception as error:  # pickle raises many kinds
            raise TypeError(
                f"{train!r} cannot be sent to other processes ({error}): write it as a function of a module, outside of"
                " other functions"
            ) from None


def _already(jobs: Iterable[Job], folder: Path) -> Iterator[Outcome]:
    """What is stored of these jobs. A file that is not whole, which a crash of the system may leave, is none."""
    for job in jobs:
        path = folder / job.file
        if path.exists():
            try:
                outcome = stored(path)
            except ValueError:
                continue
            if outcome.job.key == job.key:
                yield outcome


# -- who does it ------------------------------------------------------------------------------------------------------


def _through(executor: Executor, train: Train, jobs: Iterable[Job], keep: Callable[[Outcome], None]) -> None:
    """Run the jobs on an executor, and ``keep`` each outcome as soon as it is there.

    What a job raises is in its outcome, so a future that fails is the executor's: a process died, of this job or of the
    one beside it, or the way back was cut. (A pool is broken then, with all that was under way; dask gives a dead
    worker's jobs to others, but at last blames also those that only stood beside.) So a pool gets no more jobs than it
    has workers, and what did not come back is done again alone: if it fails then, it is known why.
    """
    waiting, suspects, under_way = deque(jobs), deque[Job](), dict[Future[Outcome], Job]()
    tries, ours = Counter[str](), list[Executor]()

    def launch(queue: deque[Job]) -> None:
        under_way[executor.submit(perform, train, queue[0], os.urandom(8))] = queue[0]
        queue.popleft()  # now that it is under way

    def lost(job: Job, alone: bool, why: BaseException) -> None:
        tries[job.key] += alone
        if tries[job.key] < TRIES:
            suspects.append(job)
        else:
            keep(Outcome(job.options, job.seed, error=f"it did not come back, {TRIES} times: {said(why)}"))

    try:
        while waiting or suspects or under_way:
            broken: BaseException | None = None
            try:
                if suspects and not under_way:
                    launch(suspects)
                while waiting and not suspects and len(under_way) < getattr(executor, "_max_workers", math.inf):
                    launch(waiting)
            except Exception as error:
                # A pool that breaks just now closes what `submit` still writes to, which is then an OSError.
                if not isinstance(error, BrokenExecutor) and not getattr(executor, "_broken", False):
                    raise
                broken = error
            finished, alone = wait(under_way, return_when=FIRST_COMPLETED).done, len(under_way) == 1
            broken = broken or next((e for each in finished if isinstance(e := _failure(each), BrokenExecutor)), None)
            if broken:
                finished = wait(under_way).done  # it ends them all
            for future in finished:
                job, failure = under_way[future], _failure(future)
                if failure is None:
                    keep(future.result())
                elif isinstance(failure, CancelledError):
                    raise _given_up(executor)
                elif isinstance(failure, Exception):
                    lost(job, alone, failure)
                else:
                    raise failure  # Ctrl-C, which workers hear too
                del under_way[future]
            if broken:
                executor = _anew(executor, broken)
                ours.append(executor)
    except BaseException:
        for future in under_way:
            if not future.cancel() and future.done() and _failure(future) is None:
                keep(future.result())
        raise
    finally:
        for each in ours:
            each.shutdown(wait=False, cancel_futures=True)


def _failure(future: Future[Outcome]) -> BaseException | None:
    """What became of a job whose outcome has not arrived, although it is finished."""
    return CancelledError() if future.cancelled() else future.exception()


def _anew(executor: Executor, why: BaseException) -> Executor:
    """A process pool like a broken one, which takes no more jobs."""
    from concurrent.futures import ProcessPoolExecutor

    if not isinstance(executor, ProcessPoolExecutor):
        raise _given_up(executor) from why
    made: Any = executor  # that a pool does not tell how it was made is no reason to lose a night's work
    for process in [*(made._processes or {}).values()]:  # one that was started while the pool broke waits for ever
        process.terminate()
    return ProcessPoolExecutor(made._max_workers, made._mp_context, made._initializer, made._initargs)


def _given_up(executor: Executor) -> RuntimeError:
    return RuntimeError(
        f"{executor!r} has given up: make another one and call sweep again. What is finished is in out="
    )


@contextmanager
def _teller(progress: bool | Callable[[Standing], object]) -> Iterator[Callable[[Standing], object]]:
    """Whom to tell how far a sweep is: nobody, a function, a bar if rich is there, or else lines."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda standing: None
    elif find_spec("rich") is None:
        yield lambda s: print(f"{s.done} done, {s.failed} failed, {s.remaining} remaining", file=sys.stderr)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        told = TextColumn("{task.fields[done]} done, {task.fields[failed]} failed, {task.fields[remaining]} remaining")
        with Progress(BarColumn(), told, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=None, done=0, failed=0, remaining=0)
            yield lambda s: bar.update(task, total=sum(s), completed=s.done + s.failed, **s._asdict())
