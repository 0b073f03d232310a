"""``python -m rtorch info``: versions, devices, BLAS, threads, compiler, cache."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt

# Distributions that rtorch uses if they are there, and what for.
_OPTIONAL = (
    "cupy-cuda12x", "cupy-cuda13x", "cupy", "ml_dtypes", "opt_einsum", "llvmlite", "scipy",
    "pillow", "tokenizers", "safetensors", "tqdm", "matplotlib", "tensorboardX",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def add_to(commands: Any) -> Any:
    """Declare the command."""
    parser = commands.add_parser(
        "info",
        help="versions, devices, BLAS, threads, compiler",
        description="Show what rtorch runs on: what a report of a problem should contain.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(options: Any) -> None:
    """Print what is found."""
    found = collect()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for section, entries in found.items():
        print(f"{section}:")
        width = max(map(len, entries), default=0)
        for name, value in entries.items():
            print(f"  {name:<{width}}  {_text(value)}")


def collect() -> dict[str, dict[str, Any]]:
    """All of it, by section."""
    return {
        "rtorch": {"version": rt.__version__, "folder": str(Path(rt.__file__).parent)},
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
        },
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "cores for this process": _own_cores(),
        },
        "packages": {"numpy": np.__version__, **{name: _version(name) for name in _OPTIONAL}},
        "blas": _blas(),
        "devices": _devices(),
        "compiler": {
            "C compiler": next(filter(None, map(shutil.which, ("cc", "gcc", "clang", "cl"))), None),
            "llvmlite": _version("llvmlite"),
        },
        "cache": _caches(),
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or None
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _own_cores() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _blas() -> dict[str, Any]:
    """What NumPy was built with, and how many threads it is told to use."""
    config: Any = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    found = {"name": blas.get("name"), "version": blas.get("version")}
    return {**found, **{name: os.environ.get(name) for name in _THREADS}}


def _devices() -> dict[str, Any]:
    try:
        return {str(device): _device(device) for device in rt.devices()}
    except Exception as error:  # whatever a broken driver raises: the rest is worth printing
        return {"cpu": "", "cuda": f"cannot be used: {error}"}


def _device(device: rt.Device) -> str:
    if device.kind == "cpu":
        return _processor() or ""
    import cupy  # it is there: it has this device

    properties = cupy.cuda.runtime.getDeviceProperties(device.number)
    name = properties["name"]
    memory = properties["totalGlobalMem"] / 2**30
    return f"{name.decode() if isinstance(name, bytes) else name}, {memory:.1f} GiB"


def _caches() -> dict[str, Any]:
    """Where compiled code and downloaded data sets are kept, and whether anything is there."""
    if sys.platform == "win32":
        usual = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "rtorch" / "cache"
    else:
        usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rtorch"
    chosen = os.environ.get("RTORCH_CACHE_DIR")  # empty: nothing is kept
    folder = usual if chosen is None else Path(chosen) if chosen else None
    data = Path(os.environ.get("RTORCH_DATA") or usual)
    return {
        "folder": folder and str(folder),
        "exists": folder is not None and folder.is_dir(),
        "data sets": str(data),
    }
