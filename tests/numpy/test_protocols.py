# ruff: noqa: E501 - tables read better in long lines
"""NumPy's functions on rtorch arrays: rtorch's results, with gradients, or a clear error."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, RtorchError
from rtorch.testing import assert_close, check_grads

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

VALUES = np.asarray([[0.5, -1.25, 2.0], [3.5, 0.25, -0.75]])
X = rt.asarray(VALUES)

CALLS: dict[str, Any] = {
    "sin": lambda x: np.sin(x),
    "add": lambda x: np.add(x, VALUES),
    "ndarray first": lambda x: VALUES * x,
    "ndarray in matmul": lambda x: VALUES.T @ x,
    "numpy scalar": lambda x: np.float64(2) * x,
    "dtype": lambda x: np.exp(x, dtype=np.float64),
    "absolute": lambda x: np.abs(x),
    "matmul": lambda x: np.matmul(x, x.T),
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce all": lambda x: np.add.reduce(x, axis=None, keepdims=True),
    "multiply.reduce": lambda x: np.multiply.reduce(x, 1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=-1),
    "minimum.reduce": lambda x: np.minimum.reduce(x),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, 1),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "subtract.outer": lambda x: np.subtract.outer(x, x[0]),
    "concatenate": lambda x: np.concatenate([x, 2 * x], axis=1),
    "concatenate mixed": lambda x: np.concatenate([VALUES, x]),
    "stack": lambda x: np.stack((x, x), 2),
    "vstack": lambda x: np.vstack([x, x]),
    "where": lambda x: np.where(x > 0, x, 0.0),
    "sum": lambda x: np.sum(x, axis=0),
    "sum a=": lambda x: np.sum(a=x, axis=(0, 1), keepdims=True),
    "mean": lambda x: np.mean(x, 1),
    "std": lambda x: np.std(x, axis=0, ddof=1),
    "var": lambda x: np.var(x),
    "max": lambda x: np.max(x, axis=1),
    "amin": lambda x: np.amin(x),
    "ptp": lambda x: np.ptp(x, 0),
    "median": lambda x: np.median(x, axis=1),
    "quantile": lambda x: np.quantile(x, 0.3, axis=1),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "einsum optimize": lambda x: np.einsum("ij,ij->", x, x, optimize=True),
    "tensordot": lambda x: np.tensordot(x, x, axes=((1,), (1,))),
    "dot": lambda x: np.dot(a=x, b=x.T),
    "outer": lambda x: np.outer(x[0], x[1]),
    "inner": lambda x: np.inner(x, x),
    "kron": lambda x: np.kron(x, x),
    "clip": lambda x: np.clip(x, -1, 1),
    "clip min=": lambda x: np.clip(x, min=0.1),
    "clip a_max=": lambda x: np.clip(x, a_min=None, a_max=0.1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "reshape order": lambda x: np.reshape(x, (3, 2), order="C"),
    "ravel": lambda x: np.ravel(x),
    "transpose": lambda x: np.permute_dims(x, (1, 0)),
    "moveaxis": lambda x: np.moveaxis(x, source=0, destination=1),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "expand_dims": lambda x: np.expand_dims(a=x, axis=1),
    "squeeze": lambda x: np.squeeze(x[None]),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[0]),
    "atleast_3d": lambda x: np.atleast_3d(x),
    "flip": lambda x: np.flip(x, axis=1),
    "roll": lambda x: np.roll(x, 1, axis=1),
    "rot90": lambda x: np.rot90(x),
    "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "pad": lambda x: np.pad(x, 1, constant_values=2.0),
    "split": lambda x: np.split(x, 3, axis=1),
    "append": lambda x: np.append(x, x),
    "cumsum": lambda x: np.cumsum(x),
    "cumsum axis": lambda x: np.cumsum(x, 1),
    "diff": lambda x: np.diff(x),
    "sort": lambda x: np.sort(x, axis=0),
    "sort kind": lambda x: np.sort(x, kind="mergesort"),
    "take": lambda x: np.take(x, [0, 2], axis=1),
    "take flat": lambda x: np.take(x, indices=[0, 4]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.asarray([[0], [2]]), axis=1),
    "diag": lambda x: np.diag(x[0], k=1),
    "trace": lambda x: np.trace(x),
    "tril": lambda x: np.tril(x, k=-1),
    "average": lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0]),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1], indexing="ij"),
    "nansum": lambda x: np.nansum(x, axis=0),
    "zeros_like": lambda x: np.zeros_like(x),
    "real": lambda x: np.real(x),
}
# Functions without derivatives.
VALUES_ONLY: dict[str, Any] = {
    "greater": lambda x: np.greater(x, 0),
    "logical_and.reduce": lambda x: np.logical_and.reduce(x > -1, axis=1),
    "logical_or.reduce": lambda x: np.logical_or.reduce(x > 3),
    "divmod": lambda x: np.divmod(x, 0.7)[1],
    "round": lambda x: np.round(x, decimals=1),
    "around": lambda x: np.around(x, 1),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argsort": lambda x: np.argsort(x, axis=0),
    "any": lambda x: np.any(x > 3),
    "allclose": lambda x: np.allclose(x, x + 1e-9),
    "isclose": lambda x: np.isclose(x, 0.5, atol=1e-3),
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0]), x[1], side="right"),
    "count_nonzero": lambda x: np.count_nonzero(x > 0, axis=0),
    "full_like": lambda x: np.full_like(x, 2, dtype=np.float32),
    "astype": lambda x: np.astype(x, np.float32),
    "shape": lambda x: np.shape(x),
    "ndim": lambda x: np.ndim(x),
    "size": lambda x: np.size(x, axis=1),
    "iscomplexobj": lambda x: np.iscomplexobj(x),
    "result_type": lambda x: np.result_type(x, np.float32),
    "can_cast": lambda x: np.can_cast(x, np.float32),
    "array_repr": lambda x: np.array2string(x),
    "in place, in the other's memory": lambda x: np.asarray(x).sum(),
}


def has_numpy_array(y):
    if isinstance(y, (list, tuple)):
        return any(map(has_numpy_array, y))
    return isinstance(y, np.ndarray)


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives(name):
    call = CALLS[name]
    got, want = call(X), call(VALUES)
    assert not has_numpy_array(got)
    same = isinstance(got, list) == isinstance(want, list)
    assert_close(got, want if same else type(got)(want), 1e-12)
    check_grads(call, (X,))
    assert_close(rt.jit(call)(X), got, 1e-12)


@pytest.mark.parametrize("name", VALUES_ONLY)
def test_values(name):
    got, want = VALUES_ONLY[name](X), VALUES_ONLY[name](VALUES)
    assert not has_numpy_array(got)
    if isinstance(got, rt.Array):
        assert_close(got, want)
    else:
        assert got == want


def root_or(row):
    return np.sum(np.where(row > 0, np.sqrt(np.abs(row)), VALUES[0]))


def test_under_vmap():
    assert_close(rt.vmap(root_or)(X), np.asarray([root_or(row) for row in VALUES]), 1e-12)
    slopes = rt.vmap(rt.grad(root_or))(X)
    assert_close(slopes, np.where(VALUES > 0, 0.5 / np.sqrt(np.abs(VALUES)), 0.0), 1e-12)


def test_functions_of_scipy():
    special = pytest.importorskip("scipy.special")
    x = rt.asarray([0.5, 1.5], rt.float64)
    for name in ("erf", "erfc", "gammaln", "psi", "expit", "log1p"):
        function = getattr(special, name)
        got = function(x)
        assert isinstance(got, rt.Array)
        assert_close(got, function(np.asarray(x)), 1e-6)
        check_grads(function, (x,), rtol=1e-4)
    with pytest.raises(ArgumentError, match=r"\[scipy.special.ellipk\] does not work"):
        special.ellipk(x)


# ---- everything that NumPy dispatches ------------------------------------------------------------


def dispatched() -> dict[str, Any]:
    modules = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath,
               "np.strings": np.strings, "np.stride_tricks": np.lib.stride_tricks}  # fmt: skip
    return {
        f"{prefix}.{name}": member
        for prefix, module in modules.items()
        for name, member in vars(module).items()
        if type(member).__name__ == "_ArrayFunctionDispatcher"
    }


SQUARE = rt.asarray([[2.0, 0.5], [0.5, 3.0]])
LINE = rt.asarray([0.25, 0.5, 2.0])
WHOLE = rt.asarray([1, 0, 2])
ARGUMENTS: list[Any] = [
    lambda x: (x,), lambda x: (x, x), lambda x: (x, 1), lambda x: (x, x, x), lambda x: (x, 1, 0),
    lambda x: (0, x), lambda x: (x > 0, x), lambda x: (x, [0, 1], 0),
    lambda x: (np.ones(x.shape), x), lambda x: ("unused.npy", x),
]  # fmt: skip
FUNCTIONS = dispatched()
# Their dispatchers look into lists; other functions make NumPy arrays of lists before we are asked.
OF_LISTS = ("block", "column_stack", "concatenate", "dstack", "hstack", "stack", "vstack")


def attempt(function, *args, **kwargs):
    """Call: there may be an error, but no NumPy array in place of a traced result."""
    try:
        out = function(*args, **kwargs)
    except Exception:  # most arguments fit few functions
        return
    # An index or a count alone does not make NumPy ask; a tracer in its place is refused.
    if isinstance(args[0], (rt.Array, list)) or isinstance(function, np.ufunc):
        assert not has_numpy_array(out), f"{function} gave a NumPy array"


@pytest.mark.parametrize("name", OF_LISTS)
def test_no_function_of_lists_gives_a_numpy_array(name):
    attempt(getattr(np, name), [X, VALUES])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_gives_a_numpy_array(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for x in (SQUARE, LINE, WHOLE):
        for arguments in ARGUMENTS:
            attempt(FUNCTIONS[name], *arguments(x))


UFUNCS = {name: f for name, f in vars(np).items() if isinstance(f, np.ufunc)}


@pytest.mark.parametrize("name", UFUNCS)
def test_no_ufunc_gives_a_numpy_array(name):
    ufunc = UFUNCS[name]
    for x in (SQUARE, LINE, WHOLE, WHOLE > 0):
        xs = [x] * ufunc.nin
        attempt(ufunc, *xs)
        attempt(ufunc, x, *[np.asarray(x)] * (ufunc.nin - 1))
        attempt(ufunc, *xs, where=x > 0)
        attempt(ufunc, *xs, dtype=np.float64)
        attempt(ufunc, *xs, out=np.zeros(x.shape))
        for method in ("reduce", "accumulate"):
            attempt(getattr(ufunc, method), x)
        attempt(ufunc.outer, x, x)
        attempt(ufunc.reduceat, x, [0, 1])
        attempt(ufunc.at, np.zeros(3), [0], x)


# ---- errors --------------------------------------------------------------------------------------


def in_place():
    a = np.zeros((2, 3))
    a += X
    return a


def own_ufunc():
    sin = np.frompyfunc(abs, 1, 1)
    return sin(X)


ERRORS = {
    "missing": (lambda: np.busday_count(X, X),
        "[np.busday_count] does not work on rtorch arrays: rtorch has no such function; convert with np.asarray(x) if no derivative is needed"),
    "missing ufunc": (lambda: np.isnat(X),
        "[np.isnat] does not work on rtorch arrays: rtorch has no such function; convert with np.asarray(x) if no derivative is needed"),
    "instead": (lambda: np.common_type(X),
        "[np.common_type] does not work on rtorch arrays: use rt.result_type"),
    "out": (lambda: np.add(X, X, out=np.zeros((2, 3))),
        "[np.add] does not work on rtorch arrays: out= would write into an array. Write  x = np.add(x, y)  (and  a = a + x  instead of  a += x  for a NumPy array a)"),
    "in place": (in_place,
        "[np.add] does not work on rtorch arrays: out= would write into an array. Write  x = np.add(x, y)  (and  a = a + x  instead of  a += x  for a NumPy array a)"),
    "where": (lambda: np.sqrt(X, where=X > 0),
        "[np.sqrt] does not work on rtorch arrays: where= leaves elements undefined; use rt.where(condition, x, y)"),
    "casting": (lambda: np.sqrt(X, casting="unsafe"),
        "[np.sqrt] does not work on rtorch arrays: its arguments ['casting'] are not supported"),
    "at": (lambda: np.maximum.at(X, 0, 1.0),
        "[np.maximum.at] does not work on rtorch arrays: it would write into an array. Write  x = x.at[index].max(values)"),
    "unary at": (lambda: np.negative.at(X, 0),
        "[np.negative.at] does not work on rtorch arrays: it would write into an array. Write  x = x.at[index].apply(rt.negative)"),
    "reduceat": (lambda: np.add.reduceat(X, [0, 1]),
        "[np.add.reduceat] does not work on rtorch arrays: convert with np.asarray(x) if no derivative is needed"),
    "reduce": (lambda: np.arctan2.reduce(X),
        "[np.arctan2.reduce] does not work on rtorch arrays: rtorch has no such function; convert with np.asarray(x) if no derivative is needed"),
    "copyto": (lambda: np.copyto(np.zeros(3), X),
        "[np.copyto] does not work on rtorch arrays: it would write into an array. Write  x = x.at[index].set(values)"),
    "emath": (lambda: np.emath.sqrt(X),
        "[np.lib.scimath.sqrt] does not work on rtorch arrays: rtorch has no such function; convert with np.asarray(x) if no derivative is needed"),
    "argument": (lambda: np.round(X, out=np.zeros(3)),
        "[np.round] does not work on rtorch arrays: out= would write into an array, and arrays of rtorch are immutable. Leave it out and use the result"),
    "order": (lambda: np.sort(X, order="f"),
        "[np.sort] its argument 'order' has no counterpart: rtorch has sort(x, ..."),
    "frompyfunc": (own_ufunc,
        "[abs (vectorized)] does not work on rtorch arrays: rtorch has no such function; convert with np.asarray(x) if no derivative is needed"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, expected = ERRORS[name]
    with pytest.raises(ArgumentError) as caught:
        call()
    text = str(caught.value).split("\n")[0]
    start = expected.removesuffix("...")
    assert text == expected or (start != expected and text.startswith(start))


def test_tracers_do_not_become_numpy_arrays():
    for make in (rt.grad, rt.jit):
        with pytest.raises(RtorchError, match="cannot become a NumPy array"):
            make(lambda x: rt.sum(x) + float(np.array2string(x)[0]))(X)


def test_other_libraries_may_take_over():
    class Other:
        def __array_function__(self, func, types, args, kwargs):
            return "other"

    assert np.concatenate([X, Other()]) == "other"


def test_files_and_texts(tmp_path):
    np.savez(tmp_path / "x.npz", x=X)
    assert np.array_equal(np.load(tmp_path / "x.npz")["x"], VALUES)
    assert np.array_str(X) == str(VALUES)
