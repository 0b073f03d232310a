"""Orders of samples: what they have in them, and that keys and epochs decide."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError, ShapeError

pytestmark = pytest.mark.reuses_keys  # orders come again

KEY = rt.random.key(3)


def test_sequential() -> None:
    assert data.sequential(4).order(None, 9).tolist() == [0, 1, 2, 3]
    assert data.sequential(0).order(None, 0).tolist() == []


def test_shuffled_is_a_permutation_by_key_and_epoch() -> None:
    sampler = data.shuffled(40)
    orders = [sampler.order(KEY, e).tolist() for e in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(40))
    assert sampler.order(rt.random.key(4), 0).tolist() != orders[0]


def test_shuffled_in_part_and_with_replacement() -> None:
    assert len(set(data.shuffled(40, num=7).order(KEY, 0).tolist())) == 7
    drawn = data.shuffled(5, replacement=True, num=100).order(KEY, 0)
    assert set(drawn.tolist()) == set(range(5))
    with pytest.raises(ArgumentError, match="cannot draw 6 of 5"):
        data.shuffled(5, num=6)
    with pytest.raises(ArgumentError, match="a random order needs a key"):
        data.shuffled(5).order(None, 0)


def test_weighted_draws_in_proportion() -> None:
    weights = np.array([0.0, 1.0, 3.0])
    drawn = data.weighted(weights, 20_000).order(KEY, 0)
    shares = np.bincount(drawn, minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0, 0.25, 0.75], atol=0.015)
    assert sorted(data.weighted([1, 0, 5], 2, replacement=False).order(KEY, 0)) == [0, 2]
    assert data.weighted([1, 2]).size == 2


@pytest.mark.parametrize(
    ("weights", "kind"),
    [
        ([-1.0, 2.0], ArgumentError),
        ([0.0, 0.0], ArgumentError),
        ([np.nan], ArgumentError),
        ([[1.0]], ShapeError),
        ("ab", ArgumentError),
    ],
)
def test_weights_that_are_none(weights: Any, kind: Any) -> None:
    with pytest.raises(kind, match=r"\[weighted\] weights: expected"):
        data.weighted(weights)


@pytest.mark.parametrize(("size", "count"), [(10, 2), (11, 3), (2, 5), (12, 4)])
def test_shards_have_equal_lengths_and_share_nothing(size: int, count: int) -> None:
    whole = data.shuffled(size)
    parts = [data.sharded(whole, i, count) for i in range(count)]
    orders = [part.order(KEY, 1).tolist() for part in parts]
    assert {len(order) for order in orders} == {part.size for part in parts} == {size // count}
    together = [index for order in orders for index in order]
    assert len(set(together)) == len(together) == size // count * count


def test_shards_of_batches() -> None:
    batches = data.batched(data.sequential(8), 2)
    assert [b.tolist() for b in data.sharded(batches, 1, 2).order(None, 0)] == [[2, 3], [6, 7]]
    with pytest.raises(ArgumentError, match="index: expected 0 to 1, got 2"):
        data.sharded(batches, 2, 2)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [0, 3, 4, 7])
def test_batched(size: int, drop_last: bool) -> None:
    sampler = data.batched(data.sequential(size), 3, drop_last)
    order = sampler.order(None, 0)
    assert len(order) == sampler.size
    assert all(len(b) == 3 for b in order[: None if drop_last else -1])
    found = [i for batch in order for i in batch.tolist()]
    assert found == list(range(size // 3 * 3 if drop_last else size))


@pytest.mark.parametrize("drop_last", [False, True])
def test_buckets(drop_last: bool) -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 203)
    sampler = data.bucketed(lengths, 8, [20, 50], drop_last=drop_last)
    order = sampler.order(KEY, 0)
    assert len(order) == sampler.size
    for batch in order:
        sizes = lengths[batch]
        assert len({int(np.searchsorted([20, 50], n, side="right")) for n in sizes}) == 1
    found = [i for batch in order for i in batch.tolist()]
    assert len(set(found)) == len(found)
    assert drop_last or len(found) == 203
    again = sampler.order(KEY, 0)
    other = sampler.order(KEY, 1)
    assert all((a == b).all() for a, b in zip(order, again, strict=True))
    assert any(a.tolist() != b.tolist() for a, b in zip(order, other, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.sequential(-1), r"\[sequential\] size: expected an integer of 0"),
        (lambda: data.sequential(True), r"\[sequential\] size"),
        (lambda: data.batched([0, 1], 2), r"\[batched\] sampler: expected a Sampler"),
        (lambda: data.batched(data.sequential(3), 0), r"\[batched\] batch_size: expected"),
        (lambda: data.sharded(data.sequential(3), 0, 0), r"\[sharded\] count: expected"),
        (lambda: data.bucketed([1, 2], 1, [3, 3]), r"\[bucketed\] boundaries: expected ascending"),
        (lambda: data.bucketed("ab", 1, [3]), r"\[bucketed\] lengths: expected a vector"),
    ],
)
def test_wrong_arguments(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()
