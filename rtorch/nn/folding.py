"""unfold and fold: the windows of an image as columns of a matrix, and back."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import DTypeError, ShapeError, api, describe
from rtorch.nn.layer import Layer, stateless
from rtorch.nn.windows import Ints, check_input, per_axis


@api
def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> rt.Array:
    """Each window of each image as a column.

    Args:
        x: Shape ``(batch, channels, height, width)``, or without the batch.
        kernel_size: The window; a number, or one per axis, as all of these.
        dilation: The distance of the elements that the window takes.
        padding: Zeros on both sides.
        stride: By how much the window moves.

    Returns:
        An array of shape ``(batch, channels * window, windows)``; a convolution is the product of
        the kernel as a matrix with it.

    Raises:
        ShapeError: if the window is larger than the image.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.unfold(rt.reshape(rt.arange(6), (1, 2, 3)), 2).tolist()
        [[0, 1], [1, 2], [3, 4], [4, 5]]
    """
    return _unfold("unfold", rt.asarray(x), *_windows("unfold", kernel_size, dilation, padding,
                                                      stride))  # fmt: skip


@api
def fold(
    x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> rt.Array:  # fmt: skip
    """The sum of windows put into an image, the transpose of `unfold`.

    Args:
        x: Columns, shape ``(batch, channels * window, windows)``, or without the batch.
        output_size: Height and width of the image.
        kernel_size: The window; a number, or one per axis, as the following.
        dilation: The distance of the elements that the window takes.
        padding: What was put on both sides.
        stride: By how much the window moves.

    Returns:
        An array of shape ``(batch, channels, height, width)``.

    Raises:
        ShapeError: if `x` has another number of columns than there are windows.
        DTypeError: if `x` is not floating.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.fold(rt.ones((4, 2)), (2, 3), 2).tolist()
        [[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]
    """
    return _fold("fold", rt.asarray(x), per_axis("fold", "output_size", output_size, 2),
                 *_windows("fold", kernel_size, dilation, padding, stride))  # fmt: skip


def Unfold(kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Layer:
    """The layer of `unfold`, with its arguments.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.Unfold(3, padding=1).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 27, 64)
    """
    windows = _windows("Unfold", kernel_size, dilation, padding, stride)

    def call(params: Any, x: Any) -> rt.Array:
        return _unfold("Unfold", x, *windows)

    return stateless(None, call)


def Fold(
    output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Layer:
    """The layer of `fold`, with its arguments.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.Fold(8, 3, padding=1).apply({}, {}, rt.ones((2, 27, 64)))[0].shape
        (2, 3, 8, 8)
    """
    size = per_axis("Fold", "output_size", output_size, 2)
    windows = _windows("Fold", kernel_size, dilation, padding, stride)

    def call(params: Any, x: Any) -> rt.Array:
        return _fold("Fold", x, size, *windows)

    return stateless(None, call)


def _windows(
    name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Ints, Ints, Ints, Ints]:
    return (
        per_axis(name, "kernel_size", kernel_size, 2), per_axis(name, "dilation", dilation, 2),
        per_axis(name, "padding", padding, 2, 0), per_axis(name, "stride", stride, 2),
    )  # fmt: skip


def _counts(
    name: str, space: Ints, window: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> Ints:
    """How many windows there are along each axis."""
    free = [
        n + 2 * p - (k - 1) * d - 1
        for n, k, d, p in zip(space, window, dilation, padding, strict=True)
    ]
    if min(free) < 0:
        raise ShapeError(
            f"[{name}] the window {window} (dilation {dilation}, padding {padding}) is larger than "
            f"the image {space}"
        )
    return tuple([f // s + 1 for f, s in zip(free, stride, strict=True)])


def _unfold(
    name: str, x: Any, window: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> rt.Array:
    check_input(name, x, 2)
    lead, channels, space = x.shape[:-3], x.shape[-3], x.shape[-2:]
    h, w = _counts(name, space, window, dilation, padding, stride)
    around = [(0, 0)] * (x.ndim - 2) + [(p, p) for p in padding]
    x = rt.pad(x, around) if any(padding) else x
    parts = [
        x[..., _places(i, h, dilation[0], stride[0]), _places(j, w, dilation[1], stride[1])]
        for i in range(window[0])
        for j in range(window[1])
    ]
    columns = rt.stack(parts, axis=len(lead) + 1)
    return rt.reshape(columns, (*lead, channels * len(parts), h * w))


def _places(i: int, count: int, dilation: int, stride: int) -> slice:
    """Where element `i` of each window is."""
    return slice(i * dilation, i * dilation + (count - 1) * stride + 1, stride)


def _fold(
    name: str, x: Any, size: Ints, window: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> rt.Array:
    counts = _counts(name, size, window, dilation, padding, stride)
    rows, columns = math.prod(window), math.prod(counts)
    shape: Any = getattr(x, "shape", ())
    if len(shape) not in (2, 3) or shape[-2] % rows or shape[-1] != columns:
        raise ShapeError(
            f"[{name}] x: expected shape (batch, channels * {rows}, {columns}), with or without "
            f"the batch, got {describe(x)}"
        )
    if not rt.isdtype(x.dtype, ("real floating", "complex floating")):
        raise DTypeError(
            f"[{name}] x: expected floating columns, got {describe(x)}: x.astype(rt.float32)"
        )
    image = rt.spec((*shape[:-2], shape[-2] // rows, *size), x.dtype)
    back = rt.linear_transpose(
        lambda image: _unfold(name, image, window, dilation, padding, stride), image
    )
    out: rt.Array = back(x)[0]
    return out
