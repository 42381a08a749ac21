"""The kernel config buffer: the code of a core's kernels, their arguments and the descriptors of its buffers.

The runtime refuses a program that doesn't fit, at its launch (`program.cpp`: "Program size (…) too large for kernel
config buffer"). How large code gets is known to the compiler only; here it is estimated from the statements. A thread
has what every kernel has, and something a statement: more for the first few of a kind, which the compiler expands in
their places, than for further ones, which call what is there. The figures were fitted to what a compiler for the cores'
instruction set makes of the rendered kernels: a quarter is the most that a program's estimate is off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from ttgen.analysis.roles import by_core
from ttgen.errors import listing, refuse
from ttgen.exhaustive import assert_never
from ttgen.model.body import Body, If, Init, Let, Loop, Reconfigure, Routine, Section, Startup, Uninit, walk
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.plan import Decision, Kernel
from ttgen.operations import OPERATIONS
from ttgen.operations.sizes import FUNCTION_BYTES
from ttgen.records import dataclass
from ttgen.target import Target

_NEAR = 0.8
"""From this part of the limit on it is worth saying."""

_BUFFER_BYTES = 16
"""Of a descriptor: address, size, pages and page size, for every index up to the highest."""
_ARGUMENT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSize:
    """What the kernels of a core take, in bytes.

    Attributes:
        total: of everything.
        functions: what each function of the vector unit takes of it.
        limit: what there is.
    """

    total: int
    functions: Mapping[str, int]
    limit: int

    @property
    def is_near(self) -> bool:
        """Whether it is worth saying."""
        return self.total > _NEAR * self.limit


def size(kernels: Iterable[Kernel], target: Target) -> KernelSize:
    """Estimates what the kernels of a program take of a core's kernel config buffer."""
    kernels = tuple(kernels)
    total = 0
    functions: dict[str, int] = {}
    for kernel in kernels:
        total += _ARGUMENT_BYTES * (len(kernel.common_runtime_args) + len(kernel.runtime_args))
        counted, names = _counted(kernel.body)
        if kernel.role == "data_movement":
            total += 700 + 310 * counted["pages"] + 25 * counted["tokens"] + 40 * counted["control"]
            continue
        functions = {name: FUNCTION_BYTES[name] for name in names}
        unpack = 910 + 630 * min(counted["inits"], 6) + 33 * counted["tiles"] + 48 * counted["control"]
        math = 20 + _first(counted["inits"], 6, 290, 115) + 375 * min(counted["sections"], 3) + 53 * counted["control"]
        pack = 850 + _first(counted["packs"], 3, 1110, 260) + 120 * (counted["control"] + counted["adds"])
        total += unpack + math + pack + sum(functions.values()) + 54 * counted["functions"]
    indices = [
        index for kernel in kernels for name, index in kernel.named_compile_time_args.items() if name.startswith("cb_")
    ]
    return KernelSize(
        total=total + _BUFFER_BYTES * (max(indices) + 1), functions=functions, limit=target.l1.kernel_config
    )


def largest(kernels: Sequence[Kernel], target: Target) -> KernelSize:
    """Estimates what the kernels of a program take of the core that has most."""
    alike = {tuple(own) for own in by_core(kernels).values()}
    return max((size((kernels[number] for number in own), target) for own in alike), key=lambda found: found.total)


def _first(number: int, few: int, first: int, then: int) -> int:
    """What a number of statements take of which the first few take more."""
    return first * min(number, few) + then * max(number - few, 0)


@cache
def _counted(body: Body) -> tuple[Counter[str], tuple[str, ...]]:
    """How many statements of each kind a kernel has, and the functions of the vector unit."""
    found: Counter[str] = Counter()
    functions: dict[str, None] = {}
    for statement in walk(body):
        match statement:
            case Loop() | If() | Routine() | Let():
                found["control"] += 1
                continue
            case Section():
                found["sections"] += 1
                continue
            case _:
                pass
        for effect in effects(statement):
            match effect:
                case Token():
                    found["tokens"] += 1
                case Page() | Deliver():
                    found["pages"] += 1
                case Raise() | Reach():
                    found["tokens"] += 1
                case TakeDst():
                    found["packs"] += 1
                case Accumulate():
                    found["adds"] += 1
                case Operate(op=op) if OPERATIONS[op.name].engine == "sfpu":
                    found["functions"] += 1
                    functions[op.name] = None
                case Operate():
                    found["tiles"] += 1
                case Prepare(statement=Init(op=op)):
                    found["inits"] += OPERATIONS[op.name].engine == "fpu"
                case Prepare(statement=Startup() | Uninit() | Reconfigure()) | Fill() | Use() | Barrier():
                    pass
                case Prepare():
                    raise AssertionError("a kind of preparation that isn't counted")
                case _:
                    assert_never(effect)
    return found, tuple(functions)


def check(found: KernelSize) -> tuple[Decision, ...]:
    """What is to be said of a program's size.

    Args:
        found: what its kernels take.

    Raises:
        SpecError: it doesn't fit; with the bytes and the largest parts.
    """
    if found.total > found.limit:
        largest = sorted(found.functions, key=lambda name: -found.functions[name])[:3]
        parts = listing(f"{name} {found.functions[name]:,}" for name in largest).replace(" or ", " and ")
        text = (
            f"the kernels' code: about {found.total:,} of {found.limit:,} bytes of a core (tt-metal's kernel config "
            f"buffer); cut the formulas into several specs; the largest functions are {parts}"
        )
        raise refuse(text, "compute", at_key=True)
    if not found.is_near:
        return ()
    because = f"about {found.total:,} of the {found.limit:,} bytes of tt-metal's kernel config buffer"
    return (Decision(name="code", value=f"{found.total / found.limit:.0%}", origin="rule", because=because),)
