"""Who makes the batches: the caller itself, or worker threads.

A pool takes tasks (`submit`) and gives their results in the same order (`result`). What a task
raises comes out of `result`. `close` may be called at any time, and again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from rtorch.errors import WorkerError

Fetch = Callable[[Any], Any]

_PATIENCE = 5.0  # seconds that a worker thread may take to end


class Pool(Protocol):
    """What the loader asks of its workers."""

    owns: bool  # whether the arrays of a result belong to the caller; else they change soon

    @property
    def waiting(self) -> int:
        """Tasks that were submitted, and whose results were not asked for."""
        ...

    def submit(self, task: Any) -> None:
        """Queue a task."""
        ...

    def result(self) -> Any:
        """The result of the oldest task."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class Inline:
    """No workers: a task is done when its result is asked for."""

    owns = True

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._tasks: deque[Any] = deque()

    @property
    def waiting(self) -> int:
        """Tasks without results."""
        return len(self._tasks)

    def submit(self, task: Any) -> None:
        """Queue a task."""
        self._tasks.append(task)

    def result(self) -> Any:
        """The result of the oldest task."""
        return self._fetch(self._tasks.popleft())

    def close(self) -> None:
        """Forget the tasks."""
        self._tasks.clear()


class Threads:
    """Worker threads, each with the same dataset; whoever is free takes the next task."""

    owns = True

    def __init__(self, fetch: Fetch, workers: int, timeout: float | None) -> None:
        self._timeout = timeout
        self._tasks: SimpleQueue[Any] = SimpleQueue()
        self._boxes: deque[SimpleQueue[Any]] = deque()
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(
                target=_serve,
                args=(fetch, self._tasks, self._closed),
                name=f"rtorch-data-{i}",
                daemon=True,  # one that hangs does not keep the program from ending
            )
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Tasks without results."""
        return len(self._boxes)

    def submit(self, task: Any) -> None:
        """Queue a task."""
        box: SimpleQueue[Any] = SimpleQueue()
        self._boxes.append(box)
        self._tasks.put((task, box))

    def result(self) -> Any:
        """The result of the oldest task."""
        box = self._boxes.popleft()
        try:
            value, error = box.get(timeout=self._timeout)
        except Empty:
            raise too_slow(self._timeout) from None
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """End the threads; one that is busy gets some seconds."""
        self._closed.set()
        self._boxes.clear()
        for _ in self._threads:
            self._tasks.put(None)
        end = time.monotonic() + _PATIENCE
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))
        self._threads = []


def _serve(fetch: Fetch, tasks: SimpleQueue[Any], closed: threading.Event) -> None:
    while (item := tasks.get()) is not None:
        if closed.is_set():
            continue
        task, box = item
        try:
            box.put((fetch(task), None))
        except BaseException as error:
            box.put((None, error))
        del item, task, box  # no batch is kept alive while waiting


def too_slow(timeout: float | None) -> WorkerError:
    """What is raised when a batch takes longer than allowed."""
    return WorkerError(
        f"[DataLoader] no batch came within timeout={timeout:g} seconds: the dataset hangs or is "
        "slow; a larger timeout waits longer, and None for ever"
    )
