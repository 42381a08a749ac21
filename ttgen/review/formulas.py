"""Whether two graphs are one formula: tensors that only have another name, and operands in another order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Final

from ttgen.exhaustive import assert_never
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Number, Reduction
from ttgen.review.side import Side

COMMUTATIVE: Final = frozenset({"add", "mul", "maximum", "minimum"})
"""Functions whose value in real numbers doesn't depend on the order of their operands."""

Known = dict[Hashable, int]


def canonical(graph: Graph, known: Known, *, axes: bool = False) -> Mapping[str, int]:
    """A number for each output, the same for equal formulas; `known` is shared by the graphs that are compared.

    With `axes`, formulas are equal where tensors lie along the same axes, too: a row isn't a column.
    """
    found: list[int] = []
    for value in graph.values:
        operands = [found[operand] for operand in value.operands]
        key: Hashable
        match value:
            case Input(tensor=tensor):
                along = tuple(axis.name for axis in value.axes if axis.size > 1) if axes else ()
                key = ("input", tensor, along)
            case Number(number=number):
                key = ("number", number)
            case Contraction(transposed=transposed):
                key = ("contraction", transposed, *operands)
            case Reduction(function=function, along=along, keeps=keeps):
                key = ("reduction", function, along, keeps, *operands)
            case Elementwise(function=function, parameters=parameters):
                ordered = sorted(operands) if function in COMMUTATIVE else operands
                key = (function, parameters, *ordered)
            case _:
                assert_never(value)
        found.append(known.setdefault(key, len(known)))
    return {output.tensor: found[output.value] for output in graph.outputs}


def renames(old: Side, new: Side) -> Mapping[str, str]:
    """The tensors that have another name now, by their old one.

    A name that both revisions have is the same tensor. Others are one where they stand in the same place of the
    formulas, or are the only ones of their role, shape and dtype.
    """
    before, after = _tensors(old), _tensors(new)
    gone = {name: what for name, what in before.items() if name not in after}
    came = {name: what for name, what in after.items() if name not in before}
    found: dict[str, str] = {}
    if not gone or not came:
        return found
    for left, right in _places(old.graph, new.graph):
        free = left in gone and right in came and left not in found and right not in found.values()
        if free and gone[left][0] == came[right][0]:
            found[left] = right
    for left, what in gone.items():
        alike = [name for name in came if came[name] == what and name not in found.values()]
        others = [name for name in gone if gone[name] == what and name not in found]
        if left not in found and len(alike) == len(others) == 1:
            found[left] = alike[0]
    return found


def _tensors(side: Side) -> dict[str, tuple[str, tuple[int, ...], str]]:
    """Role, shape and dtype of each tensor that has a name: of scratch too, but for what no formula names."""
    named = {output.tensor for output in side.graph.assigned} | set(side.graph.inputs)
    return {
        tensor["name"]: (tensor["role"], tuple(tensor["shape"]), tensor["dtype"])
        for tensor in side.document["tensors"]
        if tensor["name"] in named
    }


def _places(old: Graph, new: Graph) -> Iterator[tuple[str, str]]:
    """Names that stand in the same place of both."""
    pairs = [(left.value, right.value) for left, right in zip(old.outputs, new.outputs, strict=False)]
    yield from ((left.tensor, right.tensor) for left, right in zip(old.outputs, new.outputs, strict=False))
    if len(old.assigned) == len(new.assigned):
        yield from ((left.tensor, right.tensor) for left, right in zip(old.assigned, new.assigned, strict=True))
        pairs += [(left.value, right.value) for left, right in zip(old.assigned, new.assigned, strict=True)]
    seen = set()
    while pairs:
        pair = pairs.pop(0)
        if pair in seen:
            continue
        seen.add(pair)
        match old.values[pair[0]], new.values[pair[1]]:
            case Input(tensor=left), Input(tensor=right):
                yield left, right
            case Contraction(operands=left_operands), Contraction(operands=right_operands):
                pairs += zip(left_operands, right_operands, strict=True)
            case Reduction(function=one) as first, Reduction(function=other) as second if one == other:
                pairs += zip(first.operands, second.operands, strict=True)
            case Elementwise(function=one) as first, Elementwise(function=other) as second if one == other:
                pairs += zip(first.operands, second.operands, strict=True)
            case _:
                pass
