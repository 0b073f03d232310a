"""The price of `jit`: a call that hits the cache, and the first call of a long function."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from _libraries import JaxLike, jax_likes
from _table import Row, at_most, faster_than
from _timing import Call, Effort, paired, paired_once

UNROLLED_STEPS = 200  # of three operations each


def nested_params(layers: int) -> dict[str, dict[str, np.ndarray]]:
    """A parameter tree of 3 x `layers` small arrays."""
    names = ("bias", "scale", "weight")
    return {
        f"layer{i}": {name: np.full((4,), i, np.float32) for name in names} for i in range(layers)
    }


def first_plus_one(params: Any) -> Any:
    return params["layer0"]["weight"] + 1


def cache_hit(layers: int, limit: float, effort: Effort) -> Row:
    """JAX is not waited for here: only the call itself counts, on both sides."""
    sides: dict[str, Call] = {}
    for name, lib in jax_likes().items():
        params = lib.tree.map(lib.asarray, nested_params(layers))
        sides[name] = partial(lib.jit(first_plus_one), params)
    samples = paired(sides, effort)
    targets = [at_most(samples, "rtorch", limit), faster_than(samples, "rtorch", "jax")]
    return Row(f"jit cache hit, {3 * layers} leaves", samples, targets)


def hit_few(effort: Effort) -> Row:
    return cache_hit(1, 10e-6, effort)


def hit_many(effort: Effort) -> Row:
    return cache_hit(50, 30e-6, effort)


def unrolled(lib: JaxLike) -> Callable[[], Call]:
    """Makes first calls of a function that no cache has seen: each has a constant of its own."""
    x = lib.asarray(np.linspace(0, 1, 64, dtype=np.float32))
    made = 0

    def maker() -> Call:
        nonlocal made
        made += 1
        factor = 0.5 + made / 1000

        def function(x: Any, y: Any) -> Any:
            for _ in range(UNROLLED_STEPS):
                x = lib.tanh(x) * factor + y
            return x

        jitted = lib.jit(function)
        return lambda: lib.wait(jitted(x, x))

    return maker


def first_call(effort: Effort) -> Row:
    makers = {name: unrolled(lib) for name, lib in jax_likes().items()}
    samples = paired_once(makers, max(3, effort.rounds // 3))
    targets = [at_most(samples, "rtorch", 60e-3), faster_than(samples, "rtorch", "jax")]
    return Row(f"first jitted call of {3 * UNROLLED_STEPS} unrolled operations", samples, targets)
