"""The rendered kernels of every spec type-check against the device headers of the real release, without a warning."""

from __future__ import annotations

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


def test_rendered_kernels(subtests: pytest.Subtests) -> None:
    toolchain = find_toolchain()
    if isinstance(toolchain, Missing):
        pytest.skip(toolchain.reason)
    names: list[str] = []
    kernels: list[Kernel] = []
    for place, path in enumerate(SPECS):
        plan = ttgen.plan(ttgen.load(path))
        # Half of them for each chip: the kernels are the same text for both.
        arch = get_args(Arch)[place % 2]
        every = (kernel for program in plan.programs for kernel in program.kernels)
        for kernel, checked in zip(every, kernels_of(plan, arch), strict=True):
            names.append(f"{path.stem}/{kernel.file} on {arch}")
            kernels.append(checked)
    reports = type_check_all(kernels, toolchain)
    for name, report in zip(names, reports, strict=True):
        with subtests.test(name):
            assert report.passed, str(report)
