"""grid_sample and affine_grid: images read at any places."""

from __future__ import annotations

import itertools
import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.nn.resampling import SHARP, far, near

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


@api
def grid_sample(
    x: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool = False,
) -> rt.Array:  # fmt: skip
    """`x` read at the places of `grid`.

    Args:
        x: Images, shape ``(batch, channels, height, width)``, or volumes with a depth before it.
        grid: Places, shape ``(batch, out_height, out_width, 2)``, or ``(batch, out_depth,
            out_height, out_width, 3)``: along width, height (and depth), from -1 to 1.
        mode: ``"bilinear"`` (linear along each axis), ``"nearest"``, or ``"bicubic"`` (for images).
        padding_mode: What is beyond the image: ``"zeros"``, its ``"border"``, or its
            ``"reflection"``.
        align_corners: Whether -1 and 1 are the middle of the outermost elements, not their outer
            edges.

    Returns:
        An array of shape ``(batch, channels, out_height, out_width)``, with derivatives by `x` and
        by `grid`.

    Raises:
        ShapeError: if the two do not fit together.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[[0.0, 1.0], [2.0, 3.0]]]])
        >>> grid = rt.asarray([[[[0.0, 0.0], [-1.0, 1.0]]]])
        >>> rt.nn.grid_sample(x, grid, align_corners=True).tolist()
        [[[[1.5, 2.0]]]]

    References:
        Jaderberg et al. 2015 (arXiv:1506.02025).
    """
    x, grid = rt.asarray(x), rt.asarray(grid)
    _check(x, grid, mode, padding_mode)
    n = x.ndim - 2
    taps = []
    for i, length in enumerate(x.shape[2:]):
        g = grid[..., n - 1 - i]  # the last axis comes first in the grid
        place = (g + 1) / 2 * (length - 1) if align_corners else ((g + 1) * length - 1) / 2
        if padding_mode != "zeros" and mode != "bicubic":
            place = _inside(place, length, padding_mode, align_corners)
        found = _taps(place, mode)
        if padding_mode != "zeros" and mode == "bicubic":
            found = [(_inside(p, length, padding_mode, align_corners), w) for p, w in found]
        taps.append([_tap(place, weight, length) for place, weight in found])
    return _weighted(x, taps)


def _check(x: Any, grid: Any, mode: str, padding_mode: str) -> None:
    for name, value, allowed in (
        ("mode", mode, _MODES), ("padding_mode", padding_mode, _PADDINGS)
    ):  # fmt: skip
        if value not in allowed:
            raise ArgumentError(f"[grid_sample] {name}: expected one of {allowed}, got {value!r}")
    if x.ndim not in (4, 5) or (mode == "bicubic" and x.ndim != 4) or 0 in x.shape[2:]:
        wanted = "" if mode == "bicubic" else " or (batch, channels, depth, height, width)"
        raise ShapeError(
            f"[grid_sample] x: expected shape (batch, channels, height, width){wanted}, without "
            f"axes of length 0, got {describe(x)}"
        )
    fits = grid.ndim == x.ndim and grid.shape[0] == x.shape[0] and grid.shape[-1] == x.ndim - 2
    if not fits:
        raise ShapeError(
            f"[grid_sample] grid: expected shape ({x.shape[0]}, *space, {x.ndim - 2}) with "
            f"{x.ndim - 2} axes of space, got {describe(grid)}"
        )


def _taps(place: Any, mode: str) -> list[tuple[Any, Any]]:
    """Elements along one axis that count at `place`, and their weights."""
    if mode == "nearest":
        return [(rt.stop_gradient(rt.round(place)), 1.0)]
    low = rt.stop_gradient(rt.floor(place))
    t = place - low
    if mode == "bilinear":
        return [(low, 1 - t), (low + 1, t)]
    weights = (far(1 + t, SHARP), near(t, SHARP), near(1 - t, SHARP), far(2 - t, SHARP))
    return [(low + i, weight) for i, weight in enumerate(weights, -1)]


def _tap(place: Any, weight: Any, length: int) -> tuple[Any, Any]:
    """An index and its weight, which is 0 outside."""
    inside = (place >= 0) & (place < length)
    return rt.where(inside, place, 0).astype(rt.int64), rt.where(inside, weight, 0.0)


def _inside(place: Any, length: int, padding_mode: str, align_corners: bool) -> Any:
    """`place` moved into the image; what is cut off has no derivative."""
    if padding_mode == "reflection":
        first, span = (0.0, length - 1) if align_corners else (-0.5, length)
        place = _reflected(place, first, span)
    end = length - 1
    kept = (place > 0) & (place < end)
    return rt.where(kept, place, rt.stop_gradient(rt.clip(place, 0, end)))


def _reflected(place: Any, first: float, span: int) -> Any:
    if span == 0:
        return rt.zeros_like(place)
    off = rt.where(place < first, first - place, place - first)
    turns = rt.stop_gradient(rt.floor(off / span))
    rest = off - turns * span
    return rt.where(turns % 2 == 0, rest, span - rest) + first


def _weighted(x: Any, taps: list[list[tuple[Any, Any]]]) -> rt.Array:
    """The sum over all combinations of taps, one for each axis."""
    batch, channels, *space = x.shape
    flat = rt.reshape(x, (batch, channels, math.prod(space)))
    total: Any = 0.0
    for combination in itertools.product(*taps):
        index, weight = combination[0]
        for (more, factor), length in zip(combination[1:], space[1:], strict=True):
            index, weight = index * length + more, weight * factor
        values = rt.vmap(lambda image, places: rt.take(image, places, axis=1))(flat, index)
        total = total + values * weight[:, None]
    out: rt.Array = total
    return out


@api
def affine_grid(theta: Any, size: Any, align_corners: bool = False) -> rt.Array:
    """The grid that `grid_sample` needs to read images through affine maps.

    Args:
        theta: The maps, shape ``(batch, 2, 3)``, or ``(batch, 3, 4)`` for volumes.
        size: Shape of the output, ``(batch, channels, height, width)`` or with a depth before it.
        align_corners: As of `grid_sample`.

    Returns:
        An array of shape ``(batch, height, width, 2)``, or ``(batch, depth, height, width, 3)``.

    Raises:
        ShapeError: if `theta` and `size` do not fit together.

    Example:
        >>> import rtorch as rt
        >>> theta = rt.asarray([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
        >>> rt.nn.affine_grid(theta, (1, 3, 1, 2)).tolist()
        [[[[0.0, 0.0], [1.0, 0.0]]]]
    """
    theta = rt.asarray(theta)
    n = theta.shape[1] if theta.ndim == 3 else 0
    sizes = isinstance(size, (tuple, list)) and all(isinstance(s, int) and s > 0 for s in size)
    if n not in (2, 3) or theta.shape[2] != n + 1 or not sizes or len(size) != n + 2:
        raise ShapeError(
            "[affine_grid] expected theta of shape (batch, 2, 3) and a size of 4 lengths, or "
            f"(batch, 3, 4) and 5, got {describe(theta)} and {size!r}"
        )
    if theta.shape[0] != size[0]:
        raise ShapeError(f"[affine_grid] theta has a batch of {theta.shape[0]}, size {size[0]}")
    edges = [1.0 if align_corners else 1 - 1 / length for length in size[2:]]
    lines = [
        rt.linspace(-edge, edge, length, dtype=theta.dtype, device=theta.device) if length > 1
        else rt.zeros(1, dtype=theta.dtype, device=theta.device)
        for edge, length in zip(edges, size[2:], strict=True)
    ]  # fmt: skip
    places = rt.stack(rt.meshgrid(*lines, indexing="ij")[::-1], axis=-1)
    maps = rt.reshape(theta, (size[0], *[1] * (n - 1), n, n + 1))
    return places @ rt.matrix_transpose(maps[..., :n]) + maps[..., n][..., None, :]
