"""Primitives against NumPy, for every dtype; and `infer` against what comes out."""

from typing import Any

import numpy as np
import pytest
from op_specs import BF16, EPS, F16, SPECS, OpSpec, short

import rtorch as rt
from rtorch.core import dtypes
from rtorch.core.primitive import Primitive

SPECIAL = [s for s in SPECS if s.special and s.case.endswith("0d")]
# `complex` takes arrays only.
BINARY = [
    s for s in SPECS
    if s.case.endswith("2x3") and len(s.varied) == len(s.operands) == 2 and s.name != "complex"
]  # fmt: skip


def as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def agree(actual: Any, expected: Any, slack: float = 1.0, what: str = "") -> None:
    """Values agree up to a few roundings of the narrower dtype; dtypes where NumPy has them."""
    tol = slack * 64 * EPS.get(actual.dtype, 0.0)
    expected = np.asarray(expected)
    if expected.dtype != actual.dtype and actual.dtype in (F16, BF16):
        expected = expected.astype(actual.dtype)
    rt.testing.assert_close(actual, expected, rtol=tol, atol=tol, what=what)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_value(spec: OpSpec) -> None:
    for dtype in spec.dtypes:
        operands = spec.draw(dtype)
        out = as_tuple(spec.call(*map(rt.asarray, operands)))
        expected = as_tuple(spec.expected(operands))
        for y, e in zip(out, expected, strict=True):
            agree(y, e, spec.tolerance, short(dtype))


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_infer(spec: OpSpec) -> None:
    for dtype in spec.dtypes:
        operands = spec.arrays(dtype)
        out = as_tuple(spec.call(*operands))
        program = rt.make_program(spec.call)(*operands)
        rt.check_program(program)
        found = [y.aval for y in out]
        assert program.out_avals == found
        assert [y.aval for y in program(*operands)] == found


@pytest.mark.parametrize("spec", SPECIAL, ids=lambda s: s.id)
def test_special_points(spec: OpSpec) -> None:
    for dtype in set(spec.dtypes) & dtypes.FLOATS:
        columns = [np.array(c).astype(dtype) for c in zip(*spec.special, strict=True)]
        with np.errstate(all="ignore"):
            agree(spec.call(*map(rt.asarray, columns)), spec.expected(columns), what=short(dtype))


@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("spec", BINARY, ids=lambda s: s.id)
def test_a_python_number_is_a_constant_of_the_array_dtype(spec: OpSpec, side: int) -> None:
    for dtype in spec.dtypes:
        operands = spec.arrays(dtype)
        number = np.asarray(operands[side])[0, 0].item()
        array = operands[1 - side]
        operands[side] = rt.full(array.shape, number, dtype=dtype)
        expected = spec.call(*operands)

        def f(x: Any, number: Any = number) -> Any:
            return spec.call(number, x) if side == 0 else spec.call(x, number)

        rt.testing.assert_close(f(array), expected, 0, 0, what=short(dtype))
        assert rt.make_program(f)(array).out_avals == [expected.aval]
        rt.testing.assert_close(rt.jit(f)(array), expected, 0, 0, what=f"jit {short(dtype)}")
        if dtype in spec.differentiable_dtypes:
            whole = rt.vjp(spec.call, *operands)[1](expected)[1 - side]
            alone = rt.vjp(f, array)[1](expected)[0]
            rt.testing.assert_close(alone, whole, what=f"vjp {short(dtype)}")


def test_a_missing_reference_would_be_seen() -> None:
    """The comparison itself can fail."""
    with pytest.raises(AssertionError, match="came"):
        agree(rt.asarray(1.0), np.float32(1.1))
    with pytest.raises(AssertionError, match="dtype"):
        agree(rt.asarray(1.0), np.float64(1.0))
    assert Primitive.registry["add"](rt.asarray(1.0), 1).item() == 2.0
