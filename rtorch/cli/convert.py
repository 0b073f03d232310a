"""``python -m rtorch convert``: from one format of files to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rtorch as rt
from rtorch.cli.formats import load
from rtorch.cli.inspect_file import readable
from rtorch.errors import ArgumentError

_DTYPES = ("float16", "bfloat16", "float32", "float64")


def add_to(commands: Any) -> Any:
    """Declare the command."""
    parser = commands.add_parser(
        "convert",
        help="from one format of files to another",
        description="Write the arrays of one file to another, whose suffix says the format: "
        ".npz, .safetensors, .pth or .pt. The first file may also be .npy or IDX. "
        "PyTorch is not needed.",
        epilog="Trees stay trees in .npz and .pth; safetensors has names with dots instead.",
    )
    parser.add_argument("source", type=Path, metavar="A", help="the file to read")
    parser.add_argument("target", type=Path, metavar="B", help="the file to write")
    parser.add_argument("--force", action="store_true", help="replace B if it exists")
    parser.add_argument("--dtype", choices=_DTYPES, help="for all floating-point arrays")
    parser.add_argument("--flat", action="store_true", help="one dict with dotted names")
    parser.add_argument("--arrays-only", action="store_true", help="leave out numbers and strings")
    return parser


def run(options: Any) -> None:
    """Read, convert, write, and say how much it was."""
    source, target = options.source, options.target
    if target.suffix not in _WRITERS:
        options.parser.error(f"B: expected a name that ends in {', '.join(_WRITERS)}: {target}")
    if target.exists() and not options.force:
        raise ArgumentError(f"{str(target)!r} exists already: --force replaces it")
    tree, metadata = load(source)
    if options.flat or options.arrays_only:
        tree = _flat(tree)
    if options.arrays_only:
        tree = {name: x for name, x in tree.items() if isinstance(x, rt.Array)}
    if options.dtype:
        tree = rt.tree.map(lambda x: _as_dtype(x, options.dtype), tree)
    _WRITERS[target.suffix](target, tree, metadata)
    arrays = [x for x in rt.tree.leaves(tree) if isinstance(x, rt.Array)]
    print(f"{target}: {len(arrays)} arrays, {readable(sum(x.nbytes for x in arrays))}")


def _flat(tree: Any) -> dict[str, Any]:
    """Leaves by dotted names."""
    return {
        ".".join(rt.tree.keystr((step,), simple=True) for step in path) or "value": leaf
        for path, leaf in rt.tree.leaves_with_path(tree)
    }


def _as_dtype(x: Any, dtype: str) -> Any:
    is_float = isinstance(x, rt.Array) and rt.isdtype(x.dtype, "real floating")
    return x.astype(dtype) if is_float else x


# ---- writers -------------------------------------------------------------------------------------


def _npz(path: Path, tree: Any, metadata: Any) -> None:
    rt.save(path, tree, metadata=metadata)


def _torch(path: Path, tree: Any, metadata: Any) -> None:
    rt.io.save_torch(path, tree)


def _safetensors(path: Path, tree: Any, metadata: Any) -> None:
    flat = _flat(tree)
    others = [name for name, x in flat.items() if not isinstance(x, rt.Array)]
    if others:
        raise ArgumentError(
            f"safetensors holds arrays only, and there are also {', '.join(others[:5])}: "
            "--arrays-only leaves them out"
        )
    rt.io.save_safetensors(path, flat, _texts(metadata))


def _texts(metadata: Any) -> dict[str, str]:
    """Metadata as safetensors has it: names and texts."""
    pairs = metadata if isinstance(metadata, dict) else {"metadata": metadata} if metadata else {}
    return {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in pairs.items()}


_WRITERS: dict[str, Callable[[Path, Any, Any], None]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".pth": _torch,
    ".pt": _torch,
}
