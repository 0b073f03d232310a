"""Every optimizer with some options, beside PyTorch's, Optax's, or the formula of a paper."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import rtorch as rt
from rtorch import optim
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
        optim.adafactor(0.2, -0.5, (1e-4, 1e-2), 1.5, 0.1), "Adafactor",
        {"lr": 0.2, "beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 1.5, "weight_decay": 0.1},
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
    "schedule_free_sgd": (
        optim.schedule_free_sgd(0.1, weight_decay=0.1), "contrib.schedule_free_sgd",
        {"learning_rate": 0.1, "weight_decay": 0.1},
    ),
    "schedule_free_adamw": (
        optim.schedule_free_adamw(0.1), "contrib.schedule_free_adamw", {"learning_rate": 0.1},
    ),
    "yogi": (optim.yogi(0.05), "yogi", {"learning_rate": 0.05}),
    "adabelief": (optim.adabelief(0.05), "adabelief", {"learning_rate": 0.05}),
    "novograd": (optim.novograd(0.05), "novograd", {"learning_rate": 0.05}),
    "novograd decay": (
        optim.novograd(0.05, 0.8, 0.5, weight_decay=0.1), "novograd",
        {"learning_rate": 0.05, "b1": 0.8, "b2": 0.5, "weight_decay": 0.1},
    ),
    "ademamix": (optim.ademamix(0.05), "contrib.ademamix", {"learning_rate": 0.05}),
    "ademamix decay": (
        optim.ademamix(0.05, b3=0.9, alpha=2.0, weight_decay=0.1), "contrib.ademamix",
        {"learning_rate": 0.05, "b3": 0.9, "alpha": 2.0, "weight_decay": 0.1},
    ),
    "dog": (optim.dog(initial=0.1), "contrib.dog", {"init_step": ("heuristic", 0.1)}),
    "dog decay": (
        optim.dog(0.5, 0.1, weight_decay=0.1), "contrib.dog",
        {"learning_rate": 0.5, "init_step": ("heuristic", 0.1), "weight_decay": 0.1},
    ),
    "dowg": (optim.dowg(), "contrib.dowg", {}),
    "dowg decay": (
        optim.dowg(0.5, 0.5, weight_decay=0.1), "contrib.dowg",
        {"learning_rate": 0.5, "init_estim_sq_dist": 0.25, "weight_decay": 0.1},
    ),
    "prodigy": (optim.prodigy(initial=1e-2), "contrib.prodigy", {"estim_lr0": 1e-2}),
    "prodigy decay": (
        optim.prodigy(initial=1e-3, growth=2.0, weight_decay=0.1, safeguard_warmup=True),
        "contrib.prodigy",
        {
            "estim_lr0": 1e-3, "estim_lr_coef": 2.0, "weight_decay": 0.1, "safeguard_warmup": True,
        },
    ),
}  # fmt: skip

# Optimizers with PyTorch's semantics, with the options that make Optax's the same.
ALSO_OPTAX: dict[str, tuple[optim.Optimizer, str, dict[str, Any]]] = {
    "sgd": (optim.sgd(0.1), "sgd", {"learning_rate": 0.1}),
    "momentum": (optim.sgd(0.1, 0.9), "sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    "nesterov": (
        optim.sgd(0.1, 0.9, nesterov=True), "sgd",
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "adam": (
        optim.adam(0.05, 0.8, 0.95, 1e-4), "adam",
        {"learning_rate": 0.05, "b1": 0.8, "b2": 0.95, "eps": 1e-4},
    ),
    "adamw": (
        optim.adamw(0.05, weight_decay=0.1), "adamw",
        {"learning_rate": 0.05, "weight_decay": 0.1},
    ),
    "radam": (optim.radam(0.05), "radam", {"learning_rate": 0.05}),
    "adamax": (optim.adamax(0.05), "adamax", {"learning_rate": 0.05}),
    "adamaxw": (
        optim.chain(optim.adamax(0.05), optim.decay_weights(0.1, 0.05)), "adamaxw",
        {"learning_rate": 0.05, "weight_decay": 0.1},
    ),
    "adagrad": (
        optim.adagrad(0.5, initial_accumulator_value=0.1, eps=0.0), "adagrad",
        {"learning_rate": 0.5, "eps": 0.0},
    ),
    "adadelta": (optim.adadelta(20.0), "adadelta", {"learning_rate": 20.0}),
    "rmsprop": (
        optim.rmsprop(0.03, 0.9, momentum=0.5), "rmsprop",
        {"learning_rate": 0.03, "eps_in_sqrt": False, "momentum": 0.5},
    ),
    "rmsprop centered": (
        optim.rmsprop(0.03, 0.9, centered=True), "rmsprop",
        {"learning_rate": 0.03, "eps_in_sqrt": False, "centered": True},
    ),
    "adafactor": (
        optim.adafactor(0.05), "adafactor", {"learning_rate": 0.05, "min_dim_size_to_factor": 1},
    ),
    # Optax takes rows for inputs, and gives what is not a matrix to Adam.
    "muon": (
        optim.groups(
            {"a": optim.muon(0.1 / math.sqrt(1.5), 0.0, nesterov=False), "*": optim.adam(0.1)}
        ),
        "contrib.muon", {"learning_rate": 0.1, "nesterov": False},
    ),
}  # fmt: skip

# Optax counts steps or adds `eps` in float32 or elsewhere than PyTorch.
LOOSE = {"radam": 1e-8, "adafactor": 1e-8, "muon": 1e-6}


def adan_by_formula(p: Any, grads: list[Any]) -> Any:
    """Algorithm 1 of Xie et al. 2022 with bias correction; the betas are 1 minus theirs."""
    rate, b1, b2, b3, decay = 0.05, 0.98, 0.92, 0.99, 0.1
    m = d = v = last = 0.0 * p
    for t, g in enumerate(grads, 1):
        diff = g - last if t > 1 else 0.0 * g
        m, d = b1 * m + (1 - b1) * g, b2 * d + (1 - b2) * diff
        v, last = b3 * v + (1 - b3) * (g + b2 * diff) ** 2, g
        top = m / (1 - b1**t) + b2 * d / (1 - b2**t)
        p = (p - rate * top / (np.sqrt(v / (1 - b3**t)) + 1e-8)) / (1 + rate * decay)
    return p


def muon_by_formula(p: Any, grads: list[Any]) -> Any:
    """As PyTorch's, but in float64 where that rounds to bfloat16."""
    m = 0.0 * p
    for g in grads:
        m = 0.95 * m + 0.05 * g
        x = 0.05 * g + 0.95 * m
        x = x / np.linalg.norm(x)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
        p = p * (1 - 0.1 * 0.1) - 0.1 * np.sqrt(max(1, p.shape[0] / p.shape[1])) * x
    return p


# Ours, and a function of the first parameters of a leaf and all of its gradients.
LIKE_PAPER: dict[str, tuple[optim.Optimizer, Callable[[Any, list[Any]], Any]]] = {
    "adan": (optim.adan(0.05, weight_decay=0.1), adan_by_formula),
    "muon": (optim.groups({"a": optim.muon(0.1), "*": None}), muon_by_formula),
}

OURS: dict[str, optim.Optimizer] = {
    **{name: case[0] for name, case in LIKE_TORCH.items()},
    **{name: case[0] for name, case in LIKE_OPTAX.items()},
    **{name: case[0] for name, case in LIKE_PAPER.items()},
}

# What must keep the contract, too.
WRAPPED: dict[str, optim.Optimizer] = {
    "scheduled": optim.adamw(schedules.warmup_cosine(0.1, 5, 150)),
    "b1=0": optim.adam(0.05, b1=0.0),
    "chain": optim.chain(optim.clip_by_global_norm(0.5), optim.sgd(0.1, 0.9)),
    "clip_by_value": optim.chain(optim.clip_by_value(0.5), optim.sgd(0.1)),
    "clip_by_norm": optim.chain(optim.clip_by_norm(0.5), optim.sgd(0.1)),
    "adaptive_clip": optim.chain(optim.adaptive_clip(0.5), optim.sgd(0.1)),
    "centralize": optim.chain(optim.centralize(), optim.sgd(0.1)),
    "masked": optim.masked(optim.adam(0.05), lambda params: True),
    "groups": optim.groups({"*bias": optim.sgd(0.1), "*": optim.adam(0.05)}),
    "decay_weights": optim.chain(optim.adam(0.05), optim.decay_weights(0.01, 0.05)),
    "accumulate": optim.accumulate(optim.sgd(0.3), 3),
    "ema": optim.ema(optim.sgd(0.1)),
    "swa": optim.swa(optim.sgd(0.1)),
    "lookahead": optim.lookahead(optim.adam(0.1)),
    "add_noise": optim.chain(optim.add_noise(rt.random.key(0), 1e-4), optim.sgd(0.1)),
    "freeze": optim.chain(optim.adam(0.05), optim.freeze("frozen*")),
    "project": optim.chain(optim.sgd(0.1), optim.project(optim.projections.linf_ball)),
    "skip_nonfinite": optim.skip_nonfinite(optim.sgd(0.1)),
    "inject_hyperparams": optim.inject_hyperparams(optim.adamw)(
        0.05, weight_decay=schedules.constant(0.01)
    ),
}

# Without a line search, which would need the loss.
LBFGS = {"lbfgs": optim.lbfgs(0.2, 5, line_search_fn=None)}

ALL = {name: optimizer for name, optimizer in OURS.items() if name != "muon"} | WRAPPED | LBFGS


def start(dtype: str) -> dict[str, Any]:
    """The same parameters everywhere, without a generator that might change."""
    return {
        "a": np.cos(np.arange(6.0) * 1.7).reshape(3, 2).astype(dtype),
        "b": np.sin(np.arange(4.0) * 2.3 + 0.5).astype(dtype),
    }


def gradients(dtype: str) -> list[dict[str, Any]]:
    """Twenty gradients that change their signs and sizes."""
    return [
        {
            "a": (np.sin(np.arange(6.0) * 1.3 + t * t * 0.7) * 2).reshape(3, 2).astype(dtype),
            "b": np.cos(np.arange(4.0) * 0.9 + t * 1.1).astype(dtype),
        }
        for t in range(20)
    ]
