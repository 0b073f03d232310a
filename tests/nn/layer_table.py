"""All public layers, each with an input: the table that `test_contract` goes through."""

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch import nn

Shape = tuple[int, ...]


class Case(NamedTuple):
    """A layer and what it is given.

    Attributes:
        make: Makes the layer.
        shapes: Of its input, or of its inputs, which it then takes as a tuple.
        bad: Shapes that do not fit parameters made for `shapes`, if there are such.
        random: Whether it draws random numbers while training.
        starts_random: Whether its parameters do.
        wide: Whether parameters and state are float32 for half precision.
        below: If given, the inputs are integers from 0 to this.
        batch: The axis of the batch, if there is one.
    """

    make: Callable[[], nn.Layer]
    shapes: tuple[Shape, ...]
    bad: tuple[Shape, ...] | None = None
    random: bool = False
    starts_random: bool = True
    wide: bool = False
    below: int | None = None
    batch: int | None = 0


def case(make: Callable[[], nn.Layer], *shapes: Shape, bad: Any = None, **options: Any) -> Case:
    bad = (bad,) if bad == () or (bad and isinstance(bad[0], int)) else bad
    return Case(make, shapes, bad, **options)


def plain(make: Callable[[], nn.Layer], shape: Shape, bad: Any = None, **options: Any) -> Case:
    """A layer that draws no parameters."""
    return case(make, shape, bad=bad, starts_random=False, **options)


IMAGES = {1: (2, 2, 6), 2: (2, 2, 4, 5), 3: (2, 2, 4, 4, 4)}  # batch, channels and spatial axes


def pooling(n: int) -> dict[str, Case]:
    shape, bad = IMAGES[n], (6,)
    return {
        f"MaxPool{n}d": plain(lambda: getattr(nn, f"MaxPool{n}d")(2), shape, bad),
        f"AvgPool{n}d": plain(lambda: getattr(nn, f"AvgPool{n}d")(2), shape, bad),
        f"LPPool{n}d": plain(lambda: getattr(nn, f"LPPool{n}d")(2, 2), shape, bad),
        f"AdaptiveAvgPool{n}d": plain(
            lambda: getattr(nn, f"AdaptiveAvgPool{n}d")(3), shape, bad),
        f"AdaptiveMaxPool{n}d": plain(
            lambda: getattr(nn, f"AdaptiveMaxPool{n}d")(2), shape, bad),
    }  # fmt: skip


def channelwise(n: int) -> dict[str, Case]:
    shape, bad = IMAGES[n], (2, 3, *IMAGES[n][2:])
    conv, transpose = getattr(nn, f"Conv{n}d"), getattr(nn, f"ConvTranspose{n}d")
    batch, instance = getattr(nn, f"BatchNorm{n}d"), getattr(nn, f"InstanceNorm{n}d")
    last = (2, *shape[2:], 2)
    return {
        f"Conv{n}d": case(lambda: conv(3, 2, padding=1), shape, bad=bad),
        f"Conv{n}d: NHWC": case(lambda: conv(4, 3, 2, groups=2, data_format="NHWC"), last),
        f"ConvTranspose{n}d": case(lambda: transpose(3, 2, 2), shape, bad=bad),
        f"BatchNorm{n}d": plain(batch, shape, bad, wide=True),
        f"InstanceNorm{n}d": plain(instance, shape, shape[1:-1]),
        f"InstanceNorm{n}d: tracking": plain(
            lambda: instance(affine=True, track_running_stats=True), shape, bad, wide=True),
        f"Dropout{n}d": plain(lambda: getattr(nn, f"Dropout{n}d")(0.4), shape, random=True),
    }  # fmt: skip


def resampling() -> dict[str, Case]:
    image, bad = IMAGES[2], (3,)
    return {
        "LocalResponseNorm": plain(lambda: nn.LocalResponseNorm(2), (2, 3, 4), bad),
        "Pad": plain(lambda: nn.Pad((1, 2, 0, 1), "reflect"), image, bad),
        "PixelShuffle": plain(lambda: nn.PixelShuffle(2), (2, 4, 2, 3), (2, 3, 2, 3)),
        "PixelUnshuffle": plain(lambda: nn.PixelUnshuffle(2), (2, 1, 4, 2), (2, 1, 3, 2)),
        "ChannelShuffle": plain(lambda: nn.ChannelShuffle(2), (2, 4, 3), (2, 3, 3)),
        "Unfold": plain(lambda: nn.Unfold(2, padding=1), image, bad),
        "Fold": plain(lambda: nn.Fold((3, 4), 2), (2, 8, 6), (2, 8, 5)),
        "Unflatten": plain(lambda: nn.Unflatten(1, (2, -1)), (2, 6), (2, 5)),
        "Upsample": plain(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), image, bad),
        "Upsample: nearest": plain(lambda: nn.Upsample(size=(3, 7)), image, bad),
    }  # fmt: skip


def unpooling(n: int) -> dict[str, Case]:
    pool, unpool = getattr(nn, f"MaxPool{n}d"), getattr(nn, f"MaxUnpool{n}d")
    return {
        f"MaxUnpool{n}d": plain(
            lambda: nn.serial(pool(2, return_indices=True), unpool(2)), (2, 2, *(4,) * n), (6,))
    }  # fmt: skip


def depthwise(n: int) -> dict[str, Case]:
    shape, bad = IMAGES[n], (2, 3, *IMAGES[n][2:])
    deep, separable = getattr(nn, f"DepthwiseConv{n}d"), getattr(nn, f"SeparableConv{n}d")
    return {
        f"DepthwiseConv{n}d": case(lambda: deep(2, multiplier=2), shape, bad=bad),
        f"SeparableConv{n}d": case(lambda: separable(3, 2), shape, bad=bad),
    }


def wrappers() -> dict[str, Case]:
    return {
        "weight_norm": case(lambda: nn.weight_norm(nn.Linear(3)), (2, 2), bad=(2, 3)),
        "weight_norm: of a transposed convolution": case(
            lambda: nn.weight_norm(nn.ConvTranspose1d(2, 2), axis=1), (2, 3, 4), bad=(2, 2, 4)),
        "spectral_norm": case(lambda: nn.spectral_norm(nn.Linear(3)), (2, 2), bad=(2, 3)),
        "spectral_norm: of a convolution": case(
            lambda: nn.spectral_norm(nn.Conv1d(3, 2)), (2, 2, 4), bad=(2, 3, 4)),
    }  # fmt: skip


def recurrent(name: str) -> dict[str, Case]:
    make, cell, bad = getattr(nn, name), getattr(nn, f"{name}Cell"), (3, 2, 4)
    return {
        name: case(lambda: make(2), (3, 2, 3), bad=bad, batch=1),
        f"{name}: two ways, deep": case(
            lambda: make(2, 2, bidirectional=True, dropout=0.3, return_state=True), (3, 2, 3),
            bad=bad, random=True, batch=1),
        f"{name}Cell": case(lambda: cell(2), (2, 3), bad=(2, 4)),
        f"{name}Cell: without bias": case(lambda: cell(2, bias=False), (2, 3), bad=(2, 4)),
    }  # fmt: skip


def attention() -> dict[str, Case]:
    def encoder(**options: Any) -> nn.Layer:
        return nn.TransformerEncoderLayer(4, 2, 3, 0.2, **options)

    def decoder(**options: Any) -> nn.Layer:
        return nn.TransformerDecoderLayer(4, 2, 3, 0.2, **options)

    one, two = (3, 2, 4), ((3, 2, 4), (2, 2, 4))
    bad = (3, 2, 6)
    return {
        "MultiHeadAttention": case(
            lambda: nn.MultiHeadAttention(4, 2, 0.2), one, bad=bad, random=True, batch=1),
        "MultiHeadAttention: three inputs": case(
            lambda: nn.MultiHeadAttention(4, 2, batch_first=True, need_weights=True),
            (2, 3, 4), (2, 2, 3), (2, 2, 5), bad=((2, 3, 4), (2, 2, 3), (2, 2, 6))),
        "MultiHeadAttention: cache": case(
            lambda: nn.MultiHeadAttention(4, 2, cache_size=9, bias=False), one, bad=bad,
            batch=None),
        "TransformerEncoderLayer": case(encoder, one, bad=bad, random=True, batch=1),
        "TransformerEncoderLayer: norm first": case(
            lambda: encoder(norm_first=True, bias=False), one, bad=bad, random=True, batch=1),
        "TransformerDecoderLayer": case(
            decoder, *two, bad=(bad, two[1]), random=True, batch=1),
        "TransformerEncoder": case(
            lambda: nn.TransformerEncoder(encoder(), 2, norm=True), one, bad=bad, random=True,
            batch=1),
        "TransformerEncoder: cache": case(
            lambda: nn.TransformerEncoder(
                nn.TransformerEncoderLayer(4, 2, 3, 0.0, cache_size=9), 2),
            one, bad=bad, batch=None),
        "TransformerDecoder": case(
            lambda: nn.TransformerDecoder(decoder(), 2), *two, bad=(bad, two[1]), random=True,
            batch=1),
        "SinusoidalPositions": plain(nn.SinusoidalPositions, one, (4,), batch=1),
        "LearnedPositions": case(lambda: nn.LearnedPositions(4), one, bad=(5, 2, 4), batch=1),
    }  # fmt: skip


def combinators() -> dict[str, Case]:
    def mixed() -> nn.Layer:
        return nn.serial(nn.Linear(3), nn.BatchNorm1d(), nn.tanh, nn.Dropout(0.2))

    def scale(key: Any, spec: Any) -> Any:
        return {"scale": rt.ones(spec.shape[-1], dtype=spec.dtype)}

    return {
        "serial": case(mixed, (3, 2), bad=(3, 4), random=True, wide=True),
        "serial: empty": plain(nn.serial, (3, 2)),
        "parallel": case(
            lambda: nn.parallel(nn.Linear(2), nn.tanh), (2, 3), (2,), bad=((2, 4), (2,))),
        "fan_out": case(
            lambda: nn.fan_out(nn.Linear(2), ("b", nn.BatchNorm1d())), (3, 2), bad=(3, 4),
            wide=True),
        "residual": case(
            lambda: nn.residual(nn.Linear(3), nn.tanh, shortcut=nn.Linear(3, bias=False)), (2, 2),
            bad=(2, 3)),
        "repeat": case(
            lambda: nn.repeat(nn.serial(nn.Linear(3), nn.Dropout(0.2)), 2), (2, 3), bad=(2, 4),
            random=True),
        "repeat: with a state": case(
            lambda: nn.repeat(nn.serial(nn.Linear(3), nn.BatchNorm1d()), 2), (4, 3), bad=(4, 2),
            wide=True),
        "repeat: of a function": plain(lambda: nn.repeat(nn.tanh, 2), (2, 3)),
        "lambda_": plain(lambda: nn.lambda_(nn.softmax, axis=-1), (2, 3), ()),
        "as_layer": plain(lambda: nn.as_layer(nn.gelu), (2, 3)),
        "stateless": plain(
            lambda: nn.stateless(scale, lambda params, x: x * params["scale"]), (2, 3)),
        "Policy": case(
            lambda: nn.Policy(rt.float64, rt.float64, rt.float64).wrap(mixed()), (3, 2),
            bad=(3, 4), random=True),
    }  # fmt: skip


CASES: dict[str, Case] = {
    "Linear": case(lambda: nn.Linear(4), (2, 3), bad=(2, 2)),
    "Linear: without bias": case(lambda: nn.Linear(4, bias=False), (2, 2, 3), bad=()),
    "Bilinear": case(lambda: nn.Bilinear(2), (2, 3), (2, 4), bad=((2, 3), (2, 3))),
    "Embedding": case(lambda: nn.Embedding(5, 3), (2, 2), below=5),
    "Embedding: padding": case(lambda: nn.Embedding(5, 3, 0), (4,), below=5),
    "EmbeddingBag": case(lambda: nn.EmbeddingBag(5, 3), (2, 2), below=5),
    "PReLU": plain(nn.PReLU, (2, 3)),
    "PReLU: channels": plain(lambda: nn.PReLU(3), (2, 3, 2), (2, 2, 2)),
    "RReLU": plain(nn.RReLU, (2, 3), random=True),
    "Dropout": plain(lambda: nn.Dropout(0.3), (3, 4), random=True),
    "AlphaDropout": plain(lambda: nn.AlphaDropout(0.3), (3, 4), random=True),
    "FeatureAlphaDropout": plain(
        lambda: nn.FeatureAlphaDropout(0.4), (3, 4, 2), random=True),
    "Flatten": plain(nn.Flatten, (2, 3, 2), (2,)),
    "LayerNorm": plain(nn.LayerNorm, (2, 3), (2, 4)),
    "LayerNorm: two axes": plain(lambda: nn.LayerNorm((3, 2), bias=False), (2, 3, 2), (3, 3)),
    "RMSNorm": plain(nn.RMSNorm, (2, 3), (2, 4)),
    "GroupNorm": plain(lambda: nn.GroupNorm(2), (2, 4, 3), (2, 6, 3)),
    "GlobalAvgPool": plain(nn.GlobalAvgPool, (2, 3, 4), (2, 3)),
    "GlobalMaxPool": plain(nn.GlobalMaxPool, (2, 3, 2, 2), (2, 3)),
    **{name: row for n in (1, 2, 3) for part in (pooling, channelwise, unpooling, depthwise)
       for name, row in part(n).items()},
    **{name: row for kind in ("RNN", "LSTM", "GRU") for name, row in recurrent(kind).items()},
    **attention(),
    **resampling(),
    **wrappers(),
    **combinators(),
}  # fmt: skip
