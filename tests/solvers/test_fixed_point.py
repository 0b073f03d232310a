"""`fixed_point`: the point, what it reports, and its implicit derivative."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError
from rtorch.solvers import fixed_point

A = rt.asarray(np.random.default_rng(0).normal(size=(4, 4)) * 0.3)
X0 = {"u": rt.zeros(4, dtype=rt.float64)}
P = rt.asarray(np.linspace(-1.0, 1.0, 4))


def f(x: Any, p: rt.Array) -> Any:
    return {"u": rt.tanh(A @ x["u"] + p)}


def loss(p: rt.Array) -> rt.Array:
    return rt.sum(fixed_point(f, X0, p, tol=1e-13, memory=3).x["u"] ** 2)


@pytest.mark.parametrize("memory", [0, 3])
@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit], ids=["eager", "jit"])
def test_it_is_found(memory: int, wrap: Any) -> None:
    result = wrap(lambda p: fixed_point(f, X0, p, memory=memory))(P)
    assert bool(result.success)
    np.testing.assert_allclose(f(result.x, P)["u"], result.x["u"], atol=1e-9)
    assert int(result.nit) < (15 if memory else 100)


def test_anderson_acceleration_converges_where_the_iteration_does_not() -> None:
    plain = fixed_point(lambda x: 2 * x - 1, 1.5, max_iter=30)
    mixed = fixed_point(lambda x: 2 * x - 1, 1.5, max_iter=30, memory=2)
    assert (bool(plain.success), bool(mixed.success)) == (False, True)
    assert float(mixed.x) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.filterwarnings("ignore:overflow")
def test_failures_are_reported() -> None:
    result = fixed_point(lambda x: x + 1, 1.0, max_iter=5)
    assert (bool(result.success), int(result.nit), float(result.x)) == (False, 5, 6.0)
    result = fixed_point(lambda x: x**3, 1e10)
    assert not bool(result.success)
    assert np.isfinite(float(result.x))


def test_the_derivative_is_that_of_the_implicit_function_theorem() -> None:
    x = np.asarray(fixed_point(f, X0, P, tol=1e-14).x["u"])
    slopes = np.diag(1 - x**2)
    wanted = np.linalg.solve((np.eye(4) - slopes @ np.asarray(A)).T, 2 * x) @ slopes
    for apply in (rt.grad, rt.jacfwd, lambda g: rt.jit(rt.grad(g)), lambda g: rt.grad(rt.jit(g))):
        np.testing.assert_allclose(apply(loss)(P), wanted, rtol=1e-8)
    rt.check_grads(loss, (P,), order=2)
    by_closure = rt.grad(lambda p: rt.sum(fixed_point(lambda x: f(x, p), X0, tol=1e-13).x["u"]))(P)
    by_args = rt.grad(lambda p: rt.sum(fixed_point(f, X0, p, tol=1e-13).x["u"]))(P)
    np.testing.assert_allclose(by_closure, by_args, rtol=1e-8)


def test_lanes() -> None:
    scales = rt.asarray([0.1, 1.0, 3.0], dtype=rt.float64)
    steps = rt.vmap(lambda s: fixed_point(f, X0, P * s).nit)(scales)
    assert steps.tolist() == [int(fixed_point(f, X0, P * s).nit) for s in scales]
    slopes = rt.vmap(rt.grad(lambda s: loss(P * s)))(scales)
    alone = [float(rt.grad(lambda s: loss(P * s))(s)) for s in scales]
    np.testing.assert_allclose(slopes, alone, rtol=1e-7)


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="max_iter"):
        fixed_point(f, X0, P, max_iter=0)
    with pytest.raises(DTypeError, match="x0 must be floating"):
        fixed_point(lambda x: x, 1)
    with pytest.raises(ShapeError, match="f gives 1 numbers"):
        fixed_point(lambda x: x[0], rt.ones(3))
