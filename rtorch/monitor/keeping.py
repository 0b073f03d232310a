"""The methods of a `Run` that keep what is no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtorch.errors import api
from rtorch.monitor import samples


class KeepsSamples:
    """Images, texts, matrices and histograms; the report shows the newest of each name."""

    def _sample(self, method: str, step: int, name: str, entry: samples.Entry) -> None:
        raise NotImplementedError

    @api
    def images(
        self,
        step: int,
        name: str,
        images: Any,
        labels: Sequence[Any] | None = None,
        *,
        data_format: str = "NCHW",
    ) -> None:
        """Keep up to 64 images, with a label below each.

        Args:
            step: A whole number.
            name: Of this group of images; the report shows the newest of each name.
            images: ``(n, height, width)``, or with 1, 3 or 4 channels where `data_format` says;
                uint8, or floats from 0 to 1 (others are stretched to that).
            labels: A text or number for each.
            data_format: ``"NCHW"`` or ``"NHWC"``.
        """
        self._sample("images", step, name, samples.images(images, labels, data_format))

    @api
    def text(self, step: int, name: str, text: str) -> None:
        """Keep a text, such as a sample of a language model."""
        self._sample("text", step, name, samples.text(text))

    @api
    def confusion(
        self, step: int, name: str, counts: Any, classes: Sequence[Any] | None = None
    ) -> None:
        """Keep a confusion matrix ``(true, predicted)``, as of `nn.metrics.confusion_matrix`."""
        entry = samples.matrix("Run.confusion", counts, classes, classes)
        self._sample("confusion", step, name, {**entry, "titles": ["true", "predicted"]})

    @api
    def heatmap(
        self,
        step: int,
        name: str,
        values: Any,
        rows: Sequence[Any] | None = None,
        columns: Sequence[Any] | None = None,
    ) -> None:
        """Keep a matrix shown by colours, such as the weights of attention."""
        entry = samples.matrix("Run.heatmap", values, rows, columns)
        self._sample("heatmap", step, name, {**entry, "titles": ["", ""]})

    @api
    def histogram(self, step: int, name: str, values: Any, bins: int = 40) -> None:
        """Keep how many of `values` lie in each of `bins` intervals of one width."""
        self._sample("histogram", step, name, samples.histogram(values, bins))
