"""Optimizers of optimizers, each inside each other; named arguments reach the innermost."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import optim
from rtorch.optim import schedules

Wrap = Callable[[optim.Optimizer], optim.Optimizer]

WRAPPERS: dict[str, Wrap] = {
    "chain": lambda opt: optim.chain(optim.clip_by_global_norm(5.0), opt),
    "chain after": lambda opt: optim.chain(opt, optim.decay_weights(0.01)),
    "masked": lambda opt: optim.chain(optim.masked(opt, "a*"), optim.masked(optim.sgd(0.1), "b")),
    "frozen": lambda opt: optim.chain(opt, optim.freeze("b")),
    "groups": lambda opt: optim.groups({"a": opt, "*": optim.sgd(0.1)}),
    "accumulate": lambda opt: optim.accumulate(opt, 2),
    "ema": optim.ema,
    "swa": optim.swa,
    "lookahead": lambda opt: optim.lookahead(opt, 2),
    "skip_nonfinite": optim.skip_nonfinite,
    "inject": lambda opt: optim.inject_hyperparams(
        lambda rate: optim.chain(opt, optim.decay_weights(0.01, rate))
    )(schedules.linear(0.1, 0.0, 5)),
}
PAIRS = [(a, b) for a in WRAPPERS for b in WRAPPERS]


def loss(p: Any) -> rt.Array:
    return rt.sum((p["a"] - 1) ** 2) + rt.sum(rt.cos(p["b"])) + rt.sum(p["a"][0] * p["b"])


PARAMS = {"a": rt.asarray([0.3, -2.0], dtype=rt.float64), "b": rt.asarray([2.0, 1.0, 0.5])}
F = rt.value_and_grad(loss)


def by_value() -> optim.Optimizer:
    """A step that depends on the loss and on the function that gives it."""

    def update(
        grads: Any, state: Any, params: Any = None, *, value: Any, value_and_grad: Any
    ) -> Any:
        there, _ = value_and_grad(params)
        size = 0.01 * (1 + there * there) / (1 + value * value)
        return rt.tree.map(lambda g: -(g * size.astype(g.dtype)), grads), state + 1

    return optim.Optimizer(lambda params: rt.asarray(0), update)


def steps(opt: optim.Optimizer, n: int, with_grads: bool = True) -> tuple[Any, Any]:
    """The parameters and the state after `n` steps, by a loop of eager ones."""
    params, state = PARAMS, opt.init(PARAMS)
    for _ in range(n):
        params, state = one_step(opt, params, state, with_grads)
    return params, state


def scanned(opt: optim.Optimizer, n: int, with_grads: bool = True) -> tuple[Any, Any]:
    """The same by a jitted scan."""

    def body(carry: Any, _: None) -> Any:
        return one_step(opt, *carry, with_grads), None

    return rt.jit(lambda p, s: rt.scan(body, (p, s), None, n)[0])(PARAMS, opt.init(PARAMS))


def one_step(opt: optim.Optimizer, params: Any, state: Any, with_grads: bool) -> tuple[Any, Any]:
    value, grads = F(params) if with_grads else (None, None)
    updates, state = opt.update(grads, state, params, value=value, value_and_grad=F)
    return optim.apply_updates(params, updates), state


def close(a: Any, b: Any, rtol: float = 1e-6) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-7), a, b)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_each_in_each_with_named_arguments(outer: str, inner: str) -> None:
    opt = WRAPPERS[outer](WRAPPERS[inner](by_value()))
    params, state = steps(opt, 4)
    again, other_state = scanned(opt, 4)
    close(again, params)
    close(other_state, state)
    assert float(loss(params)) < float(loss(PARAMS))


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("with_grads", [True, False])
def test_lbfgs_inside(name: str, with_grads: bool) -> None:
    opt = WRAPPERS[name](optim.lbfgs(history_size=4))
    params, _ = steps(opt, 5, with_grads)
    again, _ = scanned(opt, 5, with_grads)
    close(again, params, 1e-4)
    # Together the minimum is -3.6; what lbfgs sees of it depends on the mask.
    assert float(loss(params)) < float(loss(PARAMS)) - 5


def test_lbfgs_in_a_mask_is_lbfgs_of_a_part() -> None:
    opt = optim.chain(optim.masked(optim.lbfgs(), "a"), optim.freeze("b"))
    params, _ = steps(opt, 6)
    alone, a = optim.lbfgs(), PARAMS["a"]
    f = rt.value_and_grad(lambda a: loss({"a": a, "b": PARAMS["b"]}))
    state = alone.init(a)
    for _ in range(6):
        updates, state = alone.update(None, state, a, value_and_grad=f)
        a = optim.apply_updates(a, updates)
    np.testing.assert_allclose(params["a"], a, rtol=1e-10)
    assert params["b"].tolist() == PARAMS["b"].tolist()


def test_lbfgs_remembers_where_the_parameters_went_and_not_where_it_sent_them() -> None:
    """Halved steps: the curvature is right all the same."""
    half = optim.Optimizer(lambda params: (), lambda g, state, params, **extra: (g * 0.5, ()))
    halves = optim.chain(optim.lbfgs(), half)
    f = rt.value_and_grad(lambda p: rt.sum(p * p * rt.asarray([1.0, 10.0], dtype=rt.float64)))
    p = rt.asarray([3.0, 1.0], dtype=rt.float64)
    state = halves.init(p)
    for _ in range(12):
        updates, state = halves.update(None, state, p, value_and_grad=f)
        p = optim.apply_updates(p, updates)
    assert float(f(p)[0]) < 1e-3
    s, y = state[0].steps, state[0].changes
    np.testing.assert_allclose(y[-1], s[-1] * np.asarray([2.0, 20.0]), rtol=1e-6)
