"""Programs as pictures.

`build.py` makes a graph of a Program, `ranks.py`, `order.py` and `layout.py` place it, `svg.py`
and `dot.py` write it down, and `drawing.py` is what users call.
"""

from __future__ import annotations

from rtorch.visual.drawing import Drawing, show

__all__ = ["Drawing", "show"]
