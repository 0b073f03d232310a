"""The command line, ``python -m rtorch``: a file for each command; `commands.py` picks one."""

from __future__ import annotations

from rtorch.cli.commands import main

__all__ = ["main"]
