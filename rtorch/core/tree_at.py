"""Exchange of chosen nodes of a pytree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.core import tree as _tree
from rtorch.core.tree import PyTree, TreeDef, flatten
from rtorch.core.tree_kinds import kinds
from rtorch.errors import ArgumentError, TreeError, describe


class _Slot:
    """Stands for the leaf of number `index`, as the only object of its kind."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def _is_childless(x: Any) -> bool:
    # Python may keep one object for all empty tuples, one static value may be in many places:
    # only as leaves, behind a slot each, can they be told apart.
    kind = kinds[type(x)]
    return kind is None or not list(kind.flatten(x)[0])


_UNSET = object()


def tree_at(
    where: Callable[[PyTree], Any],
    tree: PyTree,
    replace: Any = _UNSET,
    *,
    replace_fn: Callable[[Any], Any] | None = None,
) -> PyTree:
    """The tree with some of its nodes exchanged; the tree itself stays as it is.

    Args:
        where: Takes a tree of the same structure and returns one of its nodes, or a container of
            them. The leaves it sees are placeholders, so it chooses by place alone.
        tree: A pytree. A None in it can be exchanged too.
        replace: What to put there: built as what `where` returns.
        replace_fn: Instead of `replace`: called with each chosen node.

    Raises:
        TreeError: if `where` returns something else, or the same place twice, or if `replace` is
            built otherwise.
        ArgumentError: unless one of `replace` and `replace_fn` is given.

    Example:
        >>> from rtorch import tree
        >>> params = {"w": [1, 2], "b": None}
        >>> tree.tree_at(lambda p: p["b"], params, 0)
        {'b': 0, 'w': [1, 2]}
        >>> tree.tree_at(lambda p: (p["w"][0], p["w"][1]), params, replace_fn=lambda x: 10 * x)
        {'b': None, 'w': [10, 20]}
    """
    if (replace is _UNSET) == (replace_fn is None):
        raise ArgumentError("[tree.tree_at] takes either replace or replace_fn")
    originals, treedef = flatten(tree, is_leaf=_is_childless)
    copy = treedef.unflatten([_Slot(i) for i in range(len(originals))])
    chosen, shape = _chosen_nodes(where(copy), copy)
    if replace_fn is None:
        new = _tree.flatten_up_to(
            shape, replace, "tree.tree_at", names=("what where returns", "replace")
        )
    else:
        new = [replace_fn(_restored(node, originals)) for node in chosen]
    return _exchanged(copy, chosen, new, originals)


def _chosen_nodes(picked: Any, copy: PyTree) -> tuple[list[Any], TreeDef]:
    """The nodes that `where` returned, and how it arranged them."""
    ids: set[int] = set()
    flatten(copy, is_leaf=lambda x: bool(ids.add(id(x))))  # type: ignore[func-returns-value]
    chosen, shape = flatten(picked, is_leaf=lambda x: id(x) in ids)
    for node in chosen:
        if id(node) not in ids:
            raise TreeError(
                "[tree.tree_at] where must return nodes of the tree that it is given, "
                f"came {describe(node)}"
            )
    if not chosen:
        raise TreeError("[tree.tree_at] where chose nothing; it must return nodes of the tree")
    return chosen, shape


def _restored(node: PyTree, originals: list[Any]) -> PyTree:
    return _tree.map(lambda slot: originals[slot.index], node)


def _exchanged(copy: PyTree, chosen: list[Any], new: list[Any], originals: list[Any]) -> PyTree:
    replacements = {id(node): x for node, x in zip(chosen, new, strict=True)}
    nodes, treedef = flatten(copy, is_leaf=lambda x: id(x) in replacements)
    used = [node for node in nodes if id(node) in replacements]
    if len(used) != len(chosen):
        raise TreeError("[tree.tree_at] where chose a node twice, or a node and one inside it")
    return treedef.unflatten(
        [
            replacements[id(node)] if id(node) in replacements else originals[node.index]
            for node in nodes
        ]
    )
