"""`linear_call`: forward mode runs the function, reverse mode the transpose that was stated."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError

A = rt.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], dtype=rt.float64)
X = rt.asarray([0.5, -1.0], dtype=rt.float64)


def product(a: Any, x: Any) -> Any:
    return rt.linear_call(lambda a, x: a @ x, lambda a, ct: a.T @ ct, a, x)


def check(got: Any, wanted: Any) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-10), got, wanted)


@pytest.mark.parametrize(
    "apply",
    [
        lambda f: f,
        lambda f: rt.grad(f, (0, 1)),
        lambda f: rt.hessian(f, (0, 1)),
        lambda f: rt.jacrev(rt.grad(f), 1),
        lambda f: rt.jit(rt.grad(rt.jit(f), (0, 1))),
        lambda f: lambda a, x: rt.jvp(f, (a, x), (a, x)),
        lambda f: lambda a, x: rt.vmap(rt.grad(f, (0, 1)), (None, 0))(a, rt.stack([x, 2 * x])),
        lambda f: lambda a, x: rt.jit(rt.vmap(f, (0, None)))(rt.stack([a, 2 * a]), x),
    ],
)
def test_with_the_true_transpose_it_is_the_function(apply: Any) -> None:
    loss = lambda f: lambda a, x: rt.sum(rt.sin(f(a, x)))  # noqa: E731
    check(apply(loss(product))(A, X), apply(loss(lambda a, x: a @ x))(A, X))


def test_reverse_mode_runs_the_transpose() -> None:
    f = lambda x: rt.linear_call(lambda r, x: 2 * x, lambda r, ct: 10 * ct, (), x)  # noqa: E731
    assert float(rt.jvp(f, (1.0,), (1.0,))[1]) == 2
    assert float(rt.grad(f)(1.0)) == float(rt.jit(rt.grad(f))(1.0)) == 10
    back = rt.linear_transpose(f, rt.spec(()))
    assert float(back(1.0)[0]) == 10
    assert float(rt.linear_transpose(lambda ct: back(ct)[0], rt.spec(()))(1.0)[0]) == 2


def test_closures() -> None:
    def f(s: Any) -> Any:
        return rt.linear_call(lambda r, x: r * x * s, lambda r, ct: r * ct * s, 2.0, s)

    assert float(rt.grad(f)(3.0)) == 12
    assert float(rt.grad(rt.grad(f))(3.0)) == float(rt.jit(rt.hessian(f))(3.0)) == 4


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.linear_call(1, lambda r, x: x, (), X)
    with pytest.raises(DTypeError, match="linear_args must be floating"):
        rt.linear_call(lambda r, x: x, lambda r, x: x, (), 1)
    with pytest.raises(ShapeError, match="fun_transpose"):
        rt.grad(lambda x: rt.linear_call(lambda r, x: x[0], lambda r, ct: ct, (), x))(X)
