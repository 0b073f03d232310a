"""What is imported late: not before it is asked for, and complete then."""

import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys

import pytest

import rtorch
import rtorch as rt
from rtorch import numpy as namespace

START = "import sys, rtorch as rt, numpy as np; assert 'ml_dtypes' not in sys.modules; "


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", START + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module", [*namespace.LATE, "rtorch.linalg", "rtorch.nn", "rtorch.transforms.jacobian"]
)
def test_late_modules_do_not_come_with_the_package(module: str) -> None:
    assert run(f"print({module!r} in sys.modules)") == "False"


@pytest.mark.parametrize("module", namespace.LATE)
def test_the_table_of_late_names_is_complete(module: str) -> None:
    __import__(module)
    assert list(namespace.LATE[module]) == sorted(sys.modules[module].__all__)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print(rt.median(rt.arange(3.0)), rt.ones(3).mean(), 'sort' in dir(rt))", "1.0 1.0 True"),
        ("print(rt.zeros(2, 'bfloat16').dtype, rt.bfloat16 in rt.core.dtypes.FLOATS)",
         "bfloat16 True"),
        ("import ml_dtypes; x = rt.asarray(np.ones(2, ml_dtypes.bfloat16)); print((x + 1).dtype)",
         "bfloat16"),
        ("print(rt.promote_types('bfloat16', 'float16'), rt.finfo('bfloat16').bits)", "float32 16"),
        ("print(rt.isdtype(rt.float32, rt.bfloat16), rt.spec(2, rt.bfloat16))", "False bf16[2]"),
        ("print(rt.grad(lambda x: (x * x).sum())(rt.ones(2, rt.bfloat16)).dtype)", "bfloat16"),
    ],
)  # fmt: skip
def test_late_names_work_in_a_fresh_process(code: str, expected: str) -> None:
    assert run(code) == expected


def test_an_array_of_bfloat16_is_unpickled_in_a_fresh_process() -> None:
    import pickle

    data = pickle.dumps(rtorch.ones(2, rtorch.bfloat16)).hex()
    code = f"import pickle; print((pickle.loads(bytes.fromhex('{data}')) * 1.5).dtype)"
    assert run(code) == "bfloat16"


def test_names_of_functions_are_not_those_of_modules() -> None:
    package = importlib.import_module("rtorch.numpy")
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)
    assert set(package.__all__) <= set(dir(package))


def test_functions_can_be_pickled() -> None:
    for name in rt.__all__:
        function = getattr(rt, name)
        if inspect.isfunction(function):
            assert pickle.loads(pickle.dumps(function)) is function, name


def test_threads_may_meet_bfloat16_at_once() -> None:
    code = (
        "import sys, threading, rtorch as rt\n"
        "sys.setswitchinterval(1e-6)\n"
        "def work(): rt.asarray([1.0], dtype='bfloat16') + rt.ones(1); done.append(1)\n"
        "done = []; threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]; print(len(done))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["8"]


@pytest.mark.parametrize("name", ["mean", "sort", "trace", "cumsum"])
def test_late_methods_have_their_signatures(name: str) -> None:
    code = f"import inspect, rtorch as rt; print(inspect.signature(rt.Array.{name}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(inspect.signature(getattr(rt, name)))
