"""The cost model against calculations by hand, measured GEMMs, and what any model must do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import calibrate
from ttgen.cli.main import main
from ttgen.cost import Prediction, predict
from ttgen.dtypes import DTYPES
from ttgen.loading import load as load_spec
from ttgen.loading import loads
from ttgen.planner.resolve import candidates
from ttgen.target import Arch, Rates, load, load_rates

PAGE = calibrate.PAGE.read_text(encoding="utf-8")


def predicted(
    shape: tuple[int, int, int],
    schedule: str = "",
    *,
    compute: str = "A @ B",
    rates: Rates | None = None,
    read_noc: int = 0,
) -> Prediction:
    m, k, n = shape
    text = (
        f"kernel: gemm\ntensors:\n  A: {{shape: [{m}, {k}], dtype: bfloat16}}\n"
        f"  B: {{shape: [{k}, {n}], dtype: bfloat16}}\n  C: {{shape: [{m}, {n}], dtype: bfloat16}}\n"
        f"compute: C = {compute}\nprecision: {{fidelity: HiFi2, accumulate: bfloat16}}\n"
    )
    text += f"schedule: {{{schedule}}}\n" if schedule else ""
    target = load("n150")
    if read_noc:
        target = replace(target, noc=replace(target.noc, read=1, write=0))
    (program,) = candidates(loads(text.encode(), name="gemm.yaml"))
    return predict(program, target, rates)


def two_d(block: str, prefetch: str = "false") -> str:
    return f"policy: rectangular, block: {block}, multicast: both, prefetch: {prefetch}"


# One tile at a time, 64 cores: each core's products take 64 * 4096 bytes of DRAM reads over 197 (77 on NoC 1) bytes a
# clock: 512 products of 1024^3 a core, 4096 of 2048^3. B on NoC 0 in the others, as the table has it, where it isn't there anyway.
@pytest.mark.parametrize(
    ("shape", "schedule", "read_noc", "microseconds", "tolerance"),
    [
        ((1024, 1024, 1024), "", 0, 512 * 64 * 4096 / 197e3, 0.03),
        ((1024, 1024, 1024), "", 1, 512 * 64 * 4096 / 77e3, 0.03),
        ((2048, 2048, 2048), "", 0, 4096 * 64 * 4096 / 197e3, 0.03),
        ((1024, 1024, 1024), two_d("{m: 4, n: 4, k: 4}"), 1, 64, 0.10),
        ((32, 4096, 4096), "policy: rectangular, block: {m: 1, n: 2, k: 4}, multicast: a", 0, 175, 0.05),
        ((4096, 4096, 4096), two_d("{m: 8, n: 16, k: 8}"), 1, 1650, 0.20),
    ],
)
def test_calculations_by_hand(
    shape: tuple[int, int, int], schedule: str, read_noc: int, microseconds: float, tolerance: float
) -> None:
    assert predicted(shape, schedule, read_noc=read_noc).device_us == pytest.approx(microseconds, rel=tolerance)


def test_a_multicast_gemm_step_by_step() -> None:
    """1024^3 in blocks of 4x4x4 on 8x8 cores: eight rounds of 16 tiles each of A and B, and one unit a core."""
    found = predicted((1024, 1024, 1024), two_d("{m: 4, n: 4, k: 4}"), read_noc=1)
    rates = load_rates("wormhole_b0")
    bytes_ = 16 * 2048
    # A on NoC 1 is the slower one.
    round_ = rates.read_latency + bytes_ / rates.read[1] + bytes_ / rates.multicast
    # Subblocks of 2x4 tiles: B is streamed.
    computed = max(64 * 33 + 16 * rates.pack_overhead, 64 * 2048 / (64 * rates.unpack_shares.block))
    assert found.parts["launch"] == rates.launch
    assert found.parts["fill"] == pytest.approx(round_)
    assert found.parts["steps"] == pytest.approx(7 * round_ + computed)
    assert found.parts["turns"] == 0
    assert found.parts["tail"] == pytest.approx(2 * 2**20 / (rates.dram.write * 288))
    assert found.binding == "noc"
    assert (found.dram_read_bytes, found.dram_write_bytes) == (4 * 2**20, 2 * 2**20)
    assert found.bound.cycles["math"] == 32**3 * 32 / 64
    assert found.bound.cycles["dram"] == pytest.approx(6 * 2**20 / 288)
    assert found.bound.limit == "dram"


def test_reading_ahead_leaves_reads_out_of_the_round() -> None:
    slow, fast = (predicted((1024, 1024, 1024), two_d("{m: 4, n: 4, k: 4}", ahead)) for ahead in ("false", "true"))
    assert fast.device_cycles < slow.device_cycles
    assert fast.engines["noc"] < slow.engines["noc"]


def test_no_prediction_beats_its_bound_and_its_parts_add_up() -> None:
    for block in (1, 2, 4):
        found = predicted((512, 512, 512), f"block: {{m: {block}, n: {block}, k: {block}}}")
        assert sum(found.parts.values()) == found.device_cycles > found.compute_cycles
        assert found.device_us >= found.bound_us
        assert all(cycles <= found.device_cycles for cycles in found.engines.values())


def test_units_of_one_step_wait_for_dram_too() -> None:
    # Eight parts of K, each core's K in one step: nearly all of B comes while units turn.
    found = predicted(
        (32, 4096, 4096), "policy: rectangular, block: {m: 1, n: 1, k: 16}, multicast: both, prefetch: true, split: 8"
    )
    assert found.device_us >= found.bound_us


@pytest.mark.parametrize("path", sorted(Path("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_spec_has_a_prediction(path: Path) -> None:
    loaded = load_spec(path)
    target = load(loaded.spec.target)
    for program in candidates(loaded):
        found = predict(program, target)
        assert found.device_us >= found.bound_us > 0
        assert all(cycles >= 0 for cycles in found.parts.values())
        assert all(cycles >= 0 for cycles in found.engines.values())
        assert found.host_us > found.device_us
        # What is counted exactly is what the model says.
        reads = {name: times for (kind, name), times in program.tally.total.items() if kind == "read"}
        tensors = program.stage.tensors
        assert found.dram_read_bytes == sum(
            times * DTYPES[tensors[name].dtype].tile_bytes for name, times in reads.items() if tensors[name].in_dram
        )


def test_all_of_dram_is_read_whatever_the_steps() -> None:
    # K in one step: the block of the next unit comes while the last one is written.
    found = predicted((32, 512, 8192), "policy: rectangular, multicast: a, block: {m: 1, n: 1, k: 16}")
    assert found.engines["dram"] <= found.device_cycles


def test_what_comes_once_keeps_nothing_waiting() -> None:
    schedule = two_d("{m: 4, n: 4, k: 4}")
    alone = predicted((1024, 1024, 1024), schedule).parts["steps"]
    assert predicted((1024, 1024, 1024), schedule, compute="A @ B + A").parts["steps"] < 1.2 * alone


def test_a_run_of_pages_is_asked_for_once_and_brings_its_bytes() -> None:
    (program,) = candidates(load_spec(Path("specs/gemm_skinny.yaml")))
    found, rates = predict(program, load("n150")), load_rates("wormhole_b0")
    # Eleven columns of W's tiles and all of X come to a core.
    assert found.engines["noc"] >= (11 + 1) * 128 * 2048 / rates.read[0]


def test_the_longest_part_of_k_counts() -> None:
    # Five steps for four parts: two of them for the last, which has no sums to add up.
    uneven, even = (
        predicted((256, 160 * 32, 1024), f"{two_d(f'{{m: 4, n: 4, k: {k}}}')}, split: 4").engines["math"]
        for k in (32, 40)
    )
    assert uneven == pytest.approx(even * 64 / 40, rel=0.05)


@pytest.mark.parametrize(
    "field", ["multicast", "unpack", "pack", "launch", "read_latency", "page", "phase", "pack_overhead"]
)
def test_faster_rates_are_not_slower(field: str) -> None:
    rates = load_rates("wormhole_b0")
    is_rate = field in ("multicast", "unpack", "pack")
    better = replace(rates, **{field: getattr(rates, field) * (2 if is_rate else 0.5)})
    for schedule in ("", two_d("{m: 4, n: 4, k: 4}"), two_d("{m: 2, n: 2, k: 8}", "true"), "block: {m: 2, n: 4, k: 2}"):
        before, after = (predicted((512, 1024, 512), schedule, rates=each) for each in (rates, better))
        assert after.device_cycles <= before.device_cycles


def test_more_bytes_are_not_faster() -> None:
    times = [
        predicted((512, depth, 512), two_d("{m: 2, n: 2, k: 2}")).device_cycles for depth in (256, 512, 1024, 2048)
    ]
    assert times == sorted(times)
    hosts = [predicted((512, depth, 512)).host_us for depth in (256, 512, 1024, 2048, 4096)]
    assert hosts == sorted(hosts)


@pytest.mark.parametrize(("arch", "device", "host"), [("wormhole_b0", 0.06, 0.07), ("blackhole", 0.08, 0.08)])
def test_errors_on_rows_that_were_not_fitted(arch: Arch, device: float, host: float) -> None:
    best, items = calibrate.judged(arch)
    errors = calibrate.mean_errors(items)
    assert errors["device"][0] <= device
    assert errors["host"][0] <= host
    # What is in use is what all rows fit best, and the page has a line a row.
    assert calibrate.with_constants(load_rates(arch), best) == load_rates(arch)
    assert all(f"| {side}x" in PAGE for side in {item.row.shape[0] for item in items})
    assert f"| {arch} | {errors['device'][0]:.1%} ({errors['device'][1]}) | {errors['host'][0]:.1%} (" in PAGE


def test_estimates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "specs/mlp.yaml", "specs/gemm_split.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mlp.yaml: mlp, 2 programs, ")
    assert "waits for" in lines[1]
    assert main(["estimate", "specs/gemm.yaml", "specs/add.yaml", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["device_cycles"] == sum(first["parts"].values())
    assert first["dram_read_bytes"] == 2 * 64 * 8 * 2048
    assert second["kernel"] == "add"
    assert {"host_us", "bound_us", "l1_bytes", "binding"} <= first.keys()
