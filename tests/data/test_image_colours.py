"""Colours, blur, holes and mixtures against Pillow, the standard library, PyTorch and formulas."""

import colorsys
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.data import image
from rtorch.errors import ArgumentError, DTypeError, ShapeError


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (image.adjust_brightness, "Brightness"),
        (image.adjust_contrast, "Contrast"),
        (image.adjust_saturation, "Color"),
    ],
)
def test_colours_are_those_of_pillow(function: Any, kind: str, factor: float, rng: Any) -> None:
    enhance = pytest.importorskip("PIL.ImageEnhance")
    pillow = pytest.importorskip("PIL.Image")
    x = noise(rng, 3, 16, 17)
    picture = pillow.fromarray(np.moveaxis(x, 0, -1))
    expected = np.moveaxis(np.asarray(getattr(enhance, kind)(picture).enhance(factor)), -1, 0)
    # Pillow rounds the grey first, and cuts off what rtorch rounds.
    assert np.abs(np.asarray(function(x, factor)).astype(int) - expected).max() <= 2
    as_floats = function(x / 255, factor)
    np.testing.assert_allclose(np.asarray(as_floats) * 255, expected, atol=2)


def test_grey_is_that_of_pillow(rng: Any) -> None:
    pillow = pytest.importorskip("PIL.Image")
    x = noise(rng, 3, 16, 17)
    expected = np.asarray(pillow.fromarray(np.moveaxis(x, 0, -1)).convert("L")).astype(int)
    assert np.abs(np.asarray(image.grayscale(x))[0] - expected).max() <= 1
    assert image.grayscale(x, 3).shape == (3, 16, 17)


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.4, 0.5, 1 / 3])
def test_hue_is_that_of_colorsys(shift: float, rng: Any) -> None:
    x = rng.random((3, 5, 6))
    x[:, 0, 0] = 0.3  # grey
    x[:, 0, 1] = (0.7, 0.7, 0.1)  # two largest
    expected = np.empty_like(x)
    for i, j in np.ndindex(5, 6):
        h, s, v = colorsys.rgb_to_hsv(*x[:, i, j])
        expected[:, i, j] = colorsys.hsv_to_rgb((h + shift) % 1.0, s, v)
    np.testing.assert_allclose(image.adjust_hue(x, shift), expected, atol=1e-6)


def test_jitter_does_the_four_in_some_order(rng: Any) -> None:
    """With ranges of one number the draw is the order alone."""
    x = rng.random((3, 4, 5))
    steps = [
        partial(image.adjust_brightness, factor=1.4), partial(image.adjust_contrast, factor=0.5),
        partial(image.adjust_saturation, factor=1.6), partial(image.adjust_hue, shift=0.2),
    ]  # fmt: skip
    results = []
    for order in permutations(steps):
        y = x
        for step in order:
            y = step(y)
        results.append(np.asarray(y))
    jittered = np.asarray(
        image.color_jitter(
            np.broadcast_to(x, (150, *x.shape)), rt.random.key(0),
            (1.4, 1.4), (0.5, 0.5), (1.6, 1.6), (0.2, 0.2),
        )
    )  # fmt: skip
    seen = {
        min(range(24), key=lambda i: np.abs(results[i] - y).max()): np.abs(results - y[None])
        .max(axis=(1, 2, 3))
        .min()
        for y in jittered
    }
    assert max(seen.values()) < 1e-5
    assert len(seen) > 15


def test_jitter_draws_from_its_range() -> None:
    x = np.full((2000, 3, 1, 1), 0.5, np.float32)
    y = np.asarray(image.color_jitter(x, rt.random.key(0), brightness=0.4))[:, 0, 0, 0] * 2
    assert 0.6 <= y.min() < 0.62
    assert 1.38 < y.max() <= 1.4
    np.testing.assert_array_equal(image.color_jitter(x, rt.random.key(1)), x)


def test_blur_is_a_convolution(rng: Any) -> None:
    torch = pytest.importorskip("torch")
    x = rng.random((2, 3, 9, 11))
    kernels = []
    for size, sigma in ((5, 1.2), (3, 1.2)):
        density = np.exp(-0.5 * (np.arange(size) - size // 2) ** 2 / sigma**2)
        kernels.append(density / density.sum())
    kernel = np.broadcast_to(np.outer(*kernels), (3, 1, 5, 3)).copy()
    padded = torch.nn.functional.pad(torch.tensor(x), (1, 1, 2, 2), mode="reflect")
    expected = torch.nn.functional.conv2d(padded, torch.tensor(kernel), groups=3)
    np.testing.assert_allclose(image.gaussian_blur(x, (5, 3), 1.2), expected.numpy(), rtol=1e-10)
    each = image.gaussian_blur(x, 5, [0.5, 2.0])
    np.testing.assert_allclose(each[1], image.gaussian_blur(x[1], 5, 2.0), rtol=1e-10)


def test_dtypes() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(image.to_uint8(image.to_float(levels)), levels)
    torch = pytest.importorskip("torch")
    expected = torch.tensor(levels).to(torch.float32).div(255).numpy()
    np.testing.assert_array_equal(image.to_float(levels), expected)
    assert image.to_float(levels, rt.float16).dtype == rt.float16


def test_normalize(rng: Any) -> None:
    x = noise(rng, 4, 3, 5, 6)
    mean, std = image.channel_statistics(x)
    y = image.normalize(image.to_float(x), mean, std)
    np.testing.assert_allclose(np.asarray(y).mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(np.asarray(y).std(axis=(0, 2, 3)), 1, atol=1e-5)
    np.testing.assert_array_equal(image.to_uint8(image.denormalize(y, mean, std)), x)


def test_holes() -> None:
    x = np.ones((400, 1, 20, 30), np.float32)
    hole = 1 - np.asarray(image.random_erasing(x, rt.random.key(0), p=0.5))[:, 0]
    areas = hole.sum(axis=(1, 2))
    assert 0.4 < (areas > 0).mean() < 0.6
    assert areas[areas > 0].min() > 0.015 * 600
    assert areas.max() < 0.36 * 600
    for one in hole[areas > 0]:  # a box
        rows, columns = one.any(axis=1), one.any(axis=0)
        np.testing.assert_array_equal(one, np.outer(rows, columns))
    cut = 1 - np.asarray(image.cutout(x, rt.random.key(1), (4, 6)))[:, 0]
    assert cut.sum(axis=(1, 2)).max() == 24
    assert cut.any(axis=0).all(), "corners too"


@pytest.mark.parametrize("function", [image.mixup, image.cutmix])
@pytest.mark.parametrize("jit", [False, True])
def test_mixtures_have_the_labels_of_what_is_in_them(function: Any, jit: bool) -> None:
    """Each image is full of its own number, so that it shows of what it was mixed."""
    n = 12
    x = np.broadcast_to(np.eye(n, dtype=np.float32)[:, :, None, None], (n, n, 8, 9))
    labels = rt.arange(n)
    mix = partial(function, num_classes=n, alpha=1.0)
    mix = rt.jit(mix) if jit else mix
    y, soft = mix(x, labels, key=rt.random.key(0))
    np.testing.assert_allclose(np.asarray(y).mean(axis=(2, 3)), soft, atol=1e-5)
    np.testing.assert_allclose(np.asarray(soft).sum(axis=1), 1, rtol=1e-5)
    assert len(np.unique(np.asarray(soft).max(axis=1).round(3))) > 3, "shares of their own"
    given = function(x, np.eye(n, dtype=np.float32), rt.random.key(1), alpha=1.0)[1]
    assert given.shape == (n, n)


def test_rand_augment_without_strength_changes_little(rng: Any) -> None:
    x = rng.random((30, 3, 8, 8)).astype(np.float32)
    x[:, :, 0, 0], x[:, :, 0, 1] = 0, 1  # full range already
    y = np.asarray(image.rand_augment(x, rt.random.key(0), magnitude=0))
    assert np.abs(y - x).max() <= 1 / 255
    strong = np.asarray(image.rand_augment(x, rt.random.key(1), magnitude=30))
    assert (np.abs(strong - x).max(axis=(1, 2, 3)) > 0.1).mean() > 0.8
    assert strong.min() >= -1e-6
    assert strong.max() <= 1 + 1e-6


def test_rand_augment_is_made_of_the_parts() -> None:
    """Every result of one change is one of those that the functions give."""
    rng = np.random.default_rng(0)
    x, level = rng.random((3, 9, 8)), 15 / 30
    lean = np.rad2deg(np.arctan(0.3 * level))
    allowed = [x]
    for sign in (-1, 1):
        allowed += [image.affine(x, shear=(sign * lean, 0), mode="nearest")]
        allowed += [image.affine(x, shear=(0, sign * lean), mode="nearest")]
        allowed += [image.affine(x, translate=(sign * 2, 0), mode="nearest")]
        allowed += [image.rotate(x, sign * 15)]
        allowed += [
            f(x, 1 + sign * 0.45)
            for f in (image.adjust_brightness, image.adjust_contrast, image.adjust_saturation)
        ]
    allowed += [image.affine(x, translate=(0, sign * 2.0), mode="nearest") for sign in (-1, 1)]
    allowed += [np.floor(np.round(x * 255) / 4) * 4 / 255, np.where(x >= 128 / 255, 1 - x, x)]
    low, high = x.min(axis=(1, 2), keepdims=True), x.max(axis=(1, 2), keepdims=True)
    allowed += [(x - low) / (high - low)]
    table = np.stack([np.asarray(a) for a in allowed])
    y = np.asarray(image.rand_augment(np.broadcast_to(x, (200, *x.shape)), rt.random.key(0), 1, 15))
    distances = np.abs(y[:, None] - table[None]).max(axis=(2, 3, 4))
    assert distances.min(axis=1).max() < 1e-5
    assert len(set(distances.argmin(axis=1))) >= len(allowed) - 2


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: image.normalize(noise(np.random.default_rng(0), 3, 4, 5), 0, 1), DTypeError,
         "to_float makes one of it"),
        (lambda x: image.normalize(x, [0, 1], 1), ShapeError, "mean: expected a number or one for"),
        (lambda x: image.adjust_hue(x[:, :2], 0.1), ShapeError, "expected 1 or 3 channels"),
        (lambda x: image.adjust_hue(x.astype(rt.int32), 0.1), DTypeError, "expected uint8"),
        (lambda x: image.to_uint8(x.astype(rt.int32)), DTypeError, "expected a floating dtype"),
        (lambda x: image.gaussian_blur(x, 4), ArgumentError, "expected odd numbers"),
        (lambda x: image.gaussian_blur(x, 3, -1.0), ArgumentError, "sigma: expected a positive"),
        (lambda x: image.gaussian_blur(x, 99), ShapeError, "too many to mirror"),
        (lambda x: image.color_jitter(x, rt.random.key(0), hue=0.7), ArgumentError, "hue: exp"),
        (lambda x: image.mixup(x, rt.arange(2), rt.random.key(0)), ArgumentError, "num_classes"),
        (lambda x: image.mixup(x, rt.arange(3), rt.random.key(0)), ShapeError, "labels: expected"),
        (lambda x: image.mixup(x[0], 1, rt.random.key(0)), ShapeError, "got one image"),
        (lambda x: image.compose(3), ArgumentError, "expected functions, got int 3"),
        (lambda x: image.compose(image.random_horizontal_flip)(x), ArgumentError, "needs one"),
    ],
)  # fmt: skip
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        call(rt.ones((2, 3, 8, 9)))


@pytest.mark.reuses_keys
def test_composed_transforms_have_keys_of_their_own(rng: Any) -> None:
    x, key = noise(rng, 6, 3, 12, 12), rt.random.key(3)
    augment = image.compose(
        partial(image.random_crop, size=10, padding=1),
        image.random_horizontal_flip,
        image.to_float,
        partial(image.normalize, mean=0.5, std=0.25),
    )
    y = augment(x, key)
    by_hand = image.random_crop(x, rt.random.fold_in(key, 0), 10, padding=1)
    by_hand = image.random_horizontal_flip(by_hand, rt.random.fold_in(key, 1))
    by_hand = image.normalize(image.to_float(by_hand), 0.5, 0.25)
    np.testing.assert_array_equal(y, by_hand)
    np.testing.assert_allclose(rt.jit(augment)(x, key), y, rtol=1e-5, atol=1e-5)
    keys = rt.random.split(key, 6)
    many = augment(x, keys)
    for i in range(6):
        np.testing.assert_allclose(augment(x[i], keys[i]), many[i], rtol=1e-6)
