"""Loss scaling, against PyTorch's rule and in a training in float16."""

from typing import Any

import pytest

import rtorch as rt
from rtorch import errors, nn, optim


def test_the_scale_goes_as_torchs() -> None:
    torch = pytest.importorskip("torch")
    found = [True] * 3 + [False] + [True] * 5 + [False, False] + [True] * 2
    scale, tracker = torch.tensor(8.0), torch.tensor(0, dtype=torch.int32)
    ours = optim.dynamic_loss_scale(8.0, 4.0, 0.5, 2)
    state, adjust = ours.init(), rt.jit(ours.adjust)
    for fine in found:
        torch._amp_update_scale_(scale, tracker, torch.tensor(0.0 if fine else 1.0), 4.0, 0.5, 2)
        state = adjust(rt.asarray([1.0 if fine else float("inf")]), state)
        assert float(state.scale) == float(scale)
        assert int(state.good) == int(tracker)


def test_gradients_survive_that_would_be_0_in_float16() -> None:
    def grads(scaling: optim.LossScale) -> Any:
        state = scaling.init()

        def loss(x: rt.Array) -> rt.Array:
            return scaling.scale(rt.sum(x.astype(rt.float32)) * 1e-8, state)

        return scaling.unscale(rt.grad(loss)(rt.ones(2, dtype=rt.float16)), state)

    assert grads(optim.static_loss_scale(1.0)).tolist() == [0.0, 0.0]
    kept = grads(optim.static_loss_scale(2.0**16))
    assert kept.dtype == rt.float32
    assert abs(float(kept[0]) - 1e-8) < 1e-11


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16])
def test_a_jitted_training_in_half_precision(dtype: Any) -> None:
    policy = nn.Policy(rt.float32, dtype, rt.float32)
    model = policy.wrap(nn.serial(nn.Linear(16), nn.tanh, nn.Linear(1)))
    x = rt.random.normal(rt.random.key(1), (32, 3))
    y = rt.sum(x, axis=1, keepdims=True)
    params, state = model.init(rt.random.key(0), x)
    scaling = optim.dynamic_loss_scale(2.0**30)  # overflows in float16 at first
    opt = optim.skip_nonfinite(optim.adam(0.02))

    def step(params: Any, opt_state: Any, scale: Any) -> Any:
        def loss(p: Any) -> Any:
            out, _ = model.apply(p, state, x)
            value = nn.mse_loss(out, y)
            return scaling.scale(value, scale), value

        grads, value = rt.grad(loss, has_aux=True)(params)
        grads = scaling.unscale(grads, scale)
        updates, opt_state = opt.update(grads, opt_state, params)
        params = optim.apply_updates(params, updates)
        return params, opt_state, scaling.adjust(grads, scale), value

    fast = rt.jit(step, donate_argnums=(0, 1, 2))
    opt_state, scale, losses = opt.init(params), scaling.init(), []
    for _ in range(150):
        params, opt_state, scale, value = fast(params, opt_state, scale)
        losses.append(float(value))
    assert losses[-1] < 0.1 * losses[0]
    assert fast.cache_info().misses == 1
    skipped = int(opt_state.total)
    assert (skipped > 5) if dtype == rt.float16 else (skipped == 0)
    assert float(scale.scale) == 2.0 ** (30 - skipped)


def test_the_scale_does_not_become_infinite() -> None:
    scaling = optim.dynamic_loss_scale(2.0**127, growth_interval=1)
    state = scaling.adjust(rt.ones(1), scaling.init())
    assert float(state.scale) == 2.0**127


def test_messages() -> None:
    with pytest.raises(errors.ArgumentError, match="scale: expected more than 0"):
        optim.static_loss_scale(0.0)
