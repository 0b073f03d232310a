"""Arguments, exit codes, and errors on one line.

Exit codes: 0 if all went well, 1 if not (one line on stderr says why), 2 if the command was
called wrongly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import rtorch as rt
from rtorch.cli import convert, info, inspect_file
from rtorch.errors import RtorchError

_COMMANDS = (info, inspect_file, convert)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands behind ``python -m rtorch``; None takes them from `sys.argv`.

    Returns:
        The exit code. `SystemExit` is raised for help and for wrong usage, as argparse does.

    Example:
        >>> from rtorch.cli import main
        >>> main(["inspect", "no such file"])
        1
    """
    _print_anything()
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        if sys.stdout is not None:  # it may have been closed: >&-
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _close_stdout()
    except KeyboardInterrupt:
        return _failed(options, "interrupted")
    except Exception as error:
        if options.traceback:
            raise
        return _failed(options, _one_line(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rtorch",
        description="Tools of rtorch, a functional array library.",
        epilog="Exit codes: 0 done, 1 failed (the reason is on stderr), 2 called wrongly.",
    )
    parser.add_argument("--version", action="version", version=f"rtorch {rt.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        inner = command.add_to(commands)
        inner.add_argument("--traceback", action="store_true", help="show where an error arose")
        inner.set_defaults(run=command.run, command=inner.prog.rpartition(" ")[2], parser=inner)
    return parser


def _failed(options: Any, why: str) -> int:
    print(f"rtorch {options.command}: {why}", file=sys.stderr)
    return 1


def _one_line(error: Exception) -> str:
    if isinstance(error, RtorchError):
        message = str(error.args[0])  # without the line of Python, which is ours
    elif isinstance(error, OSError) and error.strerror:
        message = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        message = f"{type(error).__name__}: {error}"
    return " ".join(message.split())


def _print_anything() -> None:
    """Names in files may be in letters that the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _close_stdout() -> None:
    """Nothing more can be written; Python must not try when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
