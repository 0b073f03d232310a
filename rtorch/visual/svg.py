"""A laid-out graph as SVG text that stands on its own, for light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape as escape_html

from rtorch.visual.family import FAMILIES
from rtorch.visual.graph import SMALL_LETTER, TITLE_LETTER, Box, Graph
from rtorch.visual.layout import HEAD, PAD, inner_places

_MARGIN, _TITLE, _LEGEND = 16.0, 30.0, 30.0

# Family: fill and border on a light page, then on a dark one.
_COLOURS = {
    "elementwise": ("#e3edfb", "#6d9bd9", "#1d2f4a", "#5683c4"),
    "contraction": ("#fde3d3", "#e08a52", "#4a2a16", "#c9773f"),
    "reduction": ("#e2f3e0", "#6bb063", "#1c3a1e", "#579a50"),
    "shape": ("#f1f1f3", "#a9a9b3", "#2b2c31", "#70717c"),
    "indexing": ("#fbf2cc", "#cfae3b", "#3f3611", "#b0922c"),
    "random": ("#f3e3f7", "#b274c4", "#3b2243", "#9c5fae"),
    "linalg": ("#d9f2f0", "#49a8a0", "#123b38", "#3d948d"),
    "control": ("#fbe1e8", "#d3708f", "#46202c", "#bb5c7a"),
    "other": ("#ececec", "#8c8c8c", "#333333", "#8c8c8c"),
}


def svg_text(graph: Graph, heading: str) -> str:
    """The drawing, with `heading` above and a legend below."""
    used = [f for f in FAMILIES if any(box.family == f for box in graph.all_boxes())]
    legend_width = sum(map(_legend_width, used))
    width = max(graph.width, TITLE_LETTER * len(heading) + 8, legend_width) + 2 * _MARGIN
    height = graph.height + _TITLE + _LEGEND + 2 * _MARGIN
    left = (width - graph.width) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rtorch-graph" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{escape(heading)}</title>",
        f"<style>{_css()}</style>",
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
        _text(_MARGIN, _MARGIN + 10, heading, "heading"),
        f'<g transform="translate({left:.1f},{_MARGIN + _TITLE:.1f})">',
        *_graph(graph),
        "</g>",
        *_legend(used, height - _MARGIN),
        "</svg>",
    ]
    return "\n".join(lines)


def escape(text: str) -> str:
    """`text` as XML can hold it: most control characters are not allowed."""
    legal = "".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in text)
    return escape_html(legal.encode("utf-8", "replace").decode())


def _graph(graph: Graph) -> Iterator[str]:
    yield from _wires(graph)
    for box in graph.boxes:
        yield from _box(box)


def _wires(graph: Graph) -> Iterator[str]:
    """All wires as one path, all tips as another: a file a tenth as long."""
    wires, tips = [], []
    for kind, x0, y0, x1, y1 in graph.segments:
        if kind == "line":
            wires.append(f"M{x0:.1f} {y0:.1f}V{y1:.1f}")
        elif kind == "curve":
            bend = (y1 - y0) / 2
            wires.append(
                f"M{x0:.1f} {y0:.1f}C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} "
                f"{x1:.1f} {y1:.1f}"
            )
        else:
            tips.append(f"M{x0 - 3:.1f} {y0 - 6:.1f}h6l-3 6z")
    if wires:
        yield f'<path class="wire" d="{"".join(wires)}"/>'
    if tips:
        yield f'<path class="tip" d="{"".join(tips)}"/>'


def _box(box: Box) -> Iterator[str]:
    left = box.x - box.width / 2
    yield f'<g class="{_classes(box)}">'
    if box.tip:
        yield f"<title>{escape(box.tip)}</title>"
    if box.kind == "port":
        top, length = (box.y - HEAD, HEAD) if box.labels else (box.y + 4, PAD + 4)
        yield f'<path class="wire" d="M{box.x:.1f} {top:.1f}v{length:.1f}"/>'
        yield f'<circle cx="{box.x:.1f}" cy="{box.y + 4:.1f}" r="2.5"/>'
    else:
        radius = 11 if box.kind in ("in", "const", "out") else 5
        yield (
            f'<rect x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="{radius}"/>'
        )
        yield from _words(box, left)
    if box.kind == "frame":
        for top, inner_left, graph in inner_places(box):
            yield f'<g transform="translate({left + inner_left:.1f},{box.y + top:.1f})">'
            yield from _graph(graph)
            yield "</g>"
    yield "</g>"
    for label, offset in zip(box.labels, box.outs):
        if label:
            yield _text(box.x + offset + 4, box.y + box.height + 11, label, "label")


def _classes(box: Box) -> str:
    kind = "scope" if box.is_scope else box.kind
    return f"{kind} f-{box.family}"


def _words(box: Box, left: float) -> Iterator[str]:
    if box.kind == "frame":
        yield _text(left + 8, box.y + 16, box.title, "name")
        if box.detail:
            yield _text(left + 16 + TITLE_LETTER * len(box.title), box.y + 16, box.detail, "detail")
    elif box.kind in ("in", "const", "out"):
        yield _text(left + 9, box.y + 15, box.title, "name")
        end = left + box.width - 9 - SMALL_LETTER * len(box.detail)
        yield _text(end, box.y + 15, box.detail, "detail")
    else:
        yield _text(box.x, box.y + 17, box.title, "name middle")
        if box.detail:
            yield _text(box.x, box.y + 32, box.detail, "detail middle")


def _text(x: float, y: float, text: str, classes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(text)}</text>'


def _legend_width(family: str) -> float:
    return 28 + SMALL_LETTER * len(FAMILIES[family])


def _legend(families: list[str], y: float) -> Iterator[str]:
    x = _MARGIN
    for family in families:
        yield (
            f'<g class="op f-{family}"><rect x="{x:.1f}" y="{y - 10:.1f}" width="12" height="12" '
            f'rx="3"/>{_text(x + 17, y, FAMILIES[family], "detail")}</g>'
        )
        x += _legend_width(family)


def _css() -> str:
    here = ".rtorch-graph"
    rules = [
        f"{here} text{{font:10px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "fill:#1d1d1f}",
        f"{here} .name{{font-size:12px}}{here} .heading{{font-size:13px;font-weight:bold}}",
        f"{here} .detail,{here} .label{{fill:#63636b}}{here} .middle{{text-anchor:middle}}",
        f"{here} .label{{paint-order:stroke;stroke:#fff;stroke-width:3px}}",
        f"{here} .page{{fill:#fff}}{here} rect{{stroke-width:1}}",
        f"{here} .wire{{fill:none;stroke:#9a9aa3;stroke-width:1.1}}{here} .tip{{fill:#7d7d87}}",
        f"{here} .in>rect,{here} .out>rect,{here} .const>rect{{fill:#fff;stroke:#7d7d87}}",
        f"{here} .const>rect{{stroke-dasharray:3 2}}{here} .out>rect{{stroke-width:2}}",
        f"{here} .port>circle{{fill:#7d7d87}}",
        f"{here} .scope>rect{{fill:#8080900d;stroke:#9a9aa3;stroke-dasharray:5 3}}",
        f"{here} .f-note>rect{{fill:none;stroke:#d33;stroke-dasharray:3 3}}",
    ]
    dark = [
        f"{here} text{{fill:#ececf0}}{here} .detail,{here} .label{{fill:#a2a2ad}}",
        f"{here} .page{{fill:#16171a}}{here} .label{{stroke:#16171a}}",
        f"{here} .wire{{stroke:#6c6d78}}{here} .tip{{fill:#8b8c98}}",
        f"{here} .in>rect,{here} .out>rect,{here} .const>rect{{fill:#16171a;stroke:#8b8c98}}",
    ]
    for family, (fill, border, dark_fill, dark_border) in _COLOURS.items():
        f = f"{here} .f-{family}>rect"
        rules.append(f"{f}{{fill:{fill};stroke:{border}}}")
        rules.append(f"{here} .frame.f-{family}>rect{{fill:{fill}66}}")
        dark.append(f"{f}{{fill:{dark_fill};stroke:{dark_border}}}")
        dark.append(f"{here} .frame.f-{family}>rect{{fill:{dark_fill}66}}")
    return "".join(rules) + "@media (prefers-color-scheme:dark){" + "".join(dark) + "}"
