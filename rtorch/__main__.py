"""``python -m rtorch``."""

from __future__ import annotations

import sys

from rtorch.cli import main

if __name__ == "__main__":
    sys.exit(main())
