"""EmbeddingBag: sums, means or maxima of rows of a table."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe
from rtorch.nn.embedding import Embedding, check_table
from rtorch.nn.initializers import Initializer
from rtorch.nn.layer import Layer, Params, arguments, stateless
from rtorch.nn.parameters import check_names

_MODES = ("sum", "mean", "max")


def EmbeddingBag(
    num_embeddings: int, embedding_dim: int, mode: str = "mean", padding_idx: int | None = None, *,
    weight_init: Initializer | None = None, dtype: Any = None,
) -> Layer:  # fmt: skip
    """What the rows of ``weight`` for a bag of integers come to; 0 for an empty bag.

    The input is ``x``, or a tuple or dict of ``x``, ``offsets`` and ``per_sample_weights``: `x` of
    shape ``(bags, n)``, or of one axis with the place where each bag begins as ``offsets``; weights
    (for ``"sum"``) are factors of the rows and have the shape of `x`.

    Args:
        num_embeddings: How many rows.
        embedding_dim: Their length.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        padding_idx: An integer that counts as if it were not there; its row begins as zeros.
        weight_init: Initializer of the weight, shape ``(num_embeddings, embedding_dim)``; by
            default normal, as in PyTorch.
        dtype: Dtype of the weight; by default `rt.default_dtype()`.

    Returns:
        A `Layer` with the parameter ``weight``; its output has shape ``(bags, embedding_dim)``.

    Raises:
        ShapeError: (``apply``) if the inputs do not fit together.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.EmbeddingBag(3, 2, "sum")
        >>> params = {"weight": rt.asarray([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])}
        >>> bags = {"x": rt.asarray([0, 1, 1, 2]), "offsets": rt.asarray([0, 3])}
        >>> layer.apply(params, {}, bags)[0].tolist()
        [[1.0, 2.0], [5.0, 5.0]]
    """
    name = "EmbeddingBag"
    if mode not in _MODES:
        raise ArgumentError(f"[{name}] mode: expected one of {_MODES}, got {mode!r}")
    padding = check_table(name, num_embeddings, embedding_dim, padding_idx)
    table = Embedding(num_embeddings, embedding_dim, padding_idx, weight_init=weight_init,
                      dtype=dtype)  # fmt: skip

    def init(key: Any, spec: Any) -> Params:
        params, _ = table.init(key, _parts(name, spec, mode)["x"])
        return params

    def call(params: Params, x: Any) -> rt.Array:
        check_names(name, "params", params, ("weight",))
        given = _parts(name, x, mode)
        entries, bags, n = _bags(given)
        rows = rt.take(params["weight"], entries, axis=0)
        counted = rt.ones_like(entries, dtype=bool) if padding is None else entries != padding
        if "per_sample_weights" in given:
            rows = rows * rt.ravel(given["per_sample_weights"])[:, None]
        return _joined(rows, counted, bags, n, mode)

    return stateless(init, call)


def _joined(rows: Any, counted: Any, bags: Any, n: int, mode: str) -> Any:
    """The sum, mean or maximum of the rows of each bag that count."""
    if mode == "max":
        least = rt.where(counted[:, None], rows, -rt.inf)
        empty = rt.segment_sum(counted.astype(rt.int64), bags, n) == 0
        return rt.where(empty[:, None], 0.0, rt.segment_max(least, bags, n))
    total = rt.segment_sum(rt.where(counted[:, None], rows, 0.0), bags, n)
    if mode == "sum":
        return total
    count = rt.segment_sum(counted.astype(rows.dtype), bags, n)
    return total / rt.maximum(count, 1.0)[:, None]


def _parts(name: str, x: Any, mode: str) -> dict[str, Any]:
    """The input by name, checked."""
    given = arguments(name, x, ("x", "offsets", "per_sample_weights"))
    ids: Any = given["x"]
    offsets, weights = given.get("offsets"), given.get("per_sample_weights")
    if not hasattr(ids, "shape") or not rt.isdtype(ids.dtype, "integral"):
        raise DTypeError(f"[{name}] x: expected integers, got {describe(ids)}")
    if len(ids.shape) != (2 if offsets is None else 1):
        raise ShapeError(
            f"[{name}] x: expected shape (bags, n), or (n,) with offsets, got {describe(ids)}"
        )
    if offsets is not None and (
        len(offsets.shape) != 1 or not rt.isdtype(offsets.dtype, "integral")
    ):
        raise ShapeError(f"[{name}] offsets: expected integers (bags,), got {describe(offsets)}")
    if weights is not None and (mode != "sum" or weights.shape != ids.shape):
        raise ShapeError(
            f"[{name}] per_sample_weights: are for mode='sum' and have the shape of x, "
            f"{describe(ids)}; got {describe(weights)} and mode={mode!r}"
        )
    return given


def _bags(given: dict[str, Any]) -> tuple[Any, Any, int]:
    """All integers in a row, the bag that each is in, and how many bags there are."""
    ids = rt.asarray(given["x"])
    if "offsets" not in given:
        bags, n = ids.shape
        return rt.ravel(ids), rt.repeat(rt.arange(bags, device=ids.device), n), bags
    offsets = rt.asarray(given["offsets"])
    places = rt.arange(ids.shape[0], device=ids.device)
    return ids, rt.searchsorted(offsets, places, side="right") - 1, offsets.shape[0]
