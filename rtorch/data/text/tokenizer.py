"""What all tokenizers have in common."""

from __future__ import annotations

import functools
import operator
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from rtorch.data.text.json_file import read_json, write_json
from rtorch.data.text.patterns import KNOWN, WORDS
from rtorch.data.text.vocabulary import ROLES, Vocabulary
from rtorch.errors import ArgumentError, FileFormatError, OutOfBoundsError, api, describe

FORMAT = "rtorch.tokenizer"


class Tokenizer(ABC):
    """Text to numbers and back.

    Attributes:
        vocabulary: The tokens; its special ones stand for no text.

    Example:
        >>> from rtorch.data import text
        >>> issubclass(text.BPETokenizer, text.Tokenizer)
        True
    """

    kind: str  # in files
    vocabulary: Vocabulary

    @abstractmethod
    def _encode(self, text: str) -> list[int]:
        """The numbers of a text without special tokens."""

    @abstractmethod
    def _decode(self, ids: list[int]) -> str:
        """The text of numbers of tokens that are not special."""

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self.vocabulary)

    @api
    def encode(
        self, text: str, *, bos: bool = False, eos: bool = False, specials: bool = False
    ) -> list[int]:
        """The numbers of the tokens of `text`.

        Args:
            text: A string.
            bos: Whether the token for the beginning comes first.
            eos: Whether the token for the end comes last.
            specials: Whether special tokens that are written out in the text count as such; text
                that others have written should not be able to do so.

        Raises:
            ArgumentError: if the vocabulary lacks that special token, or a token and ``unk``.
        """
        if not isinstance(text, str):
            raise ArgumentError(f"[encode] text: expected a string, got {describe(text)}")
        ids = self._with_specials(text) if specials else self._encode(text)
        first = [self._role("bos")] if bos else []
        last = [self._role("eos")] if eos else []
        return first + ids + last if first or last else ids

    @api
    def decode(self, ids: Iterable[int], *, skip_specials: bool = True) -> str:
        """The text of the numbers.

        Args:
            ids: Numbers, also an array of them.
            skip_specials: Whether special tokens are left out instead of written out.

        Raises:
            OutOfBoundsError: if there is no such token.
        """
        parts: list[str] = []
        run: list[int] = []
        for number in numbers("decode", self.vocabulary, ids):
            token = self.vocabulary.tokens[number]
            if token not in self.vocabulary.specials:
                run.append(number)
            elif not skip_specials:
                parts += [self._decode(run), token]
                run = []
        return "".join([*parts, self._decode(run)])

    @api
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a JSON file, which `load_tokenizer` reads."""
        write_json("save", path, FORMAT, {"kind": self.kind, **self._to_json()})

    @abstractmethod
    def _to_json(self) -> dict[str, Any]:
        """All that `_from_json` needs."""

    @classmethod
    @abstractmethod
    def _from_json(cls, value: Any) -> Tokenizer:
        """The tokenizer of which `_to_json` gave `value`; may raise KeyError and the like."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vocabulary!r})"

    def _with_specials(self, text: str) -> list[int]:
        if not self.vocabulary.specials:
            return self._encode(text)
        ids: list[int] = []
        for i, part in enumerate(_specials_in(self.vocabulary.specials).split(text)):
            ids += [self.vocabulary[part]] if i % 2 else self._encode(part)
        return ids

    def _role(self, role: str) -> int:
        number: int | None = getattr(self.vocabulary, f"{role}_id")
        if number is None:
            raise ArgumentError(f"[encode] {role}: the vocabulary has no {role} token")
        return number


def numbers(name: str, vocabulary: Vocabulary, ids: Any) -> list[int]:
    """`ids` as a list of numbers of tokens."""
    try:
        found: list[int] = (
            ids.tolist() if hasattr(ids, "tolist") else list(map(operator.index, ids))
        )
        low, high = min(found, default=0), max(found, default=-1)
        fits = isinstance(low, int) and isinstance(high, int)
    except TypeError:
        fits = False
    if not fits:
        raise ArgumentError(f"[{name}] ids: expected a row of integers, got {describe(ids)}")
    if low < 0 or high >= len(vocabulary):
        raise OutOfBoundsError(
            f"[{name}] ids: there is no token {low if low < 0 else high} of {len(vocabulary)}"
        )
    return found


@functools.lru_cache(64)
def _specials_in(specials: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(specials, key=lambda token: (-len(token), token))
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})")


def roles(
    unk: str | None, pad: str | None, bos: str | None, eos: str | None, specials: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """The special tokens in order, each once, and the keywords that tell a Vocabulary of them."""
    given = dict(zip(ROLES, (unk, pad, bos, eos)))
    named = [token for token in (pad, unk, bos, eos) if token is not None]
    return list(dict.fromkeys([*named, *specials])), {**given, "specials": specials}


@api
def load_tokenizer(path: str | os.PathLike[str], *, trusted: bool = False) -> Tokenizer:
    """The tokenizer that was saved to `path` by its method ``save``.

    Args:
        path: The JSON file.
        trusted: Whether a regular expression that the file brings is run. One that is made for it
            can keep `encode` busy for ever; the common ones are known here, and always run.

    Raises:
        FileFormatError: if it is no such file, or brings another regular expression and is not
            trusted.

    Example:
        >>> import os, tempfile
        >>> from rtorch.data import text
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "tokenizer.json")
        ...     text.ByteTokenizer(eos="<eos>").save(file)
        ...     text.load_tokenizer(file).encode("hi", eos=True)
        [104, 105, 256]
    """
    value = read_json("load_tokenizer", path, FORMAT)
    kinds = {kind.kind: kind for kind in Tokenizer.__subclasses__()}
    if str(value.get("kind")) not in kinds:
        raise FileFormatError(
            f"[load_tokenizer] {os.fspath(path)!r}: expected a kind of {sorted(kinds)}, "
            f"got {value.get('kind')!r}"
        )
    pattern = value.get("pattern", WORDS)
    if not trusted and pattern not in KNOWN:
        raise FileFormatError(
            f"[load_tokenizer] {os.fspath(path)!r} brings the regular expression "
            f"{str(pattern)[:60]!r}, which is not one of those known here and might run for ever; "
            "if you know where the file is from: load_tokenizer(path, trusted=True)"
        )
    try:
        return kinds[value["kind"]]._from_json(value)
    except (FileFormatError, ArgumentError, KeyError, TypeError, ValueError, IndexError,
            AttributeError, re.error) as error:  # fmt: skip
        raise FileFormatError(
            f"[load_tokenizer] {os.fspath(path)!r} is damaged: {error!r}"
        ) from None
