"""Leaky ReLUs whose slope is learned (PReLU) or drawn (RReLU)."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.layer import Layer, Params, State, needs_key, stateless
from rtorch.nn.parameters import check_names, parameter_dtype


def PReLU(
    num_parameters: int = 1, init: float = 0.25, *, axis: int = 1, dtype: Any = None
) -> Layer:
    """`x` where it is positive, ``weight * x`` elsewhere, with a learned weight.

    Args:
        num_parameters: 1, or one for each channel.
        init: Where the weight begins.
        axis: Of the channels: 1 as in PyTorch, -1 if they come last.
        dtype: Dtype of the weight; by default that of the input.

    Returns:
        A `Layer` with the parameter ``weight``, shape ``(num_parameters,)``.

    Raises:
        ShapeError: (``apply``) if the axis has another length than the weight.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.PReLU()
        >>> params, state = layer.init(None, rt.spec((2,)))
        >>> layer.apply(params, state, rt.asarray([-4.0, 4.0]))[0]
        Array([-1.,  4.], dtype=float32)

    References:
        He et al. 2015 (arXiv:1502.01852).
    """
    if not isinstance(num_parameters, int) or num_parameters < 1:
        raise ArgumentError(f"[PReLU] num_parameters: expected an int of 1 or more, got "
                            f"{num_parameters!r}")  # fmt: skip

    def make(key: Any, spec: Any) -> Params:
        return {"weight": rt.full(num_parameters, init, dtype=parameter_dtype(dtype, spec.dtype))}

    def call(params: Params, x: Any) -> rt.Array:
        check_names("PReLU", "params", params, ("weight",))
        weight = params["weight"]
        if num_parameters > 1:
            if not -x.ndim <= axis < x.ndim or x.shape[axis] != num_parameters:
                raise ShapeError(f"[PReLU] x: expected {num_parameters} channels in axis {axis}, "
                                 f"got {describe(x)}")  # fmt: skip
            weight = rt.reshape(weight, (-1,) + (1,) * (x.ndim - 1 - axis % x.ndim))
        return rt.where(x > 0, x, x * weight)

    return stateless(make, call, "PReLU")


def RReLU(lower: float = 1 / 8, upper: float = 1 / 3) -> Layer:
    """`x` where it is positive, ``slope * x`` elsewhere, with random slopes while training.

    Args:
        lower: The least slope.
        upper: The largest. Without ``train=True`` the slope is the mean of both.

    Returns:
        A `Layer` without parameters; with ``train=True`` its ``apply`` needs a key.

    Raises:
        ArgumentError: if `lower` is above `upper`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.RReLU(0.0, 1.0).apply({}, {}, rt.asarray([-4.0, 4.0]))[0]
        Array([-2.,  4.], dtype=float32)

    References:
        Xu et al. 2015 (arXiv:1505.00853).
    """
    if lower > upper:
        raise ArgumentError(f"[RReLU] lower {lower!r} is above upper {upper!r}")

    def init(key: Any, spec: Any) -> tuple[Params, State]:
        return {}, {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names("RReLU", "params", params, ())
        if not train:
            return rt.where(x > 0, x, x * ((lower + upper) / 2)), state
        needs_key("RReLU", key, "apply with train=True")
        dtype = rt.result_type(x, lower)
        slope = rt.random.uniform(key, x.shape, dtype, minval=lower, maxval=upper)
        return rt.where(x > 0, x, x * slope), state

    return Layer(init, apply)
