"""A plan's files: the template tree is the output tree, and kernels have a template for each role."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Literal

from ttgen.apis import APIS, newest
from ttgen.model.artifact import Artifact, python_file
from ttgen.model.body import Body, walk
from ttgen.model.exchange import Announce, Await
from ttgen.model.kernel_args import Address, NocColumns
from ttgen.model.plan import Kernel, Plan
from ttgen.records import dataclass
from ttgen.rendering.environment import environment
from ttgen.rendering.plan_json import plan_json


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelStructure:
    """All that a kernel's code may depend on: names and statements, and no number of the plan.

    Two shapes of one formula have equal structures, and so the same code.
    """

    api: str
    role: Literal["data_movement", "compute"]
    accessors: tuple[str, ...]
    named_compile_time_args: tuple[str, ...]
    addresses: tuple[str, ...]
    exchanges: bool
    counters: tuple[str, ...]
    noc: int | None
    runtime_args: tuple[str, ...]
    approximate: bool
    fp32_dest_acc: bool
    body: Body


def structure_of(kernel: Kernel, api: str) -> KernelStructure:
    """A kernel without its numbers, for a release."""
    exchanges = any(isinstance(argument.value, NocColumns) for argument in kernel.common_runtime_args)
    return KernelStructure(
        api=api,
        role=kernel.role,
        accessors=tuple(argument.accessor for argument in kernel.compile_time_args),
        named_compile_time_args=tuple(kernel.named_compile_time_args),
        addresses=tuple(
            argument.name for argument in kernel.common_runtime_args if isinstance(argument.value, Address)
        ),
        exchanges=exchanges,
        # Those of this core that it looks at itself; of others it knows where they are.
        counters=tuple(
            dict.fromkeys(item.semaphore for item in walk(kernel.body) if isinstance(item, (Await, Announce)))
        ),
        # Which way the NoC goes matters where the corners of an area are named.
        noc=kernel.noc if exchanges else None,
        runtime_args=tuple(argument.name for argument in kernel.runtime_args),
        approximate=kernel.config is not None and kernel.config.math_approx,
        fp32_dest_acc=kernel.config is not None and kernel.config.fp32_dest_acc,
        body=kernel.body,
    )


@lru_cache(maxsize=1024)
def kernel_code(kernel: KernelStructure) -> str:
    """A kernel's file below its first comment."""
    return (
        environment().get_template(f"{APIS[kernel.api].templates}/kernel/{kernel.role}.cpp.jinja").render(kernel=kernel)
    )


def artifacts(plan: Plan) -> tuple[Artifact, ...]:
    """Every file of a plan, in the order of `plan.files`."""
    header = environment().get_template("kernel/header.jinja")
    texts = {
        kernel.file: header.render(plan=plan, kernel=kernel) + kernel_code(structure_of(kernel, plan.api))
        for program in plan.programs
        for kernel in program.kernels
    }
    api = APIS[plan.api]
    for file in (file for file in (*api.program_files, *api.exchange_files) if file in plan.files):
        texts[file] = environment().get_template(f"{api.templates}/program/{file}.jinja").render(plan=plan)
    if (python := python_file(plan.kernel)) in plan.files:
        texts[python] = function_text(plan)
    texts["tt.plan.json"] = plan_json(plan)
    return tuple(Artifact(f"{plan.kernel}/{file}", texts[file]) for file in plan.files)


def function_text(plan: Plan) -> str:
    """The module of a kernel's function for Python, whether the plan lists it or not."""
    api = APIS[plan.api]
    return environment().get_template(f"{api.templates}/program/{api.python_file}.jinja").render(plan=plan)


@cache
def folder_artifacts() -> tuple[Artifact, ...]:
    """The files that all kernels of an output folder share."""
    api = newest()
    return tuple(
        Artifact(file, environment().get_template(f"{api.templates}/folder/{file}.jinja").render())
        for file in api.folder_files
    )
