"""Functions saved and loaded: what they compute, how they are called, what is refused."""

import collections
import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from op_specs import SPECS

import rtorch as rt
from rtorch.compiler.plan import executable
from rtorch.core.primitive import Primitive
from rtorch.errors import ArgumentError, DTypeError, OutOfBoundsError, ShapeError, TreeError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "f.npz"


def round_trip(path, f, *args, **kwargs):
    rt.export.save(path, f, *args, **kwargs)
    return rt.export.load(path)


def assert_same(got, want):
    assert rt.tree.structure(got) == rt.tree.structure(want)
    for a, b in zip(rt.tree.leaves(got), rt.tree.leaves(want), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def mlp(params, x, *, slope=0.5):
    h = rt.tanh(x @ params["w1"] + params["b1"])
    return {"out": h @ params["w2"] * slope, "hidden": h}


def mlp_params():
    keys = rt.random.split(rt.random.key(0), 2)
    return {
        "w1": rt.random.normal(keys[0], (3, 8)),
        "b1": rt.zeros(8),
        "w2": rt.random.normal(keys[1], (8, 2)),
    }


PARAMS, X, W = mlp_params(), rt.ones((4, 3)), rt.asarray([1.0, 2.0, 3.0])


# ---- what is computed ----------------------------------------------------------------------------


def test_pytrees_of_arguments_and_results(path):
    loaded = round_trip(path, mlp, PARAMS, rt.spec((4, 3)), slope=0.1)
    assert_same(loaded.call(PARAMS, X, slope=2.0), rt.jit(mlp)(PARAMS, X, slope=2.0))
    assert loaded.name == "mlp"
    assert [str(v) for v in loaded.out_avals] == ["f32[4,8]", "f32[4,2]"]
    assert list(loaded.out_info) == ["hidden", "out"]
    assert str(loaded.in_info[0][0]["w1"]) == "f32[3,8]"
    assert "tanh" in loaded.as_text()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_every_primitive(path, spec):
    arrays = spec.arrays(spec.dtypes[-1])
    want = rt.jit(spec.call)(*arrays)
    assert_same(round_trip(path, spec.call, *arrays).call(*arrays), want)


def test_constants_of_every_dtype(path):
    dtypes = ["bool", "int8", "uint16", "int64", "bfloat16", "float16", "float64", "complex64"]
    held = [rt.asarray(np.arange(6).reshape(2, 3).T, dtype) for dtype in dtypes]
    held += [rt.asarray(2.5, dtype="bfloat16"), rt.zeros((0, 3)), rt.broadcast_to(7.0, (2, 2))]
    loaded = round_trip(path, lambda: [x + x for x in held])
    assert_same(loaded.call(), [x + x for x in held])
    with np.load(path, allow_pickle=False) as archive:
        assert "constants/0" in archive.files


def test_a_constant_is_stored_once(path):
    w = rt.ones((50, 50))
    inner = rt.jit(lambda x: x @ w)
    rt.export.save(path, lambda x: inner(x @ w) + inner(x), w)
    names = zipfile.ZipFile(path).namelist()
    assert names == ["program.json", "constants/0.npy"]


@pytest.mark.parametrize(
    "value", [0.0, -0.0, float("inf"), -float("inf"), float("nan"), 0.1, 1e-310]
)
def test_numbers_keep_every_bit(path, value):
    x = rt.asarray(np.asarray([3.0, -1.0]))
    out = round_trip(path, lambda x: rt.where(x > 0, value, x), x).call(x)
    assert (
        np.asarray(out).view(np.int64).tolist() == np.asarray([value, -1.0]).view(np.int64).tolist()
    )


def test_complex_numbers_and_large_integers(path):
    z = rt.asarray([1j, 2.0])
    assert_same(round_trip(path, lambda z: z * (1 - 2j), z).call(z), z * (1 - 2j))
    n = rt.asarray([1, 2])
    assert_same(round_trip(path, lambda n: n + (2**62), n).call(n), n + 2**62)


def test_weak_types_survive(path):
    loaded = round_trip(path, lambda x, y: (x * 2, x * y), 1.5, rt.spec(3, "float16"))
    twice, product = loaded.call(2.5, rt.ones(3, "float16"))
    assert loaded.in_avals[0].weak
    assert product.dtype == rt.float16
    assert loaded.out_avals[0].weak
    assert float(twice) == 5.0


def test_random_numbers(path):
    f = lambda key: rt.random.normal(rt.random.split(key)[0], (5,))  # noqa: E731
    key = rt.random.key(3)
    assert_same(round_trip(path, f, key).call(key), rt.jit(f)(key))


def controlled(x, xs):
    def body(c, x):
        c = rt.cond(rt.sum(x) > 1, lambda c: c * 2, lambda c: rt.sin(c), c + x)
        return c, c

    last, ys = rt.scan(body, x, xs)
    grown = rt.while_loop(lambda c: rt.sum(c) < 50, lambda c: c * c + 1, last, max_steps=9)
    return grown, rt.switch(rt.asarray(1), [rt.sin, rt.cos, rt.exp], ys)


def test_control_flow(path):
    args = rt.ones(2), rt.arange(6.0).reshape(3, 2)
    loaded = round_trip(path, controlled, *args)
    assert_same(loaded.call(*args), rt.jit(controlled)(*args))
    assert {"scan", "while_loop", "switch"} <= {e.prim.name for e in loaded.program.eqns}
    got = rt.jit(rt.grad(lambda x: rt.sum(loaded.call(x, args[1])[0])))(args[0])
    want = rt.grad(lambda x: rt.sum(controlled(x, args[1])[0]))(args[0])
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-5)
    batch = rt.stack([args[0], args[0] * 2])
    got = rt.vmap(loaded.call, (0, None))(batch, args[1])
    want = rt.vmap(controlled, (0, None))(batch, args[1])
    for a, b in zip(rt.tree.leaves(got), rt.tree.leaves(want), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6)


def test_what_wraps_a_program_with_python_rules_is_inlined(path, monkeypatch):
    class Wrapper(Primitive):
        name = "wrapper_of_a_test"
        multiple = True

        def impl(self, xp, *raw, program, rule):
            return executable(program, xp)(*raw)

        def infer(self, *avals, program, rule):
            return program.out_avals

    monkeypatch.setattr(Primitive, "registry", dict(Primitive.registry))
    wrapper = Wrapper()
    inner = rt.make_program(lambda x: rt.sin(x) * W)(rt.spec(3))

    def f(x):
        def step(c, _):
            return wrapper(c, program=inner, rule=print)[0], None

        return rt.scan(step, *wrapper(x, program=inner, rule=print), None, length=2)[0]

    loaded = round_trip(path, f, rt.spec(3))
    assert [e.prim.name for e in loaded.program.eqns] == ["sin", "mul", "scan"]
    assert_same(loaded.call(W), rt.jit(f)(W))


def test_custom_rules_are_inlined(path):
    if not hasattr(rt, "custom_jvp"):
        pytest.skip("no custom rules")
    f = rt.custom_jvp(lambda x: x * 2)
    f.defjvp(lambda primals, tangents: (f(primals[0]), tangents[0] * 2))
    loaded = round_trip(path, lambda x: rt.sum(f(x)), rt.spec(3))
    assert float(loaded.call(rt.ones(3))) == 6.0
    assert rt.grad(loaded.call)(rt.ones(3)).tolist() == [2.0] * 3


def test_calls_and_dead_code_are_gone(path):
    @rt.jit
    def inner(x):
        rt.exp(x)
        return x + 1

    loaded = round_trip(path, lambda x: inner(inner(x)), rt.spec(3))
    assert [e.prim.name for e in loaded.program.eqns] == ["add", "add"]


# ---- transformations -----------------------------------------------------------------------------


TRANSFORMATIONS = {
    "grad": rt.grad,
    "jit of grad": lambda f: rt.jit(rt.grad(f)),
    "grad of jit": lambda f: rt.grad(rt.jit(f)),
    "vmap": lambda f: lambda p, x: rt.vmap(f, (None, 0))(p, rt.stack([x, 2 * x])),
    "vmap of grad": lambda f: lambda p, x: rt.vmap(rt.grad(f), (None, 0))(p, rt.stack([x, 2 * x])),
    "hvp": lambda f: lambda p, x: rt.hvp(f, (p, x), (p, x)),
    "linearize": lambda f: lambda p, x: rt.linearize(f, p, x)[1](p, x),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_transformations_of_a_loaded_function(path, name):
    loaded = round_trip(path, lambda p, x: mlp(p, x), PARAMS, X)
    make = TRANSFORMATIONS[name]
    got = make(lambda p, x: rt.sum(loaded.call(p, x)["out"] ** 2))(PARAMS, X)
    want = make(lambda p, x: rt.sum(mlp(p, x)["out"] ** 2))(PARAMS, X)
    for a, b in zip(rt.tree.leaves(got), rt.tree.leaves(want), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=1e-6)


def test_second_order_in_float64(path):
    x = rt.asarray([0.3, -0.7], rt.float64)
    loaded = round_trip(path, lambda x: rt.sum(rt.sin(x) * rt.exp(x)), x)
    rt.check_grads(loaded.call, (x,), order=2)


def test_a_gradient_can_be_saved(path, tmp_path):
    loaded = round_trip(path, lambda x: rt.sum(x**3), rt.spec(3))
    again = round_trip(tmp_path / "grad", rt.grad(loaded.call), rt.spec(3))
    assert again.call(rt.ones(3)).tolist() == [3.0] * 3
    assert rt.jacrev(again.call)(rt.ones(3)).tolist() == (6 * rt.eye(3)).tolist()


def test_saving_what_was_loaded_gives_the_same_file(path, tmp_path):
    loaded = round_trip(path, mlp, PARAMS, X)
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_without_the_source_in_a_fresh_process(path, tmp_path):
    rt.export.save(path, rt.value_and_grad(lambda p, x: rt.sum(mlp(p, x)["out"])), PARAMS, X)
    want, grads = rt.value_and_grad(lambda p, x: rt.sum(mlp(p, x)["out"]))(PARAMS, X)
    rt.save(tmp_path / "params.npz", PARAMS)
    code = f"""
import rtorch as rt
loaded = rt.export.load({str(path)!r})
params = rt.load({str(tmp_path / "params.npz")!r})
value, grads = loaded.call(params, rt.ones((4, 3)))
print(float(value), float(rt.sum(grads["w1"])))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(Path(rt.__file__).parent.parent), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    got = [float(word) for word in done.stdout.split()]
    np.testing.assert_allclose(got, [float(want), float(rt.sum(grads["w1"]))], rtol=1e-5)


# ---- structures ----------------------------------------------------------------------------------


class Point(NamedTuple):
    x: object
    y: object


@rt.tree.register_dataclass
@dataclasses.dataclass
class Dense:
    weight: object
    bias: object
    activation: str = dataclasses.field(default="tanh", metadata={"static": True})


@rt.tree.register_static
class Mode(str):
    pass


class Own:
    def __init__(self, x):
        self.x = x


rt.tree.register_node(Own, lambda o: ((o.x,), None), lambda aux, children: Own(*children))


def test_structures(path):
    def f(a, b, **kw):
        return (a["k"][0], [b, None], collections.OrderedDict(z=kw["z"], a=b)), {1: b, 2.5: b}

    args = {"k": (rt.ones(2), None)}, rt.zeros(1)
    loaded = round_trip(path, f, *args, z=rt.ones(3))
    assert_same(loaded.call(*args, z=rt.ones(3)), f(*args, z=rt.ones(3)))


def test_named_tuples_are_made_anew(path):
    f = lambda p: Point(p.y, p.x)  # noqa: E731
    p = Point(rt.ones(2), rt.zeros(3))
    loaded = round_trip(path, f, p)
    out = loaded.call(p)
    assert type(out).__name__ == "Point"
    assert type(out) is not Point
    assert out.x.tolist() == [0.0] * 3
    assert_same(loaded.call(out._make([p.x, p.y])), out)
    with pytest.raises(TreeError):
        loaded.call((p.x, p.y))
    assert type(rt.export.export(f)(p).call(p)) is Point


def test_dataclasses_are_made_anew(path):
    f = lambda d: dataclasses.replace(d, bias=d.weight * 2)  # noqa: E731
    d = Dense(rt.ones(2), rt.zeros(2), "relu")
    loaded = round_trip(path, f, d)
    out = loaded.call(d)
    assert (type(out).__name__, out.activation, out.bias.tolist()) == ("Dense", "relu", [2.0, 2.0])
    with pytest.raises(TreeError):
        loaded.call(Dense(rt.ones(2), rt.zeros(2), "tanh"))


@pytest.mark.parametrize("bad", [Own(rt.ones(2)), {"m": Mode("x"), "a": rt.ones(2)}])
def test_other_classes_are_refused(path, bad):
    with pytest.raises(ArgumentError, match=r"an argument holds .* use dicts, lists"):
        rt.export.save(path, lambda t: rt.tree.leaves(t)[0], bad)
    with pytest.raises(ArgumentError, match="the result holds"):
        rt.export.save(path, lambda x: bad, rt.spec(2))
    assert not path.exists()


def test_static_arguments_become_part_of_it(path):
    f = rt.jit(lambda x, n, *, mode: x * n if mode == "mul" else x + n,
               static_argnums=1, static_argnames="mode")  # fmt: skip
    loaded = round_trip(path, f, rt.spec(2), 3, mode="mul")
    assert loaded.call(rt.ones(2)).tolist() == [3.0, 3.0]


# ---- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((PARAMS,), TreeError, "signature"),
        ((PARAMS, rt.ones((5, 3))), ShapeError, r"\[mlp\] args\[1\] must have type f32\[4,3\]"),
        ((PARAMS, rt.ones((4, 3), rt.float64)), DTypeError, "astype"),
    ],
)
def test_arguments_that_do_not_fit(path, args, error, message):
    with pytest.raises(error, match=message):
        round_trip(path, mlp, PARAMS, X).call(*args)


def test_errors_name_the_line_that_was_exported(path):
    f = lambda x, i: x[i] + 1  # noqa: E731
    loaded = round_trip(path, f, rt.spec(3), rt.spec((), rt.int64))
    with pytest.raises(OutOfBoundsError):
        loaded.call(rt.ones(3), 7)
    assert loaded.program.eqns[0].source.file == "test_export.py"
    assert round_trip(path, rt.named_scope("part")(f), rt.ones(3), 0).program.eqns[0].source.scope
    rt.export.save(path, f, rt.spec(3), rt.spec((), rt.int64), sources=False)
    assert rt.export.load(path).program.eqns[0].source is None


def test_no_folders_are_written(path):
    rt.export.save(path, mlp, PARAMS, X)
    text = zipfile.ZipFile(path).read("program.json").decode()
    assert str(Path(__file__).parent) not in text
    assert "test_export.py" in text


# ---- what is refused -----------------------------------------------------------------------------


def host(x):
    return x


@pytest.mark.parametrize(
    "use",
    [
        lambda x: rt.debug.print("{}", x),
        lambda x: rt.debug.callback(host, x),
        lambda x: rt.io_callback(host, None, x),
        lambda x: rt.pure_callback(host, rt.spec(3), x),
    ],
)
def test_python_functions_are_refused(path, use):
    def f(x):
        y = use(x)
        return x if y is None else y

    with pytest.raises(ArgumentError, match=r"Python object .* cannot") as info:
        rt.export.export(f)(rt.spec(3))
    assert info.value.where.file == __file__


def test_a_callback_that_nothing_reads_is_no_obstacle(path):
    def f(x):
        rt.pure_callback(host, rt.spec(3), x)
        return x * 2

    assert round_trip(path, f, rt.spec(3)).call(rt.ones(3)).tolist() == [2.0] * 3


def test_traced_values_are_refused(path):
    def outer(y):
        rt.export.save(path, lambda x: x * y, rt.spec(()))
        return y

    with pytest.raises(ArgumentError, match="closes over"):
        rt.grad(outer)(1.0)
    with pytest.raises(ArgumentError, match="closes over"):
        rt.jit(outer)(1.0)


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match=r"\[export\] expected a function"):
        rt.export.export(3)


def test_a_failure_leaves_the_old_file(path):
    rt.export.save(path, mlp, PARAMS, X)
    before = path.read_bytes()
    with pytest.raises(ArgumentError):
        rt.export.save(path, lambda x: rt.debug.print("{}", x), X)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["f.npz"]


def test_a_suffix_is_added_and_json_is_plain(tmp_path):
    rt.export.save(tmp_path / "model", rt.sin, rt.spec(3))
    header = json.loads(zipfile.ZipFile(tmp_path / "model.npz").read("program.json"))
    assert (header["format"], header["version"]) == ("rtorch.export", 1)
    assert rt.export.load(tmp_path / "model").call(rt.zeros(3)).tolist() == [0.0] * 3
    with pytest.raises(FileNotFoundError):
        rt.export.load(tmp_path / "none")


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.npz")), ids=lambda f: f.stem)
def test_files_of_earlier_versions_load(file):
    """Files of this folder are never written again; a new version of the format adds one."""
    loaded = rt.export.load(file)
    expected = np.load(file.with_suffix(".expected.npy"))
    w, x = np.arange(6.0, dtype=np.float32).reshape(3, 2) / 6, np.ones((2, 3), np.float32)
    params = {"w": rt.asarray(w), "b": (rt.zeros(2, "bfloat16"), None)}
    value = loaded.call(params, rt.asarray(x), scale=0.5)
    np.testing.assert_allclose(np.asarray(value["loss"]), expected[0], rtol=1e-6)
    slope = rt.grad(lambda x: loaded.call(params, x, scale=0.5)["loss"])(rt.asarray(x))
    np.testing.assert_allclose(np.asarray(slope).ravel(), expected[1:], rtol=1e-5)


def test_there_is_a_golden_file_of_this_version():
    assert (GOLDEN / "version_1.npz").exists()
