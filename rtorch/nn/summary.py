"""`summary`: what a network is made of, without running it."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.layer import Layer, as_layer, as_spec, kind_of
from rtorch.nn.parts import Part, Watch, watch

__all__ = ["Summary", "SummaryRow", "summary"]


class SummaryRow(NamedTuple):
    """One layer of a network.

    Attributes:
        path: Where it is, names joined by dots; empty for the whole.
        kind: The function that made it.
        output: Shape and dtype of its output, a pytree of specs.
        parameters: How many numbers it learns, those of layers in it included.
        flops: Of one ``apply`` with ``train=False``, counted as `rt.jit` would run it alone.
        bytes: Of its parameters and state.

    Example:
        >>> import rtorch as rt
        >>> rows = rt.nn.summary(rt.nn.serial(rt.nn.Linear(2)), rt.spec((1, 3))).rows
        >>> rows[0].path, rows[0].kind, rows[0].parameters
        ('0', 'Linear', 8)
    """

    path: str
    kind: str
    output: Any
    parameters: int
    flops: float
    bytes: int


class Summary(NamedTuple):
    """A network in numbers; `print` shows a table.

    Attributes:
        rows: One for each layer in it, in the order in which they end.
        total: The whole network.
        temp_bytes: Memory for intermediate values of one jitted ``apply``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.summary(rt.nn.Linear(2), rt.spec((1, 3))).total.parameters
        8
    """

    rows: list[SummaryRow]
    total: SummaryRow
    temp_bytes: int

    def __str__(self) -> str:
        head = ("path", "layer", "output", "parameters", "FLOPs", "bytes")
        lines = [head, *map(_cells, self.rows), _cells(self.total._replace(path="total"))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join(c.rjust(w) if i > 2 else c.ljust(w)
                      for i, (c, w) in enumerate(zip(line, widths, strict=True))).rstrip()
            for line in lines
        ]  # fmt: skip
        rule = "-" * max(map(len, table))
        memory = f"intermediate values: {self.temp_bytes:,} bytes"
        return "\n".join([table[0], rule, *table[1:-1], rule, table[-1], memory])


def _cells(row: SummaryRow) -> tuple[str, ...]:
    shown = ", ".join(str(spec) for spec in rt.tree.leaves(row.output))
    return (row.path, row.kind, shown, f"{row.parameters:,}", f"{row.flops:,.0f}",
            f"{row.bytes:,}")  # fmt: skip


@api
def summary(model: Any, spec: Any) -> Summary:
    """A table of the layers of a network: outputs, parameters, arithmetic, memory.

    Nothing is computed. Layers are those that combinators call (`serial`, `parallel`, `residual`,
    `repeat`, transformers, ...); of a layer that `repeat` repeats one row stands for all.

    Args:
        model: A `Layer`.
        spec: Shape and dtype of the input, or an input.

    Returns:
        A `Summary`.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import nn
        >>> net = nn.serial(nn.Flatten(), nn.Linear(32), nn.relu, ("head", nn.Linear(10)))
        >>> print(nn.summary(net, rt.spec((8, 1, 28, 28))))
        path   layer    output      parameters    FLOPs    bytes
        --------------------------------------------------------
        0      Flatten  f32[8,784]           0        0        0
        1      Linear   f32[8,32]       25,120  401,664  100,480
        2      relu     f32[8,32]            0      256        0
        head   Linear   f32[8,10]          330    5,200    1,320
        --------------------------------------------------------
        total  serial   f32[8,10]       25,450  407,120  101,800
        intermediate values: 1,344 bytes
    """
    model, spec = as_layer(model), as_spec(spec)
    params, state = rt.eval_shape(lambda key: model.init(key, spec), rt.random.key(0))
    parts: list[Part] = []

    def run(params: Any, state: Any, x: Any) -> Any:
        token = watch.set(Watch(parts, ()))
        try:
            y, _ = model.apply(params, state, x)
        finally:
            watch.reset(token)
        return y

    y = rt.eval_shape(run, params, state, spec)
    rows = {part.path: _row(part) for part in parts}
    whole = Part((), model, params, state, spec, y)
    temp = _lowered(model, params, state, spec).memory_analysis().temp_bytes
    return Summary(list(rows.values()), _row(whole), temp)


def _row(part: Part) -> SummaryRow:
    params, state, x, y = (_specs(t) for t in (part.params, part.state, part.x, part.y))
    flops = _lowered(part.layer, params, state, x).cost_analysis()["flops"]
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in rt.tree.leaves((params, state)))
    count = sum(leaf.size for leaf in rt.tree.leaves(params))
    return SummaryRow(".".join(part.path), kind_of(part.layer), y, count, flops, size)


def _specs(tree: Any) -> Any:
    """Shapes and dtypes, also of values that are being traced."""
    return rt.tree.map(lambda x: rt.spec(x.shape, x.dtype) if hasattr(x, "dtype") else x, tree)


def _lowered(layer: Layer, params: Any, state: Any, x: Any) -> Any:
    return rt.jit(lambda p, s, x: layer.apply(p, s, x)[0]).lower(params, state, x)
