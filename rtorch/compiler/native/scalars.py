"""The closed set of scalar operations that kernels are made of, as LLVM text.

An operation takes values in registers: floats as they are (half precision as ``float``), integers,
and booleans as ``i1``. What depends on more than the LLVM types, such as the sign of an integer, is
read from the dtypes of the operands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rtorch.compiler.native import (
    division,
    gamma,
    hyperbolic,
    rounding,
    special,
    trigonometry,
    vector_math as vm,
)
from rtorch.compiler.native.lanes import Lanes, copysign
from rtorch.compiler.native.text import Function, Value, constant

# How a dtype lies in memory, and what it is in a register. Half precision lies there as bits: LLVM
# fails an assertion where it finds that only the sign of a ``bfloat`` is needed.
IN_MEMORY = {
    "float16": "i16", "bfloat16": "i16", "float32": "float", "float64": "double", "bool": "i8",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "i8", "uint16": "i16", "uint32": "i32", "uint64": "i64",
}  # fmt: skip
IN_REGISTER = {**IN_MEMORY, "float16": "float", "bfloat16": "float", "bool": "i1"}
NBYTES = {
    name: {"float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}[kind]
    for name, kind in IN_MEMORY.items()
}

Emit: TypeAlias = Callable[..., Value]


def is_signed(dtype: str) -> bool:
    return dtype.startswith("int")


def is_floating(dtype: str) -> bool:
    return "float" in dtype


# ---- memory --------------------------------------------------------------------------------------


def from_memory(f: Function, x: Value, dtype: str) -> Value:
    """What was loaded, as it is computed with."""
    if dtype == "bool":
        return f.compare("ne", x, 0)
    if dtype == "float16":
        return rounding.float_of_half(Lanes(f, x)).v
    if dtype == "bfloat16":  # the upper half of a float
        return f.floats(f.op("shl", f.cast("zext", x, "i32"), 16))
    return x


def to_memory(f: Function, x: Value, dtype: str) -> Value:
    """What was computed, as it is stored."""
    if dtype == "bool":
        return f.cast("zext", x, "i8")
    if dtype == "float16":
        return rounding.half_of_float(Lanes(f, x)).v
    if dtype == "bfloat16":
        return _upper_half(f, x)
    return x


def _upper_half(f: Function, x: Value) -> Value:
    """A float rounded to its upper sixteen bits, ties to even; nan stays nan."""
    bits = f.bits(x)
    odd = f.op("and", f.op("lshr", bits, 16), 1)
    rounded = f.op("lshr", f.add(bits, f.add(odd, 0x7FFF)), 16)
    quiet = f.op("or", f.op("lshr", bits, 16), 0x40)
    return f.cast("trunc", f.select(f.compare("uno", x, x), quiet, rounded), "i16")


# ---- conversion ----------------------------------------------------------------------------------


def convert(f: Function, x: Value, old: str, new: str) -> Value:
    """A value of one dtype as another."""
    kind = IN_REGISTER[new]
    if new == "bool":
        return f.compare("une" if x.is_float else "ne", x, 0)
    if old == "bool":
        if is_floating(new):
            return f.cast("uitofp", x, kind)
        return f.cast("zext", x, kind)
    if old == "float64" and new == "float16":
        return rounded(f, rounding.to_odd(Lanes(f, x)).v, new)
    if is_floating(old) and is_floating(new):
        return rounded(f, _resized(f, x, kind), new)
    if is_floating(old):
        return rounding.integer_of_float(Lanes(f, x), kind, is_signed(new)).v
    if is_floating(new):
        return rounded(f, f.cast("sitofp" if is_signed(old) else "uitofp", x, kind), new)
    if NBYTES[old] > NBYTES[new]:
        return f.cast("trunc", x, kind)
    if NBYTES[old] < NBYTES[new]:
        return f.cast("sext" if is_signed(old) else "zext", x, kind)
    return x


def _resized(f: Function, x: Value, kind: str) -> Value:
    if x.kind == kind:
        return x
    return f.cast("fpext" if kind == "double" else "fptrunc", x, kind)


def rounded(f: Function, x: Value, dtype: str) -> Value:
    """A ``float`` with the digits that a half precision has."""
    if dtype not in ("float16", "bfloat16"):
        return x
    return from_memory(f, to_memory(f, x, dtype), dtype)


# ---- operations ----------------------------------------------------------------------------------


def _extreme(predicate: str, signed: str, unsigned: str) -> Emit:
    def emit(f: Function, dtype: str, x: Value, y: Value) -> Value:
        if dtype == "bool":
            return f.op("or" if predicate == "ogt" else "and", x, y)
        if not x.is_float:
            return f.select(f.compare(signed if is_signed(dtype) else unsigned, x, y), x, y)
        # x unless y is larger; nan if either is, as NumPy
        chosen = f.select(f.compare(predicate, x, y), x, y)
        return f.select(f.compare("uno", x, x), x, chosen)

    return emit


def _comparison(floats: str, signed: str, unsigned: str) -> Emit:
    def emit(f: Function, dtype: str, x: Value, y: Value) -> Value:
        if x.is_float:
            return f.compare(floats, x, y)
        return f.compare(signed if is_signed(dtype) else unsigned, x, y)

    return emit


def _plain(name: str) -> Emit:
    return lambda f, dtype, x, y: f.op(name, x, y)


def _math(function: Callable[..., Lanes]) -> Emit:
    """A function of `Lanes`."""
    return lambda f, dtype, *xs: function(*[Lanes(f, x) for x in xs]).v


def _by_sign(floats: Callable[..., Lanes] | None, integers: Callable[..., Lanes]) -> Emit:
    """A function of floats and one of integers, which is told whether they have signs."""

    def emit(f: Function, dtype: str, *xs: Value) -> Value:
        lanes = [Lanes(f, x) for x in xs]
        if is_floating(dtype):
            assert floats is not None
            return floats(*lanes).v
        return integers(*lanes, is_signed(dtype)).v

    return emit


def _abs(f: Function, dtype: str, x: Value) -> Value:
    if x.is_float:
        return f.call("fabs", x)
    if not is_signed(dtype):
        return x
    return f.select(f.compare("slt", x, 0), f.neg(x), x)


def _sign(f: Function, dtype: str, x: Value) -> Value:
    if not x.is_float:
        positive = f.select(f.compare("sgt" if is_signed(dtype) else "ugt", x, 0),
                            constant(1, x.kind, x.lanes), 0)  # fmt: skip
        if not is_signed(dtype):
            return positive
        return f.select(f.compare("slt", x, 0), constant(-1, x.kind, x.lanes), positive)
    one = copysign(1.0, Lanes(f, x)).v
    return f.select(f.compare("one", x, 0.0), one, f.select(f.compare("uno", x, x), x, 0.0))


def _integer_pow(f: Function, dtype: str, x: Value, *, power: int) -> Value:
    result, square, n = None, x, abs(power)
    while n:
        if n & 1:
            result = square if result is None else f.mul(result, square)
        n >>= 1
        square = f.mul(square, square) if n else square
    if result is None:
        return constant(1, x.kind, x.lanes)
    return f.div(1.0, result) if power < 0 else result


def _mul_no_nan(f: Function, dtype: str, x: Value, y: Value) -> Value:
    return f.select(f.compare("oeq", x, 0.0), 0.0, f.mul(x, y))


def _relu(f: Function, dtype: str, x: Value) -> Value:
    if not x.is_float:
        return f.select(f.compare("sgt", x, 0), x, 0)
    return f.select(f.compare("ole", x, 0.0), 0.0, x)  # nan stays


def _not(f: Function, dtype: str, x: Value) -> Value:
    return f.op("xor", x, constant(1 if dtype == "bool" else -1, x.kind, x.lanes))


OPERATIONS: dict[str, Emit] = {
    "add": _plain("add"), "sub": _plain("sub"), "mul": _plain("mul"), "div": _plain("div"),
    "and": _plain("and"), "or": _plain("or"), "xor": _plain("xor"),
    "not": _not,
    "shift_left": _math(division.shift_left), "shift_right": _by_sign(None, division.shift_right),
    "population_count": lambda f, dtype, x: f.call("ctpop", _abs(f, dtype, x)),  # as NumPy
    "neg": lambda f, dtype, x: f.neg(x),
    "abs": _abs, "sign": _sign, "integer_pow": _integer_pow, "relu": _relu,
    "mul_no_nan": _mul_no_nan,
    "maximum": _extreme("ogt", "sgt", "ugt"), "minimum": _extreme("olt", "slt", "ult"),
    "eq": _comparison("oeq", "eq", "eq"), "ne": _comparison("une", "ne", "ne"),
    "lt": _comparison("olt", "slt", "ult"), "le": _comparison("ole", "sle", "ule"),
    "gt": _comparison("ogt", "sgt", "ugt"), "ge": _comparison("oge", "sge", "uge"),
    "is_nan": lambda f, dtype, x: f.compare("uno", x, x),
    "is_inf": lambda f, dtype, x: f.compare("oeq", f.call("fabs", x), float("inf")),
    "is_finite": lambda f, dtype, x: f.compare("olt", f.call("fabs", x), float("inf")),
    "select": lambda f, dtype, mask, x, y: f.select(mask, x, y),
    "copysign": _math(copysign),
    "sqrt": lambda f, dtype, x: f.call("sqrt", x),
    "signbit": lambda f, dtype, x: f.compare("slt", f.bits(x), 0),
    "floor_divide": _by_sign(division.floor_divide, division.integer_floor_divide),
    "remainder": _by_sign(division.remainder, division.integer_remainder),
    "fmod": _by_sign(division.fmod, division.integer_fmod),
    **{name: _math(getattr(module, name)) for module, names in {
        rounding: ("floor", "ceil", "trunc"),
        vm: ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "rsqrt", "cbrt", "hypot",
             "sigmoid", "logaddexp", "xlogy", "xlog1py"),
        trigonometry: ("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
        hyperbolic: ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "logit"),
        special: ("erf", "erfc", "erfcx", "erf_inv", "log_ndtr"),
        gamma: ("lgamma", "digamma"),
    }.items() for name in names},
    "round": _math(rounding.rint), "pow": _math(vm.power),
    "nextafter": _math(division.nextafter), "step": _math(division.step),
}  # fmt: skip

# Operations that take much longer than to load a number.
EXPENSIVE = frozenset({
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "hypot", "sigmoid",
    "logaddexp", "xlogy", "xlog1py", "pow", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "logit", "erf", "erfc", "erfcx", "erf_inv",
    "log_ndtr", "lgamma", "digamma", "floor_divide", "remainder", "fmod",
})  # fmt: skip

# Reductions: the operation that combines two, and what the reduction of nothing is.
REDUCTIONS: dict[str, tuple[str, Any]] = {
    "reduce_sum": ("add", 0), "reduce_prod": ("mul", 1), "reduce_and": ("and", 1),
    "reduce_or": ("or", 0), "reduce_max": ("maximum", "least"), "reduce_min": ("minimum", "most"),
}  # fmt: skip


def identity(op: str, dtype: str) -> float:
    """What the reduction of no elements is."""
    value = REDUCTIONS[op][1]
    if op == "reduce_and" and dtype != "bool":
        return -1  # all bits
    if value not in ("least", "most"):
        return float(value) if is_floating(dtype) else int(value)
    if is_floating(dtype):
        return float("-inf") if value == "least" else float("inf")
    bits = 8 * NBYTES[dtype]
    if dtype == "bool":
        return 0 if value == "least" else 1
    if is_signed(dtype):
        return -(1 << (bits - 1)) if value == "least" else (1 << (bits - 1)) - 1
    return 0 if value == "least" else -1  # -1 is all bits


_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
_INTEGERS = frozenset(n for n in NBYTES if "int" in n)
_ALL = frozenset(NBYTES)
_BITS = _INTEGERS | {"bool"}

# The dtypes of operands for which there is an operation.
SUPPORTED: dict[str, frozenset[str]] = {
    **dict.fromkeys(OPERATIONS, _FLOATS),
    **dict.fromkeys(("load", "constant", "convert", "select", "eq", "ne", "lt", "le", "gt", "ge",
                     "reduce_max", "reduce_min", "maximum", "minimum"), _ALL),
    **dict.fromkeys(("add", "sub", "mul", "neg", "abs", "sign", "relu",
                     "reduce_sum", "reduce_prod"), _FLOATS | _INTEGERS),
    **dict.fromkeys(("and", "or", "xor", "not", "reduce_and", "reduce_or"), _BITS),
    **dict.fromkeys(("shift_left", "shift_right", "population_count"), _INTEGERS),
    **dict.fromkeys(("floor_divide", "remainder", "fmod"), _FLOATS | _INTEGERS),
    "nextafter": frozenset({"float32", "float64"}),
}  # fmt: skip


def emit(f: Function, op: str, dtype: str, args: list[Value], extra: Any = None) -> Value:
    """An operation on values; `dtype` is that of the operands."""
    if op == "convert":
        return convert(f, args[0], dtype, extra)
    if extra is not None:
        return OPERATIONS[op](f, dtype, *args, power=extra)
    return OPERATIONS[op](f, dtype, *args)
