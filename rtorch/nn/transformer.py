"""Transformers: encoder and decoder layers, and stacks of them, equal to PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.dropout import Dropout
from rtorch.nn.layer import (
    Layer,
    Params,
    State,
    apply_part,
    arguments,
    as_spec,
    init_part,
    needs_key,
)
from rtorch.nn.linear import Linear
from rtorch.nn.multihead import MultiHeadAttention, check_heads
from rtorch.nn.normalization import LayerNorm
from rtorch.nn.parameters import check_names, parameter_dtype

_ENCODER_INPUTS = ("src", "src_mask", "src_key_padding_mask")
_DECODER_INPUTS = ("tgt", "memory", "tgt_mask", "memory_mask", "tgt_key_padding_mask",
                   "memory_key_padding_mask")  # fmt: skip


class _Block(NamedTuple):
    """What encoder and decoder layers have in common."""

    name: str
    inputs: tuple[str, ...]
    attentions: dict[str, Layer]
    linear1: Layer
    linear2: Layer
    dropout: Layer
    activation: Callable[[Any], Any]
    eps: float
    norm_first: bool
    bias: bool
    dtype: Any


def TransformerEncoderLayer(
    d_model: int,
    nhead: int,
    dim_feedforward: int = 2048,
    dropout: float = 0.1,
    activation: Callable[[Any], Any] = rt.relu,
    layer_norm_eps: float = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
    *,
    is_causal: bool = False,
    chunk_size: int | None = None,
    cache_size: int | None = None,
    rotary: Callable[[Any, Any], Any] | None = None,
    dtype: Any = None,
) -> Layer:
    """Self-attention and two linear layers, each with a residual connection and a LayerNorm.

    The input of ``apply`` is ``src``, or ``(src, src_mask, src_key_padding_mask)``, or a dict of
    these names; masks are those of `MultiHeadAttention`.

    Args:
        d_model: Features of input and output.
        nhead: Number of heads.
        dim_feedforward: Features between the two linear layers.
        dropout: Fraction that is dropped in training: of the attention weights, behind each part,
            and between the linear layers.
        activation: Between the linear layers; PyTorch's other one is ``nn.gelu``.
        layer_norm_eps: Added to the variance in LayerNorm.
        batch_first: Whether sequences have shape ``(batch, steps, features)`` instead of
            ``(steps, batch, features)``.
        norm_first: Whether LayerNorm comes before each part instead of behind the sum.
        bias: Whether linear layers and LayerNorm have one.
        is_causal: See `MultiHeadAttention`, as for those that follow.
        chunk_size: For attention in less memory.
        cache_size: For decoding step by step.
        rotary: For rotary positions, such as `rope`.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with PyTorch's parameters: ``self_attn``, ``linear1``, ``linear2``, ``norm1``,
        ``norm2``.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 10, 16)))
        >>> layer.apply(params, state, rt.ones((2, 10, 16)))[0].shape
        (2, 10, 16)

    References:
        Vaswani et al. 2017 (arXiv:1706.03762); Xiong et al. 2020 (arXiv:2002.04745) for LayerNorm
        in front.
    """
    check_heads("TransformerEncoderLayer", "d_model", d_model, nhead)
    attention = MultiHeadAttention(
        d_model, nhead, dropout, bias, batch_first, is_causal=is_causal, chunk_size=chunk_size,
        cache_size=cache_size, rotary=rotary, dtype=dtype,
    )  # fmt: skip
    return _layer(
        _Block("TransformerEncoderLayer", _ENCODER_INPUTS, {"self_attn": attention},
               Linear(dim_feedforward, bias, dtype=dtype), Linear(d_model, bias, dtype=dtype),
               Dropout(dropout), activation, layer_norm_eps, norm_first, bias, dtype)
    )  # fmt: skip


def TransformerDecoderLayer(
    d_model: int,
    nhead: int,
    dim_feedforward: int = 2048,
    dropout: float = 0.1,
    activation: Callable[[Any], Any] = rt.relu,
    layer_norm_eps: float = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    bias: bool = True,
    *,
    is_causal: bool = False,
    chunk_size: int | None = None,
    cache_size: int | None = None,
    rotary: Callable[[Any, Any], Any] | None = None,
    dtype: Any = None,
) -> Layer:
    """`TransformerEncoderLayer` with attention to a second sequence between its two parts.

    The input of ``apply`` is ``(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
    memory_key_padding_mask)``, of which the last four may be left out, or a dict of these names.

    Args:
        d_model: Features of input and output.
        nhead: Number of heads.
        dim_feedforward: Features between the two linear layers.
        dropout: Fraction that is dropped in training.
        activation: Between the linear layers.
        layer_norm_eps: Added to the variance in LayerNorm.
        batch_first: Whether sequences have shape ``(batch, steps, features)``.
        norm_first: Whether LayerNorm comes before each part instead of behind the sum.
        bias: Whether linear layers and LayerNorm have one.
        is_causal: Of the self-attention, as those that follow. PyTorch wants a mask instead.
        chunk_size: For attention in less memory, of both kinds.
        cache_size: For decoding step by step.
        rotary: For rotary positions.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with PyTorch's parameters: ``self_attn``, ``multihead_attn``, ``linear1``,
        ``linear2``, ``norm1``, ``norm2``, ``norm3``.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.TransformerDecoderLayer(16, 4, 32, is_causal=True)
        >>> specs = rt.spec((10, 2, 16)), rt.spec((7, 2, 16))
        >>> params, state = layer.init(rt.random.key(0), specs)
        >>> layer.apply(params, state, (rt.ones((10, 2, 16)), rt.ones((7, 2, 16))))[0].shape
        (10, 2, 16)
    """
    check_heads("TransformerDecoderLayer", "d_model", d_model, nhead)
    own = MultiHeadAttention(
        d_model, nhead, dropout, bias, batch_first, is_causal=is_causal, chunk_size=chunk_size,
        cache_size=cache_size, rotary=rotary, dtype=dtype,
    )  # fmt: skip
    other = MultiHeadAttention(
        d_model, nhead, dropout, bias, batch_first, chunk_size=chunk_size, dtype=dtype
    )
    return _layer(
        _Block("TransformerDecoderLayer", _DECODER_INPUTS,
               {"self_attn": own, "multihead_attn": other},
               Linear(dim_feedforward, bias, dtype=dtype), Linear(d_model, bias, dtype=dtype),
               Dropout(dropout), activation, layer_norm_eps, norm_first, bias, dtype)
    )  # fmt: skip


def _layer(b: _Block) -> Layer:
    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key(b.name, key, "init")
        given = _given(b, as_spec(spec))
        x = given[b.inputs[0]]
        keys = rt.random.split(key, 4)
        params, state = {}, {}
        for (name, attention), k in zip(b.attentions.items(), keys, strict=False):
            params[name], s = init_part(b.name, name, attention, k,
                                        _attention_input(name, x, given))  # fmt: skip
            state.update({name: s} if s else {})
        params["linear1"], _ = b.linear1.init(keys[2], x)
        inner = rt.spec((*x.shape[:-1], params["linear1"]["weight"].shape[0]), x.dtype)
        params["linear2"], _ = b.linear2.init(keys[3], inner)
        for i in range(len(b.attentions) + 1):
            params[f"norm{i + 1}"] = _init_norm(x.shape[-1], parameter_dtype(b.dtype, x.dtype),
                                                b.bias)  # fmt: skip
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        norms = [f"norm{i + 1}" for i in range(len(b.attentions) + 1)]
        check_names(b.name, "params", params, (*b.attentions, "linear1", "linear2", *norms))
        given, new_state = _given(b, x), {}
        x = given[b.inputs[0]]
        keys = [None] * 6 if key is None else rt.random.split(key, 6)

        def drop(y: Any, k: Any) -> Any:
            return apply_part(b.name, "dropout", b.dropout, {}, {}, y, key=k, train=train)[0]

        def attend(name: str, i: int, y: Any) -> Any:
            y, s = apply_part(b.name, name, b.attentions[name], params[name], state.get(name, {}),
                              _attention_input(name, y, given), key=keys[2 * i],
                              train=train)  # fmt: skip
            new_state.update({name: s} if s else {})
            return drop(y, keys[2 * i + 1])

        def feed_forward(y: Any) -> Any:
            y, _ = apply_part(b.name, "linear1", b.linear1, params["linear1"], {}, y)
            y = drop(b.activation(y), keys[4])
            y, _ = apply_part(b.name, "linear2", b.linear2, params["linear2"], {}, y)
            return drop(y, keys[5])

        parts = [(lambda y, name=name, i=i: attend(name, i, y))
                 for i, name in enumerate(b.attentions)]  # fmt: skip
        for i, part in enumerate([*parts, feed_forward]):
            norm = params[norms[i]]
            x = x + part(_norm(norm, x, b.eps)) if b.norm_first else _norm(norm, x + part(x), b.eps)
        return x, new_state

    apply.__qualname__ = f"{b.name}.apply"
    return Layer(init, apply)


def _given(b: _Block, x: Any) -> dict[str, Any]:
    given = arguments(b.name, x, b.inputs)
    if b.inputs[1] == "memory" and "memory" not in given:
        raise ArgumentError(f"[{b.name}] input: expected (tgt, memory), got no memory")
    return given


def _attention_input(name: str, x: Any, given: dict[str, Any]) -> dict[str, Any]:
    other = "memory" if name == "multihead_attn" else "src" if "src" in given else "tgt"
    found = {
        "query": x,
        "key": given["memory"] if other == "memory" else None,
        "attn_mask": given.get(f"{other}_mask"),
        "key_padding_mask": given.get(f"{other}_key_padding_mask"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _init_norm(features: int, dtype: Any, bias: bool) -> Params:
    return LayerNorm(bias=bias, dtype=dtype).init(None, rt.spec(features, dtype))[0]


def _norm(params: Params, x: Any, eps: float) -> Any:
    return LayerNorm(eps=eps, bias="bias" in params).apply(params, {}, x)[0]


def TransformerEncoder(
    layer: Layer, num_layers: int, norm: bool = False, *, layer_norm_eps: float = 1e-5
) -> Layer:
    """`num_layers` layers one after the other, each with parameters of its own.

    Args:
        layer: A `TransformerEncoderLayer`.
        num_layers: How many.
        norm: Whether a LayerNorm follows, as it should behind layers with ``norm_first=True``.
        layer_norm_eps: Of that.

    Returns:
        A `Layer` with the input of `layer` and parameters ``layers``, by number, and ``norm``.

    Example:
        >>> import rtorch as rt
        >>> encoder = rt.nn.TransformerEncoder(rt.nn.TransformerEncoderLayer(8, 2, 16), 3)
        >>> params, state = encoder.init(rt.random.key(0), rt.spec((5, 2, 8)))
        >>> list(params["layers"]), encoder.apply(params, state, rt.ones((5, 2, 8)))[0].shape
        (['0', '1', '2'], (5, 2, 8))
    """
    return _stack("TransformerEncoder", _ENCODER_INPUTS, layer, num_layers, norm, layer_norm_eps)


def TransformerDecoder(
    layer: Layer, num_layers: int, norm: bool = False, *, layer_norm_eps: float = 1e-5
) -> Layer:
    """`num_layers` decoder layers one after the other, which see the same memory.

    Args:
        layer: A `TransformerDecoderLayer`.
        num_layers: How many.
        norm: Whether a LayerNorm follows.
        layer_norm_eps: Of that.

    Returns:
        A `Layer` with the input of `layer` and parameters ``layers``, by number, and ``norm``.

    Example:
        >>> import rtorch as rt
        >>> decoder = rt.nn.TransformerDecoder(rt.nn.TransformerDecoderLayer(8, 2, 16), 2)
        >>> tgt, memory = rt.ones((5, 2, 8)), rt.ones((3, 2, 8))
        >>> params, state = decoder.init(rt.random.key(0), (tgt, memory))
        >>> decoder.apply(params, state, (tgt, memory))[0].shape
        (5, 2, 8)
    """
    return _stack("TransformerDecoder", _DECODER_INPUTS, layer, num_layers, norm, layer_norm_eps)


def _stack(
    name: str, inputs: tuple[str, ...], layer: Layer, num_layers: int, norm: bool, eps: float
) -> Layer:
    if not isinstance(num_layers, int) or num_layers < 1:
        raise ArgumentError(
            f"[{name}] num_layers: expected an int of 1 or more, got {num_layers!r}"
        )
    numbers = [str(i) for i in range(num_layers)]

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key(name, key, "init")
        spec = as_spec(spec)
        made = {}
        for i, k in zip(numbers, rt.random.split(key, num_layers), strict=True):
            made[i] = init_part(name, i, layer, k, spec)
        params: Params = {"layers": {i: p for i, (p, _) in made.items()}}
        if norm:
            x = arguments(name, spec, inputs)[inputs[0]]
            params["norm"] = _init_norm(x.shape[-1], x.dtype, True)
        state = {i: s for i, (_, s) in made.items() if s}
        return params, {"layers": state} if state else {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names(name, "params", params, ("layers", "norm") if norm else ("layers",))
        given, old, new = arguments(name, x, inputs), state.get("layers", {}), {}
        keys = [None] * num_layers if key is None else rt.random.split(key, num_layers)
        for i, k in zip(numbers, keys, strict=True):
            y, s = apply_part(name, i, layer, params["layers"][i], old.get(i, {}), given,
                              key=k, train=train)  # fmt: skip
            given = given | {inputs[0]: y}
            new.update({i: s} if s else {})
        y = given[inputs[0]]
        y = _norm(params["norm"], y, eps) if norm else y
        return y, {"layers": new} if new else {}

    apply.__qualname__ = f"{name}.apply"
    return Layer(init, apply)
