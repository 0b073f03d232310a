"""Pooling functions: max_pool, avg_pool, lp_pool, over 1 to 3 axes."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.pooling import (
    avg_pool,
    lp_pool,
    make_pool,
    max_pool,
    over,
)

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]


@api
def max_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Any:  # fmt: skip
    """The largest element in a window over one spatial axis; see `max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.max_pool1d(rt.ones((2, 3, 8)), 2).shape
        (2, 3, 4)
    """
    x, name = rt.asarray(x), "max_pool1d"
    pool = make_pool(name, 1, kernel_size, stride, padding, dilation, ceil_mode)
    return over(name, 1, data_format, x, lambda x: max_pool(name, x, pool, return_indices))


@api
def max_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Any:  # fmt: skip
    """The largest element in a window over two spatial axes.

    The derivative goes to the first of equal elements.

    Args:
        x: Real numbers, shape ``(batch, channels, height, width)``, or without the batch.
        kernel_size: The window, a number or one per spatial axis, as all of these.
        stride: By how much it moves; by default its size.
        padding: What is put around, as -infinity; at most half of the window.
        dilation: The distance of the elements that the window takes.
        ceil_mode: Whether a window that the end cuts off counts.
        return_indices: Whether to return also where the elements were, as int64 in row-major
            order over the spatial axes.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.max_pool2d(rt.ones((2, 3, 8, 8)), 2).shape
        (2, 3, 4, 4)
    """
    x, name = rt.asarray(x), "max_pool2d"
    pool = make_pool(name, 2, kernel_size, stride, padding, dilation, ceil_mode)
    return over(name, 2, data_format, x, lambda x: max_pool(name, x, pool, return_indices))


@api
def max_pool3d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Any:  # fmt: skip
    """The largest element in a window over three spatial axes; see `max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.max_pool3d(rt.ones((2, 3, 8, 8, 8)), 2).shape
        (2, 3, 4, 4, 4)
    """
    x, name = rt.asarray(x), "max_pool3d"
    pool = make_pool(name, 3, kernel_size, stride, padding, dilation, ceil_mode)
    return over(name, 3, data_format, x, lambda x: max_pool(name, x, pool, return_indices))


@api
def avg_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The mean of a window over one spatial axis; see `avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.avg_pool1d(rt.ones((2, 3, 8)), 2).shape
        (2, 3, 4)
    """
    x, name = rt.asarray(x), "avg_pool1d"
    pool = make_pool(name, 1, kernel_size, stride, padding, 1, ceil_mode)
    return over(
        name, 1, data_format, x,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


@api
def avg_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The mean of a window over two spatial axes.

    Args:
        x: A floating array, shape ``(batch, channels, height, width)``, or without the batch.
        kernel_size: The window, a number or one per spatial axis, as all of these.
        stride: By how much it moves; by default its size.
        padding: Zeros that are put around; at most half of the window.
        ceil_mode: Whether a window that the end cuts off counts.
        count_include_pad: Whether these zeros count as elements.
        divisor_override: Divides the sum, instead of the number of elements.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.avg_pool2d(rt.ones((2, 3, 8, 8)), 2).shape
        (2, 3, 4, 4)
    """
    x, name = rt.asarray(x), "avg_pool2d"
    pool = make_pool(name, 2, kernel_size, stride, padding, 1, ceil_mode)
    return over(
        name, 2, data_format, x,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


@api
def avg_pool3d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The mean of a window over three spatial axes; see `avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.avg_pool3d(rt.ones((2, 3, 8, 8, 8)), 2).shape
        (2, 3, 4, 4, 4)
    """
    x, name = rt.asarray(x), "avg_pool3d"
    pool = make_pool(name, 3, kernel_size, stride, padding, 1, ceil_mode)
    return over(
        name, 3, data_format, x,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


@api
def lp_pool1d(
    x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """``sum(x ** norm_type) ** (1 / norm_type)`` over a window; see `lp_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.lp_pool1d(rt.ones((2, 3, 8)), 2, 2).shape
        (2, 3, 4)
    """
    x, name = rt.asarray(x), "lp_pool1d"
    pool = make_pool(name, 1, kernel_size, stride, 0, 1, ceil_mode)
    return over(name, 1, data_format, x, lambda x: lp_pool(name, x, pool, norm_type))


@api
def lp_pool2d(
    x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """``sum(x ** norm_type) ** (1 / norm_type)`` over a window.

    Args:
        x: A floating array, shape ``(batch, channels, height, width)``, or without the batch.
        norm_type: The power; 1 gives the sum, infinity the maximum.
        kernel_size: The window, a number or one per spatial axis, as all of these.
        stride: By how much it moves; by default its size.
        ceil_mode: Whether a window that the end cuts off counts.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.lp_pool2d(rt.ones((2, 3, 8, 8)), 2, 2).shape
        (2, 3, 4, 4)
    """
    x, name = rt.asarray(x), "lp_pool2d"
    pool = make_pool(name, 2, kernel_size, stride, 0, 1, ceil_mode)
    return over(name, 2, data_format, x, lambda x: lp_pool(name, x, pool, norm_type))


@api
def lp_pool3d(
    x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """``sum(x ** norm_type) ** (1 / norm_type)`` over a window; see `lp_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.lp_pool3d(rt.ones((2, 3, 8, 8, 8)), 2, 2).shape
        (2, 3, 4, 4, 4)
    """
    x, name = rt.asarray(x), "lp_pool3d"
    pool = make_pool(name, 3, kernel_size, stride, 0, 1, ceil_mode)
    return over(name, 3, data_format, x, lambda x: lp_pool(name, x, pool, norm_type))
