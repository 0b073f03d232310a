"""Random numbers one at a time, in plain Python: what the vectorised samplers must agree with."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

Key = tuple[int, int]
MASK = 0xFFFFFFFF


def cipher(key: Key, x1: int) -> Key:
    """Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": threefry, 20 rounds."""
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x0, x1 = keys[0], (x1 + keys[1]) & MASK
    for i in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[i % 2]:
            x0 = (x0 + x1) & MASK
            x1 = ((x1 << turn | x1 >> (32 - turn)) & MASK) ^ x0
        x0 = (x0 + keys[(i + 1) % 3]) & MASK
        x1 = (x1 + keys[(i + 2) % 3] + i + 1) & MASK
    return x0, x1


def split(key: Key, n: int) -> list[Key]:
    return [cipher(key, i) for i in range(n)]


def unit(key: Key, place: int, dtype: Any) -> Any:
    high, low = cipher(key, place)
    if dtype == np.float64:
        return ((high << 32 | low) >> 12) * 2.0**-52
    width, mantissa = {"float32": (32, 23), "float16": (16, 10)}.get(str(dtype), (8, 7))
    return np.asarray(((high ^ low) % 2**width >> (width - mantissa)) * 2.0**-mantissa, dtype)[()]


def normal(key: Key, place: int, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    below = 2.0 ** -{"float64": 53, "float32": 24, "float16": 11}.get(str(dtype), 8)
    low = np.asarray(-1 + below, dtype)
    u = unit(key, place, dtype) * (np.asarray(1, dtype) - low) + low
    return np.asarray(NormalDist().inv_cdf((1 + float(u)) / 2), dtype)[()]


def gamma(key: Key, place: int, a: Any, log_space: bool) -> Any:
    """Marsaglia and Tsang 2000, with a key for each draw."""
    dtype = np.asarray(a).dtype
    chain, spare = split(cipher(key, place), 2)
    boosted = a < 1
    d = (a + 1 if boosted else a) - dtype.type(1 / 3)
    c = dtype.type(1 / 3) / np.sqrt(d)
    while True:
        chain, x_key, u_key = split(chain, 3)
        v = -1.0
        while v <= 0:
            x_key, now = split(x_key, 2)
            x = normal(now, 0, dtype)
            v = 1 + x * c
        u = unit(u_key, 0, dtype)
        if u == 0 or math.log(u) < x * x / 2 + d * (1 - v**3 + math.log(v**3)):
            break
    value = math.log(d * v**3)
    if boosted:
        value += math.log1p(-unit(spare, 0, dtype)) / a
    return value if log_space else math.exp(value)


def poisson(key: Key, place: int, mean: Any) -> int:
    """By waiting times for small means, else Hörmann's PTRS; the first candidate accepted."""
    dtype = np.asarray(mean).dtype
    if mean < 10:
        total, k = 0.0, -1
        while total > -mean:
            key, now = split(key, 2)
            total += math.log(unit(now, place, dtype) or 1e-300)
            k += 1
        return k
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    while True:
        key, first, second = split(key, 3)
        u, v = unit(first, place, dtype) - 0.5, unit(second, place, dtype)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k >= 0 and not (us < 0.013 and v > us):
            bound = k * math.log(mean) - mean - math.lgamma(k + 1)
            if math.log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / us**2 + b)) <= bound:
                return k


def binomial(key: Key, place: int, n: Any, p: Any) -> float:
    """By waiting times if few are expected, else Hörmann's BTRS; the first candidate accepted."""
    dtype = np.asarray(p).dtype
    q = 1 - p if p >= 0.5 else p
    k = _few(key, place, n, q, dtype) if n * q <= 10 else _many(key, place, n, q, dtype)
    return float(n - k if p >= 0.5 else k)


def _few(key: Key, place: int, n: Any, q: Any, dtype: Any) -> int:
    total, k = 0.0, -1
    while total <= n:
        now, key = split(key, 2)
        total += math.ceil(math.log(unit(now, place, dtype)) / math.log1p(-q))
        k += 1
    return k


def _many(key: Key, place: int, n: Any, q: Any, dtype: Any) -> int:
    deviation = math.sqrt(n * q * (1 - q))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * q

    def log_probability(k: float) -> float:
        return (k * math.log(q) + (n - k) * math.log(1 - q) - math.lgamma(k + 1)
                - math.lgamma(n - k + 1))  # fmt: skip

    top = log_probability(math.floor((n + 1) * q))
    while True:
        key, first, second = split(key, 3)
        u, v = unit(first, place, dtype) - 0.5, unit(second, place, dtype)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + n * q + 0.5)
        if us >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        if 0 <= k <= n:
            alpha = (2.83 + 5.1 / b) * deviation
            if math.log(v * alpha / (a / us**2 + b)) <= log_probability(k) - top:
                return k


def over(
    draw: Callable[..., Any], key: Any, shape: Any, dtype: Any, *parameters: Any, **more: Any
) -> Any:
    """`draw` at every place of `shape`, for a key (2,) or each of an array of keys."""
    rows = [tuple(row) for row in key.reshape(-1, 2).tolist()]
    size = math.prod(shape)
    tables = [np.reshape(x, (len(rows), size)) for x in parameters]
    values = [
        draw(row, i, *[t[r, i] for t in tables], **more)
        for r, row in enumerate(rows) for i in range(size)
    ]  # fmt: skip
    return np.asarray(values, dtype).reshape((*key.shape[:-1], *shape))
