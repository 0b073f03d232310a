"""A row of tokens cut into windows, for models that predict the next token."""

from __future__ import annotations

from typing import Any

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe

__all__ = ["TokenWindows", "windows"]


class TokenWindows:
    """A dataset of windows of a row of tokens, and the same windows one token later.

    Args:
        tokens: Integers of shape ``(n,)``; also a memory-mapped file, of which only what is asked
            for is read.
        length: Of a window.
        stride: How far it is from one window to the next; `length` if None, so that each token is
            predicted once. What is left over at the end is left out.

    Example:
        >>> from rtorch.data import text
        >>> ds = text.TokenWindows(range(8), 3)
        >>> len(ds), [part.tolist() for part in ds[1]]
        (2, [[3, 4, 5], [4, 5, 6]])
    """

    def __init__(self, tokens: Any, length: int, stride: int | None = None) -> None:
        self.tokens = _tokens("TokenWindows", tokens)
        self.length, self.stride = _steps("TokenWindows", length, stride)

    def __len__(self) -> int:
        return max(0, (len(self.tokens) - 1 - self.length) // self.stride + 1)

    def __getitem__(self, index: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        if not -len(self) <= index < len(self):
            raise OutOfBoundsError(f"[TokenWindows] there is no window {index} of {len(self)}")
        start = (index % len(self)) * self.stride
        part = np.asarray(self.tokens[start : start + self.length + 1])
        return part[:-1], part[1:]


@api
def windows(tokens: Any, length: int, stride: int | None = None) -> tuple[rt.Array, rt.Array]:
    """All windows of a row of tokens, and the same one token later.

    Args:
        tokens: Integers of shape ``(n,)``.
        length: As of `TokenWindows`.
        stride: Likewise.

    Returns:
        Two arrays of shape ``(windows, length)``.

    Example:
        >>> from rtorch.data import text
        >>> x, y = text.windows([1, 2, 3, 4, 5], 2)
        >>> x.tolist(), y.tolist()
        ([[1, 2], [3, 4]], [[2, 3], [4, 5]])
    """
    row = _tokens("windows", tokens)
    length, stride = _steps("windows", length, stride)
    if len(row) <= length:
        empty = rt.zeros((0, length), rt.asarray(np.asarray(row[:0])).dtype)
        return empty, empty
    view = np.lib.stride_tricks.sliding_window_view(np.asarray(row), length + 1)[::stride]
    return rt.asarray(view[:, :-1].copy()), rt.asarray(view[:, 1:].copy())


def _tokens(name: str, tokens: Any) -> np.ndarray[Any, Any]:
    row = tokens if isinstance(tokens, np.ndarray) else np.asarray(tokens)
    if row.ndim != 1 or (row.size and not np.issubdtype(row.dtype, np.integer)):
        raise ShapeError(f"[{name}] tokens: expected a row of integers, got {describe(tokens)}")
    return row


def _steps(name: str, length: Any, stride: Any) -> tuple[int, int]:
    stride = length if stride is None else stride
    for what, value in (("length", length), ("stride", stride)):
        if not isinstance(value, int) or value < 1:
            raise ArgumentError(f"[{name}] {what}: expected 1 or more, got {describe(value)}")
    return length, stride
