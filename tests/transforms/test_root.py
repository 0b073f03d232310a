"""`custom_root`: derivatives of roots by what the function closes over."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError

X = rt.asarray([1.0, 2.0, 3.0], dtype=rt.float64)


def newton(f: Any, x: rt.Array) -> rt.Array:
    step = lambda x: x - rt.linalg.solve(rt.jacobian(f)(x), f(x))  # noqa: E731
    return rt.while_loop(lambda x: rt.max(rt.abs(f(x))) > 1e-12, step, x)


def tangent(g: Any, y: rt.Array) -> rt.Array:
    return rt.linalg.solve(rt.jacobian(g)(y), y)


def iterative(g: Any, y: rt.Array) -> rt.Array:
    return rt.custom_linear_solve(g, y, tangent, tangent)


def cube_root(a: rt.Array, solve: Any = newton, tangent_solve: Any = tangent) -> rt.Array:
    return rt.custom_root(lambda x: x**3 - a, rt.ones_like(a), solve, tangent_solve)


def check(got: Any, wanted: Any, tol: float = 1e-9) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=tol, atol=tol), got, wanted)


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "grad": rt.grad,
    "jacfwd": rt.jacfwd,
    "hessian": rt.hessian,
    "reverse twice": lambda f: rt.jacrev(rt.jacrev(f)),
    "third": lambda f: rt.jacfwd(rt.hessian(f)),
    "jit(grad)": lambda f: rt.jit(rt.grad(f)),
    "hessian(jit)": lambda f: rt.hessian(rt.jit(f)),
    "jit(hessian)": lambda f: rt.jit(rt.hessian(f)),
    "vmap(grad)": lambda f: lambda a: rt.vmap(rt.grad(f))(rt.stack([a, 2 * a])),
    "jit(vmap(hessian))": lambda f: lambda a: rt.jit(rt.vmap(rt.hessian(f)))(rt.stack([a, 2 * a])),
    "grad(vmap)": lambda f: (
        lambda a: rt.grad(lambda a: rt.sum(rt.vmap(f)(a)))(rt.stack([a, 2 * a]))
    ),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("tangent_solve", [tangent, iterative])
def test_cube_roots(transform: str, tangent_solve: Any) -> None:
    apply = TRANSFORMS[transform]
    got = apply(lambda a: rt.sum(rt.sin(cube_root(a, tangent_solve=tangent_solve))))(X)
    check(got, apply(lambda a: rt.sum(rt.sin(a ** (1 / 3))))(X))


def test_the_guess_has_no_derivative() -> None:
    f = lambda x0: rt.sum(rt.custom_root(lambda x: x**3 - X, x0, newton, tangent))  # noqa: E731
    check(rt.grad(f)(X), np.zeros(3))


def test_pytrees_and_auxiliary_results() -> None:
    def solve(f: Any, x: Any) -> Any:
        return {"x": f(x)["x"] * 0 + 2.0}, rt.asarray(3)

    def root(a: rt.Array) -> Any:
        f = lambda x: {"x": x["x"] * a - 2.0 * a}  # noqa: E731
        g = lambda g, y: {"x": y["x"] / g({"x": rt.ones(())})["x"]}  # noqa: E731
        x, aux = rt.custom_root(f, {"x": rt.asarray(1.0)}, solve, g, has_aux=True)
        return x["x"], aux

    assert [float(y) for y in root(rt.asarray(5.0))] == [2.0, 3.0]
    slope, steps = rt.grad(root, has_aux=True)(5.0)
    assert (float(slope), int(steps)) == (0.0, 3)


@pytest.mark.parametrize("apply", [lambda f: f, rt.jit])
def test_errors(apply: Any) -> None:
    with pytest.raises(ArgumentError, match="expected a function"):
        apply(lambda x: rt.custom_root(x, x, newton, tangent))(X)
    with pytest.raises(DTypeError, match="initial_guess must be floating"):
        apply(lambda x: rt.custom_root(lambda x: x, x, newton, tangent))(rt.arange(3))
    with pytest.raises(ShapeError, match="the root is"):
        apply(lambda x: rt.custom_root(lambda x: x, x, lambda f, x: x[0], tangent))(X)
    with pytest.raises(TreeError, match="the root"):
        apply(lambda x: rt.custom_root(lambda x: x, x, lambda f, x: [x], tangent))(X)
    with pytest.raises(ShapeError, match="the result of f"):
        rt.grad(lambda a: rt.sum(rt.custom_root(lambda x: x[0] * a, X, newton, tangent)))(1.0)


def test_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        jnp = jax.numpy

        def theirs(a: Any) -> Any:
            solve = lambda f, x: a ** (1 / 3)  # noqa: E731
            g = lambda g, y: jnp.linalg.solve(jax.jacobian(g)(y), y)  # noqa: E731
            return jnp.sum(jax.lax.custom_root(lambda x: x**3 - a, jnp.ones(3), solve, g))

        wanted = np.asarray(jax.grad(theirs)(np.asarray(X)))
    check(rt.grad(lambda a: rt.sum(cube_root(a)))(X), wanted)
