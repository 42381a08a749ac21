"""The plan explains itself: each decision with where it came from and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ttgen.model.design import Design
from ttgen.model.plan import Decision, PanelOrder, Program, Tensor
from ttgen.patterns import PATTERNS
from ttgen.planner import l1
from ttgen.planner.policies import POLICIES
from ttgen.planner.precision import Exactness
from ttgen.spec import LoadedSpec
from ttgen.target import Target


def decide(
    loaded: LoadedSpec,
    pattern: str,
    target: Target,
    program: Program,
    exactness: Exactness,
    design: Design,
    tensors: Sequence[Tensor],
) -> tuple[Decision, ...]:
    """All decisions of a plan, in the order that they were made."""
    found = _decisions(loaded, pattern, target, program, exactness, design)
    return (*found, *_layouts(tensors, target), *_padding(design, tensors))


def _decisions(
    loaded: LoadedSpec, pattern: str, target: Target, program: Program, exactness: Exactness, design: Design
) -> Iterator[Decision]:
    def said(*path: str) -> Literal["spec", "default"]:
        return "spec" if loaded.gives(*path) else "default"

    def decision(name: str, value: str, origin: Literal["spec", "default", "rule"], because: str) -> Decision:
        return Decision(name=name, value=value, origin=origin, because=because)

    work = program.work
    yield decision("pattern", pattern, "rule", f"the formula is of this kind: {PATTERNS[pattern].meaning}")
    yield decision("target", target.name, said("target"), target.description)
    yield decision("policy", work.policy, said("schedule", "policy"), POLICIES[work.policy].meaning)
    if isinstance(work.order, PanelOrder):
        because = f"panels {work.order.block_linear} unit columns wide, row by row inside a panel"
        yield decision("order", f"block_linear: {work.order.block_linear}", said("schedule", "order"), because)
    else:
        because = "neighbours in a row" if work.order == "row_major" else "neighbours in a column"
        yield decision("order", work.order, said("schedule", "order"), f"consecutive units are {because}")
    yield decision("cores", str(work.cores), said("schedule", "cores"), _balance(program))
    yield decision("unit", "1x1 tile", said("schedule", "block"), "one output tile a trip of the kernels' loop")
    if loaded.gives("precision", "fidelity"):
        erratum = exactness.fidelity == "HiFi4" and target.arch == "wormhole_b0" and exactness.dst_bits == 32
        because = (
            "as asked; with 32-bit accumulation Wormhole has an erratum, rare errors of a power of two"
            if erratum
            else "as asked"
        )
        yield decision("fidelity", exactness.fidelity, "spec", because)
    else:
        because = "the target's default"
        if target.fidelity == "HiFi4":
            because = "every bit of a bfloat16 product"
        elif exactness.dst_bits == 32:
            because = "HiFi4 with 32-bit accumulation has an erratum on Wormhole"
        yield decision("fidelity", exactness.fidelity, "default", because)
    slots = target.dst_tiles(bits=exactness.dst_bits)
    if exactness.forced_by:
        because = f"{exactness.forced_by} is float32, which 16-bit DST can't hold"
        yield decision("accumulate", "float32", "rule", because)
    else:
        word = "float32" if exactness.dst_bits == 32 else "bfloat16"
        because = f"{exactness.dst_bits}-bit DST of {slots} tiles; a unit uses {design.dst_tiles}"
        yield decision("accumulate", word, said("precision", "accumulate"), because)
    if design.spills:
        because = f"DST has {slots} slots: these values wait in L1"
        yield decision("spills", ", ".join(design.spills), "rule", because)
    yield decision("buffers", "2 pages", "rule", "inputs and outputs move while the core computes")
    yield decision(
        "noc", f"read {target.noc.read}, write {target.noc.write}", "rule",
        "the target's preference: reads and writes in opposite directions",
    )  # fmt: skip


def _layouts(tensors: Sequence[Tensor], target: Target) -> Iterator[Decision]:
    """Where tensors are that aren't in DRAM."""
    shares = {tensor.name: l1.share(tensor, target) for tensor in tensors if tensor.layout == "l1_interleaved"}
    if shares:
        parts = ", ".join(f"{name} {bytes_:,}" for name, bytes_ in shares.items())
        because = f"pages go round the L1 of all {target.grid.cores} cores; bytes that they take on each: {parts}"
        yield Decision(name="l1_interleaved", value=", ".join(shares), origin="spec", because=because)


def _padding(design: Design, tensors: Sequence[Tensor]) -> Iterator[Decision]:
    """Which tensors are uploaded with zeros in their padding, and why."""
    zero = {tensor.name for tensor in tensors if any(use.padding == "zero" for use in tensor.uses)}
    products = [name for name, uses in design.padding.items() if "zero" in uses]
    for names, because in (
        (products, "the last tile of K is ragged, and its padding is multiplied; tensors are uploaded zero-padded"),
        (
            [name for name in design.padding if name in zero and name not in products],
            "block floats share an exponent among sixteen neighbours of a row, which must not be that of padding",
        ),
    ):
        if names:
            yield Decision(name="padding", value=f"zero: {', '.join(names)}", origin="rule", because=because)


def _balance(program: Program) -> str:
    work = program.work
    units = "unit" if work.units == 1 else "units"
    return f"{work.units} {units}, at most {program.busiest} a core: balance {program.balance:.0%}"
