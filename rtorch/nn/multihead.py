"""MultiHeadAttention: attention between sequences in several projections at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    OutOfBoundsError,
    ShapeError,
    api,
    describe,
)
from rtorch.nn.attention import attention_weights, is_bool, scaled_dot_product_attention
from rtorch.nn.initializers import kaiming_uniform, xavier_uniform
from rtorch.nn.layer import Layer, Params, State, arguments, needs_key
from rtorch.nn.parameters import check_names, parameter_dtype

_INPUTS = ("query", "key", "value", "key_padding_mask", "attn_mask")


class _Options(NamedTuple):
    embed_dim: int
    num_heads: int
    dropout: float
    bias: bool
    batch_first: bool
    is_causal: bool
    need_weights: bool
    chunk_size: int | None
    cache_size: int | None
    rotary: Callable[[Any, Any], Any] | None
    dtype: Any


def MultiHeadAttention(
    embed_dim: int,
    num_heads: int,
    dropout: float = 0.0,
    bias: bool = True,
    batch_first: bool = False,
    *,
    is_causal: bool = False,
    need_weights: bool = False,
    chunk_size: int | None = None,
    cache_size: int | None = None,
    rotary: Callable[[Any, Any], Any] | None = None,
    dtype: Any = None,
) -> Layer:
    """Attention in `num_heads` parts of the features, PyTorch's ``MultiheadAttention``.

    The input of ``apply`` is ``x``, which attends to itself; or ``(query, key, value)``, or with
    ``key_padding_mask`` and ``attn_mask`` behind them, or a dict of these names. Where key or value
    are left out they are the query or the key. Sequences have shape ``(steps, batch, features)`` or
    ``(steps, features)``. As in PyTorch's layer, and unlike `scaled_dot_product_attention`, a
    boolean mask is true where **no** attention goes; a floating one is added to the scores.
    ``key_padding_mask`` has shape ``(batch, keys)``, ``attn_mask`` ``(queries, keys)`` or
    ``(batch * num_heads, queries, keys)``.

    Args:
        embed_dim: Features of the queries and of the output. Those of keys and values (``kdim`` and
            ``vdim`` in PyTorch) come from the spec.
        num_heads: A divisor of `embed_dim`.
        dropout: Fraction of the weights that is dropped in training.
        bias: Whether the projections have one.
        batch_first: Whether sequences have shape ``(batch, steps, features)``.
        is_causal: Whether step ``i`` sees steps 0 to ``i`` only.
        need_weights: Whether the result is ``(y, weights)``, with weights averaged over the heads,
            shape ``(batch, queries, keys)``, instead of ``y`` alone.
        chunk_size: See `scaled_dot_product_attention`.
        cache_size: For decoding: the state holds keys and values of up to so many steps, and every
            ``apply`` adds those of its input, which attends to all so far. Implies `is_causal`.
        rotary: ``rotary(x, positions)`` turns queries and keys before they meet: `rope`.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` with PyTorch's parameters: ``in_proj_weight`` (or ``q_proj_weight``,
        ``k_proj_weight``, ``v_proj_weight`` where the features differ), ``in_proj_bias``,
        ``out_proj`` with ``weight`` and ``bias``.

    Raises:
        ArgumentError: if the heads do not divide the features.
        OutOfBoundsError: if the cache is full (not seen inside `jit`).

    Example:
        Two steps with a cache, and both at once:

        >>> import rtorch as rt
        >>> x = rt.random.normal(rt.random.key(1), (2, 1, 8))
        >>> at_once = rt.nn.MultiHeadAttention(8, 2, is_causal=True)
        >>> params, _ = at_once.init(rt.random.key(0), x)
        >>> y, _ = at_once.apply(params, {}, x)
        >>> stepwise = rt.nn.MultiHeadAttention(8, 2, cache_size=10)
        >>> _, state = stepwise.init(rt.random.key(0), x)
        >>> _, state = stepwise.apply(params, state, x[:1])
        >>> last, state = stepwise.apply(params, state, x[1:])
        >>> bool(rt.allclose(last, y[1:], atol=1e-6))
        True

    References:
        Vaswani et al. 2017 (arXiv:1706.03762); Shazeer 2019, section 2 (arXiv:1911.02150) for the
        cache.
    """
    check_heads("MultiHeadAttention", "embed_dim", embed_dim, num_heads)
    o = _Options(embed_dim, num_heads, dropout, bias, batch_first, is_causal, need_weights,
                 chunk_size, cache_size, rotary, dtype)  # fmt: skip

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key("MultiHeadAttention", key, "init")
        query, key_, value = _sequences(arguments("MultiHeadAttention", spec, _INPUTS), o)
        of = parameter_dtype(dtype, query.dtype)
        state = {} if cache_size is None else _empty_cache(o, cache_size, query, of)
        return _init(o, key, key_.shape[-1], value.shape[-1], of), state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        given = arguments("MultiHeadAttention", x, _INPUTS)
        sequences = _sequences(given, o)
        batched = sequences[0].ndim == 3
        swap = batched and not batch_first
        q, k, v = (_heads(rt.swapaxes(p, 0, 1) if swap else p, num_heads)
                   for p in _project(params, *sequences, bias))  # fmt: skip
        mask = _mask(given, num_heads, batched)
        if cache_size is not None:
            q, k, v, seen, state = _remember(o, state, q, k, v)
            mask = seen if mask is None else _both(mask, seen)
        elif rotary is not None:
            q, k = (rotary(p, rt.arange(p.shape[-2])) for p in (q, k))
        causal = is_causal and cache_size is None
        y, weights = _attend(o, q, k, v, mask, causal, key, train)
        y = rt.reshape(rt.moveaxis(y, -3, -2), (*y.shape[:-3], y.shape[-2], embed_dim))
        y = y @ params["out_proj"]["weight"].T
        y = y + params["out_proj"]["bias"] if bias else y
        y = rt.swapaxes(y, 0, 1) if swap else y
        return ((y, weights) if need_weights else y), state

    return Layer(init, apply)


def check_heads(name: str, dim_name: str, dim: Any, heads: Any) -> None:
    """Raise unless both are positive ints, and the heads divide the features."""
    if not isinstance(dim, int) or dim < 1:
        raise ArgumentError(f"[{name}] {dim_name}: expected an int of 1 or more, got {dim!r}")
    if not isinstance(heads, int) or heads < 1 or dim % heads:
        raise ArgumentError(
            f"[{name}] number of heads: expected a divisor of {dim_name} {dim}, got {heads!r}"
        )


def _sequences(given: dict[str, Any], o: _Options) -> tuple[Any, Any, Any]:
    query = given["query"]
    key = given.get("key", query)
    value = given.get("value", key)
    for name, x in (("query", query), ("key", key), ("value", value)):
        if getattr(x, "ndim", None) not in (2, 3) or x.ndim != query.ndim:
            order = "(batch, steps" if o.batch_first else "(steps, batch"
            raise ShapeError(f"[MultiHeadAttention] {name}: expected shape {order}, features) or "
                             f"(steps, features), got {describe(x)}")  # fmt: skip
    if query.shape[-1] != o.embed_dim:
        raise ShapeError(f"[MultiHeadAttention] query: expected {o.embed_dim} features, got "
                         f"{describe(query)}")  # fmt: skip
    return query, key, value


def _init(o: _Options, key: Any, kdim: int, vdim: int, dtype: Any) -> Params:
    e, keys = o.embed_dim, rt.random.split(key, 4)
    out: Params = {"weight": kaiming_uniform(math.sqrt(5))(keys[0], (e, e), dtype)}
    params: Params = {"out_proj": out}
    if kdim == vdim == e:
        params["in_proj_weight"] = xavier_uniform()(keys[1], (3 * e, e), dtype)
    else:
        for k, name, size in zip(keys[1:], "qkv", (e, kdim, vdim), strict=True):
            params[f"{name}_proj_weight"] = xavier_uniform()(k, (e, size), dtype)
    if o.bias:
        params["in_proj_bias"] = rt.zeros(3 * e, dtype=dtype)
        out["bias"] = rt.zeros(e, dtype=dtype)
    return params


def _project(params: Params, query: Any, key: Any, value: Any, bias: bool) -> list[rt.Array]:
    own = "in_proj_weight" in params
    names = ("in_proj_weight",) if own else tuple(f"{name}_proj_weight" for name in "qkv")
    names += ("in_proj_bias", "out_proj") if bias else ("out_proj",)
    check_names("MultiHeadAttention", "params", params, names)
    biases = rt.split(params["in_proj_bias"], 3) if bias else [None] * 3
    if own:
        if query is key and key is value:  # one product instead of three
            y = query @ params["in_proj_weight"].T
            return rt.split(y + params["in_proj_bias"] if bias else y, 3, axis=-1)
        weights = rt.split(params["in_proj_weight"], 3)
    else:
        weights = [params[f"{name}_proj_weight"] for name in "qkv"]
    for name, x, w in zip(("query", "key", "value"), (query, key, value), weights, strict=True):
        if x.shape[-1] != w.shape[-1]:
            raise ShapeError(f"[MultiHeadAttention] {name}: expected {w.shape[-1]} features, as "
                             f"its weight has, got {describe(x)}")  # fmt: skip
    products = [x @ w.T for x, w in zip((query, key, value), weights, strict=True)]
    return [y if b is None else y + b for y, b in zip(products, biases, strict=True)]


def _heads(x: rt.Array, num_heads: int) -> rt.Array:
    """``(..., steps, features)`` as ``(..., heads, steps, features of a head)``."""
    split = rt.reshape(x, (*x.shape[:-1], num_heads, x.shape[-1] // num_heads))
    return rt.swapaxes(split, -2, -3)


def _mask(given: dict[str, Any], num_heads: int, batched: bool) -> rt.Array | None:
    """Both masks as one in the sense of `scaled_dot_product_attention`."""
    mask = None
    if "attn_mask" in given:
        mask = _allowed(given["attn_mask"])
        if mask.ndim == 3 and batched:
            mask = rt.reshape(mask, (-1, num_heads, *mask.shape[1:]))
    if "key_padding_mask" in given:
        padding = _allowed(given["key_padding_mask"])
        padding = padding[:, None, None, :] if batched else padding
        mask = padding if mask is None else _both(mask, padding)
    return mask


def _allowed(mask: Any) -> rt.Array:
    mask = rt.asarray(mask)
    return ~mask if is_bool(mask) else mask


def _both(one: rt.Array, other: rt.Array) -> rt.Array:
    """The mask that says what both say."""
    if is_bool(one) and is_bool(other):
        return one & other
    if is_bool(one):
        one, other = other, one
    return rt.where(other, one, -rt.inf) if is_bool(other) else one + other


def _attend(
    o: _Options, q: rt.Array, k: rt.Array, v: rt.Array, mask: Any, causal: bool, key: Any,
    train: bool,
) -> tuple[rt.Array, Any]:  # fmt: skip
    rate = o.dropout if train else 0.0
    if rate:
        needs_key("MultiHeadAttention", key, "apply with train=True and dropout")
    y = scaled_dot_product_attention(
        q, k, v, mask, rate, causal, dropout_key=key, chunk_size=o.chunk_size
    )
    if not o.need_weights:
        return y, None
    weights = attention_weights(q / math.sqrt(q.shape[-1]), k, mask, causal)
    return y, rt.mean(weights, axis=-3).astype(y.dtype)


def _empty_cache(o: _Options, size: int, query: Any, dtype: Any) -> State:
    batch = query.shape[0 if o.batch_first else 1 : 1 if o.batch_first else 2][: query.ndim - 2]
    shape = (*batch, o.num_heads, size, o.embed_dim // o.num_heads)
    zeros = rt.zeros(shape, dtype=dtype)
    return {"key": zeros, "value": zeros, "steps": rt.asarray(0, dtype=rt.int32)}


def _remember(
    o: _Options, state: State, q: rt.Array, k: rt.Array, v: rt.Array
) -> tuple[rt.Array, rt.Array, rt.Array, rt.Array, State]:
    """Queries, all keys and values so far, who sees whom, and the new state."""
    check_names("MultiHeadAttention", "state", state, ("key", "value", "steps"))
    before, n, size = state["steps"], q.shape[-2], state["key"].shape[-2]
    _check_room(before, n, size)
    positions = before + rt.arange(n)
    if o.rotary is not None:
        q, k = o.rotary(q, positions), o.rotary(k, positions)
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
