"""Which dtypes there are, and what two of them make together.

A dtype is a `numpy.dtype`; bfloat16 comes from ``ml_dtypes``, which is imported when it is first
asked for or met. What the user gives is kept:
float64 stays float64. `default_dtype` only decides what has no dtype of its own, such as Python
floats and ``zeros(3)``.

Promotion is the least upper bound in the lattice below (it is JAX's and, on its floats,
PyTorch's). Python scalars are *weak* (``i*``, ``f*``, ``c*``): they take the width of what they
meet::

    bool -> i* -> u8 -> u16 -> u32 -> u64 -> f* -> bf16, f16 -> f32 -> f64 -> c128
                  i8 -> i16 -> i32 -> i64 ---^       ^           |
                  (u8 -> i16, u16 -> i32, u32 -> i64)            f* -> c* -> c64 -> c128
"""

from __future__ import annotations

import functools
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

import numpy as np

from rtorch.errors import DTypeError, api

DType: TypeAlias = np.dtype[Any]

bool_ = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{n}") for n in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{n}") for n in (16, 32, 64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
bfloat16: DType  # see `__getattr__`

SIGNED: frozenset[DType] = frozenset({int8, int16, int32, int64})
UNSIGNED: frozenset[DType] = frozenset({uint8, uint16, uint32, uint64})
INTEGERS: frozenset[DType] = SIGNED | UNSIGNED
COMPLEXES: frozenset[DType] = frozenset({complex64, complex128})
# These may come to contain bfloat16.
HALVES: set[DType] = {float16}
FLOATS: set[DType] = {float16, float32, float64}
REAL: set[DType] = FLOATS | INTEGERS
ORDERED: set[DType] = REAL | {bool_}
INEXACT: set[DType] = FLOATS | COMPLEXES
NUMERIC: set[DType] = INEXACT | INTEGERS
ALL: set[DType] = NUMERIC | {bool_}

SHORT_NAMES = {
    bool_: "bool", int8: "i8", int16: "i16", int32: "i32", int64: "i64",
    uint8: "u8", uint16: "u16", uint32: "u32", uint64: "u64",
    float16: "f16", float32: "f32", float64: "f64",
    complex64: "c64", complex128: "c128",
}  # fmt: skip

# Each node's immediate successors. Weak kinds are strings, the rest are dtypes.
_Node: TypeAlias = "DType | str"
_EDGES: dict[_Node, tuple[_Node, ...]] = {
    bool_: ("i*",),
    "i*": (uint8, int8),
    uint8: (int16, uint16), uint16: (int32, uint32), uint32: (int64, uint64), uint64: ("f*",),
    int8: (int16,), int16: (int32,), int32: (int64,), int64: ("f*",),
    "f*": (float16, "c*"),
    float16: (float32,), float32: (float64, complex64), float64: (complex128,),
    "c*": (complex64,), complex64: (complex128,), complex128: (),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "bfloat16":
        return _load_bfloat16()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load_bfloat16() -> DType:
    """Import bfloat16 and enter it into the tables."""
    global bfloat16
    import ml_dtypes

    found = np.dtype(ml_dtypes.bfloat16)
    SHORT_NAMES[found] = "bf16"
    _COMPLEX_OF[found] = complex64
    _EDGES[found] = (float32,)
    _EDGES["f*"] = (found, float16, "c*")
    for kind in (HALVES, FLOATS, REAL, ORDERED, INEXACT, NUMERIC, ALL):
        kind.add(found)
    for cached in (_upper, _join, _canonical):
        cached.cache_clear()
    bfloat16 = found  # last: other threads take it for a sign that the tables are complete
    return bfloat16


def is_bfloat16(dtype: DType) -> bool:
    """Whether `dtype` is bfloat16, which is not imported for this question."""
    return dtype.kind == "V"


_default_float = float32


def default_dtype(dtype: Any = None) -> DType:
    """The dtype of what has none of its own (Python floats, ``zeros(3)``): float32 at first.

    Called with a dtype, makes that the default; arrays that exist keep theirs.

    Example:
        >>> import rtorch as rt
        >>> rt.default_dtype()
        dtype('float32')
        >>> rt.asarray(1.5).dtype
        dtype('float32')
    """
    global _default_float
    if dtype is not None:
        chosen = canonical(dtype)
        if chosen not in FLOATS:
            raise DTypeError(f"[default_dtype] expected a floating dtype, got {chosen}")
        _default_float = chosen
    return _default_float


def default_complex() -> DType:
    return complex128 if _default_float is float64 else complex64


_PYTHON_KINDS: dict[type, str] = {int: "i*", float: "f*", complex: "c*"}
PYTHON_SCALARS = (bool, int, float, complex)  # by rank


@functools.lru_cache(256)
def _canonical(dtype: Any) -> DType:
    if str(getattr(dtype, "__name__", dtype)) == "bfloat16" and "bfloat16" not in globals():
        _load_bfloat16()
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{dtype!r} is not a dtype; rtorch has {_known()}") from None
    known: DType
    # Our own instance, so that dtypes can be compared with `is`. A copy of the set, to which
    # another thread may be adding bfloat16.
    for known in tuple(ALL):
        if known == found:
            return known
    raise DTypeError(f"dtype {found} is not supported; rtorch has {_known()}")


def _known() -> str:
    return ", ".join(sorted({"bfloat16", *map(str, ALL)}))


def canonical(dtype: Any) -> DType:
    """`dtype` as rtorch's own instance; Python's float means the default dtype."""
    if dtype is float:
        return _default_float
    if dtype is complex:
        return default_complex()
    if dtype is int:
        return int64
    try:
        if dtype is None:  # which NumPy reads as float64
            raise TypeError
        return _canonical(dtype)
    except TypeError as error:
        if isinstance(error, DTypeError):
            raise
        raise DTypeError(f"{dtype!r} is not a dtype; rtorch has {_known()}") from None


def python_dtype(scalar: Any) -> DType:
    """The dtype a Python scalar has when it becomes an array on its own."""
    kind = type(scalar)
    if kind is float:
        return _default_float
    if kind is bool:
        return bool_
    return int64 if kind is int else default_complex()


def is_inexact(dtype: DType) -> bool:
    return dtype in INEXACT


@functools.cache
def _upper(node: _Node) -> frozenset[_Node]:
    """`node` and everything above it."""
    return frozenset({node}).union(*(_upper(up) for up in _EDGES[node]))


@functools.cache
def _join(a: _Node, b: _Node) -> _Node:
    common = _upper(a) & _upper(b)
    return next(n for n in common if common <= _upper(n))


def _node(dtype: DType, weak: bool) -> _Node:
    if not weak or dtype is bool_:
        return dtype
    if dtype in INTEGERS:
        return "i*"
    return "f*" if dtype in FLOATS else "c*"


def _dtype(node: _Node) -> tuple[DType, bool]:
    if node == "i*":
        return int64, True
    if node == "f*":
        return _default_float, True
    if node == "c*":
        return default_complex(), True
    assert not isinstance(node, str)
    return node, False


def promote(*operands: tuple[DType, bool]) -> tuple[DType, bool]:
    """The joint (dtype, weak) of operands given as (dtype, weak) pairs."""
    return _dtype(functools.reduce(_join, [_node(d, w) for d, w in operands]))


@api
def promote_types(a: Any, b: Any) -> DType:
    """The dtype that operands of dtypes `a` and `b` are converted to.

    Example:
        >>> import rtorch as rt
        >>> rt.promote_types(rt.int32, rt.float16)
        dtype('float16')
    """
    return promote((canonical(a), False), (canonical(b), False))[0]


def to_float(dtype: DType) -> DType:
    """The floating dtype that mathematics on `dtype` uses: itself, or the default for integers."""
    return dtype if dtype in INEXACT else _default_float


_REAL_OF: dict[DType, DType] = {complex64: float32, complex128: float64}
_COMPLEX_OF: dict[DType, DType] = {
    float32: complex64,
    float64: complex128,
    float16: complex64,
}


def real_dtype(dtype: DType) -> DType:
    """The dtype of the real part."""
    return _REAL_OF.get(dtype, dtype)


def complex_dtype(dtype: DType) -> DType:
    """The complex dtype whose parts hold `dtype`."""
    return dtype if dtype in COMPLEXES else _COMPLEX_OF[to_float(dtype)]


class finfo:  # noqa: N801 - NumPy's name
    """Limits of a floating or complex dtype, as `numpy.finfo` has them, as Python's own numbers.

    Args:
        dtype: A dtype, or an array of it.

    Attributes:
        bits, eps, max, min, smallest_normal, dtype: As the array API standard has them; NumPy's
            other attributes (``tiny``, ``resolution``, ...) are there too.

    Example:
        >>> import rtorch as rt
        >>> rt.finfo(rt.float32).eps
        1.1920928955078125e-07
    """

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float

    def __init__(self, dtype: Any) -> None:
        dtype = real_dtype(canonical(_dtype_of(dtype)))
        if dtype not in FLOATS:
            raise DTypeError(f"[finfo] expected a floating or complex dtype, got {dtype}")
        self.dtype: DType = dtype
        if is_bfloat16(dtype):
            import ml_dtypes

            self._limits: Any = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
        else:
            self._limits = np.finfo(dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._limits, name)
        return float(value) if isinstance(value, (np.generic, float)) else value

    def __repr__(self) -> str:
        return (
            f"finfo(bits={self.bits}, eps={self.eps}, max={self.max}, min={self.min}, "
            f"smallest_normal={self.smallest_normal}, dtype={self.dtype})"
        )


def _dtype_of(x: Any) -> Any:
    """The dtype of an array; anything else as it is."""
    return x if isinstance(x, (type, np.dtype)) else getattr(x, "dtype", x)


def iinfo(dtype: Any) -> Any:
    """Limits of an integer dtype (or of that of an array), as `numpy.iinfo`.

    Example:
        >>> import rtorch as rt
        >>> rt.iinfo(rt.int8).max
        127
    """
    dtype = canonical(_dtype_of(dtype))
    if dtype not in INTEGERS:
        raise DTypeError(f"[iinfo] expected an integer dtype, got {dtype}")
    return np.iinfo(dtype)


_KINDS: dict[str, AbstractSet[DType]] = {
    "bool": frozenset({bool_}),
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": INTEGERS,
    "real floating": FLOATS,
    "complex floating": COMPLEXES,
    "numeric": NUMERIC,
}


@api
def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of a kind: a dtype, a name of the array API standard, or a tuple of them.

    Example:
        >>> import rtorch as rt
        >>> rt.isdtype(rt.bfloat16, "real floating")
        True
    """
    dtype = canonical(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return dtype in _KINDS[kind]
    if isinstance(kind, str) and kind not in {str(d) for d in ALL}:
        raise DTypeError(f"[isdtype] expected a dtype or one of {sorted(_KINDS)}, got {kind!r}")
    return dtype is canonical(kind)
