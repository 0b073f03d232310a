"""Gradients at ties, kinks, zeros and infinities: what we say, and where JAX says otherwise."""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch.core.primitive import Primitive

INF, NAN = math.inf, math.nan


class Point(NamedTuple):
    """A function of a namespace, its arguments and the gradient of its sum by each."""

    name: str
    function: Callable[[Any], Callable[..., Any]]
    args: list[list[float]]
    expected: list[list[float]]
    differs: str = ""  # why JAX gives something else


def where(condition: Callable[[Any], Any], f: Callable[[Any, Any], Any]) -> Any:
    """``f(x)`` on the branch that is taken, 0 elsewhere."""
    return lambda n: lambda x: n.where(condition(x), f(n, x), 0.0)


def primitive(name: str, **params: Any) -> Any:
    return lambda n: lambda x: Primitive.registry[name](x, **params)


ABSENT = "no such function of NumPy's: not compared"
BRANCH = "a branch that is not taken has gradient 0, where JAX has 0 * inf = nan"
SMOOTHED = "JAX has nan, and there is a finite sub-gradient"

POINTS = [
    # ties share
    Point("max", lambda n: n.max, [[1, 3, 3]], [[0, 0.5, 0.5]]),
    Point("min", lambda n: n.min, [[1, 3, 1, 1]], [[1 / 3, 0, 1 / 3, 1 / 3]]),
    Point("max of infinities", lambda n: n.max, [[INF, INF, 1]], [[0.5, 0.5, 0]]),
    Point("max of nan", lambda n: n.max, [[1, NAN]], [[NAN, NAN]]),
    Point("nanmax", lambda n: n.nanmax, [[0, 2, NAN]], [[0, 1, 0]]),
    Point("maximum", lambda n: n.maximum, [[1, 0, 2], [1, -0.0, 1]],
          [[0.5, 0.5, 1], [0.5, 0.5, 0]]),
    Point("minimum", lambda n: n.minimum, [[1, 2], [1, 1]], [[0.5, 0], [0.5, 1]]),
    Point("median", lambda n: n.median, [[2, 1, 2, 1]], [[0.5, 0, 0, 0.5]]),
    Point("ptp", lambda n: n.ptp, [[1, 1, 0]], [[0.5, 0.5, -1]]),
    Point("sort", lambda n: lambda x: n.sort(x) * n.asarray([1.0, 2, 3, 4]), [[2, 1, 2, 1]],
          [[3, 1, 4, 2]]),
    Point("clip", lambda n: lambda x: n.clip(x, 0.0, 1.0), [[-1, 0, 0.5, 1, 2]],
          [[0, 0.5, 1, 0.5, 0]]),
    Point("cummax", primitive("cummax", axis=0, reverse=False), [[1, 1, 0, 2]], [[1, 2, 0, 1]],
          ABSENT),
    # kinks
    Point("abs", lambda n: n.abs, [[0, -0.0, -2]], [[0, 0, -1]], "JAX takes the slope from above"),
    Point("relu", primitive("relu"), [[0, -0.0, 1]], [[0, 0, 1]], ABSENT),
    Point("sign", lambda n: n.sign, [[0, 1]], [[0, 0]]),
    Point("floor", lambda n: n.floor, [[0, 1.5]], [[0, 0]]),
    Point("hypot", lambda n: n.hypot, [[0, 3], [0, 4]], [[0, 0.6], [0, 0.8]], "as abs"),
    Point("copysign", lambda n: n.copysign, [[1, -2, 0], [0, -0.0, 1]], [[1, 1, 0], [0, 0, 0]],
          "as abs"),
    Point("atan2", lambda n: n.arctan2, [[0, 0, 1], [0, 1, 0]], [[0, 1, 0], [0, 0, -1]], SMOOTHED),
    Point("std", lambda n: n.std, [[1, 1, 1]], [[0, 0, 0]], SMOOTHED),
    Point("remainder", lambda n: n.remainder, [[4, -5, 3], [2, 3, -2]], [[1, 1, 1], [-2, 2, 2]]),
    Point("fmod", lambda n: n.fmod, [[4, -5, 3], [2, 3, -2]], [[1, 1, 1], [-2, 1, 1]]),
    # infinite slopes
    Point("sqrt", lambda n: n.sqrt, [[0, 4]], [[INF, 0.25]]),
    Point("cbrt", lambda n: n.cbrt, [[0, 1]], [[INF, 1 / 3]]),
    Point("log", lambda n: n.log, [[0, 2]], [[INF, 0.5]]),
    Point("asin", lambda n: n.arcsin, [[1, -1, 0]], [[INF, INF, 1]]),
    Point("atanh", lambda n: n.arctanh, [[0, 1]], [[1, INF]]),
    Point("divide", lambda n: n.divide, [[1, 0], [0, 2]], [[INF, 0.5], [-INF, 0]]),
    Point("divide by 0.0", lambda n: lambda x: x / 0.0, [[1, 2]], [[INF, INF]]),
    # powers
    Point("x ** 0", lambda n: lambda x: x**0, [[0, 2, -1]], [[0, 0, 0]]),
    Point("x ** 0.0", lambda n: lambda x: x**0.0, [[0, 2, -1]], [[0, 0, 0]], SMOOTHED),
    Point("x ** 1.0", lambda n: lambda x: x**1.0, [[0, 2, -1]], [[1, 1, 1]]),
    Point("x ** 2.0", lambda n: lambda x: x**2.0, [[0, 2, -1]], [[0, 4, -2]]),
    Point("x ** 0.5", lambda n: lambda x: x**0.5, [[0, 4]], [[INF, 0.25]]),
    Point("x ** -1", lambda n: lambda x: x**-1, [[0, 2]], [[-INF, -0.25]]),
    Point("x ** y", lambda n: n.power, [[0, 0, 0, 2, 1], [0, 1, 2, 0, 0]],
          [[0, 1, 0, 0, 0], [0, 0, 0, math.log(2), 0]], SMOOTHED),
    Point("0 ** y", lambda n: lambda y: 0.0**y, [[1, 2]], [[0, 0]]),
    Point("2 ** y", lambda n: lambda y: 2.0**y, [[0, 1]], [[math.log(2), 2 * math.log(2)]]),
    # zeros among factors
    Point("prod, one zero", lambda n: n.prod, [[2, 0, 3]], [[0, 6, 0]]),
    Point("prod, two zeros", lambda n: n.prod, [[2, 0, 0]], [[0, 0, 0]]),
    Point("cumprod, one zero", lambda n: n.cumprod, [[2, 0, 3]], [[1, 8, 0]]),
    Point("cumprod, two zeros", lambda n: n.cumprod, [[2, 0, 0, 4]], [[1, 2, 0, 0]]),
    # saturation
    Point("tanh", lambda n: n.tanh, [[50, -INF, 0]], [[0, 0, 1]]),
    Point("sigmoid", primitive("sigmoid"), [[100, -1000, 0]], [[0, 0, 0.25]], ABSENT),
    Point("exp", lambda n: n.exp, [[-1000, -INF, 0]], [[0, 0, 1]]),
    Point("logaddexp", lambda n: n.logaddexp, [[-INF, 0, 1, -INF, INF], [-INF, -INF, 1, INF, 1]],
          [[0.5, 1, 0.5, 0, 1], [0.5, 0, 0.5, 1, 0]], SMOOTHED),
    Point("logaddexp of infinities", lambda n: n.logaddexp, [[INF], [INF]], [[0.5], [0.5]],
          "the weights sum to 1"),
    # branches that are not taken
    Point("where log", where(lambda x: x > 0, lambda n, x: n.log(x)), [[0, -1, 2]], [[0, 0, 0.5]],
          BRANCH),
    Point("where sqrt", where(lambda x: x > 0, lambda n, x: n.sqrt(x)), [[0, -1, 4]],
          [[0, 0, 0.25]], BRANCH),
    Point("where 1 / x", where(lambda x: x != 0, lambda n, x: 1 / x), [[0, 2]], [[0, -0.25]],
          BRANCH),
    Point("where x ** -2", where(lambda x: x != 0, lambda n, x: x**-2), [[0, 2]], [[0, -0.25]],
          BRANCH),
    Point("where x ** 0.5", where(lambda x: x > 0, lambda n, x: x**0.5), [[0, -1, 4]],
          [[0, 0, 0.25]], BRANCH),
    Point("where atan2", where(lambda x: x > 0, lambda n, x: n.arctan2(x, 2 * x)), [[0, 2]],
          [[0, 0]], BRANCH),
    Point("where norm", where(lambda x: (x * x).sum() > 0, lambda n, x: n.sqrt((x * x).sum())),
          [[0, 0]], [[0, 0]], BRANCH),
    Point("where asin", where(lambda x: abs(x) < 1, lambda n, x: n.arcsin(x)), [[1, 2, 0]],
          [[0, 0, 1]], BRANCH),
    Point("where acosh", where(lambda x: x > 1, lambda n, x: n.arccosh(x)), [[1, 0, math.sqrt(2)]],
          [[0, 0, 1]], BRANCH),
]  # fmt: skip

points = pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name)


def arguments(point: Point) -> tuple[Any, ...]:
    return tuple(rt.asarray(x, dtype=rt.float64) for x in point.args)


@points
def test_reverse_mode(point: Point) -> None:
    args = arguments(point)
    y, pull = rt.vjp(point.function(rt), *args)
    rt.testing.assert_close(
        list(pull(rt.ones_like(y))), [np.array(e, float) for e in point.expected]
    )


@points
def test_reverse_mode_under_jit(point: Point) -> None:
    def gradients(*args: Any) -> Any:
        y, pull = rt.vjp(point.function(rt), *args)
        return list(pull(rt.ones_like(y)))

    rt.testing.assert_close(rt.jit(gradients)(*arguments(point)),
                            [np.array(e, float) for e in point.expected])  # fmt: skip


@points
def test_forward_mode(point: Point) -> None:
    """Along each coordinate, the sum of the tangents is that coordinate of the gradient."""
    args = arguments(point)
    for i, expected in enumerate(point.expected):
        for j, slope in enumerate(expected):
            tangents = [rt.zeros_like(x) for x in args]
            tangents[i] = tangents[i].at[j].set(1.0)
            dot = rt.jvp(point.function(rt), args, tuple(tangents))[1]
            rt.testing.assert_close(float(rt.sum(dot)), float(slope), what=f"{i}, {j}")


@pytest.fixture
def jnp() -> Any:
    jax = pytest.importorskip("jax")
    with warnings.catch_warnings(), jax.enable_x64(True):
        warnings.simplefilter("ignore")
        yield jax.numpy


@pytest.mark.parametrize("point", [p for p in POINTS if p.differs != ABSENT], ids=lambda p: p.name)
def test_jax(point: Point, jnp: Any) -> None:
    import jax

    y, pull = jax.vjp(point.function(jnp), *[jnp.asarray(x, float) for x in point.args])
    theirs = [np.asarray(x) for x in pull(jnp.ones_like(y))]
    agree = all(
        np.allclose(a, e, equal_nan=True) for a, e in zip(theirs, point.expected, strict=True)
    )
    assert agree != bool(point.differs), theirs
