"""What the primitives of linear algebra share: stacks of matrices, and rules written with them.

Matrices are the last two axes of their arrays; equal axes before these are a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.errors import LinAlgError
from rtorch.ops.base import (
    add_p,
    batch_size,
    batched_front,
    broadcast_p,
    mul_p,
    permute_dims_p,
    reduce_sum_p,
    sub_p,
)
from rtorch.ops.comparison import eq_p, ge_p, select_p
from rtorch.ops.contraction import MATMUL, dot_general_p
from rtorch.ops.convert import conj_p, convert_p
from rtorch.ops.creation import iota_p


class MatrixOp(Primitive):
    """An operation on stacks of matrices, whose batch axes are alike in all operands."""

    def batch(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        operands, dims = args
        size = batch_size(operands, dims)
        out = self(*[batched_front(x, d, size) for x, d in zip(operands, dims)], **params)
        return out, (0,) * len(out) if self.multiple else 0


# ---- products and transposes ---------------------------------------------------------------------


def swapped(x: Any) -> Any:
    """The matrices transposed."""
    n = len(x.shape)
    return permute_dims_p(x, axes=(*range(n - 2), n - 1, n - 2))


def conj(x: Any) -> Any:
    return conj_p(x) if x.dtype in dtypes.COMPLEXES else x


def adjoint(x: Any) -> Any:
    """The matrices transposed and conjugated."""
    return conj(swapped(x))


def product(x: Any, *others: Any) -> Any:
    """The product of matrices, from left to right."""
    n = len(x.shape)
    batch = tuple(range(n - 2))
    axes = MATMUL if n == 2 else (((n - 1,), (n - 2,)), (batch, batch))
    for y in others:
        x = dot_general_p(x, y, axes=axes)
    return x


def trace_of_product(x: Any, y: Any) -> Any:
    """``trace(x @ y)`` in as many steps as there are elements."""
    n = len(x.shape)
    return reduce_sum_p(mul_p(x, swapped(y)), axes=(n - 2, n - 1))


# ---- vectors beside matrices ---------------------------------------------------------------------


def as_rows(v: Any, n: int) -> Any:
    """``out[..., i, j] = v[..., i]`` for `n` columns: a factor of rows."""
    axes = tuple(range(len(v.shape)))
    return broadcast_p(v, shape=(*v.shape, n), axes=axes)


def as_columns(v: Any, n: int) -> Any:
    """``out[..., i, j] = v[..., j]`` for `n` rows: a factor of columns."""
    k = len(v.shape)
    return broadcast_p(v, shape=(*v.shape[:-1], n, v.shape[-1]), axes=(*range(k - 1), k))


def diagonal_of(x: Any) -> Any:
    """The diagonals of square matrices."""
    return reduce_sum_p(select_p(_mask(x, "eye"), x, 0), axes=(len(x.shape) - 1,))


# ---- triangles -----------------------------------------------------------------------------------


_SMALL = 4096  # elements: masks up to there are kept


def _mask(x: Any, which: str) -> Any:
    n = len(x.shape)
    small = x.shape[-1] * x.shape[-2] <= _SMALL and x.device == backend.CPU
    mask = _kept_mask(x.shape[-2:], which) if small else _made_mask(x, which)
    return mask if n == 2 else broadcast_p(mask, shape=x.shape, axes=(n - 2, n - 1))


@functools.lru_cache(256)
def _kept_mask(shape: tuple[int, int], which: str) -> Array:
    rows, columns = np.indices(shape)
    compare = {"eye": np.equal, "lower": np.greater_equal, "upper": np.less_equal}[which]
    return Array(compare(rows, columns))


def _made_mask(x: Any, which: str) -> Any:
    rows, columns = (
        iota_p(shape=x.shape[-2:], dtype=dtypes.int64, axis=axis, device=x.device)
        for axis in (0, 1)
    )
    if which == "eye":
        return eq_p(rows, columns)
    return ge_p(rows, columns) if which == "lower" else ge_p(columns, rows)


def lower(x: Any) -> Any:
    """The lower triangles with the diagonals; zeros above."""
    return select_p(_mask(x, "lower"), x, 0)


def upper(x: Any) -> Any:
    """The upper triangles with the diagonals; zeros below."""
    return select_p(_mask(x, "upper"), x, 0)


def without_diagonal(x: Any) -> Any:
    return select_p(_mask(x, "eye"), 0, x)


def only_diagonal(x: Any) -> Any:
    return select_p(_mask(x, "eye"), x, 0)


def identity_like(x: Any) -> Any:
    """Identity matrices with the shape and dtype of `x`, which need not be square."""
    return convert_p(_mask(x, "eye"), dtype=x.dtype)


def half_lower(x: Any) -> Any:
    """The lower triangles with half of the diagonals: ``half_lower(h) + adjoint = h``."""
    return lower(mul_p(x, sub_p(1, mul_p(identity_like(x), 0.5))))


def hermitian_of_lower(x: Any) -> Any:
    """The Hermitian matrices with the lower triangles of `x`."""
    half = half_lower(x)
    return add_p(half, adjoint(half))


# ---- what NumPy refuses, and what is not installed -----------------------------------------------

FINITE = "has nan or inf among its elements, or the iteration did not converge"


def guarded(name: str, problem: str, function: Callable[..., Any], *matrices: Any) -> Any:
    """``function(*matrices)``; NumPy's `LinAlgError` with the name and the place of the matrix."""
    try:
        return function(*matrices)
    except np.linalg.LinAlgError:
        where = _first_bad(function, matrices)
        which = f"matrix {where} of the batch" if where else "the matrix"
        raise LinAlgError(f"[{name}] {which} {problem}") from None


def _first_bad(function: Callable[..., Any], matrices: tuple[Any, ...]) -> tuple[int, ...]:
    for index in np.ndindex(matrices[0].shape[:-2]):
        try:
            function(*[m[index] for m in matrices])
        except np.linalg.LinAlgError:
            return index
    return ()


@functools.cache
def scipy_linalg(on_cpu: bool) -> Any:
    """`scipy.linalg`, or CuPy's; None where it is not installed."""
    try:
        if on_cpu:
            import scipy.linalg as library
        else:
            import cupyx.scipy.linalg as library
    except ImportError:
        return None
    return library
