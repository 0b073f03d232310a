"""Tapes that note where each entry came from, so that the backward step can name its line.

They cost a look at the stack per operation. So they serve staging, which looks anyway, and
evaluation while `rt.debug_nans` is on: `Trace.keeps_lines` says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from rtorch.core.primitive import Primitive
from rtorch.errors import SourceLine, user_line
from rtorch.transforms.tape import Env, Image, Images, Operands, Scaled, Tangent, Tape


class Noted:
    """An entry of a tape with the line of its operation; `errors.user_line` finds ``_source``."""

    __slots__ = ("entry", "operation", "source")

    def __init__(self, entry: Scaled | Image | Images, operation: str) -> None:
        self.entry = entry
        self.operation = operation
        self.source = user_line()

    def pull(self, cts: Env) -> None:
        _source = self._line("backward step")
        self.entry.pull(cts)

    def push(self, tangents: Env) -> None:
        _source = self._line("tangent")
        self.entry.push(tangents)

    def _line(self, role: str) -> SourceLine | None:
        return self.source and self.source._replace(role=f"the {role} of '{self.operation}'")

    @property
    def sources(self) -> list[Tangent]:
        return self.entry.sources

    @property
    def outs(self) -> Sequence[Tangent | None]:
        return self.entry.outs

    @property
    def constants(self) -> list[Any]:
        return self.entry.constants


class NotedTape(Tape):
    """A tape of `Noted` entries."""

    __slots__ = ()

    def scaled(self, terms: list[tuple[Tangent, Any]], singular: bool, like: Any) -> Tangent:
        node = super().scaled(terms, singular, like)
        self._note()
        return node

    def image(self, prim: Primitive, parts: Sequence[Operands], params: dict[str, Any],
              like: Any) -> Tangent:  # fmt: skip
        node = super().image(prim, parts, params, like)
        self._note()
        return node

    def record(self, prim: Primitive, operands: Operands, params: dict[str, Any], like: Any) -> Any:
        out = super().record(prim, operands, params, like)
        if prim.multiple:  # else it is an image
            self._note()
        return out

    def _note(self) -> None:
        entry = self.entries[-1]
        assert not isinstance(entry, Noted)
        self.entries[-1] = Noted(entry, self._operation())

    def _operation(self) -> str:
        """The primitive that is being linearized on this tape, found on the stack."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_name == "bind" and "prim" in frame.f_code.co_varnames:
                names = frame.f_locals
                if getattr(names["self"], "tape", None) is self:
                    return str(names["prim"].name)
            frame = frame.f_back
        return "an operation"
