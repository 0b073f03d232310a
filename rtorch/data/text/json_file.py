"""JSON files that say what they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rtorch import atomic
from rtorch.errors import FileFormatError

_VERSION = 1


def write_json(name: str, path: str | os.PathLike[str], kind: str, value: dict[str, Any]) -> None:
    """Write `value`, all of it or nothing."""
    text = json.dumps({"format": kind, "version": _VERSION, **value}, ensure_ascii=True, indent=1)
    atomic.write(path, text.encode("ascii"))


def read_json(name: str, path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """What `write_json` wrote, if it is of this kind."""
    where = repr(os.fspath(path))
    try:
        value = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"[{name}] {where} is not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("format") != kind:
        raise FileFormatError(f"[{name}] {where} is JSON, but not a file of the format {kind!r}")
    if value.get("version") != _VERSION:
        raise FileFormatError(
            f"[{name}] {where} has version {value.get('version')!r} of {kind}, known is {_VERSION}"
        )
    return value
