"""Linear algebra: the functions of NumPy's `linalg`, and those of SciPy's that go with them.

All take stacks of matrices, in the last two axes, real or complex, and may be differentiated,
batched and compiled. They compute in float32 and wider; half precision is refused.

Example:
    >>> import rtorch as rt
    >>> a = rt.asarray([[2.0, 1.0], [1.0, 3.0]])
    >>> rt.grad(lambda a: rt.linalg.slogdet(a).logabsdet)(a).tolist() == rt.linalg.inv(a.T).tolist()
    True
"""

from __future__ import annotations

from rtorch.errors import LinAlgError
from rtorch.linalg.arguments import EighResult, EigResult, QRResult, SlogdetResult, SVDResult
from rtorch.linalg.factorizations import (
    cho_factor,
    cho_solve,
    cholesky,
    lu,
    lu_factor,
    lu_solve,
    qr,
)
from rtorch.linalg.functions import expm, logm, matrix_power, sqrtm
from rtorch.linalg.measures import (
    cond,
    det,
    matrix_norm,
    matrix_rank,
    norm,
    slogdet,
    vector_norm,
)
from rtorch.linalg.products import (
    block_diag,
    cross,
    diagonal,
    multi_dot,
    outer,
    toeplitz,
    trace,
)
from rtorch.linalg.spectra import eig, eigh, eigvals, eigvalsh, polar, svd, svdvals
from rtorch.linalg.systems import (
    inv,
    lstsq,
    pinv,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
    triangular_solve,
)
from rtorch.numpy.contraction import matmul, tensordot, vecdot
from rtorch.numpy.manipulation import matrix_transpose

__all__ = [
    "EigResult",
    "EighResult",
    "LinAlgError",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "polar",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "sqrtm",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "toeplitz",
    "trace",
    "triangular_solve",
    "vecdot",
    "vector_norm",
]
