"""Pickles that want to do more than they should."""

import pickle as op
import pickletools
import random
import struct
from collections.abc import Callable
from itertools import pairwise

EXTREMES = (0, 1, 2, 3, 19, 20, 21, 60, 2**31 - 1, -(2**31), -1, 2**62, 2**63, -(2**63), 2**100)
CALLS = (
    ("os", "system", "true"), ("posix", "system", "true"), ("builtins", "eval", "1"),
    ("builtins", "exec", "x=1"), ("builtins", "getattr", "x"), ("builtins", "__import__", "os"),
    ("subprocess", "Popen", "true"), ("torch.hub", "load", "x"), ("operator", "attrgetter", "x"),
    ("builtins", "open", "/tmp/x"), ("importlib", "import_module", "os"), ("numpy", "load", "x"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__", "x"), ("collections", "OrderedDict", "x"),
    ("torch", "Size", "x"), ("builtins", "set", "x"), ("_codecs", "encode", "x"),
    ("torch._utils", "_rebuild_sparse_tensor", "x"), ("torch", "load", "x"),
    ("__main__", "Model", "x"), ("torch.nn.modules.linear", "Linear", "x"),
    ("numpy", "dtype", "f8"),
)  # fmt: skip


def hostile(rng: random.Random) -> bytes:
    """A pickle of one of the kinds below."""
    return rng.choice(KINDS)(rng)


def ends(data: bytes, count: int) -> list[int]:
    """Where each of the first pickles of a stream ends."""
    found, at = [], 0
    for _ in range(count):
        *_, (_, _, stop) = pickletools.genops(data[at:])
        at += stop + 1
        found.append(at)
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Instructions taken away, doubled, exchanged; numbers and names changed."""
    marks = [place for _, _, place in pickletools.genops(data)] + [len(data)]
    pieces = [data[a:b] for a, b in pairwise(marks)]
    for _ in range(rng.choice((1, 1, 2, 5))):
        i, j = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        change = rng.randrange(6)
        if change == 0:
            del pieces[i]
        elif change == 1:
            pieces.insert(i, pieces[j])
        elif change == 2:
            pieces[i], pieces[j] = pieces[j], pieces[i]
        elif change == 3:
            pieces[i] = integer(rng.choice(EXTREMES))
        elif change == 4:
            pieces[i] = name(*rng.choice(CALLS)[:2])
        else:
            pieces[i] = rng.choice(PIECES)
    return b"".join(pieces)


def integer(n: int) -> bytes:
    if -(2**31) <= n < 2**31:
        return op.BININT + struct.pack("<i", n)
    raw = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
    return op.LONG1 + bytes([len(raw)]) + raw


def text(x: str) -> bytes:
    return op.BINUNICODE + struct.pack("<I", len(x)) + x.encode()


def name(module: str, attribute: str) -> bytes:
    return op.GLOBAL + f"{module}\n{attribute}\n".encode()


def call(rng: random.Random) -> bytes:
    module, attribute, argument = rng.choice(CALLS)
    found = name(module, attribute)
    if rng.random() < 0.3:
        found = text(module) + text(attribute) + op.STACK_GLOBAL
    arguments = text(argument) + op.TUPLE1
    end = rng.choice((op.REDUCE, op.NEWOBJ, op.EMPTY_DICT + op.BUILD, op.REDUCE + op.REDUCE, b""))
    return found + arguments + end + op.STOP


def instance(rng: random.Random) -> bytes:
    """The instructions of old protocols that call at once."""
    module, attribute, argument = rng.choice(CALLS)
    line = f"{module}\n{attribute}\n".encode()
    return rng.choice((
        op.MARK + text(argument) + op.INST + line + op.STOP,
        op.MARK + name(module, attribute) + text(argument) + op.OBJ + op.STOP,
        op.EXT1 + b"\1" + op.STOP, op.EXT4 + b"\1\0\0\0" + op.STOP, b"I01\n.", b"V\\u0041\n.",
        op.PERSID + b"storage\n" + op.STOP,
    ))  # fmt: skip


def tensor(rng: random.Random) -> bytes:
    """Views that reach outside, and other numbers that are not what they should be."""

    def some() -> int:
        return rng.choice(EXTREMES)

    kind = rng.choice(("FloatStorage", "ByteStorage", "BFloat16Storage", "QInt8Storage", "Size"))
    key = rng.choice(("0", "1", "../data.pkl", "", "x" * 300, "2"))
    count = integer(rng.choice((60, 3, 0, some())))
    more = rng.choice((b"", b"", b"", op.NONE, op.MARK + text("v") + count * 2 + op.TUPLE))
    storage = op.MARK + text("storage") + name("torch", kind) + text(key) + text("cpu") + count
    storage += more + op.TUPLE + op.BINPERSID
    axes = rng.choice((0, 1, 2, 3, 65))
    sizes, strides = (b"".join(integer(some()) for _ in range(axes)) for _ in range(2))
    value = name("torch._utils", rng.choice(("_rebuild_tensor_v2", "_rebuild_tensor_v3")))
    value += op.MARK + storage + integer(rng.choice((0, 0, some())))
    value += op.MARK + sizes + op.TUPLE + op.MARK + strides + op.TUPLE
    value += op.NEWFALSE + op.NONE + name("torch", rng.choice(("float32", "int64", "qint8")))
    return value + op.TUPLE + op.REDUCE + op.STOP


def deep(rng: random.Random) -> bytes:
    """Containers in containers in containers."""
    depth = rng.choice((150, 1000, 1000, 50_000))
    return rng.choice((
        op.EMPTY_LIST * depth + op.APPEND * (depth - 1), op.NONE + op.TUPLE1 * depth,
        (op.EMPTY_DICT + op.NONE) * depth + op.NONE + op.SETITEM * depth,
        op.NONE + op.TUPLE1 * depth + op.NONE + op.EMPTY_DICT,
        op.EMPTY_DICT + op.NONE + op.TUPLE1 * depth + op.NONE + op.SETITEM,
    )) + op.STOP  # fmt: skip


def laughs(rng: random.Random) -> bytes:
    """Lists of lists, each ten times in the next."""
    put = op.EMPTY_LIST + op.BINPUT + b"\0"
    for _ in range(rng.choice((3, 20, 200))):
        put = put + op.POP
        put += op.EMPTY_LIST + op.MARK + (op.BINGET + b"\0") * 10 + op.APPENDS + op.BINPUT + b"\0"
    return put + op.STOP


def itself(rng: random.Random) -> bytes:
    """A container that contains itself."""
    recall = op.BINGET + b"\0"
    return rng.choice((
        op.EMPTY_LIST + op.BINPUT + b"\0" + recall + op.APPEND,
        op.EMPTY_DICT + op.BINPUT + b"\0" + op.NONE + recall + op.SETITEM,
        op.EMPTY_LIST + op.BINPUT + b"\0" + recall + op.TUPLE1 + op.APPEND,
        op.EMPTY_DICT + op.BINPUT + b"\0" + recall + op.NONE + op.SETITEM,
        op.EMPTY_SET + op.BINPUT + b"\0" + op.MARK + recall + op.ADDITEMS,
    )) + op.STOP  # fmt: skip


def many(rng: random.Random) -> bytes:
    """A few bytes for each object, and many of them."""
    n = rng.choice((1000, 1000, 100_000))
    piece = rng.choice((
        op.EMPTY_LIST, op.EMPTY_DICT, op.EMPTY_SET, op.MARK, op.NONE + op.MEMOIZE,
        op.EMPTY_TUPLE + op.MEMOIZE, name("builtins", "set") + op.EMPTY_TUPLE + op.REDUCE,
    ))  # fmt: skip
    return piece * n + op.STOP


def copies(rng: random.Random) -> bytes:
    """One large value, copied by every call."""
    large = op.EMPTY_LIST + op.MARK + op.NONE * 50_000 + op.APPENDS
    of_what = rng.choice((large, text("x" * 100_000), op.MARK + integer(1) * 50_000 + op.TUPLE))
    calls = (("torch", "Size"), ("builtins", "set"), ("_codecs", "encode"), ("torch", "device"),
             ("collections", "OrderedDict"))  # fmt: skip
    function = name(*rng.choice(calls))
    arguments = rng.choice((op.TUPLE1, text("latin1") + op.TUPLE2))
    put = of_what + op.BINPUT + b"\0" + function + op.BINPUT + b"\1"
    again = op.BINGET + b"\1" + op.BINGET + b"\0" + arguments + op.REDUCE
    return put + again * 1000 + op.STOP


def huge(rng: random.Random) -> bytes:
    """Lengths of which there is no such thing."""
    n = rng.choice((2**31 - 1, 2**32 - 1, 2**16))
    short = (op.BINUNICODE, op.BINBYTES, op.LONG4, op.BINSTRING, op.LONG_BINPUT, op.LONG_BINGET)
    long = (op.BINUNICODE8, op.BINBYTES8, op.FRAME, op.BYTEARRAY8)
    code = rng.choice(short + long)
    wide = code in long
    value = struct.pack("<Q", 2 ** rng.choice((31, 62, 63))) if wide else struct.pack("<I", n)
    return op.NONE + code + value + b"x" * 100 + op.STOP


def numpy_array(rng: random.Random) -> bytes:
    """NumPy's arrays and dtypes with contents that do not fit."""
    kind = rng.choice(("f8", "O8", "U999999999", "V10", "i4,i4", "M8", "S0", "x", "f3", "c16"))
    dtype = name("numpy", "dtype") + text(kind) + op.NEWFALSE + op.NEWTRUE + op.TUPLE3 + op.REDUCE
    order = rng.choice(("<", ">", "|", "x"))
    state = (
        op.MARK + integer(3) + text(order) + op.NONE * 3 + integer(-1) * 2 + integer(0) + op.TUPLE
    )
    dtype += rng.choice((b"", state + op.BUILD))
    raw = op.SHORT_BINBYTES + b"\x10" + bytes(16)
    if rng.random() < 0.3:
        return (
            name("numpy.core.multiarray", "scalar") + dtype + raw + op.TUPLE2 + op.REDUCE + op.STOP
        )
    array = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray")
    array += integer(0) + op.TUPLE1 + raw + op.TUPLE3 + op.REDUCE
    shape = integer(rng.choice((2, *EXTREMES))) + op.TUPLE1
    array += op.MARK + integer(1) + shape + dtype + op.NEWFALSE + raw + op.TUPLE + op.BUILD
    return array + op.STOP


def soup(rng: random.Random) -> bytes:
    """Instructions by chance."""
    return b"".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 60))) + op.STOP


PIECES = (
    op.NONE, op.MARK, op.EMPTY_LIST, op.EMPTY_DICT, op.EMPTY_TUPLE, op.EMPTY_SET, op.APPEND,
    op.APPENDS, op.SETITEM, op.SETITEMS, op.TUPLE, op.TUPLE1, op.TUPLE2, op.TUPLE3, op.REDUCE,
    op.BUILD, op.BINPERSID, op.ADDITEMS, op.FROZENSET, op.POP_MARK, op.MEMOIZE, op.NEWTRUE,
    op.NEWOBJ, op.POP, op.DUP,
    op.BINPUT + b"\0", op.BINGET + b"\0", integer(3), text("x"), text("storage"), op.STOP,
    name("collections", "OrderedDict"), name("torch", "Size"), name("torch", "FloatStorage"),
    name("torch", "float32"), name("builtins", "set"), name("numpy", "dtype"), name("os", "system"),
    name("torch._utils", "_rebuild_tensor_v2"), name("torch._utils", "_rebuild_parameter"),
    op.BINFLOAT + bytes(8), op.STACK_GLOBAL, op.PROTO + b"\2", op.SHORT_BINBYTES + b"\2xx",
)  # fmt: skip

KINDS: list[Callable[[random.Random], bytes]] = [
    call, call, instance, tensor, tensor, deep, laughs, itself, many, copies, huge, numpy_array,
    soup, soup,
]  # fmt: skip
