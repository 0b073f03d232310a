"""All functions on images, each with arguments, for `test_image_contract`."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rtorch.data import image


class Case(NamedTuple):
    function: Callable[..., Any]
    keyed: bool = True
    uint8: bool = True
    smooth: bool = True  # has derivatives by the pixels


CASES = {
    "adjust_brightness": Case(partial(image.adjust_brightness, factor=0.7), False),
    "adjust_contrast": Case(partial(image.adjust_contrast, factor=1.2), False),
    "adjust_hue": Case(partial(image.adjust_hue, shift=0.2), False),
    "adjust_saturation": Case(partial(image.adjust_saturation, factor=0.4), False),
    "affine": Case(partial(image.affine, angle=10.0, translate=(1.5, -2.0), scale=1.1), False),
    "center_crop": Case(partial(image.center_crop, size=(5, 4)), False),
    "color_jitter": Case(
        partial(image.color_jitter, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
    ),
    "crop": Case(partial(image.crop, top=1, left=2, height=5, width=4), False),
    "cutout": Case(partial(image.cutout, size=3)),
    "denormalize": Case(
        partial(image.denormalize, mean=(0.1, 0.2, 0.3), std=(1, 2, 3)), False, False
    ),
    "gaussian_blur": Case(partial(image.gaussian_blur, kernel_size=(3, 5), sigma=1.3), False),
    "grayscale": Case(partial(image.grayscale, channels=3), False),
    "horizontal_flip": Case(image.horizontal_flip, False),
    "normalize": Case(partial(image.normalize, mean=(0.1, 0.2, 0.3), std=(1, 2, 3)), False, False),
    "rand_augment": Case(partial(image.rand_augment, num_ops=3), smooth=False),
    "random_affine": Case(
        partial(image.random_affine, degrees=20, translate=(0.2, 0.3), scale=(0.8, 1.2), shear=9,
                mode="bilinear")
    ),
    "random_crop": Case(partial(image.random_crop, size=(6, 7), padding=2)),
    "random_erasing": Case(image.random_erasing),
    "random_grayscale": Case(partial(image.random_grayscale, p=0.5)),
    "random_horizontal_flip": Case(image.random_horizontal_flip),
    "random_resized_crop": Case(partial(image.random_resized_crop, size=(6, 5))),
    "random_rotation": Case(partial(image.random_rotation, degrees=45)),
    "random_vertical_flip": Case(image.random_vertical_flip),
    "resize": Case(partial(image.resize, size=(4, 11)), False),
    "resized_crop": Case(
        partial(image.resized_crop, top=1, left=2, height=5, width=4, size=3), False
    ),
    "rotate": Case(partial(image.rotate, angle=33.0, mode="bicubic"), False),
    "vertical_flip": Case(image.vertical_flip, False),
}  # fmt: skip

# What is in the table in no form, and why.
OTHERS = {
    "channel_statistics": "gives no images",
    "channels_first": "changes the axes",
    "channels_last": "changes the axes",
    "compose": "makes functions",
    "cutmix": "takes labels",
    "mixup": "takes labels",
    "read_image": "of files",
    "to_float": "changes the dtype, takes any axes",
    "to_uint8": "changes the dtype, takes any axes",
    "write_image": "of files",
}
