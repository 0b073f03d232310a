"""A figure in a notebook that takes the place of the one before."""

from __future__ import annotations

import io
import sys
from typing import Any


def show_figure(figure: Any, places: dict[str, Any]) -> None:
    """Show `figure` where the last one of the same `places` is; nothing outside a notebook."""
    ipython = sys.modules.get("IPython.display")
    if ipython is None:
        return
    file = io.BytesIO()
    figure.savefig(file, format="png")
    image = ipython.Image(data=file.getvalue())
    if "notebook" in places:
        places["notebook"].update(image)
    else:
        places["notebook"] = ipython.display(image, display_id=True)
