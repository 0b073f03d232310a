"""Where two structures differ, in words; the text of every `TreeError`.

Only the way to an error comes through here, so nothing is fast. A spec may carry the description
of a leaf (a str) in its place, see `labelled`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from rtorch.core.tree_kinds import (
    DEFAULT_DICT,
    DICT,
    LIST,
    NONE,
    ORDERED_DICT,
    TUPLE,
    Kind,
    Path,
    Spec,
)
from rtorch.errors import describe

Labelled: TypeAlias = "Node | str | None"
Node: TypeAlias = "tuple[Kind, Any, tuple[Labelled, ...]]"

_LONGEST = 400  # characters of a structure in a message


class Difference(NamedTuple):
    """A place where two structures differ, and what each has there."""

    path: Path
    text: str

    def __str__(self) -> str:
        place = f"at {keystr(self.path)}" if self.path else "at the root"
        return f"{place}: {self.text}"


def keystr(path: Path, *, simple: bool = False, separator: str = "") -> str:
    """A path as text.

    Args:
        path: As `flatten_with_path` gives it.
        simple: Only the names and numbers, without brackets, quotes and dots.
        separator: What stands between two steps.

    Returns:
        What one would write after the tree to get the leaf.

    Example:
        >>> from rtorch import tree
        >>> [(path, _)] = tree.leaves_with_path({"w": [3.0]})
        >>> tree.keystr(path)
        "['w'][0]"
        >>> tree.keystr(path, simple=True, separator="/")
        'w/0'
    """
    return separator.join([_simple(step) if simple else str(step) for step in path])


def _simple(step: Any) -> str:
    for name in ("key", "idx", "name"):
        if hasattr(step, name):
            return str(getattr(step, name))
    return str(step)


def spec_text(spec: Spec) -> str:
    """A structure as text: ``*`` for a leaf."""
    if spec is None:
        return "*"
    kind, meta, children = spec
    return kind.show(meta, [spec_text(child) for child in children])


def shown(spec: Spec) -> str:
    """A structure as messages show it: cut if it is long."""
    text = spec_text(spec)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def labelled(spec: Spec, leaves: Iterable[Any]) -> Labelled:
    """`spec` with a description of each leaf in its place."""
    return _label(spec, iter(leaves))


def _label(spec: Spec, leaves: Iterator[Any]) -> Labelled:
    if spec is None:
        return describe(next(leaves))
    kind, meta, children = spec
    return kind, meta, tuple([_label(child, leaves) for child in children])


def differences(
    left: Labelled, right: Labelled, prefix: bool = False, path: Path = ()
) -> Iterator[Difference]:
    """The places where `right` differs from `left`, in the order of the leaves.

    Args:
        left: The structure that was wanted.
        right: The structure that came.
        prefix: A leaf of `left` stands for any subtree.
        path: Where the two are.
    """
    if left is None or isinstance(left, str):
        if not prefix and not _is_leaf(right):
            yield Difference(path, f"{_noun(left)} against {_noun(right)}")
    elif text := _node_difference(left, right):
        yield Difference(path, text)
    else:
        assert isinstance(right, tuple)
        kind, meta, children = left
        steps = kind.steps(meta, len(children))
        for step, a, b in zip(steps, children, _in_order_of(left, right), strict=True):
            yield from differences(a, b, prefix, (*path, step))
        if meta != right[1]:
            yield Difference(path, f"keys in the order {_listed(meta)} against {_listed(right[1])}")


def _is_leaf(spec: Labelled) -> bool:
    return not isinstance(spec, tuple)


def _node_difference(left: Node, right: Labelled) -> str:
    """How two nodes differ, their children left aside; empty if they do not."""
    if not isinstance(right, tuple) or left[0] is not right[0]:
        return f"{_noun(left)} against {_noun(right)}"
    if left[1] == right[1] and len(left[2]) == len(right[2]):
        return ""
    if left[0] in _KEYS:
        text = _keys_difference(_keys(left), _keys(right))
        return text or (_meta_difference(left, right) if left[0] is DEFAULT_DICT else "")
    if len(left[2]) == len(right[2]):
        return _meta_difference(left, right)
    return f"{_noun(left)} against {_noun(right)}"


def _keys_difference(left: tuple[Any, ...], right: tuple[Any, ...]) -> str:
    texts = [f"missing key {key!r}" for key in left if key not in right]
    texts += [f"extra key {key!r}" for key in right if key not in left]
    return ", ".join(texts)


def _in_order_of(left: Node, right: Node) -> Sequence[Labelled]:
    """The children of `right` in the order of the keys of `left`."""
    if left[1] == right[1]:
        return right[2]
    children = dict(zip(_keys(right), right[2], strict=True))
    return [children[key] for key in _keys(left)]


def _meta_difference(left: Node, right: Node) -> str:
    texts = [kind.show(meta, ["*"] * len(below)) for kind, meta, below in (left, right)]
    return f"{texts[0]} against {texts[1]}"


_KEYS = (DICT, ORDERED_DICT, DEFAULT_DICT)


def _keys(node: Node) -> tuple[Any, ...]:
    keys: tuple[Any, ...] = node[1][1] if node[0] is DEFAULT_DICT else node[1]
    return keys


def _listed(keys: tuple[Any, ...]) -> str:
    names = [repr(key) for key in keys[:6]] + (["..."] if len(keys) > 6 else [])
    return ", ".join(names)


def _noun(spec: Labelled) -> str:
    """What is at a place, in a few words."""
    if not isinstance(spec, tuple):
        return f"leaf ({spec})" if spec else "leaf"
    kind, _, children = spec
    if kind is NONE:
        return "None"
    name, count = kind.cls.__name__, len(children)
    if kind in _KEYS:
        keys = _keys(spec)
        return f"{name} with keys {_listed(keys)}" if keys else f"empty {name}"
    if kind is LIST or kind is TUPLE:
        return f"{name} of {count}" if count else f"empty {name}"
    return f"{name} of {count}" if count else f"{name}"


def mismatch_text(
    what: str, left: tuple[str, Spec], right: tuple[str, Spec], where: Difference | None
) -> str:
    """The message: what is wrong, where first, and the two structures with their names."""
    width = max(len(left[0]), len(right[0])) + 1
    lines = [f"{what}, {where}" if where else what]
    lines += [f"  {name + ':':<{width}} {shown(spec)}" for name, spec in (left, right)]
    return "\n".join(lines)
