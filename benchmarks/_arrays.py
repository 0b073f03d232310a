"""Arrays in memory as batches, shuffled, shifted and mirrored at random: an epoch of 60,000 images.

What each sample goes through is the same on all sides: a shift by -2 to 2 pixels along both axes,
zeros coming in, and a mirror image with probability 1/2.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from _libraries import library
from _table import Row, ratio_at_most
from _timing import Effort, paired_calls

COUNT, SIZE, BATCH, REACH = 60_000, 28, 128, 2
WIDE = SIZE + 2 * REACH  # of a padded image


def images(count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.random((count, SIZE, SIZE), np.float32)
    return x, rng.integers(0, 10, count)


# ---- rtorch --------------------------------------------------------------------------------------


def augment_by_rtorch(batch: Any, key: Any) -> Any:
    """The whole batch at once: every pixel is taken from where it comes."""
    rt: Any = library("rtorch")
    x, labels = batch
    n = x.shape[0]
    for_shift, for_mirror = rt.random.split(key)
    shift = rt.random.randint(for_shift, (2, n, 1), 0, 2 * REACH + 1)
    mirror = rt.random.bernoulli(for_mirror, 0.5, (n, 1))
    padded = rt.pad(x, ((0, 0), (REACH, REACH), (REACH, REACH)))
    places = flat_places(rt.arange(SIZE), rt.arange(n)[:, None], shift, mirror, rt.where)
    return rt.take(padded.reshape(-1), places), labels


def flat_places(place: Any, image: Any, shift: Any, mirror: Any, where: Any) -> Any:
    """Where the pixels come from, in all padded images as one vector."""
    rows = (image * WIDE + place + shift[0]) * WIDE
    columns = where(mirror, SIZE - 1 - place, place) + shift[1]
    return rows[:, :, None] + columns[:, None, :]


def rtorch_loader(x: Any, y: Any) -> Any:
    rt: Any = library("rtorch")
    return rt.data.DataLoader(
        rt.data.ArrayDataset((x, y)),
        BATCH,
        shuffle=True,
        key=rt.random.key(0),
        transform=rt.jit(augment_by_rtorch),
    )


# ---- torch ---------------------------------------------------------------------------------------


def torch_sample_by_sample(x: Any, y: Any) -> Any:
    """As it is usually written: a dataset whose samples are changed one by one."""
    torch: Any = library("torch")

    class Augmented(torch.utils.data.Dataset):
        def __init__(self) -> None:
            self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, index: int) -> Any:
            image = torch.nn.functional.pad(self.x[index], (REACH,) * 4)
            i, j = torch.randint(0, 2 * REACH + 1, (2,)).tolist()
            image = image[i : i + SIZE, j : j + SIZE]
            return (image.flip(-1) if torch.rand(()) < 0.5 else image), self.y[index]

    return torch.utils.data.DataLoader(Augmented(), BATCH, shuffle=True)


def torch_by_batches(x: Any, y: Any) -> Any:
    """As fast as its loader allows: a batch is one gather, and changed at once."""
    torch: Any = library("torch")
    data = torch.utils.data

    class Gathered(data.Dataset):
        def __init__(self) -> None:
            self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)

        def __len__(self) -> int:
            return len(self.x)

        def __getitem__(self, index: Any) -> Any:
            index = torch.as_tensor(index)
            n = len(index)
            padded = torch.nn.functional.pad(self.x[index], (REACH,) * 4)
            shift = torch.randint(0, 2 * REACH + 1, (2, n, 1))
            mirror = torch.rand(n, 1) < 0.5
            image = torch.arange(n)[:, None]
            places = flat_places(torch.arange(SIZE), image, shift, mirror, torch.where)
            return torch.take(padded, places), self.y[index]

    dataset = Gathered()
    batches = data.BatchSampler(data.RandomSampler(dataset), BATCH, drop_last=False)
    return data.DataLoader(dataset, sampler=batches, batch_size=None)


# ---- the row -------------------------------------------------------------------------------------


def epoch(loader: Any) -> int:
    """Go through all batches; how many samples there were."""
    return sum(len(labels) for _, labels in loader)


def sides(count: int = COUNT) -> dict[str, Callable[[], int]]:
    x, y = images(count)
    makers = {"rtorch": rtorch_loader}
    if library("torch"):
        makers["torch"] = torch_sample_by_sample
        makers["torch, batched"] = torch_by_batches
    loaders = {name: make(x, y) for name, make in makers.items()}
    return {name: lambda loader=loader: epoch(loader) for name, loader in loaders.items()}


def augmented(effort: Effort) -> Row:
    calls = sides()
    for call in calls.values():
        assert call() == COUNT
    samples = paired_calls(calls, effort.epochs)
    others = ("torch", "torch, batched")
    limits = [ratio_at_most(samples, "rtorch", other, 1.0) for other in others]
    return Row(f"{COUNT} images of 28 x 28, shuffled, shifted, mirrored", samples, limits)
