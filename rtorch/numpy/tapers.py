"""Window functions of signal processing: weights that fall off towards both ends."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.numpy.elementwise import clip
from rtorch.numpy.operands import ArrayLike, convert, floating, integer_of, operand
from rtorch.numpy.ufuncs import sqrt

__all__ = ["bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"]


def _window(name: str, n: Any) -> Array:
    """NumPy's window, in the default dtype."""
    values = getattr(np, name)(integer_of(n, name, "M"))
    return convert(operand(values), dtypes.default_dtype())


@api
def hanning(M: int) -> Array:
    """`M` weights, a raised cosine that is 0 at both ends.

    Example:
        >>> import rtorch as rt
        >>> rt.hanning(3).tolist()
        [0.0, 1.0, 0.0]
    """
    return _window("hanning", M)


@api
def hamming(M: int) -> Array:
    """`M` weights, a raised cosine that is 0.08 at both ends.

    Example:
        >>> import rtorch as rt
        >>> rt.hamming(3)
        Array([0.08, 1.  , 0.08], dtype=float32)
    """
    return _window("hamming", M)


@api
def blackman(M: int) -> Array:
    """`M` weights of three cosine terms, with little leakage.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.blackman(5)[1]), 2)
        0.34
    """
    return _window("blackman", M)


@api
def bartlett(M: int) -> Array:
    """`M` weights, a triangle that is 0 at both ends.

    Example:
        >>> import rtorch as rt
        >>> rt.bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window("bartlett", M)


@api
def i0(x: ArrayLike, /) -> Array:
    """The modified Bessel function of the first kind and order 0 (`rt.special` has others).

    Example:
        >>> import rtorch as rt
        >>> float(rt.i0(0.0))
        1.0
    """
    # By name: that package stands on this one, and is imported when it is asked for.
    special: Any = importlib.import_module("rtorch.special")
    out: Array = special.i0(x)
    return out


@api
def kaiser(M: int, beta: ArrayLike) -> Array:
    """`M` weights by Bessel functions; the larger `beta`, the narrower. Differentiable by it.

    Example:
        >>> import rtorch as rt
        >>> rt.kaiser(3, 0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    n = integer_of(M, "kaiser", "M")
    b = floating(beta, "kaiser")
    places = np.linspace(-1, 1, n) if n > 1 else np.zeros(np.maximum(n, 0))
    height = sqrt(clip(1 - convert(operand(places), b.dtype) ** 2, 0))
    return i0(b * height) / i0(b)
