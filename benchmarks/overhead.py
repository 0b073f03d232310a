"""What rtorch costs beside NumPy, JAX, PyTorch and autograd: ``python benchmarks/overhead.py``.

Libraries that are not installed are left out. ``--quick`` takes fewer samples, ``--only TEXT``
runs the rows whose name contains it, ``--json FILE`` writes every figure.
"""

import sys

import _control
import _eager
import _jit
import _mlp
import _startup
from _command import run

ROWS = {
    "import": _startup.imports,
    "first-gradient": _startup.first_gradient,
    "add": _eager.addition,
    "slice": _eager.basic_index,
    "take": _eager.array_index,
    "set": _eager.indexed_set,
    "grad": _eager.gradient,
    "vmap-grad": _eager.batched_gradient,
    "jit-hit-3": _jit.hit_few,
    "jit-hit-150": _jit.hit_many,
    "jit-first-call": _jit.first_call,
    "mlp": _mlp.training_step,
    "reverse-mlp": _control.reverse_mlp,
    "reverse-rnn": _control.reverse_rnn,
    "reverse-chain": _control.reverse_chain,
    "scan": _control.loop_steps,
    "trace": _control.trace_time,
    "checkpoint": _control.checkpointed_memory,
}


if __name__ == "__main__":
    sys.exit(run(__doc__ or "", ROWS))
