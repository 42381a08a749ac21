"""What the host program of a mesh says of a plan: whole tensors, and how devices have them."""

from __future__ import annotations

from typing import Final

from ttgen.model.plan import Plan, Tensor

_WIDTH: Final = 112
"""Columns that a line of 120 has for a tensor."""


def filed(plan: Plan) -> list[Tensor]:
    """The tensors that files may have: all but those of which each device has a sum of its own."""
    return [tensor for tensor in plan.tensors if not tensor.is_partial]


def part(tensor: Tensor, plan: Plan, data_format: str) -> str:
    """The call that says what a device has of a tensor: by the shape of the whole, and the axes of it that are cut."""
    assert plan.mesh is not None, "a plan for a mesh"
    assert tensor.mesh is not None, "which says how tensors lie"
    shape = ", ".join(map(str, tensor.mesh.whole(tensor.shape, plan.mesh)))
    cuts = (
        f".{side} = {axis}" for side, axis in zip(("rows", "cols"), tensor.mesh.axes, strict=True) if axis is not None
    )
    whole = f"{{{shape}}}, {{{', '.join(cuts)}}}"
    padding = ", /*needs_zero_padding=*/true" if any(use.padding == "zero" for use in tensor.uses) else ""
    what = f'"{tensor.name}", Role::{tensor.role}, {data_format}'
    line = f"mesh.part({what}, {whole}{padding})"
    return line if len(line) < _WIDTH else f"mesh.part(\n            {what},\n            {whole}{padding})"


def collective_kinds(plan: Plan) -> list[str]:
    """The collectives that a plan has, each once."""
    return sorted({item.kind for item in plan.collectives})


def tensor_named(name: str, plan: Plan) -> Tensor:
    """The tensor of a plan that has the name."""
    return plan.tensor(name)


FILTERS: Final = {"collective_kinds": collective_kinds, "filed": filed, "part": part, "tensor_named": tensor_named}
