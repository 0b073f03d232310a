"""LocalResponseNorm: each channel divided by what its neighbours amount to."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, describe
from rtorch.nn.layer import Layer, Params, stateless
from rtorch.nn.parameters import check_count


def LocalResponseNorm(
    size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """``x / (k + alpha * mean of x ** 2 over size neighbouring channels) ** beta``.

    Beyond the first and the last channel there are zeros, which count.

    Args:
        size: How many channels, of which the one itself is the middle.
        alpha: A factor.
        beta: An exponent.
        k: What is added.
        data_format: ``"NHWC"`` if the channels come last.

    Raises:
        ShapeError: if the input has no axes behind batch and channels.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.LocalResponseNorm(2, alpha=1.5, beta=0.5)
        >>> layer.apply({}, {}, rt.asarray([[[2.0], [0.0], [2.0]]]))[0].tolist()
        [[[1.0], [0.0], [1.0]]]

    References:
        Krizhevsky et al. 2012, section 3.3 (there with a sum, here as in PyTorch with a mean).
    """
    check_count("LocalResponseNorm", "size", size)
    if data_format not in ("NCHW", "NHWC"):
        raise ArgumentError(
            f"[LocalResponseNorm] data_format: expected 'NCHW' or 'NHWC', got {data_format!r}"
        )

    def call(params: Params, x: Any) -> rt.Array:
        if len(getattr(x, "shape", ())) < 3:
            raise ShapeError(
                "[LocalResponseNorm] x: expected a batch axis, channels and spatial axes, got "
                f"{describe(x)}"
            )
        axis = x.ndim - 1 if data_format == "NHWC" else 1
        around = [(0, 0)] * x.ndim
        around[axis] = (size // 2, (size - 1) // 2)
        squares, n = rt.pad(x * x, around), x.shape[axis]
        each = [squares[(slice(None),) * axis + (slice(i, i + n),)] for i in range(size)]
        return x / (k + alpha / size * sum(each)) ** beta

    return stateless(None, call)
