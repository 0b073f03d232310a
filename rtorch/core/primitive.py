"""The base of all primitives: what the rules are called, and what happens when one is missing.

A primitive takes arrays by position and static, hashable parameters by keyword. Elementwise
primitives also take Python scalars, which are constants and take the dtype of the last array
operand. Primitives never broadcast, promote or normalise: `rtorch.numpy` does.

======== ====================================================== ==================================
rule     signature                                              used by
======== ====================================================== ==================================
impl     (xp, *raw_arrays, **params) -> raw array               evaluation; xp is NumPy or CuPy
infer    (*avals, **params) -> Aval                             staging, shape and dtype checks
jvp      (primals, tangents, **params) -> (out, tangent)        forward and reverse mode; a
                                                                tangent None is zero
transpose (ct, *operands, **params) -> a cotangent or None      reverse mode, of what is linear;
         for each operand                                       the linear operands are Avals
batch    (args, dims, **params) -> (out, dim)                   vmap; a dim None is not batched
======== ====================================================== ==================================

Rules call primitives, never ``xp``, so that all rules compose with all transformations.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from rtorch.core.aval import Aval
from rtorch.core.trace import state
from rtorch.errors import MissingRuleError


class Primitive:
    """One operation with all its rules; the instance is the callable."""

    name: ClassVar[str]
    multiple: ClassVar[bool] = False  # returns a tuple
    keeps_weak: ClassVar[bool] = False  # weak operands give a weak result
    differentiable: ClassVar[bool] = True  # False: the result never depends smoothly on operands
    first_index: ClassVar[int | None] = None  # operands from there on are indices: see `trace.py`
    opaque: ClassVar[bool] = False  # its derivative is not that of the Program that it holds
    batches_nothing: ClassVar[bool] = False  # ``batch`` takes operands of which none is batched
    portable: ClassVar[bool] = True  # False: its params hold Python functions, no file can
    any_device: ClassVar[bool] = False  # operands need not be on one device
    effect: ClassVar[bool] = False  # acts besides giving results: not dropped, shared or reordered

    # Its results are those of the Program ``params["program"]`` on its operands: compiled code
    # has the equations of that instead.
    inlines: ClassVar[bool] = False

    # How the planned executor (compiler/plan.py) runs it; by default through ``impl``. A method
    # ``into(out, *raw, **params)`` that writes the result to `out` saves it an allocation.
    ufunc: ClassVar[str | None] = None  # the NumPy ufunc that computes it, if one does
    view: ClassVar[bool] = False  # ``impl`` returns a view, or views, of the first operand
    view_if_packed: ClassVar[bool] = False  # but a copy if that is not in row-major order
    overwrites: ClassVar[tuple[int, ...]] = ()  # operands whose memory `out` may be

    # For `cost_analysis`: whether ``flops`` counts functions such as exp rather than arithmetic.
    transcendental: ClassVar[bool] = False

    # The NumPy function that evaluation calls instead of ``impl``, where it does the same.
    direct: Callable[..., Any] | None = None

    registry: ClassVar[dict[str, Primitive]] = {}

    def __init__(self) -> None:
        if self.name in Primitive.registry:
            raise ValueError(f"there is a primitive {self.name!r} already")
        Primitive.registry[self.name] = self
        self.batches = self.has_rule("batch")  # asked for at every operation under vmap

    def __call__(self, *args: Any, **params: Any) -> Any:
        return state.trace.bind(self, args, params)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _find, (self.name,)

    # The rules. Their signatures are open here so that a primitive may name its parameters.

    def impl(self, *args: Any, **params: Any) -> Any:
        """``(xp, *raw, **params)``: compute."""
        self._missing("impl", "evaluation")

    def infer(self, *args: Any, **params: Any) -> Any:
        """``(*avals, **params)``: the type of the result."""
        self._missing("infer", "staging")

    def jvp(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        """``(primals, tangents, **params)``: the result and its tangent."""
        self._missing("jvp", "jvp")

    def linearize(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        """``(tape, primals, tangents, **params)``: as `jvp`, with tangents that are on a tape.

        Families shorten it; primitives need not state it.
        """
        tape, primals, tangents = args
        return tape.record_jvp(self, primals, tangents, params)

    def transpose(self, *args: Any, **params: Any) -> Any:
        """``(ct, *operands, **params)``: a cotangent for each operand that is an Aval."""
        self._missing("transpose", "vjp")

    def batch(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        """``(args, dims, **params)``: the batched result and its batch axis."""
        self._missing("batch", "vmap")

    def can_write(self, *args: Any, **params: Any) -> bool:
        """``(out_aval, **params)``: whether ``into`` serves this case."""
        return True

    def text(self, *args: Any, **params: Any) -> str | None:
        """``(*avals, **params)``: a NumPy call that writes to ``{out}``, if a plain one does.

        The operands are ``{0}``, ``{1}``, ... It saves the planned executor the way through
        ``into``.
        """
        return None

    def replay(self, *args: Any, **params: Any) -> Any:
        """``(*args, **params)``: run the Programs that it holds equation by equation.

        `rt.debug_nans` does so to find the one that made a nan.
        """

    def flops(self, *args: Any, **params: Any) -> float:
        """``(*avals, **params)``: how many operations it takes; 0 for what moves data only."""
        return 0

    def sub_programs(self, *args: Any, **params: Any) -> list[tuple[float, tuple[Any, ...]]]:
        """The Programs among `params` as pairs: how often, and the ones of which one is run.

        By default each runs once, and one of those that come together in a tuple is chosen.
        """
        groups = [p if isinstance(p, tuple) else (p,) for p in params.values()]
        return [(1, g) for g in groups if g and all(hasattr(p, "out_atoms") for p in g)]

    def depends(self, *args: Any, **params: Any) -> Any:
        """``(active, smooth, **params)``: which results depend on the `active` operands.

        With `smooth` in a differentiable way. None: all of them.
        """

    def takes_index(self, i: int, /, **params: Any) -> bool:
        """Whether operand `i` is an index, which moves to the device of the others."""
        return self.first_index is not None and i >= self.first_index

    def has_rule(self, rule: str) -> bool:
        """Whether the primitive or its family defines `rule`."""
        return getattr(type(self), rule) is not getattr(Primitive, rule)

    def _missing(self, rule: str, transform: str) -> NoReturn:
        raise MissingRuleError(
            f"[{transform}] {transform} of primitive '{self.name}' is not defined: give class "
            f"{type(self).__name__} a `{rule}` method"
        )


def _find(name: str) -> Primitive:
    """Unpickle."""
    if name not in Primitive.registry:
        importlib.import_module("rtorch.ops").load_all()
    return Primitive.registry[name]


def is_linear(operand: Any) -> bool:
    """In a transpose rule: whether `operand` is one that the cotangent is wanted for."""
    return isinstance(operand, Aval)
