"""How combinators call the layers in them: errors say where, and `summary` hears of each."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple

from rtorch.errors import RtorchError
from rtorch.nn.layer import Layer, Params, State


class Part(NamedTuple):
    """What a combinator tells of a layer in it that it calls."""

    path: tuple[str, ...]
    layer: Layer
    params: Params
    state: State
    x: Any
    y: Any


class Watch(NamedTuple):
    """Where `summary` listens: the parts so far, and the path of the layer that runs."""

    parts: list[Part]
    path: tuple[str, ...]


watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


def init_part(combinator: str, name: str, layer: Layer, key: Any, spec: Any) -> Any:
    """Make parameters and state of a layer in a combinator; errors say where."""
    try:
        return layer.init(key, spec)
    except Exception as error:
        locate(error, combinator, name)
        raise


def apply_part(
    combinator: str, name: str, layer: Layer, params: Params, state: State, x: Any, *,
    key: Any = None, train: bool = False,
) -> tuple[Any, State]:  # fmt: skip
    """Call a layer in a combinator; errors say where, and `summary` hears of it."""
    outer = watch.get()
    token = None if outer is None else watch.set(Watch(outer.parts, (*outer.path, name)))
    try:
        y, new_state = layer.apply(params, state, x, key=key, train=train)
    except Exception as error:
        locate(error, combinator, name)
        raise
    finally:
        if token is not None:
            watch.reset(token)
    if outer is not None:
        outer.parts.append(Part((*outer.path, name), layer, params, state, x, y))
    return y, new_state


def locate(error: Exception, combinator: str, name: str) -> None:
    """Put the place of a layer into the message of an error that left it.

    ``[Linear] ...`` becomes ``[serial['1'] Linear] ...``, and in an outer combinator
    ``[serial['head']['1'] Linear] ...``.
    """
    if not isinstance(error, RtorchError):
        error.add_note(f"in {combinator}[{name!r}]")
        return
    text = str(error.args[0])
    inner = f"[{combinator}["
    if text.startswith(inner):
        text = f"[{combinator}[{name!r}][" + text.removeprefix(inner)
    elif text.startswith("["):
        text = f"[{combinator}[{name!r}] " + text.removeprefix("[")
    else:
        text = f"[{combinator}[{name!r}]] {text}"
    error.args = (text, *error.args[1:])
