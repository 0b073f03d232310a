"""The frequencies of the coefficients, and their order."""

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import DTypeError, api
from rtorch.fft.arguments import length_of
from rtorch.numpy.creation import float_dtype
from rtorch.numpy.operands import ArrayLike, Axis, axes_of, operand
from rtorch.numpy.ranges import arange
from rtorch.numpy.repeating import roll


@api
def fftfreq(n: int, /, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of the coefficients of `fft`: 0, the positive ones, then the negative ones.

    Args:
        n: The length of the transform.
        d: The distance of two samples; frequencies are in cycles per its unit.
        dtype: By default `default_dtype()`.
        device: By default the CPU.

    Returns:
        Shape ``(n,)``.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.fftfreq(4, d=0.5).tolist()
        [0.0, 0.5, -1.0, -0.5]
    """
    n = length_of(n, 0, "fftfreq")
    half = (n - 1) // 2 + 1
    k = roll(arange(half - n, half, dtype=_floating(dtype, "fftfreq"), device=device), half)
    return k / (n * d)


@api
def rfftfreq(n: int, /, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Array:
    """The frequencies of the coefficients of `rfft`, from 0 up.

    Args:
        n: The length of the transform.
        d: The distance of two samples; frequencies are in cycles per its unit.
        dtype: By default `default_dtype()`.
        device: By default the CPU.

    Returns:
        Shape ``(n // 2 + 1,)``.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.rfftfreq(4, d=0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    n = length_of(n, 0, "rfftfreq")
    return arange(n // 2 + 1, dtype=_floating(dtype, "rfftfreq"), device=device) / (n * d)


def _floating(dtype: Any, name: str) -> Any:
    found = float_dtype(dtype)
    if found not in dtypes.FLOATS:
        raise DTypeError(f"[{name}] dtype: expected a floating one, got {found}")
    return found


@api
def fftshift(x: ArrayLike, /, axes: Axis = None) -> Array:
    """`x` with frequency 0 moved from the start of each axis to its middle.

    Args:
        x: Array of any dtype.
        axes: An axis or several; by default all.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.fftshift(rt.fft.fftfreq(4)).tolist()
        [-0.5, -0.25, 0.0, 0.25]
    """
    x = operand(x, "fftshift")
    found = axes_of(axes, x.ndim, "fftshift", "axes")
    return roll(x, [x.shape[a] // 2 for a in found], found) if found else x


@api
def ifftshift(x: ArrayLike, /, axes: Axis = None) -> Array:
    """The inverse of `fftshift`.

    Args:
        x: Array of any dtype.
        axes: An axis or several; by default all.

    Example:
        >>> import rtorch as rt
        >>> rt.fft.ifftshift(rt.asarray([-0.5, -0.25, 0.0, 0.25])).tolist()
        [0.0, 0.25, -0.5, -0.25]
    """
    x = operand(x, "ifftshift")
    found = axes_of(axes, x.ndim, "ifftshift", "axes")
    return roll(x, [-(x.shape[a] // 2) for a in found], found) if found else x
