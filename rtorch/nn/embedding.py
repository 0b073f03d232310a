"""Embedding: rows of a table."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, describe
from rtorch.nn.initializers import Initializer, normal
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_count, check_names


def Embedding(
    num_embeddings: int,
    embedding_dim: int,
    padding_idx: int | None = None,
    *,
    weight_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:
    """The row of ``weight`` for each integer of the input.

    Args:
        num_embeddings: How many rows; an input outside ``0 .. num_embeddings - 1`` raises.
        embedding_dim: Their length, which is the last axis of the output.
        padding_idx: A row that begins as zeros and gets no gradient.
        weight_init: Initializer of the weight, shape ``(num_embeddings, embedding_dim)``; by
            default normal, as in PyTorch.
        dtype: Dtype of the weight; by default `rt.default_dtype()`.

    Returns:
        A `Layer` with the parameter ``weight``. Its transpose can serve as the output layer of a
        language model: ``y @ params["weight"].T``.

    Raises:
        DTypeError: (``init``, ``apply``) if the input is not of integers.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Embedding(100, 4, padding_idx=0)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3), rt.int32))
        >>> y, state = layer.apply(params, state, rt.asarray([[1, 2, 0], [7, 0, 0]]))
        >>> y.shape, bool(rt.all(y[1, 1:] == 0))
        ((2, 3, 4), True)
    """
    padding_idx = check_table("Embedding", num_embeddings, embedding_dim, padding_idx)

    def init(key: Any, spec: Any) -> Params:
        needs_key("Embedding", key, "init")
        _check(spec)
        of = rt.default_dtype() if dtype is None else dtype
        weight = (weight_init or normal())(key, (num_embeddings, embedding_dim), of)
        return {"weight": weight if padding_idx is None else weight.at[padding_idx].set(0)}

    def call(params: Params, x: Any) -> rt.Array:
        check_names("Embedding", "params", params, ("weight",))
        x = rt.asarray(x)
        _check(x)
        rows = rt.take(params["weight"], x, axis=0)
        if padding_idx is None:
            return rows
        return rt.where((x == padding_idx)[..., None], rt.stop_gradient(rows), rows)

    return stateless(init, call)


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
