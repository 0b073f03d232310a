"""Where everything stands: a graph drawn in layers, frames from the inside out.

Horizontally each layer is put as near as it can to its neighbours' places, with gaps between the
items: a least-squares problem under order constraints, which pooling adjacent violators solves
exactly. Sweeps go up and down in turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rtorch.visual.graph import LINE, SMALL_LETTER, TITLE_LETTER, Box, Graph
from rtorch.visual.order import order_layers
from rtorch.visual.ranks import Bend, Item, Link, layers_of, ranks_of

GAP_X, GAP_Y = 16.0, 36.0
PAD = 12.0  # inside a frame
HEAD = 24.0  # of a frame: its title
_SWEEPS = 12


def lay_out(graph: Graph, *, ends_at_border: bool = False) -> None:
    """Fill in the places of boxes and wires, and the graph's size."""
    for box in graph.boxes:
        _measure(box)
    layers, links = layers_of(graph, ranks_of(graph, ends_at_border=ends_at_border))
    order_layers(layers, links)
    _place_x(layers, links)
    _place_y(graph, layers, links)


# ---- sizes ---------------------------------------------------------------------------------------


def _measure(box: Box) -> None:
    if box.kind == "port":
        box.width, box.height = (8.0 if box.labels else _label(box.tip)), 8.0
    elif box.kind in ("in", "const", "out"):
        box.width = 24 + TITLE_LETTER * len(box.title) + SMALL_LETTER * len(box.detail)
        box.height = 22.0
    elif box.kind == "frame":
        _measure_frame(box)
        return
    else:
        text = max(TITLE_LETTER * len(box.title), SMALL_LETTER * len(box.detail))
        box.width = max(text + 20, sum(map(_label, box.labels)), 10.0 * box.n_ins)
        box.height = 26.0 + (LINE - 2 if box.detail else 0)
    box.ins = _spread(box.n_ins, box.width)
    box.outs = _spread(len(box.labels), box.width)


def _label(text: str) -> float:
    return SMALL_LETTER * len(text) + 12


def _spread(n: int, width: float) -> list[float]:
    """Offsets of `n` ports from the centre, evenly over a box."""
    return [width * ((k + 0.5) / n - 0.5) for k in range(n)]


def _measure_frame(box: Box) -> None:
    for graph in box.inner:
        lay_out(graph, ends_at_border=True)
    inner = sum(g.width for g in box.inner) + PAD * (len(box.inner) + 1)
    text = TITLE_LETTER * len(box.title) + SMALL_LETTER * len(box.detail) + 32
    box.width = max(inner, text, sum(map(_label, box.labels)))
    box.height = HEAD + max(g.height for g in box.inner) + PAD
    box.ins = _inner_ports(box, ("in",), box.n_ins) or _spread(box.n_ins, box.width)
    box.outs = _inner_ports(box, ("out",), len(box.labels)) or _spread(len(box.labels), box.width)


def _inner_ports(box: Box, kinds: tuple[str, ...], n: int) -> list[float]:
    """The places of the ends inside, if there is one for each port."""
    if len(box.inner) != 1:
        return []
    is_in = kinds == ("in",)
    ((_, left, graph),) = inner_places(box)
    ends = [b for b in graph.boxes
            if b.kind in kinds or (b.kind == "port" and bool(b.labels) is is_in)]  # fmt: skip
    return [left + b.x - box.width / 2 for b in ends] if len(ends) == n else []


def inner_places(box: Box) -> Iterator[tuple[float, float, Graph]]:
    """The top and left of every graph in a frame, from its corner."""
    free = box.width - sum(g.width for g in box.inner) - PAD * (len(box.inner) + 1)
    left = PAD + free / 2
    for graph in box.inner:
        yield HEAD, left, graph
        left += graph.width + PAD


# ---- horizontally --------------------------------------------------------------------------------


def _place_x(layers: Sequence[Sequence[Item]], links: Sequence[Link]) -> None:
    up: dict[Item, list[Link]] = {item: [] for layer in layers for item in layer}
    down: dict[Item, list[Link]] = {item: [] for layer in layers for item in layer}
    for link in links:
        up[link.below].append(link)
        down[link.above].append(link)
    for layer in layers:
        _settle(layer, [0.0] * len(layer), [1.0] * len(layer))
    for sweep in range(_SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        both = sweep >= _SWEEPS - 4
        for layer in order:
            wishes = [_wish(x, up[x], down[x], sweep % 2 == 0, both) for x in layer]
            _settle(layer, [w for w, _ in wishes], [weight for _, weight in wishes])


def _wish(
    item: Item, up: Sequence[Link], down: Sequence[Link], from_above: bool, both: bool
) -> tuple[float, float]:
    """Where an item would like to be, and how much."""
    places = []
    if from_above or both or not down:
        places += [(k.above.x + k.top - k.bottom, _weight(k)) for k in up]
    if not from_above or both or not up:
        places += [(k.below.x + k.bottom - k.top, _weight(k)) for k in down]
    total = sum(w for _, w in places)
    if not total:
        return item.x, 0.1
    return sum(x * w for x, w in places) / total, total


def _weight(link: Link) -> float:
    """Long wires are to be straight."""
    bends = isinstance(link.above, Bend) + isinstance(link.below, Bend)
    return (1.0, 2.0, 8.0)[bends]


def _reach(item: Item) -> float:
    """How far an item extends to the right, with the label of its last result."""
    half = item.width / 2
    if isinstance(item, Box) and item.labels and item.labels[-1]:
        return max(half, item.outs[-1] + _label(item.labels[-1]) - 8)
    return half


def _settle(layer: Sequence[Item], wishes: Sequence[float], weights: Sequence[float]) -> None:
    """Place a layer as near to `wishes` as the order and the gaps allow."""
    offsets = [0.0]
    for left, right in itertools.pairwise(layer):
        offsets.append(offsets[-1] + _reach(left) + right.width / 2 + GAP_X)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, number of items
    for wish, weight, offset in zip(wishes, weights, offsets):
        mean, total, n = wish - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, w, m = blocks.pop()
            mean, total, n = (before * w + mean * total) / (w + total), w + total, n + m
        blocks.append((mean, total, n))
    places = [mean for mean, _, n in blocks for _ in range(n)]
    for item, place, offset in zip(layer, places, offsets):
        item.x = place + offset


# ---- vertically ----------------------------------------------------------------------------------


def _place_y(graph: Graph, layers: Sequence[Sequence[Item]], links: Sequence[Link]) -> None:
    left = min((x.x - x.width / 2 for layer in layers for x in layer), default=0.0)
    right = max((x.x + _reach(x) for layer in layers for x in layer), default=0.0)
    graph.width = right - left
    rows: dict[Item, tuple[float, float]] = {}
    y = 0.0
    for layer in layers:
        height = max((x.height for x in layer if isinstance(x, Box)), default=0.0)
        for item in layer:
            item.x -= left
            rows[item] = y, y + height
            if isinstance(item, Box):
                at_top = item.kind in ("in", "const", "out", "port")
                item.y = y if at_top else y + (height - item.height) / 2
        y += height + GAP_Y
    graph.height = max(y - GAP_Y, 0.0)
    graph.segments = list(_segments(links, rows))


def _segments(
    links: Sequence[Link], rows: dict[Item, tuple[float, float]]
) -> Iterator[tuple[str, float, float, float, float]]:
    """Straight pieces through rows, curves between them, and tips: what the printer draws."""
    for item, (top, bottom) in rows.items():
        if isinstance(item, Bend):
            yield "line", item.x, top, item.x, bottom
    for link in links:
        x0, x1 = link.above.x + link.top, link.below.x + link.bottom
        y0, y1 = rows[link.above][1], rows[link.below][0]
        if isinstance(link.above, Box) and link.above.y + link.above.height < y0:
            yield "line", x0, link.above.y + link.above.height, x0, y0
        yield "curve", x0, y0, x1, y1
        if isinstance(link.below, Box):
            if link.below.y > y1:
                yield "line", x1, y1, x1, link.below.y
            if link.below.kind != "port":
                yield "tip", x1, link.below.y, x1, link.below.y
