"""Sweeps: the same on every executor, and whatever dies on the way."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, process
from concurrent.futures.thread import BrokenThreadPool
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn import Standing, sweep, sweeping
from minigrad.rnn.outcomes import stored
from tests.rnn import studies
from tests.rnn.studies import GRID, always_fatal, fails, fatal, learn, second_waits, slow

POSIX = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed as POSIX does it")
BROKEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
"""A pool's own thread counts its processes while `submit` starts another: it may fail, after all jobs were told."""


def pool(workers=2):
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def nobody_left(seconds=60):
    """No pool that was made on the way stays open, and no process waits."""
    until = time.monotonic() + seconds
    while multiprocessing.active_children():
        assert time.monotonic() < until
        time.sleep(0.01)


def told(found):
    """All that is in a sweep, to the last bit."""
    return [
        (o.job.key, o.error, [(name, v.dtype.str, v.shape, v.tobytes()) for name, v in o.values.items()])
        for o in found.outcomes
    ]


def calls(folder):
    return [int(line) for line in (folder / "calls").read_text().split()]


# -- what comes out ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 3), max_size=3), st.integers(1, 3))
def test_the_order_is_that_of_the_grid_and_seeds_change_fastest(lengths, seeds):
    grid = {f"o{i}": range(n) for i, n in enumerate(lengths)}
    found = sweep(lambda seed, **options: [*options.values(), seed], grid, seeds=seeds)
    np.testing.assert_array_equal(found.values(), np.moveaxis(np.indices((*lengths, seeds)), 0, -1))
    assert [o.seed for o in found.outcomes[:seeds]] == [*range(seeds)]


def test_jobs_get_pythons_own_plain_values():
    got = []
    sweep(
        lambda seed, **o: got.append(o) or 0, {"a": np.arange(1), "b": np.array([0.1]), "c": (None, True), "d": ["x"]}
    )
    assert got == [{"a": 0, "b": 0.1, "c": None, "d": "x"}, {"a": 0, "b": 0.1, "c": True, "d": "x"}]
    assert [type(value) for value in got[1].values()] == [int, float, bool, str]


def test_seeds_may_be_chosen():
    found = sweep(lambda seed: seed, {}, seeds=[7, np.int64(3)])
    assert found.values().tolist() == [7, 3]
    assert type(found.outcomes[1].seed) is int


def test_a_failing_job_is_what_came_of_it_and_not_the_end():
    found = sweep(fails, {"n": [1, 2, 3, 4]}, seeds=2)
    np.testing.assert_array_equal(found.values(), [[0.5, 0.5], [np.nan] * 2, [np.nan] * 2, [2, 2]])
    assert [o.error is not None for o in found.outcomes] == [False] * 2 + [True] * 4 + [False] * 2
    assert found.failed[0].error.startswith("ValueError: n is 2, and that is too much (studies.py, line ")
    assert found.failed[2].error.startswith("SystemExit: enough")
    assert repr(found) == "<Sweep over n (4), seed (2): 4 done, 4 failed of 8>"


def test_values_of_everything():
    found = sweep(lambda n, seed: {"x": np.full(2, n), "y": np.zeros(n), "z": "word"}, {"n": [1, 2]})
    assert found.values("x").tolist() == [[[1, 1]], [[2, 2]]]
    with pytest.raises(ValueError, match=r"y has the shapes \[\(1,\), \(2,\)\]"):
        found.values("y")
    with pytest.raises(ValueError, match="z is no number"):
        found.values("z")
    with pytest.raises(KeyError, match=r"no 'w' in what train returned: \['x', 'y', 'z'\]"):
        found.values("w")
    assert np.isnan(sweep(lambda seed: 1 / 0, {"n": [1]}).values()).all()


@pytest.mark.parametrize(
    ("grid", "seeds", "error", "message"),
    [
        ({"cell": [dict]}, 1, TypeError, "cell=<class 'dict'>, a type: jobs are plain values"),
        ({"n": [(1, 2)]}, 1, TypeError, r"n=\(1, 2\), a tuple"),
        ({"n": np.eye(2)}, 1, TypeError, "a ndarray"),
        ({"n": 3}, 1, TypeError, r"n=3, which is no list of values: write n=\[3\]"),
        ({"n": "abc"}, 1, TypeError, r"write n=\['abc'\]"),
        ({"n": []}, 1, ValueError, "no value for n"),
        ({"n": [1, 2, np.int64(1)]}, 1, ValueError, "n has 1 2 times"),
        ({"seed": [1]}, 1, ValueError, "an option called seed: pass seeds="),
        ({}, 0, ValueError, "seeds=0"),
        ({}, [], ValueError, "no seeds"),
        ({}, [1, 1], ValueError, "seeds has 1 2 times"),
        ({}, [0.5], TypeError, "a seed 0.5, a float"),
        ({}, [True], TypeError, "a seed True, a bool"),
    ],
)
def test_what_is_no_grid_is_refused_before_anything_runs(tmp_path, grid, seeds, error, message):
    with pytest.raises(error, match=message):
        sweep(lambda **o: pytest.fail("it ran"), grid, seeds=seeds, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_is_told_after_every_job(tmp_path, capsys, monkeypatch):
    seen = []
    sweep(fails, {"n": [1, 2, 4]}, progress=seen.append, out=tmp_path)
    assert seen == [Standing(0, 0, 3), Standing(1, 0, 2), Standing(1, 1, 1), Standing(2, 1, 0)]
    seen.clear()
    sweep(fails, {"n": [1, 2, 4, 5]}, progress=seen.append, out=tmp_path)
    assert seen == [Standing(2, 1, 1), Standing(3, 1, 0)]
    assert capsys.readouterr().err == ""
    sweep(fails, {"n": [1, 2, 4]}, progress=True)
    assert "2 done, 1 failed, 0 remaining" in capsys.readouterr().err
    monkeypatch.setattr(sweeping, "find_spec", lambda name: None)
    sweep(fails, {"n": [1, 2]}, progress=True)
    assert capsys.readouterr().err.splitlines()[-1] == "1 done, 1 failed, 0 remaining"


# -- whoever does it --------------------------------------------------------------------------------------------------


def test_processes_and_threads_find_the_same_to_the_last_bit(tmp_path):
    serial = sweep(learn, GRID, seeds=2, out=tmp_path / "serial")
    assert not serial.failed
    assert len({o.values["W"].tobytes() for o in serial.outcomes}) == 24
    with pool() as executor:
        processes = sweep(learn, GRID, seeds=2, executor=executor, out=tmp_path / "processes")
    with ThreadPoolExecutor(2) as executor:
        threads = sweep(learn, GRID, seeds=2, executor=executor)
    assert told(processes) == told(threads) == told(serial)
    stored_only = sweep(lambda **o: pytest.fail("it ran"), GRID, seeds=2, out=tmp_path / "processes")
    assert told(stored_only) == told(serial)


def test_failures_are_the_same_in_processes():
    grid = {"n": [1, 2, 3, 4]}
    with pool() as executor:
        assert told(sweep(fails, grid, executor=executor)) == told(sweep(fails, grid))


def test_what_cannot_be_sent_to_processes_is_told_at_once():
    with (
        pool() as executor,
        pytest.raises(TypeError, match=r"cannot be sent to other processes .*function of a module"),
    ):
        sweep(lambda seed: 1, {}, executor=executor)


@POSIX
@BROKEN
def test_a_killed_worker_loses_nothing(tmp_path):
    """The pool is broken then, with all that was under way, and is made anew; and again."""
    (tmp_path / "other").mkdir()
    grid = {"n": range(8), "folder": [str(tmp_path)]}
    with pool() as executor:
        found = sweep(fatal, grid, executor=executor, out=tmp_path / "out")
        with pytest.raises(Exception, match=r"terminated abruptly|not usable"):
            executor.submit(int).result()
        assert told(sweep(slow, grid, executor=executor)) == told(found)  # although it is broken from the beginning
    assert (tmp_path / "killed").exists()
    assert not found.failed
    assert found.values("square").ravel().tolist() == [n**2 for n in range(8)]
    assert told(sweep(slow, grid)) == told(found)
    nobody_left()


@POSIX
@BROKEN
def test_a_job_that_always_kills_its_worker_has_failed_and_the_others_have_not(tmp_path):
    with pool() as executor:
        found = sweep(always_fatal, {"n": range(6), "folder": [str(tmp_path)]}, executor=executor)
    (failed,) = found.failed
    assert failed.options["n"] == 3
    assert failed.error.startswith("it did not come back, 3 times: concurrent.futures.process.BrokenProcessPool")


class Late(ProcessPoolExecutor):
    """Knows of its second process when the first is dead, and its own thread has failed to count them: as if busy."""

    counted = threading.Event()

    def _spawn_process(self):
        known, self._processes = self._processes, {}
        until = time.monotonic() + 60
        while known and not (Path(self._initargs[0]) / "first").exists() and time.monotonic() < until:
            time.sleep(0.01)
        super()._spawn_process()
        if known:
            assert self.counted.wait(60)
        known.update(self._processes)
        self._processes = known


@POSIX
@BROKEN
def test_a_process_that_is_started_while_the_pool_breaks_does_not_wait_for_ever(tmp_path, monkeypatch):
    count = process._ExecutorManagerThread.get_n_children_alive

    def changed(thread):
        if Late.counted.is_set():
            return count(thread)
        Late.counted.set()
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(process._ExecutorManagerThread, "get_n_children_alive", changed)
    with Late(2, multiprocessing.get_context("spawn"), second_waits, (str(tmp_path),)) as executor:
        found = sweep(always_fatal, {"n": [3, 4], "folder": [str(tmp_path)]}, executor=executor)
    assert [each.options["n"] for each in found.failed] == [3]
    nobody_left(10)


class Fake(Executor):
    """Fails in ways of its own."""

    def __init__(self, failure):
        self.failures = iter(failure) if isinstance(failure, list) else iter(lambda: failure, None)
        self.calls = []

    def submit(self, function, /, *arguments, **options):
        future, failure = Future(), next(self.failures, "no failure")
        self.calls.append(repr(arguments))
        if failure == "cancelled":
            future.cancel(), future.set_running_or_notify_cancel()
        elif failure == "no failure":
            future.set_result(function(*arguments, **options))
        else:
            future.set_exception(failure)
        return future


def test_what_does_not_come_back_is_done_again_alone(tmp_path):
    """With others, nobody knows which of them it was."""
    grid, lost = {"n": range(3), "folder": [str(tmp_path)]}, OSError("the line was cut")
    assert not sweep(slow, grid, executor=Fake([lost] * 5)).failed
    assert sorted(calls(tmp_path)) == [0, 1, 2]
    of_the_first = [lost, "no failure", "no failure", lost]
    assert not sweep(slow, grid, executor=Fake([lost] * 3 + of_the_first)).failed  # so that it has failed alone twice
    executor = Fake(lost)
    found = sweep(slow, grid, executor=executor)
    assert [o.error for o in found.failed] == ["it did not come back, 3 times: OSError: the line was cut"] * 3
    assert len({*executor.calls}) == len(executor.calls) == 3 + 3 * 3  # dask would not make the same call twice


class Breaking(ProcessPoolExecutor):
    """Breaks, as a real one may, while a job is submitted."""

    def submit(self, *arguments):
        if self._queue_count == 2:
            self._broken = "just now"
            raise OSError("handle is closed")
        return super().submit(*arguments)


def test_a_pool_that_breaks_while_a_job_is_submitted_loses_nothing():
    with Breaking(2, multiprocessing.get_context("spawn")) as executor:
        found = sweep(fails, {"n": [1, 4, 5, 6]}, executor=executor)
    assert found.values().ravel().tolist() == [0.5, 2, 2.5, 3]


def test_an_executor_that_takes_no_jobs_is_told():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        sweep(fails, {"n": [1]}, executor=executor)


@pytest.mark.parametrize("failure", ["cancelled", BrokenThreadPool("its initializer failed")])
def test_an_executor_that_gives_up_is_told_and_what_is_finished_is_stored(tmp_path, failure):
    with pytest.raises(RuntimeError, match="has given up: make another one and call sweep again"):
        sweep(fails, {"n": [1, 4, 5]}, executor=Fake(["no failure", failure]), out=tmp_path)
    seen = []
    assert sweep(fails, {"n": [1, 4, 5]}, out=tmp_path, progress=seen.append).values().ravel().tolist() == [0.5, 2, 2.5]
    assert seen[0].done == 2  # the first, and the last, which was not looked at any more


# -- dask -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    """Of a scheduler and two worker processes, on the loopback interface."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options, protocol="tcp://") as cluster, distributed.Client(cluster) as client:
        yield client


def test_dask_finds_the_same_to_the_last_bit(client, tmp_path):
    serial = sweep(learn, GRID, seeds=2)
    found = sweep(learn, GRID, seeds=2, executor=client.get_executor(), out=tmp_path)
    assert told(found) == told(serial)
    assert told(sweep(fails, {"n": [1, 2, 3]}, executor=client.get_executor())) == told(sweep(fails, {"n": [1, 2, 3]}))


@POSIX
@pytest.mark.slow
def test_a_worker_of_dask_that_is_killed_in_the_middle_loses_nothing(client, tmp_path):
    """By somebody else, while both are busy; the scheduler gives its jobs to the other one."""
    grid = {"n": range(30), "folder": [str(tmp_path)]}
    killed = []

    def kill(standing):
        if standing.done >= 8 and not killed:
            killed.append(min(client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    found = sweep(partial(slow, seconds=0.1), grid, executor=client.get_executor(), out=tmp_path / "out", progress=kill)
    assert killed
    assert not found.failed
    assert sorted({*calls(tmp_path)}) == [*range(30)]
    assert told(found) == told(sweep(slow, grid))
    assert told(found) == told(sweep(lambda **o: pytest.fail("it ran"), grid, out=tmp_path / "out"))


@POSIX
def test_a_job_that_always_kills_workers_of_dask_has_failed_and_the_others_have_not(client, tmp_path):
    found = sweep(always_fatal, {"n": range(6), "folder": [str(tmp_path)]}, executor=client.get_executor())
    (failed,) = found.failed
    assert failed.options["n"] == 3
    assert failed.error.startswith("it did not come back, 3 times: distributed.scheduler.KilledWorker: ")


# -- to go on later ---------------------------------------------------------------------------------------------------


def test_what_is_there_is_not_done_again(tmp_path):
    grid = {"n": [1, 2], "folder": [str(tmp_path)]}
    first = sweep(slow, grid, out=tmp_path / "a" / "b")
    wider = {"n": [0, 1, 2, 3], "folder": [str(tmp_path)]}
    found = sweep(slow, wider, seeds=2, out=tmp_path / "a" / "b")
    assert calls(tmp_path) == [1, 2, 0, 0, 1, 2, 3, 3]
    assert told(found) == told(sweep(slow, wider, seeds=2))
    assert {key for key, *_ in told(first)} < {key for key, *_ in told(found)}


def test_failures_are_kept_unless_they_are_to_be_tried_again(tmp_path):
    failed = sweep(lambda n, seed: 1 / (n - 1), {"n": [0, 1]}, out=tmp_path)
    assert told(sweep(lambda n, seed: n, {"n": [0, 1]}, out=tmp_path)) == told(failed)
    found = sweep(lambda n, seed: n, {"n": [0, 1]}, out=tmp_path, retry=True)
    assert found.values().ravel().tolist() == [-1, 1]
    assert told(sweep(lambda n, seed: n, {"n": [0, 1]}, out=tmp_path)) == told(found)


def test_a_file_that_is_not_whole_is_done_again(tmp_path):
    found = sweep(fails, {"n": [1, 4]}, out=tmp_path)
    first, second = sorted(tmp_path.iterdir())
    first.write_bytes(first.read_bytes()[:50])
    second.write_bytes(b"")
    assert told(sweep(fails, {"n": [1, 4]}, out=tmp_path)) == told(found)
    assert [stored(path).error for path in (first, second)] == [None, None]


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        sweep(lambda seed: pytest.fail("it ran"), {}, out=tmp_path / "file")


@POSIX
def test_a_sweep_that_is_killed_goes_on_where_it_was(tmp_path):
    """kill -9, three times, wherever it is then."""
    out = tmp_path / "out"
    for share in (5, 12, 20):
        running = subprocess.Popen([sys.executable, "-m", studies.__name__, str(tmp_path), str(out)])
        while len([*out.glob("*.npz")]) < share and running.poll() is None:
            time.sleep(0.002)
        running.kill()
        assert running.wait() == -signal.SIGKILL
        assert all(stored(path).error is None for path in out.glob("*.npz"))
    grid = {"n": range(30), "folder": [str(tmp_path)]}
    found = sweep(slow, grid, out=out)
    again = [n for n in range(30) if calls(tmp_path).count(n) > 1]
    assert len(again) <= 3  # those that were under way when it was killed
    assert told(found) == told(sweep(slow, grid))


def interrupts(n, seed):
    if n == 3:
        raise KeyboardInterrupt
    return n


def test_ctrl_c_keeps_what_is_finished(tmp_path, capsys):
    found = sweep(interrupts, {"n": range(6)}, out=tmp_path)
    assert found.interrupted
    assert [o.options["n"] for o in found.outcomes] == [0, 1, 2]
    np.testing.assert_array_equal(found.values().ravel(), [0, 1, 2, *[np.nan] * 3])
    assert (
        f"3 of 6 jobs are finished, and are in {tmp_path}: the same call goes on from there" in capsys.readouterr().err
    )
    assert sweep(lambda n, seed: n, {"n": range(6)}, out=tmp_path).values().ravel().tolist() == [*range(6)]
    assert sweep(interrupts, {"n": range(6)}).interrupted
    assert "are returned, and stored nowhere" in capsys.readouterr().err


def test_ctrl_c_keeps_what_executors_have_finished(tmp_path):
    """Also what has not been looked at yet; what is under way is lost, and what waits does not begin."""

    seen = []

    def interrupted(standing):
        seen.append(standing.done)
        if seen == [0, 1]:
            time.sleep(0.5)  # in which the other worker has long finished
            raise KeyboardInterrupt

    grid = {"n": range(20), "folder": [str(tmp_path)]}
    with ThreadPoolExecutor(2) as executor:
        found = sweep(slow, grid, executor=executor, out=tmp_path / "out", progress=interrupted)
        assert found.interrupted
    done = [o.options["n"] for o in found.outcomes]
    assert done == sorted(calls(tmp_path)) == [0, 1]
    assert {stored(path).options["n"] for path in (tmp_path / "out").iterdir()} == {*done}


def test_ctrl_c_that_workers_hear_is_ctrl_c():
    with pool() as executor:
        found = sweep(interrupts, {"n": [1, 2, 3, *range(4, 30)]}, executor=executor)
    assert found.interrupted
    assert len(found.outcomes) < 29
