"""Optimizers as pairs of functions, clipping, and learning rate schedules.

Example:
    >>> import rtorch as rt
    >>> from rtorch import optim
    >>> opt = optim.chain(optim.clip_by_global_norm(1.0), optim.adam(1e-2))
    >>> params = {"w": rt.ones(3)}
    >>> state = opt.init(params)
    >>> grads = rt.grad(lambda p: rt.sum(p["w"] ** 2))(params)
    >>> updates, state = opt.update(grads, state, params)
    >>> params = optim.apply_updates(params, updates)
    >>> params["w"]
    Array([0.99, 0.99, 0.99], dtype=float32)
"""

from __future__ import annotations

from rtorch.optim import projections, schedules
from rtorch.optim.adafactor import AdafactorState, adafactor
from rtorch.optim.adam import AdamState, adam, adamw
from rtorch.optim.adam_kin import NAdamState, adamax, nadam, radam
from rtorch.optim.adan_lion import AdanState, LionState, adan, lion
from rtorch.optim.adaptive import (
    AdadeltaState,
    AdagradState,
    RMSpropState,
    adadelta,
    adagrad,
    rmsprop,
)
from rtorch.optim.averages import AverageState, ema, lookahead, swa
from rtorch.optim.base import Optimizer, apply_updates
from rtorch.optim.batch_statistics import update_bn
from rtorch.optim.clipping import (
    adaptive_clip,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
)
from rtorch.optim.combine import chain
from rtorch.optim.gradients import NoiseState, add_noise, centralize
from rtorch.optim.layerwise import LARSState, lamb, lars
from rtorch.optim.lbfgs import LBFGSState, lbfgs
from rtorch.optim.loss_scale import LossScale, LossScaleState, dynamic_loss_scale, static_loss_scale
from rtorch.optim.masks import decay_weights, freeze, groups, masked
from rtorch.optim.muon import MuonState, muon
from rtorch.optim.novograd import novograd
from rtorch.optim.parameter_free import DistanceState, dog, dowg
from rtorch.optim.prodigy import ProdigyState, prodigy
from rtorch.optim.projections import project
from rtorch.optim.rprop import ASGDState, RpropState, asgd, rprop
from rtorch.optim.schedule_free import (
    ScheduleFreeState,
    schedule_free_adamw,
    schedule_free_params,
    schedule_free_sgd,
)
from rtorch.optim.sgd import SGDState, sgd
from rtorch.optim.variance import AdEMAMixState, adabelief, ademamix, yogi
from rtorch.optim.wrappers import (
    AccumulateState,
    InjectState,
    SkipState,
    accumulate,
    all_finite,
    inject_hyperparams,
    skip_nonfinite,
)

__all__ = [
    "ASGDState",
    "AccumulateState",
    "AdEMAMixState",
    "AdadeltaState",
    "AdafactorState",
    "AdagradState",
    "AdamState",
    "AdanState",
    "AverageState",
    "DistanceState",
    "InjectState",
    "LARSState",
    "LBFGSState",
    "LionState",
    "LossScale",
    "LossScaleState",
    "MuonState",
    "NAdamState",
    "NoiseState",
    "Optimizer",
    "ProdigyState",
    "RMSpropState",
    "RpropState",
    "SGDState",
    "ScheduleFreeState",
    "SkipState",
    "accumulate",
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adan",
    "adaptive_clip",
    "add_noise",
    "ademamix",
    "all_finite",
    "apply_updates",
    "asgd",
    "centralize",
    "chain",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "decay_weights",
    "dog",
    "dowg",
    "dynamic_loss_scale",
    "ema",
    "freeze",
    "global_norm",
    "groups",
    "inject_hyperparams",
    "lamb",
    "lars",
    "lbfgs",
    "lion",
    "lookahead",
    "masked",
    "muon",
    "nadam",
    "novograd",
    "prodigy",
    "project",
    "projections",
    "radam",
    "rmsprop",
    "rprop",
    "schedule_free_adamw",
    "schedule_free_params",
    "schedule_free_sgd",
    "schedules",
    "sgd",
    "skip_nonfinite",
    "static_loss_scale",
    "swa",
    "update_bn",
    "yogi",
]
