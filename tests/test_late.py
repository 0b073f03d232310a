"""What is imported late: not before it is asked for, and complete then."""

import subprocess
import sys

import pytest

import rtorch
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
