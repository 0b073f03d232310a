"""The array namespace: NumPy's functions on immutable arrays, traced where that is wanted.

Everything here is also in ``rtorch``. The functions promote, broadcast and normalise axes, then
call primitives (`rtorch.ops`), which is all that transformations see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtorch.core.late import late
from rtorch.numpy import (
    contraction,
    creation,
    elementwise,
    indexing,
    manipulation,
    operators,  # noqa: F401 - installs them on Array
    reductions,
    ufuncs,
)
from rtorch.numpy.contraction import *
from rtorch.numpy.creation import *
from rtorch.numpy.elementwise import *
from rtorch.numpy.indexing import *
from rtorch.numpy.manipulation import *
from rtorch.numpy.reductions import *
from rtorch.numpy.ufuncs import *

if TYPE_CHECKING:
    from rtorch.numpy.bits import *
    from rtorch.numpy.blocks import *
    from rtorch.numpy.calculus import *
    from rtorch.numpy.convolution import *
    from rtorch.numpy.cumulative import *
    from rtorch.numpy.editing import *
    from rtorch.numpy.einsums import *
    from rtorch.numpy.grids import *
    from rtorch.numpy.histograms import *
    from rtorch.numpy.ignoring_nan import *
    from rtorch.numpy.joining import *
    from rtorch.numpy.maths import *
    from rtorch.numpy.matrices import *
    from rtorch.numpy.padding import *
    from rtorch.numpy.parts import *
    from rtorch.numpy.polynomials import *
    from rtorch.numpy.products import *
    from rtorch.numpy.quantiles import *
    from rtorch.numpy.queries import *
    from rtorch.numpy.ranges import *
    from rtorch.numpy.raveling import *
    from rtorch.numpy.repeating import *
    from rtorch.numpy.searching import *
    from rtorch.numpy.segments import *
    from rtorch.numpy.selecting import *
    from rtorch.numpy.sets import *
    from rtorch.numpy.sorting import *
    from rtorch.numpy.sources import *
    from rtorch.numpy.special import *
    from rtorch.numpy.statistics import *
    from rtorch.numpy.tapers import *
    from rtorch.numpy.triangles import *
    from rtorch.numpy.types import *
    from rtorch.numpy.windows import *

EARLY: list[str] = [  # what is here once rtorch is imported
    *contraction.__all__,
    *creation.__all__,
    *elementwise.__all__,
    *indexing.__all__,
    *manipulation.__all__,
    *reductions.__all__,
    *ufuncs.__all__,
]
# The rest is imported when first asked for.
# fmt: off
LATE: dict[str, tuple[str, ...]] = {
    "rtorch.numpy.bits": ("packbits", "unpackbits"),
    "rtorch.numpy.blocks": ("block",),
    "rtorch.numpy.calculus": ("ediff1d", "gradient", "interp", "trapezoid", "unwrap"),
    "rtorch.numpy.convolution": ("convolve", "correlate"),
    "rtorch.numpy.cumulative": (
        "cummax", "cummin", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff",
        "logcumsumexp",
    ),
    "rtorch.numpy.editing": ("delete", "insert", "trim_zeros"),
    "rtorch.numpy.einsums": ("einsum", "einsum_path"),
    "rtorch.numpy.grids": ("c_", "index_exp", "indices", "ix_", "mgrid", "ogrid", "r_", "s_"),
    "rtorch.numpy.histograms": (
        "bincount", "digitize", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd",
    ),
    "rtorch.numpy.ignoring_nan": (
        "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin",
        "nanprod", "nanstd", "nansum", "nanvar",
    ),
    "rtorch.numpy.joining": (
        "append", "array_split", "column_stack", "concat", "concatenate", "dsplit", "dstack",
        "hsplit", "hstack", "split", "stack", "unstack", "vsplit", "vstack",
    ),
    "rtorch.numpy.maths": (
        "around", "deg2rad", "degrees", "fabs", "float_power", "fmax", "fmin", "heaviside",
        "logaddexp2", "nan_to_num", "rad2deg", "radians", "sinc",
    ),
    "rtorch.numpy.matrices": (
        "diag", "diagflat", "diagonal", "eye", "identity", "trace", "tri", "tril", "triu",
    ),
    "rtorch.numpy.padding": ("pad",),
    "rtorch.numpy.parts": ("divmod", "fix", "frexp", "gcd", "lcm", "ldexp", "modf", "spacing"),
    "rtorch.numpy.polynomials": (
        "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub",
        "polyval", "roots", "vander",
    ),
    "rtorch.numpy.products": ("cross", "matvec", "vecmat"),
    "rtorch.numpy.quantiles": (
        "median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile",
    ),
    "rtorch.numpy.queries": (
        "array_equal", "array_equiv", "iscomplex", "iscomplexobj", "isneginf", "isposinf",
        "isreal", "isrealobj", "isscalar", "real_if_close",
    ),
    "rtorch.numpy.ranges": ("arange", "geomspace", "linspace", "logspace", "meshgrid"),
    "rtorch.numpy.raveling": ("ravel_multi_index", "unravel_index"),
    "rtorch.numpy.repeating": ("repeat", "resize", "roll", "tile"),
    "rtorch.numpy.searching": ("argwhere", "compress", "extract", "flatnonzero", "nonzero"),
    "rtorch.numpy.segments": (
        "one_hot", "segment_max", "segment_min", "segment_prod", "segment_sum",
    ),
    "rtorch.numpy.selecting": (
        "choose", "masked_fill", "piecewise", "place", "put", "put_along_axis", "select",
    ),
    "rtorch.numpy.sets": (
        "intersect1d", "isin", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all",
        "unique_counts", "unique_inverse", "unique_values",
    ),
    "rtorch.numpy.sorting": (
        "argpartition", "argsort", "lexsort", "partition", "searchsorted", "sort", "sort_complex",
        "top_k",
    ),
    "rtorch.numpy.sources": ("frombuffer", "fromfile", "fromfunction", "fromiter", "fromstring"),
    "rtorch.numpy.special": ("digamma", "erf", "erf_inv", "erfc", "lgamma"),
    "rtorch.numpy.statistics": ("average", "corrcoef", "cov", "mean", "std", "var"),
    "rtorch.numpy.tapers": ("bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"),
    "rtorch.numpy.triangles": (
        "diag_indices", "diag_indices_from", "fill_diagonal", "mask_indices", "tril_indices",
        "tril_indices_from", "triu_indices", "triu_indices_from",
    ),
    "rtorch.numpy.types": (
        "array2string", "array_repr", "array_str", "can_cast", "cdouble", "complex_",
        "complexfloating", "csingle", "double", "dtype", "float_", "floating", "generic",
        "get_printoptions", "inexact", "int_", "integer", "issubdtype", "iterable", "ndim",
        "number", "printoptions", "set_printoptions", "shape", "signedinteger", "single", "size",
        "uint", "unsignedinteger",
    ),
    "rtorch.numpy.windows": (
        "dynamic_index_in_dim", "dynamic_slice_in_dim", "dynamic_update_index_in_dim",
        "dynamic_update_slice_in_dim",
    ),
}
# fmt: on

if not TYPE_CHECKING:  # which takes what the star imports give
    __all__ = [*EARLY, *(name for names in LATE.values() for name in names)]
    __getattr__ = late(__name__, LATE)


def __dir__() -> list[str]:
    return sorted({*globals(), *globals()["__all__"]})
