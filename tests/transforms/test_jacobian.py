"""Jacobians of complex functions and in chunks; products with second derivatives."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors


def test_jacrev_refuses_complex_results_of_real_arguments() -> None:
    x = rt.asarray([1.0, 2.0])
    with pytest.raises(errors.DTypeError, match="complex results need holomorphic=True"):
        rt.jacrev(lambda x: x * 1j)(x)
    assert rt.jacfwd(lambda x: x * 1j)(x).tolist() == [[1j, 0j], [0j, 1j]]


# ---- chunks --------------------------------------------------------------------------------------

W = rt.asarray(np.linspace(-1, 1, 12).reshape(3, 4))
PARAMS = {"a": rt.asarray(np.array([0.1, 0.2, 0.3, 0.4])), "b": rt.asarray(np.ones((2, 2)))}


def model(params: Any) -> Any:
    y = rt.sin(W @ params["a"])
    return {"y": y, "z": rt.sum(params["b"] ** 3) * rt.sum(y * y)}


@pytest.mark.parametrize("chunk_size", [1, 3, 8, 100])
@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit])
def test_chunks_give_the_same_matrices(chunk_size: int, wrap: Any) -> None:
    for jac in (rt.jacfwd, rt.jacrev, rt.jacobian):
        same(wrap(jac(model, chunk_size=chunk_size))(PARAMS), jac(model)(PARAMS))

    def loss(params: Any) -> Any:
        return model(params)["z"], params["a"]

    got, aux = wrap(rt.hessian(loss, has_aux=True, chunk_size=chunk_size))(PARAMS)
    same(got, rt.hessian(loss, has_aux=True)(PARAMS)[0])
    same(aux, PARAMS["a"])


def test_chunks_bound_the_number_of_lanes() -> None:
    sizes = []

    def f(x: Any) -> Any:
        rt.debug.callback(lambda x: sizes.append(x.shape), x)
        return x**2

    rt.jacfwd(f, chunk_size=2)(rt.ones(5))
    assert len(sizes) == 3  # two, two and one direction


def test_chunks_must_be_positive() -> None:
    for jac in (rt.jacfwd, rt.jacrev, rt.hessian):
        with pytest.raises(errors.ArgumentError, match="chunk_size"):
            jac(rt.sum, chunk_size=0)(rt.ones(2))


# ---- products ------------------------------------------------------------------------------------


def same(a: Any, b: Any) -> None:
    for x, y in zip(rt.tree.leaves(a), rt.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), 1e-12, 1e-13)


def loss(out: Any) -> Any:
    return rt.sum(rt.exp(out["y"])) * out["z"] ** 2


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit])
def test_gauss_newton_products_against_matrices(wrap: Any) -> None:
    vector = rt.tree.map(lambda x: rt.cos(x), PARAMS)
    flat, unravel = rt.tree.ravel_pytree(PARAMS)
    out, unravel_out = rt.tree.ravel_pytree(model(PARAMS))
    j = rt.jacfwd(lambda p: rt.tree.ravel_pytree(model(unravel(p)))[0])(flat)
    h = rt.hessian(lambda y: loss(unravel_out(y)))(out)
    gradient, product = wrap(lambda p, v: rt.gnvp(model, loss, (p,), (v,)))(PARAMS, vector)
    same(rt.tree.ravel_pytree(product)[0], j.T @ (h @ (j @ rt.tree.ravel_pytree(vector)[0])))
    same(gradient, rt.grad(lambda p: loss(model(p)))(PARAMS))


def test_gauss_newton_is_the_hessian_of_a_linear_model() -> None:
    x, v = PARAMS["a"], rt.asarray(np.array([1.0, -1.0, 2.0, 0.5]))
    same(rt.gnvp(lambda x: W @ x, lambda y: rt.sum(rt.sin(y)), (x,), (v,)),
         rt.hvp(lambda x: rt.sum(rt.sin(W @ x)), (x,), (v,)))  # fmt: skip


def test_gauss_newton_products_of_further_arguments_and_batches() -> None:
    def f(w: Any, x: Any) -> Any:
        return rt.sin(w * x)

    def product(w: Any, v: Any) -> Any:
        return rt.gnvp(f, lambda y: rt.sum(y**2), (w, 2.0), (v, 0.0))[1]

    w, v = rt.asarray([0.1, 0.2]), rt.asarray([1.0, 3.0])
    same(product(w, v), 2 * (2 * rt.cos(2 * w)) ** 2 * v)
    same(rt.vmap(product)(w, v), product(w, v))


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit])
def test_vector_times_hessian_is_hessian_times_vector(wrap: Any) -> None:
    def f(p: Any) -> Any:
        return loss(model(p))

    v = rt.tree.map(rt.cos, PARAMS)
    got = wrap(lambda p, v: rt.vhp(f, (p,), v))(PARAMS, v)
    same(got, rt.hvp(f, (PARAMS,), (v,)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: rt.gnvp(rt.sin, 3, (1.0,), (1.0,)), errors.ArgumentError, r"\[gnvp\] expected"),
        (lambda: rt.gnvp(rt.sin, rt.sum, 1.0, 1.0), errors.ArgumentError, r"\[gnvp\] primals"),
        (lambda: rt.gnvp(rt.sin, rt.sin, (rt.ones(2),), (rt.ones(2),)), errors.ShapeError,
         "must return a scalar"),
        (lambda: rt.vhp(rt.sum, 1.0, 1.0), errors.ArgumentError, r"\[vhp\] primals"),
        (lambda: rt.vhp(rt.sum, (rt.ones(2),), rt.ones(3)), errors.ShapeError, "cotangent"),
    ],
)  # fmt: skip
def test_errors_of_products(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
