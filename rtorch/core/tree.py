"""Pytrees: nested containers taken apart into their leaves, and put together again.

Containers are dict (leaves in the order of the sorted keys; of insertion where keys cannot be
sorted), list, tuple, named tuples, OrderedDict, defaultdict, None (a node without leaves) and
classes that were registered. Everything else is a leaf.

The functions are named as users see them (``rt.tree.map``), so `map` hides the built-in here. This
module is on the path of every transform: it does one dict look-up per leaf and a few function
calls per container.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn, TypeAlias

from rtorch.core.tree_diff import Labelled, differences, labelled, mismatch_text, shown, spec_text
from rtorch.core.tree_kinds import DICT, Kind, Spec, kinds, sorted_keys
from rtorch.errors import ArgumentError, TreeError, describe

PyTree: TypeAlias = Any
IsLeaf: TypeAlias = Callable[[Any], bool]


class TreeDef:
    """The structure of a pytree: immutable, hashable, equal to that of trees built alike.

    Attributes:
        spec: The structure as nested tuples, see `rtorch.core.tree_kinds`.
        num_leaves: How many leaves it has.

    Example:
        >>> from rtorch import tree
        >>> treedef = tree.structure({"b": (1, None), "a": 2})
        >>> treedef
        TreeDef({'a': *, 'b': (*, None)})
        >>> treedef.num_leaves
        2
    """

    __slots__ = ("_hash", "num_leaves", "spec")

    spec: Spec
    num_leaves: int
    _hash: int | None

    def __init__(self, spec: Spec, num_leaves: int) -> None:
        _set_spec(self, spec)
        _set_num_leaves(self, num_leaves)
        _set_hash(self, None)

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The tree of this structure with the given leaves; see `unflatten`."""
        return unflatten(self, leaves)

    def flatten_up_to(self, tree: PyTree) -> list[PyTree]:
        """The subtrees of `tree` at the leaves of this structure.

        Raises:
            TreeError: if `tree` does not begin with this structure.

        Example:
            >>> from rtorch import tree
            >>> tree.structure((0, [0])).flatten_up_to(({"a": 1}, [2]))
            [{'a': 1}, 2]
        """
        return flatten_up_to(self, tree)

    def children(self) -> list[TreeDef]:
        """The structures right below the root.

        Example:
            >>> from rtorch import tree
            >>> tree.structure((0, [0])).children()
            [TreeDef(*), TreeDef([*])]
        """
        return [TreeDef(spec, count_leaves(spec)) for spec in (self.spec[2] if self.spec else ())]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, TreeDef):
            return NotImplemented
        return self.num_leaves == other.num_leaves and self.spec == other.spec

    def __hash__(self) -> int:
        if self._hash is None:
            _set_hash(self, _hash_spec(self))
        return self._hash  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"TreeDef({spec_text(self.spec)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"TreeDef is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"TreeDef is immutable: cannot delete {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return TreeDef, (self.spec, self.num_leaves)


_set_spec = TreeDef.__dict__["spec"].__set__
_set_num_leaves = TreeDef.__dict__["num_leaves"].__set__
_set_hash = TreeDef.__dict__["_hash"].__set__

_LEAF = TreeDef(None, 1)


def _hash_spec(treedef: TreeDef) -> int:
    try:
        return hash(treedef.spec)
    except TypeError as error:
        raise ArgumentError(
            f"[TreeDef] cannot be hashed ({error}): meta fields and aux data of registered classes "
            f"must be hashable, in {shown(treedef.spec)}"
        ) from error


def count_leaves(spec: Spec) -> int:
    """How many leaves a spec has."""
    return 1 if spec is None else sum([count_leaves(child) for child in spec[2]])


def flatten(tree: PyTree, is_leaf: IsLeaf | None = None) -> tuple[list[Any], TreeDef]:
    """The leaves of a tree, and its structure.

    Args:
        tree: Any pytree.
        is_leaf: Called on every node; where it is true the node is taken for a leaf.

    Example:
        >>> from rtorch import tree
        >>> tree.flatten({"b": [1, 2], "a": 3, "none": None})
        ([3, 1, 2], TreeDef({'a': *, 'b': [*, *], 'none': None}))
        >>> tree.flatten([(1, 2), None], is_leaf=lambda x: isinstance(x, tuple))
        ([(1, 2)], TreeDef([*, None]))
    """
    leaves: list[Any] = []
    if is_leaf is not None:
        spec = _flatten_until(tree, leaves.append, is_leaf)
        return leaves, TreeDef(spec, len(leaves))
    kind = kinds[type(tree)]
    if kind is None:
        return [tree], _LEAF
    return leaves, TreeDef(_flatten(kind, tree, leaves.append), len(leaves))


def _flatten(kind: Kind, x: Any, append: Callable[[Any], Any]) -> Spec:
    if kind is DICT:
        return _flatten_dict(x, append)
    children, meta = kind.flatten(x)
    specs: list[Spec] = []
    for child in children:
        child_kind = kinds[type(child)]
        if child_kind is None:
            append(child)
            specs.append(None)
        else:
            specs.append(_flatten(child_kind, child, append))
    return kind, meta, tuple(specs)


def _flatten_dict(x: dict[Any, Any], append: Callable[[Any], Any]) -> Spec:
    # Parameters are dicts of dicts: a loop of their own saves a third of the time.
    keys = sorted_keys(x)
    specs: list[Spec] = []
    for key in keys:
        child = x[key]
        child_kind = kinds[type(child)]
        if child_kind is None:
            append(child)
            specs.append(None)
        else:
            specs.append(_flatten(child_kind, child, append))
    return DICT, keys, tuple(specs)


def _flatten_until(x: Any, append: Callable[[Any], Any], is_leaf: IsLeaf) -> Spec:
    kind = None if is_leaf(x) else kinds[type(x)]
    if kind is None:
        append(x)
        return None
    children, meta = kind.flatten(x)
    return kind, meta, tuple([_flatten_until(child, append, is_leaf) for child in children])


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> PyTree:
    """The tree of a structure with the given leaves: the inverse of `flatten`.

    Dicts come back in the order of their sorted keys.

    Raises:
        TreeError: if the number of leaves is not that of the structure.

    Example:
        >>> from rtorch import tree
        >>> tree.unflatten(tree.structure({"a": 0, "b": (0, None)}), [1, 2])
        {'a': 1, 'b': (2, None)}
    """
    check_treedef("unflatten", "treedef", treedef)
    leaves = list(leaves)
    if len(leaves) != treedef.num_leaves:
        raise TreeError(
            f"[tree.unflatten] came {len(leaves)} leaves for a structure of "
            f"{treedef.num_leaves}: {shown(treedef.spec)}"
        )
    return leaves[0] if treedef.spec is None else _build(treedef.spec, iter(leaves))


def _build(spec: Any, leaves: Iterator[Any]) -> PyTree:
    kind, meta, specs = spec
    children: Iterable[Any]
    if any(specs):
        children = [next(leaves) if s is None else _build(s, leaves) for s in specs]
    else:
        children = itertools.islice(leaves, len(specs))
    if kind is DICT:
        return dict(zip(meta, children))
    return kind.unflatten(meta, children)


def check_treedef(function: str, name: str, treedef: object) -> None:
    """Refuse what is no TreeDef, in the name of `function`."""
    if not isinstance(treedef, TreeDef):
        raise ArgumentError(
            f"[tree.{function}] {name} must be a TreeDef, as tree.structure(x) gives it; "
            f"came {describe(treedef)}"
        )


def leaves(tree: PyTree, is_leaf: IsLeaf | None = None) -> list[Any]:
    """The leaves of a tree.

    Example:
        >>> from rtorch import tree
        >>> tree.leaves({"b": [1, 2], "a": 3})
        [3, 1, 2]
    """
    return flatten(tree, is_leaf)[0]


def structure(tree: PyTree, is_leaf: IsLeaf | None = None) -> TreeDef:
    """The structure of a tree.

    Example:
        >>> from rtorch import tree
        >>> tree.structure([1, (2, None)])
        TreeDef([*, (*, None)])
    """
    return flatten(tree, is_leaf)[1]


def map(
    f: Callable[..., Any], tree: PyTree, *rest: PyTree, is_leaf: IsLeaf | None = None
) -> PyTree:
    """The tree with `f` of each leaf in its place.

    Args:
        f: Called with a leaf of `tree` and what each of `rest` has at that place.
        tree: Decides the structure of the result.
        rest: Trees that begin with the structure of `tree`; they may go deeper.
        is_leaf: See `flatten`; it is asked about `tree` alone.

    Raises:
        TreeError: if one of `rest` has another structure.

    Example:
        >>> from rtorch import tree
        >>> tree.map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
        {'a': 11, 'b': [22]}
    """
    xs, treedef = flatten(tree, is_leaf)
    if not rest:
        return unflatten(treedef, [f(x) for x in xs])
    columns = map_columns("map", xs, treedef, rest)
    return unflatten(treedef, [f(*row) for row in zip(xs, *columns, strict=True)])


def map_columns(
    function: str, xs: list[Any], treedef: TreeDef, rest: Sequence[PyTree]
) -> list[list[Any]]:
    """What each of `rest` has at the leaves `xs` of a tree; errors name `function`."""
    return [
        flatten_up_to(treedef, y, f"tree.{function}", xs, ("tree", f"rest[{i}]"))
        for i, y in enumerate(rest)
    ]


class Mismatch(Exception):  # noqa: N818 - a signal, not an error
    """A fast walk met a node that does not fit; the caller finds out where and says it."""


def flatten_up_to(
    treedef: TreeDef,
    tree: PyTree,
    function: str = "TreeDef.flatten_up_to",
    leaves: list[Any] | None = None,
    names: tuple[str, str] = ("structure", "tree"),
) -> list[PyTree]:
    """The subtrees of `tree` at the leaves of `treedef`; the rest serves the message."""
    if treedef.spec is None:
        return [tree]
    subtrees: list[PyTree] = []
    try:
        _split(treedef.spec, tree, subtrees.append)
    except Mismatch:
        error = mismatch(function, names, treedef, tree, leaves, prefix=True)
    else:
        return subtrees
    raise error


def _split(spec: Any, x: Any, append: Callable[[Any], Any]) -> None:
    kind: Kind
    kind, meta, specs = spec
    if kinds[type(x)] is not kind:
        raise Mismatch
    for child_spec, child in zip(specs, _children(kind, meta, len(specs), x), strict=True):
        if child_spec is None:
            append(child)
        else:
            _split(child_spec, child, append)


def _children(kind: Kind, meta: Any, count: int, x: Any) -> Sequence[Any]:
    if kind is DICT:  # by key, without sorting
        if len(x) != count:
            raise Mismatch
        try:
            return [x[key] for key in meta]
        except KeyError:
            raise Mismatch from None
    found, own_meta = kind.flatten(x)
    children = tuple(found)
    if len(children) != count or own_meta != meta:
        raise Mismatch
    return children


def mismatch(
    function: str,
    names: tuple[str, str],
    wanted: PyTree | TreeDef,
    came: PyTree | TreeDef,
    leaves: list[Any] | None = None,
    prefix: bool = False,
) -> TreeError:
    """The error that says where `came` leaves the structure of `wanted`.

    `leaves` are those of `wanted`, if it is a structure. With `prefix` the tree may go deeper.
    """
    left, left_label = described(wanted, leaves)
    right, right_label = described(came)
    where = next(differences(left_label, right_label, prefix), None)
    what = f"[{function}] {names[1]} has another structure than {names[0]}"
    return TreeError(mismatch_text(what, (names[0], left), (names[1], right), where))


def described(x: PyTree | TreeDef, leaves: list[Any] | None = None) -> tuple[Spec, Labelled]:
    """The spec of a tree or structure, and the same with what is known of the leaves."""
    if isinstance(x, TreeDef):
        treedef = x
    else:
        leaves, treedef = flatten(x)
    return treedef.spec, treedef.spec if leaves is None else labelled(treedef.spec, leaves)
