"""Samplers of numbers of events and of trials."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import DTypeError, ShapeError, api, describe
from rtorch.numpy import random_bits as raw, random_draws as draws
from rtorch.random.arguments import fit_all, fitting

__all__ = ["binomial", "geometric", "multinomial", "poisson"]


def _integer(dtype: Any, name: str) -> Any:
    kind = rt.result_type(rt.int32 if dtype is None else dtype)
    if not rt.isdtype(kind, "integral"):
        raise DTypeError(f"[{name}] dtype: expected an integer dtype, got {kind}")
    return kind


def _floats(name: str, key: Any, **given: Any) -> list[rt.Array]:
    """The arguments as arrays of one floating dtype, the widest that they have."""
    device = raw.check_key(key, name).device
    arrays = [rt.asarray(x, device=device) for x in given.values()]
    own = [
        x.dtype
        for x, value in zip(arrays, given.values())
        if rt.isdtype(x.dtype, "real floating") and not isinstance(value, float)
    ]
    for argument, x in zip(given, arrays):
        if not rt.isdtype(x.dtype, ("real floating", "integral")):
            raise DTypeError(f"[{name}] {argument}: expected real numbers, got {describe(x)}")
    kind = rt.result_type(*own) if own else rt.default_dtype()
    return [x.astype(kind) for x in arrays]


@api
def poisson(key: rt.Array, lam: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """Numbers of events in a unit of time, if `lam` of them are expected.

    Args:
        key: A key, uint32 of shape (2,).
        lam: The mean, a number or an array; -1 is drawn where it is negative, infinite or nan.
        shape: Shape of the result, to which that of `lam` broadcasts; by default that of it.
        dtype: An integer dtype; by default int32. Larger numbers become the largest it has.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.poisson(rt.random.key(0), 3.0, (10000,))
        >>> abs(float(x.mean()) - 3) < 0.1, abs(float(x.var()) - 3) < 0.2
        (True, True)

    References:
        Hörmann 1993, The transformed rejection method for generating Poisson random variables
    """
    kind = _integer(dtype, "poisson")
    (mean,) = _floats("poisson", key, lam=lam)
    return draws.poisson(key, mean, fit_all("poisson", shape, lam=mean), kind, "poisson")


@api
def binomial(key: rt.Array, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """How many of `n` trials succeed that do so with probability `p`.

    Args:
        key: A key, uint32 of shape (2,).
        n: The number of trials, an integer or a float, or an array of them.
        p: The probability, a number or an array.
        shape: Shape of the result; by default what `n` and `p` broadcast to.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Returns:
        Whole numbers as floats; nan where ``n < 0`` or p is no probability.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.binomial(rt.random.key(0), 10, 0.3, (10000,))
        >>> abs(float(x.mean()) - 3) < 0.1, abs(float(x.var()) - 2.1) < 0.2
        (True, True)

    References:
        Hörmann 1993, The generation of binomial random variates
    """
    kind = raw.floating_dtype(dtype, "binomial")
    n, p = _floats("binomial", key, n=n, p=p)
    shape = fit_all("binomial", shape, n=n, p=p)
    return draws.binomial(key, n, p, shape, "binomial").astype(kind)


@api
def geometric(key: rt.Array, p: Any, shape: Any = None, dtype: Any = None) -> rt.Array:
    """How many trials it takes until the first succeeds, each with probability `p`: 1, 2, ...

    Args:
        key: A key, uint32 of shape (2,).
        p: The probability, a number or an array.
        shape: Shape of the result, to which that of `p` broadcasts; by default that of it.
        dtype: An integer dtype; by default int32.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.geometric(rt.random.key(0), 0.25, (10000,))
        >>> int(x.min()), abs(float(x.mean()) - 4) < 0.2
        (1, True)
    """
    kind = _integer(dtype, "geometric")
    (p,) = _floats("geometric", key, p=p)
    shape = fit_all("geometric", shape, p=p)
    u = raw.unit(key, shape, p.dtype, "geometric")
    u = rt.where(u == 0, 1, u)
    fails = p < 1
    waits = rt.floor(rt.log(u) / rt.log1p(-rt.where(fails, p, 0.5)))
    return (rt.where(fails, waits, 0) + 1).astype(kind)


@api
def multinomial(key: rt.Array, n: Any, p: Any, *, shape: Any = None, dtype: Any = None) -> rt.Array:
    """How often each category comes up in `n` trials with probabilities `p`.

    Args:
        key: A key, uint32 of shape (2,).
        n: The number of trials, a number or an array, without the axis of the categories.
        p: The probabilities along the last axis; they are divided by their sum.
        shape: Shape of the result with the axis of the categories at its end; by default that of
            `p`.
        dtype: A floating dtype; by default `rt.default_dtype()`.

    Returns:
        Whole numbers as floats, which sum to `n` along the last axis.

    Raises:
        ShapeError: if `p` has no axes, or n and p do not broadcast to `shape`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.multinomial(rt.random.key(0), 100, rt.asarray([0.5, 0.25, 0.25]))
        >>> int(x.sum())
        100
    """
    kind = raw.floating_dtype(dtype, "multinomial")
    n, p = _floats("multinomial", key, n=n, p=p)
    if not p.ndim:
        raise ShapeError(f"[multinomial] p: expected one axis or more, got {describe(p)}")
    shape = fit_all("multinomial", p.shape if shape is None else shape, p=p)
    left = rt.broadcast_to(fitting(n, shape[:-1], "multinomial", "n"), shape[:-1])
    remaining = rt.flip(rt.cumsum(rt.flip(p, axis=-1), axis=-1), axis=-1)
    share = rt.clip(p / rt.where(remaining == 0, 1, remaining), 0, 1)
    counts = []
    for i, subkey in enumerate(raw.split(key, shape[-1], "multinomial")):
        count = draws.binomial(subkey, left, share[..., i], shape[:-1], "multinomial")
        counts.append(count)
        left = left - count
    return rt.stack(counts, axis=-1).astype(kind) if counts else rt.zeros(shape, dtype=kind)
