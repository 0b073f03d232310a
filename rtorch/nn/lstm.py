"""LSTM and LSTMCell: long short-term memory.

The rows of the weights are the gates in the order input, forget, cell, output.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.nn.cells import Cell, States, cell_layer, recur
from rtorch.nn.layer import Layer, Params
from rtorch.nn.recurrent import Net, recurrent_layer

__all__ = ["LSTM", "LSTMCell"]


def _lstm_step(params: Params, a: rt.Array, states: States) -> States:
    h, c = states
    i, f, g, o = rt.split(a + recur(params, h), 4, axis=-1)
    c = rt.sigmoid(f) * c + rt.sigmoid(i) * rt.tanh(g)
    h = rt.sigmoid(o) * rt.tanh(c)
    return (h @ params["weight_hr"].T if "weight_hr" in params else h), c


def lstm(name: str = "LSTM") -> Cell:
    """``c' = σ(f) c + σ(i) tanh(g)``, ``h' = σ(o) tanh(c')``, perhaps projected."""
    return Cell(name, 4, 2, True, _lstm_step)


def LSTM(
    hidden_size: int,
    num_layers: int = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
    proj_size: int = 0,
    *,
    return_state: bool = False,
    unroll: int = 1,
    checkpoint: int | str | None = None,
    dtype: Any = None,
) -> Layer:
    """Long short-term memory, with forget gates.

    Input, output and options are those of `RNN`, but a state is a pair ``(h, c)``: the input may be
    ``(x, (h0, c0))``, and with ``return_state=True`` the result is ``(y, (h_n, c_n))``.

    Args:
        hidden_size: Length of the states.
        num_layers: See `RNN`, as for all that follows.
        bias: Whether there are biases.
        batch_first: Whether ``x`` and ``y`` have shape ``(batch, steps, features)``.
        dropout: Fraction dropped between layers in training.
        bidirectional: Whether each layer runs in both directions.
        proj_size: If positive, ``h`` is projected to this length by ``weight_hr_l0``.
        return_state: Whether the last states are returned too.
        unroll: See `rt.scan`.
        checkpoint: See `rt.scan`.
        dtype: Dtype of the parameters.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.LSTM(4, batch_first=True, return_state=True)
        >>> params, state = net.init(rt.random.key(0), rt.spec((2, 5, 3)))
        >>> x, lengths = rt.ones((2, 5, 3)), rt.asarray([5, 2])
        >>> (y, (h, c)), _ = net.apply(params, state, {"x": x, "lengths": lengths})
        >>> y.shape, bool(rt.all(y[1, 2:] == 0)), bool(rt.all(y[1, 1] == h[0, 1]))
        ((2, 5, 4), True, True)

    References:
        Hochreiter & Schmidhuber 1997; Gers et al. 2000; Sak et al. 2014 (arXiv:1402.1128) for the
        projection.
    """
    return recurrent_layer(
        Net(lstm(), hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
             return_state, unroll, checkpoint, dtype)
    )  # fmt: skip


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
    return cell_layer(lstm("LSTMCell"), hidden_size, bias, dtype)
