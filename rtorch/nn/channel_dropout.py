"""Dropout1d, Dropout2d, Dropout3d drop whole channels; AlphaDropout keeps mean and variance."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.layer import Layer, Params, State, needs_key
from rtorch.nn.parameters import check_names
from rtorch.nn.windows import check_format, check_input

# -scale * alpha of SELU: what it gives far below zero.
_SATURATION = -1.7580993408473766


def Dropout1d(rate: float = 0.5, *, data_format: str = "NCHW") -> Layer:
    """Sets whole channels, of one spatial axis, to zero while training.

    What is kept is divided by ``1 - rate``, so that the expectation stays.

    Args:
        rate: The fraction of the channels that is dropped, in ``[0, 1]`` (PyTorch's ``p``).
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x, key = rt.ones((2, 3, 8)), rt.random.key(0)
        >>> y, _ = rt.nn.Dropout1d(0.5).apply({}, {}, x, key=key, train=True)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    References:
        Tompson et al. 2015 (arXiv:1411.4280).
    """
    return _channels(1, rate, data_format)


def Dropout2d(rate: float = 0.5, *, data_format: str = "NCHW") -> Layer:
    """Sets whole channels, of two spatial axes, to zero while training.

    What is kept is divided by ``1 - rate``, so that the expectation stays.

    Args:
        rate: The fraction of the channels that is dropped, in ``[0, 1]`` (PyTorch's ``p``).
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x, key = rt.ones((2, 3, 8, 8)), rt.random.key(0)
        >>> y, _ = rt.nn.Dropout2d(0.5).apply({}, {}, x, key=key, train=True)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    References:
        Tompson et al. 2015 (arXiv:1411.4280).
    """
    return _channels(2, rate, data_format)


def Dropout3d(rate: float = 0.5, *, data_format: str = "NCHW") -> Layer:
    """Sets whole channels, of three spatial axes, to zero while training.

    What is kept is divided by ``1 - rate``, so that the expectation stays.

    Args:
        rate: The fraction of the channels that is dropped, in ``[0, 1]`` (PyTorch's ``p``).
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x, key = rt.ones((2, 3, 4, 4, 4)), rt.random.key(0)
        >>> y, _ = rt.nn.Dropout3d(0.5).apply({}, {}, x, key=key, train=True)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    References:
        Tompson et al. 2015 (arXiv:1411.4280).
    """
    return _channels(3, rate, data_format)


def _channels(n: int, rate: float, data_format: str) -> Layer:
    name = f"Dropout{n}d"
    last = check_format(name, data_format, n)

    def drop(key: Any, x: Any) -> Any:
        check_input(name, x, n, last)
        shape, axis = [1] * x.ndim, x.ndim - (1 if last else 1 + n)
        shape[axis] = x.shape[axis]
        if x.ndim == n + 2:
            shape[0] = x.shape[0]
        if rate == 1:
            return rt.zeros_like(x)
        kept = rt.random.bernoulli(key, 1 - rate, tuple(shape))
        return rt.where(kept, x / (1 - rate), 0.0)

    return _layer(name, rate, drop)


def AlphaDropout(rate: float = 0.5) -> Layer:
    """Sets a fraction of the elements to what SELU saturates at, while training.

    An affine map afterwards keeps mean 0 and variance 1.

    Args:
        rate: The fraction that is dropped, in ``[0, 1]`` (PyTorch's ``p``).

    Example:
        >>> import rtorch as rt
        >>> x = rt.random.normal(rt.random.key(0), (10000,))
        >>> y, _ = rt.nn.AlphaDropout(0.2).apply({}, {}, x, key=rt.random.key(1), train=True)
        >>> bool(abs(y.mean()) < 0.05), bool(abs(y.std() - 1) < 0.05)
        (True, True)

    References:
        Klambauer et al. 2017, section "New dropout technique" (arXiv:1706.02515).
    """
    return _saturating("AlphaDropout", rate, lambda x: x.shape)


def FeatureAlphaDropout(rate: float = 0.5, *, data_format: str = "NCHW") -> Layer:
    """`AlphaDropout` of whole channels.

    Args:
        rate: The fraction of the channels that is dropped, in ``[0, 1]`` (PyTorch's ``p``).
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> layer, x = rt.nn.FeatureAlphaDropout(0.5), rt.ones((2, 3, 8))
        >>> y, _ = layer.apply({}, {}, x, key=rt.random.key(0), train=True)
        >>> bool(rt.all(y == y[..., :1]))
        True

    References:
        Klambauer et al. 2017, section "New dropout technique" (arXiv:1706.02515).
    """
    name = "FeatureAlphaDropout"
    if data_format not in ("NCHW", "NHWC"):
        raise ArgumentError(f"[{name}] data_format: expected 'NCHW' or 'NHWC', got {data_format!r}")

    def lots(x: Any) -> tuple[int, ...]:
        if x.ndim < 2:
            raise ShapeError(f"[{name}] x: expected a batch axis and channels, got {describe(x)}")
        ones = (1,) * (x.ndim - 2)
        last = data_format == "NHWC"
        return (x.shape[0], *ones, x.shape[-1]) if last else (*x.shape[:2], *ones)

    return _saturating(name, rate, lots)


def _saturating(name: str, rate: float, lots: Any) -> Layer:
    """Dropout to the saturation of SELU; `lots` is the shape of what is drawn for an input."""

    def drop(key: Any, x: Any) -> Any:
        if rate == 1:
            return rt.zeros_like(x)
        kept = rt.random.bernoulli(key, 1 - rate, lots(x))
        a = 1 / math.sqrt((1 - rate) * (1 + rate * _SATURATION**2))
        return rt.where(kept, x, _SATURATION) * a - a * _SATURATION * rate

    return _layer(name, rate, drop)


def _layer(name: str, rate: float, drop: Any) -> Layer:
    if not 0 <= rate <= 1:
        raise ArgumentError(f"[{name}] rate: expected a fraction from 0 to 1, got {rate!r}")

    def init(key: Any, spec: Any) -> tuple[Params, State]:
        return {}, {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names(name, "params", params, ())
        if not train or rate == 0:
            return x, state
        needs_key(name, key, "apply with train=True")
        return drop(key, x), state

    apply.__qualname__ = f"{name}.apply"
    return Layer(init, apply)
