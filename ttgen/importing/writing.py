"""The spec of a kernel: its text in canonical form, with what was left out and why as comments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Final

from ttgen.canonical import canonical
from ttgen.dtypes import DTYPES
from ttgen.errors import Problem, SpecError
from ttgen.importing.form import Buffer, Kernel
from ttgen.importing.schedule import Entries
from ttgen.importing.understanding import Understood, size_names
from ttgen.importing.views import View, is_as_stored
from ttgen.names import kernel_problem

_WIDTH: Final = 110


def dtypes_of(kernel: Kernel, given: Mapping[str, str]) -> dict[str, str]:
    """The dtype of each tensor in the spec.

    Raises:
        SpecError: dtypes without a counterpart, each where its tensor is declared.
    """
    found, problems = {}, []
    for tensor in kernel.tensors:
        dtype = given.get(tensor.dtype, tensor.dtype)
        found[tensor.name] = dtype
        if dtype not in DTYPES:
            text = f"'{tensor.name}' is {tensor.dtype}, which no tensor is here: --dtype {tensor.dtype}=bfloat16"
            line, column, length = tensor.at
            problems.append(Problem(message=text, position=(line, column), span=(0, length)))
    if problems:
        raise SpecError(problems)
    return found


def spec_text(
    understood: Understood,
    dtypes: Mapping[str, str],
    header: Iterable[str],
    notes: Iterable[str],
    schedule: Entries,
    layouts: Mapping[str, str],
) -> str:
    """The text of a spec.

    Args:
        understood: the kernel and its formulas.
        dtypes: of each tensor, as a spec calls it.
        header: lines of comment about all of it.
        notes: what was left out, and why.
        schedule: the keys of `schedule`, if any.
        layouts: of tensors by their names in the kernel, where they aren't the default.
    """
    kernel = understood.kernel
    names = size_names(understood)
    lines = [f"# {line}" for text in header for line in wrap(text, _WIDTH)]
    said = list(notes)
    if said:
        lines.append("# Left out:")
        for note in said:
            lines += [f"#   {line}" if number else f"# - {line}" for number, line in enumerate(wrap(note, _WIDTH))]
    lines.append(f"kernel: {_kernel_name(kernel.name)}")
    if names:
        lines.append("dims: {" + ", ".join(f"{own}: {kernel.sizes[name]}" for name, own in names.items()) + "}")
    lines.append("tensors:")
    for tensor in kernel.tensors:
        view = understood.views[tensor.name]
        lines += [f"  # {line}" for line in wrap(_stored(tensor, view, understood.names[tensor.name]), _WIDTH)]
        shape = ", ".join(str(_size(tensor, part, names)) for part in view)
        entries = f"shape: [{shape}], dtype: {dtypes[tensor.name]}"
        if layouts.get(tensor.name, "dram_interleaved") != "dram_interleaved":
            entries += f", layout: {layouts[tensor.name]}"
        lines.append(f"  {understood.names[tensor.name]}: {{{entries}}}")
    formulas = [f"{understood.names[formula.target]} = {formula.text}" for formula in understood.formulas]
    lines += [f"compute: {formulas[0]}"] if len(formulas) == 1 else ["compute:", *(f"  - {text}" for text in formulas)]
    if _narrow(understood, dtypes):
        lines.append("precision: {accumulate: bfloat16}")
    if schedule:
        lines.append("schedule: {" + ", ".join(f"{key}: {value}" for key, value in schedule.items()) + "}")
    return canonical("\n".join(lines) + "\n")


def _kernel_name(name: str) -> str:
    plain = name.strip("_")
    return plain if not kernel_problem(plain) else f"kernel_{plain}".replace("__", "_")[:40]


def _size(tensor: Buffer, part: object, names: Mapping[str, str]) -> int | str:
    """A size, by its name where it has one."""
    dimension, size = getattr(part, "dimension", None), getattr(part, "size", 1)
    if dimension is None or size != tensor.shape[dimension]:
        return int(size)
    name = tensor.dims[dimension]
    return names.get(name, size) if isinstance(name, str) else int(size)


def _stored(tensor: Buffer, view: View, name: str) -> str:
    """How the source stores a tensor, where the spec declares it otherwise."""
    parts = [part for part in view if part is not None]
    stored = ", ".join(map(str, tensor.dims))
    renamed = f"{tensor.name} of the source" if name != tensor.name else ""
    own = [(part.dimension, part.part) for part in parts]
    if is_as_stored(view, len(tensor.shape)):
        return f"{renamed}." if renamed else ""
    begin = f"{renamed}, which" if renamed else "The source"
    if own == sorted(own):
        return f"{begin} stores [{stored}]: the same elements in the same order."
    order = ", ".join(str(tensor.dims[part.dimension]) for part in parts if not part.part)
    return f"{begin} stores [{stored}]: the caller brings dimensions to the order {order}."


def _narrow(understood: Understood, dtypes: Mapping[str, str]) -> bool:
    """Whether products add up in 16 bits, and nothing here asks for more."""
    widths = set(understood.lifted.accumulators)
    text = " ".join(formula.text for formula in understood.formulas)
    return bool(widths) and widths <= {"bfloat16", "float16"} and "float32" not in dtypes.values() and "(" not in text
