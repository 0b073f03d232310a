"""One step of a recurrent network: RNNCell, LSTMCell, GRUCell, and the arithmetic in them.

Weights are those of PyTorch: the rows of ``weight_ih`` and ``weight_hh`` are the gates one below
the other, for the LSTM in the order input, forget, cell, output, for the GRU reset, update, new.

References:
    Elman 1990, Finding structure in time.
    Hochreiter & Schmidhuber 1997, Long short-term memory; Gers et al. 2000 for the forget gate.
    Cho et al. 2014 (arXiv:1406.1078), in the variant of cuDNN that resets after the product.
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


def _recur(params: Params, h: rt.Array) -> rt.Array:
    y: rt.Array = h @ params["weight_hh"].T
    return y + params["bias_hh"] if "bias_hh" in params else y


def rnn(nonlinearity: str, name: str = "RNN") -> Cell:
    """``h' = tanh(a + W h)``, or with relu."""
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"[{name}] nonlinearity: expected 'tanh' or 'relu', "
                            f"got {nonlinearity!r}")  # fmt: skip
    activation = rt.tanh if nonlinearity == "tanh" else rt.relu

    def step(params: Params, a: rt.Array, states: States) -> States:
        return (activation(a + _recur(params, states[0])),)

    return Cell(name, 1, 1, True, step)


def _lstm_step(params: Params, a: rt.Array, states: States) -> States:
    h, c = states
    i, f, g, o = rt.split(a + _recur(params, h), 4, axis=-1)
    c = rt.sigmoid(f) * c + rt.sigmoid(i) * rt.tanh(g)
    h = rt.sigmoid(o) * rt.tanh(c)
    return (h @ params["weight_hr"].T if "weight_hr" in params else h), c


def lstm(name: str = "LSTM") -> Cell:
    """``c' = σ(f) c + σ(i) tanh(g)``, ``h' = σ(o) tanh(c')``, perhaps projected."""
    return Cell(name, 4, 2, True, _lstm_step)


def _gru_step(params: Params, a: rt.Array, states: States) -> States:
    (h,) = states
    a_r, a_z, a_n = rt.split(a, 3, axis=-1)
    r, z, n = rt.split(_recur(params, h), 3, axis=-1)
    z = rt.sigmoid(a_z + z)
    n = rt.tanh(a_n + rt.sigmoid(a_r + r) * n)
    return (n + z * (h - n),)


def gru(name: str = "GRU") -> Cell:
    """``h' = (1 - z) n + z h``."""
    return Cell(name, 3, 1, False, _gru_step)


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


def _cell_layer(cell: Cell, hidden_size: int, bias: bool, dtype: Any) -> Layer:
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


def RNNCell(
    hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *, dtype: Any = None
) -> Layer:
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``: one step of `RNN`.

    Args:
        hidden_size: Length of the state.
        bias: Whether there are ``bias_ih`` and ``bias_hh``.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` from ``x`` or ``(x, h)`` to the next ``h``; without `h` it begins with zeros.

    Example:
        >>> import rtorch as rt
        >>> cell = rt.nn.RNNCell(4)
        >>> params, state = cell.init(rt.random.key(0), rt.spec((2, 3)))
        >>> h, state = cell.apply(params, state, (rt.ones((2, 3)), rt.zeros((2, 4))))
        >>> h.shape
        (2, 4)
    """
    return _cell_layer(rnn(nonlinearity, "RNNCell"), hidden_size, bias, dtype)


def LSTMCell(hidden_size: int, bias: bool = True, *, dtype: Any = None) -> Layer:
    """One step of `LSTM`.

    Args:
        hidden_size: Length of the two states.
        bias: Whether there are ``bias_ih`` and ``bias_hh``.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` from ``x`` or ``(x, (h, c))`` to the next ``(h, c)``.

    Example:
        A loop of one's own, with `rt.scan`:

        >>> import rtorch as rt
        >>> cell = rt.nn.LSTMCell(4)
        >>> params, _ = cell.init(rt.random.key(0), rt.spec((2, 3)))
        >>> def step(carry, x):
        ...     h, c = cell.apply(params, {}, (x, carry))[0]
        ...     return (h, c), h
        >>> start = rt.zeros((2, 4)), rt.zeros((2, 4))
        >>> last, hs = rt.scan(step, start, rt.ones((5, 2, 3)))
        >>> hs.shape
        (5, 2, 4)
    """
    return _cell_layer(lstm("LSTMCell"), hidden_size, bias, dtype)


def GRUCell(hidden_size: int, bias: bool = True, *, dtype: Any = None) -> Layer:
    """One step of `GRU`.

    Args:
        hidden_size: Length of the state.
        bias: Whether there are ``bias_ih`` and ``bias_hh``.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` from ``x`` or ``(x, h)`` to the next ``h``.

    Example:
        >>> import rtorch as rt
        >>> cell = rt.nn.GRUCell(4)
        >>> params, state = cell.init(rt.random.key(0), rt.spec((2, 3)))
        >>> cell.apply(params, state, rt.ones((2, 3)))[0].shape
        (2, 4)
    """
    return _cell_layer(gru("GRUCell"), hidden_size, bias, dtype)
