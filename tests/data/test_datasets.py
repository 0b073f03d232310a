"""Datasets of arrays, and of other datasets."""

import pickle
from typing import Any

import numpy as np
import pytest
from loader_samples import double, with_noise

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError

KEY = rt.random.key(1)
LETTERS = data.map(str.upper, "abcdef")


def test_arrays() -> None:
    ds = data.ArrayDataset({"x": np.arange(12).reshape(4, 3), "y": [np.arange(4.0)]})
    assert len(ds) == 4
    assert ds[1]["x"].tolist() == ds[-3]["x"].tolist() == [3, 4, 5]
    assert ds[np.int64(2)]["y"] == [2.0]
    batch = ds.gather(np.array([3, 0]))
    assert batch["x"].tolist() == [[9, 10, 11], [0, 1, 2]]
    assert [int(s["y"][0]) for s in ds[::-2]] == [3, 1]
    assert ds[1:3].gather(np.array([1]))["y"][0].tolist() == [2.0]
    assert len(data.ArrayDataset((rt.ones(3), np.ones((3, 2))))) == 3


@pytest.mark.parametrize(
    ("arrays", "kind", "message"),
    [
        ({"x": np.ones(3), "y": np.ones(4)}, ShapeError, "arrays['x'] has 3 samples and arrays["),
        (np.float64(3), ShapeError, "expected an array with an axis of samples"),
        ({}, ArgumentError, "expected at least one array"),
        ({"x": "text"}, ArgumentError, "expected arrays, got str"),
    ],
)
def test_arrays_that_do_not_fit(arrays: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        data.ArrayDataset(arrays)
    assert message in str(caught.value)


@pytest.mark.parametrize("index", [6, -7, 100])
def test_indices_outside(index: int) -> None:
    for ds in (LETTERS, LETTERS[:], data.concat(LETTERS), data.zip(LETTERS), data.cache(LETTERS)):
        with pytest.raises(OutOfBoundsError, match=f"index {index} is out of bounds for 6 samples"):
            ds[index]


def test_indices_that_are_none() -> None:
    with pytest.raises(ArgumentError, match=r"\[Mapped\] index: expected an integer or a slice"):
        LETTERS["a"]


@pytest.mark.parametrize(
    ("indices", "want"),
    [
        ([0, -1, 0], "AFA"),
        (np.array([True, False, True, False, False, False]), "AC"),
        ([], ""),
        (range(2), "AB"),
    ],
)
def test_subset(indices: Any, want: str) -> None:
    assert "".join(data.subset(LETTERS, indices)) == want


def test_subset_of_what_is_not_there() -> None:
    with pytest.raises(OutOfBoundsError, match="index 6 is out of bounds for 6"):
        data.subset(LETTERS, [0, 6])
    with pytest.raises(ShapeError, match="expected a bool for each of 6 samples, got 1"):
        data.subset(LETTERS, np.array([True]))
    with pytest.raises(ShapeError, match="expected a vector of integers"):
        data.subset(LETTERS, [0.5])


def test_concat() -> None:
    ds = data.concat(LETTERS, [], "xy")
    assert len(ds) == 8
    assert "".join(ds) == "ABCDEFxy"
    assert "".join(ds[-3:]) == "Fxy"
    with pytest.raises(ArgumentError, match="expected at least one"):
        data.concat()


def test_zip() -> None:
    ds = data.zip(LETTERS, range(6))
    assert ds[-1] == ("F", 5)
    arrays = data.ArrayDataset(np.arange(6))
    assert [x.tolist() for x in data.zip(arrays, arrays).gather(np.array([1, 2]))] == [[1, 2]] * 2
    assert not ds.can_gather
    with pytest.raises(ShapeError, match="6, 3 samples"):
        data.zip(LETTERS, range(3))


def test_map_and_filter() -> None:
    assert list(data.map(double, range(3))) == [0, 2, 4]
    assert list(data.filter(lambda x: x > 1, data.map(double, range(3)))) == [2, 4]
    assert list(data.filter(lambda x: x > 1, iter([1, 2]))) == [2]
    with pytest.raises(ArgumentError, match=r"\[map\] function: expected a function"):
        data.map(3, range(3))  # type: ignore[arg-type]


def test_cache_asks_once() -> None:
    asked: list[int] = []
    ds = data.cache(data.map(lambda x: asked.append(x) or x, range(4)))
    assert [ds[1], ds[1], ds[-3], ds[0]] == [1, 1, 1, 0]
    assert asked == [1, 0]


@pytest.mark.reuses_keys
def test_keys_reach_the_function_through_all_combinators() -> None:
    noisy = data.map(with_noise, np.zeros((4, 2)), keyed=True)
    for ds in (noisy, noisy[1:], data.concat(noisy, noisy), data.map(double, noisy)):
        assert ds.keyed
        first, second = data.fetch(ds, 1, KEY), data.fetch(ds, 2, rt.random.key(2))
        assert (first == data.fetch(ds, -len(ds) + 1, KEY)).all()
        assert (first != second).all()
        with pytest.raises(ArgumentError, match="a sample needs a random key"):
            ds[0]
    a, b = data.fetch(data.zip(noisy, noisy), 0, KEY)
    assert (a != b).all()
    twice = data.map(with_noise, noisy, keyed=True)
    assert (data.fetch(twice, 0, KEY) != 2 * data.fetch(noisy, 0, KEY)).all()
    for refuse in (data.cache, lambda ds: data.filter(bool, ds)):
        with pytest.raises(ArgumentError, match="its samples are random"):
            refuse(noisy)
    with pytest.raises(ArgumentError, match="need a random key, got None"):
        data.fetch(noisy, 0)


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [((6, 4), [6, 4]), ((0.8, 0.2), [8, 2]), ((1.0,), [10]), ((1 / 3, 1 / 3, 1 / 3), [4, 3, 3])],
)
def test_random_split(parts: Any, sizes: list[int]) -> None:
    split = data.random_split(range(10), parts, KEY)
    assert [len(part) for part in split] == sizes
    assert sorted(x for part in split for x in part) == list(range(10))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((5, 4), "sum to 9, and the dataset has 10"),
        ((0.5, 0.4), "sum to 0.9, expected 1"),
        ((-1, 11), "expected no negative number"),
        ("ab", "expected a sequence"),
        ((), "expected sizes or fractions"),
    ],
)
def test_splits_that_cannot_be(parts: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        data.random_split(range(10), parts, KEY)


@pytest.mark.parametrize(
    "ds",
    [
        data.ArrayDataset(np.arange(3)),
        data.map(double, range(3)),
        data.cache(data.map(double, range(3))),
        data.subset(range(5), [1, 2, 4]),
        data.concat([1], [2, 3]),
        data.zip([1, 2, 3]),
    ],
    ids=lambda ds: type(ds).__name__,
)
def test_datasets_can_be_pickled(ds: Any) -> None:
    assert list(pickle.loads(pickle.dumps(ds))) == list(ds)
    assert repr(ds).endswith("(3 samples)")


def test_what_is_a_dataset() -> None:
    assert isinstance(LETTERS, data.Dataset)
    assert not isinstance(5, data.Dataset)
    assert isinstance(iter([]), data.IterableDataset)
    assert isinstance(data.map(abs, iter([])), data.ResumableDataset)
