"""What the array API standard asks of a namespace about itself."""

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.backend import CPU, Device, as_device, devices
from rtorch.core.dtypes import DType

__all__ = ["__array_namespace_info__"]

_STANDARD = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip


class __array_namespace_info__:  # noqa: N801 - the standard's name
    """Capabilities, devices and dtypes of the namespace, after the array API standard 2024.12.

    Example:
        >>> import rtorch as rt
        >>> rt.__array_namespace_info__().default_dtypes()["integral"]
        dtype('int64')
    """

    def capabilities(self) -> dict[str, Any]:
        """Boolean indices and shapes that depend on data work (eagerly); arrays have <= 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """Where new arrays are made."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of what has none of its own; see `default_dtype`."""
        if device is not None:
            as_device(device)
        return {
            "real floating": dtypes.default_dtype(),
            "complex floating": dtypes.default_complex(),
            "integral": dtypes.int64,
            "indexing": dtypes.int64,
        }

    def devices(self) -> list[Device]:
        """The devices there are."""
        return list(devices())

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The standard's dtypes by name, those of `kind` (a name or a tuple, as in `isdtype`)."""
        if device is not None:
            as_device(device)
        found = {name: dtypes.canonical(name) for name in _STANDARD}
        if kind is None:
            return found
        return {name: dtype for name, dtype in found.items() if dtypes.isdtype(dtype, kind)}
