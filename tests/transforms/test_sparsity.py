"""Patterns of Jacobians that are found from the Program."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt

N = 6
W = rt.asarray(np.triu(np.linspace(-1, 1, N * N).reshape(N, N), 2))
MASK = rt.asarray(np.arange(N) % 2 == 0)


def residual(u: Any) -> Any:
    inner = u[2:] - 2 * u[1:-1] + u[:-2] - u[1:-1] ** 3
    return rt.concatenate([u[:1], inner, u[-1:] - 1])


def in_place(x: Any) -> Any:
    y = 2 * x**2
    return y.at[1:].add(-x[:-1] * x[1:]).at[np.array([0, 2])].set(x[1])


# Exact: the pattern is that of the Jacobian at a random point.
EXACT: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: rt.sin(x) * x + rt.exp(x),
    "differences": residual,
    "constant": lambda x: rt.ones(3),
    "triangle": lambda x: W @ (x**2),
    "product of two": lambda x: x.reshape(2, 3) @ rt.sin(x.reshape(3, 2)),
    "outer": lambda x: x[:3, None] * x[3:],
    "mask": lambda x: x * MASK,
    "where": lambda x: rt.where(MASK, x[0], x),
    "sum": lambda x: rt.sum(x.reshape(2, 3), axis=1),
    "mean of all": lambda x: rt.mean(x),
    "cumsum": rt.cumsum,
    "cumprod": lambda x: rt.cumprod(x),
    "flip, roll, pad": lambda x: rt.pad(rt.roll(x[::-1], 2), 1),
    "take": lambda x: x[np.array([3, 3, 0])] * 2,
    "in place": in_place,
    "stop_gradient": lambda x: x + rt.stop_gradient(x[0]),
    "integers": lambda x: x + (x > 0).astype(int).sum(),
    "jit": rt.jit(lambda x: rt.jit(rt.diff)(x) ** 2),
    "checkpoint": rt.checkpoint(residual),
    "vmap": rt.vmap(lambda x: x**2),
    "gradient": rt.grad(lambda x: rt.sum(x[1:] ** 2 * x[:-1])),
    "gradient of jit": rt.grad(rt.jit(lambda x: rt.sum(rt.sin(x[1:] * x[:-1])))),
    "convolution": lambda x: rt.convolve(x, rt.asarray(np.array([1.0, 0.0, -1.0])), mode="same"),
}

# At least that.
LARGER: dict[str, Callable[[Any], Any]] = {
    "max": lambda x: rt.max(x.reshape(2, 3), axis=0),
    "sort": rt.sort,
    "norm": rt.linalg.norm,
    "inverse": lambda x: rt.linalg.inv(rt.diag(x[:2]) + 1.0),
    "index by value": lambda x: x[rt.argmax(x)] * x,
    "softmax": lambda x: rt.exp(x) / rt.sum(rt.exp(x)),
    "checkpointed gradient": rt.grad(rt.checkpoint(lambda x: rt.sum(rt.sin(x) ** 2))),
}


def jacobian(f: Callable[[Any], Any]) -> Any:
    x = rt.asarray(np.random.default_rng(0).uniform(0.5, 1.5, N))
    dense = rt.jacfwd(f)(x)
    return np.asarray(dense).reshape(-1, N)


@pytest.mark.parametrize("name", EXACT)
def test_pattern_is_that_of_the_jacobian(name: str) -> None:
    pattern = rt.sparsity_pattern(EXACT[name], rt.spec(N, rt.float64))
    np.testing.assert_array_equal(np.asarray(pattern), jacobian(EXACT[name]) != 0)


@pytest.mark.parametrize("name", LARGER)
def test_pattern_covers_that_of_the_jacobian(name: str) -> None:
    pattern = rt.sparsity_pattern(LARGER[name], rt.spec(N, rt.float64))
    assert np.asarray(pattern)[jacobian(LARGER[name]) != 0].all()


def test_found_patterns_serve_jacobian_and_hessian() -> None:
    x = rt.asarray(np.linspace(0, 1, 50))
    jac = rt.sparse_jacobian(residual, rt.sparsity_pattern(residual, x))
    assert jac.passes == 3
    np.testing.assert_allclose(jac(x).todense(), rt.jacfwd(residual)(x))

    def energy(x: Any) -> Any:
        return rt.sum(x[1:] ** 2 * x[:-1])

    hess = rt.sparse_hessian(energy, rt.sparsity_pattern(rt.grad(energy), x))
    assert hess.passes == 3
    np.testing.assert_allclose(hess(x).todense(), rt.hessian(energy)(x))


def test_patterns_are_found_while_something_else_is_recorded() -> None:
    @rt.jit
    def f(x: Any) -> Any:
        return rt.sparse_jacobian(residual, rt.sparsity_pattern(residual, rt.spec(5)))(x).values

    assert f(rt.ones(5)).shape == (11,)
    assert rt.sparsity_pattern(rt.sin, rt.ones(0)).shape == (0, 0)


def test_other_arguments_and_shapes() -> None:
    pattern = rt.sparsity_pattern(lambda a, x: a * x.T, 2.0, rt.spec((2, 3)), argnums=1)
    assert pattern.shape == (6, 6)
    assert pattern.sum() == 6


def test_errors() -> None:
    with pytest.raises(rt.errors.ArgumentError, match="one array each, got 2 and 1"):
        rt.sparsity_pattern(lambda x: x[0] + x[1], [rt.spec(2), rt.spec(2)])
    with pytest.raises(rt.errors.ArgumentError, match="expected a function"):
        rt.sparsity_pattern(3, rt.spec(2))
