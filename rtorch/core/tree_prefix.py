"""Trees over trees: a prefix spread over a deeper tree, and two levels exchanged."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from rtorch.core.tree import (
    IsLeaf,
    Mismatch,
    PyTree,
    TreeDef,
    check_treedef,
    count_leaves,
    flatten,
    flatten_up_to,
    structure,
    unflatten,
)
from rtorch.core.tree_diff import differences, labelled, mismatch_text
from rtorch.core.tree_kinds import Spec, kinds
from rtorch.errors import RtorchError, TreeError


def transpose(outer: TreeDef, inner: TreeDef | None, tree: PyTree) -> PyTree:
    """An `outer` of `inner`s turned into an `inner` of `outer`s.

    Args:
        outer: Structure at the top of `tree`.
        inner: Structure at each leaf of `outer`; None takes that of the first.
        tree: The tree; what lies below `inner` is moved as it is.

    Raises:
        TreeError: if `tree` is not built so.

    Example:
        >>> from rtorch import tree
        >>> pairs = {"a": (1, 2), "b": (3, 4)}
        >>> tree.transpose(tree.structure({"a": 0, "b": 0}), tree.structure((0, 0)), pairs)
        ({'a': 1, 'b': 3}, {'a': 2, 'b': 4})
    """
    check_treedef("transpose", "outer", outer)
    parts = flatten_up_to(outer, tree, "tree.transpose", names=("outer", "tree"))
    if inner is None:
        if not parts:
            raise TreeError("[tree.transpose] outer has no leaves: give the structure of inner")
        inner = structure(parts[0])
    check_treedef("transpose", "inner", inner)
    rows = [
        flatten_up_to(inner, part, "tree.transpose", names=("inner", f"part {i} of tree"))
        for i, part in enumerate(parts)
    ]
    columns = zip(*rows, strict=True) if rows else itertools.repeat((), inner.num_leaves)
    return unflatten(inner, [unflatten(outer, column) for column in columns])


def broadcast(prefix: PyTree, full: PyTree, is_leaf: IsLeaf | None = None) -> PyTree:
    """A tree of the structure of `full`, with each leaf of `prefix` at all places below it.

    Args:
        prefix: Its structure is how that of `full` begins. None is a node, not a value.
        full: A pytree.
        is_leaf: See `flatten`; it is asked about `prefix` alone.

    Raises:
        TreeError: if `full` does not begin as `prefix` does.

    Example:
        >>> from rtorch import tree
        >>> tree.broadcast((1, {"a": 2, "b": 3}), ([0, 0], {"a": (0, 0), "b": 0}))
        ([1, 1], {'a': (2, 2), 'b': 3})
    """
    treedef = structure(full)
    values, prefix_def = flatten(prefix, is_leaf)
    return unflatten(treedef, _spread(values, prefix_def, treedef, "prefix", "tree.broadcast"))


def flatten_prefix(
    prefix: PyTree,
    tree: PyTree | TreeDef,
    what: str = "in_axes",
    *,
    function: str = "",
    error: type[RtorchError] = TreeError,
) -> list[Any]:
    """The value that a prefix tree gives to each leaf of a tree; None is a value too.

    Args:
        prefix: One value for all leaves, or containers as the upper part of `tree` has them.
        tree: A pytree, or the structure of one.
        what: What the prefix is called in messages.
        function: The function that took it, for messages.
        error: The exception class to raise.

    Returns:
        As many values as `tree` has leaves.

    Raises:
        TreeError: (or `error`) if the prefix does not fit, naming the path in it.

    Example:
        >>> from rtorch.core.tree_prefix import flatten_prefix
        >>> flatten_prefix((None, 0), (1.0, {"w": 2.0, "b": 3.0}))
        [None, 0, 0]
    """
    treedef = tree if isinstance(tree, TreeDef) else structure(tree)
    if prefix is None or kinds[type(prefix)] is None:
        return [prefix] * treedef.num_leaves
    values, prefix_def = flatten(prefix, is_leaf=_is_none)
    return _spread(values, prefix_def, treedef, what, function, error)


def _is_none(x: Any) -> bool:
    return x is None


def _spread(
    values: list[Any],
    prefix: TreeDef,
    treedef: TreeDef,
    what: str,
    function: str,
    error: type[RtorchError] = TreeError,
) -> list[Any]:
    """Each of the leaves of `prefix` as often as `treedef` has leaves below it."""
    counts: list[int] = []
    try:
        _count_below(prefix.spec, treedef.spec, counts.append)
    except Mismatch:
        pass
    else:
        return [v for v, n in zip(values, counts, strict=True) for _ in range(n)]
    where = next(differences(labelled(prefix.spec, values), treedef.spec, prefix=True), None)
    text = f"{'[' + function + '] ' if function else ''}{what} does not fit the tree"
    raise error(mismatch_text(text, (what, prefix.spec), ("tree", treedef.spec), where))


def _count_below(prefix: Any, spec: Spec, append: Callable[[int], Any]) -> None:
    if prefix is None:
        append(count_leaves(spec))
        return
    if spec is None or spec[:2] != prefix[:2] or len(spec[2]) != len(prefix[2]):
        raise Mismatch
    for below, child in zip(prefix[2], spec[2], strict=True):
        _count_below(below, child, append)
