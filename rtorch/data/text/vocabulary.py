"""Vocabulary: tokens and their numbers."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rtorch.data.text.json_file import read_json, write_json
from rtorch.errors import ArgumentError, FileFormatError, OutOfBoundsError, api, describe

__all__ = ["Vocabulary"]

ROLES = ("unk", "pad", "bos", "eos")
_FORMAT = "rtorch.vocabulary"


class Vocabulary:
    """Tokens by number and numbers by token; nothing in it changes.

    Args:
        tokens: Different strings; the number of each is its place.
        unk: The token that stands for all that are not there.
        pad: The token that fills up what is too short.
        bos: The token at the beginning of a text.
        eos: The token at its end.
        specials: More tokens that stand for no text. All special tokens are among `tokens`.

    Attributes:
        unk_id: The number of ``unk``, None if there is none; likewise ``pad_id``, ``bos_id`` and
            ``eos_id``.
        specials: The special tokens, as a frozenset.

    Raises:
        ArgumentError: if a token is there twice, or a special one is missing.

    Example:
        >>> from rtorch.data import text
        >>> v = text.Vocabulary(["<unk>", "a", "b"], unk="<unk>")
        >>> v["b"], v["z"], v.token(1), len(v), "z" in v
        (2, 0, 'a', 3, False)
    """

    __slots__ = ("_ids", "bos_id", "eos_id", "pad_id", "specials", "tokens", "unk_id")

    unk_id: int | None
    pad_id: int | None
    bos_id: int | None
    eos_id: int | None

    def __init__(
        self, tokens: Iterable[str], *, unk: str | None = None, pad: str | None = None,
        bos: str | None = None, eos: str | None = None, specials: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.tokens = tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        if not all(isinstance(token, str) for token in self.tokens):
            wrong = next(token for token in self.tokens if not isinstance(token, str))
            raise ArgumentError(f"[Vocabulary] tokens: expected strings, got {describe(wrong)}")
        if len(self._ids) < len(self.tokens):
            twice = next(t for i, t in enumerate(self.tokens) if self._ids[t] != i)
            raise ArgumentError(f"[Vocabulary] tokens: {twice!r} is there twice")
        for role, token in zip(ROLES, (unk, pad, bos, eos)):
            setattr(self, f"{role}_id", None if token is None else self._special(role, token))
        extra = tuple(specials)
        for token in extra:
            self._special("specials", token)
        self.specials = frozenset(t for t in (unk, pad, bos, eos, *extra) if t is not None)

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], max_size: int | None = None, min_count: int = 1,
        unk: str | None = "<unk>", pad: str | None = "<pad>", bos: str | None = None,
        eos: str | None = None,
    ) -> Vocabulary:  # fmt: skip
        """The most frequent tokens, after the special ones (pad, unk, bos, eos).

        Args:
            counts: How often each token occurs. Of equally frequent ones the smaller string comes
                first.
            max_size: The largest size, with the special tokens.
            min_count: What occurs less often is left out.
            unk: As of the class; None for no such token.
            pad: Likewise.
            bos: Likewise.
            eos: Likewise.

        Example:
            >>> from rtorch.data import text
            >>> text.Vocabulary.from_counts({"b": 2, "a": 2, "c": 5}, max_size=4).tokens
            ('<pad>', '<unk>', 'c', 'a')
        """
        special = [token for token in (pad, unk, bos, eos) if token is not None]
        usual = [t for t, n in counts.items() if n >= min_count and t not in special]
        usual.sort(key=lambda token: (-counts[token], token))
        tokens = (special + usual)[:max_size]
        return cls(tokens, unk=unk, pad=pad, bos=bos, eos=eos)

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __getitem__(self, token: str) -> int:
        number = self._ids.get(token, self.unk_id)
        if number is None:
            raise ArgumentError(
                f"[Vocabulary] {token!r} is not one of the {len(self)} tokens, and there is no "
                "unk token for such"
            )
        return number

    @api
    def token(self, number: int) -> str:
        """The token with this number.

        Raises:
            OutOfBoundsError: if there is none.
        """
        if not 0 <= operator.index(number) < len(self.tokens):
            raise OutOfBoundsError(f"[token] there is no token {number} of {len(self)}")
        return self.tokens[number]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.tokens)

    def __repr__(self) -> str:
        roles = [f"{role}={self._role(role)!r}" for role in ROLES if self._role(role) is not None]
        return f"Vocabulary({', '.join([f'{len(self)} tokens', *roles])})"

    def to_json(self) -> dict[str, Any]:
        """What a JSON file holds of it."""
        roles = {role: self._role(role) for role in ROLES}
        return {"tokens": list(self.tokens), **roles, "specials": sorted(self.specials)}

    @classmethod
    def from_json(cls, value: Any) -> Vocabulary:
        """The vocabulary of which `to_json` gave `value`.

        Raises:
            FileFormatError: if it is nothing of the kind.
        """
        try:
            roles = {role: value[role] for role in ROLES}
            return cls(value["tokens"], **roles, specials=value["specials"])
        except (ArgumentError, KeyError, TypeError, AttributeError) as error:
            raise FileFormatError(f"[Vocabulary] this is no vocabulary: {error!r}") from None

    @api
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a JSON file, which `load` reads."""
        write_json("save", path, _FORMAT, self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read a file of `save`.

        Raises:
            FileFormatError: if it is no such file.
        """
        return cls.from_json(read_json("Vocabulary.load", path, _FORMAT))

    def _special(self, role: str, token: str) -> int:
        if token not in self._ids:
            raise ArgumentError(f"[Vocabulary] {role}: {token!r} is not one of the tokens")
        return self._ids[token]

    def _role(self, role: str) -> str | None:
        number = getattr(self, f"{role}_id")
        return None if number is None else self.tokens[number]

    def __reduce__(self) -> Any:
        return _rebuilt, (json.dumps(self.to_json()),)


def _rebuilt(text: str) -> Vocabulary:
    return Vocabulary.from_json(json.loads(text))
