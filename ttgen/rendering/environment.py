"""The template engine: strict, with a handful of named filters, its bytecode cached in the user's cache folder."""

from __future__ import annotations

import math
import os
import sys
from functools import cache
from itertools import takewhile
from textwrap import wrap
from typing import Final, Protocol

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from ttgen import resources
from ttgen.apis import APIS
from ttgen.dtypes import DTypeName
from ttgen.formula.parse import to_float32
from ttgen.model.body import Body, Let, Op, Routine, indices, walk
from ttgen.model.grids import Table
from ttgen.model.index import ZERO, Const, Expr, Index, to_cpp
from ttgen.model.kernel_args import NocColumns, NocRows
from ttgen.model.plan import CircularBuffer, Kernel, Plan, Program, Role, Semaphore, Tensor
from ttgen.model.tiles import FillTile
from ttgen.rendering import meshes, python
from ttgen.target import load as load_target
from ttgen.version import __version__

_NAMED_ARGS: Final = 78
"""Columns that a line of 120 has for named arguments."""
_OWN_ARGS: Final = 68
"""Columns that it has for a kernel's name and the arguments of a core."""


_PLACES: Final = {"core_x": "core.x", "core_y": "core.y"}
"""What a core knows of itself, which needs no table."""


class _OfAnApi(Protocol):
    """A kernel without its numbers, for a release."""

    @property
    def api(self) -> str: ...

    @property
    def body(self) -> Body: ...


def _standard_headers(kernel: _OfAnApi) -> list[str]:
    """Standard headers of a kernel."""
    uses_min = any(_uses_min(index) for statement in walk(kernel.body) for index in indices(statement))
    return ["algorithm", "cstdint"] if uses_min else ["cstdint"]


def _uses_min(index: Index) -> bool:
    return isinstance(index, Expr) and (index.operator == "min" or _uses_min(index.left) or _uses_min(index.right))


def _operation_headers(kernel: _OfAnApi) -> list[str]:
    """Device headers of a compute kernel: those that every one needs, and its operations'."""
    api = APIS[kernel.api]
    operations = (statement.name for statement in walk(kernel.body) if isinstance(statement, Op))
    return sorted({*api.compute_headers, *(header for name in operations for header in api.headers[name])})


def _is_zero(index: Index) -> bool:
    """Whether an index is the constant 0, which needs no words."""
    return index == ZERO


def _is_number(index: Index) -> bool:
    """Whether an index is a literal."""
    return isinstance(index, Const)


def _cpp_factor(index: Index) -> str:
    """An index as a factor: in parentheses where it is more than a name."""
    return f"({to_cpp(index)})" if isinstance(index, Expr) and index.operator != "min" else to_cpp(index)


def _cpp_product(index: Index) -> str:
    """An index as the first factor of a product: in parentheses where it is a sum."""
    return f"({to_cpp(index)})" if isinstance(index, Expr) and index.operator in "+-" else to_cpp(index)


def _noc_grid(kernel: Kernel) -> tuple[int, int] | None:
    """The rows and columns of cores whose places on the NoC a kernel is told; None where it has to do with none."""
    values = [argument.value for argument in kernel.common_runtime_args]
    cols = [len(value.noc_x) for value in values if isinstance(value, NocColumns)]
    rows = [len(value.noc_y) for value in values if isinstance(value, NocRows)]
    return (rows[0], cols[0]) if cols else None


def _routines(body: Body) -> list[Routine]:
    """The routines of a body, each once."""
    return list({item.name: item for item in walk(body) if isinstance(item, Routine)}.values())


def _fillers(body: Body) -> list[str]:
    """What tiles are filled with by a function of the kernel."""
    return list(dict.fromkeys(
        item.content for item in walk(body) if isinstance(item, FillTile) and item.content != "zeros"
    ))  # fmt: skip


def _names(body: Body) -> Body:
    """What a kernel names first, which its routines may use."""
    return tuple(takewhile(lambda item: isinstance(item, Let), body))


def _after_names(body: Body) -> Body:
    """The rest of it."""
    return body[len(_names(body)) :]


def _matrices(tensor: Tensor) -> int:
    return math.prod(tensor.shape[:-2])


def _rows(tensor: Tensor) -> int:
    return tensor.shape[-2] if len(tensor.shape) > 1 else 1


def _needs_zero_padding(tensor: Tensor) -> bool:
    return any(use.padding == "zero" for use in tensor.uses)


def _data_format(dtype: DTypeName, plan: Plan) -> str:
    return APIS[plan.api].data_formats[dtype]


def _hosts(program: Program) -> list[CircularBuffer]:
    """The circular buffers that don't lie in the memory of others."""
    guests = program.guests()
    return [buffer for buffer in program.circular_buffers if buffer.name not in guests]


def _memory_of(buffer: CircularBuffer, program: Program) -> str:
    """The further arguments of a circular buffer on the shards of a tensor, or of one in whose memory others lie."""
    guests = [f"cb_{guest}" for guest, host in program.guests().items() if host == buffer.name]
    if guests:
        return f",\n        /*shards=*/nullptr, /*guests=*/{{{', '.join(guests)}}}"
    tensor = program.resident().get(buffer.name)
    return f", tensors.{tensor}" if tensor else ""


def _role_of(part: CircularBuffer | Kernel | Semaphore, program: Program) -> str:
    """The role whose cores have a buffer or a kernel."""
    return next(role.name for role in program.roles if role.core_ranges == part.core_ranges)


def _tensors_of(kernel: Kernel) -> str:
    """The tensors that a kernel reads or writes, in the order of its accessors and addresses."""
    return ", ".join(f"tensors.{argument.accessor}" for argument in kernel.compile_time_args)


def _core_arguments(kernel: Kernel) -> str:
    """A core's own arguments: its places in the tables."""
    names = (argument.value.per_core for argument in kernel.runtime_args)
    return ", ".join(name if name in _PLACES else f"own({name})" for name in names)


def _has_long_arguments(kernel: Kernel) -> bool:
    """Whether a core's own arguments have a line of their own."""
    return len(kernel.name) + len(_core_arguments(kernel)) > _OWN_ARGS


def _places_of(role: Role, program: Program) -> list[tuple[str, str]]:
    """What the kernels of a role are told of where their core is, and how a loop over cores knows it."""
    told = {
        argument.value.per_core
        for kernel in program.kernels
        if _role_of(kernel, program) == role.name
        for argument in kernel.runtime_args
    }
    return [(name, value) for name, value in _PLACES.items() if name in told]


def _defines_of(kernel: Kernel) -> str:
    """What a kernel has to have defined, as pairs."""
    return ", ".join(f'{{"{name}", "{value}"}}' for name, value in kernel.defines.items())


def _named_args(kernel: Kernel, program: Program) -> list[str]:
    """The named compile-time arguments of a kernel: all on one line where there is room, or else a line each."""
    buffers = {f"cb_{buffer.name}" for buffer in program.circular_buffers}
    buffers |= {f"sem_{semaphore.name}" for semaphore in program.semaphores}

    def value(name: str, number: int) -> str:
        if name in kernel.numbers:
            return f"std::bit_cast<uint32_t>({_float_literal(kernel.numbers[name])})"
        return name if name in buffers else str(number)

    pairs = [f'{{"{name}", {value(name, number)}}}' for name, number in kernel.named_compile_time_args.items()]
    together = ", ".join(pairs)
    return [together] if len(together) <= _NAMED_ARGS else pairs


def _used_tables(program: Program) -> list[tuple[str, Table]]:
    """The tables of values a core that some kernel is given."""
    used = {argument.value.per_core for kernel in program.kernels for argument in kernel.runtime_args} - _PLACES.keys()
    return [(name, table) for name, table in program.per_core.items() if name in used]


def _unpack_modes(kernel: Kernel, plan: Plan) -> str:
    """How each circular buffer that a core can have is unpacked: float32 that goes to DST keeps its mantissa."""
    assert kernel.config is not None, "a compute kernel has settings"
    number = load_target(plan.target.device).circular_buffers
    flagged = ", ".join(str(index) for index in kernel.config.unpack_to_dest_fp32)
    return f"unpack_modes({number}, {{{flagged}}})"


def _tile_rows(tensor: Tensor) -> int:
    return math.prod(tensor.tiles[:-1])


def _float_literal(value: float) -> str:
    """The shortest literal that is this float32."""
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    rounded = to_float32(value)
    text = next(text for digits in range(1, 10) if to_float32(float(text := f"{rounded:.{digits}g}")) == rounded)
    return f"{text}f" if set(text) & set(".e") else f"{text}.0f"


def _has_infinite(plan: Plan) -> bool:
    """Whether a number of a kernel is infinite, which C++ has a macro for."""
    kernels = (kernel for program in plan.programs for kernel in program.kernels)
    return any(math.isinf(number) for kernel in kernels for number in kernel.numbers.values())


def _table_row(row: tuple[int | None, ...]) -> str:
    """A row of a table of cores; a core that has no value is never asked for one."""
    return ", ".join(str(value or 0) for value in row)


def _one_line(text: str) -> str:
    """A formula on one line, whatever YAML style it was written in."""
    return " ".join(text.split())


def _wrapped(text: str) -> list[str]:
    """The lines of a comment."""
    return wrap(text, 107)


FILTERS = {
    "after_names": _after_names,
    "core_arguments": _core_arguments,
    "cpp": to_cpp,
    "cpp_factor": _cpp_factor,
    "cpp_product": _cpp_product,
    "data_format": _data_format,
    "defines_of": _defines_of,
    "fillers": _fillers,
    "has_infinite": _has_infinite,
    "has_long_arguments": _has_long_arguments,
    "hosts": _hosts,
    "is_number": _is_number,
    "is_zero": _is_zero,
    "matrices": _matrices,
    "memory_of": _memory_of,
    "named_args": _named_args,
    "names": _names,
    "noc_grid": _noc_grid,
    "places_of": _places_of,
    "needs_zero_padding": _needs_zero_padding,
    "one_line": _one_line,
    "operation_headers": _operation_headers,
    "role_of": _role_of,
    "routines": _routines,
    "rows": _rows,
    "standard_headers": _standard_headers,
    "table_row": _table_row,
    "tensors_of": _tensors_of,
    "tile_rows": _tile_rows,
    "unpack_modes": _unpack_modes,
    "used_tables": _used_tables,
    "wrapped": _wrapped,
    **meshes.FILTERS,
    **python.FILTERS,
}


class TemplateEnvironment(Environment):
    """Templates name those of their own folder from `./` on: a copy of a release's folder is another release's."""

    def join_path(self, template: str, parent: str) -> str:
        """The name of a template that another one names."""
        return f"{parent.rpartition('/')[0]}/{template[2:]}" if template.startswith("./") else template


@cache
def environment() -> Environment:
    """The environment of this process."""
    created = TemplateEnvironment(
        loader=FileSystemLoader(resources.folder("templates")),
        undefined=StrictUndefined,
        # C++ is full of {{ }}, which the usual delimiters would swallow silently.
        variable_start_string="${",
        variable_end_string="}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        auto_reload=False,
        bytecode_cache=_bytecode_cache(),
    )
    created.filters.update(FILTERS)
    return created


def _bytecode_cache() -> BytecodeCache | None:
    """A cache for this version of ttgen and Python; none where it can't be written."""
    version = f"{__version__}-py{sys.version_info.major}{sys.version_info.minor}"
    folder = resources.cache_folder() / version
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    return FileSystemBytecodeCache(str(folder))
