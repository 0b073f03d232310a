"""The same records as TensorBoard's event files, through tensorboardX."""

from __future__ import annotations

import base64
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np


class NoBoard:
    """Takes everything and writes nothing."""

    def scalars(self, step: int, when: float, values: dict[str, Any]) -> None:
        """Numbers of one record."""

    def sample(self, entry: dict[str, Any]) -> None:
        """An entry of `rtorch.monitor.samples`."""

    def close(self) -> None:
        """Bring all to the disk."""


class Board(NoBoard):
    """Writes event files into a directory."""

    def __init__(self, directory: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(directory), flush_secs=10, write_to_disk=True)

    def scalars(self, step: int, when: float, values: dict[str, Any]) -> None:
        """Numbers of one record."""
        for name, value in values.items():
            self._writer.add_scalar(_unicode(name), float(value), step, walltime=when)

    def sample(self, entry: dict[str, Any]) -> None:
        """Images side by side, texts, histograms; matrices as grey images."""
        getattr(self, "_" + entry["kind"])(_unicode(entry["name"]), entry, entry["step"])

    def _images(self, name: str, entry: dict[str, Any], step: int) -> None:
        from PIL import Image

        pictures = [
            np.asarray(Image.open(io.BytesIO(base64.b64decode(item["png"]))).convert("RGB"))
            for item in entry["items"]
        ]
        self._writer.add_image(name, np.concatenate(pictures, 1), step, dataformats="HWC")

    def _text(self, name: str, entry: dict[str, Any], step: int) -> None:
        self._writer.add_text(name, _unicode(entry["text"]), step)

    def _matrix(self, name: str, entry: dict[str, Any], step: int) -> None:
        values = np.asarray(entry["values"])
        low, high = values.min(), values.max()
        self._writer.add_image(name, (values - low) / (high - low or 1), step, dataformats="HW")

    def _histogram(self, name: str, entry: dict[str, Any], step: int) -> None:
        counts, edges = np.asarray(entry["counts"]), np.asarray(entry["edges"])
        centres = (edges[1:] + edges[:-1]) / 2
        self._writer.add_histogram_raw(
            name, min=edges[0], max=edges[-1], num=int(counts.sum()),
            sum=float(counts @ centres), sum_squares=float(counts @ centres**2),
            bucket_limits=edges[1:].tolist(), bucket_counts=counts.tolist(), global_step=step,
        )  # fmt: skip

    def close(self) -> None:
        """Bring all to the disk."""
        self._writer.close()


def _unicode(text: str) -> str:
    """Without lone surrogates, which no event file may hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def board(wanted: bool, directory: Path) -> NoBoard:
    """A writer if it is wanted and can be; a warning, and none, if it cannot."""
    if not wanted:
        return NoBoard()
    try:
        return Board(directory)
    except ImportError:
        warnings.warn(
            "[Run] TensorBoard's files are not written: tensorboardX is not installed; all is in "
            "the JSON lines of the run. To have both: pip install 'rtorch[monitor]'",
            stacklevel=4,
        )
        return NoBoard()
