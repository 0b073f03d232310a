"""Special functions: the error function and its inverse, the logarithm of gamma, polygammas.

SciPy (CuPy's part of it on a GPU) computes them when it is installed; without it NumPy does, to
a few units in the last place of float64. The inverse error function is ours in both cases, so
that normal random numbers are the same everywhere.

References:
    Cody 1969, Rational Chebyshev approximations for the error function (erf, erfc)
    Giles 2012, Approximating the erfinv function (GPU Computing Gems, Jade edition)
    DLMF 5.11, 5.15.6 and 25.11.5, expansions and reflection (digamma, polygamma)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.dtypes import DType
from rtorch.ops.base import Elementwise, elementwise, mul_p
from rtorch.ops.elementwise import exp_p, square
from rtorch.ops.library import by_library, in_float32, scalar_function


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's scheme, the highest power first, in memory of its own."""
    out = x * x.dtype.type(coefficients[0])
    for c in coefficients[1:-1]:
        out += x.dtype.type(c)
        out *= x
    out += x.dtype.type(coefficients[-1])
    return out


# ---- error function ------------------------------------------------------------------------------

_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
_ONE_OVER_SQRT_PI = 1 / math.sqrt(math.pi)


def _ratio(x: Any, coefficients: tuple[Sequence[float], Sequence[float]]) -> Any:
    return _polynomial(x, coefficients[0]) / _polynomial(x, coefficients[1])


def _erfcx_away(y: Any) -> Any:
    """``exp(y²) erfc(y)`` of y > 0.46875."""
    inverse = 1 / np.square(y)
    far = (_ONE_OVER_SQRT_PI - inverse * _ratio(inverse, _FAR)) / y
    return np.where(y <= 4, _ratio(np.minimum(y, 4.0), _MIDDLE), far)


def _erfc_away(y: Any) -> Any:
    """erfc of y > 0.46875."""
    y = np.minimum(y, 30.0)  # where erfc is 0 in float64
    # exp(-y²) would lose digits: y² has a rounding error of its own.
    short = np.trunc(y * 16) / 16
    return _erfcx_away(y) * np.exp(-np.square(short)) * np.exp(-(y - short) * (y + short))


def _erf(x: Any) -> Any:
    y = np.abs(x)
    out = np.copysign(1 - _erfc_away(np.maximum(y, 0.4)), x)
    near = y <= 0.46875
    out[near] = x[near] * _ratio(np.square(x[near]), _NEAR)
    return out


def erfc_of(x: Any) -> Any:
    y = np.abs(x)
    out = _erfc_away(np.maximum(y, 0.4))
    out = np.where(x < 0, 2 - out, out)
    near = y <= 0.46875
    out[near] = 1 - x[near] * _ratio(np.square(x[near]), _NEAR)
    return out


def erfcx_of(x: Any) -> Any:
    """``exp(x²) erfc(x)``."""
    out = _erfcx_away(np.maximum(np.abs(x), 0.4))
    out = np.where(x < 0, 2 * np.exp(np.square(x)) - out, out)
    near = np.abs(x) <= 0.46875
    out[near] = np.exp(np.square(x[near])) * (1 - x[near] * _ratio(np.square(x[near]), _NEAR))
    return out


def _gaussian(x: Any, factor: float) -> Any:
    return mul_p(exp_p(mul_p(square(x), -1)), factor)


_TWO_OVER_SQRT_PI = 2 * _ONE_OVER_SQRT_PI

erf_p = elementwise("erf", by_library("erf", _erf), lambda out, x: _gaussian(x, _TWO_OVER_SQRT_PI))
erfc_p = elementwise(
    "erfc", by_library("erfc", erfc_of), lambda out, x: _gaussian(x, -_TWO_OVER_SQRT_PI)
)

# ---- inverse error function ----------------------------------------------------------------------

# Polynomials in w = -log(1 - x²) around 2.5 and in sqrt(w) around 3, ...
_CENTRE_32 = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAIL_32 = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
# ... and for float64 around 3.125, 3.25 and 5.
_CENTRE_64 = (
    -3.6444120640178196996e-21, -1.685059138182016589e-19, 1.2858480715256400167e-18,
    1.115787767802518096e-17, -1.333171662854620906e-16, 2.0972767875968561637e-17,
    6.6376381343583238325e-15, -4.0545662729752068639e-14, -8.1519341976054721522e-14,
    2.6335093153082322977e-12, -1.2975133253453532498e-11, -5.4154120542946279317e-11,
    1.051212273321532285e-09, -4.1126339803469836976e-09, -2.9070369957882005086e-08,
    4.2347877827932403518e-07, -1.3654692000834678645e-06, -1.3882523362786468719e-05,
    0.0001867342080340571352, -0.00074070253416626697512, -0.0060336708714301490533,
    0.24015818242558961693, 1.6536545626831027356,
)  # fmt: skip
_TAIL_64 = (
    2.2137376921775787049e-09, 9.0756561938885390979e-08, -2.7517406297064545428e-07,
    1.8239629214389227755e-08, 1.5027403968909827627e-06, -4.013867526981545969e-06,
    2.9234449089955446044e-06, 1.2475304481671778723e-05, -4.7318229009055733981e-05,
    6.8284851459573175448e-05, 2.4031110387097893999e-05, -0.0003550375203628474796,
    0.00095328937973738049703, -0.0016882755560235047313, 0.0024914420961078508066,
    -0.0037512085075692412107, 0.005370914553590063617, 1.0052589676941592334,
    3.0838856104922207635,
)  # fmt: skip
_FAR_TAIL_64 = (
    -2.7109920616438573243e-11, -2.5556418169965252055e-10, 1.5076572693500548083e-09,
    -3.7894654401267369937e-09, 7.6157012080783393804e-09, -1.4960026627149240478e-08,
    2.9147953450901080826e-08, -6.7711997758452339498e-08, 2.2900482228026654717e-07,
    -9.9298272942317002539e-07, 4.5260625972231537039e-06, -1.9681778105531670567e-05,
    7.5995277030017761139e-05, -0.00021503011930044477347, -0.00013871931833623122026,
    1.0103004648645343977, 4.8499064014085844221,
)  # fmt: skip

# Per dtype: the centre's limit in w, its middle, its polynomial; the tails' limits in w, middles
# in sqrt(w) and polynomials.
INVERSE_ERF: dict[DType, Any] = {
    dtypes.float32: (5.0, 2.5, _CENTRE_32, ((math.inf, 3.0, _TAIL_32),)),
    dtypes.float64: (
        6.25, 3.125, _CENTRE_64, ((16.0, 3.25, _TAIL_64), (math.inf, 5.0, _FAR_TAIL_64))
    ),
}  # fmt: skip
_BLOCK = 1 << 14  # elements at once: their temporaries stay in the cache


def erf_inv_block(xp: Any, x: Any, out: Any) -> None:
    limit, middle, centre, tails = INVERSE_ERF[x.dtype]
    one = x.dtype.type(1)
    if x.dtype == dtypes.float32:
        # Rounding x² first costs digits near |x| = 1, no more than rounding x itself did. XLA
        # does it too, and so normal random numbers agree.
        w = xp.subtract(one, xp.multiply(x, x))
    else:
        w = xp.subtract(one, x)
        w *= xp.add(one, x)
    xp.log(w, w)
    xp.negative(w, w)
    rare = xp.flatnonzero(w >= limit)
    outer = x[rare]
    xp.multiply(_polynomial(w - x.dtype.type(middle), centre), x, out)
    if len(rare):
        out[rare] = _erf_inv_tail(xp, outer, w[rare], limit, tails)


def _erf_inv_tail(xp: Any, x: Any, w: Any, low: float, tails: Any) -> Any:
    out = xp.where(xp.abs(x) == 1, x * x.dtype.type(math.inf), x)
    root = xp.sqrt(w)
    for high, middle, coefficients in tails:
        value = _polynomial(root - x.dtype.type(middle), coefficients) * x
        out = xp.where((w >= low) & (w < high), value, out)
        low = high
    return out


def _erf_inv(xp: Any, x: Any) -> Any:
    out = xp.empty(x.shape, x.dtype)
    ErfInv.into(out, x, xp)
    return out


class ErfInv(Elementwise):
    """The inverse of erf."""

    name = "erf_inv"
    partials = (lambda out, x: mul_p(exp_p(square(out)), math.sqrt(math.pi) / 2),)
    singular = True

    def impl(self, xp: Any, x: Any) -> Any:
        return in_float32(_erf_inv, xp, x)

    def can_write(self, out: Aval, **params: Any) -> bool:
        return out.dtype not in dtypes.HALVES

    overwrites = (0,)

    @staticmethod
    def into(out: Any, x: Any, xp: Any = np) -> None:
        flat, target = x.reshape(-1), out.reshape(-1)
        step = _BLOCK if xp is np else max(len(flat), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            for i in range(0, len(flat), step):
                erf_inv_block(xp, flat[i : i + step], target[i : i + step])


erf_inv_p = ErfInv()

# ---- gamma function ------------------------------------------------------------------------------

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_ASYMPTOTIC_FROM = 12  # arguments from which the expansions have the digits of float64


# Where it is undefined: at a pole, or beyond the largest float.
_lgamma = scalar_function(math.lgamma, math.inf)


def _digamma(x: Any) -> Any:
    with np.errstate(all="ignore"):
        mirrored = x < 0.5
        y = np.where(mirrored, 1 - x, x)
        out = np.zeros_like(y)
        for _ in range(_ASYMPTOTIC_FROM):
            small = y < _ASYMPTOTIC_FROM
            out -= np.where(small, 1 / y, 0)
            y = y + small
        series = sum(b / (2 * k) * y ** (-2 * k) for k, b in enumerate(_BERNOULLI, 1))
        out += np.log(y) - 0.5 / y - series
        fraction = x - np.round(x)  # tan has period 1 in x / pi, and large x lose digits
        out = np.where(mirrored, out - np.pi / np.tan(np.pi * fraction), out)
        out = np.where((x < 0) & (fraction == 0), np.nan, out)
        out = np.where(x == 0, np.copysign(np.inf, -x), out)
        return np.where(x == -np.inf, np.nan, out)


def _polygamma(xp: Any, x: Any, *, n: int) -> Any:
    """Of ``1 - x`` by reflection where the real part is below 0."""
    y = x.astype(np.complex128 if x.dtype in dtypes.COMPLEXES else np.float64)
    with np.errstate(all="ignore"):
        mirrored = y.real < 0
        out = _polygamma_right(xp, xp.where(mirrored, 1 - y, y), n)
        if mirrored.any():
            fraction = xp.where(mirrored, y - xp.round(y.real), 0.5)
            slope = np.pi ** (n + 1) * _cotangent_derivative(1 / xp.tan(np.pi * fraction), n)
            out = xp.where(mirrored, (-1) ** n * out - slope, out)
    return out.astype(x.dtype)


def _polygamma_right(xp: Any, y: Any, n: int) -> Any:
    """``(-1)^(n+1) n! zeta(n + 1, y)``, zeta by Euler and Maclaurin's sum."""
    s = n + 1
    out = xp.zeros_like(y)
    for _ in range(_ASYMPTOTIC_FROM):
        out = out + y**-s
        y = y + 1
    out = out + y ** (1 - s) / (s - 1) + 0.5 * y**-s
    for k, b in enumerate(_BERNOULLI, 1):
        rising = math.prod(range(s, s + 2 * k - 1))
        out = out + b * rising / math.factorial(2 * k) * y ** (1 - s - 2 * k)
    return out * ((-1) ** (n + 1) * math.factorial(n))


def _cotangent_derivative(c: Any, n: int) -> Any:
    """The ``n``-th derivative of the cotangent, a polynomial in its value ``c``."""
    powers = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        powers = np.polynomial.Polynomial([-1.0, 0.0, -1.0]) * powers.deriv()
    *lower, out = powers.coef
    for coefficient in lower[::-1]:
        out = out * c + coefficient
    return out


class Polygamma(Elementwise):
    """The ``n``-th derivative of digamma, for a static ``n >= 1``."""

    name = "polygamma"
    partials = (lambda out, x, *, n: polygamma_p(x, n=n + 1),)

    def impl(self, xp: Any, x: Any, *, n: int) -> Any:
        return in_float32(_polygamma, xp, x, n=n)


lgamma_p = elementwise("lgamma", by_library("gammaln", _lgamma), lambda out, x: digamma_p(x))
digamma_p: Elementwise = elementwise(
    "digamma", by_library("psi", _digamma), lambda out, x: polygamma_p(x, n=1)
)
polygamma_p: Elementwise = Polygamma()
