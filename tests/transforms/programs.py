"""Random programs: small typed functions of float64 arrays, as Python source.

`generate(rng)` writes a function line by line. The holes of an expression from `program_ops.py`, or
the arguments and bodies of a loop or transformation of `program_nests.py`, are filled with values
that the program has so far. Every line is run at once on example values: so all shapes are known
without rules for them, and lines that fail or give huge numbers are not taken.

    def program(x0, x1):
        v0 = rt.sin(x0)
        def f0(a0, a1): ...
        v1 = rt.scan(f0, v0, x1)[0]
        return v0, v1
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np
import program_nests
from program_holes import Holes, UnfilledError
from program_ops import TABLE

import rtorch as rt

MAX_SIZE, MAX_ABS, MAX_DEPTH = 150, 6.0, 3


# ---- programs ------------------------------------------------------------------------------------


NAME = re.compile(r"\b[afrvx]\d+\b")


@dataclass(frozen=True)
class Program:
    """A function of arrays that returns some of the values it computes."""

    inputs: dict[str, Any]
    lines: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        head = f"def program({', '.join(self.inputs)}):"
        body = _indented("\n".join([*self.lines, f"return ({', '.join(self.results)},)"]))
        return f"{head}\n{body}"

    def says(self, word: str) -> bool:
        return word in str(self)

    def function(self, namespace: Any = rt) -> Callable[..., Any]:
        """The function; `namespace` is what it calls ``rt``."""
        env = {"rt": namespace}
        exec(str(self), env)
        return env["program"]  # type: ignore[return-value]

    @property
    def regression(self) -> str:
        """A text to paste: the program and its arguments."""
        given = [f"{name} = {_literal(x)}" for name, x in self.inputs.items()]
        return "\n".join([*given, "", str(self)])

    def cleaned(self) -> "Program":
        """Without lines and arguments that nothing reads."""
        counts = Counter(NAME.findall(str(self)))
        kept: list[str] = []
        skipped: int | None = None  # the indent of a function that is left out
        for line in self.lines:
            indent = len(line) - len(line.lstrip())
            if skipped is not None and indent > skipped:
                continue
            skipped = None
            given = re.match(r" *(def )?([frv]\d+)(\(| = )", line)
            if given and counts[given[2]] == 1:
                skipped = indent if given[1] else None
            else:
                kept.append(line)
        if len(kept) < len(self.lines):
            return replace(self, lines=tuple(kept)).cleaned()
        read = {k: x for k, x in self.inputs.items() if counts[k] > 1}
        return replace(self, inputs=read or self.inputs)


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


def _literal(x: Any) -> str:
    text = np.array2string(np.asarray(x), separator=", ", threshold=1000).replace("\n", "")
    if np.size(x) == 0:
        text = f"np.zeros({np.shape(x)})"
    return f"rt.asarray({text}, dtype=rt.float64)"


# ---- writing -------------------------------------------------------------------------------------


@dataclass
class Scope:
    """The body of a function: its lines, and the names of the arrays that it may read."""

    parent: "Scope | None"
    values: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    closed: bool = False  # to values of the functions around it

    def visible(self) -> list[str]:
        outer = self.parent.visible() if self.parent and not self.closed else []
        return outer + self.values

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else 1 + self.parent.depth


class Writer:
    """Writes a program; `env` has the example value of every name."""

    def __init__(self, rng: Random, narrow: bool = False) -> None:
        self.rng = rng
        self.env: dict[str, Any] = {"rt": rt}
        self.scope = Scope(None)
        self.counts: dict[str, int] = {}
        self.errors: list[str] = []  # why expressions were not taken
        self.weights = {kind: weight for kind, (_, weight) in TABLE.items()}
        self.weights["rounded"] = 3 * narrow

    def chance(self, probability: float) -> bool:
        return self.rng.randrange(100) < 100 * probability

    def new(self, prefix: str) -> str:
        self.counts[prefix] = self.counts.get(prefix, -1) + 1
        return f"{prefix}{self.counts[prefix]}"

    # ---- values

    def values(self, kind: str = "f", own: bool = False) -> list[str]:
        """Names of arrays of a kind of dtype (f, i or b) that can be read here."""
        names = self.scope.values if own else self.scope.visible()
        return [name for name in names if self.env[name].dtype.kind == kind]

    def pick(self, accept: Callable[[Any], bool] = lambda x: True, kind: str = "f") -> str | None:
        """The name of such a value, if there is one; rather one of this function than of others."""
        names = [name for name in self.values(kind) if accept(self.env[name])]
        near = [name for name in names if name in self.scope.values]
        if near and self.chance(0.7):
            names = near[-4:] if self.chance(0.6) else near
        return self.rng.choice(names) if names else None

    # ---- statements

    def evaluated(self, text: str) -> Any:
        """The example value of an expression, None if it has no acceptable one."""
        try:
            with np.errstate(all="ignore"):
                return eval(text, self.env)
        except Exception as error:
            self.errors.append(f"{text}: {type(error).__name__}: {str(error).splitlines()[0]}")
            return None

    def assign(self, text: str) -> str | None:
        """A statement for an array; its name, None if the expression is not acceptable."""
        value = self.evaluated(text)
        if not isinstance(value, rt.Array) or value.size > MAX_SIZE or value.ndim > 4:
            return None
        if value.dtype.kind == "f":
            if value.dtype != np.float64:
                text, value = f"rt.astype({text}, rt.float64)", value.astype(rt.float64)
            largest = np.abs(np.asarray(value)).max(initial=0.0)
            if not np.isfinite(largest):
                self.errors.append(f"{text}: not finite")
                return None
            if largest > MAX_ABS:
                text = f"rt.tanh({text} * 0.2)"
                value = self.evaluated(text)
        elif value.dtype.kind == "i" and np.abs(np.asarray(value)).max(initial=0) > 1000:
            return None
        return self.record(text, value)

    def record(self, text: str, value: Any, prefix: str = "v") -> str:
        """A statement that gives `value`."""
        name = self.new(prefix)
        self.env[name] = value
        self.scope.lines.append(f"{name} = {text}")
        if isinstance(value, rt.Array) and value.dtype.kind in "fib":
            self.scope.values.append(name)
        return name

    def raw(self, text: str) -> str | None:
        """A statement for a pytree or function that the program does not use as an array."""
        value = self.evaluated(text)
        if value is None:
            return None
        name = self.record(text, None, "r")
        self.env[name] = value
        return name

    def line(self, text: str) -> None:
        """A line that gives nothing."""
        exec(text, self.env)
        self.scope.lines.append(text)

    @contextmanager
    def function(self, *examples: Any, closed: bool = False) -> Iterator[Any]:
        """A nested function of arrays like `examples`: set ``result`` of what is given."""
        self.scope = inner = Scope(self.scope, closed=closed)
        f = _Function(self.new("f"), [self.new("a") for _ in examples])
        self.env.update(zip(f.params, examples))
        inner.values += [p for p, x in zip(f.params, examples) if isinstance(x, rt.Array)]
        yield f
        assert inner.parent is not None
        self.scope = inner.parent
        lines = [f"def {f.name}({', '.join(f.params)}):"]
        lines += ["    " + line for line in inner.lines] + [f"    return {f.result}"]
        exec("\n".join(lines), self.env)
        self.scope.lines += lines

    def body(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """One more value: an expression, or a loop or transformation of nested functions."""
        for _ in range(6):
            if self.scope.depth < MAX_DEPTH and self.chance(0.3 / (1 + self.scope.depth)):
                if self.rng.choice(program_nests.NESTS)(self):
                    return
            else:
                kind = self.rng.choices(list(self.weights), list(self.weights.values()))[0]
                if self.expression(self.rng.choice(TABLE[kind][0])):
                    return

    def expression(self, template: str) -> str | None:
        """A statement with the template, its holes filled."""
        try:
            text = template.format_map(Holes(self))
        except UnfilledError:
            return None
        return self.assign(text)

    def fitted(self, like: str) -> str:
        """An expression of a float array of the shape of `like`, rather of a late value."""
        shape = self.env[like].shape
        same = [name for name in self.values(own=True) if self.env[name].shape == shape]
        if same and same[-1] != like:
            return same[-1]
        other = self.pick() or like
        return f"{like} * 0.5 + rt.sin(rt.sum({other}))"

    def scalar(self) -> str:
        """An expression of a number that depends on this function's last value."""
        last = (self.values(own=True) or self.values())[-1]
        return self.rng.choice([f"rt.sum(rt.sin({last}))", f"rt.sum({last} * {last})"])


@dataclass
class _Function:
    name: str
    params: list[str]
    result: str = ""


# ---- programs ------------------------------------------------------------------------------------


def generate(rng: Random, steps: int = 9) -> Program:
    """A program of about `steps` statements."""
    writer = Writer(rng, narrow=rng.randrange(10) == 0)
    inputs = {writer.new("x"): _input(rng) for _ in range(rng.randrange(1, 4))}
    writer.env.update(inputs)
    writer.scope.values += inputs
    writer.body(rng.randrange(steps // 2, steps * 3 // 2))
    while not writer.values("f"):
        writer.step()
    counts = Counter(NAME.findall("\n".join(writer.scope.lines)))
    ends = [name for name in writer.scope.values if counts[name] == 1 and name not in inputs]
    smooth = [name for name in ends if writer.env[name].dtype.kind == "f"][-3:]
    rest = [name for name in ends if writer.env[name].dtype.kind != "f"][-1:]
    results = (*(smooth or [writer.values("f")[-1]]), *rest)
    return Program(inputs, tuple(writer.scope.lines), results).cleaned()


def _input(rng: Random) -> Any:
    shape = [rng.choice((0, 1, 2, 2, 3, 3, 4)) for _ in range(rng.choice((0, 1, 1, 2, 2, 3)))]
    n = int(np.prod(shape))
    # All different, and no number of the programs' own among them: no ties.
    values = [k / 100 + 0.003 for k in rng.sample(range(-150, 150), n)]
    return rt.asarray(np.round(values, 3).reshape(shape), dtype=rt.float64)
