"""Fits the cost model to published GEMMs and says how far off it is: `python -m bench.calibrate [--write]`.

Three constants an architecture are fitted, by trying all values of a grid. The error is that of rows whose shape was
left out of the fit: no row is judged by constants that saw its shape. The rest of a chip's rates comes from its
documentation, or was read off the same GEMMs before (`ttgen/targets/rates/` says which). `--write` puts the table into
docs/cost.md; the constants in use are changed by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Final

from bench.measured import Row, predicted, rows
from bench.page import publish
from ttgen.target import Arch, Rates, load_rates

PAGE: Final = Path(__file__).parent.parent / "docs" / "cost.md"
MARKS: Final = ("<!-- errors: python -m bench.calibrate --write -->\n", "<!-- end of errors -->\n")
GRID: Final[Mapping[Arch, Mapping[str, Sequence[float]]]] = {
    "wormhole_b0": {"page": (34, 40, 46, 52), "line": (0.64, 0.68, 0.72), "block": (0.78, 0.82, 0.86)},
    "blackhole": {"page": (28, 34, 40), "read_latency": (560, 640, 720), "pack_overhead": (7.2, 8.7, 10.2, 13.8)},
}
"""Values of the fitted constants; `line` and `block` are those of `unpack_shares`."""


@dataclass(frozen=True)
class Judged:
    """A row, and what the model said that was fitted without its shape: measured and predicted microseconds."""

    row: Row
    times: Mapping[str, tuple[float, float]]

    @property
    def errors(self) -> Mapping[str, float]:
        """How far off each prediction is, as a part of the measured time."""
        return {kind: predicted / measured - 1 for kind, (measured, predicted) in self.times.items()}


def with_constants(rates: Rates, constants: Mapping[str, float]) -> Rates:
    """Rates with other values of the fitted constants."""
    shares = {name: constants[name] for name in ("line", "block") if name in constants}
    rest = {name: value for name, value in constants.items() if name not in shares}
    return replace(rates, unpack_shares=replace(rates.unpack_shares, **shares), **rest)  # type: ignore[arg-type]


def times_of(row: Row, rates: Rates) -> Mapping[str, tuple[float, float]]:
    """What was measured of a row, and what the model says: of the device, and of the host."""
    found = predicted(row, rates)
    clock = found.clock_ghz * 1000
    pairs = {"device": (row.compute_us, found.compute_cycles / clock), "host": (row.host_us, found.host_us)}
    if row.kernel_us is not None:
        pairs["device"] = (row.kernel_us, found.device_us)
    return {kind: (measured, said) for kind, (measured, said) in pairs.items() if measured is not None}


def judged(arch: Arch) -> tuple[Mapping[str, float], tuple[Judged, ...]]:
    """The constants that all rows fit best, and each row judged by those that the rows of other shapes do."""
    own = [row for row in rows() if row.arch == arch]
    names, values = GRID[arch].keys(), GRID[arch].values()
    base = load_rates(arch)
    tried = []
    for chosen in product(*values):
        constants = dict(zip(names, chosen, strict=True))
        rates = with_constants(base, constants)
        tried.append((constants, [Judged(row, times_of(row, rates)) for row in own]))

    def fit(counts: Callable[[Row], bool]) -> tuple[Mapping[str, float], list[Judged]]:
        return min(
            tried,
            key=lambda found: mean(
                abs(error) for item in found[1] if counts(item.row) for error in item.errors.values()
            ),
        )

    best, _items = fit(lambda _row: True)
    found = []
    for shape in dict.fromkeys(row.shape for row in own):
        _constants, items = fit(lambda row, shape=shape: row.shape != shape)  # type: ignore[misc]
        found += [item for item in items if item.row.shape == shape]
    return best, tuple(found)


def mean_errors(items: Sequence[Judged]) -> Mapping[str, tuple[float, int]]:
    """The mean error of the device's and of the host's times, and how many those are."""
    errors = {kind: [abs(item.errors[kind]) for item in items if kind in item.errors] for kind in ("device", "host")}
    return {kind: (mean(found), len(found)) for kind, found in errors.items() if found}


def table() -> Iterator[str]:
    """The errors as Markdown: a line an architecture, then a line a row."""
    results = {arch: judged(arch) for arch in GRID}
    yield "| architecture | device: mean error (rows) | host: mean error (rows) | fitted to all rows |"
    yield "|---|---|---|---|"
    for arch, (best, items) in results.items():
        cells = [f"{error:.1%} ({number})" for error, number in mean_errors(items).values()]
        constants = ", ".join(f"{name} {value:g}" for name, value in best.items())
        yield f"| {arch} | {' | '.join(cells)} | {constants} |"
    yield ""
    yield "| MxKxN | operands | fidelity | block mxnxk | in L1 | device: measured, predicted us | host: measured, predicted us |"  # noqa: E501
    yield "|---|---|---|---|---|---|---|"
    for arch, (_best, items) in results.items():
        for item in items:
            row = item.row
            cells = [
                "x".join(str(side) for side in row.shape),
                row.dtypes[0] if row.dtypes[0] == row.dtypes[1] else "x".join(row.dtypes),
                row.fidelity,
                "x".join(str(side) for side in row.block) + (", BH" if arch == "blackhole" else ""),
                row.in_l1,
            ]
            for kind in ("device", "host"):
                measured, said = item.times.get(kind, (0.0, 0.0))
                cells.append(f"{measured:.1f}, {said:.1f} ({item.errors[kind]:+.0%})" if measured else "")
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the errors, or writes them to the page."""
    publish(table(), PAGE, MARKS)


if __name__ == "__main__":
    main()
