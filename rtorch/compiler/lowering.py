"""Groups of equations as kernels.

A group whose reductions leave few rows becomes two kernels: one that reduces parts of the rows, in
parallel, and one that reduces the results of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from rtorch.compiler.fusion import FEW_ROWS, LONG_ROW, REDUCTIONS, Axes, Group, Groups
from rtorch.compiler.native.entry import Part
from rtorch.compiler.native.kernel import Access, Ints, Kernel, Node, Store, order
from rtorch.compiler.native.loops import Loops
from rtorch.compiler.native.scalars import SUPPORTED
from rtorch.compiler.views import packed
from rtorch.core.program import Eqn, Var

BLOCK = 1 << 12  # elements that are one task
PARTS = 64  # into which a long reduction is split


class Launch(NamedTuple):
    """Part of a call and what it is given.

    Attributes:
        part: What runs.
        args: For each array of the kernel its number among the operands, results and temporary
            arrays of the call.
    """

    part: Part
    args: Ints


class Call(NamedTuple):
    """What computes a group.

    Attributes:
        launches: Kernels, one after the other.
        operands: The variables that are read.
        results: The variables that are computed.
        temporaries: Shapes and dtypes of arrays in between.
        in_place: For each result the operands whose memory it may take.
    """

    launches: tuple[Launch, ...]
    operands: tuple[Var, ...]
    results: tuple[Var, ...]
    temporaries: tuple[tuple[Ints, str], ...]
    in_place: tuple[tuple[int, ...], ...]


def supports(eqn: Eqn) -> bool:
    """Whether kernels can compute an equation."""
    name = eqn.prim.name
    if name not in REDUCTIONS and not hasattr(eqn.prim, "lower"):
        return False
    avals = [a.aval for a in (*eqn.args, *eqn.outs) if type(a) is Var]
    if any(str(aval.dtype) not in SUPPORTED["load"] or not aval.size for aval in avals):
        return False
    if name in REDUCTIONS:
        longer = any(avals[0].shape[a] != 1 for a in eqn.params["axes"])
        return longer and str(avals[0].dtype) in SUPPORTED[name]
    if any(aval.shape != avals[-1].shape for aval in avals):
        return False
    try:
        _Checker().lower(eqn)
    except UnsupportedError:
        return False
    return True


class UnsupportedError(Exception):
    """A scalar operation that kernels do not have for a dtype."""


class Scalar(NamedTuple):
    """A value inside a kernel."""

    number: int
    dtype: str


class _Builder:
    """Collects nodes, of which equal ones become one; what a primitive's ``lower`` is given."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.numbers: dict[Any, int] = {}

    def node(self, op: str, args: Ints, dtype: str, extra: Any = None) -> Scalar:
        node = Node(op, args, dtype, extra)
        key = (*node[:3], repr(extra))
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return Scalar(number, dtype)

    def __call__(self, op: str, *operands: Any, dtype: str | None = None,
                 extra: Any = None) -> Scalar:  # fmt: skip
        """A scalar operation on values and Python numbers.

        Args:
            op: Its name in `native.scalars`.
            *operands: Values, and numbers of the same dtype.
            dtype: Of the result; that of the operands if not given.
            extra: What the operation takes beside values.
        """
        like = next(x for x in reversed(operands) if isinstance(x, Scalar))
        if like.dtype not in SUPPORTED.get(op, ()):
            raise UnsupportedError(op)
        args = [x if isinstance(x, Scalar) else self.constant(x, like.dtype) for x in operands]
        return self.node(op, tuple([x.number for x in args]), dtype or like.dtype, extra)

    def constant(self, value: Any, dtype: str) -> Scalar:
        if not isinstance(value, (bool, int, float)):
            raise UnsupportedError("constant")
        return self.node("constant", (), dtype, value)

    def lower(self, eqn: Eqn, operands: Sequence[Any]) -> Scalar:
        out = eqn.outs[0].aval
        rule: Any = eqn.prim
        result: Scalar = rule.lower(self, *operands, **eqn.params)
        assert result.dtype == str(out.dtype), (eqn.prim, result.dtype, out.dtype)
        return result


class _Checker(_Builder):
    """Finds out whether all operations are there."""

    def lower(self, eqn: Eqn, operands: Sequence[Any] = ()) -> Scalar:
        values = [self.node("load", (), str(a.aval.dtype), k) if type(a) is Var else a
                  for k, a in enumerate(eqn.args)]  # fmt: skip
        return super().lower(eqn, values)


def lower(group: Group, groups: Groups, results: Sequence[Var]) -> Call:
    """The kernels of a group; `results` are the variables that others read."""
    return _Lowering(group, groups, results).call()


class _Place(NamedTuple):
    """Where an element of the domain lies in an argument: by axes of the domain."""

    arg: int
    offset: int
    strides: Ints


class _Lowering(_Builder):
    """Builds the kernels of one group."""

    def __init__(self, group: Group, groups: Groups, results: Sequence[Var]) -> None:
        super().__init__()
        self.group = group
        self.groups = groups
        self.results = tuple(results)
        self.operands: list[Var] = []
        self.values: dict[Var, Scalar] = {}

    def call(self) -> Call:
        program = self.groups.program
        for i in self.group.eqns:
            self._add(program.eqns[i])
        stores = [self._store(v) for v in self.results]
        return _scheduled(self, stores)

    # -- nodes ---------------------------------------------------------------------------------

    def _add(self, eqn: Eqn) -> None:
        (out,) = eqn.outs
        if eqn.prim.name in REDUCTIONS:
            (x,) = eqn.args
            along = self._reduced_axes(eqn)
            value = self._operand(x, along)
            dtype = str(out.aval.dtype)
            self.values[out] = self.node(eqn.prim.name, (value.number,), dtype)
            return
        axes = self.group.maps[out]
        operands = [self._operand(a, axes) if type(a) is Var else a for a in eqn.args]
        self.values[out] = self.lower(eqn, operands)

    def _reduced_axes(self, eqn: Eqn) -> Axes:
        """The axes of the domain along which the operand of a reduction runs."""
        (x,), (out,) = eqn.args, eqn.outs
        kept = iter(self.group.maps[out])
        gone = iter(sorted(self.group.inner or ()))
        shape, axes = x.aval.shape, eqn.params["axes"]
        place = self.groups._inside(x)
        if place is not None and place[0] is self.group:
            return place[1]
        return tuple([
            (next(gone) if n != 1 else None) if a in axes else next(kept)
            for a, n in enumerate(shape)
        ])  # fmt: skip

    def _operand(self, a: Var, axes: Axes) -> Scalar:
        view = self.groups.views[a]
        if view.root in self.values:
            return self.values[view.root]
        constant = self.groups.scalar(view.root)
        if constant is not None:
            return self.constant(constant, str(a.aval.dtype))
        strides = [0] * len(self.group.extents)
        for axis, stride in zip(axes, view.strides, strict=True):
            if axis is not None:
                strides[axis] += stride
        if view.root not in self.operands:
            self.operands.append(view.root)
        place = _Place(self.operands.index(view.root), view.offset, tuple(strides))
        return self.node("load", (), str(a.aval.dtype), place)

    def _store(self, var: Var) -> tuple[int, _Place]:
        strides = [0] * len(self.group.extents)
        for axis, stride in zip(self.group.maps[var], packed(var.aval.shape), strict=True):
            if axis is not None:
                strides[axis] = stride
        return self.values[var].number, _Place(-1 - self.results.index(var), 0, tuple(strides))


# ---- loops ---------------------------------------------------------------------------------------


def _scheduled(low: _Lowering, stores: list[tuple[int, _Place]]) -> Call:
    """The kernels for nodes and results given by axes of the domain."""
    group = low.group
    places = [n.extra for n in low.nodes if n.op == "load"] + [p for _, p in stores]
    if group.inner is None:
        kernel = _map_kernel(low, stores, places)
        return _call(low, [kernel], ())
    rows = _collapsed(sorted(group.rows), group.extents, places)
    inner = _collapsed(sorted(group.inner), group.extents, places)
    across = bool(rows) and _last(rows) > _last(inner)
    nodes = tuple([_placed(n, rows, inner, low) for n in low.nodes])
    full = [group.is_full(group.maps[v]) for v in low.results]
    out = tuple([Store(n, _access(p, rows, inner if is_full else (), low))
                 for (n, p), is_full in zip(stores, full, strict=True)])  # fmt: skip
    kernel = Kernel(
        tuple([_extent(g, group) for g in rows]), tuple([_extent(g, group) for g in inner]),
        _arg_dtypes(low), nodes, out, across,
    )  # fmt: skip
    split = _split(kernel)
    if split is None:
        return _call(low, [kernel], ())
    return _call(low, split[0], split[1])


def _last(axes: list[list[int]]) -> int:
    return axes[-1][-1] if axes else -1


def _extent(axes: list[int], group: Group) -> int:
    return math.prod([group.extents[a] for a in axes])


def _collapsed(axes: list[int], extents: Ints, places: list[_Place]) -> list[list[int]]:
    """Axes put together that every array goes through as if they were one."""
    joined: list[list[int]] = []
    for a in axes:
        if joined:
            before = joined[-1][-1]
            if all(p.strides[before] == p.strides[a] * extents[a] for p in places):
                joined[-1].append(a)
                continue
        joined.append([a])
    return joined


def _access(place: _Place, rows: list[list[int]], inner: Sequence[list[int]],
            low: _Lowering) -> Access:  # fmt: skip
    arg = place.arg if place.arg >= 0 else len(low.operands) - 1 - place.arg
    return Access(
        arg, place.offset, tuple([place.strides[g[-1]] for g in rows]),
        tuple([place.strides[g[-1]] for g in inner]),
    )  # fmt: skip


def _placed(node: Node, rows: list[list[int]], inner: Sequence[list[int]],
            low: _Lowering) -> Node:  # fmt: skip
    if node.op != "load":
        return node
    return node._replace(extra=_access(node.extra, rows, inner, low))


def _arg_dtypes(low: _Lowering) -> tuple[str, ...]:
    return tuple([str(v.aval.dtype) for v in (*low.operands, *low.results)])


def _map_kernel(low: _Lowering, stores: list[tuple[int, _Place]], places: list[_Place]) -> Kernel:
    """A kernel without reductions: the last axis, in blocks if it is long."""
    group = low.group
    axes = _collapsed(sorted(group.axes), group.extents, places) or [[0] if group.extents else []]
    *rows, last = axes
    extent = _extent(last, group)
    outer = [_extent(g, group) for g in rows]
    block = BLOCK if extent > 2 * BLOCK else 0

    def access(p: _Place) -> Access:
        arg = p.arg if p.arg >= 0 else len(low.operands) - 1 - p.arg
        stride = p.strides[last[-1]] if last else 0
        first = [p.strides[g[-1]] for g in rows]
        return Access(arg, p.offset, tuple([*first, 0] if block else first), (stride,))

    nodes = tuple([n._replace(extra=access(n.extra)) if n.op == "load" else n for n in low.nodes])
    out = tuple([Store(n, access(p)) for n, p in stores])
    if extent == 1:  # one element, which has no neighbours
        out = tuple([s._replace(access=s.access._replace(inner=(1,))) for s in out])
    if block:
        outer.append(-(-extent // block))
    return Kernel(tuple(outer), (extent,), _arg_dtypes(low), nodes, out, block=block)


class Spot(NamedTuple):
    """Where the elements of an array lie: the first one, and the strides."""

    offset: int
    strides: Ints


def copy_kernel(shape: Ints, dtype: str, source: Spot | None = None,
                target: Spot | None = None) -> Loops:  # fmt: skip
    """A kernel that copies the elements of an array; by default in row-major order."""
    if source is None and target is None:
        shape = (math.prod(shape),)
    source, target = (spot or Spot(0, packed(shape)) for spot in (source, target))
    group = Group(shape)
    places = [_Place(k, *spot) for k, spot in enumerate((source, target))]
    *rows, last = _collapsed(sorted(group.axes), shape, places) or [[]]
    size = _extent(last, group)
    outer = [_extent(g, group) for g in rows]
    block = BLOCK if size > 2 * BLOCK else 0

    def access(place: _Place) -> Access:
        strides = [place.strides[g[-1]] for g in rows]
        return Access(place.arg, place.offset, (*strides, 0) if block else tuple(strides),
                      (place.strides[last[-1]] if last else place.arg,))  # fmt: skip

    if block:
        outer.append(-(-size // block))
    nodes = (Node("load", (), dtype, access(places[0])),)
    stores = (Store(0, access(places[1])),)
    return Loops(Kernel(tuple(outer), (size,), (dtype, dtype), nodes, stores, block=block))


# ---- long reductions -----------------------------------------------------------------------------


def _split(kernel: Kernel) -> tuple[list[Kernel], tuple[tuple[Ints, str], ...]] | None:
    """Two kernels, of which the first reduces parts of rows; None if one is right."""
    found = order(kernel)
    size = math.prod(kernel.inner)
    if found.n_stages != 1 or math.prod(kernel.rows) >= FEW_ROWS * 8 or size <= LONG_ROW:
        return None
    if kernel.across:
        width = 64
        if -(-kernel.rows[-1] // width) * math.prod(kernel.rows[:-1]) >= FEW_ROWS:
            return None
    parts = _parts(kernel)
    if parts is None:
        return None
    return _partial(kernel, found, *parts)


def _parts(kernel: Kernel) -> tuple[int, int] | None:
    """Into how many parts rows are split, and the size of a block (0: the first axis is split)."""
    if len(kernel.inner) == 1 and not kernel.across:
        block = max(BLOCK, -(-kernel.inner[0] // PARTS) + 63 & -64)
        return -(-kernel.inner[0] // block), block
    n = kernel.inner[0]
    parts = max((p for p in range(1, min(n, PARTS) + 1) if n % p == 0), default=1)
    return (parts, 0) if parts > 1 else None


def _partial(kernel: Kernel, found: Any, parts: int, block: int) -> Any:
    n_args = len(kernel.args)
    reductions = [k for k, n in enumerate(kernel.nodes) if n.op in REDUCTIONS]
    rows = kernel.rows
    if kernel.across:
        split_rows = (*rows[:-1], parts, rows[-1])
    else:
        split_rows = (*rows, parts)

    def moved(access: Access) -> Access:
        step = 0
        inner = access.inner
        if not block and inner:
            step = inner[0] * (kernel.inner[0] // parts)
        strides = list(access.rows)
        strides.insert(len(rows) - 1 if kernel.across else len(rows), step)
        return access._replace(rows=tuple(strides))

    # The first kernel: everything of the elements, and the reductions of parts.
    first_nodes = [n._replace(extra=moved(n.extra)) if n.op in ("load", "index") else n
                   for n in kernel.nodes]  # fmt: skip
    dtypes, temporaries = list(kernel.args), []
    partial_strides = packed(split_rows)
    stores = [Store(s.node, moved(s.access)) for s in kernel.stores if s.access.inner]
    for k in reductions:
        stores.append(Store(k, Access(len(dtypes), 0, partial_strides, ())))
        dtypes.append(kernel.nodes[k].dtype)
        temporaries.append((split_rows, kernel.nodes[k].dtype))
    inner = kernel.inner if block else (kernel.inner[0] // parts, *kernel.inner[1:])
    needed = _needed(kernel.nodes, [s.node for s in stores])
    first = _pruned(Kernel(split_rows, inner, tuple(dtypes), tuple(first_nodes), tuple(stores),
                           kernel.across, block), needed)  # fmt: skip
    # The second: the reductions of those, and everything of the rows.
    strides = list(partial_strides)
    step = strides.pop(len(rows) - 1 if kernel.across else len(rows))
    nodes: list[Node] = []
    numbers: dict[int, int] = {}
    row_stores = [s for s in kernel.stores if not s.access.inner]
    for k in _needed(kernel.nodes, [s.node for s in row_stores], REDUCTIONS):
        node = kernel.nodes[k]
        if node.op in REDUCTIONS:
            arg = n_args + reductions.index(k)
            nodes.append(Node("load", (), node.dtype, Access(arg, 0, tuple(strides), (step,))))
            node = node._replace(args=(len(nodes) - 1,))
        else:
            node = node._replace(args=tuple([numbers[a] for a in node.args]))
        numbers[k] = len(nodes)
        nodes.append(node)
    row_stores = [s._replace(node=numbers[s.node]) for s in row_stores]
    second = Kernel(rows, (parts,), tuple(dtypes), tuple(nodes), tuple(row_stores), kernel.across)
    return [first, second] if row_stores else [first], tuple(temporaries)


def _needed(nodes: Sequence[Node], roots: Sequence[int], stop: Any = ()) -> list[int]:
    found: set[int] = set()
    pending = list(roots)
    while pending:
        k = pending.pop()
        if k not in found:
            found.add(k)
            if nodes[k].op not in stop:
                pending += nodes[k].args
    return sorted(found)


def _pruned(kernel: Kernel, needed: Sequence[int]) -> Kernel:
    """The kernel with only the nodes that are needed."""
    numbers = {k: i for i, k in enumerate(needed)}
    nodes = [kernel.nodes[k]._replace(args=tuple([numbers[a] for a in kernel.nodes[k].args]))
             for k in needed]  # fmt: skip
    stores = [s._replace(node=numbers[s.node]) for s in kernel.stores]
    return kernel._replace(nodes=tuple(nodes), stores=tuple(stores))


# ---- calls ---------------------------------------------------------------------------------------


def _call(low: _Lowering, kernels: list[Kernel], temporaries: Any) -> Call:
    launches = []
    for kernel in kernels:
        used = sorted({n.extra.arg for n in kernel.nodes if n.op == "load"}
                      | {s.access.arg for s in kernel.stores})  # fmt: skip
        numbers = {arg: k for k, arg in enumerate(used)}

        def again(access: Access, numbers: dict[int, int] = numbers) -> Access:
            return access._replace(arg=numbers[access.arg])

        nodes = tuple([n._replace(extra=again(n.extra)) if n.op == "load" else n
                       for n in kernel.nodes])  # fmt: skip
        stores = tuple([s._replace(access=again(s.access)) for s in kernel.stores])
        args = tuple([kernel.args[arg] for arg in used])
        done = kernel._replace(args=args, nodes=nodes, stores=stores)
        launches.append(Launch(Loops(done), tuple(used)))
    in_place = tuple([_in_place(low, kernels, len(low.operands) + k)
                      for k in range(len(low.results))])  # fmt: skip
    return Call(tuple(launches), tuple(low.operands), low.results, tuple(temporaries), in_place)


def _in_place(low: _Lowering, kernels: list[Kernel], result: int) -> tuple[int, ...]:
    """The operands whose memory a result may take: each element is read before it is written."""
    if len(kernels) > 1:
        return ()
    (kernel,) = kernels
    found = order(kernel)
    (store,) = [s for s in kernel.stores if s.access.arg == result]
    if not store.access.inner:
        return ()
    last = found.stage[store.node]
    possible = []
    for k in range(len(low.operands)):
        reads = [(i, n) for i, n in enumerate(kernel.nodes)
                 if n.op == "load" and n.extra.arg == k]  # fmt: skip
        same = all(n.extra[1:] == store.access[1:] for _, n in reads)
        uses = [s for i, _ in reads for s in _stages_of(kernel, found, i)]
        if same and kernel.args[k] == kernel.args[result] and max(uses, default=0) <= last:
            possible.append(k)
    return tuple(possible)


def _stages_of(kernel: Kernel, found: Any, load: int) -> list[int]:
    """The stages in which a load may be repeated: those of everything that depends on it."""
    depends = {load}
    for i, node in enumerate(kernel.nodes):
        if any(a in depends for a in node.args) and not found.is_row[i]:
            depends.add(i)
    stages = [found.stage[s.node] for s in kernel.stores if s.node in depends]
    stages += [found.stage[n.args[0]] for n in kernel.nodes
               if n.op in REDUCTIONS and n.args[0] in depends]  # fmt: skip
    return stages
