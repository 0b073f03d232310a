"""Convolutions of each channel by itself: DepthwiseConv1d to 3d, SeparableConv1d to 3d."""

from __future__ import annotations

from typing import Any

from rtorch.nn.combinators import serial
from rtorch.nn.conv_layers import conv_layer
from rtorch.nn.initializers import Initializer
from rtorch.nn.layer import Layer, Params, stateless
from rtorch.nn.parameters import check_count, check_names
from rtorch.nn.windows import check_format, check_input


def DepthwiseConv1d(
    kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: bool = True,
    padding_mode: str = "zeros", *, multiplier: int = 1, data_format: str = "NCHW",
    weight_init: Initializer | None = None, bias_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution of each channel by itself over one spatial axis; see `DepthwiseConv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.DepthwiseConv1d(3, padding=1)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 4, 8)))
        >>> layer.apply(params, state, rt.ones((2, 4, 8)))[0].shape
        (2, 4, 8)
    """
    return _depthwise(
        "DepthwiseConv1d", 1, (kernel_size, stride, padding, dilation), bias, padding_mode,
        multiplier, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def DepthwiseConv2d(
    kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: bool = True,
    padding_mode: str = "zeros", *, multiplier: int = 1, data_format: str = "NCHW",
    weight_init: Initializer | None = None, bias_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution of each channel by itself over two spatial axes.

    It is a `Conv2d` with as many groups as channels come in.

    Args:
        kernel_size: The window; this and what is not explained as of `Conv2d`.
        stride: By how much it moves.
        padding: What is put around the input.
        dilation: The distance of the elements that the window takes.
        bias: Whether there is one.
        padding_mode: What the padding is made of.
        multiplier: How many channels come out for each that comes in; they are neighbours.
        data_format: ``"NHWC"`` if the channels come last.
        weight_init: Initializer of the weight, shape ``(channels * multiplier, 1, *window)``.
        bias_init: Initializer of the bias, shape ``(channels * multiplier,)``.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias``.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.DepthwiseConv2d(3, padding=1, multiplier=2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 4, 8, 8)))
        >>> params["weight"].shape
        (8, 1, 3, 3)
        >>> layer.apply(params, state, rt.ones((2, 4, 8, 8)))[0].shape
        (2, 8, 8, 8)
    """
    return _depthwise(
        "DepthwiseConv2d", 2, (kernel_size, stride, padding, dilation), bias, padding_mode,
        multiplier, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def DepthwiseConv3d(
    kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, bias: bool = True,
    padding_mode: str = "zeros", *, multiplier: int = 1, data_format: str = "NCHW",
    weight_init: Initializer | None = None, bias_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution of each channel by itself over three spatial axes; see `DepthwiseConv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.DepthwiseConv3d(2, stride=2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3, 4, 4, 4)))
        >>> layer.apply(params, state, rt.ones((2, 3, 4, 4, 4)))[0].shape
        (2, 3, 2, 2, 2)
    """
    return _depthwise(
        "DepthwiseConv3d", 3, (kernel_size, stride, padding, dilation), bias, padding_mode,
        multiplier, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def _depthwise(
    name: str, n: int, window: tuple[Any, Any, Any, Any], bias: bool, padding_mode: str,
    multiplier: int, data_format: str, weight_init: Initializer | None,
    bias_init: Initializer | None, dtype: Any,
) -> Layer:  # fmt: skip
    """The convolution for as many groups as there are channels, which the input tells."""
    check_count(name, "multiplier", multiplier)
    last = check_format(name, data_format, n)
    names = ("weight", "bias") if bias else ("weight",)

    def conv(channels: int) -> Layer:
        return conv_layer(
            name, n, channels * multiplier, *window, channels, bias, padding_mode, data_format,
            weight_init, bias_init, dtype,
        )  # fmt: skip

    conv(1)  # so that bad arguments are found at once

    def init(key: Any, spec: Any) -> Params:
        check_input(name, spec, n, last)
        params, _ = conv(spec.shape[-1 if last else -1 - n]).init(key, spec)
        return params

    def call(params: Params, x: Any) -> Any:
        check_names(name, "params", params, names)
        y, _ = conv(max(params["weight"].shape[0] // multiplier, 1)).apply(params, {}, x)
        return y

    return stateless(init, call, name)


def SeparableConv1d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    bias: bool = True, padding_mode: str = "zeros", *, multiplier: int = 1,
    data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """A depthwise convolution, then a mixture of the channels; see `SeparableConv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.SeparableConv1d(6, 3)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 4, 8)))
        >>> layer.apply(params, state, rt.ones((2, 4, 8)))[0].shape
        (2, 6, 6)
    """
    return _separable(
        1, out_channels, (kernel_size, stride, padding, dilation), bias, padding_mode, multiplier,
        data_format, dtype,
    )  # fmt: skip


def SeparableConv2d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    bias: bool = True, padding_mode: str = "zeros", *, multiplier: int = 1,
    data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """A depthwise convolution, then one with a window of 1 that mixes the channels.

    Args:
        out_channels: Channels that come out.
        kernel_size: The window of the first; this and what is not explained as of `Conv2d`.
        stride: By how much it moves.
        padding: What is put around the input.
        dilation: The distance of the elements that the window takes.
        bias: Whether the second convolution has one; the first has none.
        padding_mode: What the padding is made of.
        multiplier: How many channels the first makes of each that comes in.
        data_format: ``"NHWC"`` if the channels come last.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with the parameters of its two parts, ``depthwise`` and ``pointwise``.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.SeparableConv2d(6, 3, padding=1)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 4, 8, 8)))
        >>> params["depthwise"]["weight"].shape, params["pointwise"]["weight"].shape
        ((4, 1, 3, 3), (6, 4, 1, 1))
        >>> layer.apply(params, state, rt.ones((2, 4, 8, 8)))[0].shape
        (2, 6, 8, 8)

    References:
        Chollet 2017 (arXiv:1610.02357).
    """
    return _separable(
        2, out_channels, (kernel_size, stride, padding, dilation), bias, padding_mode, multiplier,
        data_format, dtype,
    )  # fmt: skip


def SeparableConv3d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    bias: bool = True, padding_mode: str = "zeros", *, multiplier: int = 1,
    data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """A depthwise convolution, then a mixture of the channels; see `SeparableConv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.SeparableConv3d(6, 2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 4, 3, 3, 3)))
        >>> layer.apply(params, state, rt.ones((2, 4, 3, 3, 3)))[0].shape
        (2, 6, 2, 2, 2)
    """
    return _separable(
        3, out_channels, (kernel_size, stride, padding, dilation), bias, padding_mode, multiplier,
        data_format, dtype,
    )  # fmt: skip


def _separable(
    n: int, out_channels: int, window: tuple[Any, Any, Any, Any], bias: bool, padding_mode: str,
    multiplier: int, data_format: str, dtype: Any,
) -> Layer:  # fmt: skip
    name = f"SeparableConv{n}d"
    depthwise = _depthwise(
        name, n, window, False, padding_mode, multiplier, data_format, None, None, dtype
    )
    pointwise = conv_layer(
        name, n, out_channels, 1, 1, 0, 1, 1, bias, "zeros", data_format, None, None, dtype
    )
    return serial(("depthwise", depthwise), ("pointwise", pointwise))
