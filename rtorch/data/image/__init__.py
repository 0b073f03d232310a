"""Images: sizes, crops, flips, rotations, colours, holes, mixtures; files of them.

Functions take a batch ``(n, channels, height, width)`` or one image ``(channels, height, width)``
(``data_format="NHWC"`` for the channels last), uint8 or floating, and give the same dtype. They go
through `rt.jit`, `rt.vmap`, and `rt.grad` where they are smooth. The random ones take a key: image
i of a batch draws from ``rt.random.fold_in(key, i)``, so that it does not depend on the others; or
a key for each image, with which an image becomes the same in any batch or alone.

Example:
    >>> import rtorch as rt
    >>> from rtorch.data import image
    >>> x = rt.ones((8, 3, 40, 40))
    >>> x = image.random_horizontal_flip(x, rt.random.key(0))
    >>> image.random_crop(x, rt.random.key(1), 32).shape
    (8, 3, 32, 32)
"""

from __future__ import annotations

from rtorch.data.image.blur import gaussian_blur
from rtorch.data.image.colours import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    grayscale,
)
from rtorch.data.image.composing import compose
from rtorch.data.image.crops import center_crop, crop, random_crop
from rtorch.data.image.erasing import cutout, random_erasing
from rtorch.data.image.files import read_image, write_image
from rtorch.data.image.flips import (
    horizontal_flip,
    random_horizontal_flip,
    random_vertical_flip,
    vertical_flip,
)
from rtorch.data.image.geometry import affine, random_affine, random_rotation, rotate
from rtorch.data.image.jitter import color_jitter, random_grayscale
from rtorch.data.image.mixing import cutmix, mixup
from rtorch.data.image.rand_augment import rand_augment
from rtorch.data.image.resizing import random_resized_crop, resize, resized_crop
from rtorch.data.image.scaling import (
    channel_statistics,
    channels_first,
    channels_last,
    denormalize,
    normalize,
    to_float,
    to_uint8,
)

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "channel_statistics",
    "channels_first",
    "channels_last",
    "color_jitter",
    "compose",
    "crop",
    "cutmix",
    "cutout",
    "denormalize",
    "gaussian_blur",
    "grayscale",
    "horizontal_flip",
    "mixup",
    "normalize",
    "rand_augment",
    "random_affine",
    "random_crop",
    "random_erasing",
    "random_grayscale",
    "random_horizontal_flip",
    "random_resized_crop",
    "random_rotation",
    "random_vertical_flip",
    "read_image",
    "resize",
    "resized_crop",
    "rotate",
    "to_float",
    "to_uint8",
    "vertical_flip",
    "write_image",
]
