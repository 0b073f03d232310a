"""``python -m rtorch inspect``: what is in a file of arrays."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rtorch.cli.formats import Listing, look

_LONGEST = 200  # letters of a value that are shown


def add_to(commands: Any) -> Any:
    """Declare the command."""
    parser = commands.add_parser(
        "inspect",
        help="names, shapes, dtypes and sizes in a file",
        description="Show the arrays in a file: .npz, .npy, safetensors, PyTorch's .pth and .pt, "
        "IDX (also .gz), or in all such files of a folder. Nothing in the file is executed.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a file, or a folder")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(options: Any) -> None:
    """Print the listing."""
    listing = look(options.file)
    if options.json:
        print(json.dumps(as_json(options.file, listing), indent=2, allow_nan=False))
    else:
        print("\n".join(as_text(listing)))


def totals(listing: Listing) -> dict[str, int]:
    """Numbers of arrays, elements and bytes."""
    elements = sum(math.prod(item.shape) for item in listing.arrays)
    size = sum(item.bytes for item in listing.arrays)
    return {"arrays": len(listing.arrays), "elements": elements, "bytes": size}


def as_json(path: Path, listing: Listing) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "file": str(path),
        "format": listing.format,
        "arrays": [item._asdict() for item in listing.arrays],
        "total": totals(listing),
        "metadata": _plain(listing.metadata),
        "others": _plain(listing.others),
    }


def _plain(value: Any) -> Any:
    """What JSON has; texts for nan, infinities and complex numbers, which it has not."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    is_json = value is None or isinstance(value, str | int)
    return value if is_json or (isinstance(value, float) and math.isfinite(value)) else str(value)


def as_text(listing: Listing) -> list[str]:
    """A table, what else there is, and totals."""
    rows = [("name", "dtype", "shape", "bytes")]
    rows += [(printable(item.name), item.dtype, str(list(item.shape)), f"{item.bytes:,}")
             for item in listing.arrays]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}"
             for a, b, c, d in rows]  # fmt: skip
    lines.insert(1, "-" * (sum(widths) + 6))
    if listing.others:
        lines += ["", "beside the arrays:"]
        lines += [f"  {printable(k)} = {_short(v)}" for k, v in listing.others.items()]
    if listing.metadata:
        lines += ["", "metadata:"]
        pairs = listing.metadata if isinstance(listing.metadata, dict) else {"": listing.metadata}
        lines += [f"  {printable(str(k))}: {_short(v)}" for k, v in pairs.items()]
    total = totals(listing)
    lines += ["", f"{listing.format}: {total['arrays']} arrays, {total['elements']:,} elements, "
                  f"{readable(total['bytes'])}"]  # fmt: skip
    return lines


def printable(name: str) -> str:
    """A name from a file, without what a terminal would obey."""
    return name if name.isprintable() else repr(name)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} letters)"


def readable(size: int) -> str:
    """Bytes with a unit: ``1.5 MiB``."""
    if size < 1024:
        return f"{size} bytes"
    power = min((size.bit_length() - 1) // 10, 4)
    return f"{size / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"
