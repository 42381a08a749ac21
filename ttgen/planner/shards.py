"""Shards: where they lie, which of them divide the work, and which operands are on their cores already."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ttgen.dtypes import TILE
from ttgen.errors import Path, Problem, SpecError, counted, listing, refuse
from ttgen.formula.values import Axes, Graph, Input, Shape, Value, spans, varies
from ttgen.model.grids import Coordinate, GridSize, Local, Part, ShardGrid
from ttgen.model.plan import BlockSize
from ttgen.planner.stages import Stage
from ttgen.planner.tensors import tiled
from ttgen.records import dataclass
from ttgen.spec import BlockLinear, CoreGrid, Schedule, ShardedLayout, Shards
from ttgen.target import Target


def _shard_grid(stage: Stage, tensor: str, block_n: int, target: Target) -> ShardGrid | None:
    """The shards of a tensor; None where it has none.

    In DRAM they are columns, a run a bank, of whole units, so that no unit needs two banks.
    """
    layout = stage.tensors[tensor].layout
    rows, cols = _matrix(stage.tensors[tensor].shape)
    if layout == "dram_sharded":
        units = -(-cols // block_n)
        width = min(cols, -(-units // target.dram.banks) * block_n)
        grid = GridSize(rows=1, cols=target.dram.banks)
        return ShardGrid(tiles=(rows, width), grid=grid, orientation="row_major")
    if not isinstance(layout, ShardedLayout):
        return None
    shards = layout.l1_sharded
    down, across = _counts(shards)
    return ShardGrid(
        tiles=(rows // down, cols // across),
        grid=GridSize(rows=shards.cores.rows, cols=shards.cores.cols),
        orientation=shards.orientation,
    )


def grids(stage: Stage, block: BlockSize, target: Target) -> Mapping[str, ShardGrid]:
    """The shards of every tensor that has some."""
    found = {name: _shard_grid(stage, name, block.n, target) for name in stage.tensors}
    return {name: shards for name, shards in found.items() if shards is not None}


def agreed(stages: Sequence[tuple[Stage, Mapping[str, ShardGrid]]]) -> Mapping[str, ShardGrid]:
    """The shards of all stages' tensors: a tensor lies in one way for all of them.

    Raises:
        SpecError: blocks of several widths, which want other columns of a tensor in a bank.
    """
    found: dict[str, ShardGrid] = {}
    for stage, grids in stages:
        for name, grid in grids.items():
            if found.setdefault(name, grid) != grid:
                text = (
                    f"stages with blocks of {found[name].tiles[1]} and {grid.tiles[1]} columns a bank read it: give "
                    "them one block.n, or use dram_interleaved"
                )
                raise refuse(text, *stage.tensors[name].path, "layout")
    return found


def _matrix(shape: Shape) -> tuple[int, int]:
    """Rows of tiles of all batches, and columns of tiles."""
    *rows, cols = tiled(shape)
    return math.prod(rows), cols


def _counts(shards: Shards) -> tuple[int, int]:
    """How many shards a tensor has down its rows and across its columns."""
    rows, cols = shards.cores.rows, shards.cores.cols
    match shards.split:
        case "height":
            return rows * cols, 1
        case "width":
            return 1, rows * cols
        case "block":
            return (rows, cols) if shards.orientation == "row_major" else (cols, rows)


_Use = Literal["left", "right", "tile"]
"""What a tensor is to a formula: the left or the right operand of its contraction, or tiles beside the output's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operand:
    """A sharded tensor, what it is to the formula first, and whether its rows and its columns are the output's.

    Where it is more than one thing, they make no difference: a left operand that its shards keep on their cores has
    whole rows there, and so have its tiles beside the output's. `divides_rows` is whether its rows of tiles, counted
    through batches, are the output's, or it has one.
    """

    tensor: str
    use: _Use
    sides: tuple[bool, bool]
    divides_rows: bool
    shards: ShardGrid
    in_dram: bool

    @property
    def is_broadcast(self) -> bool:
        """Whether it has one row or one column for all of the output's."""
        return self.use == "tile" and not all(self.sides)


def divide(stage: Stage, shards: Mapping[str, ShardGrid], block: BlockSize, target: Target) -> Local | None:
    """The division that shards make; None where none does.

    Those of the first output lead; or else of the first input, in the formula's order, that isn't broadcast; or else
    of the first that is.

    Raises:
        SpecError: shards that the device or the pattern can't have, or that a schedule or a block doesn't go with.
    """
    if not shards:
        return None
    problems = [*_impossible(stage, target), *_unusable(stage)]
    if problems:
        raise SpecError(problems)
    shape = tuple(axis.size for axis in stage.graph.work)
    outputs = [output.tensor for output in stage.graph.outputs]
    names = [name for name in (*outputs, *stage.graph.inputs) if name in shards]
    operands = [_operand(stage, name, shards[name]) for name in names]
    for lead in sorted(operands, key=lambda operand: operand.is_broadcast):
        parts = _led_parts(stage, lead, shape, target)
        if parts is None:
            continue
        resident = frozenset(other.tensor for other in operands if _is_resident(stage, other, parts))
        local = Local(lead=lead.tensor, parts=parts, resident=resident)
        split = [other for other in operands if other.tensor in resident]
        problems = [*_conflicts(stage, local), *_broken_units(stage, local, split, shape, block)]
        if problems:
            raise SpecError(problems)
        return local
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLines:
    """Lines that shards cut: each core has a part of its lines, beside the cores that have the rest of them.

    Attributes:
        local: the lines of each core, and whose shards stay where they are.
        cols: of the rectangle of cores that have lines together.
        rows: of it.
    """

    local: Local
    cols: int
    rows: int


def cut_lines(stage: Stage, shards: Mapping[str, ShardGrid], block: BlockSize) -> CutLines | None:
    """The division that shards make which cut rows that are reduced; None where they make none.

    They do where whole steps of lines lie on cores that make a rectangle, and nothing else is said.
    """
    graph = stage.graph
    if graph.along != 0 or block.m > 1 or stage.gives("policy") or stage.gives("cores"):
        return None
    stored = [(output.tensor, graph.values[output.value]) for output in graph.outputs]
    stored += [(value.tensor, value) for value in graph.values if isinstance(value, Input)]
    whole = [name for name, value in stored if graph.reduced in value.axes and name in shards]
    whole = [name for name in whole if isinstance(stage.tensors[name].layout, ShardedLayout)]
    if not whole:
        return None
    lead = whole[0]
    matrix, grid = _matrix(stage.tensors[lead].shape), shards[lead]
    across, size = matrix[1] // grid.tiles[1], grid.grid
    high = 1 if across == size.cols else size.rows
    if across == 1 or across != size.cols * high or grid.orientation != "row_major" or grid.tiles[1] % block.k:
        return None
    parts = {core: Part(row=part.row, rows=part.rows, col=0, cols=1) for core, part in grid.parts(*matrix)}
    lying = frozenset(name for name in whole if shards[name] == grid and _matrix(stage.tensors[name].shape) == matrix)
    return CutLines(local=Local(lead=lead, parts=parts, resident=lying), cols=size.cols, rows=high)


def check_shared(stage: Stage, target: Target) -> None:
    """Refuses shards that can't be, where cores share what they read: then any is read wherever it lies.

    Raises:
        SpecError: shards that the device can't have, or outputs in DRAM's banks.
    """
    problems = [*_impossible(stage, target), *_written_to_banks(stage)]
    if problems:
        raise SpecError(problems)


def _operand(stage: Stage, tensor: str, shards: ShardGrid) -> _Operand:
    use, value = _uses(stage.graph, tensor)[0]
    in_dram = stage.tensors[tensor].layout == "dram_sharded"
    # What varies along the lines of a reduction isn't cut there.
    whole = stage.graph.along if stage.graph.reduced in value.axes else None
    return _Operand(
        tensor=tensor,
        use=use,
        sides=(
            use != "right" and spans(value, stage.graph.work)[0] and whole != 1,
            use != "left" and spans(value, stage.graph.work)[1] and whole != 0,
        ),
        divides_rows=_divides_rows(value, stage.graph.work, use) and (whole is None or whole < 2),
        shards=shards,
        in_dram=in_dram,
    )


def _uses(graph: Graph, tensor: str) -> tuple[tuple[_Use, Value], ...]:
    """What a tensor is to the formula, its place in a contraction first."""
    found: list[tuple[_Use, Value]] = []
    for product in graph.contractions:
        left, right = graph.operands_of(graph.values[product])
        found += [("left", left)] if isinstance(left, Input) and left.tensor == tensor else []
        found += [("right", right)] if isinstance(right, Input) and right.tensor == tensor else []
    found += [
        ("tile", value)
        for index in graph.beside
        if isinstance(value := graph.values[index], Input) and value.tensor == tensor
    ]
    found += [("tile", graph.values[output.value]) for output in graph.outputs if output.tensor == tensor]
    return tuple(found)


def _impossible(stage: Stage, target: Target) -> Iterator[Problem]:
    """Shards that aren't whole tiles, or on cores that the device hasn't."""
    for tensor in stage.tensors.values():
        if not isinstance(tensor.layout, ShardedLayout):
            continue
        shards = tensor.layout.l1_sharded
        path: Path = (*tensor.path, "layout", "l1_sharded", "cores")
        for side, given, most in (
            ("rows", shards.cores.rows, target.grid.rows),
            ("cols", shards.cores.cols, target.grid.cols),
        ):
            if given > most:
                device = f"{target.name} has {target.grid.rows} rows and {target.grid.cols} cols"
                yield Problem(message=f"{given} {side} of cores; {device}", path=(*path, side))
        for what, tiles, parts in zip(("row", "column"), _matrix(tensor.shape), _counts(shards), strict=True):
            if tiles % parts:
                text = f"{counted(tiles, what)} of tiles for {parts} shards: a shard is a whole number of tiles"
                yield Problem(message=text, path=path)


def _written_to_banks(stage: Stage) -> Iterator[Problem]:
    """Outputs whose columns would be split by bank."""
    for output in stage.graph.outputs:
        tensor = stage.tensors[output.tensor]
        if tensor.layout == "dram_sharded":
            text = "dram_sharded is a layout of inputs: use dram_interleaved"
            yield Problem(message=text, path=(*tensor.path, "layout"))


def _unusable(stage: Stage) -> Iterator[Problem]:
    """Shards in places where the formula can't use them."""
    yield from _written_to_banks(stage)
    transposed = stage.graph.contraction is not None and stage.graph.contraction.transposed[1]
    for name, tensor in stage.tensors.items():
        path: Path = (*tensor.path, "layout")
        uses = [use for use, _value in _uses(stage.graph, name)]
        if tensor.layout == "dram_sharded":
            if "left" in uses:
                text = "dram_sharded splits columns, and each core needs all of a left operand's: use dram_interleaved"
                yield Problem(message=text, path=path)
            elif "right" in uses and transposed:
                text = "dram_sharded splits columns, which are K of a transposed operand: store it as K x N, without .T"
                yield Problem(message=text, path=path)
        elif isinstance(tensor.layout, ShardedLayout):
            if "right" in uses:
                needs, others = ("rows", "") if transposed else ("columns", "dram_sharded, ")
                text = (
                    f"the right operand of @ has no shards in L1: every core needs whole {needs} of it; use {others}"
                    "dram_interleaved or l1_interleaved"
                )
                yield Problem(message=text, path=path)
            elif "left" in uses and _counts(tensor.layout.l1_sharded)[1] > 1:
                split = tensor.layout.l1_sharded.split
                text = f"split {split} cuts the rows of the left operand of @, of which a unit needs all: use height"
                yield Problem(message=text, path=(*path, "l1_sharded", "split"))


def _divides_rows(value: Value, work: Axes, use: _Use) -> bool:
    """Whether rows of tiles, counted through batches, are the same in a tensor and in the output; or it has one row."""
    if use != "right" and spans(value, work)[0]:
        return all(varies(value, axis) for axis in work[:-2])
    return math.prod(value.shape[:-2]) == 1


def _along(part: Part, sides: tuple[bool, bool], rows: int, cols: int) -> Part:
    """What belongs to a part in a tensor of that many tiles that shares its rows, its columns, or both."""
    tall, wide = sides
    return Part(
        row=part.row if tall else 0,
        rows=part.rows if tall else rows,
        col=part.col if wide else 0,
        cols=part.cols if wide else cols,
    )


def _led_parts(stage: Stage, operand: _Operand, shape: Shape, target: Target) -> Mapping[Coordinate, Part] | None:
    """The part of the output that belongs to each shard; None where a shard has no such part."""
    own = stage.tensors[operand.tensor].shape
    held = tuple(operand.shards.parts(*_matrix(own)))
    if operand.in_dram:
        if stage.graph.reduced is not None or not operand.sides[1]:
            return None
        # A bank has whole columns.
        return {target.dram.readers[bank]: _along(part, (False, True), *_matrix(shape)) for (bank, _), part in held}
    if not any(operand.sides) or not operand.divides_rows:
        return None
    if stage.graph.reduced is not None and any(
        _along(part, operand.sides, *_matrix(own)) != part for _core, part in held
    ):
        return None  # a line is cut
    return {core: _along(part, operand.sides, *_matrix(shape)) for core, part in held}


def _is_resident(stage: Stage, operand: _Operand, parts: Mapping[Coordinate, Part]) -> bool:
    """Whether on each core the shard is what the core's part of the output needs of the tensor, no less and no more."""
    own = stage.tensors[operand.tensor].shape
    if operand.in_dram or not operand.divides_rows:
        return False
    held = dict(operand.shards.parts(*_matrix(own)))
    return all(held.get(core) == _along(part, operand.sides, *_matrix(own)) for core, part in parts.items())


def _conflicts(stage: Stage, local: Local) -> Iterator[Problem]:
    """Parts of a schedule that say something else than the shards."""
    schedule = stage.schedule
    assert isinstance(schedule, Schedule), "auto is refused before"
    whose = f"the shards of {local.lead} say which core makes which units"
    if stage.gives("policy"):
        text = f"policy {schedule.policy} conflicts with a layout: {whose}; leave 'policy' out"
        yield Problem(message=text, path=(*stage.path, "policy"))
    if isinstance(schedule.order, BlockLinear) or schedule.order == "zigzag":
        what = "zigzag conflicts" if schedule.order == "zigzag" else "panels conflict"
        text = f"{what} with a layout: {whose}, row by row; use row_major or column_major"
        yield Problem(message=text, path=(*stage.path, "order"))
    cores = schedule.cores
    corner = max(x for x, _y in local.parts) + 1, max(y for _x, y in local.parts) + 1
    count = cores.rows * cores.cols if isinstance(cores, CoreGrid) else cores
    same_grid = not isinstance(cores, CoreGrid) or (cores.cols, cores.rows) == corner
    if cores is not None and not (count == len(local.parts) and same_grid):
        text = f"other cores than those of a layout: {whose}, on {counted(len(local.parts), 'core')}; leave 'cores' out"
        yield Problem(message=text, path=(*stage.path, "cores"))


def _broken_units(
    stage: Stage, local: Local, split: Sequence[_Operand], shape: Shape, block: BlockSize
) -> Iterator[Problem]:
    """Blocks that cross the end of a shard on which buffers lie, or of a batch in it."""
    part, height = local.part, tiled(shape)[-2]
    reduced = stage.graph.reduced
    if reduced is not None and split and -(-reduced.size // TILE) % block.k:
        tiles = -(-reduced.size // TILE)
        fit = max(divisor for divisor in range(1, block.k) if tiles % divisor == 0)
        where = f"lines of {split[0].tensor} in its shards do, of {tiles}"
        text = f"steps of {block.k} tiles don't end where {where}: use {fit}"
        yield Problem(message=text, path=(*stage.path, "block", "k"))
    for axis, side, given, size in (
        (0, "m", block.m, math.gcd(part.rows, height)),
        (1, "n", block.n, part.cols),
    ):
        names = sorted(operand.tensor for operand in split if operand.sides[axis])
        if names and size % given:
            divisors = [divisor for divisor in range(1, size + 1) if size % divisor == 0]
            fits = [max(fit for fit in divisors if fit < given), *[fit for fit in divisors if fit > given][:1]]
            ends = "shards and batches" if axis == 0 and size < part.rows else "shards"
            what = ("row", "column")[axis]
            text = (
                f"blocks of {given} {what}s of tiles don't end where {ends} of {names[0]} do, every "
                f"{what if size == 1 else f'{size} {what}s'}: use {listing(map(str, fits))}"
            )
            yield Problem(message=text, path=(*stage.path, "block", side))
