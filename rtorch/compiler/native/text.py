"""Functions as LLVM text.

A `Value` is a scalar or a vector in a register. `Function` has a method for each instruction that
kernels need; Python numbers among the operands become constants of the type of the others. Loop
counters and accumulators are variables in memory (`Function.variable`), which LLVM's pass ``sroa``
puts into registers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from rtorch.compiler.native.target import Target

FLOATS = {"half": 2, "bfloat": 2, "float": 4, "double": 8}
INTEGERS = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "i128": 16}
NBYTES = {**FLOATS, **INTEGERS, "ptr": 8}


class Value(NamedTuple):
    """Something in a register, or a constant.

    Attributes:
        text: Its name, ``%v7``, or the constant.
        kind: ``float``, ``double``, ``i32``, ...
        lanes: How many there are of them; 1 is a scalar.
    """

    text: str
    kind: str
    lanes: int = 1

    @property
    def type(self) -> str:
        return type_of(self.kind, self.lanes)

    @property
    def is_float(self) -> bool:
        return self.kind in FLOATS

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


Operand: TypeAlias = Value | int | float


def type_of(kind: str, lanes: int) -> str:
    """How LLVM writes a type."""
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def constant(value: float, kind: str, lanes: int = 1) -> Value:
    """A number, in every lane."""
    text = _number(value, kind)
    return Value(text if lanes == 1 else f"splat ({kind} {text})", kind, lanes)


def _number(value: float, kind: str) -> str:
    if kind == "i1":
        return "true" if value else "false"
    if kind in INTEGERS:
        return str(int(value))
    if kind == "half":
        return f"0xH{struct.unpack('<H', struct.pack('<e', value))[0]:04X}"
    if kind == "bfloat":
        return f"0xR{_bits32(value) >> 16:04X}"
    if kind == "float":
        value = struct.unpack("<f", struct.pack("<I", _bits32(value)))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _bits32(value: float) -> int:
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    bits: int = struct.unpack("<I", packed)[0]
    return bits


class Slot(NamedTuple):
    """A variable: its address, and what it holds."""

    address: str
    kind: str
    lanes: int


# Operators on floats and on integers: LLVM's names.
_ARITHMETIC = {
    "add": ("fadd", "add"), "sub": ("fsub", "sub"), "mul": ("fmul", "mul"), "div": ("fdiv", "sdiv"),
    "rem": ("frem", "srem"), "udiv": ("", "udiv"), "urem": ("", "urem"), "and": ("", "and"),
    "or": ("", "or"), "xor": ("", "xor"), "shl": ("", "shl"), "ashr": ("", "ashr"),
    "lshr": ("", "lshr"),
}  # fmt: skip


class Function:
    """A function as it is written.

    Args:
        name: Its name.
        params: Its parameters, as LLVM writes them: ``ptr %args, i64 %lo``.
        target: What it is for.
        contract: Whether a product and a sum may become one instruction with one rounding.
        result: The type that it returns.
    """

    def __init__(self, name: str, params: str, target: Target, contract: bool = True,
                 result: str = "void", internal: bool = False) -> None:  # fmt: skip
        self.name = name
        self.params = params
        self.target = target
        self.result = result
        self.internal = internal
        self.flags = "contract " if contract else ""
        self.contracts = contract and target.has_fma
        self.declarations: set[str] = set()
        self.imports: dict[str, int] = {}  # addresses of functions of other units
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._count = 0

    # -- text ----------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """An instruction without a result."""
        self._lines.append("  " + text)

    def label(self, name: str) -> None:
        self._lines.append(name + ":")

    def let(self, text: str, kind: str, lanes: int = 1) -> Value:
        """An instruction with a result."""
        name = f"%v{self._count}"
        self._count += 1
        self._lines.append(f"  {name} = {text}")
        return Value(name, kind, lanes)

    def fresh(self) -> int:
        """A number that no name has yet."""
        self._count += 1
        return self._count

    def text(self) -> str:
        """All of it; call it once the body is complete."""
        kind = "internal " if self.internal else ""
        lines = [f"define {kind}{self.result} @{self.name}({self.params}) {{", "entry:"]
        lines += [*self._entry, "  br label %body", "body:", *self._lines, "}"]
        return "\n".join(lines)

    def imported(self, name: str, address: int, params: str) -> Value:
        """A function ``void name(params)`` of another unit."""
        self.declarations.add(f"declare void @{name}({params})")
        self.imports[name] = address
        return Value(f"@{name}", "ptr")

    # -- operands ------------------------------------------------------------------------------

    def like(self, x: Operand, other: Value) -> Value:
        """`x` as a Value of the type of `other`: a number or a scalar fills all lanes."""
        if not isinstance(x, Value):
            return constant(x, other.kind, other.lanes)
        return self.splat(x, other.lanes) if x.lanes != other.lanes else x

    def _both(self, x: Operand, y: Operand) -> tuple[Value, Value]:
        if isinstance(x, Value) and (not isinstance(y, Value) or x.lanes >= y.lanes):
            return x, self.like(y, x)
        assert isinstance(y, Value)
        return self.like(x, y), y

    # -- arithmetic ----------------------------------------------------------------------------

    def op(self, name: str, x: Operand, y: Operand) -> Value:
        """An operator on two operands: ``add``, ``xor``, ..."""
        a, b = self._both(x, y)
        of_floats, of_integers = _ARITHMETIC[name]
        instruction = f"{of_floats} {self.flags}" if a.is_float else f"{of_integers} "
        return self.let(f"{instruction}{a}, {b.text}", a.kind, a.lanes)

    def add(self, x: Operand, y: Operand) -> Value:
        return self.op("add", x, y)

    def sub(self, x: Operand, y: Operand) -> Value:
        return self.op("sub", x, y)

    def mul(self, x: Operand, y: Operand) -> Value:
        return self.op("mul", x, y)

    def div(self, x: Operand, y: Operand) -> Value:
        return self.op("div", x, y)

    def exact(self, name: str, x: Operand, y: Operand) -> Value:
        """`op` that is never contracted: rounding tricks rely on it."""
        a, b = self._both(x, y)
        return self.let(f"{_ARITHMETIC[name][0]} {a}, {b.text}", a.kind, a.lanes)

    def neg(self, x: Value) -> Value:
        if x.is_float:
            return self.let(f"fneg {x}", x.kind, x.lanes)
        return self.sub(constant(0, x.kind, x.lanes), x)

    def fma(self, x: Operand, y: Operand, z: Operand) -> Value:
        """``x * y + z``, rounded once where the processor can."""
        first = max((v for v in (x, y, z) if isinstance(v, Value)), key=lambda v: v.lanes)
        a, b, c = (self.like(v, first) for v in (x, y, z))
        if not self.target.has_fma:
            return self.exact("add", self.exact("mul", a, b), c)
        return self.call("fma", a, b, c)

    def call(self, intrinsic: str, *operands: Value, extra: str = "") -> Value:
        """An intrinsic ``llvm.NAME`` on operands of one type.

        Args:
            intrinsic: Its name.
            *operands: What it takes.
            extra: Further arguments as text, such as ``i1 false``.
        """
        x = operands[0]
        name = f"@llvm.{intrinsic}.{suffix(x.kind, x.lanes)}"
        types = ", ".join(
            [v.type for v in operands] + [e.split()[0] for e in filter(None, [extra])]
        )
        self.declarations.add(f"declare {x.type} {name}({types})")
        given = ", ".join([*map(str, operands), *filter(None, [extra])])
        return self.let(f"call {x.type} {name}({given})", x.kind, x.lanes)

    # -- comparison and choice -----------------------------------------------------------------

    def compare(self, predicate: str, x: Operand, y: Operand) -> Value:
        """``fcmp`` (``olt``, ``une``, ...) of floats, ``icmp`` (``slt``, ...) of integers."""
        a, b = self._both(x, y)
        instruction = "fcmp" if a.is_float else "icmp"
        return self.let(f"{instruction} {predicate} {a}, {b.text}", "i1", a.lanes)

    def select(self, mask: Value, x: Operand, y: Operand) -> Value:
        """`x` where `mask`, else `y`; one of them is a Value."""
        a, b = self._both(x, y)
        a, b = self.splat(a, mask.lanes), self.splat(b, mask.lanes)
        return self.let(f"select {mask}, {a}, {b}", a.kind, a.lanes)

    def logical_not(self, mask: Value) -> Value:
        return self.op("xor", mask, constant(1, mask.kind, mask.lanes))

    # -- types ---------------------------------------------------------------------------------

    def cast(self, instruction: str, x: Value, kind: str) -> Value:
        """``sext``, ``fpext``, ``bitcast``, ..."""
        return self.let(f"{instruction} {x} to {type_of(kind, x.lanes)}", kind, x.lanes)

    def bits(self, x: Value) -> Value:
        """The bits of floats as integers."""
        return self.cast("bitcast", x, f"i{8 * FLOATS[x.kind]}")

    def floats(self, x: Value) -> Value:
        """Integers as the floats whose bits they are."""
        kinds = {"i16": "half", "i32": "float", "i64": "double"}
        return self.cast("bitcast", x, kinds[x.kind])

    def splat(self, x: Value, lanes: int) -> Value:
        """A scalar in all lanes."""
        if x.lanes == lanes:
            return x
        assert x.lanes == 1
        kind = type_of(x.kind, lanes)
        one = self.let(f"insertelement {kind} poison, {x}, i32 0", x.kind, lanes)
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.let(f"shufflevector {one}, {kind} poison, {zeros}", x.kind, lanes)

    def shuffle(self, x: Value, y: Value, lanes: Sequence[int]) -> Value:
        """A vector of the lanes of `x` and, counted on, of `y` with these numbers."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.let(
            f"shufflevector {x}, {y}, <{len(lanes)} x i32> <{mask}>", x.kind, len(lanes)
        )

    def extract(self, x: Value, lane: int) -> Value:
        return self.let(f"extractelement {x}, i32 {lane}", x.kind)

    def ramp(self, kind: str, lanes: int) -> Value:
        """0, 1, 2, ..."""
        if lanes == 1:
            return constant(0, kind)
        return Value("<" + ", ".join(f"{kind} {i}" for i in range(lanes)) + ">", kind, lanes)

    # -- memory --------------------------------------------------------------------------------

    def pointer(self, table: str, k: int) -> Value:
        """Entry `k` of a table of pointers."""
        at = self.let(f"getelementptr ptr, ptr {table}, i64 {k}", "ptr")
        return self.let(f"load ptr, {at}", "ptr")

    def at(self, base: Value, index: Operand, kind: str) -> Value:
        """The address of element `index` of an array."""
        i = index if isinstance(index, Value) else constant(index, "i64")
        if i.text == "0":
            return base
        return self.let(f"getelementptr inbounds {kind}, {base}, {i}", "ptr")

    def load(self, address: Value, kind: str, lanes: int = 1, mask: Value | None = None) -> Value:
        """Elements from memory; zeros where not `mask`."""
        align = NBYTES[kind]
        if mask is None:
            return self.let(f"load {type_of(kind, lanes)}, {address}, align {align}", kind, lanes)
        name, vector = f"@llvm.masked.load.{suffix(kind, lanes)}.p0", type_of(kind, lanes)
        self.declarations.add(f"declare {vector} {name}(ptr, i32, {mask.type}, {vector})")
        given = f"{address}, i32 {align}, {mask}, {vector} zeroinitializer"
        return self.let(f"call {vector} {name}({given})", kind, lanes)

    def store(self, address: Value, x: Value, mask: Value | None = None, align: int = 0) -> None:
        """Elements to memory, where `mask`."""
        align = align or NBYTES[x.kind]
        if mask is None:
            self.line(f"store {x}, {address}, align {align}")
            return
        name = f"@llvm.masked.store.{suffix(x.kind, x.lanes)}.p0"
        self.declarations.add(f"declare void {name}({x.type}, ptr, i32, {mask.type})")
        self.line(f"call void {name}({x}, {address}, i32 {align}, {mask})")

    def first(self, count: Value, lanes: int) -> Value:
        """The mask of the first `count` lanes."""
        return self.compare("ult", self.ramp("i64", lanes), self.splat(count, lanes))

    # -- variables and control flow ------------------------------------------------------------

    def variable(self, kind: str, lanes: int = 1, start: Operand | None = None) -> Slot:
        """Something that changes; it lives in a register in the end."""
        slot = Slot(f"%s{self.fresh()}", kind, lanes)
        self._entry.append(f"  {slot.address} = alloca {type_of(kind, lanes)}")
        if start is not None:
            self.set(slot, start)
        return slot

    def scratch(self, kind: str, count: int) -> Value:
        """An array on the stack."""
        name = f"%s{self.fresh()}"
        self._entry.append(f"  {name} = alloca [{count} x {kind}], align 64")
        return Value(name, "ptr")

    def get(self, slot: Slot) -> Value:
        return self.let(
            f"load {type_of(slot.kind, slot.lanes)}, ptr {slot.address}", slot.kind, slot.lanes
        )

    def set(self, slot: Slot, x: Operand) -> None:
        value = x if isinstance(x, Value) else constant(x, slot.kind, slot.lanes)
        value = self.splat(value, slot.lanes)
        self.line(f"store {value}, ptr {slot.address}")

    @contextmanager
    def loop(self, start: Operand, stop: Operand, step: int = 1) -> Iterator[Value]:
        """A loop over an i64 counter."""
        k = self.fresh()
        counter = self.variable("i64", 1, start)
        self.line(f"br label %head{k}")
        self.label(f"head{k}")
        i = self.get(counter)
        going = self.compare("slt", i, stop)
        self.line(f"br {going}, label %step{k}, label %done{k}")
        self.label(f"step{k}")
        yield i
        following = self.let(f"add nsw {i}, {step}", "i64")
        self.set(counter, following)
        self.line(f"br label %head{k}, !llvm.loop !1")
        self.label(f"done{k}")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """What happens only if `condition`."""
        k = self.fresh()
        self.line(f"br {condition}, label %then{k}, label %done{k}")
        self.label(f"then{k}")
        yield
        self.line(f"br label %done{k}")
        self.label(f"done{k}")

    def index(self, *terms: tuple[Operand, int], start: int = 0) -> Value:
        """``start`` + the sum of ``value * stride``, as an i64."""
        total: Value | None = None
        for value, stride in terms:
            if stride == 0:
                continue
            if not isinstance(value, Value):
                start += value * stride  # type: ignore[assignment]
                continue
            term = value if stride == 1 else self.let(f"mul nsw {value}, {stride}", "i64")
            total = term if total is None else self.let(f"add nsw {total}, {term.text}", "i64")
        if total is None:
            return constant(start, "i64")
        return self.let(f"add nsw {total}, {start}", "i64") if start else total

    def ret(self, x: Value | None = None) -> None:
        self.line("ret void" if x is None else f"ret {x}")


def suffix(kind: str, lanes: int) -> str:
    """How names of intrinsics end: ``v16f32``."""
    short = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64"}.get(kind, kind)
    return short if lanes == 1 else f"v{lanes}{short}"


_METADATA = """
!1 = distinct !{!1, !2}
!2 = !{!"llvm.loop.unroll.disable"}
"""


def module(functions: Sequence[Function], target: Target, extra: str = "") -> str:
    """A compilation unit of `functions`."""
    declarations = sorted(set().union(*[f.declarations for f in functions]))
    parts = [f'target triple = "{target.triple}"', *declarations, extra]
    return "\n".join([*parts, *[f.text() for f in functions], _METADATA])
