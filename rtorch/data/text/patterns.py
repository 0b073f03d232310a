"""Regular expressions that cut text into pieces before tokens are made of them."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterator

__all__ = ["KNOWN", "WORDS"]

# Words, and each other character that is no space.
WORDS = r"\w+|[^\w\s]"

# What a file may ask for without being trusted: each takes time in proportion to the text.
KNOWN = ("gpt2", WORDS, r"\S+", r"\w+", r"\w+|\W")

# The C0 separators, which Python's \s takes for spaces and Unicode's White_Space does not.
_NO_SPACES = "\x1c-\x1f"


@functools.cache
def gpt2_pattern() -> re.Pattern[str]:
    r"""The pieces of GPT-2: words, numbers and signs with the space before them, and spaces.

    The original is written with the classes \p{L} (letters) and \p{N} (numbers), which the standard
    library has not: letters are \w without the underscore, digits and those numbers that are no
    digits, which are looked up in Python's own tables of Unicode (0.1 s, once).

    References:
        Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.2.
    """
    numbers = _numbers()
    letter = rf"[^\W\d_{numbers}]"
    number = rf"[\d{numbers}]"
    other = rf"(?:[^\s\w]|[_{_NO_SPACES}])"
    space = rf"[^\S{_NO_SPACES}]"
    return re.compile(
        rf"'(?:s|t|re|ve|m|ll|d)| ?{letter}+| ?{number}+| ?{other}+"
        rf"|{space}+(?![\S{_NO_SPACES}])|{space}+"
    )


@functools.cache
def _numbers() -> str:
    """All numbers that are no decimal digits, as ranges of a character class."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    found = [
        ord(c) for c in re.findall(r"[^\W\d_]", everything) if unicodedata.category(c)[0] == "N"
    ]
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in _ranges(found))


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = numbers[0]
    for n in numbers[1:]:
        if n != last + 1:
            yield first, last
            first = n
        last = n
    yield first, last
