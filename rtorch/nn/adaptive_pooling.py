"""Pooling to a given number of windows: adaptive_avg_pool and adaptive_max_pool."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.nn.pooling import adaptive_avg_pool, adaptive_max_pool, adaptive_sizes, over

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]


@api
def adaptive_avg_pool1d(x: Any, output_size: Any, *, data_format: str = "NCHW") -> rt.Array:
    """The mean of each of `output_size` windows, as equal as can be, over one spatial axis.

    Args:
        x: Numbers, 1 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_avg_pool1d(rt.ones((2, 3, 8)), 3).shape
        (2, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_avg_pool1d"
    sizes = adaptive_sizes(name, output_size, 1)
    return over(name, 1, data_format, x, lambda x: adaptive_avg_pool(name, x, sizes))


@api
def adaptive_avg_pool2d(x: Any, output_size: Any, *, data_format: str = "NCHW") -> rt.Array:
    """The mean of each of `output_size` windows, as equal as can be, over two spatial axes.

    Args:
        x: Numbers, 2 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_avg_pool2d(rt.ones((2, 3, 8, 8)), 3).shape
        (2, 3, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_avg_pool2d"
    sizes = adaptive_sizes(name, output_size, 2)
    return over(name, 2, data_format, x, lambda x: adaptive_avg_pool(name, x, sizes))


@api
def adaptive_avg_pool3d(x: Any, output_size: Any, *, data_format: str = "NCHW") -> rt.Array:
    """The mean of each of `output_size` windows, as equal as can be, over three spatial axes.

    Args:
        x: Numbers, 3 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_avg_pool3d(rt.ones((2, 3, 8, 8, 8)), 3).shape
        (2, 3, 3, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_avg_pool3d"
    sizes = adaptive_sizes(name, output_size, 3)
    return over(name, 3, data_format, x, lambda x: adaptive_avg_pool(name, x, sizes))


@api
def adaptive_max_pool1d(
    x: Any, output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Any:
    """The maximum of each of `output_size` windows, as equal as can be, over one spatial axis.

    Args:
        x: Numbers, 1 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        return_indices: Whether to return also where the elements were, as int64 in row-major
            order over the spatial axes.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_max_pool1d(rt.ones((2, 3, 8)), 3).shape
        (2, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_max_pool1d"
    sizes = adaptive_sizes(name, output_size, 1)
    return over(
        name, 1, data_format, x, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )


@api
def adaptive_max_pool2d(
    x: Any, output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Any:
    """The maximum of each of `output_size` windows, as equal as can be, over two spatial axes.

    Args:
        x: Numbers, 2 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        return_indices: Whether to return also where the elements were, as int64 in row-major
            order over the spatial axes.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_max_pool2d(rt.ones((2, 3, 8, 8)), 3).shape
        (2, 3, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_max_pool2d"
    sizes = adaptive_sizes(name, output_size, 2)
    return over(
        name, 2, data_format, x, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )


@api
def adaptive_max_pool3d(
    x: Any, output_size: Any, return_indices: bool = False, *, data_format: str = "NCHW"
) -> Any:
    """The maximum of each of `output_size` windows, as equal as can be, over three spatial axes.

    Args:
        x: Numbers, 3 spatial axes behind the channels.
        output_size: How many windows, a number or one per axis; None: as many as elements.
        return_indices: Whether to return also where the elements were, as int64 in row-major
            order over the spatial axes.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.adaptive_max_pool3d(rt.ones((2, 3, 8, 8, 8)), 3).shape
        (2, 3, 3, 3, 3)
    """
    x, name = rt.asarray(x), "adaptive_max_pool3d"
    sizes = adaptive_sizes(name, output_size, 3)
    return over(
        name, 3, data_format, x, lambda x: adaptive_max_pool(name, x, sizes, return_indices)
    )
