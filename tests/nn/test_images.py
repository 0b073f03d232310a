"""What moves the pixels of images: pad, shuffles, fold and unfold, as PyTorch has them."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

# function, shape, arguments as of PyTorch
CASES: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("pad", (2, 3, 5), {"pad": (1, 2)}),
    ("pad", (2, 3, 5), {"pad": (1, 2, 0, 1, 2, 2), "value": 1.5}),
    ("pad", (2, 3, 5), {"pad": (-1, 2, 0, -2)}),
    ("pad", (2, 3, 5), {"pad": (2, 4), "mode": "reflect"}),
    ("pad", (2, 3, 5, 4), {"pad": (2, 1, 0, 3), "mode": "reflect"}),
    ("pad", (2, 3, 5, 4), {"pad": (2, 1, 0, 7), "mode": "replicate"}),
    ("pad", (2, 3, 5, 4), {"pad": (2, 1, 4, 5), "mode": "circular"}),
    ("pad", (2, 3, 5, 4), {"pad": (2, -1, -1, 2), "mode": "replicate"}),
    ("pad", (1, 2, 3, 4, 5), {"pad": (1, 1, 2, 0, 1, 2), "mode": "replicate"}),
    ("pad", (1, 2, 3, 4, 5), {"pad": (1, 1, 2, 0, 1, 2), "mode": "reflect"}),
    ("pixel_shuffle", (2, 12, 3, 4), {"upscale_factor": 2}),
    ("pixel_shuffle", (9, 3, 4), {"upscale_factor": 3}),
    ("pixel_unshuffle", (2, 3, 4, 6), {"downscale_factor": 2}),
    ("pixel_unshuffle", (2, 1, 3, 9, 6), {"downscale_factor": 3}),
    ("channel_shuffle", (2, 6, 3), {"groups": 2}),
    ("channel_shuffle", (2, 6, 3, 2), {"groups": 3}),
    ("unfold", (2, 3, 5, 6), {"kernel_size": 2}),
    ("unfold", (3, 5, 6), {"kernel_size": (3, 2), "padding": (1, 0), "stride": (2, 1)}),
    ("unfold", (2, 3, 7, 6), {"kernel_size": 3, "dilation": (1, 2), "stride": 2, "padding": 2}),
    ("fold", (2, 12, 20), {"output_size": (5, 6), "kernel_size": 2}),
    ("fold", (12, 9), {"output_size": 6, "kernel_size": 2, "stride": 2}),
    ("fold", (2, 18, 20), {"output_size": (7, 8), "kernel_size": 3, "dilation": (1, 2),
                           "stride": 2, "padding": 2}),
]  # fmt: skip
LAYER_OF = {"pad": "Pad", "pixel_shuffle": "PixelShuffle", "pixel_unshuffle": "PixelUnshuffle",
            "channel_shuffle": "ChannelShuffle", "unfold": "Unfold", "fold": "Fold"}  # fmt: skip
TURNING = ("pad", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle")


def ours(options: dict[str, Any]) -> dict[str, Any]:
    return {"padding" if name == "pad" else name: value for name, value in options.items()}


@pytest.mark.parametrize(("name", "shape", "options"), CASES, ids=str)
def test_it_is_that_of_torch(name: str, shape: Any, options: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=shape)
    t = torch.tensor(x, requires_grad=True)
    expected = getattr(torch.nn.functional, name)(t, **options)

    def f(x: Any) -> Any:
        return getattr(nn, name)(x, **ours(options))

    y, back = rt.vjp(f, rt.asarray(x))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-12)
    ct = rng.normal(size=y.shape)
    (bar,) = torch.autograd.grad(expected, t, torch.tensor(ct))
    np.testing.assert_allclose(back(rt.asarray(ct))[0], bar.numpy(), rtol=1e-12, atol=1e-12)
    assert f(rt.asarray(x, dtype=rt.bfloat16)).dtype == rt.bfloat16
    np.testing.assert_array_equal(rt.jit(f)(rt.asarray(x)), y)


@pytest.mark.parametrize(("name", "shape", "options"), CASES, ids=str)
def test_the_layer_and_lanes(name: str, shape: Any, options: Any, rng: np.random.Generator) -> None:
    xs = rt.asarray(rng.normal(size=(2, *shape)))
    make, function = getattr(nn, LAYER_OF[name]), getattr(nn, name)
    y = function(xs[0], **ours(options))
    layer = make(**ours(options))
    assert layer.init(None, xs[0]) == ({}, {})
    np.testing.assert_array_equal(layer.apply({}, {}, xs[0])[0], y)
    lanes = rt.vmap(lambda x: function(x, **ours(options)))(xs)
    np.testing.assert_array_equal(lanes[0], y)
    np.testing.assert_array_equal(lanes[1], function(xs[1], **ours(options)))
    if name in TURNING and len(options.get("pad", ())) < 2 * len(shape) - 3:
        axis = -3 if name.startswith("pixel") else 1
        turned, _ = make(**ours(options), data_format="NHWC").apply(
            {}, {}, rt.moveaxis(xs[0], axis, -1)
        )
        np.testing.assert_array_equal(rt.moveaxis(turned, -1, axis), y)


def test_a_number_pads_all_spatial_axes() -> None:
    x = rt.ones((1, 2, 3, 4))
    assert nn.pad(x, 2).shape == (1, 2, 7, 8)
    assert nn.Pad(1, data_format="NHWC").apply({}, {}, x)[0].shape == (1, 4, 5, 4)
    assert nn.pad(rt.asarray([1, 2]), (1, 0), value=7).tolist() == [7, 1, 2]


def test_fold_is_the_transpose_of_unfold(rng: np.random.Generator) -> None:
    x, ct = (rt.asarray(rng.normal(size=s)) for s in ((2, 5, 4), (8, 12)))
    inner = rt.sum(nn.unfold(x, 2) * ct)
    np.testing.assert_allclose(inner, rt.sum(x * nn.fold(ct, (5, 4), 2)), rtol=1e-12)


X = rt.ones((1, 2, 4, 4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.pad(X, 1, "mirror"), errors.ArgumentError, r"\[pad\] mode"),
        (lambda: nn.Pad((1, 2, 3)), errors.ArgumentError, r"\[Pad\] padding"),
        (lambda: nn.pad(X[0, 0], 1), errors.ShapeError, "state pairs instead"),
        (lambda: nn.pad(X[0, 0], (1,) * 6), errors.ShapeError, "3 pairs"),
        (lambda: nn.pad(X, (-3, -2)), errors.ShapeError, "fewer elements"),
        (lambda: nn.pad(X[..., :0], (1, 1), "reflect"), errors.ShapeError, "no empty axis"),
        (lambda: nn.pixel_shuffle(X, 2), errors.ShapeError, r"\[pixel_shuffle\] x: .* multiple"),
        (lambda: nn.PixelUnshuffle(3).apply({}, {}, X), errors.ShapeError,
         r"\[PixelUnshuffle\] x: .* multiple of 3"),
        (lambda: nn.PixelShuffle(0), errors.ArgumentError, r"\[PixelShuffle\] upscale_factor"),
        (lambda: nn.channel_shuffle(X, 3), errors.ShapeError, r"\[channel_shuffle\] x"),
        (lambda: nn.unfold(X, 5), errors.ShapeError, r"\[unfold\] the window \(5, 5\)"),
        (lambda: nn.Fold(4, 0), errors.ArgumentError, r"\[Fold\] kernel_size"),
        (lambda: nn.fold(rt.ones((4, 3)), 4, 2), errors.ShapeError, r"\[fold\] x: expected shape"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("call", [nn.fold, lambda x, *a: nn.Fold(*a).apply({}, {}, x)])
def test_fold_of_integers_says_so(call: Any) -> None:
    with pytest.raises(errors.DTypeError, match=r"\[(f|F)old\] x: expected floating.*int32"):
        call(rt.ones((4, 2), dtype=rt.int32), (2, 3), 2)
