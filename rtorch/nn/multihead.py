"""MultiHeadAttention: attention between sequences in several projections at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.attention import scaled_dot_product_attention
from rtorch.nn.attention_cache import empty_cache, remember
from rtorch.nn.attention_groups import grouped, ungrouped
from rtorch.nn.attention_masks import allowed, both, causal, with_more_keys
from rtorch.nn.attention_projections import Projections
from rtorch.nn.attention_scores import attention_weights
from rtorch.nn.layer import Layer, Params, State, arguments, needs_key
from rtorch.nn.parameters import parameter_dtype

_INPUTS = ("query", "key", "value", "key_padding_mask", "attn_mask")


def MultiHeadAttention(
    embed_dim: int,
    num_heads: int,
    dropout: float = 0.0,
    bias: bool = True,
    batch_first: bool = False,
    *,
    add_bias_kv: bool = False,
    add_zero_attn: bool = False,
    kdim: int | None = None,
    vdim: int | None = None,
    num_kv_heads: int | None = None,
    is_causal: bool = False,
    need_weights: bool = False,
    average_attn_weights: bool = True,
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
    ``(batch * num_heads, queries, keys)``. A query that may see no key gets zeros from its heads,
    where PyTorch's layer gives nan.

    Args:
        embed_dim: Features of the queries and of the output.
        num_heads: A divisor of `embed_dim`.
        dropout: Fraction of the weights that is dropped in training.
        bias: Whether the projections have one.
        batch_first: Whether sequences have shape ``(batch, steps, features)``. False, with the
            steps in front, is PyTorch's default for this layer and for all that have it inside.
        add_bias_kv: Whether a learned key and value, ``bias_k`` and ``bias_v``, are put behind
            those of the input; all queries see them.
        add_zero_attn: Whether a key and value of zeros are put behind them all: a query may look
            at nothing.
        kdim: Features of the keys; by default what the spec has, and checked if given.
        vdim: Features of the values, likewise.
        num_kv_heads: Heads of keys and values, a divisor of `num_heads`: fewer of them are shared
            by groups of queries, and make projections and cache smaller. By default `num_heads`.
        is_causal: Whether step ``i`` sees steps 0 to ``i`` only.
        need_weights: Whether the result is ``(y, weights)`` instead of ``y`` alone; weights, before
            dropout, have shape ``(batch, queries, keys)``.
        average_attn_weights: Whether these are averaged over the heads; else their shape is
            ``(batch, num_heads, queries, keys)``.
        chunk_size: See `scaled_dot_product_attention`.
        cache_size: For decoding: the state holds keys and values of up to so many steps, and every
            ``apply`` adds those of its input, which attends to all so far. Implies `is_causal`.
            Masks are those of all keys that there is room for.
        rotary: ``rotary(x, positions)`` turns queries and keys before they meet: `rope`.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` with PyTorch's parameters: ``in_proj_weight`` (or ``q_proj_weight``,
        ``k_proj_weight``, ``v_proj_weight`` where the features differ), ``in_proj_bias``,
        ``bias_k``, ``bias_v``, ``out_proj`` with ``weight`` and ``bias``. With fewer heads of keys
        and values the rows of theirs are fewer.

    Raises:
        ArgumentError: if the heads do not divide the features, or each other.
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
        cache; Ainslie et al. 2023 (arXiv:2305.13245) for groups.
    """
    check_heads("MultiHeadAttention", "embed_dim", embed_dim, num_heads)
    kv_heads = num_heads if num_kv_heads is None else num_kv_heads
    check_heads("MultiHeadAttention", "num_heads", num_heads, kv_heads, "num_kv_heads")
    heads = Projections(embed_dim, num_heads, kv_heads, bias, add_bias_kv)
    attend = _Attend(dropout, is_causal and cache_size is None, need_weights, average_attn_weights,
                     chunk_size, kv_heads != num_heads)  # fmt: skip

    def sequences(given: dict[str, Any]) -> tuple[Any, Any, Any]:
        return _sequences(given, (embed_dim, kdim, vdim), batch_first)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key("MultiHeadAttention", key, "init")
        query, key_, value = sequences(arguments("MultiHeadAttention", spec, _INPUTS))
        of = parameter_dtype(dtype, query.dtype)
        params = heads.init(key, key_.shape[-1], value.shape[-1], of)
        if cache_size is None:
            return params, {}
        batch = () if query.ndim == 2 else (query.shape[0 if batch_first else 1],)
        return params, empty_cache((*batch, kv_heads, cache_size, heads.head_dim), of)

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        given = arguments("MultiHeadAttention", x, _INPUTS)
        inputs = sequences(given)
        batched = inputs[0].ndim == 3
        swap = batched and not batch_first
        q, k, v = (heads.split(rt.swapaxes(y, 0, 1) if swap else y)
                   for y in heads.project(params, *inputs))  # fmt: skip
        mask = _mask(given, num_heads, batched)
        if cache_size is not None:
            q, k, v, seen, state = remember(state, q, k, v, rotary)
            mask = both(mask, seen)
        elif rotary is not None:
            q, k = (rotary(p, rt.arange(p.shape[-2])) for p in (q, k))
        more = heads.extra(params, k, add_zero_attn) if add_bias_kv or add_zero_attn else None
        y, weights = attend(q, k, v, mask, more, key if train else None, train)
        y = heads.join(params, y)
        y = rt.swapaxes(y, 0, 1) if swap else y
        return ((y, weights) if need_weights else y), state

    return Layer(init, apply)


class _Attend(NamedTuple):
    """Attention of heads, with the options of the layer."""

    dropout: float
    is_causal: bool
    need_weights: bool
    average: bool
    chunk_size: int | None
    in_groups: bool

    def __call__(
        self, q: rt.Array, k: rt.Array, v: rt.Array, mask: rt.Array | None, more: Any, key: Any,
        train: bool,
    ) -> tuple[rt.Array, Any]:  # fmt: skip
        """The output of each head, and the weights or None; `more` are keys that all see."""
        is_causal = self.is_causal
        if more is not None:
            if is_causal:
                mask, is_causal = both(mask, causal(q.shape[-2], k.shape[-2])), False
            mask = None if mask is None else with_more_keys(mask, more[0].shape[-2])
            k, v = (rt.concat(pair, axis=-2) for pair in zip((k, v), more, strict=True))
        rate = self.dropout if train else 0.0
        if rate:
            needs_key("MultiHeadAttention", key, "apply with train=True and dropout")
        y = scaled_dot_product_attention(
            q, k, v, mask, rate, is_causal, enable_gqa=self.in_groups, dropout_key=key,
            chunk_size=self.chunk_size,
        )  # fmt: skip
        return y, self._weights(q, k, v, mask, is_causal) if self.need_weights else None

    def _weights(
        self, q: rt.Array, k: rt.Array, v: rt.Array, mask: rt.Array | None, is_causal: bool
    ) -> rt.Array:
        q = q / math.sqrt(q.shape[-1])
        if self.in_groups:
            q, k, _, mask = grouped(q, k, v, mask)
        weights = attention_weights(q, k, mask, is_causal)
        weights = ungrouped(weights) if self.in_groups else weights
        weights = rt.mean(weights, axis=-3) if self.average else weights
        return weights.astype(v.dtype)


def check_heads(
    name: str, dim_name: str, dim: Any, heads: Any, what: str = "number of heads"
) -> None:
    """Raise unless both are positive ints, and the heads divide the features."""
    if not isinstance(dim, int) or dim < 1:
        raise ArgumentError(f"[{name}] {dim_name}: expected an int of 1 or more, got {dim!r}")
    if not isinstance(heads, int) or heads < 1 or dim % heads:
        raise ArgumentError(
            f"[{name}] {what}: expected a divisor of {dim_name} {dim}, got {heads!r}"
        )


def _sequences(
    given: dict[str, Any], features: tuple[int | None, ...], batch_first: bool
) -> tuple[Any, Any, Any]:
    query = given["query"]
    key = given.get("key", query)
    value = given.get("value", key)
    for name, x, n in zip(_INPUTS, (query, key, value), features, strict=False):
        if getattr(x, "ndim", None) not in (2, 3) or x.ndim != query.ndim:
            order = "(batch, steps" if batch_first else "(steps, batch"
            raise ShapeError(f"[MultiHeadAttention] {name}: expected shape {order}, features) or "
                             f"(steps, features), got {describe(x)}")  # fmt: skip
        if n is not None and x.shape[-1] != n:
            raise ShapeError(
                f"[MultiHeadAttention] {name}: expected {n} features, got {describe(x)}"
            )
    return query, key, value


def _mask(given: dict[str, Any], num_heads: int, batched: bool) -> rt.Array | None:
    """Both masks as one in the sense of `scaled_dot_product_attention`."""
    mask = padding = None
    if "attn_mask" in given:
        mask = allowed(given["attn_mask"])
        if mask.ndim == 3 and batched:
            mask = rt.reshape(mask, (-1, num_heads, *mask.shape[1:]))
    if "key_padding_mask" in given:
        padding = allowed(given["key_padding_mask"])
        padding = padding[:, None, None, :] if batched else padding
    return both(mask, padding)
