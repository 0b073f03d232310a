"""Transformers, Embedding and Bilinear against PyTorch."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

STEPS, MEMORY, BATCH, FEATURES = 6, 4, 2, 8
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "norm first, batch first": {"norm_first": True, "batch_first": True},
    "gelu": {"activation": "gelu"},
    "without bias": {"bias": False},
}


def carried_over(module: Any) -> Any:
    params: dict[str, Any] = {}
    for name, p in module.named_parameters():
        *path, last = name.split(".")
        inner = params
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = rt.asarray(p.detach().numpy())
    return params


def gradients_of(module: Any) -> dict[str, Any]:
    return {
        "".join(f"[{part!r}]" for part in name.split(".")): p.grad
        for name, p in module.named_parameters()
    }


def ours_of(options: dict[str, Any]) -> dict[str, Any]:
    return options | ({"activation": nn.gelu} if "activation" in options else {})


def check_against(theirs: Any, wanted: Any, layer: nn.Layer, given: Any) -> None:
    (wanted**2).sum().backward()
    params = carried_over(theirs)

    def loss(params: Any) -> Any:
        y, _ = layer.apply(params, {}, given)
        return rt.sum(y**2), y

    grads, y = rt.jit(rt.grad(loss, has_aux=True))(params)
    np.testing.assert_allclose(y, wanted.detach(), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(layer.apply(params, {}, given)[0], y, rtol=1e-9, atol=1e-11)
    for (path, g), (name, t) in zip(
        sorted((rt.tree.keystr(path), g) for path, g in rt.tree.leaves_with_path(grads)),
        sorted(gradients_of(theirs).items()),
        strict=True,
    ):
        assert path == name
        np.testing.assert_allclose(g, t, rtol=1e-7, atol=1e-9)
    fresh, state = layer.init(rt.random.key(0), given)
    assert state == {}
    assert rt.tree.map(lambda p: p.shape, fresh) == rt.tree.map(lambda p: p.shape, params)


@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("depth", [0, 2])
def test_encoder_is_that_of_torch(
    depth: int, case: str, masked: bool, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    options = OPTIONS[case]
    torch.manual_seed(0)
    theirs = torch.nn.TransformerEncoderLayer(
        FEATURES, 2, 12, dropout=0.0, dtype=torch.float64, **options
    )
    layer = nn.TransformerEncoderLayer(FEATURES, 2, 12, 0.0, **ours_of(options))
    if depth:
        norm = torch.nn.LayerNorm(FEATURES, dtype=torch.float64)
        theirs = torch.nn.TransformerEncoder(theirs, depth, norm, enable_nested_tensor=False)
        layer = nn.TransformerEncoder(layer, depth, norm=True)
        torch.nn.init.normal_(theirs.layers[0].linear1.weight)  # torch's layers begin as copies
    shape = (BATCH, STEPS) if options.get("batch_first") else (STEPS, BATCH)
    src = rng.normal(size=(*shape, FEATURES))
    masks: dict[str, Any] = {}
    if masked:
        masks = {"src_mask": np.triu(np.ones((STEPS, STEPS), bool), 1),
                 "src_key_padding_mask": np.arange(STEPS) >= np.asarray([[4], [6]])}  # fmt: skip
    named = {k.replace("src_mask", "mask") if depth else k: torch.tensor(m)
             for k, m in masks.items()}  # fmt: skip
    wanted = theirs(torch.tensor(src), **named)
    check_against(theirs, wanted, layer, {"src": rt.asarray(src)} | masks)


@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("depth", [0, 2])
def test_decoder_is_that_of_torch(depth: int, case: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    options = OPTIONS[case]
    theirs = torch.nn.TransformerDecoderLayer(
        FEATURES, 2, 12, dropout=0.0, dtype=torch.float64, **options
    )
    layer = nn.TransformerDecoderLayer(FEATURES, 2, 12, 0.0, is_causal=True, **ours_of(options))
    if depth:
        theirs = torch.nn.TransformerDecoder(theirs, depth)
        layer = nn.TransformerDecoder(layer, depth)
    first = options.get("batch_first")
    tgt, memory = (
        rng.normal(size=(*((BATCH, n) if first else (n, BATCH)), FEATURES)) for n in (STEPS, MEMORY)
    )
    padding = np.arange(MEMORY) >= np.asarray([[4], [2]])
    causal = torch.nn.Transformer.generate_square_subsequent_mask(STEPS, dtype=torch.float64)
    wanted = theirs(torch.tensor(tgt), torch.tensor(memory), tgt_mask=causal,
                    memory_key_padding_mask=torch.tensor(padding))  # fmt: skip
    given = {"tgt": rt.asarray(tgt), "memory": rt.asarray(memory),
             "memory_key_padding_mask": padding}  # fmt: skip
    check_against(theirs, wanted, layer, given)


@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_with_all_masks_and_a_last_norm(
    norm_first: bool, kind: str, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    one = torch.nn.TransformerDecoderLayer(
        FEATURES, 2, 12, dropout=0.0, norm_first=norm_first, dtype=torch.float64
    )
    theirs = torch.nn.TransformerDecoder(one, 2, torch.nn.LayerNorm(FEATURES, dtype=torch.float64))
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.4)
    layer = nn.TransformerDecoderLayer(FEATURES, 2, 12, 0.0, norm_first=norm_first)
    tgt, memory = (rng.normal(size=(n, BATCH, FEATURES)) for n in (STEPS, MEMORY))
    shapes = {"tgt_mask": (STEPS, STEPS), "memory_mask": (STEPS, MEMORY),
              "tgt_key_padding_mask": (BATCH, STEPS),
              "memory_key_padding_mask": (BATCH, MEMORY)}  # fmt: skip
    masks: dict[str, Any] = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    if kind == "bool":
        masks = {name: mask > 0.8 for name, mask in masks.items()}
        for mask in masks.values():
            mask[..., 0] = False  # each query sees a key
    wanted = theirs(torch.tensor(tgt), torch.tensor(memory),
                    **{name: torch.tensor(mask) for name, mask in masks.items()})  # fmt: skip
    given = {"tgt": rt.asarray(tgt), "memory": rt.asarray(memory)} | masks
    check_against(theirs, wanted, nn.TransformerDecoder(layer, 2, norm=True), given)


def test_groups_of_heads_go_to_the_attention() -> None:
    x = rt.random.normal(rt.random.key(1), (STEPS, BATCH, 8))
    layer = nn.TransformerEncoderLayer(8, 4, 16, num_kv_heads=2, cache_size=STEPS)
    params, state = layer.init(rt.random.key(0), x)
    assert params["self_attn"]["in_proj_weight"].shape == (16, 8)
    assert state["self_attn"]["key"].shape == (BATCH, 2, STEPS, 2)
    assert layer.apply(params, state, x)[0].shape == x.shape


@pytest.mark.reuses_keys
def test_decoding_step_by_step(rng: np.random.Generator) -> None:
    def stack(**options: Any) -> nn.Layer:
        layer = nn.TransformerEncoderLayer(8, 2, 16, rotary=nn.rope, norm_first=True, **options)
        return nn.TransformerEncoder(layer, 2)

    x = rt.asarray(rng.normal(size=(STEPS, BATCH, 8)))
    params, state = stack(cache_size=STEPS).init(rt.random.key(0), x)
    wanted, _ = stack(is_causal=True).apply(params, {}, x)
    step = rt.jit(stack(cache_size=STEPS).apply)
    parts = []
    for i in range(STEPS):
        y, state = step(params, state, x[i : i + 1])
        parts.append(y)
    np.testing.assert_allclose(rt.concat(parts), wanted, rtol=1e-10, atol=1e-12)


def test_dropout_needs_a_key_and_changes_what_comes_out() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    x = rt.random.normal(rt.random.key(1), (STEPS, BATCH, 8))
    params, state = layer.init(rt.random.key(0), x)
    one, _ = layer.apply(params, state, x, key=rt.random.key(2), train=True)
    other, _ = layer.apply(params, state, x, key=rt.random.key(3), train=True)
    assert not bool(rt.all(one == other))
    with pytest.raises(errors.ArgumentError, match="got key=None"):
        layer.apply(params, state, x, train=True)


def test_vmap_is_a_loop(rng: np.random.Generator) -> None:
    layer = nn.TransformerDecoderLayer(8, 2, 16, is_causal=True)
    x, memory = rt.asarray(rng.normal(size=(2, STEPS, BATCH, 8)))
    params, _ = layer.init(rt.random.key(0), (x, memory))
    one = rt.vmap(lambda *pair: layer.apply(params, {}, pair)[0], 1, 1)(x, memory)
    np.testing.assert_allclose(one, layer.apply(params, {}, (x, memory))[0], rtol=1e-10)


@pytest.mark.parametrize("padding_idx", [None, 1, -1])
def test_embedding_is_that_of_torch(padding_idx: int | None, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Embedding(5, 3, padding_idx, dtype=torch.float64)
    ids = rng.integers(0, 5, (4, 6))
    wanted = theirs(torch.tensor(ids))
    (wanted**2).sum().backward()
    layer, params = nn.Embedding(5, 3, padding_idx), carried_over(theirs)
    np.testing.assert_array_equal(layer.apply(params, {}, ids)[0], wanted.detach())
    grads = rt.grad(lambda p: rt.sum(layer.apply(p, {}, rt.asarray(ids))[0] ** 2))(params)
    np.testing.assert_allclose(grads["weight"], theirs.weight.grad, rtol=1e-12)
    fresh, _ = layer.init(rt.random.key(0), rt.asarray(ids))
    if padding_idx is not None:
        assert fresh["weight"][padding_idx].tolist() == [0, 0, 0]


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_is_that_of_torch(bias: bool, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Bilinear(3, 4, 5, bias=bias, dtype=torch.float64)
    x1, x2 = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 4))
    wanted = theirs(torch.tensor(x1), torch.tensor(x2))
    check_against(theirs, wanted, nn.Bilinear(5, bias), (rt.asarray(x1), rt.asarray(x2)))


KEY = rt.random.key


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.TransformerEncoderLayer(8, 2).init(KEY(0), rt.spec((3, 2, 7))),
            errors.ShapeError,
            r"\[TransformerEncoderLayer\['self_attn'\] MultiHeadAttention\] query: expected 8",
        ),
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2).init(
                KEY(0), rt.spec((3, 2, 7))
            ),
            errors.ShapeError, r"\[TransformerEncoder\['layers.0'\] TransformerEncoderLayer\["
        ),
        (
            lambda: nn.TransformerDecoderLayer(8, 2).init(KEY(0), rt.spec((3, 2, 8))),
            errors.ArgumentError, r"expected \(tgt, memory\)",
        ),
        (lambda: nn.Embedding(5, 2, 5), errors.ArgumentError, "padding_idx: expected one of 5"),
        (
            lambda: nn.Embedding(5, 2).init(KEY(0), rt.spec((3,))), errors.DTypeError,
            r"\[Embedding\] x: expected integers",
        ),
        (
            lambda: nn.Bilinear(2).init(KEY(0), rt.spec((3, 2))), errors.ArgumentError,
            r"expected a pair \(x1, x2\)",
        ),
        (
            lambda: nn.Bilinear(2).init(KEY(0), (rt.spec((3, 2)), rt.spec((4, 2)))),
            errors.ShapeError, "agree in all axes but the last",
        ),
    ],
)  # fmt: skip
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def stack_of(x: Any, layers: int = 2) -> Any:
    layer = nn.TransformerEncoderLayer(4, 2, 8, norm_first=True)
    stack = nn.TransformerEncoder(layer, layers, norm=True)
    return stack, *stack.init(rt.random.key(layers), x)


@pytest.mark.parametrize("dtype", [rt.int32, rt.float16, rt.float64])
def test_the_last_norm_has_the_dtype_of_the_layers(dtype: Any) -> None:
    stack, params, state = stack_of(rt.spec((3, 2, 4), dtype))
    dtypes = {leaf.dtype for leaf in rt.tree.leaves(params)}
    assert dtypes == {rt.float32 if dtype == rt.int32 else dtype}
    y, _ = stack.apply(params, state, rt.ones((3, 2, 4), dtype=dtype))
    assert {y.dtype} == dtypes


def test_errors_in_a_stack_say_which_layer_and_norm() -> None:
    stack, params, state = stack_of(rt.spec((3, 2, 4)))
    place = r"TransformerEncoder\['layers.0'\] TransformerEncoderLayer\['norm1'\] LayerNorm"
    with pytest.raises(errors.ShapeError, match=place):
        stack.apply(params, state, rt.ones((3, 2, 5)))
    _, fewer, _ = stack_of(rt.spec((3, 2, 4)), layers=1)
    with pytest.raises(errors.TreeError, match=r"params\['layers'\].*\['0', '1'\], got \['0'\]"):
        stack.apply(fewer, state, rt.ones((3, 2, 4)))


def test_paths_in_a_summary_are_those_of_the_parameters() -> None:
    stack, params, _ = stack_of(rt.spec((3, 2, 4)))
    text = str(nn.summary(stack, rt.spec((3, 2, 4))))
    for name in ("layers.0.norm1", "layers.1.linear2", "norm"):
        assert f"\n{name} " in text
        assert any(path.startswith(f"{name}.") for path in nn.state_dict(params))
