"""Initializers of matrices with a structure: orthogonal, identity, sparse."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.nn.initializers.draws import Initializer, Shape


def orthogonal(gain: float = 1.0) -> Initializer:
    """Orthonormal rows or columns (whichever are fewer) times `gain`.

    A weight of more than two axes is taken as the matrix ``(out, in * window)``.

    Args:
        gain: A factor.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.orthogonal()(rt.random.key(0), (2, 3), rt.float64)
        >>> bool(rt.allclose(w @ w.T, rt.eye(2)))
        True

    References:
        Saxe et al. 2014 (arXiv:1312.6120).
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        _at_least("orthogonal", shape, 2)
        columns = math.prod(shape[1:])
        q = rt.random.orthogonal(key, shape[0], (), _named(dtype), columns)
        return rt.reshape(q * gain, shape)

    return init


def delta_orthogonal(gain: float = 1.0) -> Initializer:
    """A convolution that is an orthogonal matrix at the centre of its window, 0 elsewhere.

    Args:
        gain: A factor.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.delta_orthogonal()(rt.random.key(0), (4, 3, 5), rt.float64)
        >>> bool(rt.allclose(w[..., 2].T @ w[..., 2], rt.eye(3)))
        True

    References:
        Xiao et al. 2018 (arXiv:1806.05393).
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        _at_least("delta_orthogonal", shape, 3)
        if shape[0] < shape[1]:
            raise ShapeError(
                f"[delta_orthogonal] expected at least as many outputs as inputs, got {shape}"
            )
        matrix = rt.random.orthogonal(key, shape[0], (), _named(dtype), shape[1]) * gain
        centre = tuple([(n - 1) // 2 for n in shape[2:]])
        return rt.zeros(shape, dtype=matrix.dtype).at[(..., *centre)].set(matrix)

    return init


def eye(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
    """The identity matrix, or as much of it as there is room for; the key is not used.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.eye(None, (2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ShapeError(f"[eye] expected a shape (out, in), got {shape}")
    return rt.eye(*shape, dtype=_named(dtype))


def dirac(groups: int = 1) -> Initializer:
    """A convolution that keeps as many channels as it can as they are.

    Args:
        groups: Of the convolution: each keeps its channels.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.initializers.dirac()(None, (1, 1, 3), rt.float32).tolist()
        [[[0.0, 1.0, 0.0]]]
    """

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        _at_least("dirac", shape, 3)
        if shape[0] % groups:
            raise ShapeError(f"[dirac] expected outputs that {groups} groups divide, got {shape}")
        each = shape[0] // groups
        rows = rt.arange(shape[0]) % each
        kept = (rows[:, None] == rt.arange(shape[1])).astype(_named(dtype) or rt.default_dtype())
        centre = tuple([n // 2 for n in shape[2:]])
        return rt.zeros(shape, dtype=kept.dtype).at[(..., *centre)].set(kept)

    return init


def sparse(sparsity: float, std: float = 0.01) -> Initializer:
    """Normal numbers, of which a fraction in each column is 0.

    Args:
        sparsity: That fraction, rounded up to whole elements.
        std: Standard deviation of the others.

    Example:
        >>> import rtorch as rt
        >>> w = rt.nn.initializers.sparse(0.5)(rt.random.key(0), (4, 3), rt.float32)
        >>> rt.sum(w == 0, axis=0).tolist()
        [2, 2, 2]

    References:
        Martens 2010, Deep learning via Hessian-free optimization.
    """
    if not 0 <= sparsity <= 1:
        raise ArgumentError(f"[sparse] sparsity: expected a fraction from 0 to 1, got {sparsity!r}")

    def init(key: Any, shape: Shape, dtype: Any = float) -> rt.Array:
        if len(shape) != 2:
            raise ShapeError(f"[sparse] expected a shape (out, in), got {shape}")
        value_key, order_key = rt.random.split(key, 2)
        rows = rt.broadcast_to(rt.arange(shape[0])[:, None], shape)
        order = rt.random.permutation(order_key, rows, independent=True)
        values = rt.random.normal(value_key, shape, _named(dtype)) * std
        return rt.where(order < math.ceil(sparsity * shape[0]), 0.0, values)

    return init


def _at_least(name: str, shape: Shape, n: int) -> None:
    if len(shape) < n:
        wanted = "(out, in, *window)" if n > 2 else "(out, in) or (out, in, *window)"
        raise ShapeError(f"[{name}] expected a shape {wanted}, got {shape}")


def _named(dtype: Any) -> Any:
    return None if dtype is float else dtype
