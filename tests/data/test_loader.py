"""Batches, their order and their places, without and with workers."""

from itertools import chain
from typing import Any

import numpy as np
import pytest
from loader_samples import Numbers, Plain, Rows, Slow, Squares, double, is_even, with_noise

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError

pytestmark = pytest.mark.reuses_keys  # epochs come again

KEY = rt.random.key(7)
WORKERS: list[dict[str, Any]] = [
    {},
    {"workers": 1},
    {"workers": 3, "prefetch": 1},
    {"workers": 2, "prefetch": 5},
    {"workers": 2, "kind": "process"},
]
IDS = ["inline", "thread", "threads", "threads-ahead", "processes"]


def plain(tree: Any) -> Any:
    """Leaves as lists, to be compared."""
    return rt.tree.map(lambda x: x.tolist() if hasattr(x, "tolist") else x, tree)


def epoch_of(loader: data.DataLoader, number: int = 0) -> list[Any]:
    return [plain(batch) for batch in loader.epoch(number)]


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


# ---- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
@pytest.mark.parametrize(
    "dataset",
    [
        data.map(with_noise, Numbers(7), keyed=True),
        Squares(7),
        Plain(7),
        Squares(6),
        data.map(double, data.filter(is_even, Squares(14))),
        data.map(with_noise, Squares(7), keyed=True),
    ],
    ids=["index", "resumable", "plain", "even", "filtered", "keyed-stream"],
)
def test_every_place_can_be_taken_up(dataset: Any, options: dict[str, Any]) -> None:
    if options.get("kind") == "process" and isinstance(dataset, Plain):
        options = {**options, "workers": 1}
    shuffle = hasattr(dataset, "__len__")
    whole = data.DataLoader(dataset, 2, shuffle=shuffle, key=KEY)
    want, state = [], whole.state()
    while state.epoch < 2:
        for batch, state in whole.batches(state):  # noqa: B020 - the next epoch begins there
            want.append((plain(batch), state.epoch, state.step))
    with data.DataLoader(
        dataset, 2, shuffle=shuffle, key=KEY, persistent=True, **options
    ) as loader:
        state, found = loader.state(), []
        for _ in want:
            iterator = loader.batches(state)  # left after each batch
            batch, state = next(iterator)
            iterator.close()
            found.append((plain(batch), state.epoch, state.step))
    assert found == want
    assert state == loader.state(2) or plain(state) == plain(loader.state(2))


def test_a_place_is_saved_and_loaded(tmp_path: Any) -> None:
    for dataset in (Numbers(6), Plain(6)):
        loader = data.DataLoader(dataset, 2, key=KEY)
        iterator = loader.batches()
        _, state = next(iterator)
        rt.save(tmp_path / "state", state)
        loaded = rt.load(tmp_path / "state", like=loader.state())
        rest = [plain(batch) for batch, _ in loader.batches(loaded)]
        assert rest == [plain(batch) for batch, _ in iterator]
        assert len(rest) == 2


def test_the_key_of_the_place_counts() -> None:
    first = data.DataLoader(range(9), 9, shuffle=True, key=KEY)
    other = data.DataLoader(range(9), 9, shuffle=True, key=rt.random.key(8))
    ((batch, after),) = other.batches(first.state(3))
    assert plain(batch) == epoch_of(first, 3)[0]
    assert plain(after) == plain(first.state(4))


def test_places_that_are_not_there() -> None:
    loader = data.DataLoader(range(6), 2)
    for state in (data.LoaderState(0, 3), data.LoaderState(-1, 0), data.LoaderState(0, -1)):
        with pytest.raises(ArgumentError, match=r"\[DataLoader\] state: there is no batch"):
            loader.batches(state)
    with pytest.raises(ArgumentError, match="expected a LoaderState, got a int"):
        loader.batches(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="it has no key"):
        data.DataLoader(range(6), 2, key=KEY).batches(data.LoaderState(0, 0))


def test_an_empty_epoch_is_no_endless_loop() -> None:
    loader = data.DataLoader([], 2)
    assert list(loader) == []
    with pytest.raises(ArgumentError, match="an epoch has no batch"):
        loader.batches()
    with pytest.raises(ArgumentError, match="an epoch has no batch"):
        list(data.DataLoader(Plain(0), 2).batches())


# ---- datasets to iterate over --------------------------------------------------------------------


@pytest.mark.parametrize("options", WORKERS, ids=IDS)
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams(options: dict[str, Any], drop_last: bool) -> None:
    loader = data.DataLoader(Plain(7), 3, drop_last=drop_last, **options)
    want = [[0, 1, 2], [3, 4, 5]] + ([] if drop_last else [[6]])
    for _ in range(2):
        assert [plain(b)["y"] for b in loader] == want
    with pytest.raises(TypeError, match="has no length"):
        len(loader)


def test_noise_in_a_stream_is_new_in_each_epoch() -> None:
    loader = data.DataLoader(data.map(with_noise, Squares(4), keyed=True), 2, key=KEY)
    assert epoch_of(loader, 0) == epoch_of(loader, 0)
    assert epoch_of(loader, 0) != epoch_of(loader, 1)
    assert len({x[0] for batch in epoch_of(loader, 0) for x in batch}) == 4


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
