"""What the examples share: their data, from a folder or a download, and a word on missing packages.

A data set is looked for in the folder of ``--data``, else of the variable ``RTORCH_DATA``, else in
``~/.cache/rtorch``. What is not there is downloaded to it once. The checksums are those of what is
in a ``.gz`` file, which may have been packed anew.
"""

import argparse
import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtorch.errors import MissingDependencyError


class DataSet(NamedTuple):
    """Its folder, where it can be had, and its files with their checksums."""

    name: str
    mirrors: tuple[str, ...]
    files: dict[str, str]


FASHION_MNIST = DataSet(
    "fashion-mnist",
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    {  # training images and labels, test images and labels
        "train-images-idx3-ubyte.gz":
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz":
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz":
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz":
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)  # fmt: skip
SHAKESPEARE = DataSet(
    "tinyshakespeare",
    ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",),
    {"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
)


@contextmanager
def extras(example: str) -> Iterator[None]:
    """Imports in here that fail say what to install."""
    try:
        yield
    except ImportError as error:
        text = f"[{example}] the example needs {error.name}: pip install 'rtorch[examples]'"
        raise MissingDependencyError(text) from error


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option ``--data``."""
    default = Path(os.environ.get("RTORCH_DATA") or Path.home() / ".cache" / "rtorch")
    text = "folder of the data, which is downloaded if not there (default: %(default)s)"
    parser.add_argument("--data", type=Path, default=default, help=text)


def fashion_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images as bytes ``(n, 28, 28)`` and labels ``(n,)`` to train, and the same to test."""
    x, y, test_x, test_y = (array(read(FASHION_MNIST, f, folder)) for f in FASHION_MNIST.files)
    return x, y.astype(np.int32), test_x, test_y.astype(np.int32)


def shakespeare(folder: Path) -> str:
    """A million characters of Shakespeare's plays."""
    return read(SHAKESPEARE, "input.txt", folder).decode()


def numbered(text: str) -> tuple[np.ndarray, str]:
    """Every character of an ASCII text as its place in the alphabet, and the alphabet."""
    alphabet, ids = np.unique(np.frombuffer(text.encode("ascii"), np.uint8), return_inverse=True)
    return ids.astype(np.int32), alphabet.tobytes().decode()


def array(content: bytes) -> np.ndarray:
    """The array of bytes in an IDX file: two zeros, type, rank; the lengths; the elements."""
    rank = content[3]
    shape = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read(data: DataSet, name: str, folder: Path) -> bytes:
    """The content of a file, unpacked and checked; downloaded first if need be."""
    file = folder / name if (folder / name).exists() else folder / data.name / name
    if not file.exists():
        return download(data, name, file)
    try:
        return unpacked(data, name, file.read_bytes())
    except ValueError as error:
        raise SystemExit(f"[{data.name}] {file}: {error}; delete this file") from None


def unpacked(data: DataSet, name: str, content: bytes) -> bytes:
    """What is in a file, if it is what it should be."""
    try:
        content = gzip.decompress(content) if name.endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not a whole gzip file ({error})") from None
    if (found := hashlib.sha256(content).hexdigest()) != data.files[name]:
        raise ValueError(f"the SHA-256 is {found}, expected {data.files[name]}")
    return content


def download(data: DataSet, name: str, file: Path) -> bytes:
    """The content of a file from the first mirror that has it right; it is kept in `file`."""
    failures = ""
    for mirror in data.mirrors:
        try:
            packed = fetch(mirror + name)
            content = unpacked(data, name, packed)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures += f"  {mirror + name}: {error}\n"
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")  # never half a file under the name itself
        part.write_bytes(packed)
        part.replace(file)
        return content
    start = f"[{data.name}] {name} is not in {file.parent} and could not be downloaded:\n"
    raise SystemExit(start + failures + "Give a folder that has the files: --data DIR")


def fetch(url: str) -> bytes:
    """The bytes at a URL, with a progress bar."""
    with extras("data"):
        from tqdm import tqdm
    content = b""
    with urllib.request.urlopen(url, timeout=30) as answer:
        size = int(answer.headers.get("Content-Length", 0)) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as bar:
            while chunk := answer.read(1 << 18):
                content += chunk
                bar.update(len(chunk))
    return content
