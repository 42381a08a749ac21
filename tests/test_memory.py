"""Two buffers in one memory, on kernels of a few statements: in which order they may be packed and read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.broken import plan_of
from ttgen.analysis import memory
from ttgen.analysis.errors import ProofError
from ttgen.analysis.prove import prove
from ttgen.model.body import Body, Loop, Op, Pack, Pop, Push, Reserve, Section, Tile, Wait
from ttgen.model.index import ZERO, Const, Index, Var

N = Const(2)
ROOM = Reserve(cb="out", pages=N)
SUMS = (
    Reserve(cb="sums", pages=N),
    Section(math=(), pack=tuple(Pack(dst=ZERO, cb="sums", slot=Const(slot)) for slot in (1, 0))),
    Push(cb="sums", pages=N),
    Wait(cb="sums", pages=N),
)
DONE = (Push(cb="out", pages=N), Pop(cb="sums", pages=N))


def copy(tile: Index, *, to: Index | None = None) -> Section:
    """Reads a tile of the sums, and packs the next one of the output or that at a place."""
    op = Op(name="copy", sources=(Tile("sums", tile),), dst=ZERO)
    return Section(math=(op,), pack=(Pack(dst=ZERO, cb="out", slot=to),))


def check(*body: Body, pages: int = 2) -> None:
    units = Loop(var="unit", extent=Var("units"), body=tuple(item for part in body for item in part))
    cores = ({"units": 1}, {"units": 7}, {"units": 7, "else": 3})
    memory.check([(units,), (Wait(cb="out"), Pop(cb="out"))], cores, guest="sums", host="out", pages=pages)


TILE = Var("tile")
EACH = (Loop(var="tile", extent=N, body=(copy(TILE),)),)


@pytest.mark.parametrize("pages", [2, 4, 6])
def test_tile_by_tile(pages: int) -> None:
    check((ROOM,), SUMS, EACH, DONE, pages=pages)
    check(SUMS[:1], (ROOM,), SUMS[1:], (copy(Const(1), to=Const(1)), copy(ZERO, to=ZERO)), DONE, pages=pages)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ((SUMS, (ROOM,), EACH, DONE), "sums is packed where out, whose memory it lies in, has no room"),
        (((ROOM,), SUMS, (copy(Const(1)), copy(ZERO)), DONE), "sums is used after out was packed over it"),
        (((ROOM,), SUMS, (copy(ZERO), copy(ZERO)), DONE), "sums is used after out was packed over it"),
        (((ROOM,), SUMS, EACH, DONE[1:], SUMS, DONE), "sums is packed over out"),
        (((ROOM,), SUMS, DONE[:1], EACH, DONE[1:]), "sums is used where it isn't"),
        (((replace(ROOM, pages=Const(1)),), SUMS, EACH, DONE), "sums is packed where out, .* has no room"),
    ],
    ids=["room too late", "from behind", "one tile twice", "sums again", "given away before", "too little room"],
)
def test_what_meets_is_found(body: tuple[Body, ...], message: str) -> None:
    with pytest.raises(ProofError, match=message):
        check(*body)


def test_a_kernel_of_another_part_may_not_have_to_do_with_it() -> None:
    body = ((ROOM, *SUMS, *EACH, *DONE), (Wait(cb="sums", pages=N),))
    with pytest.raises(ProofError, match="sums: 2 kernels have to do with a buffer in the memory of out"):
        memory.check(body, [{}], guest="sums", host="out", pages=2)


def test_they_are_of_one_length() -> None:
    plan = plan_of("gemm_prime")
    program = plan.program
    longer = [
        replace(item, pages=item.pages * 2) if item.name == "product" else item for item in program.circular_buffers
    ]
    with pytest.raises(ProofError, match="product: not as long as Y, whose memory it lies in"):
        prove(
            replace(program, circular_buffers=tuple(longer)), {tensor.name: tensor for tensor in plan.tensors},
            dst_slots=4, dst_bits=32,
        )  # fmt: skip
