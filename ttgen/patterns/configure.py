"""Where a compute kernel's engines have to be prepared: data formats and inits, once where nothing changes them.

Five things are configured: the data formats of SrcA, SrcB and the packer, the FPU's operation and the SFPU's. Each is
set where the next operation needs another state than the last one left. What a whole loop needs in one state only is
set before it; what changes inside is unknown at its top, where the first trip and the others come from different
places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from ttgen.exhaustive import assert_never
from ttgen.model.body import (
    Body,
    If,
    Init,
    Let,
    Loop,
    Op,
    Port,
    Reconfigure,
    Routine,
    Section,
    Startup,
    Statement,
    Uninit,
    children,
)
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
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
from ttgen.operations import OPERATIONS
from ttgen.records import dataclass

_PORTS: Final[tuple[Port, ...]] = ("srca", "srcb", "pack")
_CHANNELS: Final = (*_PORTS, "fpu", "sfpu")
# The state of a port is a buffer; of an engine, the operation's init and its buffers. The op is what Init prints.
_State = dict[str, tuple[str, ...] | None]
_Need = tuple[str, tuple[str, ...], Op | None]


@dataclass(frozen=True, slots=True)
class Alike:
    """Buffers that a pattern makes in one format, whatever its tensors have: nothing changes from one to another.

    Attributes:
        packed: that the packer fills.
        copied: that are unpacked to DST.
    """

    packed: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()

    def port(self, channel: str, cb: str) -> str:
        """The buffer whose format a port has for one."""
        own = self.packed if channel == "pack" else self.copied
        return own[0] if cb in own else cb


_DIFFERENT: Final = Alike()


@cache
def configure(body: Body, alike: Alike = _DIFFERENT) -> Body:
    """Inserts `Startup`, `Init` and `Reconfigure` into the body of a compute kernel."""
    operations = [need for need in _needs(body, alike) if need[0] == "fpu" and need[2] is not None]
    first = operations[0][2]
    packs = [need[1][0] for need in _needs(body, alike) if need[0] == "pack"]
    assert first is not None, "every formula reads a tensor"
    tiles = first.tiles
    reverse = OPERATIONS[first.name].reverse
    startup = Startup(operands=(tiles[0].cb, tiles[-1].cb), output=packs[0], reverse=reverse)
    state: _State = dict.fromkeys(_CHANNELS)
    srca, srcb = (tiles[-1], tiles[0]) if reverse else (tiles[0], tiles[-1])
    state.update(srca=(alike.port("srca", srca.cb),), srcb=(srcb.cb,), pack=(packs[0],))
    return (startup, *_configure(body, state, alike))


def _needs(body: Body, alike: Alike) -> Iterator[_Need]:
    """What each statement of a body needs, in order."""
    for statement in body:
        match statement:
            case Loop() | If() | Routine() | Section() | Let():
                for inner in children(statement):
                    yield from _needs(inner, alike)
            case Uninit():
                # Nothing around it can have prepared what it undoes.
                yield ("fpu", (), None)
            case _:
                for effect in effects(statement):
                    match effect:
                        case Operate(op=op):
                            yield from _op_needs(op, alike)
                        case TakeDst(cb=cb):
                            yield ("pack", (alike.port("pack", cb),), None)
                        case Token() | Page() | Fill() | Use() | Barrier() | Accumulate() | Prepare():
                            pass
                        case Deliver() | Raise() | Reach():
                            pass
                        case _:
                            assert_never(effect)


def _op_needs(op: Op, alike: Alike) -> Iterator[_Need]:
    operation = OPERATIONS[op.name]
    if operation.engine == "sfpu":
        yield ("sfpu", (operation.init,), op)
        return
    cbs = [tile.cb for tile in op.tiles]
    if operation.reverse:
        cbs.reverse()
    cbs[0] = alike.port("srca", cbs[0])
    yield ("srca", (cbs[0],), None)
    if len(cbs) > 1:
        yield ("srcb", (cbs[1],), None)
    yield ("fpu", (operation.init, *cbs), op)


def _configure(body: Body, state: _State, alike: Alike) -> Iterator[Statement]:
    """The statements of a body with what they need before them; `state` is what they leave."""
    for statement in body:
        match statement:
            case Loop(body=inner):
                needs = list(_needs(inner, alike))
                single = {
                    channel for channel in _CHANNELS if len({need[1] for need in needs if need[0] == channel}) == 1
                }
                if any(need[0] == "fpu" for need in needs) and "fpu" not in single:
                    single.discard("sfpu")
                hoisted = [need for need in needs if need[0] in single and need[1]]
                yield from _establish(hoisted, state)
                inside = {need[0] for need in needs} - {need[0] for need in hoisted}
                state.update(dict.fromkeys(inside))
                yield replace(statement, body=tuple(_configure(inner, state, alike)))
                if statement.may_be_empty:
                    # Then nothing inside has been done.
                    state.update(dict.fromkeys(inside))
            case Section(math=math, pack=pack):
                computed = tuple(_configure(math, state, alike))
                yield replace(statement, math=computed, pack=tuple(_configure(pack, state, alike)))
            case If(then=then, otherwise=otherwise):
                other = dict(state)
                sides = tuple(_configure(then, state, alike)), tuple(_configure(otherwise, other, alike))
                # What differs after one or the other isn't known.
                state.update({channel: None for channel in _CHANNELS if state[channel] != other[channel]})
                yield replace(statement, then=sides[0], otherwise=sides[1])
            case Uninit():
                state["fpu"] = None
                yield statement
            case Routine():
                raise AssertionError("compute kernels have no routines")
            case Let():
                yield statement
            case _:
                yield from _establish(list(_needs((statement,), alike)), state)
                yield statement


def _establish(needs: list[_Need], state: _State) -> Iterator[Statement]:
    """Formats first, then inits: an init reads the format of its operands."""
    for channel, wanted, op in sorted(needs, key=lambda need: _CHANNELS.index(need[0])):
        old = state[channel]
        if old == wanted:
            continue
        state[channel] = wanted
        if op is not None:
            yield Init(op=op)
            if channel == "fpu":
                # Both engines share address modes and replay slots: nothing says that an init keeps the other's.
                state["sfpu"] = None
        else:
            port = next(port for port in _PORTS if port == channel)
            yield Reconfigure(port=port, old=None if old is None else old[0], new=wanted[0])
