"""What the tracers of forward and reverse mode share: a primal value, concrete in eager use."""

from __future__ import annotations

from typing import Any, NoReturn

from rtorch.core.trace import Tracer
from rtorch.errors import ConcretizationError


class PrimalTracer(Tracer):
    """A value with a derivative: it can be printed and compared, so that ``if x > 0`` works."""

    __slots__ = ("primal",)
    primal: Any
    what = "the differentiated value"
    _varies = property(lambda self: self.primal._varies)

    def _concrete(self, use: str) -> Any:
        if not self._trace.alive:
            self._no_value()
        return self.primal._concrete(use)

    def _no_derivative(self, use: str) -> NoReturn:
        self._concrete(use)
        raise ConcretizationError(
            f"[{use}] a Python number has no derivative: math.sin(x) would silently be a constant "
            f"in {self._trace.origin}. Use the rtorch function (rt.sin), or x.item() or "
            "rt.stop_gradient(x) where a constant is meant"
        )

    def __float__(self) -> float:
        self._no_derivative("float()")

    def __complex__(self) -> complex:
        self._no_derivative("complex()")

    @property
    def device(self) -> Any:
        return self.primal.device

    def __repr__(self) -> str:
        return f"{self.primal!r} under {self._trace.origin}" if self._trace.alive else "<ended>"

    def __str__(self) -> str:
        return str(self.primal)
