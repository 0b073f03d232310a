"""The promotion table: a lattice, kept by every operator, and JAX's."""

import itertools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.core import dtypes

assert rt.bfloat16 in dtypes.ALL  # which it is once it was asked for
ALL = sorted(dtypes.ALL, key=str)
PAIRS = list(itertools.product(ALL, ALL))
# Python scalars and, for the weak results of arithmetic between them, arrays made of them.
SCALARS = [True, 2, 2.0, 2j]
NUMERIC = [d for d in ALL if d != dtypes.bool_]


@pytest.fixture(params=[rt.float32, rt.float64], ids=str)
def default(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The default dtype, which weak scalars take that meet nothing of their kind."""
    before = rt.default_dtype()
    yield rt.default_dtype(request.param)
    rt.default_dtype(before)


def test_promotion_is_a_lattice() -> None:
    for a, b in PAIRS:
        joined = rt.promote_types(a, b)
        assert joined == rt.promote_types(b, a)
        assert rt.promote_types(a, a) == a
        assert rt.promote_types(a, joined) == joined
    for triple in itertools.product(ALL, repeat=3):
        orders = itertools.permutations([(d, False) for d in triple])
        assert len({dtypes.promote(*order)[0] for order in orders}) == 1


def test_floats_keep_their_width_beside_integers() -> None:
    for integer in (*dtypes.INTEGERS, dtypes.bool_):
        for inexact in dtypes.INEXACT:
            assert rt.promote_types(integer, inexact) == inexact


@pytest.mark.parametrize(
    "operation", [operator.add, operator.mul, rt.maximum, rt.where], ids=lambda f: f.__name__
)
def test_operations_keep_the_table(operation: Any) -> None:
    for a, b in PAIRS:
        if operation is rt.maximum and {a, b} & dtypes.COMPLEXES:
            continue
        x, y = rt.ones((2,), dtype=a), rt.ones((1,), dtype=b)
        out = rt.where(x != 0, x, y) if operation is rt.where else operation(x, y)
        assert out.dtype == rt.promote_types(a, b), (a, b)
        assert rt.result_type(x, y) == out.dtype


def test_scalars_are_weak(default: Any) -> None:
    for dtype in ALL:
        x = rt.ones((2,), dtype=dtype)
        for scalar in SCALARS:
            expected = rt.result_type(x, scalar)
            for out in (x * scalar, scalar * x):
                assert out.dtype == expected, (dtype, scalar)
        assert (x * 2.0).dtype == (dtype if dtype in dtypes.INEXACT else default)
    assert rt.asarray(2.0).dtype == default


def test_jit_promotes_as_eager_evaluation_does(default: Any) -> None:
    for dtype, scalar in itertools.product(NUMERIC, SCALARS[1:]):
        x = rt.ones((2,), dtype=dtype)
        for f in (
            lambda x, s=scalar: x * s,
            lambda x, s=scalar: s - x,
            lambda x, s=scalar: (s * s) * x,
        ):
            assert rt.jit(f)(x).aval == f(x).aval
            assert rt.eval_shape(f, x) == f(x).aval


@pytest.fixture
def jnp() -> Any:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield jax.numpy


@pytest.fixture
def _as_jax() -> Iterator[None]:
    """JAX's default float with 64 bits."""
    before = rt.default_dtype()
    rt.default_dtype(rt.float64)
    yield
    rt.default_dtype(before)


@pytest.mark.usefixtures("_as_jax")
def test_jax_pairs(jnp: Any) -> None:
    for a, b in PAIRS:
        assert rt.promote_types(a, b) == np.dtype(jnp.promote_types(a, b)), (a, b)


@pytest.mark.usefixtures("_as_jax")
def test_jax_scalars(jnp: Any) -> None:
    for dtype, scalar in itertools.product(ALL, SCALARS):
        ours, theirs = rt.ones((2,), dtype=dtype) * scalar, jnp.ones(2, dtype) * scalar
        assert ours.dtype == theirs.dtype, (dtype, scalar)
    for a, b in itertools.product(SCALARS, SCALARS):
        ours, theirs = rt.add(a, b), jnp.add(a, b)
        assert ours.dtype == theirs.dtype, (a, b)
