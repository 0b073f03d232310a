"""What the constants of a loop get, summed up behind the backward loop."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.compiler.passes import optimize

STEPS, BATCH, N = 7, 3, 4


def rnn(w: Any, h: Any, xs: Any) -> Any:
    return rt.scan(lambda h, x: (rt.tanh(h @ w + x), h * h), h, xs)


def two_products(w: Any, h: Any, xs: Any) -> Any:
    """The weight is read twice, and transposed."""
    return rt.scan(lambda h, x: (rt.tanh(h @ w.T + rt.sin(x) @ w + w[0]), None), h, xs)


def gated(w: Any, h: Any, xs: Any) -> Any:
    """The cotangent of the product is no result of the loop."""
    return rt.scan(lambda h, x: (rt.sin(x) * rt.tanh(h @ w + w[1]), h), h, xs, reverse=True)


def elementwise(w: Any, h: Any, xs: Any) -> Any:
    """There is no product: everything stays in the loop."""
    return rt.scan(lambda h, x: (h * w[0] + rt.cos(x * w[1]), None), h, xs)


def in_lanes(w: Any, h: Any, xs: Any) -> Any:
    """A product with batch axes."""
    ws = rt.stack([w, w * 2, w * 3])
    return rt.scan(lambda h, x: (rt.tanh((h[:, None] @ ws)[:, 0] + x), None), h, xs)


BODIES = (rnn, two_products, gated, elementwise, in_lanes)


@pytest.mark.parametrize("body", BODIES)
def test_gradients_are_right(body: Any, rng: np.random.Generator) -> None:
    w, h = rt.asarray(rng.normal(size=(N, N))), rt.asarray(rng.normal(size=(BATCH, N)))
    xs = rt.asarray(rng.normal(size=(STEPS, BATCH, N)))

    def loss(w: Any, h: Any, xs: Any) -> Any:
        return sum(rt.sum(rt.sin(y)) for y in rt.tree.leaves(body(w, h, xs)))

    rt.check_grads(loss, (w, h, xs), order=2, modes=("fwd", "rev"))
    gradient = rt.grad(loss, argnums=(0, 1, 2))
    lanes = rt.vmap(gradient, (0, None, 1), 0)(rt.stack([w, w + 1]), h, rt.stack([xs, -xs], axis=1))
    alone = [gradient(w, h, xs), gradient(w + 1, h, -xs)]
    for i, one in enumerate(alone):
        for a, b, c in zip(lanes, one, rt.jit(gradient)(*((w, h, xs), (w + 1, h, -xs))[i])):
            np.testing.assert_allclose(a[i], b, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(c, b, rtol=1e-10, atol=1e-12)


def backward_body(function: Any, *args: Any) -> Any:
    """The body of the last loop of a gradient."""
    program = rt.make_program(rt.grad(lambda w: rt.sum(function(w, *args)[0])))(rt.ones((N, N)))
    *_, scan = [eqn for eqn in program.eqns if eqn.prim.name == "scan"]
    return scan.params["program"]


@pytest.mark.parametrize(("function", "products"), [(rnn, 1), (two_products, 1), (gated, 1)])
def test_one_product_in_each_step_is_left(function: Any, products: int) -> None:
    """That which leads to the step before."""
    body = backward_body(function, rt.ones((BATCH, N)), rt.ones((STEPS, BATCH, N)))
    assert [eqn.prim.name for eqn in body.eqns].count("dot_general") == products


def test_what_is_larger_than_the_product_is_not_stacked() -> None:
    batch = 100 * N

    def f(w: Any, h: Any, xs: Any) -> Any:
        return rt.scan(lambda h, x: (x * rt.tanh(rt.sin(h) @ w), None), h, xs)

    body = backward_body(f, rt.ones((batch, N)), rt.ones((STEPS, batch, N)))
    assert [eqn.prim.name for eqn in body.eqns].count("dot_general") == 2


def test_no_steps() -> None:
    g = rt.grad(lambda w: rt.sum(rnn(w, rt.ones((BATCH, N)), rt.ones((0, BATCH, N)))[0]))
    np.testing.assert_array_equal(g(rt.ones((N, N))), np.zeros((N, N)))


def test_the_gradient_of_pieces_is_one_concatenation() -> None:
    def f(x: Any) -> Any:
        a, _, c = rt.split(x, 3, axis=1)
        return rt.sum(a * c)

    x = rt.asarray(np.arange(6.0).reshape(1, 6))
    program = rt.make_program(rt.grad(f))(x)
    names = [eqn.prim.name for eqn in program.eqns]
    assert names.count("concat") == 1
    assert "pad" not in names
    assert rt.grad(f)(x).tolist() == [[4, 5, 0, 0, 0, 1]]
    rt.check_grads(f, (x,), order=2)
    doubled = rt.vmap(lambda x: rt.split(x, [1, 1, 4], axis=0), in_axes=1, out_axes=1)(x.T)
    assert [p.shape for p in doubled] == [(1, 1), (0, 1), (3, 1), (2, 1)]
    assert [p.tolist() for p in rt.split(x[0], [4, 2])] == [[0, 1, 2, 3], [], [2, 3, 4, 5]]


def test_the_gradient_of_a_weight_lies_in_memory_as_the_weight_does(
    rng: np.random.Generator,
) -> None:
    w, x = rt.asarray(rng.normal(size=(5, 3))), rt.asarray(rng.normal(size=(2, 7, 3)))
    gradient = rt.grad(lambda w: rt.sum(rt.sin(x @ w.T)))
    g = rt.jit(gradient)(w)
    assert np.asarray(g).flags.c_contiguous
    np.testing.assert_allclose(g, gradient(w), rtol=1e-12)


@pytest.mark.parametrize("same", [lambda z: z * 1.0, rt.stop_gradient, lambda z: z])
def test_a_product_that_is_read_beside_its_transpose_is_computed_once(same: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        z = same(x @ y)
        return z.T, z + 1

    x, y = rt.ones((3, 4)), rt.ones((4, 5))
    program = optimize(rt.make_program(f)(x, y))
    assert [eqn.prim.name for eqn in program.eqns].count("dot_general") == 1
    alone = optimize(rt.make_program(lambda x, y: same(x @ y).T)(x, y))
    assert [eqn.prim.name for eqn in alone.eqns] == ["dot_general"]
