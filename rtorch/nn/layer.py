"""What a layer is: a pair of functions, ``init`` and ``apply``.

``init`` takes a key and the shape of the input and returns parameters and state, two dicts;
``apply`` takes them with the input and returns the output and the new state. Nothing is hidden:
no module objects, no global state, no implicit keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, TreeError, api, describe

Params: TypeAlias = Any
State: TypeAlias = Any
Spec: TypeAlias = Any


class Layer(NamedTuple):
    """A part of a network.

    Attributes:
        init: ``params, state = layer.init(key, spec)``. `key` may be None where nothing is drawn;
            `spec` is the shape and dtype of the input (`rt.spec`), or an input itself, or a pytree
            of them. Both results are dicts; a layer without state has ``{}``.
        apply: ``y, state = layer.apply(params, state, x, *, key=None, train=False)``. Layers that
            draw random numbers while training need a key then.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Linear(2)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((1, 3)))
        >>> y, state = layer.apply(params, state, rt.ones((1, 3)))
        >>> params["weight"].shape, state, y.shape
        ((2, 3), {}, (1, 2))
    """

    init: Callable[..., tuple[Params, State]]
    apply: Callable[..., tuple[Any, State]]

    def __repr__(self) -> str:
        return f"<Layer {kind_of(self)}>"


def stateless(
    init: Callable[[Any, Spec], Params] | None,
    call: Callable[[Params, Any], Any],
    name: str | None = None,
) -> Layer:
    """The layer of a function of parameters and input, which neither draws nor remembers.

    Args:
        init: ``params = init(key, spec)``; None for a layer without parameters.
        call: ``y = call(params, x)``.
        name: What `summary` calls it; by default the function in which `call` is defined.

    Example:
        >>> import rtorch as rt
        >>> scale = rt.nn.stateless(
        ...     lambda key, spec: {"scale": rt.ones(spec.shape[-1], dtype=spec.dtype)},
        ...     lambda params, x: x * params["scale"],
        ... )
        >>> params, state = scale.init(None, rt.spec((8, 3)))
        >>> scale.apply(params, state, rt.ones((8, 3)))[0].shape
        (8, 3)
    """

    @api
    def init_stateless(key: Any, spec: Spec) -> tuple[Params, State]:
        return {} if init is None else init(key, as_spec(spec)), {}

    @api
    def apply_stateless(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        if init is None and params:
            kind = apply_stateless.__qualname__.partition(".")[0]
            raise TreeError(
                f"[{kind}] params: expected {{}} for a layer without parameters, got "
                f"{describe(params)}"
            )
        return call(params, x), state

    apply_stateless.__qualname__ = call.__qualname__ if name is None else f"{name}.apply"
    return Layer(init_stateless, apply_stateless)


@api
def as_layer(layer: Any) -> Layer:
    """`layer` itself, or the layer that calls a plain function of the input.

    Args:
        layer: A `Layer`, or a function from input to output such as ``nn.relu``.

    Raises:
        ArgumentError: if it is neither.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.as_layer(rt.tanh).apply({}, {}, rt.zeros(2))
        (Array([0., 0.], dtype=float32), {})
    """
    return layer_for("as_layer", layer)


def layer_for(name: str, layer: Any) -> Layer:
    """`as_layer` for what makes layers of layers; `name` is for messages."""
    if isinstance(layer, Layer):
        return layer
    if callable(layer):
        return _of_function(layer)
    raise ArgumentError(f"[{name}] expected a Layer or a function, got {describe(layer)}")


def _of_function(function: Callable[[Any], Any]) -> Layer:
    def call(params: Params, x: Any) -> Any:
        return function(x)

    name = getattr(function, "__name__", type(function).__name__)
    return stateless(None, call, name)


def kind_of(layer: Layer) -> str:
    """The name of the function that made a layer, such as ``Linear``."""
    name: str = getattr(layer.apply, "__qualname__", "Layer")
    return name.partition(".")[0]


def as_spec(x: Any) -> Any:
    """Shapes and dtypes of arrays and specs, in pytrees."""
    return rt.eval_shape(lambda y: y, x)


@api
def output_spec(layer: Any, params: Params, state: State, spec: Spec) -> Any:
    """Shape and dtype of what a layer returns, without computing it.

    Args:
        layer: A `Layer` or a function.
        params: Its parameters, or their specs.
        state: Its state.
        spec: The input, or its spec.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Linear(10)
        >>> spec = rt.spec((32, 784))
        >>> rt.nn.output_spec(layer, *layer.init(rt.random.key(0), spec), spec)
        f32[32,10]
    """
    return spec_after(as_layer(layer), params, state, spec)


def spec_after(layer: Layer, params: Params, state: State, spec: Spec) -> Any:
    """`output_spec` for combinators: errors keep the names that they have."""
    return rt.eval_shape(lambda p, s, x: layer.apply(p, s, x)[0], params, state, spec)


def arguments(layer: str, x: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The input of a layer that takes several things, by name.

    Args:
        layer: Its name, for messages.
        x: The first of them alone, a tuple of the first ones in the order of `names`, or a dict.
        names: All that there may be; the first must be there.
    """
    if isinstance(x, dict):
        given = x
    else:
        values = x if isinstance(x, tuple | list) else (x,)
        if len(values) > len(names):
            raise ArgumentError(
                f"[{layer}] input: expected at most {len(names)} values {names}, got {len(values)}"
            )
        given = dict(zip(names, values, strict=False))
    if not given.keys() <= set(names) or given.get(names[0]) is None:
        raise ArgumentError(
            f"[{layer}] input: expected {names[0]!r} and perhaps others of {names}, got "
            f"{sorted(given)}"
        )
    return {name: value for name, value in given.items() if value is not None}


def needs_key(layer: str, key: Any, call: str) -> None:
    """Raise unless there is a key; `call` is what it is needed for."""
    if key is None:
        raise ArgumentError(
            f"[{layer}] {call} draws random numbers and got key=None: pass key=rt.random.key(0), "
            "and another key (rt.random.split) each time"
        )
