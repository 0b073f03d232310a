"""PretrainedTokenizer: those of the package ``tokenizers`` (the extra ``text``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtorch.data.text.tokenizer import Tokenizer
from rtorch.data.text.vocabulary import ROLES, Vocabulary
from rtorch.errors import FileFormatError, MissingDependencyError

__all__ = ["PretrainedTokenizer"]

_MOST_GAPS = 1 << 16  # numbers without a token


class PretrainedTokenizer(Tokenizer):
    """A ``tokenizer.json`` as it is published with models, run by the package ``tokenizers``.

    Such a file brings its own regular expressions, and one that is made for it can keep `encode`
    busy for ever: take files from people you trust.

    Args:
        source: The path of the file, or a ``tokenizers.Tokenizer``.
        unk: Which of its tokens plays this role; likewise the others.
        pad: Likewise.
        bos: Likewise.
        eos: Likewise.
        specials: More special tokens than the file says.

    Raises:
        FileFormatError: if it is no such file.
        MissingDependencyError: if the package is not installed.

    Example:
        >>> import tokenizers  # doctest: +SKIP
        >>> t = PretrainedTokenizer("tokenizer.json", eos="<|endoftext|>")  # doctest: +SKIP
        >>> t.encode("Hello", eos=True)  # doctest: +SKIP
        [15496, 50256]
    """

    kind = "tokenizers"

    def __init__(
        self, source: Any, *, unk: str | None = None, pad: str | None = None,
        bos: str | None = None, eos: str | None = None, specials: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._inner = _read(source) if isinstance(source, (str, os.PathLike)) else source
        # Special tokens in a text are found by `encode` itself, if they are to be found at all.
        self._inner.encode_special_tokens = True
        own = [t.content for t in self._inner.get_added_tokens_decoder().values() if t.special]
        self.vocabulary = Vocabulary(
            _tokens(self._inner), unk=unk, pad=pad, bos=bos, eos=eos, specials=[*own, *specials]
        )

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._inner.encode(text, add_special_tokens=False).ids
        return ids

    def _decode(self, ids: list[int]) -> str:
        text: str = self._inner.decode(ids, skip_special_tokens=False)
        return text

    def _to_json(self) -> dict[str, Any]:
        roles = {k: v for k, v in self.vocabulary.to_json().items() if k != "tokens"}
        return {"tokenizer": self._inner.to_str(), **roles}

    @classmethod
    def _from_json(cls, value: Any) -> PretrainedTokenizer:
        inner = _parsed(value["tokenizer"], "the tokenizer in it")
        roles = {role: value[role] for role in ROLES}
        return cls(inner, specials=value["specials"], **roles)

    def __reduce__(self) -> Any:
        return type(self)._from_json, (self._to_json(),)


def _read(path: str | os.PathLike[str]) -> Any:
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"[PretrainedTokenizer] {os.fspath(path)!r} is no text: {error}"
        ) from None
    return _parsed(text, repr(os.fspath(path)))


def _parsed(text: str, name: str) -> Any:
    try:
        from tokenizers import Tokenizer as Inner
    except ImportError:
        raise MissingDependencyError(
            "[PretrainedTokenizer] this takes the package tokenizers: pip install 'rtorch[text]'"
        ) from None
    try:
        return Inner.from_str(text)
    except BaseException as error:  # the package raises Exception itself, and worse when it panics
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FileFormatError(
            f"[PretrainedTokenizer] {name} is no tokenizer.json: {error}"
        ) from None


def _tokens(inner: Any) -> list[str]:
    """Tokens by number; numbers that are left out get names that no text has."""
    numbers = {number: token for token, number in inner.get_vocab(with_added_tokens=True).items()}
    size = max(numbers, default=-1) + 1
    if size > _MOST_GAPS + 2 * len(numbers):
        raise FileFormatError(
            f"[PretrainedTokenizer] a tokenizer with {len(numbers)} tokens has one of the number "
            f"{size - 1}"
        )
    return [numbers.get(i, f"<no token {i}>") for i in range(size)]
