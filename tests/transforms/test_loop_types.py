"""Dtypes in control flow: Python numbers take the dtype they meet, and lose nothing by it."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import DTypeError

HALF = rt.asarray(np.asarray(0.5))


def test_a_python_integer_that_becomes_a_python_float():
    halve = lambda: rt.fori_loop(0, 3, lambda i, c: c / 2, 1)  # noqa: E731
    count = lambda x: rt.scan(lambda c, x: (c * 0.5, c + x), 1, x)  # noqa: E731
    assert float(halve()) == float(rt.jit(halve)()) == 0.125
    narrow = rt.ones(2, rt.bfloat16)
    for y, z in zip(rt.tree.leaves(count(narrow)), rt.tree.leaves(rt.jit(count)(narrow))):
        assert y.dtype == z.dtype
        assert y.tolist() == z.tolist()


@pytest.mark.parametrize(
    ("one", "other", "dtype"),
    [(2, 1.5, rt.float32), (True, 2, rt.int64), (2, 1j, rt.complex64), (HALF, 1, rt.float64)],
)
def test_python_numbers_of_branches_meet_without_loss(one, other, dtype):
    for a, b in [(one, other), (other, one)]:
        f = rt.jit(lambda flag, a=a, b=b: rt.cond(flag, lambda: a, lambda: b))
        for flag, expected in [(True, a), (False, b)]:
            found = f(flag)
            assert complex(found) == complex(expected)
            assert found.dtype == dtype


def test_a_python_number_that_does_not_fit_the_other_branch():
    whole = rt.asarray(2)
    with pytest.raises(DTypeError, match=r"\[cond\] the branches must return the same types"):
        rt.jit(lambda flag: rt.cond(flag, lambda: whole, lambda: 1.5))(True)


def test_a_number_in_one_branch_does_not_make_the_result_weak():
    def f(flag, x):
        return rt.cond(flag, lambda: x * 1, lambda: 1.0) + rt.ones((), rt.bfloat16)

    assert rt.jit(f)(True, rt.ones(())).dtype == f(True, rt.ones(())).dtype == rt.float32


def test_eager_branches_return_arrays_too():
    for branches in ([lambda: 1], [lambda: 1, lambda: 2.5]):
        assert rt.switch(0, branches).dtype == rt.int64
    assert rt.cond(True, lambda: (1, None), lambda: (2, None))[0].dtype == rt.int64
