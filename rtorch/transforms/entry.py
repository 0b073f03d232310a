"""Entries: the hit path of `jit`, generated for one signature.

An entry takes ``(args, kwargs)`` apart exactly as that signature is nested, checks every leaf's
type, shape and dtype, runs the executable and builds the result; or returns `MISS`. No pytree is
walked generically: that would cost more than many a compiled function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from rtorch.compiler.plan import claim, executable
from rtorch.core import dtypes, tree
from rtorch.core.array import Array, WeakArray
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.transforms.programs import Staged

MISS = object()


class _Unsupported(Exception):  # noqa: N818 - a signal, not an error
    """A leaf that the generated code does not take."""


class _Writer:
    """The source of one entry."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.globals: dict[str, Any] = {
            "MISS": MISS, "Array": Array, "WeakArray": WeakArray, "claim": claim,
            "asarray": np.asarray, "errstate": np.errstate, "dtypes": dtypes,
            "flatten": tree.flatten, "unflatten": tree.unflatten, "static_key": static_key,
            "static_value": static_value,
        }  # fmt: skip
        self.count = 0

    def fresh(self, prefix: str = "x") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, value: Any, prefix: str = "K") -> str:
        name = self.fresh(prefix)
        self.globals[name] = value
        return name

    def need(self, condition: str) -> None:
        """Miss unless `condition` holds."""
        self.lines.append(f"if not ({condition}): return MISS")

    # -- arguments -----------------------------------------------------------------------------

    def take_apart(self, value: Any, name: str, donated: bool, raw: list[str]) -> None:
        """Check that the variable `name` is like `value`; append its leaves' raw arrays."""
        kind = type(value)
        if isinstance(value, Array) or kind in PYTHON_SCALARS:
            self._leaf(value, name, donated, raw)
        elif value is None:
            self.need(f"{name} is None")
        elif kind is dict:
            self.need(f"type({name}) is dict and len({name}) == {len(value)}")
            for key in _dict_keys(value):
                item = self.fresh()
                self.lines.append(f"{item} = {name}[{self._key(key)}]")
                self.take_apart(value[key], item, donated, raw)
        elif kind in (list, tuple):
            self._sequence(value, name, donated, raw)
        else:
            self._other_node(value, name, donated, raw)

    def _key(self, key: Any) -> str:
        return repr(key) if type(key) in (str, int) else self.constant(key)

    def _sequence(self, value: Any, name: str, donated: bool, raw: list[str]) -> None:
        self.need(f"type({name}) is {type(value).__name__} and len({name}) == {len(value)}")
        items = [self.fresh() for _ in value]
        if items:
            self.lines.append(f"{', '.join(items)}, = {name}")
        for item, child in zip(items, value):
            self.take_apart(child, item, donated, raw)

    def _other_node(self, value: Any, name: str, donated: bool, raw: list[str]) -> None:
        leaves, treedef = tree.flatten(value)
        if len(leaves) == 1 and leaves[0] is value:
            raise _Unsupported
        flat, structure = self.fresh(), self.fresh()
        self.lines.append(f"{flat}, {structure} = flatten({name})")
        self.need(f"{structure} == {self.constant(treedef)}")
        self._sequence(leaves, flat, donated, raw)

    def _leaf(self, value: Any, name: str, donated: bool, raw: list[str]) -> None:
        data = self.fresh("d")
        raw.append(data)
        kind = type(value)
        if kind in PYTHON_SCALARS:
            self.need(f"type({name}) is {kind.__name__}")
            if kind is int:
                self.need(f"{-(2**63)} <= {name} < {2**63}")
            dtype = self.constant(dtypes.python_dtype(value))
            self.lines.append(f"{data} = asarray({name}, {dtype})")
            return
        if kind not in (Array, WeakArray) or type(value._data) is not ndarray:
            raise _Unsupported
        self.need(f"type({name}) is {kind.__name__}")
        self.lines.append(f"{data} = {name}._data")
        self.need(f"{data}.shape == {value.shape} and {data}.dtype is {self._dtype(value.dtype)}")
        if donated:
            self.claims.append(f"{data} = None; {data} = claim({name})")

    def _dtype(self, dtype: Any) -> str:
        name = f"T_{dtype.name}"
        self.globals[name] = dtype
        return name

    claims: list[str]

    # -- results -------------------------------------------------------------------------------

    def result(self, spec: Any, treedef: Any, outs: list[str]) -> str:
        """An expression that builds a result of structure `treedef` from raw arrays."""
        text = self._build(spec, iter(outs))
        if text is not None:
            return text
        return f"unflatten({self.constant(treedef)}, [{', '.join(outs)}])"

    def _build(self, spec: Any, outs: Any) -> str | None:
        if spec is None:
            return next(outs)
        kind, meta, children = spec
        parts = [self._build(child, outs) for child in children]
        if any(part is None for part in parts):
            return None
        if kind.cls is dict:
            pairs = [f"{self._key(key)}: {part}" for key, part in zip(meta, parts)]
            return f"{{{', '.join(pairs)}}}"
        if kind.cls is tuple:
            return f"({''.join(f'{part}, ' for part in parts)})"
        if kind.cls is list:
            return f"[{', '.join(parts)}]"  # type: ignore[arg-type]
        return "None" if kind.cls is type(None) else None


def _dict_keys(value: dict[Any, Any]) -> Any:
    from rtorch.core.tree_kinds import sorted_keys

    return sorted_keys(value)


def make_entry(
    staged: Staged, call: tuple[Any, Any], statics: Any, donated: tuple[int, ...], default: Any
) -> Callable[..., Any] | None:
    """The entry for calls like `call`; None if a leaf is of a kind that entries do not take.

    Args:
        staged: What was staged for it.
        call: The arguments ``(args, kwargs)``.
        statics: Which of them are static.
        donated: Positions whose arrays' memory may be taken.
        default: The default dtype it was staged with.
    """
    writer = _Writer()
    writer.claims = []
    raw: list[str] = []
    taken: list[int] = []
    try:
        _take_arguments(writer, call, statics, donated, raw, taken)
    except _Unsupported:
        return None
    writer.globals["run"] = executable(staged.program, np, tuple(taken))
    writer.globals["D"] = default
    outs = [writer.fresh("o") for _ in staged.program.out_atoms]
    wrapped = [
        f"{'WeakArray' if v.aval.weak else 'Array'}({o})"
        for o, v in zip(outs, staged.program.out_atoms)
    ]
    body = ["if dtypes._default_float is not D: return MISS", *writer.lines, *writer.claims]
    result = writer.result(staged.out_tree.spec, staged.out_tree, wrapped)
    lines = ["def entry(args, kwargs):", "    try:", *[f"        {line}" for line in body]]
    lines += ["    except KeyError: return MISS", "    with errstate(all='ignore'):"]
    lines += [
        f"        {''.join(o + ', ' for o in outs)}{'= ' if outs else ''}run({', '.join(raw)})"
    ]
    lines += [f"    return {result}"]
    source = "\n".join(lines)
    exec(compile(source, f"<rtorch entry of {staged.program.name}>", "exec"), writer.globals)
    entry: Callable[..., Any] = writer.globals["entry"]
    return entry


def _take_arguments(
    writer: _Writer, call: tuple[Any, Any], statics: Any, donated: tuple[int, ...],
    raw: list[str], taken: list[int],
) -> None:  # fmt: skip
    args, kwargs = call
    writer.need(f"len(args) == {len(args)} and len(kwargs) == {len(kwargs)}")
    names = [writer.fresh() for _ in args]
    if names:
        writer.lines.append(f"{', '.join(names)}, = args")
    for i, (name, value) in enumerate(zip(names, args)):
        if i in statics.numbers:
            _check_static(writer, name, value)
            continue
        before = len(raw)
        is_donated = i in donated or i - len(args) in donated
        writer.take_apart(value, name, is_donated, raw)
        if is_donated:
            taken.extend(range(before, len(raw)))
    for key in sorted(kwargs):
        name = writer.fresh()
        writer.lines.append(f"{name} = kwargs[{key!r}]")
        if key in statics.names:
            _check_static(writer, name, kwargs[key])
        else:
            writer.take_apart(kwargs[key], name, False, raw)


def _check_static(writer: _Writer, name: str, value: Any) -> None:
    kind, constant = writer.constant(type(value)), writer.constant(value)
    if static_value(value) != value:  # there is a nan in it
        constant = writer.constant((static_value(value),))
        same = f"type({name}) is {kind} and (static_value({name}),) == {constant}"
    else:
        same = f"type({name}) is {kind} and {name} == {constant}"
    key = static_key(value)
    if key is not type(value):
        same += f" and static_key({name}) == {writer.constant(key)}"
    writer.need(same)


_NAN = float("nan")


def static_value(value: Any) -> Any:
    """`value` with the one nan in place of all: they are not equal, but make one program."""
    if type(value) is float and value != value:
        return _NAN
    return tuple(map(static_value, value)) if type(value) is tuple else value


def static_key(value: Any) -> Any:
    """What tells apart values that are equal to Python but not to a program: 1, 1.0 and True."""
    kind = type(value)
    if isinstance(value, tuple):
        return kind, *map(static_key, value)
    if fields := getattr(kind, "__dataclass_fields__", None):
        return kind, *[static_key(getattr(value, name)) for name in fields]
    if kind is float and value == 0:
        return kind, repr(value)
    return kind
