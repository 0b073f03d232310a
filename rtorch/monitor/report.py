"""`report`: a run as one HTML file that needs nothing else, neither a server nor the network.

Texts are escaped where elements are made (`markup.py`). Beyond that a Content-Security-Policy
lets no program run but our own, known by its SHA-256, and lets nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from rtorch import atomic
from rtorch.errors import api
from rtorch.monitor.about import ABOUT, read_about
from rtorch.monitor.charts import chart
from rtorch.monitor.exhibits import exhibit
from rtorch.monitor.journal import read_lines
from rtorch.monitor.markup import Markup, element, table
from rtorch.monitor.records import RECORDS, Series, groups, read
from rtorch.monitor.samples import latest
from rtorch.monitor.values import flat_items, show

__all__ = ["report"]

_HERE = Path(__file__).parent
_LONGEST_NAME = 200


@api
def report(directory: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write what is known of a run as a web page: one file, which opens without a server.

    It has the curves (values under the pointer, switches for each curve and for a logarithmic
    scale), a table of the metrics, the newest samples of each name, the model, the configuration
    and the environment. Light or dark as the reader's system is; it prints; without JavaScript
    only what follows the pointer is missing.

    Args:
        directory: Of a `Run`, which may still be going on.
        path: Of the page, replaced at once.

    Raises:
        FileNotFoundError: if no run has written to `directory`.
        FileFormatError: if a file of the run is damaged.

    Example:
        >>> import rtorch as rt, tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with rt.monitor.Run(folder, "first try", progress=False) as run:
        ...         run.log(0, loss=2.5)
        ...     rt.monitor.report(folder, f"{folder}/report.html")
        ...     page = pathlib.Path(f"{folder}/report.html").read_text()
        >>> "<title>first try</title>" in page
        True
    """
    run = Path(directory)
    if not (run / ABOUT).exists():
        raise FileNotFoundError(f"[report] there is no {ABOUT} in {run}: did a Run write to it?")
    atomic.write(path, _page(run).encode())


def _page(run: Path) -> str:
    about = read_about(run)
    columns = read(run) if (run / RECORDS).exists() else {"step": np.empty(0, np.int64)}
    style, script = (
        Markup((_HERE / f"report.{kind}").read_text("utf-8")) for kind in ("css", "js")
    )
    name = str(about.get("name", run.name))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", name),
        element("style", style),
    )
    sections = [
        _header(name, about, columns),
        _section("Curves", *_charts(columns), class_="grid-of-cards"),
        _section("Samples", *map(exhibit, latest(run)), class_="columns-of-cards"),
        _section("Metrics", *_metrics(columns, _not_finite(run))),
        _section("Model", *([element("pre", about["model"])] if about.get("model") else [])),
        _section("Configuration", *_pairs(about.get("config"))),
        _section("Environment", *_pairs(about.get("environment"))),
        _section("Files", *_files(run)),
    ]
    body = element("body", element("main", *sections), element("script", script))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _section(title: str, *content: Markup, class_: str = "card") -> Markup:
    """A titled section, nothing if it has no content."""
    if not content:
        return Markup("")
    return element("section", element("h2", title), element("div", *content, class_=class_))


def _header(name: str, about: dict[str, Any], columns: dict[str, Any]) -> Markup:
    status = str(about.get("status", "unknown"))
    kind = status if status in ("finished", "running") else "stopped"
    facts = [("steps", f"{len(columns['step']):,}")]
    if len(columns["step"]):
        facts.append(("last step", f"{columns['step'][-1]:,}"))
    times = [t for t in (about.get("started"), about.get("ended")) if isinstance(t, int | float)]
    times += columns.get("time", np.empty(0)).tolist()  # a run that was taken up began before
    if times:
        facts.append(("started", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(min(times)))))
        facts.append(("duration", _duration(max(times) - min(times))))
    tiles = [element("div", element("dt", k), element("dd", v)) for k, v in facts]
    title = element("span", name[:_LONGEST_NAME], dir="auto")  # which turns nothing around it
    badge = element("span", status, class_=f"badge {kind}")
    return element("header", element("h1", title, " ", badge), element("dl", *tiles), class_="top")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(max(round(seconds, 1), 0.0), 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"


def _charts(columns: dict[str, Any]) -> list[Markup]:
    return [chart(name, series, i) for i, (name, series) in enumerate(groups(columns).items())]


def _metrics(columns: dict[str, Any], not_finite: dict[str, int]) -> list[Markup]:
    head = ["name", "last", "least, at step", "greatest, at step"]
    rows = [_metric(one) for series in groups(columns).values() for one in series]
    if not_finite:
        head.append("first nan or infinite")
        for row in rows:
            step = not_finite.get(row[0])
            text = "" if step is None else f"at step {step:,}"
            row.append(element("span", text, class_="warning"))
    return [table(head, rows)] if rows else []


def _metric(one: Series) -> list[Any]:
    if not len(one.values):
        return [one.name, "", "", ""]
    low, high = int(np.argmin(one.values)), int(np.argmax(one.values))
    ends = [f"{show(one.values[i])} at {one.steps[i]:,}" for i in (low, high)]
    return [one.name, show(one.values[-1]), *ends]


def _not_finite(run: Path) -> dict[str, int]:
    """Where each name was first logged as nan or an infinity, which JSON lines hold as texts."""
    found: dict[str, int] = {}
    for entry in read_lines(run / RECORDS):
        for name, value in entry["values"].items():
            if isinstance(value, str):
                found.setdefault(name, entry["step"])
    return found


def _pairs(values: Any) -> list[Markup]:
    rows: list[list[Any]] = [[name, text] for name, text in flat_items(values or {})]
    return [table([], rows, "pairs")] if rows else []


def _files(run: Path) -> list[Markup]:
    names = sorted(f for f in run.iterdir() if f.is_file() and not f.name.startswith("."))
    rows: list[list[Any]] = [[f.name, f"{f.stat().st_size:,} bytes"] for f in names]
    return [table([], rows, "pairs")]
