"""Grouped queries: several heads of queries that share one head of keys and values.

References:
    Shazeer 2019 (arXiv:1911.02150) for a single head of keys; Ainslie et al. 2023
    (arXiv:2305.13245) for groups.
"""

from __future__ import annotations

import rtorch as rt
from rtorch.errors import ShapeError, describe


def grouped(
    query: rt.Array, key: rt.Array, value: rt.Array, mask: rt.Array | None
) -> tuple[rt.Array, rt.Array, rt.Array, rt.Array | None]:
    """All four with the axis of heads, -3, as two: that of keys and values, and the group.

    Keys and values have length 1 along the second: they broadcast, and are not copied.
    """
    heads = key.shape[-3] if key.ndim > 2 else 0
    same = heads and value.ndim > 2 and value.shape[-3] == heads
    if query.ndim < 3 or not same or query.shape[-3] % heads:
        raise ShapeError(
            "[scaled_dot_product_attention] enable_gqa: expected the heads of query, axis -3, to "
            "be a multiple of those of key and value, which are the same; got "
            f"{describe(query)}, {describe(key)} and {describe(value)}"
        )
    if mask is not None and mask.ndim > 2:
        mask = _split(mask, 1 if mask.shape[-3] == 1 else heads)
    return _split(query, heads), _split(key, heads), _split(value, heads), mask


def _split(x: rt.Array, heads: int) -> rt.Array:
    return rt.reshape(x, (*x.shape[:-3], heads, x.shape[-3] // heads, *x.shape[-2:]))


def ungrouped(x: rt.Array) -> rt.Array:
    """Outputs or weights with one axis of heads again."""
    return rt.reshape(x, (*x.shape[:-4], x.shape[-4] * x.shape[-3], *x.shape[-2:]))
