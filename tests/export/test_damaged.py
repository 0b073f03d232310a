"""Files that are damaged, or made to do harm: a `FileFormatError` that names the entry."""

import contextlib
import copy
import io
import json
import random
import zipfile

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import FileFormatError, RtorchError

W = rt.asarray([1.0, 2.0, 3.0])


def function(x, p):
    y = rt.sum(x * W * 2.0) + p["n"]
    return {"y": rt.broadcast_to(y, (2, 3)).reshape(3, 2).T, "z": rt.sin(x)}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "f.npz"
    rt.export.save(file, function, rt.spec(3), {"n": rt.spec(())})
    return file


def header_of(path):
    return json.loads(zipfile.ZipFile(path).read("program.json"))


def rewrite(path, header=None, constants=None, compress=zipfile.ZIP_STORED):
    """The file with another header, as an object or as text, or other constants."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if header is not None:
        members["program.json"] = header if isinstance(header, bytes) else json.dumps(header)
    members |= constants or {}
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def refused(path, match):
    with pytest.raises(FileFormatError, match=match) as info:
        rt.export.load(path)
    assert "f.npz" in str(info.value)
    return info.value


def set_at(header, place, value):
    *way, last = place
    node = header
    for step in way:
        node = node[step]
    if value is DELETED:
        del node[last]
    else:
        node[last] = value


DELETED = object()
SEED = 1
BODY = ("programs", 0)


def eqn(op, header):
    return next(i for i, e in enumerate(header["programs"][0]["equations"]) if e["op"] == op)


CHANGES = {
    "format": (("format",), "other", "program.json"),
    "newer version": (("version",), 2, "newer"),
    "version is no number": (("version",), True, "version"),
    "no tree": (("in_tree",), DELETED, "in_tree"),
    "a tree of other leaves": (("out_tree",), "*", "out_tree: it has 1 leaves"),
    "no call": (("in_tree",), {"list": ["*", "*"]}, "in_tree"),
    "a tree of unknown kind": (("out_tree",), {"module": "os"}, "out_tree"),
    "a key twice": (("out_tree",), {"dict": [["a", "*"], ["a", "*"]]}, "a key comes twice"),
    "a bad name": (("out_tree",), {"namedtuple": ["a b", [["x", "*"], ["y", "*"]]]}, "out_tree"),
    "a bad field": (("out_tree",), {"dataclass": ["A", [["x;", "*"], ["y", "*"]], []]}, "out_tree"),
    "no programs": (("programs",), [], "programs"),
    "programs is no list": (("programs",), {}, "programs"),
    "program is no object": ((*BODY,), 3, r"programs\[0\]"),
    "a list is missing": ((*BODY, "inputs"), DELETED, r"programs\[0\]"),
    "no name": ((*BODY, "name"), 3, r"programs\[0\]/name"),
    "no type": ((*BODY, "variables", 0), 3, r"programs\[0\]/variables\[0\]"),
    "unknown dtype": ((*BODY, "variables", 0), "float7[3]", r"variables\[0\]/?.*dtype"),
    "negative length": ((*BODY, "variables", 0), "float32[-3]", r"variables\[0\]"),
    "huge shape": ((*BODY, "variables", 0), "float32[999999999,999999999]", "larger than any"),
    "endless shape": ((*BODY, "variables", 0), "float32[" + "9" * 999 + "]", r"variables\[0\]"),
    "input twice": ((*BODY, "inputs"), [0, 0], r"inputs\[1\]: variable 0 is defined twice"),
    "input out of range": ((*BODY, "inputs", 0), 10**9, r"inputs\[0\]"),
    "input is true": ((*BODY, "inputs", 0), True, r"inputs\[0\]"),
    "constant out of range": ((*BODY, "constants", 0, 1), 5, r"constants\[0\]"),
    "constant is no pair": ((*BODY, "constants", 0), 5, r"constants\[0\]"),
    "output not defined": ((*BODY, "outputs", 0), -1, r"outputs\[0\]"),
    "no equation": ((*BODY, "equations", 0), [], r"equations\[0\]"),
    "unknown primitive": ((*BODY, "equations", 0, "op"), "evil", r"equations\[0\]/op"),
    "primitive is no text": ((*BODY, "equations", 0, "op"), ["sin"], r"equations\[0\]/op"),
    "an effect": ((*BODY, "equations", 0, "op"), "effect", r"equations\[0\]/op"),
    "a callback": ((*BODY, "equations", 0, "op"), "pure_callback", r"equations\[0\]/op"),
    "operand not defined": ((*BODY, "equations", 0, "in", 0), 7, r"in\[0\]: variable 7 is read"),
    "operand out of range": ((*BODY, "equations", 0, "in", 0), 70, r"in\[0\]"),
    "operand is text": ((*BODY, "equations", 0, "in", 0), "x", r"in\[0\]"),
    "operand is a tuple": ((*BODY, "equations", 0, "in", 0), {"tuple": []}, r"in\[0\]"),
    "operands missing": ((*BODY, "equations", 0, "in"), DELETED, "lists 'in' and 'out'"),
    "too many operands": ((*BODY, "equations", 0, "in"), [0, 0, 0, 0], r"equations\[0\]"),
    "no operands": ((*BODY, "equations", 0, "in"), [], r"equations\[0\]"),
    "too many results": ((*BODY, "equations", 0, "out"), [3, 4], "has results"),
    "params is a list": ((*BODY, "equations", 0, "params"), [], "params"),
    "unknown param": ((*BODY, "equations", 0, "params"), {"axis": 1}, r"equations\[0\]"),
    "source out of range": ((*BODY, "equations", 0, "source"), 99, "source"),
    "sources": (("sources", 0), ["file"], "source"),
    "type of a constant": (("constants", 0), "float32[4]", "constant"),
    "constants": (("constants",), None, "constants"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_changed_entries(path, name):
    place, value, match = CHANGES[name]
    header = header_of(path)
    set_at(header, place, value)
    rewrite(path, header)
    refused(path, match)


PARAMS = {
    "unknown kind": ("reshape", "shape", {"lambda": "x"}, "params/shape"),
    "two kinds": ("reshape", "shape", {"tuple": [], "float": "1"}, "params/shape"),
    "no float": ("reshape", "shape", {"tuple": [{"float": 3}]}, "params/shape"),
    "odd float": ("reshape", "shape", {"float": "three"}, "params/shape"),
    "a list": ("reshape", "shape", [3, 2], "params/shape"),
    "another size": ("reshape", "shape", {"tuple": [3, 3]}, "cannot make"),
    "negative": ("reshape", "shape", {"tuple": [-1, -6]}, "reshape"),
    "text": ("reshape", "shape", "ab", "reshape"),
    "axes": ("permute_dims", "axes", {"tuple": [0, 0]}, "permute_dims"),
    "axes out of range": ("permute_dims", "axes", {"tuple": [0, 5]}, "permute_dims"),
    "stretch": ("broadcast", "axes", {"tuple": [1]}, "broadcast"),
    "huge": ("broadcast", "shape", {"tuple": [10**12, 3]}, "broadcast"),
    "sum": ("reduce_sum", "axes", {"tuple": [7]}, "reduce_sum"),
    "device": ("reshape", "shape", {"device": "tpu"}, "params/shape"),
    "dtype": ("reshape", "shape", {"dtype": "O"}, "params/shape"),
    "number": ("reshape", "shape", {"number": ["float32", "x"]}, "params/shape"),
    "a program": ("reshape", "shape", {"program": 0}, "earlier Program"),
    "aval": ("reshape", "shape", {"aval": "?"}, "params/shape"),
    "ellipsis": ("reshape", "shape", {"ellipsis": 1}, "params/shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMS)
def test_changed_parameters(path, name):
    op, param, value, match = PARAMS[name]
    header = header_of(path)
    header["programs"][0]["equations"][eqn(op, header)]["params"][param] = value
    rewrite(path, header)
    error = refused(path, match)
    assert "programs[0]/equations[" in str(error)


def test_wrong_types(path):
    """Every variable of another type than the equations say."""
    header = header_of(path)
    for i, text in enumerate(header["programs"][0]["variables"]):
        for other in ("float32[77]", text.replace("float32", "int8")):
            if text == other:
                continue
            changed = copy.deepcopy(header)
            changed["programs"][0]["variables"][i] = other
            rewrite(path, changed)
            refused(path, "programs")


def test_operands_of_different_shapes(path):
    header = header_of(path)
    sums = header["programs"][0]["equations"][eqn("reduce_sum", header)]
    other = next(e for e in header["programs"][0]["equations"] if e["op"] == "add")
    other["in"][0] = sums["in"][0]
    rewrite(path, header)
    refused(path, "one shape|results")


def test_cycles(path):
    header = header_of(path)
    body = header["programs"][0]
    body["equations"][0] = {
        "op": "call", "in": [0], "out": body["equations"][0]["out"],
        "params": {"program": {"program": 0}},
    }  # fmt: skip
    rewrite(path, header)
    refused(path, "earlier Program")


def test_a_call_with_wrong_operands(path):
    header = header_of(path)
    inner = copy.deepcopy(header["programs"][0])
    outer = {
        "name": "outer", "variables": ["float32[4]", "float32[]", "float32[2,3]", "float32[3]"],
        "inputs": [0, 1], "constants": [], "outputs": [2, 3],
        "equations": [{"op": "call", "in": [0, 1], "out": [2, 3],
                       "params": {"program": {"program": 0}}}],
    }  # fmt: skip
    header["programs"] = [inner, outer]
    rewrite(path, header)
    refused(path, "passes")


def test_deep_nesting(path):
    rewrite(path, b'{"format":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    refused(path, "damaged")
    header = header_of_nested(path)
    rewrite(path, header)
    with pytest.raises(FileFormatError):
        rt.export.load(path)


def header_of_nested(path):
    tree = '{"list":[' * 5000 + '"*"' + "]}" * 5000
    text = '{"format":"rtorch.export","version":1,"rtorch":"0","name":"f","in_tree":TREE,'
    text += '"out_tree":"*","constants":[],"sources":[],"programs":[]}'
    return text.replace("TREE", tree).encode()


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b'"a"', b"\xff\xfe", b'{"version":NaN}']
)
def test_no_json(path, text):
    rewrite(path, text)
    refused(path, r"program\.json|damaged")


@pytest.mark.parametrize(
    "constant",
    [
        npy(np.ones(4, np.float32)), npy(np.ones(3)), npy(np.ones((3, 1), np.float32)),
        npy(np.ones(3, ">f4")), b"", b"\x93NUMPY", b"abc" * 50,
        npy(np.ones(3, np.float32))[:-1], npy(np.ones(3, np.float32)) + b"x",
        npy(np.array([1, 2, 3], "O")), npy(np.asfortranarray(np.ones((3, 2), np.float32))),
        npy(np.ones(3, np.float32)).replace(b"(3,)", b"(9**99,)"[:4]),
        None,
    ],
)  # fmt: skip
def test_constants(path, constant):
    rewrite(path, constants={"constants/0.npy": constant})
    refused(path, r"constants/0\.npy")


def test_compressed_members_are_refused(path):
    rewrite(path, compress=zipfile.ZIP_DEFLATED)
    refused(path, "compressed")


def test_no_pickle_is_ever_read(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path / "made").touch, ()

    stream = io.BytesIO()
    np.save(stream, np.array([Evil(), 2, 3], "O"), allow_pickle=True)
    rewrite(path, constants={"constants/0.npy": stream.getvalue()})
    refused(path, "constants/0")
    assert not (tmp_path / "made").exists()


def test_truncated_files(path):
    data = path.read_bytes()
    for n in range(0, len(data), 61):
        path.write_bytes(data[:n])
        refused(path, "damaged|program")


def test_changed_bytes(path):
    """A byte anywhere: refused, or of no consequence."""
    data = path.read_bytes()
    rng = random.Random(0)
    for _ in range(300):
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :])
        with contextlib.suppress(FileFormatError):
            rt.export.load(path)


def places(node, way=()):
    yield way
    if isinstance(node, (dict, list)):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(child, (*way, key))


REPLACEMENTS = [
    None, True, -1, 0, 1, 2, 10**30, "", "float32[3]", "*", [], {}, {"tuple": [0]},
    {"float": "nan"}, {"program": 0}, [[]], {"int": 2}, "sort", "call", "fft", "lu", "gather",
    {"slice": [0, 1, 2]},
]  # fmt: skip


def loops(x, p):
    def body(c, y):
        return rt.cond(rt.sum(c) > y, lambda c: c * 2, lambda c: c + W, c), y

    c, ys = rt.scan(body, x, rt.arange(4.0) + p["n"])
    return rt.while_loop(lambda c: rt.sum(c) < 9, lambda c: c * 2 + 1, c, max_steps=9), ys


@pytest.mark.parametrize("saved", [function, loops])
def test_any_entry_changed(path, saved):
    """Any entry replaced by something else: refused, or a function that works or says why not."""
    rt.export.save(path, saved, rt.spec(3), {"n": rt.spec(())})
    header = header_of(path)
    rng = random.Random(SEED)
    ways = [way for way in places(header) if way]
    loaded = 0
    for _ in range(300):
        changed = copy.deepcopy(header)
        for _ in range(rng.choice([1, 1, 2])):
            way = rng.choice(ways)
            try:
                set_at(changed, way, copy.deepcopy(rng.choice(REPLACEMENTS)))
            except (KeyError, IndexError, TypeError, AttributeError):
                continue
        rewrite(path, changed)
        try:
            f = rt.export.load(path)
        except FileFormatError:
            continue
        loaded += 1
        leaves = [rt.ones(v.shape, v.dtype) for v in f.in_avals if v.size < 1000]
        if len(leaves) == f.in_tree.num_leaves:
            args, kwargs = rt.tree.unflatten(f.in_tree, leaves)
            with contextlib.suppress(
                RtorchError, ValueError, TypeError, LookupError, AttributeError
            ):
                f.call(*args, **kwargs)
    assert 0 < loaded < 300


def mixed(x, p):
    picked = rt.take(x, rt.asarray([0, 5]), mode="fill", fill_value=0.0)
    waves = rt.fft.rfft(x, norm="ortho").real
    return {
        "y": rt.cumsum(x) ** 3 + p["n"],
        "z": (picked, x.at[rt.asarray([1])].add(2.0), waves[::2]),
    }


MIXED = {
    "norm": ("rfft", "norm", "loud"),
    "axis": ("cumsum", "axis", 1),
    "axis is true": ("cumsum", "axis", True),
    "direction": ("cumsum", "reverse", 1),
    "endless power": ("integer_pow", "y", -1),
    "power is text": ("integer_pow", "y", "2"),
    "mode": ("gather", "mode", "guess"),
    "fill": ("gather", "fill", "x"),
    "fill of another kind": ("gather", "fill", {"complex": ["0x0p+0", "0x1p+0"]}),
    "axes": ("gather", "axes", {"tuple": [1]}),
    "axes twice": ("gather", "axes", {"tuple": [0, 0]}),
    "axes are text": ("scatter", "axes", {"tuple": ["a"]}),
    "operation": ("scatter", "op", "evil"),
    "stride": ("slice", "strides", {"tuple": [0]}),
    "limits": ("slice", "limits", {"tuple": [{"float": "0x1p+0"}]}),
}


@pytest.mark.parametrize("name", MIXED)
def test_parameters_that_would_fail_when_they_run(path, name):
    op, param, value = MIXED[name]
    rt.export.save(path, mixed, rt.spec(3), {"n": rt.spec(())})
    header = header_of(path)
    header["programs"][0]["equations"][eqn(op, header)]["params"][param] = value
    rewrite(path, header)
    refused(path, op)


def test_a_place_before_the_file(path):
    data = path.read_bytes()
    for i in range(data.rindex(b"PK"), len(data)):
        path.write_bytes(data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :])
        with contextlib.suppress(FileFormatError):
            rt.export.load(path)
