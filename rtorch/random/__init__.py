"""Random numbers from explicit keys: the same key and shape give the same numbers, everywhere.

There is no hidden state. A key is two words, a uint32 array of shape (2,); `split` makes new keys
of one, and a key that has been used is not used again. The numbers are the same on every device,
eagerly and under `jit`, under `vmap` over keys as in a loop, and they are those that `jax.random`
gives with the same key (floating-point functions of them to rounding).

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
from rtorch.random.discrete import bernoulli, categorical, rademacher, randint
from rtorch.random.keys import PRNGKey, bits, fold_in, key, split
from rtorch.random.orders import choice, permutation

__all__ = [
    "PRNGKey",
    "bernoulli",
    "bits",
    "categorical",
    "cauchy",
    "choice",
    "exponential",
    "fold_in",
    "gumbel",
    "key",
    "laplace",
    "logistic",
    "normal",
    "permutation",
    "rademacher",
    "randint",
    "split",
    "truncated_normal",
    "uniform",
]
