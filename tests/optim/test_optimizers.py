"""Optimizers against PyTorch, and the contract that all of them keep."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optimizer_cases import ALL, WRAPPED

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules


def test_clipping_like_torch(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    for scale in (0.01, 10.0):
        grads = [scale * rng.normal(size=(3, 2)), scale * rng.normal(size=4)]
        theirs = [torch.zeros(g.shape, dtype=torch.float64) for g in grads]
        for t, g in zip(theirs, grads, strict=True):
            t.grad = torch.tensor(g)
        norm = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
        ours = rt.tree.map(rt.asarray, grads)
        clipped, _ = optim.clip_by_global_norm(1.0).update(ours, ())
        np.testing.assert_allclose(optim.global_norm(ours), norm, rtol=1e-12)
        for t, g in zip(theirs, clipped, strict=True):
            np.testing.assert_allclose(g, t.grad, rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.bfloat16])
def test_structure_shapes_and_dtypes_stay(name: str, dtype: Any) -> None:
    opt = ALL[name]
    params = {"w": rt.ones((2, 3), dtype=dtype), "more": [rt.ones((), dtype=dtype), None]}
    state = opt.init(params)
    step = rt.jit(lambda g, s, p: opt.update(g, s, p))
    for _ in range(3):
        updates, new = step(rt.tree.map(rt.ones_like, params), state, params)
        assert rt.eval_shape(lambda s: s, new) == rt.eval_shape(lambda s: s, state)
        assert rt.eval_shape(lambda u: u, updates) == rt.eval_shape(lambda p: p, params)
        params, state = optim.apply_updates(params, updates), new
    assert step.cache_info().misses == 1


@pytest.mark.parametrize("name", ALL)
def test_jitted_with_donation_like_eager(name: str, rng: np.random.Generator) -> None:
    opt = ALL[name]

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = opt.update(grads, state, params)
        return optim.apply_updates(params, updates), state

    fast = rt.jit(step, donate_argnums=(0, 1))
    one = {"w": rt.asarray(rng.normal(size=(3, 2)))}
    other = rt.tree.map(lambda p: p + 0, one)
    one_state, other_state = opt.init(one), opt.init(other)
    for _ in range(4):
        grads = {"w": rt.asarray(rng.normal(size=(3, 2)))}
        one, one_state = step(one, one_state, grads)
        other, other_state = fast(other, other_state, grads)
    np.testing.assert_allclose(one["w"], other["w"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_many_models_at_once(name: str) -> None:
    opt = ALL[name]

    def two_steps(params: Any, grads: Any) -> Any:
        state = opt.init(params)
        for g in (grads, rt.cos(grads)):
            updates, state = opt.update(g, state, params)
            params = optim.apply_updates(params, updates)
        return params

    params = rt.asarray(np.sin(np.arange(18.0)).reshape(3, 2, 3))
    grads = rt.asarray(np.cos(np.arange(18.0)).reshape(3, 2, 3))
    together = rt.vmap(two_steps)(params, grads)
    alone = rt.stack([two_steps(p, g) for p, g in zip(params, grads, strict=True)])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in ALL if name != "rprop"])
def test_complex_parameters_keep_their_dtype(name: str) -> None:
    opt = ALL[name]
    params = rt.asarray([1 + 2j, 3 - 1j], dtype=rt.complex64)
    first = state = opt.init(params)
    for _ in range(2):
        updates, state = opt.update(params * 1j, state, params)
    assert updates.dtype == rt.complex64
    assert bool(rt.all(rt.isfinite(updates)))
    assert rt.eval_shape(lambda s: s, first) == rt.eval_shape(lambda s: s, state)


@pytest.mark.parametrize("name", ALL)
def test_leaves_that_are_not_floating_stay(name: str) -> None:
    opt = ALL[name]
    params = {"w": rt.ones(2), "seen": rt.asarray(7), "mask": rt.asarray([True])}
    grads = rt.grad(lambda p: rt.sum(p["w"] ** 2))(params)
    updates, state = opt.update(grads, opt.init(params), params)
    moved = optim.apply_updates(params, updates)
    assert moved["seen"] is params["seen"]
    assert moved["mask"] is params["mask"]
    opt.update(grads, state, moved)


@pytest.mark.parametrize("name", ALL)
def test_goes_down_a_parabola(name: str) -> None:
    opt = ALL[name]
    params = rt.asarray([3.0, -2.0])
    state = opt.init(params)
    step = rt.jit(opt.update)
    for _ in range(150):
        updates, state = step(2 * (params - 1), state, params)
        params = optim.apply_updates(params, updates)
    left = float(rt.max(rt.abs(params - 1)))
    slow = {"centralize": 0.5, "lion": 0.5, "schedule_free_adamw": 0.5, "lars": 0.6, "radam": 0.7}
    exact = not any(word in name for word in ("decay", "nesterov", "options"))
    assert left < slow.get(name, 0.2 if exact else 0.6)


ROSENBROCK = {
    "sgd": optim.sgd(1e-3),
    "nesterov": optim.sgd(1e-3, 0.9, nesterov=True),
    "adam": optim.adam(0.05),
    "amsgrad": optim.adam(0.05, amsgrad=True),
    "adamw": optim.adamw(0.05),
    "nadam": optim.nadam(0.05),
    "radam": optim.radam(2e-3, b2=0.9),
    "adamax": optim.adamax(0.05),
    "adan": optim.adan(0.02),
    "lion": optim.lion(0.005),
    "adagrad": optim.adagrad(0.3),
    "adadelta": optim.adadelta(20.0),
    "rmsprop": optim.rmsprop(0.005),
    "rprop": optim.rprop(0.01),
    "asgd": optim.asgd(1e-3),
    "adafactor": optim.adafactor(0.05),
    "lamb": optim.lamb(0.02),
    "lars": optim.lars(1.0),
    "schedule_free_sgd": optim.schedule_free_sgd(2e-3),
    "schedule_free_adamw": optim.schedule_free_adamw(0.05),
}


@pytest.mark.parametrize("name", ROSENBROCK)
def test_goes_down_the_valley_of_rosenbrock(name: str) -> None:
    def loss(p: rt.Array) -> rt.Array:
        return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2

    opt = ROSENBROCK[name]

    def step(params: Any, state: Any) -> Any:
        updates, state = opt.update(rt.grad(loss)(params), state, params)
        return optim.apply_updates(params, updates), state

    fast = rt.jit(step)
    params = rt.asarray([-1.2, 1.0])
    state = opt.init(params)
    for _ in range(200):
        params, state = fast(params, state)
    assert float(loss(params)) < 4.5  # 24.2 at first, about 4 at the bottom of the valley


@pytest.mark.parametrize("name", [name for name in ALL if name not in WRAPPED])
def test_leaves_without_gradient_stay(name: str) -> None:
    opt = ALL[name]
    params = {"w": rt.ones(2), "b": rt.ones((2, 3)), "none": None}
    grads = {"w": None, "b": rt.ones((2, 3)), "none": None}
    updates, _ = opt.update(grads, opt.init(params), params)
    assert updates["w"].tolist() == [0.0, 0.0]
    assert float(rt.max(rt.abs(updates["b"]))) > 0


RATES: dict[str, Callable[[Any], optim.Optimizer]] = {
    "sgd": optim.sgd, "adam": optim.adam, "adamw": optim.adamw, "nadam": optim.nadam,
    "radam": optim.radam, "adamax": optim.adamax, "adan": optim.adan, "lion": optim.lion,
    "adagrad": optim.adagrad, "adadelta": optim.adadelta, "rmsprop": optim.rmsprop,
    "rprop": optim.rprop, "asgd": optim.asgd, "adafactor": optim.adafactor, "lamb": optim.lamb,
    "lars": optim.lars, "muon": optim.muon, "schedule_free_sgd": optim.schedule_free_sgd,
    "schedule_free_adamw": optim.schedule_free_adamw,
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_a_constant_schedule_is_a_number_is_an_injected_number(name: str) -> None:
    kinds = [
        RATES[name](0.01),
        RATES[name](schedules.constant(0.01)),
        optim.inject_hyperparams(RATES[name])(0.01),
    ]
    params = rt.asarray(np.cos(np.arange(6.0)).reshape(2, 3))
    moved = []
    for opt in kinds:
        p, state = params, opt.init(params)
        step = rt.jit(opt.update)
        for t in range(3):
            updates, state = step(rt.sin(params + t), state, p)
            p = optim.apply_updates(p, updates)
        moved.append(p)
    np.testing.assert_allclose(moved[1], moved[0], rtol=1e-13)
    np.testing.assert_allclose(moved[2], moved[0], rtol=1e-13)


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16])
def test_half_precision_is_computed_in_float32(name: str, dtype: Any) -> None:
    opt = RATES[name](0.01)
    params = rt.asarray([[0.5, -1.0], [1.5, 2.0]])
    grads = rt.asarray([[0.25, -0.5], [1.0, -0.125]])
    half = params.astype(dtype)
    wanted, _ = opt.update(grads, opt.init(params), params)
    updates, _ = opt.update(grads.astype(dtype), opt.init(half), half)
    assert updates.dtype == dtype
    np.testing.assert_allclose(
        np.asarray(updates, np.float32), np.asarray(wanted), rtol=1e-2, atol=1e-6
    )


def test_python_numbers_are_parameters() -> None:
    opt = optim.adamw(0.1)
    params = {"w": 1.0, "n": 3}
    updates, _ = opt.update({"w": rt.asarray(1.0), "n": 0}, opt.init(params), params)
    moved = optim.apply_updates(params, updates)
    assert moved["n"] == 3
    assert abs(float(moved["w"]) - 0.899) < 1e-6


def test_clipping_of_half_precision_does_not_overflow() -> None:
    grads = rt.full((4,), 60000.0, dtype=rt.float16)
    clipped, _ = optim.clip_by_global_norm(2.0).update(grads, ())
    assert clipped.dtype == rt.float16
    np.testing.assert_allclose(np.asarray(clipped, np.float32), 1.0, rtol=1e-3)


def test_the_first_update_is_at_step_0() -> None:
    seen = []

    def schedule(step: Any) -> float:
        seen.append(int(step))
        return 0.5

    opt = optim.sgd(schedule)
    updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)))
    opt.update(rt.ones(1), state)
    assert seen == [0, 1]
    assert updates.tolist() == [-0.5]


ONE = rt.ones(2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.sgd(-1.0), errors.ArgumentError, r"\[sgd\] learning_rate: .* got -1.0"),
        (lambda: optim.sgd(1.0, nesterov=True), errors.ArgumentError, "nesterov needs momentum"),
        (lambda: optim.adam(b2=1.0), errors.ArgumentError, r"\[adam\] b2: expected 0 <= b2 < 1"),
        (
            lambda: optim.adamw().update(ONE, optim.adamw().init(ONE)),
            errors.ArgumentError, r"\[adamw with weight_decay\] update needs the parameters",
        ),
        (lambda: optim.chain(optim.sgd), errors.ArgumentError, "argument 0: expected an Optim"),
        (
            lambda: optim.apply_updates({"w": ONE}, {"b": ONE}), errors.TreeError,
            "missing key 'w', extra key 'b'",
        ),
        (
            lambda: optim.sgd(1.0).update({"b": ONE}, optim.sgd(1.0).init({"w": ONE}), {"w": ONE}),
            errors.TreeError, "missing key 'w', extra key 'b'",
        ),
        (lambda: schedules.cosine(1.0, 0), errors.ArgumentError, "steps: expected more than 0"),
        (lambda: schedules.warmup_cosine(1.0, 5, 5), errors.ArgumentError, "warm-up and decay"),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
