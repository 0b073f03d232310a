"""Datasets in files, whole and damaged."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtorch import data
from rtorch.errors import ArgumentError, DTypeError, FileFormatError, OutOfBoundsError, ShapeError


def same(ds: Any) -> Any:
    """The dataset as a worker process gets it."""
    return pickle.loads(pickle.dumps(ds))


# ---- CSV -----------------------------------------------------------------------------------------

CSV = 'name, age,score,ok\n"Ada, L.",36,1.5,yes\nAlan,41,NA,no\n\nGrace,85,2,true\n'


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(CSV)
    return file


def test_csv_finds_dtypes(people: Path) -> None:
    ds = data.CSVDataset(people)
    assert len(ds) == 3
    assert {k: str(v.dtype) for k, v in ds.arrays.items()} == {
        "name": "<U7", "age": "int64", "score": "float32", "ok": "<U4",
    }  # fmt: skip
    assert ds[0]["name"] == "Ada, L."
    assert np.isnan(ds[1]["score"])
    assert list(same(ds))[2]["age"] == 85


def test_csv_options(people: Path) -> None:
    ds = data.CSVDataset(
        people, ["score", "ok"], {"ok": bool, "score": "float64"}, fill={"score": -1}
    )
    assert ds.arrays["score"].tolist() == [1.5, -1, 2]
    assert ds.arrays["ok"].tolist() == [True, False, True]
    people.write_text("1;x\n2;y\n")
    bare = data.CSVDataset(people, header=False, delimiter=";", columns=[0], dtypes={0: "uint8"})
    assert bare.arrays[0].dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "options", "kind", "message"),
    [
        ("a,b\n1,2\n3\n", {}, FileFormatError, "line 3: 1 values, expected 2"),
        ("a\n1\nx\n", {"dtypes": {"a": int}}, FileFormatError, "line 3, column 'a': 'x' is no int"),
        ("a\n1\n300\n", {"dtypes": {"a": "uint8"}}, FileFormatError, "'300' is no uint8"),
        ("a,b\n1,\n", {"dtypes": {"b": int}}, FileFormatError, "column 'b': missing"),
        ("a\nmaybe\n", {"dtypes": {"a": bool}}, FileFormatError, "'maybe' is no bool"),
        ("a,a\n1,2\n", {}, FileFormatError, "the header has ['a'] twice"),
        ("", {}, FileFormatError, "is empty"),
        ('a\n"x\n', {}, FileFormatError, "line 2: unexpected end of data"),
        ("a\n1\n", {"columns": ["b"]}, ArgumentError, "there is no 'b', but ['a']"),
        ("a\n1\n", {"columns": "a"}, ArgumentError, "expected a list of names"),
        ("a\n1\n", {"dtypes": {"b": int}}, ArgumentError, "dtypes: there is no column 'b'"),
        ("a\n1\n", {"dtypes": {"a": object}}, DTypeError, "column 'a' cannot have"),
    ],
)
def test_csv_errors(tmp_path: Path, text: str, options: Any, kind: Any, message: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(kind) as caught:
        data.CSVDataset(file, **options)
    assert message in str(caught.value)


def test_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(FileFormatError, match="codec can't decode"):
        data.CSVDataset(tmp_path / "x.csv")


# ---- NumPy and raw files -------------------------------------------------------------------------

ROWS = np.arange(24, dtype=np.float32).reshape(4, 3, 2)


def test_npy_stays_on_the_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    ds = same(data.NumpyDataset(tmp_path / "x.npy"))
    assert len(ds) == 4
    assert isinstance(ds.array, np.memmap)
    assert ds[-1].tolist() == ROWS[3].tolist()
    assert type(ds[0]) is np.ndarray
    np.testing.assert_array_equal(ds.gather(np.array([2, 0])), ROWS[[2, 0]])
    (batch,) = data.DataLoader(ds, 4)
    np.testing.assert_array_equal(np.asarray(batch), ROWS)
    with pytest.raises(OutOfBoundsError):
        ds[4]


def test_npz(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=ROWS, y=np.arange(4))
    ds = data.NumpyDataset(tmp_path / "d.npz")
    assert ds[2]["y"] == 2
    np.savez(tmp_path / "e.npz", x=ROWS, y=np.arange(5))
    with pytest.raises(ShapeError, match="the first axes differ"):
        data.NumpyDataset(tmp_path / "e.npz")


def test_raw(tmp_path: Path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"head" + ROWS.astype(">f4").tobytes())
    ds = same(data.RawDataset(file, ">f4", (3, 2), offset=4))
    assert len(ds) == 4
    (batch,) = data.DataLoader(ds, 4)
    np.testing.assert_array_equal(np.asarray(batch), ROWS)
    with pytest.raises(FileFormatError, match="has 100 bytes behind the offset of 0, which is no"):
        data.RawDataset(file, ">f4", (3, 2))
    with pytest.raises(DTypeError, match="is none of NumPy's"):
        data.RawDataset(file, "zz")
    with pytest.raises(ArgumentError, match="samples of a byte or more"):
        data.RawDataset(file, "u1", (0,))


def npy_bytes(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


GOOD = npy_bytes(ROWS)
BAD = {
    "empty": b"",
    "truncated": GOOD[:-1],
    "longer": GOOD + b"x",
    "header": GOOD[:40],
    "other": b"not an array at all, but text",
    "huge": GOOD.replace(b"(4, 3, 2), }    ", b"(4000000, 99), }"),
    "objects": npy_bytes(np.array([{}]), allow_pickle=True),
    "dtype": GOOD.replace(b"<f4", b"<q9"),
    "negative": GOOD.replace(b"(4, 3, 2)", b"(-4,3, 2)"),
}


def test_read_npy_is_numpy_load(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    records = np.zeros(2, [("a", "<f4"), ("b", "u1")])
    for array in (ROWS, np.asfortranarray(ROWS), np.float64(3), np.zeros((0, 2)),
                  ROWS.astype(">i2"), np.array(["ab"]), records):  # fmt: skip
        np.save(file, array)
        found, want = data.read_npy(file), np.load(file)
        assert found.dtype == want.dtype
        assert found.flags.f_contiguous == want.flags.f_contiguous
        assert found.flags.writeable
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("name", BAD)
def test_damaged_npy(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(BAD[name])
    with pytest.raises(FileFormatError, match=r"\[read_npy\] .* is not a .npy file"):
        data.read_npy(file)
    with pytest.raises(FileFormatError, match=r"\[NumpyDataset\] .* is not a .npy file"):
        data.NumpyDataset(file)


def test_damaged_npz(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=ROWS)
    whole = file.read_bytes()
    objects = tmp_path / "o.npz"
    np.savez(objects, x=np.array([{}]), allow_pickle=True)
    lies = whole.replace(b"(4, 3, 2), }    ", b"(4000000, 99), }")
    for content in (whole[:-30], whole[:100], b"PK\3\4", lies, objects.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"\[NumpyDataset\]"):
            data.NumpyDataset(file)


def test_files(tmp_path: Path) -> None:
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.full(2, i))
    ds = same(data.FileDataset(sorted(tmp_path.glob("*.npy"))))
    assert [x.tolist() for x in ds] == [[0, 0], [1, 1], [2, 2]]
    with pytest.raises(ArgumentError, match="expected several paths"):
        data.FileDataset("x.npy")


# ---- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a", b"a\n", b"a\n\nb", b"a\r\nb\r\n", "ä\nö€\n".encode()]
)
def test_lines(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    want = content.decode().replace("\r", "").split("\n")
    want = want[:-1] if want[-1] == "" else want
    ds = same(data.TextLines(file))
    assert list(ds) == want == list(data.TextStream(file))
    assert [ds[i] for i in reversed(range(len(ds)))] == want[::-1]


def test_a_stream_of_lines_is_taken_up_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text("".join(f"line {i}\n" for i in range(50)))
    loader = data.DataLoader(data.TextStream(file), 4)
    whole = list(loader.batches())
    for i, (_, state) in enumerate(whole[:-1]):
        assert next(loader.batches(state))[0] == whole[i + 1][0]
    assert whole[2][1].source == file.read_bytes().index(b"line 12")


def test_lines_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(b"a\n\xff\n")
    with pytest.raises(FileFormatError, match=r"line 1 \(from 0\), is not utf-8"):
        data.TextLines(file)[1]
    with pytest.raises(FileFormatError, match="the line at byte 2"):
        list(data.TextStream(file))
