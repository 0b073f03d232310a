"""Scalar operations of native kernels: accuracy, special values, widths, other processors."""

import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import vector_math_specs as specs
from scalar_kernels import (
    BINARY,
    PREDICATES,
    TARGETS,
    as_dtype,
    operands,
    print_kernel,
    run,
)
from vector_math_specs import LONG_HAS_DIGITS, Long, Spec, points, special, ulps

import rtorch as rt
from rtorch.compiler.native.scalars import (
    EXPENSIVE,
    IN_REGISTER,
    NBYTES,
    OPERATIONS,
    SUPPORTED,
    is_floating,
)
from rtorch.compiler.native.target import host
from rtorch.compiler.native.text import Function, Value, constant, module

FLOATS = (np.float32, np.float64)
INTEGERS = tuple(d for d in NBYTES if "int" in d)
ALL = {**specs.UNARY, **specs.BINARY}
OTHERS = ("erf_inv", "erfcx", "log_ndtr", "digamma", "remainder", "floor_divide", "nextafter")

needs_digits = pytest.mark.skipif(not LONG_HAS_DIGITS, reason="long doubles have too few digits")
on_x86 = pytest.mark.skipif(not host().is_x86, reason="other processors convert otherwise")


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


def grid(dtype: Any) -> tuple[Any, Any]:
    """All pairs of special values, and random ones."""
    s, n = special(dtype), 4000
    pairs = np.repeat(s, len(s)), np.tile(s, len(s))
    quarters = [np.random.default_rng(k).integers(-50, 50, n) / 4 for k in range(2)]
    return tuple(
        np.concatenate([p, points(dtype, n // 8, k), q.astype(dtype)])
        for k, (p, q) in enumerate(zip(pairs, quarters, strict=True))
    )


def same(actual: Any, expected: Any) -> Any:
    """Equal, signs of zeros and nan included."""
    if actual.dtype.kind in "biu":
        return actual == expected
    signs = np.signbit(actual) == np.signbit(expected)
    return ((actual == expected) & (signs | (actual != 0))) | (
        np.isnan(actual) & np.isnan(expected)
    )


def check_same(actual: Any, expected: Any, *xs: Any) -> None:
    wrong = np.flatnonzero(~same(actual, expected))
    shown = [(*[x[k] for x in xs], actual[k], expected[k]) for k in wrong[:5]]
    assert not len(wrong), f"{len(wrong)} are wrong: operands, result, wanted: {shown}"


# ---- accuracy ------------------------------------------------------------------------------------


def check_accuracy(name: str, spec: Spec, *xs: Any, target: Any = None) -> None:
    wide = [x.astype(Long) for x in xs]
    actual = run(name, *xs, lanes=8, target=target)
    exact = spec.reference(*wide)
    scale = spec.conditioned(*wide) if spec.conditioned else None
    error = ulps(actual, exact, scale)
    k = np.argmax(error)
    allowed = spec.ulp[xs[0].dtype == np.float64]
    assert error[k] <= allowed, (
        f"{name}{tuple(x[k] for x in xs)} is {actual[k]!r}, not {exact[k]!r}: {error[k]:.3g} ulp"
    )


@needs_digits
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", specs.UNARY)
def test_errors_are_small(name: str, dtype: Any) -> None:
    spec = specs.UNARY[name]
    x = points(dtype, 400 if spec.slow else 4000)
    if dtype == np.float32 and not spec.slow:
        x = np.concatenate([x, specs.every(np.float32, 104729)])  # a prime
    check_accuracy(name, spec, x)


@needs_digits
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", specs.BINARY)
def test_errors_are_small_for_pairs(name: str, dtype: Any) -> None:
    check_accuracy(name, specs.BINARY[name], *grid(dtype))


@needs_digits
@on_x86
@pytest.mark.parametrize("name", ["pow", "sin", "fmod", "log10", "erfc", "tanh", "cbrt", "atan2"])
def test_errors_are_small_without_fma(name: str) -> None:
    for dtype in FLOATS:
        xs = grid(dtype) if name in specs.BINARY else (points(dtype, 300),)
        check_accuracy(name, ALL[name], *xs, target=TARGETS["sse2"])


def test_logarithms_of_powers_are_exact() -> None:
    tens = 10.0 ** np.arange(23)
    check_same(run("log10", tens), np.arange(23.0))
    twos = 2.0 ** np.arange(-1074, 1024)
    check_same(run("log2", twos), np.arange(-1074.0, 1024))
    check_same(run("exp2", np.arange(-1074.0, 1024)), twos)
    ten = np.float32(10) ** np.arange(11, dtype=np.float32)
    check_same(run("log10", ten), np.arange(11, dtype=np.float32))


def test_huge_angles_are_reduced_with_all_digits() -> None:
    # The double that is nearest to a multiple of pi / 2 (Muller 2016, Elementary Functions, 11.2).
    x = np.array([6381956970095103.0 * 2.0**797, 1e22, 2.0**1023])
    expected = np.array([-4.6871659242546276e-19, 0.5232147853951389, -0.826369834614148])
    for target in (None, TARGETS["sse2"]) if host().is_x86 else (None,):
        for lanes in (1, 8):
            actual = run("cos", x, lanes=lanes, target=target)
            assert np.allclose(actual, expected, rtol=3e-16, atol=0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_erf_inv_and_relatives(dtype: Any) -> None:
    scipy = pytest.importorskip("scipy.special")
    x = points(dtype, 500)
    rtol = 1e-6 if dtype == np.float32 else 1e-14
    erfcx = run("erfcx", x), scipy.erfcx(x.astype(np.float64)).astype(dtype)
    fine = x > -10  # SciPy loses digits below
    assert np.allclose(erfcx[0][fine], erfcx[1][fine], rtol, 0, equal_nan=True)
    fine = x < 20
    log_ndtr = run("log_ndtr", x), scipy.log_ndtr(x.astype(np.float64)).astype(dtype)
    assert np.allclose(log_ndtr[0][fine], log_ndtr[1][fine], rtol, 1e-300, equal_nan=True)
    fine = (x > 0) & (x < 1e30)
    digamma = run("digamma", x), scipy.digamma(x.astype(np.float64)).astype(dtype)
    assert np.allclose(digamma[0][fine], digamma[1][fine], rtol, rtol)
    eager = np.asarray(rt.special.erfinv(rt.asarray(x)))
    assert np.allclose(run("erf_inv", x), eager, rtol, 0, equal_nan=True)


# ---- results that are the same to the last bit ---------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [*ALL, *OTHERS])
def test_all_widths_agree(name: str, dtype: Any) -> None:
    xs = grid(dtype)[: len(operands(name, "float32"))]
    xs = tuple(x[::8] for x in xs)
    bits = np.uint32 if dtype == np.float32 else np.uint64
    expected = run(name, *xs, lanes=1).view(bits)
    for lanes in (4, 8, 16):
        assert (run(name, *xs, lanes=lanes).view(bits) == expected).all(), lanes


def floor_divide(x: Any, y: Any) -> Any:
    beside = (np.isinf(x) != np.isinf(y)) & ~(np.isnan(x) | np.isnan(y))
    return np.where(beside, x / y, np.floor_divide(x, y))


EXACT = {
    "fmod": np.fmod, "remainder": np.remainder, "floor_divide": floor_divide,
    "nextafter": np.nextafter, "copysign": np.copysign, "signbit": lambda x, y: np.signbit(x),
    "sign": lambda x, y: np.sign(x),
    "step": lambda x, y: np.where(x > y, 1, np.where(x == y, 0.5, 0)).astype(x.dtype),
    "maximum": np.maximum, "minimum": np.minimum,
    "is_nan": lambda x, y: np.isnan(x), "is_inf": lambda x, y: np.isinf(x),
    "is_finite": lambda x, y: np.isfinite(x), "abs": lambda x, y: np.abs(x),
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "ge": np.greater_equal,
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", EXACT)
def test_floats_as_numpy(name: str, dtype: Any) -> None:
    x, y = grid(dtype)
    reference: Any = EXACT[name]
    xs = (x, y)[: len(operands(name, "float32"))]
    check_same(run(name, *xs), reference(x, y), x, y)


INTEGER = {
    "floor_divide": np.floor_divide, "remainder": np.remainder, "fmod": np.fmod,
    "shift_left": np.left_shift, "shift_right": np.right_shift, "add": np.add,
    "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "lt": np.less,
    "not": lambda x, y: ~x, "abs": lambda x, y: np.abs(x), "neg": lambda x, y: -x,
    "sign": lambda x, y: np.sign(x),
    "population_count": lambda x, y: np.bitwise_count(x).astype(x.dtype),
}  # fmt: skip


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_as_numpy(dtype: str) -> None:
    info, rng = np.iinfo(dtype), np.random.default_rng(0)
    edges = [0, 1, 2, 3, 7, 8, 16, 31, 32, 63, 64, info.max, info.max - 1, info.min, info.min + 1]
    edges += [-1, -2, -3, -64] if info.min else []
    s = np.array(edges, dtype)
    wide = rng.integers(info.min, info.max, 500, dtype, endpoint=True)
    small = rng.integers(-20 if info.min else 0, 20, 500).astype(dtype)
    x = np.concatenate([np.repeat(s, len(s)), wide, wide, small])
    y = np.concatenate([np.tile(s, len(s)), wide[::-1], small, small[::-1]])
    for name, reference in INTEGER.items():
        xs = (x, y)[: len(operands(name, dtype))]
        check_same(run(name, *xs), reference(x, y), x, y)
    for power in (0, 1, 2, 3, 5):
        expected = x ** np.array(power, dtype)
        check_same(run("integer_pow", x, extra=power), expected, x)


def numbers(dtype: str) -> Any:
    """Numbers to convert: ends of the integers, halves between floats, what does not fit."""
    rng = np.random.default_rng(0)
    if dtype == "bool":
        return rng.integers(0, 2, 100).astype(bool)
    if not is_floating(dtype):
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, 1000, dtype, endpoint=True)
        return np.concatenate(
            [np.array([0, 1, info.max, info.min], dtype), x, x >> 3, x >> info.bits // 2]
        )
    ends = [s * v for s in (1, -1) for e in (7, 8, 15, 16, 31, 32, 63, 64)
            for v in (2.0**e, 2.0**e - 1, 2.0**e - 0.5, 2.0**e + 1)]  # fmt: skip
    halves = rng.integers(0, 1 << 16, 1000).astype(np.uint16).view(np.float16).astype(np.float64)
    ties = [halves * (1 + 2.0**-11) * (1 + e) for e in (0, 2.0**-45, -(2.0**-45))]
    x = np.concatenate([points(np.float64, 100), ends, halves, *ties])
    return x.astype(as_dtype(dtype))


@on_x86
@pytest.mark.parametrize("new", NBYTES)
@pytest.mark.parametrize("old", NBYTES)
def test_conversions_as_numpy(old: str, new: str) -> None:
    x = numbers(old)
    if is_floating(old) and new.startswith("uint"):
        x = x[
            (x > -(2.0**30)) & (x < 2.0 ** min(8 * NBYTES[new], 31))
        ]  # others differ in NumPy too
    targets = (None, TARGETS["sse2"]) if "float16" in (old, new) else (None,)
    for target in targets:
        actual = run("convert", x, out=new, extra=new, target=target)
        expected = x.astype(as_dtype(new))
        if new == "bfloat16":
            actual, expected = actual.astype(np.float32), expected.astype(np.float32)
        check_same(actual, expected, x)


def test_no_width_of_half_precision_is_lost() -> None:
    x = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    for target in (None, TARGETS["sse2"]) if host().is_x86 else (None,):
        check_same(run("convert", x, out="float32", extra="float32", target=target),
                   x.astype(np.float32), x)  # fmt: skip


# ---- other processors ----------------------------------------------------------------------------

CALLS = re.compile(r"^\s+(?:callq?|bl|jmp|b)\s+(?!LBB)([_A-Za-z][\w@.$]*)", re.MULTILINE)


def assembly(functions: list[Function], target: Any) -> str:
    from llvmlite import binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    unit = llvm.parse_assembly(module(functions, target))
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=1, reloc="static", codemodel="small"
    )
    text: str = machine.emit_assembly(unit)
    return text


def kernels(op: str, target: Any) -> list[Function]:
    """One of every dtype; of conversions, one to every dtype too."""
    made = []
    halves = {"float16", "bfloat16"} if op in EXPENSIVE else set()  # it is that of float32
    for dtype in sorted(SUPPORTED[op] - halves):
        extras = list(NBYTES) if op == "convert" else [3 if op == "integer_pow" else None]
        for k, extra in enumerate(extras):
            out = extra if op == "convert" else "bool" if op in PREDICATES else dtype
            lanes = target.lanes(max(4, NBYTES[dtype], NBYTES[out]))
            for width in (1, lanes):
                name = f"{op}_{dtype}_{k}_{width}"
                made.append(print_kernel(name, op, operands(op, dtype), out, width, target, extra))
    return made


@pytest.mark.parametrize("name", TARGETS)
def test_no_target_calls_a_library(name: str) -> None:
    target = TARGETS[name]
    functions = [f for op in [*OPERATIONS, "convert"] for f in kernels(op, target)]
    called = set(CALLS.findall(assembly(functions, target)))
    assert not {c for c in called if "reduce_huge_angle" not in c}


@pytest.mark.parametrize("name", TARGETS)
def test_a_call_of_a_library_would_be_seen(name: str) -> None:
    target = TARGETS[name]
    f = Function("rest", "double %x, ptr %y", target)
    f.store(Value("%y", "ptr"), f.op("rem", Value("%x", "double"), constant(3.0, "double")))
    f.ret()
    assert any("fmod" in c for c in CALLS.findall(assembly([f], target)))


# ---- the table of operations ---------------------------------------------------------------------


def test_every_operation_is_tested() -> None:
    exact = {*EXACT, *INTEGER, "integer_pow", "erf_inv", "erfcx", "log_ndtr", "digamma"}
    plain = {"div", "relu", "mul_no_nan", "le", "gt", "select"}  # tests of whole programs run them
    assert set(OPERATIONS) == {*ALL, *exact} | plain
    assert set(SUPPORTED) >= set(OPERATIONS)
    assert set(BINARY) <= set(OPERATIONS)
    assert set(IN_REGISTER) == set(NBYTES)
