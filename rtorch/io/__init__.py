"""Files: pytrees in ``.npz`` archives.

Example:
    >>> import rtorch as rt, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rt.save(os.path.join(folder, "params"), {"w": rt.ones(2)})
    ...     os.listdir(folder), rt.load(os.path.join(folder, "params"))
    (['params.npz'], {'w': Array([1., 1.], dtype=float32)})
"""

from __future__ import annotations

from rtorch.io.npz import load, load_metadata, save

__all__ = ["load", "load_metadata", "save"]
