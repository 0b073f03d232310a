"""Places in the batches, taken up; datasets to iterate over."""

from typing import Any

import pytest
from loader_samples import (
    IDS,
    KEY,
    WORKERS,
    Numbers,
    Plain,
    Squares,
    double,
    epoch_of,
    is_even,
    plain,
    with_noise,
)

import rtorch as rt
from rtorch import data
from rtorch.errors import ArgumentError

pytestmark = pytest.mark.reuses_keys  # epochs come again


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
