"""Reductions: by the matrix unit with scaler tiles, by the vector unit in a slot, and sums of products in a slot.

That padding under a scaler of 0 doesn't count whatever it holds, that products add up in a slot, and on what was copied
to it and rescaled, was seen in execution on Tenstorrent's simulator; where the scalers stand, and where the vector unit
stores, is in the device's headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.emulator import toolchain
from tests.emulator.test_operations import LOST, bits
from tests.emulator.test_programs import bf16, check, execute, normal

HEADERS = (
    "bcast", "common", "compute_kernel_api", "eltwise_binary", "eltwise_unary/binop_with_scalar", "eltwise_unary/clamp", "eltwise_unary/fill",
    "eltwise_unary/recip", "mask", "matmul", "reduce", "sfpu_binary_bcast", "tile_move_copy"
)  # fmt: skip
TEMPLATE = """#include <cstdint>
{includes}
// Something of all tiles, once for each of them.
void kernel_main() {{
    const uint32_t count = get_arg_val<uint32_t>(0);
    {startup}
    {init}
    cb_wait_front(0, count);
    cb_wait_front(1, count);
    tile_regs_acquire();
    for (uint32_t i = 0; i < count; ++i) {{
        {body}
    }}
    {end}
    tile_regs_commit();
    cb_pop_front(0, count);
    cb_pop_front(1, count);
    tile_regs_wait();
    for (uint32_t i = 0; i < count; ++i) {{
        cb_reserve_back(16, 1);
        pack_tile(0, 16);
        cb_push_back(16, 1);
    }}
    tile_regs_release();
    {last}
}}
"""


def run(
    folder: Path, a: NDArray[Any], b: NDArray[Any], body: str, *options: str, init: str = "", end: str = "", last: str = "",
    startup: str = "compute_kernel_hw_startup(0, 1, 16);", env: Mapping[str, str] = {},
) -> tuple[NDArray[Any] | None, toolchain.Result]:  # fmt: skip
    """The tile that the kernel makes of the tiles of a and b, which are one row of tiles each."""
    source, count = folder / "compute.cpp", a.shape[1] // 32
    includes = "\n".join(f'#include "api/compute/{header}.h"' for header in HEADERS)
    source.write_text(TEMPLATE.format(includes=includes, startup=startup, init=init, body=body, end=end, last=last))
    words = (f"compute={source}", "rows=1", f"columns={count}", "cores=1", "inputs=2", f"depth={count}", "out=float32")
    outputs, result = execute("tiles", folder, {"IN0": a, "IN1": b}, {"OUT": a.shape}, *words, *options, env=env)
    return None if outputs is None else outputs["OUT"][:, :32], result


def scalers(valid: int, dim: str) -> NDArray[Any]:
    """A tile of ones in the first row of each face, for the first `valid` columns or rows of a tile."""
    tile = np.zeros((32, 32), np.float32)
    for row in (0, 1):
        for column in (0, 1):
            face = column if dim == "ROW" else row
            tile[16 * row, 16 * column : 16 * column + 16] = np.arange(16) < valid - 16 * face
    return tile


@pytest.mark.parametrize("valid", [7, 20])
@pytest.mark.parametrize("dim", ["ROW", "COL"])
def test_a_scaler_of_zero_leaves_out_whatever_is_there(tmp_path: Path, dim: str, valid: int) -> None:
    """The sum of three tiles, of the last of which only the first elements count."""
    a = normal(32, 96)
    last = a[:, 64:] if dim == "ROW" else a[:, 64:].T
    last[:, valid:] = np.resize([7, 1e30, np.inf, np.nan], (32, 32 - valid))
    b = np.hstack([scalers(32, dim), scalers(32, dim), scalers(valid, dim)])
    call = f"<PoolType::SUM, ReduceDim::REDUCE_{dim}>"
    order = "<SrcOrder::Reverse>" if dim == "ROW" else ""
    out, result = run(
        tmp_path, a, b, f"reduce_tile{call}(0, 1, i, i, 0);", init=f"reduce_init{call}(0, 1, 16);",
        last="reduce_uninit();", startup=f"compute_kernel_hw_startup{order}(0, 1, 16);",
    )  # fmt: skip
    assert out is not None, result.stderr
    counted = [a[:, :32], a[:, 32:64], last[:, :valid] if dim == "ROW" else last[:, :valid].T]
    sums = np.sum([tile.sum(axis=1 if dim == "ROW" else 0, dtype=np.float64) for tile in counted], axis=0)
    expected = np.zeros((32, 32))
    (expected if dim == "ROW" else expected.T)[:, 0] = sums
    check(out, expected, 0.0, 3 * 32 * LOST / 8)
    assert not (out if dim == "ROW" else out.T)[:, 1:].any()


@pytest.mark.parametrize("dim", ["ROW", "COL"])
def test_scalers_of_the_wrong_face(tmp_path: Path, dim: str) -> None:
    """Scalers laid out for the other dimension count for other elements: a wrong sum, and which one."""
    a = normal(32, 32)
    call = f"<PoolType::SUM, ReduceDim::REDUCE_{dim}>"
    out, result = run(
        tmp_path, a, scalers(20, "COL" if dim == "ROW" else "ROW"), f"reduce_tile{call}(0, 1, 0, 0, 0);",
        init=f"reduce_init{call}(0, 1, 16);", last="reduce_uninit();",
        startup=f"compute_kernel_hw_startup{'<SrcOrder::Reverse>' if dim == 'ROW' else ''}(0, 1, 16);",
    )  # fmt: skip
    assert out is not None, result.stderr
    if dim == "ROW":  # faces 0 and 1 are all ones
        check(out[:, 0], a.sum(axis=1), 0.0, 4 * LOST)
    else:  # the left faces count in full, the right ones with four rows each
        check(out[0, :16], a[:, :16].sum(axis=0), 0.0, 4 * LOST)
        check(out[0, 16:], a[:4, 16:].sum(axis=0) + a[16:20, 16:].sum(axis=0), 0.0, 4 * LOST)


@pytest.mark.parametrize("dim", ["ROW", "COL"])
def test_maxima_go_on_from_tile_to_tile(tmp_path: Path, dim: str) -> None:
    a = bf16(normal(32, 96) - 9)  # all below the 0 that DST is cleared to
    call = f"<PoolType::MAX, ReduceDim::REDUCE_{dim}>"
    out, result = run(
        tmp_path, a, np.hstack([scalers(32, dim)] * 3), f"reduce_tile{call}(0, 1, i, i, 0);",
        init=f"reduce_init{call}(0, 1, 16);", last="reduce_uninit();",
    )  # fmt: skip
    assert out is not None, result.stderr
    tiles = a.reshape(32, 3, 32)
    found = out[:, 0] if dim == "ROW" else out[0]
    np.testing.assert_array_equal(found, tiles.max(axis=(1, 2) if dim == "ROW" else (0, 1)))


EXACT = ("in0=float32", "exact0=1", "in1=float32", "exact1=1")


@pytest.mark.parametrize("dim", ["ROW", "COL"])
@pytest.mark.parametrize("pool", ["SUM", "MAX", "MIN"])
def test_a_slot_is_reduced_in_place(tmp_path: Path, pool: str, dim: str) -> None:
    """In full float32. The stores reach into other columns or rows; what they don't reach stays."""
    a = np.random.default_rng(5).standard_normal((32, 32)).astype(np.float32) - np.float32(2)
    call = f"sfpu_reduce_init<PoolType::{pool}, DataFormat::Float32>(); sfpu_reduce<PoolType::{pool}, DataFormat::Float32, ReduceDim::REDUCE_{dim}>(0);"
    out, result = run(tmp_path, a, a, f"copy_init(0); copy_tile(0, 0, 0); {call}", *EXACT)
    assert out is not None, result.stderr
    lines, found = (a, out) if dim == "ROW" else (a.T, out.T)
    fold: Any = {"SUM": np.sum, "MAX": np.max, "MIN": np.min}[pool]
    exact = fold(lines.astype(np.float64), axis=1)
    check(found[:, 0], exact, 0.0, 0.0 if pool != "SUM" else 8 * 2.0**-24 * np.abs(lines).sum(axis=1))
    kept = np.ones(32, bool)
    kept[: 16 if dim == "ROW" else 4 : 2 if dim == "ROW" else 1] = False
    if dim == "ROW":
        np.testing.assert_array_equal(out[:, kept], a[:, kept])
        np.testing.assert_array_equal(out[:, 2:16:2], np.repeat(out[:, :1], 7, axis=1))
    else:
        np.testing.assert_array_equal(out[4:], a[4:])
        assert np.isnan(out[1:4]).all()


def test_products_add_up_in_a_slot(tmp_path: Path) -> None:
    a, b = normal(32, 96), normal(32, 96, seed=1)
    out, result = run(tmp_path, a, b, "mul_tiles(0, 1, i, i, 0);", init="mul_init(0, 1);")
    assert out is not None, result.stderr
    exact = (a.astype(np.float64) * b).reshape(32, 3, 32).sum(axis=1)
    check(out, exact, 2**-21, 2**-21)


def test_a_product_with_a_column_adds_to_a_matrix_product(tmp_path: Path) -> None:
    a, b = normal(32, 32), normal(32, 32, seed=1)
    body = "matmul_tiles(0, 1, 0, 0, 0); reconfig_data_format(0, 1); mul_bcast_cols_init(0, 1); mul_tiles_bcast_cols(0, 1, 0, 0, 0);"
    startup = "compute_kernel_hw_startup<SrcOrder::Reverse>(0, 1, 16); matmul_init(0, 1);"
    out, result = run(tmp_path, a, b, body, startup=startup)
    assert out is not None, result.stderr
    check(out, a.astype(np.float64) @ b + a * b[:, :1], 2**-20, 32 * LOST)


def test_a_matrix_product_adds_to_what_was_copied_and_rescaled(tmp_path: Path) -> None:
    a, b = normal(32, 32), normal(32, 32, seed=1)
    body = f"""copy_init(0); copy_tile(0, 0, 0); binop_with_scalar_tile_init(); mul_unary_tile(0, {bits(2)});
        reconfig_data_format<SrcOrder::Reverse>(0, 1); matmul_init(0, 1); matmul_tiles(0, 1, 0, 0, 0);"""
    out, result = run(tmp_path, a, b, body)
    assert out is not None, result.stderr
    check(out, 2 * a + a.astype(np.float64) @ b, 2**-20, 32 * LOST)


def test_a_mask_selects(tmp_path: Path) -> None:
    a, b = normal(32, 32), (normal(32, 32, seed=1) > 0).astype(np.float32)
    a[0, :4] = np.inf, np.nan, -np.inf, 1e30
    b[0, :4] = 0
    out, result = run(
        tmp_path,
        a,
        b,
        "copy_init(0); copy_tile(0, 0, 0); copy_init(1); copy_tile(1, 0, 1); mask_tile_init(); mask_tile(0, 1);",
    )
    assert out is not None, result.stderr
    np.testing.assert_array_equal(out, np.where(b != 0, a, 0))


COLUMN_OF_SUMS = (
    "reduce_init<PoolType::SUM, ReduceDim::REDUCE_ROW>(0, 1, 16); reduce_tile<PoolType::SUM, ReduceDim::REDUCE_ROW>(0, 1, 0, 0, 1); "
    "reduce_uninit(); fill_tile_init(); fill_tile(0, 0.0f); "
)
INVERT, SPREAD = "recip_tile_init(); recip_tile({0}); ", "sfpu_bcast_col_init(); sfpu_add_bcast_col(0, 1); "


@pytest.mark.parametrize("arch", ["wormhole_b0", "blackhole"])
def test_a_column_that_is_spread_has_numbers_beside_it(tmp_path: Path, arch: str) -> None:
    """0 times the reciprocals of the zeros beside sums is NaN: what is spread first is right."""
    a = bf16(np.abs(normal(32, 32)) + 1)
    found = []
    for body in (SPREAD + INVERT.format(0), INVERT.format(1) + SPREAD):
        out, result = run(tmp_path, a, scalers(32, "ROW"), COLUMN_OF_SUMS + body, env={"TTEMU_ARCH": arch})
        assert out is not None, result.stderr
        found.append(out)
    np.testing.assert_allclose(found[0], np.broadcast_to(1 / a.sum(axis=1, keepdims=True), (32, 32)), rtol=2**-7)
    assert np.isnan(found[1]).all()


def reduce(pool: str, dim: str, prepared: bool = True) -> str:
    call = f"<PoolType::{pool}, ReduceDim::REDUCE_{dim}>"
    return f"reduce_init{call}(0, 1, 16); " + (f"reduce_tile{call}(0, 1, 0, 0, 0); " if prepared else "")


COPIED = "copy_init(0); copy_tile(0, 0, 0); "
MATMUL = "matmul_tiles(0, 1, 0, 0, 0); "
SFPU = "<PoolType::SUM, DataFormat::Float32"
WRONG = {
    "a maximum scaled by 0": ("reduce-scaler", reduce("MAX", "ROW")),
    "a maximum on a copied one": ("dst-not-zero", COPIED + reduce("MAX", "ROW")),
    "sums of columns, then of rows": ("dst-not-zero", reduce("SUM", "COL") + reduce("SUM", "ROW")),
    "columns under the mask of rows": ("packer-state", reduce("SUM", "COL") + reduce("SUM", "ROW", prepared=False)),
    "a product on a copy": ("dst-not-zero", COPIED + "mul_init(0, 1); mul_tiles(0, 1, 0, 0, 0);"),
    "a matrix product on one that was changed": (
        "dst-not-zero", "matmul_init(0, 1); " + MATMUL + "binop_with_scalar_tile_init(); mul_unary_tile(0, 0); " + MATMUL),
    "a mask elsewhere": ("mask-slot", COPIED + "copy_tile(0, 0, 2); mask_tile_init(); mask_tile(0, 2);"),
    "a slot in 16 bits": ("dst-format", COPIED + f"sfpu_reduce_init{SFPU}>(); sfpu_reduce{SFPU}, ReduceDim::REDUCE_ROW>(0);"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_a_reduction_does_not_allow(tmp_path: Path, what: str) -> None:
    name, body = WRONG[what]
    _, result = run(tmp_path, normal(32, 32), scalers(20, "ROW"), body, *(["fp32=0"] if "16 bits" in what else []))
    assert result.names()[:1] == [name], result.stderr
