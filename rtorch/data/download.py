"""Files from the network, checked before they have their names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from rtorch.atomic import draft
from rtorch.errors import ArgumentError, FileFormatError, api

__all__ = ["download"]

PathLike = str | os.PathLike[str]
_CHUNK = 1 << 20


@api
def download(url: str, path: PathLike, sha256: str, *, timeout: float = 30.0) -> Path:
    """Fetch a file, if it is not there, and check what came.

    The file appears under its name when it is complete and right.

    Args:
        url: An address that begins with ``https://`` or ``http://``.
        path: Where the file goes; folders are made.
        sha256: The hexadecimal digest that it must have. One that is there already is checked too.
        timeout: Seconds to wait for the server.

    Returns:
        The path.

    Raises:
        FileFormatError: if it has another digest.
        OSError: if it cannot be fetched or written.

    Example:
        >>> import hashlib, pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "a.txt")
        ...     _ = file.write_bytes(b"here already")
        ...     digest = hashlib.sha256(b"here already").hexdigest()
        ...     data.download("https://example.org/a.txt", file, digest).name
        'a.txt'
    """
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise ArgumentError(f"[download] url: expected https://... or http://..., got {url!r}")
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"[download] path: expected a path, got {path!r}")
    file = Path(path)
    if file.exists():
        with file.open("rb") as stream:
            _check(hashlib.file_digest(stream, "sha256").hexdigest(), sha256, str(file))
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft(file) as part:
        _check(_fetch(url, part, timeout), sha256, url)
    return file


def _fetch(url: str, part: Path, timeout: float) -> str:
    """Write what the server sends; its digest."""
    import urllib.error  # they take long to import, and few programs need them
    import urllib.request

    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer, part.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except urllib.error.URLError as error:
        raise OSError(f"[download] {url} cannot be fetched: {error.reason}") from error
    return digest.hexdigest()


def _check(found: str, wanted: str, what: str) -> None:
    if found != wanted:
        raise FileFormatError(
            f"[download] {what} has the SHA-256 {found}, expected {wanted}: it is damaged or "
            "another file"
        )
