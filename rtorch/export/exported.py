"""`Exported`: a staged function that can be saved, and its functions `export`, `save`, `load`."""

from __future__ import annotations

import errno
import os
import sys
import zipfile
from collections.abc import Callable
from typing import Any, TypeAlias

from rtorch.core import tree
from rtorch.core.array import Array, wrap
from rtorch.core.aval import Aval
from rtorch.core.printer import program_text
from rtorch.core.program import Program
from rtorch.core.tree import TreeDef, mismatch
from rtorch.errors import FileFormatError, RtorchError, api
from rtorch.export import file as archives
from rtorch.export.read import Reader
from rtorch.export.structure import decode_tree, encode_tree, same_form
from rtorch.export.values import Json, damaged, read_aval
from rtorch.export.write import Writer, flat
from rtorch.transforms.arguments import check_callable
from rtorch.transforms.jit import Jitted, jit
from rtorch.transforms.lowered import Signature

PathLike: TypeAlias = str | os.PathLike[str]


class Exported:
    """A function of pytrees as a Program; `call` it, transform ``exported.call``, or `save` it.

    Attributes:
        name: The function's name.
        program: The Program, with the constants that it holds.
        in_tree: The structure of ``(args, kwargs)``, without static arguments.
        out_tree: The structure of the result.

    Example:
        >>> import rtorch as rt
        >>> exported = rt.export.export(lambda x: {"y": 2 * x})(rt.spec(3))
        >>> exported.in_avals, exported.out_avals
        ([f32[3]], [f32[3]])
        >>> exported.call(rt.ones(3))
        {'y': Array([2., 2., 2.], dtype=float32)}
    """

    def __init__(self, name: str, program: Program, in_tree: TreeDef, out_tree: TreeDef) -> None:
        self.name = name
        self.program = program
        self.in_tree = in_tree
        self.out_tree = out_tree
        self._signature = Signature(name, program, in_tree, out_tree)
        self._in_form = encode_tree(in_tree, "an argument")
        self._out_form = encode_tree(out_tree, "the result")

    @property
    def in_avals(self) -> list[Aval]:
        """Shapes and dtypes of the arrays among the arguments."""
        return self.program.in_avals

    @property
    def out_avals(self) -> list[Aval]:
        """Shapes and dtypes of the arrays in the result."""
        return self.program.out_avals

    @property
    def in_info(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """``(args, kwargs)`` with the aval of every array."""
        return self._signature.in_info

    @property
    def out_info(self) -> Any:
        """The structure of the result with the aval of every array."""
        return self._signature.out_info

    @api
    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function; works under all transformations.

        Named tuples and dataclasses fit if their names and fields do.

        Raises:
            TreeError, ShapeError, DTypeError: if an argument does not fit the signature.
        """
        leaves, treedef = tree.flatten((args, kwargs))
        if treedef != self.in_tree and not same_form(treedef, self._in_form):
            raise mismatch(
                self.name, ("the signature", "the arguments"), self.in_info, (args, kwargs)
            )
        return self._signature.call_flat(leaves, args, kwargs)

    @api
    def save(self, path: PathLike, *, sources: bool = True) -> None:
        """Write the function to a file; see `rtorch.export.save`."""
        writer = Writer(sources)
        writer.program(self.program)
        header = {
            "format": archives.FORMAT,
            "version": archives.VERSION,
            "rtorch": _version(),
            "name": self.name,
            "in_tree": self._in_form,
            "out_tree": self._out_form,
            "constants": writer.types,
            "sources": writer.sources or [],
            "programs": writer.programs,
        }
        archives.write(archives.path_of(path), header, writer.constants)

    def as_text(self) -> str:
        """The Program as text."""
        return program_text(self.program)

    def __repr__(self) -> str:
        return f"Exported<{self.name}: {self.in_info} -> {self.out_info}>"


def _version() -> str:
    return str(sys.modules["rtorch"].__version__)


@api
def export(function: Callable[..., Any]) -> Callable[..., Exported]:
    """A function that stages `function` for its arguments, ready to be saved.

    Args:
        function: From pytrees to a pytree of arrays, jitted or not. What it calls that is not
            rtorch's (callbacks, `rt.debug.print`) cannot be exported.

    Returns:
        A function of the same arguments (arrays, or specs in their places) that returns an
        `Exported`. Static arguments of a jitted function become a part of it.

    Raises:
        ArgumentError: if the function holds an operation or a structure that a file cannot hold.

    Example:
        >>> import rtorch as rt
        >>> exported = rt.export.export(rt.jit(rt.sin))(rt.spec(3))
        >>> rt.vmap(exported.call)(rt.zeros((2, 3))).shape
        (2, 3)
    """
    check_callable(function, "export")

    @api
    def stage_it(*args: Any, **kwargs: Any) -> Exported:
        lowered = (function if isinstance(function, Jitted) else jit(function)).lower(
            *args, **kwargs
        )
        program = flat(lowered.program)
        Writer(sources=False).program(program)  # what cannot be saved is refused now
        name = getattr(function, "__name__", type(function).__name__)
        return Exported(name, program, lowered.in_tree, lowered.out_tree)

    return stage_it


@api
def save(
    path: PathLike, function: Callable[..., Any], *args: Any, sources: bool = True, **kwargs: Any
) -> None:
    """Stage `function` for its arguments and write it to a file, with the constants it holds.

    The file is a zip archive of a JSON text and ``.npy`` arrays, without pickle. It can be loaded
    where the Python source of the function is not.

    Args:
        path: The file; without a suffix ``.npz`` is added.
        function: See `export`; or an `Exported`, and no arguments.
        *args: Arrays, or specs in their places.
        sources: Keep the lines that operations came from, for messages (names of files, without
            their folders).
        **kwargs: Likewise.

    Raises:
        ArgumentError: if the function holds an operation or a structure that a file cannot hold.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.export.save(os.path.join(folder, "double"), lambda x: 2 * x, rt.spec(3))
        ...     os.listdir(folder), rt.export.load(os.path.join(folder, "double")).in_avals
        (['double.npz'], [f32[3]])
    """
    exported = function if isinstance(function, Exported) else export(function)(*args, **kwargs)
    exported.save(path, sources=sources)


@api
def load(path: PathLike) -> Exported:
    """Read a function that `save` wrote.

    Nothing in the file is executed while it is read, and all of it is checked.

    Args:
        path: The file; without a suffix ``.npz`` is added.

    Returns:
        An `Exported`; named tuples and dataclasses in its structures are classes of the saved
        names and fields.

    Raises:
        FileFormatError: if the file is damaged, was not written by `save`, or by a newer version.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "f.npz")
        ...     rt.export.save(file, lambda x: x**3, rt.spec(()))
        ...     f = rt.export.load(file).call
        >>> float(rt.grad(rt.grad(f))(2.0))
        12.0
    """
    file = archives.path_of(path)
    try:
        with archives.open_archive(file) as archive:
            return _read(archive)
    except FileFormatError as error:
        raise FileFormatError(f"{error.args[0]} (file {str(file)!r})") from None
    except (zipfile.BadZipFile, EOFError, ValueError, KeyError, RecursionError,
            NotImplementedError, RuntimeError, MemoryError, OSError) as error:  # fmt: skip
        if isinstance(error, RtorchError):
            raise
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the file
            raise
        raise FileFormatError(
            f"[export.load] {str(file)!r} is damaged: {type(error).__name__} {error}"
        ) from None


def _read(archive: zipfile.ZipFile) -> Exported:
    header = archives.read_header(archive)
    types = _list(header, "constants")
    held: dict[int, Array] = {}

    def constant(number: int, aval: Aval, path: str) -> Array:
        stored = read_aval(types[number], f"constants[{number}]")
        if (stored.shape, stored.dtype) != (aval.shape, aval.dtype):
            raise damaged(path, f"the variable has type {aval}, the constant {stored}")
        if number not in held:
            data = archives.read_constant(archive, number, stored)
            held[number] = wrap(data, stored.weak)
        return held[number]

    reader = Reader(_list(header, "sources"), constant, len(types))
    for entry in _list(header, "programs"):
        reader.add(entry)
    if not reader.programs:
        raise damaged("programs", "there is none")
    program = reader.programs[-1]
    in_tree = _structure(header, "in_tree", len(program.in_vars))
    out_tree = _structure(header, "out_tree", len(program.out_atoms))
    if not _is_call(in_tree):
        raise damaged("in_tree", "expected the structure of (args, kwargs)")
    name = header.get("name")
    return Exported(name if isinstance(name, str) else "function", program, in_tree, out_tree)


def _list(header: dict[str, Json], key: str) -> list[Json]:
    value = header.get(key)
    if not isinstance(value, list):
        raise damaged(key, "expected a list")
    return value


def _structure(header: dict[str, Json], key: str, count: int) -> TreeDef:
    if key not in header:
        raise damaged(key, "it is missing")
    treedef = decode_tree(header[key], key)
    if treedef.num_leaves != count:
        raise damaged(key, f"it has {treedef.num_leaves} leaves, the Program {count}")
    return treedef


def _is_call(treedef: TreeDef) -> bool:
    whole = treedef.unflatten([0] * treedef.num_leaves)
    return (
        type(whole) is tuple
        and [type(part) for part in whole] == [tuple, dict]
        and all(isinstance(key, str) for key in whole[1])
    )
