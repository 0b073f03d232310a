"""Patterns of sparse matrices, and colourings: which columns one directional derivative can serve.

Columns without a common row can share a direction: every entry of the product is then one entry
of the matrix (Curtis, Powell, Reid 1974). To find few groups is to colour the graph of columns
that meet (Coleman and Moré 1983), greedily here, in the given order and in that of falling
degrees. Of a symmetric matrix an entry can be read from either triangle, which a star colouring
uses (Coleman and Moré 1984; Gebremedhin, Manne, Pothen 2005, "What color is your Jacobian?").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, describe

Lists = list[list[int]]


class Pattern:
    """The places of a matrix that may hold something else than zero.

    Attributes:
        rows: The row of each place.
        cols: The column of each place.
        shape: Of the matrix, None where only the places are known.
    """

    __slots__ = ("_key", "cols", "rows", "shape")

    def __init__(self, rows: Any, cols: Any, shape: tuple[int, int] | None) -> None:
        self.rows = rows
        self.cols = cols
        self.shape = shape
        self._key = (shape, rows.tobytes(), cols.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Pattern({len(self.rows)} entries, shape {self.shape})"

    def of_shape(self, shape: tuple[int, int], function: str) -> Pattern:
        """This pattern, known to be of a matrix of `shape`."""
        if self.shape == shape:
            return self
        least = (_length(self.rows), _length(self.cols))
        if self.shape is not None or least[0] > shape[0] or least[1] > shape[1]:
            came = f"shape {self.shape}" if self.shape else f"places up to row, column {least}"
            raise ShapeError(
                f"[{function}] pattern has {came}, the matrix has shape {shape}: one row for each "
                "element of the result, one column for each element of the argument"
            )
        return Pattern(self.rows, self.cols, shape)


def pattern_of(pattern: Any, function: str) -> Pattern:
    """What the user gave as `pattern`: a matrix of booleans, of SciPy, or rows and columns."""
    if isinstance(pattern, Pattern):
        return pattern
    if hasattr(pattern, "tocoo"):  # a sparse matrix of SciPy
        coo = pattern.tocoo()
        return _checked(coo.row, coo.col, tuple(coo.shape), function)
    if isinstance(pattern, tuple) and len(pattern) == 2:
        return _checked(pattern[0], pattern[1], None, function)
    matrix = np.asarray(pattern) if isinstance(pattern, (Array, np.ndarray, list)) else None
    if matrix is None or matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise ArgumentError(
            f"[{function}] pattern: expected a matrix of booleans, a sparse matrix of SciPy, or a "
            f"pair (rows, columns), got {describe(pattern)}"
        )
    rows, cols = np.nonzero(matrix)
    return _checked(rows, cols, matrix.shape, function)


def _checked(rows: Any, cols: Any, shape: Any, function: str) -> Pattern:
    rows, cols = np.asarray(rows), np.asarray(cols)
    for places in (rows, cols):
        if places.ndim != 1 or (places.dtype.kind not in "iu" and places.size):
            raise ArgumentError(
                f"[{function}] pattern: rows and columns must be vectors of integers, got "
                f"{describe(places)}"
            )
    rows, cols = rows.astype(np.int64), cols.astype(np.int64)
    if len(rows) != len(cols) or (rows < 0).any() or (cols < 0).any():
        raise ArgumentError(
            f"[{function}] pattern: rows and columns must be non-negative and of one length, got "
            f"{len(rows)} and {len(cols)}"
        )
    if len(set(zip(rows.tolist(), cols.tolist()))) != len(rows):
        raise ArgumentError(f"[{function}] pattern names a place twice")
    return Pattern(rows, cols, shape)


def _length(places: Any) -> int:
    """How many rows or columns there are at least."""
    return int(places.max(initial=-1)) + 1


def column_colors(rows: Any, cols: Any) -> Any:
    """A colour for each column up to the last of `cols`, so that no row has a colour twice.

    Swap the arguments to colour rows. The better of two greedy colourings.
    """
    rows_of = _lists(cols, rows)
    n_rows = _length(rows)
    natural = range(len(rows_of))
    falling = sorted(natural, key=lambda j: -len(rows_of[j]))
    found = [_greedy(rows_of, n_rows, order) for order in (natural, falling)]
    return np.asarray(min(found, key=lambda colors: max(colors, default=0)), np.int64)


def _lists(keys: Any, values: Any) -> Lists:
    lists: Lists = [[] for _ in range(_length(keys))]
    for key, value in zip(keys.tolist(), values.tolist()):
        lists[key].append(value)
    return lists


def _greedy(rows_of: Lists, n_rows: int, order: Sequence[int]) -> list[int]:
    """Each column in `order` gets the first colour that its rows have not seen.

    The colours that a row has seen are the bits of an integer: time is linear in the entries.
    """
    seen = [0] * n_rows
    colors = [0] * len(rows_of)
    for j in order:
        taken = 0
        for i in rows_of[j]:
            taken |= seen[i]
        first = ~taken & (taken + 1)  # the lowest bit that is not taken
        for i in rows_of[j]:
            seen[i] |= first
        colors[j] = first.bit_length() - 1
    return colors


def star_colors(rows: Any, cols: Any) -> Any:
    """A colour for each vertex of the graph with edges ``(rows[k], cols[k])``, both ways.

    Neighbours differ, and every path of four vertices has three colours: so each edge is one at
    least of whose ends has no other neighbour of the other end's colour.
    """
    n = max(_length(rows), _length(cols))
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for i, j in zip(rows.tolist(), cols.tolist()):
        if i != j:
            neighbours[i].add(j)
            neighbours[j].add(i)
    natural = range(n)
    falling = sorted(natural, key=lambda v: -len(neighbours[v]))
    found = [_greedy_star(neighbours, order) for order in (natural, falling)]
    return np.asarray(min(found, key=lambda colors: max(colors, default=0)), np.int64)


def _greedy_star(neighbours: list[set[int]], order: Sequence[int]) -> list[int]:
    colors = [-1] * len(neighbours)
    for v in order:
        forbidden = set()
        for w in neighbours[v]:
            forbidden.add(colors[w])
            for x in neighbours[w]:
                if x != v and colors[x] not in forbidden and _ends_path(neighbours, colors, w, x):
                    forbidden.add(colors[x])
        colors[v] = next(c for c in range(len(neighbours)) if c not in forbidden)
    return colors


def _ends_path(neighbours: list[set[int]], colors: list[int], w: int, x: int) -> bool:
    """Whether a vertex before the edge w-x with the colour of x would be a path of two colours."""
    if colors[x] == -1:
        return False
    return colors[w] == -1 or any(y != w and colors[y] == colors[w] for y in neighbours[x])


def symmetric_places(rows: Any, cols: Any, colors: Any) -> tuple[Any, Any]:
    """Where to read each entry of a symmetric matrix: the colour of the product, and its row.

    Entry (i, j) is element i of the product for the colour of j if no other neighbour of i has
    that colour; else element j of that for the colour of i.
    """
    edges = {(i, j) for i, j in zip(rows.tolist(), cols.tolist())}
    edges |= {(j, i) for i, j in edges} | {(i, i) for i in range(len(colors))}
    seen: dict[tuple[int, int], int] = {}
    for i, j in edges:
        seen[i, colors[j]] = seen.get((i, colors[j]), 0) + 1
    direct = np.asarray([seen[i, colors[j]] == 1 for i, j in zip(rows.tolist(), cols.tolist())],
                        bool)  # fmt: skip
    return np.where(direct, colors[cols], colors[rows]), np.where(direct, rows, cols)
