"""Samples as one batch: arrays are stacked along a new first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError, api, describe

__all__ = ["collate", "pad_collate"]

Stack = Callable[[Sequence[Any], str], Any]


@api
def collate(samples: Sequence[Any]) -> Any:
    """A batch of samples: the same pytree, each leaf stacked along a new first axis.

    Python numbers become vectors: integers int64, floats of `rt.default_dtype()`. Strings, bytes
    and other objects become a list.

    Args:
        samples: At least one; all of one structure, with arrays of equal shapes and dtypes.

    Raises:
        TreeError: if their structures differ.
        ShapeError: if shapes differ; `pad_collate` pads those of sequences.
        DTypeError: if dtypes differ.

    Example:
        >>> import numpy as np
        >>> from rtorch import data
        >>> data.collate([{"x": np.ones(2), "y": 0}, {"x": np.zeros(2), "y": 1}])
        {'x': array([[1., 1.], [0., 0.]]), 'y': array([0, 1])}
    """
    return _collate(_samples("collate", samples), _stack, "")


@api
def pad_collate(
    samples: Sequence[Any], *, value: Any = 0, length: int | None = None, multiple: int = 1
) -> Any:
    """As `collate`, but arrays of different lengths are padded at their end, along the first axis.

    Args:
        samples: At least one; the arrays at one place of the pytree differ in their first axis
            alone.
        value: What is padded with.
        length: The length to pad to; by default that of the longest in the batch.
        multiple: The length is rounded up to a multiple of it, for fewer compilations.

    Returns:
        The batch. Where arrays have an axis, a pair of the padded array and the true lengths
        (int64) stands in its place.

    Example:
        >>> import numpy as np
        >>> from rtorch import data
        >>> data.pad_collate([np.array([1, 2, 3]), np.array([4])])
        (array([[1, 2, 3], [4, 0, 0]]), array([3, 1]))
    """
    if isinstance(multiple, bool) or not isinstance(multiple, int) or multiple < 1:
        raise ArgumentError(f"[pad_collate] multiple: expected 1 or more, got {describe(multiple)}")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int)):
        raise ArgumentError(f"[pad_collate] length: expected an integer, got {describe(length)}")

    def pad(arrays: Sequence[Any], path: str) -> Any:
        if arrays[0].ndim == 0:
            return _stack(arrays, path)
        _check_alike(arrays, path, first_axis=1)
        lengths = np.array([len(a) for a in arrays])
        longest = int(lengths.max()) if length is None else length
        if lengths.max() > longest:
            raise ShapeError(f"[pad_collate] samples{path}: sample {lengths.argmax()} has length "
                             f"{lengths.max()}, more than length={length}")  # fmt: skip
        longest = -(-longest // multiple) * multiple
        batch = np.full((len(arrays), longest, *arrays[0].shape[1:]), value, arrays[0].dtype)
        for row, array in zip(batch, arrays, strict=True):
            row[: len(array)] = array
        return batch, lengths

    return _collate(_samples("pad_collate", samples), pad, "")


def _samples(name: str, samples: Any) -> Sequence[Any]:
    if not isinstance(samples, Sequence) or isinstance(samples, str) or not len(samples):
        raise ArgumentError(f"[{name}] samples: expected a list of one sample or more, got "
                            f"{describe(samples)}")  # fmt: skip
    return samples


def _collate(samples: Sequence[Any], stack: Stack, path: str) -> Any:
    """The batch of what all samples have at `path`."""
    first = samples[0]
    if isinstance(first, np.ndarray | np.generic):
        return stack(_arrays(samples, path), path)
    kind = type(first)
    if kind is dict:
        _check_dicts(samples, first, path)
        return {k: _collate([s[k] for s in samples], stack, f"{path}[{k!r}]") for k in first}
    if kind in (tuple, list) or hasattr(first, "_fields"):
        _check_sequences(samples, first, path)
        children = [
            _collate([s[i] for s in samples], stack, f"{path}[{i}]") for i in range(len(first))
        ]
        return kind(*children) if hasattr(first, "_fields") else kind(children)
    if first is None:
        return None
    if isinstance(first, int | float | complex):
        return _numbers(samples, path)
    if isinstance(first, rt.Array):
        return stack([np.asarray(s) for s in _all_arrays(samples, path)], path)
    return _other(samples, stack, path)


def _other(samples: Sequence[Any], stack: Stack, path: str) -> Any:
    """Registered classes by their parts; strings and objects as a list."""
    leaves, treedef = rt.tree.flatten(samples[0])
    if len(leaves) == 1 and leaves[0] is samples[0]:
        return list(samples)
    for i, sample in enumerate(samples):
        if rt.tree.structure(sample) != treedef:
            raise _differ(samples[0], sample, i, path)
    columns = [rt.tree.leaves(sample) for sample in samples]
    stacked = [_collate([c[j] for c in columns], stack, f"{path}<{j}>") for j in range(len(leaves))]
    return rt.tree.unflatten(treedef, stacked)


def _check_dicts(samples: Sequence[Any], first: dict[Any, Any], path: str) -> None:
    for i, sample in enumerate(samples):
        if type(sample) is not dict or sample.keys() != first.keys():
            raise _differ(first, sample, i, path)


def _check_sequences(samples: Sequence[Any], first: Any, path: str) -> None:
    for i, sample in enumerate(samples):
        if type(sample) is not type(first) or len(sample) != len(first):
            raise _differ(first, sample, i, path)


def _differ(first: Any, sample: Any, i: int, path: str) -> TreeError:
    def form(x: Any) -> str:
        if isinstance(x, dict):
            return f"a dict with the keys {sorted(map(str, x))}"
        return f"a {type(x).__name__}" + (f" of {len(x)}" if isinstance(x, tuple | list) else "")

    return TreeError(
        f"[collate] samples{path} differ in structure: sample 0 of the batch is {form(first)}, "
        f"sample {i} is {form(sample)}"
    )


def _all_arrays(samples: Sequence[Any], path: str) -> Sequence[Any]:
    for i, sample in enumerate(samples):
        if not hasattr(sample, "dtype"):
            raise _differ(samples[0], sample, i, path)
    return samples


def _arrays(samples: Sequence[Any], path: str) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(sample) for sample in _all_arrays(samples, path)]


def _check_alike(arrays: Sequence[Any], path: str, first_axis: int = 0) -> None:
    shape, dtype = arrays[0].shape, arrays[0].dtype
    for i, array in enumerate(arrays):
        if array.ndim != len(shape) or array.shape[first_axis:] != shape[first_axis:]:
            cure = "" if first_axis else "; data.pad_collate pads sequences"
            raise ShapeError(
                f"[collate] samples{path} differ in shape: sample 0 of the batch is "
                f"{describe(arrays[0])}, sample {i} is {describe(array)}{cure}"
            )
        if array.dtype != dtype:
            raise DTypeError(
                f"[collate] samples{path} differ in dtype: sample 0 of the batch is "
                f"{describe(arrays[0])}, sample {i} is {describe(array)}"
            )


def _stack(arrays: Sequence[Any], path: str) -> np.ndarray[Any, Any]:
    _check_alike(arrays, path)
    first = arrays[0]
    batch = np.empty((len(arrays), *first.shape), first.dtype)
    for i, array in enumerate(arrays):
        batch[i] = array
    return batch


def _numbers(samples: Sequence[Any], path: str) -> np.ndarray[Any, Any]:
    try:
        return np.array(samples, _dtype_of_numbers(samples, path))
    except OverflowError:
        raise DTypeError(
            f"[collate] samples{path}: an integer is outside int64; make it an array of another "
            "dtype in the dataset"
        ) from None


def _dtype_of_numbers(samples: Sequence[Any], path: str) -> Any:
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (float, None), (complex, np.complex64)):
        known = int | float if kind is float else int | float | complex if kind is complex else kind
        if all(isinstance(sample, known) for sample in samples):
            return dtype or np.dtype(str(rt.default_dtype()))
    i = next(i for i, s in enumerate(samples) if not isinstance(s, int | float | complex))
    raise _differ(samples[0], samples[i], i, path)
