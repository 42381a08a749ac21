"""Bytes of the specs' kernels, estimated and compiled: `python -m bench.code_size [SPEC...]`, from the checkout.

The compiler is the one that type-checks kernels against the device headers; it has no instructions of the matrix unit,
for each of which a word stands in, and three where one is written through memory. Functions of the vector unit are left
out on both sides.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import ttgen
from tests.conformance.device_headers import Kernel, Missing, Toolchain, find_toolchain, translation_units
from tests.conformance.test_rendered import kernels_of
from ttgen.model.plan import Plan
from ttgen.planner import kernel_size
from ttgen.target import load

_SECTIONS: Final = (".text", ".rodata", ".data", ".sdata", ".srodata")
_WORDS: Final = {"TTI_INSN": ".4byte 0", "TT_INSN": ".4byte 0, 0, 0"}
_DROPPED: Final = ("-fsyntax-only", "-Wall", "-Werror")


def compiled(kernel: Kernel, toolchain: Toolchain) -> int:
    """Bytes of code and constants of all threads of a kernel."""
    units, _reductions = translation_units(kernel, toolchain)
    total = 0
    for unit in units:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file, text in unit.files:
                (folder / file).write_text(text, encoding="utf-8")
            words = [word for word in unit.command if word not in _DROPPED]
            subprocess.run([*words, "-w", "-S", "-o", "kernel.s"], cwd=folder, check=True)
            assembly = (folder / "kernel.s").read_text(encoding="utf-8")
            for macro, word in _WORDS.items():
                assembly = assembly.replace(f'.error "{macro} in non-tensix code"', word)
            (folder / "kernel.s").write_text(assembly, encoding="utf-8")
            tools = Path(unit.command[0]).with_name("riscv64-unknown-elf-")
            assembler = [f"{tools}as", "-march=rv32im", "-mabi=ilp32", "kernel.s", "-o", "kernel.o"]
            subprocess.run(assembler, cwd=folder, check=True)
            listed = subprocess.run([f"{tools}size", "-A", "kernel.o"], cwd=folder, check=True, capture_output=True)
            lines = (line.split() for line in listed.stdout.decode().splitlines() if line.startswith(_SECTIONS))
            total += sum(int(words[1]) for words in lines)
    return total


def row(plan: Plan, toolchain: Toolchain) -> str:
    """Estimate, measure and what the estimate is off."""
    found = kernel_size.size(plan.program.kernels, load(plan.target.device))
    estimate = found.total - sum(found.functions.values())
    measured = sum(compiled(kernel, toolchain) for kernel in kernels_of(plan, plan.target.arch))
    return f"{plan.kernel:24}{estimate:10,}{measured:10,}{estimate / measured - 1:+9.0%}"


def main() -> int:
    """Prints a table."""
    toolchain = find_toolchain()
    if isinstance(toolchain, Missing):
        print(toolchain.reason, file=sys.stderr)
        return 1
    print(f"{'kernel':24}{'estimate':>10}{'compiled':>10}{'off':>9}")
    for path in sys.argv[1:] or sorted(map(str, Path("specs").glob("*.yaml"))):
        print(row(ttgen.plan(ttgen.load(path)), toolchain), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
