"""`minimize`: minima, what it reports, and the derivative of the minimum."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError
from rtorch.solvers import minimize

METHODS = ["BFGS", "L-BFGS"]
each_method = pytest.mark.parametrize("method", METHODS)
Q = rt.asarray(np.diag([1.0, 2.0, 3.0]) + 0.1)
P = rt.asarray([0.3, 0.5, 0.7], dtype=rt.float64)


def rosenbrock(x: rt.Array) -> rt.Array:
    return rt.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x: Any, p: rt.Array) -> rt.Array:
    return 0.5 * x @ Q @ x - rt.sum(rt.sin(p) * x) + 0.1 * rt.sum(x**4)


@each_method
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 5])
def test_rosenbrock(method: str, dtype: str, n: int) -> None:
    x0 = np.linspace(0.2, 1.8, n).astype(dtype)
    tol = 1e-3 if dtype == "float32" else 1e-5
    result = rt.jit(lambda x: minimize(rosenbrock, x, method=method, tol=tol))(x0)
    assert result.x.dtype == dtype
    assert bool(result.success)
    assert int(result.status) == 0
    np.testing.assert_allclose(result.x, np.ones(n), atol=20 * tol)
    assert int(result.nfev) < 150
    assert float(rt.max(rt.abs(result.jac))) <= tol


@each_method
def test_as_in_scipy(method: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x0 = np.asarray([-1.2, 1.0, 0.5])
    name = "L-BFGS-B" if method == "L-BFGS" else method
    theirs = optimize.minimize(optimize.rosen, x0, jac=optimize.rosen_der, method=name, tol=1e-9)
    ours = minimize(rosenbrock, x0, method=method, tol=1e-9)
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)
    assert int(ours.nfev) <= 2 * theirs.nfev


def test_the_inverse_hessian() -> None:
    result = minimize(bowl, np.zeros(3), (P,), tol=1e-10)
    wanted = np.linalg.inv(np.asarray(rt.hessian(bowl)(result.x, P)))
    np.testing.assert_allclose(result.hess_inv, wanted, atol=0.05)
    assert minimize(bowl, np.zeros(3), (P,), method="L-BFGS").hess_inv is None


@each_method
def test_pytrees(method: str) -> None:
    fun = lambda x: rt.sum((x["a"] - 3) ** 2) + rt.sum((x["b"] + 1) ** 2) ** 2  # noqa: E731
    result = minimize(fun, {"a": rt.zeros((2, 2)), "b": rt.zeros(3)}, method=method)
    np.testing.assert_allclose(result.x["a"], np.full((2, 2), 3.0), atol=1e-4)
    assert result.jac["b"].shape == (3,)
    assert bool(result.success)


@each_method
def test_failures_are_reported(method: str) -> None:
    few = minimize(rosenbrock, np.asarray([-1.0, 2.0]), method=method, options={"maxiter": 3})
    assert (bool(few.success), int(few.status), int(few.nit)) == (False, 1, 3)
    nan = minimize(lambda x: rt.sum(x) * rt.nan, np.ones(2), method=method)
    assert (bool(nan.success), int(nan.status)) == (False, 3)
    np.testing.assert_array_equal(nan.x, np.ones(2))
    never = minimize(rt.sum, np.zeros(2), method=method, options={"maxiter": 5})
    assert not bool(never.success)
    assert bool(rt.all(rt.isfinite(never.x)))


def test_places_where_the_function_is_not_finite_are_avoided() -> None:
    fun = lambda x: rt.sum(x - rt.log(x))  # noqa: E731
    result = minimize(fun, np.asarray([0.01, 5.0]))
    assert bool(result.success)
    np.testing.assert_allclose(result.x, np.ones(2), atol=1e-5)


@each_method
def test_the_derivative_of_the_minimum(method: str) -> None:
    find = lambda p: minimize(bowl, rt.zeros(3, dtype=p.dtype), (p,), tol=1e-10, method=method)  # noqa: E731
    x = find(P).x
    wanted = np.linalg.solve(rt.hessian(bowl)(x, P), np.diag(np.cos(P)))
    for apply in (
        rt.jacrev,
        rt.jacfwd,
        lambda f: rt.jit(rt.jacrev(f)),
        lambda f: rt.jacrev(rt.jit(f)),
    ):
        np.testing.assert_allclose(apply(lambda p: find(p).x)(P), wanted, rtol=1e-7, atol=1e-9)
    rt.check_grads(lambda p: rt.sum(find(p).x ** 2), (P,), order=2)
    # The value at the minimum changes as if the minimum stayed (the envelope theorem).
    np.testing.assert_allclose(rt.grad(lambda p: find(p).fun)(P), -np.cos(P) * x, rtol=1e-6)
    batched = rt.vmap(rt.grad(lambda p: rt.sum(find(p).x)))(rt.stack([P, 2 * P]))
    np.testing.assert_allclose(batched[0], wanted.sum(0), rtol=1e-6)


def test_lanes() -> None:
    starts = np.asarray([[-1.0, 2.0], [1.0, 1.0], [0.5, -0.5]])
    result = rt.jit(rt.vmap(lambda x: minimize(rosenbrock, x)))(starts)
    assert result.nit.tolist() == [int(minimize(rosenbrock, x).nit) for x in starts]
    np.testing.assert_allclose(result.x, np.ones((3, 2)), atol=1e-4)


def test_errors() -> None:
    x = rt.ones(2)
    with pytest.raises(ArgumentError, match='expected "BFGS" or "L-BFGS"'):
        minimize(rosenbrock, x, method="Newton")
    with pytest.raises(ArgumentError, match="options \\['steps'\\]"):
        minimize(rosenbrock, x, options={"steps": 3})
    with pytest.raises(ArgumentError, match="maxiter"):
        minimize(rosenbrock, x, options={"maxiter": 0})
    with pytest.raises(DTypeError, match="x0 must be real"):
        minimize(rosenbrock, rt.asarray([1, 2]))
    with pytest.raises(ShapeError, match="must return a real floating scalar"):
        minimize(lambda x: x, x)
