"""GRU and GRUCell: gated recurrent units, in the variant that resets after the product.

The rows of the weights are the gates in the order reset, update, new.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.nn.cells import Cell, States, cell_layer, recur
from rtorch.nn.layer import Layer, Params
from rtorch.nn.recurrent import Net, recurrent_layer

__all__ = ["GRU", "GRUCell"]


def _gru_step(params: Params, a: rt.Array, states: States) -> States:
    (h,) = states
    a_r, a_z, a_n = rt.split(a, 3, axis=-1)
    r, z, n = rt.split(recur(params, h), 3, axis=-1)
    z = rt.sigmoid(a_z + z)
    n = rt.tanh(a_n + rt.sigmoid(a_r + r) * n)
    return (n + z * (h - n),)


def gru(name: str = "GRU") -> Cell:
    """``h' = (1 - z) n + z h``."""
    return Cell(name, 3, 1, False, _gru_step)


def GRU(
    hidden_size: int,
    num_layers: int = 1,
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
    """Gated recurrent units, in the variant of PyTorch and cuDNN: reset after the product.

    Input, output and options are those of `RNN`.

    Args:
        hidden_size: Length of the state.
        num_layers: See `RNN`, as for all that follows.
        bias: Whether there are biases.
        batch_first: Whether ``x`` and ``y`` have shape ``(batch, steps, features)``.
        dropout: Fraction dropped between layers in training.
        bidirectional: Whether each layer runs in both directions.
        return_state: Whether the last states are returned too.
        unroll: See `rt.scan`.
        checkpoint: See `rt.scan`.
        dtype: Dtype of the parameters.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.GRU(4), rt.nn.Linear(1))
        >>> params, state = net.init(rt.random.key(0), rt.spec((5, 2, 3)))
        >>> net.apply(params, state, rt.ones((5, 2, 3)))[0].shape
        (5, 2, 1)

    References:
        Cho et al. 2014 (arXiv:1406.1078).
    """
    return recurrent_layer(
        Net(gru(), hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0,
             return_state, unroll, checkpoint, dtype)
    )  # fmt: skip


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
    return cell_layer(gru("GRUCell"), hidden_size, bias, dtype)
