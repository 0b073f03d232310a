"""Tokenizers with a given vocabulary: characters, and words by a regular expression."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rtorch.data.text.patterns import WORDS
from rtorch.data.text.tokenizer import Tokenizer, roles
from rtorch.data.text.vocabulary import Vocabulary
from rtorch.errors import ArgumentError, api, describe

__all__ = ["CharTokenizer", "WordTokenizer"]


class CharTokenizer(Tokenizer):
    """Each character is a token.

    Args:
        vocabulary: Of single characters and special tokens. What is not in it becomes its ``unk``,
            or raises if it has none.

    Example:
        >>> from rtorch.data import text
        >>> t = text.CharTokenizer.train(["hello"])
        >>> t.vocabulary.tokens, t.encode("hole"), t.decode([1, 3, 2, 0])
        (('e', 'h', 'l', 'o'), [1, 3, 2, 0], 'hole')
    """

    kind = "characters"

    def __init__(self, vocabulary: Vocabulary) -> None:
        for token in vocabulary:
            if len(token) != 1 and token not in vocabulary.specials:
                raise ArgumentError(f"[CharTokenizer] vocabulary: {token!r} is not one character")
        self.vocabulary = vocabulary

    @classmethod
    @api
    def train(
        cls, texts: Iterable[str], *, unk: str | None = None, pad: str | None = None,
        bos: str | None = None, eos: str | None = None, specials: Sequence[str] = (),
    ) -> CharTokenizer:  # fmt: skip
        """All characters of `texts` in order, after the special tokens.

        Args:
            texts: Strings.
            unk: A special token, as of `Vocabulary`; likewise the others.
            pad: Likewise.
            bos: Likewise.
            eos: Likewise.
            specials: Likewise.
        """
        first, keywords = roles(unk, pad, bos, eos, specials)
        characters = sorted(set().union(*_strings("train", texts)) - set(first))
        return cls(Vocabulary([*first, *characters], **keywords))

    def _encode(self, text: str) -> list[int]:
        return [_number(self.vocabulary, character) for character in text]

    def _decode(self, ids: list[int]) -> str:
        return "".join([self.vocabulary.tokens[i] for i in ids])

    def _to_json(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.to_json()}

    @classmethod
    def _from_json(cls, value: Any) -> CharTokenizer:
        return cls(Vocabulary.from_json(value["vocabulary"]))


class WordTokenizer(Tokenizer):
    r"""Each match of a regular expression is a token.

    Args:
        vocabulary: The words and the special tokens. What is not in it becomes its ``unk``, or
            raises if it has none.
        pattern: Of a token: by default words and single other characters that are no spaces;
            ``r"\S+"`` for what stands between spaces.
        joiner: What decoding puts between two tokens. With a pattern that matches everything, such
            as ``r"\w+|\W"``, and no joiner, decoding gives back the very text.
        lowercase: Whether text is turned to lower case first.

    Example:
        >>> from rtorch.data import text
        >>> t = text.WordTokenizer.train(["the cat, the dog"], lowercase=True)
        >>> t.encode("The bird, the cat"), t.decode(t.encode("The cat"))
        ([2, 1, 3, 2, 4], 'the cat')
    """

    kind = "words"

    def __init__(
        self, vocabulary: Vocabulary, pattern: str = WORDS, joiner: str = " ",
        lowercase: bool = False,
    ) -> None:  # fmt: skip
        if not isinstance(joiner, str):
            raise ArgumentError(f"[WordTokenizer] joiner: expected a string, got {joiner!r}")
        self.vocabulary, self.pattern = vocabulary, pattern
        self.joiner, self.lowercase = joiner, bool(lowercase)
        self._regex = _compiled(pattern)

    @classmethod
    @api
    def train(
        cls, texts: Iterable[str], *, max_size: int | None = None, min_count: int = 1,
        pattern: str = WORDS, joiner: str = " ", lowercase: bool = False,
        unk: str | None = "<unk>", pad: str | None = "<pad>", bos: str | None = None,
        eos: str | None = None,
    ) -> WordTokenizer:  # fmt: skip
        """The most frequent words of `texts`, as `Vocabulary.from_counts` takes them.

        Args:
            texts: Strings.
            max_size: As of `Vocabulary.from_counts`; likewise the others.
            min_count: Likewise.
            pattern: As of the class.
            joiner: Likewise.
            lowercase: Likewise.
            unk: As of `Vocabulary.from_counts`.
            pad: Likewise.
            bos: Likewise.
            eos: Likewise.
        """
        regex = _compiled(pattern)
        counts: Counter[str] = Counter()
        for text in _strings("train", texts):
            counts.update(m.group() for m in regex.finditer(text.lower() if lowercase else text))
        counts.pop("", None)
        vocabulary = Vocabulary.from_counts(counts, max_size, min_count, unk, pad, bos, eos)
        return cls(vocabulary, pattern, joiner, lowercase)

    def _encode(self, text: str) -> list[int]:
        matches = self._regex.finditer(text.lower() if self.lowercase else text)
        return [_number(self.vocabulary, m.group()) for m in matches if m.group()]

    def _decode(self, ids: list[int]) -> str:
        return self.joiner.join([self.vocabulary.tokens[i] for i in ids])

    def _to_json(self) -> dict[str, Any]:
        options = {"pattern": self.pattern, "joiner": self.joiner, "lowercase": self.lowercase}
        return {**options, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def _from_json(cls, value: Any) -> WordTokenizer:
        vocabulary = Vocabulary.from_json(value["vocabulary"])
        return cls(vocabulary, value["pattern"], value["joiner"], value["lowercase"])


def _number(vocabulary: Vocabulary, token: str) -> int:
    """A word of a text that looks like a special token is none: it is unknown."""
    if token in vocabulary.specials and vocabulary.unk_id is not None:
        return vocabulary.unk_id
    return vocabulary[token]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ArgumentError(
            f"[WordTokenizer] pattern: {describe(pattern)} is no regular expression: {error}"
        ) from None


def _strings(name: str, texts: Iterable[str]) -> Iterable[str]:
    if isinstance(texts, str):
        raise ArgumentError(f"[{name}] texts: expected a list of strings, got one string")
    for text in texts:
        if not isinstance(text, str):
            raise ArgumentError(f"[{name}] texts: expected strings, got {describe(text)}")
        yield text
