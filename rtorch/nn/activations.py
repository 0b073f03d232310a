"""Activation functions, with PyTorch's names and defaults.

Plain functions of arrays, and so layers too: ``serial(Linear(8), relu)``. They do not overflow,
and neither do their derivatives; branches that are not taken are fed harmless numbers (`where`
alone would let a nan of theirs into the derivative).
"""

from __future__ import annotations

from rtorch.nn.checks import check_axis as check_axis
from rtorch.nn.gates import geglu, glu, reglu, swiglu
from rtorch.nn.rectifiers import celu, elu, leaky_relu, relu, relu6, selu
from rtorch.nn.sigmoids import (
    gelu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    log_sigmoid,
    mish,
    sigmoid,
    silu,
    softplus,
    softsign,
    swish,
    tanh,
)
from rtorch.nn.softmaxes import log_softmax, one_hot, softmax, softmin
from rtorch.nn.thresholds import hard_shrink, soft_shrink, squareplus, tanh_shrink, threshold

__all__ = [
    "celu",
    "elu",
    "geglu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "one_hot",
    "reglu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "squareplus",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
