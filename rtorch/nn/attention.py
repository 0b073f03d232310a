"""Scaled dot-product attention: in one piece, or in chunks that never hold all scores.

Chunks: each block of queries visits one block of keys after the other, and keeps the maximum of
the scores so far, the sum of their exponentials and the weighted sum of values. Derivatives compute
the scores a second time, so that memory grows with the lengths and not with their product.

References:
    Vaswani et al. 2017, Attention is all you need (arXiv:1706.03762).
    Milakov & Gimelshein 2018 (arXiv:1805.02867) for the running softmax; Rabe & Staats 2021
    (arXiv:2112.05682) and Dao et al. 2022 (arXiv:2205.14135) for attention with it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
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

    A query that may see no key gets zeros. Scores of float16 and bfloat16 are float32 inside.

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
            their heads is then shared by a group of heads of `query`.
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
    if enable_gqa:
        key, value = _repeat_heads(query, key), _repeat_heads(query, value)
    dropout = _Dropout(dropout_p, dropout_key) if dropout_p else None
    mask = None if attn_mask is None else _mask(attn_mask, query, key)
    scaled = query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if chunk_size is not None:
        if not isinstance(chunk_size, int) or chunk_size < 1:
            raise ArgumentError(f"[scaled_dot_product_attention] chunk_size: expected an int of 1 "
                                f"or more, got {chunk_size!r}")  # fmt: skip
        return _chunked(scaled, key, value, mask, is_causal, dropout, chunk_size)
    weights = attention_weights(scaled, key, mask, is_causal)
    if dropout is not None:
        weights = dropout.drop(weights, 0)
    return weights.astype(value.dtype) @ value


class _Dropout(NamedTuple):
    rate: float
    key: Any

    def drop(self, weights: rt.Array, i: Any) -> rt.Array:
        kept = rt.random.bernoulli(rt.random.fold_in(self.key, i), 1 - self.rate, weights.shape)
        return rt.where(kept, weights / (1 - self.rate), 0)


def attention_weights(
    scaled: rt.Array, key: rt.Array, mask: rt.Array | None, is_causal: bool
) -> rt.Array:
    """The softmax of the scores of scaled queries; zeros where a query sees no key."""
    scores = _scores(scaled, key)
    if is_causal:
        causal = rt.arange(key.shape[-2]) <= rt.arange(scaled.shape[-2])[:, None]
        scores = rt.where(causal, scores, -rt.inf)
    scores = _masked(scores, mask)
    powers = rt.exp(scores - _finite(rt.max(scores, axis=-1, keepdims=True, initial=-rt.inf)))
    return powers / _positive(rt.sum(powers, axis=-1, keepdims=True))


def _scores(query: rt.Array, key: rt.Array) -> rt.Array:
    scores = query @ rt.swapaxes(key, -1, -2)
    return scores.astype(rt.float32) if scores.dtype.itemsize < 4 else scores


def is_bool(mask: rt.Array) -> bool:
    """Whether a mask says yes or no, rather than how much."""
    return rt.isdtype(mask.dtype, "bool")


def _masked(scores: rt.Array, mask: rt.Array | None) -> rt.Array:
    if mask is None:
        return scores
    if is_bool(mask):
        return rt.where(mask, scores, -rt.inf)
    return scores + mask.astype(scores.dtype)


def _finite(top: rt.Array) -> rt.Array:
    """A maximum that may be subtracted; it changes no result, and so has no derivative."""
    return rt.stop_gradient(rt.where(top > -rt.inf, top, 0))


def _positive(total: rt.Array) -> rt.Array:
    return rt.where(total > 0, total, 1)


def _chunked(
    query: rt.Array, key: rt.Array, value: rt.Array, mask: rt.Array | None, is_causal: bool,
    dropout: _Dropout | None, size: int,
) -> rt.Array:  # fmt: skip
    n_queries, n_keys = query.shape[-2], key.shape[-2]
    batch = rt.broadcast_shapes(*[x.shape[:-2] for x in (query, key, value)],
                                () if mask is None else mask.shape[:-2])  # fmt: skip
    acc = _scores(query[..., :0, :], key[..., :0, :]).dtype
    keys, values = _blocks(key, size), _blocks(value, size)
    numbers = rt.arange(keys.shape[0])
    within = rt.arange(size)
    if mask is not None:
        mask = _pad(_pad(mask, -1, size), -2, size)

    @rt.checkpoint
    def of_queries(i: Any, block: rt.Array, keys: Any, values: Any, mask: Any) -> rt.Array:
        rows = i * size + within[:, None]

        def visit(carry: Any, j: Any, k: Any, v: Any) -> Any:
            top, total, found = carry
            columns = j * size + within
            seen = (columns < n_keys) & (columns <= rows) if is_causal else columns < n_keys
            scores = rt.where(seen, _masked(_scores(block, k), _tile(mask, i, j, size)), -rt.inf)
            new_top = rt.maximum(top, rt.stop_gradient(rt.max(scores, axis=-1, keepdims=True)))
            powers = rt.exp(scores - _finite(new_top))
            less = rt.exp(top - _finite(new_top))
            total = total * less + rt.sum(powers, axis=-1, keepdims=True)
            if dropout is not None:
                powers = dropout.drop(powers, i * len(numbers) + j)
            return new_top, total, found * less + (powers.astype(v.dtype) @ v).astype(acc)

        def step(carry: Any, now: Any) -> Any:
            if not is_causal:
                return visit(carry, *now), None
            # Keys that come behind all queries of the block are not looked at.
            return rt.cond(now[0] <= i, visit, lambda carry, *_: carry, carry, *now), None

        start = (
            rt.full((*batch, size, 1), -rt.inf, dtype=acc),
            rt.zeros((*batch, size, 1), dtype=acc),
            rt.zeros((*batch, size, value.shape[-1]), dtype=acc),
        )
        _, total, found = rt.scan(step, start, (numbers, keys, values), checkpoint=1)[0]
        return (found / _positive(total)).astype(value.dtype)

    blocks = _blocks(query, size)
    y = rt.map(lambda now: of_queries(*now, keys, values, mask), (rt.arange(len(blocks)), blocks))
    y = rt.reshape(rt.moveaxis(y, 0, -3), (*batch, -1, value.shape[-1]))
    return y[..., :n_queries, :]


def _pad(x: rt.Array, axis: int, size: int) -> rt.Array:
    """`x` with an axis of a multiple of `size`; one that broadcasts stays."""
    widths = [(0, 0)] * x.ndim
    if x.ndim >= -axis and x.shape[axis] != 1:
        widths[axis] = (0, -x.shape[axis] % size)
    return rt.pad(x, widths)


def _blocks(x: rt.Array, size: int) -> rt.Array:
    """``(..., n, e)`` as ``(blocks, ..., size, e)``, the last block filled up with zeros."""
    n = -(-x.shape[-2] // size)
    widths = [(0, 0)] * (x.ndim - 2) + [(0, n * size - x.shape[-2]), (0, 0)]
    x = rt.reshape(rt.pad(x, widths), (*x.shape[:-2], n, size, x.shape[-1]))
    return rt.moveaxis(x, -3, 0)


def _tile(mask: rt.Array | None, i: Any, j: Any, size: int) -> rt.Array | None:
    """The part of a padded mask for block `i` of the queries and `j` of the keys."""
    if mask is None:
        return None
    for axis, block in ((-2, i), (-1, j)):
        if mask.ndim >= -axis and mask.shape[axis] != 1:
            mask = rt.dynamic_slice_in_dim(mask, block * size, size, axis=axis % mask.ndim)
    return mask


def _repeat_heads(query: rt.Array, x: rt.Array) -> rt.Array:
    if query.ndim < 3 or x.ndim < 3 or not x.shape[-3] or query.shape[-3] % x.shape[-3]:
        raise ShapeError(
            "[scaled_dot_product_attention] enable_gqa: expected the heads of query, axis -3, to "
            f"be a multiple of those of key and value, got {describe(query)} and {describe(x)}"
        )
    return rt.repeat(x, query.shape[-3] // x.shape[-3], axis=-3)


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
