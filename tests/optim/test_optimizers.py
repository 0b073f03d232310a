"""Optimizers against PyTorch, and the contract that all of them keep."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules

# Ours, and the class and options in torch.optim.
LIKE_TORCH: dict[str, tuple[optim.Optimizer, str, dict[str, Any]]] = {
    "sgd": (optim.sgd(0.1), "SGD", {"lr": 0.1}),
    "sgd decay": (optim.sgd(0.1, weight_decay=0.2), "SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "momentum": (optim.sgd(0.1, 0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    "dampening": (
        optim.sgd(0.1, 0.9, dampening=0.3), "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    ),
    "nesterov": (
        optim.sgd(0.1, 0.9, nesterov=True, weight_decay=0.1), "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "adam": (optim.adam(0.05), "Adam", {"lr": 0.05}),
    "adam options": (
        optim.adam(0.05, 0.8, 0.95, 1e-4, 0.1), "Adam",
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1},
    ),
    "adamw": (optim.adamw(0.05), "AdamW", {"lr": 0.05}),
    "adamw decay": (
        optim.adamw(0.05, weight_decay=0.3), "AdamW", {"lr": 0.05, "weight_decay": 0.3},
    ),
    "amsgrad": (
        optim.adam(0.05, 0.8, 0.7, amsgrad=True), "Adam",
        {"lr": 0.05, "betas": (0.8, 0.7), "amsgrad": True},
    ),
    "amsgrad w": (optim.adamw(0.05, amsgrad=True), "AdamW", {"lr": 0.05, "amsgrad": True}),
    "nadam": (optim.nadam(0.05), "NAdam", {"lr": 0.05}),
    "nadam decay": (
        optim.nadam(0.05, weight_decay=0.1), "NAdam", {"lr": 0.05, "weight_decay": 0.1},
    ),
    "nadamw decay": (
        optim.nadam(0.05, weight_decay=0.1, decoupled_weight_decay=True), "NAdam",
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    "radam": (optim.radam(0.05), "RAdam", {"lr": 0.05}),
    "radam decay": (
        optim.radam(0.05, 0.8, 0.9, weight_decay=0.1, decoupled_weight_decay=True), "RAdam",
        {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    "adamax": (optim.adamax(0.05), "Adamax", {"lr": 0.05}),
    "adamax decay": (
        optim.adamax(0.05, 0.8, 0.9, weight_decay=0.1), "Adamax",
        {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1},
    ),
    "adagrad": (optim.adagrad(0.5), "Adagrad", {"lr": 0.5}),
    "adagrad decay": (
        optim.adagrad(0.5, 0.01, 0.1, 0.2), "Adagrad",
        {"lr": 0.5, "lr_decay": 0.01, "weight_decay": 0.1, "initial_accumulator_value": 0.2},
    ),
    "adadelta": (optim.adadelta(20.0), "Adadelta", {"lr": 20.0}),
    "adadelta decay": (
        optim.adadelta(20.0, 0.8, 1e-5, 0.1), "Adadelta",
        {"lr": 20.0, "rho": 0.8, "eps": 1e-5, "weight_decay": 0.1},
    ),
    "rmsprop": (optim.rmsprop(0.03), "RMSprop", {"lr": 0.03}),
    "rmsprop decay": (
        optim.rmsprop(0.03, 0.9, 1e-6, 0.1, 0.5), "RMSprop",
        {"lr": 0.03, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.5},
    ),
    "rmsprop centered": (
        optim.rmsprop(0.01, momentum=0.5, centered=True), "RMSprop",
        {"lr": 0.01, "centered": True, "momentum": 0.5},
    ),
    "rprop": (optim.rprop(0.05), "Rprop", {"lr": 0.05}),
    "asgd": (optim.asgd(0.1), "ASGD", {"lr": 0.1}),
    "asgd decay": (
        optim.asgd(0.1, 0.1, 0.6, 5, 0.1), "ASGD",
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.6, "t0": 5, "weight_decay": 0.1},
    ),
    "adafactor": (optim.adafactor(0.2), "Adafactor", {"lr": 0.2}),
    "adafactor decay": (
        optim.adafactor(0.2, -0.5, (1e-4, 1e-2), 0.7, 0.1), "Adafactor",
        {"lr": 0.2, "beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 0.7, "weight_decay": 0.1},
    ),
}  # fmt: skip

# Ours, and the function and options in optax.
LIKE_OPTAX: dict[str, tuple[optim.Optimizer, str, dict[str, Any]]] = {
    "lion": (optim.lion(0.05), "lion", {"learning_rate": 0.05}),
    "lamb": (
        optim.lamb(0.05, weight_decay=0.1), "lamb", {"learning_rate": 0.05, "weight_decay": 0.1},
    ),
    "lars": (optim.lars(20.0), "lars", {"learning_rate": 20.0}),
    "lars decay": (
        optim.lars(20.0, 0.8, 0.1, trust_coefficient=0.01, eps=0.1, nesterov=True), "lars",
        {
            "learning_rate": 20.0, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True,
            "trust_coefficient": 0.01, "eps": 0.1,
        },
    ),
    "adan": (optim.adan(0.05), "adan", {"learning_rate": 0.05, "eps_root": 0.0}),
    "schedule_free_sgd": (
        optim.schedule_free_sgd(0.1, weight_decay=0.1), "contrib.schedule_free_sgd",
        {"learning_rate": 0.1, "weight_decay": 0.1},
    ),
    "schedule_free_adamw": (
        optim.schedule_free_adamw(0.1), "contrib.schedule_free_adamw", {"learning_rate": 0.1},
    ),
}  # fmt: skip

ALL = {
    **{name: optimizer for name, (optimizer, _, _) in LIKE_TORCH.items()},
    **{name: optimizer for name, (optimizer, _, _) in LIKE_OPTAX.items()},
    "scheduled": optim.adamw(schedules.warmup_cosine(0.1, 5, 150)),
    "b1=0": optim.adam(0.05, b1=0.0),
    "chain": optim.chain(optim.clip_by_global_norm(0.5), optim.sgd(0.1, 0.9)),
}


@pytest.mark.parametrize("name", LIKE_TORCH)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twenty_steps_like_torch(name: str, dtype: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    ours, cls, options = LIKE_TORCH[name]
    start = {"a": rng.normal(size=(3, 2)).astype(dtype), "b": rng.normal(size=4).astype(dtype)}
    theirs = {key: torch.tensor(x, requires_grad=True) for key, x in start.items()}
    torch_optimizer = getattr(torch.optim, cls)(theirs.values(), **options)
    params = rt.tree.map(rt.asarray, start)
    state = ours.init(params)
    for _ in range(20):
        grads = {key: rng.normal(size=x.shape).astype(dtype) for key, x in start.items()}
        for key, t in theirs.items():
            t.grad = torch.tensor(grads[key])
        torch_optimizer.step()
        updates, state = ours.update(rt.tree.map(rt.asarray, grads), state, params)
        params = optim.apply_updates(params, updates)
    tolerance = {"float32": 2e-6, "float64": 1e-12}[dtype]
    for key, t in theirs.items():
        np.testing.assert_allclose(params[key], t.detach(), rtol=tolerance, atol=tolerance)


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
def test_finds_the_minimum_of_a_parabola(name: str) -> None:
    opt = ALL[name]
    loss = rt.jit(rt.grad(lambda p: rt.sum((p - 1) ** 2)))
    params = rt.asarray([3.0, -2.0])
    state = opt.init(params)
    for _ in range(150):
        updates, state = opt.update(loss(params), state, params)
        params = optim.apply_updates(params, updates)
    decays = "decay" in name or name in ("nesterov", "adam options")  # pulled towards 0
    assert float(rt.max(rt.abs(params - 1))) < (0.35 if decays else 0.1)


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


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (schedules.constant(0.3), lambda t: 0.3),
        (schedules.exponential(0.1, 0.9), lambda t: 0.1 * 0.9**t),
        (schedules.step(0.1, 0.5, 4), lambda t: 0.1 * 0.5 ** (t // 4)),
        (schedules.cosine(0.2, 10, 0.1), lambda t: 0.15 + 0.05 * np.cos(np.pi * min(t / 10, 1))),
        (
            schedules.warmup_cosine(1.0, 4, 12, 0.2, 0.1),
            lambda t: 0.2 + 0.2 * t if t < 4 else 0.55 + 0.45 * np.cos(np.pi * min((t - 4) / 8, 1)),
        ),
    ],
    ids=["constant", "exponential", "step", "cosine", "warmup_cosine"],
)
def test_schedules(schedule: Callable[[Any], rt.Array], wanted: Callable[[int], float]) -> None:
    fast = rt.jit(schedule)
    for t in range(15):
        assert abs(float(schedule(t)) - wanted(t)) < 1e-15
        assert abs(float(fast(rt.asarray(t, dtype=rt.int32))) - wanted(t)) < 1e-15


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
