"""From queries and keys to the weights of attention: what the forms of it have in common."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.nn.attention_masks import causal, is_bool


class Dropout(NamedTuple):
    """What is dropped of the weights."""

    rate: float
    key: Any

    def drop(self, weights: rt.Array, i: Any) -> rt.Array:
        """The weights that are left, those of block number `i`, scaled up."""
        kept = rt.random.bernoulli(rt.random.fold_in(self.key, i), 1 - self.rate, weights.shape)
        return rt.where(kept, weights / (1 - self.rate), 0)


def attention_weights(
    scaled: rt.Array, key: rt.Array, mask: rt.Array | None, is_causal: bool
) -> rt.Array:
    """The softmax of the scores of scaled queries; zeros where a query sees no key."""
    scores = products(scaled, key)
    if is_causal:
        scores = rt.where(causal(scaled.shape[-2], key.shape[-2]), scores, -rt.inf)
    scores = masked(scores, mask)
    powers = rt.exp(scores - finite(rt.max(scores, axis=-1, keepdims=True, initial=-rt.inf)))
    return powers / positive(rt.sum(powers, axis=-1, keepdims=True))


def products(query: rt.Array, key: rt.Array) -> rt.Array:
    """Of all queries and keys, not in half precision."""
    found = query @ rt.swapaxes(key, -1, -2)
    return found.astype(rt.float32) if found.dtype.itemsize < 4 else found


def masked(scores: rt.Array, mask: rt.Array | None) -> rt.Array:
    """Scores with what the mask says."""
    if mask is None:
        return scores
    if is_bool(mask):
        return rt.where(mask, scores, -rt.inf)
    return scores + mask.astype(scores.dtype)


def finite(top: rt.Array) -> rt.Array:
    """A maximum that may be subtracted; it changes no result, and so has no derivative."""
    return rt.stop_gradient(rt.where(top > -rt.inf, top, 0))


def positive(total: rt.Array) -> rt.Array:
    """A sum of exponentials to divide by; that of no keys is 1."""
    return rt.where(total > 0, total, 1)
