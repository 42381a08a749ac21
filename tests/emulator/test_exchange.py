"""Cores that send to each other: the shapes that were seen right on the simulator, in many orders; and what only some orders show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.emulator import toolchain
from tests.emulator.test_machine import changed
from tests.emulator.test_programs import execute, normal

ROUNDS, TILES, CORES = 16, 2, 8
SEEDS = range(12)
RIGHT = range(6)  # none late, one core twice, half of all twice


def share(folder: Path, *options: str, seed: int, arch: str = "wormhole_b0") -> toolchain.Result:
    """Blocks that all cores get, by turns; the numbers are right where nothing is reported."""
    blocks = normal(ROUNDS * TILES * 32, 32)
    env = {"TTEMU_SEED": str(seed), "TTEMU_ARCH": arch}
    outputs, result = execute(
        "exchange", folder, {"IN": blocks}, {"OUT": (CORES, ROUNDS * TILES * 32, 32)}, *options, env=env
    )
    assert outputs is None or np.array_equal(outputs["OUT"], np.broadcast_to(blocks, outputs["OUT"].shape))
    return result


def partials(folder: Path, *options: str, seed: int, arch: str = "wormhole_b0") -> toolchain.Result:
    """Pages that one core gets of three others, a round of each at a time."""
    pages = normal(ROUNDS * 3 * 32, 32)
    words = ("partials=1", "rows=1", "cols=4", *options)
    env = {"TTEMU_SEED": str(seed), "TTEMU_ARCH": arch}
    outputs, result = execute("exchange", folder, {"IN": pages}, {"OUT": pages.shape}, *words, env=env)
    assert outputs is None or np.array_equal(outputs["OUT"], pages)
    return result


@pytest.mark.parametrize("arch", ["wormhole_b0", "blackhole"])
@pytest.mark.parametrize("noc", [0, 1])
@pytest.mark.parametrize("ahead", [0, 1])
def test_cores_take_turns(tmp_path: Path, ahead: int, noc: int, arch: str) -> None:
    for seed in RIGHT:
        result = share(tmp_path, f"ahead={ahead}", f"noc={noc}", seed=seed, arch=arch)
        assert result.status == 0, result.stderr
        counters = result.first("program")["counters"]
        assert counters["multicasts"] == ROUNDS
        assert counters["semaphore_increments"] == ROUNDS * (CORES - 1)
        assert counters["dram_read_bytes"] == ROUNDS * TILES * 2048  # each block once


@pytest.mark.parametrize("arch", ["wormhole_b0", "blackhole"])
@pytest.mark.parametrize("noc", [0, 1])
def test_partial_sums_go_to_one(tmp_path: Path, noc: int, arch: str) -> None:
    for seed in RIGHT:
        result = partials(tmp_path, f"noc={noc}", seed=seed, arch=arch)
        assert result.status == 0, result.stderr
        assert result.first("program")["counters"]["semaphore_increments"] == 2 * ROUNDS * 3


RESERVE = "cb_reserve_back(cb_ring, tiles);"
WINDOWS = {
    "a receiver that signals before it reserves": (
        "share.cpp",
        f"        {RESERVE}\n        if (sender == rank) {{",
        f"        if (sender == rank) {{\n{RESERVE}",
        ("noc_semaphore_inc(place, 1);", f"noc_semaphore_inc(place, 1);\n{RESERVE}"),
    ),
    "a root that gives room before it reserves": (
        "partial_root.cpp",
        "        cb_reserve_back(cb_ring, helpers);\n",
        "",
        (
            "        noc_semaphore_wait_min",
            "        cb_reserve_back(cb_ring, helpers);\n        noc_semaphore_wait_min",
        ),
    ),
    "a helper that signals before it sends": (
        "partial_helper.cpp",
        "        noc_semaphore_inc(arrived, 1);\n",
        "",
        ("        noc_async_write(", "        noc_semaphore_inc(arrived, 1);\n        noc_async_write("),
    ),
}


@pytest.mark.parametrize("what", WINDOWS)
def test_what_an_order_may_hide(tmp_path: Path, what: str) -> None:
    """Each works as long as nobody is late in one place; a few seeds find an order in which somebody is."""
    kernel, old, new, more = WINDOWS[what]
    option = changed(tmp_path, kernel, old, new)
    path = tmp_path / "kernels" / kernel
    text = path.read_text()
    assert more[0] in text
    path.write_text(text.replace(*more))
    run = share if kernel == "share.cpp" else partials
    found = [run(tmp_path, option, seed=seed).names() for seed in SEEDS]
    assert not found[0], "seed 0 is one order"
    assert sum(bool(names) for names in found) >= 2, found
    assert {names[0] for names in found if names} <= {"cb-write-unreserved", "cb-overwrite", "uninitialised-data"}


def test_a_counter_that_goes_on_growing_is_not_waited_for_exactly(tmp_path: Path) -> None:
    """No order of these kernels passes the value; a core that looks late enough misses it on others."""
    wrong = changed(tmp_path, "partial_helper.cpp", "noc_semaphore_wait_min", "noc_semaphore_wait")
    assert partials(tmp_path, wrong, seed=0).names() == ["semaphore-equality"]


def test_bytes_that_nobody_wrote_stay_so_when_they_are_sent(tmp_path: Path) -> None:
    """The last 64 bytes of each page are never read from DRAM; helpers and the root send what they have there on."""
    option = changed(
        tmp_path,
        "partial_helper.cpp",
        "noc_async_read_page(round * helpers + rank, tensor, get_write_ptr(cb_own));",
        "noc_async_read(tensor.get_noc_addr(round * helpers + rank), get_write_ptr(cb_own), get_tile_size(cb_own) - 64);",
    )
    pages = normal(ROUNDS * 3 * 32, 32)
    words = ("partials=1", "rows=1", "cols=4", option)
    _, result = execute("exchange", tmp_path, {"IN": pages}, {"OUT": pages.shape}, *words, env={"TTEMU_SEED": "0"})
    read = next(record for record in result.report if record["kind"] == "buffer" and record["event"] == "read")
    assert read["undefined"] == [[page, 4096 - 64, 64] for page in range(ROUNDS * 3)], result.stderr
