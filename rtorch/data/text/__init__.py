"""Text: tokenizers of bytes, characters, words and byte pairs; vocabularies; arrays of tokens.

Example:
    >>> from rtorch.data import text
    >>> t = text.BPETokenizer.train(["to be or not to be"], vocab_size=258, pad="<pad>")
    >>> batch = text.encode_batch(t, ["to be", "or not"])
    >>> batch.ids.shape, t.decode(batch.ids[0])
    ((2, 6), 'to be')
"""

from __future__ import annotations

from rtorch.data.text.batches import TokenBatch, encode_batch, encode_stream, pad_tokens
from rtorch.data.text.bpe import BPETokenizer
from rtorch.data.text.byte_level import ByteTokenizer
from rtorch.data.text.pretrained import PretrainedTokenizer
from rtorch.data.text.tokenizer import Tokenizer, load_tokenizer
from rtorch.data.text.vocabulary import Vocabulary
from rtorch.data.text.windows import TokenWindows, windows
from rtorch.data.text.words import CharTokenizer, WordTokenizer

__all__ = [
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "PretrainedTokenizer",
    "TokenBatch",
    "TokenWindows",
    "Tokenizer",
    "Vocabulary",
    "WordTokenizer",
    "encode_batch",
    "encode_stream",
    "load_tokenizer",
    "pad_tokens",
    "windows",
]
