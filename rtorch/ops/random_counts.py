"""Numbers of events: Poisson and binomial, by waiting times if few and by rejection if many.

The candidates are those of `jax.random`; whether one is accepted is decided in float64, for which
reason large means and counts have the right distribution in float32 too.

References:
    Knuth 1969, The Art of Computer Programming 2, 3.4.1 (products of uniform numbers)
    Devroye 1980, Generating the maximum of independent identically distributed random variables
    Hörmann 1993, The transformed rejection method for generating Poisson random variables (PTRS)
    Hörmann 1993, The generation of binomial random variates (BTRS)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.ops.base import Nondifferentiable
from rtorch.ops.random_streams import FromKeyAndParameters, children, unit

_FEW_EVENTS = 10  # means up to which waiting times are added up

# log k! - [(k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2] for k = 0, ..., 9; Stirling's series
# beyond.
_TAILS = tuple(
    math.lgamma(k + 1) - (k + 0.5) * math.log(k + 1) + k + 1 - 0.5 * math.log(2 * math.pi)
    for k in range(10)
)


def _stirling_tail(xp: Any, k: Any) -> Any:
    near = xp.clip(k, 0, 9).astype(np.int64)
    y = xp.maximum(k, 9) + 1
    square = y * y
    far = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / y
    return xp.where(k <= 9, xp.asarray(_TAILS)[near], far)


def _log_factorial(xp: Any, k: Any) -> Any:
    stem = (k + 0.5) * xp.log(k + 1) - (k + 1) + 0.5 * math.log(2 * math.pi)
    return stem + _stirling_tail(xp, k)


class _Elements:
    """Those elements of a block that are not finished: their rows, their places, their numbers."""

    def __init__(self, xp: Any, chosen: Any, keys: Any, places: Any) -> None:
        self.xp = xp
        self.at = xp.flatnonzero(chosen)
        self.row, self.column = self.at // len(places), places[self.at % len(places)]
        self.k0, self.k1 = keys[:, 0], keys[:, 1]

    def __len__(self) -> int:
        return len(self.at)

    def take(self, kept: Any) -> None:
        self.at, self.row, self.column = self.at[kept], self.row[kept], self.column[kept]

    def next_keys(self, count: int, chain: int) -> list[tuple[Any, Any]]:
        """`count` keys for each row, without the one at place `chain`: it is for the next round."""
        first, second = children(self.xp, self.k0, self.k1, count)
        self.k0, self.k1 = first[chain], second[chain]
        return [(first[i], second[i]) for i in range(count) if i != chain]

    def unit(self, keys: tuple[Any, Any], dtype: Any) -> Any:
        """A number in [0, 1) for each element."""
        return unit(self.xp, keys[0][self.row], keys[1][self.row], self.column, dtype)


# ---- Poisson -------------------------------------------------------------------------------------


def _poisson_few(xp: Any, out: Any, todo: _Elements, mean: Any) -> None:
    """Count how many uniform numbers it takes until their product is below ``exp(-mean)``."""
    total = xp.zeros_like(mean)
    k = -1
    while len(todo):
        (keys,) = todo.next_keys(2, chain=0)
        go = total > -mean
        out[todo.at[~go]] = k
        kept = xp.flatnonzero(go)
        todo.take(kept)
        mean = mean[kept]
        total = total[kept] + xp.log(todo.unit(keys, mean.dtype))
        k += 1


def _poisson_many(xp: Any, out: Any, todo: _Elements, mean: Any) -> None:
    """Transformed rejection with a squeeze."""
    b = 0.931 + 2.53 * xp.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    state = xp.stack([mean, b, a, inverse_alpha, v_r])
    while len(todo):
        mean, b, a, inverse_alpha, v_r = state
        first, second = todo.next_keys(3, chain=0)
        u = todo.unit(first, mean.dtype) - 0.5
        v = todo.unit(second, mean.dtype)
        us = 0.5 - abs(u)
        k = xp.floor((2 * a / us + b) * u + mean + 0.43)
        wide, rate = k.astype(np.float64), mean.astype(np.float64)
        bound = wide * xp.log(rate) - rate - _log_factorial(xp, wide)
        fits = xp.log(v * inverse_alpha / (a / (us * us) + b)) <= bound
        rejected = (k < 0) | ((us < 0.013) & (v > us))
        accepted = ((us >= 0.07) & (v <= v_r)) | (~rejected & fits)
        out[todo.at[accepted]] = k[accepted]
        kept = xp.flatnonzero(~accepted)
        todo.take(kept)
        state = state[:, kept]


class RandomPoisson(FromKeyAndParameters, Nondifferentiable):
    """Poisson distributed integers of mean ``mean``; -1 where that is no mean."""

    name = "random_poisson"

    def infer(self, key: Any, mean: Any, *, dtype: Any) -> Aval:
        return Aval(mean.shape, dtype)

    def draw(self, xp: Any, keys: Any, places: Any, mean: Any, *, dtype: Any) -> Any:
        flat = mean.ravel()
        out = xp.full(flat.shape, -1.0)
        out[flat == 0] = 0
        few = (flat > 0) & (flat < _FEW_EVENTS)
        many = (flat >= _FEW_EVENTS) & (flat < xp.inf)
        for chosen, method in ((few, _poisson_few), (many, _poisson_many)):
            todo = _Elements(xp, chosen, keys, places)
            method(xp, out, todo, flat[todo.at])
        limit = np.nextafter(np.float64(dtypes.iinfo(dtype).max) + 1, 0)
        return xp.minimum(out, limit).astype(dtype).reshape(mean.shape)


# ---- binomial ------------------------------------------------------------------------------------


def _binomial_few(xp: Any, out: Any, todo: _Elements, n: Any, q: Any) -> None:
    """Count how many geometric waiting times fit into n trials."""
    total = xp.zeros_like(q)
    rate = xp.log1p(-q)
    k = -1
    while len(todo):
        (keys,) = todo.next_keys(2, chain=1)
        go = total <= n
        out[todo.at[~go]] = k
        kept = xp.flatnonzero(go)
        todo.take(kept)
        n, rate = n[kept], rate[kept]
        total = total[kept] + xp.ceil(xp.log(todo.unit(keys, q.dtype)) / rate)
        k += 1


def _binomial_many(xp: Any, out: Any, todo: _Elements, n: Any, q: Any) -> None:
    """Transformed rejection with a squeeze."""
    deviation = xp.sqrt(n * q * (1 - q))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * q
    alpha = (2.83 + 5.1 / b) * deviation
    state = xp.stack([n, q, b, a, n * q + 0.5, 0.92 - 4.2 / b, alpha])
    while len(todo):
        n, q, b, a, c, v_r, alpha = state
        first, second = todo.next_keys(3, chain=0)
        u = todo.unit(first, n.dtype) - 0.5
        v = todo.unit(second, n.dtype)
        us = 0.5 - abs(u)
        k = xp.floor((2 * a / us + b) * u + c)
        bound = _binomial_bound(xp, *[x.astype(np.float64) for x in (k, n, q)])
        fits = xp.log(v * alpha / (a / (us * us) + b)) <= bound
        accepted = ((us >= 0.07) & (v <= v_r)) | ((k >= 0) & (k <= n) & fits)
        out[todo.at[accepted]] = k[accepted]
        kept = xp.flatnonzero(~accepted)
        todo.take(kept)
        state = state[:, kept]


def _binomial_bound(xp: Any, k: Any, n: Any, q: Any) -> Any:
    """The logarithm of the probability of k over that of the most probable number."""
    m = xp.floor((n + 1) * q)
    odds = q / (1 - q)
    tails = [_stirling_tail(xp, x) for x in (m, n - m, k, n - k)]
    return ((m + 0.5) * xp.log((m + 1) / (odds * (n - m + 1)))
            + (n + 1) * xp.log((n - m + 1) / (n - k + 1))
            + (k + 0.5) * xp.log(odds * (n - k + 1) / (k + 1))
            + tails[0] + tails[1] - tails[2] - tails[3])  # fmt: skip


class RandomBinomial(FromKeyAndParameters, Nondifferentiable):
    """How many of ``n`` trials succeed, each with probability ``p``; nan where there is no such.

    The number is a float, for `n` may be one, and infinite.
    """

    name = "random_binomial"

    def infer(self, key: Any, n: Any, p: Any) -> Aval:
        return Aval(p.shape, p.dtype)

    def draw(self, xp: Any, keys: Any, places: Any, n: Any, p: Any) -> Any:
        n, p = xp.floor(n.ravel()), p.ravel()
        mirrored = ~(p < 0.5)
        q = xp.where(mirrored, 1 - p, p)
        valid = (n >= 0) & (q >= 0)
        out = xp.where(valid & (n == xp.inf), xp.inf, xp.nan).astype(p.dtype)
        valid &= n < xp.inf
        few = n * q <= _FEW_EVENTS
        for chosen, method in ((valid & few, _binomial_few), (valid & ~few, _binomial_many)):
            todo = _Elements(xp, chosen, keys, places)
            method(xp, out, todo, n[todo.at], q[todo.at])
        return xp.where(mirrored & (n < xp.inf), n - out, out).reshape(-1, len(places))


random_poisson_p, random_binomial_p = RandomPoisson(), RandomBinomial()
