"""Adafactor: Adam's second moments kept as a row and a column."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.optim.base import (
    LearningRate,
    Number,
    Optimizer,
    check_not_negative,
    check_positive,
    is_number,
)
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise, squared


class AdafactorState(NamedTuple):
    """State of `adafactor`.

    Attributes:
        step: Number of updates so far, int32.
        row: Means over the last axis of the squared gradients of leaves with two axes or more;
            scalars elsewhere.
        column: The means over the axis before.
        v: Means of the squares themselves for vectors and scalars; scalars elsewhere.

    Example:
        >>> import rtorch as rt
        >>> state = rt.optim.adafactor().init(rt.ones((100, 30)))
        >>> state.row.shape, state.column.shape, state.v.shape
        ((100, 1), (1, 30), ())
    """

    step: rt.Array
    row: Any
    column: Any
    v: Any


def adafactor(
    learning_rate: LearningRate = 1e-2,
    beta2_decay: Number = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: Number = 1.0,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adafactor, as PyTorch has it: of a matrix of `n * m` it remembers `n + m` numbers.

    Means of squared gradients, with the weight ``t ** beta2_decay`` of the newest, are estimated
    by ``v = row @ column / mean(row)``. The step ``u = g / sqrt(v)`` is divided by
    ``maximum(1, rms(u) / d)`` and multiplied by ``maximum(eps[1], rms(p))`` and
    ``minimum(learning_rate, 1 / sqrt(t))``.

    Args:
        learning_rate: The largest relative step; a number, or a function of the step.
        beta2_decay: Power of the step that is the weight of the newest gradient.
        eps: The smallest root of ``v`` (None: of the dtype), and the smallest size of parameters.
        d: Steps of a root mean square above this are clipped.
        weight_decay: Decoupled, as in `adamw`.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.adafactor(0.1)
        >>> opt.update(rt.full(1, 2.0), opt.init(rt.ones(1)), rt.ones(1))[0]
        Array([-0.1], dtype=float32)

    References:
        Shazeer & Stern 2018 (arXiv:1804.04235).
    """
    check_positive("adafactor", d=d)
    if is_number(beta2_decay) and beta2_decay > 0:
        raise ArgumentError(f"[adafactor] beta2_decay: expected 0 or less, got {beta2_decay!r}")
    check_not_negative("adafactor", eps=eps[1])

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        new = t**beta2_decay
        return {"new": new, "old": 1 - new, "size": rt.minimum(rate, 1 / rt.sqrt(t)), "d": d}

    def rule(
        s: Scalars, p: rt.Array, g: rt.Array, row: rt.Array, column: rt.Array, v: rt.Array
    ) -> tuple[rt.Array, ...]:
        smallest = float(rt.finfo(p.dtype).eps) if eps[0] is None else eps[0]
        square = squared(g)
        if p.ndim > 1:
            row = row * s.old + rt.mean(square, axis=-1, keepdims=True) * s.new
            column = column * s.old + rt.mean(square, axis=-2, keepdims=True) * s.new
            level = rt.mean(row, axis=-2, keepdims=True)
            estimate = row * column / rt.maximum(level, smallest)
        else:
            v = estimate = v * s.old + square * s.new
        u = g / rt.sqrt(rt.maximum(estimate, smallest**2))
        size = rt.maximum(_rms(p), eps[1]) * s.size
        return u * (size / rt.maximum(_rms(u) / s.d, 1.0)), row, column, v

    slots = {
        "row": lambda p: rt.zeros_like(p[..., :1] if p.ndim > 1 else rt.sum(p)),
        "column": lambda p: rt.zeros_like(p[..., :1, :] if p.ndim > 1 else rt.sum(p)),
        "v": lambda p: rt.zeros_like(rt.sum(p) if p.ndim > 1 else p),
    }
    kind = Leafwise("adafactor", AdafactorState, slots, rule, scalars, uses_params=True)
    return leafwise(kind, learning_rate, decay=weight_decay)


def _rms(x: rt.Array) -> rt.Array:
    return rt.sqrt(rt.mean(squared(x)))
