"""The destination registers: slots are alive when used, never beyond what the target has, zero where they must be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from ttgen.analysis.errors import ProofError
from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, Dst, If, Let, Loop, Op, Routine, Section, Uninit, children
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.index import evaluate, names
from ttgen.operations import OPERATIONS


def check(
    body: Body,
    values: Mapping[str, int],
    *,
    slots: int,
    bits: Literal[16, 32],
    to_dst: Collection[str],
    exact: Collection[str],
) -> None:
    """Proves every section of a compute kernel.

    Args:
        body: the kernel.
        values: its compile-time arguments.
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
                masked = ""
                for effect, own in _ends(math, values):
                    if isinstance(effect, TakeDst):
                        raise ProofError(f"a slot is packed to {effect.cb} before DST is handed over")
                    if isinstance(effect, Operate):
                        _check_op(effect.op, own, written, slots=slots, bits=bits, to_dst=to_dst, exact=exact)
                        masked = _masked(effect.op, masked)
                    if isinstance(effect, Prepare) and isinstance(effect.statement, Uninit):
                        masked = ""
                if masked:
                    raise ProofError(f"{masked} isn't undone: what is packed loses all but a row or a column")
                for effect, own in _ends(pack, values):
                    if isinstance(effect, Operate):
                        raise ProofError(f"{effect.op.name} after DST was handed over")
                    if isinstance(effect, TakeDst) and (slot := evaluate(effect.slot, own)) not in written:
                        raise ProofError(f"slot {slot} is packed to {effect.cb} and holds nothing")
            case Loop(body=inner):
                check(inner, values, slots=slots, bits=bits, to_dst=to_dst, exact=exact)
            case If() | Routine():
                for side in children(statement):
                    check(side, values, slots=slots, bits=bits, to_dst=to_dst, exact=exact)
            case Let():
                pass
            case _:
                if any(_uses_dst(effect) for effect in effects(statement)):
                    raise ProofError(f"{statement.kind} outside a section")


def _masked(op: Op, before: str) -> str:
    """The reduction by the matrix unit under whose mask the packer is after an operation."""
    operation = OPERATIONS[op.name]
    if operation.engine != "fpu" or operation.within is None:
        return before
    if before not in ("", op.name):
        raise ProofError(f"{op.name} follows {before}, which isn't undone")
    return op.name


def _uses_dst(effect: Effect) -> bool:
    match effect:
        case Operate() | TakeDst():
            return True
        case Token() | Page() | Fill() | Use() | Barrier() | Accumulate() | Prepare() | Deliver() | Raise() | Reach():
            return False
        case _:
            assert_never(effect)


def _ends(body: Body, values: Mapping[str, int]) -> Iterator[tuple[Effect, Mapping[str, int]]]:
    """What a section does in DST; of a loop the first, second and last trip, so that what one leaves meets the others.

    What isn't known here, such as how deep the last step of K is, counts as two: no slot depends on it.
    """
    for statement in body:
        match statement:
            case Loop(var=var, extent=extent, body=inner):
                known = all(name in values for name in names(extent))
                trips = range(evaluate(extent, values) if known else 2)
                for trip in (*trips[:2], *trips[2:][-1:]):
                    yield from _ends(inner, {**values, var: trip})
            case Let(name=name, index=index):
                if all(name in values for name in names(index)):
                    values = {**values, name: evaluate(index, values)}
            case If(left=left, relation=relation, right=right, then=then, otherwise=otherwise):
                sides: tuple[Body, ...] = (otherwise, then)
                if {*names(left), *names(right)} <= values.keys():
                    first, second = evaluate(left, values), evaluate(right, values)
                    holds = first == second if relation == "==" else first < second
                    sides = (then if holds else otherwise,)
                for side in sides:
                    yield from _ends(side, values)
            case Routine():
                raise ProofError(f"{statement.kind} inside a section")
            case Section():
                raise ProofError("a section inside a section")
            case _:
                for effect in effects(statement):
                    if _uses_dst(effect) or isinstance(effect, Prepare):
                        yield effect, values


def _check_op(
    op: Op,
    values: Mapping[str, int],
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
    if operation.block != (op.block is not None):
        raise ProofError(f"{op.name}: {'no block' if operation.block else 'a block'}")
    used = [evaluate(source.slot, values) for source in op.sources if isinstance(source, Dst)]
    first = evaluate(op.dst, values)
    number = 1 if op.block is None else evaluate(op.block.rows, values) * evaluate(op.block.cols, values)
    results = range(first, first + number)
    for slot in (*used, *results):
        if not 0 <= slot < slots:
            raise ProofError(f"{op.name} uses slot {slot} of {slots}")
    for slot in used:
        if slot not in written:
            raise ProofError(f"{op.name} reads slot {slot}, which holds nothing")
    if operation.result == "in_place" and used[0] != first:
        raise ProofError(f"{op.name} changes slot {used[0]} in place, not {first}")
    for slot in results:
        adds_up = operation.contracts or operation.reduces is not None
        if op.onto and slot not in written:
            raise ProofError(f"{op.name} comes onto slot {slot}, which holds nothing")
        again = op.onto or (adds_up and written.get(slot) == op.name)
        if operation.result == "accumulates" and slot in written and not again:
            raise ProofError(f"{op.name} accumulates into slot {slot}, which holds the result of {written[slot]}")
    if operation.dst_bits not in (None, bits):
        raise ProofError(f"{op.name} needs {operation.dst_bits}-bit DST")
    for tile in op.tiles:
        if not operation.exact_float32 and tile.cb in to_dst:
            raise ProofError(f"{op.name} reads {tile.cb}, which is unpacked to DST")
        if operation.exact_float32 and tile.cb in exact and tile.cb not in to_dst:
            raise ProofError(f"{op.name} reads float32 of {tile.cb} through SrcA, which truncates it")
    written.update(dict.fromkeys(results, op.name))
