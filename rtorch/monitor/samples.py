"""What is no number: images, texts, matrices and histograms as entries of a journal."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.errors import ArgumentError, ShapeError, describe
from rtorch.monitor.journal import read_lines
from rtorch.monitor.png import as_images, encode
from rtorch.monitor.records import HUGE

SAMPLES = "samples.jsonl"
MOST_IMAGES = 64
_MOST_BINS = 10_000

Entry = dict[str, Any]


def latest(directory: Path) -> Iterator[Entry]:
    """Of every kind and name the entry that was written last, in the order of their first."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in read_lines(directory / SAMPLES):
        found[str(entry.get("kind")), str(entry.get("name"))] = entry
    yield from found.values()


def images(values: Any, labels: Sequence[Any] | None, data_format: str) -> Entry:
    """Up to 64 images as PNG files in base64, each with its label."""
    array = as_images("Run.images", values, data_format)
    texts = [""] * len(array) if labels is None else [str(label) for label in labels]
    if len(texts) != len(array):
        raise ShapeError(f"[Run.images] {len(array)} images, {len(texts)} labels; one for each")
    pairs = zip(array[:MOST_IMAGES], texts, strict=False)
    items = [{"png": base64.b64encode(encode(a)).decode(), "label": text} for a, text in pairs]
    return {"kind": "images", "items": items}


def text(value: str) -> Entry:
    """A text, such as one that a language model wrote."""
    return {"kind": "text", "text": str(value)}


def matrix(
    function: str, values: Any, rows: Sequence[Any] | None, columns: Sequence[Any] | None
) -> Entry:
    """A matrix with names of its rows and columns; numbers by default."""
    array = as_matrix(function, values)
    names = checked_names(function, array, rows, columns)
    values = np.where(np.abs(array) < HUGE, array, 0).tolist()
    return {"kind": "matrix", "values": values, "rows": names[0], "columns": names[1]}


def checked_names(
    function: str, array: np.ndarray[Any, Any], rows: Any, columns: Any
) -> list[list[str]]:
    """Names of rows and columns of a matrix as texts; their numbers where None is given."""
    try:
        names = [
            [str(i) for i in range(n)] if given is None else [str(name) for name in given]
            for n, given in zip(array.shape, (rows, columns), strict=True)
        ]
    except TypeError:
        raise ArgumentError(f"[{function}] names of rows or columns are no sequence") from None
    if tuple(map(len, names)) != array.shape:
        raise ShapeError(
            f"[{function}] {len(names[0])} and {len(names[1])} names for {array.shape[0]} and "
            f"{array.shape[1]} rows and columns; one for each"
        )
    return names


def as_matrix(function: str, values: Any) -> np.ndarray[Any, Any]:
    """Two axes of numbers, neither empty, as float64."""
    array = as_numbers(function, values)
    if array.ndim != 2 or not array.size:
        raise ShapeError(f"[{function}] shape {array.shape}, expected a matrix (rows, columns)")
    return array


def as_numbers(function: str, values: Any) -> np.ndarray[Any, Any]:
    """Any real numbers as float64.

    Raises:
        ArgumentError: if they are none.
    """
    try:
        return np.asarray(np.asarray(values), np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"[{function}] {describe(values)}, expected real numbers") from None


def histogram(values: Any, bins: int) -> Entry:
    """How many of `values` lie in each of `bins` equal intervals; what is not finite is counted."""
    array = as_numbers("Run.histogram", values).ravel()
    finite = array[np.abs(array) < HUGE]
    if not finite.size:
        raise ArgumentError(f"[Run.histogram] {describe(values)} has no finite number")
    if not isinstance(bins, int) or not 1 <= bins <= _MOST_BINS:
        raise ArgumentError(
            f"[Run.histogram] bins is {describe(bins)}, expected a number from 1 to {_MOST_BINS}"
        )
    counts, edges = np.histogram(finite, bins)
    lost = int(array.size - finite.size)
    return {"kind": "histogram", "counts": counts.tolist(), "edges": edges.tolist(), "lost": lost}
