"""The order of boxes within their ranks: barycentres, keeping the order with fewest crossings."""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence

from rtorch.visual.ranks import Item, Link

_SWEEPS = 8


def order_layers(layers: list[list[Item]], links: Sequence[Link]) -> None:
    """Reorder each layer so that few links cross."""
    down: dict[Item, list[Link]] = {item: [] for layer in layers for item in layer}
    up: dict[Item, list[Link]] = {item: [] for layer in layers for item in layer}
    for link in links:
        down[link.above].append(link)
        up[link.below].append(link)
    _start(layers, down, up)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        if sweep % 2:
            for k in range(len(layers) - 2, -1, -1):
                _sort(layers[k], layers[k + 1], down, downwards=True)
        else:
            for k in range(1, len(layers)):
                _sort(layers[k], layers[k - 1], up, downwards=False)
        crossings = _crossings(layers, down)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best


def _start(
    layers: list[list[Item]], down: dict[Item, list[Link]], up: dict[Item, list[Link]]
) -> None:
    """The order in which a walk from item to item meets them: neighbours come together."""
    met: dict[Item, int] = {}
    for layer in reversed(layers):
        for first in layer:
            waiting = [first]
            while waiting:
                item = waiting.pop()
                if item in met:
                    continue
                met[item] = len(met)
                waiting += [link.below for link in reversed(down[item])]
                waiting += [link.above for link in reversed(up[item])]
    for layer in layers:
        layer.sort(key=met.__getitem__)


def _sort(
    layer: list[Item], fixed: Sequence[Item], links: dict[Item, list[Link]], *, downwards: bool
) -> None:
    """Sort by the mean place of the neighbours in `fixed`; items without any stay put."""
    place = {item: i for i, item in enumerate(fixed)}
    mean: dict[Item, float] = {}
    for i, item in enumerate(layer):
        places = [_place(link, place, downwards) for link in links[item]]
        mean[item] = sum(places) / len(places) if places else i * len(fixed) / len(layer)
    layer.sort(key=mean.__getitem__)


def _place(link: Link, place: dict[Item, int], downwards: bool) -> float:
    """The neighbour's place, finer by the port."""
    item, offset = (link.below, link.bottom) if downwards else (link.above, link.top)
    return place[item] + offset / (item.width + 1)


def _crossings(layers: Sequence[Sequence[Item]], down: dict[Item, list[Link]]) -> int:
    total = 0
    for layer, below in itertools.pairwise(layers):
        place = {item: i for i, item in enumerate(below)}
        ends = []
        for i, item in enumerate(layer):
            for link in down[item]:
                start = i + link.top / (item.width + 1)
                ends.append((start, _place(link, place, downwards=True)))
        ends.sort()
        seen: list[float] = []
        for _, end in ends:
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total
