"""A kernel's function for Python without files: what `render` would write, as modules in memory."""

from __future__ import annotations

import json
import linecache
import sys
from importlib.util import find_spec
from itertools import count
from types import ModuleType
from typing import Any, Final

from ttgen.errors import ToolchainError
from ttgen.model.plan import Plan
from ttgen.rendering.artifacts import artifacts, function_text
from ttgen.run.shared import shared_module

_NUMBERS: Final = count(1)


def compiled(plan: Plan) -> Any:
    """The operation of ttnn that the plan's rendered function is; its `programs` are the module's `PROGRAMS`.

    Raises:
        ToolchainError: there is no ttnn.
    """
    if find_spec("ttnn") is None:
        raise ToolchainError("compile needs the Python package ttnn (Python 3.10 or 3.12): pip install 'ttgen[ttnn]'")
    # Each is a package of its own: a kernel that is compiled again is another one.
    root = f"ttgen_compiled_{next(_NUMBERS)}"
    host = ModuleType(f"{root}.host")
    for name in ("ttnn_parts", "numpy_parts"):
        setattr(host, name, shared_module(name, host.__name__))
    files = {file.path.removeprefix(f"{plan.kernel}/"): file.text for file in artifacts(plan)}
    _keep_in_memory(host.ttnn_parts, files)
    sys.modules[host.__name__] = host
    return _function(plan, root)


def _keep_in_memory(parts: Any, files: dict[str, str]) -> None:
    """What lies beside a file is what it would be rendered with."""

    class InMemory(parts.Programs):  # type: ignore[misc]
        @classmethod
        def beside(cls, _file: str) -> Any:
            return cls(json.loads(files["tt.plan.json"]), files)

    parts.Programs = InMemory


def _function(plan: Plan, root: str) -> Any:
    text = function_text(plan)
    module = ModuleType(f"{root}.{plan.kernel}.{plan.kernel}")
    module.__package__ = f"{root}.{plan.kernel}"
    module.__file__ = f"<{root}/{plan.kernel}.py>"
    # So that a traceback shows lines, and `inspect` finds the source.
    linecache.cache[module.__file__] = (len(text), None, text.splitlines(keepends=True), module.__file__)
    sys.modules[module.__name__] = module
    exec(compile(text, module.__file__, "exec"), vars(module))  # noqa: S102 - our own text
    function = vars(module)[plan.kernel]
    function.programs = module.PROGRAMS
    return function
