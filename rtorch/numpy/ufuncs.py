"""Elementwise functions that are one primitive each, declared in tables."""

from __future__ import annotations

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import DTypeError, api
from rtorch.numpy.declare import (
    binary_function as _binary,
    math_function as _math,
    same_dtype as _same,
)
from rtorch.numpy.operands import ArrayLike, convert, operand
from rtorch.ops import comparison as cmp, elementwise as ew
from rtorch.ops.base import add_p, mul_p, neg_p, sub_p

__all__ = [
    "acos",
    "acosh",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floor_divide",
    "fmod",
    "greater",
    "greater_equal",
    "hypot",
    "invert",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "relu",
    "remainder",
    "right_shift",
    "rint",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
]

_BITS = dtypes.INTEGERS | {dtypes.bool_}

# ---- one floating operand ------------------------------------------------------------------------

exp = _math("exp", ew.exp_p, "e to the power x.", "float(rt.exp(0.0)) -> 1.0")
exp2 = _math("exp2", ew.exp2_p, "2 to the power x.", "float(rt.exp2(3)) -> 8.0")
expm1 = _math("expm1", ew.expm1_p, "exp(x) - 1, exact near 0.", "float(rt.expm1(0.0)) -> 0.0")
log = _math("log", ew.log_p, "The natural logarithm.", "float(rt.log(1.0)) -> 0.0")
log2 = _math("log2", ew.log2_p, "The logarithm to base 2.", "float(rt.log2(8.0)) -> 3.0")
log10 = _math("log10", ew.log10_p, "The logarithm to base 10.", "float(rt.log10(1.0)) -> 0.0")
log1p = _math("log1p", ew.log1p_p, "log(1 + x), exact near 0.", "float(rt.log1p(0.0)) -> 0.0")
sqrt = _math("sqrt", ew.sqrt_p, "The square root.", "float(rt.sqrt(9)) -> 3.0")
rsqrt = _math("rsqrt", ew.rsqrt_p, "1 / sqrt(x).", "float(rt.rsqrt(4.0)) -> 0.5")
cbrt = _math("cbrt", ew.cbrt_p, "The cube root.", "float(rt.cbrt(8.0)) -> 2.0",
             complexes=False)  # fmt: skip
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
              integers=False, booleans=True, complexes=False)  # fmt: skip
ceil = _same("ceil", ew.ceil_p, "The nearest integer above.", "float(rt.ceil(1.2)) -> 2.0",
             integers=False, booleans=True, complexes=False)  # fmt: skip
trunc = _same("trunc", ew.trunc_p, "x without its fraction.", "float(rt.trunc(-1.7)) -> -1.0",
              integers=False, booleans=True, complexes=False)  # fmt: skip
rint = _same("rint", ew.round_p, "The nearest integer, halves to the even one.",
             "float(rt.rint(2.5)) -> 2.0", integers=False, booleans=True)  # fmt: skip
relu = _same("relu", ew.relu_p, "max(x, 0), with slope 0 at 0.", "float(rt.relu(-2.0)) -> 0.0")
bitwise_invert = _same("bitwise_invert", cmp.not_p, "Every bit flipped.",
                       "int(rt.bitwise_invert(0)) -> -1", booleans=True, floats=False)  # fmt: skip


@api
def bitwise_count(x: ArrayLike, /) -> Array:
    """The number of bits that are set in the absolute value of x, as uint8.

    Example:
        >>> import rtorch as rt
        >>> int(rt.bitwise_count(7))
        3
    """
    a = operand(x, "bitwise_count")
    if a.dtype not in _BITS:
        raise DTypeError(f"[bitwise_count] is not defined for {a.dtype}: it takes integers")
    is_bool = a.dtype is dtypes.bool_
    return convert(a if is_bool else cmp.population_count_p(a), dtypes.uint8)


# ---- two operands --------------------------------------------------------------------------------

add = _binary("add", add_p, "x + y.", "int(rt.add(1, 2)) -> 3")
multiply = _binary("multiply", mul_p, "x * y.", "int(rt.multiply(2, 3)) -> 6")
subtract = _binary("subtract", sub_p, "x - y.", "int(rt.subtract(1, 3)) -> -2")
divide = _binary("divide", ew.div_p, "x / y; integers become floats.",
                 "float(rt.divide(1, 2)) -> 0.5", inexact=True)  # fmt: skip
floor_divide = _binary("floor_divide", ew.floor_divide_p, "x / y rounded down.",
                       "int(rt.floor_divide(-7, 2)) -> -4", only=dtypes.REAL)  # fmt: skip
remainder = _binary("remainder", ew.remainder_p, "The rest of x / y with the sign of y.",
                    "int(rt.remainder(-7, 3)) -> 2", only=dtypes.REAL)  # fmt: skip
fmod = _binary("fmod", ew.fmod_p, "The rest of x / y with the sign of x.",
               "int(rt.fmod(-7, 3)) -> -1", only=dtypes.REAL)  # fmt: skip
maximum = _binary("maximum", ew.maximum_p, "The larger of x and y; nan if either is.",
                  "int(rt.maximum(1, 2)) -> 2")  # fmt: skip
minimum = _binary("minimum", ew.minimum_p, "The smaller of x and y; nan if either is.",
                  "int(rt.minimum(1, 2)) -> 1")  # fmt: skip
atan2 = _binary("atan2", ew.atan2_p, "The angle in radians of the point (y, x): first y, then x.",
                "float(rt.atan2(0.0, 1.0)) -> 0.0", inexact=True, literals=False,
                only=dtypes.ORDERED)  # fmt: skip
hypot = _binary("hypot", ew.hypot_p, "sqrt(x**2 + y**2) without overflow.",
                "float(rt.hypot(3.0, 4.0)) -> 5.0", inexact=True, literals=False,
                only=dtypes.ORDERED)  # fmt: skip
logaddexp = _binary("logaddexp", ew.logaddexp_p, "log(exp(x) + exp(y)) without overflow.",
                    "print(rt.logaddexp(0.0, 0.0)) -> 0.6931472",
                    inexact=True, literals=False,
                only=dtypes.ORDERED)  # fmt: skip
copysign = _binary("copysign", ew.copysign_p, "The size of x with the sign of y.",
                   "float(rt.copysign(2.0, -1.0)) -> -2.0",
                   inexact=True, literals=False,
                only=dtypes.ORDERED)  # fmt: skip
nextafter = _binary("nextafter", ew.nextafter_p, "The next number after x towards y.",
                    "bool(rt.nextafter(1.0, 2.0) > 1.0) -> True",
                    inexact=True, literals=False,
                only=dtypes.ORDERED)  # fmt: skip
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


# NumPy's spellings of the standard's names.
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
true_divide, mod = divide, remainder
invert, bitwise_not, left_shift, right_shift = (
    bitwise_invert, bitwise_invert, bitwise_left_shift, bitwise_right_shift,
)  # fmt: skip
