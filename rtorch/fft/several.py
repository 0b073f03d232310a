"""Transforms along several axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtorch.core.array import Array
from rtorch.errors import AxisError, api
from rtorch.fft.arguments import (
    complex_numbers,
    fit,
    length_of,
    norm_of,
    numbers,
    places,
    real_numbers,
)
from rtorch.numpy.operands import ArrayLike
from rtorch.ops.fft import fft_p, irfft_p, rfft_p


@api
def fftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
         norm: str | None = None) -> Array:  # fmt: skip
    """The discrete Fourier transform along several axes.

    Args:
        x: Array of any dtype.
        s: The length along each of `axes`: `x` is cut off or filled up with zeros; -1 keeps the
            length, as None does for all.
        axes: The axes; by default all, or the last ``len(s)``.
        norm: Which direction divides by the number of elements: "backward" (or None) the inverse
            transform, "forward" this one, "ortho" both by its root.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`.

    Raises:
        AxisError: if there is no such axis, or one comes twice.
        ShapeError: if a length is 0, or `s` and `axes` are not equally long.
        ArgumentError: if there is no such `norm`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.fftn(rt.ones((2, 2))).real.tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    return _complex("fftn", x, s, axes, norm, inverse=False)


@api
def ifftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
          norm: str | None = None) -> Array:  # fmt: skip
    """The inverse of `fftn`.

    Args:
        x: Array of any dtype.
        s: The length along each of `axes`, as for `fftn`.
        axes: The axes; by default all, or the last ``len(s)``.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.ifftn(rt.asarray([[4.0, 0.0], [0.0, 0.0]])).real.tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return _complex("ifftn", x, s, axes, norm, inverse=True)


def _complex(name: str, x: Any, s: Any, axes: Any, norm: Any, *, inverse: bool) -> Array:
    norm, x = norm_of(norm, name), numbers(x, name)
    lengths, found = places(s, axes, x, name)
    if not found:
        return complex_numbers(x, name)
    wanted = [length_of(n, x.shape[a], name, "s") for n, a in zip(lengths, found)]
    return fft_p(fit(x, wanted, found), axes=tuple(found), inverse=inverse, norm=norm)


@api
def rfftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
          norm: str | None = None) -> Array:  # fmt: skip
    """`fftn` of real numbers, of which the last axis is the first half.

    Args:
        x: Real array.
        s: The length along each of `axes`, as for `fftn`.
        axes: The axes; by default all, or the last ``len(s)``.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`, and ``n // 2 + 1``
        along the last of them.

    Raises:
        DTypeError: if `x` is complex.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.rfftn(rt.ones((2, 4))).real.tolist()
        [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return _from_real("rfftn", x, s, axes, norm)


def _from_real(name: str, x: Any, s: Any, axes: Any, norm: Any) -> Array:
    norm, x = norm_of(norm, name), real_numbers(x, name)
    lengths, found = _some_places(s, axes, x, name)
    wanted = [length_of(n, x.shape[a], name, "s") for n, a in zip(lengths, found)]
    out: Array = rfft_p(fit(x, wanted, found), axis=found[-1], norm=norm)
    if len(found) == 1:
        return out
    return fft_p(out, axes=tuple(found[:-1]), inverse=False, norm=norm)


def _some_places(s: Any, axes: Any, x: Array, name: str) -> tuple[list[int | None], list[int]]:
    lengths, found = places(s, axes, x, name)
    if not found:
        raise AxisError(f"[{name}] axes: at least one axis is needed, for an array of {x.ndim}")
    return lengths, found


@api
def irfftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
           norm: str | None = None) -> Array:  # fmt: skip
    """The inverse of `rfftn`.

    Args:
        x: Array of any dtype; along the last of `axes` the first half of the coefficients.
        s: The length of the result along each of `axes`; the last is by default even,
            ``2 * (m - 1)`` for `m` coefficients.
        axes: The axes; by default all, or the last ``len(s)``.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Real array of the shape of `x`, but of lengths `s` along `axes`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.irfftn(rt.asarray([[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).tolist()
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    return _to_real("irfftn", x, s, axes, norm)


def _to_real(name: str, x: Any, s: Any, axes: Any, norm: Any) -> Array:
    norm, x = norm_of(norm, name), complex_numbers(x, name)
    lengths, found = _some_places(s, axes, x, name)
    last = found[-1]
    n = length_of(lengths[-1], 2 * (x.shape[last] - 1), name, "s")
    wanted = [length_of(m, x.shape[a], name, "s") for m, a in zip(lengths[:-1], found)]
    x = fit(x, [*wanted, n // 2 + 1], found)
    if wanted:
        x = fft_p(x, axes=tuple(found[:-1]), inverse=True, norm=norm)
    return irfft_p(x, axis=last, n=n, norm=norm)


@api
def fft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = (-2, -1),
         norm: str | None = None) -> Array:  # fmt: skip
    """`fftn` along two axes, by default the last two.

    Args:
        x: Array of any dtype.
        s: The length along each of `axes`, as for `fftn`.
        axes: The axes.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.fft2(rt.ones((3, 2, 2))).shape
        (3, 2, 2)
    """
    return _complex("fft2", x, s, axes, norm, inverse=False)


@api
def ifft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = (-2, -1),
          norm: str | None = None) -> Array:  # fmt: skip
    """`ifftn` along two axes, by default the last two; the inverse of `fft2`.

    Args:
        x: Array of any dtype.
        s: The length along each of `axes`, as for `fftn`.
        axes: The axes.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.ifft2(rt.asarray([[4.0, 0.0], [0.0, 0.0]])).real.tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return _complex("ifft2", x, s, axes, norm, inverse=True)


@api
def rfft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = (-2, -1),
          norm: str | None = None) -> Array:  # fmt: skip
    """`rfftn` along two axes, by default the last two.

    Args:
        x: Real array.
        s: The length along each of `axes`, as for `fftn`.
        axes: The axes.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Complex array of the shape of `x`, but of lengths `s` along `axes`, and ``n // 2 + 1``
        along the second.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.rfft2(rt.ones((2, 4))).real.tolist()
        [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return _from_real("rfft2", x, s, axes, norm)


@api
def irfft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = (-2, -1),
           norm: str | None = None) -> Array:  # fmt: skip
    """`irfftn` along two axes, by default the last two; the inverse of `rfft2`.

    Args:
        x: Array of any dtype.
        s: The length of the result along each of `axes`, as for `irfftn`.
        axes: The axes.
        norm: Which direction divides, as for `fftn`.

    Returns:
        Real array of the shape of `x`, but of lengths `s` along `axes`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.irfft2(rt.asarray([[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).tolist()
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    return _to_real("irfft2", x, s, axes, norm)
