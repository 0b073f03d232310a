"""Fourier transforms: what the table cannot show."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError


def complex_line(n: int, dtype: Any = np.complex128) -> Any:
    rng = np.random.default_rng(n)
    return (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(dtype)


@pytest.mark.parametrize("dtype", [rt.float16, "bfloat16", rt.float32])
def test_single_precision_stays_single(dtype: Any) -> None:
    x = rt.ones(4, dtype)
    assert rt.fft.fft(x).dtype == rt.fft.rfft(x).dtype == rt.complex64
    assert rt.fft.hfft(x).dtype == rt.fft.irfft(rt.fft.rfft(x)).dtype == rt.float32
    slope = rt.grad(lambda x: rt.sum(rt.abs(rt.fft.rfft(x))))(x)
    assert slope.dtype == x.dtype


def test_integers_become_the_default_float() -> None:
    assert rt.fft.fft([1, 2]).dtype == rt.complex64
    try:
        rt.default_dtype(rt.float64)
        assert rt.fft.fft([1, 2]).dtype == rt.complex128
    finally:
        rt.default_dtype(rt.float32)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_gradients_follow_the_convention_of_jax(name: str, n: int) -> None:
    jax = pytest.importorskip("jax")
    real = name in ("rfft", "ihfft")
    x = complex_line(n, np.complex64)
    x = x.real.copy() if real else x
    length = {"n": n} if name in ("irfft", "hfft") else {}
    weights = complex_line(12, np.complex64)

    def loss(lib: Any, numpy: Any) -> Any:
        def f(x: Any) -> Any:
            y = getattr(numpy.fft, name)(x, **length)
            return (y * weights[: y.shape[0]]).real.sum() + (numpy.abs(y) ** 2).sum()

        return lib.grad(f)

    weights = rt.asarray(weights)
    ours = loss(rt, rt)(rt.asarray(x))
    weights = np.asarray(weights)
    theirs = loss(jax, jax.numpy)(jax.numpy.asarray(x))
    rt.testing.assert_close(ours, np.asarray(theirs), 1e-4, 1e-4)


@pytest.mark.parametrize("name", ["fft", "rfft", "fft2", "rfftn", "fftshift"])
def test_numpy_functions_dispatch_also_under_grad(name: str) -> None:
    x = rt.asarray(np.arange(6.0).reshape(2, 3))
    y = getattr(np.fft, name)(x)
    assert isinstance(y, rt.Array)
    rt.testing.assert_close(y, getattr(np.fft, name)(np.asarray(x)))
    by_numpy = rt.grad(lambda x: rt.sum(rt.abs(getattr(np.fft, name)(x))))
    by_name = rt.grad(lambda x: rt.sum(rt.abs(getattr(rt.fft, name)(x))))
    rt.testing.assert_close(by_numpy(x), by_name(x), 0, 0)
    rt.testing.assert_close(rt.jit(by_numpy)(x), by_numpy(x))


def test_arguments_by_position() -> None:
    x = rt.asarray(np.random.default_rng(0).standard_normal((3, 4)))
    for name, args in {
        "fft": (5, 0, "ortho"),
        "irfftn": ((3, 4), (0, 1), "forward"),
        "fft2": (None, (1, 0), None),
        "fftn": ((-1, 6), (0, 1)),
        "fftshift": ((0, -1),),
    }.items():
        got = getattr(rt.fft, name)(x, *args)
        rt.testing.assert_close(got, getattr(np.fft, name)(np.asarray(x), *args))
    rt.testing.assert_close(rt.fft.fftfreq(5, 0.1), np.fft.fftfreq(5, 0.1), check_dtype=False)


def test_lengths_without_axes_are_those_of_the_last() -> None:
    x = rt.ones((2, 3, 4))
    assert rt.fft.fftn(x, s=(5, 6)).shape == (2, 5, 6)


def test_no_axes_at_all() -> None:
    assert rt.fft.fftn(rt.ones((2, 3)), axes=()).dtype == rt.complex64
    assert rt.fft.fftn(2.0).item() == 2
    with pytest.raises(AxisError, match="at least one axis"):
        rt.fft.rfftn(rt.asarray(2.0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rt.fft.fft(rt.ones(2), axis=1), AxisError, "axis 1 is out of range"),
        (lambda: rt.fft.fft(1.0), AxisError, r"\[fft\]"),
        (lambda: rt.fft.fft(rt.ones(0)), ShapeError, "at least one number"),
        (lambda: rt.fft.irfft(rt.ones(1)), ShapeError, "at least one number"),
        (lambda: rt.fft.fft(rt.ones(2), 0), ShapeError, "n: a transform needs"),
        (lambda: rt.fft.fft(rt.ones(2), 1.5), ArgumentError, "n: expected an integer"),
        (lambda: rt.fft.rfft(rt.ones(2, rt.complex64)), DTypeError, "expected real numbers"),
        (lambda: rt.fft.ihfft(rt.ones(2, rt.complex64)), DTypeError, r"\[ihfft\] x"),
        (lambda: rt.fft.fft(rt.ones(2), norm="both"), ArgumentError, "norm: expected one of"),
        (lambda: rt.fft.fftn(rt.ones(2), axes=(0, -1)), AxisError, "names an axis twice"),
        (lambda: rt.fft.fftn(rt.ones(2), (2, 2), (0,)), ShapeError, "2 lengths for 1 axes"),
        (lambda: rt.fft.fft2(rt.ones(2)), AxisError, "axes: -2 is out of range"),
        (lambda: rt.fft.fftfreq(0), ShapeError, "at least one"),
        (lambda: rt.fft.fftfreq(3, dtype=rt.int32), DTypeError, "expected a floating one"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_convolution_theorem_under_all_transformations() -> None:
    """Filtering by multiplication of coefficients, differentiated, batched, compiled."""
    rng = np.random.default_rng(0)
    xs, k = rt.asarray(rng.standard_normal((3, 8))), rt.asarray(rng.standard_normal(8))

    def filtered(x: Any) -> Any:
        return rt.fft.irfft(rt.fft.rfft(x) * rt.fft.rfft(k), 8)

    def direct(x: Any) -> Any:
        return rt.stack([rt.sum(x * rt.roll(rt.flip(k), i + 1)) for i in range(8)])

    for f in (filtered, direct):
        rt.testing.check_grads(f, (xs[0],))
    slopes = [rt.jit(rt.vmap(rt.grad(lambda x, f=f: rt.sum(f(x) ** 3))))(xs)
              for f in (filtered, direct)]  # fmt: skip
    rt.testing.assert_close(*slopes, rtol=1e-10)
    rt.testing.assert_close(rt.jacrev(filtered)(xs[0]), rt.jacfwd(direct)(xs[0]), 1e-10)
