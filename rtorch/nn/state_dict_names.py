"""The names of arrays in a state dict: of where they are in params and state, and renamed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.nn.layer import Params, State

Rename: TypeAlias = "Mapping[str, str] | Callable[[str], str] | None"

_MOST_SHOWN = 10  # names of one kind in a message


class Part(NamedTuple):
    """Where a leaf, or one layer of a stacked one, is in both worlds."""

    name: str
    place: tuple[int, ...]


def named_leaves(
    trees: tuple[Params, State], change: Callable[[str], str]
) -> Iterator[tuple[Any, list[Part]]]:
    """Each leaf with its parts."""
    for path, leaf in rt.tree.leaves_with_path(tuple(trees)):
        leaf = leaf if hasattr(leaf, "shape") else rt.asarray(leaf)
        steps = [rt.tree.keystr((step,), simple=True) for step in path[1:]]
        stacked = leaf.shape[: steps.count("*")]
        yield leaf, [Part(change(_name(steps, index)), index)
                     for index in itertools.product(*map(range, stacked))]  # fmt: skip


def _name(steps: list[str], index: tuple[int, ...]) -> str:
    numbers = iter(index)
    return ".".join(str(next(numbers)) if step == "*" else step for step in steps)


def renaming(function: str, rename: Rename, trees: tuple[Params, State]) -> Callable[[str], str]:
    """`rename` as a function; `function` is for messages."""
    if rename is None:
        return str
    if callable(rename):
        return rename
    beginnings = sorted(rename, key=len, reverse=True)
    names = [name for _, parts in named_leaves(trees, str) for name, _ in parts]
    for old in beginnings:
        if not any(_begins(name, old) for name in names):
            raise ArgumentError(f"[{function}] rename: no name begins with {old!r}; the names are "
                                f"{listed(map(repr, names))}")  # fmt: skip

    def change(name: str) -> str:
        old = next((old for old in beginnings if _begins(name, old)), None)
        if old is None:
            return name
        return f"{rename[old]}.{name[len(old) :].lstrip('.')}".strip(".")

    return change


def _begins(name: str, beginning: str) -> bool:
    return not beginning or f"{name}.".startswith(f"{beginning}.")


def listed(texts: Any, separator: str = ", ") -> str:
    """The first of `texts`, and how many more there are."""
    texts = list(texts)
    more = len(texts) - _MOST_SHOWN
    shown = separator.join(texts[:_MOST_SHOWN])
    return f"{shown}{separator}and {more} more" if more > 0 else shown
