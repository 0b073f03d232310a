"""Transforms along one axis."""

from __future__ import annotations

from typing import Any

from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.fft.arguments import complex_numbers, fit, length_of, norm_of, numbers, real_numbers
from rtorch.numpy.operands import ArrayLike, axis_of
from rtorch.ops.convert import conj_p
from rtorch.ops.fft import SWAPPED, fft_p, irfft_p, rfft_p


@api
def fft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The discrete Fourier transform along an axis, ``y[k] = sum(x * exp(-2i pi k j / n))``.

    Args:
        x: Array of any dtype with at least one axis.
        n: The length of the transform: `x` is cut off or filled up with zeros; by default that
            of `x`.
        axis: The axis.
        norm: "backward" divides the inverse transform by `n`, "forward" this one, "ortho" both
            by the root of `n`. None is "backward".

    Returns:
        Complex array of the shape of `x`, but of length `n` along `axis`.

    Raises:
        AxisError: if there is no such axis.
        ShapeError: if the length is 0.
        ArgumentError: if there is no such `norm`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.fft(rt.asarray([1.0, 0.0, 0.0, 0.0])).real.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return _complex("fft", numbers(x, "fft"), n, axis, norm, inverse=False)


@api
def ifft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `fft` along an axis, ``y[j] = sum(x * exp(2i pi k j / n)) / n``.

    Args:
        x: Array of any dtype with at least one axis.
        n: The length of the transform, as for `fft`.
        axis: The axis.
        norm: Which direction divides, as for `fft`.

    Returns:
        Complex array of the shape of `x`, but of length `n` along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.ifft(rt.fft.fft(rt.asarray([1.0, 2.0, 3.0, 4.0]))).real.tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    return _complex("ifft", numbers(x, "ifft"), n, axis, norm, inverse=True)


def _complex(name: str, x: Array, n: Any, axis: Any, norm: Any, *, inverse: bool) -> Array:
    norm, axis = norm_of(norm, name), axis_of(axis, x.ndim, name)
    x = fit(x, [length_of(n, x.shape[axis], name)], [axis])
    return fft_p(x, axes=(axis,), inverse=inverse, norm=norm)


@api
def rfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The first half of `fft` of real numbers; the other half are conjugates of it.

    Args:
        x: Real array with at least one axis.
        n: The length of the transform, as for `fft`.
        axis: The axis.
        norm: Which direction divides, as for `fft`.

    Returns:
        Complex array of the shape of `x`, but of length ``n // 2 + 1`` along `axis`.

    Raises:
        DTypeError: if `x` is complex.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.rfft(rt.asarray([1.0, 2.0, 1.0, 2.0])).tolist()
        [(6+0j), 0j, (-2+0j)]
    """
    return _from_real("rfft", x, n, axis, norm_of(norm, "rfft"))


def _from_real(name: str, x: Any, n: Any, axis: Any, norm: str) -> Array:
    x = real_numbers(x, name)
    axis = axis_of(axis, x.ndim, name)
    x = fit(x, [length_of(n, x.shape[axis], name)], [axis])
    return rfft_p(x, axis=axis, norm=norm)


@api
def irfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `rfft`: real numbers from the first half of their coefficients.

    The imaginary parts of the first coefficient, and of the last for an even `n`, do not count.

    Args:
        x: Array of any dtype with at least one axis.
        n: The length of the result; by default even, ``2 * (m - 1)`` for `m` coefficients.
        axis: The axis.
        norm: Which direction divides, as for `fft`.

    Returns:
        Real array of the shape of `x`, but of length `n` along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.irfft(rt.asarray([6.0, 0.0, -2.0])).tolist()
        [1.0, 2.0, 1.0, 2.0]
    """
    return _to_real("irfft", complex_numbers(x, "irfft"), n, axis, norm_of(norm, "irfft"))


def _to_real(name: str, x: Array, n: Any, axis: Any, norm: str) -> Array:
    axis = axis_of(axis, x.ndim, name)
    n = length_of(n, 2 * (x.shape[axis] - 1), name)
    return irfft_p(fit(x, [n // 2 + 1], [axis]), axis=axis, n=n, norm=norm)


@api
def hfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """`fft` of numbers whose second half are conjugates of the first; the result is real.

    Args:
        x: The first half, array of any dtype with at least one axis.
        n: The length of the result; by default even, ``2 * (m - 1)`` for `m` numbers.
        axis: The axis.
        norm: Which direction divides, as for `fft`.

    Returns:
        Real array of the shape of `x`, but of length `n` along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.hfft(rt.asarray([1.0, 2.0, 1.0])).tolist()
        [6.0, 0.0, -2.0, 0.0]
    """
    z = conj_p(complex_numbers(x, "hfft"))
    return _to_real("hfft", z, n, axis, SWAPPED[norm_of(norm, "hfft")])


@api
def ihfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """The inverse of `hfft`: the first half of `ifft` of real numbers.

    Args:
        x: Real array with at least one axis.
        n: The length of the transform, as for `fft`.
        axis: The axis.
        norm: Which direction divides, as for `fft`.

    Returns:
        Complex array of the shape of `x`, but of length ``n // 2 + 1`` along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.ihfft(rt.asarray([6.0, 0.0, -2.0, 0.0])).real.tolist()
        [1.0, 2.0, 1.0]
    """
    return conj_p(_from_real("ihfft", x, n, axis, SWAPPED[norm_of(norm, "ihfft")]))
