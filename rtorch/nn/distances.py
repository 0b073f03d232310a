"""normalize and cdist: vectors of length 1, and the distances of two sets of vectors."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError, api, describe

__all__ = ["cdist", "normalize"]


@api
def normalize(x: Any, p: float = 2.0, axis: int = -1, eps: float = 1e-12) -> rt.Array:
    """`x` divided by its p-norm along `axis`.

    Args:
        x: Real numbers.
        p: Of the norm; also ``inf``.
        axis: Of the vectors: the last one (1 in PyTorch).
        eps: The least norm by which is divided.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.normalize(rt.asarray([[3.0, 4.0], [0.0, 0.0]])).round(2).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    x = _vectors("normalize", "x", x, axis)
    return x / rt.maximum(_norm("normalize", x, p, axis, keepdims=True), eps)


@api
def cdist(x1: Any, x2: Any, p: float = 2.0) -> rt.Array:
    """The distance of each vector of one set from each of another.

    Args:
        x1: Shape ``(..., m, features)``.
        x2: Shape ``(..., n, features)``; the axes before these are broadcast.
        p: Of the norm of the differences.

    Returns:
        An array of shape ``(..., m, n)``. Where a distance is 0 its derivative is 0.

    Raises:
        ShapeError: if the features differ.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.cdist(rt.asarray([[0.0, 0.0], [3.0, 0.0]]), rt.asarray([[3.0, 4.0]])).tolist()
        [[5.0], [4.0]]
    """
    x1, x2 = _vectors("cdist", "x1", x1, -1), _vectors("cdist", "x2", x2, -1)
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            "[cdist] expected shapes (..., m, features) and (..., n, features), got "
            f"{describe(x1)} and {describe(x2)}"
        )
    return _norm("cdist", x1[..., :, None, :] - x2[..., None, :, :], p, -1)


def _vectors(name: str, argument: str, x: Any, axis: int) -> rt.Array:
    x = rt.asarray(x)
    if rt.isdtype(x.dtype, "complex floating"):
        raise DTypeError(f"[{name}] {argument}: expected real numbers, got {describe(x)}")
    if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        raise AxisError(f"[{name}] axis: {argument} {describe(x)} has no axis {axis!r}")
    return x if rt.isdtype(x.dtype, "real floating") else x.astype(rt.default_dtype())


def _norm(name: str, x: rt.Array, p: float, axis: int, keepdims: bool = False) -> rt.Array:
    if not isinstance(p, (int, float)) or p < 0:
        raise ArgumentError(f"[{name}] p: expected a number of 0 or more, got {p!r}")
    return rt.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=p)
