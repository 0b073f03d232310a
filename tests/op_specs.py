"""One table of all primitives: how each is called, on what, and what NumPy says of it.

`SPECS` has one `OpSpec` per way of calling a primitive; `tests/ops/` asks one question of all of
them per file. A new primitive needs an entry here (`test_complete.py` says so).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import NormalDist
from typing import Any

import ml_dtypes
import numpy as np
import random_reference as scalar
import special_op_specs

import rtorch as rt
import rtorch.transforms.callbacks  # its primitives
from rtorch.core import dtypes
from rtorch.core.backend import CPU
from rtorch.core.primitive import Primitive
from rtorch.ops import load_all
from rtorch.transforms import load_all as load_transforms

load_all()
load_transforms()

BF16, F16, F32, F64 = dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64
C64, C128 = dtypes.complex64, dtypes.complex128
BOOL, I8, I32, I64, U8 = dtypes.bool_, dtypes.int8, dtypes.int32, dtypes.int64, dtypes.uint8

FLOATS = (F64, F32, F16, BF16)
COMPLEX = (C128, C64)
INTS = (I8, dtypes.int16, I32, I64, U8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
INEXACT = FLOATS + COMPLEX
REAL = FLOATS + INTS
NUMBERS = INEXACT + INTS
ALL = (*NUMBERS, BOOL)

# Primitives without an entry, and why.
EXEMPT = {
    "call": "it holds a Program: the tests of jit and of its compositions are its tests",
    "checkpoint_name": "the identity; tests/transforms/test_checkpoint.py",
    "custom_batching": "it holds functions of the user's: tests/transforms/test_custom_batching.py",
    "custom_jvp": "it holds functions of the user's: tests/transforms/test_custom_jvp.py",
    "custom_vjp": "it holds functions of the user's: tests/transforms/test_custom_vjp.py",
    "dynamic": "it holds a Python function; tests/transforms/test_loops.py",
    "fused": "only the compiler makes it: tests/compiler",
    "effect": "it has no results; tests/test_debug.py",
    "linear_map": "it holds Programs; tests/transforms/test_linear_call.py",
    "linear_solve": "it holds Programs; tests/transforms/test_linear_solve.py",
    "root": "it holds Programs; tests/transforms/test_root.py",
    **dict.fromkeys(
        (
            "all_gather",
            "all_to_all",
            "axis_index",
            "axis_slice",
            "pmax",
            "pmin",
            "ppermute",
            "psum",
            "psum_scatter",
            "pvary",
        ),
        "it works between the lanes of a named axis; tests/transforms/test_named_axes.py",
    ),
    "io_callback": "it holds a Python function; tests/transforms/test_callbacks.py",
    "pure_callback": "it holds a Python function; tests/transforms/test_callbacks.py",
    "remat": "it holds a Program; tests/transforms/test_checkpoint.py",
    "scan": "it holds a Program; tests/transforms/test_loops.py",
    "split": "it has as many results as pieces; tests/numpy/test_manipulation.py",
    "switch": "it holds Programs; tests/transforms/test_loops.py",
    "unstack": "it has as many results as slices; tests/numpy/test_manipulation.py",
    "while_loop": "it holds Programs; tests/transforms/test_loops.py",
} | special_op_specs.EXEMPT


# ---- operands ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operand:
    """How one operand is drawn: numbers of a domain, all different, or given ones."""

    shape: tuple[int, ...]
    domain: tuple[float, float] = (-2.0, 2.0)
    dtype: Any = None  # None: that of the case
    values: Any = None  # these, instead of random ones

    def draw(self, rng: np.random.Generator, dtype: Any, shape: Any = None) -> np.ndarray:
        dtype = self.dtype or dtype
        shape = self.shape if shape is None else shape
        if self.values is not None:
            return np.broadcast_to(np.asarray(self.values, dtype), shape).copy()
        if dtype == BOOL:
            return rng.integers(0, 2, shape).astype(bool)
        if dtype in dtypes.INTEGERS:
            low, high = self.domain
            low = max(low, 0) if dtype in dtypes.UNSIGNED else low
            return rng.integers(int(low), int(high) + 1, shape).astype(dtype)
        values: Any = self._spread(rng, shape)
        if dtype in dtypes.COMPLEXES:
            values = values + 1j * self._spread(rng, shape)
        return np.asarray(values).astype(dtype)

    def _spread(self, rng: np.random.Generator, shape: Any) -> Any:
        """Numbers of the domain at a distance from each other: no ties, no kinks nearby."""
        n = int(np.prod(shape))
        places = (rng.permutation(n) + rng.uniform(0.25, 0.75, n)) / max(n, 1)
        low, high = self.domain
        return (low + (high - low) * places).reshape(shape)


def index(*values: Any) -> Operand:
    """An operand of given integers."""
    array = np.asarray(values[0] if len(values) == 1 else values)
    return Operand(array.shape, dtype=I64, values=array)


@dataclass(frozen=True)
class OpSpec:
    """One way of calling a primitive.

    Attributes:
        name: The primitive's name.
        operands: The array operands.
        reference: The NumPy function of the operands and parameters.
        params: The parameters.
        dtypes: Those of the operands that fix none.
        order: To which order it is differentiable; 0 if not.
        linear: Positions of operands in which it is linear together, one tuple for each choice.
        special: Tuples of operand values at which the result must be NumPy's.
        case: What distinguishes this call from the primitive's others.
        tolerance: Allowed relative error by how many times the usual one.
    """

    name: str
    operands: tuple[Operand, ...]
    reference: Callable[..., Any]
    params: dict[str, Any] = field(default_factory=dict)
    dtypes: tuple[Any, ...] = FLOATS
    order: int = 0
    linear: tuple[tuple[int, ...], ...] = ()
    special: tuple[tuple[float, ...], ...] = ()
    case: str = ""
    tolerance: float = 1.0

    @property
    def id(self) -> str:
        return f"{self.name}-{self.case}" if self.case else self.name

    @property
    def prim(self) -> Primitive:
        return Primitive.registry[self.name]

    def call(self, *operands: Any) -> Any:
        return self.prim(*operands, **self.params)

    def draw(self, dtype: Any, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [operand.draw(rng, dtype) for operand in self.operands]

    def arrays(self, dtype: Any, seed: int = 0) -> list[Any]:
        return [rt.asarray(x) for x in self.draw(dtype, seed)]

    def expected(self, operands: Sequence[np.ndarray]) -> Any:
        """What NumPy says, computed in float32 where the operands are narrower."""
        wide = [x.astype(F32) if x.dtype in (F16, BF16) else x for x in operands]
        with np.errstate(all="ignore"):
            return self.reference(*wide, **self.params)

    @property
    def varied(self) -> list[int]:
        """The operands whose dtype is that of the case: the ones with derivatives."""
        return [i for i, operand in enumerate(self.operands) if operand.dtype is None]

    @property
    def differentiable_dtypes(self) -> list[Any]:
        return [d for d in self.dtypes if d in dtypes.INEXACT] if self.order else []


SPECS: list[OpSpec] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(OpSpec(*args, **kwargs))


# ---- elementwise ---------------------------------------------------------------------------------

INF, NAN = float("inf"), float("nan")
UNARY_POINTS = tuple((x,) for x in (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-3, INF, -INF, NAN))
_PAIRS = (0.0, -0.0, 1.0, -2.0, 3.0, INF, -INF, NAN)
BINARY_POINTS = tuple((x, y) for x in _PAIRS for y in _PAIRS)
ELEMENTWISE_SHAPES = ((2, 3), (), (0, 3))


def elementwise(
    name: str,
    reference: Callable[..., Any],
    *domains: tuple[float, float],
    dtypes: tuple[Any, ...] = FLOATS,
    order: int = 2,
    case: str = "",
    **more: Any,
) -> None:
    """An elementwise primitive on a matrix, an array without axes and an empty one."""
    points = {1: UNARY_POINTS, 2: BINARY_POINTS}.get(len(domains), ())
    more.setdefault("special", points if F64 in dtypes else ())
    for shape in ELEMENTWISE_SHAPES:
        label = f"{case}{'' if case == '' else '-'}{'x'.join(map(str, shape)) or '0d'}"
        operands = tuple(Operand(shape, domain) for domain in domains)
        add(name, operands, reference, dtypes=dtypes, order=order, case=label,
                            **more)  # fmt: skip


ANY, POSITIVE, UNIT = (-2.0, 2.0), (0.4, 3.0), (-0.8, 0.8)

elementwise("neg", np.negative, ANY, dtypes=NUMBERS, linear=((0,),))
elementwise("abs", np.abs, ANY, dtypes=NUMBERS)
elementwise("sign", np.sign, ANY, dtypes=NUMBERS)
elementwise("exp", np.exp, ANY, dtypes=INEXACT)
elementwise("exp2", np.exp2, ANY)
elementwise("expm1", np.expm1, ANY, dtypes=INEXACT)
elementwise("log", np.log, POSITIVE, dtypes=INEXACT)
elementwise("log2", np.log2, POSITIVE, dtypes=INEXACT)
elementwise("log10", np.log10, POSITIVE, dtypes=INEXACT)
elementwise("log1p", np.log1p, (-0.7, 3.0), dtypes=INEXACT)
elementwise("sqrt", np.sqrt, POSITIVE, dtypes=INEXACT)
elementwise("rsqrt", lambda x: 1 / np.sqrt(x), POSITIVE, dtypes=INEXACT)
elementwise("cbrt", np.cbrt, POSITIVE)
elementwise("cbrt", np.cbrt, (-3.0, -0.4), case="negative")
elementwise("sin", np.sin, ANY, dtypes=INEXACT)
elementwise("cos", np.cos, ANY, dtypes=INEXACT)
elementwise("tan", np.tan, (-1.2, 1.2), dtypes=INEXACT)
elementwise("asin", np.arcsin, UNIT, dtypes=INEXACT)
elementwise("acos", np.arccos, UNIT, dtypes=INEXACT)
elementwise("atan", np.arctan, UNIT, dtypes=INEXACT)
elementwise("sinh", np.sinh, ANY, dtypes=INEXACT)
elementwise("cosh", np.cosh, ANY, dtypes=INEXACT)
elementwise("tanh", np.tanh, ANY, dtypes=INEXACT)
elementwise("asinh", np.arcsinh, UNIT, dtypes=INEXACT)
elementwise("acosh", np.arccosh, (1.3, 3.0), dtypes=INEXACT)
elementwise("atanh", np.arctanh, UNIT, dtypes=INEXACT)
elementwise("floor", np.floor, ANY)
elementwise("ceil", np.ceil, ANY)
elementwise("trunc", np.trunc, ANY)
elementwise("round", np.rint, ANY)
elementwise("relu", lambda x: np.maximum(x, 0), ANY)
elementwise("sigmoid", lambda x: 1 / (1 + np.exp(-x)), ANY)
elementwise("stop_gradient", lambda x: x, ANY, dtypes=ALL, order=0)

elementwise("is_finite", np.isfinite, ANY, dtypes=INEXACT, order=0)
elementwise("is_nan", np.isnan, ANY, dtypes=INEXACT, order=0)
elementwise("is_inf", np.isinf, ANY, dtypes=INEXACT, order=0)
elementwise("signbit", np.signbit, ANY, dtypes=FLOATS, order=0)
elementwise("not", np.invert, (-9, 9), dtypes=(*INTS, BOOL), order=0)
elementwise("population_count", lambda x: np.bitwise_count(x).astype(x.dtype), (-99, 99),
            dtypes=INTS, order=0)  # fmt: skip

elementwise("add", np.add, ANY, ANY, dtypes=ALL, linear=((0, 1),))
elementwise("sub", np.subtract, ANY, ANY, dtypes=NUMBERS, linear=((0, 1),))
elementwise("mul", np.multiply, ANY, ANY, dtypes=ALL, linear=((0,), (1,)))


def _mul_no_nan(x: Any, y: Any) -> Any:
    return np.where(x == 0, np.zeros_like(x), x * y)


elementwise("mul_no_nan", _mul_no_nan, ANY, ANY, dtypes=INEXACT, linear=((0,),))
elementwise("div", np.divide, ANY, POSITIVE, dtypes=INEXACT, linear=((0,),))


def floor_divide(x: Any, y: Any) -> Any:
    """The array API standard's: NumPy has nan for inf // 2 and -1 for 2 // -inf."""
    beside_infinity = (np.isinf(x) != np.isinf(y)) & ~np.isnan(x) & ~np.isnan(y)
    out = np.floor_divide(x, y)
    return np.where(beside_infinity, np.divide(x, y), out).astype(out.dtype)


elementwise("floor_divide", floor_divide, (-9, 9), (1, 4), dtypes=REAL)
elementwise("remainder", np.remainder, (-9, 9), (1, 4), dtypes=REAL)
elementwise("remainder", np.remainder, (-9, 9), (-4, -1), dtypes=(F64, F32, I64), case="below")
elementwise("fmod", np.fmod, (-9, 9), (1, 4), dtypes=REAL)
elementwise("pow", np.power, POSITIVE, ANY, dtypes=INEXACT)
elementwise("floor_power", np.power, (-3, 3), (0, 3), dtypes=INTS, order=0)
elementwise("logaddexp", np.logaddexp, ANY, ANY)
elementwise("atan2", np.arctan2, ANY, POSITIVE)
elementwise("hypot", np.hypot, ANY, POSITIVE)
for _name, _ufunc in {"gcd": np.gcd, "lcm": np.lcm}.items():
    elementwise(_name, _ufunc, (-9, 9), (-9, 9), dtypes=INTS, order=0)
for _shape in ELEMENTWISE_SHAPES:
    add("frexp", (Operand(_shape),), np.frexp, order=2, case=str(_shape))
    add("ldexp", (Operand(_shape), Operand(_shape, (-3, 3), I32)), np.ldexp, order=2,
        linear=((0,),), case=str(_shape))  # fmt: skip
elementwise("nextafter", lambda x, y: np.nextafter(x, y), ANY, ANY, dtypes=(F64, F32), order=0)
elementwise("copysign", np.copysign, ANY, ANY)
elementwise("maximum", np.maximum, ANY, ANY, dtypes=(*REAL, BOOL))
elementwise("minimum", np.minimum, ANY, ANY, dtypes=(*REAL, BOOL))
elementwise("step", lambda x, y: ((x > y) * 1.0 + (x >= y)).astype(x.dtype) / 2, ANY, ANY, order=0)
for _name, _ufunc in {"eq": np.equal, "ne": np.not_equal}.items():
    elementwise(_name, _ufunc, (0, 2), (0, 2), dtypes=ALL, order=0)
for _name, _ufunc in {"lt": np.less, "le": np.less_equal, "gt": np.greater,
                      "ge": np.greater_equal}.items():  # fmt: skip
    elementwise(_name, _ufunc, (0, 2), (0, 2), dtypes=(*REAL, BOOL), order=0)
for _name, _ufunc in {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}.items():
    elementwise(_name, _ufunc, (-99, 99), (-99, 99), dtypes=(*INTS, BOOL), order=0)
for _name, _ufunc in {"shift_left": np.left_shift, "shift_right": np.right_shift}.items():
    elementwise(_name, _ufunc, (-99, 99), (0, 3), dtypes=INTS, order=0)

for _y in (0, 1, 2, 3, 6):
    elementwise("integer_pow", lambda x, y: x**y, (-2.0, 2.0), params={"y": _y}, dtypes=NUMBERS,
                case=f"y{_y}", special=())  # fmt: skip
elementwise("complex", lambda x, y: (x + 1j * y).astype(C64 if x.dtype == F32 else C128), ANY, ANY,
            dtypes=(F64, F32), linear=((0, 1),), special=())  # fmt: skip
elementwise("real", np.real, ANY, dtypes=INEXACT, linear=((0,),))
elementwise("imag", np.imag, ANY, dtypes=COMPLEX, linear=((0,),))
elementwise("conj", np.conj, ANY, dtypes=COMPLEX, linear=((0,),))


def _polygamma(x: Any, n: int = 0) -> Any:
    """Euler and Maclaurin's sum from ``x + 20`` on, and the terms before it."""
    sign, y = (-1.0) ** (n + 1) * math.factorial(n), x + 20.0
    head = sum((sign / (x + k) ** (n + 1) for k in range(20)), np.zeros_like(x))
    tail = [np.log(y), 1 / y, -1 / y**2, 2 / y**3][n] - sign * -1 / (2 * y ** (n + 1))
    for b, k in (
        (1 / 12, 2),
        (-1 / 120, 4),
        (1 / 252, 6),
        (-1 / 240, 8),
    ):  # Bernoulli numbers over k
        rising = math.prod(range(k, k + n))
        tail = tail - (-1) ** n * rising * b / y ** (k + n)
    return head + tail


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    return lambda x: np.vectorize(function, otypes=[x.dtype])(x)


elementwise("erf", _each(math.erf), ANY)
elementwise("erfc", _each(math.erfc), ANY)
elementwise("erf_inv", _each(lambda p: NormalDist(0, math.sqrt(0.5)).inv_cdf((1 + p) / 2)), UNIT,
            special=())  # fmt: skip
elementwise("lgamma", _each(math.lgamma), POSITIVE, special=())
elementwise("digamma", _polygamma, POSITIVE, special=())
for _n in (1, 2):
    elementwise("polygamma", _polygamma, POSITIVE, params={"n": _n}, case=f"n{_n}", special=())

for _shape in ELEMENTWISE_SHAPES:
    add("select", (Operand(_shape, dtype=BOOL), Operand(_shape), Operand(_shape)),
                        np.where, dtypes=ALL, order=2, linear=((1, 2), (1,), (2,)),
                        case="x".join(map(str, _shape)) or "0d")  # fmt: skip

# ---- changes of type -----------------------------------------------------------------------------


def _convert(x: Any, dtype: Any) -> Any:
    return (x.real if np.iscomplexobj(x) and dtype not in dtypes.COMPLEXES else x).astype(dtype)


for _dtype in ALL:
    _smooth = _dtype in dtypes.INEXACT
    for _name in ("convert", "promote"):
        add(_name, (Operand((2, 3), (0, 2)),), _convert, {"dtype": _dtype}, ALL,
                        2 if _dtype in (F64, C128) else 0,
                        ((0,),) if _smooth else (), case=f"to-{_dtype}")  # fmt: skip
for _from, _to in ((F32, I32), (I64, F64), (F16, dtypes.uint16), (BF16, dtypes.int16), (BOOL, U8),
                   (I8, U8)):  # fmt: skip
    for _shape in ELEMENTWISE_SHAPES:
        add("bitcast", (Operand(_shape, dtype=_from),),
                            lambda x, dtype, _from=_from: x.astype(_from).view(dtype),
                            {"dtype": _to}, (F32,),
                            case=f"{_from}-{_to}-{len(_shape)}d{0 in _shape:d}")  # fmt: skip

# ---- shape ---------------------------------------------------------------------------------------


def structural(
    name: str, shapes: Any, reference: Callable[..., Any], case: str, /, *, more: Any = None,
    **params: Any,
) -> None:  # fmt: skip
    """A primitive of all dtypes, linear in its operands together."""
    operands = tuple(map(Operand, shapes))
    add(name, operands, reference, params,
                        **{"dtypes": ALL, "order": 2, "linear": (tuple(range(len(operands))),),
                           "case": case, **(more or {})})  # fmt: skip


def _broadcast(x: Any, shape: Any, axes: Any) -> Any:
    out = [1] * len(shape)
    for axis, n in zip(axes, x.shape, strict=True):
        out[axis] = n
    return np.broadcast_to(x.reshape(out), shape)


structural("broadcast", [(3,)], _broadcast, "rows", shape=(2, 3), axes=(1,))
structural("broadcast", [(3,)], _broadcast, "columns", shape=(3, 2), axes=(0,))
structural("broadcast", [(1, 3)], _broadcast, "stretch", shape=(2, 3), axes=(0, 1))
structural("broadcast", [(2, 1)], _broadcast, "stretch-and-add", shape=(2, 4, 3), axes=(0, 2))
structural("broadcast", [()], _broadcast, "0d", shape=(2, 3), axes=())
structural("broadcast", [()], _broadcast, "0d-to-0d", shape=(), axes=())
structural("broadcast", [(1,)], _broadcast, "to-empty", shape=(2, 0), axes=(1,))
structural("broadcast", [(0, 3)], _broadcast, "empty", shape=(2, 0, 3), axes=(1, 2))

for _old, _new in (((2, 3), (3, 2)), ((2, 3), (6,)), ((), (1, 1)), ((1,), ()), ((0, 3), (3, 0)),
                   ((0, 3), (0,))):  # fmt: skip
    structural("reshape", [_old], np.reshape, f"{_old}-{_new}", shape=_new)
for _shape, _axes in (((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((), ()), ((2, 0), (1, 0)),
                      ((2, 3), (0, 1))):  # fmt: skip
    structural("permute_dims", [_shape], np.transpose, f"{_shape}-{_axes}", axes=_axes)


def _slice(x: Any, starts: Any, limits: Any, strides: Any) -> Any:
    return x[tuple(map(slice, starts, limits, strides))]


structural("slice", [(5, 4)], _slice, "plain", starts=(1, 0), limits=(4, 3), strides=(1, 1))
structural("slice", [(5, 4)], _slice, "strided", starts=(1, 0), limits=(5, 4), strides=(2, 3))
structural("slice", [(5, 4)], _slice, "nothing", starts=(2, 0), limits=(2, 4), strides=(1, 1))
structural("slice", [()], _slice, "0d", starts=(), limits=(), strides=())
structural("slice", [(0, 2)], _slice, "empty", starts=(0, 0), limits=(0, 2), strides=(1, 1))


def _pad(x: Any, value: Any, low: Any, high: Any, interior: Any) -> Any:
    for axis in range(x.ndim):
        n, gap = x.shape[axis], interior[axis]
        stretched = np.full((*x.shape[:axis], max(0, n + (n - 1) * gap), *x.shape[axis + 1 :]),
                            value, x.dtype)  # fmt: skip
        places = [slice(None)] * x.ndim
        places[axis] = slice(None, None, gap + 1)
        if n:
            stretched[tuple(places)] = x
        ends = [(0, 0)] * x.ndim
        ends[axis] = (max(low[axis], 0), max(high[axis], 0))
        x = np.pad(stretched, ends, constant_values=value)
        places[axis] = slice(max(-low[axis], 0), x.shape[axis] - max(-high[axis], 0))
        x = x[tuple(places)]
    return x


_LINEAR = {"linear": ((0,),)}
_AFFINE = {"linear": (), "dtypes": NUMBERS}
structural("pad", [(2, 3)], _pad, "zeros", value=0, low=(1, 0), high=(0, 2), interior=(0, 0))
structural("pad", [(2, 3)], _pad, "ones", more=_AFFINE, value=1, low=(1, 0), high=(0, 2),
           interior=(0, 0))  # fmt: skip
structural("pad", [(2, 3)], _pad, "interior", value=0, low=(1, 0), high=(0, 2), interior=(2, 1))
structural("pad", [(4, 3)], _pad, "cut", value=0, low=(-1, -1), high=(-2, 0), interior=(0, 0))
structural("pad", [(4,)], _pad, "cut-gaps", value=0, low=(-2,), high=(-1,), interior=(1,))
structural("pad", [(4,)], _pad, "cut-and-fill", value=0, low=(-3,), high=(4,), interior=(2,))
structural("pad", [(3,)], _pad, "cut-all", value=0, low=(-3,), high=(0,), interior=(0,))
structural("pad", [(0, 2)], _pad, "empty", value=0, low=(1, 0), high=(1, 0), interior=(0, 0))
structural("pad", [()], _pad, "0d", value=0, low=(), high=(), interior=())


def _concat(*xs: Any, axis: int) -> Any:
    return np.concatenate(xs, axis)


structural("concat", [(2, 3), (1, 3), (2, 3)], _concat, "rows", axis=0)
structural("concat", [(2, 1), (2, 2)], _concat, "columns", axis=1)
structural("concat", [(2, 3)], _concat, "one", axis=0)
structural("concat", [(2,), (0,)], _concat, "empty", axis=0)
structural("flip", [(2, 3)], lambda x, axes: np.flip(x, axes), "one", axes=(1,))
structural("flip", [(2, 3, 2)], lambda x, axes: np.flip(x, axes), "two", axes=(0, 2))
structural("flip", [(0, 3)], lambda x, axes: np.flip(x, axes), "empty", axes=(0,))
structural("flip", [()], lambda x, axes: x, "0d", axes=())

# ---- from nothing --------------------------------------------------------------------------------


def _iota(shape: Any, dtype: Any, axis: int, device: Any) -> Any:
    return np.indices(shape)[axis].astype(dtype)


for _dtype in (*NUMBERS,):
    for _shape, _axis in (((3,), 0), ((2, 3), 1), ((2, 3), 0), ((0, 2), 1)):
        add("iota", (), _iota, {"shape": _shape, "dtype": _dtype, "axis": _axis,
                                                "device": CPU}, (F32,),
                            case=f"{_dtype}-{_shape}-{_axis}")  # fmt: skip
for _dtype, _value in ((F32, 1.5), (BF16, 2.0), (I8, -3), (BOOL, True), (C64, 1j), (F64, -0.0),
                       (F16, NAN)):  # fmt: skip
    for _shape in ((2, 3), (), (0, 2)):
        add("full", (), lambda shape, value, dtype, device:
                            np.full(shape, value, dtype),
                            {"shape": _shape, "value": _value, "dtype": _dtype, "device": CPU},
                            (F32,), case=f"{_dtype}-{_shape}")  # fmt: skip

# ---- random bits ---------------------------------------------------------------------------------


def _threefry(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", twenty rounds."""
    keys = [k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA)]
    x0, x1 = x0 + k0, x1 + k1
    for i in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[i % 2]:
            x0 = x0 + x1
            x1 = ((x1 << np.uint32(turn)) | (x1 >> np.uint32(32 - turn))) ^ x0
        x0 = x0 + keys[(i + 1) % 3]
        x1 = x1 + keys[(i + 2) % 3] + np.uint32(i + 1)
    return x0, x1


def _words(key: Any, shape: Any) -> tuple[Any, Any]:
    """The cipher of the counters 0, 1, 2, ... under every key."""
    low = np.arange(math.prod(shape), dtype=U32).reshape(shape)
    keys = key.reshape(*key.shape[:-1], *(1,) * len(shape), 2)
    with np.errstate(over="ignore"):
        return _threefry(*np.broadcast_arrays(keys[..., 0], keys[..., 1], np.zeros_like(low), low))


def _random_bits(key: Any, shape: Any, dtype: Any) -> Any:
    high, low = _words(key, shape)
    if dtype == dtypes.uint64:
        return (high.astype(dtype) << np.uint64(32)) | low.astype(dtype)
    return (high ^ low).astype(dtype)


U32 = dtypes.uint32
for _shape in ((2, 3), (), (0, 3), (40, 30)):
    add("threefry2x32", (Operand(_shape, (0, 2**32 - 1)),) * 4, _threefry,
                        dtypes=(U32,), case=str(_shape))  # fmt: skip
for _lead in ((), (3,), (0,)):
    for _shape in ((2, 3), (), (0,)):
        _key = Operand((*_lead, 2), (0, 2**32 - 1))
        for _dtype in (U8, dtypes.uint16, U32, dtypes.uint64):
            add("random_bits", (_key,), _random_bits,
                                {"shape": _shape, "dtype": _dtype}, (U32,),
                                case=f"{_lead}-{_shape}-{_dtype}")  # fmt: skip
        add("random_split", (_key,), lambda key, shape:
                            np.stack(_words(key, shape), -1), {"shape": _shape}, (U32,),
                            case=f"{_lead}-{_shape}")  # fmt: skip

for _lead in ((), (3,), (0,)):
    _key = Operand((*_lead, 2), (0, 2**32 - 1), U32)
    for _shape in ((2, 3), (), (0,)):
        for _dtype in FLOATS:
            add("random_unit", (_key,), lambda key, shape, dtype:
                            scalar.over(partial(scalar.unit, dtype=dtype), key, shape, dtype),
                            {"shape": _shape, "dtype": _dtype}, (U32,),
                            case=f"{_lead}-{_shape}-{_dtype}")  # fmt: skip
            add("random_normal", (_key,), lambda key, shape, dtype:
                            scalar.over(partial(scalar.normal, dtype=dtype), key, shape, dtype),
                            {"shape": _shape, "dtype": _dtype}, (U32,),
                            case=f"{_lead}-{_shape}-{_dtype}")  # fmt: skip
    for _shape in ((2, 3), (), (0,)):
        _full = (*_lead, *_shape)
        for _log in (False, True):
            add("random_gamma", (_key, Operand(_full, (0.1, 3.0))),
                            lambda key, a, log_space:
                            scalar.over(scalar.gamma, key, a.shape[key.ndim - 1 :], a.dtype, a,
                                        log_space=log_space),
                            {"log_space": _log}, (F64, F32), case=f"{_full}-{_lead}-{_log}",
                            tolerance=4.0)  # fmt: skip
        add("random_poisson", (_key, Operand(_full, (0.1, 30.0))),
                            lambda key, mean, dtype:
                            scalar.over(scalar.poisson, key, mean.shape[key.ndim - 1 :], dtype,
                                        mean),
                            {"dtype": I32}, (F64, F32), case=f"{_full}-{_lead}")  # fmt: skip
        add("random_binomial", (_key, Operand(_full, (40.0, 60.0)), Operand(_full, (0.01, 0.99))),
                            lambda key, n, p:
                            scalar.over(scalar.binomial, key, n.shape[key.ndim - 1 :], p.dtype,
                                        np.floor(n), p),
                            {}, (F64, F32), case=f"{_full}-{_lead}")  # fmt: skip


def _lgamma(x: Any) -> Any:
    return np.asarray(np.frompyfunc(math.lgamma, 1, 1)(x), F64)


def _gamma_slope(a: Any, log_x: Any) -> Any:
    """``d log x / d a`` where the distribution function, by its series, does not change."""
    a, log_x, step = np.asarray(a, F64), np.asarray(log_x, F64), 1e-4

    def log_cdf(a: Any) -> Any:
        terms = [np.exp(n * log_x - _lgamma(a + n + 1)) for n in range(60)]
        return a * log_x - np.exp(log_x) + np.log(sum(terms))

    by_a = (log_cdf(a + step) - log_cdf(a - step)) / (2 * step)
    slope = -by_a * np.exp(log_cdf(a) - a * log_x + np.exp(log_x) + _lgamma(a))
    return np.asarray(slope)


def _gamma_slope_by_a(a: Any, log_x: Any) -> Any:
    a, step = np.asarray(a, F64), 1e-3
    return (_gamma_slope(a + step, log_x) - _gamma_slope(a - step, log_x)) / (2 * step)


elementwise("gamma_slope", lambda a, x: _gamma_slope(a, x).astype(F32), (0.2, 5.0), (-2.0, 2.0),
            dtypes=(F32,), order=0, special=())  # fmt: skip
add("gamma_slope", (Operand((2, 3), (0.2, 5.0)), Operand((2, 3), (-2.0, 2.0))), _gamma_slope,
                    dtypes=(F64,), order=1, case="float64",
                    tolerance=1e8)  # fmt: skip
elementwise("gamma_slope_by_a", lambda a, x: _gamma_slope_by_a(a, x).astype(F32), (0.2, 5.0),
            (-2.0, 2.0), dtypes=(F32,), order=0, tolerance=10.0, special=())  # fmt: skip

# ---- reductions ----------------------------------------------------------------------------------


def reduction(name: str, reference: Callable[..., Any], domain: Any = ANY, empty: bool = True,
              **more: Any) -> None:  # fmt: skip
    """A primitive with ``axes``; `empty` says whether there is a result of no elements."""
    cases = [((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3, 2), (0, 2)), ((), ()),
             ((2, 3), ()), ((0, 3), (1,)), ((1, 3), (0,))]  # fmt: skip
    cases += [((0, 3), (0,)), ((2, 0), (0, 1))] if empty else []
    for shape, axes in cases:
        add(name, (Operand(shape, domain),), reference, {"axes": axes},
                            case=f"{shape}-{axes}", **more)  # fmt: skip


def _sum(x: Any, axes: Any) -> Any:
    return np.sum(x, axes, dtype=x.dtype)


reduction("reduce_sum", _sum, dtypes=NUMBERS, order=2, linear=((0,),))
reduction("reduce_prod", lambda x, axes: np.prod(x, axes, dtype=x.dtype), dtypes=NUMBERS, order=2)
reduction("reduce_max", lambda x, axes: np.max(x, axes), empty=False, dtypes=(*REAL, BOOL), order=2)
reduction("reduce_min", lambda x, axes: np.min(x, axes), empty=False, dtypes=(*REAL, BOOL), order=2)
reduction("reduce_and", lambda x, axes: np.bitwise_and.reduce(x, axes), (-99, 99),
          dtypes=(*INTS, BOOL))  # fmt: skip
reduction("reduce_or", lambda x, axes: np.bitwise_or.reduce(x, axes), (-99, 99),
          dtypes=(*INTS, BOOL))  # fmt: skip


def along(name: str, reference: Callable[..., Any], *shapes: Any, operands: int = 1,
          variants: Sequence[dict[str, Any]] = ({},), **more: Any) -> None:  # fmt: skip
    """A primitive with one ``axis``."""
    for shape, axis in shapes:
        for params in variants:
            add(name, (Operand(shape),) * operands, reference,
                                {"axis": axis, **params},
                                case="-".join(map(str, [shape, axis, *params.values()])),
                                **more)  # fmt: skip


_LINES = (((4,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3, 2), 1), ((0, 3), 1))
_NO_LINES = (((3, 0), 1), ((1, 2), 0))
for _name, _function in {"argmax": np.argmax, "argmin": np.argmin}.items():
    along(_name, _function, *_LINES, ((1, 2), 0), dtypes=(*REAL, BOOL))

# ---- cumulative ----------------------------------------------------------------------------------


def _running(ufunc: Any) -> Callable[..., Any]:
    def reference(x: Any, axis: int, reverse: bool) -> Any:
        x = np.flip(x, axis) if reverse else x
        out = ufunc.accumulate(x, axis, dtype=x.dtype)
        return np.flip(out, axis) if reverse else out

    return reference


def _recurrence(a: Any, b: Any, axis: int, reverse: bool) -> Any:
    a, b = (np.moveaxis(z, axis, 0) for z in (a, b))
    a, b = (a[::-1], b[::-1]) if reverse else (a, b)
    out = b.copy()
    for i in range(1, len(b)):
        out[i] = a[i] * out[i - 1] + b[i]
    return np.moveaxis(out[::-1] if reverse else out, 0, axis)


_BOTH_WAYS = ({"reverse": False}, {"reverse": True})
along("cumsum", _running(np.add), *_LINES, *_NO_LINES, variants=_BOTH_WAYS, dtypes=NUMBERS,
      order=2, linear=((0,),))  # fmt: skip
along("cumprod", _running(np.multiply), *_LINES, *_NO_LINES, variants=_BOTH_WAYS, dtypes=NUMBERS,
      order=2)  # fmt: skip
along("cummax", _running(np.maximum), *_LINES, *_NO_LINES, variants=_BOTH_WAYS, dtypes=REAL,
      order=2)  # fmt: skip
along("cummin", _running(np.minimum), *_LINES, *_NO_LINES, variants=_BOTH_WAYS, dtypes=REAL,
      order=2)  # fmt: skip
along("recurrence", _recurrence, *_LINES, *_NO_LINES, operands=2, variants=_BOTH_WAYS,
      dtypes=NUMBERS, order=2, linear=((1,),))  # fmt: skip

# ---- contraction ---------------------------------------------------------------------------------


def _dot(x: Any, y: Any, axes: Any) -> Any:
    (xc, yc), (xb, yb) = axes
    letters = iter("abcdefghijkl")
    xs, ys = [""] * x.ndim, [""] * y.ndim
    for pairs in ((xb, yb), (xc, yc)):
        for i, j in zip(*pairs, strict=True):
            xs[i] = ys[j] = next(letters)
    batch = "".join(xs[i] for i in xb)
    x_free = [i for i, s in enumerate(xs) if not s]
    y_free = [i for i, s in enumerate(ys) if not s]
    for names, free in ((xs, x_free), (ys, y_free)):
        for i in free:
            names[i] = next(letters)
    out = batch + "".join(xs[i] for i in x_free) + "".join(ys[i] for i in y_free)
    return np.einsum(f"{''.join(xs)},{''.join(ys)}->{out}", x, y)


for _x, _y_shape, _axes in (
    ((2, 3), (3, 4), (((1,), (0,)), ((), ()))),
    ((3, 2), (3, 4), (((0,), (0,)), ((), ()))),
    ((2, 3), (4, 3), (((1,), (1,)), ((), ()))),
    ((3, 2), (4, 3), (((0,), (1,)), ((), ()))),
    ((3,), (3,), (((0,), (0,)), ((), ()))),
    ((2, 3), (3,), (((1,), (0,)), ((), ()))),
    ((3,), (3, 2), (((0,), (0,)), ((), ()))),
    ((), (), (((), ()), ((), ()))),
    ((2,), (3,), (((), ()), ((), ()))),
    ((5, 2, 3), (5, 3, 4), (((2,), (1,)), ((0,), (0,)))),
    ((2, 5, 3), (3, 4, 5), (((2,), (0,)), ((1,), (2,)))),
    ((2, 3, 4), (4, 2, 3), (((1, 2), (2, 0)), ((), ()))),
    ((2, 3, 4, 5), (3, 5, 2), (((3,), (1,)), ((1, 0), (0, 2)))),
    ((2, 3), (2, 3), (((), ()), ((0, 1), (0, 1)))),
    ((2, 0), (0, 3), (((1,), (0,)), ((), ()))),
    ((0, 2), (2, 3), (((1,), (0,)), ((), ()))),
):
    add("dot_general", (Operand(_x), Operand(_y_shape)), _dot, {"axes": _axes},
                        NUMBERS, 2, ((0,), (1,)), case=f"{_x}-{_y_shape}-{_axes}")  # fmt: skip

# ---- gather and scatter --------------------------------------------------------------------------


def _valid(indices: Any, lengths: Any, mode: str) -> tuple[list[Any], Any]:
    """Indices from 0 on, and which of them count."""
    fixed, keep = [], np.ones(indices[0].shape, bool)
    for i, n in zip(indices, lengths, strict=True):
        if mode == "wrap":
            fixed.append(np.mod(i, max(n, 1)))
            continue
        inside = (i >= -n) & (i < n)
        i = np.where(i < 0, i + n, i)
        fixed.append(np.clip(i, 0, max(n - 1, 0)))
        if mode == "fill":
            keep &= inside
    return fixed, keep


def _gather(x: Any, *indices: Any, axes: Any, mode: str, fill: Any) -> Any:
    x = np.moveaxis(x, axes, range(len(axes)))
    places, keep = _valid(indices, x.shape[: len(axes)], mode)
    out = np.full(indices[0].shape + x.shape[len(axes) :], fill, x.dtype)
    for at in np.ndindex(indices[0].shape):
        if keep[at]:
            out[at] = x[tuple(i[at] for i in places)]
    return out


def _scatter(x: Any, updates: Any, *indices: Any, axes: Any, mode: str, op: str) -> Any:
    combine = {"set": lambda a, b: b, "add": np.add, "mul": np.multiply, "min": np.minimum,
               "max": np.maximum}[op]  # fmt: skip
    out = np.moveaxis(x, axes, range(len(axes))).copy()
    places, keep = _valid(indices, out.shape[: len(axes)], mode)
    for at in np.ndindex(indices[0].shape):
        if keep[at]:
            to = tuple(i[at] for i in places)
            out[to] = combine(out[to], updates[at])
    return np.moveaxis(out, range(len(axes)), axes)


# (shape of x, indices, axes, mode)
_PLACES = (
    ((4,), [[2, 0, 2]], (0,), "raise"),
    ((4, 2), [[3, -1, 0]], (0,), "raise"),
    ((3, 4), [[3, 1]], (1,), "raise"),
    ((3, 4), [[0, 2, 2], [3, 1, 1]], (0, 1), "raise"),
    ((3, 2, 4), [[0, 2], [3, -1]], (0, 2), "raise"),
    ((4,), [[[0, 1], [3, 3]]], (0,), "raise"),
    ((4,), [2], (0,), "raise"),
    ((4, 2), [[5, -7, 1]], (0,), "clip"),
    ((4, 2), [[5, -7, 1]], (0,), "wrap"),
    ((4, 2), [[5, -7, 1, -1]], (0,), "fill"),
    ((3, 4), [[0, 9], [7, 1]], (0, 1), "fill"),
    ((0, 2), [[0, 1]], (0,), "fill"),
    ((4, 2), [np.zeros((0,), int)], (0,), "raise"),
)
for _shape, _indices, _axes, _mode in _PLACES:
    _index_operands = tuple(index(i) for i in _indices)
    _case = f"{_shape}-{_axes}-{_mode}-{_index_operands[0].shape}"
    _rest = tuple(n for i, n in enumerate(_shape) if i not in _axes)
    add("gather", (Operand(_shape), *_index_operands), _gather,
                        {"axes": _axes, "mode": _mode, "fill": 0}, ALL, 2, ((0,),),
                        case=_case)  # fmt: skip
    for _op in ("set", "add", "mul", "min", "max"):
        _kinds = {"set": ALL, "add": NUMBERS, "mul": NUMBERS}.get(_op, REAL)
        add(
            "scatter",
            (Operand(_shape), Operand(_index_operands[0].shape + _rest), *_index_operands),
            _scatter, {"axes": _axes, "mode": _mode, "op": _op}, _kinds, 2,
            ((0, 1), (0,), (1,)) if _op in ("set", "add") else (),
            case=f"{_op}-{_case}",
        )  # fmt: skip
add("gather", (Operand((4,)), index([1, 9])), _gather,
                    {"axes": (0,), "mode": "fill", "fill": 7}, NUMBERS, 2, (),
                    case="fill-7")  # fmt: skip

# ---- slices with parameters and with traced starts -----------------------------------------------


def _update_slice(x: Any, update: Any, **params: Any) -> Any:
    out = x.copy()
    out[tuple(map(slice, params["starts"], params["limits"], params["strides"]))] = update
    return out


def _window(x: Any, starts: Any, sizes: Any) -> Any:
    first = [min(max(int(s), 0), n - m) for s, n, m in zip(starts, x.shape, sizes, strict=True)]
    return tuple(slice(s, s + m) for s, m in zip(first, sizes, strict=True))


def _dynamic_update_slice(x: Any, update: Any, *starts: Any) -> Any:
    out = x.copy()
    out[_window(x, starts, update.shape)] = update
    return out


_TWO = {"linear": ((0, 1), (0,), (1,))}
structural("update_slice", [(5, 4), (2, 4)], _update_slice, "plain", more=_TWO,
           starts=(1, 0), limits=(3, 4), strides=(1, 1))  # fmt: skip
structural("update_slice", [(5, 4), (2, 2)], _update_slice, "strided", more=_TWO,
           starts=(1, 0), limits=(5, 4), strides=(2, 3))  # fmt: skip
structural("update_slice", [(5,), (0,)], _update_slice, "nothing", more=_TWO,
           starts=(2,), limits=(2,), strides=(1,))  # fmt: skip
structural("update_slice", [(), ()], _update_slice, "0d", more=_TWO, starts=(), limits=(),
           strides=())  # fmt: skip
for _starts in ((0, 1), (2, 0), (9, -4)):
    _index_operands = tuple(index(i) for i in _starts)
    add("dynamic_slice", (Operand((4, 3)), *_index_operands),
                        lambda x, *starts, sizes: x[_window(x, starts, sizes)],
                        {"sizes": (2, 2)}, ALL, 2, ((0,),), case=str(_starts))  # fmt: skip
    add("dynamic_update_slice",
                        (Operand((4, 3)), Operand((2, 2)), *_index_operands),
                        _dynamic_update_slice, {}, ALL, 2, ((0, 1), (0,), (1,)),
                        case=str(_starts))  # fmt: skip

# ---- order ---------------------------------------------------------------------------------------

along("argsort", lambda x, axis: np.argsort(x, axis, kind="stable"), *_LINES, *_NO_LINES,
      dtypes=(*REAL, BOOL))  # fmt: skip
along("sort", lambda x, axis: np.sort(x, axis), *_LINES, *_NO_LINES, dtypes=(*REAL, BOOL), order=2)


def _top_k(x: Any, k: int) -> Any:
    order = np.argsort(-x.astype(F64), -1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order


for _shape, _k in (((5,), 2), ((2, 4), 4), ((2, 3), 1), ((2, 3), 0), ((0, 3), 2)):
    add("top_k", (Operand(_shape),), _top_k, {"k": _k}, REAL, 2,
                        case=f"{_shape}-{_k}")  # fmt: skip

# ---- linear algebra ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matrix(Operand):
    """Random matrices made into such as the operation takes."""

    make: Callable[[Any], Any] = lambda x: x

    def draw(self, rng: np.random.Generator, dtype: Any, shape: Any = None) -> np.ndarray:
        return np.asarray(self.make(super().draw(rng, dtype, shape))).astype(self.dtype or dtype)


def _adjoint(x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def _regular(x: Any) -> Any:
    return x + 4 * np.eye(x.shape[-1])


def _positive_definite(x: Any) -> Any:
    return x @ _adjoint(x) + np.eye(x.shape[-1])


def _far_eigenvalues(x: Any) -> Any:
    """All real, and eigenvectors with them, where `x` is."""
    return x + 8 * np.diag(np.arange(x.shape[-1]))


def _singular(x: Any) -> Any:
    return x[..., :1] * x[..., :1, :]


BLAS = (F64, F32, C128, C64)
_SQUARE = ((3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2))


def linear_algebra(
    name: str, reference: Callable[..., Any], *makes: Any, shapes: Any = _SQUARE, case: str = "",
    dtypes: Any = BLAS, **more: Any,
) -> None:  # fmt: skip
    """A primitive of matrices, all of the same shape."""
    for shape in shapes:
        operands = tuple(Matrix(shape, make=make) for make in makes)
        add(name, operands, reference, dtypes=dtypes, case=f"{case}{shape}", tolerance=8.0,
            **{"order": 2, **more})  # fmt: skip


def _itself(x: Any) -> Any:
    return x


def _adjugate(x: Any) -> Any:
    out = np.empty_like(x)
    for i, j in np.ndindex(x.shape[-2:]):
        minor = np.delete(np.delete(x, i, -2), j, -1)
        out[..., j, i] = (-1) ** (i + j) * np.linalg.det(minor)
    return out


def _eliminated(x: Any) -> Any:
    """Gauss elimination of one matrix after the other."""
    packed, (m, n) = x.copy(), x.shape[-2:]
    pivots = np.zeros((*x.shape[:-2], min(m, n)), np.int64)
    order = np.broadcast_to(np.arange(m), x.shape[:-1]).copy()
    for at in np.ndindex(x.shape[:-2]):
        a = packed[at]
        for j in range(min(m, n)):
            p = j + int(np.argmax(abs(a[j:, j].real) + abs(a[j:, j].imag)))
            pivots[(*at, j)] = p
            a[[j, p]], order[at][[j, p]] = a[[p, j]], order[at][[p, j]]
            a[j + 1 :, j] /= a[j, j]
            a[j + 1 :, j + 1 :] -= np.outer(a[j + 1 :, j], a[j, j + 1 :])
    return packed, pivots, order


def _row_order(pivots: Any, rows: int) -> Any:
    order = list(range(rows))
    for i, p in enumerate(pivots):
        order[i], order[p] = order[p], order[i]
    return np.array(order, dtype=np.int64)


def _triangular(a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    a = np.tril(a) if lower else np.triu(a)
    if unit:
        a = a + (1 - a) * np.eye(a.shape[-1], dtype=a.dtype)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


def _exponential(x: Any, kind: str) -> Any:
    term = out = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for k in range(1, 60):
        term = term @ x / k
        out = out + term
    return out.astype(x.dtype)


def _by_eigenvalues(function: Any) -> Callable[..., Any]:
    def reference(x: Any, kind: str) -> Any:
        w, v = np.linalg.eigh(x)
        return ((v * function(w)[..., None, :]) @ _adjoint(v)).astype(x.dtype)

    return reference


def _upper_right(x: Any, e: Any, kind: str) -> Any:
    n = x.shape[-1]
    block = np.block([[x, e], [np.zeros_like(x), x]])
    return _exponential(block, kind)[..., :n, n:]


elementwise("root_of_squares", np.sqrt, POSITIVE)
for _which, _of in {"lower": np.tril, "upper": np.triu, "strict_lower": lambda x: np.tril(x, -1),
                    "diagonal": lambda x: x * np.eye(*x.shape[-2:], dtype=x.dtype),
                    "off_diagonal": lambda x: x - x * np.eye(*x.shape[-2:], dtype=x.dtype),
                    }.items():  # fmt: skip
    linear_algebra("matrix_part", lambda x, which, _of=_of: _of(x), _itself, linear=((0,),),
                   params={"which": _which}, case=_which,
                   shapes=((3, 3), (2, 2, 3), (0, 2)))  # fmt: skip
linear_algebra("inv", np.linalg.inv, _regular)
linear_algebra("det", np.linalg.det, _itself)
linear_algebra("det", np.linalg.det, _singular, shapes=((3, 3), (2, 4, 4)), case="singular")
linear_algebra("adjugate", _adjugate, _itself, order=1)
linear_algebra("adjugate", _adjugate, _singular, shapes=((2, 3, 3),), case="singular", order=1)
linear_algebra("slogdet", lambda x: tuple(np.linalg.slogdet(x)), _regular)
linear_algebra("solve", np.linalg.solve, _regular, _itself, linear=((1,),))
linear_algebra("cholesky", np.linalg.cholesky, _positive_definite)
for _lower, _transposed, _unit in ((True, False, False), (True, True, True), (False, False, True),
                                   (False, True, False)):  # fmt: skip
    linear_algebra("triangular_solve", _triangular, _regular, _itself, linear=((1,),),
                   case=f"{_lower:d}{_transposed:d}{_unit:d}",
                   params={"lower": _lower, "transposed": _transposed, "unit": _unit})  # fmt: skip
add("solve", (Matrix((3, 3), make=_regular), Operand((3, 2))), np.linalg.solve, dtypes=BLAS,
    order=2, linear=((1,),), case="columns")  # fmt: skip
_RECTANGLES = ((4, 3), (3, 4), (2, 3, 2), (3, 0))
linear_algebra("lu", _eliminated, _itself, shapes=(*_SQUARE, *_RECTANGLES))
add("pivots_to_order", (index([2, 1, 3, 3]),), _row_order, {"rows": 4}, (F32,))
for _shape in ((3, 3), *_RECTANGLES):
    add("pinv", (Operand(_shape), Operand(_shape[:-2], dtype=F64, values=1e-6)), np.linalg.pinv,
        dtypes=BLAS, order=2, case=str(_shape), tolerance=8.0)  # fmt: skip
for _complete in (False, True):
    linear_algebra("qr", lambda x, complete: np.linalg.qr(x, "complete" if complete else "reduced"),
                   _itself, shapes=((3, 3), (2, 3, 2), (0, 0), (3, 0)) if not _complete
                   else ((3, 3), (2, 2, 2)), params={"complete": _complete},
                   case=f"{_complete:d}")  # fmt: skip
add("qr", (Operand((4, 2)),), lambda x, complete: np.linalg.qr(x, "complete"), {"complete": True},
    BLAS, case="complete-tall")  # fmt: skip

# Phases of complex vectors are LAPACK's choice: their derivatives are tested as functions are.
for _dtypes, _order in (((F64, F32), 2), ((C128, C64), 0)):
    _kind = {"dtypes": _dtypes, "order": _order, "case": "complex" if _order == 0 else ""}
    linear_algebra("eigh", lambda x: tuple(np.linalg.eigh(x)), _far_eigenvalues, **_kind)
    linear_algebra("eig", lambda x: tuple(
        y.astype(C64 if x.dtype in (F32, C64) else C128) for y in np.linalg.eig(x)),
        _far_eigenvalues, **_kind)  # fmt: skip
    linear_algebra("svd", lambda x, full_matrices: np.linalg.svd(x, full_matrices), _itself,
                   shapes=((3, 3), *_RECTANGLES), params={"full_matrices": False},
                   **_kind)  # fmt: skip
add("svd", (Operand((2, 3)),), lambda x, full_matrices: np.linalg.svd(x), {"full_matrices": True},
    BLAS, case="full")  # fmt: skip
linear_algebra("eigvalsh", np.linalg.eigvalsh, _far_eigenvalues)
linear_algebra("eigvals", lambda x: np.linalg.eigvals(x).astype(
    C64 if x.dtype in (F32, C64) else C128), _far_eigenvalues)  # fmt: skip
linear_algebra("svdvals", np.linalg.svdvals, _itself, shapes=((3, 3), *_RECTANGLES))
linear_algebra("matrix_function", _exponential, _itself, params={"kind": "exp"}, case="exp")
linear_algebra("matrix_function", _by_eigenvalues(np.sqrt), _positive_definite,
               params={"kind": "sqrt"}, case="sqrt", shapes=((3, 3), (2, 2, 2)))  # fmt: skip
linear_algebra("matrix_function", _by_eigenvalues(np.log), _positive_definite,
               params={"kind": "log"}, case="log", shapes=((3, 3), (2, 2, 2)))  # fmt: skip
linear_algebra("frechet", _upper_right, _itself, _itself, params={"kind": "exp"}, linear=((1,),),
               shapes=((2, 2), (2, 2, 2), (0, 0)))  # fmt: skip

# ---- Fourier transforms --------------------------------------------------------------------------


def _fft(x: Any, axes: Any, inverse: bool, norm: str) -> Any:
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes, norm=norm)


_SINGLE = (F64, F32)
for _axes, _inverse, _norm in (((1,), False, "backward"), ((2, 0), True, "ortho"),
                               ((0, 1, 2), True, "backward")):  # fmt: skip
    add("fft", (Operand((2, 3, 4)),), _fft, {"axes": _axes, "inverse": _inverse, "norm": _norm},
        _SINGLE + COMPLEX, 2, ((0,),), case=f"{_axes}-{_norm}")  # fmt: skip
add("fft", (Operand((0, 3)),), _fft, {"axes": (1,), "inverse": False, "norm": "ortho"},
    _SINGLE + COMPLEX, 2, ((0,),), case="empty")  # fmt: skip
for _n, _norm in ((1, "backward"), (2, "backward"), (5, "ortho"), (6, "forward")):
    add("rfft", (Operand((_n, 2)),), lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
        {"axis": 0, "norm": _norm}, _SINGLE, 2, ((0,),), case=f"{_n}-{_norm}")  # fmt: skip
    add("irfft", (Operand((2, _n // 2 + 1)),),
        lambda x, axis, n, norm: np.fft.irfft(x, n, axis, norm),
        {"axis": 1, "n": _n, "norm": _norm}, COMPLEX, 2, ((0,),), case=f"{_n}-{_norm}")  # fmt: skip
add("rfft", (Operand((0, 4)),), lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    {"axis": 1, "norm": "ortho"}, _SINGLE, 2, ((0,),), case="empty")  # fmt: skip
add("irfft", (Operand((0, 3)),), lambda x, axis, n, norm: np.fft.irfft(x, n, axis, norm),
    {"axis": 1, "n": 4, "norm": "ortho"}, COMPLEX, 2, ((0,),), case="empty")  # fmt: skip

# ---- special functions that SciPy checks ---------------------------------------------------------

special_op_specs.declare(add, elementwise, Operand)


def _convolve(x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return np.convolve(x, y)
    return np.array([np.convolve(*pair) for pair in zip(x, y)])


for _shapes in (((3,), (4,)), ((5,), (1,)), ((2, 3), (2, 2))):
    add("convolve", tuple(map(Operand, _shapes)), _convolve, dtypes=NUMBERS, order=2,
        linear=((0,), (1,)), case=str(_shapes))  # fmt: skip


# ---- windows -------------------------------------------------------------------------------------


def _conv(x: Any, w: Any, strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any,
          groups: int) -> Any:  # fmt: skip
    """By definition: a sum over the places of the window, on a dilated and padded copy."""
    n = x.ndim - 2
    lengths = [(m - 1) * gap + 1 if m else 0 for m, gap in zip(x.shape[2:], lhs_dilation)]
    wide = np.zeros((*x.shape[:2], *lengths), x.dtype)
    wide[(..., *[slice(None, None, gap) for gap in lhs_dilation])] = x
    wide = np.pad(wide, [(0, 0)] * 2 + [(max(a, 0), max(b, 0)) for a, b in padding])
    cut = [slice(max(-a, 0), m - max(-b, 0)) for m, (a, b) in zip(wide.shape[2:], padding)]
    wide = wide[(..., *cut)]
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], rhs_dilation)]
    space = [(m - r) // s + 1 for m, r, s in zip(wide.shape[2:], reach, strides)]
    out = np.zeros((x.shape[0], w.shape[0], *space), x.dtype)
    each = w.shape[0] // groups
    for at in np.ndindex(*w.shape[2:]):
        part = wide[(..., *[slice(k * d, k * d + (m - 1) * s + 1, s)
                            for k, d, m, s in zip(at, rhs_dilation, space, strides)])]  # fmt: skip
        for g in range(groups):
            out[:, g * each : (g + 1) * each] += np.einsum(
                "nc...,oc->no...", part[:, g * w.shape[1] : (g + 1) * w.shape[1]],
                w[(slice(g * each, (g + 1) * each), slice(None), *at)])  # fmt: skip
    return out if n else None


def _conv_params(strides: Any, padding: Any, lhs: Any, rhs: Any, groups: int) -> dict[str, Any]:
    return {"strides": strides, "padding": padding, "lhs_dilation": lhs, "rhs_dilation": rhs,
            "groups": groups}  # fmt: skip


for _case, _x, _w, _params in (
    ("2d", (2, 2, 4, 5), (3, 2, 3, 2), ((1, 1), ((1, 1), (0, 1)), (1, 1), (1, 1), 1)),
    ("strided groups", (1, 4, 5, 4), (2, 2, 2, 2), ((2, 1), ((0, 1), (1, 0)), (1, 1), (1, 2), 2)),
    ("scattered", (2, 2, 2, 3), (3, 2, 2, 2), ((1, 1), ((1, 1), (1, 0)), (2, 2), (1, 1), 1)),
    ("depthwise", (2, 3, 5), (3, 1, 2), ((2,), ((1, -1),), (1,), (1,), 3)),
    ("everything", (1, 2, 4), (2, 1, 2), ((2,), ((1, 2),), (3,), (2,), 2)),
    ("3d", (1, 1, 2, 3, 2), (2, 1, 2, 1, 2), ((1,) * 3, ((0, 0), (1, 0), (1, 1)), (1,) * 3,
                                              (1,) * 3, 1)),
    ("pixels", (1, 2, 8, 8), (2, 2, 1, 1), ((1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1), 1)),
    ("empty", (0, 2, 4), (3, 2, 2), ((1,), ((0, 0),), (1,), (1,), 1)),
):  # fmt: skip
    add("conv", (Operand(_x), Operand(_w)), _conv, _conv_params(*_params), dtypes=FLOATS, order=2,
        linear=((0,), (1,)), case=_case, tolerance=4.0)  # fmt: skip
_params = _conv_params((1,), ((0, 0),), (1,), (1,), 1)
add("conv", (Operand((1, 2, 4)), Operand((2, 2, 2))), _conv, _params, (I64, I32, C128, C64),
    case="numbers")  # fmt: skip


def _windows_of(x: Any, window: Any, strides: Any, padding: Any, dilation: Any) -> Any:
    """For each window its elements, last; None outside."""
    split = x.ndim - len(window)
    along = zip(x.shape[split:], window, strides, padding, dilation)
    space = [(n + sum(p) - (k - 1) * d - 1) // s + 1 for n, k, s, p, d in along]
    for out in np.ndindex(*x.shape[:split], *space):
        found = []
        for at in np.ndindex(*window):
            along = zip(out[split:], at, strides, dilation, padding)
            place = [o * s + k * d - p[0] for o, k, s, d, p in along]
            inside = all(0 <= i < n for i, n in zip(place, x.shape[split:]))
            found.append((*out[:split], *place) if inside else None)
        yield out, found


def _window_max(x: Any, **params: Any) -> Any:
    found = list(_windows_of(x, **params))
    out = np.empty([i + 1 for i in found[-1][0]], x.dtype)
    for i, places in found:
        out[i] = max(x[p] for p in places if p)
    return out


def _window_which(x: Any, y: Any, **params: Any) -> Any:
    out = np.empty(y.shape, np.int32)
    for i, places in _windows_of(x, **params):
        out[i] = next((k for k, p in enumerate(places) if p and x[p] == y[i]), -1)
    return out


def _window_pick(x: Any, which: Any, **params: Any) -> Any:
    out = np.zeros(which.shape, x.dtype)
    for i, places in _windows_of(x, **params):
        place = places[which[i]] if which[i] >= 0 else None
        out[i] = x[place] if place else 0
    return out


def _window_place(x: Any, which: Any, space: Any, **params: Any) -> Any:
    out = np.zeros((*x.shape[: x.ndim - len(space)], *space), x.dtype)
    for i, places in _windows_of(out, **params):
        if which[i] >= 0 and places[which[i]]:
            out[places[which[i]]] += x[i]
    return out


for _case, _shape, _out, _params in (
    ("2d", (2, 4, 5), (2, 3, 2), {"window": (2, 3), "strides": (1, 2), "padding": ((0, 0), (0, 0)),
                                  "dilation": (1, 1)}),
    ("padded", (1, 5), (1, 3), {"window": (2,), "strides": (2,), "padding": ((1, 1),),
                                "dilation": (1,)}),
    ("dilated", (6,), (2,), {"window": (2,), "strides": (2,), "padding": ((0, 0),),
                             "dilation": (3,)}),
):  # fmt: skip
    _where = np.random.default_rng(1).integers(-1, math.prod(_params["window"]), _out)
    _which = Operand(_out, dtype=I32, values=_where)
    add("window_max", (Operand(_shape),), _window_max, _params, dtypes=(*FLOATS, I32), order=2,
        case=_case)  # fmt: skip
    add("window_which", (Operand(_shape, (0, 3), I32), Operand(_out, (0, 3), I32)), _window_which,
        _params, case=_case)  # fmt: skip
    add("window_pick", (Operand(_shape), _which), _window_pick, _params, order=2, linear=((0,),),
        case=_case)  # fmt: skip
    _space = _shape[len(_shape) - len(_params["window"]) :]
    add("window_place", (Operand(_out), _which), _window_place, {**_params, "space": _space},
        order=2, linear=((0,),), case=_case)  # fmt: skip


# ---- what the tests iterate over -----------------------------------------------------------------

EPS = {d: float(ml_dtypes.finfo(d).eps) for d in INEXACT if d not in COMPLEX}
EPS |= {C64: EPS[F32], C128: EPS[F64]}


def short(dtype: Any) -> str:
    return dtypes.SHORT_NAMES[dtype]
