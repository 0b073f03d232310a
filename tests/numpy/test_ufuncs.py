"""Functions of elements: the dtypes, weak types and domains that no primitive decides alone."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors


def test_angle_and_imag_of_real_numbers() -> None:
    x = np.array([-1.0, 0.0, 2.0, np.inf, -np.inf])
    assert np.array_equal(np.asarray(rt.angle(rt.asarray(x))), np.angle(x))
    imag = np.asarray(rt.imag(rt.asarray(x)))
    assert not imag.any()
    assert not np.signbit(imag).any()
    assert rt.grad(lambda x: rt.imag(x) + x)(3.0).item() == 1.0


@pytest.mark.parametrize("transform", [lambda f: f, rt.jit])
def test_power_of_booleans(transform: Any) -> None:
    x, y = rt.asarray([True, False, False]), rt.asarray([True, True, False])
    out = transform(rt.power)(x, y)
    assert out.dtype is rt.int8
    assert out.tolist() == [1, 0, 1]


@pytest.mark.parametrize("f", [rt.power, rt.atan2, rt.hypot, rt.add, rt.maximum])
def test_two_numbers_stay_weak(f: Any) -> None:
    half = rt.ones(2, dtype=rt.float16)
    for scale in (lambda a, b, x: f(a, b) * x, lambda a, b, x: rt.sin(a) * x):
        assert scale(1, 1.5, half).dtype is rt.float16
        assert rt.jit(scale)(1, 1.5, half).dtype is rt.float16
    strong = rt.jit(lambda a, x: f(a, x))(1, half)
    assert not strong.weak_type


@pytest.mark.parametrize(
    "f", [rt.atan2, rt.hypot, rt.copysign, rt.nextafter, rt.logaddexp], ids=lambda f: f.__name__
)
def test_complex_numbers_are_refused(f: Any) -> None:
    with pytest.raises(errors.DTypeError, match="not defined for complex64"):
        f(rt.asarray([1j]), 1.0)
    assert f(rt.asarray([True]), 1.0).dtype is rt.float32


@pytest.mark.parametrize("mode", ["clip", "wrap"])
def test_no_index_of_an_empty_axis(mode: str) -> None:
    x, none = rt.zeros((0, 3)), np.zeros(0, int)
    with pytest.raises(errors.OutOfBoundsError, match="axis 0 has length 0"):
        x.at[rt.asarray([0])].get(mode=mode)
    with pytest.raises(errors.OutOfBoundsError, match="axis 0 has length 0"):
        x.at[rt.asarray([0])].set(1.0, mode=mode)
    assert x.at[none].get(mode=mode).shape == (0, 3)
