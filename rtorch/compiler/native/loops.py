"""Kernels as LLVM text: ``void name(ptr args, i64 first, i64 last)`` runs the tasks in a range.

`args` is a table of pointers. A task is a row, or with ``across`` some vectors of rows next to each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.native import scalars
from rtorch.compiler.native.kernel import REDUCTIONS, Access, Kernel, order
from rtorch.compiler.native.scalars import EXPENSIVE, IN_MEMORY, IN_REGISTER, NBYTES
from rtorch.compiler.native.target import Target
from rtorch.compiler.native.text import Function, Slot, Value, constant, suffix

SCRATCH_BYTES = 1 << 17  # the most of a row that is kept of what is expensive


def lanes_of(kernel: Kernel, target: Target) -> int:
    """How many elements go at a time."""
    return target.lanes(max([4, *[NBYTES[node.dtype] for node in kernel.nodes]]))


def unroll_of(kernel: Kernel, target: Target) -> int:
    """How many vectors go at a time: more if there is little to do for each."""
    size = sum(20 if node.op in EXPENSIVE else 1 for node in kernel.nodes)
    wanted = 4 if size <= 8 else 2 if size <= 40 else 1
    extent = kernel.rows[-1] if kernel.across else kernel.block or kernel.inner[-1]
    return max(1, min(wanted, extent // lanes_of(kernel, target)))


def tasks_of(kernel: Kernel, target: Target) -> int:
    """How many tasks there are."""
    if not kernel.across:
        return kernel.tasks
    width = lanes_of(kernel, target) * unroll_of(kernel, target)
    return kernel.tasks // max(1, kernel.rows[-1]) * -(-kernel.rows[-1] // width)


ENOUGH = 10_000  # nanoseconds that are worth a thread's while


def least_tasks(kernel: Kernel, target: Target) -> int:
    """How many tasks are worth a thread's while, by a rough estimate."""
    lanes = lanes_of(kernel, target)
    arithmetic = sum(0.4 * 16 / lanes if n.op in EXPENSIVE else 0.4 / lanes for n in kernel.nodes)
    streams = 0.1 * (len(kernel.stores) + sum(n.op == "load" for n in kernel.nodes))
    elements = _size(kernel) * (lanes * unroll_of(kernel, target) if kernel.across else 1)
    return max(1, int(ENOUGH / (elements * (arithmetic + streams) + 5)))


class Loops(NamedTuple):
    """A kernel as part of a program."""

    kernel: Kernel

    @property
    def n_args(self) -> int:
        return len(self.kernel.args)

    @property
    def writes(self) -> Sequence[int]:
        return [s.access.arg for s in self.kernel.stores]

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        return print_kernel(self.kernel, name, target, contract)

    def tasks(self, target: Target) -> int:
        return tasks_of(self.kernel, target)

    def least(self, target: Target) -> int:
        return least_tasks(self.kernel, target)


def print_kernel(kernel: Kernel, name: str, target: Target, contract: bool = True) -> Function:
    """The function of a kernel."""
    return (_Across if kernel.across else _Along)(kernel, name, target, contract).print()


class _Position(NamedTuple):
    """Where a vector is: the counters of the loops, and which of its lanes count."""

    inner: tuple[Value, ...]
    mask: Value | None
    shift: int  # elements (or with `across` rows) after the place that the counters say


class _Printer:
    """What both ways to fill vectors share."""

    def __init__(self, kernel: Kernel, name: str, target: Target, contract: bool) -> None:
        self.kernel = kernel
        self.order = order(kernel)
        self.f = Function(name, "ptr noalias %args, i64 %first, i64 %last", target, contract)
        self.lanes = lanes_of(kernel, target)
        self.unroll = unroll_of(kernel, target)
        self.kept = self._kept_nodes()
        self.scratch = {
            n: self.f.scratch(IN_REGISTER[kernel.nodes[n].dtype], _size(kernel) + self.lanes)
            for n in self.kept
        }

    def print(self) -> Function:
        f = self.f
        self.bases = [f.pointer("%args", k) for k in range(len(self.kernel.args))]
        with f.loop(Value("%first", "i64"), Value("%last", "i64")) as task:
            self._task(task)
        f.ret()
        return f

    def _task(self, task: Value) -> None:
        raise NotImplementedError

    # -- which nodes a loop computes -----------------------------------------------------------

    def _roots(self, stage: int) -> list[int]:
        """The nodes of the elements that a stage is there for."""
        kernel, at = self.kernel, self.order.stage
        roots = [s.node for s in kernel.stores if s.access.inner and at[s.node] == stage]
        roots += [n.args[0] for n in kernel.nodes if n.op in REDUCTIONS and at[n.args[0]] == stage]
        return roots

    def _needed(self, roots: Iterable[int], stop: Iterable[int] = ()) -> list[int]:
        """The nodes of the elements that `roots` come from, in order; not beyond `stop`."""
        found: set[int] = set()
        pending = list(roots)
        while pending:
            n = pending.pop()
            if n in found or self.order.is_row[n]:
                continue
            found.add(n)
            if n not in stop:
                pending += self.kernel.nodes[n].args
        return sorted(found)

    def _kept_nodes(self) -> list[int]:
        """The nodes whose values a later stage reads from scratch memory."""
        size = _size(self.kernel)
        kept: list[int] = []
        for stage in range(self.order.n_stages):
            for n in self._needed(self._roots(stage), kept):
                node = self.kernel.nodes[n]
                fits = size * NBYTES[node.dtype] <= SCRATCH_BYTES
                computed = any(n in self._needed(self._roots(s)) for s in range(stage))
                if node.op in EXPENSIVE and fits and computed and n not in kept:
                    kept.append(n)
        return kept

    # -- values --------------------------------------------------------------------------------

    def _evaluate(self, n: int, env: dict[int, Value], at: _Position) -> Value:
        """A node of the elements at a position, or of the row; its operands are in `env`."""
        node, f = self.kernel.nodes[n], self.f
        if node.op == "load":
            return self._load(node.extra, at, node.dtype)
        if node.op == "index":
            return self._index(node.extra, at, node.dtype)
        if node.op == "constant":
            return constant(node.extra, IN_REGISTER[node.dtype])
        args = [env[a] for a in node.args]
        dtype = self.kernel.nodes[node.args[0] if node.op != "select" else n].dtype
        result = scalars.emit(f, node.op, dtype, args, node.extra)
        if node.op in ("select", "convert"):
            return result
        return scalars.rounded(f, result, node.dtype) if self._rounds(node.dtype) else result

    def _rounds(self, dtype: str) -> bool:
        return dtype in ("float16", "bfloat16")

    def _load(self, access: Access, at: _Position, dtype: str) -> Value:
        address, stride = self._address(access, at)
        kind = IN_MEMORY[dtype]
        f = self.f
        if stride == 0:
            return scalars.from_memory(f, f.load(address, kind), dtype)
        if stride == 1:
            x = f.load(address, kind, self.lanes, at.mask)
        else:
            x = self._gather(address, stride, kind, at.mask)
        return scalars.from_memory(f, x, dtype)

    def _places(self, address: Value, stride: int, kind: str) -> Value:
        """The addresses of elements at a distance."""
        offsets = self.f.op("mul", self.f.ramp("i64", self.lanes), stride)
        return self.f.let(f"getelementptr {kind}, {address}, {offsets}", "ptr", self.lanes)

    def _scatter(self, address: Value, stride: int, x: Value, mask: Value | None) -> None:
        f, lanes = self.f, self.lanes
        places = self._places(address, stride, x.kind)
        mask = mask or constant(1, "i1", lanes)
        name = f"@llvm.masked.scatter.{suffix(x.kind, lanes)}.v{lanes}p0"
        f.declarations.add(f"declare void {name}({x.type}, {places.type}, i32, {mask.type})")
        f.line(f"call void {name}({x}, {places}, i32 {NBYTES_OF_KIND[x.kind]}, {mask})")

    def _gather(self, address: Value, stride: int, kind: str, mask: Value | None) -> Value:
        f, lanes = self.f, self.lanes
        places = self._places(address, stride, kind)
        vector = f"<{lanes} x {kind}>"
        name = f"@llvm.masked.gather.{suffix(kind, lanes)}.v{lanes}p0"
        mask = mask or constant(1, "i1", lanes)
        f.declarations.add(f"declare {vector} {name}(<{lanes} x ptr>, i32, {mask.type}, {vector})")
        align = NBYTES_OF_KIND[kind]
        given = f"{places}, i32 {align}, {mask}, {vector} zeroinitializer"
        return f.let(f"call {vector} {name}({given})", kind, lanes)

    def _store(self, access: Access, at: _Position, x: Value, dtype: str) -> None:
        address, stride = self._address(access, at)
        f = self.f
        x = scalars.to_memory(f, f.splat(x, self.lanes) if stride else x, dtype)
        if stride in (0, 1):
            f.store(address, x, at.mask if stride else None)
        else:
            self._scatter(address, stride, x, at.mask)

    def _address(self, access: Access, at: _Position) -> tuple[Value, int]:
        """The address of the first lane, and the distance of the lanes."""
        raise NotImplementedError

    def _index(self, access: Access, at: _Position, dtype: str) -> Value:
        raise NotImplementedError

    # -- accumulators --------------------------------------------------------------------------

    def _accumulators(self, stage: int) -> dict[int, list[Slot]]:
        """A variable for each reduction of a stage and each vector that goes at a time."""
        made = {}
        for n, node in enumerate(self.kernel.nodes):
            if node.op in REDUCTIONS and self.order.stage[node.args[0]] == stage:
                kind = IN_REGISTER[node.dtype]
                start = scalars.identity(node.op, node.dtype)
                made[n] = [self.f.variable(kind, self.lanes, start) for _ in range(self.unroll)]
        return made

    def _accumulate(self, n: int, slot: Slot, x: Value, mask: Value | None) -> None:
        f, node = self.f, self.kernel.nodes[n]
        x = f.splat(x, self.lanes)
        if mask is not None:
            x = f.select(mask, x, scalars.identity(node.op, node.dtype))
        f.set(slot, self._combine(n, f.get(slot), x))

    def _combine(self, n: int, x: Value, y: Value) -> Value:
        node = self.kernel.nodes[n]
        combine = scalars.REDUCTIONS[node.op][0]
        if node.dtype == "bool" and combine == "add":
            combine = "or"
        return scalars.emit(self.f, combine, node.dtype, [x, y])

    def _element(self, needed: Sequence[int], rows: dict[int, Value], at: _Position,
                 stage: int) -> dict[int, Value]:  # fmt: skip
        """The values of `needed` at a position."""
        env = dict(rows)
        for n in needed:
            if n in self.kept and self.order.stage[n] < stage:
                env[n] = self._from_scratch(n, at)
            else:
                env[n] = self._evaluate(n, env, at)
                if n in self.kept and self.order.stage[n] == stage:
                    self._to_scratch(n, at, env[n])
        return env

    def _from_scratch(self, n: int, at: _Position) -> Value:
        raise NotImplementedError

    def _to_scratch(self, n: int, at: _Position, x: Value) -> None:
        raise NotImplementedError


NBYTES_OF_KIND = {"half": 2, "bfloat": 2, "float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4,
                  "i64": 8}  # fmt: skip


def _size(kernel: Kernel) -> int:
    total = 1
    for n in kernel.inner[:-1]:
        total *= n
    return total * (kernel.block or kernel.inner[-1])


class _Along(_Printer):
    """The elements of a row fill the vectors."""

    def _task(self, task: Value) -> None:
        f, kernel = self.f, self.kernel
        self.row = _unravel(f, task, kernel.rows)
        self.start, self.extent = self._block()
        here = _Position((), None, 0)
        rows: dict[int, Value] = {}
        for stage in range(self.order.n_stages + 1):
            self._row_nodes(stage, rows, here)
            if stage < self.order.n_stages:
                self._stage(stage, rows)
        for store in kernel.stores:
            if not store.access.inner:
                self._store(store.access, here, rows[store.node], kernel.nodes[store.node].dtype)

    def _block(self) -> tuple[Value | None, int | Value]:
        kernel, f = self.kernel, self.f
        if not kernel.block:
            return None, kernel.inner[-1]
        start = f.index((self.row[-1], kernel.block))
        if kernel.inner[-1] % kernel.block == 0:
            return start, kernel.block
        left = f.sub(constant(kernel.inner[-1], "i64"), start)
        return start, f.call("smin", left, constant(kernel.block, "i64"))

    def _row_nodes(self, stage: int, rows: dict[int, Value], here: _Position) -> None:
        """The nodes of the row that are known before a stage."""
        for n, node in enumerate(self.kernel.nodes):
            ready = self.order.is_row[n] and self.order.stage[n] == stage
            if ready and node.op not in REDUCTIONS:
                rows[n] = self._evaluate(n, rows, here)

    def _stage(self, stage: int, rows: dict[int, Value]) -> None:
        f = self.f
        needed = self._needed(
            self._roots(stage), [k for k in self.kept if self.order.stage[k] < stage]
        )
        used = {a for n in needed for a in self.kernel.nodes[n].args} | set(self._roots(stage))
        filled = {n: f.splat(x, self.lanes) for n, x in rows.items() if n in used}
        accumulators = self._accumulators(stage)

        def body(at: _Position, u: int) -> None:
            env = self._element(needed, filled, at, stage)
            for store in self.kernel.stores:
                if store.access.inner and self.order.stage[store.node] == stage:
                    dtype = self.kernel.nodes[store.node].dtype
                    self._store(store.access, at, env[store.node], dtype)
            for n, slots in accumulators.items():
                self._accumulate(n, slots[u], env[self.kernel.nodes[n].args[0]], at.mask)

        self._nest((), body)
        for n, slots in accumulators.items():
            rows[n] = self._whole(n, [f.get(s) for s in slots])

    def _nest(self, counters: tuple[Value, ...], body: Any) -> None:
        """The loops over the axes of the row; the last one goes by vectors."""
        f = self.f
        if len(counters) < len(self.kernel.inner) - 1:
            with f.loop(0, self.kernel.inner[len(counters)]) as i:
                self._nest((*counters, i), body)
            return
        width, step = self.lanes * self.unroll, self.lanes
        n = self.extent
        full: int | Value
        if isinstance(n, int):
            full = n // width * width
        else:
            full = (
                f.let(f"and {n}, {-width}", "i64")
                if width & (width - 1) == 0
                else f.sub(n, f.op("rem", n, width))
            )
        if not isinstance(full, int) or full:
            with f.loop(0, full, width) as i:
                for u in range(self.unroll):
                    body(_Position((*counters, i), None, u * step), u)
        if isinstance(n, int) and n == full:
            return
        with f.loop(full, n, step) as i:
            left = f.sub(n if isinstance(n, Value) else constant(n, "i64"), i)
            body(_Position((*counters, i), f.first(left, self.lanes), 0), 0)

    def _whole(self, n: int, parts: list[Value]) -> Value:
        """A reduction of all lanes, in an order that is always the same."""
        f = self.f
        while len(parts) > 1:
            parts = [self._combine(n, *parts[i : i + 2]) if i + 1 < len(parts) else parts[i]
                     for i in range(0, len(parts), 2)]  # fmt: skip
        x = parts[0]
        while x.lanes > 1:
            half = x.lanes // 2
            low = f.shuffle(x, x, range(half))
            high = f.shuffle(x, x, range(half, x.lanes))
            if half == 1:
                low, high = f.extract(x, 0), f.extract(x, 1)
            x = self._combine(n, low, high)
        return scalars.rounded(f, x, self.kernel.nodes[n].dtype)

    def _address(self, access: Access, at: _Position) -> tuple[Value, int]:
        f = self.f
        terms: list[tuple[Value, int]] = list(zip(self.row, access.rows, strict=True))
        terms += list(zip(at.inner, access.inner, strict=False))
        offset, stride = access.offset, 0
        if access.inner:
            stride = access.inner[-1]
            offset += at.shift * stride
            if self.start is not None:
                terms.append((self.start, stride))
        kind = IN_MEMORY[self.kernel.args[access.arg]]
        return f.at(self.bases[access.arg], f.index(*terms, start=offset), kind), stride

    def _index(self, access: Access, at: _Position, dtype: str) -> Value:
        f = self.f
        terms: list[tuple[Value, int]] = list(zip(self.row, access.rows, strict=True))
        terms += list(zip(at.inner, access.inner, strict=False))
        stride = access.inner[-1] if access.inner and at.inner else 0
        if stride and self.start is not None:
            terms.append((self.start, stride))
        first = f.index(*terms, start=access.offset + at.shift * stride)
        if stride:
            first = f.add(f.op("mul", f.ramp("i64", self.lanes), stride), first)
        return scalars.convert(f, first, "int64", dtype)

    def _place(self, n: int, at: _Position) -> Value:
        """Where the value of a kept node lies in scratch memory."""
        f, inner = self.f, self.kernel.inner
        strides = [1] * len(inner)
        extents = [*inner[:-1], self.kernel.block or inner[-1]]
        for k in range(len(inner) - 2, -1, -1):
            strides[k] = strides[k + 1] * extents[k + 1]
        index = f.index(*zip(at.inner, strides, strict=True), start=at.shift)
        return f.at(self.scratch[n], index, IN_REGISTER[self.kernel.nodes[n].dtype])

    def _from_scratch(self, n: int, at: _Position) -> Value:
        kind = IN_REGISTER[self.kernel.nodes[n].dtype]
        return self.f.load(self._place(n, at), kind, self.lanes)

    def _to_scratch(self, n: int, at: _Position, x: Value) -> None:
        self.f.store(self._place(n, at), self.f.splat(x, self.lanes))


class _Across(_Printer):
    """Rows next to each other fill the vectors."""

    def _task(self, task: Value) -> None:
        f, kernel = self.f, self.kernel
        width = self.lanes * self.unroll
        *outer, extent = kernel.rows
        blocks = -(-extent // width)
        *self.row, block = _unravel(f, task, (*outer, blocks))
        self.column = f.index((block, width))
        places = [self._lanes_at(u, extent, extent % width == 0) for u in range(self.unroll)]
        envs: list[dict[int, Value]] = [{} for _ in places]
        for stage in range(self.order.n_stages + 1):
            for n, node in enumerate(kernel.nodes):
                if (
                    self.order.is_row[n]
                    and self.order.stage[n] == stage
                    and node.op not in REDUCTIONS
                ):
                    for env, at in zip(envs, places, strict=True):
                        env[n] = self._evaluate(n, env, at)
            if stage < self.order.n_stages:
                self._stage(stage, envs, places)
        for store in kernel.stores:
            if not store.access.inner:
                for env, at in zip(envs, places, strict=True):
                    dtype = kernel.nodes[store.node].dtype
                    self._store(store.access, at, env[store.node], dtype)

    def _lanes_at(self, u: int, extent: int, whole: bool) -> _Position:
        f = self.f
        if whole:
            return _Position((), None, u * self.lanes)
        left = f.sub(constant(extent - u * self.lanes, "i64"), self.column)
        return _Position((), f.compare("slt", f.ramp("i64", self.lanes), f.splat(left, self.lanes)),
                         u * self.lanes)  # fmt: skip

    def _kept_nodes(self) -> list[int]:
        return []

    def _stage(self, stage: int, envs: list[dict[int, Value]], places: list[_Position]) -> None:
        f = self.f
        needed = self._needed(self._roots(stage))
        accumulators = self._accumulators(stage)

        def body(counters: tuple[Value, ...]) -> None:
            for u, (rows, place) in enumerate(zip(envs, places, strict=True)):
                at = place._replace(inner=counters)
                env = self._element(needed, rows, at, stage)
                for store in self.kernel.stores:
                    if store.access.inner and self.order.stage[store.node] == stage:
                        dtype = self.kernel.nodes[store.node].dtype
                        self._store(store.access, at, env[store.node], dtype)
                for n, slots in accumulators.items():
                    slot = slots[u]
                    x = f.splat(env[self.kernel.nodes[n].args[0]], self.lanes)
                    f.set(slot, self._combine(n, f.get(slot), x))

        self._nest((), body)
        for n, slots in accumulators.items():
            for env, slot in zip(envs, slots, strict=True):
                env[n] = scalars.rounded(f, f.get(slot), self.kernel.nodes[n].dtype)

    def _nest(self, counters: tuple[Value, ...], body: Any) -> None:
        if len(counters) == len(self.kernel.inner):
            body(counters)
            return
        with self.f.loop(0, self.kernel.inner[len(counters)]) as i:
            self._nest((*counters, i), body)

    def _address(self, access: Access, at: _Position) -> tuple[Value, int]:
        f = self.f
        *outer, stride = access.rows
        terms: list[tuple[Value, int]] = list(zip(self.row, outer, strict=True))
        terms += [(self.column, stride), *zip(at.inner, access.inner, strict=False)]
        kind = IN_MEMORY[self.kernel.args[access.arg]]
        index = f.index(*terms, start=access.offset + at.shift * stride)
        return f.at(self.bases[access.arg], index, kind), stride

    def _index(self, access: Access, at: _Position, dtype: str) -> Value:
        f = self.f
        *outer, stride = access.rows
        terms: list[tuple[Value, int]] = list(zip(self.row, outer, strict=True))
        terms += [(self.column, stride), *zip(at.inner, access.inner, strict=False)]
        first = f.index(*terms, start=access.offset + at.shift * stride)
        if stride:
            first = f.add(f.op("mul", f.ramp("i64", self.lanes), stride), first)
        return scalars.convert(f, first, "int64", dtype)


def _unravel(f: Function, index: Value, extents: Sequence[int]) -> list[Value]:
    """The position in an array of these extents that a number in row-major order means."""
    position: list[Value] = []
    for extent in reversed(extents[1:]):
        position.append(f.op("urem", index, extent))
        index = f.op("udiv", index, extent)
    return [index, *position[::-1]] if extents else []
