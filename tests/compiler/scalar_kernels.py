"""Kernels of one scalar operation, for tests of the operations themselves."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from rtorch.compiler.native import build, scalars
from rtorch.compiler.native.target import Target, host, target_of
from rtorch.compiler.native.text import Function, Value, module

LINUX = "x86_64-unknown-linux-gnu"
AVX2 = "+sse4.1,+avx,+avx2,+fma,+f16c"
TARGETS = {
    "sse2": target_of(LINUX, "x86-64", "+sse2"),
    "avx2": target_of(LINUX, "haswell", AVX2),
    "avx512": target_of(LINUX, "skylake-avx512", AVX2 + ",+avx512f,+avx512vl,+avx512bw,+avx512dq"),
    "neoverse": target_of("aarch64-unknown-linux-gnu", "neoverse-n1", ""),
    "apple": target_of("arm64-apple-macosx14.0.0", "apple-m1", ""),
    "windows": target_of("x86_64-pc-windows-msvc", "haswell", AVX2),
}

PREDICATES = {"eq", "ne", "lt", "le", "gt", "ge", "is_nan", "is_inf", "is_finite", "signbit"}
BINARY = {
    "add", "sub", "mul", "div", "and", "or", "xor", "shift_left", "shift_right", "mul_no_nan",
    "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge", "copysign", "floor_divide",
    "remainder", "fmod", "logaddexp", "xlogy", "xlog1py", "atan2", "hypot", "pow", "nextafter",
    "step",
}  # fmt: skip


def operands(op: str, dtype: str) -> tuple[str, ...]:
    """The dtypes of what an operation takes."""
    if op == "select":
        return ("bool", dtype, dtype)
    return (dtype, dtype) if op in BINARY else (dtype,)


def print_kernel(
    name: str, op: str, dtypes: tuple[str, ...], out: str, lanes: int, target: Target, extra: Any
) -> Function:
    """``result[i] = op(x[i], ...)``, `lanes` at a time; the result is the last argument."""
    f = Function(name, "ptr %args, i64 %first, i64 %last", target)
    bases = [f.pointer("%args", k) for k in range(len(dtypes) + 1)]
    with f.loop(Value("%first", "i64"), Value("%last", "i64"), lanes) as i:
        xs = []
        for base, dtype in zip(bases, dtypes, strict=False):
            kind = scalars.IN_MEMORY[dtype]
            xs.append(scalars.from_memory(f, f.load(f.at(base, i, kind), kind, lanes), dtype))
        y = scalars.emit(f, op, dtypes[0], xs, extra)
        kind = scalars.IN_MEMORY[out]
        f.store(f.at(bases[-1], i, kind), scalars.to_memory(f, y, out))
    f.ret()
    return f


@functools.cache
def compiled(
    op: str, dtypes: tuple[str, ...], out: str, lanes: int, extra: Any, target: Target | None
) -> Callable[..., None]:
    target = target or host()
    f = print_kernel("kernel", op, dtypes, out, lanes, target, extra)
    code = build.compile_object(module([f], target), target)
    address = build.link(code, ["kernel"], {})["kernel"]
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)


def as_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def run(
    op: str,
    *xs: np.ndarray[Any, Any],
    lanes: int = 8,
    out: str | None = None,
    extra: Any = None,
    target: Target | None = None,
) -> np.ndarray[Any, Any]:
    """An operation on flat arrays of the same length."""
    dtypes = tuple(str(x.dtype) for x in xs)
    out = out or ("bool" if op in PREDICATES else dtypes[-1])
    function = compiled(op, dtypes, out, lanes, extra, target)
    n = len(xs[0])
    rounded = -(-n // lanes) * lanes
    padded = [np.concatenate([x, np.ones(rounded - n, x.dtype)]) for x in xs]
    y = np.empty(rounded, as_dtype(out))
    table = (ctypes.c_void_p * (len(xs) + 1))(*[x.ctypes.data for x in padded], y.ctypes.data)
    function(ctypes.addressof(table), 0, rounded)
    return y[:n]
