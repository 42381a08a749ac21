"""The names that rendered kernels declare: one made from a tensor's name is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ttgen.errors import Problem, SpecError
from ttgen.model.body import Let, Loop, Routine, walk
from ttgen.model.kernel_args import Address
from ttgen.model.plan import Kernel
from ttgen.model.tiles import FillTile
from ttgen.planner.stages import Stage


def declared(kernel: Kernel, tensors: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Every name that the file of a kernel declares, and the tensor whose name it is made from; None for ttgen's own.

    Names of loops and their values repeat as they do in the kernel. Templates declare no other names.
    """
    yield from (("RuntimeArg", None), ("CommonRuntimeArg", None))
    for name in kernel.named_compile_time_args:
        yield name, _origin(name.removeprefix("cb_"), tensors) if name.startswith("cb_") else None
        if name.startswith("sem_"):
            yield name.removeprefix("sem_"), None
    for argument in kernel.runtime_args:
        yield from ((argument.name, None), (f"{argument.name}_arg", None))
    for common in kernel.common_runtime_args:
        yield common.name, common.value.address if isinstance(common.value, Address) else None
    for words in kernel.compile_time_args:
        yield from ((f"{words.accessor}_{what}", words.accessor) for what in ("args", "tensor"))
    for statement in walk(kernel.body):
        match statement:
            case Loop(var=name) | Let(name=name):
                yield name, None
            case Routine(name=name, parameter=parameter):
                yield from ((name, None), (parameter, None))
            case FillTile(cb=cb):
                yield from ((f"{cb}_words", _origin(cb, tensors)), ("word", None))
            case _:
                pass


def _origin(buffer: str, tensors: Sequence[str]) -> str | None:
    """The tensor that a buffer is called after: by its name, or by its name and its use."""
    return max((name for name in tensors if f"{buffer}_".startswith(f"{name}_")), key=len, default=None)


def check(stage: Stage, kernels: Sequence[Kernel]) -> None:
    """Refuses tensors that would give two things of a kernel one name.

    Raises:
        SpecError: the names, at the tensors' declarations.
    """
    found: dict[str, Problem] = {}
    for kernel in kernels:
        taken: dict[str, str | None] = {}
        for name, tensor in declared(kernel, tuple(stage.tensors)):
            other = taken.setdefault(name, tensor)
            if other != tensor:
                found |= _problems(stage, kernel, name, {other: tensor, tensor: other})
    if found:
        raise SpecError(found.values())


def _problems(
    stage: Stage, kernel: Kernel, name: str, pairs: Mapping[str | None, str | None]
) -> Iterator[tuple[str, Problem]]:
    for tensor, other in pairs.items():
        if tensor is not None:
            whose = "ttgen has itself" if other is None else f"tensor '{other}' makes too"
            text = f"tensor name '{tensor}' makes the name '{name}' in {kernel.file}, which {whose}: rename it"
            yield tensor, Problem(message=text, path=stage.tensors[tensor].path, at_key=True)
