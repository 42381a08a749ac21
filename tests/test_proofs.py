"""A proof fails when the thing breaks: single faults in the tile program of good plans, each found by its proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import ttgen
from tests.broken import Change, check, drop, edit, plan_of, rewritten
from ttgen.analysis import roles
from ttgen.analysis.errors import ProofError
from ttgen.model.body import (
    Let,
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
    Uninit,
    Wait,
    WriteBarrier,
    WritePage,
)
from ttgen.model.index import ONE, ZERO, Const, Expr, Index, Var, add, mul, sub
from ttgen.model.plan import CoreRange
from ttgen.model.tiles import FillTile, ReadRow


def edit_op(name: str, **changes: Any) -> Change:
    return lambda statement: (
        (replace(statement, **changes),) if isinstance(statement, Op) and statement.name == name else None
    )


def drop_op(name: str) -> Change:
    return lambda statement: () if isinstance(statement, Op) and statement.name == name else None


def twice(kind: type) -> Change:
    return lambda statement: (statement, statement) if isinstance(statement, kind) else None


def room_after_the_product(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Reserve) and statement.cb == "Y":
        return ()
    if isinstance(statement, Wait) and statement.cb == "product":
        return (statement, Reserve(cb="Y", pages=statement.pages))
    return None


def longer(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Loop) and statement.var == "k":
        return (replace(statement, extent=add(statement.extent, ONE)),)
    return None


def whole_block(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Let) and statement.name == "cols":
        return (replace(statement, index=Var("block_n")),)
    return None


def whole_step(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Let) and statement.name == "x":
        return (replace(statement, index=add(Var("x_start"), Var("x_trip"))),)
    return None


def one_unit_more_on_the_last_core(statement: Statement) -> tuple[Statement, ...] | None:
    """The unit that core 63 of gemm begins with is 63, and that of all others less: their numbers of units agree."""
    if isinstance(statement, Loop) and statement.var == "i":
        more = Expr("//", Var("unit_start"), Const(63))
        return (replace(statement, extent=add(statement.extent, more)),)
    return None


def read_without_an_end(statement: Statement) -> tuple[Statement, ...] | None:
    if isinstance(statement, Loop) and statement.var == "i":
        return (statement, Reserve(cb="A"), ReadPage(tensor="A", page=Const(0), cb="A"))
    return None


def middle_of_k(period: int, factor: int) -> Index:
    """0 in the first and in the last of eight steps of K, and largest in between."""
    return mul(Expr("%", Var("k"), Const(period)), Const(factor))


FAULTS: list[tuple[str, str, str, Change, str]] = [
    ("a unit too many on one core", "gemm", "reader", one_unit_more_on_the_last_core, "A: 16 pages pushed and 8 popped"),
    ("a read that is pending at the end", "gemm", "reader", read_without_an_end,
     "reader: A is still being read at the end of the kernel"),
    ("a page beyond the tensor in the middle", "gemm", "reader", edit(ReadPage, page=middle_of_k(7, 11)),
     "A: page 66 is read of 64"),
    ("a page beyond the tensor in the second step only", "gemm", "reader",
     edit(ReadPage, page=mul(Expr("//", Expr("%", add(Var("k"), Const(6)), Const(8)), Const(7)), Const(64))),
     "A: page 64 is read of 64"),
    ("a slot beyond the block in the middle", "gemm_edges", "reader",
     edit(ReadPage, slot=mul(Expr("//", Expr("%", Var("row"), Const(7)), Const(2)), Const(99))),
     "A: page 297 is filled of 32"),
    ("a slot beyond the block at the edge of one core", "gemm_edges", "writer",
     edit(WritePage, slot=mul(sub(Var("block_n"), Var("cols")), Const(99))), "C: page [0-9]+ is read of"),
    ("a dropped push", "gemm", "reader", drop(Push, "A"), "A: 0 pages pushed and 8 popped"),
    ("a dropped pop", "gemm", "compute", drop(Pop, "B"), "B: 8 pages pushed and 0 popped"),
    ("a push too many", "gemm", "compute", twice(Push), "C: "),
    ("one step of K too many", "gemm", "reader", longer, "A: "),
    ("a dropped reserve", "gemm", "reader", drop(Reserve, "A"), "reader: A is filled beyond what is reserved"),
    ("a dropped wait", "gemm", "compute", drop(Wait, "B"), "compute: B is used before it was waited for"),
    ("a dropped wait of the writer", "gemm", "writer", drop(Wait), "writer: C is written before it was waited for"),
    ("a dropped read barrier", "gemm", "reader", drop(ReadBarrier), "reader: A is pushed before its read barrier"),
    ("a dropped write barrier", "gemm", "writer", drop(WriteBarrier), "writer: C is popped before its write barrier"),
    ("a dropped read", "gemm", "reader", drop(ReadPage, "B"), "reader: B is pushed before it is filled"),
    ("a dropped pack", "gemm", "compute", drop(Pack), "compute: C is pushed before it is filled"),
    ("a fill that is left out", "scale_shift", "reader", drop(FillTile), "reader: zeros is pushed before it is filled"),
    ("steps that don't wrap", "gemm", "writer", edit(Pop, pages=Const(3)), "C: steps of 3 don't wrap at 1"),
    ("a wait for more than the ring holds", "gemm", "compute", edit(Wait, pages=Const(4)), "steps of 4 don't wrap at 2"),
    ("a wrong buffer", "gemm", "writer", edit(Wait, cb="A"), "A: 2 kernels are its consumer"),
    ("a page beyond the tensor", "gemm", "reader", edit(ReadPage, page=mul(Var("unit"), Var("Kt"))), "is read of 64"),
    ("a page written twice", "gemm", "writer", edit(WritePage, page=Const(0)), "C: pages are not written exactly once"),
    ("pages that are shifted", "gemm", "writer", edit(WritePage, page=add(Var("unit"), ONE)), "not written exactly once"),
    ("a slot beyond DST", "gemm", "compute", edit_op("matmul", dst=Const(4)), "matmul uses slot 4 of 4"),
    ("another slot packed", "gemm", "compute", edit(Pack, dst=Const(1)), "slot 1 is packed to C and holds nothing"),
    ("a subblock beyond DST", "gemm_blocks", "compute", edit_op("matmul_block", dst=Const(1)), "uses slot 4 of 4"),
    ("a product without its block", "gemm_blocks", "compute", edit_op("matmul_block", block=None), "matmul_block: no block"),
    ("a block that is handed over in part", "gemm_blocks", "reader", edit(Push, pages=Var("block_k")), "A: .* pushed and"),
    ("a slot beyond what is reserved", "gemm_blocks", "reader", edit(ReadPage, slot=mul(Var("block_m"), Var("block_n"))),
     "reader: A is filled beyond what is reserved"),
    ("a row of a block that isn't there", "gemm_blocks", "compute", edit_op("copy", sources=(Tile("product", Const(16)),)),
     "product is used before it was waited for"),
    ("a product before there is room for the output that it lies in", "gemm_prime", "compute", room_after_the_product,
     "product is packed where Y, whose memory it lies in, has no room"),
    ("a tile of a product that an output was packed over", "gemm_prime", "compute",
     edit_op("copy", sources=(Tile("product", ZERO),)), "product is used after Y was packed over it"),
    ("an edge that isn't one", "gemm_edges", "writer", whole_block, "C: pages are not written exactly once"),
    ("a step of a rectangle", "rectangle", "writer", whole_step, "Y: pages are not written exactly once"),
    ("a tile of a shard that is packed twice", "gelu_height", "compute", edit(Pack, slot=Const(0)),
     "Y: pages of its shard are not packed exactly once"),
    ("a row of a shard that isn't there", "gemm_residual", "compute",
     edit_op("copy", sources=(Tile("X_tile", mul(Var("shard_m"), Var("shard_n"))),)), "X_tile is used before it was"),
    # So many units to the right that only their exact slots show it.
    ("tiles beyond the end of a shard", "gemm_a_sharded", "compute",
     edit_op("matmul_block", sources=(Tile("A", mul(Var("x_trip"), Var("Kt"))), Tile("B"))),
     "A: page 72 is read of 48"),
    ("a shard that isn't handed over", "gelu_height", "reader", drop(Push), "X: 0 pages pushed and 16 popped"),
    ("a shard that is handed over in part", "gemm_c_sharded", "writer", edit(Pop, pages=Var("shard_n")),
     "C: 16 pages pushed and 4 popped"),
    ("a reduction that isn't undone", "softmax", "compute", drop(Uninit), "reduce_max_row isn't undone"),
    ("a scaler that isn't filled", "softmax", "reader", drop(FillTile, "scaler"), "scaler is pushed before it is filled"),
    ("a mask that isn't filled", "softmax_ragged", "reader", drop(FillTile, "mask"), "mask is pushed before it is filled"),
    ("a fold that begins with nothing", "row_max", "compute", drop_op("fill"), "fold_max reads slot 0, which holds nothing"),
    ("a scaler beyond the last", "softmax_ragged", "compute", edit_op("reduce_sum_row", sources=(Tile("exp"), Tile("scaler", Const(2)))),
     "scaler is used before it was waited for"),
    ("a row that was kept and isn't awaited", "softmax", "compute", drop(Wait, "exp"), "exp is used before it was waited for"),
    ("a row that was kept and isn't freed", "softmax", "compute", drop(Pop, "exp"), "exp: 32 pages pushed and 0 popped"),
    ("a scale that isn't read", "rmsnorm", "reader", drop(ReadRow), "g is pushed before it is filled"),
    ("a result in another slot", "tile", "compute", edit_op("exp", dst=Const(1)), "exp changes slot 0 in place, not 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "kernel", "change", "message"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_fault_is_found(spec: str, kernel: str, change: Change, message: str) -> None:
    plan = plan_of(spec)
    check(plan)
    with pytest.raises(ProofError, match=message):
        check(plan, kernel, change)


def test_products_of_two_kinds_in_one_slot() -> None:
    plan = plan_of("scale_shift")

    def into_the_first(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, Op) and statement.name == "add_rows":
            return (replace(statement, name="mul_rows", dst=Const(0)),)
        return None

    with pytest.raises(ProofError, match="mul_rows accumulates into slot 0, which holds the result of mul_cols"):
        check(plan, "compute", into_the_first)


def test_float32_that_loses_its_flag() -> None:
    plan = plan_of("adam")
    reader, compute, writer = plan.program.kernels
    assert compute.config is not None
    config = replace(compute.config, unpack_to_dest_fp32=compute.config.unpack_to_dest_fp32[1:])
    broken = replace(plan, programs=(replace(plan.program, kernels=(reader, replace(compute, config=config), writer)),))
    with pytest.raises(ProofError, match="copy reads float32 of m through SrcA"):
        check(broken)


def test_matrices_never_come_unpacked_to_dst() -> None:
    plan = plan_of("gemm")
    reader, compute, writer = plan.program.kernels
    assert compute.config is not None
    config = replace(compute.config, unpack_to_dest_fp32=(0,))
    broken = replace(plan, programs=(replace(plan.program, kernels=(reader, replace(compute, config=config), writer)),))
    with pytest.raises(ProofError, match="matmul reads A, which is unpacked to DST"):
        check(broken)


LEFT = (CoreRange(start=(0, 0), end=(3, 7)),)
BEYOND = (CoreRange(start=(0, 0), end=(7, 7)), CoreRange(start=(0, 8), end=(0, 8)))


@pytest.mark.parametrize(
    ("kernel", "fields", "message"),
    [
        (0, {"processor": "riscv_0"}, r"core \(0, 0\): processor riscv_0 is used 2 times"),
        (2, {"noc": 0}, r"core \(0, 0\): NoC 0 is used 2 times"),
        (1, {"core_ranges": (*LEFT, *LEFT)}, r"core \(0, 0\): compute is used 2 times"),
        (0, {"core_ranges": BEYOND}, r"core \(0, 8\): reader uses cb_A, which isn't there"),
    ],
)
def test_cores_that_can_not_run_their_kernels(kernel: int, fields: dict[str, object], message: str) -> None:
    plan = plan_of("gemm")
    kernels = list(plan.program.kernels)
    kernels[kernel] = replace(kernels[kernel], **fields)  # type: ignore[arg-type]
    with pytest.raises(ProofError, match=message):
        check(replace(plan, programs=(replace(plan.program, kernels=tuple(kernels)),)))


def test_roles_of_several_cores() -> None:
    """Kernels on parts of the cores: each core has its own, and all that they use."""
    program = plan_of("gemm").program
    right = (CoreRange(start=(4, 0), end=(7, 7)),)
    reader, compute, writer = program.kernels
    split = tuple(replace(kernel, core_ranges=cores) for kernel in (reader, compute, writer) for cores in (LEFT, right))
    roles.check(replace(program, kernels=split))
    with pytest.raises(ProofError, match=r"core \(4, 0\): has work and no kernel"):
        roles.check(replace(program, kernels=tuple(kernel for kernel in split if kernel.core_ranges == LEFT)))
    narrow = tuple(replace(buffer, core_ranges=LEFT) for buffer in program.circular_buffers)
    with pytest.raises(ProofError, match=r"core \(4, 0\): reader uses cb_A, which isn't there"):
        roles.check(replace(program, kernels=split, circular_buffers=narrow))
    twice = (replace(program.circular_buffers[0], index=1), *program.circular_buffers[1:])
    with pytest.raises(ProofError, match=r"core \(0, 0\): circular buffer 1 is used 2 times"):
        roles.check(replace(program, circular_buffers=twice))
    tables = {name: ((None, *table[0][1:]), *table[1:]) for name, table in program.per_core.items()}
    with pytest.raises(ProofError, match=r"core \(0, 0\): reader has no unit_start"):
        roles.check(replace(program, per_core=tables))


def test_a_unit_that_no_core_makes() -> None:
    plan = plan_of("gemm")
    starts = plan.program.per_core["unit_start"]
    # The last core makes the unit of the one before it.
    tables = {**plan.program.per_core, "unit_start": (*starts[:-1], (*starts[-1][:-1], starts[-1][-2]))}
    broken = replace(plan, programs=(replace(plan.program, per_core=tables),))
    with pytest.raises(ProofError, match="not written exactly once"):
        check(broken)


def test_kernels_that_wait_for_each_other() -> None:
    """Compute wants the bias before the product; the reader pushes it after sixteen steps of K, and a ring holds two."""
    plan = plan_of("linear_relu")

    def bias_first(statement: Statement) -> tuple[Statement, ...] | None:
        if isinstance(statement, Section):
            return (replace(statement, math=(Wait(cb="bias"), *rewritten(statement.math, drop(Wait, "bias")))),)
        return None

    with pytest.raises(
        ProofError, match=r"the kernels wait for each other: reader of core .* at .*, compute of core .* at .*bias"
    ):
        check(plan, "compute", bias_first)


def test_a_spill_before_a_deep_contraction() -> None:
    """With 16-bit DST a computed row is spilled before the product; its tiles are read before K is."""
    text = """
kernel: k
tensors:
  A: {shape: [64, 1000], dtype: bfloat16}
  B: {shape: [1000, 64], dtype: bfloat16}
  r: {shape: [1, 64], dtype: bfloat16}
  s: {shape: [1, 64], dtype: bfloat16}
  Y: {shape: [64, 64], dtype: bfloat16}
compute: Y = abs(r + s) * abs(A @ B) + s
precision: {accumulate: bfloat16}
"""
    plan = ttgen.plan(ttgen.loads(text))
    assert any(buffer.name == "partial_0" for buffer in plan.program.circular_buffers)
    check(plan)
