"""BPETokenizer: frequent sequences of bytes as tokens."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rtorch.data.text.byte_level import ORDER, shown, to_bytes, to_text
from rtorch.data.text.patterns import gpt2_pattern
from rtorch.data.text.pieces import Pair, find_merges, merge_piece
from rtorch.data.text.tokenizer import Tokenizer, numbers, roles
from rtorch.data.text.vocabulary import Vocabulary
from rtorch.errors import ArgumentError, api, describe

__all__ = ["BPETokenizer"]

_BYTES = [bytes((b,)) for b in ORDER]
_NUMBER = {b: i for i, b in enumerate(ORDER)}
_MOST_REMEMBERED = 2**16  # pieces whose tokens are kept
_LONGEST_REMEMBERED = 64  # bytes
_MOST_BYTES = 1 << 26  # of all tokens


class BPETokenizer(Tokenizer):
    """Byte-level byte-pair encoding: any text, in fewer tokens than it has bytes.

    The text is cut into pieces by `pattern`; the bytes of each piece in UTF-8 are joined pair by
    pair, in the order of `merges`. Decoding gives back the very text. The vocabulary shows bytes as
    GPT-2 does, a space as ``Ġ``.

    Args:
        merges: Pairs of numbers of tokens; the first 256 tokens are the bytes in the order of
            GPT-2, the next ones the merged pairs.
        pattern: A regular expression of the standard library; what it does not match is a piece
            too. ``"gpt2"`` for that of GPT-2: words, numbers and signs with the space before them.
        unk: A special token, for code that asks for it; special tokens have the last numbers.
        pad: A special token.
        bos: Likewise.
        eos: Likewise.
        specials: More of them.

    Example:
        >>> from rtorch.data import text
        >>> t = text.BPETokenizer.train(["low lower lowest"] * 5, vocab_size=260, eos="<eos>")
        >>> t.encode("lower", eos=True), t.decode([257, 68])
        ([257, 68, 81, 259], 'lowe')
    """

    kind = "bpe"

    def __init__(
        self, merges: Iterable[Pair], *, pattern: str = "gpt2", unk: str | None = None,
        pad: str | None = None, bos: str | None = None, eos: str | None = None,
        specials: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.merges = tuple((int(a), int(b)) for a, b in merges)
        self.pattern = pattern
        self._regex = _regex(pattern)
        self._symbols = list(_BYTES)
        self._ranks: dict[Pair, tuple[int, int]] = {}
        known = {symbol: i for i, symbol in enumerate(_BYTES)}
        total = 0
        for rank, (a, b) in enumerate(self.merges):
            if not 0 <= min(a, b) <= max(a, b) < len(self._symbols) or (a, b) in self._ranks:
                raise ArgumentError(
                    f"[BPETokenizer] merges: pair {rank}, {(a, b)}, is there before, or is not of "
                    f"the {len(self._symbols)} tokens known by then"
                )
            total += len(self._symbols[a]) + len(self._symbols[b])
            if total > _MOST_BYTES:  # they may double with each merge
                raise ArgumentError(f"[BPETokenizer] merges: the tokens up to pair {rank} are "
                                    f"longer than {_MOST_BYTES} bytes together")  # fmt: skip
            joined = self._symbols[a] + self._symbols[b]
            new = known.setdefault(joined, len(self._symbols))
            if new == len(self._symbols):
                self._symbols.append(joined)
            self._ranks[a, b] = (rank, new)
        self._known: dict[bytes, list[int]] = {}
        extra, keywords = roles(unk, pad, bos, eos, specials)
        self.vocabulary = Vocabulary([*map(shown, self._symbols), *extra], **keywords)

    @classmethod
    @api
    def train(
        cls, texts: Iterable[str], vocab_size: int, *, min_count: int = 2, pattern: str = "gpt2",
        unk: str | None = None, pad: str | None = None, bos: str | None = None,
        eos: str | None = None, specials: Sequence[str] = (),
    ) -> BPETokenizer:  # fmt: skip
        """Merge the most frequent pairs of `texts` until there are `vocab_size` tokens.

        The result depends on the texts alone: of equally frequent pairs the one with the smaller
        numbers comes first, which is the order of the package ``tokenizers`` too.

        Args:
            texts: Strings.
            vocab_size: With the 256 bytes and the special tokens; fewer tokens if no pair is
                frequent enough.
            min_count: How often a pair has to occur.
            pattern: As of the class.
            unk: Likewise.
            pad: Likewise.
            bos: Likewise.
            eos: Likewise.
            specials: Likewise.
        """
        extra, _ = roles(unk, pad, bos, eos, specials)
        if not isinstance(vocab_size, int) or vocab_size < len(_BYTES) + len(extra):
            raise ArgumentError(
                f"[train] vocab_size: expected {len(_BYTES) + len(extra)} at least (256 bytes, "
                f"{len(extra)} special tokens), got {describe(vocab_size)}"
            )
        if isinstance(texts, str):
            raise ArgumentError("[train] texts: expected a list of strings, got one string")
        pieces: Counter[str] = Counter()
        for text in texts:
            pieces.update(_pieces(_regex(pattern), text))
        words = {to_bytes(piece): n for piece, n in sorted(pieces.items())}
        merges = find_merges(words, list(_BYTES), vocab_size - len(extra), min_count)
        return cls(merges, pattern=pattern, unk=unk, pad=pad, bos=bos, eos=eos, specials=specials)

    @api
    def encode_bytes(self, data: bytes) -> list[int]:
        r"""The numbers of any bytes, also of such that are no text.

        Example:
            >>> from rtorch.data import text
            >>> t = text.BPETokenizer([])
            >>> t.decode_bytes(t.encode_bytes(bytes([255, 0])))
            b'\xff\x00'
        """
        pieces = _pieces(self._regex, data.decode("utf-8", "surrogateescape"))
        return self._merged(piece.encode("utf-8", "surrogateescape") for piece in pieces)

    @api
    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of the numbers; special tokens have none."""
        n = len(self._symbols)
        found = numbers("decode_bytes", self.vocabulary, ids)
        return b"".join([self._symbols[i] for i in found if i < n])

    def _encode(self, text: str) -> list[int]:
        return self._merged(map(to_bytes, _pieces(self._regex, text)))

    def _merged(self, pieces: Iterable[bytes]) -> list[int]:
        known = self._known
        ids: list[int] = []
        for piece in pieces:
            found = known.get(piece)
            if found is None:
                found = merge_piece([_NUMBER[b] for b in piece], self._ranks)
                if len(known) >= _MOST_REMEMBERED:
                    known.clear()
                if len(piece) <= _LONGEST_REMEMBERED:
                    known[piece] = found
            ids += found
        return ids

    def _decode(self, ids: list[int]) -> str:
        return to_text(b"".join([self._symbols[i] for i in ids]))

    def _to_json(self) -> dict[str, Any]:
        roles = {k: v for k, v in self.vocabulary.to_json().items() if k != "tokens"}
        roles["specials"] = self.vocabulary.tokens[len(self._symbols) :]  # in order
        return {"pattern": self.pattern, "merges": [list(p) for p in self.merges], **roles}

    @classmethod
    def _from_json(cls, value: Any) -> BPETokenizer:
        roles = {role: value[role] for role in ("unk", "pad", "bos", "eos")}
        return cls(value["merges"], pattern=value["pattern"], specials=value["specials"], **roles)

    def __reduce__(self) -> Any:
        return type(self)._from_json, (self._to_json(),)


@functools.lru_cache(16)
def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return gpt2_pattern() if pattern == "gpt2" else re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ArgumentError(
            f"[BPETokenizer] pattern: {describe(pattern)} is no regular expression: {error}"
        ) from None


def _pieces(regex: re.Pattern[str], text: str) -> Iterable[str]:
    if regex is gpt2_pattern():
        return regex.findall(text)  # which leaves nothing out
    return _with_gaps(regex, text)


def _with_gaps(regex: re.Pattern[str], text: str) -> Iterator[str]:
    ends = [0, *itertools.chain.from_iterable(m.span() for m in regex.finditer(text)), len(text)]
    for start, end in itertools.pairwise(ends):
        if start < end:
            yield text[start:end]
