"""Optimizers around an optimizer: accumulation, skipping, hyperparameters in the state."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.optim.base import (
    Optimizer,
    Params,
    State,
    Updates,
    check_not_negative,
    check_optimizer,
    check_positive,
    evaluated,
    first_step,
    is_trained,
    map_trained,
    next_step,
    rate_at,
)
from rtorch.optim.fit import check_state


class AccumulateState(NamedTuple):
    """State of `accumulate`.

    Attributes:
        collected: Gradients collected for the next step, int32.
        mean: Their sum divided by the number wanted, float32 or wider.
        inner: The state of the optimizer.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.accumulate(rt.optim.sgd(0.1), 4).init(rt.ones(1)).collected
        Array(0, dtype=int32)
    """

    collected: rt.Array
    mean: Any
    inner: State


def accumulate(optimizer: Optimizer, steps: int) -> Optimizer:
    """`optimizer` with the mean of the gradients of every `steps` updates; zeros between.

    Args:
        optimizer: It is run in every `steps`-th update only, and counts its own steps; named
            arguments (``value``) are those of this update.
        steps: How many gradients make a step.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.accumulate(rt.optim.sgd(1.0), 2)
        >>> state = opt.init(rt.ones(1))
        >>> first, state = opt.update(rt.full(1, 1.0), state)
        >>> second, state = opt.update(rt.full(1, 3.0), state)
        >>> first, second
        (Array([0.], dtype=float32), Array([-2.], dtype=float32))
    """
    check_optimizer("accumulate", "optimizer", optimizer)
    check_positive("accumulate", steps=steps)

    @api
    def init(params: Params) -> AccumulateState:
        mean = map_trained(lambda p: rt.zeros_like(p, dtype=_wide(p)), params)
        return AccumulateState(first_step(), mean, optimizer.init(params))

    @api
    def update(
        grads: Updates, state: AccumulateState, params: Params = None, **extra: Any
    ) -> tuple[Updates, AccumulateState]:
        check_state("accumulate", state, AccumulateState)
        grads, extra = evaluated(grads, params, extra)
        like = grads if params is None else params
        mean = map_trained(
            lambda p, g, m: m if g is None else m + rt.asarray(g).astype(m.dtype) / steps,
            like,
            grads,
            state.mean,
        )
        whole = rt.tree.map(
            lambda p, g, m: g if g is None or not is_trained(p) else m.astype(rt.asarray(g).dtype),
            like,
            grads,
            mean,
        )
        done = state.collected + 1 >= steps
        updates, inner = _if(done, optimizer, whole, state.inner, params, extra)
        left = map_trained(lambda p, m: rt.where(done, rt.zeros_like(m), m), like, mean)
        collected = rt.where(done, 0, state.collected + 1).astype(rt.int32)
        return updates, AccumulateState(collected, left, inner)

    return Optimizer(init, update)


class SkipState(NamedTuple):
    """State of `skip_nonfinite`.

    Attributes:
        in_a_row: Updates skipped since the last that was made, int32.
        total: All updates skipped, int32.
        inner: The state of the optimizer.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.skip_nonfinite(rt.optim.sgd(0.1)).init(rt.ones(1)).total
        Array(0, dtype=int32)
    """

    in_a_row: rt.Array
    total: rt.Array
    inner: State


def skip_nonfinite(optimizer: Optimizer, max_in_a_row: int | None = None) -> Optimizer:
    """`optimizer`, but no step and the old state where a gradient is infinite or not a number.

    Args:
        optimizer: The optimizer.
        max_in_a_row: After so many skipped updates the next one is made whatever comes, so that
            an error shows; None skips for ever.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.skip_nonfinite(rt.optim.sgd(1.0))
        >>> updates, state = opt.update(rt.asarray([float("inf")]), opt.init(rt.ones(1)))
        >>> updates, state.total
        (Array([0.], dtype=float32), Array(1, dtype=int32))
    """
    check_optimizer("skip_nonfinite", "optimizer", optimizer)
    check_not_negative("skip_nonfinite", max_in_a_row=max_in_a_row)

    @api
    def init(params: Params) -> SkipState:
        return SkipState(first_step(), first_step(), optimizer.init(params))

    @api
    def update(
        grads: Updates, state: SkipState, params: Params = None, **extra: Any
    ) -> tuple[Updates, SkipState]:
        check_state("skip_nonfinite", state, SkipState)
        grads, extra = evaluated(grads, params, extra)
        good = all_finite(grads)
        run = good if max_in_a_row is None else good | (state.in_a_row >= max_in_a_row)
        updates, inner = _if(run, optimizer, grads, state.inner, params, extra)
        in_a_row = rt.where(good, 0, state.in_a_row + 1).astype(rt.int32)
        return updates, SkipState(in_a_row, state.total + (~good).astype(rt.int32), inner)

    return Optimizer(init, update)


@api
def all_finite(tree: Any) -> rt.Array:
    """Whether all floating leaves are finite, as a scalar bool array.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.optim.all_finite({"a": rt.ones(2), "b": rt.asarray([float("nan")])}))
        False
    """
    found = rt.asarray(True)
    for x in rt.tree.leaves(tree):
        if is_trained(x):
            found = found & rt.all(rt.isfinite(rt.asarray(x)))
    return found


class InjectState(NamedTuple):
    """State of `inject_hyperparams`.

    Attributes:
        step: Number of updates so far, int32.
        hyperparams: The values of the last update, float64, by name; those of numbers may be
            replaced between steps.
        inner: The state of the optimizer.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.inject_hyperparams(rt.optim.adam)(learning_rate=0.5)
        >>> opt.init(rt.ones(1)).hyperparams
        {'learning_rate': Array(0.5, dtype=float64)}
    """

    step: rt.Array
    hyperparams: dict[str, rt.Array]
    inner: State


def inject_hyperparams(make: Callable[..., Optimizer]) -> Callable[..., Optimizer]:
    """A maker of optimizers whose given hyperparameters are arrays in the state.

    Args:
        make: A function such as `adam`.

    Returns:
        A function of the same arguments. Those given as floats can be read and changed in
        ``state.hyperparams``, without compiling again; those given as functions of the step are
        schedules, whichever they are, and can be read there. All others stay as they are.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.inject_hyperparams(rt.optim.sgd)(learning_rate=1.0)
        >>> state = opt.init(rt.ones(1))
        >>> state.hyperparams["learning_rate"] = rt.asarray(0.25, dtype=rt.float64)
        >>> opt.update(rt.ones(1), state)[0]
        Array([-0.25], dtype=float32)
    """

    def injected(*args: Any, **kwargs: Any) -> Optimizer:
        make(*args, **kwargs)  # for its errors
        given = inspect.signature(make).bind(*args, **kwargs).arguments
        live = {name: x for name, x in given.items() if type(x) is float or callable(x)}
        static = {name: x for name, x in given.items() if name not in live}
        if not live:
            raise ArgumentError(
                "[inject_hyperparams] expected one hyperparameter at least, a float or a function "
                f"of the step, got {sorted(given)}"
            )

        def values(step: rt.Array, now: dict[str, rt.Array]) -> dict[str, rt.Array]:
            return {
                name: rt.asarray(
                    rate_at(x, step) if callable(x) else now.get(name, x), dtype=rt.float64
                )
                for name, x in live.items()
            }

        @api
        def init(params: Params) -> InjectState:
            step = first_step()
            hyperparams = values(step, {})
            return InjectState(step, hyperparams, make(**static, **hyperparams).init(params))

        @api
        def update(
            grads: Updates, state: InjectState, params: Params = None, **extra: Any
        ) -> tuple[Updates, InjectState]:
            check_state("inject_hyperparams", state, InjectState)
            hyperparams = values(state.step, state.hyperparams)
            inner = make(**static, **hyperparams)
            updates, inner_state = inner.update(grads, state.inner, params, **extra)
            return updates, InjectState(next_step(state.step), hyperparams, inner_state)

        return Optimizer(init, update)

    return injected


def _if(
    condition: rt.Array,
    optimizer: Optimizer,
    grads: Updates,
    state: State,
    params: Params,
    extra: dict[str, Any],
) -> tuple[Updates, State]:
    """The optimizer's update, or zeros and the old state; only one of them is computed."""
    zeros = rt.tree.map(rt.zeros_like, grads if params is None else params)
    return rt.cond(
        condition,
        lambda: optimizer.update(grads, state, params, **extra),
        lambda: (zeros, state),
    )


def _wide(p: rt.Array) -> Any:
    return rt.promote_types(p.dtype, rt.float32)
