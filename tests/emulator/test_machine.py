"""What kernels may count on beyond single operations: variables of their own on each core, L1 tensors, clear ends of bad programs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.emulator import toolchain
from tests.emulator.test_programs import KERNELS, execute, normal


def changed(folder: Path, kernel: str, old: str, new: str) -> str:
    """A copy of the kernels with one text replaced."""
    kernels = folder / "kernels"
    shutil.copytree(KERNELS, kernels)
    text = (kernels / kernel).read_text()
    assert old in text
    (kernels / kernel).write_text(text.replace(old, new))
    return f"kernels={kernels}"


def add_rows(
    tmp_path: Path, *options: str, **keywords: object
) -> tuple[NDArray[Any], NDArray[Any], dict[str, NDArray[Any]] | None, toolchain.Result]:
    a, b = normal(96, 64), normal(32, 64, seed=1)
    words = (f"compute={KERNELS / 'add_rows_compute.cpp'}", "rows=3", "columns=2", "inputs=2", "mode1=1")
    return a, b, *execute("tiles", tmp_path, {"IN0": a, "IN1": b}, {"OUT": (96, 64)}, *words, *options, **keywords)


def test_l1_interleaved_inputs(tmp_path: Path) -> None:
    a, b, outputs, result = add_rows(tmp_path, "l1=1")
    assert outputs is not None, result.stderr
    assert np.allclose(outputs["OUT"], a + b[0], rtol=2**-8, atol=2**-9)  # what the matrix unit rounds
    assert result.first("program")["counters"]["dram_read_bytes"] == 0


@pytest.mark.parametrize("seed", ["0", "9"])
def test_variables_are_each_cores_own(tmp_path: Path, seed: str) -> None:
    counted = changed(
        tmp_path,
        "unit_writer.cpp",
        "void kernel_main() {",
        "static uint32_t written = 5;\nuint32_t zeroed;\nvoid kernel_main() {",
    )
    source = tmp_path / "kernels/unit_writer.cpp"
    source.write_text(
        source.read_text().replace(
            "        cb_pop_front(cb_out, 1);",
            "        cb_pop_front(cb_out, 1);\n        ++written;\n        ++zeroed;\n        ASSERT(written == 5 + zeroed && written == 6 + unit - unit_start);",
        )
    )
    _a, _b, outputs, result = add_rows(tmp_path, counted, "cores=3", env={"TTEMU_SEED": seed})
    assert outputs is not None, result.stderr


def test_same_seed_same_run(tmp_path: Path) -> None:
    runs = [
        execute(
            "multicast",
            tmp_path,
            {"A": normal(64, 32), "B": normal(32, 96)},
            {"C": (64, 96)},
            "mt=2",
            "nt=3",
            "kt=1",
            env={"TTEMU_SEED": "4"},
        )[1]
        for _ in range(2)
    ]
    assert runs[0].report == runs[1].report or [r for r in runs[0].report if r["kind"] != "unit"] == [
        r for r in runs[1].report if r["kind"] != "unit"
    ]


@pytest.mark.parametrize(
    ("kernel", "old", "new", "name", "status"),
    [
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "cb_wait_front(cb_out, 1)", "kernel-compile-failed", 87),
        ("unit_writer.cpp", '"cb_out"', '"cb_uot"', "kernel-compile-failed", 87),
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "while (*reinterpret_cast<volatile uint32_t*>(get_read_ptr(cb_out)) != 7) {}", "hang", 86),
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "while (!cb_pages_available_at_front(cb_out + 1 - 1, 9)) {}", "hang", 86),
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "*reinterpret_cast<volatile uint32_t*>(0x2000000u) = 1;", "out-of-range", 86),
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "get_semaphore(3);", "out-of-range", 86),
        ("unit_writer.cpp", "cb_wait_front(cb_out, 1);", "ASSERT(unit_count == 1000);", "assert-failed", 86),
        ("tiles_reader.cpp", "cb_reserve_back(cb, 1);",
         "cb_reserve_back(cb, 1); noc_async_read(get_noc_addr(*reinterpret_cast<volatile uint32_t*>(get_write_ptr(cb))), get_write_ptr(cb), 32);",
         "uninitialised-data", 86),
        ("tiles_reader.cpp", "get_write_ptr(cb));", "0x19d64);", "misaligned-address", 86),
        ("tiles_reader.cpp", "noc_async_read_page(page, tensor, get_write_ptr(cb));",
         "noc_async_read_one_packet(tensor.get_noc_addr(page), get_write_ptr(cb), 16384);", "packet-too-large", 86),
    ],
)  # fmt: skip
def test_bad_ends(tmp_path: Path, kernel: str, old: str, new: str, name: str, status: int) -> None:
    _, _, outputs, result = add_rows(tmp_path, changed(tmp_path, kernel, old, new), env={"TTEMU_SPIN_SECONDS": "1"})
    assert (outputs, result.status) == (None, status), result.stderr
    assert name in result.names()


def test_circular_buffers_that_do_not_fit(tmp_path: Path) -> None:
    _, _, outputs, result = add_rows(tmp_path, "depth=400")
    assert (outputs, result.names()) == (None, ["overlap"]), result.stderr


def test_a_missing_kernel_is_a_host_error(tmp_path: Path) -> None:
    _, _, outputs, result = add_rows(tmp_path, f"kernels={tmp_path}")
    assert outputs is None
    assert "doesn't exist" in result.stderr


@pytest.mark.parametrize(("resident", "names"), [("", ["cb-not-drained"]), ("1", [])])
def test_resident_buffers(tmp_path: Path, resident: str, names: list[str]) -> None:
    """A broadcast row that is read once and never popped: fine if it is said to be resident."""
    options = changed(tmp_path, "tiles_reader.cpp", "if (inputs > 1) {", "if (inputs > 1 && unit == unit_start) {")
    source = tmp_path / "kernels/add_rows_compute.cpp"
    source.write_text(source.read_text().replace("cb_pop_front(b, 1);", ""))
    a, b = normal(96, 32), normal(32, 32, seed=1)
    words = (f"compute={source}", "rows=3", "columns=1", "inputs=2", "mode1=1", options)
    _, result = execute(
        "tiles", tmp_path, {"IN0": a, "IN1": b}, {"OUT": (96, 32)}, *words, env={"TTEMU_RESIDENT": resident}
    )
    assert result.names() == names, result.stderr


def test_deepest_fill(tmp_path: Path) -> None:
    _, _, _, result = add_rows(tmp_path, "depth=6")
    cbs = {cb["cb"]: cb for core in result.first("program")["cores"] for cb in core["cbs"]}
    assert cbs[0]["pages"] == 6
    assert 1 <= cbs[0]["deepest"] <= 6
    assert cbs[16]["deepest"] <= 2


def test_blackhole_flag_may_overtake_data(tmp_path: Path) -> None:
    """Without a flush between the data and the flag, a receiver of Blackhole can see the flag first."""
    a, b = normal(128, 96), normal(96, 160, seed=1)
    _, result = execute(
        "multicast",
        tmp_path,
        {"A": a, "B": b},
        {"C": (128, 160)},
        "mt=4",
        "nt=5",
        "kt=3",
        env={"TTEMU_ARCH": "blackhole"},
    )
    undefined = any(r["kind"] == "buffer" and r["event"] == "read" and r["undefined"] for r in result.report)
    assert result.names() or undefined
