"""Time of an epoch of rtorch's `DataLoader`, with PyTorch's beside it.

python benchmarks/data.py               all rows, a few minutes
python benchmarks/data.py --quick       fewer epochs
python benchmarks/data.py --only files  rows whose name contains it
"""

import sys

import _arrays
import _files
from _command import run

ROWS = {
    "arrays": _arrays.augmented,
    "files": _files.without_workers,
    "files-workers": _files.with_workers,
}

if __name__ == "__main__":
    sys.exit(run(__doc__ or "", ROWS))
