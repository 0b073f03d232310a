"""Figures of matplotlib, and how they are written.

Each is a `matplotlib.figure.Figure` of its own and making it touches no global state of
matplotlib: no backend, no current figure, nothing to close.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtorch import atomic
from rtorch.errors import ArgumentError, MissingDependencyError

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_FORMATS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")

PathLike = str | os.PathLike[str]
Names = Sequence[Any] | None


def new_figure(function: str, width: float, height: float) -> Any:
    """An empty figure of a size in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            f"[{function}] pictures need matplotlib, which is not installed: "
            "pip install 'rtorch[monitor]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def finished(function: str, figure: Any, path: PathLike | None) -> Any:
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
        atomic.write(path, data.getvalue())
    return figure


def drawable(text: Any, longest: int = 60) -> str:
    """A text that matplotlib can draw as it stands: no formulas, which ``$`` would begin."""
    shown = str(text).encode("utf-8", "replace").decode("utf-8")
    shown = shown if len(shown) <= longest else f"{shown[:longest]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in shown).replace("$", r"\$")


def grid_of(figure: Any, high: int, wide: int) -> list[Any]:
    """Axes for curves; those that nothing is drawn on stay hidden."""
    grid = list(figure.subplots(high, wide, squeeze=False).flat)
    for axes in grid:
        axes.set_visible(False)
    return grid


def tidy(axes: Any) -> None:
    """No frame where there is no axis."""
    axes.spines[["top", "right"]].set_visible(False)
