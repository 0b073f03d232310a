"""What ``run.json`` says of a run: its name, configuration, and where it takes place."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import rtorch as rt
from rtorch.errors import FileFormatError

ABOUT = "run.json"

_PACKAGES = ("numpy", "cupy-cuda12x", "cupy-cuda13x", "scipy")


def environment() -> dict[str, str]:
    """Names and texts, for people; no name of a user or a machine."""
    found = {"rtorch": rt.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["CPU cores"] = str(os.cpu_count())
    found["devices"] = ", ".join(map(str, rt.devices()))
    found["program"] = os.path.basename(sys.argv[0]) or "interactive"  # noqa: PTH119 - a text
    return found


def read_about(directory: Path) -> dict[str, Any]:
    """The content of ``run.json``, empty if there is none.

    Raises:
        FileFormatError: if it is not a JSON object.
    """
    file = directory / ABOUT
    if not file.exists():
        return {}
    try:
        about = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise FileFormatError(f"[monitor] {file} is damaged: expected a JSON object")
    return about
