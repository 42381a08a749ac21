"""Loops over the tiles of a line, or of a core's part of it: all at once, or step by step where tiles move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ttgen.model.body import Body, If, Let, Loop, Pop, Push, Reserve, Statement, Wait, names_in, needed
from ttgen.model.index import ONE, ZERO, Expr, Index, Var, add, floor_div, least, mul, sub
from ttgen.patterns.context import Context
from ttgen.patterns.contraction import DEPTH, FIRST_K, STEP, K
from ttgen.patterns.units import BLOCK_K, CORE_X, CORE_Y, PART, PARTS
from ttgen.records import dataclass

KT: Final = Var("Kt")
GROUP_COLS, GROUP_ROWS = Var("group_cols"), Var("group_rows")
"""The rectangle of cores that have a line together."""
GROUP_X, GROUP_Y = Var("group_x"), Var("group_y")
"""Its first core."""
FIRST_TILE, PART_TILES = Var("first_tile"), Var("part_tiles")
_K_BLOCKS, _PART_BLOCKS = Var("k_blocks"), Var("part_blocks")
_WHOLE, _WHOLE_TILES = Var("whole"), Var("whole_tiles")

TileBody = Callable[[Index, Index], Body]
"""What is done with a tile, by its place in the line and its place in the step."""


@dataclass(frozen=True, slots=True)
class Each:
    """What is done with each tile of a line.

    Attributes:
        tile: with a tile.
        final: with the last one of the line, if that is something else.
        after: when a loop over tiles is through.
        fills: whether it packs a page a tile, and so goes on to the end of the last step: what is pushed was packed.
    """

    tile: TileBody
    final: TileBody | None = None
    after: Body = ()
    fills: bool = False


def tiles(context: Context) -> Index:
    """The tiles of a line that a core has."""
    return PART_TILES if context.split > 1 else KT


def steps(context: Context) -> Index:
    """The steps of a line; of parts the most that any has, so that all hand over the same."""
    return _PART_BLOCKS if context.split > 1 else _K_BLOCKS


def line_pages(context: Context) -> Index:
    """The pages of a line in a buffer: whole steps."""
    return mul(steps(context), BLOCK_K)


def is_one_by_one(context: Context) -> bool:
    """Whether a step is a tile, and all of them are inside."""
    return context.block.k == 1 and context.split == 1


def step_lets(context: Context) -> tuple[Let, ...]:
    """The tiles of a step: the first, and how many there are; none in a step that only other parts have."""
    first = mul(STEP, BLOCK_K)
    return (
        Let(name=FIRST_K.name, index=least(first, PART_TILES) if context.split > 1 else first),
        Let(name=DEPTH.name, index=least(BLOCK_K, sub(tiles(context), FIRST_K))),
    )


def in_part(context: Context, body: Body) -> Body:
    """A kernel that knows which part of a line its core has: whole steps, as even as they come."""
    if context.split == 1:
        return body
    rank = add(mul(Expr("%", CORE_Y, GROUP_ROWS), GROUP_COLS), Expr("%", CORE_X, GROUP_COLS))
    until = least(mul(floor_div(mul(add(PART, ONE), _K_BLOCKS), PARTS), BLOCK_K), KT)
    lets = (
        Let(name=GROUP_X.name, index=sub(CORE_X, Expr("%", CORE_X, GROUP_COLS))),
        Let(name=GROUP_Y.name, index=sub(CORE_Y, Expr("%", CORE_Y, GROUP_ROWS))),
        Let(name=PART.name, index=rank),
        Let(name=FIRST_TILE.name, index=mul(floor_div(mul(PART, _K_BLOCKS), PARTS), BLOCK_K)),
        Let(name="until_tile", index=until),
        Let(name=PART_TILES.name, index=sub(Var("until_tile"), FIRST_TILE)),
        Let(name=_WHOLE_TILES.name, index=sub(least(Var("until_tile"), sub(KT, ONE)), FIRST_TILE)),
    )
    used = names_in(body)
    return (*needed(lets, used), *body)


def along(
    context: Context,
    each: Sequence[Each],
    *,
    arriving: Sequence[str] = (),
    streams: bool = False,
    reserved: Sequence[str] = (),
    by_step: bool = False,
    note: str = "",
) -> Body:
    """Loops over the tiles of a line, step by step where something is handed over.

    Args:
        context: the tiles of a step, and the part of a line that a core has.
        each: what is done with a tile, one after the other.
        arriving: buffers of inputs that come while it runs.
        streams: whether those go again, step by step; otherwise all of a line stays.
        reserved: buffers that it packs to.
        by_step: whether those are handed over step by step; otherwise all of the line at once.
        note: what the loop is for.
    """
    one = is_one_by_one(context)
    until = add(K, ONE) if one else mul(add(STEP, ONE), BLOCK_K)
    pages = ONE if one else BLOCK_K
    around: list[Statement] = [Reserve(cb=cb, pages=line_pages(context)) for cb in reserved if not by_step]
    behind: list[Statement] = [Push(cb=cb, pages=line_pages(context)) for cb in reserved if not by_step]
    before: list[Statement] = [Wait(cb=cb, pages=pages if streams else until) for cb in arriving]
    before += [Reserve(cb=cb, pages=pages) for cb in reserved if by_step]
    after: list[Statement] = [Push(cb=cb, pages=pages) for cb in reserved if by_step]
    after += [Pop(cb=cb, pages=pages) for cb in arriving if streams]
    if not (before or after):
        loops = _at_once(context, each, note)
    elif one:
        loops = _one_by_one(each, before, after, arriving, streams=streams, note=note)
    else:
        loops = _in_steps(context, each, before, after, streams=streams, note=note)
    return (*around, *loops, *behind)


def _at_once(context: Context, each: Sequence[Each], note: str) -> Body:
    """All tiles are there."""
    found: list[Statement] = []
    for item in each:
        extent = tiles(context) if item.final is None else _but_last(context)
        if item.fills and not is_one_by_one(context):
            extent = line_pages(context)
        # A line of one tile has none before the last.
        apart = item.final is not None
        found.append(Loop(var=K.name, extent=extent, body=item.tile(K, K), may_be_empty=apart, note=note))
        found += (*_finally(context, item, _last(context)), *item.after)
    return tuple(found)


def _one_by_one(
    each: Sequence[Each], before: Sequence[Statement], after: Sequence[Statement], arriving: Sequence[str], *,
    streams: bool, note: str,
) -> Body:  # fmt: skip
    """A tile a step. What streams goes through one loop, as the reader does; else the last tile may be apart."""
    last = sub(KT, ONE)
    apart = not streams and any(item.final for item in each)
    slot: Index = ZERO if streams else K
    inner: list[Statement] = []
    for item in each:
        made = item.tile(K, slot)
        if item.final and streams:
            made = (If(left=K, relation="==", right=last, then=item.final(last, slot), otherwise=made),)
        inner += (*made, *item.after)
    body = (*before, *inner, *after)
    loop = Loop(var=K.name, extent=last if apart else KT, body=body, may_be_empty=apart, note=note)
    if not apart:
        return (loop,)
    rest = [made for item in each for made in (*(item.final or item.tile)(last, last), *item.after)]
    return (loop, *(Wait(cb=cb, pages=KT) for cb in arriving), *rest)


def _in_steps(
    context: Context, each: Sequence[Each], before: Sequence[Statement], after: Sequence[Statement], *, streams: bool,
    note: str,
) -> Body:  # fmt: skip
    """Some tiles a step."""
    inner: list[Statement] = []
    rest: list[Statement] = []
    last = _last(context)
    for item in each:
        extent = BLOCK_K if item.fills else DEPTH if item.final is None else _WHOLE
        # In a step that only other parts have there are none.
        some = item.fills or (item.final is None and context.split == 1)
        inner.append(Loop(var=K.name, extent=extent, body=item.tile(add(FIRST_K, K), K), may_be_empty=not some))
        if streams and item.final:
            then = _finally(context, item, last, sub(last, FIRST_K))
            inner.append(If(left=STEP, relation="==", right=_last_step(context), then=then))
        else:
            rest += _finally(context, item, last)
            rest += item.after if item.final else ()
        inner += item.after
    body = (*before, *inner, *after)
    # The last part has as many steps as any: none of them begins beyond what is whole.
    whole = Let(name=_WHOLE.name, index=least(BLOCK_K, sub(_but_last(context), FIRST_K)))
    lets = needed((*step_lets(context), whole), names_in(body))
    return (Loop(var=STEP.name, extent=steps(context), body=(*lets, *body), note=note), *rest)


def _last(context: Context) -> Index:
    """The place of a core's last tile."""
    return sub(tiles(context), ONE)


def _but_last(context: Context) -> Index:
    """A core's tiles without the last one of the line."""
    return _WHOLE_TILES if context.split > 1 else sub(KT, ONE)


def _last_step(context: Context) -> Index:
    """The step that a core's last tile is in."""
    return floor_div(sub(PART_TILES, ONE), BLOCK_K) if context.split > 1 else sub(_K_BLOCKS, ONE)


def _finally(context: Context, item: Each, last: Index, k: Index | None = None) -> Body:
    """What is done with the last tile of a line, by the core that has it; `k` is its place in the step."""
    if item.final is None:
        return ()
    body = item.final(last, last if k is None else k)
    return (If(left=PART, relation="==", right=sub(PARTS, ONE), then=body),) if context.split > 1 else body
