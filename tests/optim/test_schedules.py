"""Schedules against PyTorch's and against their formulas; plain and inside jit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules

# Ours, and the formula of a Python integer.
FORMULAS: dict[str, tuple[Callable[[Any], rt.Array], Callable[[int], float]]] = {
    "constant": (schedules.constant(0.3), lambda t: 0.3),
    "exponential": (schedules.exponential(0.1, 0.9), lambda t: 0.1 * 0.9**t),
    "step": (schedules.step(0.1, 0.5, 4), lambda t: 0.1 * 0.5 ** (t // 4)),
    "multistep": (
        schedules.multistep(0.1, 0.5, [3, 8]), lambda t: 0.1 * 0.5 ** ((t >= 3) + (t >= 8)),
    ),
    "polynomial": (
        schedules.polynomial(0.3, 10, 2.0, 0.1), lambda t: 0.1 + 0.2 * (1 - min(t, 10) / 10) ** 2,
    ),
    "linear": (schedules.linear(0.1, 0.4, 10), lambda t: 0.1 + 0.3 * min(t, 10) / 10),
    "inverse_sqrt": (
        schedules.inverse_sqrt(0.5, 4), lambda t: 0.5 * (t / 4 if t < 4 else (4 / t) ** 0.5),
    ),
    "cosine": (
        schedules.cosine(0.2, 10, 0.1), lambda t: 0.15 + 0.05 * np.cos(np.pi * min(t / 10, 1)),
    ),
    "warmup_cosine": (
        schedules.warmup_cosine(1.0, 4, 12, 0.2, 0.1),
        lambda t: 0.2 + 0.2 * t if t < 4 else 0.55 + 0.45 * np.cos(np.pi * min((t - 4) / 8, 1)),
    ),
    "piecewise_constant": (
        schedules.piecewise_constant([3, 8], [1.0, 0.5, 0.2]),
        lambda t: 1.0 if t < 3 else 0.5 if t < 8 else 0.2,
    ),
    "piecewise_interpolate": (
        schedules.piecewise_interpolate({2: 0.1, 6: 0.5, 12: 0.2}),
        lambda t: np.interp(t, [2, 6, 12], [0.1, 0.5, 0.2]),
    ),
    "join": (
        schedules.join([schedules.linear(0.0, 1.0, 4), schedules.exponential(1.0, 0.5)], [4]),
        lambda t: t / 4 if t < 4 else 0.5 ** (t - 4),
    ),
}  # fmt: skip

# Ours, and the class and options in torch.optim.lr_scheduler; the rate at first is 0.1.
LIKE_TORCH: dict[str, tuple[Callable[[Any], rt.Array], str, dict[str, Any]]] = {
    "step": (schedules.step(0.1, 0.5, 4), "StepLR", {"step_size": 4, "gamma": 0.5}),
    "multistep": (
        schedules.multistep(0.1, 0.5, [3, 8]), "MultiStepLR", {"milestones": [3, 8], "gamma": 0.5},
    ),
    "exponential": (schedules.exponential(0.1, 0.9), "ExponentialLR", {"gamma": 0.9}),
    "polynomial": (
        schedules.polynomial(0.1, 20, 3.0), "PolynomialLR", {"total_iters": 20, "power": 3.0},
    ),
    "linear": (
        schedules.linear(0.03, 0.1, 9), "LinearLR", {"start_factor": 0.3, "total_iters": 9},
    ),
    "constant": (
        schedules.piecewise_constant([5], [0.03, 0.1]), "ConstantLR",
        {"factor": 0.3, "total_iters": 5},
    ),
    "cosine": (
        schedules.cosine(0.1, 40, 0.01), "CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01},
    ),
    "restarts": (
        schedules.cosine_restarts(0.1, 6, final=0.01), "CosineAnnealingWarmRestarts",
        {"T_0": 6, "eta_min": 0.01},
    ),
    "longer restarts": (
        schedules.cosine_restarts(0.1, 5, 2), "CosineAnnealingWarmRestarts",
        {"T_0": 5, "T_mult": 2},
    ),
    "restarts by 3": (
        schedules.cosine_restarts(0.1, 3, 3), "CosineAnnealingWarmRestarts",
        {"T_0": 3, "T_mult": 3},
    ),
    "cyclic": (
        schedules.cyclic(0.01, 0.1, 5, 3), "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "step_size_down": 3},
    ),
    "cyclic 2": (
        schedules.cyclic(0.01, 0.1, 5, mode="triangular2"), "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "triangular2"},
    ),
    "cyclic exp": (
        schedules.cyclic(0.01, 0.1, 5, mode="exp_range", gamma=0.9), "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "exp_range", "gamma": 0.9},
    ),
    "one cycle": (
        schedules.one_cycle(0.1, 41), "OneCycleLR", {"max_lr": 0.1, "total_steps": 41},
    ),
    "one cycle linear": (
        schedules.one_cycle(0.1, 41, 0.25, anneal="linear", div_factor=10, final_div_factor=50),
        "OneCycleLR",
        {
            "max_lr": 0.1, "total_steps": 41, "pct_start": 0.25, "anneal_strategy": "linear",
            "div_factor": 10, "final_div_factor": 50,
        },
    ),
    "one cycle of three": (
        schedules.one_cycle(0.1, 41, 0.4, three_phase=True), "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 41, "pct_start": 0.4, "three_phase": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str) -> None:
    schedule, wanted = FORMULAS[name]
    fast = rt.jit(schedule)
    for t in range(15):
        assert schedule(t).dtype == rt.float64
        assert abs(float(schedule(t)) - wanted(t)) < 1e-15
        assert abs(float(fast(rt.asarray(t, dtype=rt.int32))) - wanted(t)) < 1e-15


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LIKE_TORCH)
def test_like_torch(name: str) -> None:
    """Over 200 steps, or as many as PyTorch's has."""
    torch = pytest.importorskip("torch")
    ours, cls, options = LIKE_TORCH[name]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, cls)(optimizer, **options)
    steps = options.get("total_steps", options.get("T_max", 199) + 1)
    wanted = []
    for _ in range(steps):
        wanted.append(optimizer.param_groups[0]["lr"])
        if len(wanted) < steps:
            scheduler.step()
    found = [float(ours(t)) for t in range(steps)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)
    if steps < 200:  # constant from there on, where PyTorch raises or turns
        assert float(ours(steps + 100)) == float(ours(steps - 1))


@pytest.mark.parametrize(
    "name", [*FORMULAS, *(name for name in LIKE_TORCH if name not in FORMULAS)]
)
def test_steps_of_all_kinds(name: str) -> None:
    schedule = (FORMULAS | LIKE_TORCH)[name][0]
    steps = [0, 1, 7, 40, 199]
    wanted = [float(schedule(t)) for t in steps]
    assert np.isfinite(wanted).all()
    kinds: dict[str, Callable[[int], Any]] = {
        "NumPy": lambda t: schedule(np.int64(t)),
        "array": lambda t: schedule(rt.asarray(t)),
        "float": lambda t: schedule(float(t)),
        "traced": rt.jit(schedule),
    }
    for kind, rate in kinds.items():
        found = [rate(t) for t in steps]
        assert {(x.shape, x.dtype) for x in found} == {((), rt.float64)}, kind
        np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-16, err_msg=kind)
    many = rt.vmap(schedule)(rt.asarray(steps))
    np.testing.assert_allclose(many, wanted, rtol=1e-14, atol=1e-16)


# Ours, and the function in optax; its rates are float32.
LIKE_OPTAX: dict[str, tuple[Callable[[Any], rt.Array], Callable[[Any], Any]]] = {
    "constant": (schedules.constant(0.3), lambda o: o.constant_schedule(0.3)),
    "linear": (schedules.linear(0.1, 0.4, 30), lambda o: o.linear_schedule(0.1, 0.4, 30)),
    "polynomial": (
        schedules.polynomial(0.3, 50, 2.0, 0.1), lambda o: o.polynomial_schedule(0.3, 0.1, 2.0, 50),
    ),
    "exponential": (
        schedules.exponential(0.1, 0.9, 10), lambda o: o.exponential_decay(0.1, 10, 0.9),
    ),
    "step": (
        schedules.step(0.1, 0.9, 10), lambda o: o.exponential_decay(0.1, 10, 0.9, staircase=True),
    ),
    "cosine": (
        schedules.cosine(0.2, 60, 0.02), lambda o: o.cosine_decay_schedule(0.2, 60, 0.1),
    ),
    "warmup_cosine": (
        schedules.warmup_cosine(1.0, 20, 120, 0.2, 0.1),
        lambda o: o.warmup_cosine_decay_schedule(0.2, 1.0, 20, 120, 0.1),
    ),
    "restarts": (
        schedules.join(
            [schedules.warmup_cosine(1.0, 5, 50), schedules.warmup_cosine(0.5, 5, 60)], [50]
        ),
        lambda o: o.sgdr_schedule(
            [
                {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 5, "decay_steps": 50},
                {"init_value": 0.0, "peak_value": 0.5, "warmup_steps": 5, "decay_steps": 60},
            ]
        ),
    ),
    "piecewise_constant": (
        schedules.piecewise_constant([30, 80], [1.0, 0.5, 0.1]),
        lambda o: o.piecewise_constant_schedule(1.0, {30: 0.5, 80: 0.2}),
    ),
    "piecewise linear": (
        schedules.piecewise_interpolate({0: 1.0, 30: 0.5, 80: 0.1}),
        lambda o: o.piecewise_interpolate_schedule("linear", 1.0, {30: 0.5, 80: 0.2}),
    ),
    "piecewise cosine": (
        schedules.piecewise_interpolate({0: 1.0, 30: 0.5, 80: 0.1}, "cosine"),
        lambda o: o.piecewise_interpolate_schedule("cosine", 1.0, {30: 0.5, 80: 0.2}),
    ),
    "join": (
        schedules.join([schedules.linear(0.0, 1.0, 40), schedules.cosine(1.0, 60)], [40]),
        lambda o: o.join_schedules(
            [o.linear_schedule(0.0, 1.0, 40), o.cosine_decay_schedule(1.0, 60)], [40]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIKE_OPTAX)
def test_like_optax(name: str) -> None:
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    ours, theirs = LIKE_OPTAX[name]
    steps = np.arange(200)
    wanted = jax.jit(jax.vmap(theirs(optax)))(steps)
    found = rt.vmap(ours)(rt.asarray(steps))
    np.testing.assert_allclose(found, np.broadcast_to(wanted, 200), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"factor": 0.5, "patience": 1},
        {"mode": "max", "patience": 0, "cooldown": 2, "threshold": 0.05},
        {"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.1},
        {"patience": 0, "threshold_mode": "abs", "min_lr": 0.01},
    ],
)
def test_reduce_on_plateau_like_torch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    named = {"min_rate" if key == "min_lr" else key: value for key, value in options.items()}
    ours = schedules.reduce_on_plateau(0.1, **named)
    state, update = ours.init(), rt.jit(ours.update)
    for t in range(60):
        value = float(np.cos(t * 0.3) + 2 - 0.01 * t)
        scheduler.step(value)
        state = update(value, state)
        assert abs(float(state.rate) - optimizer.param_groups[0]["lr"]) < 1e-15


def test_restarts_of_a_long_training_are_exact() -> None:
    rate = rt.jit(schedules.cosine_restarts(1.0, 7, 3))
    start = 0
    for n in range(12):
        assert float(rate(start)) == 1.0
        assert start == 0 or float(rate(start - 1)) < 0.2
        start += 7 * 3**n


def test_a_rate_on_a_plateau_goes_into_an_optimizer() -> None:
    plateau = schedules.reduce_on_plateau(0.5, patience=0)
    opt = optim.inject_hyperparams(optim.sgd)(learning_rate=0.5)
    state, watch = opt.init(rt.ones(1)), plateau.init()
    for loss in (1.0, 1.0):
        watch = plateau.update(loss, watch)
    state = state._replace(hyperparams={"learning_rate": watch.rate})
    updates, _ = opt.update(rt.ones(1), state)
    assert abs(float(updates[0]) + 0.05) < 1e-8


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: schedules.cosine(1.0, 0), "steps: expected more than 0"),
        (lambda: schedules.warmup_cosine(1.0, 5, 5), "warm-up and decay"),
        (lambda: schedules.cosine_restarts(1.0, 5, 0), "factor: expected 1 or more"),
        (lambda: schedules.cyclic(0.1, 1.0, 5, mode="saw"), "mode: expected one of"),
        (lambda: schedules.one_cycle(1.0, 10, 0.05), "no room for the phases"),
        (lambda: schedules.piecewise_constant([3, 3], [1.0, 2.0, 3.0]), "expected rising steps"),
        (lambda: schedules.piecewise_constant([3], [1.0]), "expected 2 values for 1 boundaries"),
        (lambda: schedules.piecewise_interpolate({}), "expected one or more"),
        (lambda: schedules.piecewise_interpolate({0: 1.0}, "cubic"), "kind: expected one of"),
        (lambda: schedules.join([], [3]), "expected 2 values for 1"),
        (lambda: schedules.reduce_on_plateau(1.0, 2.0), "factor: expected less than 1"),
        (lambda: schedules.reduce_on_plateau(1.0, mode="best"), "mode: expected"),
    ],
)
def test_messages(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(errors.ArgumentError, match=text):
        call()
