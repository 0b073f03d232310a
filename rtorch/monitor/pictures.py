"""Confusion matrices, heat maps, images and histograms, drawn by matplotlib."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.errors import ArgumentError, api
from rtorch.monitor.figures import (
    COLOURS,
    Names,
    PathLike,
    drawable,
    finished,
    grid_of,
    new_figure,
    tidy,
)
from rtorch.monitor.png import as_images
from rtorch.monitor.samples import as_matrix, as_numbers, checked_names
from rtorch.monitor.values import show

__all__ = ["plot_confusion", "plot_heatmap", "plot_histogram", "plot_images"]

_LONGEST_MARK = 24  # letters of the name of a class


@api
def plot_confusion(counts: Any, classes: Names = None, path: PathLike | None = None) -> Any:
    """A confusion matrix ``(true, predicted)``: colours by the share of the row, counts as numbers.

    Args:
        counts: A square matrix, as `nn.metrics.confusion_matrix` gives it.
        classes: Their names; numbers by default.
        path: Of the picture; None to write none.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ShapeError: for counts that are no matrix, or another number of names.
        MissingDependencyError: without matplotlib.

    Example:
        >>> import rtorch as rt
        >>> figure = rt.monitor.plot_confusion([[8, 2], [1, 9]], ["cat", "dog"])
        >>> figure.axes[0].get_ylabel()
        'true'
    """
    array = as_matrix("plot_confusion", counts)
    rows, columns = checked_names("plot_confusion", array, classes, classes)
    share = array / np.maximum(array.sum(1, keepdims=True), 1e-300)
    axes = _heat("plot_confusion", share, rows, columns)
    axes.set(xlabel="predicted", ylabel="true")
    for (i, j), count in np.ndenumerate(array):
        color = "white" if share[i, j] > 0.5 else "black"
        axes.text(j, i, show(count), ha="center", va="center", fontsize=8, color=color)
    return finished("plot_confusion", axes.figure, path)


@api
def plot_heatmap(
    values: Any, rows: Names = None, columns: Names = None, path: PathLike | None = None
) -> Any:
    """A matrix by colours, such as the weights of attention (query, key).

    Args:
        values: The matrix.
        rows: Names of its rows; numbers by default.
        columns: Names of its columns.
        path: Of the picture; None to write none.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ShapeError: for values that are no matrix, or another number of names.
        MissingDependencyError: without matplotlib.

    Example:
        >>> import rtorch as rt
        >>> figure = rt.monitor.plot_heatmap(rt.eye(3), rows=list("abc"), columns=list("abc"))
        >>> len(figure.axes)  # the second shows which colour stands for which value
        2
    """
    array = as_matrix("plot_heatmap", values)
    axes = _heat("plot_heatmap", array, *checked_names("plot_heatmap", array, rows, columns))
    axes.figure.colorbar(axes.images[0], ax=axes, shrink=0.8)
    return finished("plot_heatmap", axes.figure, path)


def _marks(names: list[str]) -> list[str]:
    return [drawable(name, _LONGEST_MARK) for name in names]


def _heat(function: str, array: Any, rows: list[str], columns: list[str]) -> Any:
    height, width = (min(max(3.5, 1.2 + 0.42 * n), 12.0) for n in array.shape)
    axes = new_figure(function, width + 0.8, height).subplots()
    axes.imshow(array, cmap="Blues", aspect="equal" if max(array.shape) < 40 else "auto")
    if len(columns) <= 40:
        axes.set_xticks(range(len(columns)), _marks(columns), rotation=45, ha="right")
    if len(rows) <= 40:
        axes.set_yticks(range(len(rows)), _marks(rows))
    return axes


@api
def plot_images(
    images: Any,
    labels: Names = None,
    path: PathLike | None = None,
    *,
    columns: int = 8,
    data_format: str = "NCHW",
) -> Any:
    """Images in a grid, each with its label.

    Args:
        images: ``(n, height, width)``, or with 1, 3 or 4 channels where `data_format` says;
            uint8, or floats from 0 to 1 (others are stretched to that).
        labels: One for each, above it.
        path: Of the picture; None to write none.
        columns: Of the grid.
        data_format: ``"NCHW"`` or ``"NHWC"``.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ShapeError: for other shapes, or another number of labels.
        MissingDependencyError: without matplotlib.

    Example:
        >>> import rtorch as rt
        >>> figure = rt.monitor.plot_images(rt.zeros((3, 1, 8, 8)), labels=["a", "b", "c"])
        >>> [axes.get_title() for axes in figure.axes]
        ['a', 'b', 'c']
    """
    array = as_images("plot_images", images, data_format)
    if not isinstance(columns, int) or columns < 1:
        raise ArgumentError(f"[plot_images] columns is {columns!r}, expected a number above 0")
    texts = checked_names("plot_images", array[:, 0, :, 0], labels, None)[0]
    wide = min(columns, len(array))
    high = math.ceil(len(array) / wide)
    figure = new_figure("plot_images", 1.3 * wide, 1.5 * high)
    for axes, image, text in zip(grid_of(figure, high, wide), array, texts, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        axes.set_visible(True)
        if labels is not None:
            axes.set_title(drawable(text, _LONGEST_MARK), fontsize=9)
    for axes in [axes for axes in figure.axes if not axes.get_visible()]:
        axes.remove()
    return finished("plot_images", figure, path)


@api
def plot_histogram(values: Any, path: PathLike | None = None, *, bins: int = 40) -> Any:
    """How many of `values` lie in each of `bins` intervals of one width.

    Args:
        values: Any array of numbers; those that are not finite are left out.
        path: Of the picture; None to write none.
        bins: How many intervals.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ArgumentError: for values without a finite number, or no bins.
        MissingDependencyError: without matplotlib.

    Example:
        >>> import rtorch as rt
        >>> figure = rt.monitor.plot_histogram(rt.arange(100.0), bins=5)
        >>> [int(bar.get_height()) for bar in figure.axes[0].patches]
        [20, 20, 20, 20, 20]
    """
    array = as_numbers("plot_histogram", values).ravel()
    array = array[np.isfinite(array)]
    if not isinstance(bins, int) or bins < 1 or not array.size:
        raise ArgumentError(
            f"[plot_histogram] {array.size} finite values, {bins!r} bins; both must be above 0"
        )
    axes = new_figure("plot_histogram", 5.2, 3.2).subplots()
    axes.hist(array, bins, color=COLOURS[0])
    axes.set(ylabel="count")
    tidy(axes)
    return finished("plot_histogram", axes.figure, path)
