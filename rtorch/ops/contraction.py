"""`dot_general`: every sum of products that reaches BLAS."""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.core.trace import state
from rtorch.ops.base import Bilinear, free_axes, permute_dims_p

Axes: TypeAlias = tuple[int, ...]
# ((contracted axes of x, of y), (batch axes of x, of y)), pairwise of equal length
Dims: TypeAlias = tuple[tuple[Axes, Axes], tuple[Axes, Axes]]

MATMUL: Dims = (((1,), (0,)), ((), ()))


class DotGeneral(Bilinear):
    """The sum over contracted axes of ``x * y``, for every index of the shared batch axes.

    The result has the batch axes, then the free axes of ``x``, then those of ``y``. Half
    precision is accumulated in float32.
    """

    name = "dot_general"

    def impl(self, xp: Any, x: Any, y: Any, *, axes: Dims) -> Any:
        dtype = x.dtype
        if axes is MATMUL and dtype not in dtypes.HALVES:
            # On small matrices NumPy's dot takes half the time of its matmul.
            return x.dot(y) if xp is np else xp.matmul(x, y)
        if dtype in dtypes.HALVES:
            x, y = x.astype(dtypes.float32), y.astype(dtypes.float32)
            return xp.asarray(self._matmul(xp, x, y, axes)).astype(dtype)
        return self._matmul(xp, x, y, axes)

    @staticmethod
    def _matmul(xp: Any, x: Any, y: Any, axes: Dims) -> Any:
        left, right, shape = matrices(x, y, axes)
        out = xp.matmul(left, right)
        return out if shape is None else out.reshape(shape)

    def can_write(self, out: Aval, **params: Any) -> bool:
        return out.dtype not in dtypes.HALVES

    @staticmethod
    def into(out: Any, x: Any, y: Any, *, axes: Dims) -> None:
        left, right, shape = matrices(x, y, axes)
        np.matmul(left, right, out if shape is None else out.reshape(
            (*left.shape[:-1], right.shape[-1])))  # fmt: skip

    def text(self, x: Any, y: Any, *, axes: Dims) -> str | None:
        (xc, yc), (xb, _) = axes
        if x.dtype in dtypes.HALVES:
            return None
        if x.ndim == y.ndim == 1 and not xc and not xb:
            return "np.multiply({0}[:, None], {1}, {out})"
        if len(xc) != 1 or xb or x.ndim > 2 or y.ndim > 2:
            return None
        left = "{0}.T" if x.ndim == 2 and xc == (0,) else "{0}"
        right = "{1}.T" if y.ndim == 2 and yc == (1,) else "{1}"
        return f"{left}.dot({right}, {{out}})"

    def infer(self, x: Any, y: Any, *, axes: Dims) -> Aval:
        (xc, yc), (xb, yb) = axes
        batch = [x.shape[i] for i in xb]
        x_free = [x.shape[i] for i in free_axes(x.ndim, xc, xb)]
        y_free = [y.shape[i] for i in free_axes(y.ndim, yc, yb)]
        return Aval((*batch, *x_free, *y_free), x.dtype)

    def flops(self, x: Any, y: Any, *, axes: Dims) -> float:
        contracted = math.prod([x.shape[i] for i in axes[0][0]])
        return 2.0 * self.infer(x, y, axes=axes).size * contracted

    def transpose(self, ct: Any, x: Any, y: Any, *, axes: Dims) -> Any:
        of_x = is_linear(x)
        back, order = (_left if of_x else _right)(axes, len(x.shape), len(y.shape))
        out = state.trace.bind(self, (ct, y) if of_x else (x, ct), {"axes": back})
        if order is not None:
            out = permute_dims_p(out, axes=order)
        return (out, None) if of_x else (None, out)

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        x, y = args
        axes, dim = _batched(params["axes"], *dims, len(x.shape), len(y.shape))
        return state.trace.bind(self, (x, y), {"axes": axes}), dim


@functools.lru_cache(1024)
def _batched(
    axes: Dims, x_dim: int | None, y_dim: int | None, x_ndim: int, y_ndim: int
) -> tuple[Dims, int]:
    """The axes of a product of batched operands, and the batch axis of the result."""
    (xc, yc), (xb, yb) = axes
    if x_dim is not None:
        xc, xb = _shifted(xc, x_dim), _shifted(xb, x_dim)
    if y_dim is not None:
        yc, yb = _shifted(yc, y_dim), _shifted(yb, y_dim)
    if x_dim is not None and y_dim is not None:
        return ((xc, yc), ((x_dim, *xb), (y_dim, *yb))), 0
    x_free = free_axes(x_ndim, xc, xb)
    if x_dim is not None:  # the batch axis is one more free axis: still one matrix product
        return ((xc, yc), (xb, yb)), len(xb) + x_free.index(x_dim)
    assert y_dim is not None
    dim = len(xb) + len(x_free) + free_axes(y_ndim, yc, yb).index(y_dim)
    return ((xc, yc), (xb, yb)), dim


def _shifted(axes: Axes, dim: int) -> Axes:
    return tuple([a + (a >= dim) for a in axes])


def matrices(x: Any, y: Any, axes: Dims) -> tuple[Any, Any, Axes | None]:
    """`x` as (batch, m, k) and `y` as (batch, k, n), views where possible.

    The third result is the shape that their product is to get; None if it has it.
    """
    x_order, y_order, plain = _orders(axes, x.ndim, y.ndim)
    left = x if x_order is None else x.transpose(x_order)
    right = y if y_order is None else y.transpose(y_order)
    if plain:
        return left, right, None
    n_batch, n_contracted = len(axes[1][0]), len(axes[0][0])
    batch, contracted = left.shape[:n_batch], right.shape[n_batch : n_batch + n_contracted]
    rows = left.shape[n_batch : left.ndim - n_contracted]
    columns = right.shape[n_batch + n_contracted :]
    k = math.prod(contracted)
    left = left.reshape((*batch, math.prod(rows), k))
    right = right.reshape((*batch, k, math.prod(columns)))
    return left, right, (*batch, *rows, *columns)


@functools.lru_cache(1024)
def _orders(axes: Dims, x_ndim: int, y_ndim: int) -> tuple[Axes | None, Axes | None, bool]:
    """How to permute both operands (None: not at all); whether that makes matrices of them."""
    (xc, yc), (xb, yb) = axes
    x_free, y_free = free_axes(x_ndim, xc, xb), free_axes(y_ndim, yc, yb)
    x_order, y_order = (*xb, *x_free, *xc), (*yb, *yc, *y_free)
    plain = len(x_free) == len(y_free) == len(xc) == 1
    return (
        None if x_order == tuple(range(x_ndim)) else x_order,
        None if y_order == tuple(range(y_ndim)) else y_order,
        plain,
    )


@functools.lru_cache(1024)
def _left(axes: Dims, x_ndim: int, y_ndim: int) -> tuple[Dims, Axes | None]:
    """How ``dot(ct, y)`` gives the cotangent of ``x``: its axes, and how to permute it then."""
    (xc, yc), (xb, yb) = axes
    x_free, y_free = free_axes(x_ndim, xc, xb), free_axes(y_ndim, yc, yb)
    ct_batch, _, ct_y_free = _result_axes(xb, x_free, y_free)
    # What was contracted comes in the order of y's axes.
    order = _arranging((*xb, *x_free, *_partners(yc, xc)))
    return ((ct_y_free, y_free), (ct_batch, yb)), order


@functools.lru_cache(1024)
def _right(axes: Dims, x_ndim: int, y_ndim: int) -> tuple[Dims, Axes | None]:
    """How ``dot(x, ct)`` gives the cotangent of ``y``."""
    (xc, yc), (xb, yb) = axes
    x_free, y_free = free_axes(x_ndim, xc, xb), free_axes(y_ndim, yc, yb)
    ct_batch, ct_x_free, _ = _result_axes(xb, x_free, y_free)
    order = _arranging((*yb, *_partners(xc, yc), *y_free))
    return ((x_free, ct_x_free), (xb, ct_batch)), order


def _result_axes(batch: Axes, x_free: Axes, y_free: Axes) -> tuple[Axes, Axes, Axes]:
    """Where the batch axes and the free axes of x and y are in the product."""
    a, b = len(batch), len(batch) + len(x_free)
    return tuple(range(a)), tuple(range(a, b)), tuple(range(b, b + len(y_free)))


def _partners(axes: Axes, partners: Axes) -> Axes:
    """`partners` in the order that sorts `axes`."""
    return tuple([p for _, p in sorted(zip(axes, partners))])


def _arranging(order: Axes) -> Axes | None:
    """The permutation that puts axes that come as `order` into their places; None: they are."""
    inverse = tuple([order.index(i) for i in range(len(order))])
    return None if inverse == tuple(range(len(order))) else inverse


dot_general_p = DotGeneral()
