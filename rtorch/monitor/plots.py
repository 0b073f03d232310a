"""Curves over the steps, drawn by matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rtorch.errors import ArgumentError, api
from rtorch.monitor.figures import COLOURS, PathLike, drawable, finished, grid_of, new_figure, tidy
from rtorch.monitor.records import Series, checked_columns, groups, smooth, thinned

__all__ = ["plot"]

_SMOOTH_FROM = 20  # values; a running mean of fewer would be mostly late


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
            stay, faint. Curves of fewer than 20 values have none.
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
    figure = new_figure("plot", 5.2 * wide, 3.2 * high)
    for axes, (name, series) in zip(grid_of(figure, high, wide), drawn.items(), strict=False):
        logarithmic = log is True or (log is not False and any(s.name in log for s in series))
        _curves(axes, name, series, smoothing, logarithmic)
    if title:
        figure.suptitle(drawable(title), weight="bold")
    return finished("plot", figure, path)


def _curves(axes: Any, name: str, series: list[Series], smoothing: float, log: bool) -> None:
    for i, one in enumerate(series):
        color, marker = COLOURS[i % len(COLOURS)], "o" if len(one.steps) < 3 else ""
        style = {"color": color, "marker": marker, "linewidth": 1.8}
        if smoothing and len(one.steps) >= _SMOOTH_FROM:
            axes.plot(*thinned(one.steps, one.values), color=color, alpha=0.25, linewidth=0.8)
            one = one._replace(values=smooth(one.values, smoothing))
        axes.plot(*thinned(one.steps, one.values), label=drawable(one.label), **style)
    axes.set(title=drawable(name), xlabel="step", visible=True)
    if log and any((s.values > 0).any() for s in series):
        axes.set_yscale("log")
    tidy(axes)
    axes.grid(alpha=0.25)
    if len(series) > 1:
        axes.legend(frameon=False)
