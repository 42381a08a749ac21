"""Rendered kernels type-check against the device headers of the real release, without a warning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import pytest

import ttgen
from tests.conformance.device_headers import (
    Arch,
    Compute,
    DataMovement,
    Kernel,
    Missing,
    find_toolchain,
    type_check_all,
)
from ttgen.apis import APIS
from ttgen.model import plan as model

pytestmark = pytest.mark.conformance

SPECS = sorted(Path("specs").glob("*.yaml"))

# Accessors of tensors in interleaved DRAM: flags (bit 1: DRAM) and the bytes of a page.
_DRAM = 2


def _role(kernel: model.Kernel) -> DataMovement | Compute:
    if kernel.config is None:
        assert kernel.processor is not None
        noc: Literal[0, 1] = 1 if kernel.noc else 0
        return DataMovement(processor=kernel.processor, noc=noc)
    return Compute(
        math_fidelity=kernel.config.math_fidelity,
        fp32_dest_acc=kernel.config.fp32_dest_acc,
        math_approx=kernel.config.math_approx,
        unpack_to_dest_fp32=frozenset(kernel.config.unpack_to_dest_fp32),
    )


def kernels_of(plan: model.Plan, arch: Arch) -> list[Kernel]:
    texts = {file.path.split("/", 1)[1]: file.text for file in ttgen.render(plan)}
    return [
        Kernel(
            source=texts[kernel.file],
            arch=arch,
            role=_role(kernel),
            compile_time_args=tuple(
                word
                for argument in kernel.compile_time_args
                for word in (_DRAM, plan.tensor(argument.accessor).page_bytes)
            ),
            named_compile_time_args=dict(kernel.named_compile_time_args),
            defines=dict(kernel.defines),
            # Names of tt::DataFormat, which the harness checks.
            circular_buffers={
                buffer.index: APIS[plan.api].data_formats[buffer.dtype]  # type: ignore[misc]
                for buffer in program.circular_buffers
            },
        )
        for program in plan.programs
        for kernel in program.kernels
    ]


# What decides how a line parses, beside the names of functions and templates; all other names are alike.
_WORDS = "constexpr|const|auto|uint32_t|for|if|while|enum|int|float|bool|return|volatile|reinterpret_cast|else"
_NAME = re.compile(rf"\b(?!(?:{_WORDS})\b)[A-Za-z_]\w*\b(?!\s*[(<:])")


def forms(kernel: Kernel) -> frozenset[str]:
    """Its lines, names and numbers all alike, and what it is built for: the headers have the same to say of equal ones."""
    role = kernel.role
    lines = (line.strip() for line in kernel.source.splitlines())
    return frozenset(
        [
            role.processor if isinstance(role, DataMovement) else f"{role.fp32_dest_acc=} {role.math_approx=}",
            *(
                line if line.startswith("#") else re.sub(r"\b\d+\b", "0", _NAME.sub("_", line))
                for line in lines
                if line and not line.startswith("//")
            ),
        ]
    )


def with_every_form(kernels: dict[str, Kernel]) -> dict[str, Kernel]:
    """A few kernels that have every line which any of them has, the one that adds most first."""
    left = {name: forms(kernel) for name, kernel in kernels.items()}
    chosen: dict[str, Kernel] = {}
    while any(left.values()):
        name = max(left, key=lambda name: len(left[name]))
        chosen[name] = kernels[name]
        found = left[name]
        left = {name: rest - found for name, rest in left.items()}
    return chosen


def rendered(chips: Iterable[Arch]) -> dict[str, Kernel]:
    """The kernels of every spec for some chips, by spec, file and chip."""
    return {
        f"{path.stem}/{number}-{kernel.file} on {arch}": checked
        for path in SPECS
        for plan in [ttgen.plan(ttgen.load(path))]
        for arch in chips
        for number, (kernel, checked) in enumerate(
            zip(
                (kernel for program in plan.programs for kernel in program.kernels),
                kernels_of(plan, arch),
                strict=True,
            )
        )
    }


def pass_all(kernels: dict[str, Kernel], subtests: pytest.Subtests) -> None:
    toolchain = find_toolchain()
    if isinstance(toolchain, Missing):
        pytest.skip(toolchain.reason)
    for name, report in zip(kernels, type_check_all(kernels.values(), toolchain), strict=True):
        with subtests.test(name):
            assert report.passed, str(report)


@pytest.mark.parametrize("part", range(2))
def test_every_line_that_is_rendered(part: int, subtests: pytest.Subtests) -> None:
    """Kernels are the same text for both chips: each chip has half of those that are chosen."""
    chosen = list(with_every_form(rendered(["wormhole_b0"])).items())[part::2]
    pass_all({name: replace(kernel, arch=get_args(Arch)[part]) for name, kernel in chosen}, subtests)


@pytest.mark.exhaustive
def test_rendered_kernels(subtests: pytest.Subtests) -> None:
    pass_all(rendered(get_args(Arch)), subtests)
