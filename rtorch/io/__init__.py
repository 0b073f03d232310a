"""Files: pytrees in ``.npz`` archives, safetensors, and the files of PyTorch.

Example:
    >>> import rtorch as rt, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rt.save(os.path.join(folder, "params"), {"w": rt.ones(2)})
    ...     os.listdir(folder), rt.load(os.path.join(folder, "params"))
    (['params.npz'], {'w': Array([1., 1.], dtype=float32)})
"""

from __future__ import annotations

from rtorch.io.checkpointer import Checkpointer
from rtorch.io.entry import Archive, Entry
from rtorch.io.npz import compare, load, load_metadata, save
from rtorch.io.opening import open
from rtorch.io.report import Comparison, Mismatch
from rtorch.io.safetensors import load_safetensors, save_safetensors
from rtorch.io.torch_load import load_torch
from rtorch.io.torch_save import save_torch

__all__ = [
    "Archive",
    "Checkpointer",
    "Comparison",
    "Entry",
    "Mismatch",
    "compare",
    "load",
    "load_metadata",
    "load_safetensors",
    "load_torch",
    "open",
    "save",
    "save_safetensors",
    "save_torch",
]
