"""Predicts how long the program of each spec takes: on the device, for the host, what it waits for, and its limit.

The model walks the kernels with the rates of the card; docs/cost.md has the formulas and how far they were off measured
programs. It compares schedules: those closer than a tenth it can't tell apart.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ttgen.cli import specs
from ttgen.cli.main import OK, USER_ERROR
from ttgen.cost import Prediction, predict
from ttgen.errors import printable
from ttgen.model.plan import Plan
from ttgen.planner.resolve import candidates, resolve
from ttgen.spec import LoadedSpec
from ttgen.target import load

EXAMPLES: Final = """\
  ttgen estimate "specs/gemm*.yaml"
  ttgen estimate --json specs/gemm.yaml > estimate.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print an object a spec, all in a list")


def run(options: argparse.Namespace) -> int:
    """Prints a line a spec."""
    planned, wrong = specs.serve_all(options.specs, _planned)
    found = []
    for loaded, plan, programs in planned:
        found.append(_as_json(plan, programs))
        if not (options.json or options.quiet):
            print(f"{printable(loaded.file_name)}: {_line(plan, programs)}")
    if options.json and not options.quiet:
        print(json.dumps(found, indent=2))
    return USER_ERROR if wrong else OK


def _planned(loaded: LoadedSpec) -> tuple[LoadedSpec, Plan, Sequence[Prediction]]:
    """A spec, its plan, and what its programs take."""
    made, target = candidates(loaded), load(loaded.spec.target)
    return loaded, resolve(loaded, made), [predict(program, target) for program in made]


def _line(plan: Plan, programs: Sequence[Prediction]) -> str:
    """What matters of a prediction."""
    longest = max(programs, key=lambda program: program.device_us)
    device, host, least = (
        sum(times) for times in zip(*((item.device_us, item.host_us, item.bound_us) for item in programs), strict=True)
    )
    many = f"{len(programs)} programs, " if len(programs) > 1 else ""
    text = (
        f"{plan.kernel}, {many}{device:.1f} us on the device, {host:.1f} us for the host; waits for {longest.binding}"
    )
    return f"{text}; at least {least:.1f} us ({longest.bound.limit})"


def _as_json(plan: Plan, programs: Sequence[Prediction]) -> dict[str, object]:
    """All that is predicted of the programs of a spec, which run one after another."""
    parts: Counter[str] = Counter()
    engines: Counter[str] = Counter()
    for program in programs:
        parts.update({str(name): round(cycles) for name, cycles in program.parts.items()})
        engines.update({str(name): round(cycles) for name, cycles in program.engines.items()})
    longest = max(programs, key=lambda program: program.device_us)
    return {
        "spec": plan.spec,
        "kernel": plan.kernel,
        "device_cycles": sum(parts.values()),
        "device_us": round(sum(program.device_us for program in programs), 2),
        "host_us": round(sum(program.host_us for program in programs), 2),
        "parts": parts,
        "engines": engines,
        "binding": longest.binding,
        "bound_us": round(sum(program.bound_us for program in programs), 2),
        "bound": longest.bound.limit,
        "dram_read_bytes": sum(program.dram_read_bytes for program in programs),
        "dram_write_bytes": sum(program.dram_write_bytes for program in programs),
        "l1_bytes": max(program.l1.bytes for program in plan.programs),
    }
