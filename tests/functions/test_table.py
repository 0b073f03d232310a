"""Every public function of the array namespace has an entry in the table."""

import re
from pathlib import Path

from function_specs import specs
from functions_without_specs import EXEMPT, table_names


def test_every_function_has_an_entry() -> None:
    missing = table_names() - {f.name for f in specs()} - set(EXEMPT)
    assert not missing, f"add to tests/function_specs: {sorted(missing)}"


def test_exemptions_are_needed() -> None:
    known = {f.name for f in specs()}
    assert not known & set(EXEMPT)
    assert set(EXEMPT) <= table_names(), set(EXEMPT) - table_names()


def test_the_written_table_has_all_functions() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "functions.md"
    written = set(re.findall(r"^\| `([^`]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert written == table_names() - set(EXEMPT), "run: make coverage"
