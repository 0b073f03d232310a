"""Manipulation, joining and repeating against NumPy."""

import numpy as np
import pytest
from reference import ALL, SHAPES, both, check, sample

from rtorch.errors import ArgumentError, AxisError, ShapeError
from rtorch.numpy import elementwise, joining, manipulation, padding, repeating
from rtorch.numpy.creation import asarray
from rtorch.transforms.stage import stage


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_reshape_and_ravel(dtype):
    x, ref = both((2, 6), dtype)
    for shape in [(3, 4), (-1,), -1, 12, [4, -1], (1, 2, 6, 1), (np.int64(3), 4)]:
        check(manipulation.reshape(x, shape), ref.reshape(shape))
    check(manipulation.reshape(x, 3, -1), ref.reshape(3, -1))
    check(manipulation.reshape(x, (asarray(3), 4)), ref.reshape(3, 4))
    check(manipulation.ravel(x), ref.ravel())
    check(manipulation.reshape(np.zeros((0, 3)), (3, -1)), np.zeros((3, 0)))
    check(manipulation.reshape(5, ()), np.asarray(5))


def test_reshape_mistakes():
    x = asarray(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"the 6 elements of shape \(2, 3\) cannot fill \(4, 2\)"):
        manipulation.reshape(x, (4, 2))
    with pytest.raises(ShapeError, match="no length fits -1"):
        manipulation.reshape(x, (4, -1))
    with pytest.raises(ShapeError, match="at most one of them -1"):
        manipulation.reshape(x, (-1, -1))
    with pytest.raises(ArgumentError, match="expected an integer or a tuple"):
        manipulation.reshape(x, (1.5, 4))
    with pytest.raises(ArgumentError, match="expected an integer or a tuple"):
        manipulation.reshape(x, "6")


@pytest.mark.parametrize("shape", SHAPES)
def test_order_of_axes(shape):
    x, ref = both(shape)
    check(manipulation.transpose(x), ref.transpose())
    order = tuple(range(-1, len(shape) - 1))
    if shape:
        check(manipulation.permute_dims(x, order), ref.transpose(order))
        check(manipulation.transpose(x, *order), ref.transpose(order))
        check(manipulation.moveaxis(x, 0, -1), np.moveaxis(ref, 0, -1))
        check(manipulation.swapaxes(x, 0, -1), np.swapaxes(ref, 0, -1))
        check(manipulation.flip(x, 0), np.flip(ref, 0))
        check(manipulation.flipud(x), np.flipud(ref))
    check(manipulation.flip(x), np.flip(ref))
    if len(shape) >= 2:
        check(manipulation.matrix_transpose(x), np.matrix_transpose(ref))
        check(manipulation.moveaxis(x, (0, 1), (-1, 0)), np.moveaxis(ref, (0, 1), (-1, 0)))
        check(manipulation.fliplr(x), np.fliplr(ref))
        for k in range(-1, 5):
            check(manipulation.rot90(x, k), np.rot90(ref, k))
            check(manipulation.rot90(x, k, (1, 0)), np.rot90(ref, k, (1, 0)))
            check(manipulation.rot90(x, k, (-1, 0)), np.rot90(ref, k, (-1, 0)))


def test_order_mistakes():
    x = asarray(np.ones((2, 3)))
    with pytest.raises(AxisError, match="not a permutation"):
        manipulation.permute_dims(x, (0, 0))
    with pytest.raises(AxisError, match="not a permutation"):
        manipulation.permute_dims(x, (0,))
    with pytest.raises(AxisError, match="out of range"):
        manipulation.swapaxes(x, 0, 2)
    with pytest.raises(AxisError, match="names an axis twice"):
        manipulation.moveaxis(x, (0, 0), (0, 1))
    with pytest.raises(ShapeError, match="2 or more axes"):
        manipulation.matrix_transpose(np.ones(3))


def test_axes_of_length_one():
    x, ref = both((2, 1, 3, 1))
    check(manipulation.squeeze(x), ref.squeeze())
    check(manipulation.squeeze(x, -1), ref.squeeze(-1))
    check(manipulation.squeeze(x, (1, 3)), ref.squeeze((1, 3)))
    for axis in [0, -1, 2, (0, 2), (-1, 0)]:
        check(manipulation.expand_dims(x, axis), np.expand_dims(ref, axis))
    with pytest.raises(ShapeError, match="has length 2, not 1"):
        manipulation.squeeze(x, 0)
    for shape in SHAPES:
        x, ref = both(shape)
        check(manipulation.atleast_1d(x), np.atleast_1d(ref))
        check(manipulation.atleast_2d(x), np.atleast_2d(ref))
        check(manipulation.atleast_3d(x), np.atleast_3d(ref))
    check(manipulation.atleast_2d(1.0, x), [np.ones((1, 1), np.float32), np.atleast_2d(ref)])


def test_broadcasting():
    x, ref = both((3, 1))
    check(manipulation.broadcast_to(x, (2, 3, 4)), np.broadcast_to(ref, (2, 3, 4)))
    check(manipulation.broadcast_to(x, (3, 0)), np.broadcast_to(ref, (3, 0)))
    check(manipulation.broadcast_arrays(x, np.ones(2)), np.broadcast_arrays(ref, np.ones(2)))
    assert manipulation.broadcast_shapes((3, 1), 4, ()) == (3, 4)
    with pytest.raises(ShapeError, match=r"\[broadcast_to\] shapes \(3, 1\) and \(2, 4\)"):
        manipulation.broadcast_to(x, (2, 4))
    with pytest.raises(ShapeError, match=r"does not broadcast to \(3,\)"):
        manipulation.broadcast_to(x, 3)


def test_astype():
    x = np.asarray([1.7, -1.2, 0.0])
    for dtype in ALL:
        if dtype.kind != "u":
            check(elementwise.astype(x, dtype), x.astype(dtype))


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_joining(dtype):
    xs = [sample((2, 3), dtype, seed) for seed in range(3)]
    for axis in (0, 1, -1, None):
        check(joining.concatenate(xs, axis), np.concatenate(xs, axis))
        check(joining.concat(xs, axis), np.concatenate(xs, axis))
    for axis in (0, 1, 2, -1):
        check(joining.stack(xs, axis), np.stack(xs, axis))
    for ours, reference in [
        (joining.vstack, np.vstack),
        (joining.hstack, np.hstack),
        (joining.dstack, np.dstack),
        (joining.column_stack, np.column_stack),
    ]:
        check(ours(xs), reference(xs))
        check(ours([x[0] for x in xs]), reference([x[0] for x in xs]))
    check(joining.append(xs[0], xs[1], 1), np.append(xs[0], xs[1], 1))
    check(joining.concat(asarray(xs[0])), np.concatenate(xs[0]))


def test_joining_promotes():
    check(joining.concat([np.arange(2), np.ones(1, np.float32), [True]]), np.float32([0, 1, 1, 1]))
    check(joining.stack([1, 2.5]), np.float32([1, 2.5]))
    check(joining.append(np.arange(2), 7), np.append(np.arange(2), 7))


def test_joining_mistakes():
    with pytest.raises(ShapeError, match="at least one array"):
        joining.concatenate([])
    with pytest.raises(ShapeError, match=r"array 1 has shape \(3, 3\), array 0 has \(2, 2\)"):
        joining.concat([np.ones((2, 2)), np.ones((3, 3))])
    with pytest.raises(ShapeError, match="without axes"):
        joining.concat([1, 2])
    with pytest.raises(ArgumentError, match="list or tuple"):
        joining.stack(3)
    with pytest.raises(ShapeError, match=r"\[stack\] array 1"):
        joining.stack([np.ones(2), np.ones(3)])


@pytest.mark.parametrize("where", [1, 2, 3, [1, 4], [2, 2], [-2], [3, 1], [0, 9], []])
def test_splitting(where):
    x, ref = both((6, 6, 6), "int32")
    check(joining.array_split(x, where, 1), np.array_split(ref, where, 1))
    for ours, reference in [
        (joining.split, np.split),
        (joining.vsplit, np.vsplit),
        (joining.hsplit, np.hsplit),
        (joining.dsplit, np.dsplit),
        (joining.array_split, np.array_split),
    ]:
        check(ours(x, where), reference(ref, where))
    check(joining.hsplit(ref[0, 0], 2), np.hsplit(ref[0, 0], 2))


def test_splitting_unevenly():
    for n in range(1, 8):
        check(joining.array_split(np.arange(5), n), np.array_split(np.arange(5), n))
    with pytest.raises(ShapeError, match="length 5 is no multiple of 2 pieces"):
        joining.split(np.arange(5), 2)
    with pytest.raises(ArgumentError, match="must be positive"):
        joining.split(np.arange(5), 0)
    x, ref = both((2, 3))
    check(joining.unstack(x, 1), np.unstack(ref, axis=1))
    check(joining.unstack(np.zeros((0, 3))), [])


@pytest.mark.parametrize("shape", SHAPES)
def test_repeating(shape):
    x, ref = both(shape)
    for reps in [0, 1, 3, (2, 1), (2, 0, 3), (1, 2, 1, 2), ()]:
        check(repeating.tile(x, reps), np.tile(ref, reps))
    for count in (0, 1, 3):
        check(repeating.repeat(x, count), np.repeat(ref, count))
        if shape:
            check(repeating.repeat(x, count, -1), np.repeat(ref, count, -1))
    if shape:
        counts = list(range(shape[0]))
        check(repeating.repeat(x, counts, 0), np.repeat(ref, counts, 0))
        check(repeating.repeat(x, asarray(counts, "int64"), 0), np.repeat(ref, counts, 0))


def test_repeating_mistakes():
    with pytest.raises(ShapeError, match="2 repeats for an axis of length 3"):
        repeating.repeat(np.ones(3), [1, 2])
    with pytest.raises(ArgumentError, match="must not be negative"):
        repeating.repeat(np.ones(3), -1)
    with pytest.raises(ArgumentError, match="expected integers"):
        repeating.repeat(np.ones(3), 1.5)
    with pytest.raises(ArgumentError, match="must not be negative"):
        repeating.tile(np.ones(3), -1)


@pytest.mark.parametrize("shape", SHAPES)
def test_roll(shape):
    x, ref = both(shape)
    for shift in (-7, -1, 0, 1, 5):
        check(repeating.roll(x, shift), np.roll(ref, shift))
        if shape:
            check(repeating.roll(x, shift, 0), np.roll(ref, shift, 0))
            check(repeating.roll(x, asarray(shift), 0), np.roll(ref, shift, 0))
    if len(shape) > 1:
        check(repeating.roll(x, (1, -2), (0, 1)), np.roll(ref, (1, -2), (0, 1)))
        check(repeating.roll(x, 1, (0, 1)), np.roll(ref, 1, (0, 1)))
        check(repeating.roll(x, (1, 2), 1), np.roll(ref, (1, 2), 1))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_pad(mode):
    for shape in [(), (1,), (4,), (2, 3), (3, 1, 2)]:
        x, ref = both(shape)
        widths = [0, 2, (1, 2)]
        widths += [[(i, 5 - i) for i in range(len(shape))], {-1: 2, 0: (1, 0)}] if shape else []
        for width in widths:
            if isinstance(width, dict) and len(shape) < 2:
                continue
            check(padding.pad(x, width, mode), np.pad(ref, width, mode))


def test_pad_with_values():
    x, ref = both((2, 3), "int32")
    for values in [7, (1, 2), ((1, 2), (3, 4))]:
        reference = np.pad(ref, 2, constant_values=values)
        check(padding.pad(x, 2, constant_values=values), reference)
    check(padding.pad(np.zeros((0, 2)), 1), np.pad(np.zeros((0, 2)), 1))


def test_pad_mistakes():
    x = asarray(np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="must not be negative"):
        padding.pad(x, -1)
    with pytest.raises(ArgumentError, match="mode: expected one of"):
        padding.pad(x, 1, "no")
    with pytest.raises(ShapeError, match="pad_width"):
        padding.pad(x, ((1, 2), (1, 2), (1, 2)))
    with pytest.raises(ShapeError, match="nothing to repeat"):
        padding.pad(np.ones((0, 2)), 1, "edge")


def test_all_of_it_is_staged():
    def function(x):
        return [
            manipulation.reshape(x, -1),
            manipulation.rot90(x),
            joining.stack([x, x]),
            repeating.tile(x, 2),
            repeating.repeat(x, 2, 0),
            repeating.repeat(x, [1, 2], 0),
            repeating.roll(x, 1),
            padding.pad(x, 1, "reflect"),
            *joining.split(x, 2),
        ]

    x, _ = both((2, 3))
    for ours, eager in zip(stage(function, [x.aval])(x), function(x), strict=True):
        check(ours, np.asarray(eager))


def test_pad_with_negative_zero():
    assert np.signbit(np.asarray(padding.pad(asarray([1.0]), 1, constant_values=-0.0)))[0]
