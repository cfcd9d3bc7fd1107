"""Threads that wait for work, with little between a call and the work it starts.

A hand-over costs 20 to 50 microseconds, which is the time the system takes to wake a thread up; the futures of
`concurrent.futures` take several locks more, and with them two to four times as long.
"""

import threading
import weakref
from queue import SimpleQueue


class Workers:
    """So many threads; `begin` is called in each of them first.  They end with `close`, or with the last reference."""

    def __init__(self, count, name, begin):
        self._tasks = SimpleQueue()  # (function, place, where to put what came of it); None ends a thread
        self._threads = [
            threading.Thread(target=_serve, args=(self._tasks, begin), name=f"{name}-{i}", daemon=True)
            for i in range(count)
        ]
        self.close = weakref.finalize(self, _end, self._tasks, self._threads)
        for thread in self._threads:
            thread.start()

    def beside(self, own, others):
        """[own(), *(other() for other in others)], own in this thread and the others at the same time.

        All have ended when it returns or raises; the first error in this order is the one that is raised.
        """
        ended = SimpleQueue()
        for place, other in enumerate(others):
            self._tasks.put((other, place, ended))
        try:
            first = own()
        finally:
            outcomes = sorted((ended.get() for _ in others), key=lambda outcome: outcome[0])
        for _, _, error in outcomes:
            if error is not None:
                raise error
        return [first, *(result for _, result, _ in outcomes)]


def _serve(tasks, begin):
    begin()
    while (task := tasks.get()) is not None:
        function, place, ended = task
        try:
            outcome = place, function(), None
        except BaseException as error:
            outcome = place, None, error
        ended.put(outcome)
        del task, function, ended, outcome  # a thread that waits must not keep arrays


def _end(tasks, threads):
    for _ in threads:
        tasks.put(None)
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()
