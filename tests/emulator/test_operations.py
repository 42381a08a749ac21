"""Every operation alone, against NumPy: a kernel made of the operation, run over a few tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, erfc
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.emulator.test_programs import bf16, check, execute, normal

TEMPLATE = """{define}#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/tile_move_copy.h"
{includes}
void kernel_main() {{
    const uint32_t unit_count = get_arg_val<uint32_t>(0);
    {startup}
    for (uint32_t unit = 0; unit < unit_count; ++unit) {{
        {wait}
        tile_regs_acquire();
        {body}
        tile_regs_commit();
        {pop}
        cb_reserve_back(16, 1);
        tile_regs_wait();
        {pack}
        tile_regs_release();
        cb_push_back(16, 1);
    }}
}}
"""


@dataclass(frozen=True)
class Operation:
    name: str
    header: str
    body: str
    reference: Callable[..., NDArray[Any]]
    inputs: int = 1
    startup: str = "compute_kernel_hw_startup(0, 16);"
    pack: str = "pack_tile(0, 16);"
    domain: Callable[[NDArray[Any]], NDArray[Any]] = lambda x: x
    tolerance: float = 2**-21
    absolute: float = 1e-30
    define: str = ""


def bits(value: float) -> str:
    return hex(int(np.float32(value).view(np.uint32))) + "u"


def kernel(operation: Operation) -> str:
    cbs = range(operation.inputs)
    return TEMPLATE.format(
        define=f"#define {operation.define}\n" if operation.define else "",
        includes=f'#include "{operation.header}"\n' if operation.header else "",
        startup=operation.startup,
        body=operation.body,
        pack=operation.pack,
        wait=" ".join(f"cb_wait_front({i}, 1);" for i in cbs),
        pop=" ".join(f"cb_pop_front({i}, 1);" for i in cbs),
    )


U = "api/compute/eltwise_unary/"
K = "api/compute/compute_kernel_api.h"


def unary(
    name: str, header: str, reference: Callable[[NDArray[Any]], NDArray[Any]], call: str = "", init: str = "", **k: Any
) -> Operation:
    body = f"copy_init(0); copy_tile(0, 0, 0); {init or f'{name}_tile_init();'} {call or f'{name}_tile(0);'}"
    return Operation(name, header, body, reference, **k)


def positive(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.abs(x) + 0.125)


def apart(x: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.abs(x) < 0.25, np.copysign(0.25, x), x)


vec_erf, vec_erfc = np.vectorize(erf), np.vectorize(erfc)
UNARY = (
    unary("exp", U + "exp.h", np.exp),
    unary("log", K, np.log, domain=positive, absolute=1e-7),
    unary("log1p", U + "log1p.h", np.log1p, domain=positive),
    unary("expm1", K, np.expm1),
    unary("exp2", K, np.exp2),
    unary("sqrt", U + "sqrt.h", np.sqrt, domain=positive),
    unary("rsqrt", U + "rsqrt.h", lambda x: 1 / np.sqrt(x), domain=positive),
    unary("recip", U + "recip.h", lambda x: 1 / x, domain=apart),
    unary("square", K, np.square),
    unary("abs", K, np.abs),
    unary("sign", K, np.sign),
    unary("relu", U + "relu.h", lambda x: np.maximum(x, 0)),
    unary("leaky_relu", U + "relu.h", lambda x: np.where(x >= 0, x, 0.125 * x), f"leaky_relu_tile(0, {bits(0.125)});"),
    unary("relu_max", U + "relu.h", lambda x: np.clip(x, 0, 0.5), f"relu_max_tile(0, {bits(0.5)});"),
    unary(
        "gelu",
        U + "gelu.h",
        lambda x: 0.5 * x * vec_erfc(-x / np.sqrt(2)),
        "gelu_tile<false>(0);",
        "gelu_tile_init<false>();",
        absolute=1e-6,  # its left tail's, as the device's is
    ),
    unary("silu", K, lambda x: x / (1 + np.exp(-x))),
    unary("sigmoid", K, lambda x: 1 / (1 + np.exp(-x))),
    unary("tanh", K, np.tanh),
    unary(
        "softplus",
        U + "softplus.h",
        lambda x: np.log1p(np.exp(x)),
        f"softplus_tile(0, {bits(1)}, {bits(1)}, {bits(20)});",
        define="INP_FLOAT32 1",
    ),
    unary(
        "erf",
        U + "erf_erfc.h",
        vec_erf,
        "erf_tile<false>(0);",
        "erf_tile_init<false>();",
        define="INP_FLOAT32 1",
    ),
    unary("erfc", U + "erf_erfc.h", vec_erfc),
    unary("negative", U + "negative.h", np.negative),
    unary("power", K, lambda x: x**3, f"power_tile(0, {bits(3)});"),
    unary("elu", U + "elu.h", lambda x: np.where(x >= 0, x, np.expm1(x)), f"elu_tile(0, {bits(1)});"),
    unary("hardtanh", U + "hardtanh.h", lambda x: np.clip(x, -0.5, 1), f"hardtanh_tile(0, {bits(-0.5)}, {bits(1)});"),
    unary("unary_max", K, lambda x: np.maximum(x, 0.25), f"unary_max_tile(0, {bits(0.25)});"),
    unary("unary_min", K, lambda x: np.minimum(x, 0.25), f"unary_min_tile(0, {bits(0.25)});"),
    unary("sin", U + "trigonometry.h", np.sin, absolute=1e-9),
    unary("cos", U + "trigonometry.h", np.cos, absolute=1e-7),
    *(
        unary(
            f"{op}_unary",
            U + "binop_with_scalar.h",
            reference,
            f"{op}_unary_tile(0, {bits(value)});",
            "binop_with_scalar_tile_init();",
            absolute=1e-7,
        )
        for op, value, reference in (
            ("add", 1.5, lambda x: x + 1.5),
            ("sub", 1.5, lambda x: x - 1.5),
            ("mul", 1.5, lambda x: x * 1.5),
            ("div", 0.25, lambda x: x / 4),
            ("rsub", 1.5, lambda x: 1.5 - x),
        )
    ),
    unary("rsub", U + "rsub.h", lambda x: 2 - x, f"rsub_tile(0, {bits(2)});", absolute=1e-7),
    unary("rdiv", U + "rdiv.h", lambda x: 2 / x, f"rdiv_tile(0, {bits(2)});", domain=apart),
    unary("eqz", U + "comp.h", lambda x: (x == 0).astype(float), domain=lambda x: np.where(x > 0, x, 0)),
    unary("gtz", U + "comp.h", lambda x: (x > 0).astype(float)),
    unary("unary_ge", U + "comp.h", lambda x: (x >= 0.5).astype(float), f"unary_ge_tile(0, {bits(0.5)});"),
    Operation("fill", U + "fill.h", "fill_tile_init(); fill_tile(0, 2.5f);", lambda x: np.full_like(x, 2.5)),
    Operation("copy", "", "copy_init(0); copy_tile(0, 0, 0);", lambda x: x),
)


def two(name: str, header: str, reference: Callable[..., Any], call: str = "", init: str = "") -> Operation:
    body = f"copy_init(0); copy_tile(0, 0, 0); copy_init(1); copy_tile(1, 0, 1); {init or f'{name}_tile_init();'} {call or f'{name}_tile(0, 1, 0);'}"
    return Operation(
        name, header, body, reference, inputs=2, startup="compute_kernel_hw_startup(0, 1, 16);", absolute=1e-7
    )


B = "api/compute/eltwise_binary_sfpu.h"
MM = "api/compute/binary_max_min.h"
BINARY = (
    two("add_binary", B, np.add), two("sub_binary", B, np.subtract), two("mul_binary", B, np.multiply), two("div_binary", B, np.divide),
    two("rsub_binary", B, lambda a, b: b - a), two("lt_binary", B, lambda a, b: (a < b).astype(float)), two("eq_binary", B, lambda a, b: (a == b).astype(float)),
    two("binary_max", MM, np.maximum), two("binary_min", MM, np.minimum),
    two("where", U + "where.h", lambda a, b: np.where(a != 0, b, a),
        "where_tile<DST_ACCUM_MODE ? DataFormat::Float32 : DataFormat::Float16_b>(0, 1, 0, 0);"),
    two("sfpu_add_row", "api/compute/sfpu_binary_bcast.h", lambda a, b: a + tiled(b, "row"), "sfpu_add_bcast_row(0, 1);", "sfpu_add_bcast_row_init();"),
    two("sfpu_sub_col", "api/compute/sfpu_binary_bcast.h", lambda a, b: a - tiled(b, "col"), "sfpu_sub_bcast_col(0, 1);", "sfpu_sub_bcast_col_init();"),
    two("sfpu_mul_row", "api/compute/sfpu_binary_bcast.h", lambda a, b: a * tiled(b, "row"),
        "sfpu_bcast<BroadcastType::ROW, EltwiseBinaryType::ELWMUL>(0, 1);", "sfpu_bcast_init<BroadcastType::ROW>();"),
)  # fmt: skip


def tiled(x: NDArray[Any], part: str) -> NDArray[Any]:
    """Each tile of x replaced by its first row, column or element."""
    t: NDArray[Any] = x.reshape(x.shape[0] // 32, 32, x.shape[1] // 32, 32)
    t = {"row": t[:, :1], "col": t[..., :1], "scalar": t[:, :1, :, :1]}[part]
    return np.broadcast_to(t, (x.shape[0] // 32, 32, x.shape[1] // 32, 32)).reshape(x.shape)


def fpu(
    name: str, body: str, reference: Callable[..., NDArray[Any]], header: str = "api/compute/bcast.h", **k: Any
) -> Operation:
    return Operation(
        name,
        header,
        body,
        reference,
        inputs=2,
        startup="compute_kernel_hw_startup(0, 1, 16);",
        absolute=1e-6 if name.startswith("mul") else LOST,
        **k,
    )


LOST = 2.0**-12 * 8
"""What the matrix unit loses of the smaller of two operands below 8, and of each of eight products (`test_card` is exact)."""
NP = {"add": np.add, "sub": np.subtract, "mul": np.multiply}
E2 = "api/compute/eltwise_binary.h"
FPU = (
    *(fpu(f"{op}_tiles", f"{op}_init(0, 1); {op}_tiles(0, 1, 0, 0, 0);", NP[op], E2) for op in NP),
    *(
        fpu(f"{op}_{part}", f"{op}_bcast_{part}_init(0, 1); {op}_tiles_bcast_{part}(0, 1, 0, 0, 0);",
            lambda a, b, op=op, part=part: NP[op](a, tiled(b, {"rows": "row", "cols": "col", "scalar": "scalar"}[part])))
        for op in NP for part in ("rows", "cols", "scalar")
    ),
    *(
        fpu(f"{op}_reuse_{side}",
            f"copy_init(0); copy_tile(0, 0, 0); {op}_reuse_dest_init<EltwiseBinaryReuseDestType::DEST_TO_SRC{side}>(1);"
            f" {op}_reuse_dest_tiles<EltwiseBinaryReuseDestType::DEST_TO_SRC{side}>(1, 0, 0);",
            lambda a, b, op=op, side=side: NP[op](a, b) if side == "A" else NP[op](b, a), E2)
        for op in NP for side in "AB"
    ),
    fpu("add_accumulate", "copy_init(0); copy_tile(0, 0, 0); add_init(0, 1, true); add_tiles(0, 1, 0, 0, 0);", lambda a, b: 2 * a + b, E2),
    fpu("matmul_transpose", "reconfig_data_format<SrcOrder::Reverse>(0, 1); matmul_init(0, 1, 1); matmul_tiles(0, 1, 0, 0, 0);",
        lambda a, b: per_tile(lambda x, y: x @ y.T, a, b), "api/compute/matmul.h"),
)  # fmt: skip


def per_tile(function: Callable[..., NDArray[Any]], *tensors: NDArray[Any]) -> NDArray[Any]:
    out = np.empty_like(tensors[0])
    for i in range(0, out.shape[0], 32):
        for j in range(0, out.shape[1], 32):
            out[i : i + 32, j : j + 32] = function(*(t[i : i + 32, j : j + 32] for t in tensors))
    return out


def only(part: str, values: NDArray[Any]) -> NDArray[Any]:
    out = np.zeros((32, 32))
    if part == "ROW":
        out[:, 0] = values
    elif part == "COL":
        out[0] = values
    else:
        out[0, 0] = values
    return out


def reduction(pool: str, dim: str) -> Operation:
    axis = {"ROW": 1, "COL": 0, "SCALAR": None}[dim]

    def reduced(x: NDArray[Any]) -> NDArray[Any]:
        return only(dim, np.max(x, axis=axis) if pool == "MAX" else np.sum(x, axis=axis))

    call = f"<PoolType::{pool}, ReduceDim::REDUCE_{dim}>"
    swapped = dim == "ROW" and pool != "MAX"
    body = f"reduce_init{call}(0, 1, 16); reduce_tile{call}(0, 1, 0, 0, 0);"
    startup = f"compute_kernel_hw_startup{'<SrcOrder::Reverse>' if swapped else ''}(0, 1, 16);"
    return Operation(f"reduce_{pool}_{dim}", "api/compute/reduce.h", body, lambda a, b: per_tile(reduced, a),
                     inputs=2, startup=startup, pack="pack_tile(0, 16); reduce_uninit();", absolute=1e-5)  # fmt: skip


OTHERS = (
    *(reduction(pool, dim) for pool in ("SUM", "AVG", "MAX") for dim in ("ROW", "COL", "SCALAR")),
    Operation("transpose", "api/compute/transpose.h", "transpose_init(0); transpose_tile(0, 0, 0);", lambda x: per_tile(np.transpose, x)),
    Operation("pack_relu", "", "copy_init(0); copy_tile(0, 0, 0);", lambda x: np.maximum(x, 0),
              startup="compute_kernel_hw_startup(0, 16); pack_relu_config(ReluConfig::zero());"),
    Operation("unary_bcast_scalar", "api/compute/bcast.h",
              "reconfig_data_format(0, 0); unary_bcast_init<BroadcastType::SCALAR>(0); unary_bcast<BroadcastType::SCALAR>(0, 0, 0);",
              lambda x: tiled(x, "scalar")),
    Operation("out_of_order", "", "copy_init(0); copy_tile(0, 0, 3);", lambda x: x, pack="pack_tile<true>(3, 16, 0);"),
)  # fmt: skip


# Each in the gate with one width of DST, by turns; with the other one every night.
WIDTHS = [
    pytest.param(operation, fp32, id=f"{operation.name}-{fp32}", marks=[pytest.mark.exhaustive] * ((place + fp32) % 2))
    for place, operation in enumerate([*UNARY, *BINARY, *FPU, *OTHERS])
    for fp32 in (1, 0)
]


@pytest.mark.parametrize(("operation", "fp32"), WIDTHS)
def test_operation(tmp_path: Path, operation: Operation, fp32: int) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(kernel(operation))
    a, b = bf16(operation.domain(normal(64, 64))), normal(64, 64, seed=1)
    if operation.name.startswith("reduce"):
        b = np.ones_like(b)
    inputs = {"IN0": a, "IN1": b} if operation.inputs == 2 else {"IN0": a}
    options = (f"compute={source}", "rows=2", "columns=2", f"inputs={operation.inputs}", f"fp32={fp32}", "out=float32")
    outputs, result = execute("tiles", tmp_path, inputs, {"OUT": (64, 64)}, *options)
    if operation.name.startswith("sfpu_") and not fp32:
        assert result.names()[0] == "sfpu-broadcast-16bit"
        return
    assert outputs is not None, result.stderr
    expected = operation.reference(*(x.astype(np.float64) for x in inputs.values()))
    # 16-bit DST rounds after every phase and every sixteen products.
    relative, absolute = (operation.tolerance, operation.absolute) if fp32 else (2**-6, 2**-7)
    if operation.name.startswith(("reduce_SUM", "reduce_AVG", "matmul")):
        absolute = 32 * LOST if fp32 else 0.5
    if operation.name.endswith("_SCALAR") and fp32:
        absolute = 2**-9 * 32  # column sums pass through TF32
    check(outputs["OUT"], expected, relative, absolute)


def test_float32_is_exact_through_unpack_to_dest(tmp_path: Path) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(kernel(next(o for o in UNARY if o.name == "copy")))
    a = np.random.default_rng(3).standard_normal((64, 64)).astype(np.float32)
    for exact in (1, 0):
        options = (f"compute={source}", "rows=2", "columns=2", "in0=float32", "out=float32", f"exact0={exact}")
        outputs, result = execute("tiles", tmp_path, {"IN0": a}, {"OUT": (64, 64)}, *options)
        assert outputs is not None, result.stderr
        tf32 = (a.view(np.uint32) & 0xFFFFE000).view(np.float32)
        np.testing.assert_array_equal(outputs["OUT"], a if exact else tf32)


def bfp(x: NDArray[Any], width: int, ties_even: bool) -> NDArray[Any]:
    """Sixteen neighbours of a row with one exponent, `width` bits of magnitude: the host's rounding."""
    blocks = x.astype(np.float32).reshape(-1, 16)
    exponent = np.where(blocks == 0, -200, np.floor(np.log2(np.where(blocks == 0, 1, np.abs(blocks))))).max(
        axis=1, keepdims=True
    )
    step = 2.0 ** (exponent - (width - 1))
    scaled = np.abs(blocks) / step
    magnitude = np.minimum(np.round(scaled) if ties_even else np.floor(scaled + 0.5), 2**width - 1)
    return np.asarray((np.sign(blocks) * magnitude * step).reshape(x.shape))


@pytest.mark.parametrize(("dtype", "width"), [("bfloat8_b", 7), ("bfloat4_b", 3)])
def test_block_formats_of_the_host(tmp_path: Path, dtype: str, width: int) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(kernel(next(o for o in UNARY if o.name == "copy")))
    a = normal(64, 64)
    outputs, result = execute(
        "tiles",
        tmp_path,
        {"IN0": a},
        {"OUT": (64, 64)},
        f"compute={source}",
        "rows=2",
        "columns=2",
        f"in0={dtype}",
        "out=float32",
    )
    assert outputs is not None, result.stderr
    np.testing.assert_array_equal(outputs["OUT"], bfp(a, width, True))


@pytest.mark.parametrize(("dtype", "width"), [("bfloat8_b", 7), ("bfloat4_b", 3)])
def test_block_formats_of_the_packer(tmp_path: Path, dtype: str, width: int) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(kernel(next(o for o in UNARY if o.name == "copy")))
    a = normal(64, 64)
    outputs, result = execute(
        "tiles", tmp_path, {"IN0": a}, {"OUT": (64, 64)}, f"compute={source}", "rows=2", "columns=2", f"out={dtype}"
    )
    assert outputs is not None, result.stderr
    step = np.abs(a).reshape(-1, 16).max(axis=1, keepdims=True) * 2.0 ** (1 - width)
    assert np.all(np.abs(outputs["OUT"] - a).reshape(-1, 16) <= step)


def test_bfloat16_of_the_packer_is_nearest(tmp_path: Path) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(kernel(next(o for o in UNARY if o.name == "copy")))
    a = np.random.default_rng(4).standard_normal((64, 64)).astype(np.float32)
    outputs, result = execute(
        "tiles",
        tmp_path,
        {"IN0": a},
        {"OUT": (64, 64)},
        f"compute={source}",
        "rows=2",
        "columns=2",
        "in0=float32",
        "exact0=1",
    )
    assert outputs is not None, result.stderr
    expected = a.astype(ml_dtypes.bfloat16).astype(np.float32)
    ties = (a.view(np.uint32) & 0xFFFF) == 0x8000
    np.testing.assert_array_equal(outputs["OUT"][~ties], expected[~ties])


LAYOUT = """#include <cstdint>

#include "api/compute/common.h"
#include "api/compute/pack_untilize.h"
#include "api/compute/tilize.h"

// Two tiles of a row: to rows, and back to tiles.
void kernel_main() {
    const uint32_t units = get_arg_val<uint32_t>(0);
    compute_kernel_hw_startup(0, 24);
    for (uint32_t unit = 0; unit < units; unit += 2) {
        pack_untilize_init<2, 2>(0, 24);
        cb_wait_front(0, 2);
        cb_reserve_back(24, 2);
        pack_untilize_block<2, 2>(0, 1, 24);
        cb_push_back(24, 2);
        cb_pop_front(0, 2);
        pack_untilize_uninit(24);

        reconfig_data_format_srca(24);
        pack_reconfig_data_format(24, 16);
        tilize_init(24, 2, 16);
        cb_wait_front(24, 2);
        cb_reserve_back(16, 2);
        tilize_block(24, 2, 16);
        cb_push_back(16, 2);
        cb_pop_front(24, 2);
        tilize_uninit(24, 16);
        reconfig_data_format_srca(24, 0);
        pack_reconfig_data_format(16, 24);
    }
}
"""


@pytest.mark.parametrize("partials", ["bfloat16", "float32"])
def test_untilize_and_tilize(tmp_path: Path, partials: str) -> None:
    source = tmp_path / "compute.cpp"
    source.write_text(LAYOUT)
    a = normal(64, 64)
    options = (f"compute={source}", "rows=2", "columns=2", "cores=1", "partials=2", f"partials_format={partials}")
    outputs, result = execute("tiles", tmp_path, {"IN0": a}, {"OUT": (64, 64)}, *options)
    assert outputs is not None, result.stderr
    np.testing.assert_array_equal(outputs["OUT"], a)
