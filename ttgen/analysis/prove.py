"""All proofs of a program, before anything is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ttgen.analysis import coverage, dst, roles, tokens
from ttgen.analysis.errors import ProofError
from ttgen.analysis.network import Core
from ttgen.analysis.roles import by_core
from ttgen.model.grids import Coordinate
from ttgen.model.plan import Program, Tensor


def prove(program: Program, tensors: Mapping[str, Tensor], *, dst_slots: int, dst_bits: Literal[16, 32]) -> None:
    """Proves a program on every core.

    Raises:
        ProofError: something is wrong with the plan.
    """
    arguments = {kernel.name: kernel.named_compile_time_args for kernel in program.kernels}
    roles.check(program)
    rings = {buffer.name: buffer.pages for buffer in program.circular_buffers}
    if len(rings) < len(program.circular_buffers):
        raise ProofError("two circular buffers have one name")
    resident = program.resident()
    filled = [cb for cb, tensor in resident.items() if tensors[tensor].role == "input"]
    cores = _cores(program)
    tokens.check(cores, filled)
    if program.l1.bytes > program.l1.limit:
        raise ProofError(f"L1: {program.l1.bytes} of {program.l1.limit} bytes")
    for kernel in program.kernels:
        if kernel.config is not None:
            flagged = kernel.config.unpack_to_dest_fp32
            dst.check(
                kernel.body,
                kernel.named_compile_time_args,
                slots=dst_slots,
                bits=dst_bits,
                to_dst={buffer.name for buffer in program.circular_buffers if buffer.index in flagged},
                exact={buffer.name for buffer in program.circular_buffers if buffer.dtype == "float32"},
            )
    pages = {name: tensor.pages for name, tensor in tensors.items()}
    coverage.check(
        [
            coverage.Run(
                body=kernel.body,
                arguments=arguments[kernel.name],
                cores=tuple(core.values for core in cores if kernel.name in core.bodies),
            )
            for kernel in program.kernels
        ],
        pages,
        rings,
        {cb: rings[cb] for cb in resident},
    )
    for guest, host in program.guests().items():
        # Few programs have any.
        from ttgen.analysis import memory

        if rings[guest] != rings.get(host):
            raise ProofError(f"{guest}: not as long as {host}, whose memory it lies in")
        sharers = [core for core in cores if guest in core.rings]
        bodies = {name: body for core in sharers for name, body in core.bodies.items()}
        memory.check(bodies.values(), (core.values for core in sharers), guest=guest, host=host, pages=rings[guest])
    for cb, name in resident.items():
        _check_shards(tensors[name], (core for core, _values in program.cores()), rings[cb])


def _cores(program: Program) -> list[Core]:
    """The cores that have work, with what is there."""
    kernels, buffers = by_core(program.kernels), by_core(program.circular_buffers)
    return [
        Core(
            place=place,
            values={
                name: value
                for number in kernels[place]
                for name, value in (*program.kernels[number].named_compile_time_args.items(), *own.items())
            },
            bodies={program.kernels[number].name: program.kernels[number].body for number in kernels[place]},
            rings={
                program.circular_buffers[number].name: program.circular_buffers[number].pages
                for number in buffers[place]
            },
        )
        for place, own in program.cores()
    ]


def _check_shards(tensor: Tensor, cores: Iterable[Coordinate], pages: int) -> None:
    """The shards under a buffer are as long as it is, and on the cores that run."""
    parts = dict(tensor.parts())
    if parts.keys() != set(cores) or any(part.rows * part.cols != pages for part in parts.values()):
        raise ProofError(f"{tensor.name}: a buffer of {pages} pages doesn't fit its shards")
