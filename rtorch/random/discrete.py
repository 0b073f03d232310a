"""Samplers of discrete distributions."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy import random_bits as raw
from rtorch.random.arguments import fitting
from rtorch.random.continuous import gumbel, uniform

__all__ = ["bernoulli", "categorical", "rademacher", "randint"]

_UNSIGNED = {4: rt.uint32, 8: rt.uint64}


@api
def randint(key: rt.Array, shape: Any, minval: Any, maxval: Any, dtype: Any = None) -> rt.Array:
    """Integers distributed evenly over minval, minval + 1, ..., maxval - 1.

    The bias is at most ``span / 2**32`` (``2**64`` for 64-bit types): two words are drawn for
    each number. Where an array of bounds has ``maxval <= minval`` the result is `minval`.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        minval: The least result, an integer or an array of them that broadcasts to `shape`.
        maxval: One above the largest result, likewise; bounds beyond `dtype` are clipped to it.
        dtype: An integer dtype; by default int32.

    Raises:
        ArgumentError: if the bounds are numbers and ``maxval <= minval``.
        DTypeError: if `dtype` or a bound is not integer.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.randint(rt.random.key(0), (100,), 0, 6)
        >>> int(x.min()), int(x.max())
        (0, 5)
    """
    kind = rt.result_type(rt.int32 if dtype is None else dtype)
    if not rt.isdtype(kind, "integral"):
        raise DTypeError(f"[randint] dtype: expected an integer dtype, got {kind}")
    shape = raw.check_shape(shape, "randint")
    wide = kind if kind.itemsize >= 4 else rt.result_type(rt.int32)
    bits = _UNSIGNED[wide.itemsize]
    first, second = raw.split(key, 2, "randint")
    high = raw.random_bits(first, shape, bits, "randint")
    low = raw.random_bits(second, shape, bits, "randint")
    if isinstance(minval, int) and isinstance(maxval, int):
        start, span = _bounds(minval, maxval, kind)
        offset = _offset_static(high, low, span, 8 * wide.itemsize)
        # Unsigned arithmetic goes round as two's complement does.
        return (offset + start % 2 ** (8 * wide.itemsize)).astype(wide).astype(kind)
    starts, spans = _array_bounds(minval, maxval, kind, wide, shape, high.device)
    return (starts + _offset(high, low, spans.astype(bits)).astype(wide)).astype(kind)


def _bounds(minval: int, maxval: int, kind: Any) -> tuple[int, int]:
    """The start and the length of the range, within the dtype."""
    if maxval <= minval:
        raise ArgumentError(f"[randint] expected minval < maxval, got {minval} and {maxval}")
    limits = rt.iinfo(kind)
    start = min(max(minval, int(limits.min)), int(limits.max))
    return start, max(min(maxval, int(limits.max) + 1) - start, 1)


def _offset_static(high: rt.Array, low: rt.Array, span: int, width: int) -> rt.Array:
    """``(high * 2**width + low) % span`` for a Python integer `span`."""
    if span == 2**width:
        return low
    multiplier = (2 ** (width // 2) % span) ** 2 % 2**width % span
    return ((high % span) * multiplier + low % span) % span


def _array_bounds(
    minval: Any, maxval: Any, kind: Any, wide: Any, shape: tuple[int, ...], device: Any
) -> tuple[rt.Array, rt.Array]:
    limits = rt.iinfo(kind)
    low, high = rt.asarray(minval, device=device), rt.asarray(maxval, device=device)
    for x, argument in ((low, "minval"), (high, "maxval")):
        if not rt.isdtype(x.dtype, "integral"):
            raise DTypeError(f"[randint] {argument}: expected integers, got {describe(x)}")
        fitting(x, shape, "randint", argument)
    above = high > int(limits.max) if limits.max <= rt.iinfo(high.dtype).max else high != high
    start, stop = _clipped(low, limits, wide), _clipped(high, limits, wide)
    span = rt.where(high <= low, 1, stop - start)
    return start, span + (above & (high > low)).astype(wide)


def _clipped(x: rt.Array, limits: Any, dtype: Any) -> rt.Array:
    """`x` as `dtype`, values beyond the limits brought to them."""
    own = rt.iinfo(x.dtype)
    return rt.clip(
        x, max(int(limits.min), int(own.min)), min(int(limits.max), int(own.max))
    ).astype(dtype)


def _offset(high: rt.Array, low: rt.Array, span: rt.Array) -> rt.Array:
    """As `_offset_static` for an array; a span of 0 is the whole range."""
    width = 8 * span.dtype.itemsize
    some = rt.where(span == 0, 1, span)
    multiplier = rt.full_like(some, 2 ** (width // 2)) % some
    multiplier = multiplier * multiplier % some
    return rt.where(span == 0, low, ((high % some) * multiplier + low % some) % some)


@api
def bernoulli(key: rt.Array, p: Any = 0.5, shape: Any = None, mode: str = "low") -> rt.Array:
    """True with probability `p`.

    Args:
        key: A key, uint32 of shape (2,).
        p: The probability, a number or a floating array.
        shape: Shape of the result, to which that of `p` broadcasts; by default that of `p`.
        mode: ``"low"`` compares p with one number, whose steps are those of a mantissa;
            ``"high"`` with one of twice as many bits, for probabilities close to 0.

    Raises:
        ArgumentError: if there is no such mode.
        DTypeError: if `p` is an array of a dtype that is not floating.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.bernoulli(rt.random.key(0), 0.9, (1000,))
        >>> 850 < int(x.sum()) < 950
        True
    """
    if mode not in ("low", "high"):
        raise ArgumentError(f"[bernoulli] mode: expected 'low' or 'high', got {describe(mode)}")
    if isinstance(p, (int, float)):
        shape = () if shape is None else shape
        if mode == "low":
            return uniform(key, shape) < float(p)
        p = float(p)
    p = rt.asarray(p)
    if not rt.isdtype(p.dtype, "real floating"):
        raise DTypeError(f"[bernoulli] p: expected floating probabilities, got {describe(p)}")
    shape = p.shape if shape is None else raw.check_shape(shape, "bernoulli")
    fitting(p, shape, "bernoulli", "p")
    if mode == "low":
        return uniform(key, shape, p.dtype) < p
    high, low = uniform(key, (2, *shape), p.dtype)
    return low * float(rt.finfo(p.dtype).eps) < p - high


@api
def rademacher(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """-1 or 1 with equal probability.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: A signed or floating dtype; by default int32.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.rademacher(rt.random.key(0), (4,))
        >>> (x * x).tolist()
        [1, 1, 1, 1]
    """
    return 2 * bernoulli(key, 0.5, shape).astype(rt.int32 if dtype is None else dtype) - 1


@api
def categorical(
    key: rt.Array,
    logits: Any,
    axis: int = -1,
    shape: Any = None,
    replace: bool = True,
    mode: str | None = None,
) -> rt.Array:
    """Places along `axis`, drawn with probability ``softmax(logits)``.

    The place of the largest of ``logits + gumbel noise`` has this distribution; the places of the
    largest are drawn without replacement.

    Args:
        key: A key, uint32 of shape (2,).
        logits: Logarithms of probabilities up to a constant, a floating array.
        axis: The axis of the categories.
        shape: Shape of the result: any axes, then those of `logits` without `axis`; by default
            only these.
        replace: Whether a place can be drawn again; if not, those along the first axes of `shape`
            are all different.
        mode: That of `gumbel`.

    Returns:
        int64, of shape `shape`.

    Raises:
        ArgumentError: if more places are to be drawn than there are, without replacement.
        ShapeError: if `shape` does not end with the shape of `logits` without `axis`.

    Example:
        >>> import rtorch as rt
        >>> logits = rt.asarray([1.0, -rt.inf, 0.0])
        >>> sorted(set(rt.random.categorical(rt.random.key(0), logits, shape=(50,)).tolist()))
        [0, 2]
    """
    logits = rt.asarray(logits)
    if not logits.ndim or not rt.isdtype(logits.dtype, "real floating"):
        raise DTypeError(
            f"[categorical] logits: expected a floating array of one axis or more, got "
            f"{describe(logits)}"
        )
    if not -logits.ndim <= axis < logits.ndim:
        raise ShapeError(f"[categorical] axis {axis} is out of range for {describe(logits)}")
    place = axis % logits.ndim
    batch = logits.shape[:place] + logits.shape[place + 1 :]
    shape = batch if shape is None else raw.check_shape(shape, "categorical")
    lead = len(shape) - len(batch)
    if lead < 0 or not raw.broadcasts_to(batch, shape[lead:]):
        raise ShapeError(
            f"[categorical] shape: {shape} does not end with {batch}, the shape of the logits "
            f"without axis {axis}"
        )
    if not replace:
        return _different(key, logits, place, shape, mode)
    full = list(shape[lead:])
    full.insert(place, logits.shape[place])
    noise = gumbel(key, (*shape[:lead], *full), logits.dtype, mode)
    return rt.argmax(noise + logits, axis=place - logits.ndim)


def _different(key: Any, logits: rt.Array, axis: int, shape: Any, mode: str | None) -> rt.Array:
    """Places along `axis` without replacement, in an array of `shape`."""
    batch = logits.shape[:axis] + logits.shape[axis + 1 :]
    lead = shape[: len(shape) - len(batch)]
    count, size = math.prod(lead), logits.shape[axis]
    if shape[len(lead) :] != batch:
        raise ShapeError(
            f"[categorical] shape: {shape} does not end with {batch}, the shape of the logits "
            "without the axis of the categories; with replace=False they do not broadcast"
        )
    if count > size:
        raise ArgumentError(
            f"[categorical] cannot draw {count} of {size} categories; replace=True draws "
            "categories repeatedly"
        )
    noisy = logits + gumbel(key, logits.shape, logits.dtype, mode)
    places = rt.top_k(rt.moveaxis(noisy, axis, -1), count)[1]
    return rt.moveaxis(places, -1, 0).reshape(shape)
