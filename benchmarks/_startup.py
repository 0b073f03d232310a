"""What a new process waits for: imports, and the first gradient."""

import os
import subprocess
import sys
import time

from _libraries import library
from _table import Row, at_most
from _timing import Effort, Samples, collect

IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"

# The gradient of sum(x * x), and the clock when it is there.
FIRST_GRADIENT = {
    "rtorch": """
import numpy as np, rtorch as rt
g = rt.grad(lambda x: rt.sum(x * x))(rt.asarray(np.ones(3, np.float32)))
""",
    "jax": """
import numpy as np, jax, jax.numpy as jnp
g = jax.grad(lambda x: jnp.sum(x * x))(jnp.asarray(np.ones(3, np.float32)))
""",
    "torch": """
import numpy as np, torch
x = torch.tensor(np.ones(3, np.float32), requires_grad=True)
(x * x).sum().backward()
g = x.grad
""",
    "autograd": """
import autograd.numpy as np, autograd
g = autograd.grad(lambda x: np.sum(x * x))(np.ones(3, np.float32))
""",
}
CHECK_AND_CLOCK = """
import time
now = time.monotonic()
assert np.asarray(g).tolist() == [2.0, 2.0, 2.0]
print(now)
"""


def printed_number(code: str) -> float:
    """What a new interpreter prints when it runs `code`."""
    # As an installed package has it: compiled to bytecode once, by the first process.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    return float(done.stdout)


def time_import(module: str) -> float:
    """Seconds of `import module` in a new process."""
    return printed_number(IMPORT.format(module))


def time_first_gradient(name: str) -> float:
    """Seconds from starting the process to having the gradient (the clock is system-wide)."""
    start = time.monotonic()
    return printed_number(FIRST_GRADIENT[name] + CHECK_AND_CLOCK) - start


def imports(effort: Effort) -> Row:
    names = ["numpy", *(name for name in FIRST_GRADIENT if library(name))]
    samples = timed_processes(time_import, names, effort)
    return Row(
        "import, in a new process", samples, [at_most(samples, "rtorch", 20e-3, over="numpy")]
    )


def first_gradient(effort: Effort) -> Row:
    names = [name for name in FIRST_GRADIENT if library(name)]
    samples = timed_processes(time_first_gradient, names, effort)
    return Row("process start to first gradient", samples, [at_most(samples, "rtorch", 0.2)])


def timed_processes(timer, names: list[str], effort: Effort) -> Samples:
    """`timer(name)` for each name in turn; the first start of each warms the disk cache."""
    for name in names:
        timer(name)
    return collect({name: lambda n=name: timer(n) for name in names}, effort.processes)
