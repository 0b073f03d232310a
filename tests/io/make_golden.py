"""Writes the files in ``golden/`` with PyTorch: ``python tests/io/make_golden.py``.

They are committed, so that reading them is tested where PyTorch is not installed.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent / "golden"
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
          "float64", "complex64", "complex128", "uint16", "uint32", "uint64")  # fmt: skip


def state() -> OrderedDict:
    base = torch.arange(24.0).reshape(2, 3, 4)
    found = OrderedDict((name, torch.arange(6).reshape(2, 3).to(getattr(torch, name)))
                        for name in DTYPES)  # fmt: skip
    found |= {
        "base": base, "transposed": base.permute(2, 0, 1), "part": base[1, 1:, ::2],
        "expanded": torch.ones(1).expand(5), "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(3.0),
        "parameter": torch.nn.Parameter(torch.ones(2)), "conj": torch.tensor([1 + 2j]).conj(),
        "plain": [1, -2, 10**12, 10**30, 2.5, 1j, None, True, "text", b"bytes", (1, (2,)), {3, 4}],
        "size": base.shape, "dtype": torch.float32, "device": torch.device("cpu"),
        "numpy": np.arange(3.0), "numpy_scalar": np.float32(1.5), "nested": {"list": [base[0]]},
    }  # fmt: skip
    found._metadata = {"": {"version": 1}}
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    torch.save(state(), FOLDER / "zip.pth")
    torch.save(state(), FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)
    torch.save({"w": torch.arange(3.0)}, FOLDER / "no_checksums.pth")
