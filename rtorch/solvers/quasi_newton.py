"""The directions of BFGS and L-BFGS, and what they remember of the steps before.

Nocedal, Wright 2006, "Numerical optimization", algorithms 6.1, 7.4 and 7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt


class Method(NamedTuple):
    """How a method of descent chooses its directions.

    Attributes:
        init: The memory at the beginning, for the first point.
        direction: ``direction(memory, grad)``.
        update: ``update(memory, step, grad_change)`` after a step.
    """

    init: Callable[[rt.Array], Any]
    direction: Callable[[Any, rt.Array], rt.Array]
    update: Callable[[Any, rt.Array, rt.Array], Any]


class Inverse(NamedTuple):
    """The memory of BFGS: an approximation of the inverse of the Hessian."""

    matrix: rt.Array
    fresh: rt.Array  # whether there was no step so far


def _curvature(step: rt.Array, change: rt.Array) -> tuple[rt.Array, rt.Array]:
    """The product of both, and whether it is positive enough to be used."""
    product = rt.vdot(step, change)
    size = rt.linalg.norm(step) * rt.linalg.norm(change)
    return product, product > rt.finfo(step.dtype).eps * size


def bfgs() -> Method:
    """BFGS: the inverse Hessian as a matrix, scaled after the first step (equation 6.20)."""

    def init(x: rt.Array) -> Inverse:
        return Inverse(rt.eye(x.size, dtype=x.dtype), rt.asarray(True))

    def direction(memory: Inverse, grad: rt.Array) -> rt.Array:
        return -(memory.matrix @ grad)

    def update(memory: Inverse, step: rt.Array, change: rt.Array) -> Inverse:
        product, fine = _curvature(step, change)
        safe = rt.where(fine, product, 1.0)
        square = rt.vdot(change, change)
        scale = rt.where(memory.fresh & fine, safe / rt.where(square > 0, square, 1.0), 1.0)
        h = memory.matrix * scale
        hy = h @ change
        factor = (1.0 + rt.vdot(change, hy) / safe) / safe
        cross = rt.outer(hy, step) / safe
        h = h + factor * rt.outer(step, step) - cross - cross.T
        return Inverse(rt.where(fine, h, memory.matrix), memory.fresh & ~fine)

    return Method(init, direction, update)


class History(NamedTuple):
    """The memory of L-BFGS: the last steps and changes of the gradient, the newest last."""

    steps: rt.Array
    changes: rt.Array
    weights: rt.Array  # one over the product of step and change; 0 where there is none
    scale: rt.Array


def lbfgs(size: int) -> Method:
    """L-BFGS, which remembers `size` steps."""

    def init(x: rt.Array) -> History:
        none = rt.zeros((size, x.size), dtype=x.dtype)
        return History(none, none, rt.zeros(size, dtype=x.dtype), rt.ones((), dtype=x.dtype))

    def direction(memory: History, grad: rt.Array) -> rt.Array:
        q, factors = grad, []
        for i in reversed(range(size)):
            factor = memory.weights[i] * rt.vdot(memory.steps[i], q)
            q = q - factor * memory.changes[i]
            factors.append(factor)
        q = q * memory.scale
        for i, factor in enumerate(reversed(factors)):
            back = memory.weights[i] * rt.vdot(memory.changes[i], q)
            q = q + (factor - back) * memory.steps[i]
        return -q

    def update(memory: History, step: rt.Array, change: rt.Array) -> History:
        product, fine = _curvature(step, change)
        safe = rt.where(fine, product, 1.0)
        square = rt.vdot(change, change)
        new = History(
            rt.concatenate([memory.steps[1:], step[None]]),
            rt.concatenate([memory.changes[1:], change[None]]),
            rt.concatenate([memory.weights[1:], (1.0 / safe)[None]]),
            safe / rt.where(square > 0, square, 1.0),
        )
        return History(*[rt.where(fine, a, b) for a, b in zip(new, memory)])

    return Method(init, direction, update)
