"""Structures of pytrees as JSON.

A leaf is ``"*"``, None is ``null``. Named tuples and dataclasses are written by their names and
fields; who loads them gets classes of these names and fields, made anew. Other registered classes
are refused: only the program that defines them knows how they come apart.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import namedtuple
from typing import Any

from rtorch.core import tree_kinds
from rtorch.core.tree import TreeDef, count_leaves
from rtorch.core.tree_kinds import DICT, LIST, NONE, ORDERED_DICT, TUPLE, Kind, Spec
from rtorch.core.tree_register import register_dataclass
from rtorch.errors import ArgumentError, FileFormatError
from rtorch.export.values import CannotHoldError, Json, damaged, decode, encode, shown

_SEQUENCES = {"list": LIST, "tuple": TUPLE}
_MAPPINGS = {"dict": DICT, "OrderedDict": ORDERED_DICT}


def _no_program(*args: Any) -> Any:
    raise CannotHoldError(args[0])


def _refuse_program(number: Json, path: str) -> Any:
    raise damaged(path, "a structure holds no Program")


def encode_tree(treedef: TreeDef, what: str) -> Json:
    """A structure as JSON; `what` names it in messages."""
    return _encode(treedef.spec, what)


def _encode(spec: Spec, what: str) -> Json:
    if spec is None:
        return "*"
    kind, meta, children = spec
    if kind is NONE:
        return None
    nodes = [_encode(child, what) for child in children]
    for name, known in _SEQUENCES.items():
        if kind is known:
            return {name: nodes}
    try:
        for name, known in _MAPPINGS.items():
            if kind is known:
                keys = [encode(key, _no_program) for key in meta]
                return {name: [list(pair) for pair in zip(keys, nodes)]}
        return _encode_class(kind, meta, nodes)
    except CannotHoldError as error:
        raise ArgumentError(
            f"[export] {what} holds {shown(error.args[0])} of class "
            f"{type(error.args[0]).__qualname__}, which a file cannot hold: use dicts, lists, "
            "tuples, named tuples or dataclasses, with text and numbers as keys and static fields"
        ) from None


def _encode_class(kind: Kind, meta: Any, nodes: list[Json]) -> Json:
    name = kind.cls.__name__
    if kind.flatten is tree_kinds.flatten_namedtuple:
        return {"namedtuple": [name, _pairs(kind.cls._fields, nodes)]}  # type: ignore[attr-defined]
    if not _is_plain_dataclass(kind, meta, len(nodes)):
        raise CannotHoldError(_Anonymous(kind.cls))
    data = [str(step.name) for step in kind.keys(meta, len(nodes))]
    example = kind.unflatten(meta, [None] * len(nodes))
    static = [f.name for f in dataclasses.fields(example) if f.init and f.name not in data]
    values = [encode(getattr(example, field), _no_program) for field in static]
    return {"dataclass": [name, _pairs(data, nodes), _pairs(static, values)]}


def _Anonymous(cls: type) -> Any:  # noqa: N802 - stands for an instance of the class
    return object.__new__(type(cls.__qualname__, (), {"__repr__": lambda self: "an object"}))


def _pairs(names: Any, values: list[Json]) -> Json:
    return [[name, value] for name, value in zip(names, values)]


def _is_plain_dataclass(kind: Kind, meta: Any, count: int) -> bool:
    """Whether the class was registered as a dataclass whose fields are its children."""
    if not dataclasses.is_dataclass(kind.cls) or kind.entries is not None:
        return False
    if not isinstance(meta, tuple):
        return False
    steps = kind.keys(meta, count)
    fields = {f.name for f in dataclasses.fields(kind.cls) if f.init}
    named = all(isinstance(s, tree_kinds.GetAttrKey) and s.name in fields for s in steps)
    return named and len(steps) + len(meta) == len(fields)


def decode_tree(node: Json, path: str) -> TreeDef:
    """The structure that `encode_tree` wrote."""
    spec = _decode(node, path)
    return TreeDef(spec, count_leaves(spec))


def _decode(node: Json, path: str) -> Spec:
    if node == "*":
        return None
    if node is None:
        return (NONE, None, ())
    if not isinstance(node, dict) or len(node) != 1:
        raise damaged(path, f"expected a structure, got {shown(node)}")
    ((kind, content),) = node.items()
    try:
        return _decode_node(kind, content, f"{path}/{kind}")
    except FileFormatError:
        raise
    except (ValueError, TypeError, KeyError, ArgumentError):
        raise damaged(path, f"expected a structure, got {shown(node)}") from None


def _decode_node(kind: str, content: Json, path: str) -> Spec:
    if kind in _SEQUENCES:
        return _SEQUENCES[kind], None, _children(content, path)
    if kind in _MAPPINGS:
        keys = tuple([decode(key, _refuse_program, path) for key, _ in content])
        if len(set(keys)) != len(keys):
            raise damaged(path, "a key comes twice")
        return _MAPPINGS[kind], keys, _children([child for _, child in content], path)
    if kind == "namedtuple":
        name, fields = content
        cls: Any = _named_tuple(name, tuple([field for field, _ in fields]))
        return _kind(cls), None, _children([child for _, child in fields], path)
    if kind == "dataclass":
        name, fields, static = content
        values = tuple([decode(value, _refuse_program, path) for _, value in static])
        cls = _dataclass(name, tuple([f for f, _ in fields]), tuple([f for f, _ in static]))
        return _kind(cls), values, _children([child for _, child in fields], path)
    raise ValueError


def _children(nodes: Any, path: str) -> tuple[Spec, ...]:
    if not isinstance(nodes, list):
        raise TypeError
    return tuple([_decode(node, f"{path}[{i}]") for i, node in enumerate(nodes)])


def _kind(cls: type) -> Kind:
    kind = tree_kinds.kinds[cls]
    assert kind is not None
    return kind


@functools.lru_cache(1024)
def _named_tuple(name: str, fields: tuple[str, ...]) -> type:
    return namedtuple(name, fields)


@functools.lru_cache(1024)
def _dataclass(name: str, fields: tuple[str, ...], static: tuple[str, ...]) -> type:
    if not name.isidentifier():
        raise ValueError
    cls = dataclasses.make_dataclass(name, [(field, Any) for field in (*fields, *static)])
    return register_dataclass(cls, fields, static)


def same_form(treedef: TreeDef, form: Json) -> bool:
    """Whether a structure is that of `form`, up to the identity of its classes."""
    try:
        return encode_tree(treedef, "the arguments") == form
    except ArgumentError:
        return False
