"""Texts as arrays: encode_batch, pad_tokens, encode_stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.data.text.tokenizer import Tokenizer
from rtorch.errors import ArgumentError, ShapeError, api, describe

__all__ = ["TokenBatch", "encode_batch", "encode_stream", "pad_tokens"]

_SIDES = ("right", "left")


class TokenBatch(NamedTuple):
    """Sequences of tokens, filled up to one length.

    Attributes:
        ids: int32 of shape ``(n, length)``.
        lengths: int32 of shape ``(n,)``: how many tokens of each row are its own.
        mask: bool of shape ``(n, length)``: which these are.

    Example:
        >>> from rtorch.data import text
        >>> ids, lengths, mask = text.pad_tokens([[1, 2], [3]])
        >>> ids.tolist(), lengths.tolist()
        ([[1, 2], [3, 0]], [2, 1])
    """

    ids: rt.Array
    lengths: rt.Array
    mask: rt.Array


@api
def pad_tokens(
    sequences: Sequence[Any], *, pad: int = 0, length: int | None = None, multiple_of: int = 1,
    padding: str = "right", truncation: str | None = None,
) -> TokenBatch:  # fmt: skip
    """Sequences of different lengths as one array.

    Args:
        sequences: Lists or arrays of integers.
        pad: What they are filled up with.
        length: To which length; that of the longest if None.
        multiple_of: The length is rounded up to a multiple of this, so that a jitted function sees
            few shapes.
        padding: The side on which they are filled up, ``"right"`` or ``"left"``.
        truncation: The side on which sequences longer than `length` lose tokens; None: they raise.

    Raises:
        ShapeError: if a sequence is too long.

    Example:
        >>> from rtorch.data import text
        >>> batch = text.pad_tokens([[5, 6, 7], [8]], multiple_of=2)
        >>> batch.ids.tolist(), batch.lengths.tolist(), batch.mask[1].tolist()
        ([[5, 6, 7, 0], [8, 0, 0, 0]], [3, 1], [True, False, False, False])
    """
    for what, side in (("padding", padding), ("truncation", truncation)):
        if side not in _SIDES and not (what == "truncation" and side is None):
            raise ArgumentError(f"[pad_tokens] {what}: expected one of {_SIDES}, got {side!r}")
    if not isinstance(multiple_of, int) or multiple_of < 1:
        raise ArgumentError(f"[pad_tokens] multiple_of: expected 1 or more, got {multiple_of!r}")
    rows = [_row(i, sequence) for i, sequence in enumerate(sequences)]
    width = max(map(len, rows), default=0) if length is None else length
    rows = [_shortened(i, row, width, truncation) for i, row in enumerate(rows)]
    width = -(-width // multiple_of) * multiple_of
    ids = np.full((len(rows), width), pad, np.int32)
    mask = np.zeros(ids.shape, np.bool_)
    for i, row in enumerate(rows):
        place = slice(0, len(row)) if padding == "right" else slice(width - len(row), width)
        ids[i, place], mask[i, place] = row, True
    lengths = np.asarray([len(row) for row in rows], np.int32)
    return TokenBatch(rt.asarray(ids), rt.asarray(lengths), rt.asarray(mask))


@api
def encode_batch(
    tokenizer: Tokenizer, texts: Iterable[str], *, bos: bool = False, eos: bool = False,
    specials: bool = False, length: int | None = None, multiple_of: int = 1,
    padding: str = "right", truncation: str | None = None,
) -> TokenBatch:  # fmt: skip
    """Texts as one array of tokens, with their lengths and a mask.

    Args:
        tokenizer: Whose ``pad`` token fills up; 0 if it has none, where the mask matters.
        texts: Strings.
        bos: As of `Tokenizer.encode`.
        eos: Likewise; a text that is cut off on the right loses it.
        specials: Likewise.
        length: As of `pad_tokens`.
        multiple_of: Likewise.
        padding: Likewise.
        truncation: Likewise.

    Example:
        >>> from rtorch.data import text
        >>> t = text.ByteTokenizer(pad="<pad>", eos="<eos>")
        >>> text.encode_batch(t, ["ab", ""], eos=True).ids.tolist()
        [[97, 98, 257], [257, 256, 256]]
    """
    if isinstance(texts, str) or not isinstance(tokenizer, Tokenizer):
        raise ArgumentError(
            "[encode_batch] expected a tokenizer and a list of strings, got "
            f"{describe(tokenizer)} and {describe(texts)}"
        )
    rows = [tokenizer.encode(text, bos=bos, eos=eos, specials=specials) for text in texts]
    pad = tokenizer.vocabulary.pad_id
    return pad_tokens(
        rows, pad=pad or 0, length=length, multiple_of=multiple_of, padding=padding,
        truncation=truncation,
    )  # fmt: skip


@api
def encode_stream(
    tokenizer: Tokenizer, texts: Iterable[str], *, bos: bool = False, eos: bool = True
) -> np.ndarray[Any, Any]:
    """All texts in one row of tokens, for `TokenWindows` and `windows`.

    Args:
        tokenizer: A tokenizer.
        texts: Strings.
        bos: Whether each begins with the token for that.
        eos: Whether each ends with the token for that.

    Returns:
        int32, a NumPy array.

    Example:
        >>> from rtorch.data import text
        >>> text.encode_stream(text.ByteTokenizer(eos="<eos>"), ["ab", "c"]).tolist()
        [97, 98, 256, 99, 256]
    """
    if isinstance(texts, str) or not isinstance(tokenizer, Tokenizer):
        raise ArgumentError(
            "[encode_stream] expected a tokenizer and a list of strings, got "
            f"{describe(tokenizer)} and {describe(texts)}"
        )
    parts = [np.asarray(tokenizer.encode(t, bos=bos, eos=eos), np.int32) for t in texts]
    return np.concatenate([np.zeros(0, np.int32), *parts])


def _row(i: int, sequence: Any) -> np.ndarray[Any, Any]:
    row = np.asarray(sequence)
    if row.ndim != 1 or (row.size and not np.issubdtype(row.dtype, np.integer)):
        raise ArgumentError(
            f"[pad_tokens] sequences: expected rows of integers, got {describe(sequence)} at {i}"
        )
    return row


def _shortened(
    i: int, row: np.ndarray[Any, Any], width: int, truncation: str | None
) -> np.ndarray[Any, Any]:
    if len(row) <= width:
        return row
    if truncation is None:
        raise ShapeError(
            f"[pad_tokens] sequences: {i} has {len(row)} tokens, more than length={width}; "
            "truncation='right' cuts them off"
        )
    return row[:width] if truncation == "right" else row[len(row) - width :]
