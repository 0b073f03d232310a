"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError
from rtorch.optim.base import LearningRate, Number, Optimizer, check_fraction, check_not_negative
from rtorch.optim.leafwise import Leafwise, Scalars, leafwise


class MuonState(NamedTuple):
    """State of `muon`: the number of updates so far, and the running mean of the gradients.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.muon().init(rt.ones((1, 1))).m
        Array([[0.]], dtype=float32)
    """

    step: rt.Array
    m: Any


def muon(
    learning_rate: LearningRate = 1e-3,
    weight_decay: Number = 0.1,
    momentum: Number = 0.95,
    *,
    nesterov: bool = True,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str = "original",
) -> Optimizer:
    """Muon: all directions of a matrix move equally far.

    With ``m = momentum * m + (1 - momentum) * g``, and ``u`` that mean, or with `nesterov`
    ``(1 - momentum) * g + momentum * m``, the update is ``-learning_rate * size * orthogonal(u)``
    and the decoupled decay, where `size` depends on the shape alone, see `adjust_lr_fn`.

    It is for the matrices inside of a network. Use it with `groups`: Adam for biases, norms,
    embeddings and the last layer. PyTorch rounds the iteration to bfloat16; here it has the
    precision of the parameters (float32 at least), so that the two agree to about 1e-2 of a step.

    Args:
        learning_rate: A number, or a function of the step (see `optim.schedules`).
        weight_decay: Decoupled, as in `adamw`.
        momentum: Decay of the mean.
        nesterov: Look ahead by one step of the momentum.
        ns_coefficients: Of ``x``, ``x**3`` and ``x**5`` in the polynomial that is iterated.
        eps: The smallest norm that the matrix is divided by.
        ns_steps: Number of iterations.
        adjust_lr_fn: ``"original"``: ``sqrt(max(1, rows / columns))``; ``"match_rms_adamw"``:
            ``0.2 * sqrt(max(rows, columns))``, for rates and decays found with `adamw`.

    Raises:
        ShapeError: when a leaf is not a matrix.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> opt = optim.groups({"*weight": optim.muon(0.02), "*": optim.adamw(1e-3)})
        >>> params = {"weight": rt.ones((3, 2)), "bias": rt.ones(3)}
        >>> updates, state = opt.update(params, opt.init(params), params)
        >>> updates["weight"].shape
        (3, 2)

    References:
        Jordan et al. 2024, Muon: an optimizer for hidden layers; Liu et al. 2025 (arXiv:2502.16982)
        for ``"match_rms_adamw"``.
    """
    check_fraction("muon", momentum=momentum)
    check_not_negative("muon", eps=eps, ns_steps=ns_steps)
    if adjust_lr_fn not in _SIZES:
        raise ArgumentError(
            f"[muon] adjust_lr_fn: expected one of {sorted(_SIZES)}, got {adjust_lr_fn!r}"
        )

    def scalars(rate: Any, t: rt.Array) -> Scalars:
        return {"rate": rate, "old": momentum, "new": 1 - momentum}

    def rule(s: Scalars, p: rt.Array, g: rt.Array, m: rt.Array) -> tuple[rt.Array, ...]:
        m = m * s.old + g * s.new
        u = g * s.new + m * s.old if nesterov else m
        size = _SIZES[adjust_lr_fn](*p.shape)
        return orthogonal(u, ns_coefficients, ns_steps, eps) * (s.rate * size), m

    kind = Leafwise("muon", MuonState, {"m": _matrix}, rule, scalars)
    return leafwise(kind, learning_rate, decay=weight_decay)


def orthogonal(
    x: rt.Array, coefficients: tuple[float, float, float], steps: int, eps: float
) -> rt.Array:
    """About the nearest orthogonal matrix: singular values come near 1, vectors stay.

    Each iteration of Newton and Schulz takes a singular value ``x`` to
    ``a * x + b * x**3 + c * x**5``.
    """
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / rt.maximum(rt.sqrt(rt.sum(x * x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = x * a + (gram * b + gram @ gram * c) @ x
    return x.T if tall else x


_SIZES = {
    "original": lambda rows, columns: math.sqrt(max(1.0, rows / max(columns, 1))),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


def _matrix(p: rt.Array) -> rt.Array:
    if p.ndim != 2:
        raise ShapeError(
            f"[muon] expected matrices, got a leaf of shape {p.shape}: use "
            'optim.groups({"*weight": optim.muon(), "*": optim.adamw()})'
        )
    return rt.zeros_like(p)
