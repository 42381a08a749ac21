"""A number or a decision of a plan, taken apart: how it comes about, from what, and where that is said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ttgen import resources
from ttgen.cost import predict
from ttgen.cost.loads import pages
from ttgen.model.plan import Decision, Program
from ttgen.planner import kernel_size
from ttgen.planner.candidate import Planned
from ttgen.target import load as load_target

_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "policy": ("schedule", "policy"), "order": ("schedule", "order"), "cores": ("schedule", "cores"),
    "unit": ("schedule", "block"), "subblock": ("schedule", "block"), "multicast": ("schedule", "multicast"),
    "prefetch": ("schedule", "prefetch"), "split": ("schedule", "split"), "buffers": ("schedule", "buffers"),
    "fidelity": ("precision", "fidelity"), "accumulate": ("precision", "accumulate"), "target": ("target",),
    "stages": ("compute",), "pattern": ("compute",), "scratch": ("stages",), "l1_interleaved": ("tensors",),
    "l1_sharded": ("tensors",), "dram_sharded": ("tensors",),
}  # fmt: skip
"""Where the spec says, or would say, something of a decision."""


def names(planned: Planned) -> tuple[str, ...]:
    """All that can be explained: decisions, then numbers."""
    return (*dict.fromkeys(decision.name for decision in planned.plan.decisions), *_NUMBERS)


def explain(planned: Planned, name: str) -> Iterator[str]:
    """The lines of a decision, and of a number, of that name; of all programs where the program isn't named."""
    for decision in planned.plan.decisions:
        if name in (decision.name, decision.name.rpartition(": ")[2]):
            yield from _decision(planned, decision)
    if name in _NUMBERS:
        yield from _NUMBERS[name](planned)


def _decision(planned: Planned, decision: Decision) -> Iterator[str]:
    origins = {
        "spec": "the spec says so", "default": "the default", "rule": "it follows from the rest",
        "search": "the fastest that was found",
    }  # fmt: skip
    yield f"{decision.name}: {decision.value}"
    yield f"  {origins[decision.origin]}: {decision.because}"
    program, _colon, name = decision.name.rpartition(": ")
    path = _PLACES.get(name, ())
    own = ("stages", program, *path)
    for candidate in (own, path) if program else (path,):
        if place := planned.loaded.source.places.get(candidate):
            line = (place.key[0] if place.key else place.line) + 1
            yield f"  {planned.loaded.source.name}:{line}: {'.'.join(candidate)}"
            return
    if path:
        yield f"  {planned.loaded.source.name}: '{'.'.join(path)}' isn't said"


def _fact(planned: Planned, *keys: str) -> str:
    """The source of a fact of the target's file: the comment behind it."""
    name = planned.plan.target.device
    text = (resources.folder("targets") / f"{name}.yaml").read_text(encoding="utf-8")
    match = re.search(rf"^ *{keys[-1]}:[^#\n]*#\s*(.*)$", text, re.MULTILINE)
    return f"{'.'.join(keys)} of {name}: {match[1] if match else 'no source'}"


def _named(planned: Planned, program: Program) -> str:
    return f"{program.name}: " if len(planned.plan.programs) > 1 else ""


def _l1(planned: Planned) -> Iterator[str]:
    plan = planned.plan
    most = max(plan.programs, key=lambda program: program.l1.bytes)
    yield f"l1_bytes: {most.l1.bytes:,} of {most.l1.limit:,}, the program with most"
    resident, guests = most.resident(), most.guests()
    buffers = 0
    for buffer in most.circular_buffers:
        if buffer.name in resident:
            yield f"  {buffer.name}: on the shard of {resident[buffer.name]}, nothing more"
            continue
        if buffer.name in guests:
            yield f"  {buffer.name}: in the memory of {guests[buffer.name]}, nothing more"
            continue
        size = buffer.pages * buffer.page_bytes
        buffers += size
        yield f"  {buffer.name}: {buffer.pages} pages of {buffer.page_bytes:,} = {size:,}"
    if tensors := most.l1.bytes - buffers:
        lying = ", ".join(tensor.name for tensor in plan.tensors if not tensor.in_dram)
        yield f"  the largest shares of tensors in L1 ({lying}), as L1 is allocated in lockstep = {tensors:,}"
    yield f"  {_fact(planned, 'l1', 'usable')}"


def _dram(kind: str) -> Callable[[Planned], Iterator[str]]:
    """Bytes that are read or written: pages, tensor by tensor."""

    def lines(planned: Planned) -> Iterator[str]:
        plan = planned.plan
        word = "read" if kind == "read" else "write"
        total = sum(getattr(program.cost, f"dram_{word}_bytes") for program in plan.programs)
        yield f"dram_{word}_bytes: {total:,}, pages of a tile as the kernels' statements {kind} them"
        for made, program in zip(planned.programs, plan.programs, strict=True):
            for name, number in sorted(Counter(dict(pages(made.tally.total, kind))).items()):
                tensor = plan.tensor(name)
                if tensor.in_dram:
                    size = number * tensor.page_bytes
                    text = f"  {_named(planned, program)}{name}: {number:,} pages of {tensor.page_bytes:,} = {size:,}"
                    yield f"{text}, {number / tensor.pages:.3g} times the tensor's {tensor.pages:,} pages"

    return lines


def _ratio(planned: Planned) -> Iterator[str]:
    plan = planned.plan
    compulsory = sum(tensor.pages * tensor.page_bytes for tensor in plan.dram_inputs)
    ratio = "none" if plan.dram_read_ratio is None else f"{plan.dram_read_ratio:.3g}"
    yield f"dram_read_ratio: {ratio} = {plan.dram_read_bytes:,} bytes read / {compulsory:,} bytes of inputs in DRAM"
    yield from (f"  {tensor.name}: {tensor.pages:,} pages of {tensor.page_bytes:,}" for tensor in plan.dram_inputs)


def _noc(planned: Planned) -> Iterator[str]:
    total = sum(program.cost.noc_bytes for program in planned.plan.programs)
    yield f"noc_bytes: {total:,}, the payload that enters the networks; a multicast counts once"
    for program in planned.plan.programs:
        cost = program.cost
        between = cost.noc_bytes - cost.dram_read_bytes - cost.dram_write_bytes
        text = f"  {_named(planned, program)}{cost.dram_read_bytes:,} read from DRAM"
        yield f"{text}, {cost.dram_write_bytes:,} written to it, {between:,} between cores"


def _products(planned: Planned) -> Iterator[str]:
    total = sum(program.cost.tile_products for program in planned.plan.programs)
    yield f"tile_products: {total:,}, of two tiles of 32x32 each"
    for program, made in zip(planned.plan.programs, planned.programs, strict=True):
        product = made.stage.graph.contraction
        if product is not None:
            *batches, rows, cols = product.shape
            sides = (*batches, -(-rows // 32), -(-cols // 32), -(-product.over.size // 32))
            text = " x ".join(str(side) for side in sides)
            yield f"  {_named(planned, program)}{text} tiles of batches, rows, columns and K = {math.prod(sides):,}"
            if beyond := program.cost.tile_products - math.prod(sides):
                yield f"  {_named(planned, program)}beyond the edges of the output, where blocks are whole = {beyond:,}"


def _flops(planned: Planned) -> Iterator[str]:
    total = sum(program.cost.flops for program in planned.plan.programs)
    yield f"flops: {total:,}, operations on logical elements; a step of a contraction counts two"
    for program in planned.plan.programs:
        yield f"  {_named(planned, program)}{program.cost.flops:,}"


def _kernels(planned: Planned) -> Iterator[str]:
    target = load_target(planned.plan.target.device)
    for program in planned.plan.programs:
        found = kernel_size.largest(program.kernels, target)
        text = f"kernel_bytes: about {found.total:,} of {found.limit:,}, estimated from the statements"
        yield f"{_named(planned, program)}{text}"
        rest = found.total - sum(found.functions.values())
        yield from (f"  {name}: {size:,}" for name, size in sorted(found.functions.items()))
        yield f"  everything else: {rest:,}"
    yield f"  {_fact(planned, 'l1', 'kernel_config')}"


def _balance(planned: Planned) -> Iterator[str]:
    for program in planned.plan.programs:
        work = program.work
        parts = f" x {work.split} parts of K" if work.split > 1 else ""
        yield (
            f"{_named(planned, program)}balance: {program.balance:.3g} = {work.units} units{parts} / "
            f"({work.cores} cores x {program.busiest} units of the busiest)"
        )
        grid = work.grid
        yield f"  units: {grid.x} columns x {grid.y} rows x {grid.z} batches, of {work.block.m}x{work.block.n} tiles"


def _time(planned: Planned) -> Iterator[str]:
    target = load_target(planned.plan.target.device)
    found = [predict(made, target) for made in planned.programs]
    total = sum(item.device_us for item in found)
    yield f"time_us: {total:.2f}, predicted from the launch to the last write (docs/cost.md)"
    for program, item in zip(planned.plan.programs, found, strict=True):
        parts = ", ".join(f"{name} {cycles:,.0f}" for name, cycles in item.parts.items())
        yield f"  {_named(planned, program)}{item.device_us:.2f} us at {item.clock_ghz:g} GHz; cycles: {parts}"
        engines = ", ".join(f"{name} {cycles:,.0f}" for name, cycles in item.engines.items())
        yield f"  {_named(planned, program)}it waits for {item.binding}; cycles that engines are busy: {engines}"
        yield f"  {_named(planned, program)}no schedule is faster than {item.bound_us:.2f} us ({item.bound.limit})"
    yield f"  rates: ttgen/targets/rates/{target.arch}.yaml, each with its source"


_NUMBERS: Final[Mapping[str, Callable[[Planned], Iterator[str]]]] = {
    "l1_bytes": _l1, "dram_read_bytes": _dram("read"), "dram_write_bytes": _dram("write"), "dram_read_ratio": _ratio,
    "noc_bytes": _noc, "tile_products": _products, "flops": _flops, "kernel_bytes": _kernels, "balance": _balance,
    "time_us": _time,
}  # fmt: skip
