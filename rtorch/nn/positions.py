"""Where a step stands in its sequence: rotary, sinusoidal, learned positions, and ALiBi."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.initializers import Initializer, normal
from rtorch.nn.layer import Layer, Params, needs_key, stateless
from rtorch.nn.parameters import check_names, parameter_dtype

__all__ = [
    "LearnedPositions",
    "SinusoidalPositions",
    "alibi",
    "rope",
    "sinusoidal_positions",
]


@api
def rope(
    x: Any, positions: Any = None, *, base: float = 10000.0, interleaved: bool = False
) -> rt.Array:
    """Rotary positions: pairs of features turned by an angle that grows with the position.

    Pair ``i`` of ``n / 2`` turns by ``position * base ** (-2 i / n)``; so the product of a query
    and a key depends on the distance of their positions only.

    Args:
        x: Queries or keys, shape ``(..., steps, n)`` with an even `n`.
        positions: Of the steps, shape ``(steps,)`` or one that broadcasts to ``(..., steps)``;
            by default 0, 1, ...
        base: The longest wave is about 2π times this.
        interleaved: Whether the pairs are features ``(2i, 2i + 1)`` as in the paper, instead of
            ``(i, i + n / 2)`` as in GPT-NeoX and LLaMA's weights on Hugging Face.

    Returns:
        Shape and dtype of `x`.

    Raises:
        ShapeError: if the last axis is odd.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.rope(rt.asarray([[1.0, 0.0], [1.0, 0.0]]))
        Array([[1.       , 0.       ],
               [0.5403023, 0.841471 ]], dtype=float32)

    References:
        Su et al. 2021 (arXiv:2104.09864).
    """
    x = rt.asarray(x)
    if x.ndim < 2 or x.shape[-1] % 2:
        raise ShapeError(f"[rope] x: expected shape (..., steps, n) with an even n, got "
                         f"{describe(x)}")  # fmt: skip
    positions = rt.arange(x.shape[-2]) if positions is None else rt.asarray(positions)
    work = rt.float32 if x.dtype.itemsize < 4 else x.dtype
    angles = _angles(positions, x.shape[-1], base, work)
    cos, sin = rt.cos(angles), rt.sin(angles)
    x_work = x.astype(work)
    if interleaved:
        a, b = x_work[..., 0::2], x_work[..., 1::2]
        turned = rt.stack([a * cos - b * sin, a * sin + b * cos], axis=-1)
        return rt.reshape(turned, x.shape).astype(x.dtype)
    a, b = rt.split(x_work, 2, axis=-1)
    return rt.concat([a * cos - b * sin, a * sin + b * cos], axis=-1).astype(x.dtype)


def _angles(positions: rt.Array, n: int, base: float, dtype: Any) -> rt.Array:
    """``position * base ** (-2 i / n)``, shape ``(*positions.shape, n / 2)``, rounded up."""
    frequencies = rt.asarray([base ** (-i / n) for i in range(0, n, 2)], dtype=dtype)
    return positions.astype(dtype)[..., None] * frequencies


@api
def sinusoidal_positions(
    positions: Any, features: int, *, base: float = 10000.0, dtype: Any = float
) -> rt.Array:
    """``sin(p * base ** (-2 i / features))`` in feature ``2i``, the cosine in ``2i + 1``.

    Args:
        positions: An array of them, or an integer for ``arange(positions)``.
        features: How many.
        base: The longest wave is about 2π times this.
        dtype: By default `rt.default_dtype()`.

    Returns:
        Shape ``(*positions.shape, features)``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.sinusoidal_positions(2, 2)
        Array([[0.       , 1.       ],
               [0.841471 , 0.5403023]], dtype=float32)

    References:
        Vaswani et al. 2017, section 3.5 (arXiv:1706.03762).
    """
    positions = rt.arange(positions) if isinstance(positions, int) else rt.asarray(positions)
    dtype = rt.default_dtype() if dtype is float else dtype
    angles = _angles(positions, features, base, dtype)
    waves = rt.stack([rt.sin(angles), rt.cos(angles)], axis=-1)
    return rt.reshape(waves, (*positions.shape, -1))[..., :features]


def SinusoidalPositions(batch_first: bool = False, *, base: float = 10000.0) -> Layer:
    """Adds `sinusoidal_positions` to a sequence.

    Args:
        batch_first: Whether sequences have shape ``(batch, steps, features)`` instead of
            ``(steps, batch, features)``.
        base: See `sinusoidal_positions`.

    Example:
        >>> import rtorch as rt
        >>> y, _ = rt.nn.SinusoidalPositions().apply({}, {}, rt.zeros((2, 1, 2)))
        >>> y[1]
        Array([[0.841471 , 0.5403023]], dtype=float32)
    """

    def call(params: Params, x: Any) -> rt.Array:
        steps = x.shape[_steps_axis("SinusoidalPositions", x, batch_first)]
        of = parameter_dtype(None, x.dtype)
        table = sinusoidal_positions(steps, x.shape[-1], base=base, dtype=of)
        return x + _placed(table, x, batch_first)

    return stateless(None, call)


def LearnedPositions(
    max_steps: int,
    batch_first: bool = False,
    *,
    weight_init: Initializer | None = None,
    dtype: Any = None,
) -> Layer:
    """Adds a learned vector for each position to a sequence.

    Args:
        max_steps: The longest sequence there may be.
        batch_first: Whether sequences have shape ``(batch, steps, features)`` instead of
            ``(steps, batch, features)``.
        weight_init: Initializer of the parameter ``weight``, shape ``(max_steps, features)``; by
            default normal with standard deviation 0.02.
        dtype: Dtype of the parameter; by default that of the input.

    Raises:
        ShapeError: (``apply``) if the sequence is longer.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.LearnedPositions(100)
        >>> params, state = layer.init(rt.random.key(0), rt.spec((10, 2, 4)))
        >>> params["weight"].shape
        (100, 4)
    """
    if not isinstance(max_steps, int) or max_steps < 1:
        raise ArgumentError(f"[LearnedPositions] max_steps: expected an int of 1 or more, got "
                            f"{max_steps!r}")  # fmt: skip

    def init(key: Any, spec: Any) -> Params:
        needs_key("LearnedPositions", key, "init")
        _steps_axis("LearnedPositions", spec, batch_first)
        of = parameter_dtype(dtype, spec.dtype)
        return {"weight": (weight_init or normal(0.02))(key, (max_steps, spec.shape[-1]), of)}

    def call(params: Params, x: Any) -> rt.Array:
        steps = x.shape[_steps_axis("LearnedPositions", x, batch_first)]
        if steps > max_steps:
            raise ShapeError(f"[LearnedPositions] x: expected at most {max_steps} steps, got "
                             f"{describe(x)}")  # fmt: skip
        check_names("LearnedPositions", "params", params, ("weight",))
        return x + _placed(params["weight"][:steps], x, batch_first)

    return stateless(init, call)


def _steps_axis(name: str, x: Any, batch_first: bool) -> int:
    if getattr(x, "ndim", 0) < 2:
        raise ShapeError(f"[{name}] x: expected steps and features, got {describe(x)}")
    return x.ndim - 2 if batch_first else 0


def _placed(table: rt.Array, x: Any, batch_first: bool) -> rt.Array:
    """``(steps, features)`` so that it broadcasts to `x`."""
    if batch_first:
        return table
    return rt.reshape(table, (table.shape[0], *(1,) * (x.ndim - 2), table.shape[-1]))


@api
def alibi(num_heads: int, queries: int, keys: int | None = None, dtype: Any = float) -> rt.Array:
    """Attention with linear biases: a mask that grows with the distance, steeper in each head.

    Args:
        num_heads: Head ``h`` of a power of two of them has the slope ``2 ** (-8 (h + 1) / heads)``;
            for other numbers slopes of the next power of two fill the gaps, as in the paper's code.
        queries: How many steps ask.
        keys: How many are asked; by default the same. The last query is at the last key.
        dtype: By default `rt.default_dtype()`.

    Returns:
        Shape ``(num_heads, queries, keys)``: minus the slope times the distance, an ``attn_mask``
        for `scaled_dot_product_attention`, beside ``is_causal=True``.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.alibi(8, 3)[0].tolist()
        [[0.0, -0.5, -1.0], [-0.5, 0.0, -0.5], [-1.0, -0.5, 0.0]]

    References:
        Press et al. 2022 (arXiv:2108.12409).
    """
    keys = queries if keys is None else keys
    dtype = rt.default_dtype() if dtype is float else dtype
    asking = rt.arange(queries) + (keys - queries)
    distance = rt.abs(rt.arange(keys) - asking[:, None]).astype(dtype)
    return -distance * rt.asarray(_slopes(num_heads), dtype=dtype)[:, None, None]


def _slopes(heads: int) -> list[float]:
    if not isinstance(heads, int) or heads < 1:
        raise ArgumentError(f"[alibi] num_heads: expected an int of 1 or more, got {heads!r}")
    power = 1 << (heads.bit_length() - 1)
    slopes = [2 ** (-8 * (h + 1) / power) for h in range(power)]
    between = [2 ** (-4 * (h + 1) / power) for h in range(0, 2 * power, 2)]
    return slopes + between[: heads - power]
