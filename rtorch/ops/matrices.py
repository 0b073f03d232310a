"""What the primitives of linear algebra share: stacks of matrices, and rules written with them.

Matrices are the last two axes of their arrays; equal axes before these are a batch.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import numpy as np

from rtorch.core import dtypes
from rtorch.core.primitive import Primitive
from rtorch.errors import LinAlgError
from rtorch.ops.base import (
    Linear,
    add_p,
    batch_size,
    batched_front,
    broadcast_p,
    mul_p,
    permute_dims_p,
    reduce_sum_p,
)
from rtorch.ops.contraction import MATMUL, dot_general_p
from rtorch.ops.convert import conj_p
from rtorch.ops.creation import full_p
from rtorch.ops.library import load


class MatrixOp(Primitive):
    """An operation on stacks of matrices, whose batch axes are alike in all operands."""

    # Flops as multiples of m n k and k**3 for matrices of m rows, n columns, k the lesser:
    # the counts of Golub and Van Loan, "Matrix Computations" (4th edition).
    counts: ClassVar[tuple[float, float]] = (0.0, 0.0)

    def flops(self, *args: Any, **params: Any) -> float:
        x = args[0]
        if len(x.shape) < 2:
            return 0.0
        k = min(x.shape[-2:])
        return self.counts[0] * x.size * k + self.counts[1] * k**3 * math.prod(x.shape[:-2])

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
    return reduce_sum_p(matrix_part_p(x, which="diagonal"), axes=(len(x.shape) - 1,))


# ---- parts ---------------------------------------------------------------------------------------

_PARTS: dict[str, Callable[[Any, Any], Any]] = {
    "lower": operator.ge,
    "upper": operator.le,
    "strict_lower": operator.gt,
    "diagonal": operator.eq,
    "off_diagonal": operator.ne,
}
_SMALL = 4096  # elements: masks up to there are kept


class MatrixPart(Linear):
    """The matrices with zeros outside of the part that is asked for."""

    name = "matrix_part"

    def impl(self, xp: Any, x: Any, *, which: str) -> Any:
        shape = x.shape[-2:]
        small = xp is np and shape[0] * shape[1] <= _SMALL
        mask = _kept_mask(shape, which) if small else _mask(xp, shape, which)
        return xp.where(mask, x, x.dtype.type(0))

    def infer(self, x: Any, *, which: str) -> Any:
        return x

    def transpose(self, ct: Any, x: Any, *, which: str) -> Any:
        return (self(ct, which=which),)

    batch = MatrixOp.batch


def _mask(xp: Any, shape: tuple[int, int], which: str) -> Any:
    rows, columns = xp.arange(shape[0]), xp.arange(shape[1])
    return _PARTS[which](rows[:, None], columns)


@functools.lru_cache(256)
def _kept_mask(shape: tuple[int, int], which: str) -> Any:
    return _mask(np, shape, which)


matrix_part_p = MatrixPart()


def lower(x: Any) -> Any:
    """The lower triangles with the diagonals; zeros above."""
    return matrix_part_p(x, which="lower")


def upper(x: Any) -> Any:
    """The upper triangles with the diagonals; zeros below."""
    return matrix_part_p(x, which="upper")


def strict_lower(x: Any) -> Any:
    """The lower triangles without the diagonals."""
    return matrix_part_p(x, which="strict_lower")


def only_diagonal(x: Any) -> Any:
    return matrix_part_p(x, which="diagonal")


def without_diagonal(x: Any) -> Any:
    return matrix_part_p(x, which="off_diagonal")


def identity_like(x: Any) -> Any:
    """Identity matrices with the shape and dtype of `x`, which need not be square."""
    ones = full_p(shape=(), value=1, dtype=x.dtype, device=x.device)
    return only_diagonal(broadcast_p(ones, shape=x.shape, axes=()))


def half_lower(x: Any) -> Any:
    """The lower triangles with half of the diagonals: ``half_lower(h) + adjoint = h``."""
    return mul_p(add_p(lower(x), strict_lower(x)), 0.5)


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
        raise_at(name, problem, _first_bad(function, matrices))


def raise_at(name: str, problem: str, where: tuple[int, ...]) -> NoReturn:
    """Say that the matrix at the place `where` of the batch has a problem."""
    which = f"matrix {where} of the batch" if where else "the matrix"
    raise LinAlgError(f"[{name}] {which} {problem}") from None


def _first_bad(function: Callable[..., Any], matrices: tuple[Any, ...]) -> tuple[int, ...]:
    for index in np.ndindex(matrices[0].shape[:-2]):
        try:
            function(*[m[index] for m in matrices])
        except np.linalg.LinAlgError:
            return index
    return ()


def scipy_linalg(on_cpu: bool) -> Any:
    """`scipy.linalg`, or CuPy's; None where it is not installed."""
    return load("linalg", on_cpu)
