"""Every pair and triple of transformations, against finite differences and loops."""

import itertools

import numpy as np
import pytest

import rtorch as rt

X = 0.7


def loop(x):
    for _ in range(3):
        x = x * rt.cos(x)
    return x


FUNCTIONS = {
    "smooth": lambda x: rt.sin(x) * rt.exp(-x * x),
    "reduction": lambda x: rt.sum(
        rt.cumsum(rt.tanh(x * rt.asarray([1.0, 2.0, 3.0], dtype=rt.float64)))
    ),
    "indexing": lambda x: rt.zeros(3, dtype=rt.float64).at[rt.asarray([0, 0, 2])].add(x**3)[0] * x,
    "loop": loop,
    "closed over": lambda x: rt.jit(lambda y: y * x + rt.sqrt(y + 2))(x * 2),
}

# What each makes of a function from number to number, and its effect: derivatives taken.
TRANSFORMS = {
    "grad": (rt.grad, 1),
    "jvp": (lambda f: lambda x: rt.jvp(f, (x,), (rt.ones_like(x),))[1], 1),
    "vjp": (lambda f: lambda x: rt.vjp(f, x)[1](rt.ones((), dtype=rt.float64))[0], 1),
    "linearize": (lambda f: lambda x: rt.linearize(f, x)[1](rt.ones((), dtype=rt.float64)), 1),
    "jacfwd": (rt.jacfwd, 1),
    "jacrev": (rt.jacrev, 1),
    "jit": (rt.jit, 0),
    "vmap": (lambda f: lambda x: rt.vmap(f)(rt.stack([x * 0.5, x]))[1], 0),
    "vmap None": (lambda f: lambda x: rt.vmap(f, in_axes=None, axis_size=2)(x)[0], 0),
}


def derivatives(f, order):
    """Derivatives of a smooth function by fitting a polynomial to its values."""
    points = np.cos(np.pi * (np.arange(15) + 0.5) / 15)
    h = 0.25
    values = [float(f(rt.asarray(X + h * p, dtype=rt.float64))) for p in points]
    fit = np.polynomial.chebyshev.Chebyshev.fit(points * h, values, 14)
    return float(fit.deriv(order)(0.0)) if order else float(fit(0.0))


WANTED = {}


def wanted(name, order):
    if (name, order) not in WANTED:
        WANTED[name, order] = derivatives(FUNCTIONS[name], order)
    return WANTED[name, order]


CHAINS = [*itertools.product(TRANSFORMS, repeat=2), *itertools.product(
    ("grad", "jvp", "linearize", "jacfwd", "jit", "vmap"), repeat=3)]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
def test_chains(name, chain):
    f, order = FUNCTIONS[name], 0
    for step in reversed(chain):
        transform, taken = TRANSFORMS[step]
        f, order = transform(f), order + taken
    got = float(f(rt.asarray(X, dtype=rt.float64)))
    want = wanted(name, order)
    assert got == pytest.approx(want, rel=10.0 ** (order - 9), abs=10.0 ** (order - 9))


@pytest.mark.parametrize("x", [1.5, -1.5])
@pytest.mark.parametrize(
    "chain", [*itertools.permutations(("grad", "jvp", "vjp", "linearize"), 2)], ids="-".join
)
def test_python_control_flow_on_concrete_values(x, chain):
    def f(x):
        return x * x * x if x > 0 else rt.sin(x)

    for step in chain:
        f = TRANSFORMS[step][0](f)
    want = 6 * x if x > 0 else -np.sin(x)
    assert float(f(rt.asarray(x, dtype=rt.float64))) == pytest.approx(want)
