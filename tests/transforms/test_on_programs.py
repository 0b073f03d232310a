"""Transformations of Programs and of jitted functions: both are functions."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError

X, Y = rt.asarray([1.0, 2.0, 3.0]), rt.asarray([4.0, 5.0, 6.0])
V = rt.spec(3)


def linear(x, y):
    return 2 * x + rt.flip(y)


def loss(x, y):
    return rt.sum(rt.sin(x) * y)


def program_of(f):
    return rt.make_program(f)(V, V)


def test_linearize():
    out, push = rt.linearize(loss, X, Y)
    for f in (program_of(loss), rt.jit(loss)):
        value, program_push = rt.linearize(f, X, Y)
        got, tangent = rt.tree.leaves(value)[0], rt.tree.leaves(program_push(Y, X))[0]
        np.testing.assert_allclose(np.asarray(got), np.asarray(out), rtol=1e-6)
        np.testing.assert_allclose(np.asarray(tangent), np.asarray(push(Y, X)), rtol=1e-6)


def test_linear_transpose():
    expected = rt.linear_transpose(linear, V, V)(X)
    from_program = rt.linear_transpose(program_of(linear), V, V)([X])
    from_jitted = rt.linear_transpose(rt.jit(linear), V, V)(X)
    under_jit = rt.jit(lambda ct: rt.linear_transpose(program_of(linear), V, V)([ct]))(X)
    for got in (from_program, from_jitted, under_jit):
        assert [ct.tolist() for ct in got] == [ct.tolist() for ct in expected]


@pytest.mark.parametrize("make", [lambda f: rt.make_program(f)(V), rt.jit, lambda f: f])
def test_linear_transpose_refuses_what_is_not_linear(make):
    back = rt.linear_transpose(make(lambda x: x * x), V)
    ct = [X] if make is not rt.jit and type(make(rt.sin)).__name__ == "Program" else X
    with pytest.raises(ArgumentError, match="not linear"):
        back(ct)


def test_gradients():
    program = program_of(loss)
    expected = rt.grad(loss, (0, 1))(X, Y)
    for f in (rt.grad(program, (0, 1)), rt.jit(rt.grad(program, (0, 1)))):
        for got, want in zip(f(X, Y), expected, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-6)
    value, slope = rt.value_and_grad(program)(X, Y)
    assert value.shape == ()
    np.testing.assert_allclose(np.asarray(slope), np.asarray(expected[0]), rtol=1e-6)
    (value,), pull = rt.vjp(program, X, Y)
    np.testing.assert_allclose(np.asarray(pull([rt.asarray(1.0)])[1]), np.asarray(expected[1]))


def test_second_derivatives_and_batches():
    program = program_of(loss)
    want = rt.hessian(loss)(X, Y)
    np.testing.assert_allclose(np.asarray(rt.hessian(program)(X, Y)[0]), np.asarray(want))
    product = rt.hvp(program, (X, Y), (Y, X))[1]
    np.testing.assert_allclose(np.asarray(product), np.asarray(rt.hvp(loss, (X, Y), (Y, X))[1]))
    (out,) = rt.vmap(program)(rt.stack([X, Y]), rt.stack([Y, X]))
    assert out.tolist() == [float(loss(X, Y)), float(loss(Y, X))]


def test_a_program_with_several_results_has_no_gradient():
    program = rt.make_program(lambda x: (rt.sum(x), x))(V)
    with pytest.raises(ArgumentError, match="one scalar"):
        rt.grad(program)(X)


def test_a_function_that_returns_a_list_is_still_refused():
    with pytest.raises(ArgumentError, match="one scalar"):
        rt.grad(lambda x: [rt.sum(x)])(X)


def test_types_are_checked():
    with pytest.raises(ShapeError, match="argument 0 of the Program"):
        rt.grad(program_of(loss))(rt.ones(4), Y)
