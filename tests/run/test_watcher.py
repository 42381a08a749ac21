"""What cores wait for, from a log as tt-metal's watcher writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import ttgen
from tests.sizes import smaller
from ttgen.cli.main import main
from ttgen.model.plan import Program
from ttgen.run.watcher import waiting


def dump(number: int, *cores: tuple[int, int, str], end: bool = True) -> str:
    lines = [
        f"Device 0 worker core(x={x:2},y={y:2}) virtual(x={x + 18},y={y + 18}): {words}  rmsg:H1G|BNT h_id:  1 smsg:GGGG \n"
        "k_ids:  3|  1|  2|  2|  2\n"
        for x, y, words in cores
    ]
    last = f"k_id[  1]: Kernel_Source_Code\nDump #{number} completed at 1.5s\n" if end else ""
    return f"-----\nDump #{number} at 1.2s\n{''.join(lines)}{last}"


@pytest.fixture(scope="module")
def program() -> Program:
    """Readers on both data-movement processors, which share operands and write, too; 4 x 4 cores."""
    return ttgen.plan(smaller("gemm_multicast")).program


def test_the_last_whole_dump_counts(program: Program) -> None:
    early = dump(1, (0, 0, "  NWBW,NRBW,UPMD,MWDD,   D"))
    last = dump(
        2, (0, 0, "CRBW,NSMW,UPMD,MWDD,   D"), (1, 0, "CRBW,NSMW,UPMD,MWDD,   D"), (3, 3, "CWFW,   D,UABW,MWDW,   R"),
        (0, 9, "  GW,   W,   W,   W,   W"),
    )  # fmt: skip
    lines = waiting(f"At 5.7s starting\n{early}{last}{dump(3, (0, 0, 'NRBW,NRBW,UPMD,MWDD,   D'), end=False)}", program)
    assert lines == (
        "core (0, 0) and 1 more: reader_a waits for semaphore a_ready or a_arrived",
        "core (0, 0) and 1 more: compute, last at unpack UPMD, math MWDD, pack D",
        "core (0, 0) and 1 more: reader_b_writer waits for room in B",
        "core (3, 3): reader_a has ended",
        "core (3, 3): compute, last at unpack UABW, math MWDW, pack R",
        "core (3, 3): reader_b_writer waits for pages of C",
    )
    assert waiting(early, program)[::2] == (
        "core (0, 0): reader_a waits for its reads",
        "core (0, 0): reader_b_writer waits for its writes",
    )


def test_nothing_to_say(program: Program) -> None:
    assert waiting("", program) == ()
    assert waiting("Dump #1 at 1.0s\nnonsense\n", program) == ()


def test_a_hang_says_what_cores_wait_for(
    fake: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    fake(hang=dump(1, (0, 0, "CWFW,CRBW,UPAD,MWDD,   D")))
    monkeypatch.setenv("TT_METAL_WATCHER", "1")
    assert main(["run", "specs/tile.yaml", "--timeout", "2"]) == 1
    output = capfd.readouterr().out
    assert "error: timeout: program Y: no end within 2 seconds\n" in output
    assert "    core (0, 0): reader waits for room in X\n" in output
    assert "    core (0, 0): writer waits for pages of Y\n" in output
