"""Divergences, and negative log-likelihoods of distributions."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.checks import refuse
from rtorch.nn.losses.common import operands, reduce_losses, widened

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


@api
def kl_div(
    log_probs: Any, targets: Any, *, log_target: bool = False, reduction: str = "mean"
) -> rt.Array:
    """``t (log(t) - log_probs)``, whose sum is the Kullback-Leibler divergence of ``t``.

    A target of 0 costs nothing, with slope 0, whatever the prediction. (PyTorch: nan against a
    prediction of ``-inf``.)

    Args:
        log_probs: Logarithms of probabilities.
        targets: ``t``: probabilities, or their logarithms; of the same shape.
        log_target: Whether `targets` are logarithms.
        reduction: ``"batchmean"``, the sum over the length of the first axis, which is the
            divergence of a batch; ``"mean"`` over all elements, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> p, q = rt.asarray([[0.5, 0.5]]), rt.asarray([[0.25, 0.75]])
        >>> round(float(rt.nn.kl_div(rt.log(p), q, reduction="batchmean")), 4)
        0.1308

    References:
        Kullback & Leibler 1951 (doi:10.1214/aoms/1177729694).
    """
    dtype, (x, t) = operands(log_probs=log_probs, targets=targets)
    counted = t != (-math.inf if log_target else 0.0)
    x, t = rt.where(counted, x, 0.0), rt.where(counted, t, 0.0 if log_target else 1.0)
    probs, log_t = (rt.exp(t), t) if log_target else (t, rt.log(t))
    losses = rt.where(counted, probs * (log_t - x), 0.0)
    if reduction != "batchmean":
        return reduce_losses(losses, reduction, dtype)
    if losses.ndim == 0:
        raise ShapeError("reduction='batchmean' needs an axis of the batch, got scalars")
    return (rt.sum(losses) / losses.shape[0]).astype(dtype)


@api
def gaussian_nll_loss(
    means: Any,
    targets: Any,
    variances: Any,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> rt.Array:
    """``(log(v) + (targets - means) ** 2 / v) / 2`` for variances ``v``, which are at least `eps`.

    Args:
        means: Predicted means, of any shape.
        targets: Of the same shape.
        variances: ``v``: of the same shape, or 1 or nothing for the last axis; or a number.
        full: Whether ``log(2 pi) / 2`` is added.
        eps: Smaller variances count as this; as in PyTorch their slope is that at `eps`.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ArgumentError: if a variance is negative (not under `jit`).

    Example:
        >>> import rtorch as rt
        >>> rt.nn.gaussian_nll_loss(rt.zeros(2), rt.ones(2), rt.ones(2))
        Array(0.5, dtype=float32)

    References:
        Nix & Weigend 1994 (doi:10.1109/ICNN.1994.374138).
    """
    if eps <= 0:
        raise ArgumentError(f"eps: expected a number above 0, got {eps!r}")
    dtype, (x, t, v) = widened(means=means, targets=targets, variances=variances)
    operands(means=x, targets=t)
    v = _fitting(v, x)
    refuse(v < 0, ArgumentError("variances: expected numbers of at least 0, got a negative one"))
    v = v + rt.stop_gradient(rt.maximum(v, eps) - v)
    losses = 0.5 * (rt.log(v) + (x - t) ** 2 / v)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce_losses(losses, reduction, dtype)


def _fitting(v: rt.Array, x: rt.Array) -> rt.Array:
    """Variances that broadcast to the means, of which one may stand for the last axis."""
    if v.shape == x.shape[:-1] and x.ndim > 1:
        v = v[..., None]
    pairs = list(zip(v.shape, x.shape, strict=False))
    if v.ndim not in (0, x.ndim) or any(n not in (1, m) for n, m in pairs):
        raise ShapeError(f"variances: expected shape {x.shape}, {(*x.shape[:-1], 1)} or "
                         f"{x.shape[:-1]}, got {describe(v)}")  # fmt: skip
    return v


@api
def poisson_nll_loss(
    rates: Any,
    targets: Any,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> rt.Array:
    """``exp(x) - t x``, or ``x - t log(x + eps)``: of counts ``t``, up to what depends on ``t``.

    Args:
        rates: ``x``: logarithms of the expected counts, or the expected counts.
        targets: ``t``: counts, of the same shape.
        log_input: Whether `rates` are logarithms.
        full: Whether Stirling's ``t log(t) - t + log(2 pi t) / 2`` is added for ``t`` above 1.
        eps: Keeps the logarithm of an expected count of 0 finite.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.poisson_nll_loss(rt.zeros(2), rt.asarray([1.0, 3.0]))
        Array(1., dtype=float32)
    """
    dtype, (x, t) = operands(rates=rates, targets=targets)
    losses = rt.exp(x) - t * x if log_input else x - t * rt.log(x + eps)
    if full:
        several = t > 1
        n = rt.where(several, t, 1.0)
        stirling = n * rt.log(n) - n + 0.5 * rt.log(2 * math.pi * n)
        losses = losses + rt.where(several, stirling, 0.0)
    return reduce_losses(losses, reduction, dtype)
