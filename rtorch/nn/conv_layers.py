"""Conv1d, Conv2d, Conv3d: layers of convolution."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.nn.convolution import conv, pads_of
from rtorch.nn.initializers import Initializer
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_count, check_names, first, parameter_dtype, torch_uniform
from rtorch.nn.windows import check_format, check_input, per_axis

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def conv_layer(
    name: str, n: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any,
    dilation: Any, groups: int, bias: bool, padding_mode: str, data_format: str,
    weight_init: Initializer | None, bias_init: Initializer | None, dtype: Any,
) -> Layer:  # fmt: skip
    """The layer over `n` spatial axes; `name` is for messages and `summary`."""
    check_count(name, "out_channels", out_channels)
    check_count(name, "groups", groups)
    window, last = per_axis(name, "kernel_size", kernel_size, n), check_format(name, data_format, n)
    strides, dilations = (
        per_axis(name, argument, value, n)
        for argument, value in (("stride", stride), ("dilation", dilation))
    )
    pads = pads_of(name, padding, window, strides, dilations)
    if padding_mode not in _MODES:
        raise ArgumentError(
            f"[{name}] padding_mode: expected one of {list(_MODES)}, got {padding_mode!r}"
        )
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
        shape = (out_channels, channels // groups, *window)
        default, of = torch_uniform(math.prod(shape[1:])), parameter_dtype(dtype, spec.dtype)
        inits = (weight_init or default, bias_init or default)
        shapes = (shape, (out_channels,))
        keys = rt.random.split(key, 2)
        return {p: first(name, p, f, k, s, of)
                for p, f, k, s in zip(names, inits, keys, shapes, strict=False)}  # fmt: skip

    def call(params: Params, x: Any) -> rt.Array:
        check_names(name, "params", params, names)
        around = pads
        if padding_mode != "zeros":
            check_input(name, x, n, last)
            x, around = _padded(x, pads, last, padding_mode), ((0, 0),) * n
        return conv(
            name, n, x, params["weight"], params.get("bias"), strides, around, dilations, groups,
            data_format,
        )  # fmt: skip

    return stateless(init, call, name)


def _padded(x: Any, pads: Any, last: bool, mode: str) -> Any:
    """`x` continued at the ends of its spatial axes."""
    kept = ((0, 0),)
    around = (*pads, *kept) if last else pads
    before = kept * (x.ndim - len(around))
    return rt.pad(x, (*before, *around), mode=_MODES[mode])


def Conv1d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, bias: bool = True, padding_mode: str = "zeros", *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution over one spatial axis; see `Conv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Conv1d(4, 3, padding=1)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3, 8)))
        >>> layer.apply(params, state, rt.ones((2, 3, 8)))[0].shape
        (2, 4, 8)
    """
    return conv_layer(
        "Conv1d", 1, out_channels, kernel_size, stride, padding, dilation, groups, bias,
        padding_mode, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def Conv2d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, bias: bool = True, padding_mode: str = "zeros", *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution over two spatial axes, with learned kernels.

    Args:
        out_channels: Channels that come out; those of the input come from the spec.
        kernel_size: The window, a number or one per spatial axis, as all of the following.
        stride: By how much it moves.
        padding: What is put around the input: numbers, or pairs ``(low, high)``; ``"valid"``:
            nothing; ``"same"``: so much that the lengths stay (for stride 1).
        dilation: The distance of the elements that the window takes.
        groups: The channels are in so many groups that do not mix; as many as channels come in
            for a depthwise convolution.
        bias: Whether there is one.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        data_format: ``"NHWC"`` if the channels come last, in input and output. The weight is of
            one shape in both.
        weight_init: Initializer of the weight, shape ``(out, in / groups, *window)``; by default
            uniform in ±1/sqrt(in / groups * size of the window), as in PyTorch.
        bias_init: Initializer of the bias, shape ``(out,)``; by default the same.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias``, for inputs of shape ``(batch, channels,
        height, width)`` or without the batch.

    Raises:
        ShapeError: (``init``, ``apply``) if the input has other axes or channels.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Conv2d(16, 3, padding="same")
        >>> params, state = layer.init(rt.random.key(0), rt.spec((8, 3, 28, 28)))
        >>> params["weight"].shape
        (16, 3, 3, 3)
        >>> layer.apply(params, state, rt.ones((8, 3, 28, 28)))[0].shape
        (8, 16, 28, 28)
    """
    return conv_layer(
        "Conv2d", 2, out_channels, kernel_size, stride, padding, dilation, groups, bias,
        padding_mode, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip


def Conv3d(
    out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, bias: bool = True, padding_mode: str = "zeros", *,
    data_format: str = "NCHW", weight_init: Initializer | None = None,
    bias_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """A convolution over three spatial axes; see `Conv2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Conv3d(4, 3, padding=1)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((2, 3, 4, 4, 4)))
        >>> layer.apply(params, state, rt.ones((2, 3, 4, 4, 4)))[0].shape
        (2, 4, 4, 4, 4)
    """
    return conv_layer(
        "Conv3d", 3, out_channels, kernel_size, stride, padding, dilation, groups, bias,
        padding_mode, data_format, weight_init, bias_init, dtype,
    )  # fmt: skip
