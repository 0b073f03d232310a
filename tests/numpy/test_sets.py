"""Sets at their edges: nothing, nan, and numbers of elements that are not known."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ConcretizationError

NAN = np.nan


@pytest.mark.parametrize("name", ["unique", "unique_values"])
@pytest.mark.parametrize("values", [[], [NAN, 1.0, NAN], [NAN], [2.0, 2.0]])
def test_unique_of_nothing_and_nan(name: str, values: list[float]) -> None:
    x = np.asarray(values)
    equal_nan = name == "unique"
    want = np.unique(x, equal_nan=equal_nan)
    rt.testing.assert_close(getattr(rt, name)(x), want)


def test_everything_of_nothing() -> None:
    x = np.zeros((0,), np.float32)
    for got, want in zip(rt.unique_all(x), np.unique_all(x), strict=True):
        rt.testing.assert_close(got, want)
    assert rt.unique(x, size=2, fill_value=5.0).tolist() == [5.0, 5.0]
    assert rt.unique(np.zeros((0, 3)), axis=0).shape == (0, 3)
    assert rt.isin([1, 2], []).tolist() == [False, False]
    assert rt.union1d([], [2.0, 1.0]).tolist() == [1.0, 2.0]
    assert rt.intersect1d([], [2.0]).tolist() == []
    assert rt.setdiff1d([1.0], []).tolist() == [1.0]


def test_places_that_are_left_over_hold_the_least_element() -> None:
    values, places, counts = rt.unique([3, 1, 3], True, return_counts=True, size=4)
    assert values.tolist() == [1, 3, 1, 1]
    assert places.tolist() == [1, 0, 1, 1]
    assert counts.tolist() == [1, 2, 0, 0]


def test_nan_is_in_nothing() -> None:
    assert rt.isin([NAN, 1.0], [NAN, 1.0]).tolist() == [False, True]


def test_unknown_numbers_of_elements() -> None:
    x = rt.asarray([1.0, 2.0])
    for call in (rt.unique, rt.unique_all, lambda x: rt.union1d(x, x)):
        for transform in (rt.jit, rt.vmap):
            with pytest.raises(ConcretizationError, match="size="):
                transform(call)(x.reshape((1, 2)))
    slope = rt.grad(lambda x: rt.sum(rt.unique(x) ** 2))(rt.asarray([2.0, 1.0, 2.0]))
    assert slope.tolist() == [4.0, 2.0, 0.0]


def test_jax_agrees_on_what_is_left_over() -> None:
    jnp = pytest.importorskip("jax.numpy")
    x = np.asarray([4, 2, 4, 0], np.int32)
    kwargs = {"return_index": True, "return_inverse": True, "return_counts": True, "size": 5}
    for got, want in zip(rt.unique(x, **kwargs), jnp.unique(x, **kwargs), strict=True):
        rt.testing.assert_close(got, np.asarray(want), check_dtype=False)
