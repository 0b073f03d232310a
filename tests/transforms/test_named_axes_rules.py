"""Named axes where rules of the user's, loops and checkpoints must know which values vary."""

from functools import partial

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ShapeError

X = rt.asarray([1.0, 2.0, 3.0], dtype=rt.float64)
W = rt.asarray([1.0, 10.0, 100.0], dtype=rt.float64)
lanes = partial(rt.vmap, axis_name="i")


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9)


def by_pull(f):
    """`f` with its own vjp as the rule, made by the forward half."""
    g = rt.custom_vjp(lambda x: f(x))
    g.defvjp(lambda x: rt.vjp(f, x), lambda pull, ct: pull(ct))
    return g


def by_residual(f):
    """The same, made by the backward half."""
    g = rt.custom_vjp(lambda x: f(x))
    g.defvjp(lambda x: (f(x), x), lambda x, ct: rt.vjp(f, x)[1](ct))
    return g


def by_jvp(f):
    g = rt.custom_jvp(lambda x: f(x))
    g.defjvp(lambda primals, tangents: rt.jvp(f, primals, tangents))
    return g


RULES = {"vjp by pull": by_pull, "vjp by residual": by_residual, "jvp": by_jvp}
FUNCTIONS = {
    "psum": lambda x: rt.psum(x * x, "i"),
    "pmean": lambda x: rt.pmean(rt.sin(x), "i"),
    "pmin": lambda x: rt.pmin(x * x, "i"),
    "ppermute": lambda x: rt.ppermute(x * x, "i", [(0, 1), (1, 2), (2, 0)]),
}
AROUND = {
    "once": lambda f: f,
    "twice": lambda f: lambda x: f(f(x)),
    "jit": rt.jit,
    "checkpoint": rt.checkpoint,
    "scan": lambda f: lambda x: rt.scan(lambda c, _: (rt.sin(f(c)), None), x, length=2)[0],
    "while_loop": lambda f: (
        lambda x: rt.while_loop(
            lambda s: s[0] < 2, lambda s: (s[0] + 1, rt.sin(f(s[1]))), (0, x), max_steps=3
        )[1]
    ),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_changes_nothing(rule, function, around):
    def derivatives(f):
        g = AROUND[around](f)
        yield lanes(g)(X)
        outside = rt.grad(lambda x: rt.sum(lanes(g)(x) * W))
        yield outside(X)
        yield rt.jit(outside)(X)
        inside = lanes(rt.grad(lambda x: g(x) * x))
        yield inside(X)
        yield rt.jit(inside)(X)
        yield lanes(rt.grad(lambda x: rt.psum(g(x) * x, "i")))(X)

    plain = FUNCTIONS[function]
    for a, b in zip(derivatives(RULES[rule](plain)), derivatives(plain)):
        close(a, b)


@pytest.mark.parametrize("rule", RULES)
def test_a_result_that_does_not_vary_is_returned_once(rule):
    f = RULES[rule](lambda x: rt.pmean(x, "i"))
    once = lanes(f, out_axes=None)
    assert float(once(X)) == 2.0
    close(rt.grad(once)(X), [1 / 3] * 3)


def test_a_shared_operand_of_a_rule():
    f = rt.custom_vjp(lambda x, w: rt.psum(x * w, "i"))
    f.defvjp(lambda x, w: rt.vjp(lambda x, w: rt.psum(x * w, "i"), x, w), lambda p, ct: p(ct))
    slope = rt.grad(lambda w: lanes(f, in_axes=(0, None), out_axes=None)(X, w))
    assert float(slope(rt.asarray(2.0, dtype=rt.float64))) == 6.0


@pytest.mark.parametrize("around", [rt.checkpoint, rt.custom_jvp, rt.custom_vjp, rt.jit])
def test_no_operands(around):
    index = around(lambda: rt.axis_index("i"))
    assert lanes(lambda x: index())(X).tolist() == [0, 1, 2]
    assert lanes(lambda x: rt.jit(lambda: index())())(X).tolist() == [0, 1, 2]


def test_a_carry_that_collectives_make_vary():
    def counted(c, _):
        return (c[0] + rt.axis_index("i"), c[1] + 1), None

    scan = rt.jit(lambda: rt.scan(counted, (0, 0), length=3)[0])
    loop = rt.jit(lambda: rt.while_loop(
        lambda c: c[1] < 3 + rt.axis_index("i"), lambda c: (c[0] + 2, c[1] + 1), (0, 0)
    ))  # fmt: skip
    assert [y.tolist() for y in lanes(lambda x: scan())(X)] == [[0, 3, 6], [3, 3, 3]]
    assert [y.tolist() for y in lanes(lambda x: loop())(X)] == [[6, 8, 10], [3, 4, 5]]


def test_a_carry_of_the_backward_loop():
    x = rt.asarray(np.random.default_rng(0).normal(size=(3, 3, 2)))

    def f(x):
        return rt.scan(lambda c, _: (rt.all_to_all(c, "i", 0, 0) * 0.5, None), x, length=2)[0]

    def slope(f):
        def loss(x):
            return rt.sum(rt.jvp(f, (x,), (rt.cos(x),))[1] + x)

        return lanes(rt.grad(loss))(x)

    close(slope(rt.checkpoint(f)), slope(f))


def test_the_extreme_of_no_lanes():
    with pytest.raises(ShapeError, match=r"\[pmax\] axis_name: 'i' has no lanes"):
        lanes(lambda x: rt.pmax(x, "i"))(rt.zeros((0, 2)))
