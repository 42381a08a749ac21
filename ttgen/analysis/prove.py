"""All proofs of a program, before anything is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ttgen.analysis import coverage, dst, roles, tokens
from ttgen.analysis.errors import ProofError
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Program, Tensor


def prove(program: Program, tensors: Mapping[str, Tensor], *, dst_slots: int, dst_bits: Literal[16, 32]) -> None:
    """Proves a program on every core.

    Raises:
        ProofError: something is wrong with the plan.
    """
    bodies = {kernel.name: kernel.body for kernel in program.kernels}
    arguments = {kernel.name: kernel.named_compile_time_args for kernel in program.kernels}
    roles.check(program)
    rings = {buffer.name: buffer.pages for buffer in program.circular_buffers}
    if len(rings) < len(program.circular_buffers):
        raise ProofError("two circular buffers have one name")
    cores = [values for _core, values in program.cores()]
    resident = program.resident()
    every = {name: value for values in arguments.values() for name, value in values.items()}
    filled = [cb for cb, tensor in resident.items() if tensors[tensor].role == "input"]
    tokens.check(bodies, rings, every, cores, filled)
    if program.l1.bytes > program.l1.limit:
        raise ProofError(f"L1: {program.l1.bytes} of {program.l1.limit} bytes")
    compute = next(kernel for kernel in program.kernels if kernel.config is not None)
    flagged = compute.config.unpack_to_dest_fp32 if compute.config is not None else ()
    dst.check(
        compute.body,
        compute.named_compile_time_args,
        slots=dst_slots,
        bits=dst_bits,
        to_dst={buffer.name for buffer in program.circular_buffers if buffer.index in flagged},
        exact={buffer.name for buffer in program.circular_buffers if buffer.dtype == "float32"},
    )
    pages = {name: tensor.pages for name, tensor in tensors.items()}
    coverage.check(bodies, pages, cores, arguments, rings, {cb: rings[cb] for cb in resident})
    for cb, name in resident.items():
        _check_shards(tensors[name], (core for core, _values in program.cores()), rings[cb])


def _check_shards(tensor: Tensor, cores: Iterable[Coordinate], pages: int) -> None:
    """The shards under a buffer are as long as it is, and on the cores that run."""
    parts = dict(tensor.parts())
    if parts.keys() != set(cores) or any(part.rows * part.cols != pages for part in parts.values()):
        raise ProofError(f"{tensor.name}: a buffer of {pages} pages doesn't fit its shards")
