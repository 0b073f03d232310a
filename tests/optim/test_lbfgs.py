"""L-BFGS against PyTorch's, iteration by iteration."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim


def rosenbrock(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def quartic(p: Any) -> Any:
    return ((p - 0.5) ** 4).sum() + (p * p).sum() * 0.1 + (p[0] * p[1]) ** 2


STARTS = {rosenbrock: [-1.2, 1.0], quartic: [3.0, -2.0, 1.0, 0.1]}


@pytest.mark.parametrize("loss", STARTS)
@pytest.mark.parametrize("options", [{}, {"line_search_fn": None, "learning_rate": 1e-2}])
@pytest.mark.parametrize("history_size", [3, 100])
def test_like_torch(loss: Any, options: dict[str, Any], history_size: int) -> None:
    torch = pytest.importorskip("torch")
    opt = optim.lbfgs(history_size=history_size, **options)
    theirs = torch.tensor(STARTS[loss], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [theirs],
        lr=options.get("learning_rate", 1),
        max_iter=1,
        max_eval=100,
        history_size=history_size,
        line_search_fn=options.get("line_search_fn", "strong_wolfe"),
    )

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(theirs)
        value.backward()
        return value

    params = rt.asarray(STARTS[loss], dtype=rt.float64)
    state, f = opt.init(params), rt.value_and_grad(loss)
    step = rt.jit(lambda s, p: opt.update(None, s, p, value_and_grad=f))
    for _ in range(20):
        optimizer.step(closure)
        updates, state = step(state, params)
        params = optim.apply_updates(params, updates)
        np.testing.assert_allclose(params, theirs.detach(), rtol=1e-9, atol=1e-10)
    assert step.cache_info().misses == 1


def test_pytrees_with_leaves_that_are_not_optimized() -> None:
    params = {
        "a": rt.asarray([3.0, -2.0]),
        "n": rt.asarray(7),
        "b": (rt.asarray([[1.0, 0.2], [0.3, 1.5]]), None),
    }

    def loss(p: Any) -> rt.Array:
        return rt.sum((p["a"] - 1) ** 2) + rt.sum((p["b"][0] @ p["b"][0] - 2 * rt.eye(2)) ** 2)

    opt, f = optim.lbfgs(), rt.value_and_grad(loss)
    state = opt.init(params)
    first = rt.eval_shape(lambda s: s, state)
    for _ in range(25):
        value, grads = f(params)
        updates, state = opt.update(grads, state, params, value_and_grad=f, value=value)
        params = optim.apply_updates(params, updates)
    assert rt.eval_shape(lambda s: s, state) == first
    assert float(loss(params)) < 1e-6
    assert int(params["n"]) == 7


def test_it_stays_at_the_minimum() -> None:
    f = rt.value_and_grad(lambda p: rt.sum(p * p))
    opt, params = optim.lbfgs(), rt.zeros(3)
    updates, _ = opt.update(None, opt.init(params), params, value_and_grad=f)
    assert updates.tolist() == [0.0, 0.0, 0.0]


def test_half_precision_keeps_its_dtype() -> None:
    f = rt.value_and_grad(lambda p: rt.sum((p.astype(rt.float32) - 1) ** 2))
    opt, params = optim.lbfgs(), rt.zeros(3, dtype=rt.bfloat16)
    state = opt.init(params)
    for _ in range(3):
        updates, state = opt.update(None, state, params, value_and_grad=f)
        params = optim.apply_updates(params, updates)
    assert params.dtype == rt.bfloat16
    assert params.tolist() == [1.0, 1.0, 1.0]


def test_messages() -> None:
    opt, p = optim.lbfgs(), rt.ones(2)
    with pytest.raises(errors.ArgumentError, match="needs the function of the line search"):
        opt.update(p, opt.init(p), p)
    with pytest.raises(errors.ArgumentError, match="line_search_fn: expected"):
        optim.lbfgs(line_search_fn="backtracking")
    with pytest.raises(errors.DTypeError, match="expected real parameters"):
        opt.init(rt.ones(2, dtype=rt.complex64))
