# ruff: noqa: E501 - tables read better in long lines
"""jvp, linearize, linear_transpose, hvp, Jacobians."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    MissingRuleError,
    ShapeError,
    TreeError,
)


def f(x):
    return {"a": rt.sin(x) * x, "b": rt.sum(x**2)}


def test_jvp_linearize_and_vjp_agree(rng):
    x, t = rng.standard_normal((2, 5))
    y, dot = rt.jvp(f, (x,), (t,))
    y2, push = rt.linearize(f, x)
    for key in "ab":
        np.testing.assert_allclose(np.asarray(y[key]), np.asarray(y2[key]))
        np.testing.assert_allclose(np.asarray(push(t)[key]), np.asarray(dot[key]))
        np.testing.assert_allclose(np.asarray(rt.jit(push)(t)[key]), np.asarray(dot[key]))
    ct = {"a": rng.standard_normal(5), "b": np.float64(0.3)}
    (back,) = rt.vjp(f, x)[1](ct)
    inner = sum(float(np.sum(np.asarray(dot[k]) * ct[k])) for k in "ab")
    assert float(rt.sum(back * t)) == pytest.approx(inner)


def test_linear_transpose(rng):
    a = rng.standard_normal((3, 4))
    g = lambda x: rt.asarray(a) @ x / 2 + rt.sum(x)  # noqa: E731
    x, ct = rng.standard_normal(4), rng.standard_normal(3)
    (back,) = rt.linear_transpose(g, rt.spec(4, rt.float64))(ct)
    assert float(rt.sum(back * x)) == pytest.approx(float(rt.sum(g(rt.asarray(x)) * ct)))


@pytest.mark.parametrize(
    "g", [lambda x: x * x, lambda x: 1 / x, lambda x: rt.where(x > 0, x, 2 * x), rt.sin]
)
def test_what_is_not_linear_has_no_transpose(g):
    with pytest.raises((ArgumentError, MissingRuleError)):
        rt.linear_transpose(g, rt.ones(2))(rt.ones(2))


def test_tangents_must_fit():
    x = rt.ones(3)
    for bad, error in [((rt.ones(2),), ShapeError), ((rt.ones(3, dtype=rt.float64),), DTypeError),
                       ((x, x), TreeError), ("a", ArgumentError), (("a",), ArgumentError)]:  # fmt: skip
        with pytest.raises(error):
            rt.jvp(rt.sin, (x,), bad)
    push = rt.linearize(rt.sin, x)[1]
    with pytest.raises(ShapeError):
        push(rt.ones(2))
    with pytest.raises(TreeError):
        push(x, x)
    with pytest.raises(ShapeError):
        rt.linear_transpose(lambda x: 2 * x, x)(rt.ones(2))


def test_hvp(rng):
    x, t = rng.standard_normal((2, 3))
    g, hv = rt.hvp(lambda x: rt.sum(x**3), (x,), (t,))
    np.testing.assert_allclose(np.asarray(g), 3 * x**2)
    np.testing.assert_allclose(np.asarray(hv), 6 * x * t)


@pytest.mark.parametrize("jac", [rt.jacfwd, rt.jacrev])
@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_jacobians(jac, chunk_size, rng):
    a, x, z = rng.standard_normal((3, 4)), rng.standard_normal(4), rng.standard_normal(2)
    g = lambda x, z: {"y": rt.asarray(a) @ rt.sin(x), "s": rt.sum(z) * x[0]}  # noqa: E731
    got = jac(g, (0, 1), chunk_size=chunk_size)(x, z)
    np.testing.assert_allclose(np.asarray(got["y"][0]), a * np.cos(x))
    np.testing.assert_allclose(np.asarray(got["y"][1]), np.zeros((3, 2)))
    np.testing.assert_allclose(np.asarray(got["s"][0]), [z.sum(), 0, 0, 0])
    np.testing.assert_allclose(np.asarray(got["s"][1]), [x[0]] * 2)


@pytest.mark.parametrize("jac", [rt.jacfwd, rt.jacrev])
def test_jacobians_of_constants_numbers_and_complex(jac):
    assert jac(lambda x: rt.ones(2))(3.0).tolist() == [0, 0]
    assert float(jac(lambda x: x * x)(3.0)) == 6.0
    assert complex(jac(lambda x: x * x, holomorphic=True)(1j)) == 2j
    value, aux = jac(lambda x: (x * x, {"k": x}), has_aux=True)(3.0)
    assert (float(value), float(aux["k"])) == (6.0, 3.0)
    for bad in ("a", 1):
        with pytest.raises((ArgumentError, DTypeError)):
            jac(lambda x: x)(bad)


def test_hessian(rng):
    x = rng.standard_normal(3)
    np.testing.assert_allclose(np.asarray(rt.hessian(lambda x: rt.sum(x**3))(x)), np.diag(6 * x))
    np.testing.assert_allclose(np.asarray(rt.jit(rt.hessian(lambda x: rt.prod(x)))(x))[0, 1], x[2])
