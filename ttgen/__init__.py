"""ttgen: from a YAML spec to a complete Tenstorrent TT-Metalium program.

    import ttgen

    spec = ttgen.load("specs/gemm.yaml")
    plan = ttgen.plan(spec)
    for file in ttgen.render(plan):
        print(file.path, len(file.text))

Mistakes in a spec raise `ttgen.SpecError`; `ttgen.describe` is its text.
"""

from __future__ import annotations

import sys

from ttgen.version import __version__

# `typing` would be half of what `ttgen --version` imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from ttgen.diagnostics import describe
    from ttgen.errors import OutputError, Place, Problem, SpecError, UserError
    from ttgen.model.artifact import Artifact
    from ttgen.model.plan import Plan
    from ttgen.spec import LoadedSpec

__all__ = [
    "Artifact",
    "LoadedSpec",
    "OutputError",
    "Place",
    "Plan",
    "Problem",
    "SpecError",
    "UserError",
    "__version__",
    "compile",
    "describe",
    "import_kernel",
    "load",
    "loads",
    "plan",
    "render",
    "spec",
]

# Imported when they are used: a short command needs few of them.
_WHERE = {
    "Artifact": "ttgen.model.artifact",
    "LoadedSpec": "ttgen.spec",
    "OutputError": "ttgen.errors",
    "Place": "ttgen.errors",
    "Plan": "ttgen.model.plan",
    "Problem": "ttgen.errors",
    "SpecError": "ttgen.errors",
    "UserError": "ttgen.errors",
    "describe": "ttgen.diagnostics",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'ttgen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__


class _Package(type(sys)):  # type: ignore[misc]
    """Keeps the function `spec` when the module of that name is imported, which would take its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "spec" or not isinstance(value, type(sys)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def load(path: str | Path) -> LoadedSpec:
    """Reads and checks a spec file.

    Raises:
        SpecError: mistakes in the spec, all of one stage.
        OutputError: the file can't be read.
    """
    from pathlib import Path

    from ttgen import loading

    return loading.load(Path(path))


def loads(text: str, *, name: str = "spec.yaml") -> LoadedSpec:
    """Checks the text of a spec; `name` is what problems and rendered files call it.

    Raises:
        SpecError: mistakes in the spec, all of one stage.
    """
    from ttgen import loading

    return loading.loads(text, name=name)


def import_kernel(
    path: str | Path,
    name: str | None = None,
    *,
    dtypes: Mapping[str, str] | None = None,
    unproven: bool = False,
    **sizes: float | str,
) -> LoadedSpec:
    """The spec of a TileLang kernel, proven to compute the same; the file is read and never run.

    Args:
        path: the file.
        name: the kernel's function; None where there is one only.
        dtypes: dtypes that become others: `{"float16": "bfloat16"}`.
        unproven: take what isn't proven too.
        sizes: values of the kernel's parameters, where they aren't their defaults.

    Raises:
        SpecError: what isn't read, isn't followed or isn't proven, where it is in the file.
        OutputError: the file can't be read.
    """
    from pathlib import Path

    from ttgen.importing.importer import import_file

    imported = import_file(Path(path), name, sizes, dtypes=dtypes or {}, unproven=unproven)
    return loads(imported.text, name=f"{imported.kernel}.yaml")


def spec(
    compute: str | Sequence[str],
    /,
    *,
    dtype: str = "bfloat16",
    tensors: Mapping[str, Sequence[int | str] | Mapping[str, object]] | None = None,
    kernel: str | None = None,
    target: str | None = None,
    dims: Mapping[str, int] | None = None,
    precision: Mapping[str, object] | None = None,
    schedule: str | Mapping[str, object] | None = None,
    stages: Mapping[str, object] | None = None,
    budgets: Mapping[str, float] | None = None,
    **shapes: Sequence[int | str] | Mapping[str, object],
) -> LoadedSpec:
    """A spec of formulas: `ttgen.spec("Y = gelu(X @ W)", X=(2000, 4096), W=(4096, 11008), schedule="auto")`.

    Args:
        compute: a formula, or several. What the last one assigns is an output; its shape follows from the formula.
        dtype: of tensors that say none.
        tensors: those whose names are arguments of this function.
        kernel: the kernel's name; one from the output's where it isn't given.
        target: the card.
        dims: names for sizes.
        precision: and what follows: keys of a spec, as docs/spec.md has them.
        schedule: which core makes which part of the output, or `"auto"`.
        stages: settings of stages.
        budgets: what the kernel may take.
        shapes: of each tensor that formulas read, and of further outputs: its sizes, or what a spec says of it
            (`{"shape": (2000, 4096), "dtype": "bfloat8_b"}`).

    Raises:
        SpecError: mistakes in the spec, all of one stage.
    """
    from ttgen.building import from_formulas

    keys = {"kernel": kernel, "target": target, "dims": dims, "precision": precision, "schedule": schedule}
    keys |= {"stages": stages, "budgets": budgets}
    more = {key: value for key, value in keys.items() if value is not None}
    formulas = (compute,) if isinstance(compute, str) else tuple(compute)
    return from_formulas(formulas, {**(tensors or {}), **shapes}, dtype, more)


def compile(spec: str | Path | Mapping[str, object] | LoadedSpec | Plan) -> Any:  # noqa: A001 - what re has, too
    """The function for Python that `render` writes, without files: for notebooks, where ttnn is.

    Args:
        spec: a file's path, a mapping of a spec's keys, what `load` or `spec` gave, or a plan.

    Returns:
        The operation of ttnn; `programs.memory_config(name)` of it says where a tensor has to lie.

    Raises:
        SpecError: mistakes in the spec, or why it can't be served.
        OutputError: the file can't be read.
        ToolchainError: there is no ttnn.
    """
    from pathlib import Path

    from ttgen.building import from_mapping
    from ttgen.model.plan import Plan
    from ttgen.run.compiled import compiled
    from ttgen.spec import LoadedSpec

    if isinstance(spec, Plan):
        return compiled(spec)
    if isinstance(spec, str | Path):
        spec = load(spec)
    return compiled(plan(spec if isinstance(spec, LoadedSpec) else from_mapping(spec)))


def plan(spec: LoadedSpec) -> Plan:
    """Decides everything, and proves the result on every core.

    Raises:
        SpecError: the spec can't be served; with the place and the reason.
    """
    from ttgen.planner.resolve import resolve

    return resolve(spec)


def render(plan: Plan) -> tuple[Artifact, ...]:
    """The files of a plan: path relative to the output folder (`gemm/kernels/reader.cpp`), and text.

    The last ones (`host/tensor_io.cpp`) are the same for every plan: an output folder has them once.
    """
    from ttgen.rendering.artifacts import artifacts, folder_artifacts

    return (*artifacts(plan), *folder_artifacts())
