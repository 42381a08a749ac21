"""ttgen: from a YAML spec to a complete Tenstorrent TT-Metalium program.

    import ttgen

    spec = ttgen.load("specs/gemm.yaml")
    plan = ttgen.plan(spec)
    for file in ttgen.render(plan):
        print(file.path, len(file.text))

Mistakes in a spec raise `ttgen.SpecError`; `ttgen.describe` is its text.
"""

from __future__ import annotations

from ttgen.version import __version__

# `typing` would be half of what `ttgen --version` imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
    "describe",
    "import_kernel",
    "load",
    "loads",
    "plan",
    "render",
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
