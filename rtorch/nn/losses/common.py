"""What all losses share: operands of one shape and a floating dtype, and the reductions.

Numbers of 16 bits are computed in float32 and rounded at the end: a small `eps` would be lost in
float16, and sums and squares would overflow.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    describe,
)

__all__ = [
    "class_numbers",
    "integers",
    "non_negative",
    "operands",
    "positive_part",
    "reduce_losses",
    "same_shape",
    "widened",
]


_COMPUTED_IN = (rt.float32, rt.float64)


def operands(**arrays: Any) -> tuple[Any, list[rt.Array]]:
    """The dtype of the loss, and arrays of one shape in the dtype to compute with."""
    dtype, found = widened(**arrays)
    shape = found[0].shape
    if any(x.shape != shape for x in found):
        same_shape(**dict(zip(arrays, found, strict=True)))
    return dtype, found


def widened(**arrays: Any) -> tuple[Any, list[rt.Array]]:
    """The floating dtype common to the arrays, and them in at least float32."""
    found = [rt.asarray(x) for x in arrays.values()]
    dtype = found[0].dtype
    if dtype in _COMPUTED_IN and all(x.dtype == dtype for x in found):  # nothing to do
        return dtype, found
    for name, x in zip(arrays, found, strict=True):
        if not rt.isdtype(x.dtype, ("bool", "integral", "real floating")):
            raise DTypeError(f"{name}: expected real numbers, got {describe(x)}")
    dtype = rt.result_type(*found)
    if not rt.isdtype(dtype, "real floating"):
        dtype = rt.default_dtype()
    wide = rt.result_type(dtype, rt.float32)
    return dtype, [x.astype(wide) for x in found]


def same_shape(**arrays: Any) -> None:
    """Refuse arrays of different shapes; nothing is broadcast."""
    if len({x.shape for x in arrays.values()}) > 1:
        names, kinds = list(arrays), [describe(x) for x in arrays.values()]
        raise ShapeError(
            f"{', '.join(names[:-1])} and {names[-1]} must have the same shape, got "
            f"{', '.join(kinds[:-1])} and {kinds[-1]}"
        )


def reduce_losses(
    losses: rt.Array, reduction: str, dtype: Any, counts: rt.Array | None = None
) -> rt.Array:
    """All losses, their sum or their mean; `counts` says how much each counts in the mean."""
    if reduction == "sum":
        losses = rt.sum(losses)
    elif reduction == "mean":
        losses = rt.mean(losses) if counts is None else rt.sum(losses) / rt.sum(counts)
    elif reduction != "none":
        raise ArgumentError(f"reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")
    return losses if losses.dtype == dtype else losses.astype(dtype)


def integers(name: str, x: Any) -> rt.Array:
    """`x` as an array of integers."""
    x = rt.asarray(x)
    if not rt.isdtype(x.dtype, "integral"):
        raise DTypeError(f"{name}: expected integers (class numbers), got {describe(x)}")
    return x


def class_numbers(labels: Any, scores: rt.Array) -> rt.Array:
    """Labels that fit scores with the classes along the last axis."""
    labels = integers("labels", labels)
    if scores.ndim == 0 or labels.shape != scores.shape[:-1]:
        raise ShapeError(
            f"labels: expected shape {scores.shape[:-1]} for scores of shape {scores.shape}, with "
            f"the classes along the last axis, got {describe(labels)}"
        )
    return labels


def non_negative(**options: Any) -> None:
    """Refuse options below zero."""
    for name, value in options.items():
        if value < 0:
            raise ArgumentError(f"{name}: expected a number of at least 0, got {value!r}")


def positive_part(x: rt.Array) -> rt.Array:
    """``max(x, 0)``, with slope 1 at 0 (as PyTorch's clamp has it) and not a half."""
    return rt.where(x < 0, 0.0, x)
