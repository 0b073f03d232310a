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

from rtorch.optim import schedules
from rtorch.optim.adam import AdamState, adam, adamw
from rtorch.optim.base import Optimizer, apply_updates
from rtorch.optim.clipping import clip_by_global_norm, global_norm
from rtorch.optim.combine import chain
from rtorch.optim.sgd import SGDState, sgd

__all__ = [
    "AdamState",
    "Optimizer",
    "SGDState",
    "adam",
    "adamw",
    "apply_updates",
    "chain",
    "clip_by_global_norm",
    "global_norm",
    "schedules",
    "sgd",
]
