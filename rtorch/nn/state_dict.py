"""Parameters and state as one flat dict with PyTorch's names, and back.

A name is the path of an array, its steps joined by dots. Layers call their parameters what PyTorch
calls them, so nothing here knows of any layer. A step ``*`` in a path, which `repeat` makes, stands
for the first axis of the arrays below: they become one entry for each number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, overload

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, TreeError, api, describe
from rtorch.nn.layer import Params, State
from rtorch.nn.state_dict_names import Part, Rename, listed, named_leaves, renaming

__all__ = ["NotLoaded", "load_state_dict", "state_dict"]

_KINDS = ("bool", "integral", "real floating", "complex floating")


class NotLoaded(NamedTuple):
    """What `load_state_dict` left aside; `print` shows it in words.

    Attributes:
        missing: Names of the network that the entries lack.
        unexpected: Names of entries that the network lacks.
        mismatched: What was expected and what came, by name, where shape or kind of dtype differ.

    Example:
        >>> import rtorch as rt
        >>> print(rt.nn.NotLoaded(["1.bias"], [], {}))
        1 missing: '1.bias'
    """

    missing: list[str]
    unexpected: list[str]
    mismatched: dict[str, str]

    def __str__(self) -> str:
        lines = [
            f"{len(names)} {what}: {listed(map(repr, names))}"
            for what, names in (("missing", self.missing), ("unexpected", self.unexpected))
            if names
        ]
        if self.mismatched:
            pairs = (f"{name!r} {text}" for name, text in self.mismatched.items())
            lines.append(f"{len(self.mismatched)} mismatched: {listed(pairs, '; ')}")
        return "\n  ".join(lines) or "all was loaded"


@api
def state_dict(
    params: Params, state: State = None, *, rename: Rename = None
) -> dict[str, rt.Array]:
    """Parameters and state in one flat dict, with the names of PyTorch's ``state_dict()``.

    Args:
        params: Parameters as ``init`` returns them.
        state: The state, if it is to be included.
        rename: Names of PyTorch's side where they are others: a function from a name to a name, or
            a dict from beginnings of names to what stands there instead, such as
            ``{"0": "backbone.conv1"}``; ``""`` is the beginning of all names. The longest counts.

    Returns:
        Arrays by name. Layers of `repeat` are unstacked: ``"layers.0.weight"``, ...

    Raises:
        TreeError: if two arrays get one name.
        ArgumentError: if no name begins with a key of `rename`.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import nn
        >>> net = nn.serial(("conv", nn.Conv1d(2, 3)), ("bn", nn.BatchNorm1d(affine=False)))
        >>> params, state = net.init(rt.random.key(0), rt.spec((8, 1, 9)))
        >>> for name, value in nn.state_dict(params, state).items():
        ...     print(name, value.shape)
        conv.bias (2,)
        conv.weight (2, 1, 3)
        bn.num_batches_tracked ()
        bn.running_mean (2,)
        bn.running_var (2,)
    """
    change = renaming("state_dict", rename, (params, state))
    found: dict[str, rt.Array] = {}
    for leaf, parts in named_leaves((params, state), change):
        for name, index in parts:
            if name in found:
                raise TreeError(f"[state_dict] two arrays have the name {name!r}")
            found[name] = leaf[index] if index else leaf
    return found


@overload
def load_state_dict(
    entries: Mapping[str, Any], like: tuple[Params, State], *, strict: Literal[True] = True,
    rename: Rename = None, dtype: Any = None,
) -> tuple[Params, State]: ...  # fmt: skip
@overload
def load_state_dict(
    entries: Mapping[str, Any], like: tuple[Params, State], *, strict: Literal[False],
    rename: Rename = None, dtype: Any = None,
) -> tuple[Params, State, NotLoaded]: ...  # fmt: skip
@api
def load_state_dict(
    entries: Mapping[str, Any], like: tuple[Params, State], *, strict: bool = True,
    rename: Rename = None, dtype: Any = None,
) -> Any:  # fmt: skip
    """Parameters and state out of what `state_dict` or PyTorch's ``state_dict()`` gave.

    Args:
        entries: Arrays of rtorch, NumPy or PyTorch by name. Foreign ones are copied.
        like: ``(params, state)`` as ``init`` returns them, or specs of them. Structure, shapes,
            dtypes and devices are those of `like`.
        strict: Whether all names and shapes must agree. If not, what does not fit stays as it is in
            `like`, and what that is is returned too.
        rename: As in `state_dict`: from names of `like` to names of `entries`.
        dtype: Of the floating arrays, instead of that in `like`.

    Returns:
        ``params, state``; with ``strict=False`` ``params, state, not_loaded``, see `NotLoaded`.

    Raises:
        TreeError: if names, shapes or kinds of dtypes (floating, integer, ...) do not agree; the
            message lists them all.

    Example:
        >>> import numpy as np
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.Linear(2), rt.nn.relu, rt.nn.Linear(1))
        >>> like = net.init(rt.random.key(0), rt.spec((1, 3)))
        >>> entries = {"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2)}
        >>> params, state, left = rt.nn.load_state_dict(entries, like, strict=False)
        >>> print(left)
        2 missing: '2.bias', '2.weight'
        >>> params["0"]["weight"].dtype
        dtype('float32')
    """
    _check_arguments(entries, like)
    change = renaming("load_state_dict", rename, like)
    left, rows = NotLoaded([], [], {}), list(named_leaves(like, change))
    values = [[_fitting(entries, name, leaf, len(index), left) for name, index in parts]
              for leaf, parts in rows]  # fmt: skip
    known = {name for _, parts in rows for name, _ in parts}
    left.unexpected.extend(name for name in entries if name not in known)
    if strict and any(left):
        raise TreeError(
            f"[load_state_dict] the entries are not those of the network:\n  {left}\n"
            "rename= maps names; strict=False loads what fits"
        )
    leaves = [_together(*row, new, dtype) for row, new in zip(rows, values, strict=True)]
    loaded = rt.tree.unflatten(rt.tree.structure(tuple(like)), leaves)
    return loaded if strict else (*loaded, left)


def _check_arguments(entries: Any, like: Any) -> None:
    if not isinstance(entries, Mapping):
        raise ArgumentError(
            f"[load_state_dict] entries: expected a dict of arrays by name, got {describe(entries)}"
        )
    if not isinstance(like, tuple | list) or len(like) != 2:
        raise ArgumentError(
            "[load_state_dict] like: expected (params, state) as init returns them, got "
            f"{describe(like)}"
        )


def _fitting(
    entries: Mapping[str, Any], name: str, leaf: Any, stacked: int, left: NotLoaded
) -> rt.Array | None:
    """The entry for a part of a leaf; None, and a word in `left`, if there is none that fits."""
    if name not in entries:
        left.missing.append(name)
        return None
    value, wanted = _array(entries[name]), rt.spec(leaf.shape[stacked:], leaf.dtype)
    if value.shape != wanted.shape or _kind(value.dtype) != _kind(wanted.dtype):
        left.mismatched[name] = f"expected {describe(wanted)}, got {describe(value)}"
        return None
    return value


def _kind(dtype: Any) -> str:
    return next(kind for kind in _KINDS if rt.isdtype(dtype, kind))


def _array(value: Any) -> rt.Array:
    if not hasattr(value, "detach"):
        return rt.asarray(value)
    tensor = value.detach()  # of PyTorch, perhaps one that is being trained
    if str(tensor.dtype) == "torch.bfloat16":  # NumPy cannot take it; float32 holds it exactly
        return rt.from_dlpack(tensor.float()).astype(rt.bfloat16)
    return rt.from_dlpack(tensor, copy=True)


def _together(leaf: Any, parts: list[Part], values: list[rt.Array | None], dtype: Any) -> rt.Array:
    """A leaf of its parts, which stay as they are in `leaf` where there is no value."""
    is_array = isinstance(leaf, rt.Array)
    for part, value in zip(parts, values, strict=True):
        if value is None and not is_array:
            raise TreeError(f"[load_state_dict] {part.name!r} is not loaded, and like has no array "
                            f"for it but {describe(leaf)}")  # fmt: skip
    arrays: list[Any] = [leaf[part.place] if value is None else value
                         for part, value in zip(parts, values, strict=True)]  # fmt: skip
    whole = rt.reshape(rt.stack(arrays) if len(arrays) > 1 else arrays[0], leaf.shape)
    floating = rt.isdtype(leaf.dtype, "real floating")
    whole = whole.astype(dtype if floating and dtype is not None else leaf.dtype)
    return _placed(whole, leaf) if is_array else whole


def _placed(value: rt.Array, leaf: rt.Array) -> rt.Array:
    try:
        return value.to(leaf.device)
    except ConcretizationError:  # inside jit, which sees to it
        return value
