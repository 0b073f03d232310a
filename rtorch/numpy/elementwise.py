"""Elementwise functions with more to them than one primitive."""

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.errors import ArgumentError, DTypeError, api
from rtorch.numpy.declare import Unary, document
from rtorch.numpy.operands import (
    ArrayLike,
    binary,
    broadcast,
    broadcast_shapes,
    convert,
    floating,
    integer_of,
    operand,
    promote,
)
from rtorch.numpy.ufuncs import add, atan2, equal, less_equal, multiply, subtract
from rtorch.ops import comparison as cmp, elementwise as ew
from rtorch.ops.base import mul_p
from rtorch.ops.convert import complex_p, conj_p, imag_p, real_p, stop_gradient_p
from rtorch.ops.creation import full_p

_INEXACT = dtypes.INEXACT

__all__ = [
    "abs",
    "absolute",
    "allclose",
    "angle",
    "astype",
    "clip",
    "complex",
    "conj",
    "conjugate",
    "imag",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "positive",
    "pow",
    "power",
    "real",
    "reciprocal",
    "round",
    "signbit",
    "square",
    "stop_gradient",
    "where",
]


@api
def positive(x: ArrayLike, /) -> Array:
    """x itself.

    Example:
        >>> import rtorch as rt
        >>> int(rt.positive(2))
        2
    """
    return operand(x, "positive")


@api
def abs(x: ArrayLike, /) -> Array:
    """The absolute value; of complex numbers the (real) modulus. Its slope at 0 is 0.

    Example:
        >>> import rtorch as rt
        >>> float(rt.abs(3 - 4j))
        5.0
    """
    a = operand(x, "abs")
    return a if a.dtype is dtypes.bool_ or a.dtype in dtypes.UNSIGNED else ew.abs_p(a)


@api
def square(x: ArrayLike, /) -> Array:
    """x * x.

    Example:
        >>> import rtorch as rt
        >>> int(rt.square(3))
        9
    """
    a = operand(x, "square")
    return mul_p(a, a)


@api
def reciprocal(x: ArrayLike, /) -> Array:
    """1 / x; integers become floats.

    Example:
        >>> import rtorch as rt
        >>> float(rt.reciprocal(4))
        0.25
    """
    return ew.div_p(1, floating(x, "reciprocal"))


@api
def power(x: ArrayLike, y: ArrayLike, /) -> Array:
    """x to the power y.

    A Python integer as exponent keeps the dtype of x and is computed by multiplication.

    Example:
        >>> import rtorch as rt
        >>> rt.power(rt.asarray([1.0, 2.0, 3.0]), 2).tolist()
        [1.0, 4.0, 9.0]
    """
    if type(y) is int and isinstance(x, Array) and x.dtype is not dtypes.bool_:
        if x.dtype in _INEXACT:
            power: Array = ew.integer_pow_p(x, y=y if y >= 0 else -y)
            return power if y >= 0 else ew.div_p(1, power)
        if y < 0:
            raise DTypeError(f"[power] {x.dtype} to the negative power {y}: convert x to a float")
    a, b = promote("power", x, y)
    if a.dtype is dtypes.bool_:
        a, b = (convert(z, dtypes.int8) for z in (a, b))  # as NumPy has it
    if a.dtype in _INEXACT:
        return binary(ew.pow_p, a, b, "power")
    return binary(ew.floor_power_p, a, b, "power")


@api
def round(x: ArrayLike, /, decimals: int = 0) -> Array:
    """x rounded to `decimals` places, halves to the even neighbour.

    Example:
        >>> import rtorch as rt
        >>> float(rt.round(2.5))
        2.0
    """
    a = operand(x, "round")
    decimals = integer_of(decimals, "round", "decimals")
    if a.dtype not in _INEXACT:
        return a if decimals >= 0 or a.dtype is dtypes.bool_ else _round_integers(a, -decimals)
    if decimals == 0:
        return ew.round_p(a)
    scale = 10.0 ** math.fabs(decimals)
    there, back = (mul_p, ew.div_p) if decimals > 0 else (ew.div_p, mul_p)
    return back(ew.round_p(there(a, scale)), scale)


def _round_integers(a: Array, places: int) -> Array:
    """Integers rounded to multiples of ``10**places``, halves to the even multiple."""
    wide = a.dtype if a.dtype is dtypes.uint64 else dtypes.int64
    if places > 18:  # no such multiple but 0
        return convert(mul_p(convert(a, wide), 0), a.dtype)
    unit = 10**places
    whole = convert(a, wide) // unit
    twice = 2 * (convert(a, wide) - whole * unit)
    up = (twice > unit) | ((twice == unit) & (whole % 2 == 1))
    return convert((whole + convert(up, wide)) * unit, a.dtype)


@api
def clip(
    x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None
) -> Array:  # the standard's names
    """x, but at least `min` and at most `max` (None: no limit).

    Example:
        >>> import rtorch as rt
        >>> rt.clip(rt.arange(5), 1, 3).tolist()
        [1, 1, 2, 3, 3]
    """
    out: Any = operand(x, "clip")
    if min is not None:
        out = binary(ew.maximum_p, out, min, "clip")
    if max is not None:
        out = binary(ew.minimum_p, out, max, "clip")
    return out


@api
def where(
    condition: ArrayLike,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    /,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """x where `condition` holds, y elsewhere; all three broadcast.

    The branch not taken contributes nothing to the derivative, also where its own is infinite.
    Without x and y: the indices where `condition` holds, as `nonzero` with `size` and
    `fill_value` has them.

    Example:
        >>> import rtorch as rt
        >>> rt.where(rt.asarray([True, False]), 1, 2).tolist()
        [1, 2]
    """
    if x is None or y is None:
        return _places(condition, x, y, size, fill_value)
    chosen = operand(condition, "where")
    if chosen.dtype is not dtypes.bool_:
        chosen = cmp.ne_p(chosen, 0)
    a, b = promote("where", x, y)
    shape = broadcast_shapes("where", chosen.shape, a.shape, b.shape)
    return cmp.select_p(*[broadcast(z, shape) for z in (chosen, a, b)])


def _places(condition: Any, x: Any, y: Any, size: Any, fill_value: Any) -> Any:
    if x is not None or y is not None:
        raise ArgumentError("[where] expected both x and y, or neither")
    from rtorch.numpy.searching import nonzero

    return nonzero(condition, size=size, fill_value=fill_value)


def _truth(x: Any, name: str) -> Array:
    x = operand(x, name)
    return x if x.dtype is dtypes.bool_ else cmp.ne_p(x, 0)


@api
def logical_not(x: ArrayLike, /) -> Array:
    """Whether x is zero or False.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.logical_not(0))
        True
    """
    return cmp.not_p(_truth(x, "logical_not"))


@api
def logical_and(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether both are nonzero.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.logical_and(1, 0))
        False
    """
    return binary(cmp.and_p, _truth(x, "logical_and"), _truth(y, "logical_and"), "logical_and")


@api
def logical_or(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether either is nonzero.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.logical_or(1, 0))
        True
    """
    return binary(cmp.or_p, _truth(x, "logical_or"), _truth(y, "logical_or"), "logical_or")


@api
def logical_xor(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Whether exactly one is nonzero.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.logical_xor(1, 1))
        False
    """
    return binary(cmp.xor_p, _truth(x, "logical_xor"), _truth(y, "logical_xor"), "logical_xor")


def _test(name: str, prim: Primitive, exact: bool, summary: str, example: str) -> Unary:
    """A predicate of floating numbers; integers give `exact` everywhere."""

    @api
    def function(x: Any, /) -> Any:
        x = operand(x, name)
        if x.dtype in _INEXACT:
            return prim(x)
        same = cmp.eq_p(x, x)
        return same if exact else cmp.not_p(same)

    document(function, name, summary, example, "Args:\n    x: Array of any shape.")
    return function


isnan = _test("isnan", cmp.is_nan_p, False, "Whether x is not a number.",
              "bool(rt.isnan(float('nan'))) -> True")  # fmt: skip
isinf = _test("isinf", cmp.is_inf_p, False, "Whether x is infinite.",
              "bool(rt.isinf(float('inf'))) -> True")  # fmt: skip
isfinite = _test("isfinite", cmp.is_finite_p, True, "Whether x is neither infinite nor nan.",
                 "bool(rt.isfinite(1.0)) -> True")  # fmt: skip


@api
def signbit(x: ArrayLike, /) -> Array:
    """Whether the sign bit is set (also of -0.0).

    Example:
        >>> import rtorch as rt
        >>> bool(rt.signbit(-0.0))
        True
    """
    a = operand(x, "signbit")
    if a.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[signbit] is not defined for {a.dtype}: it takes real numbers")
    return cmp.signbit_p(a) if a.dtype in dtypes.FLOATS else cmp.lt_p(a, 0)


@api
def real(x: ArrayLike, /) -> Array:
    """The real part.

    Example:
        >>> import rtorch as rt
        >>> float(rt.real(1 + 2j))
        1.0
    """
    a = operand(x, "real")
    return real_p(a) if a.dtype in dtypes.COMPLEXES else a


@api
def imag(x: ArrayLike, /) -> Array:
    """The imaginary part, 0 for real x.

    Example:
        >>> import rtorch as rt
        >>> float(rt.imag(1 + 2j))
        2.0
    """
    a = operand(x, "imag")
    return imag_p(a) if a.dtype in dtypes.COMPLEXES else full_p(
        shape=a.shape, value=0, dtype=a.dtype, device=a.device
    )  # fmt: skip


@api
def conj(x: ArrayLike, /) -> Array:
    """The complex conjugate.

    Example:
        >>> import rtorch as rt
        >>> rt.conj(1 + 2j).item()
        (1-2j)
    """
    a = operand(x, "conj")
    return conj_p(a) if a.dtype in dtypes.COMPLEXES else a


@api
def complex(real: ArrayLike, imag: ArrayLike, /) -> Array:
    """real + 1j * imag.

    Example:
        >>> import rtorch as rt
        >>> rt.complex(rt.ones(1), rt.ones(1)).dtype
        dtype('complex64')
    """
    a, b = (floating(z, "complex") for z in promote("complex", real, imag))
    shape = broadcast_shapes("complex", a.shape, b.shape)
    return complex_p(broadcast(a, shape), broadcast(b, shape))


@api
def angle(x: ArrayLike, /) -> Array:
    """The argument of a complex number, in radians.

    Example:
        >>> import rtorch as rt
        >>> print(rt.angle(1j))
        1.5707964
    """
    a = operand(x, "angle")
    return atan2(imag(a), real(a))


@api
def astype(x: ArrayLike, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """x converted to `dtype`; complex to real drops the imaginary part.

    Args:
        x: Array.
        dtype: The wanted dtype.
        copy: Exists for the standard's sake; an immutable array needs no copy.
        device: Where the result is to be; by default where x is.

    Example:
        >>> import rtorch as rt
        >>> rt.astype(rt.asarray([1.7]), rt.int32).tolist()
        [1]
    """
    out = convert(operand(x, "astype"), dtypes.canonical(dtype))
    return out if device is None else out.to(device)


@api
def stop_gradient(x: Any) -> Any:
    """x as a constant: the derivative through it is zero.

    Args:
        x: Array or pytree of arrays.

    Example:
        >>> import rtorch as rt
        >>> float(rt.grad(lambda x: x * rt.stop_gradient(x))(3.0))
        3.0
    """
    from rtorch.core import tree

    return tree.map(lambda leaf: stop_gradient_p(operand(leaf, "stop_gradient")), x)


@api
def isclose(
    x: ArrayLike, y: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether ``|x - y| <= atol + rtol * |y|``, element by element.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.isclose(1.0, 1.000001))
        True
    """
    a, b = promote("isclose", x, y)
    if a.dtype not in _INEXACT:
        a, b = floating(a, "isclose"), floating(b, "isclose")
    near = less_equal(abs(subtract(a, b)), add(multiply(abs(b), rtol), atol))
    close = logical_or(equal(a, b), logical_and(near, isfinite(b)))
    return logical_or(close, logical_and(isnan(a), isnan(b))) if equal_nan else close


@api
def allclose(
    x: ArrayLike, y: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether all elements are close (see `isclose`).

    Example:
        >>> import rtorch as rt
        >>> bool(rt.allclose([1.0, 2.0], [1.0, 2.0]))
        True
    """
    from rtorch.ops.reduction import reduce_and_p

    close = isclose(x, y, rtol, atol, equal_nan)
    return reduce_and_p(close, axes=tuple(range(close.ndim)))


# NumPy's spellings of the standard's names.
absolute, pow, conjugate = abs, power, conj
