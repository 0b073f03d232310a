"""What one does with pytrees beside `map`: folds, paths, comparison and splits.

Built on `rtorch.core.tree`; nothing here is on the path of a transform.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import tree as _tree
from rtorch.core.tree import IsLeaf, PyTree, TreeDef, described, flatten, mismatch
from rtorch.core.tree_diff import differences
from rtorch.core.tree_kinds import Path, Spec, kinds
from rtorch.core.tree_prefix import flatten_prefix
from rtorch.errors import ArgumentError, TreeError, describe

_NOTHING = object()


def reduce(
    f: Callable[[Any, Any], Any],
    tree: PyTree,
    initializer: Any = _NOTHING,
    is_leaf: IsLeaf | None = None,
) -> Any:
    """``f(...f(f(initializer, leaf 0), leaf 1)...)``, as `functools.reduce`.

    Raises:
        TreeError: if there are no leaves and no initializer.

    Example:
        >>> from rtorch import tree
        >>> tree.reduce(lambda x, y: x + y, {"a": 1, "b": [2, 3]})
        6
        >>> tree.reduce(lambda n, x: n + 1, {"a": 1, "b": [2, 3]}, 0)
        3
    """
    xs = _tree.leaves(tree, is_leaf)
    if initializer is not _NOTHING:
        return functools.reduce(f, xs, initializer)
    if not xs:
        raise TreeError("[tree.reduce] the tree has no leaves: give an initializer")
    return functools.reduce(f, xs)


def all(tree: PyTree, is_leaf: IsLeaf | None = None) -> bool:
    """Whether every leaf is true; a tree without leaves says yes.

    Example:
        >>> from rtorch import tree
        >>> tree.all({"a": True, "b": [1, 0]})
        False
    """
    return False not in [bool(x) for x in _tree.leaves(tree, is_leaf)]


def any(tree: PyTree, is_leaf: IsLeaf | None = None) -> bool:
    """Whether some leaf is true; a tree without leaves says no.

    Example:
        >>> from rtorch import tree
        >>> tree.any({"a": False, "b": [1, 0]})
        True
    """
    return True in [bool(x) for x in _tree.leaves(tree, is_leaf)]


def flatten_with_path(
    tree: PyTree, is_leaf: IsLeaf | None = None
) -> tuple[list[tuple[Path, Any]], TreeDef]:
    """The leaves of a tree with their paths, and its structure.

    Example:
        >>> from rtorch import tree
        >>> pairs, treedef = tree.flatten_with_path({"w": [1, 2], "b": 3})
        >>> [(tree.keystr(path), x) for path, x in pairs]
        [("['b']", 3), ("['w'][0]", 1), ("['w'][1]", 2)]
    """
    pairs: list[tuple[Path, Any]] = []
    spec = _walk(tree, (), pairs, is_leaf)
    return pairs, TreeDef(spec, len(pairs))


def _walk(x: Any, path: Path, pairs: list[tuple[Path, Any]], is_leaf: IsLeaf | None) -> Spec:
    kind = None if is_leaf is not None and is_leaf(x) else kinds[type(x)]
    if kind is None:
        pairs.append((path, x))
        return None
    steps, children, meta = kind.split(x)
    below = zip(steps, children, strict=True)
    return kind, meta, tuple([_walk(child, (*path, s), pairs, is_leaf) for s, child in below])


def leaves_with_path(tree: PyTree, is_leaf: IsLeaf | None = None) -> list[tuple[Path, Any]]:
    """The leaves of a tree with their paths.

    Example:
        >>> from rtorch import tree
        >>> tree.leaves_with_path((1, [2]))
        [((SequenceKey(0),), 1), ((SequenceKey(1), SequenceKey(0)), 2)]
    """
    return flatten_with_path(tree, is_leaf)[0]


def map_with_path(
    f: Callable[..., Any], tree: PyTree, *rest: PyTree, is_leaf: IsLeaf | None = None
) -> PyTree:
    """`map` with a function that takes the path first: ``f(path, leaf, *rest)``.

    Raises:
        TreeError: if one of `rest` has another structure.

    Example:
        >>> from rtorch import tree
        >>> tree.map_with_path(lambda path, x: tree.keystr(path) + str(x), {"a": 1, "b": [2]})
        {'a': "['a']1", 'b': ["['b'][0]2"]}
    """
    pairs, treedef = flatten_with_path(tree, is_leaf)
    xs = [x for _, x in pairs]
    columns = _tree.map_columns("map_with_path", xs, treedef, rest)
    paths = [path for path, _ in pairs]
    return treedef.unflatten([f(*row) for row in zip(paths, xs, *columns, strict=True)])


def diff(first: PyTree, second: PyTree) -> str:
    """The places where the structures of two trees differ, one a line; empty if they are equal.

    Args:
        first: A tree, or a TreeDef.
        second: A tree, or a TreeDef.

    Example:
        >>> from rtorch import tree
        >>> print(tree.diff({"w": [1, 2], "b": 0}, {"w": [1], "b": (1, 2)}))
        at ['b']: leaf (int 0) against tuple of 2
        at ['w']: list of 2 against list of 1
    """
    return "\n".join([str(d) for d in differences(described(first)[1], described(second)[1])])


def assert_same_structure(first: PyTree, second: PyTree) -> None:
    """Raise unless two trees have one structure.

    Args:
        first: A tree, or a TreeDef.
        second: A tree, or a TreeDef.

    Raises:
        TreeError: naming the first path at which they differ, and what each has there.

    Example:
        >>> from rtorch import tree
        >>> tree.assert_same_structure({"a": 1, "b": (2, 3)}, {"b": ("x", "y"), "a": "z"})
    """
    left = first if isinstance(first, TreeDef) else _tree.structure(first)
    right = second if isinstance(second, TreeDef) else _tree.structure(second)
    if left != right:
        raise mismatch("tree.assert_same_structure", ("first", "second"), first, second)


def partition(tree: PyTree, mask: PyTree, is_leaf: IsLeaf | None = None) -> tuple[PyTree, PyTree]:
    """Two trees of one structure: the leaves for which `mask` is true, and the others.

    None stands in each where a leaf went to the other; `combine` is the inverse.

    Args:
        tree: A pytree.
        mask: A predicate of a leaf, or a bool, or a tree of them that is as the upper part of
            `tree`.
        is_leaf: See `flatten`; it is asked about `tree`.

    Raises:
        TreeError: if `mask` is built otherwise.
        ArgumentError: if it holds something else than predicates and bools.

    Example:
        >>> from rtorch import tree
        >>> tree.partition({"w": 1.5, "step": 3}, lambda x: isinstance(x, float))
        ({'step': None, 'w': 1.5}, {'step': 3, 'w': None})
    """
    xs, treedef = flatten(tree, is_leaf)
    marks = flatten_prefix(mask, treedef, "mask", function="tree.partition")
    keep = [_decide(mark, x) for mark, x in zip(marks, xs, strict=True)]
    yes = [x if kept else None for x, kept in zip(xs, keep, strict=True)]
    no = [None if kept else x for x, kept in zip(xs, keep, strict=True)]
    return treedef.unflatten(yes), treedef.unflatten(no)


def _decide(mark: Any, x: Any) -> bool:
    if callable(mark):
        return bool(mark(x))
    if isinstance(mark, bool | np.bool_):
        return bool(mark)
    raise ArgumentError(
        f"[tree.partition] mask must hold bools or predicates of a leaf, came {describe(mark)}"
    )


def combine(tree: PyTree, *rest: PyTree) -> PyTree:
    """One tree of several: at each place the first leaf that is not None.

    Raises:
        TreeError: if the structures differ.

    Example:
        >>> from rtorch import tree
        >>> tree.combine({"w": 1.5, "step": None}, {"w": None, "step": 3})
        {'step': 3, 'w': 1.5}
    """
    xs, treedef = flatten(tree, is_leaf=lambda x: x is None)
    columns = _tree.map_columns("combine", xs, treedef, rest)
    rows = zip(xs, *columns, strict=True)
    return treedef.unflatten([next((x for x in row if x is not None), None) for row in rows])
