"""Elementwise mathematics that is made of other functions."""

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.numpy.elementwise import abs, complex, imag, isnan, real, round, where
from rtorch.numpy.operands import ArrayLike, binary, floating, operand, promote
from rtorch.numpy.parts import real_floating
from rtorch.numpy.ufuncs import add, divide, equal, less, logaddexp, maximum, minimum, multiply, sin
from rtorch.ops.elementwise import pow_p

__all__ = [
    "around",
    "deg2rad",
    "degrees",
    "fabs",
    "float_power",
    "fmax",
    "fmin",
    "heaviside",
    "logaddexp2",
    "nan_to_num",
    "rad2deg",
    "radians",
    "sinc",
]


@api
def fabs(x: ArrayLike, /) -> Array:
    """The absolute value as a float; `abs` keeps integers.

    Example:
        >>> import rtorch as rt
        >>> float(rt.fabs(-3))
        3.0
    """
    return abs(real_floating(x, "fabs"))


@api
def float_power(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x to the power y in floating numbers: integers become floats first.

    Example:
        >>> import rtorch as rt
        >>> float(rt.float_power(2, -1))
        0.5
    """
    a, b = promote("float_power", x, y)
    out: Array = binary(pow_p, a, b, "float_power", inexact=True)
    return out


@api
def logaddexp2(x: ArrayLike, y: ArrayLike, /) -> Array:
    """``log2(2**x + 2**y)`` without overflow.

    Example:
        >>> import rtorch as rt
        >>> print(rt.logaddexp2(3.0, 3.0))
        4.0
    """
    a, b = (real_floating(z, "logaddexp2") for z in promote("logaddexp2", x, y))
    ln2 = math.log(2)
    return divide(logaddexp(multiply(a, ln2), multiply(b, ln2)), ln2)


@api
def deg2rad(x: ArrayLike, /) -> Array:
    """Degrees as radians.

    Example:
        >>> import rtorch as rt
        >>> print(rt.deg2rad(180.0))
        3.1415927
    """
    return multiply(real_floating(x, "deg2rad"), math.pi / 180)


@api
def rad2deg(x: ArrayLike, /) -> Array:
    """Radians as degrees.

    Example:
        >>> import rtorch as rt
        >>> print(rt.rad2deg(rt.pi))
        180.0
    """
    return multiply(real_floating(x, "rad2deg"), 180 / math.pi)


def _ignoring_nan(name: str, choose: Any, x: Any, y: Any) -> Array:
    a, b = promote(name, x, y)
    return where(isnan(a), b, where(isnan(b), a, choose(a, b)))


@api
def fmax(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The larger of x and y; nan only if both are. `maximum` is nan if either is.

    Complex numbers are compared by their real parts, equal ones by their imaginary parts.

    Example:
        >>> import rtorch as rt
        >>> float(rt.fmax(1.0, rt.nan))
        1.0
    """
    return _ignoring_nan("fmax", maximum, x, y)


@api
def fmin(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The smaller of x and y; nan only if both are. `minimum` is nan if either is.

    Example:
        >>> import rtorch as rt
        >>> float(rt.fmin(1.0, rt.nan))
        1.0
    """
    return _ignoring_nan("fmin", minimum, x, y)


@api
def heaviside(x: ArrayLike, y: ArrayLike, /) -> Array:
    """The step function of x: 0 below 0, 1 above, and y at 0 itself.

    Example:
        >>> import rtorch as rt
        >>> rt.heaviside(rt.asarray([-1.0, 0.0, 2.0]), 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    a, at_zero = (real_floating(z, "heaviside") for z in promote("heaviside", x, y))
    step = where(less(a, 0), 0.0, where(isnan(a), math.nan, 1.0))
    return where(equal(a, 0), at_zero, step)


@api
def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> Array:
    """x with numbers in the place of nan and the infinities.

    Args:
        x: An array; of complex numbers, both parts are replaced.
        copy: Exists for NumPy's sake; an immutable array needs no copy.
        nan: Instead of nan.
        posinf: Instead of inf; by default the largest number of the dtype.
        neginf: Instead of -inf; by default the smallest.

    Example:
        >>> import rtorch as rt
        >>> rt.nan_to_num(rt.asarray([rt.nan, rt.inf, 1.0]), posinf=9.0).tolist()
        [0.0, 9.0, 1.0]
    """
    a = operand(x, "nan_to_num")
    if a.dtype in dtypes.COMPLEXES:
        parts = [nan_to_num(part, copy, nan, posinf, neginf) for part in (real(a), imag(a))]
        return complex(*parts)
    if a.dtype not in dtypes.FLOATS:
        return a
    limits = dtypes.finfo(a.dtype)
    a = where(isnan(a), nan, a)
    a = where(equal(a, math.inf), float(limits.max) if posinf is None else posinf, a)
    return where(equal(a, -math.inf), float(limits.min) if neginf is None else neginf, a)


# Of sin(y) / y: one over the factorials of odd numbers, with changing signs, as many as float64
# needs up to y = 1.
_SERIES = [(-1) ** k / math.factorial(2 * k + 1) for k in reversed(range(11))]


@api
def sinc(x: ArrayLike, /) -> Array:
    """``sin(pi x) / (pi x)``, and 1 at 0.

    Near 0 it is its Taylor series, so that derivatives of every order are exact there too.

    Example:
        >>> import rtorch as rt
        >>> float(rt.sinc(0.0)), float(rt.grad(rt.grad(rt.sinc))(0.0))
        (1.0, -3.28987)
    """
    y = multiply(floating(x, "sinc"), math.pi)
    small = less(abs(y), 1)
    away = where(small, 1.0, y)
    square = multiply(*[where(small, y, 0.0)] * 2)
    near: Any = _SERIES[0]
    for coefficient in _SERIES[1:]:
        near = add(multiply(near, square), coefficient)
    return where(small, near, divide(sin(away), away))


around, degrees, radians = round, rad2deg, deg2rad
