"""Datasets of images in files, whole and damaged; downloads."""

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
from rtorch.errors import ArgumentError, FileFormatError


def same(ds: Any) -> Any:
    """The dataset as a worker process gets it."""
    return pickle.loads(pickle.dumps(ds))


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
    ids=range(10),
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
