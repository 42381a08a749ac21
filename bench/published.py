"""`schedule: auto` beside the published configurations of ttnn: `python -m bench.published [--write]`.

Like for like: each row's shape, dtypes, layouts, fidelity and grid of cores, once with its own blocks and once with all
of the schedule left to `auto`, both predicted by the model of ttgen's plan. Beside it what was measured of ttnn's
program, with the model's error. `--write` puts the table into docs/published.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Final

from bench.measured import Row, predicted, rows, spec_of
from bench.page import publish
from ttgen.cost import Prediction, predict
from ttgen.loading import loads
from ttgen.planner import l1
from ttgen.planner.resolve import candidates
from ttgen.target import load, load_rates

PAGE: Final = Path(__file__).parent.parent / "docs" / "published.md"
MARKS: Final = ("<!-- published: python -m bench.published --write -->\n", "<!-- end of published -->\n")
OPEN: Final = "policy: auto, block: auto, multicast: auto, prefetch: auto, split: auto, buffers: auto"


@dataclass(frozen=True)
class Compared:
    """A row, and what the model says of it: microseconds.

    Attributes:
        by_hand: of ttgen's plan with the row's configuration, on the device: what a search makes least.
        auto: the same of ttgen's plan as auto finds it.
        measured: of ttnn's program: all of it on the device, or its compute kernel, or for the host.
        said: of the same, by the model of ttnn's program.
        beside: of the same, of ttgen's plan as auto finds it.
    """

    row: Row
    by_hand: float
    auto: float
    measured: float
    said: float
    beside: float

    @property
    def ratio(self) -> float:
        """How much of the configuration's time auto takes."""
        return self.auto / self.by_hand


def auto_spec_of(row: Row) -> str:
    """The spec of a row with all of its schedule but the cores left to auto."""
    before, _schedule = spec_of(row).split("schedule:\n")
    gx, gy = row.grid
    return f"{before}schedule: {{cores: {{rows: {gy}, cols: {gx}}}, {OPEN}}}\n"


@cache
def _predicted(spec: str) -> Prediction | None:
    """What the model says of a spec; None where its program doesn't fit L1."""
    loaded = loads(spec.encode(), name="published.yaml")
    target = load(loaded.spec.target)
    (made,) = candidates(loaded)
    need = l1.need(made.design.buffers, made.stage.tensors.values(), made.shards, target)
    return predict(made, target) if need.total <= target.l1.usable else None


def compared() -> Iterator[Compared]:
    """Every row whose configuration ttgen has a plan for, as far as it fits L1 there."""
    for row in rows():
        by_hand, auto = _predicted(spec_of(row)), _predicted(auto_spec_of(row))
        if by_hand is None:
            # ttnn packs into a sharded output itself, ttgen into a buffer beside it.
            continue
        assert auto is not None, "what auto finds fits"
        model = predicted(row, load_rates(row.arch))
        clock = model.clock_ghz * 1000
        times = (
            (row.kernel_us, model.device_us, auto.device_us),
            (row.compute_us, model.compute_cycles / clock, auto.compute_cycles / clock),
            (row.host_us, model.host_us, auto.host_us),
        )
        measured, said, beside = next(own for own in times if own[0] is not None)
        assert measured is not None, "a row has a time"
        yield Compared(row, by_hand.device_us, auto.device_us, measured, said, beside)


def table() -> Iterator[str]:
    """Markdown: what comes of it, an architecture a line, then a line a row."""
    every = list(compared())
    yield "| architecture | rows | auto no slower | geometric mean of auto / published | of auto / measured |"
    yield "|---|---|---|---|---|"
    for arch in dict.fromkeys(item.row.arch for item in every):
        own = [item for item in every if item.row.arch == arch]
        wins = sum(item.auto <= item.by_hand for item in own)
        cells = [arch, str(len(own)), f"{wins} ({wins / len(own):.0%})"]
        cells += [f"{_mean([item.ratio for item in own]):.3f}"]
        cells += [f"{_mean([item.beside / item.measured for item in own]):.3f}"]
        yield f"| {' | '.join(cells)} |"
    wins = sum(item.auto <= item.by_hand for item in every)
    mean, measured = _mean([item.ratio for item in every]), _mean([item.beside / item.measured for item in every])
    yield f"| both | {len(every)} | {wins} ({wins / len(every):.0%}) | {mean:.3f} | {measured:.3f} |"
    yield ""
    yield "| MxKxN | operands | fidelity | cores | block mxnxk | in L1 | published, auto us | ratio | measured us (model) | auto / measured |"  # noqa: E501
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for item in every:
        row = item.row
        gx, gy = row.grid
        cells = [
            "x".join(str(side) for side in row.shape),
            row.dtypes[0] if row.dtypes[0] == row.dtypes[1] else "x".join(row.dtypes),
            row.fidelity,
            f"{gy}x{gx}" + (", BH" if row.arch == "blackhole" else ""),
            "x".join(str(side) for side in row.block),
            row.in_l1,
            f"{item.by_hand:.1f}, {item.auto:.1f}",
            f"{item.ratio:.3f}",
            f"{item.measured:.1f} ({item.said / item.measured - 1:+.0%})",
            f"{item.beside / item.measured:.2f}",
        ]
        yield f"| {' | '.join(cells)} |"


def _mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return exp(sum(log(ratio) for ratio in ratios) / len(ratios))


def main() -> None:
    """Prints the table, or writes it to the page."""
    publish(table(), PAGE, MARKS)


if __name__ == "__main__":
    main()
