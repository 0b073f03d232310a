"""NumPy on the CPU, CuPy on NVIDIA GPUs: where an array lives and how it moves.

Only primitives' ``impl`` and the compiler see the modules that this file hands out.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from rtorch.errors import ArgumentError, DeviceError, MissingDependencyError


class Device(NamedTuple):
    """A place where arrays live: ``cpu`` or ``cuda:0``, ``cuda:1``, ...

    Example:
        >>> import rtorch as rt
        >>> device = rt.ones(2).device
        >>> device, device.kind, str(rt.Device("cuda", 1))
        (Device('cpu'), 'cpu', 'cuda:1')
    """

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.number}"

    def __repr__(self) -> str:
        return f"Device('{self}')"


CPU = Device("cpu")


@functools.cache
def cupy() -> Any:
    """The CuPy module; an error that says what to install when there is none."""
    try:
        import cupy as module
    except ImportError:
        raise MissingDependencyError(
            "[device] a CUDA device needs CuPy: pip install 'rtorch[cuda13]' (or 'rtorch[cuda12]')"
        ) from None
    return module


def devices() -> list[Device]:
    """All devices of this machine, the CPU first.

    Example:
        >>> import rtorch as rt
        >>> rt.devices()[0]
        Device('cpu')
    """
    try:
        module = cupy()
        count = module.cuda.runtime.getDeviceCount() if module.cuda.is_available() else 0
    except MissingDependencyError:
        count = 0
    return [CPU, *(Device("cuda", i) for i in range(count))]


def as_device(device: Any) -> Device:
    """A `Device` from a Device or from text such as ``"cpu"``, ``"cuda"``, ``"cuda:1"``."""
    if isinstance(device, Device):
        return device
    if device == "cpu":
        return CPU
    if isinstance(device, str):
        kind, _, index = device.partition(":")
        if kind in ("cuda", "gpu") and (index or "0").isdigit():
            return Device("cuda", int(index or 0))
    raise ArgumentError(f"[device] expected 'cpu', 'cuda' or 'cuda:N', got {device!r}")


def module_of(data: Any) -> Any:
    """The array module (NumPy or CuPy) that `data` belongs to."""
    return np if isinstance(data, (ndarray, np.generic)) else cupy()


def module_for(device: Device) -> Any:
    """The array module that makes arrays on `device`."""
    return np if device.kind == "cpu" else cupy()


def device_of(data: Any) -> Device:
    if isinstance(data, (ndarray, np.generic)):
        return CPU
    return Device("cuda", int(data.device.id))


def is_raw_array(x: Any) -> bool:
    """Whether `x` is an array of NumPy or CuPy."""
    return isinstance(x, ndarray) or type(x).__module__.partition(".")[0] == "cupy"


def to_numpy(data: Any) -> ndarray[Any, Any]:
    return data if isinstance(data, ndarray) else cupy().asnumpy(data)


def transfer(data: Any, device: Device) -> Any:
    """`data` on `device`: itself when it is there already, a copy otherwise."""
    if device_of(data) == device:
        return data
    if device.kind == "cpu":
        return to_numpy(data)
    module = cupy()
    try:
        with module.cuda.Device(device.number):
            return module.asarray(data)
    except module.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(f"[device_put] cannot use {device}: {error}") from None
