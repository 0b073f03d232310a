"""Reductions other than the sum: products, extremes, truth values, positions of extremes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.ops.base import (
    Nondifferentiable,
    batch_reduction,
    broadcast_p,
    move_dim,
    mul_p,
    permute_dims_p,
    reduce_sum_p,
    reshape_p,
)
from rtorch.ops.comparison import eq_p
from rtorch.ops.convert import convert_p
from rtorch.ops.cumulative import cumprod_p
from rtorch.ops.elementwise import div_p
from rtorch.ops.shape import pad_p


class Reduction(Primitive):
    """Combines the elements along ``axes``, which go, with a NumPy ufunc."""

    ufunc: ClassVar[str]

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        return getattr(xp, self.ufunc).reduce(x, axes)

    def into(self, out: Any, x: Any, *, axes: Any) -> None:
        getattr(np, self.ufunc).reduce(x, axes, None, out)

    def flops(self, x: Any, *, axes: Any) -> float:
        return float(x.size)

    def infer(self, x: Any, *, axes: Any) -> Aval:
        return Aval(tuple([n for i, n in enumerate(x.shape) if i not in axes]), x.dtype)

    def batch(self, args: Any, dims: Any, *, axes: Any) -> tuple[Any, Any]:
        return batch_reduction(self, args[0], dims[0], axes)


class Extreme(Reduction):
    """A largest or smallest element; ties share the derivative."""

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        out = self(x, axes=axes)
        kept = tuple([i for i in range(len(x.shape)) if i not in axes])
        chosen = eq_p(x, broadcast_p(out, shape=x.shape, axes=kept))
        weight = convert_p(chosen, dtype=x.dtype)
        count = reduce_sum_p(weight, axes=axes)
        total = reduce_sum_p(mul_p(t, weight), axes=axes)
        return out, div_p(total, count)  # nan is nowhere equal: the derivative is 0 / 0 then


class ReduceMax(Extreme):
    """The largest element along ``axes``."""

    name = "reduce_max"
    ufunc = "maximum"


class ReduceMin(Extreme):
    """The smallest element along ``axes``."""

    name = "reduce_min"
    ufunc = "minimum"


class ReduceProd(Reduction):
    """The product along ``axes``."""

    name = "reduce_prod"
    ufunc = "multiply"

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        return xp.asarray(xp.prod(x, axis=axes, dtype=x.dtype)).astype(x.dtype)

    def jvp(self, primals: Any, tangents: Any, *, axes: Any) -> tuple[Any, Any]:
        # The derivative by one factor is the product of the others: those before it times those
        # after it. No division, so zeros among the factors are no special case.
        x, t = (_flatten_axes(a, axes) for a in (primals[0], tangents[0]))
        last = len(x.shape) - 1
        none = (0,) * last
        before = pad_p(x, value=1, low=(*none, 1), high=(*none, -1), interior=(*none, 0))
        after = pad_p(x, value=1, low=(*none, -1), high=(*none, 1), interior=(*none, 0))
        others = mul_p(
            cumprod_p(before, axis=last, reverse=False), cumprod_p(after, axis=last, reverse=True)
        )
        return self(primals[0], axes=axes), reduce_sum_p(mul_p(t, others), axes=(last,))


def _flatten_axes(x: Any, axes: Any) -> Any:
    """`x` with `axes` moved to the end and made one."""
    kept = tuple([i for i in range(len(x.shape)) if i not in axes])
    shape = tuple([x.shape[i] for i in kept])
    size = int(np.prod([x.shape[i] for i in axes]))
    return reshape_p(permute_dims_p(x, axes=(*kept, *axes)), shape=(*shape, size))


class Truth(Nondifferentiable, Reduction):
    """A reduction of truth values, or bitwise of integers."""


class ReduceAnd(Truth):
    """Whether all elements along ``axes`` are true."""

    name = "reduce_and"
    ufunc = "bitwise_and"

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        return xp.all(x, axis=axes) if x.dtype == bool else super().impl(xp, x, axes=axes)


class ReduceOr(Truth):
    """Whether any element along ``axes`` is true."""

    name = "reduce_or"
    ufunc = "bitwise_or"

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        return xp.any(x, axis=axes) if x.dtype == bool else super().impl(xp, x, axes=axes)


class ArgExtreme(Nondifferentiable):
    """The first position of an extreme element along ``axis``; nan counts as extreme."""

    function: ClassVar[str]

    def impl(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.asarray(getattr(xp, self.function)(x, axis)).astype(dtypes.int64)

    def flops(self, x: Any, *, axis: int) -> float:
        return float(x.size)

    def infer(self, x: Any, *, axis: int) -> Aval:
        return Aval((*x.shape[:axis], *x.shape[axis + 1 :]), dtypes.int64)

    def batch(self, args: Any, dims: Any, *, axis: int) -> tuple[Any, Any]:
        return self(move_dim(args[0], dims[0], 0), axis=axis + 1), 0


class ArgMax(ArgExtreme):
    """The position of the largest element."""

    name = "argmax"
    function = "argmax"


class ArgMin(ArgExtreme):
    """The position of the smallest element."""

    name = "argmin"
    function = "argmin"


reduce_max_p, reduce_min_p, reduce_prod_p = ReduceMax(), ReduceMin(), ReduceProd()
reduce_and_p, reduce_or_p = ReduceAnd(), ReduceOr()
argmax_p, argmin_p = ArgMax(), ArgMin()
