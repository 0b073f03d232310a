"""Comma-separated values, column by column."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.data.arrays import ArrayDataset
from rtorch.errors import ArgumentError, DTypeError, FileFormatError, describe

__all__ = ["CSVDataset"]

PathLike = str | os.PathLike[str]
_Row = tuple[int, list[str]]  # the line on which it ends, and its fields


class CSVDataset(ArrayDataset):
    r"""The rows of a CSV file: a sample is a dict of the values in its columns.

    The file is read once, into an array for each column (``arrays``).

    Args:
        path: The file.
        columns: Which columns, by name or number; by default all.
        dtypes: Dtypes by column, ``str`` for text. Those that are not given are found: int64 if
            all values are integers, `rt.default_dtype()` if all are numbers, else text.
        header: Whether the first row has the names; without, columns are called 0, 1, ...
        missing: Texts that stand for a missing value, spaces around them aside.
        fill: Values for what is missing, by column; by default nan for floats and ``""`` for
            text. Missing integers and bools need one.
        delimiter: Between the values.
        encoding: Of the file.

    Raises:
        FileFormatError: if a row has too many or too few values, or a value is not of its
            column's dtype; with the line.
        ArgumentError: if a column is not there.

    Example:
        >>> import pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "people.csv")
        ...     _ = file.write_text("name,age,height\nAda,36,1.65\nAlan,41,\n")
        ...     ds = data.CSVDataset(file)
        ...     ds[0]["age"], ds.arrays["height"]
        (np.int64(36), array([1.65, nan], dtype=float32))
    """

    def __init__(
        self,
        path: PathLike,
        columns: Sequence[str | int] | None = None,
        dtypes: Mapping[Any, Any] | None = None,
        *,
        header: bool = True,
        missing: Sequence[str] = ("", "NA", "N/A", "nan", "NaN", "null"),
        fill: Mapping[Any, Any] | None = None,
        delimiter: str = ",",
        encoding: str = "utf-8-sig",
    ) -> None:
        self.path = Path(path)
        rows = _rows(self.path, delimiter, encoding)
        names: list[Any] = []
        if header:
            if not rows:
                raise FileFormatError(f"[CSVDataset] {str(path)!r} is empty: there is no header")
            names = [name.strip() for name in rows.pop(0)[1]]
        elif rows:
            names = list(range(len(rows[0][1])))
        _check_rows(self.path, rows, names)
        chosen = _chosen(names, columns)
        _known("dtypes", dtypes, chosen)
        _known("fill", fill, chosen)
        column = _Column(self.path, rows, frozenset(missing))
        super().__init__(
            {
                name: column.array(name, place, (dtypes or {}).get(name), (fill or {}).get(name))
                for name, place in chosen.items()
            }
        )


def _rows(path: Path, delimiter: str, encoding: str) -> list[_Row]:
    with path.open(newline="", encoding=encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            return [(reader.line_num, fields) for fields in reader if fields]
        except (csv.Error, UnicodeDecodeError) as error:
            raise FileFormatError(
                f"[CSVDataset] {str(path)!r}, line {reader.line_num}: {error}"
            ) from None


def _check_rows(path: Path, rows: list[_Row], names: list[Any]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise FileFormatError(f"[CSVDataset] {str(path)!r}: the header has {twice} twice")
    for line, fields in rows:
        if len(fields) != len(names):
            raise FileFormatError(
                f"[CSVDataset] {str(path)!r}, line {line}: {len(fields)} values, expected "
                f"{len(names)}"
            )


def _chosen(names: list[Any], columns: Sequence[str | int] | None) -> dict[Any, int]:
    """The columns that are wanted, and their places."""
    if isinstance(columns, str):
        raise ArgumentError(f"[CSVDataset] columns: expected a list of names, got {columns!r}")
    chosen = {}
    for column in names if columns is None else columns:
        name = column
        if column not in names and isinstance(column, int) and -len(names) <= column < len(names):
            name = names[column]
        if name not in names:
            raise ArgumentError(f"[CSVDataset] columns: there is no {column!r}, but {names}")
        chosen[name] = names.index(name)
    return chosen


def _known(argument: str, given: Mapping[Any, Any] | None, chosen: dict[Any, int]) -> None:
    if unknown := sorted(map(repr, set(given or ()) - set(chosen))):
        raise ArgumentError(
            f"[CSVDataset] {argument}: there is no column {', '.join(unknown)}, but {list(chosen)}"
        )


class _Column:
    """Texts of a column, and the array that they become."""

    def __init__(self, path: Path, rows: list[_Row], missing: frozenset[str]) -> None:
        self.path, self.rows, self.missing = path, rows, missing

    def array(self, name: Any, place: int, dtype: Any, fill: Any) -> np.ndarray[Any, Any]:
        texts = [fields[place].strip() for _, fields in self.rows]
        absent = [text in self.missing for text in texts]
        kind = self._found(texts, absent) if dtype is None else _dtype(dtype, name)
        if kind.kind == "U":
            default = "" if fill is None else str(fill)
            return np.array([default if gone else text for text, gone in zip(texts, absent)], str)
        if fill is None and kind.kind in "fc":
            fill = np.nan
        array = np.empty(len(texts), kind)
        parse = _PARSERS[kind.kind]
        for i, (text, gone) in enumerate(zip(texts, absent)):
            if gone and fill is None:
                raise self._bad(i, name, f"missing, and there is no {kind} for it; give fill")
            try:
                array[i] = fill if gone else parse(text)
            except (ValueError, OverflowError, TypeError):
                raise self._bad(i, name, f"{text!r} is no {kind}") from None
        return array

    def _found(self, texts: list[str], absent: list[bool]) -> np.dtype[Any]:
        """The narrowest of int64, float and text that all values fit."""
        present = [text for text, gone in zip(texts, absent) if not gone]
        floating = np.dtype(str(rt.default_dtype()))
        if present and all(map(_is_int, present)):
            return np.dtype(np.int64) if len(present) == len(texts) else floating
        return floating if present and all(map(_is_float, present)) else np.dtype(str)

    def _bad(self, row: int, name: Any, why: str) -> FileFormatError:
        line = self.rows[row][0]
        return FileFormatError(
            f"[CSVDataset] {str(self.path)!r}, line {line}, column {name!r}: {why}"
        )


def _dtype(dtype: Any, name: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(str(dtype) if dtype is not str and not isinstance(dtype, type) else dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in {*_PARSERS, "U"}:
        raise DTypeError(f"[CSVDataset] dtypes: column {name!r} cannot have {describe(dtype)}")
    return kind


def _is_int(text: str) -> bool:
    try:
        return -(2**63) <= int(text) < 2**63 and "_" not in text
    except ValueError:
        return False


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _bool(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return known[text.lower()] if text.lower() in known else _refuse(text)


def _refuse(text: str) -> bool:
    raise ValueError(text)


_PARSERS: dict[str, Any] = {"i": int, "u": int, "f": float, "c": complex, "b": _bool}
