"""What rtorch costs beside NumPy, JAX, PyTorch and autograd: ``python benchmarks/overhead.py``.

Libraries that are not installed are left out. ``--quick`` takes fewer samples, ``--only TEXT``
runs the rows whose name contains it, ``--json FILE`` writes every figure.
"""

import argparse
import sys
from pathlib import Path

import _control
import _eager
import _jit
import _mlp
import _startup
from _table import Row, heading, lines, summary, write_json
from _timing import QUICK, Effort

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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples: a rough picture")
    parser.add_argument("--only", metavar="TEXT", default="", help=f"rows: {', '.join(ROWS)}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    effort = QUICK if options.quick else Effort()
    print(heading())
    rows: list[Row] = []
    for name, measure in ROWS.items():
        if options.only in name:
            rows.append(measure(effort))
            print("\n".join(lines(rows[-1])), flush=True)
    print(f"\n{summary(rows)}")
    if options.json:
        write_json(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
