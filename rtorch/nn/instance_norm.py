"""InstanceNorm1d, InstanceNorm2d, InstanceNorm3d: each channel of each example by itself."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.batch_norm import STATISTICS, check_channels, fresh_statistics, updated
from rtorch.nn.layer import Layer, Params, State, as_spec
from rtorch.nn.normalization import along, like_input, moments, normalized, scaled
from rtorch.nn.parameters import check_eps, check_names, parameter_dtype
from rtorch.nn.windows import check_format, check_input


def InstanceNorm1d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
    track_running_stats: bool = False, *, data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """Instance normalisation over one spatial axis; arguments as of `InstanceNorm2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.InstanceNorm1d().apply({}, {}, rt.ones((2, 3, 8)))[0].shape
        (2, 3, 8)
    """
    return _layer(1, eps, momentum, affine, track_running_stats, data_format, dtype)


def InstanceNorm2d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
    track_running_stats: bool = False, *, data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """Mean 0 and variance 1 over the spatial axes, for each channel of each example.

    Args:
        eps: Added to the variance.
        momentum: The weight of the new batch in the running statistics, if there are any; None:
            each batch counts as much as any other. (Batches are counted, as PyTorch does not.)
        affine: Whether there are ``weight`` and ``bias``, a number per channel each.
        track_running_stats: Whether there are running statistics, which are used when not
            training.
        data_format: ``"NHWC"`` if the channels come last.
        dtype: Dtype of parameters and state; by default that of the input, or float32 for half
            precision.

    Returns:
        A `Layer` for inputs of shape ``(batch, channels, height, width)`` or without the batch.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.InstanceNorm2d()
        >>> y, _ = layer.apply({}, {}, rt.asarray([[[[0.0, 2.0], [0.0, 2.0]]]]))
        >>> y.round(3).tolist()
        [[[[-1.0, 1.0], [-1.0, 1.0]]]]

    References:
        Ulyanov et al. 2016 (arXiv:1607.08022).
    """
    return _layer(2, eps, momentum, affine, track_running_stats, data_format, dtype)


def InstanceNorm3d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
    track_running_stats: bool = False, *, data_format: str = "NCHW", dtype: Any = None,
) -> Layer:  # fmt: skip
    """Instance normalisation over three spatial axes; arguments as of `InstanceNorm2d`.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.InstanceNorm3d().apply({}, {}, rt.ones((2, 3, 4, 4, 4)))[0].shape
        (2, 3, 4, 4, 4)
    """
    return _layer(3, eps, momentum, affine, track_running_stats, data_format, dtype)


def _layer(
    n: int, eps: float, momentum: float | None, affine: bool, track: bool, data_format: str,
    dtype: Any,
) -> Layer:  # fmt: skip
    name = f"InstanceNorm{n}d"
    check_eps(name, eps)
    last = check_format(name, data_format, n)

    def axis_of(x: Any) -> int:
        check_input(name, x, n, last)
        return len(x.shape) - (1 if last else 1 + n)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        spec = as_spec(spec)
        channels = spec.shape[axis_of(spec)]
        of = parameter_dtype(dtype, rt.promote_types(spec.dtype, rt.float32))
        zeros, ones = rt.zeros(channels, dtype=of), rt.ones(channels, dtype=of)
        params = {"weight": ones, "bias": zeros} if affine else {}
        return params, fresh_statistics(channels, of) if track else {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names(name, "params", params, ("weight", "bias") if affine else ())
        check_names(name, "state", state, STATISTICS if track else ())
        axis = axis_of(x)
        check_channels(name, x, axis, params, state)
        if track and not train:
            mean, var = state["running_mean"], state["running_var"]
            y = normalized(x, along(mean, x, axis), along(var, x, axis), eps)
            return like_input(scaled(y, params, x, axis), x), state
        axes = tuple(i for i in range(x.ndim - n - 1, x.ndim) if i != axis)
        size = math.prod([x.shape[i] for i in axes])
        if size == 1 and train:
            raise ShapeError(
                f"[{name}] x: training needs more than one value per channel, got {describe(x)}"
            )
        mean, var = moments(x, axes, keepdims=True)
        if track:
            lanes = tuple(i for i in range(x.ndim) if i != axis)
            means = [rt.mean(value, axis=lanes) for value in (mean, var)]
            state = updated(state, means[0], means[1], size, momentum)
        y = normalized(x, mean, var, eps)
        return like_input(scaled(y, params, x, axis), x), state

    apply.__qualname__ = f"{name}.apply"
    return Layer(init, apply)
