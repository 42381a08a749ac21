"""Traces by Perfetto's published definition, and traffic by tt-npe's rules and by the plan's own counts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ttgen.cli.main import main
from ttgen.cost import Prediction
from ttgen.cost.predict import Engine
from ttgen.loading import load, loads
from ttgen.planner.resolve import planned
from ttgen.spec import LoadedSpec
from ttgen.target import TARGETS, Arch, TargetName, load_places
from ttgen.target import load as load_target
from ttgen.timeline import traffic
from ttgen.timeline.npe import workload
from ttgen.timeline.perfetto import trace
from ttgen.timeline.schedule import ProgramSchedule, schedules
from ttgen.timeline.traffic import Transfer, transfers

# tt-npe's layout of the chips (arch-wormhole.yaml, arch-blackhole.yaml), as (x, y): size, channels of DRAM, workers.
SIZE: dict[Arch, tuple[int, int]] = {"wormhole_b0": (10, 12), "blackhole": (17, 12)}
CHANNELS: dict[Arch, list[set[tuple[int, int]]]] = {
    "wormhole_b0": [
        {(0, 0), (0, 1), (0, 11)}, {(0, 5), (0, 6), (0, 7)}, {(5, 0), (5, 1), (5, 11)},
        {(5, 2), (5, 9), (5, 10)}, {(5, 3), (5, 4), (5, 8)}, {(5, 5), (5, 6), (5, 7)},
    ],
    "blackhole": [
        {(x, y) for y in rows} for x in (0, 9) for rows in ((0, 1, 11), (2, 3, 10), (4, 8, 9), (5, 6, 7))
    ],
}  # fmt: skip
WORKERS: dict[Arch, set[tuple[int, int]]] = {
    "wormhole_b0": {(x, y) for x in range(1, 10) if x != 5 for y in range(1, 12) if y != 6},
    "blackhole": {(x, y) for x in range(1, 17) if x not in (8, 9) for y in range(2, 12)},
}
TRAFFIC = [
    "adam", "add_l1", "gemm_a_sharded", "gemm_batched_sharded", "gemm_bfp8_gelu", "gemm_multicast_p150",
    "gemm_multicast_ragged", "gemm_skinny", "gemm_split_prefetch", "mlp_l1", "scale_width",
]  # fmt: skip
GEMM = """\
kernel: k
tensors:
  A: {shape: [64, 512], dtype: bfloat16}
  B: {shape: [512, 64], dtype: bfloat16}
  C: {shape: [64, 64], dtype: bfloat16}
compute: C = A @ B
"""


class Made:
    """A spec's plan, schedule and traffic."""

    def __init__(self, loaded: LoadedSpec) -> None:
        _loaded, self.plan, candidates = planned(loaded)
        self.target = load_target(self.plan.target.device)
        self.schedules = schedules(candidates, [program.name for program in self.plan.programs], self.target)
        self.trace = trace(self.plan.kernel, self.schedules, self.target)

    @property
    def predictions(self) -> list[Prediction]:
        return [schedule.prediction for schedule in self.schedules]

    def moved(self) -> list[tuple[ProgramSchedule, list[Transfer]]]:
        programs = zip(self.plan.programs, self.schedules, strict=True)
        return [
            (schedule, list(transfers(self.plan, program, schedule, self.target))) for program, schedule in programs
        ]


@cache
def made(name: str) -> Made:
    return Made(load(Path("specs", f"{name}.yaml")))


def unknown(message: Any) -> Iterator[Any]:
    """Fields that the published definition doesn't have, or has with another type."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    yield from UnknownFieldSet(message)
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                yield from unknown(item)


@pytest.mark.parametrize("name", ["gemm", "gemm_multicast_p150", "gemm_split_prefetch", "mlp"])
def test_traces_are_what_perfetto_defines(name: str) -> None:
    proto = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    case = made(name)
    found = proto.Trace.FromString(case.trace)
    assert not list(unknown(found))
    assert {packet.trusted_packet_sequence_id for packet in found.packet} == {1}
    names: dict[int, tuple[str, str]] = {}
    processes: dict[int, str] = {}
    begun: dict[int, list[tuple[int, str]]] = defaultdict(list)
    ended: Counter[int] = Counter()
    slices: dict[tuple[str, str], list[tuple[str, int, int]]] = defaultdict(list)
    for packet in found.packet:
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            if track.HasField("process"):
                assert track.child_ordering == proto.TrackDescriptor.EXPLICIT
                processes[track.uuid] = track.process.process_name
            else:
                assert track.uuid not in names
                names[track.uuid] = (processes[track.parent_uuid], track.name)
            continue
        event = packet.track_event
        if event.type == proto.TrackEvent.TYPE_SLICE_BEGIN:
            assert not begun[event.track_uuid]
            assert packet.timestamp >= ended[event.track_uuid]
            begun[event.track_uuid].append((packet.timestamp, event.name))
        else:
            assert event.type == proto.TrackEvent.TYPE_SLICE_END
            start, what = begun[event.track_uuid].pop()
            ended[event.track_uuid] = packet.timestamp
            slices[names[event.track_uuid]].append((what, start, packet.timestamp))
    assert not any(begun.values())

    # The parts of all programs follow each other without a gap, and take what is predicted.
    whole = processes[min(processes)]
    parts = [item for prog in case.plan.programs for item in slices[whole, f"program {prog.name}"]]
    total = sum(prediction.device_us for prediction in case.predictions) * 1000
    assert [end for _what, _start, end in parts[:-1]] == [start for _what, start, _end in parts[1:]]
    assert parts[0][1] == 0
    assert parts[-1][2] == pytest.approx(total, abs=1)
    assert max(ended.values()) == parts[-1][2]
    # A core with as much work as any, engine by engine: busy for as long as is predicted.
    clock = case.target.clock_ghz
    engines: dict[str, Engine] = {"matrix unit": "math", "unpacker": "unpack", "packer": "pack"}
    for track, engine in engines.items():
        own = slices["core x=0 y=0", track]
        busy = sum(prediction.engines[engine] for prediction in case.predictions)
        assert sum(end - start for _what, start, end in own) == pytest.approx(busy / clock, abs=len(own))
    # Every core that has work has its kernels.
    for program in case.plan.programs:
        for (x, y), _values in program.cores():
            assert slices[f"core x={x} y={y}", "compute kernel"]


def test_long_schedules_are_cut_to_parts_that_last_as_long() -> None:
    case = made("gemm")
    core = case.schedules[0].cores[0, 0]
    fine, coarse = ({track.name: track.slices for track in core.tracks(case.target, most)} for most in (1000, 3))
    assert len(coarse["matrix unit"]) == 3 < len(fine["matrix unit"]) == 8
    assert coarse["matrix unit"][0].name == "block 1 to 2"
    for name, slices in fine.items():
        assert sum(item.cycles for item in slices) == pytest.approx(sum(item.cycles for item in coarse[name]))


@pytest.mark.parametrize("name", ["gemm", "gemm_multicast_batched", "gemm_split"])
def test_a_schedule_ends_when_the_prediction_does(name: str) -> None:
    """Its last block, what other cores send, and the way out."""
    (program,) = made(name).schedules
    core = program.cores[0, 0]
    end = core.computes(core.pace.rounds - 1) + core.pace.computed + core.pace.received + core.pace.tail
    assert end == pytest.approx(program.end)


@pytest.mark.parametrize(("buffers", "ahead"), [(2, True), (1, False)])
def test_the_next_block_comes_while_one_is_worked_on_where_there_is_room(buffers: int, ahead: bool) -> None:
    text = f"{GEMM}schedule: {{buffers: {buffers}, block: {{m: 2, n: 2, k: 2}}}}\n"
    (program,) = Made(loads(text.encode(), name="k.yaml")).schedules
    core = program.cores[0, 0]
    mover = next(mover for mover in core.core.movers if mover.rounds)
    assert core.pace.rounds == 8
    for block in range(1, core.pace.rounds):
        before = core.computes(block - 1)
        assert core.brings(mover, block) == pytest.approx(before if ahead else before + core.pace.computed)


@pytest.mark.parametrize("name", TRAFFIC)
def test_traffic_is_what_the_plan_counts(name: str) -> None:
    case = made(name)
    for program, (schedule, moved) in zip(case.plan.programs, case.moved(), strict=True):
        assert sum(item.packet_bytes * item.packets for item in moved) == program.cost.noc_bytes
        for end, bytes_ in (("from_dram", program.cost.dram_read_bytes), ("to_dram", program.cost.dram_write_bytes)):
            assert sum(item.packet_bytes * item.packets for item in moved if getattr(item, end)) == bytes_
        assert all(schedule.launched <= item.begin <= schedule.end for item in moved)
        assert all(0 < item.packet_bytes <= 8192 for item in moved)


def test_long_traffic_is_cut_to_fewer_transfers(monkeypatch: pytest.MonkeyPatch) -> None:
    case = made("gemm_bfp8_gelu")
    ((_schedule, fine),) = case.moved()
    monkeypatch.setattr(traffic, "MOST", 1)
    ((_schedule, coarse),) = case.moved()
    assert len(coarse) < len(fine) / 2
    assert sum(i.packet_bytes * i.packets for i in coarse) == sum(i.packet_bytes * i.packets for i in fine)


def test_interleaved_pages_are_read_from_bank_after_bank() -> None:
    """add.yaml reads each page of A and B once: page p from bank p mod 12."""
    case = made("add")
    ((_schedule, moved),) = case.moved()
    ports = load_places("wormhole_b0").dram[0]
    expected: Counter[tuple[int, int]] = Counter()
    for tensor in case.plan.tensors:
        if tensor.role == "input":
            expected.update(ports[page % 12] for page in range(tensor.pages))
    read: Counter[tuple[int, int]] = Counter()
    for item in moved:
        if item.what == "READ":
            assert item.packet_bytes == 2048
            assert item.noc == 0
            read[item.source] += item.packets
    assert read == expected


def test_a_multicast_goes_along_its_row_or_column() -> None:
    """gemm_multicast: A goes to the eight cores of a row, B to those of a column, by NoCs of their own."""
    case = made("gemm_multicast")
    ((_schedule, moved),) = case.moved()
    casts = [item for item in moved if item.what == "WRITE_MULTICAST"]
    spans = {(item.noc, item.first[0] == item.last[0], item.first[1] == item.last[1]) for item in casts}
    assert len(spans) == 2
    assert {(across, down) for _noc, across, down in spans} == {(False, True), (True, False)}
    for item in casts:
        assert (item.first[0], item.last[0]) == (1, 9) or item.first[0] == item.last[0] == item.source[0]
        assert (item.first[1], item.last[1]) == (1, 9) or item.first[1] == item.last[1] == item.source[1]


@pytest.mark.parametrize("name", ["gemm_multicast_p150", "mlp_l1", "gemm_skinny"])
def test_workloads_are_what_npe_reads(name: str) -> None:
    """The fields that its loader asks for, of the types that it asks for, and places that are there."""
    case = made(name)
    arch = case.plan.target.arch
    document = json.loads(workload([moved for _schedule, moved in case.moved()], case.target))
    cols, rows = SIZE[arch]
    ports = set().union(*CHANNELS[arch])
    assert set(document) == {"phases"}
    assert len(document["phases"]) == len(case.plan.programs)
    kinds = set()
    for phase in document["phases"]:
        assert set(phase) == {"transfers"}
        for item in phase["transfers"]:
            kinds.add(item["noc_event_type"])
            where = {"dst_x", "dst_y"}
            if item["noc_event_type"] == "WRITE_MULTICAST":
                where = {"mcast_start_x", "mcast_start_y", "mcast_end_x", "mcast_end_y"}
                assert item["mcast_start_x"] <= item["mcast_end_x"]
                assert item["mcast_start_y"] <= item["mcast_end_y"]
            numbers = {"packet_size", "num_packets", "src_x", "src_y", "phase_cycle_offset", *where}
            assert set(item) == numbers | {"noc_type", "injection_rate", "noc_event_type"}
            assert all(type(item[key]) is int and item[key] >= 0 for key in numbers)
            assert item["noc_type"] in ("NOC_0", "NOC_1")
            assert type(item["injection_rate"]) is float
            assert all(item[key] < (cols if key.endswith("x") else rows) for key in (*where, "src_x", "src_y"))
            source = (item["src_x"], item["src_y"])
            assert source in ports | WORKERS[arch]
            dram, worker = (23.2, 28.1) if arch == "wormhole_b0" else (40, 60.9)
            assert item["injection_rate"] == (dram if source in ports else worker)
            if "dst_x" in item:
                assert (item["dst_x"], item["dst_y"]) in ports | WORKERS[arch]
    assert kinds <= {"READ", "WRITE", "WRITE_MULTICAST"}


@pytest.mark.parametrize("target", TARGETS)
def test_places_are_those_of_the_chip(target: TargetName) -> None:
    """Cores are workers, a bank's ports are of its channel, and the core beside a bank is beside its port."""
    card = load_target(target)
    places = load_places(card.arch)
    cores = {(x, y): (places.columns[x], places.rows[y]) for x in range(card.grid.cols) for y in range(card.grid.rows)}
    assert len(set(cores.values())) == card.grid.cores
    assert set(cores.values()) <= WORKERS[card.arch]
    channels = CHANNELS[card.arch]
    banks = len(places.dram[0]) // len(channels)
    for ports in places.dram:
        assert len(ports) >= card.dram.banks
        assert all(port in channels[bank // banks] for bank, port in enumerate(ports))
    beside = 0
    for bank, reader in enumerate(card.dram.readers):
        x, y = places.dram[0][bank]
        if y in places.rows[: card.grid.rows]:
            beside += 1
            assert cores[reader] == (x + 1, y), bank
    assert beside >= card.dram.banks - 2


def test_plan_writes_both_and_nothing_over_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown, workloads = tmp_path / "t.pftrace", tmp_path / "t.json"
    words = ["plan", "specs/tile.yaml", "--trace", str(shown), "--npe", str(workloads)]
    for _time in range(2):
        assert main(words) == 0
        assert capsys.readouterr().out.splitlines()[-2:] == [
            f"{shown}: written, for https://ui.perfetto.dev", f"{workloads}: written, for tt-npe",
        ]  # fmt: skip
    assert shown.read_bytes() == made("tile").trace
    assert len(json.loads(workloads.read_text())["phases"][0]["transfers"]) == 2
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernel"] == "tile"
    other = tmp_path / "spec.yaml"
    other.write_text("kernel: mine\n")
    for option in ("--trace", "--npe"):
        assert main(["plan", "-q", "specs/tile.yaml", option, str(other)]) == 1
        assert "is none of these" in capsys.readouterr().err
        assert other.read_text() == "kernel: mine\n"
        assert main(["plan", "-q", "specs/tile.yaml", "specs/row.yaml", option, str(shown)]) == 1
        assert "name one" in capsys.readouterr().err
