"""The kernels of each core, derived from where kernels are: one a processor, NoCs of their own, all that they use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from ttgen.analysis.errors import ProofError
from ttgen.model.grids import Coordinate
from ttgen.model.plan import CircularBuffer, Kernel, Program


def check(program: Program) -> None:
    """Proves that every core can run the kernels that it has, and that every core that has work has some.

    Raises:
        ProofError: naming the core.
    """
    kernels, buffers = by_core(program.kernels), by_core(program.circular_buffers)
    working = dict(program.cores())
    for core in sorted(working.keys() - kernels.keys(), key=lambda place: place[::-1]):
        raise ProofError(f"core {core}: has work and no kernel")
    # Cores that have the same are checked once.
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], Coordinate] = {}
    for core, own in kernels.items():
        alike.setdefault((tuple(own), tuple(buffers[core])), core)
    for (some, there), core in alike.items():
        _check_core(core, [program.kernels[kernel] for kernel in some], [program.circular_buffers[cb] for cb in there])
    for core, own in kernels.items():
        given = working.get(core, {})
        for kernel in (program.kernels[number] for number in own):
            for argument in kernel.runtime_args:
                if argument.value.per_core not in given:
                    raise ProofError(f"core {core}: {kernel.name} has no {argument.name}")


def by_core(parts: Sequence[Kernel | CircularBuffer]) -> defaultdict[Coordinate, list[int]]:
    """The numbers of the parts that each core has."""
    found: defaultdict[Coordinate, list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        for area in part.core_ranges:
            for core in area.cores():
                found[core].append(number)
    return found


def _check_core(core: Coordinate, kernels: Sequence[Kernel], buffers: Sequence[CircularBuffer]) -> None:
    """The kernels of a core, with its buffers."""
    used = Counter(f"processor {kernel.processor}" for kernel in kernels if kernel.processor is not None)
    used.update(f"NoC {kernel.noc}" for kernel in kernels if kernel.noc is not None)
    used.update("compute" for kernel in kernels if kernel.config is not None)
    used.update(f"circular buffer {buffer.index}" for buffer in buffers)
    for what, number in used.items():
        if number > 1:
            raise ProofError(f"core {core}: {what} is used {number} times")
    # All proofs take a name for one number.
    numbers: dict[str, int] = {}
    for kernel in kernels:
        for name, value in kernel.named_compile_time_args.items():
            if numbers.setdefault(name, value) != value:
                raise ProofError(f"core {core}: {name} is {numbers[name]} and, in {kernel.name}, {value}")
    there = {f"cb_{buffer.name}" for buffer in buffers}
    for kernel in kernels:
        missing = {name for name in kernel.named_compile_time_args if name.startswith("cb_")} - there
        if missing:
            raise ProofError(f"core {core}: {kernel.name} uses {min(missing)}, which isn't there")
