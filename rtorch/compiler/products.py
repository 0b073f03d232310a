"""Sums of products (`dot_general`) as matrix products of native code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from rtorch.compiler.fusion import Groups
from rtorch.compiler.lowering import Call, Launch
from rtorch.compiler.native.gemm import Multiplication, Packing, Product, packed_sizes
from rtorch.compiler.native.target import host
from rtorch.core.program import Eqn, Var

KINDS = {"float32": "float", "float64": "double"}
FEWEST_COLUMNS = 4  # fewer would leave most lanes of a vector empty


def product_call(eqn: Eqn, groups: Groups) -> Call | None:
    """The call that computes a `dot_general`; None if NumPy does it better, or it must."""
    x, y = eqn.args
    (out,) = eqn.outs
    kind = KINDS.get(str(out.aval.dtype))
    product = None if kind is None else _product(eqn, groups, kind)
    if product is None or product.n < FEWEST_COLUMNS or not product.k or not out.aval.size:
        return None
    roots = [groups.views[x].root, groups.views[y].root]
    operands = tuple(dict.fromkeys(roots))
    numbers = [operands.index(r) for r in roots]
    n = len(operands)
    a, b = packed_sizes(product, host())
    dtype = str(out.aval.dtype)
    pack_a = Launch(Packing(product, False), (numbers[0], n + 1))
    pack_b = Launch(Packing(product, True), (numbers[1], n + 2))
    multiplication = Launch(Multiplication(product), (n + 1, n + 2, n))
    temporaries = (((a,), dtype), ((b,), dtype))
    return Call((pack_a, pack_b, multiplication), operands, (out,), temporaries, ((),))


def _product(eqn: Eqn, groups: Groups, kind: str) -> Product | None:
    """The matrix product that it is, if all strides are regular."""
    x, y = eqn.args
    (xc, yc), (xb, yb) = eqn.params["axes"]
    x_free = [i for i in range(x.aval.ndim) if i not in (*xc, *xb)]
    y_free = [i for i in range(y.aval.ndim) if i not in (*yc, *yb)]
    of_x, of_y = _strides(x, groups), _strides(y, groups)
    if of_x is None or of_y is None:
        return None
    m = _joined([x.aval.shape[i] for i in x_free], [[of_x[i] for i in x_free]])
    n = _joined([y.aval.shape[i] for i in y_free], [[of_y[i] for i in y_free]])
    k = _joined([x.aval.shape[i] for i in xc], [[of_x[i] for i in xc], [of_y[i] for i in yc]])
    batch = _joined([x.aval.shape[i] for i in xb], [[of_x[i] for i in xb], [of_y[i] for i in yb]])
    if m is None or n is None or k is None or batch is None:
        return None
    return Product(
        kind, batch[0], m[0], n[0], k[0], (batch[1], m[1], k[1]), (batch[2], k[2], n[1]),
        (m[0] * n[0], n[0]),
    )  # fmt: skip


def _strides(x: Var, groups: Groups) -> tuple[int, ...] | None:
    view = groups.views[x]
    return view.strides if view.offset == 0 else None


def _joined(extents: Sequence[int], strides: list[list[int]]) -> tuple[int, ...] | None:
    """Some axes as one: its extent, and its stride in each array; None if they do not fit."""
    size = math.prod(extents)
    kept = [i for i, n in enumerate(extents) if n != 1]
    if not kept:
        return (size, *[0 for _ in strides])
    for before, after in itertools.pairwise(kept):
        if any(s[before] != s[after] * extents[after] for s in strides):
            return None
    return (size, *[s[kept[-1]] for s in strides])
