"""Dropout: zeros at random while training."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.layer import Layer, Params, State, needs_key
from rtorch.nn.parameters import check_names


def Dropout(rate: float = 0.5) -> Layer:
    """Sets a fraction of the elements to zero while training; the identity otherwise.

    What is kept is divided by ``1 - rate``, so that the expectation stays.

    Args:
        rate: The fraction that is dropped, in ``[0, 1]`` (PyTorch's ``p``).

    Returns:
        A `Layer` without parameters; with ``train=True`` its ``apply`` needs a key.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Dropout(0.5)
        >>> y, _ = layer.apply({}, {}, rt.ones(4), key=rt.random.key(0), train=True)
        >>> set(y.tolist()) <= {0.0, 2.0}
        True
        >>> layer.apply({}, {}, rt.ones(2))[0]
        Array([1., 1.], dtype=float32)

    References:
        Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
    """
    if not 0 <= rate <= 1:
        raise ArgumentError(f"[Dropout] rate: expected a fraction from 0 to 1, got {rate!r}")

    def init(key: Any, spec: Any) -> tuple[Params, State]:
        return {}, {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names("Dropout", "params", params, ())
        if not train or rate == 0:
            return x, state
        needs_key("Dropout", key, "apply with train=True")
        if rate == 1:
            return rt.zeros_like(x), state
        kept = rt.random.bernoulli(key, 1 - rate, x.shape)
        return rt.where(kept, x / (1 - rate), 0.0), state

    return Layer(init, apply)
