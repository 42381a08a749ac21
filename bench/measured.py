"""Published measurements of ttnn's GEMMs, and ttgen's own plan with the same configuration.

`data/gemm_measured.csv` has the figures, each with its source in Tenstorrent's repositories. What a row says of the
program's configuration becomes a spec with an explicit schedule; what ttnn does otherwise than ttgen becomes a change
of the card's values, so that the model itself is the one that `ttgen estimate` uses.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, Literal

from ttgen.cost import Prediction, predict
from ttgen.cost.bounds import PHASES
from ttgen.formula.infer import graph_of
from ttgen.loading import loads
from ttgen.mesh.device import device_of
from ttgen.model.body import Body, If, Loop, ReadPage, Statement, WritePage
from ttgen.model.plan import Subblock
from ttgen.patterns import PATTERNS
from ttgen.planner import precision
from ttgen.planner.candidate import Candidate, candidate
from ttgen.planner.formula import pattern_of
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import stages_of, stored_tensors
from ttgen.target import Arch, Fidelity, Rates, Target, load

DATA: Final = Path(__file__).parent / "data" / "gemm_measured.csv"
DTYPES: Final = {"bf16": "bfloat16", "bfp8": "bfloat8_b", "bfp4": "bfloat4_b"}
SUBBLOCKS: Final = [
    (4, 2), (2, 4), (8, 1), (1, 8), (7, 1), (1, 7), (3, 2), (2, 3), (6, 1), (1, 6), (5, 1), (1, 5), (2, 2), (4, 1),
    (1, 4), (3, 1), (1, 3), (2, 1), (1, 2), (1, 1),
]  # fmt: skip
"""In the order in which tt-metal's benchmark (tests/ttnn/unit_tests/benchmarks/test_benchmark.py) takes the first that
divides the block; of one row where the output is sharded."""
# Of P150's shapes: (K divided by, blocks down, blocks across) of those that aren't (1, 1, 1), from the same file.
P150: Final = {
    ("bf16", 2560, 4992, 4992): (2, 1, 1), ("bf16", 3840, 4992, 4992): (4, 1, 1), ("bf16", 3840, 4992, 6656): (2, 1, 1),
    ("bf16", 3840, 6656, 6656): (2, 1, 1), ("bf16", 10240, 13312, 13312): (2, 4, 4),
    ("bf16", 20480, 26624, 26624): (4, 8, 8), ("bfp8", 3840, 4992, 4992): (2, 1, 1),
    ("bfp8", 3840, 4992, 6656): (2, 1, 1), ("bfp8", 10240, 13312, 13312): (2, 4, 4),
    ("bfp8", 20480, 26624, 26624): (4, 8, 8), ("bfp4", 3840, 6656, 6656): (2, 1, 1),
    ("bfp4", 10240, 13312, 13312): (2, 2, 2), ("bfp4", 20480, 26624, 26624): (4, 4, 4),
}  # fmt: skip
# A tile's cycles where partial sums are not added up by the packer, but spilled and read again for each step of K:
# single-core GEMMs of both kinds on Wormhole, and float32 partials on Blackhole.
SPILL: Final[dict[Arch, float]] = {"wormhole_b0": 40, "blackhole": 220}


@dataclass(frozen=True)
class Row:
    """A measurement, and the schedule that ttnn was configured with.

    Attributes:
        block: tiles of m, n and k.
        subblock: tiles of m and n; None for ttgen's own.
        shares: operands that cores share.
        in_l1: operands and outputs that lie there,
        sharded: and those of them whose shards lie where they are used.
        kernel_us: measured time from the first kernel's begin to the last one's end.
        compute_us: of the compute kernel.
        host_us: that the host sees, traced.
    """

    source: str
    arch: Arch
    shape: tuple[int, int, int]
    dtypes: tuple[str, str]
    fidelity: Fidelity
    grid: tuple[int, int]
    block: tuple[int, int, int]
    subblock: tuple[int, int] | None
    shares: Literal["none", "a", "both"]
    in_l1: str
    sharded: str
    float32: bool
    spills: bool
    kernel_us: float | None = None
    compute_us: float | None = None
    host_us: float | None = None


def rows() -> Iterator[Row]:
    """Every measurement whose configuration is known and that ttgen has a schedule for."""
    with DATA.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            row = _row(record)
            if row is not None:
                yield row


def _row(record: dict[str, str]) -> Row | None:
    config, unit, source = record["config"], record["unit"], record["source"]
    arch: Arch = "wormhole_b0" if record["arch"] == "wormhole_b0" else "blackhole"
    m, k, n = (int(record[side]) for side in "MKN")
    gx, gy = int(record["grid_x"]), int(record["grid_y"])
    a, _x, b = record["dtype"].partition("x")
    fidelity: Fidelity = record["fidelity"]  # type: ignore[assignment]
    tiles = (m // 32, n // 32, k // 32)
    block: tuple[int, int, int]
    subblock: tuple[int, int] | None
    in_l1 = "A" * (record["in0_sharded"] == "True") + "C" * (record["out_sharded"] == "True")
    shares: Literal["none", "a", "both"] = "both" if gx * gy > 1 else "none"
    if "manual" in source and "trace=False" not in source:
        known = re.fullmatch(r"kdiv=(\d+);nbh=(\d+);nbw=(\d+)", config)
        if known:
            down = tuple(int(number) for number in known.groups())
        elif arch == "blackhole":
            down = P150.get((a, m, k, n), (1, 1, 1))
        else:
            down = _same_configuration(a, m, k, n)
        block = (tiles[0] // gy // down[1], tiles[1] // gx // down[2], tiles[2] // gx // down[0])
        choices = ((h, w) for h, w in SUBBLOCKS if "C" not in in_l1 or h == 1)
        subblock = next((h, w) for h, w in choices if block[0] % h == 0 and block[1] % w == 0)
    elif known := re.fullmatch(r"kb=(\d+);nKblocks=\d+;sub=(\d+)x(\d+);packer_l1_acc=(\d)", config):
        depth, h, w, _adds = (int(number) for number in known.groups())
        block, subblock, in_l1 = (tiles[0] // gy, tiles[1] // gx, depth), (h, w), "ABC"
    elif known := re.fullmatch(r"blk=(\d+)x(\d+);kb=(\d+);sub=(\d+)x(\d+);fp32acc;no_l1acc", config):
        down_m, down_n, depth, h, w = (int(number) for number in known.groups())
        block, subblock = (down_m, down_n, depth), (h, w)
    elif known := re.fullmatch(r"(\S+) (2D|1Din0)\[([\d/]+)\]", config):
        depth, _per_m, _per_n, block_m, block_n, h, w = (int(number) for number in known[3].split("/"))
        block, subblock = (block_m, block_n, depth), (h, w)
        shares = "a" if known[2] == "1Din0" else "both"
        in_l1 = "AC" if known[1] == "l1.dram.l1" else ""
    elif config.endswith("MultiCore"):
        block, subblock, shares, in_l1 = (1, 1, 1), None, "none", "AC"
    else:
        return None
    value = float(record["measured_tflops_or_time"])
    util = float(record["dev_util_pct"] or 0) / 100
    clock = load("n150" if arch == "wormhole_b0" else "p150").clock_ghz * 1000
    ideal = tiles[0] * tiles[1] * tiles[2] * 16 * PHASES[fidelity] / (gx * gy) / clock
    kernel = {"us_device_kernel": value, "cycles_device_kernel": value / clock}.get(unit)
    host = {"ns_host_trace": value / 1000, "ms_host": value * 1000}.get(unit)
    if kernel is None and host is None:
        return None
    return Row(
        source=source, arch=arch, shape=(m, k, n), dtypes=(a, b or a), fidelity=fidelity, grid=(gx, gy), block=block,
        subblock=subblock, shares=shares, in_l1=in_l1, sharded="" if "dram" in config else in_l1,
        float32="fp32acc" in config, spills="no_l1acc" in config or "l1_acc=0" in config,
        kernel_us=kernel, host_us=host, compute_us=ideal / util if util and "trace" in unit else None,
    )  # fmt: skip


def _same_configuration(dtype: str, m: int, k: int, n: int) -> tuple[int, int, int]:
    """The configuration of the same shape among the rows that say it."""
    wanted = {"M": str(m), "K": str(k), "N": str(n), "dtype": dtype, "arch": "wormhole_b0"}
    with DATA.open(encoding="utf-8", newline="") as file:
        for other in csv.DictReader(file):
            known = re.fullmatch(r"kdiv=(\d+);nbh=(\d+);nbw=(\d+)", other["config"])
            if known and all(other[key] == value for key, value in wanted.items()):
                return int(known[1]), int(known[2]), int(known[3])
    raise LookupError(wanted)


def spec_of(row: Row) -> str:
    """The spec with the schedule of a row."""
    m, k, n = row.shape
    gx, gy = row.grid
    sharded = f", layout: {{l1_sharded: {{split: block, cores: {{rows: {gy}, cols: {gx}}}}}}}"
    divides = all(side % (32 * cores) == 0 for side, cores in ((m, gy), (n, gx), (k, gx)))
    lies = sharded if row.sharded and row.shares == "both" and divides else ", layout: l1_interleaved"
    a, b, c = (lies if name in row.in_l1 else "" for name in "ABC")
    block_m, block_n, block_k = row.block
    left, right = (DTYPES[dtype] for dtype in row.dtypes)
    lines = [
        "kernel: measured",
        f"target: {'n150' if row.arch == 'wormhole_b0' else 'p150'}",
        "tensors:",
        f"  A: {{shape: [{m}, {k}], dtype: {left}{a}}}",
        f"  B: {{shape: [{k}, {n}], dtype: {right}{b}}}",
        f"  C: {{shape: [{m}, {n}], dtype: {left}{c}}}",
        "compute: C = A @ B",
        f"precision: {{fidelity: {row.fidelity}, accumulate: {'float32' if row.float32 else 'bfloat16'}}}",
        "schedule:",
        f"  policy: {'contiguous' if row.block == (1, 1, 1) else 'rectangular'}",
        f"  cores: {{rows: {gy}, cols: {gx}}}",
        f"  block: {{m: {block_m}, n: {block_n}, k: {block_k}}}",
        f"  multicast: {row.shares}",
    ]
    return "\n".join(lines) + "\n"


@cache
def program_of(row: Row) -> tuple[Candidate, Target]:
    """Plans a row: ttgen's own program with its schedule, and the card as ttnn uses it."""
    loaded = loads(spec_of(row).encode(), name="measured.yaml")
    target = load(loaded.spec.target)
    graph = graph_of(loaded)
    (stage,) = stages_of(loaded, graph, device_of(loaded, graph))
    exactness = precision.decide(loaded, stored_tensors((stage,)), target)
    pattern = pattern_of(stage.graph, loaded.spec.formula_path)
    schedule = schedule_of(stage, PATTERNS[pattern].limits(stage.graph))
    made = candidate(stage, pattern, schedule, schedule.block.value, exactness, target)
    if row.subblock is not None:
        h, w = row.subblock
        context = replace(made.context, subblock=Subblock(h=h, w=w))
        made = replace(made, context=context, design=PATTERNS[pattern].design(context))
    if row.block == (1, 1, 1):
        return made, target
    # A sender of a sharded A multicasts the shard where it lies, and a sharded output is packed where it belongs.
    # And ttnn reads A on NoC 1, and B on NoC 0, on which it writes too.
    nocs: dict[str, Literal["read", "write"]] = {"reader": "write", "writer": "read"}
    kernels = tuple(
        replace(kernel, body=_without(kernel.body, row.sharded), noc=nocs[kernel.part])
        if kernel.part != "compute"
        else kernel
        for kernel in made.design.kernels
    )
    return replace(made, design=replace(made.design, kernels=kernels)), target


def _without(body: Body, tensors: str) -> Body:
    """A body that moves no pages of some tensors."""
    kept: list[Statement] = []
    for item in body:
        match item:
            case ReadPage(tensor=tensor) | WritePage(tensor=tensor) if tensor in tensors:
                continue
            case Loop():
                kept.append(replace(item, body=_without(item.body, tensors)))
            case If():
                sides = (_without(side, tensors) for side in (item.then, item.otherwise))
                kept.append(replace(item, then=next(sides), otherwise=next(sides)))
            case _:
                kept.append(item)
    return tuple(kept)


def predicted(row: Row, rates: Rates) -> Prediction:
    """What the model says of a row."""
    program, target = program_of(row)
    if row.spills:
        rates = replace(rates, pack_overhead=SPILL[row.arch])
    return predict(program, target, rates)
