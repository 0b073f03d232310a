"""Datasets in files, whole and damaged."""

import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
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


# ---- images --------------------------------------------------------------------------------------


def test_image_folder(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, colour in (("dog", (1, 2, 3)), ("cat", (4, 5, 6))):
        (tmp_path / name / "more").mkdir(parents=True)
        image.new("RGB", (4, 2), colour).save(tmp_path / name / "more" / "1.png")
        (tmp_path / name / "notes.txt").write_text("no image")
    ds = same(data.ImageFolder(tmp_path))
    assert ds.classes == ["cat", "dog"]
    pixels, label = ds[0]
    assert (pixels.shape, pixels.dtype, pixels[0, 0].tolist(), label) == (
        (2, 4, 3), np.uint8, [4, 5, 6], 0,
    )  # fmt: skip
    assert data.ImageFolder(tmp_path, mode="L")[1][0].shape == (2, 4, 1)
    images, labels = next(iter(data.DataLoader(ds, 2)))
    assert (images.shape, labels.tolist()) == ((2, 2, 4, 3), [0, 1])


def test_images_that_are_none(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    file = tmp_path / "x.png"
    image.new("RGB", (40, 20)).save(file)
    content = file.read_bytes()
    for damaged in (b"", b"no image", content[:60]):
        file.write_bytes(damaged)
        with pytest.raises(FileFormatError, match=r"\[read_image\] .* is not an image"):
            data.read_image(file)
    with pytest.raises(ArgumentError, match="no folder in"):
        data.ImageFolder(tmp_path)
    with pytest.raises(ArgumentError, match="is not a folder"):
        data.ImageFolder(tmp_path / "missing")


# ---- MNIST and CIFAR -----------------------------------------------------------------------------


def idx(array: Any, code: int = 8) -> bytes:
    shape = array.shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + array.tobytes()


IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("below", ["", "FashionMNIST/raw"])
def test_mnist(tmp_path: Path, packed: bool, below: str) -> None:
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("images-idx3", IMAGES), ("labels-idx1", np.array([3, 9], np.uint8))):
        file = folder / f"t10k-{name}-ubyte{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(idx(content)) if packed else idx(content))
    ds = data.FashionMNIST(tmp_path, train=False)
    np.testing.assert_array_equal(ds[1][0], IMAGES[1])
    assert ds[1][1] == 9
    assert ds.classes[ds[1][1]] == "ankle boot"
    with pytest.raises(ArgumentError, match="download=True fetches it"):
        data.FashionMNIST(tmp_path)


@pytest.mark.parametrize(("code", "dtype"), [(9, "i1"), (11, ">i2"), (12, ">i4"), (14, ">f8")])
def test_idx_dtypes(tmp_path: Path, code: int, dtype: str) -> None:
    (tmp_path / "x").write_bytes(idx(np.array([[1, 2]], dtype), code))
    found = data.read_idx(tmp_path / "x")
    assert found.tolist() == [[1, 2]]
    assert found.dtype.isnative


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x07\1" + bytes(8),
        b"\0\0\x08\3\0\0",
        idx(IMAGES)[:-1],
        idx(IMAGES) + b"x",
        struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**31, 2**31),
        gzip.compress(idx(IMAGES))[:-20],
        gzip.compress(struct.pack(">BBBB2I", 0, 0, 8, 2, 2**31, 2**31)),
        b"\x1f\x8b" + bytes(30),
    ],
)
def test_damaged_idx(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"\[read_idx\] .* is not an IDX file"):
        data.read_idx(tmp_path / "x")


def cifar_records(labels: list[list[int]]) -> bytes:
    pixels = np.arange(3072, dtype=np.uint16).astype(np.uint8).tobytes()
    return b"".join(bytes(label) + pixels for label in labels)


def test_cifar_from_files_and_archive(tmp_path: Path) -> None:
    content = cifar_records([[3], [9]])
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    ds = data.CIFAR10(tmp_path, train=False)
    image, label = ds[1]
    assert (image.shape, int(label), len(ds)) == ((32, 32, 3), 9, 2)
    assert image[0, 1].tolist() == [1, (1024 + 1) % 256, (2048 + 1) % 256]
    with pytest.raises(FileFormatError, match="is damaged"):
        data.CIFAR10(tmp_path)  # no data_batch_1.bin in it
    (tmp_path / "train.bin").write_bytes(cifar_records([[1, 77]]))
    assert data.CIFAR100(tmp_path)[0][1] == 77
    assert data.CIFAR100(tmp_path, coarse=True)[0][1] == 1
    (tmp_path / "train.bin").write_bytes(content[:-1])
    with pytest.raises(FileFormatError, match="is it the binary version"):
        data.CIFAR100(tmp_path)
    with pytest.raises(ArgumentError, match="download=True"):
        data.CIFAR10(tmp_path / "nowhere")


# ---- downloads -----------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "x.bin").write_bytes(b"content")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "served"))

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()
        thread.join()


def test_download(tmp_path: Path, server: str) -> None:
    digest, target = hashlib.sha256(b"content").hexdigest(), tmp_path / "new" / "x.bin"
    assert data.download(f"{server}/x.bin", target, digest).read_bytes() == b"content"
    assert data.download("http://127.0.0.1:9/gone", target, digest) == target  # there already
    with pytest.raises(FileFormatError, match="expected 00: it is damaged or another file"):
        data.download(f"{server}/x.bin", tmp_path / "other.bin", "00")
    with pytest.raises(OSError, match="cannot be fetched"):
        data.download(f"{server}/missing", tmp_path / "other.bin", digest)
    with pytest.raises(ArgumentError, match="expected https"):
        data.download("file:///etc/hosts", tmp_path / "other.bin", digest)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["new", "served"]
