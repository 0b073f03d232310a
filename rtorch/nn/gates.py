"""Gated linear units: one half of the features times a function of the other.

References:
    Shazeer 2020, GLU variants improve Transformer (arXiv:2002.05202).
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError, api
from rtorch.nn.checks import check_axis, floating
from rtorch.nn.sigmoids import gelu, silu

__all__ = ["geglu", "glu", "reglu", "swiglu"]


@api
def glu(x: Any, axis: int = -1) -> rt.Array:
    """The first half along `axis` times the sigmoid of the second.

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.glu(rt.asarray([2.0, 4.0, 0.0, 0.0]))
        Array([1., 2.], dtype=float32)

    References:
        Dauphin et al. 2017 (arXiv:1612.08083).
    """
    x = floating(x)
    axis = check_axis("glu", x, axis)
    if x.shape[axis] % 2:
        raise ShapeError(f"[glu] axis {axis} must have an even length, got shape {x.shape}")
    value, gate = rt.split(x, 2, axis=axis)
    return value * rt.sigmoid(gate)


@api
def reglu(x: Any, axis: int = -1) -> rt.Array:
    """The first half along `axis` times the relu of the second; see `glu`.

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.reglu(rt.asarray([2.0, 4.0, -1.0, 3.0]))
        Array([ 0., 12.], dtype=float32)
    """
    value, gate = _halves("reglu", x, axis)
    return value * rt.relu(gate)


@api
def geglu(x: Any, axis: int = -1, approximate: str = "none") -> rt.Array:
    """The first half along `axis` times the gelu of the second.

    Args:
        x: A floating array.
        axis: The axis that is halved.
        approximate: ``"none"`` or ``"tanh"``, see `gelu`.

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.geglu(rt.asarray([2.0, 4.0, 0.0, 50.0]))
        Array([  0., 200.], dtype=float32)
    """
    value, gate = _halves("geglu", x, axis)
    return value * gelu(gate, approximate)


@api
def swiglu(x: Any, axis: int = -1) -> rt.Array:
    """The first half along `axis` times the silu of the second.

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.swiglu(rt.asarray([2.0, 4.0, 0.0, 50.0]))
        Array([  0., 200.], dtype=float32)
    """
    value, gate = _halves("swiglu", x, axis)
    return value * silu(gate)


def _halves(name: str, x: Any, axis: int) -> list[rt.Array]:
    x = floating(x)
    axis = check_axis(name, x, axis)
    if x.shape[axis] % 2:
        raise ShapeError(f"[{name}] axis {axis} must have an even length, got shape {x.shape}")
    return rt.split(x, 2, axis=axis)
