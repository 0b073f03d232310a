"""Random orders and choices of what is there."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy import random_bits as raw
from rtorch.random.continuous import gumbel, uniform
from rtorch.random.discrete import randint

__all__ = ["choice", "permutation"]


@api
def permutation(key: rt.Array, x: Any, axis: int = 0, independent: bool = False) -> rt.Array:
    """`x` in random order along `axis`, or the numbers 0 to ``x - 1`` in random order.

    Sorts by random words, so often that equal words do not matter.

    Args:
        key: A key, uint32 of shape (2,).
        x: An array, or the integer n for ``arange(n)``.
        axis: The axis along which the order changes.
        independent: Whether each line along `axis` gets an order of its own, instead of all the
            same.

    Raises:
        ArgumentError: if `x` is a number but not an integer.

    Example:
        >>> import rtorch as rt
        >>> sorted(rt.random.permutation(rt.random.key(0), 5).tolist())
        [0, 1, 2, 3, 4]
    """
    key = raw.check_key(key, "permutation")
    values = _items(x, key, "permutation", "x")
    place = _axis(axis, values, "permutation")
    if independent or values.ndim == 1:
        return _shuffle(key, values, place)
    order = _shuffle(key, rt.arange(values.shape[place], device=key.device), 0)
    return rt.take(values, order, axis=place)


def _items(x: Any, key: rt.Array, name: str, argument: str) -> rt.Array:
    """`x`, or ``arange(x)`` for an integer."""
    values = rt.asarray(x)
    if values.ndim:
        return values
    if not rt.isdtype(values.dtype, "integral") or int(values) < 0:
        raise ArgumentError(
            f"[{name}] {argument}: expected an array or an integer >= 0, got {describe(x)}"
        )
    return rt.arange(int(values), device=key.device)


def _axis(axis: int, x: rt.Array, name: str) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"[{name}] axis {axis} is out of range for an array of {x.ndim} axes")
    return axis % x.ndim


def _shuffle(key: rt.Array, x: rt.Array, axis: int) -> rt.Array:
    # After r rounds two elements keep their order by chance only if r words of 32 bits agree:
    # as many rounds as make words of size**3 values.
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        key, subkey = raw.split(key, 2, "permutation")
        order = rt.argsort(raw.random_bits(subkey, x.shape, rt.uint32), axis=axis, stable=True)
        x = rt.take_along_axis(x, order, axis=axis)
    return x


@api
def choice(
    key: rt.Array,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    mode: str | None = None,
) -> rt.Array:
    """Elements of `a` along `axis`, drawn at random.

    Args:
        key: A key, uint32 of shape (2,).
        a: An array, or the integer n for ``arange(n)``.
        shape: Shape of what is drawn.
        replace: Whether an element can be drawn again.
        p: Probabilities of the elements, a vector that sums to 1; by default all equal.
        axis: The axis along which elements are drawn.
        mode: That of `gumbel`, which is used to draw with `p` without replacement.

    Returns:
        ``a`` with `shape` in place of `axis`.

    Raises:
        ArgumentError: if there are too few elements to draw from.
        ShapeError: if `p` is not a vector of one probability per element.

    Example:
        >>> import rtorch as rt
        >>> sorted(rt.random.choice(rt.random.key(0), 3, (3,), replace=False).tolist())
        [0, 1, 2]
    """
    key = raw.check_key(key, "choice")
    items = _items(a, key, "choice", "a")
    place = _axis(axis, items, "choice")
    shape = raw.check_shape(shape, "choice")
    count, drawn = items.shape[place], math.prod(shape)
    if drawn and (not count or (not replace and drawn > count)):
        raise ArgumentError(
            f"[choice] cannot draw {drawn} of {count} elements"
            + ("" if replace else "; replace=True draws elements repeatedly")
        )
    if p is None and not replace:
        some = (slice(None),) * place + (slice(drawn),)
        taken = permutation(key, items, place)[some]
    elif p is None:
        taken = rt.take(items, randint(key, shape, 0, max(count, 1)), axis=place)
    else:
        taken = rt.take(items, _weighted(key, p, count, shape, replace, mode), axis=place)
    return taken.reshape(items.shape[:place] + shape + items.shape[place + 1 :])


def _weighted(
    key: rt.Array, p: Any, count: int, shape: Any, replace: bool, mode: str | None
) -> rt.Array:
    """Places drawn with the probabilities `p`."""
    p = rt.asarray(p)
    if not rt.isdtype(p.dtype, "real floating"):
        raise DTypeError(f"[choice] p: expected floating probabilities, got {describe(p)}")
    if p.shape != (count,):
        raise ShapeError(
            f"[choice] p: expected one probability for each of {count} elements, got {describe(p)}"
        )
    if not replace:
        logits = rt.where(p > 0, rt.log(rt.where(p > 0, p, 1)), -math.inf)
        return rt.top_k(gumbel(key, (count,), p.dtype, mode) + logits, math.prod(shape))[1]
    total = rt.cumsum(p)
    return rt.searchsorted(total, total[-1] * (1 - uniform(key, shape, p.dtype)))
