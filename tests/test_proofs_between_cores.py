"""Single faults in what cores have to do with each other, in the tile programs of good plans: each is found by its proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest

import ttgen
from tests.broken import Change, check, drop, edit, rewritten
from tests.sizes import resized
from ttgen.analysis import tokens
from ttgen.analysis.errors import ProofError
from ttgen.model.body import If, Loop, Pop, Push, ReadBarrier, Reserve, Routine, Statement, WriteBarrier
from ttgen.model.exchange import Announce, Area, AtomicBarrier, Await, Multicast, Place, Send, Signal
from ttgen.model.index import ONE, ZERO, Const, Index, Var, add, floor_div, mul, sub
from ttgen.model.plan import Plan
from ttgen.patterns.groups import RANKS, ROUND
from ttgen.patterns.units import CORE_COLS, CORE_ROWS, CORE_X, CORE_Y, PART, PARTS, TRIP

SIZES: Mapping[str, Mapping[str, int]] = {
    "gemm_a_to_all": {"K": 4608, "N": 1024},
    "gemm_multicast": {"M": 384, "K": 768, "N": 384},
    "gemm_prefetch": {"M": 384, "K": 512, "N": 384},
    "gemm_split": {"K": 2048, "N": 256},
}
"""Smaller than what is verified: proofs need few trips."""


def awaited(semaphore: str, at_least: Index) -> Change:
    """Awaits another value of a semaphore."""
    change = edit(Await, at_least=at_least)
    return lambda statement: change(statement) if getattr(statement, "semaphore", "") == semaphore else None


def twice(statement: Statement) -> tuple[Statement, ...] | None:
    return (statement, statement) if isinstance(statement, Signal) else None


def in_another_counter(semaphore: str, other: str) -> Change:
    """Two signals in one counter."""

    def change(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, (Signal, Await, Announce)) and statement.semaphore == semaphore:
            return (replace(statement, semaphore=other),)
        return None

    return change


def in_branch(kind: type, new: Iterable[type]) -> Change:
    """Puts the statements of a branch that has one of a kind into another order, of their kinds."""

    def ordered(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kinds = list(new)
        if not any(isinstance(item, kind) for item in body):
            return body
        moved = sorted((item for item in body if type(item) in kinds), key=lambda item: kinds.index(type(item)))
        return tuple(moved.pop(0) if type(item) in kinds else item for item in body)

    def change(statement: Statement) -> tuple[Statement, ...] | None:
        if not isinstance(statement, If):
            return None
        then, otherwise = ordered(statement.then), ordered(statement.otherwise)
        changed = (then, otherwise) != (statement.then, statement.otherwise)
        return (replace(statement, then=then, otherwise=otherwise),) if changed else None

    return change


def signals_before_it_reserves(statement: Statement) -> tuple[Statement, ...] | None:
    """The sender reserves as before; a receiver says that it has room, and reserves after that."""
    if isinstance(statement, If) and any(isinstance(item, Signal) for item in statement.otherwise):
        room = Reserve(cb="A", pages=mul(Var("block_m"), Var("block_k")))
        *before, wait = statement.otherwise
        return (replace(statement, then=(room, *statement.then), otherwise=(*before, room, wait)),)
    return () if isinstance(statement, Reserve) and statement.cb == "A" else None


def signals_awaited_after_the_multicast(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, If):
        *before, heard, cast, told = statement.then
        return (replace(statement, then=(*before, cast, heard, told)),)
    return None


def gives_room_before_it_reserves(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Await) and statement.semaphore == "k_arrived":
        return (Reserve(cb="partials", pages=mul(mul(sub(PARTS, ONE), Var("block_m")), Var("block_n"))), statement)
    return () if isinstance(statement, Reserve) and statement.cb == "partials" else None


def signals_before_it_sends(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Send):
        return (Signal(semaphore="k_arrived", to=statement.to), statement)
    return () if isinstance(statement, Signal) and statement.semaphore == "k_arrived" else None


def pushes_its_own_block_too_early(statement: Statement) -> tuple[Statement, ...] | None:
    """The core that multicasts from its buffer to its own ring too pushes before that has come."""
    push = Push(cb="A", pages=mul(Var("block_m"), Var("block_k")))
    if isinstance(statement, If) and any(isinstance(item, Multicast) for item in statement.then):
        at = next(place for place, item in enumerate(statement.then) if isinstance(item, WriteBarrier))
        then = (*statement.then[:at], push, *statement.then[at:])
        return (replace(statement, then=then, otherwise=(*statement.otherwise, push)),)
    return () if isinstance(statement, Push) and statement.cb == "A" else None


def waits_for_room_too_late(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Signal) and statement.semaphore == "k_arrived":
        return (statement, Await(semaphore="k_room", at_least=add(TRIP, ONE)))
    return () if isinstance(statement, Await) and statement.semaphore == "k_room" else None


def waits_for_room_at_the_end(statement: Statement) -> tuple[Statement, ...] | None:
    """As often as the root says so, but after all sums have gone: only a root that is late shows it."""
    if statement == Await(semaphore="k_room", at_least=add(TRIP, ONE)):
        return ()
    if isinstance(statement, Loop) and statement.var == "y_trip":
        inner = rewritten(statement.body, waits_for_room_at_the_end)
        return (replace(statement, body=inner), Await(semaphore="k_room", at_least=mul(Var("y_count"), Var("x_count"))))
    return None


def a_trip_less(statement: Statement) -> tuple[Statement, ...] | None:
    """On the last of the eight cores of a row only."""
    if isinstance(statement, Loop) and statement.var == "y_trip":
        return (replace(statement, extent=sub(statement.extent, floor_div(CORE_X, Const(7)))),)
    return None


def a_step_less_in_the_last_row(statement: Statement) -> tuple[Statement, ...] | None:
    """Of three: the cores of a row share A, and all rows but that do the same."""
    if isinstance(statement, Loop) and statement.var == "step":
        return (replace(statement, extent=sub(statement.extent, floor_div(CORE_Y, Const(2)))),)
    return None


def only_the_first_is_read_ahead(statement: Statement) -> tuple[Statement, ...] | None:
    return () if isinstance(statement, Routine) and statement.argument != CORE_X else None


def reads_ahead(statement: Statement) -> tuple[Statement, ...] | None:
    """What another core sends in the next round, and not what this one sends after all others."""
    if isinstance(statement, Routine) and statement.argument == add(ROUND, CORE_COLS):
        return (replace(statement, argument=add(ROUND, ONE)),)
    return None


WIDER = Area(first=Place(x=ZERO, y=CORE_Y), last=Place(x=CORE_COLS, y=CORE_Y), cores=add(CORE_COLS, ONE))
NARROWER = Area(first=Place(x=ZERO, y=CORE_Y), last=Place(x=sub(CORE_COLS, ONE), y=CORE_Y), cores=sub(CORE_COLS, ONE))
LEFT = Area(first=Place(x=ZERO, y=CORE_Y), last=Place(x=ONE, y=CORE_Y), cores=sub(CORE_COLS, ONE))
FIRST_ROW = Area(first=Place(x=ZERO, y=ZERO), last=Place(x=sub(CORE_COLS, ONE), y=ZERO), cores=CORE_COLS)
ITSELF = Area(first=Place(x=CORE_X, y=CORE_Y), last=Place(x=CORE_X, y=CORE_Y), cores=ONE)
OTHERS = sub(CORE_COLS, ONE)
PAGES = mul(Var("block_m"), Var("block_n"))
ROOT = Place(x=CORE_X, y=sub(CORE_Y, mul(PART, CORE_ROWS)))


def of_parts(change: Callable[[Multicast], Multicast | None]) -> Change:
    """Changes how parts of maxima are sent."""

    def changed(statement: Statement) -> tuple[Statement, ...] | None:
        if not isinstance(statement, Multicast) or statement.cb != "all_max":
            return None
        made = change(statement)
        return () if made is None else (made,)

    return changed


def of_counter(semaphore: str, by: Callable[[Index, Index], Index]) -> Change:
    """One more or one less is awaited."""

    def changed(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, Await) and statement.semaphore == semaphore:
            return (replace(statement, at_least=by(statement.at_least, ONE)),)
        return None

    return changed


FAULTS: list[tuple[str, str, str, Change, str]] = [
    ("a dropped signal", "gemm_multicast", "reader_a", drop(Signal), "wait for each other"),
    ("a dropped announcement", "gemm_multicast", "reader_a", drop(Announce), "wait for each other"),
    ("a dropped multicast", "gemm_multicast", "reader_a", drop(Multicast), "A is pushed before it is filled"),
    ("a dropped push", "gemm_multicast", "reader_a", drop(Push), "A: 0 pages pushed"),
    ("a signal too many", "gemm_multicast", "reader_a", twice, "where it is at another address"),
    ("no room at all", "gemm_multicast", "reader_a", drop(Reserve, "A"), "A is filled beyond what is reserved"),
    ("a receiver that doesn't wait", "gemm_multicast", "reader_a", drop(Await, "a_arrived"), "A is pushed before it is filled"),
    ("a sender that doesn't wait", "gemm_multicast", "reader_a", drop(Await, "a_ready"), "no room for it"),
    ("a receiver that waits for the round before", "gemm_multicast", "reader_a", awaited("a_arrived", ROUND), "A is pushed before it is filled"),
    ("a receiver that waits for the next round", "gemm_multicast", "reader_a", awaited("a_arrived", add(ROUND, Var("core_cols"))), "wait for each other"),
    ("a turn less awaited", "gemm_multicast", "reader_a", awaited("a_ready", mul(floor_div(ROUND, CORE_COLS), OTHERS)), "no room for it"),
    ("a receiver less awaited", "gemm_multicast", "reader_a", awaited("a_ready", mul(add(floor_div(ROUND, CORE_COLS), ONE), sub(CORE_COLS, add(ONE, ONE)))), "where it is at another address"),
    ("a receiver too many awaited", "gemm_multicast", "reader_a", awaited("a_ready", mul(add(floor_div(ROUND, CORE_COLS), ONE), CORE_COLS)), "wait for each other"),
    ("signals awaited after the multicast", "gemm_multicast", "reader_a", signals_awaited_after_the_multicast, "no room for it"),
    ("signals in the counter of blocks", "gemm_multicast", "reader_a", in_another_counter("a_ready", "a_arrived"), "a_arrived is lowered to 1"),
    ("signals in the counter of the other operand", "gemm_multicast", "reader_a", in_another_counter("a_ready", "b_ready"), "where it is at another address"),
    ("a signal before the reserve", "gemm_multicast", "reader_a", signals_before_it_reserves, "no room for it"),
    ("a signal before the reserve in a row", "gemm_one_row", "reader_a", signals_before_it_reserves, "no room for it"),
    ("an announcement before the multicast", "gemm_multicast", "reader_a", in_branch(Multicast, (Announce, Multicast)), "A is pushed before it is filled"),
    ("an announcement of the round before", "gemm_multicast", "reader_a", edit(Announce, value=ROUND), "lowered to 0"),
    ("an announcement of the next round", "gemm_multicast", "reader_a", edit(Announce, value=add(ROUND, add(ONE, ONE))), "A is pushed before it is filled"),
    ("an area a column too wide", "gemm_multicast", "reader_a", edit(Multicast, to=WIDER), r"A is sent to core \(3, 0\), which hasn't that buffer"),
    ("a number of cores that isn't the area's", "gemm_multicast", "reader_a", edit(Multicast, to=NARROWER), "multicast to 3 cores, not to 2"),
    ("an area a column too narrow", "gemm_multicast", "reader_a", edit(Multicast, to=LEFT), "A is pushed before it is filled"),
    ("an announcement a column too wide", "gemm_multicast", "reader_a", edit(Announce, to=WIDER), r"a_arrived is raised on core \(3, 0\), which has no part in it"),
    ("an announcement a column too narrow", "gemm_multicast", "reader_a", edit(Announce, to=LEFT), "wait for each other"),
    ("an area of other cores", "gemm_multicast", "reader_a", edit(Multicast, to=FIRST_ROW), "an area that its core isn't in"),
    ("a multicast to nobody", "gemm_multicast", "reader_a", edit(Multicast, to=ITSELF), "multicast to no other core"),
    ("a signal to another core", "gemm_multicast", "reader_a", edit(Signal, to=Place(x=ZERO, y=CORE_Y)), "wait for each other"),
    ("a signal to another row", "gemm_multicast", "reader_a", edit(Signal, to=Place(x=Var("sender"), y=ZERO)), "no room for it"),
    ("part of the pages", "gemm_multicast", "reader_a", edit(Multicast, pages=Var("block_m")), "A is pushed before all of it has come"),
    ("a multicast before the read barrier", "gemm_multicast", "reader_a", drop(ReadBarrier), "A is sent before its read barrier"),
    ("signals that are pending at the end", "gemm_multicast", "reader_a", drop(AtomicBarrier), "ends before its signals to other cores are there"),
    ("writes that are pending at the end", "gemm_multicast", "reader_a", drop(WriteBarrier), "ends before its writes to other cores are there"),
    ("a trip less on the last core", "gemm_one_row", "reader_a", a_trip_less, "wait for each other"),
    ("a step less in the last row", "gemm_multicast", "reader_a", a_step_less_in_the_last_row, "wait for each other"),
    ("a block ahead without its barrier", "gemm_prefetch", "reader_a", drop(ReadBarrier), "A_ahead is pushed before its read barrier"),
    ("a block ahead that is popped too early", "gemm_prefetch", "reader_a", drop(WriteBarrier), "A_ahead is popped before its write barrier"),
    ("a block of its own that hasn't come", "gemm_prefetch", "reader_a", pushes_its_own_block_too_early, "A is pushed before its write barrier"),
    ("a block ahead that isn't popped", "gemm_prefetch", "reader_a", drop(Pop, "A_ahead"), "A_ahead: "),
    ("a block ahead of the next round", "gemm_prefetch", "reader_a", reads_ahead, "A_ahead is still being read at the end of the kernel"),
    ("a block ahead for the first turn only", "gemm_prefetch", "reader_a", only_the_first_is_read_ahead, "A_ahead is pushed beyond what is reserved"),
    ("a multicast of the ring", "gemm_prefetch", "reader_a", edit(Multicast, source="A"), "A is sent before it is filled"),
    ("a dropped room", "gemm_split_gelu", "reader_b_writer", drop(Signal, "k_room"), "wait for each other"),
    ("a root that has no room", "gemm_split_gelu", "reader_b_writer", drop(Reserve, "partials"), "no room for it"),
    ("room before the reserve", "gemm_split_gelu", "reader_b_writer", gives_room_before_it_reserves, "no room for it"),
    ("a helper less awaited", "gemm_split_gelu", "reader_b_writer", awaited("k_arrived", mul(add(TRIP, ONE), sub(PARTS, add(ONE, ONE)))), "partials is pushed before it is filled"),
    ("a root that doesn't wait", "gemm_split_gelu", "reader_b_writer", drop(Await, "k_arrived"), "partials is pushed before"),
    ("a helper that doesn't wait for room", "gemm_split_gelu", "reader_b_sender", drop(Await, "k_room"), "k_room ends at 2, and 0 was waited for"),
    ("a helper that waits for the room of the unit before", "gemm_split_gelu", "reader_b_sender", awaited("k_room", TRIP), "k_room ends at 2, and 1 was waited for"),
    ("a helper that waits for room at the end", "gemm_split_gelu", "reader_b_sender", waits_for_room_at_the_end, "no room for it"),
    ("room in the counter of blocks", "gemm_split_gelu", "reader_b_sender", in_another_counter("k_room", "b_arrived"), "b_arrived ends at 8, and 2 was waited for"),
    ("a helper that waits for room after it has sent", "gemm_split_gelu", "reader_b_sender", waits_for_room_too_late, "no room for it"),
    ("a helper that doesn't send", "gemm_split_gelu", "reader_b_sender", drop(Send), "partials: 0 pages pushed"),
    ("a helper that doesn't say so", "gemm_split_gelu", "reader_b_sender", drop(Signal, "k_arrived"), "wait for each other"),
    ("a helper that signals before it sends", "gemm_split_gelu", "reader_b_sender", signals_before_it_sends, "partials is pushed before"),
    ("a helper that signals before the barrier", "gemm_split_gelu", "reader_b_sender", drop(WriteBarrier), "partial is signalled before it is there"),
    ("the next helper's slot", "gemm_split_gelu", "reader_b_sender", edit(Send, slot=mul(PART, PAGES)), "no room for it"),
    ("a slot before the root's room", "gemm_split_gelu", "reader_b_sender", edit(Send, slot=sub(mul(sub(PART, ONE), PAGES), ONE)), "no room for it"),
    ("a page of the sums that isn't sent", "gemm_split_gelu", "reader_b_sender", edit(Send, pages=sub(PAGES, ONE)), "partials is pushed before all of it has come"),
    ("one slot for all helpers", "gemm_split_gelu", "reader_b_sender", edit(Send, slot=ZERO), "sent twice to the same pages"),
    ("another root", "gemm_split_gelu", "reader_b_sender", edit(Send, to=Place(x=CORE_X, y=sub(CORE_Y, CORE_ROWS))), "no room for it"),
    ("a sum that is popped before it is sent", "gemm_split_gelu", "reader_b_sender", drop(Pop), "partial: "),
    ("a row left out", "gemm_a_to_all", "reader_a", edit(Multicast, to=Area(first=Place(x=ZERO, y=ZERO), last=Place(x=sub(CORE_COLS, ONE), y=ZERO), cores=RANKS)), "multicast to 8 cores, not to 16"),
    # Parts of a line, which four cores reduce and tell each other.
    ("parts that are sent a place too far", "softmax_width", "writer", of_parts(lambda it: replace(it, slot=add(it.slot, ONE))), "no room for it"),
    ("parts that are sent to one place", "softmax_width", "writer", of_parts(lambda it: replace(it, slot=ZERO)), "all_max is sent twice to the same pages"),
    ("parts that aren't sent", "softmax_width", "writer", of_parts(lambda it: None), "all_max is pushed before it is filled"),
    ("a part less awaited", "softmax_width", "writer", of_counter("own_max_arrived", sub), "all_max is pushed before all of it has come"),
    ("a part too many awaited", "softmax_width", "writer", of_counter("own_max_arrived", add), "wait for each other"),
    ("room of a core less awaited", "softmax_width", "writer", of_counter("own_max_room", sub), "no room for it"),
    ("parts that aren't awaited", "softmax_width", "writer", drop(Await, "own_max_arrived"), "all_max is pushed before all of it has come"),
    ("a part that is signalled before it is there", "softmax_width", "writer", drop(WriteBarrier), "own_max is signalled before it is there"),
    ("room for parts that isn't there", "softmax_width", "writer", drop(Reserve, "all_max"), "no room for it"),
    ("sums that raise the counter of maxima", "softmax_width", "writer", in_another_counter("own_sum_arrived", "own_max_arrived"), "all_sum is pushed before all of it has come"),
]  # fmt: skip


def plan_of(name: str) -> Plan:
    return ttgen.plan(resized(name, SIZES.get(name, {})))


@pytest.mark.parametrize(
    ("spec", "kernel", "change", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_fault_is_found(spec: str, kernel: str, change: Change, message: str) -> None:
    plan = plan_of(spec)
    check(plan)
    with pytest.raises(ProofError, match=message):
        check(plan, kernel, change)


# What one order of all kernels doesn't show.
LATE = [
    "a signal before the reserve in a row",
    "an announcement before the multicast",
    "room before the reserve",
    "a helper that waits for room at the end",
    "a helper that waits for room after it has sent",
    "a helper that signals before it sends",
]


@pytest.mark.parametrize("what", LATE)
def test_a_lucky_order_hides_it(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (fault,) = [fault for fault in FAULTS if fault[0] == what]
    monkeypatch.setattr(tokens, "_few", lambda group: ())
    check(plan_of(fault[1]), *fault[2:4])


# Of 64 cores, of which four have a turn: the last of those, the next, and what begins and ends rows.
RANKS_OF_MANY = [0, 3, 4, 7, 8, 56, 63]


@pytest.mark.parametrize(
    ("name", "rank"),
    [*(("gemm_one_row", rank) for rank in range(8)), *(("gemm_a_to_all", rank) for rank in RANKS_OF_MANY)],
)
def test_one_rank_signals_before_it_reserves(name: str, rank: int) -> None:
    """Each of eight is late once, and of many those that differ: others are in time, whatever it does."""

    def change(statement: Statement) -> tuple[Statement, ...] | None:
        if not isinstance(statement, If) or not any(isinstance(item, Signal) for item in statement.otherwise):
            return () if isinstance(statement, Reserve) and statement.cb == "A" else None
        room = Reserve(cb="A", pages=mul(Var("block_m"), Var("block_k")))
        *lets, signal, wait = statement.otherwise
        own = add(mul(CORE_Y, CORE_COLS), CORE_X)
        wrong = If(left=own, relation="==", right=Const(rank), then=(signal, room), otherwise=(room, signal))
        return (replace(statement, then=(room, *statement.then), otherwise=(*lets, wrong, wait)),)

    sizes = {"K": 1024} if name == "gemm_a_to_all" else {}
    with pytest.raises(ProofError, match="no room for it"):
        check(ttgen.plan(resized(name, sizes)), "reader_a", change)


def test_a_core_that_makes_other_units_than_its_helpers() -> None:
    plan = plan_of("gemm_split")
    first, *others = plan.program.per_core["x_count"]
    tables = {**plan.program.per_core, "x_count": (first, *others[:-1], (*others[-1][:-1], 2))}
    with pytest.raises(ProofError, match="wait for each other"):
        check(replace(plan, programs=(replace(plan.program, per_core=tables),)))


def test_kernels_that_take_a_name_for_different_numbers() -> None:
    plan = plan_of("gemm_multicast")
    reader, *others = plan.program.kernels
    fewer = {**reader.named_compile_time_args, "k_blocks": reader.named_compile_time_args["k_blocks"] - 1}
    kernels = (replace(reader, named_compile_time_args=fewer), *others)
    with pytest.raises(ProofError, match=r"core \(0, 0\): k_blocks is 5 and, in compute, 6"):
        check(replace(plan, programs=(replace(plan.program, kernels=kernels),)))
