"""Unary and binary mathematics: one line each, the function and its partial derivatives.

Conventions at special points: ``abs``, ``relu`` and ``hypot`` have slope 0 at 0, ``maximum`` and
``minimum`` share the cotangent at ties. Where a slope is infinite (``log``, ``sqrt`` at 0) a zero
cotangent gives 0, not nan; see ``docs/conventions.md``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array, WeakArray
from rtorch.core.aval import Aval
from rtorch.core.trace import is_one_number
from rtorch.errors import DTypeError
from rtorch.ops.base import (
    Elementwise,
    add_p,
    elementwise,
    mul_p,
    neg_p,
    sub_p,
)
from rtorch.ops.comparison import eq_p, gt_p, is_inf_p, select_p, step_p
from rtorch.ops.convert import conj_p, convert_p, imag_p, real_p


def square(x: Any) -> Any:
    return mul_p(x, x) if isinstance(x, Array) else x * x


def as_number(x: Any) -> Any:
    """The Python scalar that `x` is everywhere, or `x`.

    What a slope computes of constants alone would be arrays, and on the CPU beside others on a GPU.
    """
    known = type(x) is Array or type(x) is WeakArray
    return x._data.flat[0].item() if known and is_one_number(x._data) else x


def _one_over(y: Any) -> Any:
    if isinstance(y, Array):
        return div_p(1, y)
    return 1 / y if y else math.copysign(math.inf, y)


def _no_zero(x: Any) -> Any:
    """`x` with 1 for 0: a slope that divides by it is 0 there if its numerator is."""
    return select_p(eq_p(x, 0), 1, x)


# ---- exponentials and powers ---------------------------------------------------------------------

exp_p = elementwise("exp", "exp", lambda out, x: out)
exp2_p = elementwise("exp2", "exp2", lambda out, x: mul_p(out, math.log(2)))


class Expm1(Elementwise):
    """``exp(x) - 1``, exact near 0."""

    name = "expm1"
    partials = (lambda out, x: add_p(out, 1),)

    def impl(self, xp: Any, x: Any) -> Any:
        return self._complex(xp, x) if x.dtype.kind == "c" else xp.expm1(x)

    @staticmethod
    def _complex(xp: Any, x: Any) -> Any:
        """Without the cancellation of ``exp(x) - 1``, and with the standard's limits."""
        a, b = x.real, x.imag
        half = xp.sin(b / 2)
        real = xp.expm1(a) * xp.cos(b) - 2 * half * half
        imag = xp.exp(a) * xp.sin(b)
        on_axis, left = b == 0, a == -math.inf
        away = (a == math.inf) & ~xp.isfinite(b)
        real = xp.where(away, math.inf, real)
        real = xp.where(on_axis, xp.expm1(a) + 0.0, xp.where(left, -1.0, real))
        imag = xp.where(on_axis, b, xp.where(left & ~xp.isfinite(b), 0.0, imag))
        out = xp.empty(x.shape, x.dtype)
        out.real, out.imag = real, imag  # real + 1j * imag would give nan beside infinities
        return out


expm1_p = Expm1()
log_p = elementwise("log", "log", lambda out, x: div_p(1, x), singular=True)
log2_p = elementwise("log2", "log2", lambda out, x: div_p(1 / math.log(2), x), singular=True)
log10_p = elementwise("log10", "log10", lambda out, x: div_p(1 / math.log(10), x), singular=True)
log1p_p = elementwise("log1p", "log1p", lambda out, x: div_p(1, add_p(x, 1)), singular=True)
sqrt_p = elementwise("sqrt", "sqrt", lambda out, x: div_p(0.5, out), singular=True)
rsqrt_p = elementwise(
    "rsqrt", lambda xp, x: xp.divide(x.dtype.type(1), xp.sqrt(x)),
    lambda out, x: mul_p(div_p(out, x), -0.5), singular=True,
)  # fmt: skip
cbrt_p = elementwise("cbrt", "cbrt", lambda out, x: div_p(1 / 3, square(out)), singular=True)
logaddexp_p = elementwise(
    "logaddexp", "logaddexp",
    lambda out, x, y: _softmax_weight(x, y, out), lambda out, x, y: _softmax_weight(y, x, out),
)  # fmt: skip


def _softmax_weight(x: Any, other: Any, out: Any) -> Any:
    # At infinity the larger one has all the weight, and equal ones share it: no inf - inf.
    infinite = is_inf_p(out)
    return select_p(infinite, step_p(x, other), exp_p(select_p(infinite, 0, sub_p(x, out))))


class Pow(Elementwise):
    """``x ** y`` for floating or complex numbers."""

    name = "pow"
    ufunc = "power"
    singular = True

    @staticmethod
    def by_base(out: Any, x: Any, y: Any) -> Any:
        y = as_number(y)
        if not isinstance(y, Array):
            return mul_p(pow_p(x, y - 1), y) if y else 0
        zero = eq_p(y, 0)
        return select_p(zero, 0, mul_p(y, pow_p(x, select_p(zero, 1, sub_p(y, 1)))))

    @staticmethod
    def by_exponent(out: Any, x: Any, y: Any) -> Any:
        x = as_number(x)
        if isinstance(x, Array):
            return mul_p(out, log_p(_no_zero(x)))
        with np.errstate(all="ignore"):
            return mul_p(out, np.log(np.asarray(x or 1, out.dtype)).item())

    partials = (by_base, by_exponent)


class IntegerPow(Elementwise):
    """``x ** y`` for a static integer ``y >= 0``, by repeated multiplication."""

    name = "integer_pow"

    def impl(self, xp: Any, x: Any, *, y: int) -> Any:
        if y == 1:
            return xp.array(x)  # never the operand's memory: the plan may write there
        power, base, n = None, x, y
        while n:
            if n & 1:
                power = base if power is None else xp.multiply(power, base)
            n >>= 1
            if n:
                base = xp.multiply(base, base)
        return xp.ones_like(x) if power is None else power

    def flops(self, x: Any, *, y: int) -> float:
        return float(x.size * max(y.bit_length() + y.bit_count() - 2, 0))

    def lower(self, scalar: Any, x: Any, *, y: int) -> Any:
        return scalar("integer_pow", x, extra=y)

    def can_write(self, out: Aval, *, y: int) -> bool:
        return y == 2

    overwrites = (0,)

    @staticmethod
    def into(out: Any, x: Any, *, y: int) -> None:
        np.multiply(x, x, out)

    def slope(out: Any, x: Any, *, y: int) -> Any:  # noqa: N805 - a partial
        if y in (0, 1):
            return y
        return mul_p(x, 2) if y == 2 else mul_p(integer_pow_p(x, y=y - 1), y)

    partials = (slope,)


pow_p, integer_pow_p = Pow(), IntegerPow()


def _power_of_integers(xp: Any, x: Any, y: Any) -> Any:
    if xp is np and np.any(np.less(y, 0)):
        raise DTypeError("[power] integers have no negative powers: convert x to a float")
    return xp.power(x, y)


floor_power_p = elementwise("floor_power", _power_of_integers, None, None, doc="Integers' power.")

# ---- division ------------------------------------------------------------------------------------


class Div(Elementwise):
    """``x / y``, linear in ``x``."""

    name = "div"
    ufunc = "divide"
    partials = (lambda out, x, y: _one_over(y), lambda out, x, y: neg_p(div_p(out, y)))
    singular = True

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return div_p(ct, y), None


div_p: Elementwise = Div()


class FloorDivide(Elementwise):
    """The greatest integer below ``x / y``.

    Beside infinities it is the quotient, as the array API standard has it, where NumPy has nan for
    ``inf // 2`` and -1 for ``2 // -inf``.
    """

    name = "floor_divide"
    partials = (None, None)

    def impl(self, xp: Any, x: Any, y: Any) -> Any:
        out = xp.floor_divide(x, y)
        if out.dtype.kind in "iub" or (xp is np and np.isfinite(x).all() and np.isfinite(y).all()):
            return out
        beside_infinity = xp.isinf(x) != xp.isinf(y)
        beside_infinity &= ~(xp.isnan(x) | xp.isnan(y))
        return xp.where(beside_infinity, xp.divide(x, y), out)


floor_divide_p = FloorDivide()
remainder_p = elementwise(
    "remainder", "remainder", lambda out, x, y: 1, lambda out, x, y: neg_p(floor_divide_p(x, y)),
    doc="The rest of x / y with the sign of y.",
)  # fmt: skip
fmod_p = elementwise(
    "fmod", "fmod", lambda out, x, y: 1, lambda out, x, y: neg_p(trunc_p(div_p(x, y))),
    doc="The rest of x / y with the sign of x.",
)  # fmt: skip

# ---- trigonometry --------------------------------------------------------------------------------

sin_p = elementwise("sin", "sin", lambda out, x: cos_p(x))
cos_p: Elementwise = elementwise("cos", "cos", lambda out, x: neg_p(sin_p(x)))
tan_p = elementwise("tan", "tan", lambda out, x: add_p(square(out), 1))
asin_p = elementwise("asin", "arcsin", lambda out, x: rsqrt_p(sub_p(1, square(x))), singular=True)
acos_p = elementwise(
    "acos", "arccos", lambda out, x: neg_p(rsqrt_p(sub_p(1, square(x)))), singular=True
)
atan_p = elementwise("atan", "arctan", lambda out, x: div_p(1, add_p(square(x), 1)))
atan2_p = elementwise(
    "atan2", "arctan2",
    lambda out, y, x: div_p(x, _squares(x, y)),
    lambda out, y, x: neg_p(div_p(y, _squares(x, y))),
)  # fmt: skip


def _squares(x: Any, y: Any) -> Any:
    x = as_number(x)
    y = as_number(y) if isinstance(x, Array) else y
    return _no_zero(add_p(square(x), square(y)))


sinh_p = elementwise("sinh", "sinh", lambda out, x: cosh_p(x))
cosh_p: Elementwise = elementwise("cosh", "cosh", lambda out, x: sinh_p(x))
tanh_p = elementwise("tanh", "tanh", lambda out, x: sub_p(1, mul_p(out, out)))
asinh_p = elementwise("asinh", "arcsinh", lambda out, x: rsqrt_p(add_p(square(x), 1)))
acosh_p = elementwise(
    "acosh", "arccosh", lambda out, x: rsqrt_p(mul_p(sub_p(x, 1), add_p(x, 1))), singular=True
)
atanh_p = elementwise(
    "atanh", "arctanh", lambda out, x: div_p(1, sub_p(1, square(x))), singular=True
)
hypot_p = elementwise(
    "hypot", "hypot",
    lambda out, x, y: div_p(x, _no_zero(out)), lambda out, x, y: div_p(y, _no_zero(out)),
)  # fmt: skip

# ---- rounding and signs --------------------------------------------------------------------------

floor_p = elementwise("floor", "floor", None)
ceil_p = elementwise("ceil", "ceil", None)
trunc_p: Elementwise = elementwise("trunc", "trunc", None)
round_p = elementwise("round", "rint", None, doc="The nearest integer, halves to the even one.")
nextafter_p = elementwise("nextafter", "nextafter", None, None)
copysign_p = elementwise(
    "copysign", "copysign", lambda out, x, y: mul_p(sign_p(x), sign_p(out)), None
)


class Modulus(Elementwise):
    """Real numbers by partials; complex ones, which have none, by `complex_tangent`."""

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        if x.dtype not in dtypes.COMPLEXES:
            return super().jvp(primals, tangents)
        out = self(x)
        return out, self.complex_tangent(out, x, t)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        if primals[0].dtype in dtypes.COMPLEXES:
            return tape.record_jvp(self, primals, tangents, params)
        return super().linearize(tape, primals, tangents)

    def complex_tangent(self, out: Any, x: Any, t: Any) -> Any:
        raise NotImplementedError


class Sign(Modulus):
    """-1, 0 or 1; of complex numbers, the one of modulus 1 in their direction."""

    name = "sign"
    ufunc = "sign"
    partials = (None,)

    def complex_tangent(self, out: Any, x: Any, t: Any) -> Any:
        turn = convert_p(imag_p(mul_p(t, conj_p(out))), dtype=x.dtype)
        length = convert_p(_no_zero(abs_p(x)), dtype=x.dtype)
        return mul_p(turn, div_p(mul_p(out, 1j), length))


class Abs(Modulus):
    """The absolute value; of complex numbers, a real one."""

    name = "abs"
    ufunc = "absolute"
    partials = (lambda out, x: sign_p(x),)

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape, dtypes.real_dtype(x.dtype))

    def complex_tangent(self, out: Any, x: Any, t: Any) -> Any:
        length = convert_p(_no_zero(out), dtype=x.dtype)
        return real_p(mul_p(t, div_p(conj_p(x), length)))


sign_p: Elementwise = Sign()
abs_p: Elementwise = Abs()

# ---- maxima --------------------------------------------------------------------------------------

maximum_p = elementwise(
    "maximum", "maximum", lambda out, x, y: step_p(x, y), lambda out, x, y: step_p(y, x)
)
minimum_p = elementwise(
    "minimum", "minimum", lambda out, x, y: step_p(y, x), lambda out, x, y: step_p(x, y)
)


def _relu(xp: Any, x: Any) -> Any:
    return xp.maximum(x, x.dtype.type(0))


relu_p = elementwise(
    "relu", _relu, lambda out, x: convert_p(gt_p(x, 0), dtype=x.dtype),
    into=lambda out, x: np.maximum(x, x.dtype.type(0), out=out),
)  # fmt: skip

# ---- sigmoid -------------------------------------------------------------------------------------


def _sigmoid(xp: Any, x: Any) -> Any:
    one = x.dtype.type(1)
    with np.errstate(over="ignore"):  # to inf where the answer is 0, which is right
        out = xp.exp(xp.negative(x))
    return xp.divide(one, xp.add(out, one))


def _sigmoid_into(out: Any, x: Any) -> None:
    one = x.dtype.type(1)
    np.exp(np.negative(x, out), out)
    np.divide(one, np.add(out, one, out), out)


sigmoid_p = elementwise(
    "sigmoid", _sigmoid, lambda out, x: mul_p(out, sub_p(1, out)), into=_sigmoid_into,
    doc="1 / (1 + exp(-x)).",
)  # fmt: skip
