"""Sizes, crops, flips and rotations against PyTorch, Pillow and NumPy."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.data import image
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError


def photo(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """uint8 with smooth parts, edges and noise."""
    *first, h, w = shape
    y, x = np.mgrid[:h, :w]
    base = 120 + 80 * np.sin(x / 3.0) * np.cos(y / 4.0) + 40 * (x > y)
    return np.clip(base + rng.normal(0, 12, (*first, h, w)), 0, 255).astype(np.uint8)


def pillow_of(x: np.ndarray) -> Any:
    return pytest.importorskip("PIL.Image").fromarray(np.moveaxis(x, 0, -1))


def array_of(picture: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(picture), -1, 0)


# ---- resize --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(7, 9), (40, 33), (19, 50), (1, 1)], ids=str)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest-exact"])
def test_resize_is_that_of_pillow(mode: str, size: Any, rng: Any) -> None:
    x = photo(rng, 3, 24, 31)
    kinds = pytest.importorskip("PIL.Image").Resampling
    kind = {"bilinear": kinds.BILINEAR, "bicubic": kinds.BICUBIC, "nearest-exact": kinds.NEAREST}
    expected = array_of(pillow_of(x).resize(size[::-1], kind[mode]))
    y = np.asarray(image.resize(x, size, mode)).astype(int)
    # Pillow rounds between the two axes too.
    assert np.abs(y - expected).max() <= (0 if mode == "nearest-exact" else 1)
    assert (y == expected).mean() > 0.75


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_resize_is_that_of_torch(mode: str, antialias: bool, rng: Any) -> None:
    torch = pytest.importorskip("torch")
    x = rng.random((2, 3, 24, 31))
    smooth = mode in ("bilinear", "bicubic")
    for size in ((7, 45), (48, 10)):
        expected = torch.nn.functional.interpolate(
            torch.tensor(x), size, mode=mode, antialias=antialias and smooth
        )
        y = image.resize(x, size, mode, antialias)
        np.testing.assert_allclose(y, expected.numpy(), rtol=1e-10, atol=1e-12)


def test_the_shorter_side() -> None:
    assert image.resize(rt.ones((3, 20, 41)), 10).shape == (3, 10, 20)
    assert image.resize(rt.ones((41, 20, 3)), 10, data_format="NHWC").shape == (20, 10, 3)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(4, 5), (19, 33)], ids=str)
def test_resized_crops_are_resized_crops(mode: str, antialias: bool, size: Any, rng: Any) -> None:
    x = rng.random((3, 2, 24, 31))
    boxes = np.asarray([[0, 0, 24, 31], [5, 11, 7, 3], [20, 1, 1, 29]])
    y = image.resized_crop(x, *boxes.T, size, mode, antialias)
    for i, (top, left, height, width) in enumerate(boxes):
        part = x[i, :, top : top + height, left : left + width]
        expected = image.resize(part, size, mode, antialias)
        np.testing.assert_allclose(y[i], expected, rtol=1e-4, atol=1e-5)


def test_random_resized_crops_are_boxes_of_the_image() -> None:
    h, w, n = 30, 50, 300
    rows, columns = np.mgrid[:h, :w].astype(np.float32)
    x = np.broadcast_to(np.stack([rows, columns]), (n, 2, h, w))
    y = np.asarray(
        image.random_resized_crop(x, rt.random.key(0), (1, 1), scale=(0.2, 0.5), antialias=True)
    )
    assert ((y[:, 0] > 2) & (y[:, 0] < h - 3) & (y[:, 1] > 2) & (y[:, 1] < w - 3)).all()
    assert y[:, 0].std() > 2
    assert y[:, 1].std() > 5
    # A ratio that never fits: the largest box of the nearest one, in the middle.
    one = image.random_resized_crop(x[:1], rt.random.key(1), 1, ratio=(9.0, 9.0), scale=(1, 1))
    np.testing.assert_allclose(np.asarray(one).ravel(), [14.5, 24.5], atol=1)


# ---- crops and flips -----------------------------------------------------------------------------


def test_crops(rng: Any) -> None:
    x = photo(rng, 4, 3, 12, 10)
    np.testing.assert_array_equal(image.crop(x, 2, 3, 5, 6), x[:, :, 2:7, 3:9])
    tops, lefts = np.asarray([0, 7, 3, 2]), np.asarray([4, 0, 1, 3])
    y = image.crop(x, tops, lefts, 5, 6)
    for i in range(4):
        np.testing.assert_array_equal(y[i], x[i, :, tops[i] : tops[i] + 5, lefts[i] : lefts[i] + 6])
    np.testing.assert_array_equal(image.center_crop(x, (4, 6)), x[:, :, 4:8, 2:8])
    np.testing.assert_array_equal(image.horizontal_flip(x), x[..., ::-1])
    np.testing.assert_array_equal(image.vertical_flip(x), x[..., ::-1, :])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_random_crops_are_parts_of_the_padded_image(mode: str, rng: Any) -> None:
    x = photo(rng, 40, 1, 6, 5)
    options = {"constant_values": 9} if mode == "constant" else {}
    padded = np.pad(x, ((0, 0), (0, 0), (2, 4), (1, 3)), mode, **options)
    y = np.asarray(
        image.random_crop(x, rt.random.key(0), (6, 5), (1, 2, 3, 4), fill=9, padding_mode=mode)
    )
    views = np.lib.stride_tricks.sliding_window_view(padded, (6, 5), axis=(2, 3))
    found = (views == y[:, :, None, None]).all(axis=(-1, -2))[:, 0]
    assert found.any(axis=(1, 2)).all()
    assert found.any(axis=0).sum() > 15, "all places are drawn"


def test_masks_move_with_their_images(rng: Any) -> None:
    x, key = photo(rng, 5, 3, 16, 16), rt.random.key(7)
    mask = x[:, :1].astype(np.int64) * 10**12
    for transform in (
        lambda v: image.random_crop(v, key, 8, padding=2),
        lambda v: image.random_horizontal_flip(v, key),
        lambda v: image.random_affine(v, key, 30, (0.1, 0.1), (0.8, 1.2)),
        lambda v: image.random_rotation(v, key, 90),
        lambda v: image.random_resized_crop(v, key, 8, mode="nearest"),
    ):
        np.testing.assert_array_equal(
            np.asarray(transform(mask)), np.asarray(transform(x)[:, :1]).astype(np.int64) * 10**12
        )


test_masks_move_with_their_images = pytest.mark.reuses_keys(test_masks_move_with_their_images)


def test_flips_have_their_probability() -> None:
    x = np.broadcast_to(np.asarray([0.0, 1.0], np.float32), (4000, 1, 1, 2))
    flipped = np.asarray(image.random_horizontal_flip(x, rt.random.key(0), 0.3))[:, 0, 0, 0]
    assert abs(flipped.mean() - 0.3) < 0.03
    never = image.random_vertical_flip(x, rt.random.key(1), 0.0)
    np.testing.assert_array_equal(never, x)


# ---- rotations and affine maps -------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 90, 180, 270, 13.7, -101.3, 361])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (7, 4)])
def test_rotate_with_room_is_that_of_pillow(angle: float, size: tuple[int, int], rng: Any) -> None:
    pillow = pytest.importorskip("PIL.Image")
    x = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    want = np.asarray(pillow.fromarray(x).rotate(angle, expand=True))
    got = image.rotate(x, angle, expand=True, data_format="NHWC")
    np.testing.assert_array_equal(np.asarray(got), want)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"angle": np.ones(2)}, "takes one number"), ({"angle": 1, "center": (0, 0)}, "center")],
)
def test_rotate_with_room_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=rf"\[rotate\] .*{message}"):
        image.rotate(np.ones((2, 3, 4, 4), np.float32), expand=True, **options)


@pytest.mark.parametrize("angle", [0, 90, 180, 270, 13.7, -101.3])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_rotate_is_that_of_pillow(angle: float, mode: str, rng: Any) -> None:
    x = photo(rng, 3, 24, 30)
    kinds = pytest.importorskip("PIL.Image").Resampling
    kind = {"nearest": kinds.NEAREST, "bilinear": kinds.BILINEAR, "bicubic": kinds.BICUBIC}[mode]
    expected = array_of(pillow_of(x).rotate(angle, kind, fillcolor=(7, 7, 7))).astype(int)
    y = np.asarray(image.rotate(x, angle, mode, fill=7)).astype(int)
    if mode == "nearest":
        assert (y == expected).mean() > 0.995  # but for ties
        return
    # At the border Pillow repeats pixels, where rtorch goes over into `fill`.
    ones = image.rotate(np.pad(np.ones((1, 18, 24), np.float32), ((0, 0), (3, 3), (3, 3))), angle)
    inside = np.asarray(ones)[0] == 1
    tolerance = 2 if mode == "bilinear" else 40  # another cubic
    assert np.abs(y - expected)[:, inside].max() <= tolerance


def test_quarter_turns_are_exact(rng: Any) -> None:
    x = photo(rng, 2, 3, 9, 9)
    for k, angle in enumerate((0, 90, 180, 270)):
        expected = np.rot90(x, k, (2, 3))
        np.testing.assert_array_equal(image.rotate(x, angle), expected)
        np.testing.assert_array_equal(image.rotate(x, angle, "bilinear"), expected)
    mixed = image.rotate(x, [90, 180])
    np.testing.assert_array_equal(mixed[0], np.rot90(x[0], 1, (1, 2)))
    np.testing.assert_array_equal(mixed[1], np.rot90(x[1], 2, (1, 2)))


def test_affine_maps_points_as_said(rng: Any) -> None:
    """A bright spot goes where the matrices send it."""
    h = w = 41
    angle, scale, shear, move = 25.0, 1.3, (11.0, -7.0), (3.0, -4.0)
    y, x = np.mgrid[:h, :w]
    spot = np.exp(-((x - 27) ** 2 + (y - 16) ** 2) / 8.0)[None]
    out = np.asarray(image.affine(spot, angle, move, scale, shear))[0]
    a, sx, sy = np.deg2rad([angle, *shear])
    turn = np.asarray([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])  # y goes down
    lean = np.asarray([[1, 0], [np.tan(sy), 1]]) @ np.asarray([[1, np.tan(sx)], [0, 1]])
    expected = turn @ lean @ (np.asarray([27, 16]) - 20) * scale + 20 + move
    found = np.asarray([(out * x).sum(), (out * y).sum()]) / out.sum()
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_affine_is_that_of_torch(mode: str, rng: Any) -> None:
    torch = pytest.importorskip("torch")
    x = rng.random((2, 3, 10, 10))
    angles = np.asarray([20.0, -65.0])
    a = np.deg2rad(angles)
    theta = np.stack([np.cos(a), -np.sin(a), 0 * a, np.sin(a), np.cos(a), 0 * a], 1)
    grid = torch.nn.functional.affine_grid(
        torch.tensor(theta.reshape(2, 2, 3)), (2, 3, 10, 10), align_corners=False
    )
    expected = torch.nn.functional.grid_sample(
        torch.tensor(x), grid, mode=mode, align_corners=False
    )
    y = image.affine(x, angles, mode=mode)
    np.testing.assert_allclose(y, expected.numpy(), rtol=1e-9, atol=1e-10)


def test_derivatives_by_the_map(rng: Any) -> None:
    x = rt.asarray(photo(rng, 1, 9, 9) / 255)
    rt.check_grads(
        lambda a, t, s: image.affine(x, a, (t, 0.3), s), (rt.asarray(20.3), rt.asarray(0.71),
        rt.asarray(1.13)), order=1, rtol=1e-2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: image.crop(x, 5, 0, 5, 5), OutOfBoundsError, "are not inside images of 8 x 9"),
        (lambda x: image.crop(x, 0, 0, 9, 1), ShapeError, "do not fit into images of 8 x 9"),
        (lambda x: image.crop(x, [0, 1, 2], 0, 2, 2), ShapeError, "one for each of the 2 images"),
        (lambda x: image.crop(x, 0.5, 0, 2, 2), ArgumentError, "top: expected whole numbers"),
        (lambda x: image.resize(x, 0), ArgumentError, "size: expected a whole number of at least"),
        (lambda x: image.resize(x, 4, "cubic"), ArgumentError, "mode: expected one of"),
        (lambda x: image.resized_crop(x, 0, 0, 0, 4, 2), ArgumentError, "height: expected 1 or"),
        (lambda x: image.rotate(x, 3, "area"), ArgumentError, "mode: expected one of"),
        (lambda x: image.affine(x, translate=3), ArgumentError, "translate: expected two"),
        (
            lambda x: image.random_affine(x, rt.random.key(0), translate=(0, 3)),
            ArgumentError, r"\[random_affine\] translate: expected two numbers from 0.0 to 1.0",
        ),
        (
            lambda x: image.random_resized_crop(x, rt.random.key(0), 4, scale=(1, 0)),
            ArgumentError, "scale: expected two numbers",
        ),
        (
            lambda x: image.random_horizontal_flip(x, rt.random.key(0), p=2),
            ArgumentError, "p: expected a number from 0 to 1",
        ),
    ],
)  # fmt: skip
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        call(rt.ones((2, 3, 8, 9)))
