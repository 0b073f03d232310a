"""What users pass becomes what the primitives of linear algebra take: stacks of matrices."""

from __future__ import annotations

from typing import Any, NamedTuple

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import DTypeError, ShapeError
from rtorch.numpy.operands import Shape, broadcast, broadcast_shapes, floating, promote
from rtorch.ops.base import reshape_p


class QRResult(NamedTuple):
    """The factors of `qr`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.qr(rt.eye(2))._fields
        ('Q', 'R')
    """

    Q: Array
    R: Array


class SlogdetResult(NamedTuple):
    """The results of `slogdet`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.slogdet(rt.eye(2)).sign.item()
        1.0
    """

    sign: Array
    logabsdet: Array


class EighResult(NamedTuple):
    """The results of `eigh`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eigh(rt.eye(2)).eigenvalues.tolist()
        [1.0, 1.0]
    """

    eigenvalues: Array
    eigenvectors: Array


class EigResult(NamedTuple):
    """The results of `eig`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eig(rt.eye(2)).eigenvalues.tolist()
        [(1+0j), (1+0j)]
    """

    eigenvalues: Array
    eigenvectors: Array


class SVDResult(NamedTuple):
    """The factors of `svd`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.svd(rt.eye(2)).S.tolist()
        [1.0, 1.0]
    """

    U: Array
    S: Array
    Vh: Array


def not_half(x: Array, name: str) -> Array:
    """`x`, refused if NumPy's linear algebra does not compute in its precision."""
    if x.dtype in dtypes.HALVES:
        raise DTypeError(
            f"[{name}] is not defined for {x.dtype}: convert with x.astype(rt.float32) first, and "
            "the result back"
        )
    return x


def matrices(x: Any, name: str) -> Array:
    """`x` as matrices of float32 or wider."""
    x = not_half(floating(x, name), name)
    if x.ndim < 2:
        raise ShapeError(
            f"[{name}] expected a matrix or a stack of them, shape (..., M, N), got {x.shape}"
        )
    return x


def square(x: Any, name: str) -> Array:
    """`x` as square matrices of float32 or wider."""
    x = matrices(x, name)
    if x.shape[-2] != x.shape[-1]:
        raise ShapeError(
            f"[{name}] expected square matrices, shape (..., M, M), got {x.shape}: "
            f"{x.shape[-2]} rows and {x.shape[-1]} columns"
        )
    return x


def system(a: Any, b: Any, name: str) -> tuple[Array, Array, Shape]:
    """Matrices, right sides as matrices, with one batch shape; and the shape of the right sides.

    Right sides are a vector if they have one axis, else matrices. The shape is that of the
    solutions: of right sides that were a vector the last axis is to go.
    """
    a, b = promote(name, floating(a, name), floating(b, name))
    a = matrices(a, name)
    vector = b.ndim == 1
    if b.ndim == 0 or b.shape[0 if vector else -2] != a.shape[-2]:
        raise ShapeError(
            f"[{name}] {a.shape[-2]} rows of the matrices, shape {a.shape}, do not fit the right "
            f"sides, shape {b.shape}: expected ({a.shape[-2]},) or (..., {a.shape[-2]}, K)"
        )
    if vector:
        b = reshape_p(b, shape=(*b.shape, 1))
    batch = broadcast_shapes(name, a.shape[:-2], b.shape[:-2])
    a, b = broadcast(a, (*batch, *a.shape[-2:])), broadcast(b, (*batch, *b.shape[-2:]))
    columns = () if vector else (b.shape[-1],)
    return a, b, (*batch, a.shape[-1], *columns)


def shaped(x: Array, shape: Shape) -> Array:
    """`x` with `shape`, itself if it has it."""
    return x if x.shape == shape else reshape_p(x, shape=shape)
