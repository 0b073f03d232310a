"""GlobalAvgPool, GlobalMaxPool: one number per channel."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, describe
from rtorch.nn.layer import Layer, stateless
from rtorch.nn.windows import check_format


def GlobalAvgPool(*, keepdims: bool = False, data_format: str = "NCHW") -> Layer:
    """The mean of each channel over all spatial axes.

    Args:
        keepdims: Whether the spatial axes stay, with length 1.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.GlobalAvgPool().apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3)
    """
    return _layer("GlobalAvgPool", rt.mean, keepdims, data_format)


def GlobalMaxPool(*, keepdims: bool = False, data_format: str = "NCHW") -> Layer:
    """The largest element of each channel; equal ones share the derivative.

    Args:
        keepdims: Whether the spatial axes stay, with length 1.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.GlobalMaxPool(keepdims=True).apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 1, 1)
    """
    return _layer("GlobalMaxPool", rt.max, keepdims, data_format)


def _layer(name: str, reduce: Any, keepdims: bool, data_format: str) -> Layer:
    last = check_format(name, data_format, 2)

    def call(params: Any, x: Any) -> Any:
        if x.ndim < 3:
            raise ShapeError(
                f"[{name}] x: expected a batch axis, channels and spatial axes, got {describe(x)}"
            )
        axes = tuple(range(1, x.ndim - 1) if last else range(2, x.ndim))
        return reduce(x, axis=axes, keepdims=keepdims)

    return stateless(None, call, name)
