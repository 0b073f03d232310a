"""The keys and values of the steps so far, for decoding step by step.

References:
    Shazeer 2019, section 2 (arXiv:1911.02150).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.errors import ConcretizationError, OutOfBoundsError
from rtorch.nn.layer import State
from rtorch.nn.parameters import check_names


def empty_cache(shape: tuple[int, ...], dtype: Any) -> State:
    """Room for keys and values of shape ``(..., heads, size, features of a head)``."""
    zeros = rt.zeros(shape, dtype=dtype)
    return {"key": zeros, "value": zeros, "steps": rt.asarray(0, dtype=rt.int32)}


def remember(
    state: State, q: rt.Array, k: rt.Array, v: rt.Array, rotary: Callable[[Any, Any], Any] | None
) -> tuple[rt.Array, rt.Array, rt.Array, rt.Array, State]:
    """Queries, all keys and values so far, who sees whom, and the new state."""
    check_names("MultiHeadAttention", "state", state, ("key", "value", "steps"))
    before, n, size = state["steps"], q.shape[-2], state["key"].shape[-2]
    _check_room(before, n, size)
    positions = before + rt.arange(n)
    if rotary is not None:
        q, k = rotary(q, positions), rotary(k, positions)
    keys, values = (
        rt.dynamic_update_slice_in_dim(state[name], new.astype(state[name].dtype), before,
                                       axis=new.ndim - 2)
        for name, new in (("key", k), ("value", v))
    )  # fmt: skip
    seen = rt.arange(size) <= positions[:, None]
    after = (before + n).astype(rt.int32)
    return q, keys, values, seen, {"key": keys, "value": values, "steps": after}


def _check_room(before: Any, n: int, size: int) -> None:
    try:
        steps = int(before)
    except ConcretizationError:  # inside jit
        return
    if steps + n > size:
        raise OutOfBoundsError(f"[MultiHeadAttention] the cache has room for {size} steps, holds "
                               f"{steps} and got {n} more: give a larger cache_size")  # fmt: skip
