"""The command line, ``python -m rtorch``: a file for each command; `main.py` picks one."""

from __future__ import annotations

from rtorch.cli.main import main

__all__ = ["main"]
