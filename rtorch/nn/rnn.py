"""RNN and RNNCell: Elman 1990, Finding structure in time."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.nn.cells import Cell, States, cell_layer, recur
from rtorch.nn.layer import Layer, Params
from rtorch.nn.recurrent import Net, recurrent_layer

__all__ = ["RNN", "RNNCell"]


def rnn(nonlinearity: str, name: str = "RNN") -> Cell:
    """``h' = tanh(a + W h)``, or with relu."""
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"[{name}] nonlinearity: expected 'tanh' or 'relu', "
                            f"got {nonlinearity!r}")  # fmt: skip
    activation = rt.tanh if nonlinearity == "tanh" else rt.relu

    def step(params: Params, a: rt.Array, states: States) -> States:
        return (activation(a + recur(params, states[0])),)

    return Cell(name, 1, 1, True, step)


def RNN(
    hidden_size: int,
    num_layers: int = 1,
    nonlinearity: str = "tanh",
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
    *,
    return_state: bool = False,
    unroll: int = 1,
    checkpoint: int | str | None = None,
    dtype: Any = None,
) -> Layer:
    """``h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)``, Elman's network.

    The input of ``apply`` is ``x``, shape ``(steps, batch, features)`` or ``(steps, features)``; or
    ``(x, h0)``, ``(x, h0, lengths)``, or a dict of these names. The state in the beginning ``h0``,
    shape ``(num_layers * directions, batch, hidden_size)``, is zeros if it is left out or None.
    ``lengths``, integers of shape ``(batch,)``, say how many steps of each sequence are real (for a
    mask that is ``rt.sum(mask, axis)``): behind them the output is zero, the last state is that
    after the last real step, and the reverse direction begins with it.

    Args:
        hidden_size: Length of the state; that of the input comes from the spec.
        num_layers: Each of the layers takes the outputs of the one before.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: Whether there are ``bias_ih`` and ``bias_hh``.
        batch_first: Whether ``x`` and ``y`` have shape ``(batch, steps, features)``. States have
            the same shape in both cases.
        dropout: Fraction of the outputs of each layer but the last that is dropped in training.
        bidirectional: Whether each layer runs in both directions; outputs are then twice as long.
        return_state: Whether the result is ``(y, h_n)`` with the last states, shaped as ``h0``,
            instead of ``y`` alone, which is what `serial` can use.
        unroll: How many steps the compiled loop takes at once, see `rt.scan`.
        checkpoint: What the loop keeps for derivatives, see `rt.scan`; ``"sqrt"`` saves memory.
        dtype: Dtype of the parameters; by default that of the input if it is floating.

    Returns:
        A `Layer` with PyTorch's parameters ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``,
        ``bias_hh_l0``, ``weight_ih_l0_reverse``, ...

    Raises:
        ShapeError: (``init``, ``apply``) if the input or the states have other shapes.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.RNN(4, bidirectional=True)
        >>> params, state = net.init(rt.random.key(0), rt.spec((5, 2, 3)))
        >>> net.apply(params, state, rt.ones((5, 2, 3)))[0].shape
        (5, 2, 8)
    """
    return recurrent_layer(
        Net(rnn(nonlinearity), hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
             0, return_state, unroll, checkpoint, dtype)
    )  # fmt: skip


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
    return cell_layer(rnn(nonlinearity, "RNNCell"), hidden_size, bias, dtype)
