"""Effects: operations that act on the values when the program runs and have no results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.core.array import Array, wrap
from rtorch.core.primitive import Primitive
from rtorch.errors import CheckError

Action = Callable[..., None]


class Effect(Primitive):
    """``action(*arrays)``: once per run, or once per lane, in the order of the program.

    Derivatives leave it alone: it happens in the forward pass, to the primal values.
    """

    name = "effect"
    multiple = True
    differentiable = False
    effect = True
    portable = False
    any_device = True

    def impl(self, xp: Any, *raw: Any, action: Action) -> Any:
        # Copies: a plan writes to its memory again, and `action` may keep what it gets.
        action(*[wrap(x.copy()) for x in raw])
        return ()

    def infer(self, *avals: Any, action: Action) -> Any:
        return ()

    def batch(self, args: Any, dims: Any, *, action: Action) -> tuple[Any, Any]:
        return self(*args, action=PerLane(action, tuple(dims))), ()


class PerLane:
    """An action on each lane of batched arrays, one after the other."""

    def __init__(self, action: Action, dims: tuple[int | None, ...]) -> None:
        self.action = action
        self.dims = dims

    def __call__(self, *arrays: Array) -> None:
        size = next(x.shape[d] for x, d in zip(arrays, self.dims) if d is not None)
        for i in range(size):
            lane = [x if d is None else _lane(x, d, i) for x, d in zip(arrays, self.dims)]
            try:
                self.action(*lane)
            except CheckError as error:
                error.args = (f"{error.args[0]} (lane {i})",)
                raise

    def __repr__(self) -> str:
        return f"{self.action!r} per lane"


def _lane(x: Array, dim: int, i: int) -> Array:
    return wrap(x._data[(slice(None),) * dim + (i,)])


effect_p = Effect()
