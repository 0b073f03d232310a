"""Layers made of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, TreeError, api, describe
from rtorch.nn.layer import Layer, Params, State, as_layer, as_spec, spec_after
from rtorch.nn.parts import apply_part, init_part, locate


def serial(*layers: Any) -> Layer:
    """One layer after the other.

    Parameters and state are dicts of those of the layers, by name; a layer that has none is left
    out. The key is split among the layers, in ``init`` and in ``apply``.

    Args:
        *layers: Layers or functions, which get the names ``"0"``, ``"1"``, ... of their places;
            or pairs ``(name, layer)``; or one dict of them.

    Returns:
        A `Layer`. Errors inside it say where: ``[serial['1'] Linear] ...``.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import nn
        >>> net = nn.serial(nn.Flatten(), nn.Linear(32), nn.relu, ("head", nn.Linear(10)))
        >>> params, state = net.init(rt.random.key(0), rt.spec((8, 1, 28, 28)))
        >>> rt.tree.map(lambda p: p.shape, params)
        {'1': {'bias': (32,), 'weight': (32, 784)}, 'head': {'bias': (10,), 'weight': (10, 32)}}
        >>> net.apply(params, state, rt.zeros((8, 1, 28, 28)))[0].shape
        (8, 10)
    """
    named = named_layers("serial", layers)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state, spec = {}, {}, as_spec(spec)
        for (name, layer), layer_key in zip(named.items(), split_key(key, len(named)), strict=True):
            p, s = init_part("serial", name, layer, layer_key, spec)
            spec = _output_spec(name, layer, p, s, spec)
            params.update({name: p} if p else {})
            state.update({name: s} if s else {})
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names("serial", params, named, state)
        new_state = {}
        for (name, layer), layer_key in zip(named.items(), split_key(key, len(named)), strict=True):
            x, s = apply_part("serial", name, layer, params.get(name, {}), state.get(name, {}), x,
                              key=layer_key, train=train)  # fmt: skip
            new_state.update({name: s} if s else {})
        return x, new_state

    return Layer(init, apply)


def _output_spec(name: str, layer: Layer, params: Params, state: State, spec: Any) -> Any:
    try:
        return spec_after(layer, params, state, spec)
    except Exception as error:
        locate(error, "serial", name)
        raise


def named_layers(combinator: str, layers: tuple[Any, ...]) -> dict[str, Layer]:
    """The layers by name, in order."""
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        layers = tuple(layers[0].items())
    named: dict[str, Layer] = {}
    for i, entry in enumerate(layers):
        name, layer = _pair(combinator, i, entry)
        if name in named:
            raise ArgumentError(f"[{combinator}] two layers have the name {name!r}")
        named[name] = layer
    return named


def _pair(combinator: str, i: int, entry: Any) -> tuple[str, Layer]:
    # A Layer is a tuple too: it is asked for first.
    is_pair = isinstance(entry, tuple) and not isinstance(entry, Layer)
    name, layer = entry if is_pair and len(entry) == 2 else (str(i), entry)
    if name == "*":
        raise ArgumentError(f"[{combinator}] layer {i}: '*' is what `repeat` calls its layers")
    if not isinstance(name, str) or not (isinstance(layer, Layer) or callable(layer)):
        raise ArgumentError(
            f"[{combinator}] layer {i}: expected a Layer, a function or a pair of a name and one "
            f"of them, got {describe(entry)}"
        )
    return name, as_layer(layer)


def split_key(key: Any, n: int) -> Any:
    """`n` keys, or as often None."""
    return [None] * n if key is None or n == 0 else rt.random.split(key, n)


def check_names(combinator: str, params: Params, named: dict[str, Layer], state: State) -> None:
    """Raise unless `params` and `state` are those of some of the layers."""
    for what, tree in (("params", params), ("state", state)):
        if not isinstance(tree, dict):
            raise TreeError(
                f"[{combinator}] {what}: expected a dict by layer name, got {describe(tree)}"
            )
        if not tree.keys() <= named.keys():
            raise TreeError(
                f"[{combinator}] {what}: there is no layer for "
                f"{sorted(tree.keys() - named.keys())}; the layers are {list(named)}"
            )
