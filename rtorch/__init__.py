"""rtorch: a functional array library with composable transformations, on NumPy and CuPy.

Pure functions over immutable arrays; `grad`, `vjp`, `jvp`, `vmap` and `jit` that nest in any
order; layers as init/apply pairs (`rtorch.nn`); stateless optimizers (`rtorch.optim`); pytrees
(`rtorch.tree`) saved as ``.npz`` (`save`, `load`).

Example:
    >>> import rtorch as rt
    >>> float(rt.grad(rt.sin)(0.0))
    1.0
"""

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
from rtorch import errors, tree
from rtorch.numpy import *  # noqa: F403 - the array namespace, listed in rtorch.numpy.__all__
from rtorch.numpy import __all__ as _numpy_names
from rtorch.numpy.operands import result_type
