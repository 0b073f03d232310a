"""TransformerEncoderLayer and TransformerEncoder, equal to PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.nn.dropout import Dropout
from rtorch.nn.layer import Layer
from rtorch.nn.linear import Linear
from rtorch.nn.multihead import MultiHeadAttention, check_heads
from rtorch.nn.transformer_block import Block, block_layer, layer_stack

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]

_INPUTS = ("src", "src_mask", "src_key_padding_mask")


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
    num_kv_heads: int | None = None,
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
        num_kv_heads: See `MultiHeadAttention`, as for those that follow.
        is_causal: For attention to the past only.
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
        d_model, nhead, dropout, bias, batch_first, num_kv_heads=num_kv_heads, is_causal=is_causal,
        chunk_size=chunk_size, cache_size=cache_size, rotary=rotary, dtype=dtype,
    )  # fmt: skip
    return block_layer(
        Block("TransformerEncoderLayer", _INPUTS, {"self_attn": attention},
               Linear(dim_feedforward, bias, dtype=dtype), Linear(d_model, bias, dtype=dtype),
               Dropout(dropout), activation, layer_norm_eps, norm_first, bias, dtype)
    )  # fmt: skip


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
    return layer_stack("TransformerEncoder", _INPUTS, layer, num_layers, norm, layer_norm_eps)
