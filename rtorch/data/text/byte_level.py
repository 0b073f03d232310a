"""Bytes: how they are shown in vocabularies, and ByteTokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rtorch.data.text.tokenizer import Tokenizer, numbers, roles
from rtorch.data.text.vocabulary import Vocabulary
from rtorch.errors import api

__all__ = ["ByteTokenizer"]

# Bytes that Latin-1 shows as a sign; the others are shown as the characters from 256 on. This is
# the alphabet of GPT-2 in its order, so that its files mean the same here.
VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
ORDER = VISIBLE + [b for b in range(256) if b not in VISIBLE]
SHOWN = {b: chr(b) if i < len(VISIBLE) else chr(256 + i - len(VISIBLE))
         for i, b in enumerate(ORDER)}  # fmt: skip
_BYTES = {character: b for b, character in SHOWN.items()}


def shown(data: bytes) -> str:
    """`data` with one visible character for each byte."""
    return "".join([SHOWN[b] for b in data])


def hidden(token: str) -> bytes:
    """The bytes of which `shown` gave `token`."""
    return bytes([_BYTES[character] for character in token])


def to_bytes(text: str) -> bytes:
    """UTF-8, which half of a surrogate pair has here too: any string comes back."""
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """The text of `to_bytes`; bytes that are no text become U+FFFD."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


class ByteTokenizer(Tokenizer):
    """Each byte of the text in UTF-8 is a token, whose number is the byte.

    Args:
        unk: Not needed, since nothing is unknown; for code that asks for it.
        pad: A special token; special tokens have the numbers from 256 on.
        bos: Likewise.
        eos: Likewise.
        specials: More of them.

    Example:
        >>> from rtorch.data import text
        >>> t = text.ByteTokenizer(eos="<eos>")
        >>> t.encode("é!", eos=True), t.decode([195, 169, 33, 256])
        ([195, 169, 33, 256], 'é!')
    """

    kind = "bytes"

    def __init__(
        self, *, unk: str | None = None, pad: str | None = None, bos: str | None = None,
        eos: str | None = None, specials: Sequence[str] = (),
    ) -> None:  # fmt: skip
        extra, keywords = roles(unk, pad, bos, eos, specials)
        self.vocabulary = Vocabulary([*(SHOWN[b] for b in range(256)), *extra], **keywords)

    @api
    def encode_bytes(self, data: bytes) -> list[int]:
        """The numbers of any bytes, also of such that are no text."""
        return list(bytes(data))

    @api
    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of the numbers; special tokens have none."""
        return bytes([i for i in numbers("decode_bytes", self.vocabulary, ids) if i < 256])

    def _encode(self, text: str) -> list[int]:
        return list(to_bytes(text))

    def _decode(self, ids: list[int]) -> str:
        return to_text(bytes(ids))

    def _to_json(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.to_json()}

    @classmethod
    def _from_json(cls, value: Any) -> ByteTokenizer:
        out = cls()
        out.vocabulary = Vocabulary.from_json(value["vocabulary"])
        if out.vocabulary.tokens[:256] != cls().vocabulary.tokens:
            raise ValueError("the first 256 tokens are not the bytes")
        return out
