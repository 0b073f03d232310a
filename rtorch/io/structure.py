"""The structure of a pytree as JSON: what is needed to build it again without pickle.

A node is ``null`` for None, ``{"leaf": name, ...}`` for a leaf, ``{"list": [...]}``,
``{"tuple": [...]}``, ``{"dict": [[key, node], ...]}``, ``{"OrderedDict": ...}``; or, for a class
that only the program knows, ``{"class": "AdamState", "children": [[step, node], ...]}``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from rtorch import tree
from rtorch.errors import ArgumentError, FileFormatError, TreeError, describe

Json: TypeAlias = Any

_KEYS = (str, bool, int, float, type(None))


def children_of(x: Any) -> list[tuple[Any, Any]] | None:
    """Path steps and children of a node; None for a leaf."""
    pairs = tree.leaves_with_path(x, is_leaf=lambda y: y is not x)
    if any(not path for path, _ in pairs):
        return None
    return [(path[0], child) for path, child in pairs]


def encode(x: Any, leaves: Iterator[Json], path: str = "") -> Json:
    """The structure of `x`, with what `leaves` yields in the places of its leaves."""
    if x is None:
        return None
    if type(x) in (dict, OrderedDict):  # in the order of insertion; the leaves' is another
        by_key = {
            step.key: (_key(step.key, path), encode(child, leaves, path + str(step)))
            for step, child in children_of(x) or ()
        }
        return {type(x).__name__: [list(by_key[key]) for key in x]}
    children = children_of(x)
    if children is None:
        return next(leaves)
    nodes = [(str(step), encode(child, leaves, path + str(step))) for step, child in children]
    if type(x) in (list, tuple):
        return {type(x).__name__: [node for _, node in nodes]}
    return {"class": type(x).__name__, "children": [list(pair) for pair in nodes]}


def _key(key: Any, path: str) -> Json:
    if type(key) not in _KEYS:
        raise ArgumentError(
            f"[save] tree{path}: a key of a dict must be a str, int, float, bool or None to be "
            f"saved, got {describe(key)}"
        )
    return {"float": repr(key)} if type(key) is float else key


def decode(node: Json, leaf: Callable[[Json], Any], path: str = "") -> Any:
    """The tree of a structure, with ``leaf(entry)`` in the places of its leaves."""
    if node is None:
        return None
    match node:
        case {"leaf": str()}:
            return leaf(node)
        case {"list": list(nodes)}:
            return [decode(n, leaf, f"{path}[{i}]") for i, n in enumerate(nodes)]
        case {"tuple": list(nodes)}:
            return tuple([decode(n, leaf, f"{path}[{i}]") for i, n in enumerate(nodes)])
        case {"dict": list(pairs)}:
            return dict(_items(pairs, leaf, path))
        case {"OrderedDict": list(pairs)}:
            return OrderedDict(_items(pairs, leaf, path))
        case {"class": str(name)}:
            raise TreeError(
                f"[load] the file holds a {name} at tree{path}; only a program that knows the "
                "class can build it: load(path, like=tree) with a tree of the same structure"
            )
    raise FileFormatError(f"[load] the structure at tree{path} is not one that save writes")


def _items(pairs: list[Json], leaf: Callable[[Json], Any], path: str) -> Iterator[tuple[Any, Any]]:
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise FileFormatError(f"[load] the dict at tree{path} is not one that save writes")
        key, node = pair
        key = float(key["float"]) if isinstance(key, dict) else key
        yield key, decode(node, leaf, f"{path}[{key!r}]")


def entries(node: Json) -> Iterator[Json]:
    """The leaves of a structure, in the order of the file."""
    match node:
        case {"leaf": str()}:
            yield node
        case {"list": list(nodes)} | {"tuple": list(nodes)}:
            for child in nodes:
                yield from entries(child)
        case {"dict": list(pairs)} | {"OrderedDict": list(pairs)} | {"children": list(pairs)}:
            for _, child in pairs:
                yield from entries(child)
