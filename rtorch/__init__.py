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

from typing import TYPE_CHECKING

# First: deep in the imports below, CPython 3.11 spends 10 ms more on it (its stack of frames grows
# in chunks, and calls to and fro across the end of one are slow).
import numpy as _  # noqa: F401

from rtorch import errors as errors, numpy as _numpy
from rtorch.core.array import Array as Array
from rtorch.core.aval import Aval as Aval, spec as spec
from rtorch.core.backend import Device as Device, devices as devices
from rtorch.core.dtypes import (
    bool_ as bool,
    bool_ as bool_,
    complex64 as complex64,
    complex128 as complex128,
    default_dtype as default_dtype,
    finfo as finfo,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    iinfo as iinfo,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    isdtype as isdtype,
    promote_types as promote_types,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from rtorch.core.late import late
from rtorch.errors import full_tracebacks as full_tracebacks
from rtorch.numpy.operands import result_type as result_type
from rtorch.transforms.vjp import grad as grad, value_and_grad as value_and_grad, vjp as vjp

__version__ = "0.1.0"
__array_api_version__ = "2024.12"

pi, e, inf, nan, newaxis = 3.141592653589793, 2.718281828459045, float("inf"), float("nan"), None
euler_gamma = 0.5772156649015329

if TYPE_CHECKING:
    from rtorch import (
        data as data,
        debug as debug,
        export as export,
        fft as fft,
        io as io,
        linalg as linalg,
        monitor as monitor,
        nn as nn,
        optim as optim,
        random as random,
        solvers as solvers,
        special as special,
        testing as testing,
        tree as tree,
    )
    from rtorch.core.dtypes import bfloat16 as bfloat16
    from rtorch.core.program import (
        Program as Program,
        check_program as check_program,
        eval_program as eval_program,
    )
    from rtorch.io import load as load, save as save
    from rtorch.numpy import *
    from rtorch.numpy.devices import (
        block_until_ready as block_until_ready,
        device_put as device_put,
    )
    from rtorch.numpy.info import __array_namespace_info__ as __array_namespace_info__
    from rtorch.numpy.sliding import (
        conv_general_dilated as conv_general_dilated,
        window_argmax as window_argmax,
        window_max as window_max,
    )
    from rtorch.profiling import profile as profile
    from rtorch.testing import check_grads as check_grads
    from rtorch.transforms.associative_scan import associative_scan as associative_scan
    from rtorch.transforms.callbacks import (
        io_callback as io_callback,
        pure_callback as pure_callback,
    )
    from rtorch.transforms.checkpoint import (
        checkpoint as checkpoint,
        checkpoint_name as checkpoint_name,
        checkpoint_policies as checkpoint_policies,
        remat as remat,
    )
    from rtorch.transforms.closure_convert import closure_convert as closure_convert
    from rtorch.transforms.collectives import (
        all_gather as all_gather,
        all_to_all as all_to_all,
        axis_index as axis_index,
        axis_size as axis_size,
        pmax as pmax,
        pmean as pmean,
        pmin as pmin,
        ppermute as ppermute,
        pshuffle as pshuffle,
        psum as psum,
        psum_scatter as psum_scatter,
        pvary as pvary,
    )
    from rtorch.transforms.cond import cond as cond, switch as switch
    from rtorch.transforms.custom_batching import custom_batching as custom_batching
    from rtorch.transforms.custom_jvp import custom_jvp as custom_jvp
    from rtorch.transforms.custom_vjp import (
        custom_gradient as custom_gradient,
        custom_vjp as custom_vjp,
    )
    from rtorch.transforms.jacobian import (
        hessian as hessian,
        jacfwd as jacfwd,
        jacobian as jacobian,
        jacrev as jacrev,
    )
    from rtorch.transforms.jit import disable_jit as disable_jit, jit as jit
    from rtorch.transforms.linear import (
        gnvp as gnvp,
        hvp as hvp,
        jvp as jvp,
        linear_transpose as linear_transpose,
        linearize as linearize,
        vhp as vhp,
    )
    from rtorch.transforms.linear_call import linear_call as linear_call
    from rtorch.transforms.linear_solve import custom_linear_solve as custom_linear_solve
    from rtorch.transforms.loops import fori_loop as fori_loop, map as map, scan as scan
    from rtorch.transforms.nans import debug_infs as debug_infs, debug_nans as debug_nans
    from rtorch.transforms.programs import eval_shape as eval_shape, make_program as make_program
    from rtorch.transforms.root import custom_root as custom_root
    from rtorch.transforms.scopes import named_scope as named_scope
    from rtorch.transforms.sparse import (
        SparseMatrix as SparseMatrix,
        sparse_hessian as sparse_hessian,
        sparse_jacobian as sparse_jacobian,
    )
    from rtorch.transforms.sparsity import sparsity_pattern as sparsity_pattern
    from rtorch.transforms.vectorize import (
        apply_along_axis as apply_along_axis,
        apply_over_axes as apply_over_axes,
        vectorize as vectorize,
    )
    from rtorch.transforms.vmap import vmap as vmap
    from rtorch.transforms.while_loop import while_loop as while_loop
    from rtorch.visual import show as show

_LATE_MODULES = (
    "data",
    "debug",
    "export",
    "fft",
    "io",
    "linalg",
    "monitor",
    "nn",
    "optim",
    "random",
    "solvers",
    "special",
    "testing",
    "tree",
)

if not TYPE_CHECKING:  # which takes what is imported above as itself
    __all__ = [
        "Array",
        "Aval",
        "Device",
        "Program",
        "SparseMatrix",
        "all_gather",
        "all_to_all",
        "apply_along_axis",
        "apply_over_axes",
        "associative_scan",
        "axis_index",
        "axis_size",
        "bfloat16",
        "block_until_ready",
        "bool",
        "bool_",
        "check_grads",
        "check_program",
        "checkpoint",
        "checkpoint_name",
        "checkpoint_policies",
        "closure_convert",
        "complex64",
        "complex128",
        "cond",
        "conv_general_dilated",
        "custom_batching",
        "custom_gradient",
        "custom_jvp",
        "custom_linear_solve",
        "custom_root",
        "custom_vjp",
        "data",
        "debug",
        "debug_infs",
        "debug_nans",
        "default_dtype",
        "device_put",
        "devices",
        "disable_jit",
        "e",
        "errors",
        "euler_gamma",
        "eval_program",
        "eval_shape",
        "export",
        "fft",
        "finfo",
        "float16",
        "float32",
        "float64",
        "fori_loop",
        "full_tracebacks",
        "gnvp",
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
        "io_callback",
        "isdtype",
        "jacfwd",
        "jacobian",
        "jacrev",
        "jit",
        "jvp",
        "linalg",
        "linear_call",
        "linear_transpose",
        "linearize",
        "load",
        "make_program",
        "map",
        "monitor",
        "named_scope",
        "nan",
        "newaxis",
        "nn",
        "optim",
        "pi",
        "pmax",
        "pmean",
        "pmin",
        "ppermute",
        "profile",
        "promote_types",
        "pshuffle",
        "psum",
        "psum_scatter",
        "pure_callback",
        "pvary",
        "random",
        "remat",
        "result_type",
        "save",
        "scan",
        "show",
        "solvers",
        "sparse_hessian",
        "sparse_jacobian",
        "sparsity_pattern",
        "spec",
        "special",
        "switch",
        "testing",
        "tree",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "value_and_grad",
        "vectorize",
        "vhp",
        "vjp",
        "vmap",
        "while_loop",
        "window_argmax",
        "window_max",
        *_numpy.__all__,
    ]
    globals().update({name: getattr(_numpy, name) for name in _numpy.EARLY})
    __getattr__ = late(
        "rtorch",
        {
            **{f"rtorch.{name}": (name,) for name in _LATE_MODULES},
            "rtorch.testing": ("testing", "check_grads"),
            **_numpy.LATE,
            "rtorch.core.dtypes": ("bfloat16",),
            "rtorch.core.program": ("Program", "check_program", "eval_program"),
            "rtorch.transforms.collectives": (
                "all_gather",
                "all_to_all",
                "axis_index",
                "axis_size",
                "pmax",
                "pmean",
                "pmin",
                "ppermute",
                "pshuffle",
                "psum",
                "psum_scatter",
                "pvary",
            ),
            "rtorch.transforms.checkpoint": (
                "checkpoint",
                "checkpoint_name",
                "checkpoint_policies",
                "remat",
            ),
            "rtorch.transforms.closure_convert": ("closure_convert",),
            "rtorch.transforms.custom_batching": ("custom_batching",),
            "rtorch.transforms.custom_jvp": ("custom_jvp",),
            "rtorch.transforms.custom_vjp": ("custom_gradient", "custom_vjp"),
            "rtorch.transforms.jit": ("disable_jit", "jit"),
            "rtorch.transforms.nans": ("debug_infs", "debug_nans"),
            "rtorch.numpy.info": ("__array_namespace_info__",),
            "rtorch.numpy.devices": ("block_until_ready", "device_put"),
            "rtorch.numpy.sliding": ("conv_general_dilated", "window_argmax", "window_max"),
            "rtorch.transforms.vectorize": (
                "apply_along_axis",
                "apply_over_axes",
                "vectorize",
            ),
            "rtorch.transforms.associative_scan": ("associative_scan",),
            "rtorch.transforms.cond": ("cond", "switch"),
            "rtorch.transforms.linear_call": ("linear_call",),
            "rtorch.transforms.linear_solve": ("custom_linear_solve",),
            "rtorch.transforms.root": ("custom_root",),
            "rtorch.transforms.loops": ("fori_loop", "map", "scan"),
            "rtorch.transforms.vmap": ("vmap",),
            "rtorch.transforms.callbacks": ("io_callback", "pure_callback"),
            "rtorch.transforms.scopes": ("named_scope",),
            "rtorch.transforms.while_loop": ("while_loop",),
            "rtorch.transforms.programs": ("eval_shape", "make_program"),
            "rtorch.io": ("io", "load", "save"),
            "rtorch.transforms.jacobian": ("hessian", "jacfwd", "jacobian", "jacrev"),
            "rtorch.transforms.linear": (
                "gnvp",
                "hvp",
                "jvp",
                "linear_transpose",
                "linearize",
                "vhp",
            ),
            "rtorch.profiling": ("profile",),
            "rtorch.visual": ("show",),
            "rtorch.transforms.sparsity": ("sparsity_pattern",),
            "rtorch.transforms.sparse": ("SparseMatrix", "sparse_hessian", "sparse_jacobian"),
        },
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *globals()["__all__"]})
