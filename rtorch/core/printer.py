"""Programs as text that a person can read."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from rtorch.core.program import Atom, Eqn, Program, Var

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _letters(n: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    name = ""
    n += 1
    while n:
        n, digit = divmod(n - 1, 26)
        name = _LETTERS[digit] + name
    return name


class _Names(dict[Var, str]):
    def __missing__(self, var: Var) -> str:
        self[var] = name = _letters(len(self))
        return name


def program_text(program: Program, *, source: bool = True, indent: str = "") -> str:
    """The Program as text: parameters, constants, one line per equation, results.

    Args:
        program: What to print.
        source: Add the file and line that each equation came from.
        indent: Put before every line.
    """
    names = _Names()
    params = ", ".join(f"{names[v]}: {v.aval}" for v in program.in_vars)
    lines = [f"{program.name}({params}):"]
    lines += [f"  const {names[v]}: {v.aval}" for v in program.consts]
    equations = [_equation(eqn, names, indent) for eqn in program.eqns]
    width = min(60, max((len(e.split("\n")[0]) for e in equations), default=0))
    for eqn, text in zip(program.eqns, equations):
        if source and eqn.source and "\n" not in text:
            text = f"{text:<{width}}  # {_place(eqn)}"
        lines.append(f"  {text}")
    lines.append(f"  return {', '.join(_atom(a, names) for a in program.out_atoms)}")
    return "\n".join(indent + line if i else line for i, line in enumerate(lines))


def _place(eqn: Eqn) -> str:
    assert eqn.source is not None
    place = f"{eqn.source.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{eqn.source.line}"
    return f"{place} in {eqn.source.scope}" if eqn.source.scope else place


def _atom(atom: Atom, names: _Names) -> str:
    return names[atom] if type(atom) is Var else repr(atom)


def _equation(eqn: Eqn, names: _Names, indent: str) -> str:
    args = " ".join(_atom(a, names) for a in eqn.args)
    inner = [p for v in eqn.params.values() for p in programs_in(v)]
    shown = {k: param_text(v) for k, v in eqn.params.items() if not isinstance(v, Program)}
    params = " ".join(f"{k}={v}" for k, v in shown.items() if v)
    outs = ", ".join(f"{names[v]}: {v.aval}" for v in eqn.outs)
    text = f"{eqn.prim.name}{f'[{params}]' if params else ''} {args}".rstrip()
    text = f"{outs} = {text}" if outs else text  # an effect has no results
    for program in inner:
        text += f"\n{indent}    " + program_text(program, source=False, indent=indent + "    ")
    return text


def programs_in(param: Any) -> list[Program]:
    """The Programs in a parameter: itself, or in a tuple."""
    params = param if isinstance(param, tuple) else (param,)
    return [p for p in params if isinstance(p, Program)]


def param_text(value: Any) -> str:
    """A parameter as text; Programs have lines of their own."""
    if isinstance(value, FunctionType):  # without its address
        return value.__name__
    if not isinstance(value, tuple):
        return str(value)
    names = getattr(value, "_fields", None) or ("",) * len(value)
    items = [f"{name}={param_text(v)}" if name else param_text(v)
             for name, v in zip(names, value) if not isinstance(v, Program)]  # fmt: skip
    return f"({','.join(items)})" if items or not value else ""
