"""L-BFGS: curvature from the last steps, for losses without noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, api
from rtorch.optim.base import (
    LearningRate,
    Optimizer,
    Params,
    Updates,
    check_not_negative,
    check_positive,
    first_step,
    is_trained,
    map_trained,
    need_params,
    next_step,
    rate_at,
    updates_like,
)
from rtorch.optim.fit import check_state, check_updates
from rtorch.optim.line_search import Point, strong_wolfe

_LEAST_CURVATURE = 1e-10  # a pair of differences with less is not remembered


class LBFGSState(NamedTuple):
    """State of `lbfgs`, in which all leaves of the parameters are one vector.

    Attributes:
        step: Number of updates so far, int32.
        params: The parameters before the last step; what was made of it by others counts.
        grad: The gradient there.
        steps: The last steps, one a row, the newest in the last.
        changes: What they changed in the gradient.
        inverse: 1 divided by the dot products of the two; 0 where there is nothing yet.
        scale: The size of the inverse Hessian.

    Example:
        >>> import rtorch as rt
        >>> rt.optim.lbfgs(history_size=5).init({"w": rt.ones((2, 3))}).steps.shape
        (5, 6)
    """

    step: rt.Array
    params: rt.Array
    grad: rt.Array
    steps: rt.Array
    changes: rt.Array
    inverse: rt.Array
    scale: rt.Array


def lbfgs(
    learning_rate: LearningRate = 1.0,
    history_size: int = 100,
    *,
    line_search_fn: str | None = "strong_wolfe",
    max_line_search: int = 25,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
) -> Optimizer:
    """L-BFGS; one update is one iteration of PyTorch's.

    Its ``update`` has two more arguments:
    ``opt.update(grads, state, params, value_and_grad=f, value=None)``, where ``f(params)`` gives
    the loss and its gradients for the line search. `grads` may be None, and `value` left out: then
    `f` is called once more.

    Args:
        learning_rate: The length that the line search tries first, or of every step without one;
            in the first step at most 1 divided by the sum of the sizes of the gradients.
        history_size: How many steps are remembered; 2 vectors for each.
        line_search_fn: ``"strong_wolfe"``, or None for steps of a fixed length (PyTorch's default).
        max_line_search: The largest number of evaluations in a line search.
        tolerance_grad: No step where all gradients are smaller.
        tolerance_change: No step where the slope is smaller, and no smaller bracket in the search.

    Raises:
        ArgumentError: in ``update``, if the line search has no function.
        DTypeError: for complex parameters.

    Example:
        >>> import rtorch as rt
        >>> rosenbrock = lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        >>> f = rt.value_and_grad(rosenbrock)
        >>> opt = rt.optim.lbfgs()
        >>> p = rt.asarray([-1.2, 1.0], dtype=rt.float64)
        >>> state = opt.init(p)
        >>> for _ in range(40):
        ...     updates, state = opt.update(None, state, p, value_and_grad=f)
        ...     p = rt.optim.apply_updates(p, updates)
        >>> float(rosenbrock(p)) < 1e-8
        True

    References:
        Liu & Nocedal 1989, On the limited memory BFGS method for large scale optimization.
    """
    check_positive("lbfgs", history_size=history_size, max_line_search=max_line_search)
    check_not_negative(
        "lbfgs",
        learning_rate=learning_rate,
        tolerance_grad=tolerance_grad,
        tolerance_change=tolerance_change,
    )
    if line_search_fn not in ("strong_wolfe", None):
        raise ArgumentError(
            f"[lbfgs] line_search_fn: expected 'strong_wolfe' or None, got {line_search_fn!r}"
        )

    @api
    def init(params: Params) -> LBFGSState:
        x = _flat(params, params)
        rows = rt.zeros((history_size, x.size), dtype=x.dtype)
        inverse = rt.zeros(history_size, dtype=x.dtype)
        scale = rt.ones((), dtype=x.dtype)
        return LBFGSState(first_step(), x + 0, rt.zeros_like(x), rows, rows + 0, inverse, scale)

    def first_length(state: LBFGSState, g: rt.Array) -> rt.Array:
        rate = rt.asarray(rate_at(learning_rate, state.step), dtype=g.dtype)
        short = rt.minimum(1.0, 1 / rt.maximum(rt.sum(rt.abs(g)), tolerance_grad))
        return rate * rt.where(state.step == 0, short, 1.0)

    @api
    def update(
        grads: Updates,
        state: LBFGSState,
        params: Params = None,
        *,
        value_and_grad: Callable[[Params], tuple[Any, Updates]] | None = None,
        value: Any = None,
        **extra: Any,
    ) -> tuple[Updates, LBFGSState]:
        need_params("lbfgs", params)
        f = value_and_grad
        if f is None and (grads is None or line_search_fn):
            raise ArgumentError(
                "[lbfgs] update needs the function of the line search: "
                "opt.update(grads, state, params, value_and_grad=rt.value_and_grad(loss)); "
                "or make lbfgs with line_search_fn=None"
            )
        if f is not None and (grads is None or (line_search_fn and value is None)):
            value, grads = f(params)
        check_state("lbfgs", state, LBFGSState)
        check_updates("lbfgs", "grads", params, grads)
        x, g = _flat(params, params), _flat(params, grads)
        state = _remember(state, x, g)
        d = _direction(state, g)
        slope = rt.sum(g * d)
        t = first_length(state, g)
        if f is not None and line_search_fn:
            start = Point(rt.zeros_like(t), rt.asarray(value).astype(g.dtype), g, slope)
            point = strong_wolfe(
                lambda t: _point(f, params, x, d, t),
                start,
                t,
                smallest=tolerance_change / rt.maximum(_largest(d), 1e-30),
                max_tries=max_line_search,
            )
            t = point.t
        stays = (_largest(g) <= tolerance_grad) | (slope > -tolerance_change)
        moved = d * rt.where(stays, 0.0, t)
        state = state._replace(step=next_step(state.step), params=x, grad=g)
        return updates_like(params, _unflat(params, moved)), state

    return Optimizer(init, update)


def _point(f: Any, params: Params, x: rt.Array, d: rt.Array, t: rt.Array) -> Point:
    moved = _unflat(params, x + d * t)
    value, grads = f(rt.tree.map(lambda p, q: p if q is None else q, params, moved))
    g = _flat(params, grads)
    return Point(t, rt.asarray(value).astype(g.dtype), g, rt.sum(g * d))


def _remember(state: LBFGSState, x: rt.Array, g: rt.Array) -> LBFGSState:
    """The state with the last step and its change of the gradient, if they curve upwards."""
    s, y = x - state.params, g - state.grad
    curvature = rt.sum(s * y)
    use = (curvature > _LEAST_CURVATURE) & (state.step > 0)
    safe = rt.where(use, curvature, 1.0)

    def pushed(rows: rt.Array, row: rt.Array) -> rt.Array:
        return rt.where(use, rt.concatenate([rows[1:], row[None]]), rows)

    return state._replace(
        steps=pushed(state.steps, s),
        changes=pushed(state.changes, y),
        inverse=pushed(state.inverse, 1 / safe),
        scale=rt.where(use, safe / rt.where(use, rt.sum(y * y), 1.0), state.scale),
    )


def _direction(state: LBFGSState, g: rt.Array) -> rt.Array:
    """Minus the gradient, times the inverse Hessian that the remembered steps make."""
    rows = (state.steps, state.changes, state.inverse)

    def back(q: rt.Array, row: Any) -> tuple[rt.Array, rt.Array]:
        s, y, inverse = row
        a = rt.sum(s * q) * inverse
        return q - y * a, a

    def forth(r: rt.Array, row: Any) -> tuple[rt.Array, None]:
        (s, y, inverse), a = row
        return r + s * (a - rt.sum(y * r) * inverse), None

    q, a = rt.scan(back, -g, rows, reverse=True)
    return rt.scan(forth, q * state.scale, (rows, a))[0]


def _flat(params: Params, tree: Any) -> rt.Array:
    """The optimized leaves as one vector, in their common dtype or float32."""
    leaves = rt.tree.leaves(map_trained(_present, params, tree))
    dtype = rt.result_type(rt.float32, *(rt.asarray(p) for p in _trained(params)))
    if rt.isdtype(dtype, "complex floating"):
        raise DTypeError("[lbfgs] expected real parameters, got complex: split them into parts")
    parts = [x.reshape(-1).astype(dtype) for x in leaves]
    return rt.concatenate(parts) if parts else rt.zeros(0, dtype=dtype)


def _largest(x: rt.Array) -> rt.Array:
    """The largest size of a number in `x`; 0 where there is none."""
    return rt.max(rt.abs(x), initial=0.0)


def _present(p: rt.Array, x: Any) -> rt.Array:
    return rt.zeros_like(p) if x is None else rt.asarray(x)


def _unflat(params: Params, x: rt.Array) -> Any:
    """Slices of a vector in shapes and dtypes of the optimized leaves; None elsewhere."""
    begin = 0

    def piece(p: rt.Array) -> rt.Array:
        nonlocal begin
        begin += p.size
        return x[begin - p.size : begin].reshape(p.shape).astype(p.dtype)

    return map_trained(piece, params)


def _trained(params: Params) -> list[Any]:
    return [p for p in rt.tree.leaves(params) if is_trained(p)]
