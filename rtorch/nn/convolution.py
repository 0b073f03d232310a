"""Convolutions as functions, with PyTorch's names and arguments.

Kernels are stored as PyTorch stores them: ``(out, in / groups, *window)``.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.windows import (
    Ints,
    Pads,
    channels_first,
    channels_last,
    check_format,
    check_input,
    per_axis,
)

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
]


@api
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A convolution over one spatial axis; see `conv2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.conv1d(rt.ones((1, 1, 4)), rt.ones((1, 1, 3)), padding=1).tolist()
        [[[2.0, 3.0, 3.0, 2.0]]]
    """
    return conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups, data_format)


@api
def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A convolution over two spatial axes (a correlation: the kernel is not reversed).

    Args:
        x: The input, shape ``(batch, channels, height, width)``, or without the batch.
        weight: The kernel, shape ``(out, channels / groups, height, width)``.
        bias: A number per channel that comes out, shape ``(out,)``.
        stride: By how much the window moves; a number, or one per spatial axis, as all of these.
        padding: Zeros on both sides of each axis; or a pair ``(low, high)`` per axis; or
            ``"valid"``: none; or ``"same"``: as many as keep the lengths (for stride 1).
        dilation: The distance of the elements that the window takes.
        groups: The channels are in so many groups that do not mix.
        data_format: ``"NHWC"`` if the channels of input and output come last.

    Raises:
        ShapeError: if input, kernel and bias do not fit together.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.conv2d(rt.ones((8, 3, 28, 28)), rt.ones((16, 3, 3, 3)), padding="same").shape
        (8, 16, 28, 28)
    """
    return conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups, data_format)


@api
def conv3d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A convolution over three spatial axes; see `conv2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.conv3d(rt.ones((1, 2, 4, 4, 4)), rt.ones((3, 2, 2, 2, 2)), stride=2).shape
        (1, 3, 2, 2, 2)
    """
    return conv("conv3d", 3, x, weight, bias, stride, padding, dilation, groups, data_format)


def conv(
    name: str, n: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any,
    groups: int, data_format: str,
) -> rt.Array:  # fmt: skip
    """The convolution over `n` axes; `name` is for messages."""
    x, weight = rt.asarray(x), rt.asarray(weight)
    last = check_format(name, data_format, n)
    check_input(name, x, n, last)
    strides = per_axis(name, "stride", stride, n)
    dilations = per_axis(name, "dilation", dilation, n)
    x = channels_first(x, n) if last else x
    check_kernel(name, x, weight, n, groups, weight.shape[1] * groups if weight.ndim > 1 else 0)
    pads = pads_of(name, padding, weight.shape[2:], strides, dilations)
    _check_window(name, x, weight.shape[2:], pads, dilations)
    batched = x if x.ndim == n + 2 else x[None]
    out = rt.conv_general_dilated(
        batched, weight, strides, pads, rhs_dilation=dilations, feature_group_count=groups
    )
    return finish(name, out, bias, x.ndim == n + 2, last, n)


def finish(name: str, out: Any, bias: Any, batched: bool, last: bool, n: int) -> rt.Array:
    """With the bias, and the axes as the input has them."""
    out = out if batched else out[0]
    if bias is not None:
        bias = rt.asarray(bias)
        channels = out.shape[-1 - n]
        if bias.shape != (channels,):
            raise ShapeError(f"[{name}] bias: expected shape ({channels},), got {describe(bias)}")
        out = out + rt.reshape(bias, (channels,) + (1,) * n)
    return channels_last(out, n) if last else out


def check_kernel(name: str, x: Any, weight: Any, n: int, groups: int, wanted: int) -> None:
    """Raise unless the kernel has all axes and fits the groups and the channels."""
    if weight.ndim != n + 2 or 0 in weight.shape[2:]:
        raise ShapeError(
            f"[{name}] weight: expected {n + 2} axes, channels and a window of {n}, got "
            f"{describe(weight)}"
        )
    if not isinstance(groups, int) or groups < 1 or weight.shape[0] % groups:
        raise ArgumentError(
            f"[{name}] groups: expected a divisor of {weight.shape[0]} (axis 0 of the weight), got "
            f"{groups!r}"
        )
    if x.shape[-1 - n] != wanted:
        raise ShapeError(
            f"[{name}] x: expected {wanted} channels, as the weight {describe(weight)} takes them "
            f"with groups={groups}, got {x.shape[-1 - n]} in {describe(x)} (channels first)"
        )


def _check_window(name: str, x: Any, window: Ints, pads: Pads, dilations: Ints) -> None:
    """Raise if there is no place for the window, which is often a mix-up of arguments."""
    lengths = [n + sum(p) for n, p in zip(x.shape[-len(window) :], pads, strict=True)]
    if any(n < (k - 1) * d + 1 for n, k, d in zip(lengths, window, dilations, strict=True)):
        raise ShapeError(
            f"[{name}] the window {window} (dilation {dilations}) is larger than the padded axes "
            f"{tuple(lengths)} of {describe(x)}"
        )


def pads_of(name: str, padding: Any, window: Ints, strides: Ints, dilations: Ints) -> Pads:
    """Zeros at the low and the high end of each spatial axis."""
    n = len(window)
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ArgumentError(
                f"[{name}] padding: expected numbers, 'same' or 'valid', got {padding!r}"
            )
        if padding == "valid":
            return ((0, 0),) * n
        if any(s != 1 for s in strides):
            raise ArgumentError(
                f"[{name}] padding='same' keeps the lengths, which stride {strides} does not; "
                "state the padding as numbers"
            )
        totals = [(k - 1) * d for k, d in zip(window, dilations, strict=True)]
        return tuple([(t // 2, t - t // 2) for t in totals])
    if isinstance(padding, (tuple, list)) and any(isinstance(p, (tuple, list)) for p in padding):
        return tuple([
            per_axis(name, "padding", p, 2, 0)  # type: ignore[misc]
            for p in _pairs(name, padding, n)
        ])  # fmt: skip
    return tuple([(p, p) for p in per_axis(name, "padding", padding, n, 0)])


def _pairs(name: str, padding: Any, n: int) -> Any:
    if len(padding) != n:
        raise ArgumentError(f"[{name}] padding: expected {n} pairs (low, high), got {padding!r}")
    return padding
