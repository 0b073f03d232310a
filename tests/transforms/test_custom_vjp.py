"""custom_vjp and custom_gradient: values, reverse mode in all compositions, None, messages."""

import functools
import math

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    EscapedTracerError,
    MissingRuleError,
    ShapeError,
    TreeError,
)
from rtorch.testing import assert_close, check_batch, check_grads

RUNS = [lambda g: g, rt.jit]
runs = pytest.mark.parametrize("run", RUNS, ids=["eager", "jit"])


@rt.custom_vjp
def wrong(x, y):
    """The rule is wrong on purpose, to see that it is what is used."""
    return rt.sin(x) * y


wrong.defvjp(
    lambda x, y: (wrong(x, y), (x, y)), lambda res, ct: (7 * res[0] * ct, 11 * res[1] * ct)
)


@rt.custom_vjp
def right(x, y):
    return rt.sin(x) * y


def right_fwd(x, y):
    return rt.sin(x) * y, (rt.sin(x), rt.cos(x), y)


def right_bwd(residuals, ct):
    sin_x, cos_x, y = residuals
    return cos_x * ct * y, sin_x * ct


right.defvjp(right_fwd, right_bwd)

X = rt.asarray([0.3, -1.2, 2.0], rt.float64)
Y = rt.asarray([1.5, 0.4, -0.7], rt.float64)


# ---- what it is for ------------------------------------------------------------------------------


@rt.custom_vjp
def clipped(low, high, x):
    return x


clipped.defvjp(
    lambda low, high, x: (x, (low, high)), lambda res, ct: (None, None, rt.clip(ct, *res))
)


def test_clipping_the_gradient_that_comes_back():
    g = rt.grad(lambda x: rt.sum(rt.sin(10 * clipped(-0.5, 0.5, x))))
    expected = np.clip(10 * np.cos(10 * np.asarray(X)), -0.5, 0.5)
    for run in RUNS:
        assert_close(run(g)(X), expected)
    assert_close(rt.vmap(rt.grad(lambda x: rt.sin(10 * clipped(-0.5, 0.5, x))))(X), expected)


@functools.partial(rt.custom_vjp, nondiff_argnums=(0,))
def fixed_point(f, a, start):
    before, x = start, f(a, start)
    while rt.max(rt.abs(x - before)) > 1e-12:
        before, x = x, f(a, x)
    return x


def fixed_point_fwd(f, a, start):
    x = fixed_point(f, a, start)
    return x, (a, x)


def fixed_point_bwd(f, residuals, ct):
    """With x = f(a, x): the cotangent w of f solves w = ct + w df/dx."""
    a, x = residuals
    _, pull_a = rt.vjp(lambda a: f(a, x), a)
    (a_ct,) = pull_a(fixed_point(functools.partial(_adjoint, f), (a, x, ct), ct))
    return a_ct, None


def _adjoint(f, packed, w):
    a, x, ct = packed
    _, pull_x = rt.vjp(lambda x: f(a, x), x)
    return ct + pull_x(w)[0]


fixed_point.defvjp(fixed_point_fwd, fixed_point_bwd)


def test_fixed_point_with_a_loop_of_python_s():
    babylonian = lambda a, x: (x + a / x) / 2  # noqa: E731
    root = lambda a: fixed_point(babylonian, a, rt.ones_like(a))  # noqa: E731
    a = rt.asarray(2.0, rt.float64)
    assert_close(root(a), math.sqrt(2), check_dtype=False)
    assert_close(rt.grad(root)(a), 1 / (2 * math.sqrt(2)), check_dtype=False)
    assert_close(rt.grad(rt.grad(root))(a), -0.25 * 2**-1.5, check_dtype=False, rtol=1e-9)
    check_grads(lambda p: fixed_point(lambda p, x: rt.cos(p * x), p, rt.ones_like(p)),
                (rt.asarray(0.7, rt.float64),), order=1, modes=("rev",))  # fmt: skip


# ---- all compositions ----------------------------------------------------------------------------


@runs
@pytest.mark.parametrize("inner", RUNS, ids=["eager", "jit"])
def test_the_rule_is_what_reverse_mode_uses(run, inner):
    x, y = rt.asarray(2.0, rt.float64), rt.asarray(3.0, rt.float64)
    f = inner(wrong)
    assert float(run(f)(x, y)) == pytest.approx(math.sin(2) * 3)
    assert tuple(map(float, run(rt.grad(f, (0, 1)))(x, y))) == (14.0, 33.0)
    assert tuple(map(float, run(rt.jacrev(f, (0, 1)))(x, y))) == (14.0, 33.0)
    assert float(run(rt.grad(rt.grad(f)))(x, y)) == 7.0
    assert float(run(rt.jacrev(rt.jacrev(f)))(x, y)) == 7.0
    value, slope = run(rt.value_and_grad(f))(x, y)
    assert float(value) == pytest.approx(math.sin(2) * 3)
    assert float(slope) == 14.0
    third = run(rt.grad(rt.grad(rt.grad(lambda x: inner(right)(x, y)))))(x)
    assert float(third) == pytest.approx(-math.cos(2) * 3)


def test_right_derivatives_stay_right():
    check_grads(right, (X, Y), order=2, modes=("rev",))
    check_grads(rt.jit(right), (X, Y), order=2, modes=("rev",))
    check_grads(rt.vmap(right, (0, None)), (X, Y[0]), order=2, modes=("rev",))
    check_batch(right, (X, Y))
    # Forward over reverse differentiates fwd and bwd, ordinary code here.
    assert_close(rt.hessian(lambda x: rt.sum(right(x, Y)))(X), rt.diag(-rt.sin(X) * Y))


BATCHES = [(X, Y, (0, 0)), (X, Y[0], (0, None)), (X[0], Y, (None, 0))]


@runs
@pytest.mark.parametrize(("x", "y", "axes"), BATCHES)
@pytest.mark.parametrize("inner", RUNS, ids=["eager", "jit"])
def test_vmap_in_any_order(x, y, axes, inner, run):
    f = inner(wrong)
    wide_x, wide_y = (v + rt.zeros(3, dtype=rt.float64) for v in (x, y))
    expected = (7 * wide_x, 11 * wide_y)
    assert_close(run(rt.vmap(rt.grad(f, (0, 1)), axes))(x, y), expected)
    assert_close(run(rt.vmap(f, axes))(x, y), rt.sin(wide_x) * wide_y)
    batched = lambda x, y: rt.sum(rt.vmap(f, axes)(x, y))  # noqa: E731
    summed = tuple(e if a == 0 else rt.sum(e) for e, a in zip(expected, axes, strict=True))
    assert_close(run(rt.grad(batched, (0, 1)))(x, y), summed)
    assert_close(run(rt.grad(rt.jit(batched), (0, 1)))(x, y), summed)
    second = rt.grad(lambda x, y: rt.sum(rt.vmap(rt.grad(f), axes)(x, y)))(x, y)
    assert_close(second, 7 + 0 * x if axes[0] == 0 else rt.asarray(21.0, rt.float64))


@runs
@pytest.mark.parametrize("inner", RUNS, ids=["eager", "jit"])
def test_shared_arguments_get_the_sum_over_the_lanes(inner, run):
    """Also if what bwd returns for them does not differ between lanes."""
    f = rt.custom_vjp(lambda w, x: x)
    f.defvjp(lambda w, x: (x, w), lambda w, ct: (rt.ones_like(w), ct))
    g = rt.grad(lambda w, x: rt.sum(rt.vmap(inner(f), (None, 0))(w, x)))
    assert run(g)(rt.zeros(2), rt.ones((3, 2))).tolist() == [3.0, 3.0]
    # Two results, one of which does not depend on what is batched.
    h = rt.custom_vjp(lambda w, x: (w * x, 2 * w))
    h.defvjp(lambda w, x: (h(w, x), (w, x)), lambda r, ct: (ct[0] * r[1] + 2 * ct[1], ct[0] * r[0]))
    out = lambda w, x: sum(map(rt.sum, rt.vmap(inner(h), (None, 0))(w, x)))  # noqa: E731
    got = run(rt.grad(out, (0, 1)))(rt.asarray(3.0), rt.asarray([1.0, 2.0]))
    assert float(got[0]) == 1 + 2 + 2 * 2
    assert got[1].tolist() == [3.0, 3.0]
    axes = rt.vmap(inner(right), (0, 1), 1)(rt.stack([X, X]), rt.stack([Y, Y], axis=1))
    assert_close(axes, right(rt.stack([X, X], axis=1), rt.stack([Y, Y], axis=1)))
    got = rt.grad(lambda y: rt.sum(rt.vmap(inner(right), (None, 1))(X, y)))(rt.stack([Y, Y], 1))
    assert_close(got, rt.stack([rt.sin(X)] * 2, axis=1))


def test_nested_vmap():
    f = lambda x, y: rt.vmap(rt.vmap(wrong, (None, 0)), (0, None))(x, y)  # noqa: E731
    gx, gy = rt.grad(lambda x, y: rt.sum(f(x, y)), (0, 1))(X, Y)
    assert_close(gx, 7 * 3 * X)
    assert_close(gy, 11 * 3 * Y)
    assert_close(rt.vmap(rt.vmap(rt.grad(wrong), (None, 0)), (0, None))(X, Y)[:, 1], 7 * X)
    out = rt.vmap(lambda x: (x, wrong(2.0, 3.0)), out_axes=(0, None))(X)
    assert out[1].shape == ()


def test_a_tape_that_is_run_under_another_transformation():
    _, pull = rt.vjp(right, X, Y)
    cts = rt.eye(3, dtype=rt.float64)
    assert_close(rt.vmap(pull)(cts), (rt.diag(rt.cos(X) * Y), rt.diag(rt.sin(X))))
    assert_close(rt.jit(pull)(cts[0])[1], rt.sin(X) * cts[0])
    _, pull = rt.vjp(rt.vmap(right), X, Y)
    assert_close(rt.jit(rt.vmap(pull))(cts), (rt.diag(rt.cos(X) * Y), rt.diag(rt.sin(X))))


# ---- pytrees, integers, None ---------------------------------------------------------------------


def test_pytrees_integers_and_none():
    @rt.custom_vjp
    def f(p, n, q):
        return {"y": p["a"] * p["b"][0] + n, "n": n}

    def fwd(p, n, q):
        return f(p, n, q), {"kept": p["b"], "text": "static", "n": 3, "nothing": None}

    def bwd(res, ct):
        assert res["text"] == "static"
        assert res["n"] == 3
        assert res["nothing"] is None
        assert ct["n"].dtype is rt.int64
        assert ct["n"].shape == ()
        return {"a": ct["y"] * res["kept"][0], "b": None}, None, [None, ct["y"] * 5]

    f.defvjp(fwd, bwd)
    p = {"a": rt.asarray(2.0), "b": (rt.asarray(3.0), rt.ones(2))}
    n, q = rt.asarray(4), [rt.ones(()), 1.0]
    for run in RUNS:
        gp, gn, gq = run(rt.grad(lambda p, n, q: f(p, n, q=q)["y"], (0, 1, 2), allow_int=True))(
            p, n, q
        )
        assert_close(gp, {"a": 3.0, "b": (0.0, np.zeros(2))}, check_dtype=False)
        assert gn.dtype is rt.int64
        assert int(gn) == 0
        assert_close(gq, [0.0, 5.0], check_dtype=False)
        many = run(rt.vmap(rt.grad(lambda p, n: f(p, n, q)["y"]), (None, 0)))(p, rt.arange(2))
        assert many["a"].tolist() == [3.0, 3.0]
        assert many["b"][1].shape == (2, 2)
    assert rt.grad(lambda x: f(p, 1, [x, x])["y"] * 0 + x)(1.0) == 1.0


def test_a_result_without_derivative_and_one_unused():
    f = rt.custom_vjp(lambda x: (rt.argmax(x), 2 * x))
    f.defvjp(lambda x: (f(x), None), lambda res, ct: (3 * ct[1],))
    for run in RUNS:
        assert run(rt.grad(lambda x: rt.sum(f(x)[1])))(X).tolist() == [3.0] * 3
        assert run(rt.grad(lambda x: rt.sum(x) * f(x)[0]))(X).tolist() == [2.0] * 3
        _, pull = rt.vjp(f, X)
        assert pull((rt.asarray(0), rt.ones_like(X)))[0].tolist() == [3.0] * 3


@pytest.mark.parametrize("options", [{"nondiff_argnums": (0, 2)}, {"nondiff_argnums": (-1, 0)},
                                     {"nondiff_argnames": ["function", "factor"]}])  # fmt: skip
@runs
def test_nondiff_arguments(options, run):
    @functools.partial(rt.custom_vjp, **options)
    def apply(function, x, factor=2):
        return function(x)

    apply.defvjp(lambda function, x, factor: (function(x), x),
                 lambda function, factor, x, ct: (ct * factor,))  # fmt: skip
    assert float(run(rt.grad(lambda x: apply(rt.sin, x)))(1.0)) == 2.0
    assert float(run(rt.grad(lambda x: apply(factor=9, x=x, function=rt.sin)))(1.0)) == 9.0


def test_values_are_there_in_eager_use(capsys):
    seen = []

    @rt.custom_vjp
    def f(x):
        seen.append("f")
        return x if x > 0 else -x

    def bwd(x, ct):
        print("back at", x, "with", ct)
        return (ct * (5 if x > 0 else 6),)

    f.defvjp(lambda x: (x if x > 0 else -x, x), bwd)
    assert float(rt.grad(f)(3.0)) == 5.0
    assert float(rt.grad(f)(-3.0)) == 6.0
    assert seen == []  # nobody needs the function itself
    assert capsys.readouterr().out == "back at 3.0 with 1.0\nback at -3.0 with 1.0\n"
    assert float(f(-3.0)) == 3.0


def test_nothing_is_left_of_it_in_compiled_code():
    lowered = rt.jit(rt.vmap(lambda x: wrong(x, 2.0))).lower(rt.spec(3))
    assert "= custom_vjp[call=vmap_wrong]" in lowered.as_text()
    assert "= custom_vjp[" not in lowered.as_text("optimized")
    assert "= custom_vjp[" not in rt.jit(rt.grad(right)).lower(1.0, 2.0).as_text()
    rt.check_program(rt.jit(rt.grad(rt.jit(right))).lower(1.0, 2.0).program)


# ---- closures ------------------------------------------------------------------------------------


def scaled(s):
    f = rt.custom_vjp(lambda x: x * s)
    f.defvjp(lambda x: (x * s, None), lambda _, ct: (ct * s * 10,))
    return f


@runs
def test_closures_over_values_of_outer_transformations(run):
    x, s, many = rt.asarray(2.0), rt.asarray(3.0), rt.asarray([1.0, 2.0])
    assert float(run(lambda s: rt.grad(scaled(s))(x))(s)) == 30.0
    assert float(run(rt.grad(lambda s: rt.grad(scaled(s))(x)))(s)) == 10.0
    assert float(run(lambda s: rt.jvp(lambda s: rt.grad(scaled(s))(x), (s,), (s,))[1])(s)) == 30.0
    assert run(rt.vmap(lambda s: rt.grad(scaled(s))(x)))(many).tolist() == [10.0, 20.0]
    assert run(rt.vmap(lambda s: scaled(s)(x)))(many).tolist() == [2.0, 4.0]
    inner = lambda x: rt.sum(rt.vmap(lambda s: scaled(s)(x))(many))  # noqa: E731
    assert float(run(rt.grad(inner))(x)) == 30.0
    inner = lambda x: rt.sum(rt.vmap(lambda s, x: scaled(s)(x))(many, x))  # noqa: E731
    assert run(rt.grad(inner))(many).tolist() == [10.0, 20.0]
    nested = rt.vmap(lambda t: rt.vmap(lambda s: rt.grad(scaled(s * t))(x))(many))
    assert_close(run(nested)(many), 10 * many[:, None] * many)
    pair = rt.vmap(
        lambda t: rt.grad(lambda x: rt.sum(rt.vmap(lambda s: scaled(s * t)(x))(many)))(x)
    )
    assert run(pair)(many).tolist() == [30.0, 60.0]


@runs
def test_a_derivative_by_what_is_closed_over_is_an_error(run):
    for g in (lambda s: scaled(s)(2.0), lambda s: scaled(s)(s), lambda s: rt.jit(scaled(s))(2.0),
              lambda s: rt.jit(scaled(s))(s),
              lambda s: rt.sum(rt.vmap(scaled(s))(rt.ones(2)))):  # fmt: skip
        with pytest.raises(EscapedTracerError, match="closure_convert"):
            run(rt.grad(g))(3.0)


def test_a_rule_that_closes_over_a_staged_value_that_is_gone():
    g = rt.jit(lambda s, x: scaled(2 * s)(x))
    assert float(g(3.0, 2.0)) == 12.0
    with pytest.raises(EscapedTracerError, match=r"custom_vjp.*closes over.*closure_convert"):
        rt.grad(g, 1)(3.0, 2.0)


@runs
def test_closure_convert_is_the_cure(run):
    @functools.partial(rt.custom_vjp, nondiff_argnums=(0,))
    def apply(f, x, *consts):
        return f(x, *consts)

    apply.defvjp(lambda f, x, *consts: (f(x, *consts), (x, consts)),
                 lambda f, res, ct: rt.vjp(f, res[0], *res[1])[1](ct))  # fmt: skip

    def loss(s, x):
        t = rt.sin(s)
        f, consts = rt.closure_convert(lambda x: x * x * t + s, x)
        return apply(f, x, *consts)

    s, x = rt.asarray(0.3, rt.float64), rt.asarray(2.0, rt.float64)
    got = run(rt.grad(loss, (0, 1)))(s, x)
    assert_close(got, (4 * rt.cos(s) + 1, 4 * rt.sin(s)))
    many = run(rt.vmap(rt.grad(loss, (0, 1))))(X, Y)
    assert_close(many, (Y**2 * rt.cos(X) + 1, 2 * Y * rt.sin(X)))
    got = run(rt.grad(lambda s, x: rt.sum(rt.vmap(loss)(s, x)), (0, 1)))(X, Y)
    assert_close(got, many)
    got = rt.grad(rt.jit(loss), (0, 1))(s, x)
    assert_close(got, (4 * rt.cos(s) + 1, 4 * rt.sin(s)))


# ---- messages ------------------------------------------------------------------------------------


def test_forward_mode_is_an_error_that_names_the_function_and_the_cure():
    match = r"\[custom_vjp\] forward mode .* of wrong, .*rt\.custom_jvp"
    for g in (wrong, rt.jit(wrong), rt.vmap(wrong), rt.jit(rt.vmap(wrong))):
        with pytest.raises(MissingRuleError, match=match):
            rt.jvp(g, (X, Y), (X, Y))
        with pytest.raises(MissingRuleError, match=match):
            rt.linearize(g, X, Y)[1](X, Y)
        with pytest.raises(MissingRuleError, match=match):
            rt.jacfwd(g)(X, Y)
        with pytest.raises(MissingRuleError, match=match):
            rt.hessian(lambda x, g=g: rt.sum(g(x, Y)))(X)  # fwd calls the function


def test_a_missing_rule():
    f = rt.custom_vjp(rt.sin)
    assert float(f(0.0)) == 0.0
    for g in (f, rt.jit(f), rt.vmap(f)):
        with pytest.raises(MissingRuleError, match=r"sin has no rule.*defvjp"):
            rt.grad(lambda x, g=g: rt.sum(g(x)))(rt.ones(2))


def with_bwd(bwd, fwd=lambda p, x: (rt.sum(x), None)):
    f = rt.custom_vjp(lambda p, x: rt.sum(x))
    f.defvjp(fwd, bwd)
    return f


P = {"w": rt.ones(2), "b": [rt.ones(3)]}


@pytest.mark.parametrize(
    ("bwd", "error", "match"),
    [
        (lambda r, ct: None, ArgumentError, "must return a tuple .* 2 arguments, got NoneType"),
        (lambda r, ct: (None,), ArgumentError, "must return a tuple"),
        (lambda r, ct: (None, ct), ShapeError, r"argument 1 \('x'\) has shape \(\), .*\(3,\)"),
        (lambda r, ct: ({"w": rt.ones(3), "b": None}, None), ShapeError,
         r"argument 0 \('p'\)\['w'\] has shape \(3,\)"),
        (lambda r, ct: ({"w": None, "b": [rt.ones(3, dtype=rt.float64)]}, None), DTypeError,
         r"argument 0 \('p'\)\['b'\]\[0\] has dtype float64"),
        (lambda r, ct: ({"w": None}, None), TreeError, r"argument 0 \('p'\)"),
        (lambda r, ct: (rt.ones(2), None), TreeError, r"argument 0 \('p'\)"),
        (lambda r, ct: ({"w": None, "b": (None,)}, None), TreeError, r"argument 0 \('p'\)"),
        (lambda r, ct: (None, "no"), ArgumentError, r"argument 1 \('x'\)"),
        (lambda r, ct: (None, [rt.ones(3)]), TreeError, r"argument 1 \('x'\)"),
    ],
)  # fmt: skip
@runs
def test_what_bwd_must_return(bwd, error, match, run):
    with pytest.raises(error, match=match):
        run(rt.grad(with_bwd(bwd), (0, 1)))(P, rt.ones(3))
    with pytest.raises(error, match=match):
        run(rt.grad(lambda p, x: rt.sum(rt.vmap(with_bwd(bwd), (None, 0))(p, x)), (0, 1)))(
            P, rt.ones((2, 3))
        )


def test_what_fwd_must_return():
    with pytest.raises(ArgumentError, match="fwd of <lambda> must return a pair"):
        rt.grad(with_bwd(lambda r, ct: None, lambda p, x: x), 1)(P, rt.ones(3))
    f = with_bwd(lambda r, ct: (None, None), lambda p, x: (x, None))
    with pytest.raises(ShapeError, match="returns f32"):
        rt.grad(rt.jit(lambda x: f(P, x)))(rt.ones(3))
    f = with_bwd(lambda r, ct: (None, None), lambda p, x: ((rt.sum(x),), None))
    with pytest.raises(TreeError, match="fwd"):
        rt.grad(rt.jit(lambda x: f(P, x)))(rt.ones(3))
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.custom_vjp(rt.sin).defvjp(rt.sin, None)


# ---- custom_gradient -----------------------------------------------------------------------------


@rt.custom_gradient
def tenfold(x, y):
    product = x * y
    factor = rt.sin(x)
    return product, lambda ct: (10 * ct * y, ct * product * factor)


@runs
def test_custom_gradient(run):
    x, y = rt.asarray(2.0, rt.float64), rt.asarray(3.0, rt.float64)
    expected = (30.0, 6 * math.sin(2))
    assert float(run(tenfold)(x, y)) == 6.0
    for g in (tenfold, rt.jit(tenfold)):
        assert tuple(map(float, run(rt.grad(g, (0, 1)))(x, y))) == pytest.approx(expected)
        assert float(run(rt.grad(rt.grad(g), 1))(x, y)) == 10.0
        by_x = rt.grad(rt.grad(g, 1))
        assert float(run(by_x)(x, y)) == pytest.approx(3 * math.sin(2) + 6 * math.cos(2))
        assert_close(run(rt.vmap(rt.grad(g, (0, 1))))(X, Y), (10 * Y, X * Y * rt.sin(X)))
        total = lambda x, y, g=g: rt.sum(rt.vmap(g, (0, None))(x, y))  # noqa: E731
        gx, gy = run(rt.grad(total, (0, 1)))(X, y)
        assert_close(gx, 0 * X + 30)
        assert_close(gy, rt.sum(X * y * rt.sin(X)))
    with pytest.raises(MissingRuleError, match=r"\[custom_gradient\] forward mode"):
        rt.jvp(tenfold, (x, y), (x, y))


def test_custom_gradient_of_one_argument_of_pytrees_and_its_messages():
    f = rt.custom_gradient(lambda x: (x**2, lambda ct: 5 * ct))
    assert float(rt.grad(f)(2.0)) == 5.0
    assert float(rt.jit(rt.grad(f))(2.0)) == 5.0

    @rt.custom_gradient
    def g(p, s=2.0):
        y = p["a"] * s
        return {"y": y, "n": 3}, lambda ct: ({"a": ct["y"] * y, "b": None}, None)

    p = {"a": rt.asarray(4.0), "b": rt.ones(2)}
    for run in RUNS:
        got = run(rt.grad(lambda p: g(p)["y"]))(p)
        assert_close(got, {"a": 8.0, "b": np.zeros(2)}, check_dtype=False)
    many = rt.vmap(rt.grad(lambda p: g(p, s=1.0)["y"]))({"a": X, "b": X})
    assert_close(many, {"a": X, "b": 0 * X})
    with pytest.raises(ArgumentError, match="pair"):
        rt.custom_gradient(lambda x: x)(rt.ones(2))
    bad = rt.custom_gradient(lambda x, y: (x, lambda ct: (ct,)))
    with pytest.raises(ArgumentError, match="2 arguments"):
        rt.grad(bad)(1.0, 2.0)


# ---- beside JAX ----------------------------------------------------------------------------------


def test_as_jax():
    jax = pytest.importorskip("jax")
    results = []
    for np_, lib in ((rt, rt), (jax.numpy, jax)):

        def function(np_, w, x):
            return np_.sin(w @ x), np_.sum(w) + 0 * x[0]  # else JAX counts it once per lane

        f = lib.custom_vjp(function, nondiff_argnums=(0,))
        f.defvjp(
            lambda np_, w, x, function=function: (function(np_, w, x), (w, x, np_.cos(w @ x))),
            lambda np_, res, ct: (
                2 * np_.outer(ct[0] * res[2], res[1]) + ct[1],
                3 * res[0].T @ (ct[0] * res[2]),
            ),
        )
        w = np_.asarray(np.arange(6).reshape(2, 3) / 6, dtype="float32")
        x = np_.asarray(np.arange(12).reshape(4, 3) / 7, dtype="float32")

        def loss(w, x, f=f, lib=lib, np_=np_):
            a, b = lib.vmap(functools.partial(f, np_), (None, 0))(w, x)
            return (a**2).sum() + (b * np_.asarray([1.0, 2, 3, 4], dtype="float32")).sum()

        def one(w, x, f=f, np_=np_):
            a, b = f(np_, w, x)
            return (a * a).sum() * b

        cosine = np_.cos
        g = lib.custom_gradient(lambda x: (x**3, lambda ct: (ct * cosine(x),)))  # noqa: B023
        results.append([
            loss(w, x), lib.grad(loss, (0, 1))(w, x), lib.jit(lib.grad(loss, (0, 1)))(w, x),
            lib.grad(lib.jit(loss), (0, 1))(w, x), lib.vmap(lib.grad(one, (0, 1)), (None, 0))(w, x),
            lib.jacrev(lib.jacrev(one, 1), 0)(w, x[0]), lib.hessian(one, 1)(w, x[1]),
            lib.vmap(lib.grad(lib.grad(g)))(x[0]),
        ])  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(rt.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("loop", ["scan", "cond", "while_loop"])
@pytest.mark.parametrize("order", ["jit of vmap", "vmap of jit"])
def test_rules_in_loops_may_close_over_lanes(loop, order):
    def f(w, x):
        held = rt.stop_gradient(w)
        scale = rt.custom_vjp(lambda x: x * held)
        scale.defvjp(lambda x: (x * held, None), lambda _, ct: (10 * ct * held,))
        if loop == "scan":
            return rt.scan(lambda c, _: (scale(c), None), x, None, length=2)[0]
        if loop == "cond":
            return rt.cond(x > 0, lambda x: scale(scale(x)), lambda x: x, x)
        step = lambda s: (scale(s[0]), s[1] + 1)  # noqa: E731
        return rt.while_loop(lambda s: s[1] < 2, step, (x, 0), max_steps=3)[0]

    slope = rt.grad(f, 1)
    if order == "jit of vmap":
        lanes = rt.jit(rt.vmap(slope, (0, None)))
    else:
        lanes = rt.vmap(rt.jit(slope), (0, None))
    assert lanes(rt.asarray([2.0, 3.0]), rt.asarray(1.0)).tolist() == [400, 900]
