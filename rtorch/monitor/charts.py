"""Curves and histograms as SVG, which need no program to be seen and print sharp.

A chart of positive values holds its curves twice, with a linear and with a logarithmic scale; a
check box shows one or the other. Positions of the points stand beside it as JSON, for what
``report.js`` shows under the pointer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rtorch.monitor.markup import Markup, data, element
from rtorch.monitor.records import Series, smooth, thinned
from rtorch.monitor.values import show

WIDTH, HEIGHT = 520, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 30
_SMOOTH_FROM = 120  # values in a curve


class Scale(NamedTuple):
    """From values to positions, and the values that are marked."""

    position: Callable[[float], float]
    ticks: list[float]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between `low` and `high`: 1, 2 or 5 times a power of ten apart."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * 0.7)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, math.floor(high / step + 1e-9) + 1)]


def linear(low: float, high: float, start: float, end: float, count: int = 5) -> Scale:
    """Values from `low` to `high` at positions from `start` to `end`."""
    if high - low <= max(1e-12 * max(abs(low), abs(high)), 1e-290):
        room = abs(low) * 0.1 if abs(low) > 1e-280 else 1.0
        low, high = low - room, high + room
    return Scale(
        lambda x: start + (x - low) / (high - low) * (end - start), ticks(low, high, count)
    )


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """The same for logarithms, with powers of ten as marks, or twos and fives if they are few."""
    inner = linear(math.log10(low), math.log10(high), start, end)
    around = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
        marks = [f * 10.0**p for p in around for f in factors]
        marks = [m for m in marks if low <= m <= high]
        if len(marks) >= 3:
            break
    return Scale(lambda x: inner.position(math.log10(x)), marks[:: math.ceil(len(marks) / 7) or 1])


def chart(title: str, series: list[Series], number: int) -> Markup:
    """Curves of one thing with their switches, as a figure."""
    drawn = [one for one in series if len(one.steps)]
    head = element("h3", title)
    if not drawn:
        return element("figure", head, element("p", "no finite values"), class_="card chart")
    x = linear(*_range([one.steps for one in drawn]), _LEFT, WIDTH - _RIGHT, 6)
    low, high = _range([one.values for one in drawn])
    bottom, top = HEIGHT - _BOTTOM, _TOP
    room = (high - low) * 0.04
    plain = linear(low - room, high + room, bottom, top)
    layers = [_layer("linear", drawn, x, plain)]
    if low > 0 and high > low:
        layers.append(_layer("log", drawn, x, logarithmic(low * 0.96, high * 1.04, bottom, top)))
    axis = [
        element("text", show(t), x=f"{x.position(t):.1f}", y=HEIGHT - 10, text_anchor="middle")
        for t in x.ticks
        if t == int(t)
    ]
    label = f"{title} over steps: " + "; ".join(
        f"{s.label} ends at {show(s.values[-1])}" for s in drawn
    )
    svg = element(
        "svg", *layers, *axis, element("g", class_="pointer"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label,
    )  # fmt: skip
    points = [_points(one, x) for one in drawn]
    script = element("script", data({"series": points}), type="application/json")
    switches = _switches(drawn, number, len(layers) > 1)
    tip = element("output", class_="tip", aria_live="off")
    return element(
        "figure", element("header", head, switches), svg, tip, script, class_="card chart"
    )


def _range(arrays: list[Any]) -> tuple[float, float]:
    return float(min(a.min() for a in arrays)), float(max(a.max() for a in arrays))


def _layer(kind: str, series: list[Series], x: Scale, y: Scale) -> Markup:
    """Grid and curves with one scale."""
    grid = []
    for t in y.ticks:
        at = f"{y.position(t):.1f}"
        grid.append(element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at))
        grid.append(element("text", show(t), x=_LEFT - 7, y=at, dy="0.35em", text_anchor="end"))
    curves = [curve for i, one in enumerate(series) for curve in _curve(i, one, x, y)]
    return element("g", element("g", *grid, class_="grid"), *curves, class_=f"scale-{kind}")


def _curve(i: int, one: Series, x: Scale, y: Scale) -> list[Markup]:
    """The curve; for many values their running mean, and the values faint behind it."""
    colour = f"s{i % 6}"
    if len(one.steps) == 1:
        at = {"cx": x.position(one.steps[0]), "cy": y.position(one.values[0])}
        return [element("circle", r=4, class_=colour, data_series=i, **at)]
    if len(one.steps) < _SMOOTH_FROM:
        return [_path(one.steps, one.values, x, y, colour, i)]
    mean = smooth(one.values, min(0.97, max(0.6, 1 - 100 / len(one.steps))))
    raw = _path(one.steps, one.values, x, y, f"{colour} raw", i)
    return [raw, _path(one.steps, mean, x, y, colour, i)]


def _path(steps: Any, values: Any, x: Scale, y: Scale, class_: str, i: int) -> Markup:
    pairs = zip(*(a.tolist() for a in thinned(steps, values)), strict=True)
    spots = "L".join(f"{x.position(s):.1f} {y.position(v):.1f}" for s, v in pairs)
    return element("path", d=f"M{spots}", class_=class_, data_series=i)


def _points(one: Series, x: Scale) -> dict[str, Any]:
    steps, values = (a.tolist() for a in thinned(one.steps, one.values))
    return {
        "label": one.label,
        "x": [round(x.position(s), 1) for s in steps],
        "steps": [f"{s:,}" for s in steps],
        "values": [show(v) for v in values],
    }


def _switches(series: list[Series], number: int, has_log: bool) -> Markup:
    """Check boxes: one for each curve if there are several, one for the logarithmic scale."""
    boxes = [
        element(
            "label",
            element("input", type="checkbox", checked="", data_series=i),
            element("i", class_=f"swatch s{i % 6}"),
            one.label,
        )
        for i, one in enumerate(series)
        if len(series) > 1
    ]
    if has_log:
        box = element("input", type="checkbox", class_="log", id=f"log-{number}")
        boxes.append(element("label", box, "log scale", class_="log-switch"))
    return element("div", *boxes, class_="switches")


def bars(counts: list[float], edges: list[float]) -> Markup:
    """A histogram."""
    x = linear(edges[0], edges[-1], 8, WIDTH - 8)
    tallest, bottom = max(counts) or 1, 150
    rects = []
    for count, a, b in zip(counts, edges[:-1], edges[1:], strict=True):
        left, right = x.position(a), x.position(b)
        height = count / tallest * 140
        tip = element("title", f"{show(a)} to {show(b)}: {show(count)}")
        size = {"width": f"{max(right - left - 1, 0.5):.1f}", "height": f"{height:.1f}"}
        rects.append(element("rect", tip, x=f"{left:.1f}", y=f"{bottom - height:.1f}", **size))
    labels = [
        element("text", show(t), x=f"{x.position(t):.1f}", y=172, text_anchor="middle")
        for t in x.ticks
        if 20 < x.position(t) < WIDTH - 20
    ]
    ends = f"{show(edges[0])} to {show(edges[-1])}"
    label = f"histogram of {show(float(np.sum(counts)))} values from {ends}"
    return element(
        "svg", element("g", *rects, class_="bars"), *labels,
        viewBox=f"0 0 {WIDTH} 180", role="img", aria_label=label,
    )  # fmt: skip
