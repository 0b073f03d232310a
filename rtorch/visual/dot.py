"""A graph in the language of Graphviz, for who wants to lay it out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rtorch.visual.graph import Box, Graph


def dot_text(graph: Graph) -> str:
    """The DOT text: frames are clusters, with an edge to and from their ends."""
    lines = [f"digraph {_quoted(graph.name)} {{", "  node [shape=box, fontname=monospace];"]
    lines += [f"  {line}" for line in _Writer().graph(graph)]
    return "\n".join([*lines, "}"])


class _Writer:
    def __init__(self) -> None:
        self.names: dict[Box, str] = {}

    def graph(self, graph: Graph) -> Iterator[str]:
        for box in graph.boxes:
            self.names[box] = name = f"n{len(self.names)}"
            if box.kind != "frame":
                yield f"{name} [label={_quoted(box.title)}, tooltip={_quoted(box.tip)}];"
                continue
            yield f"subgraph cluster_{name} {{ label={_quoted(box.title)};"
            for inner in box.inner:
                for line in self.graph(inner):
                    yield f"  {line}"
            yield "}"
        for wire in graph.wires:
            label = wire.source.labels[wire.out] or wire.source.detail
            start = self._out(wire.source, wire.out)
            for end in self._ins(wire.target, wire.slot):
                yield f"{start} -> {end} [label={_quoted(label)}];"

    def _out(self, box: Box, k: int) -> str:
        if box.kind != "frame":
            return self.names[box]
        ends = [b for b in box.inner[0].boxes if not b.labels]
        return self._out(ends[min(k, len(ends) - 1)], 0)

    def _ins(self, box: Box, k: int) -> list[str]:
        if box.kind != "frame":
            return [self.names[box]]
        found = []
        for graph in box.inner:
            ends = [b for b in graph.boxes if b.kind in ("in", "port") and b.labels]
            found += [self.names[ends[k]]] if k < len(ends) else []
        return found or [self.names[next(iter(box.inner[0].boxes))]]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
