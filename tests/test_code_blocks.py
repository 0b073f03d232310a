"""The Python blocks of README and docs run and print what they say.

The blocks of one file share their names, top to bottom. Blocks with `>>>` are doctests; the
others are run. `<!-- not run: reason -->` on the line above a block leaves it out.
"""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
BLOCK = re.compile(
    r"^(?P<skip><!-- not run: .+ -->\n)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    line: int  # of the first line of code, from 1
    code: str


def blocks(text: str) -> Iterator[Block]:
    for match in BLOCK.finditer(text):
        if not match["skip"]:
            yield Block(text.count("\n", 0, match.start("code")) + 1, match["code"])


def run(block: Block, file: Path, names: dict[str, object]) -> str:
    """Run one block with `names`, which it may change; what went wrong, or nothing."""
    if ">>>" not in block.code:
        exec(compile("\n" * (block.line - 1) + block.code, str(file), "exec"), names)
        return ""
    test = doctest.DocTestParser().get_doctest(
        block.code, names, file.name, str(file), block.line - 1
    )
    test.globs = names  # the parser copied them: later blocks need what this one defines
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(
        test, out=report.append, clear_globs=False
    )
    return "".join(report)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_code_blocks(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    text = file.read_text(encoding="utf-8")
    if report := "".join(run(block, file, names) for block in blocks(text)):
        pytest.fail(report, pytrace=False)


def test_blocks_share_names_and_wrong_output_is_reported() -> None:
    text = "```python\nx = 1\n```\n\n```python\n>>> x + 1\n2\n>>> y = x\n```\n"
    text += "<!-- not run: needs a device -->\n```python\n1 / 0\n```\n```python\n>>> y\n3\n```\n"
    names: dict[str, object] = {}
    reports = [run(block, Path("page.md"), names) for block in blocks(text)]
    assert [block.line for block in blocks(text)] == [2, 6, 15]
    assert reports[:2] == ["", ""]
    assert "Expected:\n    3\nGot:\n    1" in reports[2]
    assert 'page.md", line 15' in reports[2]
