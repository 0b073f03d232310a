"""What an optimizer is: a pair of functions, ``init`` and ``update``.

The state is a pytree that keeps its structure, shapes and dtypes from step to step, so that a
step compiles once and its buffers can be donated. Only floating leaves are optimized: an integer
among the parameters has no state and gets a zero update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe
from rtorch.optim.fit import check_updates

_LAST_STEP = 2**31 - 1

Params: TypeAlias = Any
Updates: TypeAlias = Any
State: TypeAlias = Any
Number: TypeAlias = "float | rt.Array"
LearningRate: TypeAlias = "Number | Callable[[rt.Array], Any]"


class Optimizer(NamedTuple):
    """A way to turn gradients into updates of parameters.

    Attributes:
        init: ``state = opt.init(params)``.
        update: ``updates, state = opt.update(grads, state, params)``, all of the structure of
            `params`; ``apply_updates(params, updates)`` makes the step. Named arguments beyond
            these (``value``, ``value_and_grad``) pass through all optimizers of optimizers to the
            one that wants them, such as `lbfgs`; the others do not look at them.

    Example:
        >>> import rtorch as rt
        >>> opt = rt.optim.sgd(0.1)
        >>> params = {"w": rt.asarray([1.0, 2.0])}
        >>> state = opt.init(params)
        >>> updates, state = opt.update({"w": rt.ones(2)}, state, params)
        >>> rt.optim.apply_updates(params, updates)
        {'w': Array([0.9, 1.9], dtype=float32)}
    """

    init: Callable[[Params], State]
    update: Callable[..., tuple[Updates, State]]


@api
def apply_updates(params: Params, updates: Updates) -> Params:
    """``params + updates``, in the dtypes of `params`; leaves that are not floating stay.

    Args:
        params: The parameters.
        updates: What an optimizer gave; None leaves a parameter as it is.

    Raises:
        TreeError: if the structures differ.
        ShapeError: if an update has another shape than its parameter.

    Example:
        >>> import rtorch as rt
        >>> params = {"w": rt.zeros(2), "seen": 7}
        >>> rt.optim.apply_updates(params, {"w": rt.ones(2), "seen": 0})
        {'seen': 7, 'w': Array([1., 1.], dtype=float32)}
    """

    def moved(p: Any, u: Any) -> Any:
        if not is_trained(p) or u is None:
            return p
        p = rt.asarray(p)
        return (p + u).astype(p.dtype)

    check_updates("apply_updates", "updates", params, updates)
    return rt.tree.map(moved, params, updates)


def transformation(f: Callable[[Updates, Params], Updates]) -> Optimizer:
    """The optimizer without state of a function of gradients and parameters."""

    @api
    def init(params: Params) -> tuple[()]:
        return ()

    @api
    def update(
        grads: Updates, state: tuple[()], params: Params = None, **extra: Any
    ) -> tuple[Updates, tuple[()]]:
        return f(evaluated(grads, params, extra)[0], params), state

    return Optimizer(init, update)


def evaluated(
    grads: Updates, params: Params, extra: dict[str, Any]
) -> tuple[Updates, dict[str, Any]]:
    """Gradients, made by ``value_and_grad`` where they were left out, and the named arguments."""
    if grads is None and (f := extra.get("value_and_grad")) is not None:
        value, grads = f(params)
        extra = extra | {"value": value}
    return grads, extra


def check_optimizer(function: str, name: str, value: Any) -> None:
    """Raise unless `value` is an `Optimizer`; `name` is the argument."""
    if not isinstance(value, Optimizer):
        raise ArgumentError(f"[{function}] {name}: expected an Optimizer, got {describe(value)}")


def is_trained(leaf: Any) -> bool:
    """Whether a leaf of the parameters is optimized: real and complex numbers are."""
    if isinstance(leaf, (float, complex)):
        return True
    return hasattr(leaf, "dtype") and rt.isdtype(leaf.dtype, ("real floating", "complex floating"))


def map_trained(f: Callable[..., Any], params: Params, *rest: Any) -> Any:
    """`f` of each optimized leaf of `params` and what `rest` has there; None elsewhere."""
    return rt.tree.map(
        lambda p, *xs: f(rt.asarray(p), *xs) if is_trained(p) else None, params, *rest
    )


def updates_like(params: Params, updates: Updates) -> Updates:
    """`updates` with zeros in the place of None, so that the structure is that of `params`."""
    return rt.tree.map(lambda p, u: u if is_trained(p) else rt.zeros_like(p), params, updates)


def zeros_like(params: Params) -> Any:
    """State that starts at zero: an array for every optimized leaf."""
    return map_trained(rt.zeros_like, params)


def first_step() -> rt.Array:
    """The counter of steps as it begins."""
    return rt.asarray(0, dtype=rt.int32)


def next_step(step: rt.Array) -> rt.Array:
    """The counter one step on; it stays at the largest int32 instead of becoming negative."""
    return rt.minimum(step, _LAST_STEP - 1) + 1


def rate_at(learning_rate: LearningRate, step: rt.Array) -> Any:
    """The learning rate of a step: a float, or a float64 scalar array of a schedule.

    Scalars that depend on the step are float64 for all parameters, as PyTorch's are: in float32
    ``1 - 0.999`` alone would be wrong by 1e-5 of itself.
    """
    rate = learning_rate(step) if callable(learning_rate) else learning_rate
    return float(rate) if is_number(rate) else rt.asarray(rate).astype(rt.float64)


def scale(x: rt.Array, factor: Any) -> rt.Array:
    """``x * factor`` in the dtype of `x`; `factor` is a float or a scalar array."""
    return x * (factor.astype(x.dtype) if isinstance(factor, rt.Array) else factor)


def need_params(optimizer: str, params: Params) -> None:
    """Raise unless the parameters were given."""
    if params is None:
        raise ArgumentError(
            f"[{optimizer}] update needs the parameters: opt.update(grads, state, params)"
        )


def check_fraction(optimizer: str, **values: Any) -> None:
    """Raise unless every value is in ``[0, 1)``; arrays pass, their values may be unknown."""
    for name, value in values.items():
        if is_number(value) and not 0 <= value < 1:
            raise ArgumentError(f"[{optimizer}] {name}: expected 0 <= {name} < 1, got {value!r}")


def check_not_negative(optimizer: str, **values: Any) -> None:
    """Raise if a value is a negative number; functions (schedules) and arrays pass."""
    for name, value in values.items():
        if is_number(value) and not value >= 0:
            raise ArgumentError(f"[{optimizer}] {name}: expected 0 or more, got {value!r}")


def check_positive(optimizer: str, **values: Any) -> None:
    """Raise unless every value is a number above 0; functions (schedules) and arrays pass."""
    for name, value in values.items():
        if is_number(value) and not value > 0:
            raise ArgumentError(f"[{optimizer}] {name}: expected more than 0, got {value!r}")


def check_kind(optimizer: str, name: str, value: Any) -> None:
    """Raise unless a hyperparameter is a number, an array or a function of the step."""
    if not (is_number(value) or callable(value) or hasattr(value, "dtype")):
        raise ArgumentError(
            f"[{optimizer}] {name}: expected a number, an array or a function of the step, got "
            f"{describe(value)}"
        )


def is_number(value: Any) -> bool:
    """Whether a hyperparameter is a Python number, known while the optimizer is made."""
    return isinstance(value, (int, float))


def is_on(value: Any) -> bool:
    """Whether a hyperparameter is something else than the number 0, which switches it off."""
    return not (is_number(value) and value == 0)
