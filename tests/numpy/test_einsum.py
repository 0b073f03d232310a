"""einsum: one dot_general per pair, paths, and opt_einsum's own functions on our arrays."""

import numpy as np
import opt_einsum
import pytest
from hypothesis import given, strategies as st

import rtorch as rt
from rtorch.errors import ArgumentError

RNG = np.random.default_rng(0)
CASES = {
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)],
    "bij,bjk,bkl->bil": [(5, 2, 3), (5, 3, 4), (5, 4, 2)],
    "abc,cd,de,ea->b": [(2, 3, 4), (4, 5), (5, 2), (2, 2)],
    "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
    "bqhd,bkhd->bhqk": [(2, 4, 3, 5), (2, 6, 3, 5)],
    "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 2)],
    "i,i->": [(3,), (3,)],
    "bi,bi->b": [(2, 3), (2, 3)],
    "ijk,kj->i": [(2, 3, 4), (4, 3)],
}


def arrays(shapes):
    return [rt.asarray(RNG.standard_normal(s)) for s in shapes]


def used(function, xs):
    return [e.prim.name for e in rt.make_program(function)(*xs).eqns]


@pytest.mark.parametrize("text", CASES)
def test_every_pair_is_one_dot_general(text):
    xs = arrays(CASES[text])
    names = used(lambda *a: rt.einsum(text, *a), xs)
    assert names.count("dot_general") == len(xs) - 1
    assert set(names) <= {"dot_general", "permute_dims", "reduce_sum"}
    assert names.count("permute_dims") <= 1
    np.testing.assert_allclose(rt.einsum(text, *xs), np.einsum(text, *map(np.asarray, xs)))


@pytest.mark.parametrize("text", CASES)
def test_opt_einsum_works_on_our_arrays(text):
    xs = arrays(CASES[text])
    want = np.einsum(text, *map(np.asarray, xs))
    for transform in (lambda f: f, rt.jit):
        out = transform(lambda *a: opt_einsum.contract(text, *a))(*xs)
        assert isinstance(out, rt.Array)
        np.testing.assert_allclose(out, want)
    loss = lambda contract: lambda *a: rt.sum(rt.sin(contract(text, *a)))  # noqa: E731
    theirs = rt.grad(loss(opt_einsum.contract), (0, 1))(*xs)
    rt.testing.assert_close(theirs, rt.grad(loss(rt.einsum), (0, 1))(*xs))
    rt.testing.check_grads(lambda *a: opt_einsum.contract(text, *a), tuple(xs), order=2)
    lanes = tuple(rt.stack([x, 2 * x]) for x in xs)
    rt.testing.assert_close(
        rt.vmap(lambda *a: opt_einsum.contract(text, *a))(*lanes),
        rt.stack([rt.asarray(want), 2.0 ** len(xs) * rt.asarray(want)]),
    )


def test_expressions_of_opt_einsum():
    x, y = arrays([(2, 3), (3, 4)])
    product = opt_einsum.contract_expression("ij,jk->ik", x.shape, y.shape)
    np.testing.assert_allclose(product(x, y), x @ y)
    by_y = opt_einsum.contract_expression("ij,jk->ik", x.shape, y, constants=[1])
    np.testing.assert_allclose(rt.grad(lambda x: by_y(x).sum())(x), y.sum(1)[None].repeat(2, 0))


def test_paths():
    xs = arrays(CASES["ij,jk,kl->il"])
    path, info = rt.einsum_path("ij,jk,kl->il", *xs)
    assert path == opt_einsum.contract_path("ij,jk,kl->il", *map(np.asarray, xs))[0]
    assert "Naive scaling" in str(info)
    want = rt.einsum("ij,jk,kl->il", *xs)
    for how in (path, tuple(path), ["einsum_path", *path], "greedy", "optimal", True, False):
        np.testing.assert_allclose(rt.einsum("ij,jk,kl->il", *xs, optimize=how), want)
    assert rt.einsum_path(xs[0], [0, 1], xs[1], [1, 2])[0] == [(0, 1)]
    with pytest.raises(ArgumentError, match="is for 2 arrays"):
        rt.einsum_path("ij,jk", xs[0])


def test_element_type():
    x = rt.ones((2, 3), dtype=rt.float16)
    assert rt.einsum("ij,ij->", x, x, preferred_element_type=rt.float32).dtype == rt.float32
    assert rt.einsum("ij,ij->", x, x, precision="highest").dtype == rt.float16


@st.composite
def expressions(draw):
    """Subscripts and the shapes that they fit: repeated letters, ellipses, lengths of 1."""
    sizes = {c: draw(st.integers(0, 3)) for c in "abcd"}
    dots = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))
    words, shapes = [], []
    for _ in range(draw(st.integers(1, 4))):
        word = draw(st.text("abcd", max_size=3))
        own = dots[draw(st.integers(0, len(dots))) :]
        own = tuple(1 if draw(st.booleans()) else n for n in own)
        place = draw(st.integers(0, len(word)))
        before, after = ([sizes[c] for c in part] for part in (word[:place], word[place:]))
        has_dots = bool(own) or draw(st.booleans())
        words.append(word[:place] + "..." * has_dots + word[place:])
        shapes.append((*before, *own, *after))
    left = ",".join(words)
    if draw(st.booleans()):
        return left, shapes
    output = draw(st.permutations(sorted(set(left) - set(".,"))))
    output = "".join(output[: draw(st.integers(0, len(output)))])
    return f"{left}->{'...' * ('...' in left)}{output}", shapes


@given(expressions(), st.sampled_from(["auto", False]))
def test_any_expression(case, optimize):
    text, shapes = case
    xs = [np.arange(1.0, 1 + np.prod(s)).reshape(s) for s in shapes]
    want = np.einsum(text, *xs)
    call = lambda *a: rt.einsum(text, *a, optimize=optimize)  # noqa: E731
    for way in (call, rt.jit(call)):
        got = way(*map(rt.asarray, xs))
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want)
    np.testing.assert_allclose(
        rt.einsum(*[z for pair in lists(text, xs) for z in pair], *output_list(text)), want
    )


def numbers(word):
    """A word as a list of axis numbers."""
    parts = [["abcd".index(c) for c in part] for part in word.split("...")]
    return parts[0] if len(parts) == 1 else [*parts[0], ..., *parts[1]]


def lists(text, xs):
    words = text.split("->")[0].split(",")
    return [(x, numbers(word)) for x, word in zip(xs, words, strict=True)]


def output_list(text):
    return [numbers(text.split("->")[1])] if "->" in text else []
