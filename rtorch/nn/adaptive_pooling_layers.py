"""Layers of pooling to a given number of windows."""

from __future__ import annotations

from typing import Any

from rtorch.nn.layer import Layer
from rtorch.nn.pooling import adaptive_avg_pool, adaptive_max_pool, adaptive_sizes
from rtorch.nn.pooling_layers import pool_layer


def AdaptiveAvgPool1d(output_size: Any, *, data_format: str = "NCHW") -> Layer:
    """The mean of each of `output_size` windows; see `adaptive_avg_pool1d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveAvgPool1d(3).apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 3)
    """
    name = "AdaptiveAvgPool1d"
    sizes = adaptive_sizes(name, output_size, 1)
    return pool_layer(name, 1, data_format, lambda x: adaptive_avg_pool(name, x, sizes))


def AdaptiveAvgPool2d(output_size: Any, *, data_format: str = "NCHW") -> Layer:
    """The mean of each of `output_size` windows; see `adaptive_avg_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveAvgPool2d(3).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 3, 3)
    """
    name = "AdaptiveAvgPool2d"
    sizes = adaptive_sizes(name, output_size, 2)
    return pool_layer(name, 2, data_format, lambda x: adaptive_avg_pool(name, x, sizes))


def AdaptiveAvgPool3d(output_size: Any, *, data_format: str = "NCHW") -> Layer:
    """The mean of each of `output_size` windows; see `adaptive_avg_pool3d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveAvgPool3d(3).apply({}, {}, rt.ones((2, 3, 8, 8, 8)))[0].shape
        (2, 3, 3, 3, 3)
    """
    name = "AdaptiveAvgPool3d"
    sizes = adaptive_sizes(name, output_size, 3)
    return pool_layer(name, 3, data_format, lambda x: adaptive_avg_pool(name, x, sizes))


def AdaptiveMaxPool1d(
    output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Layer:
    """The largest element of each of `output_size` windows; see `adaptive_max_pool1d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveMaxPool1d(3).apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 3)
    """
    name = "AdaptiveMaxPool1d"
    sizes = adaptive_sizes(name, output_size, 1)
    return pool_layer(
        name, 1, data_format, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )


def AdaptiveMaxPool2d(
    output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Layer:
    """The largest element of each of `output_size` windows; see `adaptive_max_pool2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveMaxPool2d(3).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 3, 3)
    """
    name = "AdaptiveMaxPool2d"
    sizes = adaptive_sizes(name, output_size, 2)
    return pool_layer(
        name, 2, data_format, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )


def AdaptiveMaxPool3d(
    output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Layer:
    """The largest element of each of `output_size` windows; see `adaptive_max_pool3d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.AdaptiveMaxPool3d(3).apply({}, {}, rt.ones((2, 3, 8, 8, 8)))[0].shape
        (2, 3, 3, 3, 3)
    """
    name = "AdaptiveMaxPool3d"
    sizes = adaptive_sizes(name, output_size, 3)
    return pool_layer(
        name, 3, data_format, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )
