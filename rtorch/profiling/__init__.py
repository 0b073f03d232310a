"""Where time and memory go.

`evaluation.py` measures every operation and runs compiled functions in steps (`steps.py`),
`recorder.py` is what users hold, `table.py` and `chrome.py` show it.
"""

from __future__ import annotations

from rtorch.profiling.events import Event
from rtorch.profiling.recorder import Profile, profile
from rtorch.profiling.table import Row, Table

__all__ = ["Event", "Profile", "Row", "Table", "profile"]
