"""How a class of one's own becomes a node of pytrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rtorch.core.tree_kinds import (
    GetAttrKey,
    Kind,
    flat_keys,
    flatten_namedtuple,
    kinds,
    show_fields,
)
from rtorch.errors import ArgumentError

C = TypeVar("C")


def _register(function: str, kind: Kind) -> None:
    cls = kind.cls
    if not isinstance(cls, type):
        raise ArgumentError(f"[tree.{function}] cls must be a class, came {cls!r}")
    known = kinds.get(cls)
    if known is not None and known.flatten is not flatten_namedtuple:
        raise ArgumentError(
            f"[tree.{function}] class {cls.__qualname__} is a pytree node already; "
            "register a class once, beside its definition"
        )
    kinds[cls] = kind


def register_node(
    cls: type,
    flatten: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten: Callable[[Any, tuple[Any, ...]], Any],
    flatten_with_keys: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make the values of a class inner nodes of pytrees.

    Args:
        cls: The class; its subclasses are registered on their own.
        flatten: ``x -> (children, aux)``; `aux` is hashable and belongs to the structure.
        unflatten: ``(aux, tuple of children) -> x``; the children may be of any type.
        flatten_with_keys: ``x -> (pairs of path step and child, aux)``, to name the children in
            paths: `GetAttrKey`, `DictKey`, `SequenceKey`.

    Raises:
        ArgumentError: if the class is a pytree node already.

    Example:
        >>> from rtorch import tree
        >>> class Span:
        ...     def __init__(self, lo, hi):
        ...         self.lo, self.hi = lo, hi
        >>> tree.register_node(Span, lambda s: ((s.lo, s.hi), None), lambda aux, c: Span(*c))
        >>> tree.leaves([Span(1, 2), 3])
        [1, 2, 3]
    """

    def show(aux: Any, children: list[str]) -> str:
        data = "" if aux is None else f"[{aux!r}]"
        return f"{cls.__name__}{data}({', '.join(children)})"

    def rebuild(aux: Any, children: Iterable[Any]) -> Any:
        return unflatten(aux, tuple(children))

    _register("register_node", Kind(cls, flatten, rebuild, flat_keys, show, flatten_with_keys))


def register_static(cls: type[C]) -> type[C]:
    """Make the values of a class nodes without leaves: a part of the structure.

    Structures are equal if these values are, so the class needs ``__eq__`` and ``__hash__``.

    Returns:
        The class: usable as a decorator.

    Raises:
        ArgumentError: if the class is a pytree node already.

    Example:
        >>> from rtorch import tree
        >>> @tree.register_static
        ... class Mode(str): pass
        >>> tree.leaves({"mode": Mode("same"), "w": 1.0})
        [1.0]
    """
    kind = Kind(
        cls,
        lambda x: ((), x),
        lambda meta, children: meta,
        flat_keys,
        lambda meta, children: repr(meta),
    )
    _register("register_static", kind)
    return cls


def register_dataclass(
    cls: type[C],
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
) -> type[C]:
    """Make the values of a dataclass inner nodes of pytrees.

    Fields left unsaid: meta are those declared by ``field(metadata={"static": True})``, data the
    others. Fields with ``init=False`` are neither; the class makes them anew.

    Args:
        cls: A dataclass; or any class whose constructor takes the named fields as keywords.
        data_fields: Names of the children.
        meta_fields: Names of what belongs to the structure: hashable, compared by equality.

    Returns:
        The class: usable as a decorator.

    Raises:
        ArgumentError: if fields are unknown, named twice or left out, or if the class is a pytree
            node already.

    Example:
        >>> import dataclasses
        >>> from rtorch import tree
        >>> @tree.register_dataclass
        ... @dataclasses.dataclass
        ... class Dense:
        ...     weight: float
        ...     width: int = dataclasses.field(metadata={"static": True})
        >>> tree.map(lambda x: 2 * x, Dense(1.5, 8))
        Dense(weight=3.0, width=8)
        >>> tree.structure(Dense(1.5, 8))
        TreeDef(Dense(weight=*, width=8))
    """
    data, meta = _dataclass_fields(cls, data_fields, meta_fields)

    def flatten(x: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(x, name) for name in data], tuple([getattr(x, name) for name in meta])

    def unflatten(values: tuple[Any, ...], children: Iterable[Any]) -> Any:
        return cls(**dict(zip(data, children, strict=True)), **dict(zip(meta, values, strict=True)))

    def show(values: tuple[Any, ...], children: list[str]) -> str:
        return show_fields(cls, data + meta, children + [repr(value) for value in values])

    keys = [GetAttrKey(name) for name in data]
    _register("register_dataclass", Kind(cls, flatten, unflatten, lambda m, n: keys, show))
    return cls


def _dataclass_fields(
    cls: type, data: Sequence[str] | None, meta: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the data and of the meta fields, checked."""
    where = f"[tree.register_dataclass] class {getattr(cls, '__qualname__', cls)}"
    import dataclasses  # slow to import, and only who registers a dataclass needs it

    if not dataclasses.is_dataclass(cls):
        if data is None or meta is None:
            raise ArgumentError(f"{where} is no dataclass: name its data_fields and meta_fields")
        return tuple(data), tuple(meta)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    if data is None and meta is None:
        meta = [name for name, f in fields.items() if f.metadata.get("static", False)]
    if meta is None:
        meta = [name for name in fields if name not in (data or ())]
    if data is None:
        data = [name for name in fields if name not in meta]
    named = [*data, *meta]
    if sorted(named) != sorted(fields):
        raise ArgumentError(
            f"{where}: data_fields {tuple(data)} and meta_fields {tuple(meta)} must name each of "
            f"its fields {tuple(fields)} once"
        )
    return tuple(data), tuple(meta)
