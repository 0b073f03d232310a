"""Layers made of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, TreeError, api, describe
from rtorch.nn.layer import Layer, Params, State, as_layer, as_spec, locate, output_spec


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
    named = _named(layers)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state, spec = {}, {}, as_spec(spec)
        for (name, layer), layer_key in zip(named.items(), _keys(key, len(named)), strict=True):
            try:
                p, s = layer.init(layer_key, spec)
                spec = output_spec(layer, p, s, spec)
            except Exception as error:
                locate(error, "serial", name)
                raise
            params.update({name: p} if p else {})
            state.update({name: s} if s else {})
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        _check_names("params", params, named)
        new_state = {}
        for (name, layer), layer_key in zip(named.items(), _keys(key, len(named)), strict=True):
            try:
                x, s = layer.apply(
                    params.get(name, {}), state.get(name, {}), x, key=layer_key, train=train
                )
            except Exception as error:
                locate(error, "serial", name)
                raise
            new_state.update({name: s} if s else {})
        return x, new_state

    return Layer(init, apply)


def _named(layers: tuple[Any, ...]) -> dict[str, Layer]:
    """The layers by name, in order."""
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        layers = tuple(layers[0].items())
    named: dict[str, Layer] = {}
    for i, entry in enumerate(layers):
        name, layer = _pair(i, entry)
        if name in named:
            raise ArgumentError(f"[serial] two layers have the name {name!r}")
        named[name] = layer
    return named


def _pair(i: int, entry: Any) -> tuple[str, Layer]:
    # A Layer is a tuple too: it is asked for first.
    is_pair = isinstance(entry, tuple) and not isinstance(entry, Layer)
    name, layer = entry if is_pair and len(entry) == 2 else (str(i), entry)
    if not isinstance(name, str) or not (isinstance(layer, Layer) or callable(layer)):
        raise ArgumentError(
            f"[serial] layer {i}: expected a Layer, a function or a pair of a name and one of "
            f"them, got {describe(entry)}"
        )
    return name, as_layer(layer)


def _keys(key: Any, n: int) -> Any:
    return [None] * n if key is None or n == 0 else rt.random.split(key, n)


def _check_names(what: str, params: Params, named: dict[str, Layer]) -> None:
    if not isinstance(params, dict):
        raise TreeError(f"[serial] {what}: expected a dict by layer name, got {describe(params)}")
    if not params.keys() <= named.keys():
        raise TreeError(
            f"[serial] {what}: there is no layer for {sorted(params.keys() - named.keys())}; the "
            f"layers are {list(named)}"
        )
