"""Data: datasets, the order of their samples, and loaders of batches.

A dataset is anything with a length and samples by index, or anything to iterate over. Samples are
pytrees of NumPy arrays and numbers; a `DataLoader` makes batches of them, pytrees of rtorch arrays,
and all that is random in them depends on its key.

Example:
    >>> import numpy as np, rtorch as rt
    >>> from rtorch import data
    >>> ds = data.ArrayDataset((np.zeros((100, 8), np.float32), np.arange(100)))
    >>> train, test = data.random_split(ds, (0.8, 0.2), rt.random.key(0))
    >>> loader = data.DataLoader(train, 32, shuffle=True, key=rt.random.key(1))
    >>> [x.shape for x, y in loader]
    [(32, 8), (32, 8), (16, 8)]
"""

from __future__ import annotations

from rtorch.data import image, text
from rtorch.data.arrays import ArrayDataset
from rtorch.data.cifar import CIFAR10, CIFAR100
from rtorch.data.collating import collate, pad_collate
from rtorch.data.combine import concat, subset, zip
from rtorch.data.csv_file import CSVDataset
from rtorch.data.download import download
from rtorch.data.files import FileDataset
from rtorch.data.folders import ImageFolder
from rtorch.data.idx import MNIST, FashionMNIST, read_idx
from rtorch.data.image import read_image
from rtorch.data.indexed import Dataset, IterableDataset, ResumableDataset, fetch
from rtorch.data.lines import TextLines, TextStream
from rtorch.data.loader import DataLoader
from rtorch.data.npy import read_npy
from rtorch.data.numpy_files import NumpyDataset, RawDataset
from rtorch.data.places import LoaderState
from rtorch.data.samplers import (
    Sampler,
    batched,
    bucketed,
    sequential,
    sharded,
    shuffled,
    weighted,
)
from rtorch.data.transformed import cache, filter, map, random_split, shuffle_windows, take

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "ArrayDataset",
    "CSVDataset",
    "DataLoader",
    "Dataset",
    "FashionMNIST",
    "FileDataset",
    "ImageFolder",
    "IterableDataset",
    "LoaderState",
    "NumpyDataset",
    "RawDataset",
    "ResumableDataset",
    "Sampler",
    "TextLines",
    "TextStream",
    "batched",
    "bucketed",
    "cache",
    "collate",
    "concat",
    "download",
    "fetch",
    "filter",
    "image",
    "map",
    "pad_collate",
    "random_split",
    "read_idx",
    "read_image",
    "read_npy",
    "sequential",
    "sharded",
    "shuffle_windows",
    "shuffled",
    "subset",
    "take",
    "text",
    "weighted",
    "zip",
]
