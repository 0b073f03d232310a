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
    from rtorch.numpy.calculus import *
    from rtorch.numpy.convolution import *
    from rtorch.numpy.cumulative import *
    from rtorch.numpy.einsum import *
    from rtorch.numpy.histograms import *
    from rtorch.numpy.ignoring_nan import *
    from rtorch.numpy.joining import *
    from rtorch.numpy.maths import *
    from rtorch.numpy.matrices import *
    from rtorch.numpy.parts import *
    from rtorch.numpy.polynomials import *
    from rtorch.numpy.quantiles import *
    from rtorch.numpy.queries import *
    from rtorch.numpy.ranges import *
    from rtorch.numpy.repeating import *
    from rtorch.numpy.sets import *
    from rtorch.numpy.sorting import *
    from rtorch.numpy.special import *
    from rtorch.numpy.statistics import *
    from rtorch.numpy.tapers import *

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
    "rtorch.numpy.calculus": ("ediff1d", "gradient", "interp", "trapezoid", "unwrap"),
    "rtorch.numpy.convolution": ("convolve", "correlate"),
    "rtorch.numpy.cumulative": (
        "cummax", "cummin", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff",
        "logcumsumexp",
    ),
    "rtorch.numpy.einsum": ("einsum",),
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
        "diag", "diagonal", "eye", "identity", "trace", "tri", "tril", "triu",
    ),
    "rtorch.numpy.parts": ("divmod", "fix", "frexp", "gcd", "lcm", "ldexp", "modf", "spacing"),
    "rtorch.numpy.polynomials": (
        "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub",
        "polyval", "roots", "vander",
    ),
    "rtorch.numpy.quantiles": (
        "median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile",
    ),
    "rtorch.numpy.queries": (
        "array_equal", "array_equiv", "iscomplex", "iscomplexobj", "isneginf", "isposinf", "isreal",
        "isrealobj", "isscalar", "real_if_close",
    ),
    "rtorch.numpy.ranges": ("arange", "linspace", "logspace", "meshgrid"),
    "rtorch.numpy.repeating": ("pad", "repeat", "roll", "tile"),
    "rtorch.numpy.sets": (
        "intersect1d", "isin", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all",
        "unique_counts", "unique_inverse", "unique_values",
    ),
    "rtorch.numpy.sorting": (
        "argpartition", "argsort", "lexsort", "partition", "searchsorted", "sort", "sort_complex",
        "top_k",
    ),
    "rtorch.numpy.special": ("digamma", "erf", "erf_inv", "erfc", "lgamma"),
    "rtorch.numpy.statistics": ("average", "corrcoef", "cov", "mean", "std", "var"),
    "rtorch.numpy.tapers": ("bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"),
}
# fmt: on

if not TYPE_CHECKING:  # which takes what the star imports give
    __all__ = [*EARLY, *(name for names in LATE.values() for name in names)]
    __getattr__ = late(__name__, LATE)
