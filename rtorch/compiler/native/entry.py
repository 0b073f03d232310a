"""Runs of kernels behind one native call.

The function takes a table of pointers and NumPy arrays. The table has a place for every argument of
every kernel; those that are the same in each call were filled in when the table was made, the others
are filled in here, from the arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from rtorch.compiler.native import build
from rtorch.compiler.native.pool import BUSY, RUN_JOB
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Value, module

DATA = 16  # where an array object holds the address of its elements, after PyObject's two words


class Part(Protocol):
    """What a segment is made of: tasks that may run at the same time."""

    @property
    def n_args(self) -> int:
        """How many pointers it takes."""

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        """``void name(args, first, last)``, which runs a range of tasks."""

    def tasks(self, target: Target) -> int:
        """How many there are."""

    def least(self, target: Target) -> int:
        """How many are worth a thread's while."""


class Run(NamedTuple):
    """A part and where its arguments are in the table."""

    part: Part
    first: int


class Segment:
    """Kernels that run one after the other.

    Attributes:
        runs: The kernels.
        slots: For each dynamic array the places in the table where its address belongs.
        size: The length of the table.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.slots: dict[str, list[int]] = {}
        self.size = 0

    def add(self, part: Part) -> int:
        """Append a part; the place of its first argument in the table."""
        first = self.size
        self.runs.append(Run(part, first))
        self.size += part.n_args
        return first


class Unit:
    """The native code of one Program: kernels, each once, and an entry for each segment."""

    def __init__(self, contract: bool = True) -> None:
        self.contract = contract
        self.names: dict[tuple[type, Part], str] = {}  # tuples of two kinds may be equal
        self.segments: list[Segment] = []

    def add(self, segment: Segment) -> int:
        """Take in a segment; its number."""
        for run in segment.runs:
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
        shared = [r.part.tasks(target) >= 2 * r.part.least(target) for r in segment.runs]
        if any(shared):
            run_job, leads = _lead(f)
        for run, is_shared in zip(segment.runs, shared, strict=True):
            name = self.names[type(run.part), run.part]
            tasks = run.part.tasks(target)
            at = f.at(table, run.first, "ptr")
            if is_shared:
                least = run.part.least(target)
                f.line(f"call void {run_job.text}(ptr %control, ptr @{name}, {at}, i64 {tasks}, "
                       f"i64 {least})")  # fmt: skip
            else:
                f.line(f"call void @{name}({at}, i64 0, i64 {tasks})")
        if any(shared):
            with f.when(leads):
                f.line(f"store atomic i64 0, {_busy(f)} release, align 8")
        f.ret()
        return f

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
