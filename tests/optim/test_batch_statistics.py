"""New running statistics for averaged parameters, against PyTorch's."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn, optim


def batches() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 3)) * 2 + n for n in (6, 6, 4)]


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_like_torch(momentum: float | None) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4, momentum=momentum), torch.nn.Tanh(),
        torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2, momentum=momentum),
    ).double()  # fmt: skip
    model = nn.serial(
        nn.Linear(4), nn.BatchNorm1d(momentum=momentum), nn.tanh,
        nn.Linear(2), nn.BatchNorm1d(momentum=momentum),
    )  # fmt: skip
    params, state = model.init(rt.random.key(0), rt.spec((6, 3), rt.float64))
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            layer, _, key = name.partition(".")
            p.copy_(torch.tensor(np.asarray(params[layer][key])))
    _, state = model.apply(params, state, rt.asarray(batches()[0]), train=True)  # to be forgotten
    torch.optim.swa_utils.update_bn([torch.tensor(x) for x in batches()], theirs)
    found = optim.update_bn(model, params, state, [(rt.asarray(x), None) for x in batches()])
    for name, x in theirs.named_buffers():
        layer, _, key = name.partition(".")
        np.testing.assert_allclose(found[layer][key], x, rtol=1e-12)
    assert rt.eval_shape(lambda s: s, found) == rt.eval_shape(lambda s: s, state)


def test_stacked_layers_and_layers_that_draw() -> None:
    model = nn.serial(nn.Dropout(0.5), nn.repeat(nn.serial(nn.Linear(3), nn.BatchNorm1d()), 2))
    params, state = model.init(rt.random.key(0), rt.spec((6, 3)))
    data = [rt.asarray(x, dtype=rt.float32) for x in batches()]
    found = optim.update_bn(model, params, state, data, key=rt.random.key(1))
    assert rt.tree.leaves(found)[0].tolist() == [3, 3]
    assert bool(optim.all_finite(found))


def test_a_model_without_statistics_keeps_its_state() -> None:
    assert optim.update_bn(nn.Linear(3), {}, {}, []) == {}


def test_no_batch() -> None:
    model = nn.BatchNorm1d()
    params, state = model.init(None, rt.spec((6, 3)))
    with pytest.raises(errors.ArgumentError, match=r"\[update_bn\] batches: expected one or more"):
        optim.update_bn(model, params, state, [])
