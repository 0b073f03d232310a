"""Image files: written and read, damaged, too large, turned."""

import io
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.data import image
from rtorch.errors import ArgumentError, FileFormatError, MissingDependencyError, ShapeError

pillow: Any = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_what_was_written_is_read(channels: int, mode: str, tmp_path: Path, rng: Any) -> None:
    x = rng.integers(0, 256, (5, 7, channels)).astype(np.uint8)
    image.write_image(tmp_path / "x.png", x)
    y = image.read_image(tmp_path / "x.png", mode)
    np.testing.assert_array_equal(y, x)
    first = image.read_image((tmp_path / "x.png").read_bytes(), mode, data_format="NCHW")
    np.testing.assert_array_equal(first, np.moveaxis(x, -1, 0))
    image.write_image(tmp_path / "y.png", rt.asarray(first / 255), data_format="NCHW")
    np.testing.assert_array_equal(image.read_image(tmp_path / "y.png", mode), x)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.png", "y.png"]


def test_quality(tmp_path: Path, rng: Any) -> None:
    x = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    for quality in (5, 95):
        image.write_image(tmp_path / f"{quality}.jpg", x, quality)
    sizes = [(tmp_path / f"{quality}.jpg").stat().st_size for quality in (5, 95)]
    assert sizes[0] * 2 < sizes[1]


def test_images_are_upright(tmp_path: Path) -> None:
    x = np.zeros((2, 3, 3), np.uint8)
    x[0, 0] = 255
    exif = pillow.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    pillow.fromarray(x).save(tmp_path / "x.png", exif=exif)
    y = image.read_image(tmp_path / "x.png", "L")
    assert y.shape == (3, 2, 1)
    assert y[0, 1, 0] == 255


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is large, and is not."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )  # fmt: skip

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_bombs(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(9000, 9000))
    with pytest.raises(FileFormatError, match="has 9000 x 9000 pixels, more than max_pixels="):
        image.read_image(tmp_path / "bomb.png")
    with pytest.raises(FileFormatError, match=r"57 bytes is not an image: Image size"):
        image.read_image(bomb(10**5, 10**5))
    x = np.zeros((4, 5, 3), np.uint8)
    image.write_image(tmp_path / "x.png", x)
    with pytest.raises(FileFormatError, match="has 5 x 4 pixels, more than max_pixels=19"):
        image.read_image(tmp_path / "x.png", max_pixels=19)


@pytest.mark.filterwarnings("ignore")  # what Pillow says of damaged files
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_damaged_files(suffix: str, rng: Any) -> None:
    stream = io.BytesIO()
    pixels = rng.integers(0, 256, (9, 8, 3)).astype(np.uint8)
    pillow.fromarray(pixels).save(stream, {"jpg": "jpeg"}.get(suffix, suffix))
    content, draw = stream.getvalue(), random.Random(0)
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(draw.randrange(1, 4)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        cut = bytes(broken[: draw.choice((len(broken), draw.randrange(len(broken))))])
        try:
            assert image.read_image(cut).dtype == np.uint8
        except FileFormatError as error:
            text = str(error)
            assert text.startswith("[read_image] ")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda d: image.read_image(d / "none.png"), FileNotFoundError, "none.png"),
        (lambda d: image.read_image(b"", "P"), ArgumentError, "mode: expected one of"),
        (lambda d: image.read_image(b"no"), FileFormatError, "2 bytes is not an image"),
        (lambda d: image.write_image(d / "x.abc", np.ones((2, 2, 3))), ArgumentError, "no '.abc'"),
        (lambda d: image.write_image(d / "x.png", np.ones((2, 2))), ShapeError, "image: expected"),
        (lambda d: image.write_image(d / "x.jpg", np.ones((2, 2, 4))), ArgumentError,
         "jpg cannot hold"),
    ],
)  # fmt: skip
def test_errors(call: Any, kind: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=message):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'rtorch\[images\]'"):
        image.read_image(b"")
