"""What data-movement kernels do for lines of tiles: their pages, step by step, and what is the same for all lines."""

from __future__ import annotations

from collections.abc import Sequence

from ttgen.formula.values import Input, Value, matrix
from ttgen.model.body import (
    Body,
    If,
    Loop,
    Pop,
    Push,
    ReadBarrier,
    ReadPage,
    Reserve,
    Wait,
    WriteBarrier,
    WritePage,
    names_in,
    needed,
)
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, mul, product
from ttgen.model.tiles import ReadRow
from ttgen.patterns.along import FIRST_TILE, KT, is_one_by_one, line_pages, step_lets, steps, tiles
from ttgen.patterns.context import Context
from ttgen.patterns.contraction import DEPTH, FIRST_K, STEP, K
from ttgen.patterns.exchange import exchanged
from ttgen.patterns.held import Places
from ttgen.patterns.kernels import unit_loop_of
from ttgen.patterns.pages import COL, ROW, batch_index
from ttgen.patterns.passes import Passes
from ttgen.patterns.units import BLOCK_K, COLS, FIRST_COL, FIRST_ROW, PART, ROWS, Y_TRIP, X, Y, Z


class Moving:
    """Pages of a line, and the loops over lines."""

    def __init__(self, context: Context, passes: Passes, places: Places) -> None:
        self.context, self.passes, self.places = context, passes, places
        self.one = is_one_by_one(context)
        # The place of a line where the part of a core begins.
        self.first = FIRST_TILE if context.split > 1 else ZERO
        # Lines that cores have in parts are units.
        self.blocked = context.block.m * context.block.n > 1

    @property
    def line(self) -> Index:
        """The number of a line, of those that a core has a part of: lines are units there."""
        return Var("i") if self.context.local is None else Y_TRIP

    def is_resident(self, index: int) -> bool:
        """Whether an input's shards are what their cores need of it."""
        return self.places.cbs[index] in self.places.resident

    def for_units(self, body: Body) -> Body:
        """The units of a core, around what is done for each line; nothing where that is nothing."""
        return (unit_loop_of(self.context, self.over_lines(body)),) if body else ()

    def over_lines(self, body: Body) -> Body:
        """The lines of a unit, around what is done for each."""
        if not self.blocked or not body:
            return body
        if self.passes.line != "row":
            body = (Loop(var=COL.name, extent=COLS, body=body),)
        if self.passes.line != "col":
            body = (Loop(var=ROW.name, extent=ROWS, body=body),)
        return body

    def page(self, value: Value, place: Index) -> Index:
        """The page of a tensor at a place along the line."""
        line, context = self.passes.line, self.context
        axis = self.passes.axis
        whole = axis in value.axes
        rows, cols = matrix(value.axes)
        row, col = (add(FIRST_ROW, ROW), add(FIRST_COL, COL)) if self.blocked else (Y, X)

        def along(dim: str, own: Index, tiles: Index) -> tuple[Index, Index]:
            """The place along a dimension of tiles, and how many there are."""
            if dim == line:
                return (place, KT) if whole else (ZERO, ONE)
            size = {"col": rows, "row": cols}[dim]
            return (own, tiles) if size is not None and size.size > 1 else (ZERO, ONE)

        (at_row, _high), (at_col, wide) = along("col", row, Var("Mt")), along("row", col, Var("Nt"))
        high = _high
        work = context.graph.work
        if all(other.size == 1 or other == axis for other in value.axes):
            batch: Index = place if line == "batch" and whole else ZERO
        elif line != "batch":
            batch = batch_index(value, work)
        else:
            dim = next(dim for dim, other in enumerate(work) if other.name == axis.name)
            before, after = work[:dim], work[dim + 1 : -2]
            inner = product(*(Var(f"batch_{number}") for number in range(dim + 1, len(work) - 2)))
            outer = batch_index(value, (*before, *work[-2:]), z=floor_div(Z, inner))
            within = batch_index(
                value, (*after, *work[-2:]), z=Expr("%", Z, inner) if after and before else Z, first=dim + 1
            )
            stride = product(
                *(
                    Var(f"batch_{dim + 1 + number}")
                    for number, other in enumerate(after)
                    if other in value.axes and other.size > 1
                )
            )
            batch = add(mul(add(mul(outer, KT), place) if whole else outer, stride), within)
        return add(mul(add(mul(batch, high), at_row), wide), at_col)

    def along(self, body: Body) -> Body:
        """A loop over the steps of a line."""
        if self.one:
            return (Loop(var=K.name, extent=KT, body=body),)
        lets = needed(step_lets(self.context), names_in(body))
        return (Loop(var=STEP.name, extent=steps(self.context), body=(*lets, *body)),)

    def tiles(self, statement: ReadPage | ReadRow | WritePage) -> ReadPage | ReadRow | WritePage | Loop:
        """A page of each tile of a step."""
        return statement if self.one else Loop(var=K.name, extent=DEPTH, body=(statement,))

    def reads(self) -> Body:
        """What the reader does for a line."""
        passes, cbs = self.passes, self.places.cbs
        found: list[Body] = []
        flat = [index for index in passes.inputs if not passes.is_whole(index) and not passes.is_read_once(index)]
        if flat:
            found.append((
                *(Reserve(cb=cbs[index]) for index in flat),
                *(self.read(index, ZERO, ZERO) for index in flat),
                ReadBarrier(),
                *(Push(cb=cbs[index]) for index in flat),
            ))  # fmt: skip
        seen: set[int] = set()
        place, slot = (K, ZERO) if self.one else (add(FIRST_K, K), K)
        pages = ONE if self.one else BLOCK_K
        for number in range(1, len(passes.walks) + 1):
            reads = [
                index
                for index in passes.reads_of(number)
                if not (passes.is_read_once(index) or self.is_resident(index))
                and (passes.keep == "nothing" or index not in seen)
            ]
            seen.update(reads)
            if reads:
                found.append(self.along((
                    *(Reserve(cb=cbs[index], pages=pages) for index in reads),
                    *(self.tiles(self.read(index, place, slot)) for index in reads),
                    ReadBarrier(),
                    *(Push(cb=cbs[index], pages=pages) for index in reads),
                )))  # fmt: skip
        return tuple(item for body in found for item in body)

    def read(self, index: int, place: Index, slot: Index) -> ReadPage | ReadRow:
        """Begins to read a page of an input, or of it the row that is broadcast."""
        value = self.passes.graph.values[index]
        assert isinstance(value, Input), "inputs are read"
        page, cb = self.page(value, add(self.first, place)), self.places.cbs[index]
        if self.is_row(value):
            return ReadRow(tensor=value.tensor, page=page, cb=cb, slot=slot)
        return ReadPage(tensor=value.tensor, page=page, cb=cb, slot=slot)

    def is_row(self, value: Input) -> bool:
        """Whether an input has one row for all of a tile, which is broadcast."""
        rows, _cols = matrix(value.axes)
        others, _width = matrix(self.context.graph.work)
        tall = self.passes.line == "col" or (others is not None and others.size > 1)
        in_bytes = self.context.dtypes[value.tensor] in ("bfloat16", "float32")
        return (rows is None or rows.size == 1) and tall and in_bytes

    def read_once(self, inputs: Sequence[int]) -> Body:
        """Reads what is the same for all lines."""
        found: list[Body] = []
        for index in inputs:
            cb = self.places.cbs[index]
            if self.passes.is_whole(index):
                loop = Loop(var=K.name, extent=tiles(self.context), body=(self.read(index, K, K),))
                pages = KT if self.one else line_pages(self.context)
                found.append((Reserve(cb=cb, pages=pages), loop, ReadBarrier(), Push(cb=cb, pages=pages)))
            else:
                found.append((Reserve(cb=cb), self.read(index, ZERO, ZERO), ReadBarrier(), Push(cb=cb)))
        return tuple(item for body in found for item in body)

    def writes(self) -> Body:
        """What the writer does for a line: flat outputs in the order of their walks, then whole ones."""
        passes = self.passes
        stores = [output for output in passes.graph.outputs if output.tensor not in self.places.resident]
        found: list[Body] = []
        for number, one in enumerate(passes.walks, 1):
            if number in self.places.gathered:
                found.append(exchanged(self.places.gathered[number], self.line))
            for flat in one.flats:
                for output in (output for output in stores if output.value == flat):
                    page = self.page(passes.graph.values[flat], ZERO)
                    write: Body = (WritePage(tensor=output.tensor, page=page, cb=output.tensor), WriteBarrier())
                    if self.context.split > 1:
                        # All cores of a line know it, and one says so.
                        write = (If(left=PART, relation="==", right=ZERO, then=write),)
                    found.append((Wait(cb=output.tensor), *write, Pop(cb=output.tensor)))
        whole = [output for output in stores if passes.is_whole(output.value)]
        place, slot = (K, ZERO) if self.one else (add(FIRST_K, K), K)
        pages = ONE if self.one else BLOCK_K
        if whole:
            found.append(self.along((
                *(Wait(cb=output.tensor, pages=pages) for output in whole),
                *(
                    self.tiles(WritePage(
                        tensor=output.tensor,
                        page=self.page(passes.graph.values[output.value], add(self.first, place)),
                        cb=output.tensor, slot=slot,
                    ))
                    for output in whole
                ),
                WriteBarrier(),
                *(Pop(cb=output.tensor, pages=pages) for output in whole),
            )))  # fmt: skip
        return tuple(item for body in found for item in body)
