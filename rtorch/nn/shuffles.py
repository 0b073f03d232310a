"""Channels and pixels that change places: pixel_shuffle, pixel_unshuffle, channel_shuffle."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.layer import Layer, stateless
from rtorch.nn.parameters import check_count
from rtorch.nn.windows import channels_first, channels_last, check_format


@api
def pixel_shuffle(x: Any, upscale_factor: int, *, data_format: str = "NCHW") -> rt.Array:
    """Groups of ``r * r`` channels become squares of ``r * r`` pixels.

    Args:
        x: Shape ``(..., channels * r * r, height, width)``.
        upscale_factor: The ``r``.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array of shape ``(..., channels, height * r, width * r)``.

    Raises:
        ShapeError: if the channels are no multiple of ``r * r``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.pixel_shuffle(rt.asarray([[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]]), 2).tolist()
        [[[1, 3, 2, 4], [5, 7, 6, 8]]]

    References:
        Shi et al. 2016 (arXiv:1609.05158).
    """
    return _shuffled("pixel_shuffle", rt.asarray(x), upscale_factor, data_format)


@api
def pixel_unshuffle(x: Any, downscale_factor: int, *, data_format: str = "NCHW") -> rt.Array:
    """Squares of ``r * r`` pixels become groups of ``r * r`` channels.

    Args:
        x: Shape ``(..., channels, height * r, width * r)``.
        downscale_factor: The ``r``.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array of shape ``(..., channels * r * r, height, width)``: `pixel_shuffle` undone.

    Raises:
        ShapeError: if height or width is no multiple of ``r``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.pixel_unshuffle(rt.asarray([[[1, 3, 2, 4], [5, 7, 6, 8]]]), 2).tolist()
        [[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]]
    """
    return _unshuffled("pixel_unshuffle", rt.asarray(x), downscale_factor, data_format)


@api
def channel_shuffle(x: Any, groups: int, *, data_format: str = "NCHW") -> rt.Array:
    """The first channels of all groups, then the second ones, and so on.

    Args:
        x: Shape ``(batch, channels, ...)``.
        groups: How many groups the channels are in.
        data_format: ``"NHWC"`` if the channels come last.

    Raises:
        ShapeError: if the channels are no multiple of `groups`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.channel_shuffle(rt.asarray([[1, 2, 3, 4]]), 2).tolist()
        [[1, 3, 2, 4]]

    References:
        Zhang et al. 2018 (arXiv:1707.01083).
    """
    return _mixed("channel_shuffle", rt.asarray(x), groups, data_format)


def PixelShuffle(upscale_factor: int, *, data_format: str = "NCHW") -> Layer:
    """The layer of `pixel_shuffle`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.PixelShuffle(2).apply({}, {}, rt.ones((1, 12, 4, 4)))[0].shape
        (1, 3, 8, 8)
    """
    return _layer("PixelShuffle", _shuffled, "upscale_factor", upscale_factor, data_format)


def PixelUnshuffle(downscale_factor: int, *, data_format: str = "NCHW") -> Layer:
    """The layer of `pixel_unshuffle`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.PixelUnshuffle(2).apply({}, {}, rt.ones((1, 3, 8, 8)))[0].shape
        (1, 12, 4, 4)
    """
    return _layer("PixelUnshuffle", _unshuffled, "downscale_factor", downscale_factor, data_format)


def ChannelShuffle(groups: int, *, data_format: str = "NCHW") -> Layer:
    """The layer of `channel_shuffle`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.ChannelShuffle(2).apply({}, {}, rt.asarray([[1, 2, 3, 4]]))[0].tolist()
        [[1, 3, 2, 4]]
    """
    return _layer("ChannelShuffle", _mixed, "groups", groups, data_format)


def _layer(name: str, function: Any, argument: str, number: int, data_format: str) -> Layer:
    check_count(name, argument, number)
    check_format(name, data_format, 2)
    return stateless(None, lambda params, x: function(name, x, number, data_format), name)


def _shuffled(name: str, x: Any, r: int, data_format: str) -> Any:
    check_count(name, "upscale_factor", r)
    last = check_format(name, data_format, 2)
    x = _with_channels_first(name, x, last)
    *lead, channels, h, w = x.shape
    if channels % (r * r):
        raise ShapeError(f"[{name}] x: expected channels in a multiple of {r * r}, got {channels}")
    c, k = channels // (r * r), len(lead)
    x = rt.reshape(x, (*lead, c, r, r, h, w))
    x = rt.transpose(x, (*range(k + 1), k + 3, k + 1, k + 4, k + 2))
    x = rt.reshape(x, (*lead, c, h * r, w * r))
    return channels_last(x, 2) if last else x


def _unshuffled(name: str, x: Any, r: int, data_format: str) -> Any:
    check_count(name, "downscale_factor", r)
    last = check_format(name, data_format, 2)
    x = _with_channels_first(name, x, last)
    *lead, c, height, width = x.shape
    if height % r or width % r:
        raise ShapeError(
            f"[{name}] x: expected height and width in a multiple of {r}, got {height} and {width}"
        )
    h, w, k = height // r, width // r, len(lead)
    x = rt.reshape(x, (*lead, c, h, r, w, r))
    x = rt.transpose(x, (*range(k + 1), k + 2, k + 4, k + 1, k + 3))
    x = rt.reshape(x, (*lead, c * r * r, h, w))
    return channels_last(x, 2) if last else x


def _with_channels_first(name: str, x: Any, last: bool) -> Any:
    if len(getattr(x, "shape", ())) < 3:
        raise ShapeError(f"[{name}] x: expected channels, height and width, got {describe(x)}")
    return channels_first(x, 2) if last else x


def _mixed(name: str, x: Any, groups: int, data_format: str) -> Any:
    check_count(name, "groups", groups)
    axis = -1 if check_format(name, data_format, 2) else 1
    if len(getattr(x, "shape", ())) < 2 or x.shape[axis] % groups:
        raise ShapeError(
            f"[{name}] x: expected a batch axis and channels in a multiple of groups={groups}, got "
            f"{describe(x)}"
        )
    axis %= x.ndim
    shape, c = x.shape, x.shape[axis]
    x = rt.reshape(x, (*shape[:axis], groups, c // groups, *shape[axis + 1 :]))
    return rt.reshape(rt.swapaxes(x, axis, axis + 1), shape)
