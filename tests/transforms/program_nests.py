"""Loops, branches and transformations of nested functions, for random programs.

Each function here writes one to a `programs.Writer`, and says whether it has.
"""

from typing import TYPE_CHECKING, Any

import rtorch as rt

if TYPE_CHECKING:
    from programs import Writer

SMALL = 12  # elements, of arguments whose Jacobian is computed


def _steps(w: "Writer") -> int:
    return w.rng.randrange(1, 4)


def _unary(w: "Writer", example: Any, *more: Any, closed: bool = False, scalar: bool = False,
           like: bool = False) -> str:  # fmt: skip
    """A function of arrays whose result is any array, a number, or one like its first argument."""
    with w.function(example, *more, closed=closed) as f:
        w.body(_steps(w))
        if scalar:
            f.result = w.scalar()
        elif like:
            f.result = w.rng.choice(["rt.sin({})", "rt.tanh({})", "{} * 0.7"]).format(
                w.fitted(f.params[0])
            )
        else:
            f.result = (w.values(own=True) or w.values())[-1]
    return f.name


def _take(w: "Writer", text: str, *parts: str) -> bool:
    """A statement for a pytree of results, and one for each of its arrays."""
    name = w.raw(text)
    if name is None:
        return False
    given = [w.assign(name + part) for part in parts]
    return any(given)


# ---- loops and branches --------------------------------------------------------------------------


def _sliced(w: "Writer") -> tuple[str, Any] | None:
    """An array to go through, and an example of a slice."""
    xs = w.pick(lambda x: x.ndim > 0)
    if xs is None:
        return None
    value = w.env[xs]
    return xs, value[0] if len(value) else rt.zeros(value.shape[1:], dtype=rt.float64)


def scan(w: "Writer") -> bool:
    init, xs = w.pick(), _sliced(w)
    if init is None or xs is None:
        return False
    counted = w.chance(0.4)
    with w.function(w.env[init], xs[1]) as f:
        carry, _ = f.params
        w.body(_steps(w))
        y = (w.values(own=True) or w.values())[-1]
        f.result = f"rt.tanh({w.fitted(carry)}), {y}"
    step, first = f.name, init
    if counted:  # a second carry of integers, and slices in a dictionary
        step = w.raw(f"lambda c, x: ((c[0] + 1, {f.name}(c[1], x['a'])[0]), "
                     f"({f.name}(c[1], x['a'])[1] * 0.5, c[0] * x['k']))") or ""  # fmt: skip
        n = w.env[xs[0]].shape[0]
        first, slices = f"(0, {init})", f"{{'a': {xs[0]}, 'k': rt.arange({n})}}"
    else:
        slices = xs[0]
    options = w.rng.choice(["", "", ", reverse=True", ", unroll=2", ", unroll=True"])
    if w.chance(0.2):
        options = w.rng.choice([", checkpoint='sqrt'", ", checkpoint=2"])
    parts = ["[0][1]", "[1][0]", "[1][1]"] if counted else ["[0]", "[1]"]
    return _take(w, f"rt.scan({step}, {first}, {slices}{options})", *parts)


def scan_of_length(w: "Writer") -> bool:
    init = w.pick()
    if init is None:
        return False
    f = _unary(w, w.env[init], like=True)
    n = w.rng.randrange(5)
    return _take(w, f"rt.scan(lambda c, _: ({f}(c), c), {init}, None, length={n})", "[0]", "[1]")


def fori_loop(w: "Writer") -> bool:
    init = w.pick()
    if init is None:
        return False
    with w.function(rt.asarray(1), w.env[init]) as f:
        w.body(_steps(w))
        f.result = f"rt.sin({w.fitted(f.params[1])}) + 0.1 * {f.params[0]}"
    stop: Any = w.rng.randrange(5)
    number = w.pick(lambda i: i.ndim == 0, "i")
    if number and w.chance(0.5):
        stop = f"{number} % 4"
    return bool(w.assign(f"rt.fori_loop({w.rng.randrange(2)}, {stop}, {f.name}, {init})"))


def while_loop(w: "Writer") -> bool:
    init = w.pick()
    if init is None:
        return False
    body = _unary(w, w.env[init], like=True)
    limit = w.rng.choice(["rt.sum(s[1] * s[1]) > 0.31", "rt.sum(s[1]) < 2.3", "s[0] < 2"])
    bound = ", max_steps=5" if w.chance(0.3) else ""
    loop = (f"rt.while_loop(lambda s: (s[0] < 4) & ({limit}), "
            f"lambda s: (s[0] + 1, {body}(s[1])), (0, {init}){bound})")  # fmt: skip
    return _take(w, loop, "[1]", "[0]")


def cond(w: "Writer") -> bool:
    x, y, z = w.pick(), w.pick(), w.pick()
    if x is None or y is None or z is None:
        return False
    first, second = (_unary(w, w.env[x], w.env[y], like=True) for _ in range(2))
    test = w.pick(lambda b: b.ndim == 0, "b") or f"rt.sum({z}) > {w.rng.choice([-0.4, 0.2])}"
    return bool(w.assign(f"rt.cond({test}, {first}, {second}, {x}, {y})"))


def switch(w: "Writer") -> bool:
    x = w.pick()
    if x is None:
        return False
    branches = [_unary(w, w.env[x], like=True) for _ in range(w.rng.randrange(1, 4))]
    branches.append("lambda a: a * a")
    index = w.pick(lambda i: i.ndim == 0, "i") or f"rt.count_nonzero({x} > 0.2)"
    return bool(w.assign(f"rt.switch({index}, [{', '.join(branches)}], {x})"))


def map_(w: "Writer") -> bool:
    xs = _sliced(w)
    if xs is None:
        return False
    size = w.rng.choice(["", "", ", batch_size=2"])
    return bool(w.assign(f"rt.map({_unary(w, xs[1])}, {xs[0]}{size})"))


_ASSOCIATIVE = [
    "rt.add", "rt.multiply", "rt.maximum", "lambda p, q: p + q + p * q", "rt.logaddexp",
]  # fmt: skip


def associative_scan(w: "Writer") -> bool:
    x = w.pick(lambda x: x.ndim > 0)
    if x is None:
        return False
    axis = w.rng.randrange(w.env[x].ndim)
    options = f", axis={axis}" + w.rng.choice(["", ", reverse=True"])
    if w.chance(0.4):
        both = f"lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (rt.cos({x}), {x})"
        return _take(w, f"rt.associative_scan({both}{options})", "[0]", "[1]")
    return bool(w.assign(f"rt.associative_scan({w.rng.choice(_ASSOCIATIVE)}, {x}{options})"))


# ---- transformations -----------------------------------------------------------------------------


def grad(w: "Writer") -> bool:
    x, y = w.pick(lambda x: x.size > 0), w.pick()
    if x is None or y is None:
        return False
    f = _unary(w, w.env[x], w.env[y], scalar=True)
    if w.chance(0.3):
        return _take(w, f"rt.value_and_grad({f}, (0, 1))({x}, {y})", "[0]", "[1][0]", "[1][1]")
    return bool(w.assign(f"rt.grad({f}, {w.rng.randrange(2)})({x}, {y})"))


def second_derivative(w: "Writer") -> bool:
    x = w.pick(lambda x: 0 < x.size <= SMALL)
    if x is None:
        return False
    f = _unary(w, w.env[x], scalar=True)
    name = w.rng.choice(["hessian", "jacfwd", "jacrev", "hvp"])
    if name == "hvp":
        return bool(w.assign(f"rt.hvp({f}, ({x},), (rt.cos({x}),))[1]"))
    return bool(w.assign(f"rt.{name}({f})({x})"))


def jacobian(w: "Writer") -> bool:
    x = w.pick(lambda x: 0 < x.size <= SMALL)
    if x is None:
        return False
    return bool(w.assign(f"rt.{w.rng.choice(['jacfwd', 'jacrev'])}({_unary(w, w.env[x])})({x})"))


def jvp(w: "Writer") -> bool:
    x = w.pick()
    if x is None:
        return False
    f, part = _unary(w, w.env[x]), w.rng.randrange(2)
    forms = [
        f"rt.jvp({f}, ({x},), (rt.cos({x}),))[{part}]",
        f"rt.linearize({f}, {x})[1](rt.sin({x}))",
        f"rt.vjp({f}, {x})[1](rt.cos({f}({x})))[0]",
        f"rt.linear_transpose(lambda a: a * rt.cos({x}), {x})(rt.sin({x}))[0]",
    ]
    return bool(w.assign(w.rng.choice(forms)))


def vmap(w: "Writer") -> bool:
    x = w.pick(lambda x: x.ndim > 0)
    y = w.pick()
    if x is None or y is None:
        return False
    axis = w.rng.randrange(w.env[x].ndim)
    n = w.env[x].shape[axis]
    shared = [i for i, size in enumerate(w.env[y].shape) if size == n]
    other = w.rng.choice(shared) if shared and w.chance(0.7) else None
    first, second = _slice(w.env[x], axis), _slice(w.env[y], other)
    f = _unary(w, first, second)
    out = w.rng.choice(["", ", out_axes=0", ", out_axes=-1"])
    return bool(w.assign(f"rt.vmap({f}, in_axes=({axis}, {other}){out})({x}, {y})"))


def _slice(x: Any, axis: int | None) -> Any:
    if axis is None:
        return x
    if x.shape[axis]:
        return rt.take(x, 0, axis=axis)
    return rt.zeros(x.shape[:axis] + x.shape[axis + 1 :], dtype=rt.float64)


def jit(w: "Writer") -> bool:
    x, y = w.pick(), w.pick()
    if x is None or y is None:
        return False
    return bool(w.assign(f"rt.jit({_unary(w, w.env[x], w.env[y])})({x}, {y})"))


_POLICIES = [
    "", ", policy=rt.checkpoint_policies.everything_saveable",
    ", policy=rt.checkpoint_policies.dots_saveable",
    ", policy=rt.checkpoint_policies.save_only_these_names('kept')",
]  # fmt: skip


def checkpoint(w: "Writer") -> bool:
    x, y = w.pick(), w.pick()
    if x is None or y is None:
        return False
    f = _unary(w, w.env[x], w.env[y])
    return bool(w.assign(f"rt.checkpoint({f}{w.rng.choice(_POLICIES)})({x}, {y})"))


def composed(w: "Writer") -> bool:
    """Several transformations of one function."""
    x = w.pick(lambda x: x.ndim > 0 and x.size > 0)
    if x is None:
        return False
    f = _unary(w, w.env[x][0], scalar=True)
    forms = [
        f"rt.vmap(rt.grad({f}))({x})", f"rt.jit(rt.vmap(rt.grad({f})))({x})",
        f"rt.map(rt.grad({f}), {x})", f"rt.vmap(rt.jit(rt.grad({f})))({x})",
        f"rt.grad(lambda a: rt.sum(rt.vmap({f})(a)))({x})",
        f"rt.vmap(lambda a: rt.jvp({f}, (a,), (rt.cos(a),))[1])({x})",
        f"rt.jvp(rt.vmap(rt.grad({f})), ({x},), ({x},))[1]",
    ]  # fmt: skip
    return bool(w.assign(w.rng.choice(forms)))


# ---- custom rules --------------------------------------------------------------------------------


def custom_jvp(w: "Writer") -> bool:
    """A function whose rule is its derivative."""
    x = w.pick()
    if x is None:
        return False
    f = _unary(w, w.env[x], closed=True)
    g = w.raw(f"rt.custom_jvp({f})")
    if g is None:
        return False
    w.line(f"{g}.defjvp(lambda p, t: rt.jvp({f}, p, t))")
    return bool(w.assign(f"{g}({x})"))


def custom_vjp(w: "Writer") -> bool:
    x = w.pick()
    if x is None:
        return False
    f = _unary(w, w.env[x], closed=True)
    g = w.raw(f"rt.custom_vjp({f})")
    if g is None:
        return False
    w.line(f"{g}.defvjp(lambda a: ({f}(a), a), lambda a, ct: rt.vjp({f}, a)[1](ct))")
    return bool(w.assign(f"{g}({x})"))


def custom_gradient(w: "Writer") -> bool:
    x = w.pick()
    if x is None:
        return False
    f = _unary(w, w.env[x], closed=True)
    rule = f"lambda a: ({f}(a), lambda ct: rt.vjp({f}, a)[1](ct))"
    return bool(w.assign(f"rt.custom_gradient({rule})({x})"))


def custom_batching(w: "Writer") -> bool:
    x = w.pick()
    if x is None:
        return False
    f = _unary(w, w.env[x], closed=True)
    g = w.raw(f"rt.custom_batching({f})")
    if g is None:
        return False
    w.line(f"{g}.def_vmap(lambda n, batched, a: (rt.vmap({f})(a), True))")
    return bool(w.assign(f"{g}({x})"))


_COLLECTIVES = [
    "rt.psum({}, 'i')", "rt.pmean({}, 'i')", "rt.pmax({}, 'i')", "rt.pmin({}, 'i')",
    "rt.all_gather({}, 'i')", "rt.ppermute({}, 'i', [(0, 0)])", "{} * rt.axis_index('i')",
    "rt.psum_scatter(rt.all_gather({}, 'i'), 'i')",
    "rt.all_to_all(rt.all_gather({}, 'i'), 'i', 0, 0)", "rt.pvary({}, 'i')",
]  # fmt: skip


def named_axis(w: "Writer") -> bool:
    """A collective of the lanes, before or after another function."""
    x = w.pick(lambda x: x.ndim > 0 and x.size > 0)
    if x is None:
        return False
    f = _unary(w, w.env[x][0])
    collective = w.rng.choice(_COLLECTIVES)
    body = w.rng.choice([f"{f}({collective.format('a')})", collective.format(f"{f}(a)")])
    lanes = w.rng.choice([f"lambda a: {body}", f"rt.jit(lambda a: {body})"])
    return bool(w.assign(f"rt.vmap({lanes}, axis_name='i')({x})"))


NESTS = [
    scan, scan, scan_of_length, fori_loop, fori_loop, while_loop, while_loop, cond, cond, switch,
    map_, associative_scan, grad, grad, second_derivative, jacobian, jvp, jvp, vmap, vmap, jit,
    composed, checkpoint, checkpoint, custom_jvp, custom_jvp, custom_vjp, custom_gradient,
    custom_batching, named_axis,
]  # fmt: skip
