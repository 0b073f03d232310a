"""`dot_general`: every sum of products that reaches BLAS."""

import math
from typing import Any, TypeAlias

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.ops.base import Bilinear, permute_dims_p

Axes: TypeAlias = tuple[int, ...]
# ((contracted axes of x, of y), (batch axes of x, of y)), pairwise of equal length
Dims: TypeAlias = tuple[tuple[Axes, Axes], tuple[Axes, Axes]]

MATMUL: Dims = (((1,), (0,)), ((), ()))


def free_axes(ndim: int, contracted: Axes, batch: Axes) -> Axes:
    return tuple([i for i in range(ndim) if i not in contracted and i not in batch])


class DotGeneral(Bilinear):
    """The sum over contracted axes of ``x * y``, for every index of the shared batch axes.

    The result has the batch axes, then the free axes of ``x``, then those of ``y``. Half
    precision is accumulated in float32.
    """

    name = "dot_general"

    def impl(self, xp: Any, x: Any, y: Any, *, dims: Dims) -> Any:
        dtype = x.dtype
        if dtype is dtypes.bfloat16 or dtype is dtypes.float16:
            x, y = x.astype(dtypes.float32), y.astype(dtypes.float32)
            return xp.asarray(self._matmul(xp, x, y, dims)).astype(dtype)
        return self._matmul(xp, x, y, dims)

    @staticmethod
    def _matmul(xp: Any, x: Any, y: Any, dims: Dims) -> Any:
        if dims == MATMUL and x.ndim == 2 and y.ndim == 2:
            return xp.matmul(x, y)
        left, right, shape = matrices(x, y, dims)
        return xp.matmul(left, right).reshape(shape)

    def infer(self, x: Any, y: Any, *, dims: Dims) -> Aval:
        (xc, yc), (xb, yb) = dims
        batch = [x.shape[i] for i in xb]
        x_free = [x.shape[i] for i in free_axes(x.ndim, xc, xb)]
        y_free = [y.shape[i] for i in free_axes(y.ndim, yc, yb)]
        return Aval((*batch, *x_free, *y_free), x.dtype)

    def transpose(self, ct: Any, x: Any, y: Any, *, dims: Dims) -> Any:
        if is_linear(x):
            return _transpose_left(ct, x, y, dims), None
        (xc, yc), (xb, yb) = dims
        swapped = _transpose_left(_swap_free(ct, x, y, dims), y, x, ((yc, xc), (yb, xb)))
        return None, swapped

    def batch(self, args: Any, dims: Any, /, **params: Any) -> tuple[Any, Any]:
        (x, y), (x_dim, y_dim) = args, dims
        (xc, yc), (xb, yb) = params["dims"]
        if x_dim is not None:
            xc, xb = _shifted(xc, x_dim), _shifted(xb, x_dim)
        if y_dim is not None:
            yc, yb = _shifted(yc, y_dim), _shifted(yb, y_dim)
        if x_dim is not None and y_dim is not None:
            return self(x, y, dims=((xc, yc), ((x_dim, *xb), (y_dim, *yb)))), 0
        out = self(x, y, dims=((xc, yc), (xb, yb)))
        x_free = free_axes(len(x.shape), xc, xb)
        if x_dim is not None:  # the batch axis is one more free axis: still one matrix product
            return out, len(xb) + x_free.index(x_dim)
        return out, len(xb) + len(x_free) + free_axes(len(y.shape), yc, yb).index(y_dim)


def _shifted(axes: Axes, dim: int) -> Axes:
    return tuple([a + (a >= dim) for a in axes])


def matrices(x: Any, y: Any, dims: Dims) -> tuple[Any, Any, Axes]:
    """`x` as (batch, m, k), `y` as (batch, k, n), views where possible; the result's shape."""
    (xc, yc), (xb, yb) = dims
    x_free, y_free = free_axes(x.ndim, xc, xb), free_axes(y.ndim, yc, yb)
    batch = tuple([x.shape[i] for i in xb])
    rows, columns = [x.shape[i] for i in x_free], [y.shape[i] for i in y_free]
    k = math.prod([x.shape[i] for i in xc])
    left = x.transpose(xb + x_free + xc).reshape((*batch, math.prod(rows), k))
    right = y.transpose(yb + yc + y_free).reshape((*batch, k, math.prod(columns)))
    return left, right, (*batch, *rows, *columns)


def _transpose_left(ct: Any, x: Aval, y: Any, dims: Dims) -> Any:
    """The cotangent of ``x``: the product of `ct` and ``y`` over the free axes of ``y``."""
    (xc, yc), (xb, yb) = dims
    n_batch, x_free = len(xb), free_axes(x.ndim, xc, xb)
    y_free = free_axes(len(y.shape), yc, yb)
    ct_batch = tuple(range(n_batch))
    ct_y_free = tuple(range(n_batch + len(x_free), len(ct.shape)))
    out = dot_general_p(ct, y, dims=((ct_y_free, y_free), (ct_batch, yb)))
    # It has the axes of x in this order; what was contracted comes in the order of y's axes.
    contracted = tuple([xc[i] for i in sorted(range(len(yc)), key=yc.__getitem__)])
    order = (*xb, *x_free, *contracted)
    inverse = tuple([order.index(i) for i in range(len(order))])
    return out if inverse == tuple(range(len(order))) else permute_dims_p(out, axes=inverse)


def _swap_free(ct: Any, x: Any, y: Any, dims: Dims) -> Any:
    """`ct` of ``dot(x, y)`` as that of ``dot(y, x)``."""
    (xc, _), (xb, _) = dims
    n_batch, n_x = len(xb), len(free_axes(len(x.shape), xc, xb))
    n = len(ct.shape)
    axes = (*range(n_batch), *range(n_batch + n_x, n), *range(n_batch, n_batch + n_x))
    return ct if axes == tuple(range(n)) else permute_dims_p(ct, axes=axes)


dot_general_p = DotGeneral()
