"""Attention in chunks that never hold all scores.

Each block of queries visits one block of keys after the other, and keeps the maximum of the scores
so far, the sum of their exponentials and the weighted sum of values. Derivatives compute the scores
a second time, so that memory grows with the lengths and not with their product.

References:
    Milakov & Gimelshein 2018 (arXiv:1805.02867) for the running softmax; Rabe & Staats 2021
    (arXiv:2112.05682) and Dao et al. 2022 (arXiv:2205.14135) for attention with it.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.nn.attention_scores import Dropout, finite, highest, masked, positive, products


def chunked(
    query: rt.Array, key: rt.Array, value: rt.Array, mask: rt.Array | None, is_causal: bool,
    dropout: Dropout | None, size: int,
) -> rt.Array:  # fmt: skip
    """Attention of scaled queries in blocks of `size` queries and keys."""
    n_queries, n_keys = query.shape[-2], key.shape[-2]
    batch = rt.broadcast_shapes(*[x.shape[:-2] for x in (query, key, value)],
                                () if mask is None else mask.shape[:-2])  # fmt: skip
    acc = products(query[..., :0, :], key[..., :0, :]).dtype
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
            scores = masked(masked(products(block, k), _tile(mask, i, j, size)), seen)
            new_top = rt.maximum(top, highest(scores))
            powers = rt.exp(scores - finite(new_top))
            less = rt.exp(top - finite(new_top))
            total = total * less + rt.sum(powers, axis=-1, keepdims=True)
            if dropout is not None:
                powers = dropout.drop(powers, i * len(numbers) + j)
            return new_top, total, found * less + powers @ v.astype(acc)

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
        return (found / positive(total)).astype(value.dtype)

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
