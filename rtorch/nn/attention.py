"""Scaled dot-product attention: in one piece, or in chunks.

References:
    Vaswani et al. 2017, Attention is all you need (arXiv:1706.03762).
"""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.nn.attention_chunks import chunked
from rtorch.nn.attention_groups import grouped, ungrouped
from rtorch.nn.attention_masks import is_bool
from rtorch.nn.attention_scores import Dropout, powers_and_sum
from rtorch.nn.layer import needs_key

__all__ = ["scaled_dot_product_attention"]


@api
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    dropout_key: Any = None,
    chunk_size: int | None = None,
) -> rt.Array:
    """``softmax(query @ key.T * scale + mask) @ value`` in the last two axes.

    A query that may see no key gets zeros, and its derivatives are zeros, as in PyTorch's function
    (its *layer* gives nan there). Scores of float16 and bfloat16 are float32 inside.

    Args:
        query: Shape ``(..., L, E)``.
        key: Shape ``(..., S, E)``.
        value: Shape ``(..., S, Ev)``; leading axes of all three broadcast.
        attn_mask: Broadcasts to ``(..., L, S)``: booleans that are true where a query may see a
            key, or numbers that are added to the scores.
        dropout_p: The fraction of the weights that is dropped. It holds whenever it is given, as
            in PyTorch: pass 0 when not training.
        is_causal: Whether query ``i`` sees the keys 0 to ``i`` only, beside what `attn_mask` says.
        scale: By default ``1 / sqrt(E)``.
        enable_gqa: Whether axis -3, that of the heads, may be shorter in `key` and `value`: each of
            their heads is then shared by a group of heads of `query`. They are not copied for that.
        dropout_key: A random key, needed if `dropout_p` is not 0. (What is dropped depends on
            `chunk_size`, too.)
        chunk_size: Work on blocks of so many queries and keys, in memory that grows with L and S
            instead of their product.

    Returns:
        Shape ``(..., L, Ev)``.

    Raises:
        ShapeError: if shapes do not fit.

    Example:
        >>> import rtorch as rt
        >>> q, k, v = rt.random.normal(rt.random.key(0), (3, 2, 8, 100, 16))
        >>> y = rt.nn.scaled_dot_product_attention(q, k, v, is_causal=True)
        >>> z = rt.nn.scaled_dot_product_attention(q, k, v, is_causal=True, chunk_size=32)
        >>> y.shape, bool(rt.allclose(y, z, atol=1e-6))
        ((2, 8, 100, 16), True)
    """
    query, key, value = rt.asarray(query), rt.asarray(key), rt.asarray(value)
    _check(query, key, value)
    if not 0 <= dropout_p < 1:
        raise ArgumentError(f"[scaled_dot_product_attention] dropout_p: expected a fraction of at "
                            f"least 0 and below 1, got {dropout_p!r}")  # fmt: skip
    if dropout_p:
        needs_key("scaled_dot_product_attention", dropout_key, "dropout")
    if chunk_size is not None and (not isinstance(chunk_size, int) or chunk_size < 1):
        raise ArgumentError(f"[scaled_dot_product_attention] chunk_size: expected an int of 1 or "
                            f"more, got {chunk_size!r}")  # fmt: skip
    dropout = Dropout(dropout_p, dropout_key) if dropout_p else None
    mask = None if attn_mask is None else _mask(attn_mask, query, key)
    query = query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if enable_gqa:
        query, key, value, mask = grouped(query, key, value, mask)
    if chunk_size is None:
        y = _whole(query, key, value, mask, is_causal, dropout)
    else:
        y = chunked(query, key, value, mask, is_causal, dropout, chunk_size)
    return ungrouped(y) if enable_gqa else y


def _whole(
    query: rt.Array, key: rt.Array, value: rt.Array, mask: rt.Array | None, is_causal: bool,
    dropout: Dropout | None,
) -> rt.Array:  # fmt: skip
    """Attention of scaled queries, all scores at once."""
    powers, total = powers_and_sum(query, key, mask, is_causal)
    if dropout is not None:
        powers = dropout.drop(powers, 0)
    # The values are fewer than the weights: it is they that are divided.
    y = (powers @ value.astype(powers.dtype)) * (1.0 / total)
    return y.astype(value.dtype)


def _check(query: rt.Array, key: rt.Array, value: rt.Array) -> None:
    name = "[scaled_dot_product_attention]"
    for label, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim < 2:
            raise ShapeError(f"{name} {label}: expected at least two axes, got {describe(x)}")
        if not rt.isdtype(x.dtype, "real floating"):
            raise DTypeError(f"{name} {label}: expected a floating dtype, got {describe(x)}")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"{name} expected query (..., L, E), key (..., S, E) and value (..., S, Ev), got "
            f"{describe(query)}, {describe(key)} and {describe(value)}"
        )


def _mask(mask: Any, query: rt.Array, key: rt.Array) -> rt.Array:
    mask, last = rt.asarray(mask), (query.shape[-2], key.shape[-2])
    if not (is_bool(mask) or rt.isdtype(mask.dtype, "real floating")):
        raise DTypeError("[scaled_dot_product_attention] attn_mask: expected booleans or floating "
                         f"numbers, got {describe(mask)}")  # fmt: skip
    if any(n not in (1, m) for n, m in zip(mask.shape[::-1], last[::-1], strict=False)):
        raise ShapeError("[scaled_dot_product_attention] attn_mask: expected the last axes to be "
                         f"{last}, got {describe(mask)}")  # fmt: skip
    return mask
