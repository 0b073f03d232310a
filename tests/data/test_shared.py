"""Datasets and batches on their way between processes."""

import pickle
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import data
from rtorch.data.shared import Slot, Writer
from rtorch.errors import ArgumentError


def test_datasets_that_cannot_be_pickled_are_refused() -> None:
    loader = data.DataLoader(data.map(lambda x: x, range(4)), workers=1, kind="process")
    with pytest.raises(ArgumentError, match="cannot be pickled") as caught:
        list(loader)
    assert 'kind="thread"' in str(caught.value)


@pytest.mark.parametrize(
    "batch",
    [
        {"x": np.arange(6000.0).reshape(2, 3000), "s": ["a", "b"], "n": 3},
        (np.ones((50, 50), order="F"), np.zeros((0, 3)), np.arange(9000)[::2]),
        [np.ones(3)],
        None,
    ],
)
def test_batches_through_shared_memory(batch: Any) -> None:
    writer, slot = Writer(), Slot()
    for _ in range(2):
        head, spans, name = writer.write(batch, slot.name, slot.spare)
        found = pickle.loads(pickle.dumps(slot.read(head, spans, name)))
        rt.tree.map(np.testing.assert_array_equal, found, batch)
    writer.close()
    slot.unlink()


def test_segments_grow_and_are_used_again() -> None:
    writer, slot = Writer(), Slot()
    names = []
    for size in (1000, 900, 5000, 4000):
        head, spans, name = writer.write(np.full(size, size, float), slot.name, slot.spare)
        assert slot.read(head, spans, name).tolist() == [size] * size
        names.append(name)
    assert names[0] == names[1]
    assert names[2] == names[3]
    assert len(set(names)) == 2
    for _ in range(2):
        writer.write(np.ones(100_000), slot.name, slot.spare)  # and the parent does not hear of it
        slot.forget_spare()
    writer.close()
    slot.unlink()
