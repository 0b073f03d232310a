"""Weights go from PyTorch's layers to the equal ones here and back, with the same output."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch import nn

torch = pytest.importorskip("torch")
T = torch.nn
D = torch.float64

pytestmark = [
    pytest.mark.reuses_keys,
    pytest.mark.filterwarnings("ignore:enable_nested_tensor"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]


class Pair(NamedTuple):
    """One layer in both libraries, and shapes of its inputs; integers are drawn below `below`."""

    theirs: Callable[[], Any]
    ours: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    below: int | None = None
    rename: Any = None


def same(name: str, shape: tuple[int, ...], *torch_args: Any, **options: Any) -> Pair:
    """A layer of one name, which here does not take the size of its input."""
    ours, theirs = getattr(nn, name), getattr(T, name)
    return Pair(lambda: theirs(*torch_args, **options), lambda: ours(*torch_args[1:], **options),
                (shape,))  # fmt: skip


def norm(name: str, shape: tuple[int, ...], **options: Any) -> Pair:
    return same(name, shape, shape[1], **options)


RNNS = {
    f"{kind} {options}": same(kind, (5, 2, 3), 3, 4, **options)
    for kind in ("RNN", "LSTM", "GRU")
    for options in (
        {},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": True},
    )
} | {
    "RNN relu": same("RNN", (5, 2, 3), 3, 4, nonlinearity="relu"),
    "LSTM with a projection": same(
        "LSTM", (5, 2, 3), 3, 4, proj_size=2, num_layers=2, bidirectional=True
    ),
}


def encoder_layer(library: Any, **options: Any) -> Any:
    return library.TransformerEncoderLayer(4, 2, 6, 0.0, **options)


def decoder_layer(library: Any, **options: Any) -> Any:
    return library.TransformerDecoderLayer(4, 2, 6, 0.0, **options)


TRANSFORMERS = {
    "MultiheadAttention": Pair(
        lambda: SelfAttention(), lambda: nn.serial(("attn", nn.MultiHeadAttention(4, 2))),
        ((5, 2, 4),),
    ),
    "MultiheadAttention of three": Pair(
        lambda: Attention(4, 2, kdim=3, vdim=5), lambda: nn.MultiHeadAttention(4, 2),
        ((5, 2, 4), (6, 2, 3), (6, 2, 5)), rename=lambda name: f"attn.{name}",
    ),
    "encoder layer": Pair(
        lambda: encoder_layer(T), lambda: encoder_layer(nn), ((5, 2, 4),)
    ),
    "encoder layer, norm first": Pair(
        lambda: encoder_layer(T, norm_first=True, batch_first=True, activation="gelu"),
        lambda: encoder_layer(nn, norm_first=True, batch_first=True, activation=nn.gelu),
        ((2, 5, 4),),
    ),
    "encoder layer without bias": Pair(
        lambda: encoder_layer(T, bias=False), lambda: encoder_layer(nn, bias=False), ((5, 2, 4),)
    ),
    "encoder": Pair(
        lambda: T.TransformerEncoder(encoder_layer(T), 2, T.LayerNorm(4)),
        lambda: nn.TransformerEncoder(encoder_layer(nn), 2, norm=True), ((5, 2, 4),),
    ),
    "encoder as a repeated layer": Pair(
        lambda: T.TransformerEncoder(encoder_layer(T), 3),
        lambda: nn.serial(("layers", nn.repeat(encoder_layer(nn), 3))), ((5, 2, 4),),
    ),
    "decoder layer": Pair(
        lambda: decoder_layer(T), lambda: decoder_layer(nn), ((5, 2, 4), (3, 2, 4))
    ),
    "decoder": Pair(
        lambda: T.TransformerDecoder(decoder_layer(T), 2, T.LayerNorm(4)),
        lambda: nn.TransformerDecoder(decoder_layer(nn), 2, norm=True), ((5, 2, 4), (3, 2, 4)),
    ),
}  # fmt: skip


class Attention(T.Module):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        self.attn = T.MultiheadAttention(*args, **options)

    def forward(self, query: Any, key: Any, value: Any) -> Any:
        return self.attn(query, key, value)[0]


class SelfAttention(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn = T.MultiheadAttention(4, 2)

    def forward(self, x: Any) -> Any:
        return self.attn(x, x, x)[0]


class Block(T.Module):
    """A block of a ResNet, as torchvision names its parts."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = T.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = T.BatchNorm2d(out)
        self.conv2 = T.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = T.BatchNorm2d(out)
        self.downsample = None
        if stride > 1:
            self.downsample = T.Sequential(
                T.Conv2d(channels, out, 1, stride, bias=False), T.BatchNorm2d(out)
            )

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = T.Conv2d(1, 2, 3, padding=1, bias=False), T.BatchNorm2d(2)
        self.layer1 = T.Sequential(Block(2, 2, 1), Block(2, 2, 1))
        self.layer2 = T.Sequential(Block(2, 3, 2))
        self.fc = T.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


def block(out: int, stride: int) -> Any:
    down = nn.serial(nn.Conv2d(out, 1, stride, bias=False), nn.BatchNorm2d())
    return nn.serial(
        nn.residual(
            ("conv1", nn.Conv2d(out, 3, stride, 1, bias=False)), ("bn1", nn.BatchNorm2d()),
            ("relu", nn.relu), ("conv2", nn.Conv2d(out, 3, 1, 1, bias=False)),
            ("bn2", nn.BatchNorm2d()), shortcut=down if stride > 1 else nn.identity,
        ),
        nn.relu,
    )  # fmt: skip


def resnet() -> Any:
    return nn.serial(
        ("conv1", nn.Conv2d(2, 3, padding=1, bias=False)), ("bn1", nn.BatchNorm2d()),
        ("relu", nn.relu), ("layer1", nn.serial(block(2, 1), block(2, 1))),
        ("layer2", nn.serial(block(3, 2))), ("pool", nn.GlobalAvgPool()), ("fc", nn.Linear(4)),
    )  # fmt: skip


def resnet_names(name: str) -> str:
    return name.replace(".0.body.", ".").replace(".0.shortcut.", ".downsample.")


def conv_net(library: Any, *inputs: int) -> list[Any]:
    """The layers; torch's also take the sizes of their inputs."""
    sizes = iter(inputs)
    of = (lambda: (next(sizes),)) if inputs else tuple
    return [
        library.Conv2d(*of(), 3, 3), library.BatchNorm2d(*of()), library.MaxPool2d(2),
        library.Flatten(), library.Linear(*of(), 5), library.BatchNorm1d(*of()),
    ]  # fmt: skip


def parametrized(name: str) -> str:
    """As `torch.nn.utils.parametrizations` calls them."""
    for ours, theirs in (
        ("_g", ".original0"), ("_orig", ".original"), ("_u", ".0._u"),
        ("_v", ".0._v" if name.startswith("conv") else ".original1"),
    ):  # fmt: skip
        if name.endswith(ours):
            return name.removesuffix(ours).replace("weight", "parametrizations.weight") + theirs
    return name


def normed(norm: str) -> Any:
    wrap = getattr(torch.nn.utils.parametrizations, norm)
    return T.Sequential(OrderedDict(conv=wrap(T.Conv1d(2, 3, 2))))


PAIRS = {
    "Linear": same("Linear", (2, 3), 3, 4),
    "Linear without bias": same("Linear", (2, 3), 3, 4, bias=False),
    "Bilinear": Pair(lambda: T.Bilinear(3, 4, 5), lambda: nn.Bilinear(5), ((2, 3), (2, 4))),
    "Embedding": Pair(
        lambda: T.Embedding(7, 4, 0), lambda: nn.Embedding(7, 4, 0), ((2, 3),), below=7
    ),
    "EmbeddingBag": Pair(
        lambda: T.EmbeddingBag(7, 4), lambda: nn.EmbeddingBag(7, 4), ((2, 3),), below=7
    ),
    "weight_norm": Pair(
        lambda: torch.nn.utils.parametrizations.weight_norm(T.Linear(3, 4)),
        lambda: nn.weight_norm(nn.Linear(4)), ((2, 3),), rename=parametrized,
    ),
    "spectral_norm": Pair(
        lambda: normed("spectral_norm"),
        lambda: nn.serial(("conv", nn.spectral_norm(nn.Conv1d(3, 2)))), ((2, 2, 5),),
        rename=parametrized,
    ),
    "PReLU": Pair(lambda: T.PReLU(3), lambda: nn.PReLU(3), ((2, 3, 4),)),
    "Conv1d": same("Conv1d", (2, 4, 9), 4, 6, 3, stride=2, padding=1, groups=2),
    "Conv2d": same("Conv2d", (2, 4, 6, 7), 4, 6, (3, 2), dilation=2, groups=2),
    "Conv2d circular": same("Conv2d", (1, 2, 4, 5), 2, 3, 3, padding=1, padding_mode="circular"),
    "Conv3d": same("Conv3d", (1, 2, 3, 4, 4), 2, 3, 2, bias=False),
    "ConvTranspose1d": same("ConvTranspose1d", (2, 4, 5), 4, 6, 3, stride=2, groups=2),
    "ConvTranspose2d": same(
        "ConvTranspose2d", (2, 4, 3, 3), 4, 2, 3, stride=2, padding=1, output_padding=1
    ),
    "ConvTranspose3d": same("ConvTranspose3d", (1, 2, 2, 2, 3), 2, 3, 2),
    "BatchNorm1d": norm("BatchNorm1d", (4, 3)),
    "BatchNorm2d": norm("BatchNorm2d", (4, 3, 2, 2), affine=False),
    "BatchNorm3d": norm("BatchNorm3d", (2, 3, 2, 2, 2), momentum=None),
    "InstanceNorm1d": norm("InstanceNorm1d", (4, 3, 5), affine=True, track_running_stats=True),
    "InstanceNorm2d": norm("InstanceNorm2d", (4, 3, 2, 2), affine=True),
    "InstanceNorm3d": norm("InstanceNorm3d", (2, 3, 2, 2, 2), track_running_stats=True),
    "LayerNorm": Pair(lambda: T.LayerNorm((3, 4)), lambda: nn.LayerNorm((3, 4)), ((2, 3, 4),)),
    "GroupNorm": Pair(lambda: T.GroupNorm(2, 4), lambda: nn.GroupNorm(2), ((2, 4, 3),)),
    "RMSNorm": Pair(lambda: T.RMSNorm(4), lambda: nn.RMSNorm(4), ((2, 4),)),
    "RNNCell": same("RNNCell", (2, 3), 3, 4),
    "LSTMCell": same("LSTMCell", (2, 3), 3, 4),
    "GRUCell": same("GRUCell", (2, 3), 3, 4, bias=False),
    "Sequential": Pair(
        lambda: T.Sequential(*conv_net(T, 1, 3, 12, 5)), lambda: nn.serial(*conv_net(nn)),
        ((4, 1, 6, 6),),
    ),
    "ResNet": Pair(ResNet, resnet, ((2, 1, 6, 6),), rename=resnet_names),
} | RNNS | TRANSFORMERS  # fmt: skip


def first(y: Any) -> Any:
    """The output itself, where there are states too."""
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize("name", PAIRS)
def test_both_ways(name: str, rng: np.random.Generator) -> None:
    pair = PAIRS[name]
    xs = [rng.normal(size=shape) if pair.below is None else rng.integers(0, pair.below, shape)
          for shape in pair.shapes]  # fmt: skip
    tensors, arrays = [torch.tensor(x) for x in xs], tuple(map(rt.asarray, xs))
    inputs = arrays if len(arrays) > 1 else arrays[0]
    theirs, ours = pair.theirs().to(D), pair.ours()
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.3)
    theirs(*tensors)  # a batch goes into running statistics
    like = ours.init(rt.random.key(0), rt.eval_shape(lambda x: x, inputs))
    like = nn.cast(like, rt.float64)

    params, state = nn.load_state_dict(theirs.state_dict(), like, rename=pair.rename)
    theirs.eval()
    y, _ = ours.apply(params, state, inputs)
    np.testing.assert_allclose(first(y), first(theirs(*tensors)).detach(), 1e-10, 1e-12)

    rt.tree.map(lambda a, b: a.dtype == b.dtype or pytest.fail("dtype"), (params, state), like)
    params = rt.tree.map(lambda p: 1.5 * p, params)
    theirs.load_state_dict(
        {key: torch.from_dlpack(value)
         for key, value in nn.state_dict(params, state, rename=pair.rename).items()}
    )  # fmt: skip
    y, _ = ours.apply(params, state, inputs)
    np.testing.assert_allclose(first(y), first(theirs(*tensors)).detach(), 1e-10, 1e-12)


def test_tensors_of_all_kinds() -> None:
    like = {"w": rt.zeros(2)}, {"n": rt.asarray(0)}
    parameter = torch.nn.Parameter(torch.ones(2))
    params, state = nn.load_state_dict({"w": parameter, "n": torch.tensor(3)}, like)
    assert params["w"].tolist() == [1, 1]
    assert state["n"].tolist() == 3
    with torch.no_grad():
        parameter.fill_(7)
    assert params["w"].tolist() == [1, 1]
    half = {"w": torch.ones(2, dtype=torch.bfloat16) / 3, "n": torch.tensor(3, dtype=torch.int32)}
    params, state = nn.load_state_dict(half, like)
    assert params["w"].dtype == rt.float32
    assert state["n"].dtype == rt.int64
    assert params["w"].tolist() == half["w"].tolist()
    assert nn.load_state_dict(half, like, dtype=rt.bfloat16)[0]["w"].dtype == rt.bfloat16
