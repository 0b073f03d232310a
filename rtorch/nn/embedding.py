"""Embedding: rows of a table."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, OutOfBoundsError, describe
from rtorch.nn.checks import refuse
from rtorch.nn.initializers import Initializer, normal
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_count, check_names, first


def Embedding(
    num_embeddings: int,
    embedding_dim: int,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    *,
    weight_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:
    """The row of ``weight`` for each integer of the input.

    Args:
        num_embeddings: How many rows; an input outside ``0 .. num_embeddings - 1`` raises.
        embedding_dim: Their length, which is the last axis of the output.
        padding_idx: A row that begins as zeros and gets no gradient.
        max_norm: Longer rows are shortened to this as they are read; their gradient is as if they
            were not. PyTorch shortens them in the weight, which stays as it is here.
        norm_type: The p of the norm of rows, for `max_norm`.
        scale_grad_by_freq: Whether the gradient of a row is divided by how often it is read.
        weight_init: Initializer of the weight, shape ``(num_embeddings, embedding_dim)``; by
            default normal, as in PyTorch.
        dtype: Dtype of the weight; by default `rt.default_dtype()`.

    Returns:
        A `Layer` with the parameter ``weight``. Its transpose can serve as the output layer of a
        language model: ``y @ params["weight"].T``.

    Raises:
        DTypeError: (``init``, ``apply``) if the input is not of integers.
        OutOfBoundsError: (``apply``, not under `jit`) if one of them is no row.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Embedding(100, 4, padding_idx=0)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3), rt.int32))
        >>> y, state = layer.apply(params, state, rt.asarray([[1, 2, 0], [7, 0, 0]]))
        >>> y.shape, bool(rt.all(y[1, 1:] == 0))
        ((2, 3, 4), True)
    """
    padding_idx = check_table("Embedding", num_embeddings, embedding_dim, padding_idx)
    if max_norm is not None and not max_norm > 0:
        raise ArgumentError(f"[Embedding] max_norm: expected a number above 0, got {max_norm!r}")

    def init(key: Any, spec: Any) -> Params:
        needs_key("Embedding", key, "init")
        _check(spec)
        of = rt.default_dtype() if dtype is None else dtype
        shape = (num_embeddings, embedding_dim)
        weight = first("Embedding", "weight", weight_init or normal(), key, shape, of)
        return {"weight": weight if padding_idx is None else weight.at[padding_idx].set(0)}

    def call(params: Params, x: Any) -> rt.Array:
        check_names("Embedding", "params", params, ("weight",))
        x = rt.asarray(x)
        _check(x)
        refuse((x < 0) | (x >= num_embeddings), OutOfBoundsError(
            f"[Embedding] x: expected integers from 0 to {num_embeddings - 1}"))  # fmt: skip
        rows = rt.take(params["weight"], x, axis=0)
        if max_norm is not None:
            rows = _shortened(rows, max_norm, norm_type)
        if scale_grad_by_freq:
            rows = _shared_gradient(rows, x, num_embeddings)
        if padding_idx is None:
            return rows
        return rt.where((x == padding_idx)[..., None], rt.stop_gradient(rows), rows)

    return stateless(init, call)


def _shortened(rows: Any, max_norm: float, norm_type: float) -> Any:
    fixed = rt.stop_gradient(rows)
    norm = rt.linalg.vector_norm(fixed, ord=norm_type, axis=-1, keepdims=True)
    shorter = rt.where(norm > max_norm, fixed * (max_norm / (norm + 1e-7)), fixed)
    return shorter + (rows - fixed)


def _shared_gradient(rows: Any, x: Any, num_embeddings: int) -> Any:
    """`rows`, with gradients divided by how often each is there."""
    times = rt.bincount(rt.ravel(x), length=num_embeddings)[x]
    fixed = rt.stop_gradient(rows)
    return fixed + (rows - fixed) / times[..., None].astype(rows.dtype)


def _check(x: Any) -> None:
    if not rt.isdtype(x.dtype, "integral"):
        raise DTypeError(f"[Embedding] x: expected integers, got {describe(x)}")


def check_table(name: str, rows: Any, columns: Any, padding_idx: Any) -> int | None:
    """Raise unless there can be such a table; return the row of the padding, counted from 0."""
    check_count(name, "num_embeddings", rows)
    check_count(name, "embedding_dim", columns)
    if padding_idx is None:
        return None
    if not isinstance(padding_idx, int) or not -rows <= padding_idx < rows:
        raise ArgumentError(
            f"[{name}] padding_idx: expected one of {rows} rows, got {padding_idx!r}"
        )
    return padding_idx % int(rows)
