"""What holds for every function on images."""

from typing import Any

import numpy as np
import pytest
from image_cases import CASES, OTHERS, Case

import rtorch as rt
from rtorch.data import image
from rtorch.errors import ArgumentError, ShapeError

pytestmark = pytest.mark.reuses_keys  # the same draws, in another form

KEYED = pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c.keyed], ids=[n for n, c in CASES.items() if c.keyed]
)
DTYPES = [
    pytest.param(case, dtype, id=f"{name}-{dtype}")
    for name, case in CASES.items()
    for dtype in ("float32", "uint8")[: 1 + case.uint8]
]
TYPED = pytest.mark.parametrize(("case", "dtype"), DTYPES)


def pixels(rng: np.random.Generator, dtype: str, n: int = 3) -> np.ndarray:
    x = rng.random((n, 3, 9, 8))
    return (x * 255).astype(np.uint8) if dtype == "uint8" else x.astype(dtype)


def called(case: Case, x: Any, key: Any, **options: Any) -> rt.Array:
    return case.function(x, key=key, **options) if case.keyed else case.function(x, **options)


def test_every_function_is_in_the_table() -> None:
    assert sorted([*CASES, *OTHERS]) == sorted(image.__all__)


@TYPED
def test_channels_last_and_single_images(case: Case, dtype: str, rng: Any) -> None:
    x, keys = pixels(rng, dtype), rt.random.split(rt.random.key(3), 3)
    y = called(case, x, keys)
    assert str(y.dtype) == dtype
    last = called(case, np.moveaxis(x, 1, -1), keys, data_format="NHWC")
    np.testing.assert_array_equal(np.moveaxis(np.asarray(last), -1, 1), y)
    for i in range(3):  # an image becomes the same in any batch, and alone
        one = called(case, x[i], keys[i])
        np.testing.assert_allclose(one, y[i], rtol=1e-5, atol=1e-5)
        last = called(case, np.moveaxis(x[i], 0, -1), keys[i], data_format="NHWC")
        np.testing.assert_allclose(np.moveaxis(np.asarray(last), -1, 0), one, rtol=1e-5, atol=1e-5)


@TYPED
def test_jit_and_vmap(case: Case, dtype: str, rng: Any) -> None:
    x, key = rt.asarray(pixels(rng, dtype)), rt.random.key(5)
    y = called(case, x, key)
    jitted = rt.jit(lambda x, key: called(case, x, key))(x, key)
    # Fused arithmetic may round the other way; nearest pixels may be others at a tie.
    np.testing.assert_allclose(jitted, y, rtol=1e-5, atol=1e-5 if dtype != "uint8" else 1)
    keys = rt.vmap(lambda i: rt.random.fold_in(key, i))(rt.arange(3).astype(rt.uint32))
    mapped = rt.vmap(lambda x, key: called(case, x, key))(x, keys)
    np.testing.assert_allclose(mapped, y, rtol=1e-5, atol=1e-5 if dtype != "uint8" else 1)


@KEYED
def test_images_do_not_depend_on_the_others(case: Case, rng: Any) -> None:
    x, key = pixels(rng, "float32", 5), rt.random.key(1)
    np.testing.assert_allclose(
        called(case, x[:2], key), called(case, x, key)[:2], rtol=1e-5, atol=1e-6
    )
    same = np.broadcast_to(x[:1], (16, 3, 9, 8))
    y = np.asarray(called(case, same, key))
    assert any((y[i] != y[0]).any() for i in range(1, 16)), "each image has a draw of its own"
    np.testing.assert_array_equal(called(case, same, key), y)
    assert (np.asarray(called(case, same, rt.random.key(2))) != y).any()


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c.smooth], ids=[n for n, c in CASES.items() if c.smooth]
)
def test_derivatives_by_the_pixels(case: Case, rng: Any) -> None:
    x, key = pixels(rng, "float64", 2) * 0.6 + 0.2, rt.random.key(4)
    rt.check_grads(lambda x: called(case, x, key), (rt.asarray(x),), order=1)


@TYPED
def test_empty_batches(case: Case, dtype: str, rng: Any) -> None:
    x = pixels(rng, dtype)
    shape = called(case, x, rt.random.key(0)).shape
    assert called(case, x[:0], rt.random.key(0)).shape == (0, *shape[1:])


@pytest.mark.parametrize("name", CASES)
def test_messages_name_the_function(name: str, rng: Any) -> None:
    case, key = CASES[name], rt.random.key(0)
    for bad in (np.ones(3), np.ones((2, 3), np.uint8), np.ones((1, 1, 1, 1, 1))):
        with pytest.raises(ShapeError, match=rf"^\[{name}\] images: expected real numbers"):
            called(case, bad, key)
    x = pixels(rng, "float32")
    with pytest.raises(ArgumentError, match=rf"^\[{name}\] data_format: expected one of"):
        called(case, x, key, data_format="HWC")
    if case.keyed:
        with pytest.raises(ArgumentError, match=rf"^\[{name}\] key: expected a key"):
            called(case, x, 3)
        with pytest.raises(ShapeError, match=rf"^\[{name}\] key: expected a key"):
            called(case, x, rt.random.split(key, 4))
