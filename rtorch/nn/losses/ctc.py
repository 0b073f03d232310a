"""Connectionist temporal classification: labels without their times.

The labels with blanks between and around them are ``2 S + 1`` states. The forward algorithm sums
over all ways through them, one time step after the other, in logarithms (Graves et al. 2006,
section 4.1); derivatives are those of `rt.scan`.
"""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    ConcretizationError,
    OutOfBoundsError,
    ShapeError,
    api,
    describe,
)
from rtorch.nn.checks import refuse
from rtorch.nn.losses.common import integers, reduce_losses, widened

__all__ = ["ctc_loss"]


@api
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    reduction: str = "mean",
) -> rt.Array:
    """Minus the log-probability of the labels, over all alignments with the time steps.

    The derivative by `log_probs` is the true one. (PyTorch's assumes that they come from
    `log_softmax`; through that, both are the same.)

    Args:
        log_probs: As `log_softmax` gives them, shape ``(T, N, C)``, or ``(T, C)`` for one sequence.
        targets: Class numbers, shape ``(N, S)``, where what is beyond the lengths does not count;
            or all sequences one after the other, shape ``(sum(target_lengths),)``, which costs
            more under `jit`. For one sequence ``(S,)``.
        input_lengths: How many of the `T` steps count, shape ``(N,)``, or a scalar for one.
        target_lengths: How many labels count, likewise.
        blank: The class that stands for no label.
        zero_infinity: Whether sequences with more labels than steps cost nothing. Otherwise their
            loss is infinite, with slope 0. (PyTorch's slope is nan.)
        reduction: ``"mean"``, the mean over the batch of losses per label; ``"sum"``, ``"none"``.

    Raises:
        ShapeError: if the shapes do not fit together.
        OutOfBoundsError: if a length or a label is out of range (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> log_probs = rt.log(rt.asarray([[0.4, 0.6], [0.4, 0.6]]))
        >>> loss = rt.nn.ctc_loss(log_probs, rt.asarray([1]), 2, 1)  # "1-", "-1" and "11"
        >>> round(float(rt.exp(-loss)), 6)
        0.84

    References:
        Graves et al. 2006 (doi:10.1145/1143844.1143891).
    """
    dtype, (x,) = widened(log_probs=log_probs)
    targets = integers("targets", targets)
    steps = integers("input_lengths", input_lengths)
    sizes = integers("target_lengths", target_lengths)
    alone = x.ndim == 2
    if alone:
        x, targets, steps, sizes = x[:, None], targets[None], steps.reshape(-1), sizes.reshape(-1)
    _check_shapes(x, targets, steps, sizes, blank)
    if targets.ndim == 1:
        targets = _in_rows(targets, sizes)
    _check_values(x, targets, steps, sizes)
    losses = _losses(x, targets, steps, sizes, blank)
    losses = rt.where(losses == math.inf, 0.0 if zero_infinity else math.inf, losses)
    if reduction == "mean":
        losses = losses / rt.maximum(sizes, 1)
    return reduce_losses(losses[0] if alone else losses, reduction, dtype)


def _losses(
    x: rt.Array, targets: rt.Array, steps: rt.Array, sizes: rt.Array, blank: int
) -> rt.Array:
    labels, skips = _states(targets, sizes, blank)
    place = rt.arange(labels.shape[1])
    start = rt.where(place == 0, 0.0, -math.inf).astype(x.dtype)
    start = rt.broadcast_to(start, labels.shape)

    def step(alpha: rt.Array, now: tuple[rt.Array, rt.Array]) -> tuple[rt.Array, None]:
        time, scores = now
        stayed_or_moved = rt.logaddexp(alpha, _shifted(alpha, 1))
        skipped = rt.where(skips, _shifted(alpha, 2), -math.inf)
        new = rt.logaddexp(stayed_or_moved, skipped) + rt.take_along_axis(scores, labels, axis=1)
        return rt.where((time < steps)[:, None], new, alpha), None

    alpha, _ = rt.scan(step, start, (rt.arange(x.shape[0]), x))
    ends = 2 * sizes[:, None]  # at the last blank, or at the last label
    alpha = rt.where((place == ends) | (place == ends - 1), alpha, -math.inf)
    return -rt.special.logsumexp(alpha, axis=1)


def _states(targets: rt.Array, sizes: rt.Array, blank: int) -> tuple[rt.Array, rt.Array]:
    """Labels with blanks between, and which can be entered from two states before."""
    n, size = targets.shape
    counted = rt.arange(size) < sizes[:, None]
    targets = rt.where(counted, targets, blank)
    labels = rt.stack([rt.full_like(targets, blank), targets], axis=2).reshape(n, 2 * size)
    labels = rt.pad(labels, ((0, 0), (0, 1)), constant_values=blank)
    before = rt.pad(labels, ((0, 0), (2, 0)), constant_values=blank)[:, :-2]
    return labels, (labels != blank) & (labels != before)


def _shifted(alpha: rt.Array, by: int) -> rt.Array:
    return rt.pad(alpha, ((0, 0), (by, 0)), constant_values=-math.inf)[:, : alpha.shape[1]]


def _in_rows(targets: rt.Array, sizes: rt.Array) -> rt.Array:
    """Sequences one after the other as rows: of the longest, or of all where that is not known."""
    total = targets.shape[0]
    refuse(rt.sum(sizes) != total, ShapeError(
        f"targets: {total} labels one after the other, but target_lengths has another sum"
    ))  # fmt: skip
    starts = rt.cumsum(sizes) - sizes
    try:
        longest = int(rt.max(sizes, initial=0))
    except ConcretizationError:
        longest = total
    places = rt.minimum(starts[:, None] + rt.arange(longest), max(total - 1, 0))
    return rt.take(targets, places)


def _check_shapes(
    x: rt.Array, targets: rt.Array, steps: rt.Array, sizes: rt.Array, blank: int
) -> None:
    if x.ndim != 3:
        raise ShapeError(f"log_probs: expected shape (T, N, C) or (T, C), got {describe(x)}")
    n, classes = x.shape[1:]
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[0] != n):
        raise ShapeError(f"targets: expected shape ({n}, S), or all of them in one axis, for "
                         f"{n} sequences, got {describe(targets)}")  # fmt: skip
    for name, lengths in (("input_lengths", steps), ("target_lengths", sizes)):
        if lengths.shape != (n,):
            raise ShapeError(f"{name}: expected shape ({n},), one for each sequence, got "
                             f"{describe(lengths)}")  # fmt: skip
    if not isinstance(blank, int) or not 0 <= blank < classes:
        raise ArgumentError(f"blank: expected a class from 0 to {classes - 1}, got {blank!r}")


def _check_values(x: rt.Array, targets: rt.Array, steps: rt.Array, sizes: rt.Array) -> None:
    for name, lengths, most in (
        ("input_lengths", steps, x.shape[0]),
        ("target_lengths", sizes, targets.shape[1]),
    ):
        wrong = (lengths < 0) | (lengths > most)
        refuse(wrong, OutOfBoundsError(f"{name}: expected numbers from 0 to {most}"))
    counted = rt.arange(targets.shape[1]) < sizes[:, None]
    wrong = counted & ((targets < 0) | (targets >= x.shape[2]))
    refuse(wrong, OutOfBoundsError(f"targets: expected class numbers from 0 to {x.shape[2] - 1}"))
