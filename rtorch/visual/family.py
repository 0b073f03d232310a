"""Families of primitives, for their colours: told from the file of `rtorch.ops` they are in."""

from __future__ import annotations

from rtorch.core.primitive import Primitive

# Family: how the legend calls it.
FAMILIES = {
    "elementwise": "elementwise",
    "contraction": "products, convolutions",
    "reduction": "reductions, scans",
    "shape": "shape and layout",
    "indexing": "indexing, sorting",
    "random": "random numbers",
    "linalg": "linear algebra, FFT",
    "control": "control flow, calls",
    "other": "other",
}

_BY_FILE = {
    "contraction": "contraction",
    "conv": "contraction",
    "convolution": "contraction",
    "reduction": "reduction",
    "cumulative": "reduction",
    "windows": "reduction",
    "collectives": "reduction",
    "shape": "shape",
    "creation": "shape",
    "indexing": "indexing",
    "sorting": "indexing",
    "random_bits": "random",
    "random_floats": "random",
    "random_gamma": "random",
    "random_counts": "random",
    "fft": "linalg",
    "linalg": "linalg",
    "matrices": "linalg",
    "matrix_functions": "linalg",
    "spectra": "linalg",
    "determinants": "linalg",
    "triangular": "linalg",
    "factorizations": "linalg",
    "effects": "other",
}
_BY_NAME = {"broadcast": "shape", "reshape": "shape", "permute_dims": "shape",
            "reduce_sum": "reduction", "checkpoint_name": "other"}  # fmt: skip


def family_of(prim: Primitive) -> str:
    """Which of `FAMILIES` a primitive belongs to."""
    if prim.name in _BY_NAME:
        return _BY_NAME[prim.name]
    package, _, file = type(prim).__module__.rpartition(".")
    if package == "rtorch.transforms":
        return "control"
    return _BY_FILE.get(file, "elementwise") if package == "rtorch.ops" else "other"
