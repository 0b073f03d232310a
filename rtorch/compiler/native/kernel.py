"""What a kernel is: an elementwise computation over rows, in stages that reductions part.

A kernel runs over ``rows`` (in parallel) and, in each, over the elements of ``inner``. A `Node` is
a scalar operation; it belongs to a row if it depends on whole rows alone, otherwise to every
element. A reduction takes a node of the elements to a node of the row; what depends on it comes in
the next stage, another loop over the same elements::

    softmax:   m = max(x)                 stage 0
               e = exp(x - m)             stage 1
               s = sum(e)                 stage 1
               y = e / s                  stage 2

The elements along the last axis of ``inner`` go into vectors; with ``across`` those along the last
axis of ``rows`` do, so that each lane is a row: the way to sum over the first axis of a matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Ints: TypeAlias = tuple[int, ...]


class Access(NamedTuple):
    """Where an element lies: ``offset + sum(row * rows) + sum(element * inner)`` of an argument.

    All strides are in elements.
    """

    arg: int
    offset: int
    rows: Ints
    inner: Ints


class Node(NamedTuple):
    """A scalar operation.

    Attributes:
        op: Its name in `scalars`; or ``load`` (`extra` is the `Access`), ``index`` (`extra` is an
            Access too: the number that it computes), ``reduce_sum`` and the other reductions.
        args: Numbers of nodes.
        dtype: Of the result, by NumPy's name.
        extra: What else the operation is given: a constant, a power.
    """

    op: str
    args: Ints
    dtype: str
    extra: Any = None


class Store(NamedTuple):
    """A result: of each row, if its access has no ``inner``, else of each element."""

    node: int
    access: Access


class Kernel(NamedTuple):
    """A loop nest.

    Attributes:
        rows: Extents of the parallel axes.
        inner: Extents of the axes within a row.
        args: The dtypes of the arrays that it reads and writes.
        nodes: Operations; each reads earlier ones.
        stores: Where results go.
        across: Whether the lanes of a vector are rows.
        block: If not 0, the last axis of `rows` counts blocks of so many elements of the last
            axis of `inner`, whose extent is `inner[-1]` in all.
    """

    rows: Ints
    inner: Ints
    args: tuple[str, ...]
    nodes: tuple[Node, ...]
    stores: tuple[Store, ...]
    across: bool = False
    block: int = 0

    @property
    def tasks(self) -> int:
        """How many parts can run at the same time; with `across`, see `loops.lane_rows`."""
        total = 1
        for n in self.rows:
            total *= n
        return total


REDUCTIONS = ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_and", "reduce_or")


class Order(NamedTuple):
    """Which loop computes what.

    Attributes:
        is_row: For each node, whether it has one value per row.
        stage: For each node of the elements, the stage in which it can first be computed; for
            each of the row, the stage before which it is there.
        n_stages: How many loops there are.
    """

    is_row: tuple[bool, ...]
    stage: Ints
    n_stages: int


def order(kernel: Kernel) -> Order:
    """Levels and stages of the nodes."""
    is_row: list[bool] = []
    stage: list[int] = []
    for node in kernel.nodes:
        earliest = max((stage[a] for a in node.args), default=0)
        if node.op in REDUCTIONS:
            is_row.append(True)
            stage.append(earliest + 1)
            continue
        if node.op in ("load", "index"):
            is_row.append(not any(node.extra.inner))
        else:
            is_row.append(all(is_row[a] for a in node.args))
        stage.append(earliest)
    loops = [stage[s.node] for s in kernel.stores if s.access.inner]
    loops += [stage[n.args[0]] for n in kernel.nodes if n.op in REDUCTIONS]
    return Order(tuple(is_row), tuple(stage), max(loops, default=-1) + 1)
