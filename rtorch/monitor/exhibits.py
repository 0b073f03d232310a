"""Samples of a run as HTML: images, texts, matrices, histograms."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from rtorch.errors import FileFormatError
from rtorch.monitor.charts import bars
from rtorch.monitor.markup import Markup, element
from rtorch.monitor.png import encode
from rtorch.monitor.values import show

_MOST_CELLS = 24  # of a row; larger matrices are pictures
# White to blue, for matrices that are pictures.
_LIGHT, _DARK = np.array([247.0, 251.0, 255.0]), np.array([8.0, 69.0, 148.0])


def exhibit(entry: dict[str, Any]) -> Markup:
    """One entry of the journal of samples, as a figure.

    Raises:
        FileFormatError: for one that `Run` cannot have written.
    """
    makers = {"images": _images, "text": _text, "matrix": _matrix, "histogram": _histogram}
    try:
        body = makers[entry["kind"]](entry)
        step = element("span", f"step {entry['step']:,}", class_="muted")
        head = element("header", element("h3", entry["name"]), step)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FileFormatError(
            f"[report] the sample {str(entry.get('name'))[:60]!r} is damaged: "
            f"{type(error).__name__}: {error}"
        ) from None
    return element("figure", head, body, class_=f"card {entry['kind']}")


def _images(entry: dict[str, Any]) -> Markup:
    figures = []
    for item in entry["items"]:
        png = base64.b64encode(base64.b64decode(item["png"], validate=True)).decode()
        alt = item["label"] or entry["name"]
        image = element("img", src=f"data:image/png;base64,{png}", alt=alt)
        caption = [element("figcaption", item["label"])] if item["label"] else []
        figures.append(element("figure", image, *caption))
    return element("div", *figures, class_="images-grid")


def _text(entry: dict[str, Any]) -> Markup:
    return element("pre", entry["text"])


def _histogram(entry: dict[str, Any]) -> Markup:
    svg = bars([float(c) for c in entry["counts"]], [float(e) for e in entry["edges"]])
    if not entry["lost"]:
        return svg
    note = element("p", f"and {entry['lost']:,} values that are nan or infinite", class_="warning")
    return element("div", svg, note)


def _matrix(entry: dict[str, Any]) -> Markup:
    values = np.asarray(entry["values"], np.float64)
    confusion = entry["titles"][0] == "true"
    shares = _row_shares(values) if confusion else _stretched(values)
    if max(values.shape) > _MOST_CELLS:
        colours = _LIGHT + shares[..., None] * (_DARK - _LIGHT)
        png = base64.b64encode(encode(np.rint(colours).astype(np.uint8))).decode()
        alt = f"{entry['name']}, a matrix of shape {values.shape}"
        return element("img", src=f"data:image/png;base64,{png}", alt=alt, class_="pixels")
    corner = " \\ ".join(entry["titles"]) if confusion else ""
    head = [element("th", corner, class_="muted")]
    head += [element("th", name, scope="col") for name in entry["columns"]]
    rows = [
        element("tr", element("th", name, scope="row"), *map(_cell, row, share))
        for name, row, share in zip(entry["rows"], values, shares, strict=True)
    ]
    body = element("table", element("tr", *head), *rows, class_="heat")
    right = (
        f"{np.trace(values) / max(values.sum(), 1e-300):.1%} on the diagonal; " if confusion else ""
    )
    note = f"{right}rows are true classes, columns predicted ones" if confusion else ""
    return element("div", element("div", body, class_="scroll"), element("p", note, class_="muted"))


def _cell(value: float, share: float) -> Markup:
    hot = "hot" if share > 0.5 else "zero" if value == 0 else None
    return element("td", show(value), style=f"--v:{share:.3f}", class_=hot)


def _row_shares(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values / np.maximum(values.sum(1, keepdims=True), 1e-300)


def _stretched(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low or 1.0)
