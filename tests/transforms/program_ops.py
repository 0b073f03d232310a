"""The operations of random programs: expressions with holes, by kind of operation.

`program_holes.py` fills the holes with values of the program.
The most frequent: `x` is a float64 array, `y` and `z` others that broadcast with it, `u` and `m`
have at least one and two axes and are not empty, `i` is an integer array and `b` a boolean one of
a shape that broadcasts with `x`. `pos`, `unit`, `half` and `big` are expressions of `x` between 0.5
and 2.5, -0.9 and 0.9, 0.1 and 0.9, 1.2 and 3.2; the same with a 2 are made of `y`. `mat`, `sym`,
`spd` and `tri` are well-conditioned matrices (general, symmetric, positive definite, triangular).
"""

from collections.abc import Iterable


def _unary(hole: str, names: str) -> list[str]:
    return [f"rt.{name}({{{hole}}})" for name in names.split()]


def _binary(first: str, second: str, names: str) -> list[str]:
    return [f"rt.{name}({{{first}}}, {{{second}}})" for name in names.split()]


SMOOTH = [
    *_unary("x", "sin cos tanh sigmoid erf erfc asinh atan sinc square negative deg2rad i0"),
    *_unary("unit", "exp exp2 expm1 sinh cosh tan asin acos atanh erf_inv"),
    *_unary("pos", "log log2 log10 sqrt rsqrt cbrt reciprocal lgamma digamma"),
    *_unary("big", "acosh log1p"),
    *_binary("x", "y", "add subtract multiply logaddexp logaddexp2"),
    *_binary("x", "pos2", "divide atan2 hypot"),
    "rt.pow({pos}, {y})",
    "rt.float_power({pos}, {y})",
    "{x} ** {small}",
    "{x} * {number} + {y}",
    "{number} - {x}",
    "{number} / {pos}",
    "{number} ** {unit}",
    "-{x} * {x}",
    "rt.nan_to_num({x})", "rt.checkpoint_name({x} * {y}, 'kept')",
    "rt.ldexp({x}, {small})",
    "rt.astype(rt.astype({x}, rt.complex128) * (1 + {number} * 1j), rt.complex128).real",
]  # fmt: skip

SPECIAL = [
    *_unary("x", """special.erfcx special.dawsn special.log_ndtr special.expit special.exprel
        special.log_expit special.ndtr special.i0e special.i1e special.softmax"""),
    *_unary("pos", """special.gamma special.j0 special.j1 special.y0 special.y1 special.k0
        special.k1 special.i1 special.expi special.exp1 special.spence special.entr special.k0e
        special.gammaln special.loggamma"""),
    *_unary("half", "special.ndtri special.logit special.entr"),
    "rt.special.log_softmax({u}, axis={axis})",
    "rt.special.polygamma({small}, {pos})",
    "rt.special.iv(2.5, {pos})", "rt.special.kv(1.5, {pos})", "rt.special.jv(3, {pos})",
    "rt.special.yv(0.5, {pos})", "rt.special.ive(1, {pos})",
    "rt.special.expn({small}, {pos})",
    "rt.special.owens_t({x}, {y})",
    "rt.special.xlogy({x}, {pos2})", "rt.special.xlog1py({x}, {pos2})",
    "rt.special.betaln({pos}, {pos2})", "rt.special.beta({pos}, {pos2})",
    "rt.special.rel_entr({pos}, {pos2})", "rt.special.kl_div({pos}, {pos2})",
    "rt.special.poch({pos}, {pos2})", "rt.special.binom({big} + 2.0, {half2})",
    "rt.special.gammainc(1.7, {pos})", "rt.special.gammaincc(0.6, {pos})",
    "rt.special.betainc(1.2, 2.3, {half})",
    "rt.special.zeta(2.6, {pos})", "rt.special.zeta({big}, {pos2})", "rt.special.zeta({big})",
    "rt.special.boxcox1p({pos}, {y})", "rt.special.inv_boxcox(0.2 * {unit}, {unit2})",
    "rt.special.inv_boxcox1p(0.2 * {unit}, {unit2})",
    "rt.special.hyp1f1(0.7, 1.9, {unit})", "rt.special.hyp2f1(0.7, 1.2, 2.1, 0.5 * {unit})",
    "rt.special.boxcox({pos}, {y})",
    "rt.special.multigammaln({pos} + 3.0, 3)",
    "rt.special.sici({pos})[0]", "rt.special.sici({pos})[1]",
    "rt.special.fresnel({pos})[0]", "rt.special.fresnel({unit})[1]",
    "rt.special.wofz(rt.astype({unit}, rt.complex128) + 0.3j).real",
    "rt.imag(rt.special.loggamma({pos} + 1j * {y}))",
    "rt.special.sph_harm_y(3, 2, {pos}, {y}).real",
    "rt.special.logsumexp({u}, axis={axis}, keepdims={keep})",
]  # fmt: skip

# With points without a derivative, moved away from the integers that programs may well compute.
KINKED = [
    *[
        f"rt.{name}({{x}} + 0.013)"
        for name in ("abs", "relu", "floor", "ceil", "trunc", "round", "sign", "fabs", "rint")
    ],
    *_binary("x", "y", "maximum minimum fmax fmin copysign heaviside"),
    *[f"rt.{name}({{x}} + 0.013, {{pos2}})" for name in ("remainder", "fmod", "floor_divide")],
    "rt.divmod({x} + 0.013, {pos2})[1]",
    "rt.modf({x} + 0.013)[0]",
    "rt.frexp({x} + 0.013)[0]",
    "rt.clip({x}, {number} - 0.5, {number} + 0.5)",
    "rt.clip({x}, None, {y})",
    "rt.where({b}, {x}, {y})",
    "rt.where({x} > {number}, rt.log(rt.where({x} > {number}, {x} - {number} + 0.1, 1.0)), {y})",
    "rt.select([{x} > {number}, {b}], [{x}, {y}], {number})",
    "rt.piecewise({x}, [{x} < 0, {x} >= 0.3], [rt.sin, lambda a: a * a, 0.25])",
    "rt.masked_fill({x}, {x} < {number}, {number})",
    "rt.interp({x}, rt.asarray([-1.0, 0.1, 0.7, 1.5]), rt.asarray([0.3, -0.2, 0.9, 0.4]))",
    "rt.choose(rt.floor_divide({i}, 2) % 2, [{x}, {y}])",
]

REDUCTIONS = [
    *[f"rt.{name}({{x}}, axis={{axes}}, keepdims={{keep}})" for name in ("sum", "prod")],
    *[f"rt.{name}({{u}}, axis={{axes}}, keepdims={{keep}})"
      for name in ("mean", "var", "max", "min", "logsumexp", "nansum", "nanmax", "nanmean")],
    "rt.std({u}, axis={axis})", "rt.ptp({u}, axis={axis})",
    "rt.average({u}, weights={pos_u})",
    "rt.median({u}, axis={axis})", "rt.quantile({u}, {fraction}, axis={axis})",
    "rt.percentile({u}, 30.0, axis={axis}, keepdims={keep})",
    "rt.linalg.norm({u})", "rt.linalg.vector_norm({u}, axis={axis}, ord=3)",
    "rt.count_nonzero({x} > {number}, axis={axes}) * {number}",
    "rt.sum({x}, where={b}, initial={number})",
    "rt.segment_sum({u}, {segments}, {n_segments})",
    "rt.segment_prod({u}, {segments}, {n_segments})",
    "rt.trace({m})", "rt.trapezoid({u}, dx={fraction})",
    "rt.tree.reduce(rt.add, [rt.sum({x}), rt.sum({y})])",
]  # fmt: skip

ALONG = [
    *[f"rt.{name}({{u}}, axis={{axis}})"
      for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "sort", "diff")],
    "rt.cumulative_sum({u}, axis={axis}, include_initial={keep})",
    "rt.flip(rt.cumsum(rt.flip({u}, axis={axis}), axis={axis}), axis={axis})",
    "rt.top_k({u}, 1, axis={axis})[0]", "rt.top_k({u}, {n_last}, axis=-1)[0]",
    "rt.partition({u}, {n} // 2, axis={axis})",
    "rt.take_along_axis({u}, rt.argsort({u}, axis={axis}), axis={axis})",
    "rt.convolve({u}.ravel(), {y}.ravel() if {y}.size else {u}.ravel(), mode={mode})",
    "rt.correlate({u}.ravel()[:3], {u}.ravel(), mode={mode})",
    "rt.gradient(rt.concatenate([{u}, {u} * 2.0], axis={axis}), axis={axis})",
    "rt.unwrap({u}, axis={axis})", "rt.apply_along_axis(rt.cumsum, {axis}, {u})",
    "rt.polyval({u}.ravel()[:3], {y})",
    "rt.searchsorted(rt.sort({u}.ravel()), {y}) * {number}",
    "rt.histogram({u}, bins=3, range=(-2.0, 2.0))[0] * {number}",
]  # fmt: skip

SHAPES = [
    "{x}.reshape({shape})", "rt.ravel({x})", "rt.transpose({x}, {perm})",
    "rt.moveaxis({u}, {axis}, 0)",
    "rt.swapaxes({u}, {axis}, -1)", "rt.expand_dims({x}, {new_axis})",
    "rt.squeeze(rt.expand_dims({x}, 0), 0)", "rt.broadcast_to({x}, ({small}, *{x}.shape))",
    "rt.flip({x}, {axes})", "rt.roll({u}, {small}, axis={axis})", "rt.rot90({m})",
    "rt.stack([{x}, {number} * {x}], axis={new_axis})",
    "rt.concatenate([{u}, rt.cos({u})], axis={axis})",
    "rt.concatenate([{u}.ravel(), {x2}.ravel(), {u}.ravel()])",
    "rt.tile({x}, {small})", "rt.repeat({u}, {small}, axis={axis})",
    "rt.repeat({u}, rt.asarray([1, 0, 2]), axis={axis}, total_repeat_length=3)",
    "rt.pad({u}, {small}, constant_values={number})", "rt.pad({u}, (1, 2), mode={pad_mode})",
    "rt.split(rt.concatenate([{u}, {u}], axis={axis}), 2, axis={axis})[1]",
    "rt.unstack({u}, axis={axis})[-1]", "rt.atleast_2d({x})", "rt.tril({m})", "rt.triu({m}, 1)",
    "rt.diag({u}.ravel())", "rt.diagonal({m})", "rt.meshgrid({u}.ravel(), {u}.ravel())[1]",
    "rt.block([[{u}.ravel(), {u}.ravel()]])", "rt.append({u}, {y})",
    "rt.insert({u}.ravel(), 1, {number})",
    "rt.delete({u}, 0, axis={axis})", "rt.broadcast_arrays({x}, {y})[1]",
    "rt.vander({u}.ravel(), 3)",
    "rt.outer({x}, {y})", "rt.hstack([{u}, {u}])", "rt.resize({u}, (2, 3))",
    "rt.full_like({x}, {number}) + {y}", "rt.linspace({u}.ravel()[0], {number}, 3)",
]  # fmt: skip

PRODUCTS = [
    "{einsum}", "{einsum}", "{einsum}", "{einsum3}",
    "rt.matmul({m}, rt.swapaxes({m}, -1, -2))", "{m}.mT @ {m}", "rt.inner({u}, {u})",
    "rt.dot({u}, {u}.T)", "rt.tensordot({u}, rt.cos({u}), axes=({axis}, {axis}))",
    "rt.vecdot({u}, rt.sin({u}))", "rt.kron({u}, {y})", "rt.vdot({u}, {u})",
    "rt.matvec({m}, {m}[..., 0, :])", "rt.cross({m}[..., :2], {m}[..., ::-1][..., :2])",
    "rt.linalg.multi_dot([{m}, {m}.T, {m}]) if {m}.ndim == 2 else {m}",
    "rt.cov({u}.ravel(), rt.cos({u}.ravel()), bias=True)",
]  # fmt: skip

INDEXING = [
    "{u}[{index}]", "{u}[{index}]", "{u}[{dynamic_index}]", "{u}[{mask}]",
    "{u}.at[{index}].set({number})", "{u}.at[{index}].add({y0})", "{u}.at[{index}].multiply({y0})",
    "{u}.at[{index}].max({y0})", "{u}.at[{index}].min({number})", "{u}.at[{index}].power(2)",
    "{u}.at[{dynamic_index}].add({y0})", "{u}.at[{dynamic_index}].set({y0})",
    "{u}.at[{dynamic_index}].multiply({y0})", "{u}.at[{index}].divide({pos0})",
    "{u}.at[{dynamic_index}].min({y0})", "{u}.at[{index}].apply(rt.sin)",
    "rt.zeros_like({u}).at[{dynamic_index}].add({u}[{dynamic_index}])",
    "rt.take({u}, {j} % {n}, axis={axis})", "rt.take({u}, {j}, axis={axis}, mode='wrap')",
    "rt.take({u}, {j}, axis={axis}, mode='clip')", "rt.take({u}, {j})",
    "rt.dynamic_slice({u}, [{i0}] * {u}.ndim, {part})",
    "rt.dynamic_update_slice({u}, {y0} * rt.ones({part}, dtype=rt.float64), [{i0}] * {u}.ndim)",
    "rt.dynamic_index_in_dim({u}, {i0} % {n}, axis={axis}, keepdims=False)",
    "rt.put_along_axis({u}, rt.argmax({u}, axis={axis}, keepdims=True), {y0}, axis={axis})",
    "rt.take_along_axis({u}, rt.argmin({u}, axis={axis}, keepdims=True), axis={axis})",
    "rt.compress([True, False, True][:{n}], {u}, axis={axis})", "rt.extract({mask}, {u})",
    "rt.fill_diagonal({m}, {number}, inplace=False) if {m}.ndim == 2 else {m}",
]  # fmt: skip

LINALG = [
    "rt.linalg.inv({mat})", "rt.linalg.det({mat})", "rt.linalg.slogdet({mat})[1]",
    "rt.linalg.solve({mat}, rt.cos({mat}))", "rt.linalg.solve({mat}, rt.sin({mat}[..., 0:1]))",
    "rt.linalg.cholesky({spd})", "rt.linalg.eigh({sym})[0]", "rt.linalg.eigvalsh({sym})",
    "rt.linalg.eigh({sym})[1] ** 2", "rt.linalg.qr({mat})[1]", "rt.linalg.qr({mat})[0]",
    "rt.linalg.svd({mat})[1]", "rt.linalg.svdvals({mat})", "rt.linalg.pinv({mat})",
    "rt.linalg.expm(0.2 * {mat})",
    "(lambda w: w[0] @ w[2])(rt.linalg.svd({mat}))", "rt.linalg.matrix_power({mat}, 3)",
    "rt.linalg.matrix_power({mat}, -1)", "rt.linalg.solve_triangular({tri}, {mat}, lower=True)",
    "rt.linalg.sqrtm({spd}).real", "rt.linalg.logm({spd}).real", "rt.linalg.eigvals({mat}).real",
    "rt.linalg.eig({mat})[0].real", "rt.linalg.cho_solve(rt.linalg.cho_factor({spd}), {mat})",
    "rt.linalg.lu({mat})[2]", "rt.linalg.lu_solve(rt.linalg.lu_factor({mat}), {mat})",
    "rt.linalg.matrix_norm({mat})", "rt.linalg.norm({mat}, ord='nuc', axis=(-2, -1))",
    "rt.linalg.lstsq({mat}, rt.cos({mat}))[0]", "rt.linalg.polar({mat})[0]",
    "rt.linalg.cond({mat})",
    "rt.linalg.block_diag({u}.ravel()[None], {m}.reshape(1, -1))",
    "rt.linalg.toeplitz({u}.ravel())",
]  # fmt: skip

COMPLEX = [
    "rt.fft.fft({u}, axis={axis}).real", "rt.fft.ifft({u}, axis={axis}).imag",
    "rt.fft.irfft(rt.fft.rfft({u}, axis={axis}) * (1 + 0.5j), n={n}, axis={axis})",
    "rt.abs(rt.fft.rfft({u}, axis={axis})) ** 2", "rt.fft.fftn({u}).real",
    "rt.fft.irfftn(rt.fft.rfftn({m}), {m}.shape)", "rt.fft.hfft({u}, n={n}, axis={axis})",
    "rt.fft.fftshift({u})", "rt.fft.ifft2(rt.fft.fft2({m}) * 1j).imag",
    "rt.abs({x} + 1j * {pos2}) ** 2", "rt.angle({pos} + 1j * {y})", "rt.imag(rt.exp(1j * {x}))",
    "rt.real(rt.conj({x} * 1j) * ({y} + 2j))", "rt.sqrt({pos} + 1j * {y}).real",
    "rt.tanh({unit} * (0.3 + 0.4j)).imag", "rt.prod({u} * (1 + 1j), axis={axis}).real",
]  # fmt: skip

# Through narrower dtypes, and what has no derivative.
ROUNDED = [
    "rt.sin({x}.astype(rt.float32)).astype(rt.float64)",
    "rt.astype(rt.sum({x}.astype(rt.float32), axis={axes}), rt.float64)",
    "{x}.astype(rt.float32) * {y}",
]
CONSTANT = [
    "rt.stop_gradient({x}) * {y}", "{i} * {number}", "{b} * {x}", "rt.where({b}, {i}, {x})",
    "rt.random.normal(rt.random.key({small}), {x}.shape, dtype=rt.float64) + {x}",
    "rt.random.uniform(rt.random.key({small}), (2,), dtype=rt.float64) * {number}",
    "rt.random.permutation(rt.random.key(3), {u})",
    "rt.random.bernoulli(rt.random.key(7), {half}) * {y}",
    "rt.random.poisson(rt.random.key(7), {pos}) * 0.1",
    "rt.random.binomial(rt.random.split(rt.random.key(7))[1], 5, {half}) * 0.1",
    "rt.one_hot({j} % 3, 3, dtype=rt.float64) * {number}",
    "rt.eye({n}, dtype=rt.float64) * {number}", "rt.arange({n}, dtype=rt.float64) - {number}",
    "rt.spacing({x}) * 1e10 * 0.0 + {x}",
]  # fmt: skip

INTEGERS = [
    "rt.argmax({u}, axis={axis})", "rt.argmin({u}, axis={axis}, keepdims={keep})",
    "rt.argsort({u}, axis={axis})", "rt.floor(3.0 * {unit}).astype(rt.int64)",
    "rt.round(2.0 * {unit}).astype(rt.int32).astype(rt.int64)", "rt.sum({x} > 0, axis={axes})",
    "rt.searchsorted(rt.asarray([-0.5, 0.2, 0.9]), {x})", "rt.digitize({x}, [-0.5, 0.2, 0.9])",
    "rt.count_nonzero({x} > {number})", "{i} + {small}", "{i} * 2 - 1", "-{i}", "rt.abs({i})",
    "rt.gcd({i}, 12)", "rt.lcm({i}, 4)", "{i} & 5", "{i} | 2", "{i} ^ 3", "~{i}", "{i} << 1",
    "{i} >> 1", "rt.bitwise_count({i}).astype(rt.int64)", "{i} // 2", "{i} % 3", "rt.cumsum({j})",
    "rt.maximum({i}, 1)", "rt.where({b}, {i}, 2)", "rt.sort({j}.ravel())",
    "rt.bincount(rt.abs({j}) % 4, length=4)",
    "rt.frexp({x})[1].astype(rt.int64)", "{j} ** 2", "rt.sign({i})", "rt.lexsort([{u}.ravel()])",
    "rt.unravel_index(rt.argmax({u}), {u}.shape)[0]", "rt.arange({n})",
    "rt.random.randint(rt.random.key({small}), (2,), 0, 9).astype(rt.int64)",
    "rt.argwhere(rt.asarray([True, False, True]))[:, 0]",
    "rt.asarray([0, 2, 1])", "rt.asarray([1, 0])", "rt.asarray(1)",
]  # fmt: skip

BOOLEANS = [
    "{x} > {number}", "{x} <= {y}", "{x} < {y}", "{x} >= {number}", "{x} != {y}", "{i} == 1",
    "{i} > 0",
    "~{b}", "{b} & ({x} > 0)", "{b} | ({x} < 0)", "rt.logical_xor({b}, {x} > 0.2)",
    "rt.all({x} > -1, axis={axes})", "rt.any({x} > 0.5, axis={axes}, keepdims={keep})",
    "rt.isfinite({x})", "rt.isnan({x})", "rt.isinf({x})", "rt.signbit({x})", "rt.isclose({x}, {y})",
    "rt.nextafter({x}, {y}) > {number}", "rt.isin({i}, [1, 2])", "rt.asarray([True, False, True])",
    "rt.allclose({x}, {y})", "rt.array_equal({x}, {x})", "rt.isneginf({x})",
]  # fmt: skip

# Kind of operation: the expressions, and how often one of them is drawn.
TABLE: dict[str, tuple[list[str], int]] = {
    "smooth": (SMOOTH, 6), "special": (SPECIAL, 2), "kinked": (KINKED, 2),
    "reductions": (REDUCTIONS, 3), "along": (ALONG, 3), "shapes": (SHAPES, 4),
    "products": (PRODUCTS, 3), "indexing": (INDEXING, 5), "linalg": (LINALG, 3),
    "complex": (COMPLEX, 2), "rounded": (ROUNDED, 0), "constant": (CONSTANT, 1),
    "integers": (INTEGERS, 2), "booleans": (BOOLEANS, 1),
}  # fmt: skip


def expressions() -> Iterable[str]:
    """All of them."""
    for entries, _ in TABLE.values():
        yield from entries
