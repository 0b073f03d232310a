"""What a person watches while a model trains: progress, records, plots, a report.

Nothing is global: a `Run` is an object that writes into its directory, and all else reads from
there.

Example:
    >>> import rtorch as rt, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with rt.monitor.Run(folder, config={"rate": 0.1}, progress=False) as run:
    ...         for step in range(3):
    ...             run.log(step, loss=rt.asarray(1.0) / (step + 1))
    ...     run.report(f"{folder}/report.html")
    ...     rt.monitor.read(folder)["loss"].round(2)
    array([1.  , 0.5 , 0.33])
"""

from __future__ import annotations

from rtorch.monitor.pictures import plot_confusion, plot_heatmap, plot_histogram, plot_images
from rtorch.monitor.plots import plot
from rtorch.monitor.records import read
from rtorch.monitor.report import report
from rtorch.monitor.run import Run

__all__ = [
    "Run",
    "plot",
    "plot_confusion",
    "plot_heatmap",
    "plot_histogram",
    "plot_images",
    "read",
    "report",
]
