"""Derivatives of gamma distributed numbers by the parameters of their distributions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import MissingRuleError

R = rt.random
KEY = R.key(7)
pytestmark = pytest.mark.reuses_keys  # KEY stands for any key


def by_each(sample: Callable[[Any], Any], at: float) -> Any:
    """The derivative of every number by a parameter that they share."""
    one = rt.ones((), dtype="float64")
    return np.asarray(rt.jvp(sample, (at * one,), (one,))[1])


def by_quantile(ppf: Any, cdf: Any, sf: Any, isf: Any, x: Any, a: float) -> Any:
    """The same numerically: the quantile of where x is, in its nearer tail."""
    step = 1e-3 * a
    low, high = cdf(x, a), sf(x, a)

    def moved(b: float) -> Any:
        return np.where(low < 0.5, ppf(low, b), isf(high, b))

    wide = (moved(a + step) - moved(a - step)) / (2 * step)
    narrow = (moved(a + step / 2) - moved(a - step / 2)) / step
    return (4 * narrow - wide) / 3


@pytest.mark.parametrize("a", [0.05, 0.5, 1.0, 3.0, 30.0, 199.0, 201.0, 5000.0])
def test_gamma_by_the_quantile(a: float) -> None:
    stats = pytest.importorskip("scipy.stats").gamma
    x = np.asarray(R.gamma(KEY, a, (200,), "float64"))
    found = by_each(lambda a: R.gamma(KEY, a, (200,), "float64"), a)
    expected = by_quantile(stats.ppf, stats.cdf, stats.sf, stats.isf, x, a)
    np.testing.assert_allclose(found, expected, rtol=3e-6)
    logs = by_each(lambda a: R.loggamma(KEY, a, (200,), "float64"), a)
    np.testing.assert_allclose(logs, found / x, rtol=1e-12)


def test_where_the_number_is_too_small_for_floats() -> None:
    """As x goes to 0, P is ``x**a / Gamma(a + 1)`` and its quantile known."""
    a = rt.asarray(1e-3, dtype=rt.float64)
    log_x, slope = rt.jvp(lambda a: R.loggamma(KEY, a, (50,), "float64"), (a,), (rt.ones_like(a),))
    expected = (rt.digamma(a + 1) - log_x) / a
    tiny = np.asarray(log_x) < -50
    assert tiny.any()
    np.testing.assert_allclose(np.asarray(slope)[tiny], np.asarray(expected)[tiny], rtol=1e-10)
    assert bool(rt.isfinite(rt.grad(lambda a: R.gamma(KEY, a, (50,)).sum())(1e-3)).all())


@pytest.mark.parametrize("a", [0.7, 4.0])
def test_chisquare_by_the_quantile(a: float) -> None:
    stats = pytest.importorskip("scipy.stats").chi2
    x = np.asarray(R.chisquare(KEY, a, (100,), "float64"))
    found = by_each(lambda a: R.chisquare(KEY, a, (100,), "float64"), a)
    expected = by_quantile(stats.ppf, stats.cdf, stats.sf, stats.isf, x, a)
    np.testing.assert_allclose(found, expected, rtol=3e-6)


@pytest.mark.parametrize(
    ("sampler", "moment", "at"),
    [
        # The derivative of the mean, as a mean of derivatives.
        (lambda p: R.gamma(KEY, p, (20000,)), lambda p: p, 3.0),
        (lambda p: R.beta(KEY, p, 2.0, (20000,)), lambda p: p / (p + 2), 3.0),
        (lambda p: R.beta(KEY, 2.0, p, (20000,)), lambda p: 2 / (p + 2), 0.5),
        (lambda p: R.chisquare(KEY, p, (20000,)), lambda p: p, 3.0),
        (lambda p: R.f(KEY, 5.0, p, (20000,)), lambda p: p / (p - 2), 15.0),
        (lambda p: R.t(KEY, p, (40000,)) ** 2, lambda p: p / (p - 2), 15.0),
        (
            lambda p: R.dirichlet(KEY, rt.stack([p, p * 0 + 2, p * 0 + 3]), (20000,))[:, 0],
            lambda p: p / (p + 5),
            1.5,
        ),
    ],
    ids=["gamma", "beta a", "beta b", "chisquare", "f", "t", "dirichlet"],
)
def test_derivative_of_the_mean(sampler: Any, moment: Any, at: float) -> None:
    found = float(rt.grad(lambda p: sampler(p).mean())(at))
    assert found == pytest.approx(float(rt.grad(moment)(at)), rel=0.05)


def test_like_jax() -> None:
    """What jax.grad of jax.random.gamma gives, version 0.10.2."""
    alphas = rt.asarray([0.1, 1.0, 20.0])
    found = rt.grad(lambda a: R.gamma(KEY, a).sum())(alphas)
    np.testing.assert_allclose(found, [4.0367866e-17, 0.48733953, 0.92346716], rtol=1e-4)


def test_transforms_of_derivatives() -> None:
    a = rt.asarray([0.3, 2.0, 40.0, 300.0])
    loss = rt.grad(lambda a: (R.gamma(KEY, a, (4,)) ** 2).sum())
    eager = np.asarray(loss(a))
    np.testing.assert_allclose(rt.jit(loss)(a), eager, rtol=1e-5)
    lanes = rt.vmap(lambda a: R.gamma(KEY, a) ** 2)
    assert rt.vmap(rt.grad(lambda a: R.gamma(KEY, a) ** 2))(a).shape == lanes(a).shape
    # What half precision is rounded to has a derivative too.
    assert (
        rt.grad(lambda a: R.gamma(KEY, a))(rt.asarray(2.0, dtype="bfloat16")).dtype == rt.bfloat16
    )


def test_second_derivatives() -> None:
    def log_x(a: Any) -> Any:
        return R.loggamma(KEY, a, (20,), "float64")

    one = rt.ones((), dtype="float64")
    second = rt.jvp(lambda a: rt.jvp(log_x, (a,), (one,))[1], (2.0 * one,), (one,))[1]
    # By differences; the numbers change on the way as their first derivative says.
    a, step = 2.0, 1e-3
    x = np.asarray(log_x(a * one))
    stats = pytest.importorskip("scipy.stats").loggamma
    moved = [stats.ppf(stats.cdf(x, a), a + s * step) for s in (-1, 0, 1)]
    expected = (moved[0] - 2 * moved[1] + moved[2]) / step**2
    np.testing.assert_allclose(second, expected, rtol=1e-4, atol=1e-5)
    third = rt.grad(rt.grad(rt.grad(lambda a: R.gamma(KEY, a))))
    with pytest.raises(MissingRuleError, match="gamma_slope_by_a"):
        third(2.0)
