"""ConvTranspose1d, ConvTranspose2d, ConvTranspose3d: layers that enlarge."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.nn.initializers import Initializer
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_count, check_names, first, parameter_dtype, torch_uniform
from rtorch.nn.transposed_convolution import conv_transpose
from rtorch.nn.windows import check_format, check_input, per_axis


def _layer(
    n: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, output_padding: Any,
    groups: int, bias: bool, dilation: Any, data_format: str, weight_init: Initializer | None,
    bias_init: Initializer | None, dtype: Any,
) -> Layer:  # fmt: skip
    """The layer over `n` spatial axes."""
    name = f"ConvTranspose{n}d"
    check_count(name, "out_channels", out_channels)
    check_count(name, "groups", groups)
    window, last = per_axis(name, "kernel_size", kernel_size, n), check_format(name, data_format, n)
    if out_channels % groups:
        raise ArgumentError(
            f"[{name}] out_channels: expected a multiple of groups={groups}, got {out_channels}"
        )
    names = ("weight", "bias") if bias else ("weight",)

    def init(key: Any, spec: Any) -> Params:
        check_input(name, spec, n, last)
        needs_key(name, key, "init")
        channels = spec.shape[-1 if last else -1 - n]
        if channels % groups:
            raise ShapeError(
                f"[{name}] x: expected channels in a multiple of groups={groups}, got {channels}"
            )
        shape = (channels, out_channels // groups, *window)
        default, of = torch_uniform(math.prod(shape[1:])), parameter_dtype(dtype, spec.dtype)
        inits = (weight_init or default, bias_init or default)
        shapes = (shape, (out_channels,))
        keys = rt.random.split(key, 2)
        return {p: first(name, p, f, k, s, of)
                for p, f, k, s in zip(names, inits, keys, shapes, strict=False)}  # fmt: skip

    def call(params: Params, x: Any) -> rt.Array:
        check_names(name, "params", params, names)
        return conv_transpose(
            name, n, x, params["weight"], params.get("bias"), stride, padding, output_padding,
            groups, dilation, data_format,
        )  # fmt: skip

    return stateless(init, call, name)


def ConvTranspose1d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A transposed convolution over one spatial axis; see `ConvTranspose2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.ConvTranspose1d(4, 2, stride=2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3, 8)))
        >>> layer.apply(params, state, rt.ones((2, 3, 8)))[0].shape
        (2, 4, 16)
    """
    return _layer(
        1, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation,
        data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def ConvTranspose2d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A transposed convolution over two spatial axes: it enlarges by `stride`.

    It maps as the derivative of `Conv2d` by its input does. Lengths come out as
    ``(n - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``.

    Args:
        out_channels: Channels that come out; those of the input come from the spec.
        kernel_size: The window, a number or one per spatial axis, as all of the following.
        stride: By how much it moves in the output.
        padding: What is cut off at both ends of each axis.
        output_padding: What is added at the high end of each axis.
        groups: The channels are in so many groups that do not mix.
        bias: Whether there is one.
        dilation: The distance of the elements of the window.
        data_format: ``"NHWC"`` if the channels come last, in input and output.
        weight_init: Initializer of the weight, shape ``(in, out / groups, *window)``; by default
            uniform in ±1/sqrt(out / groups * size of the window), as in PyTorch.
        bias_init: Initializer of the bias, shape ``(out,)``; by default the same.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias``.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.ConvTranspose2d(3, 4, stride=2, padding=1)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((8, 16, 7, 7)))
        >>> layer.apply(params, state, rt.ones((8, 16, 7, 7)))[0].shape
        (8, 3, 14, 14)
    """
    return _layer(
        2, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation,
        data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def ConvTranspose3d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A transposed convolution over three spatial axes; see `ConvTranspose2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.ConvTranspose3d(4, 2, stride=2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3, 4, 4, 4)))
        >>> layer.apply(params, state, rt.ones((2, 3, 4, 4, 4)))[0].shape
        (2, 4, 8, 8, 8)
    """
    return _layer(
        3, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation,
        data_format, weight_init, bias_init, dtype,
    )  # fmt: skip
