"""What the arguments of convolution and pooling have in common."""

from __future__ import annotations

from typing import Any, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, describe

Ints: TypeAlias = tuple[int, ...]
Pads: TypeAlias = tuple[tuple[int, int], ...]

AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def per_axis(name: str, argument: str, value: Any, n: int, least: int = 1) -> Ints:
    """`value` for each of `n` spatial axes: one number for all, or one each."""
    values = (value,) * n if isinstance(value, int) else value
    ok = isinstance(values, (tuple, list)) and len(values) == n
    if not ok or not all(isinstance(v, int) and v >= least for v in values):
        raise ArgumentError(
            f"[{name}] {argument}: expected a number of {least} or more, or {n} of them, got "
            f"{value!r}"
        )
    return tuple(values)


def check_format(name: str, data_format: str, n: int) -> bool:
    """Whether the channels come last; ``"NCHW"`` and ``"NHWC"`` stand for any number of axes."""
    letters = "DHW"[3 - n :]
    first, last = {"NCHW", f"NC{letters}", "NCL"}, {"NHWC", f"N{letters}C", "NLC"}
    if data_format not in first | last:
        raise ArgumentError(f"[{name}] data_format: expected 'NCHW' or 'NHWC', got {data_format!r}")
    return data_format in last


def channels_first(x: Any, n: int) -> Any:
    """`x` with its channels moved from the last axis to before the `n` spatial ones."""
    return rt.moveaxis(x, -1, -1 - n)


def channels_last(x: Any, n: int) -> Any:
    """`x` with its channels moved behind the `n` spatial axes."""
    return rt.moveaxis(x, -1 - n, -1)


def check_input(name: str, x: Any, n: int, last: bool = False, unbatched: bool = True) -> None:
    """Raise unless `x` has a batch axis (or none), channels and `n` spatial axes."""
    if not isinstance(getattr(x, "shape", None), tuple):
        raise ArgumentError(f"[{name}] x: expected an array, got {describe(x)}")
    if len(x.shape) != n + 2 and not (unbatched and len(x.shape) == n + 1):
        wanted = f"batch, {AXES[n]}, channels" if last else f"batch, channels, {AXES[n]}"
        more = ", with or without the batch" if unbatched else ""
        raise ShapeError(f"[{name}] x: expected shape ({wanted}){more}, got {describe(x)}")
