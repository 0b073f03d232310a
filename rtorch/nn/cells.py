"""What RNNCell, LSTMCell and GRUCell have in common: one step of a recurrent network.

Weights are those of PyTorch: the rows of ``weight_ih`` and ``weight_hh`` are the gates one below
the other. The files of the layers hold the arithmetic between the gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, describe
from rtorch.nn.initializers import uniform
from rtorch.nn.layer import Layer, Params, arguments, needs_key, stateless
from rtorch.nn.parameters import check_names, parameter_dtype

States: TypeAlias = tuple[rt.Array, ...]  # (h,) or (h, c)


class Cell(NamedTuple):
    """The arithmetic of a step.

    Attributes:
        name: Of the layer, in messages.
        gates: How many blocks of rows the weights have.
        states: How many arrays go from step to step.
        adds_bias: Whether ``bias_hh`` is only ever added to the product with the input.
        step: ``states = step(params, a, states)``, where ``a`` is the product with the input;
            ``states[0]`` is the output.
    """

    name: str
    gates: int
    states: int
    adds_bias: bool
    step: Callable[[Params, rt.Array, States], States]


def recur(params: Params, h: rt.Array) -> rt.Array:
    """The product with the state, all gates in one."""
    y: rt.Array = h @ params["weight_hh"].T
    return y + params["bias_hh"] if "bias_hh" in params else y


def cell_shapes(
    cell: Cell, input_size: int, hidden_size: int, bias: bool, proj_size: int = 0
) -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of one cell."""
    rows, out = cell.gates * hidden_size, proj_size or hidden_size
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, input_size), "weight_hh": (rows, out)}
    if bias:
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    if proj_size:
        shapes["weight_hr"] = (proj_size, hidden_size)
    return shapes


def draw(key: Any, shapes: dict[str, tuple[int, ...]], hidden_size: int, dtype: Any) -> Params:
    """All parameters uniform in ±1/sqrt(hidden_size), as in PyTorch."""
    bound = 1 / math.sqrt(hidden_size)
    keys = rt.random.split(key, len(shapes))
    return {name: uniform(-bound, bound)(k, shape, dtype)
            for k, (name, shape) in zip(keys, shapes.items(), strict=True)}  # fmt: skip


def project(cell: Cell, params: Params, x: rt.Array) -> tuple[Params, rt.Array]:
    """The product with the input, and what is left of the parameters for the step."""
    a = x @ params["weight_ih"].T
    rest = {name: p for name, p in params.items() if not name.endswith("_ih")}
    if "bias_ih" in params:
        a = a + (params["bias_ih"] + rest.pop("bias_hh") if cell.adds_bias else params["bias_ih"])
    return rest, a


def check_hidden(name: str, hidden_size: Any, what: str = "hidden_size") -> None:
    """Raise unless it is a positive int."""
    if not isinstance(hidden_size, int) or hidden_size < 1:
        raise ArgumentError(f"[{name}] {what}: expected an int of 1 or more, got {hidden_size!r}")


def check_features(name: str, x: Any, weight: rt.Array) -> None:
    """Raise unless the last axis of `x` is what the weight was made for."""
    if x.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"[{name}] x: expected shape (..., {weight.shape[-1]}), as the weight "
            f"{describe(weight)} has it, got {describe(x)}"
        )


def check_states(name: str, h0: Any, n: int, shapes: tuple[tuple[int, ...], ...]) -> States:
    """The initial states as a tuple."""
    states = h0 if n > 1 else (h0,)
    if not isinstance(states, tuple | list) or len(states) != n:
        raise ArgumentError(f"[{name}] h0: expected a pair (h0, c0), got {describe(h0)}")
    for label, state, shape in zip(("h0", "c0"), states, shapes, strict=False):
        if getattr(state, "shape", None) != shape:
            raise ShapeError(f"[{name}] {label}: expected shape {shape}, got {describe(state)}")
    return tuple(states)


def cell_layer(cell: Cell, hidden_size: int, bias: bool, dtype: Any) -> Layer:
    """The layer that takes one step."""
    check_hidden(cell.name, hidden_size)

    def init(key: Any, spec: Any) -> Params:
        needs_key(cell.name, key, "init")
        x = arguments(cell.name, spec, ("x", "h0"))["x"]
        if not x.shape:
            raise ShapeError(f"[{cell.name}] x: expected shape (..., input_size), got {x}")
        shapes = cell_shapes(cell, x.shape[-1], hidden_size, bias)
        return draw(key, shapes, hidden_size, parameter_dtype(dtype, x.dtype))

    def call(params: Params, x: Any) -> Any:
        check_names(cell.name, "params", params, cell_shapes(cell, 0, hidden_size, bias))
        given = arguments(cell.name, x, ("x", "h0"))
        x, h0 = given["x"], given.get("h0")
        check_features(cell.name, x, params["weight_ih"])
        shape = (*x.shape[:-1], hidden_size)
        if h0 is None:
            states: States = (rt.zeros(shape, dtype=params["weight_hh"].dtype),) * cell.states
        else:
            states = check_states(cell.name, h0, cell.states, (shape, shape))
        rest, a = project(cell, params, x)
        states = cell.step(rest, a, states)
        return states if cell.states > 1 else states[0]

    call.__qualname__ = f"{cell.name}.call"
    return stateless(init, call)
