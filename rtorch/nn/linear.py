"""Linear: an affine map of the last axis."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, TreeError, describe
from rtorch.nn.initializers import Initializer, uniform
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_bias, first, parameter_dtype


def Linear(
    out_features: int,
    bias: bool = True,
    *,
    weight_init: Initializer | None = None,
    bias_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:
    """``y = x @ weight.T + bias`` along the last axis.

    Args:
        out_features: Length of the last axis of the output; that of the input comes from the spec.
        bias: Whether there is one.
        weight_init: Initializer of the weight, shape ``(out_features, in_features)``; by default
            uniform in ±1/sqrt(in_features), as PyTorch has it (He et al. with ``a = sqrt(5)``).
        bias_init: Initializer of the bias, shape ``(out_features,)``; by default the same.
        dtype: Dtype of the parameters; by default that of the input if it is floating, else
            `rt.default_dtype()`.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias``.

    Raises:
        ShapeError: (``init``, ``apply``) if the input has no axis, or its last axis another length
            than the weight was made for.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Linear(2, bias_init=rt.nn.initializers.zeros)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((32, 784)))
        >>> params["weight"].shape, params["bias"]
        ((2, 784), Array([0., 0.], dtype=float32))
    """
    if not isinstance(out_features, int) or out_features < 0:
        raise ArgumentError(
            f"[Linear] out_features: expected a length (an int, 0 or more), got {out_features!r}"
        )
    check_bias("Linear", bias)

    def init(key: Any, spec: Any) -> Params:
        _check_input(spec)
        needs_key("Linear", key, "init")
        in_features = spec.shape[-1]
        default = _torch_default(in_features)
        of = parameter_dtype(dtype, spec.dtype)
        weight_key, bias_key = rt.random.split(key, 2)
        shape = (out_features, in_features)
        weight = first("Linear", "weight", weight_init or default, weight_key, shape, of)
        if not bias:
            return {"weight": weight}
        start = first("Linear", "bias", bias_init or default, bias_key, shape[:1], of)
        return {"weight": weight, "bias": start}

    def call(params: Params, x: Any) -> rt.Array:
        weight = _weight(params, bias)
        _check_input(x, weight)
        y: rt.Array = x @ weight.T
        return y + params["bias"] if bias else y

    return stateless(init, call)


def _torch_default(in_features: int) -> Initializer:
    bound = 1 / math.sqrt(in_features) if in_features else 0.0
    return uniform(-bound, bound)


def _weight(params: Params, bias: bool) -> rt.Array:
    wanted = {"weight", "bias"} if bias else {"weight"}
    if not isinstance(params, dict) or params.keys() != wanted:
        came = sorted(params) if isinstance(params, dict) else describe(params)
        raise TreeError(f"[Linear] params: expected a dict of {sorted(wanted)}, got {came}")
    weight: rt.Array = params["weight"]
    return weight


def _check_input(x: Any, weight: rt.Array | None = None) -> None:
    if not isinstance(getattr(x, "shape", None), tuple):
        raise ArgumentError(f"[Linear] x: expected an array, got {describe(x)}")
    if not x.shape:
        raise ShapeError("[Linear] x: expected shape (..., in_features), got an array without axes")
    if weight is not None and x.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"[Linear] x: expected shape (..., {weight.shape[-1]}), as the weight "
            f"{describe(weight)} has it, got {describe(x)}"
        )
