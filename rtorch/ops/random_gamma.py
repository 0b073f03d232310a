"""Gamma distributed numbers, and their derivatives by the shape parameter.

Each number has a key of its own and is drawn by Marsaglia and Tsang's method. It is a function
``x(a)`` of the shape for which the distribution function ``P(a, x(a))`` stays the same, so its
derivative is ``-(dP/da) / (dP/dx)``: the implicit one, which exists though the rejection is not
smooth.

References:
    Marsaglia & Tsang 2000, A simple method for generating gamma variables
    Figurnov, Mohamed & Mnih 2018, Implicit reparameterization gradients
    DLMF 8.7.1 (series), 8.2.2 (upper integral)
    Goldberg & Levine 1946, Approximate formulas for the percentage points of chi-square
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.ops.base import Elementwise, mul_p, sub_p
from rtorch.ops.elementwise import exp_p, log_p, maximum_p
from rtorch.ops.random_streams import FromKeyAndParameters, children, cipher, normal, unit
from rtorch.ops.special import digamma_p

# ---- numbers -------------------------------------------------------------------------------------


def _positive(xp: Any, k0: Any, k1: Any, c: Any) -> tuple[Any, Any]:
    """Normal numbers x, and v = 1 + c x; drawn again where v is not positive."""
    zero = xp.zeros(1, dtypes.uint32)
    _, (x_key0, x_key1) = _next(xp, k0, k1)
    x = normal(xp, x_key0, x_key1, zero, c.dtype)
    v = 1 + x * c
    again = xp.flatnonzero(v <= 0)
    if len(again):
        (k0, k1), _ = _next(xp, k0[again], k1[again])
        x[again], v[again] = _positive(xp, k0, k1, c[again])
    return x, v


def _next(xp: Any, k0: Any, k1: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two new keys of each."""
    first, second = children(xp, k0, k1, 2)
    return (first[0], second[0]), (first[1], second[1])


def _marsaglia_tsang(xp: Any, k0: Any, k1: Any, c: Any, d: Any) -> Any:
    """The v**3 with which ``d v**3`` has the gamma distribution of shape ``d + 1/3``."""
    out = xp.ones_like(c)
    left = xp.arange(len(c))
    zero = xp.zeros(1, dtypes.uint32)
    while len(left):
        first, second = children(xp, k0, k1, 3)
        x, v = _positive(xp, first[1], second[1], c[left])
        u = unit(xp, first[2], second[2], zero, c.dtype)
        square, cube = x * x, v * v * v
        accepted = u < 1 - c.dtype.type(0.0331) * (square * square)
        accepted |= xp.log(u) < square / 2 + d[left] * (1 - cube + xp.log(cube))
        done = xp.flatnonzero(accepted)
        out[left[done]] = cube[done]
        go = xp.flatnonzero(~accepted)
        left, k0, k1 = left[go], first[0][go], second[0][go]
    return out


def _gamma(xp: Any, k0: Any, k1: Any, a: Any, log_space: bool) -> Any:
    """One number for each key and shape parameter, vectors."""
    boosted = ~(a >= 1)
    shape = xp.where(boosted, a + 1, a)
    d = shape - a.dtype.type(1 / 3)
    c = a.dtype.type(1 / 3) / xp.sqrt(d)
    chain, spare = _next(xp, k0, k1)
    drawn = xp.flatnonzero((a >= 0) & (a < xp.inf))
    cube = xp.ones_like(a)
    cube[drawn] = _marsaglia_tsang(xp, chain[0][drawn], chain[1][drawn], c[drawn], d[drawn])
    out = xp.log(d) + xp.log(cube) if log_space else d * cube
    small = xp.flatnonzero(boosted)
    if len(small):
        u = unit(xp, spare[0][small], spare[1][small], xp.zeros(1, dtypes.uint32), a.dtype)
        out[small] = _reduced(xp, out[small], u, a[small], log_space)
    out[~(a >= 0)] = xp.nan
    return out


def _reduced(xp: Any, x: Any, u: Any, a: Any, log_space: bool) -> Any:
    """``x (1 - u)**(1 / a)``, of shape a if x is of shape a + 1."""
    if not log_space:
        return x * (1 - u) ** (1 / a)
    return x + xp.where(u == 0, 0, xp.log1p(-u) * (1 / a))


class RandomGamma(FromKeyAndParameters):
    """Gamma distributed numbers of shape ``a``, or their logarithms."""

    name = "random_gamma"

    def infer(self, key: Any, a: Any, *, log_space: bool) -> Aval:
        return Aval(a.shape, a.dtype)

    def draw(self, xp: Any, keys: Any, places: Any, a: Any, *, log_space: bool) -> Any:
        k0, k1 = cipher(xp, keys[:, :1], keys[:, 1:], places[None])
        flat = _gamma(xp, k0.ravel(), k1.ravel(), a.ravel(), log_space)
        return flat.reshape(a.shape)

    def jvp(self, primals: Any, tangents: Any, *, log_space: bool) -> tuple[Any, Any]:
        key, a = primals
        out = self(key, a, log_space=log_space)
        if log_space:
            return out, mul_p(tangents[1], gamma_slope_p(a, out))
        least = float(dtypes.finfo(a.dtype).tiny)  # a number may be 0, its logarithm not
        slope = mul_p(out, gamma_slope_p(a, log_p(maximum_p(out, least))))
        return out, mul_p(tangents[1], slope)


# ---- derivatives ---------------------------------------------------------------------------------

_LARGE = 200.0  # shapes from which the expansion in 1 / sqrt(a) has 7 digits or more, ...
_NEAR = 0.2  # ... for numbers whose relative distance from the shape is at most this
_NODES = 32


@functools.cache
def _laguerre() -> tuple[Any, Any]:
    from numpy.polynomial.laguerre import laggauss  # takes a while to import

    return laggauss(_NODES)


def _slope_by_series(xp: Any, a: Any, log_x: Any, psi: Any) -> Any:
    """For x up to a little above a: all terms of the power series of P and of dP/da."""
    x = xp.exp(log_x)
    term = 1 / a
    harmonic = term.copy()
    total, weighted = term.copy(), term * harmonic
    shift = a.copy()
    while True:
        for _ in range(8):
            shift += 1
            term *= x / shift
            harmonic += 1 / shift
            total += term
            weighted += term * harmonic
        if not bool(xp.any(term > 1e-17 * total)):
            return weighted - total * (log_x - psi)


def _slope_in_tail(xp: Any, a: Any, log_x: Any, psi: Any) -> Any:
    """For x well above a: the integral of (log t - psi) over the density beyond x, by nodes.

    The variable is scaled so that the integrand falls as ``exp(-y)`` at its start.
    """
    x = xp.exp(log_x)
    scale = 1 / (1 - (a - 1) / x)
    total = xp.zeros_like(x)
    for y, weight in zip(*_laguerre()):
        grown = xp.log1p(y * scale / x)
        total += weight * xp.exp(y - y * scale + (a - 1) * grown) * (log_x + grown - psi)
    return total * scale / x


def _slope_if_large(xp: Any, a: Any, log_x: Any, psi: Any) -> Any:
    """For large a: Cornish and Fisher's expansion of x in z, a normal number; z does not change."""
    x, root = xp.exp(log_x), xp.sqrt(a)
    z = (x - a) / root
    for _ in range(5):  # Newton's method
        z2 = z * z
        value = (a + z * root + (z2 - 1) / 3 + z * (z2 - 7) / (36 * root)
                 - (3 * z2 * z2 + 7 * z2 - 16) / (810 * a)
                 + z * (9 * z2 * z2 + 256 * z2 - 433) / (38880 * root * a))  # fmt: skip
        slope = root + 2 * z / 3 + (3 * z2 - 7) / (36 * root) - z * (12 * z2 + 14) / (810 * a)
        z = z - (value - x) / slope
    z2 = z * z
    by_a = (1 + z / (2 * root) - z * (z2 - 7) / (72 * root * a)
            + (3 * z2 * z2 + 7 * z2 - 16) / (810 * a * a)
            - z * (9 * z2 * z2 + 256 * z2 - 433) / (25920 * root * a * a))  # fmt: skip
    return by_a / x


def _slope(xp: Any, a: Any, log_x: Any) -> Any:
    """``d log x / d a`` of vectors of float64; relative errors of 1e-10, for large a 1e-8."""
    out = xp.full(a.shape, xp.nan)
    psi = xp.asarray(digamma_p.impl(xp, a))
    valid = (a > 0) & (a < xp.inf) & (log_x < xp.inf)
    x = xp.exp(log_x)
    large = valid & (a >= _LARGE) & (xp.abs(x - a) <= _NEAR * a)
    above = valid & ~large & (x > a + 2 * xp.sqrt(a) + 1)
    cases = ((_slope_if_large, large), (_slope_in_tail, above),
             (_slope_by_series, valid & ~large & ~above))  # fmt: skip
    for rule, mask in cases:
        some = xp.flatnonzero(mask)
        if len(some):
            out[some] = rule(xp, a[some], log_x[some], psi[some])
    return out


def _in_float64(xp: Any, a: Any, log_x: Any) -> Any:
    wide = xp.broadcast_arrays(a.astype(np.float64), log_x.astype(np.float64))
    with np.errstate(all="ignore"):
        flat = _slope(xp, *[x.ravel() for x in wide])
    return flat.reshape(wide[0].shape).astype(a.dtype)


_STEP = 1e-4  # relative, of a difference quotient of numbers with 8 digits or more


def _slope_by_a(xp: Any, a: Any, log_x: Any) -> Any:
    wide, log_x = a.astype(np.float64), log_x.astype(np.float64)
    up, down = (_in_float64(xp, wide * (1 + s * _STEP), log_x) for s in (1, -1))
    return ((up - down) / (2 * _STEP * wide)).astype(a.dtype)


class GammaSlope(Elementwise):
    """``d log x / d a`` of a gamma distributed x of shape a, by the logarithm of x."""

    name = "gamma_slope"
    # The second follows from that of the density; x is exp of the operand.
    partials = (
        lambda out, a, log_x: gamma_slope_by_a_p(a, log_x),
        lambda out, a, log_x: sub_p(sub_p(digamma_p(a), log_x), mul_p(out, sub_p(a, exp_p(log_x)))),
    )

    def impl(self, xp: Any, a: Any, log_x: Any) -> Any:
        return _in_float64(xp, a, log_x)


class GammaSlopeByA(Primitive):
    """The derivative of `GammaSlope` by a, a difference quotient; it has no derivative itself."""

    name = "gamma_slope_by_a"

    def impl(self, xp: Any, a: Any, log_x: Any) -> Any:
        return _slope_by_a(xp, a, log_x)

    infer = Elementwise.infer
    batch = Elementwise.batch


gamma_slope_p: Elementwise = GammaSlope()
gamma_slope_by_a_p: Primitive = GammaSlopeByA()
random_gamma_p = RandomGamma()
