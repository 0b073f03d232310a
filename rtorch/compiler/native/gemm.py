"""Matrix products: ``C[m, n] = sum over k of A[m, k] B[k, n]``, with any strides.

Both matrices are first *packed*: A into tiles of rows and B into panels of columns, each with the
elements that one step of the innermost loop reads next to each other::

    tiles of A      [tile][k][rows of a tile]
    panels of B     [panel][k][columns of a panel]

The micro-kernel multiplies a tile by a panel and holds their product in registers. Its text depends
on the size of the tile alone, not on the matrices, so that a few of them serve all programs.

References:
    Goto & van de Geijn 2008, Anatomy of high-performance matrix multiplication, ACM TOMS 34(3).
    Van Zee & van de Geijn 2015, BLIS: a framework for rapidly instantiating BLAS functionality,
    ACM TOMS 41(3).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from rtorch.compiler.native import build
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Slot, Value, constant, module

K_BLOCK = 512  # steps of the innermost loop between two visits of C
TILES = 8  # that are multiplied by a panel before the next panel


class Tile(NamedTuple):
    """The part of C that is in registers: `rows` times `vectors` of columns."""

    kind: str  # float or double
    rows: int
    vectors: int

    def columns(self, target: Target) -> int:
        return self.vectors * lanes(self.kind, target)

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.rows}x{self.vectors}"


def lanes(kind: str, target: Target) -> int:
    return target.lanes(4 if kind == "float" else 8)


def tile_for(m: int, n: int, kind: str, target: Target) -> Tile:
    """The largest tile, and the least that cuts the rows into as many parts."""
    vectors = 1 if n <= lanes(kind, target) else 2
    most = (target.registers - 4) // vectors
    if target.registers == 16:
        most = 6 if vectors == 2 else 12
    parts = -(-m // most)
    return Tile(kind, -(-m // parts), vectors)


# ---- the micro-kernel ----------------------------------------------------------------------------


def micro_kernel(tile: Tile, target: Target, edge: bool) -> Function:
    """``void micro(a, b, k, c, row, add, rows, columns)``: a tile times a panel.

    Args:
        tile: Its size.
        target: What it is for.
        edge: Whether only so many `rows` and `columns` of C are there.

    `row` is the distance of rows of C in elements; the product is added to C if `add` is not 0.
    """
    name = f"micro_{tile.name}" + ("_edge" if edge else "")
    params = "ptr %a, ptr %b, i64 %k, ptr %c, i64 %row, i64 %add, i64 %rows, i64 %columns"
    f = Function(name, params, target)
    width, kind = lanes(tile.kind, target), tile.kind
    sums = [[f.variable(kind, width, 0.0) for _ in range(tile.vectors)] for _ in range(tile.rows)]
    masks: list[Value | None] = [None] * tile.vectors
    if edge:
        masks = _column_masks(f, tile, width)
    a, b = f.variable("ptr"), f.variable("ptr")
    f.set(a, Value("%a", "ptr"))
    f.set(b, Value("%b", "ptr"))
    with f.loop(0, Value("%k", "i64")):
        at_a, at_b = f.get(a), f.get(b)
        columns = [f.load(f.at(at_b, j * width, kind), kind, width) for j in range(tile.vectors)]
        for i, row in enumerate(sums):
            x = f.splat(f.load(f.at(at_a, i, kind), kind), width)
            for total, y in zip(row, columns, strict=True):
                f.set(total, f.fma(x, y, f.get(total)))
        f.set(a, f.at(at_a, tile.rows, kind))
        f.set(b, f.at(at_b, tile.vectors * width, kind))
    f.line("%adds = icmp ne i64 %add, 0")
    f.line("br i1 %adds, label %accumulate, label %overwrite")
    for label, accumulates in (("accumulate", True), ("overwrite", False)):
        f.label(label)
        _store_tile(f, tile, sums, masks, accumulates, edge, width)
        f.ret()
    return f


def _column_masks(f: Function, tile: Tile, width: int) -> list[Value | None]:
    left = Value("%columns", "i64")
    return [f.compare("slt", f.ramp("i64", width), f.splat(f.sub(left, j * width), width))
            for j in range(tile.vectors)]  # fmt: skip


def _store_tile(f: Function, tile: Tile, sums: list[list[Slot]], masks: list[Value | None],
                accumulates: bool, edge: bool, width: int) -> None:  # fmt: skip
    c = Value("%c", "ptr")

    def store_row(i: int) -> None:
        start = f.at(c, f.index((Value("%row", "i64"), i)), tile.kind)
        for j, total in enumerate(sums[i]):
            place, x = f.at(start, j * width, tile.kind), f.get(total)
            if accumulates:
                x = f.add(x, f.load(place, tile.kind, width, masks[j]))
            f.store(place, x, masks[j])

    for i in range(tile.rows):
        if edge and i:
            with f.when(f.compare("sgt", Value("%rows", "i64"), i)):
                store_row(i)
        else:
            store_row(i)


# ---- packing -------------------------------------------------------------------------------------


def pack(kind: str, along: str, target: Target) -> Function:
    """A function that puts a tile or panel in packed order.

    ``void pack(to, from, count, k, width, near, far)``:

    ``to[step * width + i] = from[i * near + step * far]`` for all steps up to `k` and `i` up to
    `width`, zeros from `count` on.

    Args:
        kind: float or double.
        along: ``"width"`` if neighbours along the width are neighbours in memory (near is 1),
            ``"steps"`` if neighbouring steps are (far is 1), ``"any"`` otherwise.
        target: What it is for.
    """
    params = "ptr %to, ptr %from, i64 %count, i64 %k, i64 %width, i64 %near, i64 %far"
    f = Function(f"pack_{kind}_{along}", params, target)
    {"width": _pack_along_width, "steps": _pack_along_steps, "any": _pack_any}[along](f, kind)
    f.ret()
    return f


_TO, _FROM = Value("%to", "ptr"), Value("%from", "ptr")
_COUNT, _K, _WIDTH = Value("%count", "i64"), Value("%k", "i64"), Value("%width", "i64")
_NEAR, _FAR = Value("%near", "i64"), Value("%far", "i64")


def _pack_along_width(f: Function, kind: str) -> None:
    """Rows are copied."""
    width = lanes(kind, f.target)
    with f.loop(0, _K) as step:
        source = f.at(_FROM, f.op("mul", step, _FAR), kind)
        target = f.at(_TO, f.op("mul", step, _WIDTH), kind)
        with f.loop(0, _WIDTH, width) as i:
            there, inside = (f.compare("slt", f.ramp("i64", width), f.splat(f.sub(n, i), width))
                             for n in (_COUNT, _WIDTH))  # fmt: skip
            x = f.load(f.at(source, i, kind), kind, width, there)
            f.store(f.at(target, i, kind), x, inside)  # what follows may be another thread's


def _pack_any(f: Function, kind: str) -> None:
    with f.loop(0, _WIDTH) as i:
        there = f.compare("slt", i, _COUNT)
        source = f.at(_FROM, f.op("mul", i, _NEAR), kind)
        with f.when(there), f.loop(0, _K) as step:
            x = f.load(f.at(source, f.op("mul", step, _FAR), kind), kind)
            f.store(f.at(_TO, f.add(f.op("mul", step, _WIDTH), i), kind), x)
        with f.when(f.logical_not(there)), f.loop(0, _K) as step:
            place = f.at(_TO, f.add(f.op("mul", step, _WIDTH), i), kind)
            f.store(place, constant(0.0, kind))


def _pack_along_steps(f: Function, kind: str) -> None:
    """Squares of as many rows as a vector has lanes are transposed."""
    width = lanes(kind, f.target)
    with f.loop(0, _K, width) as step:
        steps_left = f.sub(_K, step)
        mask = f.compare("slt", f.ramp("i64", width), f.splat(steps_left, width))
        with f.loop(0, _WIDTH, width) as i:
            rows = []
            for r in range(width):
                there = f.compare("slt", f.add(i, r), _COUNT)
                row = f.select(there, f.add(i, r), 0)
                source = f.at(_FROM, f.add(f.op("mul", row, _NEAR), step), kind)
                valid = f.op("and", mask, f.splat(there, width))
                rows.append(f.load(source, kind, width, valid))
            columns = transposed(f, rows)
            inside = f.compare("slt", f.ramp("i64", width), f.splat(f.sub(_WIDTH, i), width))
            for c, column in enumerate(columns):
                with f.when(f.compare("sgt", steps_left, c)):
                    place = f.add(f.op("mul", f.add(step, c), _WIDTH), i)
                    f.store(f.at(_TO, place, kind), column, inside)


def transposed(f: Function, rows: list[Value]) -> list[Value]:
    """The columns of a square of vectors."""
    n, distance = len(rows), 1
    while distance < n:
        new = list(rows)
        for i in range(n):
            if not i & distance:
                a, b = rows[i], rows[i | distance]
                low = [j if not j & distance else n + (j ^ distance) for j in range(n)]
                high = [j | distance if not j & distance else n + j for j in range(n)]
                new[i], new[i | distance] = f.shuffle(a, b, low), f.shuffle(a, b, high)
        rows, distance = new, distance * 2
    return rows


# ---- all of it -----------------------------------------------------------------------------------


class Product(NamedTuple):
    """A matrix product, or a batch of them; strides in elements.

    Attributes:
        kind: float or double.
        batch: How many there are.
        m: Rows of A and C.
        n: Columns of B and C.
        k: Columns of A and rows of B.
        a: The strides of A: from product to product, along m, along k.
        b: Those of B: from product to product, along k, along n.
        c: Those of C: from product to product, along m; along n it is 1.
    """

    kind: str
    batch: int
    m: int
    n: int
    k: int
    a: tuple[int, int, int]
    b: tuple[int, int, int]
    c: tuple[int, int]


class Plan(NamedTuple):
    """How a product is computed.

    Attributes:
        tile: The micro-kernel.
        tiles: Tiles of A.
        panels: Panels of B.
        panels_each: Panels that a task takes.
        blocks: Groups of tiles.
        chunks: Groups of panels.
    """

    tile: Tile
    tiles: int
    panels: int
    blocks: int
    panels_each: int
    chunks: int


def plan(product: Product, target: Target) -> Plan:
    tile = tile_for(product.m, product.n, product.kind, target)
    tiles = -(-product.m // tile.rows)
    panels = -(-product.n // tile.columns(target))
    blocks = -(-tiles // TILES)
    each = panels if blocks * product.batch >= 8 else max(1, -(-panels * blocks // 8))
    return Plan(tile, tiles, panels, blocks, each, -(-panels // each))


def packed_sizes(product: Product, target: Target) -> tuple[int, int]:
    """Elements of the packed matrices, with room for a vector that writes too far."""
    p = plan(product, target)
    room = lanes(product.kind, target)
    a = product.batch * p.tiles * product.k * p.tile.rows + room
    b = product.batch * p.panels * product.k * p.tile.columns(target) + room
    return a, b


def print_packing(product: Product, of_b: bool, name: str, target: Target) -> Function:
    """``void name(args, first, last)`` packs tiles of A or panels of B, from and to an array."""
    p = plan(product, target)
    f = Function(name, "ptr %args, i64 %first, i64 %last", target)
    arrays = f.pointer("%args", 0), f.pointer("%args", 1)
    if of_b:
        sizes = (product.n, p.tile.columns(target), p.panels)
        strides = (product.b[0], product.b[2], product.b[1])
    else:
        sizes, strides = (product.m, p.tile.rows, p.tiles), product.a
    with f.loop(Value("%first", "i64"), Value("%last", "i64")) as task:
        _pack_call(f, product, arrays, sizes, task, strides)
    f.ret()
    return f


def _pack_call(
    f: Function, product: Product, arrays: tuple[Value, Value], sizes: tuple[int, int, int],
    number: Value, strides: tuple[int, int, int],
) -> None:  # fmt: skip
    """Pack one tile or panel: `sizes` are all elements, those of one, and how many there are."""
    total, width, count = sizes
    each, near, far = strides
    one, which = f.op("div", number, count), f.op("rem", number, count)
    source = f.at(arrays[0], f.index((one, each), (which, width * near)), product.kind)
    target = f.at(arrays[1], f.index((number, width * product.k)), product.kind)
    left = f.sub(constant(total, "i64"), f.op("mul", which, width))
    there = f.select(f.compare("slt", left, width), left, constant(width, "i64"))
    along = "width" if near == 1 else "steps" if far == 1 else "any"
    function = f.imported(f"pack_{product.kind}_{along}", packer(product.kind, along),
                          "ptr, ptr, i64, i64, i64, i64, i64")  # fmt: skip
    f.line(f"call void {function.text}({target}, {source}, {there}, i64 {product.k}, "
           f"i64 {width}, i64 {near}, i64 {far})")  # fmt: skip


def print_product(product: Product, name: str, target: Target) -> Function:
    """``void name(args, first, last)`` multiplies packed matrices.

    The arguments are packed A, packed B and C.
    """
    p, kind = plan(product, target), product.kind
    f = Function(name, "ptr %args, i64 %first, i64 %last", target)
    a, b, c = (f.pointer("%args", k) for k in range(3))
    columns = p.tile.columns(target)
    addresses, params = micros(p.tile), "ptr, ptr, i64, ptr, i64, i64, i64, i64"
    whole = f.imported(f"micro_{p.tile.name}", addresses[0], params)
    edge = f.imported(f"micro_{p.tile.name}_edge", addresses[1], params)
    with f.loop(Value("%first", "i64"), Value("%last", "i64")) as task:
        chunk, rest = f.op("rem", task, p.chunks), f.op("div", task, p.chunks)
        block, one = f.op("rem", rest, p.blocks), f.op("div", rest, p.blocks)
        tile_0, panel_0 = f.op("mul", block, TILES), f.op("mul", chunk, p.panels_each)
        tile_1 = _least(f, f.add(tile_0, TILES), p.tiles)
        panel_1 = _least(f, f.add(panel_0, p.panels_each), p.panels)
        with f.loop(0, product.k, K_BLOCK) as step:
            steps = _least(f, f.sub(constant(product.k, "i64"), step), K_BLOCK)
            adds = f.cast("zext", f.compare("sgt", step, 0), "i64")
            with f.loop(panel_0, panel_1) as panel, f.loop(tile_0, tile_1) as tile:
                of_a = f.add(f.op("mul", one, p.tiles), tile)
                of_b = f.add(f.op("mul", one, p.panels), panel)
                at_a = f.at(a, f.index((of_a, product.k * p.tile.rows), (step, p.tile.rows)), kind)
                at_b = f.at(b, f.index((of_b, product.k * columns), (step, columns)), kind)
                at_c = f.at(c, f.index((one, product.c[0]), (tile, p.tile.rows * product.c[1]),
                                       (panel, columns)), kind)  # fmt: skip
                rows = f.sub(constant(product.m, "i64"), f.op("mul", tile, p.tile.rows))
                left = f.sub(constant(product.n, "i64"), f.op("mul", panel, columns))
                is_edge = f.op("or", f.compare("slt", rows, p.tile.rows),
                               f.compare("slt", left, columns))  # fmt: skip
                micro = f.select(is_edge, edge, whole)
                f.line(f"call void {micro.text}({at_a}, {at_b}, {steps}, {at_c}, "
                       f"i64 {product.c[1]}, {adds}, {rows}, {left})")  # fmt: skip
    f.ret()
    return f


def _least(f: Function, x: Value, limit: int) -> Value:
    return f.select(f.compare("slt", x, limit), x, limit)


@functools.cache
def micros(tile: Tile) -> tuple[int, int]:
    """The addresses of the micro-kernel for whole tiles and of that for the edges."""
    functions = [micro_kernel(tile, host(), edge) for edge in (False, True)]
    names = [f.name for f in functions]
    found = build.build(module(functions, host()), names)
    return found[names[0]], found[names[1]]


@functools.cache
def packer(kind: str, along: str) -> int:
    """The address of a packing function."""
    function = pack(kind, along, host())
    return build.build(module([function], host()), [function.name])[function.name]


class Packing(NamedTuple):
    """The part of a product that packs A, or B; its arguments are the array and the packed one."""

    product: Product
    of_b: bool

    @property
    def n_args(self) -> int:
        return 2

    @property
    def writes(self) -> tuple[int, ...]:
        return (1,)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        return print_packing(self.product, self.of_b, name, target)

    def tasks(self, target: Target) -> int:
        p = plan(self.product, target)
        return (p.panels if self.of_b else p.tiles) * self.product.batch

    def least(self, target: Target) -> int:
        p = plan(self.product, target)
        width = p.tile.columns(target) if self.of_b else p.tile.rows
        return max(1, int(10_000 / (self.product.k * width * 0.1 + 20)))


class Multiplication(NamedTuple):
    """The part of a product that multiplies; arguments the packed matrices and C."""

    product: Product

    @property
    def n_args(self) -> int:
        return 3

    @property
    def writes(self) -> tuple[int, ...]:
        return (2,)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        return print_product(self.product, name, target)

    def tasks(self, target: Target) -> int:
        p = plan(self.product, target)
        return self.product.batch * p.blocks * p.chunks

    def least(self, target: Target) -> int:
        p = plan(self.product, target)
        rows, columns = TILES * p.tile.rows, p.panels_each * p.tile.columns(target)
        rate = 2 * target.vector_bytes / 8  # flops in a nanosecond, roughly
        each = 2 * min(rows, self.product.m) * min(columns, self.product.n) * self.product.k / rate
        return max(1, int(10_000 / max(each, 1)))
