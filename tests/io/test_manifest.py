"""Manifests that were changed, by chance or by hand: a FileFormatError, nothing else."""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from rtorch.errors import FileFormatError
from rtorch.io import Checkpointer, manifest
from rtorch.io.manifest import File, Manifest

GOOD = Manifest(
    7, 1.5e9, {"loss": 0.5, "worst": float("-inf")}, {"note": ["é", None]},
    {"params": File("params.npz", 10, "0" * 64), "a/b": File("a%2Fb.npz", 0, "f" * 64)},
)  # fmt: skip
HEAD = len(b'{"sha256": "' + b"0" * 64 + b'",\n"checkpoint": ')


def content() -> dict[str, Any]:
    return json.loads(GOOD.encoded())["checkpoint"]


def signed(content: Any) -> bytes:
    """A manifest with a checksum that is right."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = hashlib.sha256(body).hexdigest().encode()
    return b'{"sha256": "' + digest + b'",\n"checkpoint": ' + body + b"}\n"


def test_round_trip() -> None:
    assert manifest.decoded(GOOD.encoded()) == GOOD
    assert manifest.decoded(signed(content())) == GOOD


def test_every_bit_and_every_length_counts() -> None:
    raw = GOOD.encoded()
    for i in range(len(raw)):
        changed = bytearray(raw)
        changed[i] ^= 1 << i % 8
        for damaged in (bytes(changed), raw[:i], raw[:i] + raw[i + 1 :], raw + raw[: i + 1]):
            with pytest.raises(FileFormatError, match=r"manifest\.json"):
                manifest.decoded(damaged)


STRANGE = [None, True, -1, 1.5, 10**30, "", "x", [], {}, [1, 2], {"a": 1}, "../x.npz", "nan",
           [["x.npz", 1, "0" * 64]], {"x": ["../x.npz", 1, "0" * 64]},
           {"x": ["/x.npz", 1, "0" * 64]}, {"x": ["C:x.npz", 1, "0" * 64]},
           {"x": ["con.npz", 1, "0" * 64]}, {"x": [".npz", 1, "0" * 64]},
           {"x": ["x", 1, "0" * 64]}, {"x": ["x.npz", -1, "0" * 64]},
           {"x": ["x.npz", True, "0" * 64]}, {"x": ["x.npz", 1, "0" * 63]},
           {"x": ["x.npz", 1, 5]}, {"x": [5, 1, "0" * 64]}, {"x": ["x.npz", 1]}]  # fmt: skip


@pytest.mark.parametrize("field", [*content(), None])
@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_strange_values_with_a_right_checksum(field: str | None, value: Any) -> None:
    changed = value if field is None else {**content(), field: value}
    try:
        found = manifest.decoded(signed(changed))
    except FileFormatError:
        return
    assert isinstance(found.step, int)
    assert all(Path(f.name).name == f.name and "\\" not in f.name for f in found.files.values())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"step": ' + b"1" * 5000 + b"}", b"\xff\xfe", b"null",
             b'{"a":' * 50_000, b"NaN"]
)  # fmt: skip
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(FileFormatError):
        manifest.decoded(signed(body))


def test_random_changes_with_a_right_checksum() -> None:
    rng, body = random.Random(0), json.dumps(content()).encode()
    pieces = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"0", b"-", b"1e999", b"null", b"\\u0000"]
    for _ in range(3000):
        changed = bytearray(body)
        for _ in range(rng.randint(1, 4)):
            i = rng.randrange(len(changed))
            changed[i : i + rng.randrange(4)] = rng.choice(pieces)
        try:
            found = manifest.decoded(signed(bytes(changed)))
        except FileFormatError:
            continue
        assert isinstance(found, Manifest)
        assert found.step >= 0


def test_a_large_manifest_is_not_read(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        ck.save(1, {"x": 1})
    with (tmp_path / "step_00000001" / "manifest.json").open("r+b") as stream:
        stream.truncate(1 << 40)  # sparse
    with pytest.raises(FileFormatError, match="more than 16777216 bytes"):
        Checkpointer(tmp_path, read_only=True).restore(step=1)


def test_the_manifest_of_another_step_is_not_taken(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        ck.save(1, {"x": 1})
        ck.wait()
        (tmp_path / "step_00000001").rename(tmp_path / "step_00000005")
        with pytest.raises(FileFormatError, match="is that of step 1"):
            ck.restore()
