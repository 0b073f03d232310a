"""Elementwise mathematics at its edges, against NumPy's."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError

INF, NAN = np.inf, np.nan
POINTS = np.asarray([0.0, -0.0, 1.0, -2.5, 1e-300, 1e300, INF, -INF, NAN])


@pytest.mark.parametrize("name", ["modf", "frexp", "fabs", "isposinf", "isneginf", "nan_to_num",
                                  "sinc", "deg2rad", "fix"])  # fmt: skip
def test_one_operand(name: str) -> None:
    x = POINTS if name != "sinc" else POINTS[np.isfinite(POINTS) & (np.abs(POINTS) < 1e9)]
    with np.errstate(all="ignore"):
        got, want = getattr(rt, name)(x), getattr(np, name)(x)
    if name == "frexp":  # of what is not finite, NumPy's exponents are the machine's
        got, want = ([z[np.isfinite(x)] for z in map(np.asarray, pair)] for pair in (got, want))
    rt.testing.assert_close(got, want, rtol=1e-15, atol=0.0)
    for a, b in zip(rt.tree.leaves(got), rt.tree.leaves(want), strict=True):
        if np.asarray(b).dtype == np.float64:
            signed = ~np.isnan(b)
            assert (np.signbit(a) == np.signbit(b))[signed].all()


@pytest.mark.parametrize("name", ["fmax", "fmin", "heaviside", "logaddexp2", "copysign"])
def test_two_operands(name: str) -> None:
    x, y = np.meshgrid(POINTS, POINTS)
    with np.errstate(all="ignore"):
        got, want = getattr(rt, name)(x, y), getattr(np, name)(x, y)
    rt.testing.assert_close(got, want, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ldexp_reaches_all_numbers(dtype: type) -> None:
    limits = np.finfo(dtype)
    x = np.asarray([limits.smallest_subnormal, limits.max, 1.0, 0.0], dtype)
    i = np.asarray([limits.maxexp + limits.nmant, 2 * limits.minexp, 9999, 9999])
    with np.errstate(all="ignore"):
        rt.testing.assert_close(rt.ldexp(x, i), np.ldexp(x, i.astype(np.int32)))


def test_modf_and_frexp_put_together_again() -> None:
    x = rt.asarray([3.75, -0.1, 1e20, 0.0])
    assert rt.array_equal(rt.ldexp(*rt.frexp(x)), x)
    assert rt.array_equal(rt.add(*rt.modf(x)), x)


def test_derivatives_of_sinc_near_zero() -> None:
    second = rt.vmap(rt.grad(rt.grad(rt.sinc)))(rt.asarray([0.0, 1e-9, 1e-5, 0.3], rt.float64))
    x = 0.3
    y = np.pi * x
    away = np.pi**2 * (-np.sin(y) / y - 2 * np.cos(y) / y**2 + 2 * np.sin(y) / y**3)
    rt.testing.assert_close(second, np.asarray([-(np.pi**2) / 3] * 3 + [away]), rtol=1e-8)


def test_nan_to_num_replaces_by_what_is_asked_for() -> None:
    z = np.asarray([complex(NAN, INF), complex(-INF, 1.0)])
    kwargs = {"nan": 1.5, "posinf": 7.0, "neginf": -7.0}
    rt.testing.assert_close(rt.nan_to_num(z, **kwargs), np.nan_to_num(z, **kwargs))
    slope = rt.grad(lambda x: rt.sum(rt.nan_to_num(x) ** 2))(rt.asarray([NAN, 2.0]))
    assert slope.tolist() == [0.0, 4.0]


def test_questions() -> None:
    assert bool(rt.array_equal([1.0, NAN], [1.0, NAN], equal_nan=True))
    assert not bool(rt.array_equal([1.0, NAN], [1.0, NAN]))
    assert not bool(rt.array_equal([1.0], 1.0))
    assert bool(rt.array_equiv([[1, 1]], 1))
    assert rt.real_if_close(rt.asarray([1 + 1j])).dtype == rt.complex64
    assert [rt.isscalar(v) for v in (True, 1, 1j, np.float32(1), "a", None, [1])] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
    with pytest.raises(ConcretizationError):
        rt.jit(rt.real_if_close)(rt.asarray([1j]))


@pytest.mark.parametrize("name", ["fabs", "modf", "frexp", "spacing", "deg2rad", "isposinf"])
def test_complex_numbers_are_refused(name: str) -> None:
    with pytest.raises(DTypeError, match=rf"\[{name}\]"):
        getattr(rt, name)(1j)


def test_integers_only() -> None:
    with pytest.raises(DTypeError, match=r"\[gcd\]"):
        rt.gcd(1.5, 2)
    with pytest.raises(DTypeError, match=r"\[ldexp\] i: expected integers"):
        rt.ldexp(1.0, 2.0)
    assert int(rt.gcd(-12, 18)) == 6
    assert rt.lcm(rt.asarray([4, 0]), 6).tolist() == [12, 0]


# ---- what the other new functions refuse ---------------------------------------------------------

V, M = np.arange(3.0), np.ones((2, 3))
MISTAKES = [
    (lambda: rt.max(V, where=V > 9), ArgumentError, "without initial"),
    (lambda: rt.quantile(V, 2.0), ArgumentError, "q must be from 0 to 1"),
    (lambda: rt.percentile(V, 101), ArgumentError, "q must be from 0 to 100"),
    (lambda: rt.quantile(V, 0.5, method="best"), ArgumentError, "method: expected one of"),
    (lambda: rt.quantile(V, 0.5, weights=V), ArgumentError, "inverted_cdf"),
    (lambda: rt.median(V * 1j), DTypeError, "no order"),
    (lambda: rt.cov(np.ones((2, 2, 2))), ShapeError, r"\[cov\] expected a vector or a matrix"),
    (lambda: rt.cov(M, fweights=[1, 2]), ShapeError, "3 observations have weights"),
    (lambda: rt.lexsort([V, V[:2]]), ShapeError, "keys of one shape"),
    (lambda: rt.partition(V, 3), IndexError, "kth=3 of an axis of length 3"),
    (lambda: rt.bincount(V), DTypeError, "expected integers, got float64"),
    (lambda: rt.bincount(np.asarray([-1])), ArgumentError, "integers >= 0, got -1"),
    (lambda: rt.bincount(M.astype(int)), ShapeError, "expected a vector"),
    (lambda: rt.jit(rt.bincount)(np.asarray([1])), ConcretizationError, "length="),
    (lambda: rt.bincount(np.asarray([1, 2]), V), ShapeError, "weights of shape"),
    (lambda: rt.digitize(V, M), ShapeError, "bins: expected a vector"),
    (lambda: rt.histogram(V, 0), ArgumentError, "at least one"),
    (lambda: rt.histogram(V, 3, (2.0, 1.0)), ArgumentError, "is above the last"),
    (lambda: rt.histogram(V, M), ShapeError, "a vector of edges"),
    (lambda: rt.histogramdd(V), ShapeError, "a matrix of points"),
    (lambda: rt.histogramdd(M, [1, 2]), ArgumentError, "one for each of 3"),
    (lambda: rt.gradient(V, edge_order=3), ArgumentError, "expected 1 or 2"),
    (lambda: rt.gradient(V, 1.0, 2.0), ArgumentError, "2 spacings for 1 axes"),
    (lambda: rt.gradient(V[:1]), ShapeError, "too short"),
    (lambda: rt.gradient(V, V[:2]), ShapeError, "coordinates for 3 values"),
    (lambda: rt.interp(V, V, V[:2]), ShapeError, "two vectors of one length"),
    (lambda: rt.interp(V * 1j, V, V), DTypeError, "must be real"),
    (lambda: rt.convolve(V, M), ShapeError, "expected vectors"),
    (lambda: rt.convolve(V, V, "half"), ArgumentError, "expected 'full', 'same' or 'valid'"),
    (lambda: rt.polyval(M, 1.0), ShapeError, "a vector of coefficients"),
    (lambda: rt.polyder(V, -1), ArgumentError, "must not be negative"),
    (lambda: rt.polyint(V, 2, [1.0, 2.0, 3.0]), ShapeError, "one constant, or 2, got 3"),
    (lambda: rt.poly(M), ShapeError, "a vector or a square matrix"),
    (lambda: rt.vander(M), ShapeError, "expected a vector"),
    (lambda: rt.polyfit(V, V, -1), ArgumentError, "deg must not be negative"),
    (lambda: rt.polyfit(V, V[:2], 1), ShapeError, "do not fit"),
    (lambda: rt.jit(rt.roots)(V), ConcretizationError, "strip_zeros=False"),
]


@pytest.mark.parametrize("i", range(len(MISTAKES)))
def test_mistakes(i: int) -> None:
    call, kind, text = MISTAKES[i]
    with pytest.raises(kind, match=text):
        call()


def test_extremes_of_the_rest() -> None:
    assert rt.nanargmax([NAN, NAN]).item() == -1
    assert np.isnan(rt.nanmedian([NAN, NAN]).item())
    assert np.isnan(rt.nanquantile([[NAN], [NAN]], 0.3, axis=0).item())
    assert rt.quantile([1.0, INF], 0.0).item() == 1.0
    assert rt.nanmax([NAN], initial=2.0).item() == 2.0
    assert rt.max(rt.asarray([], rt.int8), initial=3).item() == 3
    assert rt.interp([0.5], [1.0], [5.0]).tolist() == [5.0]
    assert rt.histogram([])[0].tolist() == [0] * 10
    assert rt.bincount(rt.asarray([], rt.int64)).tolist() == []
    assert rt.bincount(rt.asarray([1, -1, 7]), length=3).tolist() == [0, 1, 0]


def test_running_logsumexp_of_infinities() -> None:
    x = np.asarray([-INF, -INF, -1000.0, 1.0, INF, 2.0])
    with np.errstate(all="ignore"):
        want = np.logaddexp.accumulate(x)
    rt.testing.assert_close(rt.logcumsumexp(x), want)
    slope = rt.grad(lambda x: rt.logcumsumexp(x)[1])(rt.asarray([-INF, 0.0]))
    assert slope.tolist() == [0.0, 1.0]
    assert rt.logcumsumexp([]).shape == (0,)
