"""Trees of plain containers from a file: how deep and how large they are, and their leaves.

A pickle may put one list into many places, or into itself: a few bytes that stand for a tree
without end. So what is walked recursively is measured first, each container once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rtorch.errors import FileFormatError

_DEEPEST = 200
_CONTAINERS = frozenset((dict, OrderedDict, list, tuple))  # no named tuples: they are leaves
_OPEN = -1  # the size of a container whose children are being measured


def check_size(root: Any, most: int) -> None:
    """Refuse a tree that contains itself, is too deep, or has more than `most` nodes."""
    sizes: dict[int, tuple[int, int]] = {}  # by identity: nodes and depth
    waiting = [root]
    while waiting:
        node = waiting[-1]
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = _OPEN, 0
            inner = [child for child in _children(node) if type(child) in _CONTAINERS]
            if any(sizes.get(id(child), (0, 0))[0] == _OPEN for child in inner):
                raise FileFormatError("the pickle has a container that contains itself")
            waiting += inner
            continue
        waiting.pop()
        if known[0] != _OPEN:
            continue
        nodes, depth = 1, 0
        for child in _children(node):
            inside = sizes[id(child)] if type(child) in _CONTAINERS else (1, 0)
            nodes, depth = nodes + inside[0], max(depth, inside[1])
        if nodes > most or depth >= _DEEPEST:
            raise FileFormatError("the pickle describes a tree that is too large or too deep")
        sizes[id(node)] = nodes, depth + 1


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if type(node) in _CONTAINERS else ()


def map_leaves(function: Callable[[Any], Any], node: Any) -> Any:
    """A tree with ``function(leaf)`` in the places of the leaves."""
    if isinstance(node, dict):
        made: dict[Any, Any] = OrderedDict() if isinstance(node, OrderedDict) else {}
        made.update((key, map_leaves(function, child)) for key, child in node.items())
        return made
    if type(node) in _CONTAINERS:
        return type(node)(map_leaves(function, child) for child in node)
    return function(node)


def named_leaves(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves under dotted names such as ``layers.0.weight``."""
    if isinstance(node, dict):
        pairs: Iterable[tuple[Any, Any]] = node.items()
    elif type(node) in _CONTAINERS:
        pairs = enumerate(node)
    else:
        yield name or "value", node
        return
    for key, child in pairs:
        yield from named_leaves(child, f"{name}.{key}" if name else str(key))
