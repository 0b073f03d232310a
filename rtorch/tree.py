"""Pytrees: nested containers of anything, taken apart, mapped over and put together again.

Containers are dict, list, tuple, named tuples, OrderedDict, defaultdict, None (without leaves) and
classes that were registered; everything else is a leaf. The leaves of a dict come in the order of
its sorted keys. Names are those of ``jax.tree`` and ``jax.tree_util`` where these have the
function; `tree_at`, `partition` and `combine` are as in Equinox.

Example:
    >>> from rtorch import tree
    >>> params = {"w": [1.0, 2.0], "b": 3.0}
    >>> tree.map(lambda x: 10 * x, params)
    {'b': 30.0, 'w': [10.0, 20.0]}
"""

from __future__ import annotations

from rtorch.core import (
    tree as _tree,
    tree_at as _at,
    tree_prefix as _prefix,
    tree_register as _register,
    tree_util as _util,
)
from rtorch.core.tree import TreeDef
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_kinds import DictKey, FlattenedIndexKey, GetAttrKey, Path, SequenceKey
from rtorch.errors import api
from rtorch.numpy.devices import ravel_pytree

flatten = api(_tree.flatten)
unflatten = api(_tree.unflatten)
leaves = api(_tree.leaves)
structure = api(_tree.structure)
map = api(_tree.map)
reduce = api(_util.reduce)
all = api(_util.all)
any = api(_util.any)
transpose = api(_prefix.transpose)
broadcast = api(_prefix.broadcast)

flatten_with_path = api(_util.flatten_with_path)
leaves_with_path = api(_util.leaves_with_path)
map_with_path = api(_util.map_with_path)
diff = api(_util.diff)
assert_same_structure = api(_util.assert_same_structure)
tree_at = api(_at.tree_at)
partition = api(_util.partition)
combine = api(_util.combine)

register_node = api(_register.register_node)
register_dataclass = api(_register.register_dataclass)
register_static = api(_register.register_static)

__all__ = [
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "Path",
    "SequenceKey",
    "TreeDef",
    "all",
    "any",
    "assert_same_structure",
    "broadcast",
    "combine",
    "diff",
    "flatten",
    "flatten_with_path",
    "keystr",
    "leaves",
    "leaves_with_path",
    "map",
    "map_with_path",
    "partition",
    "ravel_pytree",
    "reduce",
    "register_dataclass",
    "register_node",
    "register_static",
    "structure",
    "transpose",
    "tree_at",
    "unflatten",
]
