"""Bilinear: a product of two inputs."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, describe
from rtorch.nn.initializers import uniform
from rtorch.nn.layer import Layer, Params, arguments, needs_key, stateless
from rtorch.nn.parameters import check_bias, check_names, parameter_dtype


def Bilinear(out_features: int, bias: bool = True, *, dtype: Any = None) -> Layer:
    """``y[k] = x1 @ weight[k] @ x2 + bias[k]``.

    Args:
        out_features: Length of the last axis of the output; those of the inputs come from the spec.
        bias: Whether there is one.
        dtype: Dtype of the parameters; by default that of ``x1`` if it is floating.

    Returns:
        A `Layer` of the pair ``(x1, x2)``, which agree in all axes but the last, with parameters
        ``weight``, shape ``(out_features, in1_features, in2_features)``, and ``bias``, both uniform
        in ±1/sqrt(in1_features) as in PyTorch.

    Raises:
        ShapeError: (``init``, ``apply``) if the inputs do not fit each other or the weight.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Bilinear(5)
        >>> params, state = layer.init(rt.random.key(0), (rt.spec((2, 3)), rt.spec((2, 4))))
        >>> layer.apply(params, state, (rt.ones((2, 3)), rt.ones((2, 4))))[0].shape
        (2, 5)
    """
    if not isinstance(out_features, int) or out_features < 1:
        raise ArgumentError(f"[Bilinear] out_features: expected an int of 1 or more, got "
                            f"{out_features!r}")  # fmt: skip
    check_bias("Bilinear", bias)

    def init(key: Any, spec: Any) -> Params:
        needs_key("Bilinear", key, "init")
        x1, x2 = _pair(spec)
        of = parameter_dtype(dtype, x1.dtype)
        bound = 1 / math.sqrt(x1.shape[-1])
        weight_key, bias_key = rt.random.split(key, 2)
        draw = uniform(-bound, bound)
        params = {"weight": draw(weight_key, (out_features, x1.shape[-1], x2.shape[-1]), of)}
        return params | {"bias": draw(bias_key, (out_features,), of)} if bias else params

    def call(params: Params, x: Any) -> rt.Array:
        check_names("Bilinear", "params", params, ("weight", "bias") if bias else ("weight",))
        x1, x2 = _pair(x)
        weight = params["weight"]
        if (x1.shape[-1], x2.shape[-1]) != weight.shape[1:]:
            raise ShapeError(f"[Bilinear] expected last axes {weight.shape[1:]}, got x1 "
                             f"{describe(x1)} and x2 {describe(x2)}")  # fmt: skip
        y = rt.einsum("...i,kij,...j->...k", x1, weight, x2)
        return y + params["bias"] if bias else y

    return stateless(init, call)


def _pair(x: Any) -> tuple[Any, Any]:
    given = arguments("Bilinear", x, ("x1", "x2"))
    if "x2" not in given:
        raise ArgumentError("[Bilinear] input: expected a pair (x1, x2)")
    x1, x2 = given["x1"], given["x2"]
    if not x1.shape or x1.shape[:-1] != x2.shape[:-1]:
        raise ShapeError(f"[Bilinear] x1 and x2 must agree in all axes but the last, got "
                         f"{describe(x1)} and {describe(x2)}")  # fmt: skip
    return x1, x2
