"""Solvers inside `vmap` with a named axis: the same values and derivatives as without a name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import solvers

P = rt.asarray([0.3, 0.6], dtype=rt.float64)


def system(p: rt.Array) -> rt.Array:
    return rt.sum(solvers.cg(lambda x: p * x, rt.ones(2, dtype=rt.float64), tol=1e-12)[0])


def point(p: rt.Array) -> rt.Array:
    return solvers.fixed_point(lambda x: rt.cos(x) * p, rt.zeros((), dtype=rt.float64)).x


def minimum(p: rt.Array) -> rt.Array:
    return solvers.minimize(lambda x: (x - p) ** 2 + x**4, rt.ones((), dtype=rt.float64)).x


def end(p: rt.Array) -> rt.Array:
    y0 = rt.ones((), dtype=rt.float64)
    return solvers.odeint(lambda y, t: -p * y + rt.sin(t), y0, [0.0, 0.4, 1.0])[-1]


@pytest.mark.parametrize("f", [system, point, minimum, end])
def test_the_name_changes_nothing(f: Callable[..., rt.Array]) -> None:
    transforms: list[Callable[[Any], Any]] = [lambda f: f, lambda f: rt.jit(rt.grad(f))]
    for apply in transforms:
        wanted = rt.vmap(apply(f))(P)
        np.testing.assert_allclose(rt.vmap(apply(f), axis_name="i")(P), wanted, rtol=1e-12)

    def total(s: Any, **name: Any) -> rt.Array:
        return rt.sum(rt.vmap(lambda p: f(p * s), **name)(P))

    slope = rt.jit(rt.grad(lambda s: total(s, axis_name="i")))(1.0)
    assert float(slope) == pytest.approx(float(rt.jit(rt.grad(total))(1.0)), rel=1e-6)
