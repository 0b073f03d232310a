"""Where parameters start: functions ``(key, shape, dtype) -> array``.

Weights are stored as PyTorch stores them, (out, in, *window): ``fan_in`` is ``in`` times the size
of the window, ``fan_out`` is ``out`` times it.
"""

from __future__ import annotations

from rtorch.nn.initializers.draws import (
    Initializer as Initializer,
    Shape as Shape,
    constant,
    normal,
    ones,
    trunc_normal,
    truncated_normal,
    uniform,
    zeros,
)
from rtorch.nn.initializers.scaled import (
    calculate_gain,
    fans as fans,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    variance_scaling,
    xavier_normal,
    xavier_uniform,
)
from rtorch.nn.initializers.structured import delta_orthogonal, dirac, eye, orthogonal, sparse

__all__ = [
    "calculate_gain",
    "constant",
    "delta_orthogonal",
    "dirac",
    "eye",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
