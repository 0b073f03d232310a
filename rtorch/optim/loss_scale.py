"""Loss scaling: keeps the small gradients of float16 from becoming 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.optim.base import Updates, check_positive, map_trained, updates_like
from rtorch.optim.wrappers import all_finite

_LARGEST = 2.0**127


class LossScaleState(NamedTuple):
    """State of a `LossScale`: the factor, float32, and how many steps it has been good, int32.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.dynamic_loss_scale().init()
        LossScaleState(scale=Array(65536., dtype=float32), good=Array(0, dtype=int32))
    """

    scale: rt.Array
    good: rt.Array


class LossScale(NamedTuple):
    """Functions that multiply a loss, and divide its gradients by the same.

    With an optimizer in `skip_nonfinite`, a step whose gradients overflowed is not made, and
    `adjust` makes the scale smaller for the next.

    Attributes:
        init: ``state = init()``.
        scale: ``loss = scale(loss, state)``.
        unscale: ``grads = unscale(grads, state)``, in float32 or wider.
        adjust: ``state = adjust(grads, state)``, by whether all gradients are finite.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import optim
        >>> scaling, opt = optim.dynamic_loss_scale(), optim.skip_nonfinite(optim.sgd(0.5))
        >>> x = rt.asarray([1.0, 2.0], dtype=rt.float16)
        >>> scale_state, state = scaling.init(), opt.init(x)
        >>> def loss(x):
        ...     return scaling.scale(rt.sum(x.astype(rt.float32) ** 2), scale_state)
        >>> grads = scaling.unscale(rt.grad(loss)(x), scale_state)  # 2 * 2 * 65536 is too much
        >>> updates, state = opt.update(grads, state, x)
        >>> scale_state = scaling.adjust(grads, scale_state)
        >>> updates, scale_state.scale
        (Array([0., 0.], dtype=float16), Array(32768., dtype=float32))

    References:
        Micikevicius et al. 2018 (arXiv:1710.03740).
    """

    init: Callable[[], LossScaleState]
    scale: Callable[[Any, LossScaleState], rt.Array]
    unscale: Callable[[Updates, LossScaleState], Updates]
    adjust: Callable[[Updates, LossScaleState], LossScaleState]


def static_loss_scale(scale: float) -> LossScale:
    """A `LossScale` that stays.

    Args:
        scale: The factor, best a power of 2.

    Example:
        >>> import rtorch as rt
        >>> scaling = rt.optim.static_loss_scale(1024.0)
        >>> float(scaling.scale(rt.asarray(0.5), scaling.init()))
        512.0
    """
    check_positive("static_loss_scale", scale=scale)
    return _loss_scale(scale, lambda grads, state: state)


def dynamic_loss_scale(
    scale: float = 2.0**16,
    growth_factor: float = 2.0,
    backoff_factor: float = 0.5,
    growth_interval: int = 2000,
) -> LossScale:
    """A `LossScale` that falls on overflow and grows after many good steps, as PyTorch's.

    Args:
        scale: The first factor.
        growth_factor: What it is multiplied by after `growth_interval` good steps in a row.
        backoff_factor: What it is multiplied by when a gradient is not finite.
        growth_interval: See `growth_factor`.

    Raises:
        ArgumentError: if a number is out of its range.

    Example:
        >>> import rtorch as rt
        >>> scaling = rt.optim.dynamic_loss_scale(8.0, growth_interval=1)
        >>> float(scaling.adjust(rt.ones(1), scaling.init()).scale)
        16.0
    """
    check_positive(
        "dynamic_loss_scale",
        scale=scale,
        growth_factor=growth_factor,
        backoff_factor=backoff_factor,
        growth_interval=growth_interval,
    )

    if growth_factor < 1 or backoff_factor > 1:
        raise ArgumentError(
            "[dynamic_loss_scale] expected growth_factor >= 1 and backoff_factor <= 1, got "
            f"{growth_factor} and {backoff_factor}"
        )

    def adjust(grads: Updates, state: LossScaleState) -> LossScaleState:
        fine = all_finite(grads)
        good = rt.where(fine, state.good + 1, 0)
        grows = good >= growth_interval
        # An infinite scale would never come back.
        larger = rt.minimum(state.scale, _LARGEST / growth_factor) * growth_factor
        scale = rt.where(fine, rt.where(grows, larger, state.scale), state.scale * backoff_factor)
        return LossScaleState(scale, rt.where(grows, 0, good).astype(rt.int32))

    return _loss_scale(scale, adjust)


def _loss_scale(
    first: float, adjust: Callable[[Updates, LossScaleState], LossScaleState]
) -> LossScale:
    @api
    def init() -> LossScaleState:
        zero = rt.asarray(0, dtype=rt.int32)
        return LossScaleState(rt.asarray(first, dtype=rt.float32), zero)

    @api
    def scale(loss: Any, state: LossScaleState) -> rt.Array:
        return rt.asarray(loss) * state.scale  # float32 or wider: 65536 is infinite in float16

    @api
    def unscale(grads: Updates, state: LossScaleState) -> Updates:
        def one(g: rt.Array) -> rt.Array:
            wide = g.astype(rt.promote_types(g.dtype, rt.float32))
            return wide / state.scale.astype(rt.finfo(wide.dtype).dtype)

        return updates_like(grads, map_trained(one, grads))

    return LossScale(init, scale, unscale, api(adjust))
