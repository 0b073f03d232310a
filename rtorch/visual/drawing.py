"""`show`: a Program as a picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from rtorch.core import tree
from rtorch.core.program import Program
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_util import leaves_with_path
from rtorch.errors import ArgumentError, api, describe
from rtorch.transforms.arguments import argument_path
from rtorch.transforms.lowered import Compiled, Lowered
from rtorch.transforms.programs import aval_like, stage_function
from rtorch.visual.build import Builder, Options, letters, out_letters
from rtorch.visual.dot import dot_text
from rtorch.visual.graph import Graph
from rtorch.visual.layout import lay_out
from rtorch.visual.svg import svg_text

PathLike: TypeAlias = str | os.PathLike[str]

_CHAINS_FROM = 150  # equations: with more, elementwise ones that follow each other share a box


class Drawing:
    """What `show` returns; notebooks show it as a picture.

    Attributes:
        svg: The picture.
        dot: The graph in the language of Graphviz.
    """

    def __init__(self, graph: Graph, heading: str) -> None:
        self._heading = heading
        self._graph = graph
        lay_out(graph)
        self.svg = svg_text(graph, heading)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return dot_text(self._graph)

    @property
    def html(self) -> str:
        """A page with the picture."""
        head = '<meta charset="utf-8">\n<meta name="color-scheme" content="light dark">'
        return f"<!doctype html>\n{head}\n{self._repr_html_()}\n"

    def save(self, path: PathLike) -> Path:
        """Write the picture to a file.

        Args:
            path: Ends in ``.svg``, ``.html`` or ``.dot``.

        Returns:
            The path.

        Raises:
            ArgumentError: if it ends otherwise.
        """
        target = Path(path)
        forms = {".svg": "svg", ".html": "html", ".dot": "dot", ".gv": "dot"}
        if target.suffix not in forms:
            raise ArgumentError(
                f"[show] path: expected a name that ends in {', '.join(forms)}, got {str(target)!r}"
            )
        target.write_text(getattr(self, forms[target.suffix]), encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"Drawing<{self._heading}>"


@api
def show(
    function: Program | Lowered | Compiled | Callable[..., Any],
    *args: Any,
    path: PathLike | None = None,
    max_depth: int = 3,
    max_equations: int = 1000,
) -> Drawing:
    """Draw a Program as a graph: a box for every equation, in the colour of its kind.

    Wires are labelled with dtypes and shapes. Loops, branches and calls are frames with their
    Programs inside, `rt.named_scope` is a dashed frame around the equations that stand together
    in it. A pointer over a box shows its parameters and the user's line. From 150 equations on,
    elementwise ones that follow each other share a box.

    Args:
        function: A Program, what ``jit(f).lower(...)`` returns, or a function, which is staged.
        *args: The function's arguments: arrays or specs, in pytrees.
        path: Where to save the picture: ``.svg``, ``.html``, or ``.dot`` for Graphviz.
        max_depth: Programs that lie deeper than this are boxes, not frames.
        max_equations: How many equations of one Program are drawn; a note counts the others.

    Returns:
        A `Drawing`, which notebooks show, with ``svg``, ``dot`` and ``save(path)``.

    Raises:
        ArgumentError: if there is nothing to draw, or the path ends otherwise.

    Example:
        >>> import rtorch as rt
        >>> drawing = rt.show(lambda x: rt.sum(rt.sin(x)), rt.spec((3, 4)))
        >>> drawing
        Drawing<<lambda>: 2 equations>
        >>> drawing.svg[:4], "reduce_sum" in drawing.dot
        ('<svg', True)
    """
    program, in_names, out_names = _staged(function, args)
    n = _count(program)
    options = Options(max_depth, max_equations, n > _CHAINS_FROM)
    graph = Builder(program, options).build(in_names, out_names)
    plural = "" if n == 1 else "s"
    drawing = Drawing(graph, f"{program.name}: {n} equation{plural}")
    if path is not None:
        drawing.save(path)
    return drawing


def _staged(function: Any, args: tuple[Any, ...]) -> tuple[Program, list[str], list[str]]:
    """The Program with names for its parameters and results."""
    if isinstance(function, (Program, Lowered, Compiled)):
        if args:
            raise ArgumentError(f"[show] a Program takes no arguments to be drawn, got {len(args)}")
        program = function if isinstance(function, Program) else function.program
        return program, letters(len(program.in_vars)), out_letters(len(program.out_atoms))
    if not callable(function):
        raise ArgumentError(f"[show] expected a Program or a function, got {describe(function)}")
    leaves, in_tree = tree.flatten((args, {}))
    avals = [aval_like(x, "show", argument_path(i, args, {})) for i, x in enumerate(leaves)]
    staged = stage_function(function, avals, in_tree, "show")
    names = [_name(function, argument_path(i, args, {})) for i in range(len(leaves))]
    outs = leaves_with_path(staged.out_tree.unflatten(staged.program.out_avals))
    out_names = [keystr(p) if p else "result" for p, _ in outs]
    return _unwrapped(staged.program), names, out_names


def _unwrapped(program: Program) -> Program:
    """The Program that a jitted function calls, instead of the call."""
    if len(program.eqns) != 1 or program.consts:
        return program
    (eqn,) = program.eqns
    same = eqn.args == program.in_vars and eqn.outs == program.out_atoms
    return eqn.params["program"] if eqn.prim.name == "call" and same else program


def _name(function: Any, path: str) -> str:
    """``args[0]['w']`` by the name of the argument: ``params['w']``."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    number, _, rest = path.removeprefix("args[").partition("]")
    skip = 1 if getattr(function, "__self__", None) is not None else 0
    at = int(number) + skip
    name = code.co_varnames[at] if code and at < code.co_argcount else f"args[{number}]"
    return (name + rest)[-40:]


def _count(program: Program) -> int:
    """Equations of a Program and of those inside."""
    inner = [p for eqn in program.eqns for _, choices in eqn.prim.sub_programs(**eqn.params)
             for p in choices]  # fmt: skip
    return len(program.eqns) + sum(map(_count, inner))
