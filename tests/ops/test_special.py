"""Special functions against the standard library, SciPy where installed, and identities."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import DTypeError
from rtorch.ops import library, special

POINTS = np.concatenate([
    np.linspace(-6, 6, 241), [1e-300, -1e-8, 0.46875, 4.0, 10.0, 26.0, -26.0, 40.0]
])  # fmt: skip
POSITIVE = np.concatenate([np.linspace(0.1, 30, 300), [1e-8, 171.0, 1e5, 1e30]])
GAMMA_POINTS = np.concatenate([POSITIVE, np.linspace(-9.9, -0.1, 50)])


@pytest.fixture(params=["with SciPy", "without SciPy"])
def _provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without SciPy":
        monkeypatch.setattr(library, "load", lambda module, on_cpu: None)
    else:
        pytest.importorskip("scipy")


@pytest.mark.usefixtures("_provider")
@pytest.mark.parametrize("name", ["erf", "erfc", "lgamma"])
def test_values(name: str) -> None:
    points = GAMMA_POINTS if name == "lgamma" else POINTS
    expected = [getattr(math, name)(x) for x in points]
    found = np.asarray(getattr(rt, name)(points))
    np.testing.assert_allclose(found, expected, rtol=3e-14, atol=1e-15)
    half = getattr(rt, name)(rt.asarray(points[:9], rt.float16))
    assert half.dtype == rt.float16
    single = getattr(rt, name)(points[:241].astype(np.float32))
    assert single.dtype == rt.float32
    exact = [getattr(math, name)(x) for x in points[:241].astype(np.float32).tolist()]
    np.testing.assert_allclose(np.asarray(single), exact, rtol=2e-6, atol=1e-7)


@pytest.mark.usefixtures("_provider")
def test_digamma() -> None:
    x = POSITIVE[(POSITIVE > 0.05) & (POSITIVE < 1e8)]
    digamma = np.asarray(rt.digamma(x))
    np.testing.assert_allclose(rt.digamma(1.0).item(), -0.5772156649015329, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(rt.digamma(x + 1)), digamma + 1 / x, rtol=1e-13)
    y = np.linspace(0.05, 0.95, 19)
    mirrored = np.asarray(rt.digamma(1 - y)) - np.asarray(rt.digamma(y))
    np.testing.assert_allclose(mirrored, np.pi / np.tan(np.pi * y), rtol=1e-12, atol=1e-13)
    negative = np.asarray(rt.digamma(-y))
    np.testing.assert_allclose(negative, np.asarray(rt.digamma(1 - y)) + 1 / y, rtol=1e-11)


@pytest.mark.usefixtures("_provider")
def test_special_points() -> None:
    inf, nan = math.inf, math.nan
    points = np.array([inf, -inf, nan, 0.0])
    np.testing.assert_array_equal(np.asarray(rt.erf(points)), [1, -1, nan, 0])
    np.testing.assert_array_equal(np.asarray(rt.erfc(points)), [0, 2, nan, 1])
    np.testing.assert_array_equal(np.asarray(rt.lgamma(points[[0, 2, 3]])), [inf, nan, inf])
    np.testing.assert_array_equal(
        np.asarray(rt.digamma(np.array([inf, nan, 0.0, -0.0, -1.0]))), [inf, nan, -inf, inf, nan]
    )
    assert rt.erf(rt.zeros((2, 0))).shape == (2, 0)
    assert rt.erf(0.5).shape == ()


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 5e-6), ("float64", 2e-15)])
def test_erf_inv(dtype: str, rtol: float) -> None:
    y = np.linspace(-5.5 if dtype == "float64" else -2.5, 2.5, 501)
    x = np.array([math.erf(v) for v in y])
    found = np.asarray(rt.erf_inv(rt.asarray(x, dtype))).astype(np.float64)
    # Rounding x moves the answer by this much; it is most of the error in the tails.
    moved = float(rt.finfo(dtype).eps) * np.exp(y**2)
    np.testing.assert_array_less(abs(found - y), rtol * abs(y) + moved + 1e-15)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_erf_inv_at_the_ends(dtype: str) -> None:
    x = rt.erf_inv(rt.asarray([1.0, -1.0, 2.0, math.nan, 0.0, -0.0], dtype))
    assert str(x.dtype) == dtype
    found = np.asarray(x).astype(np.float64)
    np.testing.assert_array_equal(found, [math.inf, -math.inf, math.nan, math.nan, 0, 0])


def test_erf_inv_of_several_blocks_in_a_plan() -> None:
    x = rt.asarray(np.random.default_rng(0).uniform(-1, 1, (300, 200)), rt.float32)
    eager = np.asarray(rt.erf_inv(x * 0.5 + 0.25).T)
    planned = rt.jit(lambda x: rt.erf_inv(x * 0.5 + 0.25).T)(x)
    np.testing.assert_array_equal(np.asarray(planned), eager)


@pytest.mark.parametrize("seed", [0, 1])
def test_float32_erf_inv_is_that_of_xla(seed: int) -> None:
    lax = pytest.importorskip("jax").lax
    x = np.random.default_rng(seed).uniform(-1, 1, 50000).astype(np.float32)
    found, expected = np.asarray(rt.erf_inv(x)), np.asarray(lax.erf_inv(x))
    np.testing.assert_array_max_ulp(found, expected, 3)


# ---- derivatives ---------------------------------------------------------------------------------

SLOPES: list[tuple[str, float]] = [
    *(("erf", x) for x in (-1.5, 0.0, 0.7)),
    *(("erfc", x) for x in (-1.5, 0.0, 0.7)),
    *(("erf_inv", x) for x in (-0.9, 0.0, 0.5)),
    *(("lgamma", x) for x in (0.5, 3.2, -1.3)),
    *(("digamma", x) for x in (0.5, 3.2, -1.3)),
]


def numeric(f: Callable[[Any], Any], x: float, h: float = 1e-5) -> float:
    at = [float(f(rt.asarray(x + k * h, rt.float64))) for k in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)


@pytest.mark.parametrize(("name", "x"), SLOPES)
def test_derivatives(name: str, x: float) -> None:
    f = getattr(rt, name)
    point, one = rt.asarray(x, rt.float64), rt.asarray(1.0, rt.float64)
    slope = rt.grad(f)
    assert float(slope(point)) == pytest.approx(numeric(f, x), rel=1e-8)
    assert float(rt.jvp(f, (point,), (one,))[1]) == pytest.approx(float(slope(point)), rel=1e-14)
    assert float(rt.grad(slope)(point)) == pytest.approx(numeric(slope, x), rel=1e-7, abs=1e-8)


def test_polygamma_at_one_is_zeta() -> None:
    one = rt.asarray(1.0, rt.float64)
    trigamma, tetragamma = (special.polygamma_p(one, n=n) for n in (1, 2))
    assert float(trigamma) == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert float(tetragamma) == pytest.approx(-2 * 1.2020569031595942, rel=1e-14)
    assert float(special.polygamma_p(-one / 2, n=1)) == pytest.approx(math.pi**2 / 2 + 4)
    assert float(special.polygamma_p(-one, n=1)) == math.inf


@pytest.mark.parametrize("name", ["erf", "erfc", "erf_inv", "lgamma", "digamma"])
def test_batching_and_staging_change_nothing(name: str) -> None:
    f = getattr(rt, name)
    x = rt.asarray(np.linspace(0.1, 0.9, 12).reshape(3, 4), rt.float32)
    eager = np.asarray(f(x))
    for other in (rt.vmap(f)(x), rt.jit(f)(x), rt.vmap(f, in_axes=1, out_axes=1)(x)):
        np.testing.assert_array_equal(np.asarray(other), eager)
    assert f(1).dtype == rt.float32


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(DTypeError, match=r"\[erf\] x: expected real numbers, got complex64"):
        rt.erf(rt.asarray(1j))
