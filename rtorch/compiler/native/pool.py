"""Threads that run the tasks of a kernel, without a lock and without Python.

A *job* is a function and a range of tasks, which is cut into chunks. Whoever runs the program, the
leader, publishes the job in a ring and takes chunks itself; workers that wait take chunks too. A
chunk is taken by one atomic addition to the *ticket*, whose upper half is the number of the job
and whose lower half counts chunks; so a worker that comes late finds that there is nothing left,
whatever happened meanwhile. The leader goes on when the job's count of finished chunks is complete.

Workers are Python threads that have released the interpreter's lock. One that has waited for about
a third of a millisecond returns to Python and sleeps until it is woken.

The words of the control block, of 64 bits each, with their own cache lines::

    0   ticket      8   stop      16  parked: workers that sleep or are about to
    24  threads     32  busy: whether somebody leads      40  address of `run_job`
    64+ the ring: job number, function, arguments, tasks, size of a chunk, chunks, finished chunks
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import weakref
from pathlib import Path
from typing import Any

from rtorch.compiler.native import build
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Value, module

RING = 1024  # jobs; a worker that slept through so many finds another number there
SPINS = 20_000  # looks for a new job before a worker goes to sleep
CHUNKS_PER_THREAD = 4  # more even out threads that are interrupted

TICKET, STOP, PARKED, THREADS, BUSY, RUN_JOB, JOBS = 0, 8, 16, 24, 32, 40, 64
NUMBER, FUNCTION, ARGUMENTS, TASKS, CHUNK, CHUNKS, FINISHED = range(7)
_WORDS = JOBS + 8 * RING


class _Writer(Function):
    """A function with the atomic operations."""

    def word(self, base: Value, index: int) -> Value:
        return self.at(base, index, "i64")

    def read(self, address: Value, order: str) -> Value:
        return self.let(f"load atomic i64, {address} {order}, align 8", "i64")

    def write(self, address: Value, x: Value | int, order: str) -> None:
        text = x.text if isinstance(x, Value) else str(x)
        self.line(f"store atomic i64 {text}, {address} {order}, align 8")

    def increase(self, address: Value, order: str) -> Value:
        """Add one; what was there."""
        return self.let(f"atomicrmw add {address}, i64 1 {order}", "i64")

    def job(self, control: Value, number: Value) -> Value:
        """Where in the ring a job is."""
        place = self.op("mul", self.op("and", number, RING - 1), 8)
        return self.at(control, self.add(place, JOBS), "i64")

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        self.line(f"br {condition}, label %{yes}, label %{no}")


_CONTROL = Value("%control", "ptr")


def _take_chunks(target: Target) -> Function:
    """``void take_chunks(control)``: run chunks of the newest job until there is none left."""
    f = _Writer("take_chunks", "ptr %control", target, internal=True)
    f.jump("take")
    f.label("take")
    ticket = f.increase(f.word(_CONTROL, TICKET), "acq_rel")
    number, index = f.op("lshr", ticket, 32), f.op("and", ticket, 0xFFFFFFFF)
    job = f.job(_CONTROL, number)
    chunks = f.read(f.word(job, CHUNKS), "monotonic")
    same = f.compare("eq", f.read(f.word(job, NUMBER), "acquire"), number)
    f.branch(f.op("and", same, f.compare("ult", index, chunks)), "run", "nothing")
    f.label("run")
    function = f.let(f"load ptr, {f.word(job, FUNCTION)}", "ptr")
    arguments = f.let(f"load ptr, {f.word(job, ARGUMENTS)}", "ptr")
    tasks, size = f.load(f.word(job, TASKS), "i64"), f.load(f.word(job, CHUNK), "i64")
    first = f.op("mul", index, size)
    end = f.add(first, size)
    last = f.select(f.compare("slt", end, tasks), end, tasks)
    f.line(f"call void {function.text}({arguments}, {first}, {last})")
    f.increase(f.word(job, FINISHED), "release")
    f.jump("take")
    f.label("nothing")
    f.ret()
    return f


def _run_job(target: Target) -> Function:
    """``void run_job(control, function, arguments, tasks, least)``: all tasks, by all threads.

    `least` tasks are worth a thread's while; fewer than twice as many are run here.
    """
    params = "ptr %control, ptr %function, ptr %arguments, i64 %tasks, i64 %least"
    f = _Writer("run_job", params, target)
    tasks, least = Value("%tasks", "i64"), Value("%least", "i64")
    threads = f.load(f.word(_CONTROL, THREADS), "i64")
    parts = f.op("mul", threads, CHUNKS_PER_THREAD)
    even = f.op("div", f.sub(f.add(tasks, parts), 1), parts)
    size = f.select(f.compare("slt", even, least), least, even)
    alone = f.op("or", f.compare("sle", tasks, size), f.compare("sle", threads, 1))
    f.branch(alone, "serial", "publish")
    f.label("serial")
    f.line("call void %function(ptr %arguments, i64 0, i64 %tasks)")
    f.ret()
    f.label("publish")
    before = f.op("lshr", f.read(f.word(_CONTROL, TICKET), "monotonic"), 32)
    number = f.op("and", f.add(before, 1), 0x7FFFFFFF)
    job = f.job(_CONTROL, number)
    chunks = f.op("div", f.sub(f.add(tasks, size), 1), size)
    f.line(f"store ptr %function, {f.word(job, FUNCTION)}")
    f.line(f"store ptr %arguments, {f.word(job, ARGUMENTS)}")
    f.store(f.word(job, TASKS), tasks)
    f.store(f.word(job, CHUNK), size)
    f.write(f.word(job, CHUNKS), chunks, "monotonic")
    f.write(f.word(job, FINISHED), 0, "monotonic")
    f.write(f.word(job, NUMBER), number, "release")
    f.write(f.word(_CONTROL, TICKET), f.op("shl", number, 32), "release")
    f.line("call void @take_chunks(ptr %control)")
    f.jump("wait")
    f.label("wait")
    finished = f.read(f.word(job, FINISHED), "acquire")
    f.branch(f.compare("eq", finished, chunks), "done", "pause")
    f.label("pause")
    f.line(target.pause)
    f.jump("wait")
    f.label("done")
    f.ret()
    return f


def _work(target: Target) -> Function:
    """``void work(control, spins)``: help with jobs until none came for a while."""
    f = _Writer("work", "ptr %control, i64 %spins", target)
    last, waited = f.variable("i64", start=-1), f.variable("i64", start=0)
    f.jump("look")
    f.label("look")
    number = f.op("lshr", f.read(f.word(_CONTROL, TICKET), "acquire"), 32)
    f.branch(f.compare("eq", number, f.get(last)), "nothing", "help")
    f.label("help")
    f.set(last, number)
    f.set(waited, 0)
    f.line("call void @take_chunks(ptr %control)")
    f.jump("look")
    f.label("nothing")
    f.line(target.pause)
    f.set(waited, f.add(f.get(waited), 1))
    stop = f.compare("ne", f.read(f.word(_CONTROL, STOP), "monotonic"), 0)
    long = f.compare("sge", f.get(waited), Value("%spins", "i64"))
    f.branch(f.op("or", stop, long), "park", "look")
    f.label("park")
    f.increase(f.word(_CONTROL, PARKED), "acq_rel")
    f.ret()
    return f


def text(target: Target) -> str:
    """The functions of the pool as LLVM text."""
    functions = [_take_chunks(target), _run_job(target), _work(target)]
    pause = target.pause
    extra = ""
    if "@llvm" in pause:
        name = pause.partition("@")[2].partition("(")[0]
        given = "i32" if "i32" in pause else ""
        extra = f"declare void @{name}({given})"
    return module(functions, target, extra)


@functools.cache
def _code() -> dict[str, int]:
    return build.build(text(host()), ["run_job", "work"])


class Pool:
    """Threads for native code.

    Args:
        threads: How many run the tasks of a kernel, the caller's among them.

    Attributes:
        control: The address of the control block.
    """

    def __init__(self, threads: int) -> None:
        code = _code()
        self._words = (ctypes.c_int64 * (_WORDS + 8))()
        self.control = (ctypes.addressof(self._words) + 63) & ~63
        self._offset = (self.control - ctypes.addressof(self._words)) // 8
        self._words[self._offset + THREADS] = threads
        self._words[self._offset + RUN_JOB] = code["run_job"]
        self._wake = threading.Semaphore(0)
        work = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code["work"])
        for number in range(threads - 1):
            threading.Thread(
                target=_worker, args=(work, self.control, self._words, self._wake),
                name=f"rtorch-{number + 1}", daemon=True,
            ).start()  # fmt: skip
        weakref.finalize(self, _stop, self._words, self._offset, self._wake, threads)

    def parked(self) -> int:
        """How many workers sleep."""
        return self._words[self._offset + PARKED]

    def wake(self) -> None:
        """Call the workers that sleep; to be called before a program with long kernels."""
        parked = self.parked()
        if parked > 0:
            self._words[self._offset + PARKED] -= parked
            self._wake.release(parked)


def _worker(work: Any, control: int, words: Any, wake: threading.Semaphore) -> None:
    offset = (control - ctypes.addressof(words)) // 8
    while not words[offset + STOP]:
        work(control, SPINS)
        wake.acquire()


def _stop(words: Any, offset: int, wake: threading.Semaphore, threads: int) -> None:
    words[offset + STOP] = 1
    wake.release(threads)


def default_threads() -> int:
    """The cores that this process may use: its affinity, and the quota of its container."""
    chosen = os.environ.get("RTORCH_NUM_THREADS")
    if chosen is not None and chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _quota()
    return max(1, cores if quota is None else min(cores, int(quota + 0.5)))


def _quota() -> float | None:
    """The cores' worth of time that a control group grants, if it limits it."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):
        return None


_pool: Pool | None = None
_threads: int | None = None


def get_num_threads() -> int:
    """How many threads run compiled programs."""
    return _threads or default_threads()


def set_num_threads(n: int) -> None:
    """Let `n` threads run compiled programs from the next call on."""
    global _pool, _threads
    _threads, _pool = n, None


def pool() -> Pool:
    """The pool of this process."""
    global _pool
    if _pool is None:
        _pool = Pool(get_num_threads())
    return _pool


def control() -> int:
    """The address of the control block, with all workers awake."""
    current = _pool or pool()
    if current.parked():
        current.wake()
    return current.control


def _forget() -> None:
    """After a fork there are no workers, whatever the control block says."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
