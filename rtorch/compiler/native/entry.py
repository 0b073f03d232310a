"""Runs of kernels behind one native call.

The function takes a table of pointers and NumPy arrays. The table has a place for every argument of
every kernel; those that are the same in each call were filled in when the table was made, the others
are filled in here, from the arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from rtorch.compiler.native import build
from rtorch.compiler.native.pool import BUSY, RUN_JOB
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Value, constant, module

LINE = 64  # bytes of a line of the cache
DATA = 16  # where an array object holds the address of its elements, after PyObject's two words


class Part(Protocol):
    """What a segment is made of: tasks that may run at the same time."""

    @property
    def n_args(self) -> int:
        """How many pointers it takes."""

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        """``void name(args, first, last)``, which runs a range of tasks."""

    @property
    def writes(self) -> Sequence[int]:
        """The arguments that it writes to."""

    def tasks(self, target: Target) -> int:
        """How many there are."""

    def least(self, target: Target) -> int:
        """How many are worth a thread's while."""


class Moving(NamedTuple):
    """An argument that is the next slice of an array in every step of a loop.

    Attributes:
        arg: The array.
        nbytes: The size of a slice.
    """

    arg: int
    nbytes: int

    def within(self, arguments: Any) -> Moving:
        """The same where the arguments are others; only plain ones can move."""
        return Moving(arguments[self.arg], self.nbytes)


class Turning(NamedTuple):
    """An argument that is one array in the first, third, ... step, and another in between."""

    first: int
    second: int

    def within(self, arguments: Any) -> Turning:
        return Turning(arguments[self.first], arguments[self.second])


class Run(NamedTuple):
    """A part and where its arguments are in the table."""

    part: Part
    first: int


class LoopRun(NamedTuple):
    """Runs that are repeated.

    Attributes:
        length: How often.
        reverse: Whether slices are taken from the last one on.
        runs: What each step runs.
        moving: Places in the table: of an argument, of the array that it is a slice of, and the
            size of a slice.
        turning: Places of an argument and of its two arrays.
    """

    length: int
    reverse: bool
    runs: tuple[Any, ...]
    moving: tuple[tuple[int, int, int], ...]
    turning: tuple[tuple[int, int, int], ...]


class Segment:
    """Kernels that run one after the other.

    Attributes:
        runs: The kernels.
        slots: For each dynamic array the places in the table where its address belongs.
        size: The length of the table.
    """

    def __init__(self) -> None:
        self.runs: list[Run | LoopRun] = []
        self.slots: dict[str, list[int]] = {}
        self.size = 0

    def places(self, count: int) -> int:
        """The first of some free places in the table."""
        first = self.size
        self.size += count
        return first


class Unit:
    """The native code of one Program: kernels, each once, and an entry for each segment."""

    def __init__(self, contract: bool = True) -> None:
        self.contract = contract
        self.names: dict[tuple[type, Part], str] = {}  # tuples of two kinds may be equal
        self.segments: list[Segment] = []

    def add(self, segment: Segment) -> int:
        """Take in a segment; its number."""
        for run in flat(segment.runs):
            self.names.setdefault((type(run.part), run.part), f"k{len(self.names)}")
        self.segments.append(segment)
        return len(self.segments) - 1

    def text(self, target: Target) -> str:
        """The unit as LLVM text."""
        return self._written(target)[0]

    def _written(self, target: Target) -> tuple[str, dict[str, int]]:
        """The text, and the addresses of what it calls."""
        functions = [part.print(name, target, self.contract) 
                     for (_, part), name in self.names.items()]  # fmt: skip
        for function in functions:
            function.internal = True
        entries = [self._entry(k, s, target) for k, s in enumerate(self.segments)]
        imports: dict[str, int] = {}
        for function in functions:
            imports |= function.imports
        return module([*functions, _run_alone(target), *entries], target), imports

    def _entry(self, k: int, segment: Segment, target: Target) -> Function:
        params = ["ptr %control", "ptr %table", *[f"ptr %array{i}" for i in range(len(segment.slots))]]
        f = Function(f"segment{k}", ", ".join(params), target)
        table = Value("%table", "ptr")
        for i, slots in enumerate(segment.slots.values()):
            field = f.at(Value(f"%array{i}", "ptr"), DATA, "i8")
            address = f.let(f"load ptr, {field}", "ptr")
            for slot in slots:
                f.line(f"store {address}, {f.at(table, slot, 'ptr')}")
        shares = any(_is_shared(run.part, target) for run in flat(segment.runs))
        run_job, leads = _lead(f) if shares else (None, None)
        self._runs(f, segment.runs, run_job)
        if leads is not None:
            with f.when(leads):
                f.line(f"store atomic i64 0, {_busy(f)} release, align 8")
        f.ret()
        return f

    def _runs(self, f: Function, runs: Sequence[Run | LoopRun], run_job: Value | None) -> None:
        table = Value("%table", "ptr")
        for run in runs:
            if isinstance(run, LoopRun):
                with f.loop(0, run.length) as i:
                    _turn(f, table, run, i)
                    self._runs(f, run.runs, run_job)
                continue
            name, tasks = self.names[type(run.part), run.part], run.part.tasks(f.target)
            at = f.at(table, run.first, "ptr")
            if run_job is not None and _is_shared(run.part, f.target):
                f.line(f"call void {run_job.text}(ptr %control, ptr @{name}, {at}, i64 {tasks}, "
                       f"i64 {run.part.least(f.target)})")  # fmt: skip
            else:
                f.line(f"call void @{name}({at}, i64 0, i64 {tasks})")

    def link(self) -> list[Callable[..., None]]:
        """The entries as functions of the table's address and arrays."""
        names = [f"segment{k}" for k in range(len(self.segments))]
        text, imports = self._written(host())
        addresses = build.build(text, names, imports)
        result: list[Callable[..., None]] = []
        for name, segment in zip(names, self.segments, strict=True):
            kinds = [ctypes.c_void_p] * 2 + [ctypes.py_object] * len(segment.slots)
            result.append(ctypes.CFUNCTYPE(None, *kinds)(addresses[name]))
        return result


def flat(runs: Sequence[Run | LoopRun]) -> Iterator[Run]:
    """All runs, those in loops too."""
    for run in runs:
        if isinstance(run, LoopRun):
            yield from flat(run.runs)
        else:
            yield run


def _is_shared(part: Part, target: Target) -> bool:
    """Whether it is worth more than one thread."""
    return part.tasks(target) >= 2 * part.least(target)


def _turn(f: Function, table: Value, run: LoopRun, i: Value) -> None:
    """Put the arguments of step `i` of a loop into the table."""
    step = f.sub(constant(run.length - 1, "i64"), i) if run.reverse else i
    for place, array, nbytes in run.moving:
        base = f.let(f"load ptr, {f.at(table, array, 'ptr')}", "ptr")
        slice_ = f.at(base, f.op("mul", step, nbytes), "i8")
        f.line(f"store {slice_}, {f.at(table, place, 'ptr')}")
    is_odd = f.cast("trunc", i, "i1")
    for place, first, second in run.turning:
        arrays = [f.let(f"load ptr, {f.at(table, k, 'ptr')}", "ptr") for k in (second, first)]
        f.line(f"store {f.select(is_odd, *arrays)}, {f.at(table, place, 'ptr')}")


def _busy(f: Function) -> Value:
    return f.at(Value("%control", "ptr"), BUSY, "i64")


def _lead(f: Function) -> tuple[Value, Value]:
    """What runs the tasks of a kernel: all threads, or only this one if another program has them.

    The second value says which.
    """
    pair = f.let(f"cmpxchg {_busy(f)}, i64 0, i64 1 acq_rel monotonic", "i64")
    leads = f.let(f"extractvalue {{ i64, i1 }} {pair.text}, 1", "i1")
    shared = f.let(f"load ptr, {f.at(Value('%control', 'ptr'), RUN_JOB, 'i64')}", "ptr")
    return f.select(leads, shared, Value("@run_alone", "ptr")), leads


def _run_alone(target: Target) -> Function:
    params = "ptr %control, ptr %function, ptr %arguments, i64 %tasks, i64 %least"
    f = Function("run_alone", params, target, internal=True)
    f.line("call void %function(ptr %arguments, i64 0, i64 %tasks)")
    f.ret()
    return f


def make_table(size: int, fixed: Sequence[tuple[int, Any]]) -> Any:
    """A table of pointers with the addresses of the arrays that never change."""
    table = (ctypes.c_void_p * max(size, 1))()
    for slot, array in fixed:
        table[slot] = array.ctypes.data
    table.keep = [array for _, array in fixed]
    return table


def packed(x: Any) -> Any:
    """`x`, or a copy of it in row-major order."""
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


def aligned(nbytes: int) -> Any:
    """Fresh memory that begins where a line of the cache does: no vector lies across two."""
    memory = np.empty(nbytes + LINE - 1, "u1")
    start = -memory.ctypes.data % LINE
    return memory[start : start + nbytes]
