"""Functions with rules inside other rules, around other transformations, and in odd shapes."""

import functools
import threading

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import EscapedTracerError, MissingRuleError
from rtorch.testing import assert_close, check_grads

RUNS = [lambda g: g, rt.jit]
runs = pytest.mark.parametrize("run", RUNS, ids=["eager", "jit"])
X = rt.asarray([0.3, -1.2, 2.0], rt.float64)


def g(x):
    return rt.sin(x) * x


def by_rule(rule, function=g):
    f = rt.custom_jvp(function)
    f.defjvp(rule)
    return f


RULES = {
    "jvp": lambda p, t: rt.jvp(g, p, t),
    "jvp of jit": lambda p, t: rt.jvp(rt.jit(g), p, t),
    "linearize": lambda p, t: (g(*p), rt.linearize(g, *p)[1](*t)),
    "jit of jvp": lambda p, t: rt.jit(lambda x, t: rt.jvp(g, (x,), (t,)))(*p, *t),
    "vmap of jvp": lambda p, t: rt.vmap(lambda x, t: rt.jvp(g, (x,), (t,)))(*p, *t),
    "matrix": lambda p, t: (g(*p), rt.jacfwd(g)(*p) @ t[0]),
    "indexing": lambda p, t: (
        g(*p), rt.stack([rt.grad(g)(x) * t[0][i] for i, x in enumerate(p[0])])
    ),
    "other rule": lambda p, t: rt.jvp(by_rule(lambda p, t: rt.jvp(g, p, t)), p, t),
    "batched": lambda p, t: rt.jvp(rt.vmap(by_rule(lambda p, t: rt.jvp(g, p, t))), p, t),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@runs
def test_rules_of_custom_jvp_may_use_all_transformations(rule, run):
    f = by_rule(rule)
    loss = lambda x: rt.sum(f(x) ** 2)  # noqa: E731
    plain = lambda x: rt.sum(g(x) ** 2)  # noqa: E731
    assert_close(run(rt.grad(loss))(X), rt.grad(plain)(X))
    assert_close(run(rt.jacfwd(loss))(X), rt.grad(plain)(X))
    assert_close(run(rt.hessian(loss))(X), rt.hessian(plain)(X))
    assert_close(run(rt.jacrev(rt.jacrev(loss)))(X), rt.hessian(plain)(X))
    many = rt.stack([X, 2 * X])
    assert_close(run(rt.vmap(rt.grad(loss)))(many), rt.vmap(rt.grad(plain))(many))
    total = lambda x: rt.sum(rt.vmap(loss)(x))  # noqa: E731
    assert_close(run(rt.grad(total))(many), rt.vmap(rt.grad(plain))(many))
    assert_close(rt.grad(rt.jit(loss))(X), rt.grad(plain)(X))


@runs
def test_custom_vjp_in_rules_of_custom_vjp(run):
    inner = rt.custom_vjp(rt.sin)
    inner.defvjp(lambda x: (rt.sin(x), x), lambda x, ct: (ct * rt.cos(x),))
    f = rt.custom_vjp(g)
    f.defvjp(
        lambda x: rt.vjp(lambda x: inner(x) * x, x), lambda pull, ct: rt.jit(lambda c: pull(c))(ct)
    )
    loss = lambda x: rt.sum(f(x) ** 2)  # noqa: E731
    plain = lambda x: rt.sum(g(x) ** 2)  # noqa: E731
    assert_close(run(rt.grad(loss))(X), rt.grad(plain)(X))
    assert_close(run(rt.jacrev(rt.jacrev(loss)))(X), rt.hessian(plain)(X))


@runs
def test_around_and_inside_jit(run):
    f = rt.custom_jvp(rt.jit(g))
    f.defjvp(rt.jit(lambda p, t: (f(*p), 5 * t[0])))
    assert run(rt.grad(lambda x: rt.sum(f(x))))(X).tolist() == [5.0] * 3
    h = rt.custom_vjp(rt.jit(g))
    h.defvjp(rt.jit(lambda x: (h(x), x)), rt.jit(lambda x, ct: (5 * ct,)))
    assert run(rt.grad(lambda x: rt.sum(h(x))))(X).tolist() == [5.0] * 3
    both = rt.custom_vjp(f)
    both.defvjp(lambda x: (f(x), None), lambda _, ct: (7 * ct,))
    assert run(rt.grad(lambda x: rt.sum(both(x))))(X).tolist() == [7.0] * 3
    with pytest.raises(MissingRuleError, match="forward mode"):
        run(lambda x: rt.jvp(both, (x,), (x,)))(X)


def test_linear_transpose_asks_no_rule():
    f = rt.custom_jvp(lambda x: 3 * x)
    h = rt.custom_vjp(lambda x: 3 * x)
    for linear in (f, h, rt.jit(f), rt.vmap(h)):
        assert rt.linear_transpose(linear, rt.spec(2))(rt.ones(2))[0].tolist() == [3.0, 3.0]


@runs
def test_no_arguments_and_no_results(run):
    f = rt.custom_vjp(lambda: rt.ones(2))
    f.defvjp(lambda: (rt.ones(2), None), lambda _, ct: ())
    assert run(rt.grad(lambda x: rt.sum(f() * x)))(rt.ones(2)).tolist() == [1.0, 1.0]
    h = rt.custom_jvp(lambda x, extra: {"y": x, "none": None, "empty": []})
    h.defjvp(lambda p, t: (h(*p), {"y": 2 * t[0], "none": None, "empty": []}))
    assert float(run(rt.grad(lambda x: h(x, None)["y"]))(1.0)) == 2.0
    assert float(run(rt.grad(lambda x: h(x, ())["y"]))(1.0)) == 2.0


@runs
def test_traced_values_as_nondiff_arguments(run):
    f = rt.custom_vjp(lambda s, x: s * x, nondiff_argnums=0)
    f.defvjp(lambda s, x: (s * x, None), lambda s, _, ct: (10 * s * ct,))
    x, s = rt.asarray(2.0, rt.float64), rt.asarray(3.0, rt.float64)
    assert float(run(lambda s, x: rt.grad(f, 1)(s, x))(s, x)) == 30.0
    assert_close(run(rt.vmap(lambda s: rt.grad(f, 1)(s, x)))(X), 10 * X)
    assert_close(run(rt.vmap(lambda s: f(s, x)))(X), 2 * X)
    total = lambda x: rt.sum(rt.vmap(lambda s: f(s, x))(X))  # noqa: E731
    assert_close(run(rt.grad(total))(x), 10 * rt.sum(X))
    with pytest.raises(EscapedTracerError, match=r"closes over a (nondiff argument|value)"):
        run(rt.grad(f))(s, x)


def test_a_captured_value_in_partials_and_nested_functions():
    def direct(s):
        return rt.custom_jvp(lambda x: x * s)

    def partial(s):
        return rt.custom_jvp(functools.partial(lambda s, x: x * s, s))

    def nested(s):
        helper = {"scale": lambda x: x * s}
        return rt.custom_jvp(lambda x: helper["scale"](x))

    for make in (direct, partial, nested):
        with pytest.raises(EscapedTracerError, match="closure_convert"):
            rt.grad(lambda s, make=make: make(s)(2.0))(3.0)


def test_threads_may_pull_the_same_tape():
    f = rt.custom_vjp(g)
    f.defvjp(lambda x: (g(x), x), lambda x, ct: (ct * rt.cos(x),))
    _, pull = rt.vjp(rt.vmap(f), rt.linspace(0, 1, 50))
    expected = pull(rt.ones(50))[0].tolist()
    found = []

    def work():
        found.extend(pull(rt.ones(50))[0].tolist() == expected for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.bfloat16, rt.complex64])
def test_dtypes(dtype):
    f = rt.custom_vjp(lambda x: x * 2)
    f.defvjp(lambda x: (x * 2, None), lambda _, ct: (ct * 3,))
    h = by_rule(lambda p, t: (p[0] * 2, t[0] * 3), lambda x: x * 2)
    x = rt.ones(2, dtype=dtype)
    for function in (f, h, rt.vmap(f), rt.vmap(h)):
        for run in RUNS:
            y, pull = rt.vjp(run(function), x)
            assert y.dtype == x.dtype
            assert_close(pull(y)[0], 6 * x)
    assert rt.vmap(f)(rt.ones((0, 2), dtype=dtype)).shape == (0, 2)


def test_memory_of_a_batch_rule_is_that_of_its_results():
    """An argument that all examples share is not spread over the batch."""
    shapes = []
    f = rt.custom_vjp(lambda w, x: w @ x)

    def bwd(kept, ct):
        shapes.append([type(k).__name__ for k in kept])
        return rt.outer(ct, kept[1]), ct @ kept[0]

    f.defvjp(lambda w, x: (w @ x, (w, x)), bwd)
    w, x = rt.ones((2, 3)), rt.ones((4, 3))
    text = str(rt.jit(rt.grad(lambda w: rt.sum(rt.vmap(f, (None, 0))(w, x)))).lower(w))
    assert shapes == [["StageTracer", "BatchTracer"]]  # the weights have no batch axis
    assert "f32[4,2,3]" in text  # the outer products, before they are summed
    check_grads(lambda w: rt.vmap(f, (None, 0))(w, x.astype(rt.float64)),
                (rt.ones((2, 3), dtype=rt.float64),), order=1, modes=("rev",))  # fmt: skip
    assert np.shape(rt.grad(lambda w: rt.sum(rt.vmap(f, (None, 0))(w, x)))(w)) == (2, 3)


def slowly(function):
    """`function` with a custom_vjp whose derivative is seven times too large."""
    f = rt.custom_vjp(function)
    f.defvjp(lambda x: rt.vjp(function, x), lambda pull, ct: tuple(7 * g for g in pull(ct)))
    return f


@runs
def test_inside_control_flow(run):
    f = slowly(rt.sin)
    h = by_rule(lambda p, t: (rt.sin(p[0]), 7 * rt.cos(p[0]) * t[0]), rt.sin)
    x = rt.asarray(0.4, rt.float64)
    slope = lambda x: 49 * rt.cos(rt.sin(x)) * rt.cos(x)  # noqa: E731
    for g in (f, h):
        loops = (
            lambda x, g=g: rt.scan(lambda c, _: (g(c), None), x, None, length=2)[0],
            lambda x, g=g: rt.fori_loop(0, 2, lambda i, c: g(c), x),
            lambda x, g=g: rt.cond(x > 0, lambda x: g(g(x)), lambda x: x, x),
        )
        for loop in loops:
            assert_close(run(rt.grad(loop))(x), slope(x))
            assert_close(run(rt.vmap(rt.grad(loop)))(rt.abs(X)), slope(rt.abs(X)))
            total = lambda x, loop=loop: rt.sum(rt.vmap(loop)(x))  # noqa: E731
            assert_close(run(rt.grad(total))(rt.abs(X)), slope(rt.abs(X)))
    assert_close(run(rt.jvp)(loops[0], (x,), (x,))[1] if run is not rt.jit else
                 run(lambda x: rt.jvp(loops[0], (x,), (x,))[1])(x), slope(x) * x)  # fmt: skip


@runs
def test_control_flow_inside(run):
    """A rule with a loop, and a function with a loop that stops when it is done."""
    f = slowly(lambda x: rt.fori_loop(0, 2, lambda i, c: rt.sin(c), x))
    x = rt.asarray(0.4, rt.float64)
    slope = 7 * rt.cos(rt.sin(x)) * rt.cos(x)
    assert_close(run(rt.grad(f))(x), slope)
    assert_close(run(rt.vmap(rt.grad(f)))(rt.stack([x, x])), rt.stack([slope, slope]))

    @rt.custom_jvp
    def root(a):
        step = lambda x: (x + a / x) / 2  # noqa: E731
        return rt.while_loop(lambda x: rt.abs(step(x) - x) > 1e-12, step, a)

    root.defjvps(lambda t, y, a: t / (2 * y))
    a = rt.asarray(2.0, rt.float64)
    assert_close(run(rt.grad(root))(a), 0.5 * a**-0.5)
    assert_close(run(rt.jacfwd(rt.grad(root)))(a), -0.25 * a**-1.5, rtol=1e-9)
    assert_close(run(rt.vmap(rt.grad(root)))(rt.abs(X)), 0.5 * rt.abs(X) ** -0.5)
