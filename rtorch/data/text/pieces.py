"""The pair merging of BPE: which pairs to merge (training), and merging them (encoding).

Both keep a heap of pairs whose entries may be out of date and are checked when they come up. In
training only words with the merged pair are counted anew; in encoding the symbols of a piece are a
linked list, so that a piece of n symbols takes O(n log n), however long it is.

References:
    Sennrich et al. 2016 (arXiv:1508.07909).
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]


def find_merges(
    words: Mapping[bytes, int], symbols: list[bytes], size: int, min_count: int
) -> list[Pair]:
    """The most frequent pair of neighbours, merged, and again until there are `size` symbols.

    Of equally frequent pairs the one with the smaller numbers is merged first. A pair whose bytes
    are a symbol already becomes that symbol. `symbols` grows.
    """
    number = {symbol: i for i, symbol in enumerate(symbols)}
    split = [[number[bytes((b,))] for b in word] for word in words]
    times = list(words.values())
    counts: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for i, word in enumerate(split):
        for pair in itertools.pairwise(word):
            counts[pair] += times[i]
            places[pair].add(i)
    heap = [(-n, pair) for pair, n in counts.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while len(symbols) < size and heap:
        negative, pair = heapq.heappop(heap)
        n = counts[pair]
        if n != -negative:  # counts have changed since
            if n > 0:
                heapq.heappush(heap, (-n, pair))
            continue
        if n < max(min_count, 1):
            break
        joined = symbols[pair[0]] + symbols[pair[1]]
        new = number.setdefault(joined, len(symbols))
        if new == len(symbols):
            symbols.append(joined)
        merges.append(pair)
        changed: set[Pair] = set()
        for i in places.pop(pair):
            _recount(split, i, pair, new, times[i], counts, places, changed)
        counts.pop(pair, None)
        for other in changed:
            if other != pair:
                heapq.heappush(heap, (-counts[other], other))
    return merges


def _recount(
    split: list[list[int]], i: int, pair: Pair, new: int, times: int,
    counts: defaultdict[Pair, int], places: defaultdict[Pair, set[int]], changed: set[Pair],
) -> None:  # fmt: skip
    """Merge `pair` in word i; counts of pairs get right, and those with more go to `changed`."""
    old = split[i]
    word = merged(old, pair, new)
    for before in itertools.pairwise(old):
        counts[before] -= times
    for after in itertools.pairwise(word):
        counts[after] += times
        if new in after:
            places[after].add(i)
            changed.add(after)
    split[i] = word


def merged(word: list[int], pair: Pair, new: int) -> list[int]:
    """`word` with `new` for each `pair`, from the left."""
    first, second = pair
    out: list[int] = []
    i, last = 0, len(word) - 1
    while i <= last:
        if i < last and word[i] == first and word[i + 1] == second:
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def merge_piece(word: list[int], ranks: Mapping[Pair, tuple[int, int]]) -> list[int]:
    """`word` after all merges; of several the one with the least rank is next, from the left.

    Args:
        word: Symbols.
        ranks: Rank and symbol of each pair that is merged.
    """
    n = len(word)
    symbols, after, before = list(word), list(range(1, n + 1)), list(range(-1, n - 1))
    heap = []
    for i in range(n - 1):
        found = ranks.get((word[i], word[i + 1]))
        if found:
            heap.append((found[0], i, word[i], word[i + 1], found[1]))
    heapq.heapify(heap)
    while heap:
        _, i, first, second, new = heapq.heappop(heap)
        j = after[i]
        if symbols[i] != first or j >= n or symbols[j] != second:
            continue  # one of the two has been merged with another
        symbols[i], symbols[j] = new, -1
        after[i] = k = after[j]
        if k < n:
            before[k] = i
            _push(heap, ranks, symbols, i, k)
        if (h := before[i]) >= 0:
            _push(heap, ranks, symbols, h, i)
    return [symbol for symbol in symbols if symbol >= 0]


def _push(
    heap: list[tuple[int, int, int, int, int]], ranks: Mapping[Pair, tuple[int, int]],
    symbols: list[int], i: int, j: int,
) -> None:  # fmt: skip
    found = ranks.get((symbols[i], symbols[j]))
    if found:
        heapq.heappush(heap, (found[0], i, symbols[i], symbols[j], found[1]))
