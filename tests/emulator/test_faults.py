"""One fault in one line of a kernel that is right: the emulator must report it, by the right name and at the right place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from tests.emulator import toolchain
from tests.emulator.test_programs import KERNELS, PROGRAMS, normal
from tests.nights import one_in

ALL = -1
"""Every place of the text that changes."""


@dataclass(frozen=True)
class Fault:
    name: str
    """What the emulator must report first."""
    program: str
    kernel: str
    old: str
    new: str
    options: tuple[str, ...] = ()
    occurrence: int = 0
    others: tuple[str, ...] = ()
    """Names that are as right as the first, depending on the order of events."""
    env: tuple[tuple[str, str], ...] = ()


def g(name: str, kernel: str, old: str, new: str, *options: str, **k: object) -> Fault:
    return Fault(name, "gemm", kernel, old, new, options, **k)  # type: ignore[arg-type]


def m(name: str, kernel: str, old: str, new: str, *options: str, **k: object) -> Fault:
    return Fault(name, "multicast", kernel, old, new, options, **k)  # type: ignore[arg-type]


def b(name: str, kernel: str, old: str, new: str, *options: str, **k: object) -> Fault:
    return Fault(name, "block", kernel, old, new, options, **k)  # type: ignore[arg-type]


def c(name: str, old: str, new: str, *options: str, **k: object) -> Fault:
    return Fault(name, "tiles", "chain_compute.cpp", old, new, options, **k)  # type: ignore[arg-type]


def r(name: str, old: str, new: str, *options: str, **k: object) -> Fault:
    options = (*options, "partials=2", "in1=float32")  # the first of a name counts
    return Fault(name, "tiles", "center_rows_compute.cpp", old, new, options, **k)  # type: ignore[arg-type]


def v(name: str, old: str, new: str, *options: str, **k: object) -> Fault:
    return Fault(name, "tiles", "below_peak_compute.cpp", old, new, options, **k)  # type: ignore[arg-type]


# A kernel that ends with a read under way, into a page that nobody gets.
AHEAD = """void read_all();
void kernel_main() {
    read_all();
    const auto a = TensorAccessor(TensorAccessorArgs<0>(), get_common_arg_val<uint32_t>(0));
    cb_reserve_back(get_named_compile_time_arg_val("cb_a"), 1);
    noc_async_read_page(0, a, get_write_ptr(get_named_compile_time_arg_val("cb_a")));
}
void read_all() {"""

FAULTS = (
    # circular buffers
    g("read-before-barrier", "gemm_reader.cpp", "noc_async_read_barrier();", ""),
    g("hang", "gemm_reader.cpp", "cb_push_back(cb_b, 1);", ""),
    g("cb-push-unreserved", "gemm_reader.cpp", "cb_reserve_back(cb_a, 1);", "", others=("cb-write-unreserved",)),
    g("hang", "gemm_compute.cpp", "cb_pop_front(cb_a, 1);", ""),
    g("cb-read-unwaited", "gemm_compute.cpp", "cb_wait_front(cb_b, 1);", ""),
    g("cb-write-unreserved", "gemm_compute.cpp", "cb_reserve_back(cb_c, 1);", ""),
    g("hang", "gemm_compute.cpp", "cb_push_back(cb_c, 1);", ""),
    g("cb-read-unwaited", "unit_writer.cpp", "cb_wait_front(cb_out, 1);", "", others=("cb-underflow",)),
    g("cb-overflow", "gemm_reader.cpp", "cb_reserve_back(cb_a, 1);", "cb_reserve_back(cb_a, 3);"),
    g("cb-underflow", "gemm_compute.cpp", "cb_wait_front(cb_a, 1);", "cb_wait_front(cb_a, 3);"),
    g(
        "cb-pop-unwaited",
        "gemm_compute.cpp",
        "cb_pop_front(cb_a, 1);",
        "cb_pop_front(cb_a, 2);",
        others=("cb-underflow",),
    ),
    g(
        "cb-not-drained",
        "gemm_compute.cpp",
        "cb_pop_front(cb_b, 1);",
        "if (k + 1 < k_tiles) cb_pop_front(cb_b, 1);",
        "M=32",
        "N=32",
        "K=64",
    ),
    g("cb-missing", "unit_writer.cpp", "cb_wait_front(cb_out, 1);", "cb_wait_front(cb_out + 1, 1);"),
    b(
        "cb-wrap",
        "block_reader.cpp",
        "cb_push_back(cb_a, a_tiles);",
        "cb_push_back(cb_a, a_tiles - 1);",
        others=("hang", "cb-write-unreserved"),
    ),
    # movement
    g("write-not-flushed", "unit_writer.cpp", "noc_async_writes_flushed();", ""),
    g("noc-not-drained", "unit_writer.cpp", "noc_async_write_barrier();", ""),
    g("noc-not-drained", "gemm_reader.cpp", "void kernel_main() {", AHEAD),
    g("cb-write-unreserved", "gemm_reader.cpp", "a, get_write_ptr(cb_a));", "a, get_write_ptr(cb_a) + 2048);"),
    g(
        "misaligned-address",
        "gemm_reader.cpp",
        "noc_async_read_page(row * k_tiles + k, a, get_write_ptr(cb_a));",
        "noc_async_read(a.get_noc_addr(row * k_tiles + k), get_write_ptr(cb_a) + 16, 1024);",
    ),
    g("out-of-range", "gemm_reader.cpp", "row * k_tiles + k, a", "row * k_tiles + k + 1000, a"),
    g("out-of-range", "unit_writer.cpp", "noc_async_write_page(unit, out", "noc_async_write_page(unit + 64, out"),
    g(
        "out-of-range",
        "gemm_reader.cpp",
        "get_common_arg_val<uint32_t>(1)",
        "get_common_arg_val<uint32_t>(1) + 0x1000000",
    ),
    g("runtime-arg-out-of-range", "gemm_compute.cpp", "get_arg_val<uint32_t>(0)", "get_arg_val<uint32_t>(1)"),
    g(
        "runtime-arg-out-of-range",
        "gemm_reader.cpp",
        "get_common_arg_val<uint32_t>(1)",
        "get_common_arg_val<uint32_t>(2)",
    ),
    g(
        "output-coverage",
        "unit_writer.cpp",
        "noc_async_write_page(unit, out",
        "noc_async_write_page(unit_start, out",
        "M=320",
        "N=320",
        "K=32",
        others=("uninitialised-data",),
    ),
    g(
        "uninitialised-data",
        "gemm_reader.cpp",
        "noc_async_read_page(k * n_tiles + column, b, get_write_ptr(cb_b));",
        "",
    ),
    g("cb-push-unwritten", "gemm_compute.cpp", "pack_tile(0, cb_c);", ""),
    # compute
    g("missing-hw-startup", "gemm_compute.cpp", "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_c);", ""),
    g(
        "missing-hw-startup",
        "gemm_compute.cpp",
        "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_c);\n    matmul_init(cb_a, cb_b);",
        "matmul_init(cb_a, cb_b);\n    compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_c);",
    ),
    g("missing-init", "gemm_compute.cpp", "matmul_init(cb_a, cb_b);", ""),
    g("dst-outside-section", "gemm_compute.cpp", "tile_regs_acquire();", ""),
    g("hang", "gemm_compute.cpp", "tile_regs_commit();", "", others=("dst-outside-section",)),
    g("dst-outside-section", "gemm_compute.cpp", "tile_regs_wait();", ""),
    g("dst-outside-section", "gemm_compute.cpp", "tile_regs_release();", "", others=("hang",)),
    g(
        "dst-out-of-range",
        "gemm_compute.cpp",
        "matmul_tiles(cb_a, cb_b, 0, 0, 0);",
        "matmul_tiles(cb_a, cb_b, 0, 0, 4);",
    ),
    g("dst-unwritten", "gemm_compute.cpp", "pack_tile(0, cb_c);", "pack_tile(1, cb_c);"),
    g(
        "cb-read-unwaited",
        "gemm_compute.cpp",
        "matmul_tiles(cb_a, cb_b, 0, 0, 0);",
        "matmul_tiles(cb_a, cb_b, 1, 0, 0);",
    ),
    g(
        "format-not-configured",
        "gemm_compute.cpp",
        "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_c);",
        "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_a);",
        "out=float32",
    ),
    b("format-not-configured", "block_compute.cpp", "reconfig_data_format_srca(cb_b, cb_partials);", ""),
    b("format-not-configured", "block_compute.cpp", "pack_reconfig_data_format(cb_partials, cb_out);", ""),
    b("missing-init", "block_compute.cpp", "copy_init(cb_partials);", ""),
    b(
        "missing-init",
        "block_compute.cpp",
        "matmul_block_init(cb_a, cb_b, 0, n_tiles, 1, k_block);",
        "matmul_block_init(cb_a, cb_b, 0, 1, 1, k_block);",
    ),
    b(
        "uninitialised-data",
        "block_compute.cpp",
        "pack_reconfig_l1_acc(block == 0 ? 0 : 1);",
        "pack_reconfig_l1_acc(1);",
    ),
    b(
        "wrong-numbers",
        "block_compute.cpp",
        "pack_reconfig_l1_acc(0);\n    reconfig",
        "reconfig",
        others=("uninitialised-data",),
    ),
    b("uninitialised-data", "block_reader.cpp", "uint32_t w = 0; w < a_bytes", "uint32_t w = 256; w < a_bytes"),
    # a core's own stores
    b("store-not-read-back", "block_reader.cpp", "while (words[b_bytes / 4 - 1] != 0) {", "while (false) {"),
    b("store-not-read-back", "block_reader.cpp", "while (words[b_bytes / 4 - 1] != 0) {", "while (words[0] != 0) {"),
    m("store-not-read-back", "multicast_sender.cpp", "noc_semaphore_wait(valid_word, VALID);", ""),
    c("missing-init", "exp_tile_init();", ""),
    c("missing-init", "where_tile_init();", ""),
    c("init-mode", "exp_tile_init();", "exp_tile_init<true>();"),
    c("init-mode", "tanh_tile(2);", "tanh_tile<true>(2);"),
    c("dst-format", "where_tile<format>", "where_tile<DataFormat::Float16_b>"),
    c("dst-format", "copy_tile(a, 0, 2);", "copy_dest_values_init(); copy_dest_values<DataFormat::Float16_b>(0, 2);"),
    c("dst-unwritten", "copy_tile(a, 0, 2);", ""),
    c("dst-out-of-range", "copy_tile(a, 0, 2);", "copy_tile(a, 0, 4);"),
    Fault("missing-init", "tiles", "add_rows_compute.cpp", "add_bcast_rows_init(a, b);", "add_bcast_cols_init(a, b);"),
    Fault(
        "dst-not-zero",
        "tiles",
        "add_rows_compute.cpp",
        "add_tiles_bcast_rows(a, b, 0, 0, 0);",
        "add_bcast_rows_init(a, b); add_tiles_bcast_rows(a, b, 0, 0, 0); mul_init(a, b); mul_tiles(a, b, 0, 0, 0);",
    ),
    # reductions
    r("packer-state", "reduce_uninit();", ""),
    r("missing-init", "reduce_init<PoolType::SUM, ReduceDim::REDUCE_ROW>(a, scaler, mean);", ""),
    r(
        "missing-init",
        "reduce_init<PoolType::SUM, ReduceDim::REDUCE_ROW>",
        "reduce_init<PoolType::SUM, ReduceDim::REDUCE_COL>",
    ),
    r("format-not-configured", "hw_startup<SrcOrder::Reverse>", "hw_startup"),
    r("format-not-configured", "reconfig_data_format(scaler, a);", "reconfig_data_format(a, scaler);"),
    r("reduce-scaler", "PoolType::SUM", "PoolType::MAX", "in1=bfloat16", occurrence=ALL),
    v("missing-init", "sfpu_reduce_init<PoolType::MAX, DataFormat::Float32>();", ""),
    v(
        "init-mode",
        "sfpu_reduce_init<PoolType::MAX, DataFormat::Float32>();",
        "sfpu_reduce_init<PoolType::SUM, DataFormat::Float32>();",
    ),
    v("dst-format", "copy_tile(a, 0, 0);", "copy_tile(a, 0, 0);", "fp32=0"),
    v("dst-unwritten", "copy_tile(a, 0, 1);", ""),
    # multicast and semaphores
    m("multicast-count", "multicast_sender.cpp", "tile_bytes, receivers, true)", "tile_bytes, receivers + 1, true)"),
    m(
        "multicast-rectangle",
        "multicast_sender.cpp",
        "get_noc_multicast_addr(x_start, y_start, x_end, y_end, address)",
        "get_noc_multicast_addr(x_end, y_end, x_start, y_start, address)",
    ),
    m("hang", "multicast_receiver.cpp", "noc_semaphore_inc(sender_ready, 1);", ""),
    m(
        "hang",
        "multicast_sender.cpp",
        "noc_semaphore_set_multicast(valid, get_noc_multicast_addr(x_start, y_start, x_end, y_end, valid), receivers);",
        "",
        others=("linked-not-closed", "noc-not-drained"),
    ),
    m(
        "semaphore-unwaited",
        "multicast_sender.cpp",
        "noc_semaphore_wait(ready_word, receivers);",
        "",
        others=("uninitialised-data", "cb-overwrite", "hang"),
    ),
    m(
        "semaphore-equality",
        "multicast_sender.cpp",
        "noc_semaphore_wait(ready_word, receivers);\n        noc_semaphore_set(ready_word, 0);",
        "noc_semaphore_wait(ready_word, (k + 1) * receivers);",
    ),
    m(
        "cb-write-unreserved",
        "multicast_sender.cpp",
        "noc_semaphore_set(ready_word, 0);",
        "",
        others=("hang", "semaphore-unwaited"),
    ),
    m("noc-not-drained", "multicast_receiver.cpp", "noc_async_atomic_barrier();", ""),
    m("noc-not-drained", "multicast_sender.cpp", "noc_async_write_barrier();", ""),
    m(
        "write-not-flushed",
        "multicast_sender.cpp",
        "noc_async_writes_flushed();\n        cb_push_back",
        "noc_semaphore_set(valid_word, 2);\n        cb_push_back",
    ),
    m("read-before-barrier", "multicast_sender.cpp", "noc_async_read_barrier();", "", others=()),
    m(
        "linked-not-closed",
        "multicast_sender.cpp",
        "receivers);\n        noc_async_writes_flushed();",
        "receivers, true);\n        noc_async_writes_flushed();",
    ),
    m(
        "uninitialised-data",
        "multicast_receiver.cpp",
        "noc_semaphore_wait(valid_word, VALID);",
        "",
        others=("cb-overwrite", "wrong-numbers", "semaphore-unwaited", "hang"),
    ),
)


def run_fault(fault: Fault, folder: Path) -> tuple[list[str], toolchain.Result]:
    """Names reported; `wrong-numbers`, `output-coverage` and `uninitialised-data` from what the driver would conclude."""
    kernels = folder / "kernels"
    shutil.copytree(KERNELS, kernels)
    text = (kernels / fault.kernel).read_text()
    assert fault.old in text, fault.old
    parts = text.split(fault.old)
    at = fault.occurrence + 1
    changed = fault.old.join(parts[:at]) + fault.new + fault.old.join(parts[at:])
    (kernels / fault.kernel).write_text(fault.new.join(parts) if fault.occurrence == ALL else changed)
    shapes: dict[str, tuple[int, ...]]
    options = [f"kernels={kernels}"]
    match fault.program:
        case "gemm":
            sizes = dict(option.split("=") for option in ("M=64", "N=64", "K=96", *fault.options))  # later ones win
            rows, columns, depth = int(sizes["M"]), int(sizes["N"]), int(sizes["K"])
            inputs = {"A": normal(rows, depth), "B": normal(depth, columns, seed=1)}
            shapes = {"C": (rows, columns)}
            expected = {"C": inputs["A"].astype(np.float64) @ inputs["B"]}
            options += ["M=64", "N=64", "K=96"] if not any(o.startswith("M=") for o in fault.options) else []
        case "multicast":
            inputs = {"A": normal(128, 96), "B": normal(96, 128, seed=1)}
            shapes = {"C": (128, 128)}
            expected = {"C": inputs["A"].astype(np.float64) @ inputs["B"]}
        case "block":
            inputs = {"A": normal(64, 160), "B": normal(160, 96, seed=1)}
            shapes = {"C": (64, 96)}
            expected = {"C": inputs["A"].astype(np.float64) @ inputs["B"]}
        case _:
            inputs = {"IN0": normal(64, 64), "IN1": normal(64, 64, seed=1)}
            shapes = {"OUT": (64, 64)}
            expected = {}
            options += [
                f"compute={kernels / fault.kernel}",
                "rows=2",
                "columns=2",
                "inputs=2" if "rows" in fault.kernel else "inputs=1",
            ]
    for key, value in inputs.items():
        value.tofile(folder / key)
    words = [f"{key}={folder / key}" for key in (*inputs, *shapes)]
    result = toolchain.run(
        toolchain.build_host(PROGRAMS / f"{fault.program}.cpp"),
        [*words, *options, *fault.options],
        folder,
        env=dict(fault.env),
    )
    names = result.names()
    for buffer in result.report:
        if buffer["kind"] == "buffer" and buffer["event"] == "read":
            if buffer["undefined"]:
                names.append("uninitialised-data")
            if set(buffer["writes"]["times"]) != {"1"}:
                names.append("output-coverage")
    if result.status == 0:
        for key, shape in shapes.items():
            actual = np.fromfile(folder / key, np.float32).reshape(shape)
            if key in expected and not np.allclose(actual, expected[key], rtol=2**-7, atol=2**-5):
                names.append("wrong-numbers")
    return names, result


def called(fault: Fault) -> str:
    return f"{fault.name}-{fault.program}-{fault.kernel}-{FAULTS.index(fault)}"


@pytest.mark.parametrize("fault", one_in(3, FAULTS, name=called, kind=attrgetter("name")))
def test_fault(tmp_path: Path, fault: Fault) -> None:
    names, result = run_fault(fault, tmp_path)
    assert names, f"nothing reported\n{result.stderr}"
    assert names[0] in (fault.name, *fault.others), f"{names}\n{result.stderr}"
    if result.report and names[0] not in ("wrong-numbers", "output-coverage", "uninitialised-data", "cb-not-drained"):
        first = next(r for r in result.report if r["kind"] in ("error", "hang"))
        assert first.get("line"), first
        assert Path(str(first["file"])).parent == tmp_path / "kernels", first
