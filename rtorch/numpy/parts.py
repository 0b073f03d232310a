"""Numbers taken apart: quotient and rest, whole and fraction, mantissa and exponent, divisors."""

from __future__ import annotations

import math

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import DTypeError, api
from rtorch.numpy.declare import binary_function as _binary
from rtorch.numpy.elementwise import isinf, where
from rtorch.numpy.operands import (
    ArrayLike,
    broadcast,
    broadcast_shapes,
    convert,
    floating,
    operand,
)
from rtorch.numpy.ufuncs import copysign, floor_divide, nextafter, remainder, subtract, trunc
from rtorch.ops.parts import frexp_p, gcd_p, lcm_p, ldexp_p

__all__ = ["divmod", "fix", "frexp", "gcd", "lcm", "ldexp", "modf", "spacing"]


def real_floating(x: ArrayLike, name: str) -> Array:
    """`x` as an Array of real floating numbers."""
    a = floating(x, name)
    if a.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[{name}] x: expected real numbers, got {a.dtype}")
    return a


gcd = _binary("gcd", gcd_p, "The greatest common divisor of two integers, never negative.",
              "int(rt.gcd(12, 18)) -> 6", only=dtypes.INTEGERS, literals=False)  # fmt: skip
lcm = _binary("lcm", lcm_p, "The least common multiple of two integers, never negative.",
              "int(rt.lcm(4, 6)) -> 12", only=dtypes.INTEGERS, literals=False)  # fmt: skip


@api
def divmod(x: ArrayLike, y: ArrayLike, /) -> tuple[Array, Array]:
    """The quotient rounded down, and the rest: ``(x // y, x % y)``.

    Example:
        >>> import rtorch as rt
        >>> rt.divmod(7, -2)
        (Array(-4, dtype=int64), Array(-1, dtype=int64))
    """
    return floor_divide(x, y), remainder(x, y)


@api
def fix(x: ArrayLike, /) -> Array:
    """x rounded towards 0.

    Example:
        >>> import rtorch as rt
        >>> float(rt.fix(-1.7))
        -1.0
    """
    return trunc(x)


@api
def modf(x: ArrayLike, /) -> tuple[Array, Array]:
    """The fraction and the whole part of x, both with its sign.

    Example:
        >>> import rtorch as rt
        >>> fraction, whole = rt.modf(-2.5)
        >>> float(fraction), float(whole)
        (-0.5, -2.0)
    """
    a = real_floating(x, "modf")
    whole = trunc(a)
    infinite = isinf(a)
    fraction = where(infinite, 0.0, subtract(a, where(infinite, 0.0, whole)))
    return copysign(fraction, a), whole


@api
def frexp(x: ArrayLike, /) -> tuple[Array, Array]:
    """The mantissa m, of a size from 0.5 to 1, and the integer e for which ``x = m * 2**e``.

    Returns:
        The mantissa in the dtype of x (integers become floats), the exponent as int32.

    Example:
        >>> import rtorch as rt
        >>> mantissa, exponent = rt.frexp(6.0)
        >>> float(mantissa), int(exponent)
        (0.75, 3)
    """
    mantissa, exponent = frexp_p(real_floating(x, "frexp"))
    return mantissa, exponent


@api
def ldexp(x: ArrayLike, i: ArrayLike, /) -> Array:
    """``x * 2**i``, also where the power alone would overflow; the inverse of `frexp`.

    Args:
        x: Real array; integers become floats.
        i: Integer array; shapes broadcast.

    Example:
        >>> import rtorch as rt
        >>> float(rt.ldexp(0.75, 3))
        6.0
    """
    a, power = real_floating(x, "ldexp"), operand(i, "ldexp")
    if power.dtype not in dtypes.INTEGERS:
        raise DTypeError(f"[ldexp] i: expected integers, got {power.dtype}")
    shape = broadcast_shapes("ldexp", a.shape, power.shape)
    out: Array = ldexp_p(broadcast(a, shape), broadcast(convert(power, dtypes.int32), shape))
    return out


@api
def spacing(x: ArrayLike, /) -> Array:
    """The distance from x to the next number away from 0, with the sign of x.

    Example:
        >>> import rtorch as rt
        >>> float(rt.spacing(rt.asarray(1.0))) == float(rt.finfo(rt.float32).eps)
        True
    """
    a = real_floating(x, "spacing")
    return subtract(nextafter(a, copysign(math.inf, a)), a)
