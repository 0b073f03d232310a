"""Random numbers from explicit keys: the same key and shape give the same numbers, everywhere.

There is no hidden state. A key is two words, a uint32 array of shape (2,); `split` makes new keys
of one, and a key that has been used is not used again. The numbers are the same on every device,
eagerly and under `jit`, under `vmap` over keys as in a loop, and they are those that `jax.random`
gives with the same key (floating-point functions of them to rounding; `poisson` and `binomial`
of large means are drawn otherwise).

Example:
    >>> import rtorch as rt
    >>> key, subkey = rt.random.split(rt.random.key(0))
    >>> rt.random.uniform(subkey, (2,)).shape
    (2,)
"""

from __future__ import annotations

from rtorch.random.continuous import (
    cauchy,
    exponential,
    gumbel,
    laplace,
    logistic,
    normal,
    truncated_normal,
    uniform,
)
from rtorch.random.counts import (
    binomial,
    geometric,
    multinomial,
    poisson,
)
from rtorch.random.discrete import (
    bernoulli,
    categorical,
    rademacher,
    randint,
)
from rtorch.random.gammas import (
    beta,
    chisquare,
    dirichlet,
    f,
    gamma,
    generalized_normal,
    loggamma,
    t,
)
from rtorch.random.keys import (
    PRNGKey,
    bits,
    clone,
    fold_in,
    key,
    key_data,
    key_impl,
    split,
    wrap_key_data,
)
from rtorch.random.orders import (
    choice,
    permutation,
)
from rtorch.random.positive import (
    double_sided_maxwell,
    lognormal,
    maxwell,
    pareto,
    rayleigh,
    triangular,
    wald,
    weibull_min,
)
from rtorch.random.reuse import (
    check_key_reuse,
)
from rtorch.random.stream import (
    KeyStream,
)
from rtorch.random.vectors import (
    ball,
    multivariate_normal,
    orthogonal,
)

__all__ = [
    "KeyStream",
    "PRNGKey",
    "ball",
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "cauchy",
    "check_key_reuse",
    "chisquare",
    "choice",
    "clone",
    "dirichlet",
    "double_sided_maxwell",
    "exponential",
    "f",
    "fold_in",
    "gamma",
    "generalized_normal",
    "geometric",
    "gumbel",
    "key",
    "key_data",
    "key_impl",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "maxwell",
    "multinomial",
    "multivariate_normal",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "rademacher",
    "randint",
    "rayleigh",
    "split",
    "t",
    "triangular",
    "truncated_normal",
    "uniform",
    "wald",
    "weibull_min",
    "wrap_key_data",
]
