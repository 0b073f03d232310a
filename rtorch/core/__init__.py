"""The ground: arrays, dtypes, pytrees, traces, primitives, Programs. Knows no operation."""
