"""TransformerDecoderLayer and TransformerDecoder, equal to PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.nn.dropout import Dropout
from rtorch.nn.layer import Layer
from rtorch.nn.linear import Linear
from rtorch.nn.multihead import MultiHeadAttention, check_heads
from rtorch.nn.transformer_block import Block, block_layer, layer_stack

__all__ = ["TransformerDecoder", "TransformerDecoderLayer"]

_INPUTS = ("tgt", "memory", "tgt_mask", "memory_mask", "tgt_key_padding_mask",
                   "memory_key_padding_mask")  # fmt: skip


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
    num_kv_heads: int | None = None,
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
        num_kv_heads: Of the attention, of both kinds.
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
        d_model, nhead, dropout, bias, batch_first, num_kv_heads=num_kv_heads, is_causal=is_causal,
        chunk_size=chunk_size, cache_size=cache_size, rotary=rotary, dtype=dtype,
    )  # fmt: skip
    other = MultiHeadAttention(
        d_model, nhead, dropout, bias, batch_first, num_kv_heads=num_kv_heads,
        chunk_size=chunk_size, dtype=dtype,
    )  # fmt: skip
    return block_layer(
        Block("TransformerDecoderLayer", _INPUTS,
               {"self_attn": own, "multihead_attn": other},
               Linear(dim_feedforward, bias, dtype=dtype), Linear(d_model, bias, dtype=dtype),
               Dropout(dropout), activation, layer_norm_eps, norm_first, bias, dtype)
    )  # fmt: skip


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
    return layer_stack("TransformerDecoder", _INPUTS, layer, num_layers, norm, layer_norm_eps)
