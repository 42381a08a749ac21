"""Shows what is decided for a spec and why, what each core does, what it costs, and what the cost model says of it.

What is predicted follows the formulas of docs/cost.md. Where `schedule: auto` would be more than 1.3 times faster, it
is said, unless more than sixteen specs are named.

--trace writes when each engine of each core does what, for https://ui.perfetto.dev; --npe writes what goes over the
NoCs, for Tenstorrent's tt-npe. Both are predictions too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ttgen.cli import pictures, specs, terminal
from ttgen.cli.main import OK, USER_ERROR, print_document
from ttgen.cost import predict
from ttgen.errors import OutputError, counted, printable
from ttgen.model.mesh import Placement
from ttgen.model.plan import Program, Tensor
from ttgen.planner.advice import gain
from ttgen.planner.candidate import Planned
from ttgen.rendering.plan_json import plan_json
from ttgen.results import WORTH, in_words
from ttgen.target import load as load_target

EXAMPLES: Final = """\
  ttgen plan specs/linear_relu.yaml
  ttgen plan --json specs/gemm.yaml > plan.json
  ttgen plan -q specs/gemm.yaml --trace gemm.pftrace --npe gemm.npe.json
"""
_TRACE: Final = b"\n"
"""How a trace begins: with the tag of its first packet."""
_WORKLOAD: Final = b'{"phases": ['
"""How a workload begins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print tt.plan.json instead")
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="write the predicted schedule of a spec as a trace for Perfetto"
    )
    parser.add_argument(
        "--npe", type=Path, metavar="FILE", help="write the NoC traffic of a spec as a workload for tt-npe (.json)"
    )


def run(options: argparse.Namespace) -> int:
    """Prints a plan."""
    planned, wrong = specs.planned_all(options.specs)
    if (options.trace or options.npe) and len(planned) + wrong > 1:
        raise OutputError("--trace and --npe write what one spec does: name one")
    few = len(planned) <= specs.MOST_SEARCHED
    for item in planned:
        if options.json and not options.quiet:
            print_document(plan_json(item.plan))
        elif not options.quiet:
            print("\n".join(terminal.fitted(_described(item, search=few))))
        for line in _written(item, options):
            if not (options.json or options.quiet):
                print(line)
    return USER_ERROR if wrong else OK


def _described(item: Planned, *, search: bool) -> Iterator[str]:
    """The lines of a plan for people, and of what is predicted of it."""
    plan, target = item.plan, load_target(item.plan.target.device)
    yield f"{plan.kernel}: {'; '.join(plan.compute)}"
    yield f"{plan.target.device} ({plan.target.arch}): {', '.join(specs.headline(plan))}"
    yield ""
    yield from _tensors(plan.tensors)
    yield ""
    yield "decisions"
    names = max(len(decision.name) for decision in plan.decisions)
    values = max(len(decision.value) for decision in plan.decisions)
    for decision in plan.decisions:
        yield f"  {decision.name:{names}}  {decision.value:{values}}  {decision.origin:7}  {decision.because}"
    for program, candidate in zip(plan.programs, item.programs, strict=True):
        yield ""
        if len(plan.programs) > 1:
            yield f"program {program.name} ({program.pattern})"
            yield ""
        yield from _buffers(program)
        yield from pictures.l1_bar(program)
        yield ""
        yield from _costs(program)
        yield ""
        yield from pictures.time_bar(predict(candidate, target))
        yield ""
        yield from pictures.heat_map(program, target.grid)
    if search and (faster := in_words(gain(item.loaded, item.programs, worth=WORTH))):
        yield ""
        yield f"schedule: {faster}, by the cost model"


def _written(item: Planned, options: argparse.Namespace) -> Iterator[str]:
    """Writes what is asked for; says what was written."""
    if not (options.trace or options.npe):
        return
    from ttgen.timeline.npe import workload
    from ttgen.timeline.perfetto import trace
    from ttgen.timeline.schedule import schedules
    from ttgen.timeline.traffic import transfers

    plan, target = item.plan, load_target(item.plan.target.device)
    found = schedules(item.programs, [program.name for program in plan.programs], target)
    if options.trace:
        _write(options.trace, trace(plan.kernel, found, target), _TRACE)
        yield f"{printable(str(options.trace))}: written, for https://ui.perfetto.dev"
    if options.npe:
        moved = (
            transfers(plan, program, schedule, target) for program, schedule in zip(plan.programs, found, strict=True)
        )
        _write(options.npe, workload(moved, target).encode(), _WORKLOAD)
        yield f"{printable(str(options.npe))}: written, for tt-npe"


def _write(path: Path, data: bytes, beginning: bytes) -> None:
    """Writes a file, over an earlier one of its kind but over nothing else."""
    try:
        if path.exists() and path.read_bytes()[: len(beginning)] not in (beginning, b""):
            raise OutputError(f"{path}: exists, and is none of these; move it away, or choose another name")
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None


def _tensors(tensors: tuple[Tensor, ...]) -> Iterator[str]:
    yield "tensors"
    roles = max(len(tensor.role) for tensor in tensors)
    for tensor in tensors:
        shape, tiles = ("x".join(str(size) for size in sizes) for sizes in (tensor.shape, tensor.tiles))
        stored = "x".join(str(size) for size in tensor.stored_shape)
        text = f"  {tensor.role:{roles}}  {tensor.name:8}  {shape} {tensor.dtype}, {tiles} tiles"
        text += "" if tensor.in_dram else " in L1"
        if tensor.shards is not None:
            rows, cols = tensor.shards.tiles
            places = "core" if tensor.layout != "dram_sharded" else "bank"
            text += f", {rows}x{cols} a {places}"
        text += "" if stored == shape else f", stored as {stored}"
        yield text if tensor.mesh is None else f"{text}; {_placed(tensor.mesh)}"


def _placed(placement: Placement) -> str:
    """How a tensor lies on a mesh."""
    sides = (("rows", placement.rows), ("columns", placement.cols))
    found = [
        f"a sum of its own over {side}" if part == "partial" else f"a part of axis {part} over {side}"
        for side, part in sides
        if part is not None
    ]
    return f"each device has {' and '.join(found) or 'all'}"


def _buffers(program: Program) -> Iterator[str]:
    yield "circular buffers of a core"
    resident, guests, letters = program.resident(), program.guests(), pictures.buffer_letters(program)
    for buffer in program.circular_buffers:
        size = buffer.pages * buffer.page_bytes
        pages = counted(buffer.pages, "page")
        letter = letters.get(guests.get(buffer.name, buffer.name), "T")
        text = f"  {letter} {buffer.index:2}  {buffer.name:12}  {pages:8} of {buffer.page_bytes} B, {buffer.dtype}"
        text += f" = {size:,} B"
        if buffer.name in resident:
            text += f", the shard of {resident[buffer.name]}"
        yield f"{text}, those of {guests[buffer.name]}" if buffer.name in guests else text
    own = sum(buffer.pages * buffer.page_bytes for buffer in program.circular_buffers if buffer.name in letters)
    if tensors := program.l1.bytes - own:
        yield f"  T and {tensors:,} B of tensors in L1"


def _costs(program: Program) -> Iterator[str]:
    cost = program.cost
    yield "cost of all cores"
    yield f"  {cost.flops:,} operations on logical elements, {cost.tile_products:,} tile products"
    yield f"  DRAM: {cost.dram_read_bytes:,} B read, {cost.dram_write_bytes:,} B written; NoC: {cost.noc_bytes:,} B"
