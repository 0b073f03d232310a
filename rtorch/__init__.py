"""rtorch: a functional array library with composable transformations, on NumPy and CuPy.

Pure functions over immutable arrays; `grad`, `vjp`, `jvp`, `vmap` and `jit` that nest in any
order; layers as init/apply pairs (`rtorch.nn`); stateless optimizers (`rtorch.optim`); pytrees
(`rtorch.tree`) saved as ``.npz`` (`save`, `load`).

Example:
    >>> import rtorch as rt
    >>> float(rt.grad(rt.sin)(0.0))
    1.0
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rtorch import errors, tree
from rtorch import numpy as _numpy
from rtorch.core.array import Array
from rtorch.core.aval import Aval, spec
from rtorch.core.backend import Device, devices
from rtorch.core.dtypes import (
    bfloat16,
    bool_,
    complex64,
    complex128,
    default_dtype,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    isdtype,
    promote_types,
    uint8,
    uint16,
    uint32,
    uint64,
)
from rtorch.core.program import Program, check_program, eval_program
from rtorch.errors import full_tracebacks
from rtorch.numpy import *  # noqa: F403 - the array namespace, listed in rtorch.numpy.__all__
from rtorch.numpy.devices import block_until_ready, device_put
from rtorch.numpy.operands import result_type
from rtorch.transforms.jacobian import hessian, jacfwd, jacrev
from rtorch.transforms.jit import disable_jit, jit
from rtorch.transforms.linear import hvp, jvp, linear_transpose, linearize
from rtorch.transforms.programs import eval_shape, make_program
from rtorch.transforms.vjp import grad, value_and_grad, vjp
from rtorch.transforms.vmap import vmap

__version__ = "0.1.0"

pi, e, inf, nan, newaxis = 3.141592653589793, 2.718281828459045, float("inf"), float("nan"), None
jacobian = jacrev

if TYPE_CHECKING:
    from rtorch import io, nn, optim, random, testing
    from rtorch.io import load, save

# Imported when first used: a program that needs no layers does not wait for them.
_LAZY_MODULES = ("io", "nn", "optim", "random", "testing")
_LAZY_NAMES = {"load": "rtorch.io", "save": "rtorch.io"}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"rtorch.{name}")
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(_LAZY_NAMES[name]), name)
    raise AttributeError(f"module 'rtorch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY_MODULES, *_LAZY_NAMES])


__all__ = [
    "Array",
    "Aval",
    "Device",
    "Program",
    "bfloat16",
    "block_until_ready",
    "bool_",
    "check_program",
    "complex64",
    "complex128",
    "default_dtype",
    "device_put",
    "devices",
    "disable_jit",
    "e",
    "errors",
    "eval_program",
    "eval_shape",
    "finfo",
    "float16",
    "float32",
    "float64",
    "full_tracebacks",
    "grad",
    "hessian",
    "hvp",
    "iinfo",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "io",
    "isdtype",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linear_transpose",
    "linearize",
    "load",
    "make_program",
    "nan",
    "newaxis",
    "nn",
    "optim",
    "pi",
    "promote_types",
    "random",
    "result_type",
    "save",
    "spec",
    "testing",
    "tree",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "value_and_grad",
    "vjp",
    "vmap",
    *_numpy.__all__,
]
