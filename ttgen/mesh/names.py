"""Which values of a mesh are stored, by which part, and what their tensors are called and hold.

A sum that every device has of its own is `<name>_partial`, and after devices have exchanged it what its formula calls
it, or `<name>_sum`; what is gathered is `<name>_part` and `<name>_whole` where formulas have no name for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from ttgen.dtypes import DTYPES, EXPONENT_GROUP, DTypeName
from ttgen.errors import Path, SpecError, refuse
from ttgen.formula.values import Contraction, Input, Reduction
from ttgen.mesh.nodes import Computed, Exchanged, Spread
from ttgen.records import dataclass
from ttgen.spec import Layout, LoadedSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What is stored.

    Attributes:
        depths: how many collectives, one after another, each node has below it.
        levels: the part that makes a node; none of what parts make anew.
        tensors: the names of each node that is stored.
        dtypes: how all that parts read of each other is stored.
    """

    depths: tuple[int, ...]
    levels: Mapping[int, int]
    tensors: Mapping[int, tuple[str, ...]]
    dtypes: Mapping[str, DTypeName]


def named(loaded: LoadedSpec, spread: Spread) -> Names:
    """What is stored of a spread graph.

    Raises:
        SpecError: tensors that ttnn's collectives don't take.
    """
    depths = _depths(spread)
    remade = _remade(spread)
    levels = _levels(spread, depths, remade)
    tensors = _tensors(loaded, spread, depths, levels)
    dtypes: dict[str, DTypeName] = {}
    for group in _groups(spread, tensors):
        names = [name for node in group for name in tensors[node]]
        dtype = _dtype(loaded, spread, group[0], names)
        dtypes |= dict.fromkeys(names, dtype)
        if len(group) > 1:
            sums = any(
                isinstance(node, Exchanged) and node.kind != "all_gather"
                for node in map(spread.nodes.__getitem__, group)
            )
            for node in group:
                for name in tensors[node]:
                    _check(loaded, spread, node, name, dtype, sums=sums)
    return Names(depths=depths, levels=levels, tensors=tensors, dtypes=dtypes)


def _depths(spread: Spread) -> tuple[int, ...]:
    found: list[int] = []
    for index, node in enumerate(spread.nodes):
        below = max((found[operand] for operand in spread.operands(index)), default=0)
        found.append(below + isinstance(node, Exchanged))
    return tuple(found)


def _remade(spread: Spread) -> frozenset[int]:
    """Elementwise values of inputs alone: it costs nothing to make them again."""
    found: set[int] = set()
    for index, node in enumerate(spread.nodes):
        alone = isinstance(node, Computed) and not isinstance(node.value, (Contraction, Reduction))
        if alone and found.issuperset(spread.operands(index)):
            found.add(index)
    return frozenset(found)


def _levels(spread: Spread, depths: Sequence[int], remade: frozenset[int]) -> dict[int, int]:
    """The part that makes each node: the first that reads it, or where it is exchanged or an output."""
    wanted: dict[int, set[int]] = {output.value: {depths[output.value]} for output in spread.outputs}
    found: dict[int, int] = {}
    for index in reversed(range(len(spread.nodes))):
        node = spread.nodes[index]
        if isinstance(node, Computed) and index in wanted and (index not in remade or depths[index] in wanted[index]):
            found[index] = min(wanted[index])
        for operand in spread.operands(index):
            own = depths[operand] if isinstance(node, Exchanged) else found.get(index)
            if own is not None and (operand not in remade or isinstance(node, Exchanged)):
                wanted.setdefault(operand, set()).add(own)
    return found


def _tensors(
    loaded: LoadedSpec, spread: Spread, depths: Sequence[int], levels: Mapping[int, int]
) -> dict[int, tuple[str, ...]]:
    """The names of what is stored: outputs, what is exchanged, and what a later part reads."""
    declared: dict[int, list[str]] = {}
    for output in spread.outputs:
        declared.setdefault(output.value, []).append(output.tensor)
    said: dict[int, list[str]] = {}
    for output in spread.graph.assigned:
        if output.tensor not in loaded.spec.tensors:
            said.setdefault(spread.finals[output.value], []).append(output.tensor)
    used = {*loaded.spec.tensors, *loaded.spec.dims, *(output.tensor for output in spread.graph.assigned)}
    stored: dict[int, str] = dict.fromkeys(declared, "")
    for index, node in enumerate(spread.nodes):
        if isinstance(node, Exchanged):
            sums = node.kind != "all_gather"
            if isinstance(spread.nodes[node.operand], Computed):
                stored[node.operand] = "_partial" if sums else "_part"
            stored[index] = "_sum" if sums else "_whole"
        for operand in spread.operands(index):
            later = levels.get(index, 0) > levels.get(operand, depths[operand])
            if isinstance(node, Computed) and operand in levels and later:
                stored.setdefault(operand, "_1")
    found = {}
    for index in sorted(stored):
        given = declared.get(index) or said.get(index, [])[:1]
        if not given:
            base = spread.graph.assigned[spread.graph.values[spread.nodes[index].origin].span[0]].tensor
            tries = (f"{base}{stored[index]}{'' if number == 1 else f'_{number}'}" for number in count(1))
            given = [next(name for name in tries if name not in used)]
            used.update(given)
        found[index] = tuple(given)
    return found


def _groups(spread: Spread, tensors: Mapping[int, tuple[str, ...]]) -> Iterator[tuple[int, ...]]:
    """Nodes that collectives make of each other, which are stored alike."""
    groups: dict[int, list[int]] = {}
    roots: dict[int, int] = {}
    for index in sorted(tensors):
        node = spread.nodes[index]
        roots[index] = roots[node.operand] if isinstance(node, Exchanged) else index
        groups.setdefault(roots[index], []).append(index)
    yield from map(tuple, groups.values())


def _dtype(loaded: LoadedSpec, spread: Spread, root: int, names: Sequence[str]) -> DTypeName:
    """How tensors of a group are stored: as is said of one of them, or as the widest input below."""
    spec = loaded.spec
    known = {name: (spec.tensors[name].dtype, _path(loaded, name)) for name in names if name in spec.tensors}
    for name in names:
        if name in spec.stages and (said := spec.stages[name].dtype) is not None and name not in known:
            known[name] = said, ("stages", name)
    if len({dtype for dtype, _path in known.values()}) > 1:
        (one, (first, _)), *others = known.items()
        name, (dtype, path) = next(item for item in others if item[1][0] != first)
        text = f"devices exchange '{one}' to make '{name}', and no collective makes {dtype} of {first}: use one dtype"
        raise refuse(text, *path, "dtype")
    if known:
        return next(dtype for dtype, _path in known.values())
    pending, seen = [root], set[int]()
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        pending += spread.operands(node)
        found = spread.nodes[node]
        if isinstance(found, Computed) and isinstance(found.value, Input) and found.value.dtype == "float32":
            return "float32"
    return "bfloat16"


def _path(loaded: LoadedSpec, name: str) -> Path:
    return ("tensors", name) if name in loaded.spec.tensors else ("stages", name)


def _check(loaded: LoadedSpec, spread: Spread, node: int, name: str, dtype: DTypeName, *, sums: bool) -> None:
    """Refuses a tensor that ttnn's collectives don't take as it is."""
    spec = loaded.spec
    said = spec.tensors.get(name) or spec.stages.get(name)
    path = _path(loaded, name) if said else spec.formula_path(spread.graph.values[spread.nodes[node].origin].span[0])
    layout: Layout = said.layout if said else "dram_interleaved"
    if layout not in ("dram_interleaved", "l1_interleaved"):
        text = f"devices exchange '{name}', whose pages have to be interleaved: use dram_interleaved or l1_interleaved"
        raise refuse(text, *path, "layout")
    if DTYPES[dtype].shares_exponents and sums:
        raise _refused(path, said, f"devices sum '{name}' up in bfloat16 or float32, not in {dtype}: use one of them")
    if DTYPES[dtype].shares_exponents and spread.local(node)[-1] % EXPONENT_GROUP:
        text = f"devices exchange '{name}' in {dtype}, of which {EXPONENT_GROUP} neighbours of a row share an exponent"
        raise _refused(path, said, f"{text}: use columns that are a multiple of {EXPONENT_GROUP}, or bfloat16")


def _refused(path: Path, said: object, text: str) -> SpecError:
    return refuse(text, *path, *(("dtype",) if said else ()))
