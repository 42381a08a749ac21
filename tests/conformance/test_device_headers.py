"""The harness itself: what it passes, what it refuses, and what it says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

import pytest

from tests.conformance.device_headers import (
    RELEASE,
    Arch,
    CheckReport,
    Compute,
    DataMovement,
    Kernel,
    Missing,
    Toolchain,
    find_compiler,
    find_headers,
    find_toolchain,
    type_check,
    type_check_all,
)

pytestmark = pytest.mark.conformance

READER: Final = """\
#include <cstdint>
#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    const uint32_t src_addr = get_arg_val<uint32_t>(0);
    const uint32_t first_tile = get_arg_val<uint32_t>(1);
    const uint32_t num_tiles = get_arg_val<uint32_t>(2);
    constexpr uint32_t cb_in = get_named_compile_time_arg_val("cb_in");
    constexpr auto src_args = TensorAccessorArgs<0>();
    const auto src = TensorAccessor(src_args, src_addr);

    for (uint32_t tile = first_tile; tile < first_tile + num_tiles; ++tile) {
        cb_reserve_back(cb_in, 1);
        noc_async_read_page(tile, src, get_write_ptr(cb_in));
        noc_async_read_barrier();
        cb_push_back(cb_in, 1);
    }
}
"""

WRITER: Final = """\
#include <cstdint>
#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    const uint32_t dst_addr = get_arg_val<uint32_t>(0);
    const uint32_t num_tiles = get_arg_val<uint32_t>(1);
    constexpr uint32_t cb_out = get_named_compile_time_arg_val("cb_out");
    constexpr auto dst_args = TensorAccessorArgs<0>();
    const auto dst = TensorAccessor(dst_args, dst_addr);

    for (uint32_t tile = 0; tile < num_tiles; ++tile) {
        cb_wait_front(cb_out, 1);
        noc_async_write_page(tile, dst, get_read_ptr(cb_out));
        noc_async_writes_flushed();
        cb_pop_front(cb_out, 1);
    }
    noc_async_write_barrier();
}
"""

MULTICAST: Final = """\
#include <cstdint>
#include "api/dataflow/dataflow_api.h"

void kernel_main() {
    const uint32_t x_start = get_arg_val<uint32_t>(0);
    const uint32_t y_start = get_arg_val<uint32_t>(1);
    const uint32_t x_end = get_arg_val<uint32_t>(2);
    const uint32_t y_end = get_arg_val<uint32_t>(3);
    constexpr uint32_t cb_in = get_named_compile_time_arg_val("cb_in");
    constexpr uint32_t receivers = get_named_compile_time_arg_val("receivers");
    const uint32_t valid_addr = get_semaphore(1);
    auto* ready = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(get_semaphore(0));
    auto* valid = reinterpret_cast<volatile tt_l1_ptr uint32_t*>(valid_addr);

    noc_semaphore_set(valid, VALID);
    cb_reserve_back(cb_in, 1);
    noc_semaphore_wait(ready, receivers);
    noc_semaphore_set(ready, 0);
    const uint32_t tile = get_write_ptr(cb_in);
    const uint64_t tiles = get_noc_multicast_addr(x_start, y_start, x_end, y_end, tile);
    noc_async_write_multicast(tile, tiles, get_tile_size(cb_in), receivers, true);
    noc_async_writes_flushed();
    const uint64_t flags = get_noc_multicast_addr(x_start, y_start, x_end, y_end, valid_addr);
    noc_semaphore_set_multicast(valid_addr, flags, receivers);
    noc_async_write_barrier();
    cb_push_back(cb_in, 1);
}
"""

MATMUL: Final = """\
#include <cstdint>
#include "api/compute/common.h"
#include "api/compute/matmul.h"

void kernel_main() {
    constexpr uint32_t k_tiles = get_named_compile_time_arg_val("k_tiles");
    constexpr uint32_t cb_a = 0, cb_b = 1, cb_out = 16;

    compute_kernel_hw_startup<SrcOrder::Reverse>(cb_a, cb_b, cb_out);
    matmul_init(cb_a, cb_b);
    tile_regs_acquire();
    for (uint32_t k = 0; k < k_tiles; ++k) {
        cb_wait_front(cb_a, 1);
        cb_wait_front(cb_b, 1);
        matmul_tiles(cb_a, cb_b, 0, 0, 0);
        cb_pop_front(cb_a, 1);
        cb_pop_front(cb_b, 1);
    }
    tile_regs_commit();
    cb_reserve_back(cb_out, 1);
    tile_regs_wait();
    pack_tile(0, cb_out);
    tile_regs_release();
    cb_push_back(cb_out, 1);
}
"""

EXP: Final = """\
#include <cstdint>
#include "api/compute/common.h"
#include "api/compute/tile_move_copy.h"
#include "api/compute/eltwise_unary/exp.h"

void kernel_main() {
    const uint32_t num_tiles = get_arg_val<uint32_t>(0);
    constexpr uint32_t cb_in = 0, cb_out = 16;

    compute_kernel_hw_startup(cb_in, cb_out);
    copy_init(cb_in);
    exp_tile_init();
    for (uint32_t tile = 0; tile < num_tiles; ++tile) {
        cb_wait_front(cb_in, 1);
        tile_regs_acquire();
        copy_tile(cb_in, 0, 0);
        exp_tile(0);
        tile_regs_commit();
        cb_pop_front(cb_in, 1);
        cb_reserve_back(cb_out, 1);
        tile_regs_wait();
        pack_tile(0, cb_out);
        tile_regs_release();
        cb_push_back(cb_out, 1);
    }
}
"""


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The wheel and the compiler of this machine."""
    found = find_toolchain()
    if isinstance(found, Missing):
        pytest.skip(found.reason)
    return found


@pytest.fixture
def arch() -> Arch:
    """What the harness says is the same for both; kernels that pass are checked on both."""
    return "wormhole_b0"


on_both = pytest.mark.parametrize("arch", get_args(Arch))


def reader(arch: Arch, source: str = READER) -> Kernel:
    return Kernel(
        source=source,
        arch=arch,
        role=DataMovement(processor="riscv_1", noc=0),
        compile_time_args=(2, 2048),
        named_compile_time_args={"cb_in": 0, "receivers": 7},
        circular_buffers={0: "Float16_b"},
    )


def writer(arch: Arch, source: str = WRITER) -> Kernel:
    return Kernel(
        source=source,
        arch=arch,
        role=DataMovement(processor="riscv_0", noc=1),
        compile_time_args=(2, 2048),
        named_compile_time_args={"cb_out": 16},
        circular_buffers={16: "Float16_b"},
    )


def matmul(arch: Arch, source: str = MATMUL) -> Kernel:
    return Kernel(
        source=source,
        arch=arch,
        role=Compute(math_fidelity="HiFi2", fp32_dest_acc=True),
        named_compile_time_args={"k_tiles": 8},
        circular_buffers={0: "Float16_b", 1: "Bfp8_b", 16: "Float16_b"},
    )


def unary(arch: Arch, source: str = EXP) -> Kernel:
    role = Compute(fp32_dest_acc=True, unpack_to_dest_fp32=frozenset({0}))
    return Kernel(source=source, arch=arch, role=role, circular_buffers={0: "Float32", 16: "Float32"})


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def line_of(source: str, snippet: str) -> int:
    return source[: source.index(snippet)].count("\n") + 1


def refused(report: CheckReport, source: str, messages: Mapping[str, str]) -> None:
    """Asserts that every thread refused the line of each snippet with its message, and nothing else."""
    wanted = {(thread, line_of(source, snippet)) for thread in report.threads for snippet in messages}
    assert {(found.thread, int(found.where.split(":")[1])) for found in report.diagnostics} == wanted, report
    for found in report.diagnostics:
        kernel, line, _column = found.where.split(":")
        message = next(text for snippet, text in messages.items() if line_of(source, snippet) == int(line))
        assert kernel == "kernel.cpp", report
        assert message in found.message, report


# What passes


@on_both
def test_reader_passes(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(reader(arch), toolchain)
    assert report.passed, report
    assert report.threads == ("riscv_1",)


@on_both
def test_writer_passes(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(writer(arch), toolchain)
    assert report.passed, report
    assert report.threads == ("riscv_0",)


@on_both
def test_multicast_passes(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(reader(arch, MULTICAST), toolchain)
    assert report.passed, report


@on_both
def test_matmul_passes_on_all_three_threads(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(matmul(arch), toolchain)
    assert report.passed, report
    assert report.threads == ("unpack", "math", "pack")


@on_both
def test_sfpu_passes(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(unary(arch), toolchain)
    assert report.passed, report
    assert report.threads == ("unpack", "math", "pack")


@on_both
def test_bodies_of_sfpu_functions_are_checked(arch: Arch, toolchain: Toolchain) -> None:
    header = '#include "api/compute/eltwise_unary/exp.h"\n'
    body = "#if defined(TRISC_MATH)\ninline sfpi::vFloat half(sfpi::vFloat x) { return x * 0.5f + %s; }\n#endif\n"
    texts = [body % f"sfpi::vConstFloatPrgm{place}" for place in (0, 9)]
    right_and_wrong = changed(EXP, header, header + texts[0] + texts[1].replace("half", "half_again"))
    (found,) = type_check(unary(arch, right_and_wrong), toolchain).diagnostics
    assert found.thread == "math"
    assert "vConstFloatPrgm9" in found.message


def test_fpu_functions_beside_sfpu_functions(arch: Arch, toolchain: Toolchain) -> None:
    matmul_header, sfpu_header = (
        '#include "api/compute/matmul.h"\n',
        '#include "api/compute/compute_kernel_api.h"\n',
    )
    commit = "    tile_regs_commit();\n"
    fused = changed(MATMUL, matmul_header, sfpu_header + matmul_header)
    fused = changed(fused, commit, "    silu_tile_init();\n    silu_tile(0);\n" + commit)
    report = type_check(matmul(arch, fused), toolchain)
    assert report.passed, report

    wrong = changed(fused, commit, "    MATH((llk_math_matmul_init<MATH_FIDELITY>(cb_a)));\n" + commit)
    assert {found.thread for found in type_check(matmul(arch, wrong), toolchain).diagnostics} == {"math"}


def test_a_header_that_needs_another_one_is_refused(arch: Arch, toolchain: Toolchain) -> None:
    header, rdiv = '#include "api/compute/eltwise_unary/exp.h"\n', '#include "api/compute/eltwise_unary/rdiv.h"\n'
    source = changed(changed(changed(EXP, "exp_tile_init();", ""), "exp_tile(0);", ""), header, rdiv)
    report = type_check(unary(arch, source), toolchain)
    assert {found.message for found in report.diagnostics} == {"'Converter' has not been declared"}
    assert {found.thread for found in report.diagnostics} == {"math"}
    assert type_check(unary(arch, changed(source, rdiv, header + rdiv)), toolchain).passed


def test_defines_reach_the_kernel(arch: Arch, toolchain: Toolchain) -> None:
    source = "#ifndef STEP\n#error no step\n#endif\n"
    for kernel in (reader(arch, source + READER), matmul(arch, source + MATMUL)):
        without = type_check(kernel, toolchain)
        assert {found.message for found in without.diagnostics} == {"#error no step"}
        assert type_check(replace(kernel, defines={"STEP": "2"}), toolchain).passed


@on_both
def test_circular_buffer_formats_reach_the_kernel(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(
        READER,
        "    constexpr auto src_args",
        "    static_assert(get_tile_size(cb_in) == 2048 && get_dataformat(cb_in) == DataFormat::Float16_b);\n"
        "    constexpr auto src_args",
    )
    assert type_check(reader(arch, source), toolchain).passed


def test_reports_come_in_order(toolchain: Toolchain) -> None:
    wrong = changed(EXP, "exp_tile(0)", "expo_tile(0)")
    kernels = [unary("blackhole"), unary("blackhole", wrong), reader("wormhole_b0"), unary("blackhole")]
    assert [report.passed for report in type_check_all(kernels, toolchain)] == [True, False, True, True]


# What is refused


SPARE: Final = """\
    uint32_t spare_1 = 3;
    const uint32_t spare_2 = 3;
    constexpr uint32_t spare_3 = 3;
"""
UNUSED: Final = {f"spare_{place} = 3;": f"unused variable 'spare_{place}'" for place in (1, 2, 3)}


def test_wrong_number_of_arguments(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(MATMUL, "matmul_tiles(cb_a, cb_b, 0, 0, 0)", "matmul_tiles(cb_a, cb_b, 0, 0)")
    refused(type_check(matmul(arch, source), toolchain), source, {"matmul_tiles(": "too few arguments"})


def test_what_compute_kernels_may_not(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(EXP, "    constexpr uint32_t cb_in", f"{SPARE}    constexpr uint32_t cb_in")
    source = changed(source, "copy_init(cb_in)", "copy_tile_init(cb_in)")
    source = changed(source, "exp_tile(0)", "exp_tile()")
    wrong = {"exp_tile()": "no matching function", "copy_tile_init": "is deprecated", **UNUSED}
    refused(type_check(unary(arch, source), toolchain), source, wrong)


def test_what_data_movement_kernels_may_not(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(READER, "    constexpr uint32_t cb_in", f"{SPARE}    constexpr uint32_t cb_in")
    call = "        noc_async_read_page(tile, src, get_write_ptr(cb_in));\n"
    others = [call.replace("read_page(", name) for name in ("read_pages(", "read_tile(")]
    source = changed(source, call, "".join(others))
    wrong = {"read_pages(": "was not declared", "read_tile(": "is deprecated", **UNUSED}
    refused(type_check(reader(arch, source), toolchain), source, wrong)


def test_missing_include(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(EXP, '#include "api/compute/eltwise_unary/exp.h"\n', "")
    report = type_check(unary(arch, source), toolchain)
    assert {found.thread for found in report.diagnostics} == {"unpack", "math", "pack"}


def test_missing_named_compile_time_argument(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(MATMUL, 'arg_val("k_tiles")', 'arg_val("k_tile")')
    report = type_check(matmul(arch, source), toolchain)
    assert {found.thread for found in report.diagnostics} == {"unpack", "math", "pack"}, report


def test_no_named_compile_time_arguments_at_all(arch: Arch, toolchain: Toolchain) -> None:
    report = type_check(unary(arch, MATMUL), toolchain)
    refused(report, MATMUL, {"get_named_compile_time_arg_val": "was not declared"})


def test_missing_positional_compile_time_argument(arch: Arch, toolchain: Toolchain) -> None:
    source = changed(READER, "TensorAccessorArgs<0>()", "TensorAccessorArgs<1>()")
    report = type_check(reader(arch, source), toolchain)
    assert any("Index out of range" in found.message for found in report.diagnostics), report


# What is missing on a machine is said with the command that gets it


def test_headers_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TTGEN_TTNN", str(tmp_path))
    found = find_headers()
    assert isinstance(found, Missing)
    assert f"$TTGEN_TTNN ({tmp_path}) has no ttnn/tt_metal" in found.reason
    assert "python tests/conformance/fetch_headers.py" in found.reason


def test_headers_of_another_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TTGEN_TTNN", str(tmp_path))
    (tmp_path / "ttnn" / "tt_metal" / "hw" / "inc").mkdir(parents=True)
    assert find_headers() == tmp_path / "ttnn"
    (tmp_path / "ttnn-0.1.2.dist-info").mkdir()
    found = find_headers()
    assert isinstance(found, Missing)
    assert f"no device headers of {RELEASE}" in found.reason
    assert "is of 0.1.2" in found.reason


def test_headers_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TTGEN_TTNN", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert isinstance(find_headers(tmp_path), Missing)
    (tmp_path / ".cache" / "ttnn" / "ttnn" / "tt_metal" / "hw" / "inc").mkdir(parents=True)
    assert find_headers(tmp_path) == tmp_path / ".cache" / "ttnn" / "ttnn"


def test_both_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TTGEN_TTNN", str(tmp_path))
    compiler, toolchain = find_compiler(), find_toolchain()
    assert isinstance(compiler, Missing)
    assert "apt-get install gcc-riscv64-unknown-elf" in compiler.reason
    assert isinstance(toolchain, Missing)
    assert "fetch_headers.py" in toolchain.reason
    assert compiler.reason in toolchain.reason
