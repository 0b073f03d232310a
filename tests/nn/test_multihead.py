"""MultiHeadAttention against PyTorch: more keys, groups of heads, weights, lonely queries."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

B, H, L, S, E = 2, 4, 5, 6, 8


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


@pytest.mark.parametrize("chunk_size", [None, 3])
@pytest.mark.parametrize("masked", ["none", "bool", "float"])
@pytest.mark.parametrize(
    "options",
    [{"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}],
)
def test_extra_keys_are_those_of_torch(
    options: dict[str, bool], masked: str, chunk_size: int | None, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.MultiheadAttention(E, H, dtype=torch.float64, **options)
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.5)
    q, kv = rng.normal(size=(L, B, E)), rng.normal(size=(S, B, E))
    masks: dict[str, np.ndarray] = {}
    if masked == "bool":
        masks = {"key_padding_mask": np.arange(S) >= np.asarray([[4], [6]]),
                 "attn_mask": np.triu(np.ones((L, S), bool), 1)}  # fmt: skip
    if masked == "float":
        masks = {"key_padding_mask": rng.normal(size=(B, S)),
                 "attn_mask": rng.normal(size=(B * H, L, S))}  # fmt: skip
    t = [torch.tensor(x, requires_grad=True) for x in (q, kv)]
    wanted, weights = theirs(t[0], t[1], t[1], average_attn_weights=False,
                             **{k: torch.tensor(m) for k, m in masks.items()})  # fmt: skip
    (wanted**2).sum().backward()
    layer = nn.MultiHeadAttention(
        E, H, need_weights=True, average_attn_weights=False, chunk_size=chunk_size, **options
    )

    def loss(params: Any, q: Any, kv: Any) -> Any:
        (y, w), _ = layer.apply(params, {}, {"query": q, "key": kv} | masks)
        return rt.sum(y**2), (y, w)

    params = carried_over(theirs)
    f = rt.jit(rt.grad(loss, argnums=(0, 1, 2), has_aux=True))
    grads, (y, w) = f(params, rt.asarray(q), rt.asarray(kv))
    np.testing.assert_allclose(y, wanted.detach(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(w, weights.detach(), rtol=1e-10, atol=1e-12)
    for ours, tensor in zip(grads[1:], t, strict=True):
        np.testing.assert_allclose(ours, tensor.grad, rtol=1e-8, atol=1e-10)
    for (path, g), (name, p) in zip(
        sorted((".".join(map(str, path)), g) for path, g in rt.tree.leaves_with_path(grads[0])),
        sorted(theirs.named_parameters(), key=lambda pair: pair[0]),
        strict=True,
    ):
        assert all(part in path for part in name.split("."))
        np.testing.assert_allclose(g, p.grad, rtol=1e-8, atol=1e-10)
    fresh, _ = layer.init(rt.random.key(0), rt.asarray(q))
    assert rt.tree.map(lambda p: p.shape, fresh) == rt.tree.map(lambda p: p.shape, params)


def test_extra_keys_stand_behind_causal_attention(rng: np.random.Generator) -> None:
    """A flag and a mask say the same."""
    x = rt.asarray(rng.normal(size=(L, B, E)))
    options: Any = {"add_bias_kv": True, "add_zero_attn": True}
    flag = nn.MultiHeadAttention(E, H, is_causal=True, **options)
    params, _ = flag.init(rt.random.key(0), x)
    mask = rt.asarray(np.triu(np.ones((L, L), bool), 1))
    wanted, _ = nn.MultiHeadAttention(E, H, **options).apply(
        params, {}, {"query": x, "attn_mask": mask}
    )
    np.testing.assert_allclose(flag.apply(params, {}, x)[0], wanted, rtol=1e-10)
    cached = nn.MultiHeadAttention(E, H, cache_size=L, **options)
    _, state = cached.init(rt.random.key(1), x)
    outs = []
    for t in range(L):
        y, state = cached.apply(params, state, x[t : t + 1])
        outs.append(y)
    np.testing.assert_allclose(rt.concat(outs), wanted, rtol=1e-10)


def in_full(params: Any, kv_heads: int) -> Any:
    """The parameters of the layer without groups that does the same."""
    d, group = E // H, H // kv_heads
    cuts = [E, E + kv_heads * d]

    def repeated(x: rt.Array) -> rt.Array:
        heads = rt.reshape(x, (kv_heads, d, *x.shape[1:]))
        return rt.reshape(rt.repeat(heads, group, axis=0), (E, *x.shape[1:]))

    def whole(x: rt.Array) -> rt.Array:
        q, k, v = rt.split(x, cuts)
        return rt.concat([q, repeated(k), repeated(v)])

    return params | {name: whole(params[name]) for name in ("in_proj_weight", "in_proj_bias")}


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_groups_share_keys_and_values(
    kv_heads: int, chunk_size: int | None, rng: np.random.Generator
) -> None:
    x = rt.asarray(rng.normal(size=(L, B, E)))
    mask = rt.asarray(rng.normal(size=(B * H, L, L)))
    padding = rt.asarray(np.arange(L) >= np.asarray([[3], [5]]))
    options: Any = {"need_weights": True, "average_attn_weights": False, "chunk_size": chunk_size}
    layer = nn.MultiHeadAttention(E, H, num_kv_heads=kv_heads, **options)
    params, _ = layer.init(rt.random.key(0), x)
    assert params["in_proj_weight"].shape == (E + 2 * kv_heads * E // H, E)
    full = nn.MultiHeadAttention(E, H, **options)
    for given in ({"query": x}, {"query": x, "attn_mask": mask, "key_padding_mask": padding}):
        wanted, _ = full.apply(in_full(params, kv_heads), {}, given)
        ours, _ = layer.apply(params, {}, given)
        for one, other in zip(ours, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    rt.check_grads(lambda p: layer.apply(p, {}, x)[0][0], (params,), order=1)


@pytest.mark.parametrize("rotary", [None, nn.rope])
def test_a_cache_of_groups(rotary: Any, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(L, B, E)))
    options: Any = {"num_kv_heads": 2, "rotary": rotary}
    cached = nn.MultiHeadAttention(E, H, cache_size=L, **options)
    params, state = cached.init(rt.random.key(0), x)
    assert state["key"].shape == (B, 2, L, E // H)
    wanted, _ = nn.MultiHeadAttention(E, H, is_causal=True, **options).apply(params, {}, x)
    step, outs = rt.jit(cached.apply), []
    for t in range(L):
        y, state = step(params, state, x[t : t + 1])
        outs.append(y)
    np.testing.assert_allclose(rt.concat(outs), wanted, rtol=1e-10)


def test_groups_with_features_of_their_own(rng: np.random.Generator) -> None:
    layer = nn.MultiHeadAttention(E, H, num_kv_heads=2, kdim=3, vdim=7, add_bias_kv=True)
    given = tuple(rt.asarray(rng.normal(size=(n, B, f))) for n, f in ((L, E), (S, 3), (S, 7)))
    params, _ = layer.init(rt.random.key(0), given)
    shapes = {name: p.shape for name, p in params.items() if name != "out_proj"}
    assert shapes == {
        "q_proj_weight": (8, 8), "k_proj_weight": (4, 3), "v_proj_weight": (4, 7),
        "in_proj_bias": (16,), "bias_k": (1, 1, 4), "bias_v": (1, 1, 4),
    }  # fmt: skip
    assert layer.apply(params, {}, given)[0].shape == (L, B, E)
    lanes = rt.vmap(lambda q, k, v: layer.apply(params, {}, (q, k, v))[0], 1, 1)(*given)
    np.testing.assert_allclose(lanes, layer.apply(params, {}, given)[0], rtol=1e-10)


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_query_that_sees_no_key(need_weights: bool, rng: np.random.Generator) -> None:
    """Zeros where torch's layer has nan, and torch's function zeros."""
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(L, B, E))
    layer = nn.MultiHeadAttention(E, H, need_weights=need_weights)
    params, _ = layer.init(rt.random.key(0), rt.asarray(x))
    given = {"query": rt.asarray(x), "attn_mask": np.arange(L)[:, None] + np.zeros(L) == 2}

    def loss(p: Any) -> Any:
        y = layer.apply(p, {}, given)[0]
        return rt.sum(y[0] if need_weights else y), y

    grads, y = rt.grad(loss, has_aux=True)(params)
    out = y[0] if need_weights else y
    np.testing.assert_array_equal(out[2], rt.broadcast_to(params["out_proj"]["bias"], (B, E)))
    assert all(bool(rt.all(rt.isfinite(g))) for g in rt.tree.leaves(grads))
    q = torch.tensor(x.swapaxes(0, 1), requires_grad=True)
    mask = torch.ones(L, L, dtype=torch.bool)
    mask[2] = False
    z = torch.nn.functional.scaled_dot_product_attention(q, q, q, mask)
    z.sum().backward()
    a = rt.asarray(x.swapaxes(0, 1))
    f = nn.scaled_dot_product_attention
    np.testing.assert_allclose(f(a, a, a, mask.numpy()), z.detach(), rtol=1e-10, atol=1e-12)
    ours = rt.grad(lambda a: rt.sum(f(a, a, a, mask.numpy())))(a)
    np.testing.assert_allclose(ours, q.grad, rtol=1e-9, atol=1e-12)


def test_dropout_of_weights_keeps_the_mean(rng: np.random.Generator) -> None:
    layer = nn.MultiHeadAttention(E, H, 0.5)
    x = rt.asarray(rng.normal(size=(L, B, E)))
    params, _ = layer.init(rt.random.key(0), x)
    plain, _ = layer.apply(params, {}, x)
    keys = rt.random.split(rt.random.key(1), 4000)
    many = rt.vmap(lambda k: layer.apply(params, {}, x, key=k, train=True)[0])(keys)
    error = np.asarray(rt.std(many, axis=0)) / np.sqrt(len(keys))
    assert np.all(np.abs(np.asarray(rt.mean(many, axis=0) - plain)) < 5 * error)


SPEC = rt.spec((L, B, E))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.MultiHeadAttention(E, H, num_kv_heads=3), errors.ArgumentError,
            r"\[MultiHeadAttention\] num_kv_heads: expected a divisor of num_heads 4, got 3",
        ),
        (
            lambda: nn.MultiHeadAttention(E, H, kdim=3).init(rt.random.key(0), SPEC),
            errors.ShapeError, r"key: expected 3 features, got float32\[5, 2, 8\]",
        ),
    ],
)  # fmt: skip
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
