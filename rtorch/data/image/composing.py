"""compose: several transforms as one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.data.image.batches import check_key, folded
from rtorch.errors import ArgumentError, api, describe

__all__ = ["compose"]


@api
def compose(*transforms: Callable[..., Any]) -> Callable[..., Any]:
    """One function ``transform(images, key)`` that calls `transforms` in order.

    Args:
        transforms: Functions of images. Those with a parameter ``key`` get a key of their own,
            ``fold_in(key, i)`` for the i-th one (that of each image, if there is a key for each
            image). `functools.partial` fixes the other arguments.

    Returns:
        A function of images and a key (None if no transform needs one), for `rt.jit` or `rt.vmap`.

    Example:
        >>> import rtorch as rt
        >>> from functools import partial
        >>> from rtorch.data import image
        >>> augment = image.compose(
        ...     partial(image.random_crop, size=32, padding=4),
        ...     image.random_horizontal_flip,
        ...     image.to_float,
        ...     partial(image.normalize, mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26)),
        ... )
        >>> batch = rt.zeros((8, 3, 32, 32), rt.uint8)
        >>> rt.jit(augment)(batch, rt.random.key(0)).shape
        (8, 3, 32, 32)
    """
    steps = [(transform, _wants_key(transform)) for transform in transforms]

    def transform(images: Any, key: Any = None) -> Any:
        if key is not None:
            key = check_key("compose", key)
        for i, (step, keyed) in enumerate(steps):
            if keyed and key is None:
                raise ArgumentError(f"[compose] key: transform {i}, {describe(step)}, needs one")
            images = step(images, key=_key(key, i)) if keyed else step(images)
        return images

    return transform


def _key(key: rt.Array, i: int) -> rt.Array:
    return rt.random.fold_in(key, i) if key.ndim == 1 else folded(key, i)


def _wants_key(transform: Any) -> bool:
    if not callable(transform):
        raise ArgumentError(f"[compose] transforms: expected functions, got {describe(transform)}")
    try:
        return "key" in inspect.signature(transform).parameters
    except (TypeError, ValueError):  # some functions written in C
        return False
