"""Integrals and series that SciPy computes; their derivatives are mostly elementary.

References:
    DLMF 6 (exponential, sine and cosine integrals), 7.2 (Fresnel)
    DLMF 14.30 (spherical harmonics)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.ops.base import Elementwise, add_p, add_tangents, elementwise, mul_p, neg_p, sub_p
from rtorch.ops.comparison import ge_p, lt_p, select_p
from rtorch.ops.convert import convert_p
from rtorch.ops.elementwise import (
    abs_p,
    cos_p,
    div_p,
    exp_p,
    log_p,
    maximum_p,
    sin_p,
    sqrt_p,
    square,
)
from rtorch.ops.library import by_library, need, no_partial

# ---- removable singularities ---------------------------------------------------------------------


def smooth(x: Any, limit: float, series: Callable[[Any], Any], away: Callable[[Any], Any]) -> Any:
    """``series(x)`` below `limit`, where ``away(x)`` is 0 / 0 or close to it."""
    near = lt_p(abs_p(x), limit)
    # Each branch gets harmless values where the other is taken: 0 * inf would be nan.
    return select_p(near, series(select_p(near, x, 0)), away(select_p(near, 1, x)))


def polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Of primitives, the lowest power first."""
    out = mul_p(x, coefficients[-1])
    for c in coefficients[-2:0:-1]:
        out = mul_p(add_p(out, c), x)
    return add_p(out, coefficients[0])


_SINC = [(-1) ** k / math.factorial(2 * k + 1) for k in range(12)]
_LOG1P = [(-1) ** (k + 1) / (k + 1) for k in range(24)]


def _sinc(x: Any) -> Any:
    """``sin(x) / x``."""
    return smooth(x, 0.5, lambda x: polynomial(square(x), _SINC), lambda x: div_p(sin_p(x), x))


def _spence_slope(out: Any, x: Any) -> Any:
    """``log(x) / (1 - x)``."""
    return smooth(
        sub_p(x, 1),
        0.1,
        lambda y: polynomial(y, _LOG1P),
        lambda y: neg_p(div_p(log_p(add_p(y, 1)), y)),
    )


# ---- exponential integrals and the dilogarithm ---------------------------------------------------


def _expn_slope(out: Any, n: Any, x: Any) -> Any:
    """Minus the integral of order ``n - 1``, which of order -1 is elementary."""
    before = expn_p(maximum_p(sub_p(n, 1), 0), x)
    first = div_p(mul_p(exp_p(neg_p(x)), add_p(x, 1)), square(x))
    return neg_p(select_p(ge_p(n, 1), before, first))


expi_p = elementwise(
    "expi", by_library("expi"), lambda out, x: div_p(exp_p(x), x), singular=True
)  # fmt: skip
exp1_p = elementwise(
    "exp1", by_library("exp1"), lambda out, x: neg_p(div_p(exp_p(neg_p(x)), x)), singular=True
)
expn_p: Elementwise = elementwise(
    "expn", by_library("expn"), no_partial("expn", "n"), _expn_slope, singular=True
)
spence_p = elementwise(
    "spence",
    by_library("spence"),
    _spence_slope,
    singular=True,
    doc="The integral of ``log(t) / (1 - t)`` from 1 to ``x``.",
)

# ---- two results at once -------------------------------------------------------------------------


class Pair(Primitive):
    """Two functions of ``x`` that SciPy computes together."""

    multiple = True
    slopes: ClassVar[tuple[Callable[[Any], Any], Callable[[Any], Any]]]

    def impl(self, xp: Any, x: Any) -> Any:
        function = need(self.name, xp)
        if x.dtype in dtypes.HALVES:
            return tuple([y.astype(x.dtype) for y in self.impl(xp, x.astype(dtypes.float32))])
        return tuple([xp.asarray(y) for y in function(x)])

    def infer(self, x: Any) -> Any:
        return x, x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        return self(x), tuple([mul_p(t, slope(x)) for slope in self.slopes])

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        return self(args[0]), (dims[0], dims[0])


class SiCi(Pair):
    """The sine and the cosine integral."""

    name = "sici"
    slopes = (_sinc, lambda x: div_p(cos_p(x), x))


def _turned(x: Any) -> Any:
    return mul_p(square(x), math.pi / 2)


class Fresnel(Pair):
    """The integrals of ``sin(pi t² / 2)`` and ``cos(pi t² / 2)`` from 0 to ``x``."""

    name = "fresnel"
    slopes = (lambda x: sin_p(_turned(x)), lambda x: cos_p(_turned(x)))


sici_p, fresnel_p = SiCi(), Fresnel()

# ---- spherical harmonics -------------------------------------------------------------------------


class SphHarm(Primitive):
    """Degree ``n`` and order ``m``, integers, at polar angle ``theta`` and azimuth ``phi``."""

    name = "sph_harm_y"

    def impl(self, xp: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
        out = need("sph_harm_y", xp)(n, m, theta, phi)
        return xp.asarray(out).astype(dtypes.complex_dtype(theta.dtype), copy=False)

    def infer(self, n: Any, m: Any, theta: Any, phi: Any) -> Aval:
        return Aval(theta.shape, dtypes.complex_dtype(theta.dtype))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        tangent = None
        for t, orders in zip(tangents[2:], ((1, 0), (0, 1))):
            if t is not None:
                slope = harmonic_slope(primals, *orders)
                tangent = add_tangents(tangent, mul_p(convert_p(t, dtype=slope.dtype), slope))
        return self(*primals), tangent

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        return Elementwise.batch(self, args, dims)  # type: ignore[arg-type]


sph_harm_y_p = SphHarm()


def harmonic_slope(operands: Sequence[Any], by_theta: int, by_phi: int) -> Any:
    """The spherical harmonic differentiated so many times by each angle; no pole at the poles.

    By the polar angle it is half the difference of the neighbours in order, turned to order m.
    """
    n, m, theta, phi = operands
    if by_theta:
        more = (theta, phi, by_theta - 1)
        out = mul_p(sub_p(_neighbour(n, m, *more, 1), _neighbour(n, m, *more, -1)), 0.5)
    else:
        out = sph_harm_y_p(n, m, theta, phi)
    for _ in range(by_phi):
        out = mul_p(mul_p(convert_p(m, dtype=out.dtype), 1j), out)
    return out


def _neighbour(n: Any, m: Any, theta: Any, phi: Any, by_theta: int, by: int) -> Any:
    """Its factor is 0 where there is none."""
    dtype = dtypes.complex_dtype(theta.dtype)
    up = mul_p(m, by)
    inside = maximum_p(mul_p(sub_p(n, up), add_p(add_p(n, up), 1)), 0)
    factor = convert_p(sqrt_p(convert_p(inside, dtype=theta.dtype)), dtype=dtype)
    turned = exp_p(mul_p(convert_p(phi, dtype=dtype), -1j * by))
    return mul_p(mul_p(factor, turned), harmonic_slope((n, add_p(m, by), theta, phi), by_theta, 0))
