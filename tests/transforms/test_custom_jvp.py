"""custom_jvp: values, both modes, all compositions, what rules get and what they must not do."""

import functools
import math

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    DTypeError,
    EscapedTracerError,
    MissingRuleError,
    ShapeError,
    TreeError,
)
from rtorch.testing import assert_close, check_batch, check_grads


@rt.custom_jvp
def log1pexp(x):
    return rt.log1p(rt.exp(x))


@log1pexp.defjvp
def _(primals, tangents):
    (x,), (t,) = primals, tangents
    return log1pexp(x), t / (1 + rt.exp(-x))


@rt.custom_jvp
def safe_norm(x):
    return rt.sqrt(rt.sum(x * x))


@safe_norm.defjvp
def _(primals, tangents):
    (x,), (t,) = primals, tangents
    y = safe_norm(x)
    unit = rt.where(y > 0, x / rt.where(y > 0, y, 1.0), 0.0)
    return y, rt.sum(unit * t)


@rt.custom_jvp
def wrong(x, y):
    """The rule is wrong on purpose, to see that it is what is used."""
    return rt.sin(x) * y


@wrong.defjvp
def _(primals, tangents):
    (x, y), (x_dot, y_dot) = primals, tangents
    return wrong(x, y), 7 * x * x_dot + 11 * y * y_dot


X = rt.asarray([0.3, -1.2, 2.0], rt.float64)
Y = rt.asarray([1.5, 0.4, -0.7], rt.float64)


def test_the_documented_examples():
    assert float(rt.grad(log1pexp)(100.0)) == 1.0
    assert float(rt.jvp(log1pexp, (3.0,), (1.0,))[1]) == pytest.approx(1 / (1 + math.exp(-3)))
    slopes = rt.jit(rt.vmap(rt.grad(log1pexp)))(rt.asarray([-1.0, 0.0, 100.0]))
    assert_close(slopes, np.asarray([1 / (1 + math.e), 0.5, 1.0], np.float32))
    assert rt.grad(safe_norm)(rt.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    check_grads(safe_norm, (X,), order=2)
    check_grads(rt.vmap(log1pexp), (X,), order=3)
    check_batch(log1pexp, (X,))
    check_batch(safe_norm, (rt.stack([X, Y]),))


def test_the_rule_is_what_all_modes_use():
    x, y = rt.asarray(2.0, rt.float64), rt.asarray(3.0, rt.float64)
    slopes = (14.0, 33.0)
    for g in (wrong, rt.jit(wrong), lambda x, y: rt.jit(lambda x: wrong(x, y))(x)):
        assert tuple(map(float, rt.grad(g, (0, 1))(x, y))) == slopes
        assert tuple(map(float, rt.jit(rt.grad(g, (0, 1)))(x, y))) == slopes
        assert tuple(map(float, rt.jacfwd(g, (0, 1))(x, y))) == slopes
        assert float(rt.jvp(g, (x, y), (1.0, 1.0))[1]) == sum(slopes)
        assert float(rt.linearize(g, x, y)[1](1.0, 1.0)) == sum(slopes)
        assert float(rt.grad(rt.grad(g))(x, y)) == 7.0
        assert float(rt.hessian(g)(x, y)) == 7.0
        assert float(rt.jacrev(rt.jacfwd(g))(x, y)) == 7.0
        assert float(rt.jit(rt.jacfwd(rt.grad(g)))(x, y)) == 7.0
        assert float(g(x, y)) == pytest.approx(math.sin(2) * 3)


BATCHES = [(X, Y, (0, 0)), (X, Y[0], (0, None)), (X[0], Y, (None, 0))]


@pytest.mark.parametrize(("x", "y", "axes"), BATCHES)
@pytest.mark.parametrize("inner", [wrong, rt.jit(wrong)])
def test_vmap_in_any_order(x, y, axes, inner):
    wide_x, wide_y = (v + rt.zeros(3, dtype=rt.float64) for v in (x, y))
    expected = (7 * wide_x, 11 * wide_y)
    for transform in (lambda g: g, rt.jit):
        got = transform(rt.vmap(rt.grad(inner, (0, 1)), axes))(x, y)
        assert_close(got, expected)
        batched = lambda x, y: rt.sum(rt.vmap(inner, axes)(x, y))  # noqa: E731
        summed = tuple(e if a == 0 else rt.sum(e) for e, a in zip(expected, axes, strict=True))
        assert_close(transform(rt.grad(batched, (0, 1)))(x, y), summed)
        assert_close(transform(rt.jacfwd(batched, (0, 1)))(x, y), summed)
        assert_close(transform(rt.grad(rt.jit(batched), (0, 1)))(x, y), summed)
        assert_close(transform(rt.vmap(inner, axes))(x, y), rt.sin(wide_x) * wide_y)
        second = rt.vmap(rt.grad(rt.grad(inner)), axes)
        assert_close(transform(second)(x, y), 7 + 0 * wide_x)


def test_nested_vmap_and_unbatched_results():
    table = rt.vmap(rt.vmap(rt.grad(wrong), (None, 0)), (0, None))(X, Y)
    assert_close(table, rt.broadcast_to(7 * X[:, None], (3, 3)))
    # What depends on nothing batched stays unbatched.
    out = rt.vmap(lambda x: (x, log1pexp(2.0)), out_axes=(0, None))(X)
    assert out[1].shape == ()


def test_pytrees_integers_and_keywords():
    @rt.custom_jvp
    def f(p, n, scale=2.0):
        return {"y": p["a"] * p["b"][0] ** n * scale, "n": n + 1}

    @f.defjvp
    def _(primals, tangents):
        (p, n, scale), (dp, dn, dscale) = primals, tangents
        assert dn.dtype is rt.int64
        assert dn.shape == ()
        out = f(p, n, scale)
        dot = 100 * dp["a"] + dp["b"][0] + 1000 * dscale
        return out, {"y": dot, "n": None}

    p = {"a": rt.asarray(2.0), "b": [rt.asarray(3.0)]}
    n = rt.asarray(2)
    for run in (lambda g: g, rt.jit):
        g = run(rt.grad(lambda p, s: f(p, scale=s, n=n)["y"], (0, 1)))(p, 2.0)
        assert_close(g, ({"a": 100.0, "b": [1.0]}, 1000.0), check_dtype=False)
        assert float(run(rt.grad(lambda p: f(p, n)["y"]))(p)["a"]) == 100.0
    out, dot = rt.jvp(f, (p, n), (p, n))
    assert int(out["n"]) == 3
    assert float(dot["y"]) == 203.0


def test_defjvps():
    @rt.custom_jvp
    def f(x, y):
        return rt.sin(x) * y

    f.defjvps(lambda t, out, x, y: 3 * t * out, None)
    gx, gy = rt.grad(f, (0, 1))(1.0, 2.0)
    assert float(gx) == pytest.approx(3 * math.sin(1) * 2)
    assert float(gy) == 0.0
    f.defjvps(None, lambda t, out, x, y: rt.cos(x) * t)
    gx, gy = rt.jit(rt.grad(f, (0, 1)))(1.0, 2.0)
    assert float(gx) == 0.0
    assert float(gy) == pytest.approx(math.cos(1))
    f.defjvps(None, None)
    assert float(rt.grad(f)(1.0, 2.0)) == 0.0
    f.defjvps(None)
    with pytest.raises(ArgumentError, match="2 arguments and has 1 rules"):
        rt.grad(f)(1.0, 2.0)
    with pytest.raises(ArgumentError, match="nondiff_argnums"):
        rt.custom_jvp(wrong, nondiff_argnums=0).defjvps(None)


@pytest.mark.parametrize("options", [{"nondiff_argnums": (0, 2)}, {"nondiff_argnums": (0, -1)},
                                     {"nondiff_argnames": ("function", "mode")}])  # fmt: skip
def test_nondiff_arguments(options):
    @functools.partial(rt.custom_jvp, **options)
    def apply(function, x, mode="plain"):
        return function(x)

    @apply.defjvp
    def _(function, mode, primals, tangents):
        (x,), (t,) = primals, tangents
        return apply(function, x, mode), t * (1.0 if mode == "plain" else 2.0)

    for run in (lambda g: g, rt.jit, rt.vmap):
        assert_close(run(rt.grad(lambda x: apply(rt.sin, x)))(rt.ones(2)[0:1][0] if run is not
                     rt.vmap else rt.ones(2)).sum(), 1.0 if run is not rt.vmap else 2.0,
                     check_dtype=False)  # fmt: skip
    assert float(rt.grad(lambda x: apply(rt.sin, x, mode="double"))(1.0)) == 2.0
    assert float(rt.grad(lambda x: apply(x=x, function=rt.sin, mode="double"))(1.0)) == 2.0


def test_values_are_there_in_eager_use(capsys):
    seen = []

    @rt.custom_jvp
    def f(x):
        seen.append("f")
        return x * 2 if x > 0 else x

    @f.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        print("rule at", x)
        return x * 2 if x > 0 else x, t * 5

    assert float(rt.grad(f)(3.0)) == 5.0
    assert seen == []  # nobody needs the function itself
    assert capsys.readouterr().out == "rule at 3.0\n"
    assert float(f(3.0)) == 6.0
    with pytest.raises(ConcretizationError, match="not known"):
        rt.jit(f)(3.0)


def test_what_is_inlined_when_all_transformations_are_done():
    text = rt.jit(lambda x: log1pexp(x) + 1).lower(rt.spec(3)).as_text()
    assert "= custom_jvp[" in text
    optimized = rt.jit(lambda x: log1pexp(x) + 1).lower(rt.spec(3)).as_text("optimized")
    assert "= custom_jvp[" not in optimized
    assert "= log1p " in optimized
    rt.check_program(rt.make_program(rt.grad(lambda x: rt.sum(log1pexp(x))))(rt.spec(3)))
    assert_close(rt.jit(log1pexp)(X), rt.log1p(rt.exp(X)))


def test_it_is_staged_once_per_signature():
    count = []

    @rt.custom_jvp
    def f(x):
        count.append(1)
        return x * x

    f.defjvps(lambda t, y, x: 2 * x * t)
    g = rt.jit(rt.grad(lambda x: f(x) + f(x)))
    for x in (1.0, 2.0):
        assert float(g(x)) == 4 * x
    assert len(count) <= 4
    before = len(count)
    g(5.0)
    assert len(count) == before


# ---- closures ------------------------------------------------------------------------------------


def scaled(s, function=lambda x, s: x * s):
    """A function with a rule that closes over `s`, as its rule does."""

    @rt.custom_jvp
    def f(x):
        return function(x, s)

    @f.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        return function(x, s), t * s * 10

    return f


@pytest.mark.parametrize("run", [lambda g: g, rt.jit])
def test_closures_over_values_of_outer_transformations(run):
    x, s = rt.asarray(2.0), rt.asarray(3.0)
    assert float(run(lambda s: rt.grad(scaled(s))(x))(s)) == 30.0
    assert float(run(rt.grad(lambda s: rt.grad(scaled(s))(x)))(s)) == 10.0
    many = rt.asarray([1.0, 2.0])
    assert run(rt.vmap(lambda s: rt.grad(scaled(s))(x)))(many).tolist() == [10.0, 20.0]
    assert run(rt.vmap(lambda s: scaled(s)(x)))(many).tolist() == [2.0, 4.0]
    # The batch is inside the derivative, and so is what is closed over.
    inner = lambda x: rt.sum(rt.vmap(lambda s: scaled(s)(x))(many))  # noqa: E731
    assert float(run(rt.grad(inner))(x)) == 30.0
    inner = lambda x: rt.sum(rt.vmap(lambda s, x: scaled(s)(x))(many, x))  # noqa: E731
    assert run(rt.grad(inner))(many).tolist() == [10.0, 20.0]
    assert float(run(lambda x: rt.jvp(inner, (many,), (many,))[1])(x)) == 50.0
    nested = rt.vmap(lambda t: rt.vmap(lambda s: rt.grad(scaled(s * t))(x))(many))
    assert_close(run(nested)(many), 10 * many[:, None] * many)


@pytest.mark.parametrize("run", [lambda g: g, rt.jit])
def test_a_derivative_by_what_is_closed_over_is_an_error(run):
    for g in (lambda s: scaled(s)(2.0), lambda s: scaled(s)(s), lambda s: rt.jit(scaled(s))(2.0),
              lambda s: rt.sum(rt.vmap(scaled(s))(rt.ones(2)))):  # fmt: skip
        with pytest.raises(EscapedTracerError, match="closure_convert"):
            run(rt.grad(g))(3.0)
        with pytest.raises(EscapedTracerError, match=r"custom_jvp.*closes over"):
            run(lambda s, g=g: rt.jvp(g, (s,), (s,)))(3.0)


# ---- messages ------------------------------------------------------------------------------------


def test_a_missing_rule():
    f = rt.custom_jvp(rt.sin)
    assert float(f(0.0)) == 0.0
    assert rt.vmap(f)(rt.zeros(2)).tolist() == [0.0, 0.0]
    with pytest.raises(MissingRuleError, match=r"sin has no rule.*defjvp"):
        rt.grad(f)(0.0)
    with pytest.raises(MissingRuleError, match=r"sin has no rule.*defjvp"):
        rt.jvp(rt.jit(f), (0.0,), (1.0,))


def with_rule(rule, function=lambda x: {"a": x}):
    f = rt.custom_jvp(function)
    f.defjvp(rule)
    return f


@pytest.mark.parametrize(
    ("rule", "error", "match"),
    [
        (lambda p, t: {"a": p[0]}, ArgumentError, "pair"),
        (lambda p, t: ({"a": p[0]}, t[0]), TreeError, "tangent that the rule"),
        (lambda p, t: ({"a": p[0]}, {"b": t[0]}), TreeError, "tangent that the rule"),
        (lambda p, t: ({"a": p[0]}, {"a": t[0][None]}), ShapeError, r"\['a'\] has shape \(1, 2\)"),
        (
            lambda p, t: ({"a": p[0]}, {"a": t[0].astype(rt.float64)}),
            DTypeError,
            r"\['a'\].*float64",
        ),
        (lambda p, t: ({"a": "no"}, {"a": t[0]}), ArgumentError, "the result of the rule"),
    ],
)
@pytest.mark.parametrize("run", [lambda g: g, rt.jit])
def test_what_rules_must_return(rule, error, match, run):
    with pytest.raises(error, match=match):
        run(rt.grad(lambda x: rt.sum(with_rule(rule)(x)["a"])))(rt.ones(2))


def test_results_of_the_rule_are_like_those_of_the_function():
    f = with_rule(lambda p, t: ({"a": p[0][:1]}, {"a": t[0][:1]}))
    with pytest.raises(ShapeError, match="the rule of"):
        rt.grad(rt.jit(lambda x: rt.sum(f(x)["a"])))(rt.ones(2))
    f = with_rule(lambda p, t: (p[0], t[0]))
    with pytest.raises(TreeError, match="the rule"):
        rt.grad(rt.jit(lambda x: rt.sum(rt.tree.leaves(f(x))[0])))(rt.ones(2))


def test_arguments_that_do_not_fit():
    with pytest.raises(ArgumentError, match=r"argument 1 \('y'\) of wrong.*nondiff_argnums"):
        rt.grad(lambda x: wrong(x, "a"))(1.0)
    with pytest.raises(ArgumentError, match="wrong"):
        rt.grad(lambda x: wrong(x, z=1.0))(1.0)
    with pytest.raises(ArgumentError, match="'nothing'"):
        rt.custom_jvp(lambda x: x, nondiff_argnames="nothing")
    with pytest.raises(ArgumentError, match="integers"):
        rt.custom_jvp(lambda x: x, nondiff_argnums=(1.5,))
    with pytest.raises(ArgumentError, match="nondiff_argnums 3"):
        rt.grad(rt.custom_jvp(lambda x: x, nondiff_argnums=3))(1.0)
    with pytest.raises(ArgumentError, match="by keyword alone"):
        rt.grad(rt.custom_jvp(lambda x, *, y=2.0: x * y))(1.0)
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.custom_jvp(3)
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.custom_jvp(rt.sin).defjvp(3)


def test_rules_that_are_not_linear_are_refused():
    f = rt.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], t[0] * t[0]))
    with pytest.raises(ArgumentError, match="not linear"):
        rt.grad(f)(2.0)


def test_methods_and_names():
    class Model:
        @rt.custom_jvp
        def apply(self, x):
            """Doc."""
            return x * 2

        apply.defjvp(lambda p, t: (p[1] * 2, t[1] * 20))

    Model.apply = rt.custom_jvp(Model.apply.function, nondiff_argnums=0)
    Model.apply.defjvp(lambda self, p, t: (p[0] * 2, t[0] * 20))
    assert float(rt.grad(Model().apply)(1.0)) == 20.0
    assert Model.apply.__name__ == "apply"
    assert Model.apply.__doc__ == "Doc."


def test_inside_the_rules_of_others():
    """A function with a rule in a rule, with a tangent as argument: that is linear code."""
    double = rt.custom_jvp(lambda t: 2 * t)
    double.defjvp(lambda p, t: (double(p[0]), 2 * t[0]))
    f = rt.custom_jvp(rt.sin)
    f.defjvp(lambda p, t: (f(p[0]), double(rt.cos(p[0]) * t[0]) / 2))
    check_grads(f, (rt.asarray(0.7, rt.float64),), order=3)
    check_grads(rt.jit(f), (rt.asarray(0.7, rt.float64),), order=2)


# ---- beside JAX ----------------------------------------------------------------------------------


def test_as_jax():
    jax = pytest.importorskip("jax")
    results = []
    for np_, lib in ((rt, rt), (jax.numpy, jax)):

        def function(x, y, np_=np_):
            return np_.sin(x) * y

        f = lib.custom_jvp(function, nondiff_argnums=(2,))

        def rule(np_, primals, tangents, f=f):
            (x, y), (a, b) = primals, tangents
            return f(x, y), 3 * np_.cos(x) * a * y + b * x

        f.defjvp(rule)
        x, y = (np_.asarray(v, dtype="float32") for v in ([0.1, 0.2, 0.3], 2.0))
        total = lambda x, y, lib=lib, f=f: lib.vmap(f, (0, None))(x, y).sum()  # noqa: E731
        results.append([
            lib.vmap(f, (0, None))(x, y), lib.grad(total, (0, 1))(x, y),
            lib.jit(lib.grad(total, (0, 1)))(x, y), lib.hessian(total)(x, y),
            lib.vmap(lib.grad(lib.grad(f)), (0, None))(x, y),
            lib.jvp(total, (x, y), (x, y)), lib.jacfwd(lib.vmap(f, (0, None)), (0, 1))(x, y),
        ])  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(rt.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5)
