"""Runs of kernels behind one native call.

The function takes a table of pointers and NumPy arrays. The table has a place for every argument of
every kernel; those that are the same in each call were filled in when the table was made, the others
are filled in here, from the arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rtorch.compiler.native import build
from rtorch.compiler.native.kernel import Kernel
from rtorch.compiler.native.loops import least_tasks, print_kernel, tasks_of
from rtorch.compiler.native.pool import BUSY, RUN_JOB
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Value, module

DATA = 16  # where an array object holds the address of its elements, after PyObject's two words


class Run(NamedTuple):
    """A kernel and where its arguments are in the table."""

    kernel: Kernel
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

    def add(self, kernel: Kernel) -> int:
        """Append a kernel; the place of its first argument in the table."""
        first = self.size
        self.runs.append(Run(kernel, first))
        self.size += len(kernel.args)
        return first


class Unit:
    """The native code of one Program: kernels, each once, and an entry for each segment."""

    def __init__(self, contract: bool = True) -> None:
        self.contract = contract
        self.kernels: dict[Kernel, str] = {}
        self.segments: list[Segment] = []

    def add(self, segment: Segment) -> int:
        """Take in a segment; its number."""
        for run in segment.runs:
            self.kernels.setdefault(run.kernel, f"k{len(self.kernels)}")
        self.segments.append(segment)
        return len(self.segments) - 1

    def text(self, target: Target) -> str:
        """The unit as LLVM text."""
        functions = [print_kernel(kernel, name, target, self.contract)
                     for kernel, name in self.kernels.items()]  # fmt: skip
        for function in functions:
            function.internal = True
        entries = [self._entry(k, s, target) for k, s in enumerate(self.segments)]
        return module([*functions, _run_alone(target), *entries], target)

    def _entry(self, k: int, segment: Segment, target: Target) -> Function:
        params = ["ptr %control", "ptr %table", *[f"ptr %array{i}" for i in range(len(segment.slots))]]
        f = Function(f"segment{k}", ", ".join(params), target)
        table = Value("%table", "ptr")
        for i, slots in enumerate(segment.slots.values()):
            field = f.at(Value(f"%array{i}", "ptr"), DATA, "i8")
            address = f.let(f"load ptr, {field}", "ptr")
            for slot in slots:
                f.line(f"store {address}, {f.at(table, slot, 'ptr')}")
        shared = [tasks_of(r.kernel, target) >= 2 * least_tasks(r.kernel, target)
                  for r in segment.runs]  # fmt: skip
        if any(shared):
            run_job, leads = _lead(f)
        for run, is_shared in zip(segment.runs, shared, strict=True):
            name, tasks = self.kernels[run.kernel], tasks_of(run.kernel, target)
            at = f.at(table, run.first, "ptr")
            if is_shared:
                least = least_tasks(run.kernel, target)
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
        addresses = build.build(self.text(host()), names)
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
