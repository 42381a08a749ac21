"""A plan's files: the template tree is the output tree, and kernels have a template for each role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ttgen.model.plan import Plan
from ttgen.rendering.environment import environment

PROGRAM_FILES: Final = ("host/main.cpp", "host/plan.hpp", "CMakeLists.txt", "tt.plan.json")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file: its path below the output folder, with `/`, and its text."""

    path: str
    text: str


def artifacts(plan: Plan) -> tuple[Artifact, ...]:
    """Every file of a plan, in the order of `plan.files`."""
    texts = {
        kernel.file: environment().get_template(f"kernel/{kernel.role}.cpp.jinja").render(plan=plan, kernel=kernel)
        for kernel in plan.program.kernels
    }
    texts |= {
        file: environment().get_template(f"program/{file}.jinja").render(plan=plan) for file in PROGRAM_FILES
    }
    return tuple(Artifact(f"{plan.kernel}/{file}", texts[file]) for file in plan.files)
