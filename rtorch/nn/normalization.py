"""LayerNorm, GroupNorm, InstanceNorm and RMSNorm, and what normalisations have in common.

Statistics of half precision are computed in float32.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, describe
from rtorch.nn.layer import Layer, Params, stateless
from rtorch.nn.parameters import check_count, check_eps, check_names, parameter_dtype


def wide(x: Any) -> Any:
    """`x` in the dtype of its statistics."""
    return x.astype(rt.promote_types(x.dtype, rt.float32))


def moments(x: Any, axes: tuple[int, ...], axis_name: Any = None, keepdims: bool = False) -> Any:
    """Mean and (biased) variance over `axes`, and over the lanes of a named axis."""
    x = wide(x)
    mean = rt.mean(x, axis=axes, keepdims=True)
    if axis_name is not None:
        mean = rt.pmean(mean, axis_name)
    off = x - mean
    var = rt.mean(off * off, axis=axes, keepdims=keepdims)
    if axis_name is not None:
        var = rt.pmean(var, axis_name)
    return (mean if keepdims else rt.squeeze(mean, axis=axes)), var


def normalized(x: Any, mean: Any, var: Any, eps: float) -> Any:
    """``(x - mean) / sqrt(var + eps)``."""
    return (wide(x) - mean) * (1.0 / rt.sqrt(var + eps))


def along(values: Any, x: Any, axis: int) -> Any:
    """A vector along one axis of `x`, to be broadcast over the others."""
    return rt.reshape(values, (-1,) + (1,) * (x.ndim - 1 - axis))


def scaled(y: Any, params: Params, x: Any, axis: int) -> Any:
    """``y * weight + bias``, where there are any."""
    if "weight" in params:
        y = y * along(params["weight"], x, axis)
    return y + along(params["bias"], x, axis) if "bias" in params else y


def like_input(y: Any, x: Any) -> Any:
    """`y` in the dtype of the input, if that is floating: integers would be rounded."""
    return y.astype(x.dtype) if rt.isdtype(x.dtype, "real floating") else y


def _start(names: tuple[str, ...], shape: Any, dtype: Any) -> Params:
    starts = {"weight": rt.ones, "bias": rt.zeros}
    return {name: starts[name](shape, dtype=dtype) for name in names}


def _names(affine: bool, bias: bool = True) -> tuple[str, ...]:
    return (("weight", "bias") if bias else ("weight",)) if affine else ()


def LayerNorm(
    normalized_shape: int | tuple[int, ...] | None = None, eps: float = 1e-5,
    elementwise_affine: bool = True, bias: bool = True, *, dtype: Any = None,
) -> Layer:  # fmt: skip
    """Mean 0 and variance 1 over the last axes of each example, then a learned affine map.

    Args:
        normalized_shape: Lengths of the last axes; by default that of the last one.
        eps: Added to the variance.
        elementwise_affine: Whether there are parameters.
        bias: Whether ``bias`` is one of them.
        dtype: Dtype of the parameters; by default that of the input.

    Returns:
        A `Layer` with parameters ``weight`` and ``bias`` of shape `normalized_shape`.

    Raises:
        ShapeError: if the input does not end with `normalized_shape`.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.LayerNorm()
        >>> params, _ = layer.init(None, rt.spec((2, 4)))
        >>> y, _ = layer.apply(params, {}, rt.asarray([[0.0, 2.0, 0.0, 2.0]]))
        >>> y.round(3).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    References:
        Ba et al. 2016 (arXiv:1607.06450).
    """
    check_eps("LayerNorm", eps)
    names = _names(elementwise_affine, bias)
    given = _shape("LayerNorm", normalized_shape)

    def init(key: Any, spec: Any) -> Params:
        shape = _last_axes("LayerNorm", spec, given)
        return _start(names, shape, parameter_dtype(dtype, spec.dtype))

    def call(params: Params, x: Any) -> rt.Array:
        check_names("LayerNorm", "params", params, names)
        shape = _last_axes("LayerNorm", x, given, params)
        axes = tuple(range(x.ndim - len(shape), x.ndim))
        mean, var = moments(x, axes, keepdims=True)
        y = normalized(x, mean, var, eps)
        y = y * params["weight"] if "weight" in params else y
        y = y + params["bias"] if "bias" in params else y
        out: rt.Array = like_input(y, x)
        return out

    return stateless(init, call)


def RMSNorm(
    normalized_shape: int | tuple[int, ...] | None = None, eps: float | None = None,
    elementwise_affine: bool = True, *, dtype: Any = None,
) -> Layer:  # fmt: skip
    """``x / sqrt(mean(x ** 2) + eps) * weight`` over the last axes of each example.

    Args:
        normalized_shape: Lengths of the last axes; by default that of the last one.
        eps: Added to the mean square; by default the smallest step of the input's dtype at 1.
        elementwise_affine: Whether there is the parameter ``weight``.
        dtype: Its dtype; by default that of the input.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.RMSNorm()
        >>> params, _ = layer.init(None, rt.spec((1, 2)))
        >>> layer.apply(params, {}, rt.asarray([[1.0, 7.0]]))[0].round(3).tolist()
        [[0.20000000298023224, 1.399999976158142]]

    References:
        Zhang & Sennrich 2019 (arXiv:1910.07467).
    """
    if eps is not None:
        check_eps("RMSNorm", eps)
    names = _names(elementwise_affine, bias=False)
    given = _shape("RMSNorm", normalized_shape)

    def init(key: Any, spec: Any) -> Params:
        shape = _last_axes("RMSNorm", spec, given)
        return _start(names, shape, parameter_dtype(dtype, spec.dtype))

    def call(params: Params, x: Any) -> rt.Array:
        check_names("RMSNorm", "params", params, names)
        shape = _last_axes("RMSNorm", x, given, params)
        axes, z = tuple(range(x.ndim - len(shape), x.ndim)), wide(x)
        least = float(rt.finfo(like_input(z, x).dtype).eps) if eps is None else eps
        y = z * (1.0 / rt.sqrt(rt.mean(z * z, axis=axes, keepdims=True) + least))
        y = y * params["weight"] if names else y
        out: rt.Array = like_input(y, x)
        return out

    return stateless(init, call)


def _shape(name: str, shape: Any) -> tuple[int, ...] | None:
    shape = (shape,) if isinstance(shape, int) else shape
    if shape is not None and (
        not isinstance(shape, (tuple, list)) or not all(isinstance(n, int) for n in shape)
    ):
        raise ArgumentError(
            f"[{name}] normalized_shape: expected lengths of the last axes, got {shape!r}"
        )
    return None if shape is None else tuple(shape)


def _last_axes(name: str, x: Any, given: Any, params: Params | None = None) -> tuple[int, ...]:
    """The lengths of the axes that are normalised."""
    if not x.shape:
        raise ShapeError(f"[{name}] x: expected at least one axis, got {describe(x)}")
    shape = x.shape[-1:] if given is None else given
    if params:
        shape = params["weight"].shape
    if x.shape[len(x.shape) - len(shape) :] != shape or (given is not None and shape != given):
        raise ShapeError(
            f"[{name}] x: expected shape (..., {', '.join(map(str, shape))}), got {describe(x)}"
        )
    return tuple(shape)


def GroupNorm(
    num_groups: int, eps: float = 1e-5, affine: bool = True, *, data_format: str = "NCHW",
    dtype: Any = None,
) -> Layer:  # fmt: skip
    """Mean 0 and variance 1 over groups of channels and all spatial axes of each example.

    Args:
        num_groups: How many groups; a divisor of the channels.
        eps: Added to the variance.
        affine: Whether there are ``weight`` and ``bias``, a number per channel each.
        data_format: ``"NHWC"`` if the channels come last.
        dtype: Dtype of the parameters; by default that of the input.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.GroupNorm(2)
        >>> params, _ = layer.init(None, rt.spec((8, 6, 4, 4)))
        >>> params["weight"].shape, layer.apply(params, {}, rt.ones((8, 6, 4, 4)))[0].shape
        ((6,), (8, 6, 4, 4))

    References:
        Wu & He 2018 (arXiv:1803.08494).
    """
    check_count("GroupNorm", "num_groups", num_groups)
    check_eps("GroupNorm", eps)
    if data_format not in ("NCHW", "NHWC"):
        raise ArgumentError(
            f"[GroupNorm] data_format: expected 'NCHW' or 'NHWC', got {data_format!r}"
        )
    last, names = data_format == "NHWC", _names(affine)

    def channels(x: Any) -> int:
        if len(x.shape) < 2 or x.shape[-1 if last else 1] % num_groups:
            raise ShapeError(
                f"[GroupNorm] x: expected a batch axis and channels in a multiple of num_groups="
                f"{num_groups}, got {describe(x)} with the channels {'last' if last else 'second'}"
            )
        return len(x.shape) - 1 if last else 1

    def init(key: Any, spec: Any) -> Params:
        shape = (spec.shape[channels(spec)],)
        return _start(names, shape, parameter_dtype(dtype, spec.dtype))

    def call(params: Params, x: Any) -> rt.Array:
        check_names("GroupNorm", "params", params, names)
        axis = channels(x)
        if names and params["weight"].shape != (x.shape[axis],):
            raise ShapeError(
                f"[GroupNorm] x: expected {params['weight'].shape[0]} channels, got {describe(x)}"
            )
        each = x.shape[axis] // num_groups
        z = rt.reshape(x, (*x.shape[:axis], num_groups, each, *x.shape[axis + 1 :]))
        axes = tuple(i for i in range(1, z.ndim) if i != axis)
        mean, var = moments(z, axes, keepdims=True)
        y = rt.reshape(normalized(z, mean, var, eps), x.shape)
        out: rt.Array = like_input(scaled(y, params, x, axis), x)
        return out

    return stateless(init, call)
