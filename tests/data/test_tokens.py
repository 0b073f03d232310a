"""Vocabularies, padded batches and windows of tokens."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import rtorch as rt
from rtorch.data import text
from rtorch.errors import ArgumentError, FileFormatError, OutOfBoundsError, ShapeError

ROWS = st.lists(st.lists(st.integers(0, 1000), max_size=8), max_size=5)


@given(st.lists(st.text(max_size=5), unique=True, min_size=1))
def test_vocabularies_know_their_tokens(tokens: list[str]) -> None:
    v = text.Vocabulary(tokens, unk=tokens[0])
    assert [v[token] for token in v] == list(range(len(v)))
    assert [v.token(i) for i in range(len(v))] == tokens
    assert text.Vocabulary.from_json(v.to_json()) == v == pickle.loads(pickle.dumps(v))


def test_vocabularies_in_files(tmp_path: Path) -> None:
    v = text.Vocabulary.from_counts({"é": 3, "\ud800": 2}, bos="<bos>")
    v.save(tmp_path / "v.json")
    again = text.Vocabulary.load(tmp_path / "v.json")
    assert again == v
    assert again.tokens == ("<pad>", "<unk>", "<bos>", "é", "\ud800")
    assert (again.unk_id, again.pad_id, again.bos_id, again.eos_id) == (1, 0, 2, None)
    (tmp_path / "v.json").write_text('{"format": "rtorch.vocabulary", "version": 1}')
    with pytest.raises(FileFormatError, match="no vocabulary"):
        text.Vocabulary.load(tmp_path / "v.json")
    (tmp_path / "v.json").write_text('{"format": "rtorch.vocabulary", "version": 9}')
    with pytest.raises(FileFormatError, match="version 9"):
        text.Vocabulary.load(tmp_path / "v.json")


def test_counts() -> None:
    counts = {"a": 3, "b": 1, "c": 3, "<unk>": 100}
    v = text.Vocabulary.from_counts(counts, min_count=2, pad=None)
    assert v.tokens == ("<unk>", "a", "c")
    assert v["b"] == 0


@given(ROWS, st.sampled_from(["left", "right"]), st.integers(1, 4))
def test_padded_rows_hold_the_rows(rows: list[list[int]], side: str, multiple: int) -> None:
    ids, lengths, mask = text.pad_tokens(rows, pad=-1, padding=side, multiple_of=multiple)
    assert lengths.tolist() == [len(row) for row in rows]
    assert ids.shape == mask.shape
    assert ids.shape[1] % multiple == 0
    for row, own, there in zip(rows, np.asarray(ids), np.asarray(mask), strict=True):
        assert own[there].tolist() == row
        assert (own[~there] == -1).all()
        steps = np.diff(there.astype(int))
        assert (steps <= 0 if side == "right" else steps >= 0).all()


def test_truncation() -> None:
    cut = text.pad_tokens([[1, 2, 3], [4]], length=2, truncation="right")
    assert cut.ids.tolist() == [[1, 2], [4, 0]]
    assert text.pad_tokens([[1, 2, 3]], length=2, truncation="left").ids.tolist() == [[2, 3]]
    with pytest.raises(ShapeError, match="sequences: 0 has 3 tokens, more than length=2"):
        text.pad_tokens([[1, 2, 3]], length=2)


def test_batches_of_texts() -> None:
    t = text.ByteTokenizer(pad="<pad>", bos="<bos>")
    batch = text.encode_batch(t, ["abc", "", "d"], bos=True, padding="left", length=4)
    assert batch.ids.tolist() == [[257, 97, 98, 99], [256, 256, 256, 257], [256, 256, 257, 100]]
    assert batch.lengths.tolist() == [4, 1, 2]
    assert (batch.ids.dtype, batch.mask.dtype) == (rt.int32, rt.bool_)
    assert text.encode_batch(t, []).ids.shape == (0, 0)


@given(st.integers(0, 40), st.integers(1, 7), st.one_of(st.none(), st.integers(1, 9)))
def test_windows(n: int, length: int, stride: int | None) -> None:
    tokens = np.arange(n, dtype=np.uint16)
    x, y = text.windows(tokens, length, stride)
    ds = text.TokenWindows(tokens, length, stride)
    step = stride or length
    starts = [s for s in range(0, n, step) if s + length + 1 <= n]
    assert x.tolist() == [list(range(s, s + length)) for s in starts]
    assert y.tolist() == [list(range(s + 1, s + length + 1)) for s in starts]
    assert len(ds) == len(starts)
    for i in range(-len(ds), len(ds)):
        np.testing.assert_array_equal(ds[i][0], x[i])
        np.testing.assert_array_equal(ds[i][1], y[i])
    with pytest.raises(OutOfBoundsError):
        ds[len(ds)]


def test_streams() -> None:
    t = text.ByteTokenizer(eos="<eos>")
    stream = text.encode_stream(t, ["ab", "c"])
    assert stream.dtype == np.int32
    assert stream.tolist() == [97, 98, 256, 99, 256]
    assert text.encode_stream(t, []).shape == (0,)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: text.Vocabulary(["a", "b", "a"]), ArgumentError, "'a' is there twice"),
        (lambda: text.Vocabulary(["a"], pad="p"), ArgumentError, "pad: 'p' is not one of"),
        (lambda: text.Vocabulary([1]), ArgumentError, "expected strings, got int 1"),
        (lambda: text.Vocabulary(["a"])["b"], ArgumentError, "there is no unk token"),
        (lambda: text.Vocabulary(["a"]).token(1), OutOfBoundsError, "no token 1 of 1"),
        (lambda: text.pad_tokens([[1.5]]), ArgumentError, "rows of integers"),
        (lambda: text.pad_tokens([[1]], padding="top"), ArgumentError, "padding: expected one of"),
        (lambda: text.encode_batch(None, "abc"), ArgumentError, "a tokenizer and a list"),
        (lambda: text.windows([[1]], 2), ShapeError, "tokens: expected a row of integers"),
        (lambda: text.TokenWindows([1], 0), ArgumentError, "length: expected 1 or more"),
    ],
)
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
