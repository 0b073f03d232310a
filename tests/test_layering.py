"""Imports point one way: the order of the layers is a tested fact."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# From the ground up. A layer may import itself and what stands above it in this table.
LAYERS = (
    "errors",
    "atomic",
    "core",
    "ops",
    "numpy",
    "linalg",
    "fft",
    "special",
    "tree",
    "compiler",
    "transforms",
    "debug",
    "export",
    "visual",
    "profiling",
    # User code of the library: public names only (`import rtorch as rt`, `rtorch.numpy`, ...).
    "random",
    "nn",
    "optim",
    "solvers",
    "data",
    "io",
    "monitor",
    "testing",
    "cli",
    "__main__",
)
FIRST_USER_LAYER = LAYERS.index("random")

# (file, imported module): why this one import may point the other way.
EXCEPTIONS: dict[tuple[str, str], str] = (
    {
        (
            f"rtorch/numpy/{name}.py",
            "rtorch",
        ): "np.sin(x) looks up rt.sin by name, when it is called"
        for name in ("operators", "protocols")
    }
    | {
        (
            f"rtorch/random/{file.name}",
            f"rtorch.numpy.random_{part}",
        ): "checks of keys and raw draws "
        "are one piece, which no other code needs: no reason to make its functions public"
        for file in (Path(__file__).parent.parent / "rtorch" / "random").glob("*.py")
        for part in ("bits", "draws")
    }
    | {
        (
            "rtorch/io/npz_file.py",
            "rtorch.core.array",
        ): "arrays of weak dtype come of computing alone: "
        "no public function makes one, and a file may hold one"
    }
)

MAX_LINES = 600

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rtorch"
FILES = sorted(PACKAGE.rglob("*.py"))


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def layer_of(module: str) -> str:
    """The layer of `rtorch.a.b` is `a`; that of `rtorch` itself is the empty string."""
    return module.partition(".")[2].partition(".")[0]


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def absolute(node: ast.ImportFrom, file: Path) -> str:
    """The module that an import statement names, `from ..core import x` made absolute."""
    if not node.level:
        return node.module or ""
    package = file.relative_to(ROOT).parts[: -node.level]
    return ".".join((*package, node.module) if node.module else package)


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def modules_named(node: ast.Import | ast.ImportFrom, file: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = absolute(node, file)
    paths = [f"{base}.{alias.name}" for alias in node.names]
    return [path if is_module(path) else base for path in paths]


def imports(tree: ast.AST, file: Path) -> Iterator[tuple[int, str]]:
    """(line, module of rtorch) of each import, those inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and is_type_checking(node.test):
            continue  # annotations make no cycle when the program runs
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in modules_named(node, file):
                if name.partition(".")[0] == "rtorch":
                    yield node.lineno, name
        else:
            yield from imports(node, file)


def complaint(importer: str, imported: str) -> str | None:
    """What is wrong with this import, None if nothing."""
    here, there = layer_of(importer), layer_of(imported)
    at = LAYERS.index(here)
    if here == there:
        return None
    if not there:
        below = at < FIRST_USER_LAYER
        return f"{here} is below the public names and cannot import them" if below else None
    if LAYERS.index(there) > at:
        return f"{here} is below {there}"
    if at >= FIRST_USER_LAYER and imported.count(".") > 1:
        return f"{here} uses public names only, not the inside of rtorch.{there}"
    return None


def test_every_file_has_a_layer() -> None:
    layers = {layer_of(module_of(file)) for file in FILES} - {""}
    assert layers <= set(LAYERS), f"not in LAYERS: {sorted(layers - set(LAYERS))}"


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_imports_point_one_way(file: Path) -> None:
    importer, name = module_of(file), relative(file)
    if layer_of(importer) not in LAYERS:
        return  # the table of contents may import everything; others fail the test above
    wrong = [
        f"{name}:{line} imports {imported}: {why}"
        for line, imported in imports(ast.parse(file.read_text(encoding="utf-8")), file)
        if (name, imported) not in EXCEPTIONS and (why := complaint(importer, imported))
    ]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_files_stay_readable(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{relative(file)} has {lines} lines: split it by purpose"


@pytest.mark.parametrize(
    ("importer", "imported", "fine"),
    [
        ("rtorch.ops.shape", "rtorch.core.aval", True),
        ("rtorch.ops.shape", "rtorch.ops.base", True),
        ("rtorch.core.array", "rtorch.numpy.operators", False),
        ("rtorch.core.array", "rtorch", False),
        ("rtorch.nn.linear", "rtorch", True),
        ("rtorch.nn.linear", "rtorch.numpy", True),
        ("rtorch.nn.linear", "rtorch.core.array", False),
        ("rtorch.nn.linear", "rtorch.optim", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, fine: bool) -> None:
    assert (complaint(importer, imported) is None) is fine


def test_all_forms_of_import_are_seen() -> None:
    source = """
import rtorch as rt, os
from rtorch import errors
from .. import errors
from .dtypes import float32
if TYPE_CHECKING:
    from rtorch.nn import Linear
def late():
    from rtorch.numpy.operators import install
"""
    found = [module for _, module in imports(ast.parse(source), PACKAGE / "core" / "array.py")]
    assert found == [
        "rtorch",
        "rtorch.errors",
        "rtorch.errors",
        "rtorch.core.dtypes",
        "rtorch.numpy.operators",
    ]


def test_test_files_have_different_names() -> None:
    """They are imported by name alone."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}
