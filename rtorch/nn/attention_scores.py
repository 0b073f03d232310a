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
    powers, total = powers_and_sum(scaled, key, mask, is_causal)
    return powers * (1.0 / total)


def powers_and_sum(
    scaled: rt.Array, key: rt.Array, mask: rt.Array | None, is_causal: bool
) -> tuple[rt.Array, rt.Array]:
    """The softmax before it is divided, and what by: 1 where a query sees no key."""
    scores = masked(products(scaled, key), mask)
    if is_causal:
        scores = masked(scores, causal(scaled.shape[-2], key.shape[-2]))
    powers = rt.exp(scores - finite(highest(scores)))
    return powers, positive(rt.sum(powers, axis=-1, keepdims=True))


def products(query: rt.Array, key: rt.Array) -> rt.Array:
    """Of all queries and keys, not in half precision."""
    found = query @ rt.swapaxes(key, -1, -2)
    return found.astype(rt.float32) if found.dtype.itemsize < 4 else found


def masked(scores: rt.Array, mask: rt.Array | None) -> rt.Array:
    """Scores with what the mask says."""
    if mask is None:
        return scores
    if is_bool(mask):  # -inf is added: the derivative of that is for free, unlike that of `where`
        mask = rt.where(mask, 0.0, -rt.inf)
    return scores + mask.astype(scores.dtype)


def highest(scores: rt.Array) -> rt.Array:
    """The highest score of each query; it changes no result, and so has no derivative."""
    return rt.max(rt.stop_gradient(scores), axis=-1, keepdims=True, initial=-rt.inf)


def finite(top: rt.Array) -> rt.Array:
    """A highest score that may be subtracted, even that of no keys."""
    return rt.where(top > -rt.inf, top, 0)


def positive(total: rt.Array) -> rt.Array:
    """A sum of exponentials to divide by; that of no keys is 1."""
    return rt.where(total > 0, total, 1)
