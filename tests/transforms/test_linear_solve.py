"""`custom_linear_solve`: its derivatives are those of a dense solve, in every order of nesting."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TreeError

N = 4
RNG = np.random.default_rng(7)
A = rt.asarray(RNG.normal(size=(N, N)) + 4 * np.eye(N))
B = rt.asarray(RNG.normal(size=N))


def dense(matvec: Any, b: rt.Array) -> rt.Array:
    """A solver that knows nothing but `matvec`."""
    holomorphic = rt.isdtype(b.dtype, "complex floating")
    return rt.linalg.solve(rt.jacobian(matvec, holomorphic=holomorphic)(rt.zeros_like(b)), b)


def solution(a: rt.Array, b: rt.Array) -> rt.Array:
    return rt.custom_linear_solve(lambda x: a @ x, b, dense, dense)


def symmetric(a: rt.Array, b: rt.Array) -> rt.Array:
    return rt.custom_linear_solve(lambda x: a @ x + a.T @ x, b, dense, symmetric=True)


def loss_of(solve: Callable[..., rt.Array]) -> Callable[..., rt.Array]:
    return lambda a, b: rt.sum(rt.sin(solve(a, b)))


def check(got: Any, wanted: Any, tol: float = 1e-9) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=tol, atol=tol), got, wanted)


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "jit": rt.jit,
    "grad": lambda f: rt.grad(f, (0, 1)),
    "jacfwd": lambda f: rt.jacfwd(f, (0, 1)),
    "hessian": lambda f: rt.hessian(f, (0, 1)),
    "reverse twice": lambda f: rt.jacrev(rt.grad(f), 1),
    "jit(grad)": lambda f: rt.jit(rt.grad(f, (0, 1))),
    "grad(jit)": lambda f: rt.grad(rt.jit(f), (0, 1)),
    "jit(hessian(jit))": lambda f: rt.jit(rt.hessian(rt.jit(f), (0, 1))),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_it_is_a_dense_solve(transform: str) -> None:
    apply = TRANSFORMS[transform]
    wanted = apply(loss_of(rt.linalg.solve))(A, B)
    check(apply(loss_of(solution))(A, B), wanted)


@pytest.mark.parametrize("transform", ["grad", "jacfwd", "hessian", "jit(grad)"])
def test_a_symmetric_system_needs_one_solver(transform: str) -> None:
    apply = TRANSFORMS[transform]
    wanted = apply(loss_of(lambda a, b: rt.linalg.solve(a + a.T, b)))(A, B)
    check(apply(loss_of(symmetric))(A, B), wanted)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
@pytest.mark.parametrize("order", ["vmap(grad)", "grad(vmap)", "jit(vmap(grad))", "vmap(jit)"])
def test_batches(axes: Any, order: str) -> None:
    a = rt.stack([A, A + 1.0]) if axes[0] == 0 else A
    b = rt.stack([B, 2.0 * B]) if axes[1] == 0 else B

    def apply(f: Any) -> Any:
        if order == "vmap(grad)":
            return rt.vmap(rt.grad(f, (0, 1)), axes)
        if order == "grad(vmap)":
            return rt.grad(lambda *args: rt.sum(rt.vmap(f, axes)(*args)), (0, 1))
        if order == "jit(vmap(grad))":
            return rt.jit(rt.vmap(rt.grad(f, (0, 1)), axes))
        return rt.vmap(rt.jit(f), axes)

    check(apply(loss_of(solution))(a, b), apply(loss_of(rt.linalg.solve))(a, b))


def test_pytrees_and_auxiliary_results() -> None:
    def solve(matvec: Any, b: Any) -> Any:
        x = {"u": b["u"] / 2.0, "v": b["v"] / 3.0}
        return x, {"steps": rt.asarray(7), "norm": rt.sum(b["u"])}

    def f(b: Any) -> Any:
        matvec = lambda x: {"u": 2.0 * x["u"], "v": 3.0 * x["v"]}  # noqa: E731
        return rt.custom_linear_solve(matvec, b, solve, solve, has_aux=True)

    b = {"u": rt.ones(2), "v": rt.ones((2, 2))}
    x, aux = f(b)
    assert int(aux["steps"]) == 7
    check(x, {"u": np.full(2, 0.5), "v": np.full((2, 2), 1 / 3)}, 1e-6)
    gradient, aux = rt.grad(lambda b: (rt.sum(f(b)[0]["v"]) + f(b)[1]["norm"], f(b)[1]),
                            has_aux=True)(b)  # fmt: skip
    check(gradient, {"u": np.zeros(2), "v": np.full((2, 2), 1 / 3)}, 1e-6)
    assert int(aux["steps"]) == 7


def test_complex_systems() -> None:
    a = rt.asarray(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)) + 4 * np.eye(3))
    b = rt.asarray(RNG.normal(size=3) + 1j)
    for apply in (lambda f: rt.grad(f, (0, 1)), lambda f: rt.jit(rt.grad(f, (0, 1)))):
        loss = lambda solve: lambda a, b: rt.sum(rt.abs(solve(a, b)) ** 2)  # noqa: E731
        check(apply(loss(solution))(a, b), apply(loss(rt.linalg.solve))(a, b))


def test_the_solver_may_loop_and_is_not_differentiated() -> None:
    def jacobi(matvec: Any, b: rt.Array) -> rt.Array:
        diagonal = rt.diag(rt.jacobian(matvec)(b))
        step = lambda x: x + (b - matvec(x)) / diagonal  # noqa: E731
        return rt.while_loop(lambda x: rt.max(rt.abs(matvec(x) - b)) > 1e-13, step, 0 * b)

    f = loss_of(lambda a, b: rt.custom_linear_solve(lambda x: a @ x, b, jacobi, jacobi))
    a = A + 8.0 * rt.eye(N, dtype=rt.float64)
    for transform in ("grad", "hessian", "jit(grad)"):
        apply = TRANSFORMS[transform]
        check(apply(f)(a, B), apply(loss_of(rt.linalg.solve))(a, B))


def test_reverse_mode_needs_a_transposed_solver() -> None:
    f = lambda b: rt.sum(rt.custom_linear_solve(lambda x: A @ x, b, dense))  # noqa: E731
    check(rt.jvp(f, (B,), (B,))[1], f(B))
    with pytest.raises(MissingRuleError, match="transpose_solve"):
        rt.grad(f)(B)


@pytest.mark.parametrize("apply", [lambda f: f, rt.jit])
def test_errors(apply: Any) -> None:
    solve = rt.custom_linear_solve
    with pytest.raises(ArgumentError, match="expected a function"):
        apply(lambda b: solve(3, b, dense))(B)
    with pytest.raises(DTypeError, match="b must be floating"):
        apply(lambda b: solve(lambda x: x, b, dense))(rt.arange(3))
    with pytest.raises(ShapeError, match="the solution"):
        apply(lambda b: solve(lambda x: x, b, lambda f, b: b[:2]))(B)
    with pytest.raises(TreeError, match="the solution"):
        apply(lambda b: solve(lambda x: x, b, lambda f, b: (b, b)))(B)
    with pytest.raises(DTypeError, match="the solution"):
        apply(lambda b: solve(lambda x: x, b, lambda f, b: b.astype(rt.float32)))(B)


def test_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        jnp = jax.numpy

        def theirs(a: Any, b: Any) -> Any:
            solve = lambda mv, b: jnp.linalg.solve(jax.jacobian(mv)(b), b)  # noqa: E731
            x = jax.lax.custom_linear_solve(lambda x: a @ x, b, solve, solve)
            return jnp.sum(jnp.sin(x))

        wanted = jax.grad(theirs, (0, 1))(np.asarray(A), np.asarray(B))
    check(rt.grad(loss_of(solution), (0, 1))(A, B), tuple(map(np.asarray, wanted)))
