"""`ProfilingEval`: evaluation that measures every operation and tells the profiles that are on."""

from __future__ import annotations

import threading
from time import perf_counter_ns as now
from typing import TYPE_CHECKING, Any

from rtorch.core import backend
from rtorch.core.array import Array, CudaArray, WeakArray
from rtorch.core.primitive import Primitive
from rtorch.core.printer import programs_in
from rtorch.core.trace import EvalTrace
from rtorch.errors import SourceLine, user_line
from rtorch.profiling.events import Event, Memory
from rtorch.profiling.steps import on_their_device, prepare, step_of
from rtorch.transforms.watch import watch

if TYPE_CHECKING:
    from rtorch.profiling.recorder import Profile


class _Frame:
    """An operation that is running."""

    __slots__ = ("inside", "line", "name", "recording")

    def __init__(self, name: str, source: SourceLine | None) -> None:
        self.name = name
        self.line = source and (source.file, source.line)
        self.inside = 0  # nanoseconds of the operations that it holds
        self.recording = 0  # nanoseconds spent on recording them


class _Thread(threading.local):
    def __init__(self) -> None:
        self.frames: list[_Frame] = []


_thread = _Thread()
_lock = threading.Lock()
_profiles: list[Profile] = []
_memory = Memory()


def start(profile: Profile) -> int:
    """Tell `profile` of every operation from now on; the bytes that are alive already."""
    global _memory
    with _lock:
        if not _profiles:
            _memory = Memory()
        _profiles.append(profile)
        watch(ProfilingEval, True)
    return _memory.alive(on_gpu=False)


def stop(profile: Profile) -> None:
    """Tell it no longer."""
    with _lock:
        _profiles.remove(profile)
        watch(ProfilingEval, bool(_profiles))


class ProfilingEval(EvalTrace):
    """Evaluation with a stopwatch."""

    __slots__ = ()
    keeps_lines = True

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute, and record the time; what holds a Program is run equation by equation."""
        entered = now()
        frames = _thread.frames
        source = user_line()
        frame = _Frame(_name(prim, params), source)
        first_of_name = all(f.name != frame.name for f in frames)
        first_of_line = all(f.line != frame.line for f in frames)
        frames.append(frame)
        prepare(params)
        synchronize(args)
        begin, out = now(), None
        try:
            step = step_of(prim)
            if step is None:
                out = super().bind(prim, args, params)
            else:
                out = _strong(step(on_their_device(prim, args, params), params))
            synchronize(outs := _results(prim, out))
        finally:
            end = now()
            frames.pop()
            outs = _results(prim, out)
            _memory.note(outs, args)
            alive = _memory.alive(any(isinstance(x, CudaArray) for x in outs))
            held, touched, flops = _amount(prim, args, params, outs)
            # Between its equations, what runs in steps does what its plan would not do.
            total = frame.inside if held == "program" else end - begin - frame.recording
            event = Event(
                frame.name, held, source, tuple([x.aval for x in outs]), threading.get_ident(),
                begin, end - begin, total, total - frame.inside, touched, flops, alive,
                first_of_name, first_of_line,
            )  # fmt: skip
            for profile in tuple(_profiles):
                profile._add(event)
            if frames:
                frames[-1].inside += total
                frames[-1].recording += (now() - entered) - total
        return out


def _name(prim: Primitive, params: dict[str, Any]) -> str:
    programs = programs_in(params.get("program"))
    return f"{prim.name} {programs[0].name}" if programs else prim.name


def _results(prim: Primitive, out: Any) -> tuple[Array, ...]:
    if out is None:
        return ()
    return tuple(out) if prim.multiple else (out,)


def _strong(outs: list[Array]) -> tuple[Array, ...]:
    """As evaluation gives them: the weak types of a Program's results are set by who calls it."""
    return tuple([Array(x._data) if type(x) is WeakArray else x for x in outs])


def synchronize(xs: Any) -> None:
    """Wait for the GPU, if one of `xs` is there: operations end later than their calls."""
    if any(isinstance(x, CudaArray) for x in xs):
        backend.cupy().cuda.get_current_stream().synchronize()


def _amount(
    prim: Primitive, args: tuple[Any, ...], params: dict[str, Any], outs: tuple[Array, ...]
) -> tuple[str, int, float]:
    """Whether it is run in steps, the bytes it touches, and its flops."""
    if step_of(prim) is not None:
        return "program", 0, 0.0
    avals = [x.aval if isinstance(x, Array) else x for x in args]
    flops = float(prim.flops(*avals, **params))
    touched = sum(x.nbytes for x in (*args, *outs) if isinstance(x, Array))
    return "operation", 0 if prim.view else touched, flops
