"""Pictures by matplotlib: curves, confusion matrices, heat maps, images, histograms.

Every function returns a `matplotlib.figure.Figure` of its own and touches no global state of
matplotlib: no backend, no current figure, nothing to close.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.errors import ArgumentError, MissingDependencyError, api
from rtorch.monitor.journal import write_whole
from rtorch.monitor.png import as_images
from rtorch.monitor.records import Series, checked_columns, groups, smooth, thinned
from rtorch.monitor.samples import as_matrix, as_numbers, checked_names
from rtorch.monitor.values import show

__all__ = ["plot", "plot_confusion", "plot_heatmap", "plot_histogram", "plot_images"]

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_FORMATS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")

PathLike = str | os.PathLike[str]
Names = Sequence[Any] | None


def _figure(function: str, width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            f"[{function}] pictures need matplotlib, which is not installed: "
            "pip install 'rtorch[monitor]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def _finish(function: str, figure: Any, path: PathLike | None) -> Any:
    """Write the picture whole, so that what watches the file never sees half of it."""
    if path is not None:
        suffix = Path(path).suffix.lower()
        if suffix not in _FORMATS:
            raise ArgumentError(
                f"[{function}] the name {str(path)!r} ends in {suffix!r}, expected one of "
                f"{', '.join(_FORMATS)}"
            )
        data = io.BytesIO()
        figure.savefig(data, format=suffix[1:])
        write_whole(Path(path), data.getvalue())
    return figure


@api
def plot(
    records: Mapping[str, Any] | PathLike,
    path: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    smoothing: float = 0.0,
    log: bool | Sequence[str] = False,
    title: str = "",
) -> Any:
    """Curves over the steps; training and validation of one thing share their axes.

    Args:
        records: Columns as `read` gives them, or the directory of a run.
        path: Of the picture, by whose ending its format goes; None to write none.
        names: The columns to draw; all by default.
        smoothing: Weight of the past in a running mean, from 0 to below 1; the values themselves
            stay, faint.
        log: Whether the values have a logarithmic scale, or the names of those that have.
        title: Above all.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ArgumentError: for other records, a name that they have not, smoothing out of range.
        MissingDependencyError: without matplotlib.

    Example:
        >>> import rtorch as rt
        >>> columns = {"step": [0, 1, 2], "train_loss": [3.0, 2.0, 1.5], "valid_loss": [3, 2.5, 2]}
        >>> figure = rt.monitor.plot(columns, smoothing=0.5, log=True)
        >>> [axes.get_title() for axes in figure.axes]
        ['loss']
    """
    columns = checked_columns("plot", records)
    if not isinstance(smoothing, int | float) or not 0 <= smoothing < 1:
        raise ArgumentError(f"[plot] smoothing is {smoothing!r}, expected 0 <= smoothing < 1")
    if names is not None:
        if missing := [name for name in names if name not in columns]:
            raise ArgumentError(f"[plot] no column {missing[0]!r}; there are {', '.join(columns)}")
        columns = {name: columns[name] for name in ("step", *names)}
    drawn = groups(columns)
    wide = min(2, len(drawn)) or 1
    high = math.ceil(len(drawn) / wide) or 1
    figure = _figure("plot", 5.2 * wide, 3.2 * high)
    for axes, (name, series) in zip(_grid(figure, high, wide), drawn.items(), strict=False):
        logarithmic = log is True or (log is not False and any(s.name in log for s in series))
        _curves(axes, name, series, smoothing, logarithmic)
    if title:
        figure.suptitle(title, weight="bold")
    return _finish("plot", figure, path)


def _grid(figure: Any, high: int, wide: int) -> list[Any]:
    """Axes for curves; those that nothing is drawn on stay hidden."""
    grid = list(figure.subplots(high, wide, squeeze=False).flat)
    for axes in grid:
        axes.set_visible(False)
    return grid


def _curves(axes: Any, name: str, series: list[Series], smoothing: float, log: bool) -> None:
    for i, one in enumerate(series):
        color, marker = COLOURS[i % len(COLOURS)], "o" if len(one.steps) < 3 else ""
        style = {"color": color, "marker": marker, "linewidth": 1.8}
        if smoothing and len(one.steps) > 2:
            axes.plot(*thinned(one.steps, one.values), color=color, alpha=0.25, linewidth=0.8)
            one = one._replace(values=smooth(one.values, smoothing))
        axes.plot(*thinned(one.steps, one.values), label=one.label, **style)
    axes.set(title=name, xlabel="step", visible=True)
    if log and any((s.values > 0).any() for s in series):
        axes.set_yscale("log")
    _tidy(axes)
    axes.grid(alpha=0.25)
    if len(series) > 1:
        axes.legend(frameon=False)


def _tidy(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)


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
    return _finish("plot_confusion", axes.figure, path)


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
    return _finish("plot_heatmap", axes.figure, path)


def _heat(function: str, array: Any, rows: list[str], columns: list[str]) -> Any:
    height, width = (min(max(3.5, 1.2 + 0.42 * n), 12.0) for n in array.shape)
    axes = _figure(function, width + 0.8, height).subplots()
    axes.imshow(array, cmap="Blues", aspect="equal" if max(array.shape) < 40 else "auto")
    if len(columns) <= 40:
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    if len(rows) <= 40:
        axes.set_yticks(range(len(rows)), rows)
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
    figure = _figure("plot_images", 1.3 * wide, 1.5 * high)
    for axes, image, text in zip(_grid(figure, high, wide), array, texts, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        axes.set_visible(True)
        if labels is not None:
            axes.set_title(text, fontsize=9)
    for axes in [axes for axes in figure.axes if not axes.get_visible()]:
        axes.remove()
    return _finish("plot_images", figure, path)


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
    axes = _figure("plot_histogram", 5.2, 3.2).subplots()
    axes.hist(array, bins, color=COLOURS[0])
    axes.set(ylabel="count")
    _tidy(axes)
    return _finish("plot_histogram", axes.figure, path)
