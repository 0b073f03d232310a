"""Masks of attention: true where a query may see a key, or numbers that are added to the scores."""

from __future__ import annotations

from typing import Any

import rtorch as rt


def is_bool(mask: rt.Array) -> bool:
    """Whether a mask says yes or no, rather than how much."""
    return rt.isdtype(mask.dtype, "bool")


def allowed(mask: Any) -> rt.Array:
    """A mask of PyTorch's layers, whose booleans are true where a query may not see a key."""
    mask = rt.asarray(mask)
    return ~mask if is_bool(mask) else mask


def both(one: rt.Array | None, other: rt.Array | None) -> rt.Array | None:
    """The mask that says what both say."""
    if one is None or other is None:
        return other if one is None else one
    if is_bool(one) and is_bool(other):
        return one & other
    if is_bool(one):
        one, other = other, one
    return rt.where(other, one, -rt.inf) if is_bool(other) else one + other


def causal(queries: int, keys: int) -> rt.Array:
    """Query ``i`` sees keys 0 to ``i``."""
    return rt.arange(keys) <= rt.arange(queries)[:, None]


def with_more_keys(mask: rt.Array, n: int) -> rt.Array:
    """`mask` for `n` keys more at the end, which all queries see."""
    widths = [(0, 0)] * (mask.ndim - 1) + [(0, n)]
    return rt.pad(mask, widths, constant_values=True if is_bool(mask) else 0.0)
