"""Batches of samples: structure, shapes, dtypes, padding."""

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError


class Pair(NamedTuple):
    x: Any
    y: Any


def test_structure_is_kept() -> None:
    sample = {"a": [np.ones(2), (1, 2.0)], "b": Pair(None, "text"), "c": OrderedDict(z=True)}
    batch = data.collate([sample, sample, sample])
    assert batch["a"][0].shape == (3, 2)
    assert batch["a"][1][0].tolist() == [1, 1, 1]
    assert batch["b"] == Pair(None, ["text"] * 3)
    assert type(batch["c"]) is OrderedDict
    assert batch["c"]["z"].tolist() == [True] * 3


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "int64"),
        ([1.0, 2], "float32"),
        ([True, False], "bool"),
        ([1, True], "int64"),
        ([1j, 1.0], "complex64"),
        ([np.float64(1), np.float64(2)], "float64"),
        ([np.uint8(1), np.uint8(2)], "uint8"),
        ([rt.ones(2), rt.zeros(2)], "float32"),
    ],
)
def test_dtypes_of_numbers(values: Any, dtype: str) -> None:
    assert str(data.collate(values).dtype) == dtype


def test_numpy_gives_the_same() -> None:
    arrays = [np.random.default_rng(i).random((3, 4)) for i in range(5)]
    np.testing.assert_array_equal(data.collate(arrays), np.stack(arrays))


@pytest.mark.parametrize(
    ("samples", "kind", "message"),
    [
        ([np.ones(2), np.ones(3)], ShapeError, "sample 0 of the batch is float64[2], sample 1 is"),
        ([{"x": np.ones(2)}, {"x": np.ones((2, 1))}], ShapeError, "samples['x'] differ in shape"),
        ([np.ones(2), np.ones(2, int)], DTypeError, "differ in dtype"),
        ([{"x": 1}, {"y": 1}], TreeError, "a dict with the keys ['x'], sample 1 is a dict with"),
        ([(1, 2), (1, 2, 3)], TreeError, "is a tuple of 2, sample 1 is a tuple of 3"),
        ([(1, 2), [1, 2]], TreeError, "is a tuple of 2, sample 1 is a list of 2"),
        ([np.ones(2), 3], TreeError, "sample 0 of the batch is a ndarray, sample 1 is a int"),
        ([3, "a"], TreeError, "is a int, sample 1 is a str"),
        ([1, 2**70], DTypeError, "an integer is outside int64"),
        ([], ArgumentError, "expected a list of one sample or more"),
        (5, ArgumentError, "[collate] samples: expected a list"),
    ],
)
def test_samples_that_differ(samples: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        data.collate(samples)
    assert message in str(caught.value)


def test_padding() -> None:
    samples = [{"t": np.array([1, 2, 3]), "y": 0}, {"t": np.array([4]), "y": 1}]
    batch = data.pad_collate(samples, value=-1, multiple=4)
    tokens, lengths = batch["t"]
    assert tokens.tolist() == [[1, 2, 3, -1], [4, -1, -1, -1]]
    assert lengths.tolist() == [3, 1]
    assert batch["y"].tolist() == [0, 1]
    assert data.pad_collate([np.ones((2, 5)), np.ones((0, 5))])[0].shape == (2, 2, 5)
    assert data.pad_collate([np.ones(2)], length=6)[0].shape == (1, 6)


def test_padding_that_cannot_be() -> None:
    with pytest.raises(ShapeError, match="sample 1 has length 3, more than length=2"):
        data.pad_collate([np.ones(1), np.ones(3)], length=2)
    with pytest.raises(ShapeError, match="differ in shape"):
        data.pad_collate([np.ones((2, 3)), np.ones((2, 4))])
    with pytest.raises(ArgumentError, match=r"\[pad_collate\] multiple"):
        data.pad_collate([np.ones(1)], multiple=0)
