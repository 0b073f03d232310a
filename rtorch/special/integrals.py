"""Integrals of elementary functions, hypergeometric functions, spherical harmonics."""

from __future__ import annotations

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, DTypeError, api
from rtorch.numpy.joining import stack
from rtorch.numpy.operands import ArrayLike, broadcast, broadcast_shapes, convert, operand
from rtorch.ops import hypergeometric, integrals as ops
from rtorch.ops.elementwise import minimum_p
from rtorch.special.declare import reals, special, static_integer

__all__ = [
    "exp1",
    "expi",
    "expn",
    "fresnel",
    "hyp1f1",
    "hyp2f1",
    "sici",
    "spence",
    "sph_harm_y",
]

expi = special(
    "expi",
    "x",
    ops.expi_p,
    "The exponential integral: that of ``exp(t) / t`` from -inf to x.",
    "round(float(rt.special.expi(1.0)), 4) -> 1.8951",
)
exp1 = special(
    "exp1",
    "x",
    ops.exp1_p,
    "The exponential integral of order 1: that of ``exp(-t) / t`` from x to inf.",
    "round(float(rt.special.exp1(1.0)), 4) -> 0.2194",
)
expn = special(
    "expn",
    "n x",
    ops.expn_p,
    "The exponential integral of order n: that of ``exp(-x t) / t^n`` from 1 to inf.",
    "round(float(rt.special.expn(2, 1.0)), 4) -> 0.1485",
    fixed="n",
)
spence = special(
    "spence",
    "x",
    ops.spence_p,
    "The dilogarithm of 1 - x: the integral of ``log(t) / (1 - t)`` from 1 to x.",
    "round(float(rt.special.spence(0.0)), 4) -> 1.6449",
)
hyp1f1 = special(
    "hyp1f1",
    "a b x",
    hypergeometric.hyp1f1_p,
    "Kummer's confluent hypergeometric function. Slopes by a and b are sums of its series, and "
    "nan where that takes too many terms.",
    "round(float(rt.special.hyp1f1(1.0, 1.0, 1.0)), 4) -> 2.7183",
)
hyp2f1 = special(
    "hyp2f1",
    "a b c x",
    hypergeometric.hyp2f1_p,
    "Gauss's hypergeometric function. Slopes by a, b and c are sums of its series, and nan where "
    "that takes too many terms: near 1 and below -500.",
    "round(float(rt.special.hyp2f1(1.0, 1.0, 2.0, 0.5)), 4) -> 1.3863",
)


@api
def sici(x: ArrayLike, /) -> tuple[Array, Array]:
    """The sine and the cosine integral.

    The first is the integral of ``sin(t) / t`` from 0 to x, the second minus that of
    ``cos(t) / t`` from x to inf.

    Args:
        x: Real array or number; integers become the default float.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> [round(float(y), 4) for y in rt.special.sici(1.0)]
        [0.9461, 0.3374]
    """
    return ops.sici_p(*reals("sici", x))


@api
def fresnel(x: ArrayLike, /) -> tuple[Array, Array]:
    """The integrals of ``sin(pi t² / 2)`` and of ``cos(pi t² / 2)`` from 0 to x.

    Args:
        x: Real array or number; integers become the default float.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> [round(float(y), 4) for y in rt.special.fresnel(1.0)]
        [0.4383, 0.7799]
    """
    return ops.fresnel_p(*reals("fresnel", x))


@api
def sph_harm_y(
    n: ArrayLike, m: ArrayLike, theta: ArrayLike, phi: ArrayLike, /,
    diff_n: int | None = None, n_max: int | None = None,
) -> Array | tuple[Array, ...]:  # fmt: skip
    """The spherical harmonic of degree n and order m, and derivatives of it.

    Args:
        n: Integer array or number, at least 0; shapes broadcast.
        m: Integer array or number, from -n to n.
        theta: The polar angle, from 0 to pi; real array or number.
        phi: The azimuth; real array or number.
        diff_n: Up to which order derivatives by the angles are returned too: 0, 1 or 2. None is 0.
        n_max: The largest degree: a larger n is taken as this. None is no limit.

    Returns:
        Complex array. With a `diff_n` of 1 or 2 a tuple: the values; the derivatives by theta and
        by phi along a new last axis; the second ones along two new axes.

    Raises:
        DTypeError: if n or m are no integers.
        ArgumentError: if `diff_n` or `n_max` are out of range.
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> round(rt.special.sph_harm_y(1, 0, 0.0, 0.0).real.item(), 4)
        0.4886
        >>> by_theta, _ = rt.special.sph_harm_y(1, 0, 0.5, 0.0, diff_n=1)[1].real
        >>> round(float(by_theta), 4)
        -0.2342
    """
    most = 0 if diff_n is None else static_integer(diff_n, "sph_harm_y", "diff_n", 0)
    if most > 2:
        raise ArgumentError(f"[sph_harm_y] diff_n: expected 0, 1 or 2, got {most}; use rt.jacfwd")
    operands = _harmonic_operands(n, m, theta, phi)
    if n_max is not None:
        operands[0] = minimum_p(operands[0], static_integer(n_max, "sph_harm_y", "n_max", 0))
    values = ops.sph_harm_y_p(*operands)
    if not most:
        return values
    by_theta, by_phi = (ops.harmonic_slope(operands, *orders) for orders in ((1, 0), (0, 1)))
    slopes = stack([by_theta, by_phi], axis=-1)
    if most == 1:
        return values, slopes
    twice = [ops.harmonic_slope(operands, *orders) for orders in ((2, 0), (1, 1), (0, 2))]
    rows = [stack(twice[i : i + 2], axis=-1) for i in (0, 1)]
    return values, slopes, stack(rows, axis=-2)


def _harmonic_operands(n: ArrayLike, m: ArrayLike, theta: ArrayLike, phi: ArrayLike) -> list[Array]:
    angles = reals("sph_harm_y", theta, phi)
    if angles[0].dtype in dtypes.HALVES:
        angles = [convert(a, dtypes.float32) for a in angles]
    numbers = [operand(i, "sph_harm_y") for i in (n, m)]
    for name, i in zip("nm", numbers):
        if i.dtype not in dtypes.INTEGERS:
            raise DTypeError(f"[sph_harm_y] {name}: expected integers, got {i.dtype}")
    whole = [convert(i, dtypes.int64) for i in numbers]
    shape = broadcast_shapes("sph_harm_y", *[a.shape for a in (*whole, *angles)])
    return [broadcast(a, shape) for a in (*whole, *angles)]
