"""Measures the errors of the device's functions without a card: ``python -m tests.conformance.measure_functions``.

The bodies of the SFPU operations in the ttnn wheel's headers are compiled for this machine, called as the templates
call them, and run on every bfloat16 value or on a sweep of float32 values; ``stand_ins/`` executes what they do as
the public ISA documentation says that the vector unit does it. The output is a Markdown list: for each function, chip,
width of DST and set of defines the largest relative and absolute errors with the arguments where they arise, the
ranges where 0, infinity or NaN stands for an ordinary value, the results of special values, and the cycles that a tile
takes: one an instruction, the waits for results among them, the loads of constants and the RISC-V core's own work left out.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from tests.conformance.device_headers import (
    ARCH_DEFINES,
    COMMON_DEFINES,
    STAND_INS,
    THREAD_DEFINES,
    Arch,
    Compute,
    Kernel,
    Missing,
    circular_buffer_descriptors,
    find_headers,
    include_folders,
)
from ttgen.apis import newest
from ttgen.model.body import Dst, Init, NumberArg, Op, Source
from ttgen.model.index import ZERO, Const
from ttgen.operations import OPERATIONS, Operation
from ttgen.rendering.artifacts import KernelStructure, kernel_code
from ttgen.rendering.environment import environment

Bits: TypeAlias = Literal[16, 32]
Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

SCALAR: Final = float(np.float32(1.3))

NUMBERS: Final[Mapping[str, tuple[float, ...]]] = {
    "leaky_relu": (0.01,),
    "softplus": (1.0, 1.0, 20.0),
    "rdiv_number": (2.5,),
    **dict.fromkeys(("add_number", "mul_number", "rsub_number", "max_number", "min_number"), (SCALAR,)),
}
"""The numbers that operations are measured with; softplus' are beta, its reciprocal and the threshold."""


def _elementwise(function: Callable[[float], float]) -> Callable[[Doubles], Doubles]:
    vectorized = np.vectorize(function, otypes=[np.float64])
    return lambda x: np.asarray(vectorized(x), np.float64)


_erf, _erfc = _elementwise(math.erf), _elementwise(math.erfc)


def _sigmoid(x: Doubles) -> Doubles:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


EXACT: Final[Mapping[str, Callable[..., Doubles]]] = {
    "abs": np.abs,
    "erf": _erf,
    "exp": np.exp,
    "gelu": lambda x: 0.5 * x * _erfc(-x / math.sqrt(2)),
    "leaky_relu": lambda x: np.where(x < 0, x * float(np.float32(0.01)), x),
    "log": np.log,
    "neg": np.negative,
    "reciprocal": lambda x: 1 / x,
    "relu": lambda x: np.maximum(x, 0),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "sqrt": np.sqrt,
    "square": np.square,
    "tanh": np.tanh,
    "add_number": lambda x: x + SCALAR,
    "mul_number": lambda x: x * SCALAR,
    "rsub_number": lambda x: SCALAR - x,
    "rdiv_number": lambda x: 2.5 / x,
    "max_number": lambda x: np.maximum(x, SCALAR),
    "min_number": lambda x: np.minimum(x, SCALAR),
    "add_dst": np.add,
    "sub_dst": np.subtract,
    "mul_dst": np.multiply,
    "div_dst": np.divide,
    "max_dst": np.maximum,
    "min_dst": np.minimum,
}
"""Each operation in double precision."""

SPECIAL: Final = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, -1e-40, -1.0], np.float32)


# ----------------------------------------------------------------------------------------
# The operations as a program of this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The SFPU operations of one chip, width of DST and set of defines, compiled."""

    arch: Arch
    dst_bits: Bits
    defines: tuple[str, ...]
    program: Path
    names: tuple[str, ...]

    def apply(self, name: str, *operands: Floats) -> Floats:
        """The operation's result for each element. In 16-bit DST the operands must be bfloat16 values."""
        return self.timed(name, *operands)[0]

    def timed(self, name: str, *operands: Floats) -> tuple[Floats, int]:
        """The result, and the cycles that a tile takes without the waits of other units: of SFPLOADI, of code, of SFPLOADMACRO."""
        count = len(operands[0])
        tiles = [np.append(operand, np.zeros(-count % 1024, np.float32)).reshape(-1, 1024) for operand in operands]
        numbers = iter(np.array(NUMBERS.get(name, ()), np.float32).view(np.uint32))
        sources = OPERATIONS[name].sources if name in OPERATIONS else ()
        words = [next(numbers) if kind == "number" else 0 for kind in sources]
        run = subprocess.run(
            [self.program, str(self.names.index(name)), str(len(operands)), *map(str, words)],
            input=np.stack(tiles, axis=1).tobytes(),
            capture_output=True,
            check=True,
        )
        return np.frombuffer(run.stdout, np.float32)[:count], int(run.stderr.split()[-1])


@contextmanager
def compiled(
    root: Path, arch: Arch, dst_bits: Bits, defines: tuple[str, ...] = (), calls: Mapping[str, tuple[str, str]] = {}
) -> Iterator[Device]:
    """Compiles the operations that DST of this width allows; `root` is the folder that `find_headers` finds.

    `calls` are functions that no operation has: an init and a call, by name.
    """
    operations = tuple(
        operation
        for operation in OPERATIONS.values()
        if operation.engine == "sfpu" and operation.dst_bits in (None, dst_bits)
    )
    role = Compute(fp32_dest_acc=dst_bits == 32)
    kernel = Kernel(source="", arch=arch, role=role, circular_buffers={0: "Float32" if dst_bits == 32 else "Float16_b"})
    with tempfile.TemporaryDirectory(prefix="measure_") as name:
        folder = Path(name)
        texts = {
            "chlkc_descriptors.h": circular_buffer_descriptors(kernel),
            "defines_generated.h": "".join(f"#define {define}\n" for define in defines),
            "operation_headers.h": _headers(operations),
            "operations.h": _table(operations, dst_bits, calls),
            **dict(_relaxed_headers(root, arch)),
        }
        for file, text in texts.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        macros = (*ARCH_DEFINES[arch], *COMMON_DEFINES, *THREAD_DEFINES["math"], "TRISC_MATH", "DISABLE_SFPLOADMACRO")
        program = folder / "operations"
        subprocess.run(
            [
                *("g++", "-std=c++17", "-O0", "-ffp-contract=off", "-fno-strict-aliasing", "-fpermissive", "-w"),
                *("-include", "prelude.h", *(f"-D{macro}" for macro in macros), f"-I{folder}"),
                *(f"-isystem{path}" for path in (STAND_INS / "host", STAND_INS)),
                *(f"-isystem{root / path}" for path in include_folders(arch)),
                *(str(STAND_INS / "host" / "measure.cpp"), "-o", str(program)),
            ],
            check=True,
        )
        names = (*(operation.name for operation in operations), *calls)
        yield Device(arch=arch, dst_bits=dst_bits, defines=defines, program=program, names=names)


def _structure(operation: Operation, dst_bits: int) -> tuple[Op, KernelStructure]:
    sources: list[Source] = [
        NumberArg(f"number_{index}") if kind == "number" else Dst(Const(index))
        for index, kind in enumerate(operation.sources)
    ]
    op = Op(name=operation.name, sources=tuple(sources), dst=ZERO)
    structure = KernelStructure(
        api=newest().version,
        role="compute",
        accessors=(),
        named_compile_time_args=(),
        addresses=(),
        exchanges=False,
        counters=(),
        noc=None,
        runtime_args=(),
        approximate=False,
        fp32_dest_acc=dst_bits == 32,
        body=(Init(op=op), op),
    )
    return op, structure


def _headers(operations: tuple[Operation, ...]) -> str:
    """What the kernels of these operations include."""
    texts = [kernel_code(_structure(operation, 32)[1]) for operation in operations]
    lines = {line for text in texts for line in text.splitlines() if line.startswith("#include")}
    return "\n".join(sorted(lines)) + "\n"


def _table(operations: tuple[Operation, ...], dst_bits: int, calls: Mapping[str, tuple[str, str]]) -> str:
    """The operations as the templates spell them, and variables for the numbers among their sources."""
    statements: Any = environment().get_template("kernel/statements.jinja").module
    parts = ("compute", "dataflow", "operations", "tokens")
    api = {part: environment().get_template(f"{newest().templates}/kernel/{part}.jinja").module for part in parts}
    rows: list[str] = []
    for operation in operations:
        op, structure = _structure(operation, dst_bits)
        prepare, apply = (statements.body(body, structure, api) for body in ((Init(op=op),), (op,)))
        rows.append(f"    {{[] {{ {prepare} }}, [] {{ {apply} }}}},")
    rows += [f"    {{[] {{ {prepare} }}, [] {{ {apply} }}}}," for prepare, apply in calls.values()]
    names = [f"number_{index}" for index in range(4)]
    variables = [f"static uint32_t {', '.join(names)};", f"static uint32_t* numbers[] = {{&{', &'.join(names)}}};"]
    return "\n".join([*variables, "static const Operation operations[] = {", *rows, "};"]) + "\n"


def _relaxed_headers(root: Path, arch: Arch) -> Iterator[tuple[str, str]]:
    """Copies of two headers without what g++ 12 refuses and the real build's compiler accepts."""
    for name in ("fill", "rounding_ops"):
        path = root / f"tt_metal/tt-llk/tt_llk_{arch}/common/inc/sfpu/ckernel_sfpu_{name}.h"
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"#pragma GCC unroll ITERATIONS|static_assert\(false,[^;]*;", "", text)
        yield f"sfpu/{path.name}", text.replace('"ckernel_sfpu_', '"sfpu/ckernel_sfpu_')


# ----------------------------------------------------------------------------------------
# What is measured


def arguments(dst_bits: Bits, count: int) -> Floats:
    """Every bfloat16 value for 16-bit DST; else `count` float32 values: random bit patterns, and evenly near 0."""
    if dst_bits == 16:
        return (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    random = np.random.default_rng(count)
    patterns = random.integers(0, 1 << 32, count // 2, dtype=np.uint32).view(np.float32)
    even = [random.uniform(-most, most, count // 10).astype(np.float32) for most in (0.1, 1, 10, 30, 100)]
    return np.concatenate([patterns, *even])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Where the exact value is normal and finite in DST's format and the arguments are, too.

    Attributes:
        relative, absolute: the largest error of results that are finite and not 0, and where.
        wrongly: by "0", "inf" and "nan", the arguments for which that stands for an ordinary value.
        special: the result for each of SPECIAL; of unary operations only.
        cycles: what a tile takes.
    """

    relative: tuple[float, tuple[float, ...]]
    absolute: tuple[float, tuple[float, ...]]
    wrongly: Mapping[str, tuple[Floats, ...]]
    special: Floats | None
    cycles: int


def measure(device: Device, name: str, count: int = 1 << 19) -> Measured:
    """The errors of one operation of `EXACT`."""
    least, most = 2.0**-126, float(np.float32(3.4028235e38)) if device.dst_bits == 32 else 255.0 * 2**120
    first = arguments(device.dst_bits, count)
    shuffled = np.random.default_rng(1).permutation(first)
    operands = (first, shuffled)[: OPERATIONS[name].sources.count("dst")]
    with np.errstate(all="ignore"):
        applied, cycles = device.timed(name, *operands)
        found = applied.astype(np.float64)
        exact = EXACT[name](*(operand.astype(np.float64) for operand in operands))
        normal = np.logical_and.reduce([np.isfinite(x) & (np.abs(x) >= least) for x in operands])
        normal &= (np.abs(exact) >= least) & (np.abs(exact) <= most)
        absolute = np.abs(found - exact)
        relative = absolute / np.abs(exact)
    wrong = {"0": normal & (found == 0), "inf": normal & np.isinf(found), "nan": normal & np.isnan(found)}
    judged = normal & np.isfinite(found) & (found != 0)

    def largest(errors: Doubles) -> tuple[float, tuple[float, ...]]:
        index = int(np.argmax(np.where(judged, errors, -1)))
        return float(errors[index]), tuple(float(operand[index]) for operand in operands)

    special = SPECIAL if device.dst_bits == 32 else (SPECIAL.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return Measured(
        relative=largest(relative),
        absolute=largest(absolute),
        wrongly={kind: tuple(operand[mask] for operand in operands) for kind, mask in wrong.items() if mask.any()},
        special=device.apply(name, special) if len(operands) == 1 else None,
        cycles=cycles,
    )


def _line(device: Device, name: str, measured: Measured) -> str:
    def place(at: tuple[float, ...]) -> str:
        return ", ".join(f"{x:.6g}" for x in at)

    def span(values: Floats) -> str:
        signs = (values[values < 0], values[values > 0])
        return " or ".join(f"[{part.min():.6g}, {part.max():.6g}]" for part in signs if len(part))

    kind = ", ".join([f"{device.dst_bits}-bit DST", *device.defines])
    parts = [
        f"{name} on {device.arch} ({kind}): relative {measured.relative[0]:.3g} at {place(measured.relative[1])}",
        f"absolute {measured.absolute[0]:.3g} at {place(measured.absolute[1])}",
        f"{measured.cycles} cycles a tile",
    ]
    for wrong, values in measured.wrongly.items():
        parts.append(f"{wrong} for {len(values[0])} arguments in {' with '.join(map(span, values))}")
    if measured.special is not None:
        pairs = zip(SPECIAL.tolist(), measured.special.tolist(), strict=True)
        parts.append("special " + ", ".join(f"{x:g} → {y:g}" for x, y in pairs))
    return "- " + "; ".join(parts)


def main() -> None:
    """Prints a line for each function, chip, width of DST and set of defines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--function", action="append", choices=tuple(EXACT), help="again for more; all without any")
    chosen: list[str] = parser.parse_args().function or list(EXACT)
    root = find_headers()
    if isinstance(root, Missing):
        sys.exit(root.reason)
    configurations: tuple[tuple[Bits, tuple[str, ...]], ...] = ((16, ()), (32, ()), (32, ("INP_FLOAT32",)))
    for arch in get_args(Arch):
        for dst_bits, defines in configurations:
            with compiled(root, arch, dst_bits, defines) as device:
                for name in chosen:
                    print(_line(device, name, measure(device, name)), flush=True)


if __name__ == "__main__":
    main()
