"""The first two steps of drawing in layers: a rank for every box, and bends for long wires.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): ranks by the longest path, then boxes that read less than they give move down
to their readers. A wire over several ranks gets a `Bend` in each; all wires from one result share
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rtorch.visual.graph import Box, Graph


@dataclass(eq=False)
class Bend:
    """Where a long wire passes through a rank."""

    x: float = 0.0
    width: float = 6.0


Item: TypeAlias = Box | Bend


@dataclass(eq=False)
class Link:
    """A piece of wire from one rank to the next, with the offsets of its ends from the centres."""

    above: Item
    below: Item
    out: int  # the port of `above`
    slot: int  # the port of `below`

    @property
    def top(self) -> float:
        """Where it starts, from the centre of the item above."""
        return self.above.outs[self.out] if isinstance(self.above, Box) else 0.0

    @property
    def bottom(self) -> float:
        """Where it ends, from the centre of the item below."""
        return self.below.ins[self.slot] if isinstance(self.below, Box) else 0.0


def ranks_of(graph: Graph, *, ends_at_border: bool) -> dict[Box, int]:
    """A rank for every box, wires pointing from lower to higher ones.

    Args:
        graph: What to draw.
        ends_at_border: Whether parameters stay in the first rank and results in the last, as in
            a frame; otherwise they stand next to their readers and makers.
    """
    sources: dict[Box, list[Box]] = {box: [] for box in graph.boxes}
    readers: dict[Box, list[Box]] = {box: [] for box in graph.boxes}
    for wire in graph.wires:
        sources[wire.target].append(wire.source)
        readers[wire.source].append(wire.target)
    rank: dict[Box, int] = {}
    for box in graph.boxes:
        rank[box] = 1 + max((rank[s] for s in sources[box]), default=-1)
    free: set[Box] = set()  # what can move down without making other wires longer
    for box in graph.boxes:
        at_border = ends_at_border and box.kind in ("in", "port")
        alone = all(s in free and len(set(readers[s])) == 1 for s in sources[box])
        fewer = 0 < len(set(sources[box])) < len(set(readers[box]))
        if readers[box] and not at_border and (alone or fewer):
            free.add(box)
    for box in reversed(graph.boxes):
        if box in free:
            rank[box] = min(rank[r] for r in readers[box]) - 1
    if ends_at_border:
        last = max(rank.values(), default=0)
        rank.update((b, last) for b in graph.boxes if sources[b] and b.kind in ("out", "port"))
    lowest = min(rank.values(), default=0)
    return {box: r - lowest for box, r in rank.items()}


def layers_of(graph: Graph, rank: dict[Box, int]) -> tuple[list[list[Item]], list[Link]]:
    """The boxes and bends of each rank, and the pieces of wire between neighbouring ranks."""
    layers: list[list[Item]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for box in graph.boxes:
        layers[rank[box]].append(box)
    links: list[Link] = []
    bends: dict[tuple[Box, int], list[Bend]] = {}
    for source, out, target, slot in graph.wires:
        chain = bends.setdefault((source, out), [])
        for r in range(rank[source] + 1 + len(chain), rank[target]):
            above: Item = chain[-1] if chain else source
            chain.append(Bend())
            layers[r].append(chain[-1])
            links.append(Link(above, chain[-1], out, 0))
        n = rank[target] - rank[source] - 1
        links.append(Link(chain[n - 1] if n else source, target, out, slot))
    return layers, links
