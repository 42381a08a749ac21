"""What runs programs is what rendered functions do it with: `host/ttnn_parts.py`, here as a module in memory."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ttgen.rendering.artifacts import folder_artifacts


def shared_module(name: str, package: str = "") -> Any:
    """A module of an output folder's `host/`, new at each call; `ttnn_parts` imports ttnn.

    Args:
        name: of its file, without the ending.
        package: that it is in; none where nothing else is.
    """
    file = f"host/{name}.py"
    text = next(item.text for item in folder_artifacts() if item.path == file)
    module = ModuleType(f"{package}.{name}" if package else name)
    exec(compile(text, file, "exec"), vars(module))  # noqa: S102 - our own text
    return module
