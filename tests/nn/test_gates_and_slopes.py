"""Gated units, PReLU and RReLU."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn


@pytest.mark.parametrize(("ours", "name"), [(nn.reglu, "relu"), (nn.geglu, "gelu"),
                                            (nn.swiglu, "silu"), (nn.glu, "sigmoid")])  # fmt: skip
@pytest.mark.parametrize("axis", [0, -1])
def test_gates_are_products_of_halves(
    ours: Any, name: str, axis: int, rng: np.random.Generator
) -> None:
    x = rt.asarray(rng.normal(size=(4, 6)))
    value, gate = rt.split(x, 2, axis=axis)
    np.testing.assert_allclose(ours(x, axis=axis), value * getattr(nn, name)(gate), rtol=1e-12)
    rt.check_grads(lambda x: ours(x, axis=axis), (x,), order=1)
    with pytest.raises(errors.ShapeError, match="even length"):
        ours(x[:3, :5], axis=axis)


@pytest.mark.parametrize(("n", "axis"), [(1, 1), (3, 1), (4, -1)])
def test_prelu_is_that_of_torch(n: int, axis: int, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, 4))
    theirs = torch.nn.PReLU(n, init=0.1, dtype=torch.float64)
    t = torch.tensor(x, requires_grad=True)
    wanted = theirs(t if axis == 1 else t.moveaxis(-1, 1))
    wanted = wanted if axis == 1 else wanted.moveaxis(1, -1)
    (wanted**2).sum().backward()
    layer = nn.PReLU(n, 0.1, axis=axis)
    params, _ = layer.init(None, rt.asarray(x))
    assert params["weight"].tolist() == [0.1] * n

    def loss(params: Any, x: Any) -> rt.Array:
        return rt.sum(layer.apply(params, {}, x)[0] ** 2)

    np.testing.assert_allclose(layer.apply(params, {}, rt.asarray(x))[0], wanted.detach())
    grads, x_bar = rt.jit(rt.grad(loss, argnums=(0, 1)))(params, rt.asarray(x))
    np.testing.assert_allclose(grads["weight"], theirs.weight.grad, rtol=1e-12)
    np.testing.assert_allclose(x_bar, t.grad, rtol=1e-12)
    with pytest.raises(errors.ShapeError, match="expected 5 channels"):
        nn.PReLU(5).apply({"weight": rt.ones(5)}, {}, rt.asarray(x))


def test_rrelu_draws_slopes_in_training() -> None:
    layer, x = nn.RReLU(0.2, 0.4), -rt.ones(1000)
    y, _ = layer.apply({}, {}, x)
    np.testing.assert_allclose(y, -0.3, rtol=1e-6)
    y, _ = layer.apply({}, {}, x, key=rt.random.key(0), train=True)
    assert -0.4 <= float(rt.min(y)) < -0.39
    assert -0.21 < float(rt.max(y)) <= -0.2
    with pytest.raises(errors.ArgumentError, match="got key=None"):
        layer.apply({}, {}, x, train=True)


def test_squareplus_of_any_size() -> None:
    x = np.asarray([-1e30, -1e3, -1.0, 0.0, 1.0, 1e3, 1e30])
    y, slope = rt.vmap(rt.value_and_grad(nn.squareplus))(rt.asarray(x, dtype=rt.float64))
    root = np.hypot(x, 2)
    wanted = np.where(x < 0, 2 / (root + np.abs(x)), (x + root) / 2)
    np.testing.assert_allclose(y, wanted, rtol=1e-14)
    np.testing.assert_allclose(slope, (1 + x / np.hypot(x, 2)) / 2, atol=1e-14)


def test_messages() -> None:
    for call, text in (
        (lambda: nn.soft_shrink(rt.ones(1), -1.0), "lambd: expected a number of at least 0"),
        (lambda: nn.PReLU(0), "num_parameters: expected an int"),
        (lambda: nn.RReLU(0.5, 0.1), "lower 0.5 is above upper 0.1"),
    ):
        with pytest.raises(errors.ArgumentError, match=text):
            call()
