"""What RNN, LSTM and GRU have in common: layers, directions and lengths, on `rt.scan`.

The product with the input is one matrix product for all steps, outside of the loop. Padded steps
of a batch of sequences keep the states as they are and put out zeros, which is what PyTorch's
packed sequences give; the steps of the cells know nothing of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    OutOfBoundsError,
    ShapeError,
    TreeError,
    api,
    describe,
)
from rtorch.nn.cells import (
    Cell,
    States,
    cell_shapes,
    check_features,
    check_hidden,
    check_states,
    draw,
    project,
)
from rtorch.nn.checks import refuse
from rtorch.nn.dropout import Dropout
from rtorch.nn.layer import Layer, Params, State, arguments, needs_key
from rtorch.nn.parameters import parameter_dtype

_INPUTS = ("x", "h0", "lengths")


class Net(NamedTuple):
    """The options of a recurrent layer, as the three layers have them in common."""

    cell: Cell
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int
    return_state: bool
    unroll: int
    checkpoint: int | str | None
    dtype: Any

    @property
    def name(self) -> str:
        """Of the layer, in messages."""
        return self.cell.name

    @property
    def directions(self) -> tuple[str, ...]:
        """What the names of parameters end with."""
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def out_size(self) -> int:
        """Length of the outputs of one direction."""
        return self.proj_size or self.hidden_size

    def shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters."""
        found: dict[str, tuple[int, ...]] = {}
        for layer in range(self.num_layers):
            size = input_size if layer == 0 else self.out_size * len(self.directions)
            of_cell = cell_shapes(self.cell, size, self.hidden_size, self.bias, self.proj_size)
            for suffix in self.directions:
                found |= {f"{name}_l{layer}{suffix}": shape for name, shape in of_cell.items()}
        return found


def recurrent_layer(net: Net) -> Layer:
    """The layer of a cell, run over sequences."""
    _check_options(net)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key(net.name, key, "init")
        x = arguments(net.name, spec, _INPUTS)["x"]
        _check_rank(net, x)
        shapes = net.shapes(x.shape[-1])
        return draw(key, shapes, net.hidden_size, parameter_dtype(net.dtype, x.dtype)), {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        given = arguments(net.name, x, _INPUTS)
        x = given["x"]
        _check_rank(net, x)
        _check_params(net, params, x)
        axis = 0 if x.ndim == 2 or not net.batch_first else 1
        if axis:
            x = rt.swapaxes(x, 0, 1)
        states = _initial(net, given.get("h0"), x, params)
        real = _real_steps(net, given.get("lengths"), x)
        y, last = _run(net, params, x, states, real, key if train else None, train)
        y = rt.swapaxes(y, 0, 1) if axis else y
        if not net.return_state:
            return y, state
        return (y, last if net.cell.states > 1 else last[0]), state

    apply.__qualname__ = f"{net.name}.apply"
    return Layer(init, apply)


def _run(
    net: Net, params: Params, x: rt.Array, states: States, real: Any, key: Any, train: bool
) -> tuple[rt.Array, States]:
    """All layers; `states` and those returned are stacked, one for each layer and direction."""
    drops = Dropout(net.dropout)
    keys: Any = [None] * net.num_layers
    if train and net.dropout and net.num_layers > 1:
        needs_key(net.name, key, "apply with train=True and dropout")
        keys = rt.random.split(key, net.num_layers)
    finals: list[States] = []
    for layer in range(net.num_layers):
        if layer:
            x = drops.apply({}, {}, x, key=keys[layer], train=train)[0]
        outs = []
        for suffix in net.directions:
            start = tuple([s[len(finals)] for s in states])
            y, last = _direction(net, _select(params, f"_l{layer}{suffix}"), x, start, real,
                                 reverse=bool(suffix))  # fmt: skip
            outs.append(y)
            finals.append(last)
        x = rt.concat(outs, axis=-1) if len(outs) > 1 else outs[0]
    return x, tuple([rt.stack(parts) for parts in zip(*finals, strict=True)])


def _direction(
    net: Net, params: Params, x: rt.Array, states: States, real: Any, reverse: bool
) -> tuple[rt.Array, States]:
    """One layer in one direction: outputs for all steps, and the last states."""
    rest, products = project(net.cell, params, x)

    def step(states: States, now: Any) -> tuple[States, rt.Array]:
        a, is_real = now
        after = net.cell.step(rest, a, states)
        if is_real is None:
            return after, after[0]
        kept = tuple([rt.where(is_real, new, old) for new, old in zip(after, states, strict=True)])
        return kept, rt.where(is_real, after[0], 0)

    last, y = rt.scan(
        step, states, (products, real), x.shape[0], reverse, net.unroll, checkpoint=net.checkpoint
    )
    return y, last


def _select(params: Params, suffix: str) -> Params:
    """The parameters of one cell, by their names there."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return {name: params[name + suffix] for name in names if name + suffix in params}


def _initial(net: Net, h0: Any, x: rt.Array, params: Params) -> States:
    n, batch = net.num_layers * len(net.directions), x.shape[1:-1]
    shapes = (n, *batch, net.out_size), (n, *batch, net.hidden_size)
    if h0 is not None:
        return check_states(net.name, h0, net.cell.states, shapes)
    dtype = rt.result_type(x, params["weight_hh_l0"])
    return tuple([rt.zeros(shape, dtype=dtype) for shape in shapes[: net.cell.states]])


def _real_steps(net: Net, lengths: Any, x: rt.Array) -> Any:
    """For each step and sequence, whether it is no padding, shape (steps, batch, 1); or None."""
    if lengths is None:
        return None
    lengths = rt.asarray(lengths)
    if not rt.isdtype(lengths.dtype, "integral"):
        raise DTypeError(f"[{net.name}] lengths: expected integers, got {describe(lengths)}")
    if lengths.shape != x.shape[1:-1]:
        raise ShapeError(
            f"[{net.name}] lengths: expected one for each sequence, shape {x.shape[1:-1]}, got "
            f"{describe(lengths)}"
        )
    wrong = (lengths < 0) | (lengths > x.shape[0])
    refuse(wrong, OutOfBoundsError(f"[{net.name}] lengths: expected numbers from 0 to "
                                   f"{x.shape[0]}, the steps there are"))  # fmt: skip
    steps = rt.reshape(rt.arange(x.shape[0]), (-1,) + (1,) * (x.ndim - 1))
    return steps < lengths[..., None]


def _check_options(net: Net) -> None:
    check_hidden(net.name, net.hidden_size)
    check_hidden(net.name, net.num_layers, "num_layers")
    if not 0 <= net.dropout <= 1:
        raise ArgumentError(f"[{net.name}] dropout: expected a fraction from 0 to 1, "
                            f"got {net.dropout!r}")  # fmt: skip
    if not 0 <= net.proj_size < net.hidden_size:
        raise ArgumentError(f"[{net.name}] proj_size: expected 0 or a length below hidden_size, "
                            f"got {net.proj_size!r}")  # fmt: skip


def _check_rank(net: Net, x: Any) -> None:
    if getattr(x, "ndim", None) not in (2, 3):
        order = "(batch, steps, features)" if net.batch_first else "(steps, batch, features)"
        raise ShapeError(
            f"[{net.name}] x: expected shape {order} or (steps, features), got {describe(x)}"
        )


def _check_params(net: Net, params: Params, x: Any) -> None:
    wanted = net.shapes(x.shape[-1]).keys()
    if not isinstance(params, dict) or params.keys() != wanted:
        came = sorted(params) if isinstance(params, dict) else describe(params)
        raise TreeError(f"[{net.name}] params: expected a dict of {sorted(wanted)}, got {came}")
    check_features(net.name, x, params["weight_ih_l0"])
