"""HTML and SVG elements whose texts and attributes are always escaped."""

from __future__ import annotations

import html
import json
from typing import Any

_VOID = frozenset(("meta", "img", "input"))


class Markup(str):
    """Text that is markup already; any other text is escaped."""


def element(tag: str, *children: Any, **attributes: Any) -> Markup:
    """One element; ``class_`` gives ``class``, ``data_x`` gives ``data-x``."""
    found = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(c if isinstance(c, Markup) else html.escape(_text(c)) for c in children)
    return Markup(f"<{tag}{found}>" + ("" if tag in _VOID else f"{inner}</{tag}>"))


def _text(value: Any) -> str:
    """Unicode without lone surrogates and control characters, which no HTML file may hold."""
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in text)


def data(value: Any) -> Markup:
    """JSON inside a script element: no text in it can end that element."""
    text = json.dumps(value, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def table(head: list[Any], rows: list[list[Any]], class_: str = "") -> Markup:
    """A table with a head, in a box that scrolls sideways where it is too wide."""
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", c) for c in row[1:]))
        for row in rows
    ]
    parts = [element("thead", top)] if head else []
    whole = element("table", *parts, element("tbody", *body), class_=class_ or None)
    return element("div", whole, class_="scroll")
