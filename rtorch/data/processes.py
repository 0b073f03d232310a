"""Worker processes: spawned, never forked, each with a pipe of its own.

A batch is given to the worker with the fewest batches still to do, and its arrays come back through
shared memory. No lock is shared, so that a worker may die at any moment: the parent waits for its
pipe and its end at once. A worker whose parent dies ends too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any

from rtorch.data.failure import Failure, exception_of, failure_of
from rtorch.data.fetching import IndexTask, shown
from rtorch.data.pools import Fetch, too_slow
from rtorch.data.shared import Slot, Writer
from rtorch.errors import ArgumentError, WorkerError

_HINTS = {
    -9: ": too little memory?",
    -7: ": shared memory (/dev/shm) is probably full; a smaller prefetch needs less, and "
    'kind="thread" none',
}

_START = 60.0  # seconds in which a worker must start, if there is a timeout; not part of that
_PATIENCE = 2.0  # seconds that a worker process may take to end by itself


class Processes:
    """A pool of worker processes."""

    owns = False  # results are views of memory that the next but few tasks overwrite

    def __init__(self, fetch: Fetch, workers: int, timeout: float | None) -> None:
        self._timeout = timeout
        self._workers: list[_Worker] = []
        self._pending: deque[tuple[_Worker, Slot, Any]] = deque()
        self._used: tuple[_Worker, Slot] | None = None
        pickled = _pickled(fetch)
        try:
            for i in range(workers):
                self._workers.append(_Worker(i, pickled))
        except BaseException:
            self.close()
            raise

    @property
    def waiting(self) -> int:
        """Tasks without results."""
        return len(self._pending)

    def submit(self, task: Any) -> None:
        """Send a task to the worker that is likely to be free first."""
        self._release()
        for worker in self._workers:
            worker.collect()
        worker = min(self._workers, key=lambda w: w.to_do)
        slot = worker.free.pop() if worker.free else worker.new_slot()
        self._pending.append((worker, slot, task))
        worker.send(task, slot)

    def result(self) -> Any:
        """The result of the oldest task; its arrays hold until the next call."""
        self._release()
        worker, slot, task = self._pending.popleft()
        self._used = worker, slot
        answer = worker.receive(task, self._timeout)
        if isinstance(answer, Failure):
            slot.forget_spare()
            raise exception_of(answer, worker.title)
        return slot.read(*answer)

    def _release(self) -> None:
        if self._used is not None:
            worker, slot = self._used
            worker.free.append(slot)
            self._used = None

    def close(self) -> None:
        """End all workers and give their memory back."""
        self._pending.clear()
        self._used = None
        for worker in self._workers:
            worker.connection.close()  # what they wait for: they end
        end = time.monotonic() + _PATIENCE
        for worker in self._workers:
            worker.end(max(0.0, end - time.monotonic()))
        self._workers = []


def _pickled(fetch: Fetch) -> bytes:
    try:
        return pickle.dumps(fetch)
    except Exception as error:
        raise ArgumentError(
            "[DataLoader] the dataset (or collate) cannot be pickled, which worker processes need: "
            f"{type(error).__name__}: {error}. Put functions and classes at the top of a module "
            'instead of lambdas, or use kind="thread"'
        ) from error


class _Worker:
    """One process as its parent sees it."""

    def __init__(self, number: int, pickled: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.slots: list[Slot] = []
        self.free: list[Slot] = []
        self.ready = False
        self.to_do = 0
        self._answers: deque[Any] = deque()  # in the order of the tasks
        self.process = context.Process(
            target=_work, args=(theirs, pickled), name=f"rtorch-data-{number}", daemon=True
        )
        try:
            with _interrupts_later():
                self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.title = f"worker process {number} (pid {self.process.pid})"

    def new_slot(self) -> Slot:
        self.slots.append(Slot())
        return self.slots[-1]

    def send(self, task: Any, slot: Slot) -> None:
        self.to_do += 1
        # Where the worker is dead, asking for the result tells of it.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send((task, slot.name, slot.spare))

    def receive(self, task: Any, timeout: float | None) -> Any:
        """The answer to the oldest task whose answer was not asked for."""
        start = 0 if self.ready else _START
        end = None if timeout is None else time.monotonic() + timeout + start
        while not self._answers:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not wait([self.connection, self.process.sentinel], left):
                raise too_slow(timeout)
            starting = not self.ready
            if not self.collect():  # it ended, and had said all
                raise self._death(task)
            if starting and timeout is not None:
                end = time.monotonic() + timeout
        return self._answers.popleft()

    def collect(self) -> bool:
        """Take the answers that are there; whether there was anything."""
        came = False
        with contextlib.suppress(EOFError, OSError):
            while self.connection.poll():
                answer = self.connection.recv()
                came = True
                if answer == "ready":
                    self.ready = True
                else:
                    self._answers.append(answer)
                    self.to_do -= 1
        return came

    def _death(self, task: Any) -> WorkerError:
        self.process.join(_PATIENCE)
        code = self.process.exitcode
        how = f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was killed by {_signal_name(-code)}"
        if not self.ready:
            return WorkerError(f"[DataLoader] {self.title} {how} before its first batch" + (
                "" if code is not None and code < 0 else
                ". If the program iterates over the loader at its top level, put that under "
                '`if __name__ == "__main__":`: worker processes import the main module, which must '
                "be a file"
            ))  # fmt: skip
        by_index = isinstance(task, IndexTask)
        where = f" while it was to load the samples at index {shown(task)}" if by_index else ""
        hint = _HINTS.get(code or 0, "")
        return WorkerError(f"[DataLoader] {self.title} {how}{where}{hint}")

    def end(self, patience: float) -> None:
        for stop in (None, self.process.terminate, self.process.kill):
            if stop is not None:
                stop()
            self.process.join(patience if stop is None else _PATIENCE)
            if self.process.exitcode is not None:
                break
        self.process.close()
        for slot in self.slots:
            slot.unlink()


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Ctrl-C waits until the block ends; a process that is started there does not see it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# ---- in the worker -------------------------------------------------------------------------------


def _work(connection: Connection, pickled: bytes) -> None:
    """Do the tasks that come through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    tasks: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    writer, fetch = Writer(), _built(pickled)
    with contextlib.suppress(OSError):  # the parent has left
        connection.send("ready")
        while True:
            connection.send(_answer(fetch, writer, *tasks.get()))


def _built(pickled: bytes) -> Fetch:
    """The object that makes the batches; if it cannot be built, one that says why."""
    try:
        fetch: Fetch = pickle.loads(pickled)
    except Exception as error:
        why = error
        why.add_note(
            "[DataLoader] the dataset cannot be built in a worker process. Classes and functions "
            "of notebooks and of the interactive interpreter are not found there: put them into a "
            'module, or use kind="thread"'
        )

        def fetch(task: Any) -> Any:
            raise why

    return fetch


def _answer(fetch: Fetch, writer: Writer, task: Any, name: str, spare: str) -> Any:
    try:
        return writer.write(fetch(task), name, spare)
    except Exception as error:
        return failure_of(error)


def _listen(connection: Connection, tasks: SimpleQueue[Any]) -> None:
    """Take every task at once, so that the parent never waits to send one; end with the parent."""
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)  # at once, in the middle of a batch too
