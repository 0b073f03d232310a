"""BatchNorm1d, BatchNorm2d, BatchNorm3d: each channel to mean 0 and variance 1 over the batch."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api, describe
from rtorch.nn.layer import Layer, Params, State, as_spec
from rtorch.nn.normalization import along, like_input, moments, normalized, scaled, wide
from rtorch.nn.parameters import check_eps, check_names, parameter_dtype
from rtorch.nn.windows import AXES, check_format

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def BatchNorm1d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
    track_running_stats: bool = True, *, axis_name: Any = None, data_format: str = "NCHW",
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """Batch normalisation of ``(batch, channels)`` or ``(batch, channels, length)``.

    Arguments as of `BatchNorm2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.BatchNorm1d()
        >>> params, state = layer.init(None, rt.spec((8, 3)))
        >>> sorted(params), state["running_var"].tolist()
        (['bias', 'weight'], [1.0, 1.0, 1.0])
    """
    return _layer(1, eps, momentum, affine, track_running_stats, axis_name, data_format, dtype)


def BatchNorm2d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
    track_running_stats: bool = True, *, axis_name: Any = None, data_format: str = "NCHW",
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel of ``(batch, channels, h, w)``.

    While training, mean and variance are those of the batch, and the state keeps running ones;
    otherwise those of the state are used.

    Args:
        eps: Added to the variance.
        momentum: The weight of the new batch in the running statistics; None: each batch counts
            as much as any other.
        affine: Whether there are ``weight`` and ``bias``.
        track_running_stats: Whether there is a state; without one, batch statistics are always
            used.
        axis_name: Name of an axis of `vmap` over which the batch is spread: the statistics are
            those of all its lanes together.
        data_format: ``"NHWC"`` if the channels come last.
        dtype: Dtype of parameters and state; by default that of the input, or float32 for half
            precision.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias`` and the state ``running_mean``,
        ``running_var`` (of the unbiased variance, as in PyTorch) and ``num_batches_tracked``.

    Raises:
        ShapeError: if the input has other axes or channels, or training one value per channel.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.BatchNorm2d()
        >>> params, state = layer.init(None, rt.spec((4, 2, 8, 8)))
        >>> x = rt.random.normal(rt.random.key(0), (4, 2, 8, 8)) * 3 + 1
        >>> y, state = layer.apply(params, state, x, train=True)
        >>> bool(abs(y.mean()) < 1e-6), bool(abs(y.std() - 1) < 1e-4)
        (True, True)
        >>> state["num_batches_tracked"].tolist()
        1

    References:
        Ioffe & Szegedy 2015 (arXiv:1502.03167).
    """
    return _layer(2, eps, momentum, affine, track_running_stats, axis_name, data_format, dtype)


def BatchNorm3d(
    eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
    track_running_stats: bool = True, *, axis_name: Any = None, data_format: str = "NCHW",
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """Batch normalisation of ``(batch, channels, d, h, w)``; arguments as of `BatchNorm2d`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.BatchNorm3d(affine=False)
        >>> params, state = layer.init(None, rt.spec((2, 3, 4, 4, 4)))
        >>> params, sorted(state)
        ({}, ['num_batches_tracked', 'running_mean', 'running_var'])
    """
    return _layer(3, eps, momentum, affine, track_running_stats, axis_name, data_format, dtype)


def _layer(
    n: int, eps: float, momentum: float | None, affine: bool, track: bool, axis_name: Any,
    data_format: str, dtype: Any,
) -> Layer:  # fmt: skip
    name = f"BatchNorm{n}d"
    check_eps(name, eps)
    last = check_format(name, data_format, n)

    def check(x: Any) -> int:
        """The axis of the channels."""
        shape = getattr(x, "shape", ())
        if len(shape) != n + 2 and not (n == 1 and len(shape) == 2):
            wanted = f"batch, {AXES[n]}, channels" if last else f"batch, channels, {AXES[n]}"
            also = " or (batch, channels)" if n == 1 else ""
            raise ShapeError(f"[{name}] x: expected shape ({wanted}){also}, got {describe(x)}")
        return len(shape) - 1 if last else 1

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        spec = as_spec(spec)
        channels = spec.shape[check(spec)]
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
        axis = check(x)
        check_channels(name, x, axis, params, state)
        if train or not track:
            axes = tuple(i for i in range(x.ndim) if i != axis)
            size = math.prod([x.shape[i] for i in axes])
            if train and size == 1 and axis_name is None:
                raise ShapeError(
                    f"[{name}] x: training needs more than one value per channel, got {describe(x)}"
                )
            mean, var = moments(x, axes, axis_name) if size else _no_moments(x, axis)
            if axis_name is not None:
                size *= rt.axis_size(axis_name)
            state = updated(state, mean, var, size, momentum) if track else state
        else:
            mean, var = state["running_mean"], state["running_var"]
        y = normalized(x, along(mean, x, axis), along(var, x, axis), eps)
        return like_input(scaled(y, params, x, axis), x), state

    apply.__qualname__ = f"{name}.apply"
    return Layer(init, apply)


def _no_moments(x: Any, axis: int) -> tuple[Any, Any]:
    """Mean and variance where there is no batch, and nothing will be computed of them."""
    nothing = rt.zeros(x.shape[axis], dtype=wide(x).dtype)
    return nothing, nothing


def fresh_statistics(channels: int, dtype: Any) -> State:
    """The state before any batch; arrays of its own, so that parameters and it can be donated."""
    zeros, ones = rt.zeros(channels, dtype=dtype), rt.ones(channels, dtype=dtype)
    return dict(zip(STATISTICS, (zeros, ones, rt.asarray(0, dtype=rt.int64)), strict=True))


def check_channels(name: str, x: Any, axis: int, params: Params, state: State) -> None:
    """Raise unless parameters and state are for the channels of `x`."""
    for tree, what in ((params, "weight"), (state, "running_mean")):
        if what in tree and tree[what].shape != (x.shape[axis],):
            raise ShapeError(
                f"[{name}] x: expected {tree[what].shape[0]} channels, as {what} has, got "
                f"{describe(x)} with the channels along axis {axis}"
            )


def updated(state: State, mean: Any, var: Any, size: int, momentum: float | None) -> State:
    """The running statistics with one more batch in them."""
    count = state["num_batches_tracked"] + 1
    old_mean, old_var = state["running_mean"], state["running_var"]
    weight = 1.0 / count.astype(old_mean.dtype) if momentum is None else momentum
    if not size:  # no batch: PyTorch counts it and keeps what there is
        return state | {"num_batches_tracked": count}
    unbiased = var * (size / max(size - 1, 1))
    new = [rt.stop_gradient(value).astype(old_mean.dtype) for value in (mean, unbiased)]
    return {
        "running_mean": old_mean * (1 - weight) + new[0] * weight,
        "running_var": old_var * (1 - weight) + new[1] * weight,
        "num_batches_tracked": count,
    }
