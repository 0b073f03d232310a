"""Native code in a plan: kernels that follow each other become one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.compiler.native.entry import (
    LoopRun,
    Moving,
    Run,
    Segment,
    Turning,
    Unit,
    make_table,
    packed,
)
from rtorch.compiler.native.pool import control
from rtorch.compiler.scans import LoopLaunch
from rtorch.core.aval import Aval
from rtorch.core.program import Eqn, Var

LINE = 64  # bytes of the cache that are loaded at a time


class NativeCode:
    """The kernels of one plan.

    Args:
        planner: What writes the rest of it.
    """

    def __init__(self, planner: Any) -> None:
        self.planner = planner
        self.unit = Unit()
        self.segment: Segment | None = None  # kernels that wait to be called
        self.late: list[str] = []  # what comes after them
        self.tables: list[str] = []

    def following(self) -> list[str]:
        """The lines that run after what was written last."""
        lines: list[str] = self.planner.body if self.segment is None else self.late
        return lines

    def memory(self, nbytes: int) -> str:
        """What makes a piece of memory."""
        self.planner.globals["aligned"] = aligned
        return f"aligned({nbytes})"

    def functions(self) -> dict[str, Any]:
        """The entries of the native code by their names in the plan."""
        entries = self.unit.link() if self.unit.segments else []
        return {f"segment{k}": entry for k, entry in enumerate(entries)}

    def _constant_names(self) -> set[str]:
        return {self.planner.name(v) for v in self.planner.program.consts}

    def emit(self, i: int, eqn: Eqn) -> None:
        """Add kernels to those that wait; the next other operation has them called first."""
        call = eqn.params["call"]
        if self.segment is None:
            self.segment = Segment()
            self.table = f"table{len(self.tables)}"
            self.tables.append(self.table)
            self.fixed_slots: list[tuple[int, str]] = []
        names = [self._packed(v) for v in call.operands]
        for out, operands in zip(call.results, call.in_place):
            victims = [call.operands[k] for k in operands]
            names.append(self._place_result(i, out, victims))
        for shape, dtype in call.temporaries:
            var = Var(Aval(shape, np.dtype(dtype)))
            names.append(self._temporary(var))
        self.segment.runs += [self._run(launch, names) for launch in call.launches]

    def _run(self, launch: Any, names: list[str]) -> Run | LoopRun:
        """A launch with places in the table for its arguments."""
        if isinstance(launch, LoopLaunch):
            return self._loop_run(launch, names)
        assert self.segment is not None
        first = self.segment.places(launch.part.n_args)
        for k, arg in enumerate(launch.args):
            self._fill(first + k, names[arg])
        return Run(launch.part, first)

    def _loop_run(self, loop: LoopLaunch, names: list[str]) -> LoopRun:
        assert self.segment is not None
        runs: list[Run | LoopRun] = []
        moving, turning = [], []
        for launch in loop.launches:
            if isinstance(launch, LoopLaunch):
                runs.append(self._loop_run(launch, names))
                continue
            first = self.segment.places(launch.part.n_args)
            for k, arg in enumerate(launch.args, first):
                if isinstance(arg, Moving):
                    moving.append((k, self._array(names[arg.arg]), arg.nbytes))
                elif isinstance(arg, Turning):
                    pair = self._array(names[arg.first]), self._array(names[arg.second])
                    turning.append((k, *pair))
                else:
                    self._fill(k, names[arg])
            runs.append(Run(launch.part, first))
        return LoopRun(loop.length, loop.reverse, tuple(runs), tuple(moving), tuple(turning))

    def _array(self, name: str) -> int:
        """A place in the table for the address of an array that arguments are slices of."""
        assert self.segment is not None
        place = self.segment.places(1)
        self._fill(place, name)
        return place

    def _packed(self, var: Var) -> str:
        name = self.planner.name(var)
        if var in self.planner.program.consts:
            self.planner.globals[name] = packed(self.planner.globals[name])
        elif var in self.planner.program.in_vars or var not in self.planner.direct:
            self.planner.globals["packed"] = packed
            self.planner.body.append(f"{name} = packed({name})")
        return name

    def _fill(self, slot: int, name: str) -> None:
        assert self.segment is not None
        if name in self.planner.fixed_names or name in self._constant_names():
            self.fixed_slots.append((slot, name))
        else:
            self.segment.slots.setdefault(name, []).append(slot)

    def _temporary(self, var: Var) -> str:
        nbytes = var.aval.size * var.aval.dtype.itemsize
        buffer, name = self.planner.buffer(nbytes), self.planner.name(var)
        dtype = self.planner.constant(var.aval.dtype, "t")
        self.planner.fix(
            var, f"{name} = {buffer}[:{nbytes}].view({dtype}).reshape({var.aval.shape})"
        )
        return name

    def flush(self) -> None:
        """Call the kernels that wait."""
        if self.segment is None:
            return
        number = self.unit.add(self.segment)
        pairs = ", ".join(f"({slot}, {name})" for slot, name in self.fixed_slots)
        self.planner.globals["make_table"] = make_table
        self.planner.setup.append(f"{self.table} = make_table({self.segment.size}, [{pairs}])")
        self.planner.fixed_names.append(self.table)
        self.planner.globals["control"] = control
        arguments = ["control()", self.table, *self.segment.slots]
        self.planner.body.append(f"segment{number}({', '.join(arguments)})")
        self.planner.body += self.late
        self.segment, self.late = None, []

    def _place_result(self, i: int, out: Var, operands: Sequence[Var]) -> str:
        """The place of a result of kernels, which may be that of an operand that dies there."""
        victim = next((x for x in operands if self._dies(i, x, out)), None)
        return self.planner.place_of(i, out, victim)

    def _dies(self, i: int, x: Var, out: Var) -> bool:
        """Whether equation `i` is the last to read `x`, and `out` may have its memory."""
        place = self.planner.places.get(x)
        is_free = (
            x in self.planner.direct
            and x not in self.planner.kept
            and place is not None
            and place.owned
        )
        if is_free and out in self.planner.kept and place.pooled:
            return False  # the workspace keeps it
        same = x.aval.shape == out.aval.shape and x.aval.dtype is out.aval.dtype
        return is_free and same and self.planner.last_use.get(x, i) == i


def aligned(nbytes: int) -> Any:
    """Fresh memory that begins where a line of the cache does: no vector lies across two."""
    memory = np.empty(nbytes + LINE - 1, "u1")
    start = -memory.ctypes.data % LINE
    return memory[start : start + nbytes]
