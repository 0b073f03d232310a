"""Learning rates that change: functions from the step to the rate.

The first update asks for step 0. Steps are integers, or integer arrays inside ``jit``; rates are
float64 scalar arrays. Any function of the step will do in the place of these.

Example:
    >>> from rtorch import optim
    >>> opt = optim.adam(optim.schedules.warmup_cosine(1e-3, 100, 1000))
"""

from __future__ import annotations

from rtorch.optim.schedules.basic import (
    constant,
    exponential,
    inverse_sqrt,
    linear,
    multistep,
    polynomial,
    step,
)
from rtorch.optim.schedules.cosine import cosine, cosine_restarts, warmup_cosine
from rtorch.optim.schedules.cyclic import cyclic, one_cycle
from rtorch.optim.schedules.pieces import join, piecewise_constant, piecewise_interpolate
from rtorch.optim.schedules.plateau import Plateau, PlateauState, reduce_on_plateau

__all__ = [
    "Plateau",
    "PlateauState",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "inverse_sqrt",
    "join",
    "linear",
    "multistep",
    "one_cycle",
    "piecewise_constant",
    "piecewise_interpolate",
    "polynomial",
    "reduce_on_plateau",
    "step",
    "warmup_cosine",
]
