"""Runs the program of each spec on a card through ttnn, and compares its outputs with the formula's value.

Nothing is built beforehand: ttnn compiles the kernels. Inputs are drawn as `verify` draws them, ordinary ones and hard
ones, or come from files: raw float32, .npy, or .safetensors. What is right, and how far off it may be, is as in
`verify`. Times are of warm runs, from the host's side, beside the prediction of `estimate`. What TT_METAL_SIMULATOR
names is used like a card, but for times. docs/running.md has the set-up.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ttgen.cli import specs, verify
from ttgen.cli.main import NO_DEVICE, NOT_JUDGED, OK, USER_ERROR
from ttgen.cli.terminal import complain, marker
from ttgen.errors import UserError, listing, printable, suggest
from ttgen.model.plan import Plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ttgen.cli.device_times import DeviceTimes
    from ttgen.planner.candidate import Planned
    from ttgen.run.run import Ran

_TIMEOUT: Final = 300

EXAMPLES: Final = """\
  ttgen run specs/gemm.yaml
  ttgen run specs/gemm.yaml --repeat 100 --profile times.csv
  ttgen run specs/gemm.yaml --input A=a.npy --input B=b.npy --output C=c.npy
"""


class _OptionError(UserError):
    """A name that no tensor has, a file for several specs, or what a mesh hasn't."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE", type=_named, help="an input's values, of one spec"
    )
    parser.add_argument(
        "--output", action="append", default=[], metavar="NAME=FILE", type=_named, help="write what is in a tensor then"
    )
    parser.add_argument("--seed", type=verify.at_least(0), default=0, metavar="N", help="of the inputs (default: 0)")
    parser.add_argument(
        "--repeat",
        type=verify.at_least(1),
        metavar="N",
        help="timed runs after those that are compared (default: 1; none on a simulator)",
    )
    parser.add_argument("--device", type=verify.at_least(0), default=0, metavar="N", help="its number (default: 0)")
    parser.add_argument(
        "--timeout",
        type=verify.at_least(1),
        default=_TIMEOUT,
        metavar="S",
        help=f"seconds that opening the device, and each program, may take (default: {_TIMEOUT})",
    )
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="add times of the device profiler to a CSV, for tune --measured"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def _named(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE")
    return name, Path(file)


def run(options: argparse.Namespace) -> int:
    """Runs specs."""
    specs.require_numpy("run", extra="ttnn")
    planned, wrong = specs.planned_all(options.specs)
    if (options.input or options.output) and len(planned) + wrong > 1:
        raise _OptionError("--input and --output are files of one spec: name one")
    for item in planned:
        if item.plan.mesh is not None and (options.profile is not None or options.device):
            option = "--device" if options.device else "--profile"
            raise _OptionError(f"{option} is for programs of one device, and {item.plan.kernel} is for a mesh")
    from ttgen.cli.device_times import device_times, measured_change, write_measured
    from ttgen.run import run as running
    from ttgen.run.process import DeviceError, card_of, is_simulated

    profiled = options.profile is not None
    if profiled:
        measured_change(options.profile)  # before anything runs
    repeat = options.repeat or (0 if is_simulated() and not profiled else 1)
    statuses = {USER_ERROR} if wrong else set()
    found = []
    try:
        with card_of(options.device, options.timeout, profiled=profiled) as card:
            for item in planned:
                given = _given(item.plan, options)
                if item.plan.mesh is None:
                    card.open()  # without it, no other runs
                try:
                    ran = running.run(item.loaded, item.plan, card, seed=options.seed, repeat=repeat, given=given)
                except DeviceError as error:
                    complain(error)
                    statuses.add(NO_DEVICE)
                    continue
                _write(options, ran)
                predicted = _predicted(item)
                times = device_times(item, ran.launches) if ran.launches else ()
                if times:
                    write_measured(options.profile, item, times)
                found.append(_as_json(ran, predicted, times))
                statuses.add(_status(ran))
                if not options.json:
                    _report(item, ran, predicted, times, quiet=options.quiet)
    except DeviceError as error:
        complain(error)
        statuses.add(NO_DEVICE)
    if options.json:
        print(json.dumps(found, indent=2, allow_nan=False))
    return next((status for status in (USER_ERROR, NO_DEVICE, NOT_JUDGED) if status in statuses), OK)


def _given(plan: Plan, options: argparse.Namespace) -> dict[str, NDArray[np.float32]]:
    """The values of inputs that have files; files of outputs are looked at as well."""
    from ttgen.run.files import check_output, read_tensor
    from ttgen.verify.wholes import whole_tensor

    inputs = [tensor.name for tensor in plan.tensors if tensor.role == "input"]
    made = [tensor.name for tensor in plan.tensors if tensor.role != "input" and not tensor.is_partial]
    for option, files, known in (("--input", options.input, inputs), ("--output", options.output, made)):
        seen = set()
        for name, path in files:
            if name not in known:
                what = option.removeprefix("--")
                text = f"{option} {name}={path}: there is no {what} '{name}'{suggest(name, known)}"
                raise _OptionError(f"{text} ({plan.kernel} has {listing(known)})")
            if name in seen:
                raise _OptionError(f"{option} {name}={path}: '{name}' has a file already")
            seen.add(name)
    for _name, path in options.output:
        check_output(path)
    whole = plan.tensor if plan.mesh is None else partial(whole_tensor, plan)
    return {name: read_tensor(path, whole(name)) for name, path in options.input}


def _write(options: argparse.Namespace, ran: Ran) -> None:
    from ttgen.run.files import write_tensor

    for name, path in options.output:
        if name in ran.stored:
            write_tensor(path, name, ran.stored[name])


def _predicted(item: Planned) -> float:
    """Microseconds that the model says a host sees of all programs."""
    from ttgen.cost import predict
    from ttgen.target import load

    target = load(item.plan.target.device)
    return sum(predict(program, target).host_us for program in item.programs)


def _status(ran: Ran) -> int:
    if not ran.verdict.passed:
        return USER_ERROR
    return OK if ran.verdict.judged else NOT_JUDGED


def _report(item: Planned, ran: Ran, predicted: float, times: Sequence[DeviceTimes], *, quiet: bool) -> None:
    """A line, and all that was found."""
    from ttgen.cli.device_times import against, lines

    verdict = ran.verdict
    if not quiet or _status(ran) != OK:
        state = "WRONG" if not verdict.passed else "ok" if verdict.judged else "not judged"
        parts = [verdict.kernel, *specs.headline(item.plan), *_compared(ran)]
        if ran.microseconds:
            beside = ", which leaves out what devices exchange" if item.plan.collectives else ""
            parts.append(f"{against(ran.microseconds, predicted)}{beside}")
        print(f"{printable(item.loaded.source.name)}: {state}: {', '.join(parts)}", flush=True)
    for finding in verdict.findings:
        print("\n".join(verify.describe(verdict.kernel, finding, marker(sys.stdout))))
    if not quiet:
        for found in times:
            print("\n".join(lines(found)))
        for note in verdict.notes:
            print(f"{verdict.kernel}: note: {note}")


def _compared(ran: Ran) -> Sequence[str]:
    """How far off the worst output is, as a part of what is allowed."""
    outputs = [output for output in ran.verdict.outputs if not output.stage and isfinite(output.part)]
    if not outputs:
        return []
    worst = max(outputs, key=lambda output: output.part)
    return [f"{worst.tensor} off by {worst.part:.0%} of what is allowed"]


def _as_json(ran: Ran, predicted: float, times: Sequence[DeviceTimes]) -> dict[str, Any]:
    """What `verify --json` has, and times; none where there were no timed runs."""
    from ttgen.cli.device_times import as_json, summary

    return {
        **verify.as_json(ran.verdict),
        "host_us": summary(ran.microseconds) if ran.microseconds else None,
        "predicted_host_us": round(predicted, 2),
        "programs": [as_json(item) for item in times],
    }
