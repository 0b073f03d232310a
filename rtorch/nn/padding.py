"""pad and Pad: more elements at the ends of axes, or fewer."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.layer import Layer, stateless
from rtorch.nn.windows import Pads, channels_first, channels_last

# PyTorch's names of the modes, and NumPy's.
MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@api
def pad(x: Any, padding: Any, mode: str = "constant", value: float = 0.0) -> rt.Array:
    """`x` with more elements around, in PyTorch's order of axes (see `rt.pad` for NumPy's).

    Args:
        x: An array.
        padding: ``(left, right)`` for the last axis, ``(left, right, top, bottom)`` for the last
            two, and so on; a number: at both ends of all axes behind the first two. Negative ones
            take elements away.
        mode: ``"constant"``; ``"reflect"`` without the outermost element; ``"replicate"``: the
            outermost element again; ``"circular"``: from the other end.
        value: For ``"constant"``.

    Raises:
        ShapeError: if `x` has too few axes, or an end has fewer elements than are taken away.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[1.0, 2.0, 3.0]])
        >>> rt.nn.pad(x, (2, 1), "reflect").tolist()
        [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]
        >>> rt.nn.pad(x, (-1, 0, 0, 1), value=9.0).tolist()
        [[2.0, 3.0], [9.0, 9.0]]
    """
    _check("pad", padding, mode)
    return _padded("pad", rt.asarray(x), padding, mode, value)


def Pad(
    padding: Any, mode: str = "constant", value: float = 0.0, *, data_format: str = "NCHW"
) -> Layer:
    """The layer of `pad`: PyTorch's ZeroPad, ConstantPad, ReflectionPad and the others.

    Args:
        padding: As of `pad`: a number for all spatial axes, or pairs beginning at the last one.
        mode: ``"constant"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        value: For ``"constant"``.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.Pad((1, 1, 2, 0), "replicate").apply({}, {}, rt.ones((1, 3, 4, 4)))[0].shape
        (1, 3, 6, 6)
    """
    _check("Pad", padding, mode)
    if data_format not in ("NCHW", "NHWC"):
        raise ArgumentError(f"[Pad] data_format: expected 'NCHW' or 'NHWC', got {data_format!r}")

    def call(params: Any, x: Any) -> rt.Array:
        if data_format == "NCHW":
            return _padded("Pad", x, padding, mode, value)
        n = x.ndim - 2
        out: rt.Array = channels_last(_padded("Pad", channels_first(x, n), padding, mode, value), n)
        return out

    return stateless(None, call)


def _check(name: str, padding: Any, mode: str) -> None:
    if mode not in MODES:
        raise ArgumentError(f"[{name}] mode: expected one of {list(MODES)}, got {mode!r}")
    if isinstance(padding, int):
        return
    ok = isinstance(padding, (tuple, list)) and len(padding) % 2 == 0
    if not ok or not all(isinstance(p, int) for p in padding):
        raise ArgumentError(
            f"[{name}] padding: expected an int, or pairs (low, high) beginning at the last axis, "
            f"got {padding!r}"
        )


def _padded(name: str, x: Any, padding: Any, mode: str, value: float) -> rt.Array:
    around = _around(name, x, padding)
    kept = []
    for n, (low, high) in zip(x.shape, around, strict=True):
        first, end = max(-low, 0), n - max(-high, 0)
        if first > end:
            raise ShapeError(f"[{name}] x: {describe(x)} has fewer elements than {padding} takes")
        kept.append(slice(first, end))
    more = [(max(low, 0), max(high, 0)) for low, high in around]
    x = x[tuple(kept)]
    if mode == "constant":
        return rt.pad(x, more, constant_values=value)
    if any(n == 0 and any(ends) for n, ends in zip(x.shape, more, strict=True)):
        raise ShapeError(f"[{name}] x: mode={mode!r} continues no empty axis, got {describe(x)}")
    return rt.pad(x, more, mode=MODES[mode])


def _around(name: str, x: Any, padding: Any) -> Pads:
    """A pair for each axis, beginning at the first."""
    if isinstance(padding, int):
        if x.ndim < 3:
            raise ShapeError(
                f"[{name}] x: a number pads all axes behind the first two, which {describe(x)} "
                "has not; state pairs instead"
            )
        return ((0, 0),) * 2 + ((padding, padding),) * (x.ndim - 2)
    pairs = list(zip(padding[::2], padding[1::2], strict=True))[::-1]
    if len(pairs) > x.ndim:
        raise ShapeError(f"[{name}] padding: {len(pairs)} pairs for {describe(x)}")
    return ((0, 0),) * (x.ndim - len(pairs)) + tuple(pairs)
