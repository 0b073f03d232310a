"""Tokenizers give back what they took, and BPE is that of the package tokenizers."""

import contextlib
import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rtorch.data import text
from rtorch.errors import ArgumentError, FileFormatError, OutOfBoundsError

ANY_TEXT = st.text(st.characters(), max_size=60)  # also halves of surrogate pairs
CORPUS = [
    "The quick brown fox doesn't jump over 12345 lazy dogs; the dogs' fur is 3.5 cm long.\n\n",
    "aaaaaaa aaaa aa   \t  spaces  \n tabs\t\t and aaa\u00a0no-break \u2003 spaces ",
    "naïve café Ünïcödé 日本語テキスト ½ Ⅷ ٣٤ 🙂🙂👍🏽 'll 's 'S",
] * 3


def bpe(**options: Any) -> text.BPETokenizer:
    return text.BPETokenizer.train(CORPUS, 330, **options)


BPE = bpe(bos="<bos>", eos="<eos>", pad="<pad>", specials=["<tool>"])
BYTES = text.ByteTokenizer(bos="<bos>", eos="<eos>", pad="<pad>", specials=["<tool>"])
CHARACTERS = text.CharTokenizer.train(CORPUS, unk="<unk>", bos="<bos>", eos="<eos>", pad="<pad>")
WORDS = text.WordTokenizer.train(CORPUS, bos="<bos>", eos="<eos>", max_size=40)
ALL = {"bpe": BPE, "bytes": BYTES, "characters": CHARACTERS, "words": WORDS}


@given(ANY_TEXT)
@settings(max_examples=300)
@pytest.mark.parametrize("tokenizer", [BPE, BYTES, text.BPETokenizer(BPE.merges, pattern=r"\w")])
def test_any_text_comes_back(tokenizer: Any, string: str) -> None:
    ids = tokenizer.encode(string)
    assert tokenizer.decode(ids) == string
    assert all(0 <= i < tokenizer.vocab_size for i in ids)


@given(st.binary(max_size=60))
@pytest.mark.parametrize("tokenizer", [BPE, BYTES])
def test_any_bytes_come_back(tokenizer: Any, data: bytes) -> None:
    ids = tokenizer.encode_bytes(data)
    assert tokenizer.decode_bytes(ids) == data
    assert isinstance(tokenizer.decode(ids), str)


@given(st.lists(st.integers(0, BPE.vocab_size - 1), max_size=20))
def test_any_numbers_can_be_decoded(ids: list[int]) -> None:
    assert isinstance(BPE.decode(ids), str)


@given(st.text(sorted(set("".join(CORPUS))), max_size=40))
def test_characters_and_words_with_spaces_come_back(string: str) -> None:
    assert CHARACTERS.decode(CHARACTERS.encode(string)) == string
    lossless = text.WordTokenizer.train([string], pattern=r"\w+|\W", joiner="")
    assert lossless.decode(lossless.encode(string)) == string


@given(st.text("ab \n", max_size=30), st.integers(0, 40))
def test_merging_with_a_heap_is_merging_rule_by_rule(string: str, count: int) -> None:
    """The definition: apply each merge everywhere, in order."""
    full = text.BPETokenizer.train([string * 3, "ab ab aab bba"], 256 + count, pattern="(?s).+")
    ids = text.BPETokenizer([]).encode(string)
    for rank, (a, b) in enumerate(full.merges):
        new, i, out = full._ranks[a, b][1], 0, []
        while i < len(ids):
            hit = ids[i : i + 2] == [a, b]
            out.append(new if hit else ids[i])
            i += 2 if hit else 1
        ids = out
        assert rank < count
    assert full.encode(string) == ids


def test_long_pieces_do_not_take_quadratic_time() -> None:
    assert len(BPE.encode("a" * 300_000)) < 300_000


def test_training_depends_on_the_texts_alone() -> None:
    once, again = bpe(), text.BPETokenizer.train(list(reversed(CORPUS)), 330)
    assert once.merges == again.merges
    assert text.BPETokenizer.train([], 300).vocab_size == 256
    assert bpe(min_count=10**6).merges == ()


@pytest.mark.parametrize("tokenizer", ALL.values(), ids=ALL)
def test_special_tokens(tokenizer: text.Tokenizer) -> None:
    v = tokenizer.vocabulary
    ids = tokenizer.encode("fox", bos=True, eos=True)
    assert (ids[0], ids[-1]) == (v.bos_id, v.eos_id)
    assert tokenizer.decode(ids) == "fox"
    assert tokenizer.decode(ids, skip_specials=False).startswith("<bos>")
    assert v.eos_id not in tokenizer.encode("fox<eos>dogs")
    parsed = tokenizer.encode("fox<eos>dogs", specials=True)
    assert parsed.count(v.eos_id) == 1
    assert parsed == [*tokenizer.encode("fox"), v.eos_id, *tokenizer.encode("dogs")]


def test_words_that_are_written_like_special_tokens_are_none() -> None:
    t = text.WordTokenizer.train(["a b"], pattern=r"\S+", eos="<eos>")
    assert t.encode("a <eos>") == [t.vocabulary["a"], t.vocabulary.unk_id]


@pytest.mark.parametrize("tokenizer", ALL.values(), ids=ALL)
def test_files_and_pickles(tokenizer: text.Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "t.json")
    for other in (text.load_tokenizer(tmp_path / "t.json"), pickle.loads(pickle.dumps(tokenizer))):
        assert type(other) is type(tokenizer)
        assert other.vocabulary == tokenizer.vocabulary
        assert other.vocabulary.tokens == tokenizer.vocabulary.tokens
        for string in CORPUS:
            assert other.encode(string, eos=True) == tokenizer.encode(string, eos=True)
    assert [file.name for file in tmp_path.iterdir()] == ["t.json"]


@pytest.mark.parametrize("tokenizer", ALL.values(), ids=ALL)
def test_damaged_files(tokenizer: text.Tokenizer, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    tokenizer.save(file)
    good = file.read_bytes()
    rng = random.Random(0)
    value = json.loads(good)
    broken = [good[: rng.randrange(len(good))] for _ in range(10)] + [b"", b"[]", b"\xff", b"{}"]
    broken += [json.dumps({k: v for k, v in value.items() if k != name}).encode() for name in value]
    for junk in (None, 3, [[1]], [[5, 10**6]], {"tokens": [1]}, "("):
        broken += [json.dumps({**value, name: junk}).encode() for name in value if name != "joiner"]
    for content in broken:
        file.write_bytes(content)
        with contextlib.suppress(FileFormatError):  # and nothing else
            text.load_tokenizer(file)


def test_the_pattern_of_gpt2_leaves_nothing_out() -> None:
    from rtorch.data.text.patterns import gpt2_pattern

    pieces = gpt2_pattern().findall("I'll see 42 cats,  they're\n\n here_now  ")
    assert pieces == [
        "I", "'ll", " see", " 42", " cats", ",", " ", " they", "'re", "\n\n", " here", "_", "now",
        "  ",
    ]  # fmt: skip


class TestAgainstThePackage:
    def package(self, size: int, specials: tuple[str, ...] = ()) -> Any:
        tokenizers = pytest.importorskip("tokenizers")
        byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        t = tokenizers.Tokenizer(tokenizers.models.BPE())
        t.pre_tokenizer, t.decoder = byte_level, tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=size, min_frequency=2, show_progress=False,
            initial_alphabet=byte_level.alphabet(), special_tokens=list(specials),
        )  # fmt: skip
        t.train_from_iterator(CORPUS, trainer)
        return t

    @pytest.mark.parametrize("size", [256, 300, 330, 2000])
    def test_trained_vocabularies_are_equal(self, size: int) -> None:
        expected = self.package(size).get_vocab()
        ours = text.BPETokenizer.train(CORPUS, size)
        assert {token: i for i, token in enumerate(ours.vocabulary)} == expected

    def test_encoded_texts_are_equal(self) -> None:
        package, ours = self.package(330), bpe()
        rng = random.Random(1)
        letters = sorted({*"".join(CORPUS), *"\x1c\x85\u3000ǅ\u0301〇㊿"})
        for _ in range(300):
            string = "".join(rng.choices(letters, k=30))
            assert ours.encode(string) == package.encode(string).ids, repr(string)

    def test_the_bridge(self, tmp_path: Path) -> None:
        package = self.package(330, ("<eos>",))
        file = tmp_path / "tokenizer.json"
        package.save(str(file))
        t = text.PretrainedTokenizer(file, eos="<eos>")
        assert t.vocab_size == 330
        assert t.vocabulary.specials == {"<eos>"}
        for string in CORPUS:
            assert t.decode(t.encode(string, eos=True)) == string
        assert t.vocabulary.eos_id not in t.encode("a<eos>")
        assert t.encode("a<eos>", specials=True)[-1] == t.vocabulary.eos_id
        t.save(tmp_path / "ours.json")
        for other in (text.load_tokenizer(tmp_path / "ours.json"), pickle.loads(pickle.dumps(t))):
            assert other.encode(CORPUS[0], eos=True) == t.encode(CORPUS[0], eos=True)
        file.write_text("{}")
        with pytest.raises(FileFormatError, match=r"is no tokenizer\.json"):
            text.PretrainedTokenizer(file)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: BPE.encode(3), ArgumentError, r"\[encode\] text: expected a string, got int 3"),
        (
            lambda: BPE.decode([10**6]),
            OutOfBoundsError,
            r"\[decode\] ids: there is no token 1000000",
        ),
        (lambda: text.BPETokenizer([]).encode("", eos=True), ArgumentError, "has no eos token"),
        (lambda: text.BPETokenizer([(0, 999)]), ArgumentError, "merges: pair 0"),
        (lambda: text.BPETokenizer.train("abc", 300), ArgumentError, "got one string"),
        (lambda: text.BPETokenizer.train(["abc"], 30), ArgumentError, "expected 256 at least"),
        (lambda: text.WordTokenizer.train(["a"], pattern="("), ArgumentError, "regular expression"),
        (lambda: text.CharTokenizer.train("abc"), ArgumentError, "got one string"),
        (lambda: text.CharTokenizer.train(["abc"]).encode("z"), ArgumentError, "'z' is not one of"),
        (lambda: text.CharTokenizer(text.Vocabulary(["ab"])), ArgumentError, "not one character"),
    ],
)
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("kind", [text.WordTokenizer, BPE])
def test_a_file_may_not_bring_any_regular_expression(kind: Any, tmp_path: Path) -> None:
    pattern = r"(\w+\s?)+$"
    if kind is BPE:
        tokenizer: Any = text.BPETokenizer(BPE.merges, pattern=pattern)
    else:
        tokenizer = text.WordTokenizer.train(CORPUS, pattern=pattern)
    tokenizer.save(tmp_path / "t.json")
    with pytest.raises(FileFormatError, match=r"brings the regular expression .* trusted=True"):
        text.load_tokenizer(tmp_path / "t.json")
    assert text.load_tokenizer(tmp_path / "t.json", trusted=True).pattern == pattern  # type: ignore[attr-defined]


def test_merges_that_double_are_refused() -> None:
    merges = [(0, 0), *((i, i) for i in range(256, 330))]
    with pytest.raises(ArgumentError, match="are longer than 67108864 bytes together"):
        text.BPETokenizer(merges)


def test_a_number_far_beyond_the_tokens_is_refused() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"a": 0, "b": 2**31}, unk_token="a")
    with pytest.raises(FileFormatError, match="2 tokens has one of the number 2147483648"):
        text.PretrainedTokenizer(tokenizers.Tokenizer(model))
