"""The template engine: strict, with a handful of named filters, its bytecode cached in the user's cache folder."""

from __future__ import annotations

import math
import os
import sys
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Protocol

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from ttgen import resources
from ttgen.dtypes import DTYPES, DTypeName
from ttgen.formula.parse import to_float32
from ttgen.model.body import Body, Op, indices, walk
from ttgen.model.index import ZERO, Expr, Index, to_cpp
from ttgen.model.plan import CircularBuffer, Plan, Program, Tensor, TensorRole
from ttgen.operations import OPERATIONS
from ttgen.rendering.plan_json import plan_json
from ttgen.target import load as load_target
from ttgen.version import __version__


class _HasBody(Protocol):
    """A kernel, with or without its numbers."""

    @property
    def body(self) -> Body: ...


def _standard_headers(kernel: _HasBody) -> list[str]:
    """Standard headers of a kernel."""
    uses_min = any(_uses_min(index) for statement in walk(kernel.body) for index in indices(statement))
    return ["algorithm", "cstdint"] if uses_min else ["cstdint"]


def _uses_min(index: Index) -> bool:
    return isinstance(index, Expr) and (index.operator == "min" or _uses_min(index.left) or _uses_min(index.right))


def _operation_headers(kernel: _HasBody) -> list[str]:
    """Device headers of a compute kernel: those that every one needs, and its operations'."""
    operations = (OPERATIONS[statement.name] for statement in walk(kernel.body) if isinstance(statement, Op))
    own = {header for operation in operations for header in operation.headers}
    return sorted({"api/compute/common.h", "api/compute/compute_kernel_hw_startup.h", *own})


def _is_zero(index: Index) -> bool:
    """Whether an index is the constant 0, which needs no words."""
    return index == ZERO


def _cpp_factor(index: Index) -> str:
    """An index as a factor: in parentheses where it is more than a name."""
    return f"({to_cpp(index)})" if isinstance(index, Expr) and index.operator != "min" else to_cpp(index)


def _matrices(tensor: Tensor) -> int:
    return math.prod(tensor.shape[:-2])


def _rows(tensor: Tensor) -> int:
    return tensor.shape[-2] if len(tensor.shape) > 1 else 1


def _names_of(plan: Plan, role: TensorRole) -> str:
    """The names of all tensors of a role."""
    return " ".join(tensor.name for tensor in plan.tensors if tensor.role == role)


def _needs_zero_padding(tensor: Tensor) -> bool:
    return any(use.padding == "zero" for use in tensor.uses)


def _table_rows(plan: Plan) -> int:
    """Rows of the largest table of values a core."""
    return max(len(table) for program in plan.programs for table in program.per_core.values())


def _table_cols(plan: Plan) -> int:
    """Columns of the widest one."""
    return max(len(table[0]) for program in plan.programs for table in program.per_core.values())


def _circular_buffer_count(plan: Plan) -> int:
    return load_target(plan.target.device).circular_buffers


def _data_format(dtype: DTypeName) -> str:
    return DTYPES[dtype].data_format


def _tensor_index(name: str, plan: Plan) -> int:
    """The place of a tensor among all."""
    return next(index for index, tensor in enumerate(plan.tensors) if tensor.name == name)


def _shard_tensor(buffer: CircularBuffer, program: Program) -> str | None:
    """The tensor on whose shards a circular buffer lies."""
    return program.resident().get(buffer.name)


def _tile_rows(tensor: Tensor) -> int:
    return math.prod(tensor.tiles[:-1])


def _float_literal(value: float) -> str:
    """The shortest literal that is this float32."""
    rounded = to_float32(value)
    text = next(text for digits in range(1, 10) if to_float32(float(text := f"{rounded:.{digits}g}")) == rounded)
    return f"{text}f" if set(text) & set(".e") else f"{text}.0f"


def _table_row(row: tuple[int | None, ...]) -> str:
    """A row of a table of cores; a core that has no value is never asked for one."""
    return ", ".join(str(value or 0) for value in row)


def _address_of(name: str) -> str:
    return f"&{name}"


def _one_line(text: str) -> str:
    """A formula on one line, whatever YAML style it was written in."""
    return " ".join(text.split())


def _wrapped(text: str) -> list[str]:
    """The lines of a comment."""
    return wrap(text, 107)


FILTERS = {
    "address_of": _address_of,
    "circular_buffer_count": _circular_buffer_count,
    "cpp": to_cpp,
    "cpp_factor": _cpp_factor,
    "data_format": _data_format,
    "float_literal": _float_literal,
    "is_zero": _is_zero,
    "matrices": _matrices,
    "names_of": _names_of,
    "needs_zero_padding": _needs_zero_padding,
    "one_line": _one_line,
    "operation_headers": _operation_headers,
    "plan_json": plan_json,
    "rows": _rows,
    "shard_tensor": _shard_tensor,
    "standard_headers": _standard_headers,
    "table_cols": _table_cols,
    "table_row": _table_row,
    "table_rows": _table_rows,
    "tensor_index": _tensor_index,
    "tile_rows": _tile_rows,
    "wrapped": _wrapped,
}


@cache
def environment() -> Environment:
    """The environment of this process."""
    created = Environment(
        loader=FileSystemLoader(resources.folder("templates")),
        undefined=StrictUndefined,
        # C++ is full of {{ }}, which the usual delimiters would swallow silently.
        variable_start_string="${",
        variable_end_string="}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is C++
        auto_reload=False,
        bytecode_cache=_bytecode_cache(),
    )
    created.filters.update(FILTERS)
    return created


def _bytecode_cache() -> BytecodeCache | None:
    """A cache for this version of ttgen and Python; none where it can't be written."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    version = f"{__version__}-py{sys.version_info.major}{sys.version_info.minor}"
    folder = Path(base) / "ttgen" / version
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    return FileSystemBytecodeCache(str(folder))
