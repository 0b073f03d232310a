"""custom_batching: the rule under vmap, its derivatives, what it gets, and messages."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    BatchAxisError,
    EscapedTracerError,
    MissingRuleError,
    TreeError,
)
from rtorch.testing import assert_close, check_grads

RUNS = [lambda g: g, rt.jit]
runs = pytest.mark.parametrize("run", RUNS, ids=["eager", "jit"])

X = rt.asarray([0.3, -1.2, 2.0], rt.float64)
Y = rt.asarray([1.5, 0.4, -0.7], rt.float64)


@rt.custom_batching
def f(x, y):
    return rt.sin(x) * y


@f.def_vmap
def _(axis_size, in_batched, x, y):
    """Ten times the function, to see that it is what is used."""
    assert not in_batched[0] or x.shape[0] == axis_size
    return 10 * rt.sin(x) * y, any(in_batched)


@runs
@pytest.mark.parametrize("inner", RUNS, ids=["eager", "jit"])
def test_the_rule_is_what_vmap_uses(run, inner):
    g = inner(f)
    assert_close(run(g)(X, Y), rt.sin(X) * Y)
    assert_close(run(rt.vmap(g))(X, Y), 10 * rt.sin(X) * Y)
    assert_close(run(rt.vmap(g, (0, None)))(X, Y[0]), 10 * rt.sin(X) * Y[0])
    assert_close(run(rt.vmap(g, (None, 1), 1))(X, rt.stack([Y] * 3, axis=1)),
                 rt.stack([10 * rt.sin(X) * Y] * 3, axis=1))  # fmt: skip
    assert_close(run(rt.vmap(rt.vmap(g)))(rt.stack([X] * 3), rt.stack([Y] * 3)),
                 rt.stack([10 * rt.sin(X) * Y] * 3))  # fmt: skip


@runs
@pytest.mark.parametrize("inner", RUNS, ids=["eager", "jit"])
@pytest.mark.parametrize(
    ("x", "y", "axes"), [(X, Y, (0, 0)), (X, Y[0], (0, None)), (X[0], Y, (None, 0))]
)
def test_derivatives_in_any_order(run, inner, x, y, axes):
    g = inner(f)
    wide_x, wide_y = (v + rt.zeros(3, dtype=rt.float64) for v in (x, y))
    slopes = (10 * rt.cos(wide_x) * wide_y, 10 * rt.sin(wide_x))
    assert_close(run(rt.vmap(rt.grad(g, (0, 1)), axes))(x, y), slopes)
    assert_close(run(rt.vmap(rt.jacfwd(g, (0, 1)), axes))(x, y), slopes)
    push = lambda x, y: rt.jvp(g, (x, y), (y, x))[1]  # noqa: E731
    assert_close(run(rt.vmap(push, axes))(x, y), slopes[0] * wide_y + slopes[1] * wide_x)
    total = lambda x, y: rt.sum(rt.vmap(g, axes)(x, y))  # noqa: E731
    summed = tuple(s if a == 0 else rt.sum(s) for s, a in zip(slopes, axes, strict=True))
    assert_close(run(rt.grad(total, (0, 1)))(x, y), summed)
    assert_close(run(rt.jacfwd(total, (0, 1)))(x, y), summed)
    second = -10 * rt.sin(wide_x) * wide_y
    assert_close(run(rt.vmap(rt.grad(rt.grad(g)), axes))(x, y), second)
    assert_close(run(rt.vmap(rt.hessian(g), axes))(x, y), second)
    assert_close(run(rt.vmap(rt.jacfwd(rt.jacfwd(g)), axes))(x, y), second)
    mixed = lambda t: rt.vmap(lambda x, y: rt.grad(lambda x: g(x, y) * t)(x), axes)(x, y)  # noqa: E731
    assert_close(run(rt.vmap(mixed))(X), X[:, None] * slopes[0])


def test_derivatives_without_a_batch_are_those_of_the_function():
    check_grads(f, (X, Y), order=2)
    check_grads(rt.jit(f), (X, Y), order=2)
    _y, push = rt.linearize(f, X, Y)
    assert_close(push(X, Y), rt.cos(X) * Y * X + rt.sin(X) * Y)


@runs
def test_pytrees_flags_and_results_that_are_not_batched(run):
    seen = []

    @rt.custom_batching
    def g(p, n, scale=2.0):
        return {"y": p["a"] * p["b"] * scale, "n": n, "c": p["b"] * 3}

    @g.def_vmap
    def _(axis_size, in_batched, p, n, scale):
        seen.append(in_batched)
        return g(p, n, scale), {"y": True, "n": False, "c": in_batched[0]["b"]}

    p = {"a": X, "b": rt.asarray(2.0, rt.float64)}
    axes = ({"a": 0, "b": None}, None)
    out = run(rt.vmap(g, axes, {"y": 0, "n": None, "c": None}))(p, rt.asarray(3))
    assert seen[0] == [{"a": True, "b": False}, False, False]
    assert_close(out, {"y": X * 4, "n": 3, "c": 6.0}, check_dtype=False)
    slopes = rt.vmap(rt.grad(lambda p: rt.sum(g(p, 3)["y"]) + g(p, 3)["c"]), axes[:1])(p)
    assert_close(slopes, {"a": 0 * X + 4, "b": 2 * X + 3})
    got = run(rt.vmap(lambda p: rt.jvp(lambda p: g(p, 3), (p,), (p,))[1]["c"], axes[:1]))(p)
    assert_close(got, 0 * X + 6)


@runs
def test_inside_custom_vjp(run):
    g = rt.custom_vjp(f)
    g.defvjp(lambda x, y: (f(x, y), x), lambda x, ct: (ct * 7, ct * x))
    assert_close(run(rt.vmap(g))(X, Y), 10 * rt.sin(X) * Y)
    assert_close(run(rt.vmap(rt.grad(g, (0, 1))))(X, Y), (0 * X + 7, X))


@runs
def test_closures(run):
    def scaled(s):
        g = rt.custom_batching(lambda x: x * s)
        g.def_vmap(lambda size, in_batched, x: (x * s * 10, True))
        return g

    s = rt.asarray(2.0, rt.float64)
    assert_close(run(lambda s: rt.vmap(scaled(s))(X))(s), X * 20)
    assert_close(run(rt.grad(lambda s: rt.sum(rt.vmap(scaled(s))(X))))(s), 10 * rt.sum(X))
    assert_close(run(rt.vmap(lambda s: rt.vmap(scaled(s))(X)))(Y), 10 * Y[:, None] * X)
    with pytest.raises(EscapedTracerError, match="closure_convert"):
        run(rt.vmap(lambda s: scaled(s)(2.0)))(X)
    with pytest.raises(EscapedTracerError, match="closure_convert"):
        run(rt.vmap(lambda s: scaled(s)(s)))(X)


def test_values_are_there_in_eager_use():
    g = rt.custom_batching(lambda x: x if x > 0 else -x)
    g.def_vmap(lambda size, flags, x: (rt.abs(x), True))
    assert float(g(-2.0)) == 2.0
    assert float(rt.grad(g)(-2.0)) == -1.0
    assert rt.vmap(g)(X).tolist() == rt.abs(X).tolist()
    assert rt.vmap(rt.grad(g))(X).tolist() == [1.0, -1.0, 1.0]


def with_rule(rule):
    g = rt.custom_batching(lambda x: {"y": x})
    g.def_vmap(rule)
    return g


@pytest.mark.parametrize(
    ("rule", "error", "match"),
    [
        (lambda n, b, x: {"y": x}, ArgumentError, "pair"),
        (lambda n, b, x: (x, True), TreeError, "the rule"),
        (lambda n, b, x: ({"y": x}, {"z": True}), TreeError, "out_batched"),
        (lambda n, b, x: ({"y": x[0]}, True), BatchAxisError, "axis 0 must have length 3"),
        (lambda n, b, x: ({"y": "a"}, True), ArgumentError, "the result of the rule"),
    ],
)
def test_what_rules_must_return(rule, error, match):
    with pytest.raises(error, match=match):
        rt.vmap(rt.jit(with_rule(rule)))(X)


def test_a_missing_rule():
    g = rt.custom_batching(rt.sin)
    assert_close(g(X), rt.sin(X))
    for h in (g, rt.jit(g), rt.grad(g), rt.jacfwd(g)):
        with pytest.raises(MissingRuleError, match=r"sin has no rule for vmap.*def_vmap"):
            rt.vmap(h)(X)
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.custom_batching(3)


def test_as_jax():
    jax = pytest.importorskip("jax")
    results = []
    for np_, lib, custom in (
        (rt, rt, rt.custom_batching),
        (jax.numpy, jax, jax.custom_batching.custom_vmap),
    ):
        sin, flags = np_.sin, []
        g = custom(lambda x, y: {"a": sin(x["v"]) * y})  # noqa: B023

        @g.def_vmap
        def rule(axis_size, in_batched, x, y, sin=sin, flags=flags):
            flags.append((axis_size, in_batched))
            y = y if in_batched[1] else y[None]
            return {"a": sin(x["v"]) * y * 3}, {"a": True}

        x = {"v": np_.asarray([0.1, 0.2, 0.3], dtype="float32")}
        y = np_.asarray([1.0, 2.0, 3.0], dtype="float32")
        one = lambda x, y, g=g: g(x, y)["a"]  # noqa: E731
        total = lambda x, y, lib=lib, one=one: lib.vmap(one, (0, None))(x, y[0]).sum()  # noqa: E731
        push = lambda x, y, lib=lib, one=one: lib.jvp(one, (x, y), (x, y))  # noqa: E731
        results.append([
            lib.vmap(one)(x, y), lib.vmap(one, (0, None))(x, y[0]), lib.jit(lib.vmap(one))(x, y),
            lib.vmap(push)(x, y), lib.grad(total, (0, 1))(x, y), one(x, y), push(x, y),
            [np_.asarray(f[0]) for f in flags[:2]], [np_.asarray(f[1][1]) for f in flags[:2]],
        ])  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(rt.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5)


@runs
@pytest.mark.parametrize("loop", ["cond", "scan", "while"])
def test_a_derivative_inside_a_branch_inside_a_rule(run, loop):
    """There, results of the function stand beside tangents, and have none themselves."""
    sine = rt.custom_batching(rt.sin)
    sine.def_vmap(lambda n, batched, x: (rt.sin(x), True))

    def f(x):
        if loop == "cond":
            return rt.cond(rt.sum(x) > 0, sine, lambda x: x, x)
        if loop == "scan":
            return rt.scan(lambda c, _: (sine(c), None), x, length=1)[0]
        step = lambda s: (s[0] + 1, sine(s[1]))  # noqa: E731
        return rt.while_loop(lambda s: s[0] < 1, step, (0, x), max_steps=3)[1]

    g = rt.custom_jvp(f)
    g.defjvp(lambda primals, tangents: rt.jvp(f, primals, tangents))
    assert_close(rt.vjp(run(g), X)[1](Y)[0], Y * rt.cos(X))
    assert_close(rt.jvp(run(rt.grad(lambda x: rt.sum(g(x)))), (X,), (Y,))[1], -Y * rt.sin(X))
    assert_close(rt.vmap(run(rt.grad(lambda x: rt.sum(g(x)))))(X[:, None])[1:, 0],
                 rt.where(X > 0, rt.cos(X), 1.0 if loop == "cond" else rt.cos(X))[1:])  # fmt: skip
