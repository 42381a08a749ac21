"""How the parts of a program's time follow from what its kernels and DRAM take: docs/cost.md has the formulas."""

from __future__ import annotations

from typing import NamedTuple


class Beats(NamedTuple):
    """Cycles until a block is there, from block to block, from unit to unit, and of what goes out between units."""

    brought: float
    step: float
    turn: float
    out: float


def beats(
    *,
    rounds: int,
    computed: float,
    fed: float,
    read: float,
    drained: float,
    turns: tuple[int, float, float] | None,
    overlaps: bool,
) -> Beats:
    """How a core's kernels keep each other waiting.

    Args:
        rounds: blocks that a core brings.
        computed: cycles of its compute kernel.
        fed: of the longest round.
        read: of all that cores read from DRAM.
        drained: of all that it, or that DRAM, writes.
        turns: where one kernel both brings and writes: units, the cycles of its round, and of the others' longest.
        overlaps: whether the next block comes while one is worked on.
    """
    brought, one = max(fed, read / rounds), computed / rounds
    # A kernel that brings and takes waits for the last step of a unit, and brings nothing while it writes.
    units, own, others = (1, 0.0, 0.0) if turns is None else turns
    step = max(one, brought) if turns is not None else max(one, brought, drained / rounds)
    if not overlaps:
        step = max(step, one + brought)
    out = drained / units
    # Others bring their blocks of the next unit meanwhile; nothing comes faster than DRAM gives it.
    turn = 0.0 if turns is None else max(out + own, others, read / rounds)
    return Beats(brought, step, turn, out)


def fill_steps_turns_tail(
    *,
    rounds: int,
    computed: float,
    first: float,
    fed: float,
    read: float,
    drained: float,
    drains: int,
    turns: tuple[int, float, float] | None,
    received: float,
    overlaps: bool,
) -> tuple[float, float, float, float]:
    """Cycles until the first block is there, of all steps, between units, and of the last block's way out.

    Args:
        rounds: blocks that a core brings.
        computed: cycles of its compute kernel.
        first: of what it reads before its first round.
        fed: of the longest round.
        read: of all that cores read from DRAM.
        drained: of all that it, or that DRAM, writes.
        drains: blocks that it writes.
        turns: where one kernel both brings and writes: units, the cycles of its round, and of the others' longest.
        received: of what other cores send to it.
        overlaps: whether the next block comes while one is worked on.
    """
    beat = beats(rounds=rounds, computed=computed, fed=fed, read=read, drained=drained, turns=turns, overlaps=overlaps)
    units = 1 if turns is None else turns[0]
    steps = (rounds - units) * beat.step + units * (computed / rounds)
    return first + beat.brought, steps, (units - 1) * beat.turn + received, drained / drains
