"""Faults in what kernels have to do with other cores, and what the proof says of each."""

from __future__ import annotations

from dataclasses import replace

from tests.broken import Change, drop, edit, rewritten
from ttgen.model.body import If, Loop, ReadBarrier, Reserve, Routine, Statement, WriteBarrier
from ttgen.model.exchange import Announce, AtomicBarrier, Await, Multicast, Send, Signal
from ttgen.model.index import ONE, ZERO, Const, Expr, Index, Var, add, mul, sub

ROUND, COLS, PART, PARTS, TRIP = Var("round"), Var("core_cols"), Var("part"), Var("parts"), Var("trip")
PAGES = mul(Var("block_m"), Var("block_k"))
SUMS = mul(Var("block_m"), Var("block_n"))
OTHERS = sub(COLS, ONE)
TURNS = add(Expr("//", ROUND, COLS), ONE)


def of(semaphore: str, change: Change) -> Change:
    """A change of what has to do with one semaphore."""
    return lambda statement: change(statement) if getattr(statement, "semaphore", "") == semaphore else None


def awaited(semaphore: str, at_least: Index) -> Change:
    return of(semaphore, edit(Await, at_least=at_least))


def to_column(kind: type, column: Index, cores: Index = COLS) -> Change:
    """Another last column of the cores that something goes to."""

    def change(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, (Multicast, Announce)) and isinstance(statement, kind):
            last = replace(statement.to.last, x=column)
            return (replace(statement, to=replace(statement.to, last=last, cores=cores)),)
        return None

    return change


def to_the_next_core(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Signal):
        return (replace(statement, to=replace(statement.to, x=Expr("%", add(Var("sender"), ONE), COLS))),)
    return None


def to_the_helper_above(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Send):
        return (replace(statement, to=replace(statement.to, y=sub(Var("core_y"), Var("core_rows")))),)
    return None


def signal_before_reserve(statement: Statement) -> tuple[Statement, ...] | None:
    """Each branch reserves itself; a receiver after its signal."""
    reserve = Reserve(cb="A", pages=PAGES)
    if statement == reserve:
        return ()
    if isinstance(statement, If):
        signal, wait = statement.otherwise
        return (replace(statement, then=(reserve, *statement.then), otherwise=(signal, reserve, wait)),)
    return None


def announce_before_multicast(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, If):
        *before, cast, told = statement.then
        return (replace(statement, then=(*before, told, cast)),)
    return None


def signals_awaited_after_the_multicast(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, If):
        *before, heard, cast, told = statement.then
        return (replace(statement, then=(*before, cast, heard, told)),)
    return None


def room_awaited_at_the_end(statement: Statement) -> tuple[Statement, ...] | None:
    """As often as the root says so, but after all sums have gone: only a root that is late shows it."""
    if statement == Await(semaphore="k_room", at_least=add(TRIP, ONE)):
        return ()
    if isinstance(statement, Loop) and statement.var == "y_trip":
        all_units = mul(Var("y_count"), Var("x_count"))
        inner = rewritten(statement.body, room_awaited_at_the_end)
        return (replace(statement, body=inner), Await(semaphore="k_room", at_least=all_units))
    return None


def in_another_counter(semaphore: str, other: str) -> Change:
    """Two signals in one counter."""

    def change(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, (Signal, Await, Announce)) and statement.semaphore == semaphore:
            return (replace(statement, semaphore=other),)
        return None

    return change


def no_barrier_of_sums(statement: Statement) -> tuple[Statement, ...] | None:
    """Without the barrier between a helper's sums and its signal, but with the one at the end of the kernel."""
    if isinstance(statement, Loop) and statement.var == "x_trip":
        return (replace(statement, body=tuple(item for item in statement.body if not isinstance(item, WriteBarrier))),)
    return None


def a_trip_less(statement: Statement) -> tuple[Statement, ...] | None:
    """On the last of the eight cores of a row only."""
    if isinstance(statement, Loop) and statement.var == "y_trip":
        last = Expr("//", Var("core_x"), Const(7))
        return (replace(statement, extent=sub(statement.extent, last)),)
    return None


def only_the_first_is_read_ahead(statement: Statement) -> tuple[Statement, ...] | None:
    return () if isinstance(statement, Routine) and statement.argument != Var("core_x") else None


def twice(statement: Statement) -> tuple[Statement, ...] | None:
    return (statement, statement) if isinstance(statement, Signal) else None


# On 4x4 cores, and as parts of K on 3 times 2 rows of cores.
_B, _S, _P = "gemm_block_sharded", "gemm_split_gelu", "gemm_prefetch"

EXCHANGE: list[tuple[str, str, str, Change, str]] = [
    ("a dropped signal", _B, "reader_a", drop(Signal), r"wait for each other: .* at reach a_ready \(3\)"),
    ("a signal too many", _B, "reader_a", twice, r"reader_a: A is sent to core \(3, 0\), which has no room for it"),
    ("a signal to another core", _B, "reader_a", to_the_next_core, r"wait for each other: .* at reach a_ready \(3\)"),
    ("a group that isn't awaited", _B, "reader_a", drop(Await, "a_ready"), r"reader_a: A is sent to core \(1, 0\), which has no room for it"),
    ("a block that isn't awaited", _B, "reader_a", drop(Await, "a_arrived"), "reader_a: A is pushed before it is filled"),
    ("a dropped announcement", _B, "reader_a", drop(Announce), r"wait for each other: .* at reach a_arrived \(2\)"),
    ("a dropped multicast", _B, "reader_a", drop(Multicast), "reader_a: A is pushed before it is filled"),
    ("an announcement before its multicast", _B, "reader_a", announce_before_multicast, "reader_a: A is pushed before it is filled"),
    ("a receiver that waits for the round before", _B, "reader_a", awaited("a_arrived", ROUND), "reader_a: A is pushed before it is filled"),
    ("a receiver that waits for the round after", _B, "reader_a", awaited("a_arrived", add(ROUND, Const(2))), r"wait for each other: .* at reach a_arrived \(3\)"),
    ("a signal less awaited", _B, "reader_a", awaited("a_ready", sub(mul(TURNS, OTHERS), ONE)), r"reader_a: A is sent to core \(3, 0\), which has no room for it"),
    ("a signal more awaited", _B, "reader_a", awaited("a_ready", add(mul(TURNS, OTHERS), ONE)), r"wait for each other: .* at reach a_ready \(4\)"),
    ("signals awaited for a turn less", _B, "reader_a", awaited("a_ready", mul(Expr("//", ROUND, COLS), OTHERS)), r"reader_a: A is sent to core \(1, 0\), which has no room for it"),
    ("signals awaited after the multicast", _B, "reader_a", signals_awaited_after_the_multicast, r"reader_a: A is sent to core \(1, 0\), which has no room for it"),
    ("signals in the counter of blocks", _B, "reader_a", in_another_counter("a_ready", "a_arrived"), "reader_a: a_arrived is lowered to 1"),
    ("signals in the counter of the other operand", _B, "reader_a", in_another_counter("a_ready", "b_ready"), r"reader_a: A is sent to core \(2, 0\), where it is at another address"),
    ("an announcement of the round before", _B, "reader_a", edit(Announce, value=ROUND), "reader_a: a_arrived is lowered to 0"),
    ("an announcement of the round after", _B, "reader_a", edit(Announce, value=add(ROUND, Const(2))), "reader_a: A is pushed before it is filled"),
    ("a signal before there is room", _B, "reader_a", signal_before_reserve, r"reader_a: A is sent to core \(3, 0\), which has no room for it"),
    ("no room at all", _B, "reader_a", drop(Reserve, "A"), "reader_a: A is filled beyond what is reserved"),
    ("a multicast a column too wide", _B, "reader_a", to_column(Multicast, COLS), "reader_a: A is multicast to 5 cores, not to 4"),
    ("a multicast beyond the cores", _B, "reader_a", to_column(Multicast, COLS, add(COLS, ONE)), r"reader_a: A is sent to core \(4, 0\), which hasn't that buffer"),
    ("a multicast a column too narrow", _B, "reader_a", to_column(Multicast, sub(COLS, Const(2)), OTHERS), "reader_a: A is pushed before it is filled"),
    ("a multicast to nobody", _B, "reader_a", to_column(Multicast, ZERO, ONE), "reader_a: A is multicast to no other core"),
    ("an announcement a column too wide", _B, "reader_a", to_column(Announce, COLS, add(COLS, ONE)), r"reader_a: a_arrived is raised on core \(4, 0\), which has no part in it"),
    ("an announcement a column too narrow", _B, "reader_a", to_column(Announce, sub(COLS, Const(2)), OTHERS), r"wait for each other: .* at reach a_arrived \(2\)"),
    ("a page of the block that isn't sent", _B, "reader_a", edit(Multicast, pages=sub(PAGES, ONE)), "reader_a: A is pushed before all of it has come"),
    ("a multicast before its read barrier", _B, "reader_a", drop(ReadBarrier), "reader_a: A is sent before its read barrier"),
    ("an announcement without a barrier at the end", _B, "reader_a", drop(WriteBarrier), "reader_a: ends before its writes to other cores are there"),
    ("a signal without a barrier at the end", _B, "reader_a", drop(AtomicBarrier), "reader_a: ends before its signals to other cores are there"),
    ("a trip less on the last core", "gemm_one_row", "reader_a", a_trip_less, r"wait for each other: .* at reach a_ready \(14\)"),
    ("sums in the next helper's place", _S, "reader_b_sender", edit(Send, slot=mul(PART, SUMS)), r"reader_b_sender: partials is sent to core \(3, 0\), which has no room for it"),
    ("sums that begin before the root's room", _S, "reader_b_sender", edit(Send, slot=sub(mul(sub(PART, ONE), SUMS), ONE)),
     r"reader_b_sender: partials is sent to core \(3, 0\), which has no room for it"),
    ("sums of all helpers in one place", _S, "reader_b_sender", edit(Send, slot=ZERO), r"reader_b_sender: partials is sent twice to the same pages of core \(3, 0\)"),
    ("sums that go to a helper", _S, "reader_b_sender", to_the_helper_above, r"reader_b_sender: partials is sent to core \(3, 2\), which has no room for it"),
    ("dropped sums", _S, "reader_b_sender", drop(Send), "partials: 0 pages pushed and 0 popped"),
    ("a page of the sums that isn't sent", _S, "reader_b_sender", edit(Send, pages=sub(SUMS, ONE)), "reader_b_writer: partials is pushed before all of it has come"),
    ("sums signalled before they are there", _S, "reader_b_sender", no_barrier_of_sums, "reader_b_sender: partial is signalled before it is there"),
    ("sums that aren't signalled", _S, "reader_b_sender", drop(Signal, "k_arrived"), r"wait for each other: .* at reserve A \(3\)"),
    ("a helper that doesn't wait for room", _S, "reader_b_sender", drop(Await, "k_room"), r"core \(0, 2\): k_room ends at 2, and 0 was waited for"),
    ("a helper that waits for the room of the unit before", _S, "reader_b_sender", awaited("k_room", TRIP), r"core \(0, 2\): k_room ends at 2, and 1 was waited for"),
    ("a helper that waits for room at the end", _S, "reader_b_sender", room_awaited_at_the_end, r"reader_b_sender: partials is sent to core \(0, 1\), which has no room for it"),
    ("room in the counter of blocks", _S, "reader_b_sender", in_another_counter("k_room", "b_arrived"), r"core \(0, 2\): b_arrived ends at 8, and 2 was waited for"),
    ("a root that doesn't say it has room", _S, "reader_b_writer", drop(Signal, "k_room"), r"wait for each other: .* at reserve A \(3\)"),
    ("a root that waits for a helper less", _S, "reader_b_writer",
     awaited("k_arrived", mul(add(TRIP, ONE), sub(PARTS, Const(2)))), "reader_b_writer: partials is pushed before it is filled"),
    ("a root that has no room", _S, "reader_b_writer", drop(Reserve, "partials"), r"reader_b_sender: partials is sent to core \(3, 0\), which has no room for it"),
    ("a block read ahead without a barrier", _P, "reader_a", drop(ReadBarrier), "reader_a: A_ahead is pushed before its read barrier"),
    ("a block read ahead that is still sent", _P, "reader_a", drop(WriteBarrier), "reader_a: A_ahead is popped before its write barrier"),
    ("a block read ahead for the first turn only", _P, "reader_a", only_the_first_is_read_ahead, "reader_a: A_ahead is pushed beyond what is reserved"),
    ("a block sent from where nothing is read to", _P, "reader_a", edit(Multicast, source="A"), "reader_a: A is sent before it is filled"),
]  # fmt: skip
