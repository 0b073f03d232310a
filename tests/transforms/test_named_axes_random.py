"""Random functions with collectives: derivatives in every nesting against forward mode.

Forward mode does not depend on the types that say over which axes a value varies; reverse mode
does. One function of all lanes' arguments, `total`, is differentiated from outside of the vmaps,
and the function of one lane inside of them.
"""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt

SIZES = {"i": 2, "j": 3}
LENGTH = 6  # of every value: all sizes divide it
WEIGHTS = np.random.default_rng(0).normal(size=(LENGTH, LENGTH)) / LENGTH


def gather(x: Any, axis: Any) -> Any:
    parts = rt.all_gather(x, axis)
    return rt.tensordot(rt.asarray(WEIGHTS[0, : parts.shape[0]]), parts, 1)


def gather_tiled(x: Any, axis: Any) -> Any:
    parts = rt.all_gather(x, axis, tiled=True)
    return rt.sum(parts.reshape(-1, LENGTH) * rt.asarray(WEIGHTS[: parts.size // LENGTH]), 0)


def scatter(x: Any, axis: Any) -> Any:
    part = rt.psum_scatter(rt.asarray(WEIGHTS) @ x, axis, tiled=True)
    return rt.tile(part, LENGTH // part.size)


def ring(x: Any, axis: Any) -> Any:
    n = SIZES[axis]
    return rt.ppermute(x, axis, [(k, (k + 1) % n) for k in range(n)])


def partial(x: Any, axis: Any) -> Any:
    return rt.ppermute(x, axis, [(1, 0)])


def exchange(x: Any, axis: Any) -> Any:
    return rt.all_to_all(x, axis, 0, 0, tiled=True)


def number(x: Any, axis: Any) -> Any:
    return x * (1 + rt.axis_index(axis)).astype(rt.float64)


def jitted_psum(x: Any, axis: Any) -> Any:
    return rt.jit(lambda x: rt.tanh(rt.psum(x * 0.3, axis)) * x)(x)


def same_slope(x: Any, axis: Any) -> Any:
    return rt.grad(lambda y: rt.sum(rt.sin(rt.pmean(y, axis)) * y))(x)


def scanned(x: Any, axis: Any) -> Any:
    """The carry begins as the same in all lanes and does not stay so."""
    rows = rt.stack([x, rt.sin(x), x * 0.5])
    carry, ys = rt.scan(
        lambda c, y: (rt.tanh(c + y * 0.3), rt.psum(c * y, axis) * 0.2),
        rt.ones(LENGTH, rt.float64) * 0.1,
        rows,
    )
    return carry + rt.sum(ys * rows, 0)


def scanned_same(x: Any, axis: Any) -> Any:
    """The carry begins as varying and becomes the same in all lanes."""
    step = lambda c, y: (rt.pmean(rt.sin(c) + y, axis), c * 0.5)  # noqa: E731
    carry, ys = rt.scan(step, x, rt.stack([x, x * x * 0.1]))
    return carry * rt.sum(ys, 0)


def scanned_mean(x: Any, axis: Any) -> Any:
    """The carry is the same in all lanes, the slices are not."""
    total = rt.pmean(x, axis)
    return rt.fori_loop(0, 3, lambda i, c: rt.tanh(c + rt.pmean(x * c, axis) * 0.3), total)


def chosen(x: Any, axis: Any) -> Any:
    """Lanes choose for themselves, and share a value that the branches close over."""
    shared = rt.pmean(rt.sin(x), axis)
    return rt.cond(rt.sum(x) > 0.1, lambda y: y * shared, lambda y: rt.sin(shared) + y, x * 0.5)


def chosen_shared(x: Any, axis: Any) -> Any:
    """The operand is the same in all lanes, the choice is not."""
    shared = rt.pmean(rt.sin(x), axis)
    return rt.cond(rt.sum(x) > 0.1, lambda y: y * y, lambda y: rt.sin(y), shared)


def chosen_by_all(x: Any, axis: Any) -> Any:
    """All lanes choose the same, and exchange values in the branches."""
    flag = rt.psum(rt.sum(x), axis) > 0.1
    return rt.cond(flag, lambda y: rt.psum(y * 0.3, axis), lambda y: rt.pmean(y * y, axis), x)


def until(x: Any, axis: Any) -> Any:
    """Lanes stop one by one; the first value is the same in all."""
    return rt.while_loop(
        lambda v: rt.sum(v) < 0.2 + rt.sum(x * 0.1),
        lambda v: v * 1.3 + rt.abs(x) * 0.1 + 0.05, rt.pmean(x, axis) * 0.1, max_steps=4,
    )  # fmt: skip


def until_any(x: Any, axis: Any) -> Any:
    """The same without a bound, all lanes at once."""
    scale = 0.1 + rt.abs(rt.sin(x))
    return rt.while_loop(
        lambda v: rt.sum(v) < 4.0, lambda v: v * 1.3 + rt.pmean(rt.cos(v) + scale, axis) * 0.5,
        rt.pmean(scale, axis) * scale,
    )  # fmt: skip


def jitted(function: Any) -> Any:
    return lambda x, axis: rt.jit(lambda x: function(x, axis))(x)


LOOPS = [
    scanned,
    scanned_same,
    scanned_mean,
    chosen,
    chosen_shared,
    chosen_by_all,
    until,
    until_any,
]
LOOPS += [jitted(f) for f in LOOPS]
MANY = [rt.psum, rt.pmean, rt.pmax, rt.pmin, rt.pvary, gather, gather_tiled, scatter, number]
ONE = [ring, partial, exchange, jitted_psum, same_slope, number]
UNARY = [rt.sin, rt.tanh, lambda x: x * x * 0.3, lambda x: rt.flip(x), lambda x: rt.cumsum(x) / 3]
BINARY = [rt.add, rt.multiply, rt.subtract, lambda x, y: rt.where(rt.sin(x + 0.3) > 0, x, x * y),
          lambda x, y: rt.roll(x, 1) * y]  # fmt: skip


def make(seed: int, loops: bool = False) -> tuple[Callable[..., Any], bool]:
    """A function of a lane's own x and a shared w, and whether its result is of all lanes."""
    choose = random.Random(seed)
    steps: list[tuple[str, Any, Any]] = []
    for _ in range(choose.randint(3, 7)):
        kinds = ["unary", "binary", "binary", "many", "many", "one"]
        kind = choose.choice([*kinds, "loop", "loop", "loop"] if loops else kinds)
        if kind == "unary":
            steps.append((kind, choose.choice(UNARY), choose.random()))
        elif kind == "binary":
            steps.append((kind, choose.choice(BINARY), (choose.random(), choose.random())))
        elif kind == "many":
            axis = choose.choice(["i", "j", ("i", "j"), ("j", "i")])
            steps.append((kind, (choose.choice(MANY), axis), choose.random()))
        elif kind == "loop":
            axis = choose.choice(["i", "j", ("i", "j")])
            steps.append((kind, (choose.choice(LOOPS), axis), choose.random()))
        else:
            steps.append((kind, (choose.choice(ONE), choose.choice("ij")), choose.random()))
    once = choose.random() < 0.5

    def function(x: Any, w: Any) -> Any:
        values = [x, w, rt.sin(w)]
        for kind, op, pick in steps:
            if kind == "binary":
                a, b = (values[-1 - int(p * p * len(values))] for p in pick)
                values.append(op(a, b))
                continue
            a = values[-1 - int(pick * pick * len(values))]
            values.append(op(a) if kind == "unary" else op[0](a, op[1]))
        loss = rt.sum(values[-1] * values[-2] + rt.sin(values[0]) + values[-1])
        return rt.psum(loss, ("i", "j")) if once else loss

    return function, once


def lanes(function: Callable[..., Any], out_axes: Any = 0) -> Callable[..., Any]:
    inner = rt.vmap(function, (0, 0), out_axes, axis_name="j", axis_size=SIZES["j"])
    return rt.vmap(inner, (0, 0), out_axes, axis_name="i", axis_size=SIZES["i"])


def arguments(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return tuple(rt.asarray(rng.normal(size=(*SIZES.values(), LENGTH))) for _ in range(2))


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-8, atol=1e-10)


def directional(total: Callable[..., Any], x: Any, v: Any) -> float:
    return float(rt.jvp(total, (x,), (v,))[1])


CASES = [(seed, False) for seed in range(30)] + [(seed, True) for seed in range(16)]


@pytest.mark.parametrize(("seed", "loops"), CASES)
def test_own_copies(seed: int, loops: bool) -> None:
    function, once = make(seed, loops)
    x, v = arguments(seed)
    w, u = arguments(seed + 1000)

    def total(x: Any, w: Any) -> Any:
        return lanes(function, None)(x, w) if once else rt.sum(lanes(function)(x, w))

    expected = float(rt.jvp(total, (x, w), (v, u))[1])
    step = 1e-6
    near = (total(x + step * v, w + step * u) - total(x - step * v, w - step * u)) / (2 * step)
    assert abs(float(near) - expected) < 1e-4 * max(1, abs(expected))

    outer = rt.grad(total, (0, 1))(x, w)
    close(rt.sum(outer[0] * v) + rt.sum(outer[1] * u), expected)
    slopes = rt.grad(function, (0, 1))
    for inner in (
        lanes(slopes, (0, 0)), rt.jit(lanes(slopes, (0, 0))), lanes(rt.jit(slopes), (0, 0)),
        lanes(rt.grad(rt.jit(function), (0, 1)), (0, 0)),
        rt.jit(rt.grad(total, (0, 1))),
        rt.grad(lambda x, w: rt.jit(total)(x, w), (0, 1)),
    ):  # fmt: skip
        for got, want in zip(inner(x, w), outer):
            close(got, want)


@pytest.mark.parametrize(("seed", "loops"), CASES)
def test_shared_argument(seed: int, loops: bool) -> None:
    """A value from outside: its derivative is the sum over the lanes, wherever it is used."""
    function, once = make(seed + 300, loops)
    x, _ = arguments(seed)
    w, u = (a[0, 0] for a in arguments(seed + 1000))

    def total(w: Any) -> Any:
        def one(x: Any, _: Any) -> Any:
            return function(x, w)

        return lanes(one, None)(x, x) if once else rt.sum(lanes(one)(x, x))

    expected = float(rt.jvp(total, (w,), (u,))[1])
    close(rt.sum(rt.grad(total)(w) * u), expected)
    close(rt.grad(rt.jit(total))(w), rt.grad(total)(w))

    # Inside, by a shared value that is not an argument of grad: each lane's copy, then the sum.
    slopes = lanes(lambda x, _: rt.grad(lambda w: function(x, w))(w))(x, x)
    close(rt.sum(slopes, (0, 1)), rt.grad(total)(w))


@pytest.mark.parametrize(("seed", "loops"), CASES[20:40])
def test_second_order(seed: int, loops: bool) -> None:
    function, once = make(seed + 600, loops)
    x, v = arguments(seed)
    w, _ = arguments(seed + 1000)

    def total(x: Any) -> Any:
        return lanes(function, None)(x, w) if once else rt.sum(lanes(function)(x, w))

    expected = rt.jvp(lambda x: rt.jvp(total, (x,), (v,))[1], (x,), (v,))[1]
    outer = rt.grad(lambda x: rt.sum(rt.grad(total)(x) * v))(x)
    close(rt.sum(outer * v), expected)

    def product(function: Any) -> Any:
        def of_lane(x: Any, w: Any, v: Any) -> Any:
            return rt.grad(lambda x: rt.sum(rt.grad(function)(x, w) * v))(x)

        return of_lane

    def forward(x: Any, w: Any, v: Any) -> Any:
        return rt.jvp(lambda x: rt.grad(function)(x, w), (x,), (v,))[1]

    for inner in (product(function), rt.jit(product(function)), product(rt.jit(function)), forward):
        of_row = rt.vmap(inner, axis_name="j")
        close(rt.vmap(of_row, axis_name="i")(x, w, v), outer)
