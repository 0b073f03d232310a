"""Primitives against NumPy, for every dtype; and `infer` against what comes out."""

from typing import Any

import numpy as np
import pytest
from op_specs import BF16, EPS, F16, SPECS, OpSpec, short

import rtorch as rt
from rtorch.core import dtypes
from rtorch.core.primitive import Primitive

CASES = [pytest.param(s, d, id=f"{s.id}-{short(d)}") for s in SPECS for d in s.dtypes]
SPECIAL = [
    pytest.param(s, d, id=f"{s.id}-{short(d)}")
    for s in SPECS
    if s.special and s.case.endswith("0d")
    for d in s.dtypes
    if d in dtypes.FLOATS
]
BINARY = [
    pytest.param(s, d, id=f"{s.id}-{short(d)}")
    for s in SPECS
    if len(s.operands) == 2 and s.case.endswith("2x3") and s.varied == [0, 1]
    for d in s.dtypes
]


def as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def agree(actual: Any, expected: Any, slack: float = 1.0) -> None:
    """Values agree up to a few roundings of the narrower dtype; dtypes where NumPy has them."""
    tol = slack * 64 * EPS.get(actual.dtype, 0.0)
    expected = np.asarray(expected)
    if expected.dtype != actual.dtype and actual.dtype in (F16, BF16):
        expected = expected.astype(actual.dtype)
    rt.testing.assert_close(actual, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize(("spec", "dtype"), CASES)
def test_value(spec: OpSpec, dtype: Any) -> None:
    operands = spec.draw(dtype)
    out = as_tuple(spec.call(*map(rt.asarray, operands)))
    expected = as_tuple(spec.expected(operands))
    for y, e in zip(out, expected, strict=True):
        agree(y, e, spec.tolerance)


@pytest.mark.parametrize(("spec", "dtype"), CASES)
def test_infer(spec: OpSpec, dtype: Any) -> None:
    operands = spec.arrays(dtype)
    out = as_tuple(spec.call(*operands))
    program = rt.make_program(spec.call)(*operands)
    rt.check_program(program)
    found = [(y.shape, y.dtype) for y in out]
    assert [(a.shape, a.dtype) for a in program.out_avals] == found
    assert [(y.shape, y.dtype) for y in program(*operands)] == found


@pytest.mark.parametrize(("spec", "dtype"), SPECIAL)
def test_special_points(spec: OpSpec, dtype: Any) -> None:
    columns = [np.array(c).astype(dtype) for c in zip(*spec.special, strict=True)]
    with np.errstate(all="ignore"):
        agree(spec.call(*map(rt.asarray, columns)), spec.expected(columns))


@pytest.mark.parametrize(("spec", "dtype"), BINARY)
def test_scalars_are_constants_of_the_array_dtype(spec: OpSpec, dtype: Any) -> None:
    """A Python number beside an array gives what an array of it gives."""
    x, y = spec.arrays(dtype)
    for i, (left, right) in enumerate([(x, y), (x, y)]):
        array = (left, right)[i]
        number = array[0, 0].item()
        number = float(number) if dtype == BF16 else number
        full = rt.full(x.shape, number, dtype=dtype)
        mixed = (number, right) if i == 0 else (left, number)
        same = (full, right) if i == 0 else (left, full)
        if spec.name == "complex":
            continue  # takes arrays only
        rt.testing.assert_close(spec.call(*mixed), spec.call(*same), 0, 0)
        program = rt.make_program(
            lambda z, i=i, n=number: spec.call(n, z) if i == 0 else spec.call(z, n)
        )(mixed[1 - i])
        assert program.out_avals[0].dtype == spec.call(*same).dtype
        assert program.out_avals[0].shape == x.shape
        jitted = rt.jit(lambda z, i=i, n=number: spec.call(n, z) if i == 0 else spec.call(z, n))
        rt.testing.assert_close(jitted(mixed[1 - i]), spec.call(*same), 0, 0)


def test_a_missing_reference_would_be_seen() -> None:
    """The comparison itself can fail."""
    with pytest.raises(AssertionError, match="came"):
        agree(rt.asarray(1.0), np.float32(1.1))
    with pytest.raises(AssertionError, match="dtype"):
        agree(rt.asarray(1.0), np.float64(1.0))
    assert Primitive.registry["add"](rt.asarray(1.0), 1).item() == 2.0
