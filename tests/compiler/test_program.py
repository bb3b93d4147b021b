"""Programs run in several threads, and within themselves."""

from __future__ import annotations

import threading

from minigrad import compile
from tests.compiler.test_compiled import agree, problem


def test_threads_do_not_share_buffers() -> None:
    f, model, data = problem("LSTM", 12, 3, 0, "every")
    step, wrong = compile(f), []
    expected = [f(model, *each) for each in data]

    def work(k: int) -> None:
        for _ in range(20):
            try:
                agree(step(model, *data[k]), expected[k])
            except BaseException as error:  # which pytest would not see in a thread
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
