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
from ttgen.errors import counted, printable
from ttgen.model.plan import Plan
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
    planned, wrong = specs.planned_all(options.specs)
    found = []
    for loaded, plan, chosen in planned:
        target = load(plan.target.device)
        programs = [predict(candidate, target) for candidate in chosen]
        found.append(_as_json(plan, programs))
        if not (options.json or options.quiet):
            print(f"{printable(loaded.file_name)}: {_line(plan, programs)}")
    if options.json and not options.quiet:
        print(json.dumps(found, indent=2))
    return USER_ERROR if wrong else OK


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
    text = f"{text}; at least {least:.1f} us ({longest.bound.limit})"
    if plan.collectives:
        text += (
            f"; without what devices exchange ({counted(len(plan.collectives), 'collective')}), which isn't predicted"
        )
    return text


def _as_json(plan: Plan, programs: Sequence[Prediction]) -> dict[str, object]:
    """All that is predicted of the programs of a spec, which run one after another."""
    parts: Counter[str] = Counter()
    engines: Counter[str] = Counter()
    for program in programs:
        parts.update({str(name): round(cycles) for name, cycles in program.parts.items()})
        engines.update({str(name): round(cycles) for name, cycles in program.engines.items()})
    longest = max(programs, key=lambda program: program.device_us)
    return {
        **({"collectives_not_predicted": len(plan.collectives)} if plan.mesh is not None else {}),
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
