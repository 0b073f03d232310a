"""Einstein summation, as a sequence of pairwise contractions in a good order.

The order comes from ``opt_einsum`` (Smith & Gray 2018, https://doi.org/10.21105/joss.00753) and is
kept for every combination of subscripts and shapes.
"""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.operands import Shape, convert, promote
from rtorch.ops.base import broadcast_p, mul_p, permute_dims_p, reduce_sum_p, reshape_p
from rtorch.ops.contraction import Dims, dot_general_p
from rtorch.ops.creation import iota
from rtorch.ops.indexing import gather_p

__all__ = ["einsum", "einsum_path"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Term(NamedTuple):
    """An operand and the label of each of its axes."""

    x: Array
    labels: str


class _Plan(NamedTuple):
    terms: tuple[str, ...]  # the labels of each operand, the ellipsis written out
    output: str
    sizes: dict[str, int]
    path: tuple[tuple[int, ...], ...]
    direct: tuple[int, int, Dims] | None  # two operands, in this order, need only this


@api
def einsum(
    subscripts: Any,
    *operands: Any,
    optimize: Any = "auto",
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Array:
    """The sum of products that `subscripts` describe.

    Each operand has a word with a letter for each of its axes; axes of one letter run together,
    and letters that are not in the output word are summed over. ``...`` stands for any axes,
    which broadcast. Without ``->`` the output has the letters that occur once, in alphabetical
    order. Every step is one contraction of two operands.

    Args:
        subscripts: Such as ``"ij,jk->ik"``. Or arrays and lists of axis numbers alternate:
            ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.
        *operands: One array for every word.
        optimize: How ``opt_einsum`` looks for the order of contractions: ``"auto"``,
            ``"optimal"``, ``"greedy"``, ..., True for ``"auto"``, False for left to right; or a
            path, as `einsum_path` returns it.
        precision: Exists for JAX's sake: products are as precise as their dtype.
        preferred_element_type: The dtype to compute in and return, by default that of the
            arrays together.

    Raises:
        ShapeError: if words and shapes do not fit.
        ArgumentError: if the subscripts make no sense.

    Example:
        >>> import rtorch as rt
        >>> rt.einsum("ij,j->i", rt.ones((2, 3)), rt.arange(3))
        Array([3., 3.], dtype=float32)
    """
    subscripts, arrays = _read(subscripts, operands)
    if preferred_element_type is not None:
        arrays = [convert(x, dtypes.canonical(preferred_element_type)) for x in arrays]
    plan = _plan(subscripts, tuple([x.shape for x in arrays]), _hashable(optimize))
    if plan.direct:
        i, j, dims = plan.direct
        return dot_general_p(arrays[i], arrays[j], axes=dims)
    terms = [_narrow(x, word, plan.sizes) for x, word in zip(arrays, plan.terms)]
    for number, places in enumerate(plan.path):
        last = number == len(plan.path) - 1
        terms = _step(terms, places, plan.output, last)
    return _finish(terms[0], plan.output)


@api
def einsum_path(subscripts: Any, *operands: Any, optimize: Any = "auto") -> tuple[Any, Any]:
    """The order of contractions that `einsum` takes, and what it costs.

    The arguments are those of `einsum`; only the shapes of arrays matter.

    Returns:
        A list of the operands that are contracted at each step, which `einsum` takes as its
        `optimize`; and an object of ``opt_einsum`` that prints as a table of the costs.

    Example:
        >>> import rtorch as rt
        >>> a, b, c = rt.ones((2, 9)), rt.ones((9, 9)), rt.ones((9, 2))
        >>> path, info = rt.einsum_path("ij,jk,kl->il", a, b, c)
        >>> path
        [(0, 1), (0, 1)]
    """
    import opt_einsum

    subscripts, arrays = _read(subscripts, operands)
    shapes = [x.shape for x in arrays]
    _plan(subscripts, tuple(shapes), False)  # which says what is wrong with them
    path, info = opt_einsum.contract_path(subscripts, *shapes, shapes=True, optimize=optimize)
    return list(path), info


# ---- reading the subscripts ----------------------------------------------------------------------


def _read(subscripts: Any, operands: tuple[Any, ...]) -> tuple[str, list[Array]]:
    """Subscripts as text, and the operands in one dtype."""
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists(subscripts, *operands)
    if not operands:
        raise ArgumentError("[einsum] expected at least one array")
    return subscripts, promote("einsum", *operands)


def _hashable(optimize: Any) -> Any:
    """A path as tuples; NumPy's begins with a word."""
    if not isinstance(optimize, (list, tuple)):
        return optimize
    return tuple([tuple(step) for step in optimize if not isinstance(step, str)])


def _from_lists(*args: Any) -> tuple[str, tuple[Any, ...]]:
    """The alternating form as words and arrays."""
    arrays, lists = args[0 : len(args) - len(args) % 2 : 2], args[1::2]
    words = [_word(axes) for axes in lists]
    text = ",".join(words)
    return (f"{text}->{_word(args[-1])}" if len(args) % 2 else text), arrays


def _word(axes: Any) -> str:
    try:
        return "".join("..." if a is Ellipsis else _LETTERS[a] for a in axes)
    except (TypeError, IndexError):
        raise ArgumentError(
            f"[einsum] expected a list of axis numbers from 0 to 51, got {axes!r}"
        ) from None


@functools.lru_cache(1024)
def _plan(subscripts: str, shapes: tuple[Shape, ...], optimize: Any) -> _Plan:
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    words = left.split(",")
    _check(text, words, right, len(shapes))
    terms, dots = _write_out(text, words, shapes)
    if not arrow:
        once = sorted({c for c in "".join(words) if c != "." and left.count(c) == 1})
        right = "..." + "".join(once)
        output = dots + "".join(once)
    else:
        output = right.replace("...", dots)
    sizes = _sizes(text, terms, shapes)
    unknown = set(output) - set(sizes)
    if unknown or len(set(output)) != len(output):
        raise ArgumentError(
            f"[einsum] {text!r}: every letter of the output must be in an input, and only once "
            "in the output"
        )
    direct = _direct(terms, output, sizes, shapes)
    return _Plan(terms, output, sizes, _path(terms, output, sizes, optimize), direct)


def _check(text: str, words: list[str], right: str, count: int) -> None:
    if len(words) != count:
        raise ArgumentError(f"[einsum] {text!r} is for {len(words)} arrays, got {count}")
    for word in (*words, right):
        rest = word.replace("...", "", 1)
        if not all(c in _LETTERS for c in rest):
            raise ArgumentError(f"[einsum] {text!r}: {word!r} is not made of letters and one '...'")


def _write_out(
    text: str, words: list[str], shapes: tuple[Shape, ...]
) -> tuple[tuple[str, ...], str]:
    """The words with letters for the axes of ``...``, and those letters."""
    free = [c for c in _LETTERS if c not in text]
    hidden = []
    for word, shape in zip(words, shapes):
        named = len(word.replace("...", ""))
        if len(shape) < named or ("..." not in word and len(shape) != named):
            raise ShapeError(f"[einsum] {word!r} of {text!r} does not fit shape {shape}")
        hidden.append(len(shape) - named if "..." in word else 0)
    dots = "".join(free[: max(hidden)])
    if len(dots) < max(hidden):
        raise ArgumentError(f"[einsum] {text!r}: more than {len(_LETTERS)} axes")
    terms = tuple([w.replace("...", dots[len(dots) - n :]) for w, n in zip(words, hidden)])
    return terms, dots


def _sizes(text: str, terms: tuple[str, ...], shapes: tuple[Shape, ...]) -> dict[str, int]:
    """The length of every letter; 1 gives way to another length."""
    sizes: dict[str, int] = {}
    for word, shape in zip(terms, shapes):
        for c, n in zip(word, shape):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                raise ShapeError(
                    f"[einsum] {text!r}: {c!r} has lengths {sizes[c]} and {n} in shapes "
                    f"{', '.join(map(str, shapes))}"
                )
    return sizes


def _path(
    terms: tuple[str, ...], output: str, sizes: dict[str, int], optimize: Any
) -> tuple[tuple[int, ...], ...]:
    if len(terms) <= 2:
        return (tuple(range(len(terms))),)
    if optimize is False:
        return ((0, 1), *[(0, n) for n in range(len(terms) - 2, 0, -1)])
    import opt_einsum

    shapes = [tuple([sizes[c] for c in word]) for word in terms]
    text = ",".join(terms) + "->" + output
    how = "auto" if optimize is True else list(optimize) if type(optimize) is tuple else optimize
    return tuple(opt_einsum.contract_path(text, *shapes, shapes=True, optimize=how)[0])


def _direct(
    terms: tuple[str, ...], output: str, sizes: dict[str, int], shapes: tuple[Shape, ...]
) -> tuple[int, int, Dims] | None:
    """The one contraction that does it all, if there is one."""
    if len(terms) != 2 or any(len(set(word)) != len(word) for word in terms):
        return None
    if any(n != sizes[c] for word, shape in zip(terms, shapes) for c, n in zip(word, shape)):
        return None
    for i, j in ((0, 1), (1, 0)):
        dims, labels = _dims(terms[i], terms[j], set(output))
        if labels == output and dims[0][0]:
            return i, j, dims
    return None


# ---- contracting ---------------------------------------------------------------------------------


def _narrow(x: Array, word: str, sizes: dict[str, int]) -> _Term:
    """A term with every letter once, and none of length 1 where others are longer."""
    kept = [i for i, c in enumerate(word) if x.shape[i] == sizes[c] or word.count(c) > 1]
    if len(kept) < len(word):
        x = reshape_p(x, shape=tuple([x.shape[i] for i in kept]))
        word = "".join([word[i] for i in kept])
    for c in set(word):
        if word.count(c) > 1:
            x, word = _diagonal(x, word, c)
    return _Term(x, word)


def _diagonal(x: Array, word: str, letter: str) -> _Term:
    axes = tuple([i for i, c in enumerate(word) if c == letter])
    n = max(x.shape[a] for a in axes)
    if any(x.shape[a] != n for a in axes):
        raise ShapeError(f"[einsum] {letter!r} stands twice in {word!r}, for lengths in {x.shape}")
    index = [iota(n, dtypes.int64, x.device)] * len(axes)
    out = gather_p(x, *index, axes=axes, mode="clip", fill=0)
    return _Term(out, letter + word.replace(letter, ""))


def _step(terms: list[_Term], places: Sequence[int], output: str, last: bool) -> list[_Term]:
    """The terms at `places` contracted to one, which goes to the end."""
    rest = [t for i, t in enumerate(terms) if i not in places]
    chosen = [terms[i] for i in sorted(places)]
    out = chosen[0]
    for i, term in enumerate(chosen[1:], 2):
        needed = set(output).union(*[t.labels for t in (*rest, *chosen[i:])])
        out = _pair(out, term, needed, output if last and i == len(chosen) else "")
    return [*rest, out]


def _pair(x: _Term, y: _Term, needed: set[str], output: str) -> _Term:
    """The contraction of two terms; in the order of axes of `output` if there is a choice."""
    x, y = _sum_out(x, needed.union(y.labels)), _sum_out(y, needed.union(x.labels))
    dims, labels = _dims(x.labels, y.labels, needed)
    if not dims[0][0]:
        return _product(x, y, output)
    if labels != output:
        swapped = _dims(y.labels, x.labels, needed)
        if swapped[1] == output:
            return _Term(dot_general_p(y.x, x.x, axes=swapped[0]), output)
    return _Term(dot_general_p(x.x, y.x, axes=dims), labels)


def _dims(x: str, y: str, needed: set[str]) -> tuple[Dims, str]:
    """The contraction of two words over the letters not needed any more; the result's word."""
    batch = [c for c in x if c in y and c in needed]
    contracted = [c for c in x if c in y and c not in needed]
    free = [c for c in x + y if not (c in x and c in y)]
    places = [
        (tuple([x.index(c) for c in letters]), tuple([y.index(c) for c in letters]))
        for letters in (contracted, batch)
    ]
    return (places[0], places[1]), "".join(batch + free)


def _sum_out(term: _Term, needed: set[str]) -> _Term:
    axes = tuple([i for i, c in enumerate(term.labels) if c not in needed])
    if not axes:
        return term
    kept = "".join([c for c in term.labels if c in needed])
    return _Term(reduce_sum_p(term.x, axes=axes), kept)


def _product(x: _Term, y: _Term, output: str) -> _Term:
    """The product of terms without a common letter to sum over."""
    labels = output or x.labels + "".join([c for c in y.labels if c not in x.labels])
    sizes = dict(zip(x.labels + y.labels, x.x.shape + y.x.shape))
    shape = tuple([sizes[c] for c in labels])
    return _Term(mul_p(*[_spread(t, labels, shape) for t in (x, y)]), labels)


def _spread(term: _Term, labels: str, shape: Shape) -> Array:
    """The term broadcast to `shape`, whose axes are `labels`."""
    order = sorted(range(len(term.labels)), key=lambda i: labels.index(term.labels[i]))
    x = term.x if order == list(range(len(order))) else permute_dims_p(term.x, axes=tuple(order))
    axes = tuple([labels.index(term.labels[i]) for i in order])
    return x if x.shape == shape else broadcast_p(x, shape=shape, axes=axes)


def _finish(term: _Term, output: str) -> Array:
    term = _sum_out(term, set(output))
    if term.labels == output:
        return term.x
    return permute_dims_p(term.x, axes=tuple([term.labels.index(c) for c in output]))
