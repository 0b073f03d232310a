"""Factorials, binomial coefficients and Bernoulli numbers."""

from __future__ import annotations

import math
from fractions import Fraction

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, api
from rtorch.numpy.creation import asarray, float_dtype
from rtorch.numpy.elementwise import where
from rtorch.numpy.operands import ArrayLike
from rtorch.ops.base import add_p, sub_p
from rtorch.ops.gamma import binom_p, gamma_p
from rtorch.special.declare import reals, special, static_integer

__all__ = ["bernoulli", "binom", "comb", "factorial"]

binom = special(
    "binom",
    "n k",
    binom_p,
    "The binomial coefficient ``gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1))``.",
    "round(float(rt.special.binom(5.0, 2.0)), 4) -> 10.0",
    scipy=False,
)


@api
def comb(N: ArrayLike, k: ArrayLike, *, repetition: bool = False) -> Array:
    """How many ways there are to choose `k` of `N` things; 0 if k < 0, N < 0 or k > N.

    Args:
        N: Array or number of things; its fractions count, as in `binom`.
        k: Array or number of choices; shapes broadcast.
        repetition: Whether a thing may be chosen more than once.

    Returns:
        Real floating array.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.comb(5, 2)), 4)
        10.0
    """
    n, k = reals("comb", N, k)
    if repetition:
        n = where(k == 0, n, sub_p(add_p(n, k), 1))
    possible = (k >= 0) & (n >= 0) & (k <= n)
    return where(possible, binom_p(where(possible, n, 1.0), where(possible, k, 0.0)), 0.0)


@api
def factorial(n: ArrayLike, exact: bool = False) -> Array:
    """``n!``, of fractions ``gamma(n + 1)``; 0 for negative numbers.

    Args:
        n: Real array or number; integers become the default float.
        exact: Only False: exact results do not fit into an array.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.factorial(4))
        24.0
    """
    if exact:
        raise ArgumentError(
            "[factorial] exact: only False; use math.factorial for an exact integer"
        )
    (n,) = reals("factorial", n)
    return where(n < 0, 0.0, gamma_p(add_p(where(n < 0, 0.0, n), 1)))


@api
def bernoulli(n: int) -> Array:
    """The Bernoulli numbers B₀ to Bₙ, with B₁ = -1/2; exact before they are rounded.

    Args:
        n: The last one, a Python integer of at least 0.

    Returns:
        Shape ``(n + 1,)``, of the default dtype.

    Example:
        >>> import rtorch as rt
        >>> print(rt.special.bernoulli(4))
        [ 1.         -0.5         0.16666667  0.         -0.03333334]
    """
    n = static_integer(n, "bernoulli", "n", 0)
    numbers = [Fraction(1)]
    for m in range(1, n + 1):
        total = sum((math.comb(m + 1, k) * b for k, b in enumerate(numbers)), Fraction(0))
        numbers.append(-total / (m + 1))
    return asarray([_rounded(b) for b in numbers], float_dtype(None))


def _rounded(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, x)
