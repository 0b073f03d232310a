"""Numbers against the distribution functions of SciPy, with keys that are the same in every run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt

stats = pytest.importorskip("scipy.stats")
R = rt.random
SIZE = 10000

# How it is drawn, and SciPy's distribution.
CONTINUOUS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "uniform": (lambda k: R.uniform(k, SIZE), stats.uniform()),
    "normal": (lambda k: R.normal(k, SIZE), stats.norm()),
    "truncated_normal": (lambda k: R.truncated_normal(k, -1, 2, SIZE), stats.truncnorm(-1, 2)),
    "exponential": (lambda k: R.exponential(k, SIZE), stats.expon()),
    "gumbel": (lambda k: R.gumbel(k, SIZE), stats.gumbel_r()),
    "gumbel high": (lambda k: R.gumbel(k, SIZE, mode="high"), stats.gumbel_r()),
    "gumbel highest": (lambda k: R.gumbel(k, SIZE, mode="highest"), stats.gumbel_r()),
    "laplace": (lambda k: R.laplace(k, SIZE), stats.laplace()),
    "logistic": (lambda k: R.logistic(k, SIZE), stats.logistic()),
    "cauchy": (lambda k: R.cauchy(k, SIZE), stats.cauchy()),
    "lognormal": (lambda k: R.lognormal(k, 0.5, SIZE), stats.lognorm(0.5)),
    "pareto": (lambda k: R.pareto(k, 3.0, SIZE), stats.pareto(3)),
    "rayleigh": (lambda k: R.rayleigh(k, 2.0, SIZE), stats.rayleigh(scale=2)),
    "weibull_min": (lambda k: R.weibull_min(k, 2.0, 1.5, SIZE), stats.weibull_min(1.5, scale=2)),
    "maxwell": (lambda k: R.maxwell(k, SIZE), stats.maxwell()),
    "double_sided_maxwell": (
        lambda k: abs(R.double_sided_maxwell(k, 1.0, 2.0, SIZE) - 1),
        stats.maxwell(scale=2),
    ),
    "wald": (lambda k: R.wald(k, 3.0, SIZE), stats.invgauss(3)),
    "wald of large mean": (lambda k: R.wald(k, 1e4, SIZE), stats.invgauss(1e4)),
    "triangular": (lambda k: R.triangular(k, 0.0, 1.0, 4.0, SIZE), stats.triang(0.25, scale=4)),
    "gamma": (lambda k: R.gamma(k, 2.5, SIZE), stats.gamma(2.5)),
    "gamma of small shape": (lambda k: R.gamma(k, 0.1, SIZE), stats.gamma(0.1)),
    "gamma of large shape": (lambda k: R.gamma(k, 1e4, SIZE), stats.gamma(1e4)),
    "gamma in float64": (lambda k: R.gamma(k, 0.9, SIZE, "float64"), stats.gamma(0.9)),
    "loggamma": (lambda k: R.loggamma(k, 0.3, SIZE), stats.loggamma(0.3)),
    "beta": (lambda k: R.beta(k, 0.5, 2.0, SIZE), stats.beta(0.5, 2)),
    "beta of small parameters": (
        # Half of it is so close to 0 or to 1 that floats do not tell.
        lambda k: R.beta(k, 0.05, 0.05, SIZE).clip(1e-6, 1 - 1e-6),
        None,
    ),
    "dirichlet": (
        lambda k: R.dirichlet(k, rt.asarray([0.5, 1.0, 2.0]), SIZE)[:, 1], stats.beta(1, 2.5)
    ),
    "chisquare": (lambda k: R.chisquare(k, 3.0, SIZE), stats.chi2(3)),
    "f": (lambda k: R.f(k, 3.0, 5.0, SIZE), stats.f(3, 5)),
    "t": (lambda k: R.t(k, 3.0, SIZE), stats.t(3)),
    "generalized_normal": (lambda k: R.generalized_normal(k, 1.5, SIZE), stats.gennorm(1.5)),
    # The radius of a ball in 3 dimensions, cubed, is uniform.
    "ball": (lambda k: (R.ball(k, 3, shape=SIZE) ** 2).sum(axis=-1) ** 1.5, stats.uniform()),
    "ball in the 1-norm": (lambda k: abs(R.ball(k, 2, 1, SIZE)).sum(axis=-1) ** 2,
                           stats.uniform()),
    "cube": (lambda k: R.ball(k, 2, rt.inf, SIZE)[:, 0], stats.uniform(-1, 2)),
}  # fmt: skip

DISCRETE: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "bernoulli": (lambda k: R.bernoulli(k, 0.3, SIZE), stats.bernoulli(0.3)),
    "bernoulli high": (lambda k: R.bernoulli(k, 0.3, SIZE, mode="high"), stats.bernoulli(0.3)),
    "rademacher": (lambda k: (R.rademacher(k, SIZE) + 1) // 2, stats.bernoulli(0.5)),
    "randint": (lambda k: R.randint(k, SIZE, 2, 9), stats.randint(2, 9)),
    "categorical": (lambda k: R.categorical(k, rt.zeros(5), shape=SIZE), stats.randint(0, 5)),
    "choice": (lambda k: R.choice(k, 6, SIZE), stats.randint(0, 6)),
    "geometric": (lambda k: R.geometric(k, 0.2, SIZE), stats.geom(0.2)),
    "poisson": (lambda k: R.poisson(k, 4.0, SIZE), stats.poisson(4)),
    "poisson of 10": (lambda k: R.poisson(k, 10.0, SIZE), stats.poisson(10)),
    "poisson of 300": (lambda k: R.poisson(k, 300.0, SIZE), stats.poisson(300)),
    "poisson of a million": (lambda k: R.poisson(k, 1e6, SIZE), stats.poisson(1e6)),
    "binomial": (lambda k: R.binomial(k, 20, 0.3, SIZE), stats.binom(20, 0.3)),
    "binomial above one half": (lambda k: R.binomial(k, 20, 0.9, SIZE), stats.binom(20, 0.9)),
    "binomial of many": (lambda k: R.binomial(k, 100, 0.4, SIZE), stats.binom(100, 0.4)),
    "binomial of a million": (lambda k: R.binomial(k, 10**6, 0.7, SIZE), stats.binom(10**6, 0.7)),
    "multinomial": (
        lambda k: R.multinomial(k, 30, rt.asarray([0.2, 0.3, 0.5]), shape=(SIZE, 3))[:, 1],
        stats.binom(30, 0.3),
    ),
}

# A distance that is exceeded once in 10000 times: no retries are needed with fixed keys.
RARE = 1e-4


def drawn(sampler: Callable[[Any], Any], name: str) -> Any:
    key = R.fold_in(R.key(2026), sum(name.encode()))
    return np.asarray(sampler(key)).astype(np.float64)


@pytest.mark.parametrize("name", [n for n, (_, d) in CONTINUOUS.items() if d is not None])
def test_kolmogorov_smirnov(name: str) -> None:
    sampler, distribution = CONTINUOUS[name]
    x = drawn(sampler, name)
    assert stats.kstest(x, distribution.cdf).pvalue > RARE


@pytest.mark.parametrize("name", DISCRETE)
def test_shares(name: str) -> None:
    """The distance of the distribution functions; where they have steps it is smaller still."""
    sampler, distribution = DISCRETE[name]
    values, counts = np.unique(drawn(sampler, name), return_counts=True)
    distance = np.max(abs(np.cumsum(counts) / SIZE - distribution.cdf(values)))
    assert stats.kstwobign.sf(distance * np.sqrt(SIZE)) > RARE


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_moments(name: str) -> None:
    sampler, distribution = {**CONTINUOUS, **DISCRETE}[name]
    x = drawn(sampler, name)
    if distribution is None:  # symmetric
        assert abs(x.mean() - 0.5) < 5 * x.std() / np.sqrt(SIZE)
        return
    mean, variance, kurtosis = (float(m) for m in distribution.stats("mvk"))
    if not np.isfinite(kurtosis) or kurtosis > 200:
        return  # the moments of a sample say nothing then
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / SIZE)
    assert abs(x.var() - variance) < 6 * variance * (np.sqrt((kurtosis + 2) / SIZE) + 1e-3)


def test_multinomial_counts_are_correlated() -> None:
    p = np.asarray([0.2, 0.3, 0.5])
    x = np.asarray(R.multinomial(R.key(1), 30, rt.asarray(p), shape=(SIZE, 3)))
    assert (x.sum(-1) == 30).all()
    np.testing.assert_allclose(np.cov(x.T), 30 * (np.diag(p) - np.outer(p, p)), atol=0.4)


def test_permutation_is_even() -> None:
    orders = rt.vmap(lambda k: R.permutation(k, 3))(R.split(R.key(3), 3000))
    codes = np.asarray(orders) @ [9, 3, 1]
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > RARE
