"""The destination registers: slots are alive when used, never beyond what the target has, zero where they must be."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ttgen.analysis.errors import ProofError
from ttgen.model.body import Body, Dst, Init, Loop, Op, Pack, Reconfigure, Section, children
from ttgen.operations import OPERATIONS


def check(body: Body, *, slots: int, bits: Literal[16, 32], to_dst: Collection[str], exact: Collection[str]) -> None:
    """Proves every section of a compute kernel.

    Args:
        body: the kernel.
        slots: tiles that DST holds.
        bits: its width.
        to_dst: buffers that are unpacked to DST in float32, which the FPU can't read.
        exact: buffers that hold float32 values, which have to be.

    Raises:
        ProofError: naming the operation and the slot.
    """
    for statement in body:
        match statement:
            case Section(math=math, pack=pack):
                written: dict[int, str] = {}
                for inner in _straight(math):
                    _check_op(inner, written, slots=slots, bits=bits, to_dst=to_dst, exact=exact)
                for packed in pack:
                    if isinstance(packed, Pack) and packed.dst not in written:
                        raise ProofError(f"slot {packed.dst} is packed to {packed.cb} and holds nothing")
            case Op() | Pack():
                raise ProofError(f"{statement.kind} outside a section")
            case _:
                for nested in children(statement):
                    check(nested, slots=slots, bits=bits, to_dst=to_dst, exact=exact)


def _straight(math: Body) -> list[Op]:
    """The operations of a section; of a loop, two trips, so that what one trip leaves meets the next."""
    found: list[Op] = []
    for statement in math:
        match statement:
            case Op():
                found.append(statement)
            case Loop(body=inner):
                found += 2 * _straight(inner)
            case Init() | Reconfigure():
                pass
    return found


def _check_op(
    op: Op,
    written: dict[int, str],
    *,
    slots: int,
    bits: Literal[16, 32],
    to_dst: Collection[str],
    exact: Collection[str],
) -> None:
    operation = OPERATIONS[op.name]
    if len(op.sources) != len(operation.sources):
        raise ProofError(f"{op.name} has {len(op.sources)} sources")
    used = [source.slot for source in op.sources if isinstance(source, Dst)]
    for slot in (*used, op.dst):
        if not 0 <= slot < slots:
            raise ProofError(f"{op.name} uses slot {slot} of {slots}")
    for slot in used:
        if slot not in written:
            raise ProofError(f"{op.name} reads slot {slot}, which holds nothing")
    if operation.result == "in_place" and used[0] != op.dst:
        raise ProofError(f"{op.name} changes slot {used[0]} in place, not {op.dst}")
    if operation.result == "accumulates" and written.get(op.dst, op.name) != op.name:
        raise ProofError(f"{op.name} accumulates into slot {op.dst}, which holds the result of {written[op.dst]}")
    if operation.dst_bits not in (None, bits):
        raise ProofError(f"{op.name} needs {operation.dst_bits}-bit DST")
    for tile in op.tiles:
        if not operation.exact_float32 and tile.cb in to_dst:
            raise ProofError(f"{op.name} reads {tile.cb}, which is unpacked to DST")
        if operation.exact_float32 and tile.cb in exact and tile.cb not in to_dst:
            raise ProofError(f"{op.name} reads float32 of {tile.cb} through SrcA, which truncates it")
    written[op.dst] = op.name
