"""What the layers of transformers have in common: residual parts, LayerNorm, stacks of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.nn.layer import Layer, Params, State, arguments, as_spec, needs_key
from rtorch.nn.normalization import LayerNorm
from rtorch.nn.parameters import check_names, parameter_dtype
from rtorch.nn.parts import apply_part, init_part


class Block(NamedTuple):
    """What encoder and decoder layers have in common."""

    name: str
    inputs: tuple[str, ...]
    attentions: dict[str, Layer]
    linear1: Layer
    linear2: Layer
    dropout: Layer
    activation: Callable[[Any], Any]
    eps: float
    norm_first: bool
    bias: bool
    dtype: Any


def block_layer(b: Block) -> Layer:
    """Attention and two linear layers, each with a residual connection and a LayerNorm."""

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key(b.name, key, "init")
        given = _given(b, as_spec(spec))
        x = given[b.inputs[0]]
        keys = rt.random.split(key, 4)
        params, state = {}, {}
        for (name, attention), k in zip(b.attentions.items(), keys, strict=False):
            params[name], s = init_part(b.name, name, attention, k,
                                        _attention_input(name, x, given))  # fmt: skip
            state.update({name: s} if s else {})
        params["linear1"], _ = init_part(b.name, "linear1", b.linear1, keys[2], x)
        inner = rt.spec((*x.shape[:-1], params["linear1"]["weight"].shape[0]), x.dtype)
        params["linear2"], _ = init_part(b.name, "linear2", b.linear2, keys[3], inner)
        for i in range(len(b.attentions) + 1):
            params[f"norm{i + 1}"] = _init_norm(x.shape[-1], parameter_dtype(b.dtype, x.dtype),
                                                b.bias)  # fmt: skip
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        norms = [f"norm{i + 1}" for i in range(len(b.attentions) + 1)]
        check_names(b.name, "params", params, (*b.attentions, "linear1", "linear2", *norms))
        given, new_state = _given(b, x), {}
        x = given[b.inputs[0]]
        keys = [None] * 6 if key is None else rt.random.split(key, 6)

        def drop(y: Any, k: Any) -> Any:
            return apply_part(b.name, "dropout", b.dropout, {}, {}, y, key=k, train=train)[0]

        def attend(name: str, i: int, y: Any) -> Any:
            y, s = apply_part(b.name, name, b.attentions[name], params[name], state.get(name, {}),
                              _attention_input(name, y, given), key=keys[2 * i],
                              train=train)  # fmt: skip
            new_state.update({name: s} if s else {})
            return drop(y, keys[2 * i + 1])

        def feed_forward(y: Any) -> Any:
            y, _ = apply_part(b.name, "linear1", b.linear1, params["linear1"], {}, y)
            y = drop(b.activation(y), keys[4])
            y, _ = apply_part(b.name, "linear2", b.linear2, params["linear2"], {}, y)
            return drop(y, keys[5])

        def normed(name: str, y: Any) -> Any:
            return _norm(b.name, name, params[name], y, b.eps)

        parts = [(lambda y, name=name, i=i: attend(name, i, y))
                 for i, name in enumerate(b.attentions)]  # fmt: skip
        for i, part in enumerate([*parts, feed_forward]):
            x = x + part(normed(norms[i], x)) if b.norm_first else normed(norms[i], x + part(x))
        return x, new_state

    apply.__qualname__ = f"{b.name}.apply"
    return Layer(init, apply)


def _given(b: Block, x: Any) -> dict[str, Any]:
    given = arguments(b.name, x, b.inputs)
    if b.inputs[1] == "memory" and "memory" not in given:
        raise ArgumentError(f"[{b.name}] input: expected (tgt, memory), got no memory")
    return given


def _attention_input(name: str, x: Any, given: dict[str, Any]) -> dict[str, Any]:
    other = "memory" if name == "multihead_attn" else "src" if "src" in given else "tgt"
    found = {
        "query": x,
        "key": given["memory"] if other == "memory" else None,
        "attn_mask": given.get(f"{other}_mask"),
        "key_padding_mask": given.get(f"{other}_key_padding_mask"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _init_norm(features: int, dtype: Any, bias: bool) -> Params:
    return LayerNorm(bias=bias, dtype=dtype).init(None, rt.spec(features, dtype))[0]


def _norm(layer: str, name: str, params: Params, x: Any, eps: float) -> Any:
    norm = LayerNorm(eps=eps, bias="bias" in params)
    return apply_part(layer, name, norm, params, {}, x)[0]


def layer_stack(
    name: str, inputs: tuple[str, ...], layer: Layer, num_layers: int, norm: bool, eps: float
) -> Layer:
    """`num_layers` layers one after the other, and perhaps a LayerNorm."""
    if not isinstance(num_layers, int) or num_layers < 1:
        raise ArgumentError(
            f"[{name}] num_layers: expected an int of 1 or more, got {num_layers!r}"
        )
    numbers = [str(i) for i in range(num_layers)]

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key(name, key, "init")
        spec = as_spec(spec)
        made = {}
        for i, k in zip(numbers, rt.random.split(key, num_layers), strict=True):
            made[i] = init_part(name, f"layers.{i}", layer, k, spec)
        params: Params = {"layers": {i: p for i, (p, _) in made.items()}}
        if norm:
            x = arguments(name, spec, inputs)[inputs[0]]
            dtype = rt.result_type(*rt.tree.leaves(params["layers"]))
            params["norm"] = _init_norm(x.shape[-1], dtype, True)
        state = {i: s for i, (_, s) in made.items() if s}
        return params, {"layers": state} if state else {}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_names(name, "params", params, ("layers", "norm") if norm else ("layers",))
        layers, old, new = params["layers"], state.get("layers", {}), {}
        check_names(name, "params['layers']", layers, numbers)
        given = arguments(name, x, inputs)
        keys = [None] * num_layers if key is None else rt.random.split(key, num_layers)
        for i, k in zip(numbers, keys, strict=True):
            y, s = apply_part(name, f"layers.{i}", layer, layers[i], old.get(i, {}), given,
                              key=k, train=train)  # fmt: skip
            given = given | {inputs[0]: y}
            new.update({i: s} if s else {})
        y = given[inputs[0]]
        y = _norm(name, "norm", params["norm"], y, eps) if norm else y
        return y, {"layers": new} if new else {}

    apply.__qualname__ = f"{name}.apply"
    return Layer(init, apply)
