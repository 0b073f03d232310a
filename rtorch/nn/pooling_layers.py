"""Layers of pooling; without parameters, and without state."""

from __future__ import annotations

from typing import Any

from rtorch.nn.layer import Layer, stateless
from rtorch.nn.pooling import (
    avg_pool,
    lp_pool,
    make_pool,
    max_pool,
    over,
)
from rtorch.nn.windows import check_format


def MaxPool1d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The largest element in a window over one spatial axis; arguments as of `max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.MaxPool1d(2).apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 4)
    """
    name = "MaxPool1d"
    pool = make_pool(name, 1, kernel_size, stride, padding, dilation, ceil_mode)
    return pool_layer(name, 1, data_format, lambda x: max_pool(name, x, pool, return_indices))


def MaxPool2d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The largest element in a window over two spatial axes; arguments as of `max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.MaxPool2d(2).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 4, 4)
    """
    name = "MaxPool2d"
    pool = make_pool(name, 2, kernel_size, stride, padding, dilation, ceil_mode)
    return pool_layer(name, 2, data_format, lambda x: max_pool(name, x, pool, return_indices))


def MaxPool3d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False, *, data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The largest element in a window over three spatial axes; arguments as of `max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.MaxPool3d(2).apply({}, {}, rt.ones((2, 3, 8, 8, 8)))[0].shape
        (2, 3, 4, 4, 4)
    """
    name = "MaxPool3d"
    pool = make_pool(name, 3, kernel_size, stride, padding, dilation, ceil_mode)
    return pool_layer(name, 3, data_format, lambda x: max_pool(name, x, pool, return_indices))


def AvgPool1d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The mean of a window over one spatial axis; arguments as of `avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AvgPool1d(2).apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 4)
    """
    name = "AvgPool1d"
    pool = make_pool(name, 1, kernel_size, stride, padding, 1, ceil_mode)
    return pool_layer(
        name, 1, data_format,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


def AvgPool2d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The mean of a window over two spatial axes; arguments as of `avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AvgPool2d(2).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 4, 4)
    """
    name = "AvgPool2d"
    pool = make_pool(name, 2, kernel_size, stride, padding, 1, ceil_mode)
    return pool_layer(
        name, 2, data_format,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


def AvgPool3d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The mean of a window over three spatial axes; arguments as of `avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AvgPool3d(2).apply({}, {}, rt.ones((2, 3, 8, 8, 8)))[0].shape
        (2, 3, 4, 4, 4)
    """
    name = "AvgPool3d"
    pool = make_pool(name, 3, kernel_size, stride, padding, 1, ceil_mode)
    return pool_layer(
        name, 3, data_format,
        lambda x: avg_pool(name, x, pool, count_include_pad, divisor_override),
    )  # fmt: skip


def LPPool1d(
    norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The p-norm of a window over one spatial axis; arguments as of `lp_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.LPPool1d(2, 2).apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 4)
    """
    name = "LPPool1d"
    pool = make_pool(name, 1, kernel_size, stride, 0, 1, ceil_mode)
    return pool_layer(name, 1, data_format, lambda x: lp_pool(name, x, pool, norm_type))


def LPPool2d(
    norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The p-norm of a window over two spatial axes; arguments as of `lp_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.LPPool2d(2, 2).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 4, 4)
    """
    name = "LPPool2d"
    pool = make_pool(name, 2, kernel_size, stride, 0, 1, ceil_mode)
    return pool_layer(name, 2, data_format, lambda x: lp_pool(name, x, pool, norm_type))


def LPPool3d(
    norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The p-norm of a window over three spatial axes; arguments as of `lp_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.LPPool3d(2, 2).apply({}, {}, rt.ones((2, 3, 8, 8, 8)))[0].shape
        (2, 3, 4, 4, 4)
    """
    name = "LPPool3d"
    pool = make_pool(name, 3, kernel_size, stride, 0, 1, ceil_mode)
    return pool_layer(name, 3, data_format, lambda x: lp_pool(name, x, pool, norm_type))


def pool_layer(name: str, n: int, data_format: str, function: Any) -> Layer:
    """The layer of a function of arrays with the channels first."""
    check_format(name, data_format, n)
    return stateless(None, lambda params, x: over(name, n, data_format, x, function), name)
