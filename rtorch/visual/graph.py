"""A Program as a graph: boxes with ports, joined by wires; what holds Programs is a frame.

Graphs nest: a frame is a box with graphs inside. Equations that stand together in one
`rt.named_scope` are a frame too. Wires stay within one graph; those that lead into a frame go on
from a port of the graph inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# Widths of letters in the two sizes of text, a monospace face at 12 and 10 pixels.
TITLE_LETTER, SMALL_LETTER = 7.25, 6.05
LINE = 16  # from one line of a box to the next


@dataclass(eq=False)
class Box:
    """A node; the layout fills in the last fields.

    Attributes:
        kind: ``"op"``, ``"frame"``, or an end of the graph: ``"in"``, ``"const"``, ``"out"``,
            ``"port"`` (an end at the border of a frame, which has no text).
        title: Its first line.
        detail: Its second line, smaller.
        family: What colour it has.
        tip: What a pointer over it shows.
        labels: The type of each result.
        inner: The graphs of a frame, side by side.
        is_scope: Whether a frame stands for a named scope.
        width: Of the box, in pixels.
        height: Likewise.
        x: The centre in its graph.
        y: The top in its graph.
        ins: Offsets from the centre where wires come in.
        outs: Offsets from the centre where they go out.
    """

    kind: str
    title: str = ""
    detail: str = ""
    family: str = "other"
    tip: str = ""
    labels: list[str] = field(default_factory=list)
    inner: list[Graph] = field(default_factory=list)
    is_scope: bool = False
    n_ins: int = 0
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0
    ins: list[float] = field(default_factory=list)
    outs: list[float] = field(default_factory=list)


class Wire(NamedTuple):
    """From the result number `out` of one box to the operand number `slot` of another."""

    source: Box
    out: int
    target: Box
    slot: int


@dataclass(eq=False)
class Graph:
    """Boxes, in an order in which every wire points onwards, and wires."""

    name: str
    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    segments: list[tuple[str, float, float, float, float]] = field(default_factory=list)

    def all_boxes(self) -> Iterator[Box]:
        """The boxes of this graph and of those inside."""
        for box in self.boxes:
            yield box
            for graph in box.inner:
                yield from graph.all_boxes()

    def count(self, kind: str) -> int:
        """How many boxes of a kind there are, at all depths."""
        return sum(box.kind == kind for box in self.all_boxes())
