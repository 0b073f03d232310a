"""Two images in one, and their labels likewise: mixup and cutmix."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import Batch, batch_of, check_key, column, floating, numbers, rounded
from rtorch.data.image.erasing import boxes
from rtorch.errors import ArgumentError, ShapeError, api, describe

__all__ = ["cutmix", "mixup"]


@api
def mixup(
    images: Any, labels: Any, key: Any, num_classes: int | None = None, alpha: float = 0.2,
    data_format: str = "NCHW",
) -> tuple[rt.Array, rt.Array]:  # fmt: skip
    """Each image mixed with another of the batch, and their labels in the same proportion.

    Args:
        images: Shape ``(n, channels, height, width)``.
        labels: Classes, integers of shape ``(n,)``, or probabilities of shape ``(n, classes)``.
        key: One key: partners are a permutation of the batch.
        num_classes: How many classes there are, for integer labels.
        alpha: Proportions are drawn from Beta(alpha, alpha), one for each image.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        The images and their labels as probabilities of shape ``(n, classes)``, for
        `rt.nn.cross_entropy_loss` and its like.

    Example:
        >>> import rtorch as rt
        >>> x, y = rt.ones((4, 3, 8, 8)), rt.asarray([0, 1, 2, 1])
        >>> x, y = rt.data.image.mixup(x, y, rt.random.key(0), num_classes=3)
        >>> x.shape, y.shape, y.sum(axis=1).round(4).tolist()
        ((4, 3, 8, 8), (4, 3), [1.0, 1.0, 1.0, 1.0])

    References:
        Zhang et al. 2017 (arXiv:1710.09412).
    """
    batch, soft = _both("mixup", images, labels, num_classes, data_format)
    partner_key, share_key = _keys("mixup", key)
    partners = rt.random.permutation(partner_key, batch.x.shape[0])
    share = _shares("mixup", share_key, alpha, batch)
    x = floating(batch.x)
    weight = column(share).astype(x.dtype)
    mixed = weight * x + (1 - weight) * rt.take(x, partners, axis=0)
    return batch.restored(rounded(mixed, batch.x.dtype)), _mixed(soft, partners, share)


@api
def cutmix(
    images: Any, labels: Any, key: Any, num_classes: int | None = None, alpha: float = 1.0,
    data_format: str = "NCHW",
) -> tuple[rt.Array, rt.Array]:  # fmt: skip
    """A box of each image taken from another of the batch, and labels by the areas.

    Args:
        images: Shape ``(n, channels, height, width)``.
        labels: As of `mixup`.
        key: One key: partners are a permutation of the batch.
        num_classes: How many classes there are, for integer labels.
        alpha: The share that stays is drawn from Beta(alpha, alpha), one for each image; labels
            get the share that does stay when the box is cut off at the border.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        The images and their labels as probabilities of shape ``(n, classes)``.

    Example:
        >>> import rtorch as rt
        >>> x, y = rt.ones((4, 3, 8, 8)), rt.asarray([0, 1, 2, 1])
        >>> x, y = rt.data.image.cutmix(x, y, rt.random.key(0), num_classes=3)
        >>> x.shape, y.shape
        ((4, 3, 8, 8), (4, 3))

    References:
        Yun et al. 2019 (arXiv:1905.04899).
    """
    batch, soft = _both("cutmix", images, labels, num_classes, data_format)
    partner_key, share_key = _keys("cutmix", key)
    partners = rt.random.permutation(partner_key, batch.x.shape[0])
    area_key, place_key = rt.random.split(share_key)
    side = rt.sqrt(1 - _shares("cutmix", area_key, alpha, batch))
    n, _, h, w = batch.x.shape
    height, width = rt.floor(side * h), rt.floor(side * w)
    u = rt.random.uniform(place_key, (n, 2), rt.float32)
    top = rt.floor(u[:, 0] * h) - rt.floor(height / 2)
    left = rt.floor(u[:, 1] * w) - rt.floor(width / 2)
    box = boxes(batch, top, left, height, width)
    kept = 1 - rt.mean(box.astype(rt.float32), axis=(1, 2, 3))
    mixed = rt.where(box, rt.take(batch.x, partners, axis=0), batch.x)
    return batch.restored(mixed), _mixed(soft, partners, kept)


def _both(
    name: str, images: Any, labels: Any, num_classes: int | None, data_format: str
) -> tuple[Batch, rt.Array]:
    batch = batch_of(name, images, data_format)
    if batch.single:
        raise ShapeError(f"[{name}] images: expected a batch, got one image: {describe(images)}")
    labels = rt.asarray(labels, device=batch.x.device)
    return batch, _soft(name, labels, num_classes, batch.x.shape[0])


def _soft(name: str, labels: rt.Array, num_classes: int | None, n: int) -> rt.Array:
    whole = rt.isdtype(labels.dtype, "integral")
    if labels.shape[:1] != (n,) or labels.ndim != (1 if whole else 2):
        raise ShapeError(
            f"[{name}] labels: expected {n} classes, int[{n}], or probabilities, "
            f"float[{n}, classes], got {describe(labels)}"
        )
    if not whole:
        return labels
    if not isinstance(num_classes, int) or num_classes < 1:
        raise ArgumentError(
            f"[{name}] num_classes: integer labels need the number of classes, "
            f"got {describe(num_classes)}"
        )
    return (labels[:, None] == numbers(num_classes, labels)).astype(rt.default_dtype())


def _keys(name: str, key: Any) -> Any:
    key = check_key(name, key)
    if key.ndim != 1:
        raise ShapeError(f"[{name}] key: expected one key, uint32[2], got {describe(key)}")
    return rt.random.split(key)


def _shares(name: str, key: rt.Array, alpha: float, batch: Batch) -> rt.Array:
    if not isinstance(alpha, (int, float)) or not alpha > 0:
        raise ArgumentError(f"[{name}] alpha: expected a positive number, got {describe(alpha)}")
    return rt.random.beta(key, float(alpha), float(alpha), batch.x.shape[:1], rt.float32)


def _mixed(soft: rt.Array, partners: rt.Array, share: rt.Array) -> rt.Array:
    share = share.astype(soft.dtype)[:, None]
    return share * soft + (1 - share) * rt.take(soft, partners, axis=0)
