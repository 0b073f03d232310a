"""The order of samples in an epoch, as a function of a key and the number of the epoch.

A `Sampler` is its size and a function ``order(key, epoch)`` that gives a sequence of indices; that
of a batch sampler (`batched`, `bucketed`) gives a sequence of vectors of indices, one for each
batch. Nothing else decides on the order: the same key and epoch give the same one everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.data.indexed import count_of
from rtorch.errors import ArgumentError, ShapeError, api, describe

__all__ = ["Sampler", "batched", "bucketed", "sequential", "sharded", "shuffled", "weighted"]

Indices = np.ndarray[Any, Any]


class Sampler(NamedTuple):
    """A size, and the order of an epoch: ``order(key, epoch)`` has that many items.

    Example:
        >>> from rtorch import data
        >>> backwards = data.Sampler(3, lambda key, epoch: [2, 1, 0])
        >>> [int(x) for x in data.DataLoader([5, 6, 7], 1, sampler=backwards)]
        [7, 6, 5]
    """

    size: int
    order: Callable[[Any, int], Any]


def epoch_key(key: Any, epoch: int, name: str) -> rt.Array:
    """The key of an epoch."""
    if key is None:
        raise ArgumentError(
            f"[{name}] key: a random order needs a key, got None; give the DataLoader a key"
        )
    return rt.random.fold_in(key, epoch)


@api
def sequential(size: int) -> Sampler:
    """The indices 0, 1, ... in every epoch.

    Args:
        size: How many samples there are.

    Example:
        >>> from rtorch import data
        >>> data.sequential(3).order(None, 0).tolist()
        [0, 1, 2]
    """
    size = count_of(size, "sequential", "size", 0)
    return Sampler(size, lambda key, epoch: np.arange(size))


@api
def shuffled(size: int, *, replacement: bool = False, num: int | None = None) -> Sampler:
    """All indices in random order, another one in each epoch.

    Args:
        size: How many samples there are.
        replacement: Draw each index from all, so that some repeat and some are missing.
        num: How many are drawn; by default `size`, and without replacement at most that.

    Raises:
        ArgumentError: (``order``) if there is no key.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import data
        >>> sampler, key = data.shuffled(5), rt.random.key(0)
        >>> sorted(sampler.order(key, 0).tolist())
        [0, 1, 2, 3, 4]
        >>> sampler.order(key, 0).tolist() == sampler.order(key, 1).tolist()
        False
    """
    size = count_of(size, "shuffled", "size", 0)
    num = size if num is None else count_of(num, "shuffled", "num", 0)
    if num > size and not (replacement and size):
        raise ArgumentError(f"[shuffled] num: cannot draw {num} of {size} samples without "
                            "replacement")  # fmt: skip

    def order(key: Any, epoch: int) -> Indices:
        of_epoch = epoch_key(key, epoch, "shuffled")
        if replacement:
            return np.asarray(rt.random.randint(of_epoch, (num,), 0, max(size, 1)))
        return np.asarray(rt.random.permutation(of_epoch, size))[:num]

    return Sampler(num, order)


@api
def weighted(weights: Any, num: int | None = None, *, replacement: bool = True) -> Sampler:
    """Indices drawn with given weights, as for classes of different sizes.

    Args:
        weights: Not negative, one for each sample; they need not sum to 1.
        num: How many are drawn; by default one for each sample.
        replacement: Whether an index can be drawn again; without, `num` is at most the number of
            positive weights.

    Raises:
        ArgumentError: if weights are negative, not finite or all zero, or too few for `num`.
        ShapeError: if they are no vector.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import data
        >>> set(data.weighted([0.0, 1.0, 3.0], 50).order(rt.random.key(0), 0).tolist())
        {1, 2}
    """
    p = _weights(weights)
    num = len(p) if num is None else count_of(num, "weighted", "num", 0)
    positive = int((p > 0).sum())
    if not replacement and num > positive:
        raise ArgumentError(f"[weighted] num: cannot draw {num} of {positive} samples with a "
                            "positive weight without replacement")  # fmt: skip
    shares = rt.asarray(p / p.sum())

    def order(key: Any, epoch: int) -> Indices:
        of_epoch = epoch_key(key, epoch, "weighted")
        drawn = rt.random.choice(of_epoch, len(p), (num,), replace=replacement, p=shares)
        return np.asarray(drawn)

    return Sampler(num, order)


def _weights(weights: Any) -> np.ndarray[Any, Any]:
    try:
        p = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"[weighted] weights: expected numbers, got {describe(weights)}"
                            ) from None  # fmt: skip
    if p.ndim != 1:
        raise ShapeError(f"[weighted] weights: expected a vector, got {describe(p)}")
    if not np.isfinite(p).all() or (p < 0).any() or not p.sum() > 0:
        raise ArgumentError(
            "[weighted] weights: expected finite numbers of 0 or more, at least one positive"
        )
    return p


def _sampler(x: Any, name: str) -> Sampler:
    if not isinstance(x, Sampler):
        raise ArgumentError(f"[{name}] sampler: expected a Sampler, such as data.shuffled(size), "
                            f"got {describe(x)}")  # fmt: skip
    return x


@api
def sharded(sampler: Sampler, index: int, count: int) -> Sampler:
    """The part of an order that one of several processes works on.

    All parts have the same length and no item in common: the last ``size % count`` items of the
    order are left out (others in each epoch, if it is random). The processes need the same key.

    Args:
        sampler: Of samples or of batches.
        index: Which part, from 0 to ``count - 1``.
        count: How many parts.

    Example:
        >>> from rtorch import data
        >>> [data.sharded(data.sequential(7), i, 2).order(None, 0).tolist() for i in range(2)]
        [[0, 2, 4], [1, 3, 5]]
    """
    whole = _sampler(sampler, "sharded")
    count = count_of(count, "sharded", "count")
    index = count_of(index, "sharded", "index", 0)
    if index >= count:
        raise ArgumentError(f"[sharded] index: expected 0 to {count - 1}, got {index}")
    size = whole.size // count
    return Sampler(size, lambda key, epoch: whole.order(key, epoch)[index : size * count : count])


@api
def batched(sampler: Sampler, batch_size: int, drop_last: bool = False) -> Sampler:
    """A sampler of batches: each item is a vector of indices.

    Args:
        sampler: Of samples.
        batch_size: Samples in a batch.
        drop_last: Whether to leave out a last batch that is smaller.

    Example:
        >>> from rtorch import data
        >>> [b.tolist() for b in data.batched(data.sequential(5), 2).order(None, 0)]
        [[0, 1], [2, 3], [4]]
    """
    samples = _sampler(sampler, "batched")
    batch_size = count_of(batch_size, "batched", "batch_size")
    size = samples.size // batch_size if drop_last else -(-samples.size // batch_size)

    def order(key: Any, epoch: int) -> list[Indices]:
        return _cut(_indices(samples, key, epoch), batch_size, size)

    return Sampler(size, order)


def _indices(sampler: Sampler, key: Any, epoch: int) -> Indices:
    indices = np.asarray(sampler.order(key, epoch))
    if indices.shape != (sampler.size,) or (indices.size and indices.dtype.kind not in "iu"):
        raise ArgumentError(f"[batched] sampler: expected an order of {sampler.size} integers, its "
                            f"size, got {describe(indices)}")  # fmt: skip
    return indices


def _cut(indices: Indices, batch_size: int, batches: int) -> list[Indices]:
    return [indices[i * batch_size : (i + 1) * batch_size] for i in range(batches)]


@api
def bucketed(
    lengths: Any,
    batch_size: int,
    boundaries: Sequence[int],
    *,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Sampler:
    """A sampler of batches of sequences with similar lengths, which need little padding.

    Each batch comes from one bucket. Shuffling moves samples within their buckets and batches
    among each other.

    Args:
        lengths: The length of each sample.
        batch_size: Samples in a batch.
        boundaries: Ascending; bucket ``i`` has the lengths from ``boundaries[i - 1]`` to less than
            ``boundaries[i]``, the last one all that are longer.
        shuffle: Whether the order is random, with a key.
        drop_last: Whether to leave out the last batch of a bucket if it is smaller.

    Example:
        >>> from rtorch import data
        >>> sampler = data.bucketed([3, 9, 2, 8, 1], 2, [5], shuffle=False)
        >>> [b.tolist() for b in sampler.order(None, 0)]
        [[0, 2], [4], [1, 3]]
    """
    sizes, edges = _vector(lengths, "lengths"), _vector(boundaries, "boundaries")
    batch_size = count_of(batch_size, "bucketed", "batch_size")
    if (np.diff(edges) <= 0).any():
        raise ArgumentError(f"[bucketed] boundaries: expected ascending lengths, got {boundaries}")
    bucket_of = np.searchsorted(edges, sizes, side="right")
    buckets = [np.flatnonzero(bucket_of == b) for b in range(len(edges) + 1)]
    counts = [len(b) // batch_size if drop_last else -(-len(b) // batch_size) for b in buckets]

    def order(key: Any, epoch: int) -> list[Indices]:
        batches = []
        of_epoch = epoch_key(key, epoch, "bucketed") if shuffle else None
        for i, (bucket, count) in enumerate(zip(buckets, counts, strict=True)):
            if of_epoch is not None:
                bucket = bucket[_permutation(rt.random.fold_in(of_epoch, i), len(bucket))]
            batches += _cut(bucket, batch_size, count)
        if of_epoch is None:
            return batches
        last = rt.random.fold_in(of_epoch, len(buckets))
        return [batches[i] for i in _permutation(last, len(batches))]

    return Sampler(sum(counts), order)


def _permutation(key: rt.Array, size: int) -> Indices:
    return np.asarray(rt.random.permutation(key, size))


def _vector(values: Any, argument: str) -> Indices:
    try:
        vector = np.asarray(values)
    except ValueError:
        vector = np.zeros((0, 0))
    if vector.ndim != 1 or (vector.size and vector.dtype.kind not in "iuf"):
        raise ArgumentError(f"[bucketed] {argument}: expected a vector of lengths, got "
                            f"{describe(values)}")  # fmt: skip
    return vector
