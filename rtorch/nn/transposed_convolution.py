"""Transposed convolutions as functions, with PyTorch's names and arguments.

Kernels are stored as PyTorch stores them: ``(in, out / groups, *window)``.
"""

from __future__ import annotations

import functools
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.convolution import check_kernel, finish
from rtorch.nn.windows import channels_first, check_format, check_input, per_axis

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


@api
def conv_transpose1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A transposed convolution over one spatial axis; see `conv_transpose2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.conv_transpose1d(rt.ones((1, 1, 2)), rt.ones((1, 1, 3)), stride=2).tolist()
        [[[1.0, 1.0, 2.0, 1.0, 1.0]]]
    """
    return conv_transpose(
        "conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation,
        data_format,
    )  # fmt: skip


@api
def conv_transpose2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The derivative of a convolution by its input, as an operation: it enlarges by `stride`.

    Args:
        x: The input, shape ``(batch, channels, height, width)``, or without the batch.
        weight: The kernel, shape ``(channels, out / groups, height, width)``.
        bias: A number per channel that comes out, shape ``(out,)``.
        stride: By how much the window moves in the output.
        padding: What is cut off at both ends of each axis.
        output_padding: What is added to the output at the high end of each axis, to choose among
            the lengths that a strided convolution makes one; less than stride or dilation.
        groups: The channels are in so many groups that do not mix.
        dilation: The distance of the elements of the window.
        data_format: ``"NHWC"`` if the channels of input and output come last.

    Example:
        >>> import rtorch as rt
        >>> x, w = rt.ones((8, 16, 7, 7)), rt.ones((16, 3, 4, 4))
        >>> rt.nn.conv_transpose2d(x, w, stride=2, padding=1).shape
        (8, 3, 14, 14)
    """
    return conv_transpose(
        "conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation,
        data_format,
    )  # fmt: skip


@api
def conv_transpose3d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A transposed convolution over three spatial axes; see `conv_transpose2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.conv_transpose3d(rt.ones((1, 2, 2, 2, 2)), rt.ones((2, 1, 3, 3, 3))).shape
        (1, 1, 4, 4, 4)
    """
    return conv_transpose(
        "conv_transpose3d", 3, x, weight, bias, stride, padding, output_padding, groups, dilation,
        data_format,
    )  # fmt: skip


def conv_transpose(
    name: str, n: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any,
    output_padding: Any, groups: int, dilation: Any, data_format: str,
) -> rt.Array:  # fmt: skip
    """The transposed convolution over `n` axes; `name` is for messages."""
    x, weight = rt.asarray(x), rt.asarray(weight)
    last = check_format(name, data_format, n)
    check_input(name, x, n, last)
    axis = functools.partial(per_axis, name, n=n)
    strides, dilations = axis("stride", stride), axis("dilation", dilation)
    cuts, extras = (
        axis("padding", padding, least=0),
        axis("output_padding", output_padding, least=0),
    )
    if any(e >= max(s, d) for e, s, d in zip(extras, strides, dilations, strict=True)):
        raise ArgumentError(
            f"[{name}] output_padding: expected less than stride {strides} or dilation "
            f"{dilations}, got {output_padding!r}"
        )
    x = channels_first(x, n) if last else x
    check_kernel(name, x, weight, n, groups, weight.shape[0] if weight.ndim else 0)
    reach = [(k - 1) * d for k, d in zip(weight.shape[2:], dilations, strict=True)]
    pads = [(r - c, r - c + e) for r, c, e in zip(reach, cuts, extras, strict=True)]
    batched = x if x.ndim == n + 2 else x[None]
    out = rt.conv_general_dilated(
        batched, _turned(weight, groups), (1,) * n, pads, lhs_dilation=strides,
        rhs_dilation=dilations, feature_group_count=groups,
    )  # fmt: skip
    return finish(name, out, bias, x.ndim == n + 2, last, n)


def _turned(weight: Any, groups: int) -> Any:
    """From ``(in, out / groups, *window)`` to a convolution's, with the window reversed."""
    n_in, n_out, *window = weight.shape
    weight = rt.reshape(weight, (groups, n_in // groups, n_out, *window))
    weight = rt.reshape(rt.moveaxis(weight, 2, 1), (groups * n_out, n_in // groups, *window))
    return rt.flip(weight, axis=tuple(range(2, weight.ndim)))
