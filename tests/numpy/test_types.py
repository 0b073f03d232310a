"""Names of dtypes, questions about dtypes and shapes, and printed text."""

import numpy as np
import pytest

import rtorch as rt


def test_names_of_dtypes_and_kinds_are_numpys():
    names = ("bool", "uint", "single", "double", "csingle", "cdouble")
    for name in names:
        assert getattr(rt, name) == np.dtype(getattr(np, name))
    assert (rt.float_, rt.int_, rt.complex_) == (rt.float64, rt.int64, rt.complex128)
    assert rt.dtype("int8") is rt.int8
    assert rt.ones(2, rt.bool).dtype is rt.bool_
    kinds = (
        "generic",
        "number",
        "integer",
        "signedinteger",
        "unsignedinteger",
        "inexact",
        "floating",
        "complexfloating",
    )
    for kind in kinds:
        for dtype in (rt.bool, rt.int8, rt.uint32, rt.float16, rt.float64, rt.complex64):
            assert rt.issubdtype(dtype, getattr(rt, kind)) == np.issubdtype(
                dtype, getattr(np, kind)
            )
    assert rt.issubdtype(rt.bfloat16, rt.inexact)
    assert not rt.issubdtype(rt.bfloat16, rt.integer)
    assert rt.issubdtype(rt.floating, rt.number)
    assert rt.issubdtype("int32", rt.int32)


def test_can_cast():
    dtypes = (rt.bool, rt.int8, rt.uint8, rt.int64, rt.float16, rt.float64, rt.complex64)
    for a in dtypes:
        for b in dtypes:
            for rule in ("no", "equiv", "safe", "same_kind", "unsafe"):
                assert rt.can_cast(a, b, rule) == np.can_cast(a, b, rule)
    assert rt.can_cast(rt.ones(2), rt.float64)
    assert rt.can_cast(rt.bfloat16, rt.float32)


def test_shapes():
    x = rt.ones((2, 3))
    assert (rt.shape(x), rt.ndim(x), rt.size(x), rt.size(x, 0)) == ((2, 3), 2, 6, 2)
    assert (rt.shape(3), rt.ndim([1]), rt.size(1.0)) == ((), 1, 1)
    assert rt.size(x, (0, 1)) == 6
    assert rt.jit(lambda x: x * rt.size(x))(x)[0, 0] == 6
    assert rt.iterable(x)
    assert rt.iterable([])
    assert not rt.iterable(3)
    with pytest.raises(rt.errors.AxisError):
        rt.size(x, 2)


def test_text():
    x = rt.asarray([1.23456, 1e-9])
    assert rt.array_repr(x) == repr(x)
    assert rt.array_str(x) == str(x)
    short = rt.array2string(x, precision=2, suppress_small=True, separator=";")
    assert short == np.array2string(np.asarray(x), precision=2, suppress_small=True, separator=";")
    before = rt.get_printoptions()
    with rt.printoptions(precision=3, suppress=True):
        assert str(x) == "[1.235 0.   ]"
    rt.set_printoptions(precision=2)
    try:
        assert "1.23e+00" in str(x)
    finally:
        rt.set_printoptions(**before)
    assert rt.get_printoptions() == before
    with pytest.raises(rt.errors.ConcretizationError):
        rt.jit(rt.array_str)(x)
