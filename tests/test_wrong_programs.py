"""Small programs that are wrong in one way each, and the proof that says so: what no good plan with a fault comes to."""

from __future__ import annotations

import pytest

from tests.broken import check, plan_of
from ttgen.analysis import coverage, dst, tokens
from ttgen.analysis.errors import ProofError
from ttgen.analysis.network import Core
from ttgen.model.body import (
    Body,
    Dst,
    Loop,
    Op,
    Pack,
    Pop,
    Push,
    ReadBarrier,
    ReadPage,
    Reserve,
    Section,
    Statement,
    Tile,
    Wait,
    WriteBarrier,
    WritePage,
)
from ttgen.model.index import ZERO, Const, Expr, Var

ONE = Const(1)
READ = (ReadPage(tensor="A", page=ZERO, cb="A"), ReadBarrier())
WRITE = (WritePage(tensor="C", page=ZERO, cb="A"), WriteBarrier())
EXP = Op(name="exp", sources=(Dst(ZERO),), dst=ZERO)
MATMUL = Op(name="matmul", sources=(Tile("A"), Tile("B")), dst=ZERO)


def reserve(pages: int = 1) -> Reserve:
    return Reserve(cb="A", pages=Const(pages))


def push(pages: int = 1) -> Push:
    return Push(cb="A", pages=Const(pages))


def wait(pages: int = 1) -> Wait:
    return Wait(cb="A", pages=Const(pages))


def pop(pages: int = 1) -> Pop:
    return Pop(cb="A", pages=Const(pages))


def loop(trips: int, *body: Statement) -> Loop:
    return Loop(var="v", extent=Const(trips), body=body)


PACK = Pack(dst=ZERO, cb="A")
FLOWS: dict[str, tuple[Body, Body, dict[str, int], str]] = {
    "a buffer that nobody uses": (
        (reserve(), *READ, push()), (wait(), *WRITE, pop()), {"A": 1, "B": 2}, "B: 0 pages pushed and 0 popped"),
    "a page of two that isn't packed": (
        (reserve(2), PACK, push(2)), (wait(2), *WRITE, pop(2)), {"A": 2}, "A: 1 pages packed and 2 pushed"),
    "a push of more than is reserved": (
        (reserve(), *READ, push(2)), (wait(2), *WRITE, pop(2)), {"A": 2}, "pushed beyond what is reserved"),
    "a page that isn't filled after one that is": (
        (reserve(), *READ, push(), reserve(), push()), (loop(2, wait(), *WRITE, pop()),), {"A": 2},
        "A is pushed before it is filled"),
    "a pop of more than was waited for": (
        (reserve(2), *READ, push(2)), (wait(), *WRITE, pop(2)), {"A": 2}, "popped beyond what was waited for"),
    "a page that is filled after its push": (
        (reserve(), *READ, push(), *READ, reserve(), push()), (loop(2, wait(), *WRITE, pop()),), {"A": 2},
        "A is filled beyond what is reserved"),
    "a page that is used after its pop": (
        (loop(2, reserve(), *READ, push()),), (wait(), *WRITE, pop(), *WRITE, wait(), pop()), {"A": 2},
        "A is written before it was waited for"),
    "two pages that are packed to one": (
        (reserve(), PACK, PACK, push(), reserve(), push()), (loop(2, wait(), *WRITE, pop()),), {"A": 2},
        "A is filled beyond what is reserved"),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOWS)
def test_flow(name: str) -> None:
    producer, consumer, rings, message = FLOWS[name]
    with pytest.raises(ProofError, match=message):
        tokens.check([Core(place=(0, 0), values={}, bodies={"producer": producer, "consumer": consumer}, rings=rings)])


def cover(body: Body, cores: list[dict[str, int]], *, ring: int = 4, shards: int | None = None) -> None:
    kernel = coverage.Run(body=body, arguments={}, cores=tuple(cores))
    coverage.check([kernel], {"A": 4, "C": 4}, {"A": ring}, {} if shards is None else {"A": shards})


def test_pages_that_two_cores_write() -> None:
    with pytest.raises(ProofError, match="C: pages are not written exactly once"):
        cover((loop(4, WritePage(tensor="C", page=Var("v"), cb="A")),), [{}, {}])


def test_a_page_before_the_first() -> None:
    with pytest.raises(ProofError, match="A: page -1 is read of 4"):
        cover((loop(4, ReadPage(tensor="A", page=Expr("-", Var("v"), ONE), cb="A")),), [{}])


def test_a_slot_that_was_not_waited_for_in_a_ring_that_has_it() -> None:
    use = WritePage(tensor="C", page=Var("v"), cb="A", slot=Var("v"))
    with pytest.raises(ProofError, match="A: page 3 is read of 2"):
        cover((wait(2), loop(4, use)), [{}])


def test_a_shard_that_one_core_packs_twice_to_one_place() -> None:
    pack = Pack(dst=ZERO, cb="A", slot=Expr("*", Var("v"), Var("step")))
    cover((loop(4, pack),), [{"step": 1}, {"step": 1}], shards=4)
    with pytest.raises(ProofError, match="A: pages of its shard are not packed exactly once"):
        cover((loop(4, pack),), [{"step": 1}, {"step": 0}], shards=4)


def prove_dst(math: Body, pack: Body = (), *, bits: int = 32) -> None:
    dst.check((Section(math=math, pack=pack),), {}, slots=4, bits=32 if bits == 32 else 16, to_dst=(), exact=())


def test_a_function_of_nothing() -> None:
    with pytest.raises(ProofError, match="exp reads slot 0, which holds nothing"):
        prove_dst((EXP,))


def test_what_one_trip_leaves_meets_the_next() -> None:
    with pytest.raises(ProofError, match="matmul accumulates into slot 0, which holds the result of exp"):
        prove_dst((loop(2, MATMUL, EXP),))


def test_an_operation_that_16_bits_cannot_hold() -> None:
    copies = tuple(Op(name="copy", sources=(Tile("A"),), dst=Const(slot)) for slot in (0, 1))
    add = Op(name="add_dst_rows", sources=(Dst(ZERO), Dst(ONE)), dst=ZERO)
    prove_dst((*copies, add))
    with pytest.raises(ProofError, match="add_dst_rows needs 32-bit DST"):
        prove_dst((*copies, add), bits=16)


def test_an_operation_outside_a_section() -> None:
    def opened(statement: Statement) -> tuple[Statement, ...] | None:
        return (*statement.math, *statement.pack) if isinstance(statement, Section) else None

    with pytest.raises(ProofError, match="outside a section"):
        check(plan_of("tile"), "compute", opened)
