"""Specs from Python's values: a mapping, or a formula with the shapes of what it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ttgen.errors import UserError, printable
from ttgen.formula.infer import infer_outputs
from ttgen.formula.parse import parse
from ttgen.formula.values import Shape
from ttgen.loading import loads
from ttgen.source import located
from ttgen.source import parse as parse_source
from ttgen.spec import LoadedSpec


class _Dumper(yaml.SafeDumper):
    """Writes values out that are there twice: specs have no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def from_mapping(document: Mapping[str, Any]) -> LoadedSpec:
    """The spec that a YAML file of these keys would be.

    Raises:
        SpecError: mistakes in the spec, at their places in that file.
        UserError: a value that YAML hasn't.
    """
    try:
        text = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True)
    except yaml.representer.RepresenterError as error:
        wrong = printable(repr(error.args[-1]))
        raise UserError(f"a spec holds words, numbers, lists and mappings, and not {wrong}") from None
    kernel = document.get("kernel")
    return loads(text, name=f"{kernel}.yaml" if isinstance(kernel, str) and kernel.isidentifier() else "spec.yaml")


def from_formulas(
    formulas: Sequence[str], tensors: Mapping[str, Any], dtype: str, more: Mapping[str, Any]
) -> LoadedSpec:
    """A spec of formulas; what the last one assigns is an output, whose shape follows if it isn't given.

    Args:
        formulas: in their order.
        tensors: sizes, or what a spec has of a tensor, by name.
        dtype: of tensors that say none.
        more: other keys of the spec.

    Raises:
        SpecError: mistakes in the spec.
        UserError: a value that YAML hasn't.
    """
    declared = {name: _declared(given, dtype) for name, given in tensors.items()}
    shapes = {name: _sizes(tensor.get("shape"), more.get("dims")) for name, tensor in declared.items()}
    output = ""
    # Of sizes that are none the spec's own checks have more to say.
    if formulas and all(shapes.values()):
        for formula in formulas:
            output, shapes[output] = _assigned(formula, shapes)
        declared.setdefault(output, {"shape": list(shapes[output] or ()), "dtype": dtype})
    named = {} if "kernel" in more else {"kernel": kernel_name(output or "it")}
    compute = formulas[0] if len(formulas) == 1 else list(formulas)
    return from_mapping({**named, **more, "tensors": declared, "compute": compute})


def kernel_name(output: str) -> str:
    """What a kernel is called that nobody named."""
    return f"make_{output.lower()}"


def _declared(given: Any, dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, **given} if isinstance(given, Mapping) else {"shape": given, "dtype": dtype}


def _sizes(shape: Any, dims: Any) -> Shape | None:
    """The sizes that a shape says, with those of `dims`; None where it says none."""
    if not isinstance(shape, list | tuple):
        return None
    known = dims if isinstance(dims, Mapping) else {}
    sizes = [known.get(size) if isinstance(size, str) else size for size in shape]
    whole = tuple(size for size in sizes if type(size) is int)
    return whole if len(whole) == len(sizes) else None


def _assigned(formula: str, shapes: Mapping[str, Shape | None]) -> tuple[str, Shape]:
    """What a formula assigns, and its shape."""
    with located(parse_source(f"{formula}\n", name="formula")):
        target = parse(formula, ()).target
        words = set(re.findall(r"\w+", formula.partition("=")[2]))
        read = {name: shape for name, shape in shapes.items() if shape and name in words - {target}}
        ((target, shape),) = infer_outputs(formula, read).items()
    return target, shape
