"""Attention against PyTorch; chunks and caches against attention in one piece."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

sdpa = nn.scaled_dot_product_attention
B, H, L, S, E, V = 2, 4, 7, 9, 6, 5


def qkv(rng: np.random.Generator, heads: int = H) -> list[np.ndarray]:
    shapes = (B, H, L, E), (B, heads, S, E), (B, heads, S, V)
    return [rng.normal(size=shape) for shape in shapes]


def bool_mask(rng: np.random.Generator, *shape: int) -> np.ndarray:
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    return mask


MASKS: dict[str, Any] = {
    "none": lambda rng: {},
    "causal": lambda rng: {"is_causal": True},
    "bool": lambda rng: {"attn_mask": bool_mask(rng, L, S)},
    "bool of heads": lambda rng: {"attn_mask": bool_mask(rng, B, 1, L, S)},
    "bool of keys": lambda rng: {"attn_mask": bool_mask(rng, B, 1, 1, S)},
    "float": lambda rng: {"attn_mask": rng.normal(size=(H, L, S))},
    "scale": lambda rng: {"scale": 0.3},
    "groups": lambda rng: {"enable_gqa": True},
}


@pytest.mark.parametrize("chunk_size", [None, 3, 9, 100])
@pytest.mark.parametrize("case", MASKS)
def test_values_and_gradients_are_those_of_torch(
    case: str, chunk_size: int | None, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    options = MASKS[case](rng)
    arrays = qkv(rng, 2 if case == "groups" else H)
    way = rng.normal(size=(B, H, L, V))
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    as_torch = {k: torch.tensor(v) if k == "attn_mask" else v for k, v in options.items()}
    wanted = torch.nn.functional.scaled_dot_product_attention(*tensors, **as_torch)
    (wanted * torch.tensor(way)).sum().backward()

    def loss(*arrays: Any) -> Any:
        y = sdpa(*arrays, **options, chunk_size=chunk_size)
        return rt.sum(y * rt.asarray(way)), y

    gradient = rt.grad(loss, argnums=(0, 1, 2), has_aux=True)
    for f in (gradient, rt.jit(gradient)):
        grads, y = f(*map(rt.asarray, arrays))
        np.testing.assert_allclose(y, wanted.detach(), rtol=1e-10, atol=1e-12)
        for ours, theirs in zip(grads, tensors, strict=True):
            np.testing.assert_allclose(ours, theirs.grad, rtol=1e-9, atol=1e-11)


def test_golden_numbers() -> None:
    x = rt.reshape(rt.sin(rt.arange(12, dtype=rt.float64)), (3, 4))
    for chunk_size in (None, 2):
        y = sdpa(x, x, x, is_causal=True, chunk_size=chunk_size)
        np.testing.assert_allclose(y, GOLDEN, rtol=1e-11)


GOLDEN = [
    [0.0, 0.8414709848079, 0.9092974268257, 0.1411200080599],
    [-0.6170557430567, -0.6264737451797, -0.05991467511611, 0.5617296709385],
    [0.6441975034949, 0.3632599910969, -0.2516570818563, -0.6352017943269],
]


@pytest.mark.parametrize("chunk_size", [None, 4])
def test_a_query_that_sees_nothing_gets_zeros(
    chunk_size: int | None, rng: np.random.Generator
) -> None:
    q, k, v = map(rt.asarray, qkv(rng))
    mask = rt.arange(L)[:, None] + rt.zeros(S) > 2
    floats = rt.where(mask, 0.0, -rt.inf)
    for m in (mask, floats):
        y = sdpa(q, k, v, m, chunk_size=chunk_size)
        assert not bool(rt.any(y[..., :3, :]))
        grads = rt.grad(
            lambda *args, m=m: rt.sum(sdpa(*args, m, chunk_size=chunk_size)), argnums=(0, 1, 2)
        )(q, k, v)
        assert all(bool(rt.all(rt.isfinite(g))) for g in grads)


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_vmap_is_a_loop(chunk_size: int | None, rng: np.random.Generator) -> None:
    arrays = [rt.asarray(x) for x in qkv(rng)]

    def f(q: Any, k: Any, v: Any) -> Any:
        return sdpa(q, k, v, is_causal=True, chunk_size=chunk_size)

    np.testing.assert_allclose(rt.vmap(f)(*arrays), f(*arrays), rtol=1e-12)
    np.testing.assert_allclose(rt.jit(rt.vmap(rt.vmap(f)))(*arrays), f(*arrays), rtol=1e-12)


@pytest.mark.parametrize("chunk_size", [None, 64])
def test_dropout_keeps_the_mean(chunk_size: int | None) -> None:
    q, k = rt.zeros((200, 4)), rt.zeros((200, 4))
    v = rt.ones((200, 1))
    y = sdpa(q, k, v, dropout_p=0.5, dropout_key=rt.random.key(0), chunk_size=chunk_size)
    assert abs(float(rt.mean(y)) - 1) < 0.02
    assert 0.03 < float(rt.std(y)) < 0.15
    with pytest.raises(errors.ArgumentError, match="got key=None"):
        sdpa(q, k, v, dropout_p=0.5)


@pytest.mark.parametrize("chunk_size", [None, 4])
@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16, rt.float32])
def test_dtype_is_kept(dtype: Any, chunk_size: int | None, rng: np.random.Generator) -> None:
    arrays = [rt.asarray(x) for x in qkv(rng)]
    small = [x.astype(dtype) for x in arrays]
    y = sdpa(*small, chunk_size=chunk_size)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype(rt.float64), sdpa(*arrays), atol=0.03)


def test_chunks_never_hold_all_scores() -> None:
    x = rt.spec((1024, 8))

    def peak(chunk_size: int | None) -> int:
        f = rt.grad(lambda x: rt.sum(sdpa(x, x, x, is_causal=True, chunk_size=chunk_size)))
        return rt.jit(f).lower(x).memory_analysis().temp_bytes

    assert peak(64) < 1024 * 1024  # the scores alone are four times that
    assert peak(64) < peak(None) / 4


def carried_over(module: Any) -> Any:
    """The parameters of a module of torch, nested."""
    params: dict[str, Any] = {}
    for name, p in module.named_parameters():
        *path, last = name.split(".")
        inner = params
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = rt.asarray(p.detach().numpy())
    return params


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("case", ["self", "cross", "other features", "masks", "float masks"])
def test_multi_head_is_that_of_torch(
    case: str, batch_first: bool, bias: bool, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    kdim, vdim = (3, 10) if case == "other features" else (8, 8)
    theirs = torch.nn.MultiheadAttention(8, 2, bias=bias, batch_first=batch_first, kdim=kdim,
                                         vdim=vdim, dtype=torch.float64)  # fmt: skip
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.5)

    def sequence(steps: int, features: int) -> np.ndarray:
        return rng.normal(size=(B, steps, features) if batch_first else (steps, B, features))

    query = sequence(L, 8)
    given = [query] * 3 if case == "self" else [query, sequence(S, kdim), sequence(S, vdim)]
    masks: dict[str, np.ndarray] = {}
    if case == "masks":
        masks = {"key_padding_mask": np.arange(S) >= np.asarray([[5], [9]]),
                 "attn_mask": ~bool_mask(rng, L, S)}  # fmt: skip
    if case == "float masks":
        masks = {"key_padding_mask": rng.normal(size=(B, S)),
                 "attn_mask": rng.normal(size=(B * 2, L, S))}  # fmt: skip
    wanted, wanted_weights = theirs(
        *[torch.tensor(x) for x in given], **{k: torch.tensor(m) for k, m in masks.items()}
    )
    (wanted**2).sum().backward()
    names = ("query", "key", "value")
    inputs = dict(zip(names, [rt.asarray(x) for x in given], strict=True)) | masks
    x = rt.asarray(query) if case == "self" else inputs
    layer = nn.MultiHeadAttention(8, 2, bias=bias, batch_first=batch_first, need_weights=True)

    def loss(params: Any) -> Any:
        (y, weights), _ = layer.apply(params, {}, x)
        return rt.sum(y**2), (y, weights)

    params = carried_over(theirs)
    grads, (y, weights) = rt.jit(rt.grad(loss, has_aux=True))(params)
    np.testing.assert_allclose(y, wanted.detach(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weights, wanted_weights.detach(), rtol=1e-10, atol=1e-12)
    flat = dict(rt.tree.leaves_with_path(grads))
    by_name = {rt.tree.keystr(path): g for path, g in flat.items()}
    for name, p in theirs.named_parameters():
        key = "".join(f"[{part!r}]" for part in name.split("."))
        np.testing.assert_allclose(by_name[key], p.grad, rtol=1e-8, atol=1e-10)
    fresh, _ = layer.init(rt.random.key(0), x)
    assert rt.tree.map(lambda p: p.shape, fresh) == rt.tree.map(lambda p: p.shape, params)
    chunks = nn.MultiHeadAttention(8, 2, bias=bias, batch_first=batch_first, chunk_size=4)
    np.testing.assert_allclose(chunks.apply(params, {}, x)[0], y, rtol=1e-10, atol=1e-12)


def test_multi_head_begins_as_in_torch() -> None:
    params, _ = nn.MultiHeadAttention(64, 4).init(rt.random.key(0), rt.spec((1, 1, 64)))
    bound = np.sqrt(6 / (64 * 4))
    assert 0.99 * bound < float(rt.max(rt.abs(params["in_proj_weight"]))) <= bound
    assert 0.99 / 8 < float(rt.max(rt.abs(params["out_proj"]["weight"]))) <= 1 / 8
    assert not bool(rt.any(params["in_proj_bias"]))
    assert not bool(rt.any(params["out_proj"]["bias"]))


@pytest.mark.reuses_keys
@pytest.mark.parametrize("rotary", [None, nn.rope])
@pytest.mark.parametrize("batch_first", [True, False])
def test_decoding_with_a_cache_is_causal_attention(
    rotary: Any, batch_first: bool, rng: np.random.Generator
) -> None:
    x = rt.asarray(rng.normal(size=(B, L, 8)))
    axis = 1 if batch_first else 0
    x = x if batch_first else rt.swapaxes(x, 0, 1)
    options: Any = {"batch_first": batch_first, "rotary": rotary}
    at_once = nn.MultiHeadAttention(8, 2, is_causal=True, **options)
    cached = nn.MultiHeadAttention(8, 2, cache_size=L, **options)
    params, state = cached.init(rt.random.key(0), x)
    y, _ = at_once.apply(params, {}, x)
    step = rt.jit(cached.apply)
    for apply in (cached.apply, step):
        now, parts = state, []
        for part in (x.take(rt.arange(3), axis=axis), *rt.split(x, L, axis=axis)[3:]):
            out, now = apply(params, now, part)
            parts.append(out)
        np.testing.assert_allclose(rt.concat(parts, axis=axis), y, rtol=1e-10, atol=1e-12)
        assert rt.tree.structure(now) == rt.tree.structure(state)
        assert int(now["steps"]) == L
    with pytest.raises(errors.OutOfBoundsError, match="room for 7 steps, holds 7 and got 1"):
        cached.apply(params, now, part)


def test_rotary_products_depend_on_the_distance(rng: np.random.Generator) -> None:
    q, k = rt.asarray(rng.normal(size=(2, 1, 8)))
    for interleaved in (False, True):
        products = [
            float(rt.sum(nn.rope(q, rt.asarray([p]), interleaved=interleaved)
                         * nn.rope(k, rt.asarray([p + 3]), interleaved=interleaved)))
            for p in (0, 5, 40)
        ]  # fmt: skip
        np.testing.assert_allclose(products, products[0], rtol=1e-10)
    x = rng.normal(size=(3, 8))
    angle = np.arange(3)[:, None] * 10000.0 ** (-np.arange(4) / 4)
    wanted = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(1j * angle)
    ours = np.asarray(nn.rope(rt.asarray(x), interleaved=True))
    np.testing.assert_allclose(ours[:, 0::2] + 1j * ours[:, 1::2], wanted, rtol=1e-12)
    order = np.r_[0:8:2, 1:8:2]
    np.testing.assert_allclose(nn.rope(rt.asarray(x[:, order])), ours[:, order], rtol=1e-12)


def test_positions_are_those_of_the_paper() -> None:
    table = np.asarray(nn.sinusoidal_positions(50, 7, dtype=rt.float64))
    for p, i in ((3, 0), (49, 4)):
        assert np.isclose(table[p, i], np.sin(p / 10000 ** (i / 7)))
        assert np.isclose(table[p, i + 1], np.cos(p / 10000 ** (i / 7)))
    x = rt.zeros((50, 2, 7), dtype=rt.float64)
    y, _ = nn.SinusoidalPositions().apply({}, {}, x)
    np.testing.assert_allclose(y[:, 1], table)
    y, _ = nn.SinusoidalPositions(batch_first=True).apply({}, {}, rt.swapaxes(x, 0, 1))
    np.testing.assert_allclose(y[1], table)
    layer = nn.LearnedPositions(60)
    params, _ = layer.init(rt.random.key(0), x)
    np.testing.assert_array_equal(layer.apply(params, {}, x)[0][:, 0], params["weight"][:50])


def test_alibi_slopes() -> None:
    bias = nn.alibi(12, 4, 6)
    assert bias.shape == (12, 4, 6)
    slopes = (-np.asarray(bias)[:, -1, -2]).tolist()
    wanted = [2 ** -(h + 1) for h in range(8)] + [2 ** -(h + 0.5) for h in range(4)]
    np.testing.assert_allclose(slopes, wanted, rtol=1e-6)
    assert nn.alibi(2, 3)[0, 2].tolist() == [-0.125, -0.0625, 0.0]


def applied(layer: nn.Layer, x: Any) -> Any:
    params, state = layer.init(rt.random.key(0), rt.spec((L, B, 8)))
    return layer.apply(params, state, x)


ONES = rt.ones((L, E))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: sdpa(ONES, rt.ones((S, 3)), ONES), errors.ShapeError, r"expected query \(\.\.\."),
        (lambda: sdpa(ONES[0], ONES, ONES), errors.ShapeError, "query: expected at least two axes"),
        (lambda: sdpa(ONES > 0, ONES, ONES), errors.DTypeError, "query: expected a floating dtype"),
        (
            lambda: sdpa(ONES, ONES, ONES, rt.ones((2, L))), errors.ShapeError,
            r"attn_mask: expected the last axes to be \(7, 7\), got float32\[2, 7\]",
        ),
        (
            lambda: sdpa(ONES, ONES, ONES, rt.arange(L)), errors.DTypeError,
            "attn_mask: expected booleans or floating numbers",
        ),
        (lambda: sdpa(ONES, ONES, ONES, chunk_size=0), errors.ArgumentError, "chunk_size"),
        (lambda: sdpa(ONES, ONES, ONES, dropout_p=1), errors.ArgumentError, "dropout_p"),
        (
            lambda: sdpa(ONES[None], rt.ones((2, L, E)), ONES, enable_gqa=True), errors.ShapeError,
            "heads of query, axis -3, to be a multiple",
        ),
        (lambda: nn.MultiHeadAttention(8, 3), errors.ArgumentError, "a divisor of embed_dim 8"),
        (
            lambda: applied(nn.MultiHeadAttention(8, 2), rt.ones((L, B, 7))), errors.ShapeError,
            r"\[MultiHeadAttention\] query: expected 8 features, got float32\[7, 2, 7\]",
        ),
        (
            lambda: applied(nn.MultiHeadAttention(8, 2), rt.ones(8)), errors.ShapeError,
            r"query: expected shape \(steps, batch, features\)",
        ),
        (lambda: nn.rope(rt.ones((2, 3))), errors.ShapeError, "an even n"),
        (
            lambda: nn.LearnedPositions(3).apply({}, {}, rt.ones((4, 1, 2))), errors.ShapeError,
            "at most 3 steps",
        ),
    ],
)  # fmt: skip
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
