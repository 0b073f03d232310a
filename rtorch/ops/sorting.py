"""Order: sort, argsort, the k largest. nan comes last, as in NumPy."""

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.ops.base import Nondifferentiable, move_dim
from rtorch.ops.indexing import take_along


def _comparable(x: Any) -> Any:
    # NumPy's order of bfloat16 knows no nan, which would then stand anywhere.
    return x.astype(dtypes.float32) if x.dtype.kind == "V" else x


def _comparisons(x: Any, axis: int) -> float:
    return float(x.size) * math.log2(max(x.shape[axis], 1))


class ArgSort(Nondifferentiable):
    """The positions along ``axis`` in ascending order of their elements; stable."""

    name = "argsort"

    def impl(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.argsort(_comparable(x), axis, kind="stable").astype(dtypes.int64, copy=False)

    def flops(self, x: Any, *, axis: int) -> float:
        return _comparisons(x, axis)

    def infer(self, x: Any, *, axis: int) -> Aval:
        return Aval(x.shape, dtypes.int64)

    def batch(self, args: Any, dims: Any, *, axis: int) -> tuple[Any, Any]:
        return self(args[0], axis=axis + (dims[0] <= axis)), dims[0]


class Sort(Primitive):
    """The elements along ``axis`` in ascending order."""

    name = "sort"

    def impl(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.sort(_comparable(x), axis).astype(x.dtype, copy=False)

    def flops(self, x: Any, *, axis: int) -> float:
        return _comparisons(x, axis)

    def infer(self, x: Any, *, axis: int) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any, *, axis: int) -> tuple[Any, Any]:
        order = argsort_p(primals[0], axis=axis)
        return take_along(primals[0], order, axis), take_along(tangents[0], order, axis)

    def batch(self, args: Any, dims: Any, *, axis: int) -> tuple[Any, Any]:
        return self(args[0], axis=axis + (dims[0] <= axis)), dims[0]


class TopK(Primitive):
    """The ``k`` largest elements along the last axis, largest first, and their positions."""

    name = "top_k"
    multiple = True

    def impl(self, xp: Any, x: Any, *, k: int) -> Any:
        # Ascending order of the mirrored line, read backwards: of equals the first one leads.
        order = xp.argsort(_comparable(x)[..., ::-1], -1, kind="stable")
        order = (x.shape[-1] - 1 - order)[..., ::-1][..., :k]
        return xp.take_along_axis(x, order, -1), order.astype(dtypes.int64)

    def flops(self, x: Any, *, k: int) -> float:
        return _comparisons(x, -1)

    def infer(self, x: Any, *, k: int) -> Any:
        shape = (*x.shape[:-1], k)
        return Aval(shape, x.dtype), Aval(shape, dtypes.int64)

    def jvp(self, primals: Any, tangents: Any, *, k: int) -> tuple[Any, Any]:
        values, order = self(primals[0], k=k)
        return (values, order), (take_along(tangents[0], order, len(order.shape) - 1), None)

    def batch(self, args: Any, dims: Any, *, k: int) -> tuple[Any, Any]:
        return self(move_dim(args[0], dims[0], 0), k=k), (0, 0)


argsort_p, sort_p, top_k_p = ArgSort(), Sort(), TopK()
