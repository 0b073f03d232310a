"""The container types of pytrees: how each comes apart, how it is put together and how it prints.

`kinds` maps a type to its `Kind`, or to None for a type whose values are leaves. Only exact types
count: a subclass of dict is a leaf until it is registered. Named tuples are recognised at first
sight. A type is never forgotten, so classes that have been in a tree stay alive.

A structure is kept as a *spec*: None for a leaf, ``(kind, meta, specs of the children)`` for a
node. Plain tuples, so that comparing and hashing them happens in C.
"""

from __future__ import annotations

import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from rtorch.errors import ArgumentError

Path: TypeAlias = tuple[Any, ...]
Spec: TypeAlias = "tuple[Kind, Any, tuple[Spec, ...]] | None"


class Step:
    """A step of a path; two are equal if they are of one class and lead to one place.

    Plain classes: making dataclasses of them would be a fifth of the time that importing
    rtorch takes.
    """

    __slots__ = ("_place",)

    def __init__(self, place: Any) -> None:
        self._place = place

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._place == self._place

    def __hash__(self) -> int:
        return hash((type(self), self._place))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r})"


class DictKey(Step):
    """Step of a path into a mapping: ``['name']``.

    Example:
        >>> import rtorch as rt
        >>> rt.tree.leaves_with_path({"w": 1.0})
        [((DictKey('w'),), 1.0)]
    """

    __slots__ = ()

    @property
    def key(self) -> Any:
        """The key in the mapping."""
        return self._place

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class SequenceKey(Step):
    """Step of a path into a list or tuple: ``[0]``.

    Example:
        >>> import rtorch as rt
        >>> rt.tree.leaves_with_path([1.0])
        [((SequenceKey(0),), 1.0)]
    """

    __slots__ = ()

    @property
    def idx(self) -> int:
        """The position."""
        return self._place

    def __str__(self) -> str:
        return f"[{self.idx}]"


class GetAttrKey(Step):
    """Step of a path to an attribute: ``.name``.

    Example:
        >>> import rtorch as rt
        >>> str(rt.tree.GetAttrKey("name"))
        '.name'
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The attribute."""
        return self._place

    def __str__(self) -> str:
        return f".{self.name}"


class FlattenedIndexKey(Step):
    """Step of a path into a registered class that does not name its children.

    Example:
        >>> import rtorch as rt
        >>> str(rt.tree.FlattenedIndexKey(0))
        '[<flat index 0>]'
    """

    __slots__ = ()

    @property
    def key(self) -> int:
        """The position among the leaves."""
        return self._place

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


class Kind:
    """One container type.

    Attributes:
        cls: The type.
        flatten: ``x -> (children, meta)``; `meta` is hashable and compared by equality.
        unflatten: ``(meta, children) -> x``.
        keys: ``(meta, number of children) -> path steps of the children``.
        show: ``(meta, texts of the children) -> text``.
        entries: ``x -> (pairs of path step and child, meta)``, where only a value knows its steps.
    """

    __slots__ = ("cls", "entries", "flatten", "keys", "show", "unflatten")

    def __init__(
        self,
        cls: type,
        flatten: Callable[[Any], tuple[Iterable[Any], Any]],
        unflatten: Callable[[Any, Iterable[Any]], Any],
        keys: Callable[[Any, int], Sequence[Any]],
        show: Callable[[Any, list[str]], str],
        entries: Callable[[Any], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
    ) -> None:
        self.cls = cls
        self.flatten = flatten
        self.unflatten = unflatten
        self.keys = keys
        self.show = show
        self.entries = entries

    def split(self, x: Any) -> tuple[Sequence[Any], Sequence[Any], Any]:
        """The path steps, the children and the meta of `x`."""
        if self.entries is not None:
            pairs, meta = self.entries(x)
            pairs = list(pairs)
            return [key for key, _ in pairs], [child for _, child in pairs], meta
        children, meta = self.flatten(x)
        children = list(children)
        return self.keys(meta, len(children)), children, meta

    def steps(self, meta: Any, count: int) -> Sequence[Any]:
        """The path steps of a node of which only the structure is known."""
        if self.entries is None:
            return self.keys(meta, count)
        try:
            return self.split(self.unflatten(meta, [object()] * count))[0]
        except Exception:  # a class may refuse children that are not what it expects
            return self.keys(meta, count)

    def __reduce__(self) -> tuple[Any, ...]:
        return _registered_kind, (self.cls,)


class _Kinds(dict[type, Kind | None]):
    def __missing__(self, cls: type) -> Kind | None:
        kind = _namedtuple_kind(cls) if _is_namedtuple(cls) else None
        self[cls] = kind
        return kind


kinds = _Kinds()


def _registered_kind(cls: type) -> Kind:
    kind = kinds[cls]
    if kind is None:
        raise ArgumentError(
            f"[TreeDef] cannot be unpickled: class {cls.__qualname__} is not registered as a "
            "pytree node here; register it before loading"
        )
    return kind


def _index_keys(meta: Any, count: int) -> list[SequenceKey]:
    return [SequenceKey(i) for i in range(count)]


def flat_keys(meta: Any, count: int) -> list[FlattenedIndexKey]:
    """Steps for children without names."""
    return [FlattenedIndexKey(i) for i in range(count)]


def _dict_keys(meta: tuple[Any, ...], count: int) -> list[DictKey]:
    return [DictKey(key) for key in meta]


def sorted_keys(d: dict[Any, Any]) -> tuple[Any, ...]:
    """The keys in the order of the children."""
    try:
        return tuple(sorted(d))
    except TypeError:  # keys of several types have no order but that of insertion
        return tuple(d)


def _flatten_dict(d: dict[Any, Any]) -> tuple[Iterable[Any], tuple[Any, ...]]:
    keys = sorted_keys(d)
    return map(d.__getitem__, keys), keys


def _flatten_defaultdict(d: defaultdict[Any, Any]) -> tuple[Iterable[Any], Any]:
    keys = sorted_keys(d)
    return map(d.__getitem__, keys), (d.default_factory, keys)


def _show_dict(keys: tuple[Any, ...], children: list[str]) -> str:
    items = zip(keys, children, strict=True)
    return "{" + ", ".join(f"{key!r}: {child}" for key, child in items) + "}"


def _show_defaultdict(meta: tuple[Any, tuple[Any, ...]], children: list[str]) -> str:
    factory, keys = meta
    return f"defaultdict({getattr(factory, '__name__', factory)}, {_show_dict(keys, children)})"


def _show_tuple(meta: Any, children: list[str]) -> str:
    return f"({children[0]},)" if len(children) == 1 else f"({', '.join(children)})"


def show_fields(cls: type, names: Sequence[str], texts: Sequence[str]) -> str:
    """``Class(name=text, ...)``."""
    pairs = ", ".join(f"{name}={text}" for name, text in zip(names, texts, strict=True))
    return f"{cls.__name__}({pairs})"


NONE = Kind(
    types.NoneType,
    lambda x: ((), None),
    lambda meta, children: None,
    _index_keys,
    lambda meta, children: "None",
)
LIST = Kind(
    list,
    lambda x: (x, None),
    lambda meta, children: list(children),
    _index_keys,
    lambda meta, children: f"[{', '.join(children)}]",
)
TUPLE = Kind(
    tuple, lambda x: (x, None), lambda meta, children: tuple(children), _index_keys, _show_tuple
)
DICT = Kind(
    dict,
    _flatten_dict,
    lambda keys, children: dict(zip(keys, children, strict=True)),
    _dict_keys,
    _show_dict,
)
ORDERED_DICT = Kind(
    OrderedDict,
    lambda x: (x.values(), tuple(x)),
    lambda keys, children: OrderedDict(zip(keys, children, strict=True)),
    _dict_keys,
    lambda keys, children: f"OrderedDict({_show_dict(keys, children)})",
)
DEFAULT_DICT = Kind(
    defaultdict,
    _flatten_defaultdict,
    lambda meta, children: defaultdict(meta[0], zip(meta[1], children, strict=True)),
    lambda meta, count: _dict_keys(meta[1], count),
    _show_defaultdict,
)
for _kind in (NONE, LIST, TUPLE, DICT, ORDERED_DICT, DEFAULT_DICT):
    kinds[_kind.cls] = _kind


def _is_namedtuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_make")


def flatten_namedtuple(x: tuple[Any, ...]) -> tuple[tuple[Any, ...], None]:
    """Known by identity: it marks the kinds that nobody registered."""
    return x, None


def _namedtuple_kind(cls: Any) -> Kind:
    fields = cls._fields
    return Kind(
        cls,
        flatten_namedtuple,
        lambda meta, children: cls._make(children),
        lambda meta, count: [GetAttrKey(name) for name in fields],
        lambda meta, children: show_fields(cls, fields, children),
    )
