"""Linear algebra."""

from collections.abc import Callable
from typing import Any

import numpy as np

import rtorch as rt
from function_specs import C64, C128, F32, F64, I64, Fn, x

BLAS = (F32, F64, C64, C128)
REALS = (F32, F64)
SHAPES = ((3, 3), (2, 2, 2))


def adjoint(a: Any) -> Any:
    return np.conj(np.swapaxes(a, -1, -2)) if isinstance(a, np.ndarray) else rt.conj(a.mT)


def regular(a: Any, *others: Any) -> Any:
    return a + 4 * rt.eye(a.shape[-1]).astype(a.dtype), *others


def positive(a: Any, *others: Any) -> Any:
    return rt.conj(a.mT) @ a + rt.eye(a.shape[-1]).astype(a.dtype), *others


def triangle(a: Any, *others: Any) -> Any:
    return rt.tril(regular(a)[0]), *others


def far(a: Any) -> Any:
    """Eigenvalues far from each other."""
    steps = rt.diag(rt.arange(a.shape[-1]).astype(a.dtype))
    return (a + 10 * steps,)


def symmetric(a: Any) -> Any:
    return (far(a)[0] + adjoint(far(a)[0]),)


def scipy(name: str) -> Callable[..., Any]:
    """SciPy's function, one matrix after the other."""

    def reference(*args: Any, **kwargs: Any) -> Any:
        import scipy.linalg

        return getattr(scipy.linalg, name)(*args, **kwargs)

    return reference


def fn(name: str, *args: Any, case: str = "", **more: Any) -> Fn:
    """An entry for the arguments: of complex numbers too, twice differentiable."""
    return Fn(f"linalg.{name}", args, case=case, **{"dtypes": BLAS, "order": 2, "tolerance": 32.0,
                                                    **more})  # fmt: skip


def for_shapes(name: str, *rest: Any, shapes: Any = SHAPES, **more: Any) -> list[Fn]:
    """Entries for one stack of matrices each."""
    return [fn(name, x(*s), *rest, **{**more, "case": f"{more.get('case', '')}{s}"})
            for s in shapes]  # fmt: skip


# What is determined of vectors: their products, and moduli.
def of_eigh(out: Any) -> Any:
    w, v = out
    return w, (v * w[..., None, :] ** 2) @ adjoint(v), abs(v)


def of_eig(out: Any) -> Any:
    """Eigenvalues in any order: their sums of powers; of the vectors, the moduli of a sum."""
    w, v = out
    return w.sum(-1), (w**2).sum(-1), (abs(v) ** 2 * (w.real**2)[..., None, :]).sum(-1)


def of_eigvals(w: Any) -> Any:
    return w.sum(-1), (w**2).sum(-1), (w**3).sum(-1)


def of_svd(out: Any) -> Any:
    u, s, vh = out
    k = s.shape[-1]
    return s, u[..., :, :k] @ vh[..., :k, :], abs(u[..., :, :k]), abs(vh[..., :k, :])


def of_qr(out: Any) -> Any:
    """Of the columns that complete `q`, what they span."""
    q, r = out
    n = r.shape[-1]
    return q[..., :n], r, q[..., n:] @ adjoint(q[..., n:])


def to_complex(name: str) -> Callable[..., Any]:
    """NumPy's function with results that are complex always."""
    function = getattr(np.linalg, name)

    def reference(a: Any) -> Any:
        dtype = C64 if a.dtype in (F32, C64) else C128
        out = function(a)
        if isinstance(out, tuple):
            return tuple(y.astype(dtype) for y in out)
        return out.astype(dtype)

    return reference


def first(out: Any) -> Any:
    return out[0]


RECTANGLES = ((3, 3), (4, 2), (2, 2, 3))

SYSTEMS = [
    *[fn("solve", x(*a), x(*b), case=f"{a}-{b}", prepare=regular)
      for a, b in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 2, 2), (2,)), ((2, 1, 2, 2), (3, 2, 1)),
                   ((0, 0), (0, 2)))],
    *for_shapes("inv", shapes=(*SHAPES, (0, 2, 2)), prepare=regular),
    *[fn("solve_triangular", x(3, 3), x(3, 2), case=f"{trans}{lower:d}",
         kwargs={"trans": trans, "lower": lower}, prepare=regular,
         reference=scipy("solve_triangular"))
      for trans in (0, 1, 2) for lower in (True, False)],
    fn("solve_triangular", x(3, 3), x(3), kwargs={"lower": True, "unit_diagonal": True},
       reference=scipy("solve_triangular"), case="unit"),
    fn("triangular_solve", x(3, 3), x(3), reference=scipy("solve_triangular"), prepare=regular),
    *for_shapes("pinv", shapes=RECTANGLES, kwargs={"rtol": 1e-6}),
    fn("lstsq", x(4, 2), x(4), kwargs={"rcond": None}, view=lambda out: (out[0], out[3])),
    fn("lstsq", x(4, 2), x(4, 3), kwargs={"rcond": None}, case="columns",
       view=lambda out: (out[0], out[1], out[3])),
    fn("lstsq", x(2, 4), x(2), kwargs={"rcond": None}, case="wide", view=first),
    fn("tensorsolve", x(2, 3, 6), x(2, 3)),
    fn("tensorsolve", x(2, 6, 3), x(2, 3), kwargs={"axes": (1,)}, case="axes"),
    fn("tensorinv", x(6, 2, 3), 1),
]  # fmt: skip

FACTORS = [
    *for_shapes("cholesky", prepare=positive, reference=lambda a: np.linalg.cholesky(
        (a + adjoint(a)) / 2)),
    fn("cholesky", x(3, 3), kwargs={"upper": True}, prepare=positive, case="upper",
       reference=lambda a, upper: adjoint(np.linalg.cholesky((a + adjoint(a)) / 2))),
    *[fn("cholesky", x(3, 3), kwargs={"upper": upper, "symmetrize_input": False},
         prepare=positive, case=f"triangle-{upper}",
         reference=lambda a, upper, symmetrize_input: np.linalg.cholesky(a, upper=upper))
      for upper in (False, True)],
    fn("cho_factor", x(3, 3), prepare=positive, view=lambda out: np.triu(out[0]) if isinstance(
        out[0], np.ndarray) else rt.triu(out[0]), reference=scipy("cho_factor")),
    *[fn("cho_solve", (x(3, 3), lower), x(3, 2), prepare=triangle if lower else regular,
         reference=scipy("cho_solve"), case=f"{lower}") for lower in (True, False)],
    *for_shapes("lu", shapes=((3, 3), (4, 2), (2, 4)), reference=scipy("lu")),
    fn("lu", x(3, 3), kwargs={"permute_l": True}, reference=scipy("lu"), case="permute"),
    *for_shapes("lu", shapes=((2, 3, 2),), reference=None),
    fn("lu_factor", x(3, 3), reference=scipy("lu_factor"), same_dtype=False),
    *[fn("lu_solve", (x(3, 3), np.array([1, 1, 2])), x(3, 2), trans, prepare=regular,
         reference=scipy("lu_solve"), case=f"{trans}") for trans in (0, 1, 2)],
    *for_shapes("qr", shapes=RECTANGLES),
    fn("qr", x(4, 2), "complete", case="complete", view=of_qr),
    fn("qr", x(4, 2), "r", case="r"),
]  # fmt: skip

SPECTRA = [
    *for_shapes("eigh", prepare=symmetric, view=of_eigh, reference=lambda a: np.linalg.eigh(
        (a + adjoint(a)) / 2)),
    *[fn("eigh", x(3, 3), uplo, prepare=far, view=of_eigh, case=uplo) for uplo in "LU"],
    *for_shapes("eigvalsh", prepare=symmetric, reference=lambda a: np.linalg.eigvalsh(
        (a + adjoint(a)) / 2)),
    *for_shapes("eig", prepare=far, view=of_eig, reference=to_complex("eig")),
    *for_shapes("eigvals", prepare=far, view=of_eigvals, reference=to_complex("eigvals")),
    *for_shapes("svd", kwargs={"full_matrices": False}, shapes=RECTANGLES, view=of_svd),
    fn("svd", x(2, 4), case="full", view=of_svd),
    fn("svd", x(3, 2), kwargs={"compute_uv": False}, case="values"),
    *for_shapes("svdvals", shapes=RECTANGLES),
    *[fn("polar", x(*s), side, reference=scipy("polar"), case=f"{s}-{side}")
      for s in ((3, 3), (4, 2), (2, 3)) for side in ("left", "right")],
]  # fmt: skip

INF = float("inf")
MEASURES = [
    *for_shapes("det", shapes=(*SHAPES, (0, 0))),
    *for_shapes("slogdet", prepare=regular),
    fn("norm", x(2, 3)),
    fn("norm", x(2, 3, 2), kwargs={"axis": 1, "keepdims": True}, case="axis"),
    *[fn("norm", x(4), o, case=f"vector-{o}", order=2 if o else 0)
      for o in (INF, -INF, 0, 1, 2, 3, 2.5, -1)],
    *[fn("norm", x(3, 4), o, case=f"matrix-{o}")
      for o in ("fro", "nuc", INF, -INF, 1, -1, 2, -2)],
    *[fn("norm", x(2, 3, 4), o, (2, 0), True, case=f"axes-{o}") for o in (None, "nuc", INF, 1)],
    *[fn("vector_norm", x(2, 3), kwargs={"ord": o, "axis": 1}, case=f"{o}")
      for o in (INF, 1, 2, 3)],
    fn("vector_norm", x(2, 3), kwargs={"keepdims": True}, case="all"),
    *[fn("matrix_norm", x(2, 3, 2), kwargs={"ord": o, "keepdims": keep}, case=f"{o}-{keep}")
      for o in ("fro", "nuc", 2, INF, -1) for keep in (False, True)],
    *for_shapes("matrix_rank", shapes=RECTANGLES, order=0, why_not_smooth="whole numbers"),
    fn("matrix_rank", x(3, 3), 0.5, order=0, why_not_smooth="whole numbers", case="tol"),
    *[fn("cond", x(3, 3), p, prepare=regular, case=f"{p}", view=lambda y: y + 0 * y)
      for p in (None, 2, -2, "fro", 1, INF)],
]  # fmt: skip

OTHERS = [
    *[fn("matrix_power", x(2, 2, 2), n, prepare=regular, case=f"{n}") for n in (0, 1, 3, 6, -2)],
    fn("matrix_power", x(3, 3), 3, dtypes=(I64,), order=0, why_not_smooth="integers", case="int"),
    *for_shapes("expm", reference=scipy("expm")),
    fn("sqrtm", x(3, 3), prepare=positive, reference=scipy("sqrtm")),
    fn("logm", x(3, 3), prepare=positive, reference=scipy("logm"), dtypes=(F64, C128)),
    fn("multi_dot", [x(2, 3), x(3, 4), x(4, 2), x(2)]),
    fn("cross", x(2, 3), x(2, 3)),
    fn("cross", x(3, 2), x(3, 1), kwargs={"axis": 0}, case="axis"),
    fn("outer", x(2), x(3)),
    fn("diagonal", x(2, 3, 4), kwargs={"offset": 1}),
    fn("trace", x(2, 3, 3)),
    fn("block_diag", x(2, 1), x(1, 2), x(3), reference=scipy("block_diag")),
    fn("toeplitz", x(3), x(4), reference=scipy("toeplitz")),
    fn("toeplitz", x(3), reference=scipy("toeplitz"), case="hermitian"),
    fn("matmul", x(2, 3), x(3, 2)),
    fn("tensordot", x(2, 3), x(3, 2), kwargs={"axes": 1}),
    fn("vecdot", x(2, 3), x(2, 3)),
    fn("matrix_transpose", x(2, 3, 4)),
]

SPECS = [*SYSTEMS, *FACTORS, *SPECTRA, *MEASURES, *OTHERS]
