"""Polynomials as vectors of coefficients, the highest power first.

Zeros in front of a result stay: how many there are depends on values, and shapes may not.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ConcretizationError, ShapeError, api
from rtorch.numpy.convolution import convolve
from rtorch.numpy.creation import full, ones_like, zeros, zeros_like
from rtorch.numpy.cumulative import cumprod
from rtorch.numpy.elementwise import real
from rtorch.numpy.joining import concat
from rtorch.numpy.manipulation import flip, ravel, reshape
from rtorch.numpy.matrices import diag
from rtorch.numpy.operands import (
    ArrayLike,
    broadcast,
    convert,
    floating,
    integer_of,
    operand,
    promote,
)
from rtorch.numpy.reductions import sum
from rtorch.numpy.ufuncs import sqrt
from rtorch.ops.base import add_p, mul_p

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
    "vander",
]


def _coefficients(name: str, p: Any) -> Array:
    p = operand(p, name)
    if p.ndim > 1:
        raise ShapeError(f"[{name}] expected a vector of coefficients, got shape {p.shape}")
    return p if p.ndim else ravel(p)


def _linalg() -> Any:
    # By name: that package stands on this one, and is imported when it is asked for.
    return importlib.import_module("rtorch.linalg")


@api
def polyval(p: ArrayLike, x: ArrayLike) -> Array:
    """The value of the polynomial `p` at `x`, by Horner's scheme.

    Args:
        p: Coefficients, the highest power first.
        x: An array of any shape.

    Example:
        >>> import rtorch as rt
        >>> float(rt.polyval([1.0, 0.0, 2.0], 3.0))
        11.0
    """
    coefficients, at = promote("polyval", _coefficients("polyval", p), x)
    out: Any = zeros_like(at)
    for i in range(coefficients.shape[0]):
        out = add_p(mul_p(out, at), broadcast(coefficients[i], at.shape))
    return out


def _same_length(name: str, p: Any, q: Any) -> list[Array]:
    """Both with zeros in front of the shorter one."""
    pair = promote(name, _coefficients(name, p), _coefficients(name, q))
    n = max(pair[0].shape[0], pair[1].shape[0])
    return [concat([zeros((n - z.shape[0],), dtype=z.dtype), z]) for z in pair]


@api
def polyadd(p: ArrayLike, q: ArrayLike) -> Array:
    """The sum of two polynomials.

    Example:
        >>> import rtorch as rt
        >>> rt.polyadd([1, 2, 3], [1, 1]).tolist()
        [1, 3, 4]
    """
    a, b = _same_length("polyadd", p, q)
    return a + b


@api
def polysub(p: ArrayLike, q: ArrayLike) -> Array:
    """The difference of two polynomials.

    Example:
        >>> import rtorch as rt
        >>> rt.polysub([1, 2, 3], [1, 1]).tolist()
        [1, 1, 2]
    """
    a, b = _same_length("polysub", p, q)
    return a - b


@api
def polymul(p: ArrayLike, q: ArrayLike) -> Array:
    """The product of two polynomials.

    Example:
        >>> import rtorch as rt
        >>> rt.polymul([1, 2], [1, -2]).tolist()
        [1, 0, -4]
    """
    return convolve(_coefficients("polymul", p), _coefficients("polymul", q))


@api
def polydiv(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """The quotient and the rest of two polynomials: ``p = quotient * q + rest``.

    Args:
        p: n coefficients.
        q: m coefficients, the first of which is not 0.

    Returns:
        ``max(n - m + 1, 1)`` and ``max(m - 1, 1)`` coefficients (the rest has n if that is less).

    Example:
        >>> import rtorch as rt
        >>> quotient, rest = rt.polydiv([1.0, 5.0, 6.0], [1.0, 2.0])
        >>> quotient.tolist(), rest.tolist()
        ([1.0, 3.0], [0.0])
    """
    a, b = (_coefficients("polydiv", z) for z in (p, q))
    rest, divisor = (floating(z, "polydiv") for z in promote("polydiv", a, b))
    n, m = rest.shape[0], divisor.shape[0]
    if n < m:
        return zeros((1,), dtype=rest.dtype), rest
    quotient = []
    for _ in range(n - m + 1):
        share = rest[:1] / divisor[:1]
        quotient.append(share)
        rest = concat([rest[1:m] - share * divisor[1:], rest[m:]])
    return concat(quotient), rest if m > 1 else zeros((1,), dtype=rest.dtype)


@api
def polyder(p: ArrayLike, m: int = 1) -> Array:
    """The derivative of a polynomial, taken `m` times.

    Example:
        >>> import rtorch as rt
        >>> rt.polyder([1, 2, 3]).tolist()
        [2, 2]
    """
    out = _coefficients("polyder", p)
    for _ in range(_times("polyder", m)):
        powers = np.arange(out.shape[0] - 1, 0, -1)
        out = out[:-1] * operand(powers)
    return out


@api
def polyint(p: ArrayLike, m: int = 1, k: ArrayLike | None = None) -> Array:
    """The integral of a polynomial, taken `m` times.

    Args:
        p: Coefficients, the highest power first.
        m: How often.
        k: The constants of integration, one for each time; by default 0.

    Example:
        >>> import rtorch as rt
        >>> rt.polyint([2.0, 2.0], k=5.0).tolist()
        [1.0, 2.0, 5.0]
    """
    m = _times("polyint", m)
    out = floating(_coefficients("polyint", p), "polyint")
    constants = _coefficients("polyint", 0.0 if k is None else k)
    out, constants = promote("polyint", out, constants)
    if constants.shape[0] not in (1, m):
        raise ShapeError(f"[polyint] k: expected one constant, or {m}, got {constants.shape[0]}")
    constants = broadcast(constants, (m,)) if m else constants
    for i in range(m):
        powers = np.arange(out.shape[0], 0, -1)
        out = concat([out / convert(operand(powers), out.dtype), constants[i : i + 1]])
    return out


def _times(name: str, m: Any) -> int:
    m = integer_of(m, name, "m")
    if m < 0:
        raise ArgumentError(f"[{name}] m must not be negative, got {m}")
    return m


# ---- zeros ---------------------------------------------------------------------------------------


@api
def poly(seq_of_zeros: ArrayLike) -> Array:
    """The polynomial with the given zeros, or the characteristic polynomial of a matrix.

    Args:
        seq_of_zeros: A vector of zeros, or a square matrix, whose eigenvalues are taken.

    Returns:
        Coefficients, the highest power first; it has the coefficient 1.

    Example:
        >>> import rtorch as rt
        >>> rt.poly([1.0, 2.0]).tolist()
        [1.0, -3.0, 2.0]
    """
    x = floating(seq_of_zeros, "poly")
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        out = poly(_linalg().eigvals(x))
        return out if x.dtype in dtypes.COMPLEXES else real(out)
    if x.ndim > 1:
        raise ShapeError(f"[poly] expected a vector or a square matrix, got shape {x.shape}")
    x = ravel(x)
    out = full((1,), 1, dtype=x.dtype)
    for i in range(x.shape[0]):
        out = concat([out, zeros((1,), dtype=x.dtype)]) - concat(
            [zeros((1,), dtype=x.dtype), out * x[i]]
        )
    return out


@api
def roots(p: ArrayLike, *, strip_zeros: bool = True) -> Array:
    """The zeros of a polynomial: the eigenvalues of its companion matrix.

    Args:
        p: Coefficients, the highest power first.
        strip_zeros: Leave out zeros in front, and count those at the end as zeros of the
            polynomial. For that the values must be known: pass False under `jit` and `vmap`,
            where the first coefficient must not be 0 then.

    Returns:
        As many complex numbers as the degree, in no particular order.

    Example:
        >>> import rtorch as rt
        >>> rt.sort(rt.real(rt.roots([1.0, -3.0, 2.0])))
        Array([1., 2.], dtype=float32)
    """
    x = floating(_coefficients("roots", p), "roots")
    at_zero = 0
    if strip_zeros:
        x, at_zero = _stripped(x)
    n = x.shape[0] - 1
    kind = dtypes.complex_dtype(x.dtype)
    if n < 1:
        return zeros((at_zero,), dtype=kind)
    first = reshape(-x[1:] / x[:1], (1, n))
    below = concat([diag(ones_like(x[1:-1])), zeros((n - 1, 1), dtype=x.dtype)], axis=1)
    found = _linalg().eigvals(concat([first, below]) if n > 1 else first)
    return concat([found, zeros((at_zero,), dtype=kind)]) if at_zero else found


def _stripped(p: Array) -> tuple[Array, int]:
    """`p` without zeros in front and at the end, and how many were at the end."""
    try:
        known = p._concrete("roots")
    except ConcretizationError:
        raise ConcretizationError(
            "[roots] the degree depends on values that are not known here; pass "
            "strip_zeros=False if the first coefficient is not 0"
        ) from None
    places = np.flatnonzero(known if isinstance(known, np.ndarray) else known.get())
    if not places.size:
        return p[:0], 0
    first, last = int(places[0]), int(places[-1])
    return p[first : last + 1], p.shape[0] - 1 - last


# ---- fits ----------------------------------------------------------------------------------------


@api
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """The powers of the elements of a vector as the columns of a matrix, the highest first.

    Args:
        x: A vector of n elements.
        N: The number of columns; by default n.
        increasing: Put the lowest power first.

    Returns:
        Shape ``(n, N)``; integers in 64 bits, other dtypes as they are.

    Example:
        >>> import rtorch as rt
        >>> rt.vander([2, 3], 3).tolist()
        [[4, 2, 1], [9, 3, 1]]
    """
    line = operand(x, "vander")
    if line.ndim != 1:
        raise ShapeError(f"[vander] expected a vector, got shape {line.shape}")
    if line.dtype not in dtypes.INEXACT | {dtypes.uint64}:
        line = convert(line, dtypes.int64)  # powers of narrow integers would wrap around
    n = line.shape[0]
    m = n if N is None else integer_of(N, "vander", "N")
    ones = full((n, min(m, 1)), 1, dtype=line.dtype)
    factors = broadcast(reshape(line, (n, 1)), (n, max(m - 1, 0)))
    powers = cumprod(concat([ones, factors], axis=1), 1, dtype=line.dtype)
    return powers if increasing else flip(powers, axis=1)


@api
def polyfit(
    x: ArrayLike,
    y: ArrayLike,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: ArrayLike | None = None,
    cov: bool | str = False,
) -> Any:
    """The polynomial of degree `deg` with the least squared distance from points.

    Args:
        x: Where the points are, shape ``(n,)``.
        y: Their values, shape ``(n,)``, or ``(n, k)`` for k polynomials.
        deg: The degree.
        rcond: Singular values up to this part of the largest count as zero; by default n times
            the dtype's epsilon.
        full: Also return what the solver says: residuals, rank, singular values, `rcond`.
        w: Weights of the distances, shape ``(n,)``.
        cov: Also return the covariances of the coefficients, scaled by the residuals;
            ``"unscaled"`` leaves them as the weights give them.

    Returns:
        ``deg + 1`` coefficients, the highest power first; with `full` or `cov` a tuple.

    Example:
        >>> import rtorch as rt
        >>> rt.round(rt.polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1), 3)
        Array([2., 1.], dtype=float32)
    """
    at, values = (floating(z, "polyfit") for z in promote("polyfit", x, y))
    deg = integer_of(deg, "polyfit", "deg")
    if deg < 0:
        raise ArgumentError(f"[polyfit] deg must not be negative, got {deg}")
    if at.ndim != 1 or not at.size or values.ndim not in (1, 2) or values.shape[0] != at.shape[0]:
        raise ShapeError(f"[polyfit] shapes {at.shape} of x and {values.shape} of y do not fit")
    rcond = at.shape[0] * float(dtypes.finfo(at.dtype).eps) if rcond is None else rcond
    left, right = vander(at, deg + 1), values
    if w is not None:
        weights = convert(operand(w, "polyfit"), at.dtype)
        if weights.shape != at.shape:
            raise ShapeError(f"[polyfit] weights of shape {weights.shape} for {at.shape} points")
        left = left * reshape(weights, (-1, 1))
        right = right * reshape(weights, (-1,) + (1,) * (values.ndim - 1))
    scale = sqrt(sum(left * left, 0))
    solved, residuals, rank, singular = _linalg().lstsq(left / scale, right, rcond)
    out = solved / reshape(scale, (-1,) + (1,) * (values.ndim - 1))
    if full:
        return out, ravel(residuals), rank, singular, rcond
    return (out, _covariances(left, scale, residuals, values, cov)) if cov else out


def _covariances(left: Array, scale: Array, residuals: Array, values: Array, cov: Any) -> Array:
    """Of the coefficients, an axis for each set of values at the end."""
    scaled = left / scale
    base = _linalg().inv(scaled.T @ scaled) / (reshape(scale, (-1, 1)) * scale)
    spare = left.shape[0] - left.shape[1]
    factor: Any = 1.0
    if cov != "unscaled":
        if spare <= 0:
            raise ArgumentError(
                f"[polyfit] {left.shape[0]} points are too few to scale the covariances of "
                f"{left.shape[1]} coefficients; use cov='unscaled'"
            )
        factor = residuals / spare
    if values.ndim == 1:
        return base * reshape(operand(factor), ())
    return reshape(base, (*base.shape, 1)) * factor
