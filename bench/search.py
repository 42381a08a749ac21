"""`schedule: auto` against every schedule there is: `python -m bench.search [NUMBER...] [--limit N]`.

Twenty shapes, or those of some numbers. Schedules are designed and predicted in the order of what they take at least;
those that can't beat the best so far are left out, so what is found is the best of all, unless there is a limit. Prints
a line a shape, the geometric mean, and how many of them `auto` comes within 3 % of.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from math import exp, log
from typing import Final

from ttgen.cost import predict
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.loading import loads
from ttgen.mesh.device import device_of
from ttgen.patterns import PATTERNS
from ttgen.planner import l1, precision, search
from ttgen.planner.candidate import candidate
from ttgen.planner.formula import pattern_of
from ttgen.planner.schedule import schedule_of
from ttgen.planner.stages import stages_of, stored_tensors
from ttgen.spec import Schedule
from ttgen.target import load
from ttgen.tuning.space import least_of, opened, schedules

WITHIN: Final = 1.03
SHAPES: Final = (
    # M, K, N, dtype, fidelity, target
    (256, 256, 256, "bfloat16", "HiFi2", "n150"),
    (512, 512, 512, "bfloat16", "HiFi4", "n150"),
    (640, 1024, 640, "bfloat16", "HiFi2", "n150"),
    (1024, 1024, 1024, "bfloat16", "HiFi2", "n150"),
    (1024, 1024, 1024, "bfloat8_b", "LoFi", "n150"),
    (2048, 2048, 2048, "bfloat16", "HiFi2", "n150"),
    (32, 4096, 4096, "bfloat16", "HiFi2", "n150"),
    (32, 1024, 8192, "bfloat8_b", "LoFi", "n150"),
    (128, 8192, 128, "bfloat16", "HiFi2", "n150"),
    (4096, 64, 4096, "bfloat16", "HiFi2", "n150"),
    (2048, 512, 96, "bfloat16", "HiFi4", "n150"),
    (1000, 1500, 700, "bfloat16", "HiFi2", "n150"),
    (777, 333, 2222, "bfloat8_b", "HiFi2", "n150"),
    (4096, 4096, 4096, "bfloat16", "HiFi2", "n150"),
    (512, 512, 512, "bfloat16", "HiFi2", "p150"),
    (1024, 2048, 1024, "bfloat8_b", "LoFi", "p150"),
    (2080, 2080, 2080, "bfloat16", "HiFi4", "p150"),
    (64, 4096, 2048, "bfloat16", "HiFi2", "p150"),
    (1000, 3000, 500, "bfloat16", "HiFi2", "p150"),
    (3072, 1024, 3072, "bfloat4_b", "LoFi", "p150"),
)


@dataclass(frozen=True)
class Result:
    """Predicted microseconds, and what they took to find."""

    auto_us: float
    auto_ms: float
    best_us: float
    best: str
    space: int
    designed: int

    @property
    def ratio(self) -> float:
        """How much longer auto's plan takes than the best."""
        return self.auto_us / self.best_us


def text(shape: tuple[int, int, int, str, str, str]) -> str:
    """The spec of a shape."""
    m, k, n, dtype, fidelity, target = shape
    return (
        f"kernel: gemm\ntarget: {target}\ntensors:\n  A: {{shape: [{m}, {k}], dtype: {dtype}}}\n"
        f"  B: {{shape: [{k}, {n}], dtype: {dtype}}}\n  C: {{shape: [{m}, {n}], dtype: {dtype}}}\ncompute: C = A @ B\n"
        f"precision: {{fidelity: {fidelity}, accumulate: bfloat16}}\nschedule: auto\n"
    )


def compare(spec: str, limit: int | None) -> Result:
    """What auto finds, and the best of all schedules."""
    loaded = loads(spec.encode(), name="gemm.yaml")
    target = load(loaded.spec.target)
    graph = graph_of(loaded)
    (stage,) = stages_of(loaded, graph, device_of(loaded, graph))
    exactness = precision.decide(loaded, stored_tensors((stage,)), target)
    pattern = pattern_of(stage.graph, loaded.spec.formula_path)
    limits = PATTERNS[pattern].limits(stage.graph)
    began = time.perf_counter()
    found = search.best(stage, pattern, limits, exactness, target)
    took = time.perf_counter() - began
    auto = predict(found, target).device_cycles

    stage = opened(stage)
    bounds = least_of(stage, limits, exactness, target)
    every: list[tuple[float, int, Schedule]] = []
    for number, choice in enumerate(schedules(stage, limits, target)):
        if bounds.l1_bytes(choice) <= target.l1.usable:
            every.append((bounds.cycles(choice), number, choice))
    every.sort()
    best, words, designed = auto, "auto's", 0
    for least, _number, choice in every[:limit]:
        if least >= best:
            break
        designed += 1
        said = replace(stage, schedule=choice)
        try:
            schedule = schedule_of(said, limits)
            made = candidate(said, pattern, schedule, schedule.block.value, exactness, target)
        except SpecError:
            continue
        if l1.need(made.design.buffers, stage.tensors.values(), made.shards, target).total > target.l1.usable:
            continue
        cycles = predict(made, target).device_cycles
        assert least <= cycles, f"{choice} can't take {cycles}, {least} is the least"
        if cycles < best:
            best, words = cycles, _words(choice)
    clock = target.clock_ghz * 1000
    return Result(auto / clock, took * 1000, best / clock, words, len(every), designed)


def _words(choice: Schedule) -> str:
    """A schedule in a few words."""
    block = choice.block
    assert block != "auto"
    words = f"{choice.policy} {block.m}x{block.n}x{block.k} {choice.multicast}"
    words += " prefetch" if choice.prefetch else ""
    return words + f" split {choice.split} buffers {choice.buffers}"


def main() -> None:
    """Prints a line a shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="of shapes, from 1 (default: all)")
    parser.add_argument("--limit", type=int, help="design no more schedules of a shape")
    options = parser.parse_args()
    ratios = []
    for number, shape in enumerate(SHAPES, 1):
        if options.numbers and number not in options.numbers:
            continue
        began = time.perf_counter()
        result = compare(text(shape), options.limit)
        ratios.append(result.ratio)
        m, k, n, dtype, fidelity, target = shape
        print(
            f"{number:2} {target} {f'{m}x{k}x{n}':14} {dtype:9} {fidelity}: auto {result.auto_us:8.2f} us in "
            f"{result.auto_ms:4.0f} ms, best {result.best_us:8.2f} us, ratio {result.ratio:.4f} "
            f"({result.designed} of {result.space} designed in {time.perf_counter() - began:.0f} s): {result.best}",
            flush=True,
        )
    within = sum(ratio <= WITHIN for ratio in ratios)
    mean = exp(sum(log(ratio) for ratio in ratios) / len(ratios))
    print(f"{within} of {len(ratios)} within {WITHIN - 1:.0%}; geometric mean {mean:.4f}, worst {max(ratios):.4f}")


if __name__ == "__main__":
    main()
