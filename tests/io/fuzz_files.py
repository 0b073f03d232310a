"""Files for the fuzz test: whole ones, and what an enemy or a bad disk makes of them."""

import functools
import io
import json
import random
import struct
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import fuzz_pickles
import numpy as np

import rtorch as rt

TREE = {
    "w": rt.asarray(np.arange(60.0).reshape(3, 20), dtype=rt.float32),
    "layers": [{"b": rt.ones(3, dtype=rt.bfloat16)}, {"b": rt.zeros((0, 2), dtype=rt.int8)}],
    "step": 3, "name": "x", "c": rt.asarray(1 + 2j), "flag": rt.asarray([True, False]),
}  # fmt: skip
EXTREMES = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40,
            2**62, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip


@functools.cache
def originals(format: str) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.npz"
        if format == "npz":
            rt.save(path, TREE)
            plain = path.read_bytes()
            rt.save(path, TREE, compress=True)
            return [plain, path.read_bytes()]
        arrays = {"w": TREE["w"], "l.0": rt.ones(3, dtype=rt.bfloat16), "z": rt.zeros((0, 2))}
        if format == "safetensors":
            rt.io.save_safetensors(path, arrays, {"note": "text"})
            return [path.read_bytes()]
        rt.io.save_torch(
            path, {"o": OrderedDict(arrays), "l": [1, 2.5, None, "x", (1j, -(10**20))]}
        )
        golden = Path(__file__).parent / "golden"
        if format == "torch":
            return [path.read_bytes(), (golden / "zip.pth").read_bytes()]
        return [(golden / "legacy.pth").read_bytes()]


def hostile(format: str, rng: random.Random) -> tuple[str, bytes]:
    """The name of what was done to a file, and the file."""
    original = rng.choice(originals(format))
    makers: list[Callable[[bytes, random.Random], bytes]] = [
        truncated, flipped, flipped, overwritten, numbers, numbers, spliced, random_bytes,
    ]  # fmt: skip
    own = {"npz": [inner, inner, npy_header, json_header, bomb, *ZIPS],
           "safetensors": [safetensors_header, safetensors_header, safetensors_length],
           "torch": [inner, inner, pickle_in_zip, pickle_in_zip, mutated_pickle, bomb, *ZIPS],
           "torch-legacy": [legacy_pickle, legacy_pickle, legacy_mutated]}  # fmt: skip
    maker = rng.choice(makers + own[format])
    content = maker(original, rng)
    if rng.random() < 0.1:
        content = flipped(content, rng)
    return maker.__name__, content


# -- any bytes -------------------------------------------------------------------------------------


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(data: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(data)), rng.randrange(1, 64)
    return data[:start] + rng.randbytes(length) + data[start + length :]


def numbers(data: bytes, rng: random.Random) -> bytes:
    """Numbers where no one expects them: lengths, offsets, counts."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        form = rng.choice(("<B", "<H", "<I", "<Q", ">I", ">Q"))
        size = struct.calcsize(form)
        value = rng.choice(EXTREMES) % 256**size
        if len(data) >= size:
            struct.pack_into(form, changed, rng.randrange(len(data) - size + 1), value)
    return bytes(changed)


def spliced(data: bytes, rng: random.Random) -> bytes:
    """A piece that is missing, doubled or moved."""
    a, b, c = (rng.randrange(len(data)) for _ in range(3))
    a, b = min(a, b), max(a, b)
    return rng.choice((data[:a] + data[b:], data[:b] + data[a:], data[:c] + data[a:b] + data[c:]))


def random_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.choice((b"", b"PK\3\4", b"\x93NUMPY", b"\x80\x02", data[:8], data[:32]))
    return start + rng.randbytes(rng.choice((0, 1, 7, 100, 5000)))


DAMAGE = ("truncated", "flipped", "overwritten", "numbers", "spliced")


# -- zip archives ----------------------------------------------------------------------------------


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def inner(data: bytes, rng: random.Random) -> bytes:
    """A member changed, with a checksum that is right."""
    files = members(data)
    name = rng.choice(list(files))
    change = rng.choice((truncated, flipped, overwritten, numbers, spliced))
    files[name] = change(files[name] or b"\0", rng)
    return zipped(list(files.items()), rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def npy_header(data: bytes, rng: random.Random) -> bytes:
    """A header of an array that says what is not so."""
    files = members(data)
    name = rng.choice([name for name in files if name.endswith(".npy")])
    shape = [rng.choice((*EXTREMES, 3, 20, -1)) for _ in range(rng.choice((0, 1, 2, 3, 70)))]
    descr = rng.choice(("<f4", ">f4", "|O", "<f8", "|b1", "<V2", "<U999999999", "M8[ns]", "x" * 99))
    text = rng.choice((
        f"{{'descr': '{descr}', 'fortran_order': {rng.choice((True, False, 3))}, "
        f"'shape': ({', '.join(map(str, shape))},), }}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, " + "(" * 3000,
        "__import__('os').system('true')",
    ))  # fmt: skip
    raw = text.encode() + b"\n"
    version = rng.choice((b"\1\0", b"\2\0", b"\3\0", b"\xff\xff"))
    form = "<H" if version == b"\1\0" else "<I"
    files[name] = b"\x93NUMPY" + version + struct.pack(form, len(raw)) + raw + bytes(240)
    return zipped(list(files.items()))


def json_header(data: bytes, rng: random.Random) -> bytes:
    """A structure that is not one."""
    files = members(data)
    header = json.loads(files["rtorch.json"])
    leaf = {
        "leaf": rng.choice(("w", "../w", "none", 3)),
        "dtype": rng.choice(("float32", "object")),
    }
    node = rng.choice((
        leaf, {"dict": [[rng.choice(([], {}, {"float": "x"}, "a")), leaf]]}, {"list": 3},
        {"class": "os.system", "children": [["x", leaf]]}, {"leaf": "i", "int": "9" * 9999},
        {"leaf": "c", "complex": "("}, {"leaf": "s", "str": [1]}, {"tuple": [leaf] * 50}, [], "x",
        functools.reduce(lambda inner, _: {"list": [inner]}, range(400), leaf),
    ))  # fmt: skip
    header["tree"] = node
    header["version"] = rng.choice((1, 1, 1, 2, [], 10**400))
    text = json.dumps(header)
    text = rng.choice((text, text, "[" * 100_000, '{"format":' * 5000, "[[],[]," * 1000))
    files["rtorch.json"] = text.encode()
    return zipped(list(files.items()))


def bomb(data: bytes, rng: random.Random) -> bytes:
    """Members that expand a thousand times."""
    files = members(data)
    name = rng.choice(list(files))
    files[name] = files[name][: rng.choice((0, 128))] + bytes(rng.choice((10**6, 4 * 10**6)))
    packed = zipped(list(files.items()), zipfile.ZIP_DEFLATED)
    size = struct.pack("<I", len(files[name]))
    lie = struct.pack("<I", rng.choice((len(files[name]), 2**31, 100, 2**32 - 2)))
    return packed.replace(size, lie)


def _path_trick(data: bytes, rng: random.Random) -> bytes:
    files = list(members(data).items())
    i = rng.randrange(len(files))
    trick = rng.choice(("../../x.npy", "/etc/x", "a\\..\\b", "", "x\0y", "C:\\x", "a/../../b", "é"))
    return zipped([*files[:i], (trick, files[i][1]), *files[i + 1 :]])


def _doubled(data: bytes, rng: random.Random) -> bytes:
    """Two entries of the directory, one of them twice or at the place of the other."""
    start = data.rfind(b"PK\5\6")
    size, directory = struct.unpack_from("<II", data, start + 12)
    body = data[directory : directory + size]
    places = [i for i in range(len(body)) if body.startswith(b"PK\1\2", i)]
    i, j = rng.choice(places), rng.choice(places)
    changed = bytearray(body)
    changed[i + 42 : i + 46] = body[j + 42 : j + 46]
    if rng.random() < 0.5:
        changed[i + 16 : i + 28] = body[j + 16 : j + 28]
    return data[:directory] + bytes(changed) + data[directory + size :]


@functools.cache
def _members_without_content() -> bytes:
    return zipped([(f"{i}.npy", b"") for i in range(2000)])


def _many(data: bytes, rng: random.Random) -> bytes:
    return _members_without_content()


ZIPS = [_path_trick, _doubled, _doubled, _many]

# -- PyTorch's pickles -----------------------------------------------------------------------------


def pickle_in_zip(data: bytes, rng: random.Random) -> bytes:
    files = members(data)
    name = next(name for name in files if name.endswith("data.pkl"))
    files[name] = fuzz_pickles.hostile(rng)
    root = name.removesuffix("data.pkl")
    if rng.random() < 0.2:
        files[root + "byteorder"] = rng.choice((b"big", b"little", b"middle", b""))
    return zipped(list(files.items()))


def mutated_pickle(data: bytes, rng: random.Random) -> bytes:
    files = members(data)
    name = next(name for name in files if name.endswith("data.pkl"))
    files[name] = fuzz_pickles.mutated(files[name], rng)
    return zipped(list(files.items()))


def _legacy_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The three pickles in front, that of the object, and what follows it."""
    ends = fuzz_pickles.ends(data, 4)
    return data[: ends[2]], data[ends[2] : ends[3]], data[ends[3] :]


def legacy_pickle(data: bytes, rng: random.Random) -> bytes:
    head, _, tail = _legacy_parts(data)
    return head + fuzz_pickles.hostile(rng) + tail


def legacy_mutated(data: bytes, rng: random.Random) -> bytes:
    head, body, tail = _legacy_parts(data)
    return head + fuzz_pickles.mutated(body, rng) + tail


# -- safetensors -----------------------------------------------------------------------------------


def safetensors_header(data: bytes, rng: random.Random) -> bytes:
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    entry = header[rng.choice(list(header))]
    extreme = rng.choice((*EXTREMES, -1, 1.5, "x", None, [], {}))
    key, value = rng.choice((
        ("dtype", rng.choice(("F64", "I8", "F4", "BOOL", "object", "", 3, "C64", "F8_E4M3"))),
        ("shape", [extreme] * rng.choice((0, 1, 2, 70))), ("shape", [0, extreme]),
        ("shape", extreme),
        ("data_offsets", [0, extreme]), ("data_offsets", [extreme, extreme]),
        ("data_offsets", [extreme, 0]), ("more", extreme),
    ))  # fmt: skip
    entry[key] = value
    text = json.dumps(header).encode()
    text = rng.choice((text, text, text, b"[" * 9999, b'{"a":' * 9999, text * 2, text[:-3]))
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def safetensors_length(data: bytes, rng: random.Random) -> bytes:
    return struct.pack("<Q", rng.choice(EXTREMES)) + data[8:]
