"""Functions as files: a staged function with its constants, loaded without its Python source.

Example:
    >>> import rtorch as rt, tempfile, os
    >>> w = rt.asarray([2.0, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "model.npz")
    ...     rt.export.save(file, lambda x: rt.sum(rt.tanh(w * x)), rt.spec(2))
    ...     model = rt.export.load(file)
    >>> rt.grad(model.call)(rt.zeros(2)).tolist()
    [2.0, 3.0]
"""

from __future__ import annotations

from rtorch.export.exported import Exported, export, load, save

__all__ = ["Exported", "export", "load", "save"]
