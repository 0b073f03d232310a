"""Batches, their order and their places, without and with workers."""

from itertools import chain
from typing import Any

import numpy as np
import pytest
from loader_samples import (
    IDS,
    KEY,
    WORKERS,
    Numbers,
    Plain,
    Rows,
    Slow,
    double,
    epoch_of,
    plain,
    with_noise,
    y_of,
)

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError

pytestmark = pytest.mark.reuses_keys  # epochs come again


# ---- what a batch is -----------------------------------------------------------------------------


def test_batches_are_pytrees_of_arrays() -> None:
    batches = list(data.DataLoader(Rows(5), 2))
    assert [len(b["name"]) for b in batches] == [2, 2, 1]
    assert isinstance(batches[0]["x"], rt.Array)
    assert batches[0]["x"].shape == (2, 40, 50)
    assert batches[0]["x"].dtype == rt.float32
    assert batches[0]["y"].dtype == rt.int64
    assert batches[2]["name"] == ["row 4"]


def test_drop_last_and_length() -> None:
    assert len(data.DataLoader(Rows(5), 2)) == 3
    loader = data.DataLoader(Rows(5), 2, drop_last=True)
    assert len(loader) == len(list(loader)) == 2


def test_an_array_is_a_dataset() -> None:
    x = np.arange(6.0).reshape(3, 2)
    assert epoch_of(data.DataLoader(x, 2)) == [[[0, 1], [2, 3]], [[4, 5]]]
    assert epoch_of(data.DataLoader(rt.asarray(x), 2)) == [[[0, 1], [2, 3]], [[4, 5]]]


def test_batches_do_not_share_memory_with_the_dataset() -> None:
    x = np.zeros((4, 2))
    (batch,) = data.DataLoader(data.ArrayDataset(x), 4)
    x += 1
    assert not np.asarray(batch).any()


@pytest.mark.parametrize("dtype", [">f4", "<f8", ">i2", "bool", "complex64", "u1"])
def test_dtypes_are_kept(dtype: str) -> None:
    x = np.ones(3).astype(dtype)
    (batch,) = data.DataLoader(data.ArrayDataset(x), 3)
    assert np.dtype(str(batch.dtype)) == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(np.asarray(batch), x)


def test_bfloat16_strings_and_dates() -> None:
    x = np.asarray(rt.ones((4, 3), rt.bfloat16))
    dates = np.array(["2020-01-01"] * 4, "M8[D]")
    for options in ({}, {"workers": 1, "kind": "process"}):
        ds = data.ArrayDataset({"x": x, "d": dates, "s": np.array(["a", "b", "c", "d"])})
        (batch,) = data.DataLoader(ds, 4, **options)
        assert batch["x"].dtype == rt.bfloat16
        assert batch["d"].tolist() == dates.tolist()
        assert batch["s"].tolist() == ["a", "b", "c", "d"]


def test_collate_is_the_users() -> None:
    loader = data.DataLoader([[1, 2], [3]], 2, collate=lambda samples: np.concatenate(samples))
    assert epoch_of(loader) == [[1, 2, 3]]
    ragged = data.DataLoader([np.arange(3), np.arange(1)], 2, collate=data.pad_collate)
    assert epoch_of(ragged) == [([[0, 1, 2], [0, 0, 0]], [3, 1])]


@rt.jit
def shift(batch: Any, key: Any) -> Any:
    return batch + rt.random.uniform(key, ())


def test_transforms_get_a_key_for_each_batch() -> None:
    loader = data.DataLoader(Numbers(6), 2, key=KEY, transform=shift)
    first = epoch_of(loader)
    assert first == epoch_of(loader)
    assert first != epoch_of(loader, 1)
    added = {round(batch[0][0] % 1, 6) for batch in first}
    assert len(added) == 3
    without = data.DataLoader(Numbers(2), 2, transform=lambda batch, key: (batch, key is None))
    assert epoch_of(without)[0][1] is True


def test_arrays_go_to_a_device() -> None:
    batches = list(data.DataLoader(Rows(5), 2, device="cpu"))
    assert [b["y"].tolist() for b in batches] == [[0, 1], [2, 3], [4]]


def test_datasets_that_gather_are_asked_for_batches() -> None:
    asked = []

    class Gathering(Numbers):
        def gather(self, indices: Any) -> Any:
            asked.append(indices.tolist())
            return np.zeros(len(indices))

    list(data.DataLoader(data.subset(Gathering(5), [4, 3, 0]), 2))
    assert asked == [[4, 3], [0]]


# ---- the order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
def test_the_order_does_not_depend_on_workers(options: dict[str, Any]) -> None:
    keyed = data.map(with_noise, Numbers(11), keyed=True)
    want = epoch_of(data.DataLoader(keyed, 3, shuffle=True, key=KEY), 2)
    assert epoch_of(data.DataLoader(keyed, 3, shuffle=True, key=KEY, **options), 2) == want


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
def test_without_batches_samples_come_as_they_are(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Rows(4), None, shuffle=True, key=KEY, **options)
    samples = list(loader)
    assert len(loader) == 4
    assert sorted(int(s["y"]) for s in samples) == [0, 1, 2, 3]
    assert samples[0]["x"].shape == (40, 50)
    assert samples[0]["name"] == f"row {int(samples[0]['y'])}"
    ready = [np.arange(3), np.arange(2)]
    stream = data.DataLoader(Plain(5), None, collate=y_of, **options)
    assert epoch_of(data.DataLoader(ready, None, **options)) == [[0, 1, 2], [0, 1]]
    *_, (_, state) = stream.batches(stream.state()._replace(step=3, source=3))
    assert state == stream.state(1)
    assert len(epoch_of(stream)) == 5


def test_without_batches_samples_do_not_share_memory_with_the_dataset() -> None:
    x = np.zeros((2, 2))
    first, _ = data.DataLoader(data.ArrayDataset(x), None)
    x += 1
    assert not np.asarray(first).any()


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
def test_windows_of_a_stream_are_shuffled(options: dict[str, Any]) -> None:
    stream = data.map(double, data.shuffle_windows(data.map(y_of, Plain(10)), 4))
    loader = data.DataLoader(stream, 3, key=KEY, **options)
    found = [list(chain(*epoch_of(loader, n))) for n in (0, 1)]
    for order in found:
        windows = order[:4], order[4:8], order[8:]
        assert [sorted(w) for w in windows] == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18]]
    assert found[0] != found[1]
    for _, state in loader.batches(loader.state(1)):
        if state.epoch == 1:
            rest = [plain(b) for b, _ in loader.batches(state)]
            assert rest == epoch_of(loader, 1)[state.step :]


@pytest.mark.parametrize("num", [0, 3, 99])
def test_take(num: int) -> None:
    assert epoch_of(data.DataLoader(data.take(Plain(5), num), 2)) == epoch_of(
        data.DataLoader(data.take(list(Plain(5)), num), 2)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.take([1], -1), r"\[take\] num: expected an integer of 0"),
        (lambda: data.shuffle_windows(Plain(3), 0), r"\[shuffle_windows\] size: expected"),
        (lambda: data.shuffle_windows([1], 2), "it has samples by index"),
        (lambda: data.DataLoader(data.shuffle_windows(Plain(3), 2)), "random samples"),
        (lambda: data.DataLoader([1], None, drop_last=True), "there is no smaller one"),
    ],
)
def test_what_streams_and_samples_refuse(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 2, 3], [0.5, 1, 2], [[0], [1], [2]]])
def test_samplers_that_break_their_word(order: Any) -> None:
    sampler = data.Sampler(3, lambda key, epoch: order)
    with pytest.raises(ArgumentError, match="expected an order of 3 integers"):
        list(data.DataLoader(range(5), 2, sampler=sampler))
    few = data.Sampler(3, lambda key, epoch: [np.arange(2)])
    with pytest.raises(ArgumentError, match="the size 3, and its order 1 batches"):
        list(data.DataLoader(range(5), batch_sampler=few))


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
def test_slow_batches_come_in_order(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Slow(12), 2, **options)
    assert [batch[0][0] for batch in epoch_of(loader)] == [0, 2, 4, 6, 8, 10]


def test_the_noise_of_a_sample_does_not_depend_on_its_batch() -> None:
    keyed = data.map(with_noise, Numbers(8), keyed=True)
    of_size = {n: list(chain(*epoch_of(data.DataLoader(keyed, n, key=KEY)))) for n in (2, 3, 8)}
    assert of_size[2] == of_size[3] == of_size[8]
    assert len({x[0] - i for i, x in enumerate(of_size[8])}) == 8


def test_epochs_differ_and_come_again() -> None:
    loader = data.DataLoader(range(50), 50, shuffle=True, key=KEY)
    counted = [plain(batch) for _ in range(3) for batch in loader]
    assert counted == [epoch_of(loader, i)[0] for i in range(3)]
    assert len({tuple(order) for order in counted}) == 3
    assert all(sorted(order) == list(range(50)) for order in counted)


def test_samplers_decide() -> None:
    buckets = data.bucketed([1, 9, 1, 9], 2, [5], shuffle=False)
    assert epoch_of(data.DataLoader(range(4), batch_sampler=buckets)) == [[0, 2], [1, 3]]
    part = data.sharded(data.shuffled(10), 1, 2)
    loader = data.DataLoader(range(10), 2, sampler=part, key=KEY)
    assert len(loader) == 3
    assert list(chain(*epoch_of(loader))) == part.order(rt.random.split(KEY, 3)[0], 0).tolist()


# ---- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected an integer of 1 or more"),
        ({"batch_size": 2.0}, "batch_size: expected an integer"),
        ({"workers": -1}, "workers: expected"),
        ({"kind": "fork"}, "kind: expected one of"),
        ({"prefetch": 2}, "prefetch: nobody loads ahead without workers"),
        ({"prefetch": 0, "workers": 1}, "prefetch: expected an integer of 1"),
        ({"timeout": 0}, "timeout: expected seconds"),
        ({"shuffle": True}, "key: expected a key for shuffle=True"),
        ({"sampler": [0, 1]}, "sampler: expected a Sampler"),
        ({"sampler": data.sequential(3), "shuffle": True, "key": KEY}, "give one of the two"),
        ({"batch_sampler": data.sequential(3), "drop_last": True}, "batch_sampler: it decides"),
        ({"dataset": {"x": np.ones(3)}}, "got a dict; a dict of arrays becomes one"),
        ({"dataset": 5}, "expected a dataset"),
        ({"dataset": Plain(3), "shuffle": True, "key": KEY}, "has its own order"),
        ({"dataset": data.map(with_noise, [1], keyed=True)}, "the dataset's random samples"),
        ({"key": 3}, "expected keys"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        data.DataLoader(**{"dataset": range(3), **options})


def test_the_bar_counts_from_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    loader = data.DataLoader(range(6), 2, progress=True)
    list(loader.batches(data.LoaderState(4, 1)))
    shown = capsys.readouterr().err
    assert "epoch 4" in shown
    assert "3/3" in shown


def test_repr() -> None:
    assert repr(data.DataLoader(range(6), 4)) == "DataLoader(2 batches of 4, range(0, 6))"


@pytest.mark.gpu
@pytest.mark.parametrize("options", WORKERS, ids=IDS)
def test_batches_on_a_device(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Rows(7), 2, device="cuda", **options)
    batches = list(loader)
    assert all(str(b["x"].device).startswith("cuda") for b in batches)
    assert [b["y"].to("cpu").tolist() for b in batches] == [[0, 1], [2, 3], [4, 5], [6]]
    assert [float(b["x"].sum()) for b in batches] == [2000.0, 10000.0, 18000.0, 12000.0]
