"""What does not fit the parameters is named; what may be missing or empty works."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim

PARAMS = {"net": {"w": rt.ones((2, 3))}, "b": rt.ones(3)}
STATEFUL = {
    "adam": optim.adam(),
    "prodigy": optim.prodigy(),
    "dog": optim.dog(),
    "lbfgs": optim.lbfgs(line_search_fn=None),
    "sgd": optim.sgd(0.1),
}


@pytest.mark.parametrize("name", STATEFUL)
@pytest.mark.parametrize("shape", [(3, 2), (3,), (5, 2, 3), ()])
def test_gradients_of_another_shape(name: str, shape: tuple[int, ...]) -> None:
    opt = STATEFUL[name]
    grads = {"net": {"w": rt.ones(shape)}, "b": rt.ones(3)}
    with pytest.raises(
        errors.ShapeError, match=rf"\[{name}\] grads at 'net.w': expected shape .2, 3."
    ):
        opt.update(grads, opt.init(PARAMS), PARAMS)


@pytest.mark.parametrize("name", STATEFUL)
def test_gradients_of_another_structure(name: str) -> None:
    opt = STATEFUL[name]
    with pytest.raises(errors.TreeError, match=rf"\[{name}\] grads .*missing key 'b'"):
        opt.update({"net": PARAMS["net"]}, opt.init(PARAMS), PARAMS)


def test_updates_that_do_not_fit() -> None:
    with pytest.raises(errors.ShapeError, match=r"\[apply_updates\] updates at 'b'"):
        optim.apply_updates(PARAMS, {**PARAMS, "b": rt.ones((4, 3))})
    with pytest.raises(errors.TreeError, match=r"\[apply_updates\] updates .* at the root"):
        optim.apply_updates(PARAMS, {"b": rt.ones(3)})


WRAPPERS: dict[str, tuple[Callable[[optim.Optimizer], optim.Optimizer], Any]] = {
    "chain": (lambda opt: optim.chain(opt, opt), ()),
    "groups": (lambda opt: optim.groups({"*": opt}), {}),
    "ema": (optim.ema, None),
    "accumulate": (lambda opt: optim.accumulate(opt, 2), ()),
    "skip_nonfinite": (optim.skip_nonfinite, 3),
    "adam": (lambda opt: opt, optim.SGDState(rt.asarray(0, dtype=rt.int32))),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_the_state_of_another_optimizer(name: str) -> None:
    wrapped, state = WRAPPERS[name]
    with pytest.raises(errors.ArgumentError, match=rf"\[{name}\] state: expected .* as opt.init"):
        wrapped(optim.adam()).update(PARAMS, state, PARAMS)


@pytest.mark.parametrize("rate", ["0.1", None, [0.1]])
def test_rates_that_are_none(rate: Any) -> None:
    with pytest.raises(errors.ArgumentError, match=r"\[adam\] learning_rate: expected a number"):
        optim.adam(rate)


@pytest.mark.parametrize("factors", [(0.5, 0.5), (2.0, 2.0)])
def test_a_loss_scale_that_runs_away(factors: tuple[float, float]) -> None:
    with pytest.raises(errors.ArgumentError, match="growth_factor >= 1"):
        optim.dynamic_loss_scale(1.0, *factors)


@pytest.mark.parametrize(
    "opt",
    [
        optim.accumulate(optim.sgd(1.0), 1),
        optim.chain(optim.sgd(1.0), optim.decay_weights(0.0)),
        optim.chain(optim.decay_weights(0.0), optim.sgd(1.0)),
        optim.chain(optim.adaptive_clip(1e3), optim.sgd(1.0)),
        optim.chain(optim.adaptive_clip(1e3), optim.clip_by_value(1e3)),
    ],
)
def test_a_leaf_without_gradient_stays(opt: optim.Optimizer) -> None:
    updates, _ = opt.update({"net": {"w": rt.ones((2, 3))}, "b": None}, opt.init(PARAMS), PARAMS)
    params = optim.apply_updates(PARAMS, updates)
    assert params["b"].tolist() == [1, 1, 1]
    assert abs(params["net"]["w"][0, 0].item() - 1) == 1


@pytest.mark.parametrize("params", [{}, {"a": None}, (), rt.zeros((0, 3)), {"n": rt.asarray(3)}])
@pytest.mark.parametrize("name", [*STATEFUL, "muon"])
def test_nothing_to_optimize(name: str, params: Any) -> None:
    opt = {**STATEFUL, "muon": optim.muon()}[name]
    updates, _ = opt.update(params, opt.init(params), params)
    assert rt.tree.structure(updates) == rt.tree.structure(params)


def test_a_line_search_over_nothing() -> None:
    opt = optim.lbfgs()
    assert opt.update(None, opt.init({}), {}, value_and_grad=lambda p: (rt.zeros(()), p))[0] == {}


@pytest.mark.parametrize("name", STATEFUL)
def test_the_counter_of_steps_does_not_wrap_around(name: str) -> None:
    opt = STATEFUL[name]
    last = rt.asarray(2**31 - 2, dtype=rt.int32)
    state = opt.init(PARAMS)._replace(step=last)
    for _ in range(3):
        updates, state = opt.update(PARAMS, state, PARAMS)
        assert bool(optim.all_finite(updates))
    assert state.step.item() == 2**31 - 1
    assert state.step.dtype == rt.int32


def test_injected_numbers_of_any_kind_stay_float64() -> None:
    opt = optim.inject_hyperparams(optim.schedule_free_adamw)(learning_rate=0.5, b1=0.9)
    state = opt.init(rt.ones(1))
    for rate in (0.25, np.float32(0.25), 1, rt.asarray(0.25)):
        state.hyperparams["learning_rate"] = rate
        _, state = opt.update(rt.ones(1), state, rt.ones(1))
        assert state.hyperparams["learning_rate"].dtype == rt.float64


@pytest.mark.parametrize("jitted", [False, True])
def test_mixed_precision_that_overflows_on_purpose(jitted: bool, rng: np.random.Generator) -> None:
    """Steps that overflow change nothing but the scale, which comes down, and then grows."""
    x = rt.asarray(rng.normal(size=(32, 4)), dtype=rt.float32)
    y = x @ rt.asarray(rng.normal(size=(4, 2)), dtype=rt.float32)
    model = rt.nn.serial(rt.nn.Linear(8), rt.nn.tanh, rt.nn.Linear(2))
    layer = rt.nn.Policy(compute_dtype=rt.float16).wrap(model)
    params, layer_state = layer.init(rt.random.key(0), rt.spec((32, 4)))
    scaling = optim.dynamic_loss_scale(2.0**24, growth_interval=20)
    opt = optim.skip_nonfinite(optim.adam(1e-2))

    def step(params: Any, state: Any, scale_state: Any) -> Any:
        def loss(params: Any) -> Any:
            value = rt.mean((layer.apply(params, layer_state, x)[0] - y) ** 2)
            return scaling.scale(value, scale_state), value

        grads, value = rt.grad(loss, has_aux=True)(params)
        grads = scaling.unscale(grads, scale_state)
        updates, state = opt.update(grads, state, params)
        return (optim.apply_updates(params, updates), state, scaling.adjust(grads, scale_state),
                value)  # fmt: skip

    run: Callable[..., Any] = rt.jit(step, donate_argnums=(0, 1, 2)) if jitted else step
    carry, losses, scales = (params, opt.init(params), scaling.init()), [], [2.0**24]
    for _ in range(200):
        before = [np.array(p) for p in rt.tree.leaves(carry[0])]
        skipped, made = carry[1].total.item(), carry[1].inner.step.item()
        *new, value = run(*carry)
        carry = tuple(new)
        if carry[1].total.item() > skipped:
            assert carry[2].scale.item() == scales[-1] / 2
            assert carry[1].inner.step.item() == made
            for a, b in zip(before, rt.tree.leaves(carry[0])):
                np.testing.assert_array_equal(a, b)
        losses.append(value.item())
        scales.append(carry[2].scale.item())
    assert carry[1].total.item() > 2
    assert carry[1].total.item() + carry[1].inner.step.item() == 200
    assert scales[-1] > min(scales)
    assert losses[-1] < 0.1 * losses[0]
    assert all(p.dtype == rt.float32 for p in rt.tree.leaves(carry[0]))
