"""Elementwise functions: promotion and broadcasting in front of one primitive each.

They are declared in tables: name, primitive, what it computes, an example. Integers become
floats where the result is one; operands of several dtypes are promoted (`promote_types`), shapes
broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.core.trace import state
from rtorch.errors import DTypeError, api, hide_internal_frames
from rtorch.numpy.operands import (
    ArrayLike,
    binary,
    broadcast,
    broadcast_shapes,
    common_dtype,
    convert,
    floating,
    operand,
    promote,
)
from rtorch.ops import comparison as cmp
from rtorch.ops import elementwise as ew
from rtorch.ops.base import add_p, mul_p, neg_p, sub_p
from rtorch.ops.convert import complex_p, conj_p, imag_p, real_p, stop_gradient_p
from rtorch.ops.creation import full_p

Unary: TypeAlias = Callable[[ArrayLike], Array]
Binary: TypeAlias = Callable[[ArrayLike, ArrayLike], Array]

_INEXACT = dtypes.INEXACT


def _document(function: Any, name: str, summary: str, example: str, takes: str) -> None:
    call, _, result = example.partition(" -> ")
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"{summary}\n\n{takes}\n\n"
        f"Example:\n    >>> import rtorch as rt\n    >>> {call}\n    {result}\n"
    )


def _math(name: str, prim: Primitive, summary: str, example: str) -> Unary:
    """A function of one floating or complex array; integers become floats."""

    def function(x: Any, /) -> Any:
        try:
            if not isinstance(x, Array) or x.dtype not in _INEXACT:
                x = floating(x, name)
            return state.trace.bind(prim, (x,), {})
        except Exception as error:
            hide_internal_frames(error)
            raise

    takes = "Args:\n    x: Array of any shape; integers and booleans become the default float."
    _document(function, name, summary, example, takes)
    return function


def _same(name: str, prim: Primitive, summary: str, example: str, integers: bool = True,
          booleans: bool = False, floats: bool = True) -> Unary:  # fmt: skip
    """A function of one array of any dtype, which the result keeps."""

    @api
    def function(x: Any, /) -> Any:
        x = operand(x, name)
        if x.dtype is dtypes.bool_ and not booleans:
            raise DTypeError(f"[{name}] is not defined for bool; convert with x.astype(...) first")
        if not floats and x.dtype in _INEXACT:
            raise DTypeError(f"[{name}] is not defined for {x.dtype}: it takes integers")
        if not integers and x.dtype not in _INEXACT:
            return x
        return prim(x)

    _document(function, name, summary, example, "Args:\n    x: Array of any shape.")
    return function


def _binary(name: str, prim: Primitive, summary: str, example: str, *, inexact: bool = False,
            only: frozenset[Any] | None = None, literals: bool = True) -> Binary:  # fmt: skip
    """A function of two arrays that are promoted and broadcast."""

    def function(x: Any, y: Any, /) -> Any:
        try:
            if not literals:
                x, y = promote(name, x, y)
            if only is not None:
                _require(name, only, x, y)
            return binary(prim, x, y, name, inexact=inexact)
        except Exception as error:
            hide_internal_frames(error)
            raise

    takes = "Args:\n    x: Array or number.\n    y: Array or number; shapes broadcast."
    _document(function, name, summary, example, takes)
    return function


def _require(name: str, allowed: frozenset[Any], *xs: Any) -> None:
    dtype = common_dtype(*[operand(x, name) for x in xs])
    if dtype not in allowed:
        kinds = ", ".join(sorted(map(str, allowed)))
        raise DTypeError(f"[{name}] is not defined for {dtype}; it takes {kinds}")


# ---- one floating operand ------------------------------------------------------------------------

exp = _math("exp", ew.exp_p, "e to the power x.", "float(rt.exp(0.0)) -> 1.0")
exp2 = _math("exp2", ew.exp2_p, "2 to the power x.", "float(rt.exp2(3)) -> 8.0")
expm1 = _math("expm1", ew.expm1_p, "exp(x) - 1, exact near 0.", "float(rt.expm1(0.0)) -> 0.0")
log = _math("log", ew.log_p, "The natural logarithm.", "float(rt.log(1.0)) -> 0.0")
log2 = _math("log2", ew.log2_p, "The logarithm to base 2.", "float(rt.log2(8.0)) -> 3.0")
log10 = _math("log10", ew.log10_p, "The logarithm to base 10.", "float(rt.log10(100.0)) -> 2.0")
log1p = _math("log1p", ew.log1p_p, "log(1 + x), exact near 0.", "float(rt.log1p(0.0)) -> 0.0")
sqrt = _math("sqrt", ew.sqrt_p, "The square root.", "float(rt.sqrt(9)) -> 3.0")
rsqrt = _math("rsqrt", ew.rsqrt_p, "1 / sqrt(x).", "float(rt.rsqrt(4.0)) -> 0.5")
cbrt = _math("cbrt", ew.cbrt_p, "The cube root.", "float(rt.cbrt(8.0)) -> 2.0")
sin = _math("sin", ew.sin_p, "The sine of x in radians.", "float(rt.sin(0.0)) -> 0.0")
cos = _math("cos", ew.cos_p, "The cosine of x in radians.", "float(rt.cos(0.0)) -> 1.0")
tan = _math("tan", ew.tan_p, "The tangent of x in radians.", "float(rt.tan(0.0)) -> 0.0")
asin = _math("asin", ew.asin_p, "The angle in radians with sine x.", "float(rt.asin(0.0)) -> 0.0")
acos = _math("acos", ew.acos_p, "The angle in radians with cosine x.", "float(rt.acos(1)) -> 0.0")
atan = _math("atan", ew.atan_p, "The angle in radians with tangent x.", "float(rt.atan(0)) -> 0.0")
sinh = _math("sinh", ew.sinh_p, "The hyperbolic sine.", "float(rt.sinh(0.0)) -> 0.0")
cosh = _math("cosh", ew.cosh_p, "The hyperbolic cosine.", "float(rt.cosh(0.0)) -> 1.0")
tanh = _math("tanh", ew.tanh_p, "The hyperbolic tangent.", "float(rt.tanh(0.0)) -> 0.0")
asinh = _math("asinh", ew.asinh_p, "The inverse of sinh.", "float(rt.asinh(0.0)) -> 0.0")
acosh = _math("acosh", ew.acosh_p, "The inverse of cosh.", "float(rt.acosh(1.0)) -> 0.0")
atanh = _math("atanh", ew.atanh_p, "The inverse of tanh.", "float(rt.atanh(0.0)) -> 0.0")
sigmoid = _math("sigmoid", ew.sigmoid_p, "1 / (1 + exp(-x)).", "float(rt.sigmoid(0.0)) -> 0.5")

# ---- one operand of any dtype --------------------------------------------------------------------

negative = _same("negative", neg_p, "-x.", "rt.negative(rt.asarray([1, -2])).tolist() -> [-1, 2]")
sign = _same("sign", ew.sign_p, "-1, 0 or 1 by the sign of x.", "int(rt.sign(-3)) -> -1")
floor = _same("floor", ew.floor_p, "The nearest integer below.", "float(rt.floor(1.7)) -> 1.0",
              integers=False, booleans=True)  # fmt: skip
ceil = _same("ceil", ew.ceil_p, "The nearest integer above.", "float(rt.ceil(1.2)) -> 2.0",
             integers=False, booleans=True)  # fmt: skip
trunc = _same("trunc", ew.trunc_p, "x without its fraction.", "float(rt.trunc(-1.7)) -> -1.0",
              integers=False, booleans=True)  # fmt: skip
rint = _same("rint", ew.round_p, "The nearest integer, halves to the even one.",
             "float(rt.rint(2.5)) -> 2.0", integers=False, booleans=True)  # fmt: skip
relu = _same("relu", ew.relu_p, "max(x, 0), with slope 0 at 0.", "float(rt.relu(-2.0)) -> 0.0")
bitwise_invert = _same("bitwise_invert", cmp.not_p, "Every bit flipped.",
                       "int(rt.bitwise_invert(0)) -> -1", booleans=True, floats=False)  # fmt: skip
bitwise_count = _same("bitwise_count", cmp.population_count_p, "The number of bits that are set.",
                      "int(rt.bitwise_count(7)) -> 3", floats=False)  # fmt: skip

# ---- two operands --------------------------------------------------------------------------------

_BITS = dtypes.INTEGERS | {dtypes.bool_}
_REAL = dtypes.INTEGERS | dtypes.FLOATS
_NOT_COMPLEX = _REAL | {dtypes.bool_}

add = _binary("add", add_p, "x + y.", "int(rt.add(1, 2)) -> 3")
multiply = _binary("multiply", mul_p, "x * y.", "int(rt.multiply(2, 3)) -> 6")
subtract = _binary("subtract", sub_p, "x - y.", "int(rt.subtract(1, 3)) -> -2")
divide = _binary("divide", ew.div_p, "x / y; integers become floats.",
                 "float(rt.divide(1, 2)) -> 0.5", inexact=True)  # fmt: skip
floor_divide = _binary("floor_divide", ew.floor_divide_p, "x / y rounded down.",
                       "int(rt.floor_divide(-7, 2)) -> -4", only=_REAL)  # fmt: skip
remainder = _binary("remainder", ew.remainder_p, "The rest of x / y with the sign of y.",
                    "int(rt.remainder(-7, 3)) -> 2", only=_REAL)  # fmt: skip
fmod = _binary("fmod", ew.fmod_p, "The rest of x / y with the sign of x.",
               "int(rt.fmod(-7, 3)) -> -1", only=_REAL)  # fmt: skip
maximum = _binary("maximum", ew.maximum_p, "The larger of x and y; nan if either is.",
                  "int(rt.maximum(1, 2)) -> 2")  # fmt: skip
minimum = _binary("minimum", ew.minimum_p, "The smaller of x and y; nan if either is.",
                  "int(rt.minimum(1, 2)) -> 1")  # fmt: skip
atan2 = _binary("atan2", ew.atan2_p, "The angle in radians of the point (y, x): first y, then x.",
                "float(rt.atan2(0.0, 1.0)) -> 0.0", inexact=True, literals=False,
                only=_NOT_COMPLEX)  # fmt: skip
hypot = _binary("hypot", ew.hypot_p, "sqrt(x**2 + y**2) without overflow.",
                "float(rt.hypot(3.0, 4.0)) -> 5.0", inexact=True, literals=False,
                only=_NOT_COMPLEX)  # fmt: skip
logaddexp = _binary("logaddexp", ew.logaddexp_p, "log(exp(x) + exp(y)) without overflow.",
                    "print(rt.logaddexp(0.0, 0.0)) -> 0.6931472",
                    inexact=True, literals=False,
                only=_NOT_COMPLEX)  # fmt: skip
copysign = _binary("copysign", ew.copysign_p, "The size of x with the sign of y.",
                   "float(rt.copysign(2.0, -1.0)) -> -2.0",
                   inexact=True, literals=False,
                only=_NOT_COMPLEX)  # fmt: skip
nextafter = _binary("nextafter", ew.nextafter_p, "The next number after x towards y.",
                    "bool(rt.nextafter(1.0, 2.0) > 1.0) -> True",
                    inexact=True, literals=False,
                only=_NOT_COMPLEX)  # fmt: skip
bitwise_and = _binary("bitwise_and", cmp.and_p, "Bits set in both.",
                      "int(rt.bitwise_and(6, 3)) -> 2", only=_BITS)  # fmt: skip
bitwise_or = _binary("bitwise_or", cmp.or_p, "Bits set in either.",
                     "int(rt.bitwise_or(6, 3)) -> 7", only=_BITS)  # fmt: skip
bitwise_xor = _binary("bitwise_xor", cmp.xor_p, "Bits set in one of the two.",
                      "int(rt.bitwise_xor(6, 3)) -> 5", only=_BITS)  # fmt: skip
bitwise_left_shift = _binary("bitwise_left_shift", cmp.shift_left_p, "x times 2 to the power y.",
                             "int(rt.bitwise_left_shift(1, 3)) -> 8",
                             only=dtypes.INTEGERS)  # fmt: skip
bitwise_right_shift = _binary("bitwise_right_shift", cmp.shift_right_p,
                              "x by 2 to the power y, rounded down; the sign bit stays.",
                              "int(rt.bitwise_right_shift(8, 3)) -> 1",
                              only=dtypes.INTEGERS)  # fmt: skip
equal = _binary("equal", cmp.eq_p, "Whether x == y.", "bool(rt.equal(1, 1)) -> True")
not_equal = _binary("not_equal", cmp.ne_p, "Whether x != y.", "bool(rt.not_equal(1, 1)) -> False")
less = _binary("less", cmp.lt_p, "Whether x < y.", "bool(rt.less(1, 2)) -> True")
less_equal = _binary("less_equal", cmp.le_p, "Whether x <= y.", "bool(rt.less_equal(1, 1)) -> True")
greater = _binary("greater", cmp.gt_p, "Whether x > y.", "bool(rt.greater(1, 2)) -> False")
greater_equal = _binary("greater_equal", cmp.ge_p, "Whether x >= y.",
                        "bool(rt.greater_equal(1, 1)) -> True")  # fmt: skip


# ---- functions with more to them than one primitive ----------------------------------------------


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
    if a.dtype not in _INEXACT:
        return a
    if decimals == 0:
        return ew.round_p(a)
    scale = 10.0 ** math.fabs(decimals)
    there, back = (mul_p, ew.div_p) if decimals > 0 else (ew.div_p, mul_p)
    return back(ew.round_p(there(a, scale)), scale)


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
def where(condition: ArrayLike, x: ArrayLike, y: ArrayLike, /) -> Array:
    """x where `condition` holds, y elsewhere; all three broadcast.

    The branch not taken contributes nothing to the derivative, also where its own is infinite.

    Example:
        >>> import rtorch as rt
        >>> rt.where(rt.asarray([True, False]), 1, 2).tolist()
        [1, 2]
    """
    chosen = operand(condition, "where")
    if chosen.dtype is not dtypes.bool_:
        chosen = cmp.ne_p(chosen, 0)
    a, b = promote("where", x, y)
    shape = broadcast_shapes("where", chosen.shape, a.shape, b.shape)
    return cmp.select_p(*[broadcast(z, shape) for z in (chosen, a, b)])


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

    _document(function, name, summary, example, "Args:\n    x: Array of any shape.")
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
def astype(x: ArrayLike, dtype: Any, /, *, copy: bool = True) -> Array:
    """x converted to `dtype`; complex to real drops the imaginary part.

    Args:
        x: Array.
        dtype: The wanted dtype.
        copy: Exists for the standard's sake; an immutable array needs no copy.

    Example:
        >>> import rtorch as rt
        >>> rt.astype(rt.asarray([1.7]), rt.int32).tolist()
        [1]
    """
    return convert(operand(x, "astype"), dtypes.canonical(dtype))


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
absolute, arcsin, arccos, arctan, arctan2 = abs, asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
true_divide, mod, pow, conjugate = divide, remainder, power, conj
invert, bitwise_not, left_shift, right_shift = (
    bitwise_invert, bitwise_invert, bitwise_left_shift, bitwise_right_shift,
)  # fmt: skip
