"""What users of PyTorch write by habit works, or says what to write instead."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ReLU", "here it is the function nn.relu"),
        ("LeakyReLU", "nn.leaky_relu"),
        ("Hardswish", "nn.hard_swish"),
        ("LogSoftmax", "nn.log_softmax"),
        ("CrossEntropyLoss", "nn.cross_entropy"),
        ("MSELoss", "nn.mse_loss"),
        ("KLDivLoss", "nn.kl_div"),
        ("BCEWithLogitsLoss", "nn.binary_cross_entropy_with_logits"),
        ("MultiheadAttention", "here it is nn.MultiHeadAttention"),
        ("ReflectionPad2d", "nn.Pad"),
        ("Sequential", "nn.serial"),
        ("Module", "nn.Layer"),
        ("init", "nn.initializers"),
        ("Nonsense", "has no attribute 'Nonsense'$"),
    ],
)
def test_names_of_torch_tell_ours(name: str, text: str) -> None:
    assert not hasattr(nn, name)
    with pytest.raises(AttributeError, match=text):
        getattr(nn, name)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.Linear(3, 4), r"\[Linear\] bias: expected True or False, got 4; .*not given"),  # type: ignore[arg-type]
        (lambda: nn.Bilinear(3, 4), r"\[Bilinear\] bias: expected True or False, got 4"),  # type: ignore[arg-type]
        (lambda: nn.BatchNorm2d(8), r"\[BatchNorm2d\] eps: .* got 8; the number of channels"),
        (lambda: nn.InstanceNorm1d(8), r"\[InstanceNorm1d\] eps: .* got 8"),
        (lambda: nn.GroupNorm(2, 4), r"\[GroupNorm\] eps: .* got 4"),
        (lambda: nn.LayerNorm(3, -1.0), r"\[LayerNorm\] eps: expected a number of 0 or more"),
        (lambda: nn.Embedding(3, 2, max_norm=0.0), r"\[Embedding\] max_norm: .* above 0, got 0.0"),
    ],
)
def test_sizes_of_the_input_are_not_given(make: Any, text: str) -> None:
    with pytest.raises(errors.ArgumentError, match=text):
        make()


def test_a_window_larger_than_the_image_is_refused() -> None:
    layer = nn.Conv2d(3, 64, 3)  # as torch has it: 3 channels in, 64 out, window 3
    x = rt.zeros((1, 3, 32, 32))
    text = r"\[Conv2d\] the window \(64, 64\) .* padded axes \(32, 32\) of float32\[1, 3, 32, 32\]"
    params, state = layer.init(rt.random.key(1), x)
    for apply in (layer.apply, rt.jit(layer.apply)):
        with pytest.raises(errors.ShapeError, match=text):
            apply(params, state, x)
    assert nn.conv1d(rt.zeros((1, 2, 3)), rt.zeros((1, 2, 3)), padding=0).shape == (1, 1, 1)
    assert nn.conv1d(rt.zeros((1, 2, 1)), rt.zeros((1, 2, 5)), padding=2).shape == (1, 1, 1)


@pytest.mark.parametrize("lengths", [[7, 2], [-1, 2]])
def test_lengths_out_of_range_are_refused(lengths: list[int]) -> None:
    layer, x = nn.GRU(4, batch_first=True), rt.zeros((2, 6, 3))
    params, state = layer.init(rt.random.key(2), x)
    with pytest.raises(errors.OutOfBoundsError, match=r"\[GRU\] lengths: .* from 0 to 6"):
        layer.apply(params, state, {"x": x, "lengths": lengths})


@pytest.mark.parametrize("number", [5, -1])
def test_embedding_of_what_is_no_row_is_refused(number: int) -> None:
    layer = nn.Embedding(5, 2)
    params = {"weight": rt.zeros((5, 2))}
    with pytest.raises(errors.OutOfBoundsError, match=r"\[Embedding\] x: .* from 0 to 4"):
        layer.apply(params, {}, rt.asarray([0, number]))


@pytest.mark.parametrize(
    ("make", "shape"),
    [(nn.Linear, (2, 3)), (lambda n, **k: nn.Conv1d(n, 2, **k), (1, 3, 5)),
     (lambda n, **k: nn.ConvTranspose1d(n, 2, **k), (1, 3, 5))],
)  # fmt: skip
def test_first_values_are_checked(make: Any, shape: tuple[int, ...]) -> None:
    not_called = make(4, weight_init=nn.initializers.kaiming_normal)
    with pytest.raises(errors.ArgumentError, match=r"weight_init: .* initializers.kaiming_normal"):
        not_called.init(rt.random.key(3), rt.spec(shape))
    of_another_shape = make(4, bias_init=lambda key, shape, dtype: rt.zeros((3, 3), dtype))
    with pytest.raises(errors.ShapeError, match=r"bias_init: .* shape \(4,\), got float32\[3, 3\]"):
        of_another_shape.init(rt.random.key(4), rt.spec(shape))


def test_a_layer_prints_what_it_is() -> None:
    assert repr(nn.Linear(3)) == "<Layer Linear>"
    assert repr(nn.serial(nn.relu)) == "<Layer serial>"


def test_fan_in_sum_may_be_called_as_fan_in_concat_is() -> None:
    x = rt.asarray([1.0, 2.0])
    for join in (nn.fan_in_sum, nn.fan_in_sum()):
        net = nn.serial(nn.fan_out(nn.identity, nn.identity), join)
        assert net.apply({}, {}, x)[0].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("track", [True, False])
def test_batch_norm_of_no_batch_keeps_the_statistics(track: bool) -> None:
    layer = nn.BatchNorm2d(track_running_stats=track)
    x = rt.zeros((0, 3, 4, 4))
    params, state = layer.init(None, x)
    y, new = layer.apply(params, state, x, train=True)
    assert y.shape == x.shape
    if track:
        assert new["running_mean"].tolist() == [0.0] * 3
        assert new["running_var"].tolist() == [1.0] * 3
        assert new["num_batches_tracked"].tolist() == 1


@pytest.mark.parametrize(
    "options",
    [
        {"max_norm": 1.0},
        {"max_norm": 1.5, "norm_type": 1.0},
        {"scale_grad_by_freq": True},
        {"padding_idx": 2, "max_norm": 1.0, "scale_grad_by_freq": True},
    ],
)
def test_embedding_options_are_those_of_torch(
    options: dict[str, Any], rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    table, ids = rng.normal(size=(5, 3)), np.array([[0, 2, 2], [4, 2, 0]])
    cotangent = rng.normal(size=(2, 3, 3))
    theirs = torch.nn.Embedding(5, 3, **options).double()
    theirs.weight.data = torch.tensor(table)
    expected = theirs(torch.tensor(ids))
    expected.backward(torch.tensor(cotangent))

    ours = nn.Embedding(5, 3, **options)
    params = {"weight": rt.asarray(table)}

    def read(params: Any) -> Any:
        return ours.apply(params, {}, rt.asarray(ids))[0]

    for function in (read, rt.jit(read)):
        y, pull = rt.vjp(function, params)
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10)
        (grads,) = pull(rt.asarray(cotangent))
        np.testing.assert_allclose(grads["weight"], theirs.weight.grad.numpy(), rtol=1e-10)
