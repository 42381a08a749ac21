"""Shows what is decided for a spec and why, what each core does, and what it costs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from ttgen.cli import specs, terminal
from ttgen.cli.main import OK, USER_ERROR, print_document
from ttgen.errors import counted
from ttgen.model.plan import Plan, Program, Tensor
from ttgen.rendering.plan_json import plan_json
from ttgen.target import Grid
from ttgen.target import load as load_target

EXAMPLES: Final = """\
  ttgen plan specs/linear_relu.yaml
  ttgen plan --json specs/gemm.yaml > plan.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print tt.plan.json instead")


def run(options: argparse.Namespace) -> int:
    """Prints a plan."""
    planned, wrong = specs.plan_all(options.specs)
    for _loaded, plan in planned:
        if options.quiet:
            continue
        if options.json:
            print_document(plan_json(plan))
        else:
            print("\n".join(terminal.fitted(describe(plan))))
    return USER_ERROR if wrong else OK


def describe(plan: Plan) -> Iterator[str]:
    """The lines of a plan for people."""
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
    for program in plan.programs:
        yield ""
        if len(plan.programs) > 1:
            yield f"program {program.name} ({program.pattern})"
            yield ""
        yield from _buffers(program)
        yield ""
        yield from _costs(program)
        yield ""
        yield from _grid(program, load_target(plan.target.device).grid)


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
        yield text if stored == shape else f"{text}, stored as {stored}"


def _buffers(program: Program) -> Iterator[str]:
    yield "circular buffers of a core"
    resident = program.resident()
    own = 0
    for buffer in program.circular_buffers:
        size = buffer.pages * buffer.page_bytes
        pages = counted(buffer.pages, "page")
        text = f"  {buffer.index:2}  {buffer.name:12}  {pages:8} of {buffer.page_bytes} B, {buffer.dtype} = {size:,} B"
        own += 0 if buffer.name in resident else size
        yield f"{text}, the shard of {resident[buffer.name]}" if buffer.name in resident else text
    if tensors := program.l1.bytes - own:
        yield f"  and {tensors:,} B of tensors in L1"
    yield f"  L1: {program.l1.bytes:,} of {program.l1.limit:,} B"


def _costs(program: Program) -> Iterator[str]:
    cost = program.cost
    yield "cost of all cores"
    yield f"  {cost.flops:,} operations on logical elements, {cost.tile_products:,} tile products"
    yield f"  DRAM: {cost.dram_read_bytes:,} B read, {cost.dram_write_bytes:,} B written; NoC: {cost.noc_bytes:,} B"


def _grid(program: Program, grid: Grid) -> Iterator[str]:
    """Units of each core, as the cores lie; a dot is a core without work."""
    units = {core: program.units_of(values) for core, values in program.cores()}
    rows, cols = grid.rows, grid.cols
    width = max(len(str(value)) for value in units.values())
    yield "units of each core (rows are core y, columns core x; . has no work)"
    for y in range(rows):
        cells = [f"{units.get((x, y), '.'):>{width}}" for x in range(cols)]
        yield f"  {y:>2} | {' '.join(cells)}"
