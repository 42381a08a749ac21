"""Every tile operation's headers suffice for it: alone, on each thread of both chips, in either width of DST."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.conformance.device_headers import Arch, Compute, Kernel, Missing, find_toolchain, type_check_all
from ttgen.apis import newest
from ttgen.model.body import Dst, Init, NumberArg, Op, Pack, ProductBlock, Section, Source, Startup, Tile
from ttgen.model.index import ONE, ZERO, Const
from ttgen.operations import OPERATIONS, Operation
from ttgen.rendering.artifacts import KernelStructure, kernel_code

pytestmark = pytest.mark.conformance

BUFFERS = ("A", "B", "C")


def _op(operation: Operation) -> Op:
    sources: list[Source] = []
    for index, kind in enumerate(operation.sources):
        match kind:
            case "tile":
                sources.append(Tile(BUFFERS[index]))
            case "dst":
                sources.append(Dst(Const(index)))
            case "number":
                sources.append(NumberArg(f"number_{index}"))
    block = ProductBlock(rows=ONE, cols=ONE, stride=ONE) if operation.block else None
    return Op(name=operation.name, sources=tuple(sources), dst=ZERO, block=block)


def _structure(operations: tuple[Operation, ...], dst_bits: int) -> KernelStructure:
    """A kernel that prepares and does each operation, and nothing else but what every compute kernel does."""
    ops = tuple(_op(operation) for operation in operations)
    reverse = operations[0].reverse
    return KernelStructure(
        api=newest().version,
        role="compute",
        accessors=(),
        named_compile_time_args=tuple(dict.fromkeys([*(f"cb_{name}" for name in BUFFERS), *_numbers(ops)])),
        addresses=(),
        exchanges=False,
        counters=(),
        noc=None,
        runtime_args=(),
        approximate=False,
        fp32_dest_acc=dst_bits == 32,
        body=(
            Startup(operands=("A", "B"), output="C", reverse=reverse),
            *(Section(math=(Init(op=op), op), pack=(Pack(dst=ZERO, cb="C"),)) for op in ops),
        ),
    )


def _numbers(ops: tuple[Op, ...]) -> tuple[str, ...]:
    return tuple(number.name for op in ops for number in op.numbers)


def _headers(operation: Operation) -> list[str]:
    return _includes(kernel_code(_structure((operation,), operation.dst_bits or 32)))


def _includes(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#include")]


CHIPS: tuple[tuple[int, Arch], ...] = ((16, "blackhole"), (32, "wormhole_b0"))
"""Each operation on each chip and at each width; what both decide together, the rendered kernels show."""


def _kernel(structure: KernelStructure, operations: tuple[Operation, ...], arch: Arch) -> Kernel:
    return Kernel(
        source=kernel_code(structure),
        arch=arch,
        role=Compute(fp32_dest_acc=structure.fp32_dest_acc),
        named_compile_time_args={name: index for index, name in enumerate(structure.named_compile_time_args)},
        defines={name: "1" for operation in operations for name in newest().defines.get(operation.name, ())},
        circular_buffers=dict.fromkeys(range(len(BUFFERS)), "Float16_b"),
    )


def _groups() -> list[list[tuple[str, Kernel]]]:
    """By headers: operations whose headers are the same ones share a kernel, which has nothing that one of them hasn't."""
    groups = []
    for headers, operations in groupby(sorted(OPERATIONS.values(), key=_headers), _headers):
        together = tuple(operations)
        kernels = []
        for dst_bits, arch in CHIPS:
            able = tuple(operation for operation in together if operation.dst_bits in (None, dst_bits))
            if not able:
                continue
            structure = _structure(able, dst_bits)
            assert _includes(kernel_code(structure)) == headers
            name = f"{', '.join(operation.name for operation in able)} in {dst_bits}-bit DST on {arch}"
            kernels.append((name, _kernel(structure, able, arch)))
        groups.append(kernels)
    return groups


def _check(kernels: list[tuple[str, Kernel]], subtests: pytest.Subtests) -> None:
    toolchain = find_toolchain()
    if isinstance(toolchain, Missing):
        pytest.skip(toolchain.reason)
    reports = type_check_all([kernel for _name, kernel in kernels], toolchain)
    for (name, _kernel), report in zip(kernels, reports, strict=True):
        with subtests.test(name):
            assert report.threads == ("unpack", "math", "pack")
            assert report.passed, str(report)


def test_every_operation_compiles_with_its_own_headers_alone(subtests: pytest.Subtests) -> None:
    """Each on one of the chips, by turns."""
    _check([kernels[place % len(kernels)] for place, kernels in enumerate(_groups())], subtests)


@pytest.mark.exhaustive
def test_every_operation_compiles_on_both_chips(subtests: pytest.Subtests) -> None:
    _check([kernel for kernels in _groups() for kernel in kernels], subtests)
