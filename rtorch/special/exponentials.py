"""Sums of exponentials and their shares, without overflow."""

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import DTypeError, api
from rtorch.numpy import reductions
from rtorch.numpy.elementwise import abs, isfinite, real, stop_gradient, where
from rtorch.numpy.operands import ArrayLike, Axis, broadcast, broadcast_shapes, floating, promote
from rtorch.numpy.reductions import max, sum
from rtorch.numpy.ufuncs import exp, log, minimum, sign

__all__ = ["log_softmax", "logsumexp", "softmax"]


@api
def softmax(x: ArrayLike, /, axis: Axis = None) -> Array:
    """``exp(x)`` divided by its sum along `axis`.

    Args:
        x: Array of any dtype; integers become the default float.
        axis: An axis or several; None means all, as in SciPy (`rt.nn.softmax` takes the last).

    Example:
        >>> import rtorch as rt
        >>> rt.special.softmax(rt.asarray([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    x = floating(x, "softmax")
    powers = exp(x - _shift(x, axis))
    return powers / sum(powers, axis=axis, keepdims=True)


@api
def log_softmax(x: ArrayLike, /, axis: Axis = None) -> Array:
    """The logarithm of `softmax`.

    Args:
        x: Array of any dtype; integers become the default float.
        axis: An axis or several; None means all.

    Example:
        >>> import rtorch as rt
        >>> rt.special.log_softmax(rt.asarray([1000.0, 0.0])).tolist()
        [0.0, -1000.0]
    """
    x = floating(x, "log_softmax")
    moved = x - _shift(x, axis)
    return moved - log(sum(exp(moved), axis=axis, keepdims=True))


def _shift(x: Array, axis: Axis) -> Array:
    """The largest element along `axis`, 0 if it is infinite; a constant to differentiation."""
    if x.size == 0:
        return sum(x, axis=axis, keepdims=True)
    largest = max(stop_gradient(real(x)), axis=axis, keepdims=True)
    return where(isfinite(largest), largest, 0.0)


@api
def logsumexp(
    a: ArrayLike, axis: Axis = None, b: ArrayLike | None = None, keepdims: bool = False,
    return_sign: bool = False, where: ArrayLike | None = None,
) -> Any:  # fmt: skip
    """``log(sum(b * exp(a)))`` along `axis`, without overflow.

    Args:
        a: Array of any dtype; integers become the default float.
        axis: An axis or several; None means all.
        b: Weights that broadcast with `a`; 1 by default.
        keepdims: Whether the summed axes stay, with length 1.
        return_sign: Also return the sign of the sum, and the logarithm of its absolute value.
            Without, the logarithm of a negative sum is nan.
        where: Which elements count; it broadcasts with `a`. All by default.

    Returns:
        The logarithm; with `return_sign` a pair.

    Raises:
        DTypeError: for weights or signs of complex numbers.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.logsumexp(rt.asarray([1000.0, 1000.0]), b=0.5)), 4)
        1000.0
    """
    if where is not None:
        a, b = _masked(a, b, where)
    if b is None and not return_sign:
        return reductions.logsumexp(a, axis, keepdims=keepdims)
    a, b = (floating(z, "logsumexp") for z in promote("logsumexp", a, 1.0 if b is None else b))
    if a.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[logsumexp] weights and signs: expected real numbers, got {a.dtype}")
    return _weighted(a, b, axis, keepdims, return_sign)


def _masked(a: Any, b: Any, mask: Any) -> tuple[Array, Any]:
    a = where(mask, floating(a, "logsumexp"), -math.inf)
    return a, None if b is None else where(mask, b, 0.0)


def _weighted(a: Array, b: Array, axis: Axis, keepdims: bool, return_sign: bool) -> Any:
    shape = broadcast_shapes("logsumexp", a.shape, b.shape)
    a, b = broadcast(a, shape), broadcast(b, shape)
    counted = b != 0
    shift = _shift(where(counted, a, -math.inf), axis)
    # What has weight 0 may be larger than the shift; the bound keeps 0 * exp(...) at 0.
    exponents = a - shift
    exponents = where(counted, exponents, minimum(exponents, 80.0))
    total = sum(b * exp(exponents), axis=axis, keepdims=True)
    out = log(abs(total) if return_sign else total) + shift
    found = [out, sign(total)] if return_sign else [out]
    if not keepdims:
        found = [reductions.sum(y, axis=axis) for y in found]  # of one element: it drops the axes
    return tuple(found) if return_sign else found[0]
