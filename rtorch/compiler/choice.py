"""Whether compiled functions run native code.

It is being built: ``RTORCH_NATIVE=1`` switches it on, where llvmlite is installed. Otherwise all
equations run as calls of NumPy, as the planned executor writes them.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import Any

from rtorch.core.program import Eqn, Program


@functools.cache
def is_native() -> bool:
    """Whether there is native code."""
    wanted = os.environ.get("RTORCH_NATIVE") == "1"
    return wanted and importlib.util.find_spec("llvmlite") is not None


def fused(program: Program) -> Program:
    """`program` with kernels in the places of what they compute, if there is native code."""
    if not is_native():
        return program
    from rtorch.compiler.fused import fuse

    return fuse(program)


def native_code(planner: Any) -> Any:
    """What writes native code for a planner."""
    if not is_native():
        return _Nothing(planner)
    from rtorch.compiler.native_code import NativeCode

    return NativeCode(planner)


class _Nothing:
    """The native code of a planner that has none."""

    def __init__(self, planner: Any) -> None:
        self.planner = planner

    def emit(self, i: int, eqn: Eqn) -> None:
        raise AssertionError("there are no kernels without native code")

    def flush(self) -> None:
        """Nothing waits."""

    def following(self) -> list[str]:
        """The lines that run after what was written last."""
        lines: list[str] = self.planner.body
        return lines

    def memory(self, nbytes: int) -> str:
        """What makes a piece of memory."""
        return f"empty({nbytes}, 'u1')"

    def functions(self) -> dict[str, Any]:
        """No functions."""
        return {}
