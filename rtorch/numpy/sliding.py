"""What moves a window over an array: the general convolution, and the largest element.

The functions behind `rtorch.nn`'s layers of convolution and pooling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy.operands import ArrayLike, operand, promote
from rtorch.ops.conv import conv_p, dilated
from rtorch.ops.windows import window_max_p, window_which_p

__all__ = ["conv_general_dilated", "window_argmax", "window_max"]

Padding: TypeAlias = str | Sequence[tuple[int, int]]


@api
def conv_general_dilated(
    lhs: ArrayLike,
    rhs: ArrayLike,
    window_strides: Sequence[int],
    padding: Padding,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    *,
    feature_group_count: int = 1,
) -> Array:
    """The convolution that all others are cases of, over any number of spatial axes.

    ``out[n, o, p]`` is the sum over channels c and places k of the window of
    ``lhs[n, c, p * strides + k * rhs_dilation - low] * rhs[o, c, k]`` (a correlation, as is usual
    in neural networks), where ``lhs`` is dilated and padded first. Half precision is accumulated
    in float32.

    Args:
        lhs: The input, shape ``(batch, channels, *space)``.
        rhs: The kernel, shape ``(out channels, channels / feature_group_count, *window)``.
        window_strides: By how much the window moves along each spatial axis.
        padding: A pair ``(low, high)`` per spatial axis: zeros at its ends, after the dilation;
            negative numbers cut off. Or ``"VALID"``: none; ``"SAME"``: so that stride 1 keeps the
            lengths, an odd zero at the end; ``"SAME_LOWER"``: an odd zero at the start.
        lhs_dilation: The distance of the input's elements; zeros come between them.
        rhs_dilation: The distance of the elements that the window takes.
        feature_group_count: The channels are in so many groups, which do not mix; the channels
            that come out too.

    Returns:
        Shape ``(batch, out channels, *space)``, of the promoted dtype.

    Raises:
        ShapeError: if the kernel does not fit the input.

    Example:
        >>> import rtorch as rt
        >>> x, w = rt.ones((8, 3, 28, 28)), rt.ones((16, 3, 5, 5))
        >>> rt.conv_general_dilated(x, w, (2, 2), "SAME").shape
        (8, 16, 14, 14)
    """
    name = "conv_general_dilated"
    x, w = promote(name, lhs, rhs)
    if x.dtype == dtypes.bool_:
        raise DTypeError(f"[{name}] expected numbers, got arrays of bool; convert them first")
    n = x.ndim - 2
    _check_kernel(name, x, w, n, feature_group_count)
    strides = _lengths(name, "window_strides", window_strides, n)
    l_dilation = _lengths(name, "lhs_dilation", lhs_dilation, n)
    r_dilation = _lengths(name, "rhs_dilation", rhs_dilation, n)
    pads = _pads(name, padding, x.shape[2:], w.shape[2:], strides, l_dilation, r_dilation)
    out: Array = conv_p(x, w, strides=strides, padding=pads, lhs_dilation=l_dilation,
                        rhs_dilation=r_dilation, groups=feature_group_count)  # fmt: skip
    return out


def _check_kernel(name: str, x: Array, w: Array, n: int, groups: int) -> None:
    if n < 0 or w.ndim != x.ndim or 0 in w.shape[2:]:
        raise ShapeError(
            f"[{name}] expected an input (batch, channels, *space) and a kernel (out channels, "
            f"channels, *window) of as many axes, got {describe(x)} and {describe(w)}"
        )
    if not isinstance(groups, int) or groups < 1 or w.shape[0] % groups:
        raise ShapeError(
            f"[{name}] feature_group_count: expected a divisor of the {w.shape[0]} channels that "
            f"come out of the kernel {describe(w)}, got {groups!r}"
        )
    if x.shape[1] != w.shape[1] * groups:
        raise ShapeError(
            f"[{name}] the kernel {describe(w)} takes {w.shape[1]} x {groups} (groups) channels, "
            f"the input {describe(x)} has {x.shape[1]} (axis 1)"
        )


def _lengths(name: str, argument: str, values: Any, n: int) -> tuple[int, ...]:
    if values is None:
        return (1,) * n
    values = tuple(values) if isinstance(values, (tuple, list)) else values
    ok = isinstance(values, tuple) and len(values) == n
    if not ok or not all(isinstance(v, int) and v > 0 for v in values):
        raise ArgumentError(
            f"[{name}] {argument}: expected {n} numbers, one per spatial axis, 1 or more each, got "
            f"{values!r}"
        )
    return values


def _pads(
    name: str, padding: Padding, space: tuple[int, ...], window: tuple[int, ...],
    strides: tuple[int, ...], lhs_dilation: tuple[int, ...], rhs_dilation: tuple[int, ...],
) -> tuple[tuple[int, int], ...]:  # fmt: skip
    if isinstance(padding, str):
        kind = padding.upper()
        if kind not in ("VALID", "SAME", "SAME_LOWER"):
            raise ArgumentError(
                f"[{name}] padding: expected pairs (low, high), 'VALID', 'SAME' or 'SAME_LOWER', "
                f"got {padding!r}"
            )
        if kind == "VALID":
            return ((0, 0),) * len(space)
        return tuple([
            _same(dilated(n, gap), dilated(k, d), s, kind == "SAME_LOWER")
            for n, k, s, gap, d in zip(space, window, strides, lhs_dilation, rhs_dilation)
        ])  # fmt: skip
    try:
        pads = tuple([(int(low), int(high)) for low, high in padding])
    except (TypeError, ValueError):
        pads = ()
    if len(pads) != len(space):
        raise ArgumentError(
            f"[{name}] padding: expected {len(space)} pairs (low, high), one per spatial axis, got "
            f"{padding!r}"
        )
    return pads


def _same(n: int, reach: int, stride: int, lower: bool) -> tuple[int, int]:
    """What keeps the length with stride 1, and gives ``ceil(n / stride)`` otherwise."""
    total = max(0, (-(-n // stride) - 1) * stride + reach - n)
    less, more = total // 2, total - total // 2
    return (more, less) if lower else (less, more)


@api
def window_max(
    x: ArrayLike,
    window: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    dilation: Sequence[int] | None = None,
) -> Array:
    """The largest element in a window that moves over the last axes.

    The derivative goes to the first of equal elements. What lies outside counts as -infinity
    (the smallest number of an integer dtype).

    Args:
        x: Real numbers, shape ``(..., *space)``.
        window: Its lengths, one per spatial axis.
        strides: By how much it moves; by default its lengths.
        padding: As for `conv_general_dilated`.
        dilation: The distance of the elements that it takes.

    Returns:
        Shape ``(..., *space)`` with the number of windows, dtype of `x`.

    Example:
        >>> import rtorch as rt
        >>> rt.window_max(rt.asarray([1.0, 3.0, 2.0, 0.0]), (3,), (1,)).tolist()
        [3.0, 3.0]
    """
    x, params = _window("window_max", x, window, strides, padding, dilation)
    out: Array = window_max_p(x, **params)
    return out


@api
def window_argmax(
    x: ArrayLike,
    window: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    dilation: Sequence[int] | None = None,
) -> Array:
    """Where the largest element of each window is, the first of equal ones.

    Args:
        x: As for `window_max`, with the other arguments.
        window: Its lengths.
        strides: By how much it moves.
        padding: At the ends.
        dilation: The distance of the elements that it takes.

    Returns:
        int64: places in the spatial axes of `x`, counted in row-major order.

    Example:
        >>> import rtorch as rt
        >>> rt.window_argmax(rt.asarray([1.0, 3.0, 2.0, 0.0]), (2,), (2,)).tolist()
        [1, 2]
    """
    from rtorch.numpy.manipulation import reshape
    from rtorch.numpy.ranges import arange

    x, params = _window("window_argmax", x, window, strides, padding, dilation)
    which = window_which_p(x, window_max_p(x, **params), **params).astype(dtypes.int64)
    flat, split = 0, x.ndim - len(params["window"])
    rest = math.prod(params["window"])
    for i, (k, s, (low, _), d) in enumerate(zip(*params.values(), strict=True)):
        rest //= k
        start = arange(which.shape[split + i], device=which.device) * s - low
        start = reshape(start, (-1, *[1] * (len(params["window"]) - 1 - i)))
        flat = flat * x.shape[split + i] + start + which // rest % k * d
    return flat  # type: ignore[return-value]


def _window(
    name: str, x: Any, window: Any, strides: Any, padding: Any, dilation: Any
) -> tuple[Array, dict[str, Any]]:
    x = operand(x, name)
    if x.dtype not in dtypes.FLOATS | dtypes.INTEGERS:
        raise DTypeError(f"[{name}] expected real numbers, got {describe(x)}")
    n = len(window) if isinstance(window, (tuple, list)) else 1
    window = _lengths(name, "window", window, n)
    if n > x.ndim:
        raise ShapeError(f"[{name}] a window of {n} axes does not go over {describe(x)}")
    strides = _lengths(name, "strides", window if strides is None else strides, n)
    dilation = _lengths(name, "dilation", dilation, n)
    pads = _pads(name, padding, x.shape[x.ndim - n :], window, strides, (1,) * n, dilation)
    return x, {"window": window, "strides": strides, "padding": pads, "dilation": dilation}
