"""Two revisions of a kernel, compared from its values down to the work of its cores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ttgen.errors import SpecError
from ttgen.formula.values import Graph
from ttgen.planner.resolve import unproven
from ttgen.review import causes, formulas, interface, rounding, statements, witness, work
from ttgen.review.model import Bound, Cause, Change, CostChange, CostName, Review, Values, Witness
from ttgen.review.side import Side, costs, of_plan, renamed, with_shapes


def compare(
    old: Side, new: Side, *, spec: str, change: Change = "changed", was: str = "", more: Sequence[Cause] = ()
) -> Review:
    """Everything that changed.

    Args:
        old: the revision before.
        new: the revision now.
        spec: what the spec's file is called.
        change: what became of the kernel.
        was: its name, or its spec's, before.
        more: causes beside the spec's.
    """
    names = formulas.renames(old, new)
    named = _named(old, names)
    names, base = (names, named) if named is not None else ({}, old)
    values = _values(base, new)
    taken = costs(old), costs(new)
    document = new.document
    return Review(
        kernel=document["kernel"],
        spec=spec,
        change=change,
        was=was,
        values=values.values,
        compute=_computes(old, new, values),
        tried=values.tried,
        witness=values.witness,
        bounds=values.bounds,
        interface=interface.compare(base.document, document, names),
        renamed=names,
        costs=tuple(CostChange(name=name, old=taken[0][name], new=taken[1][name]) for name in taken[1]),
        l1_limit=document["programs"][0]["l1"]["limit"],
        causes=(*causes.of_spec(base.loaded, new.loaded, names, spec), *more) if _are_specs(old, new) else tuple(more),
        decisions=causes.decisions(base.document, document),
        kernels=statements.compare(base, new),
        work=work.compare(old.document, document),
        notes=values.notes,
    )


def alone(side: Side, *, spec: str, change: Change) -> Review:
    """A kernel that is new, or that was removed."""
    taken = costs(side)
    nothing: dict[CostName, float | None] = dict.fromkeys(taken)
    before, now = (nothing, taken) if change == "new" else (taken, nothing)
    return Review(
        kernel=side.document["kernel"],
        spec=spec,
        change=change,
        costs=tuple(CostChange(name=name, old=before[name], new=now[name]) for name in taken),
        l1_limit=side.document["programs"][0]["l1"]["limit"] if change == "new" else None,
    )


def _are_specs(old: Side, new: Side) -> bool:
    return old.plan is not None and new.plan is not None


def _named(old: Side, names: Mapping[str, str]) -> Side | None:
    """A revision with today's names of tensors; None where it can't have them."""
    if not names:
        return old
    loaded = renamed(old.loaded, names)
    if loaded is None:
        return None
    if old.plan is not None:
        try:
            return of_plan(unproven(loaded))
        except SpecError:
            return None
    tensors = [{**tensor, "name": names.get(tensor["name"], tensor["name"])} for tensor in old.document["tensors"]]
    order = [names.get(name, name) for name in old.document["io_order"]]
    return replace(old, loaded=loaded, document={**old.document, "tensors": tensors, "io_order": order})


def _computes(old: Side, new: Side, values: _Found) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    before, now = (tuple(side.document["compute"]) for side in (old, new))
    return (before, now) if before != now and (values.values != "same" or values.tried) else None


class _Found(NamedTuple):
    """Whether two revisions compute the same."""

    values: Values
    tried: int = 0
    witness: Witness | None = None
    bounds: tuple[Bound, ...] = ()
    notes: tuple[str, ...] = ()


def _values(old: Side, new: Side) -> _Found:
    """Whether formulas are equal, and then whether they are rounded alike."""
    graphs = old.graph, new.graph
    tried = 0
    if _are_equal(graphs):
        if _takes_the_same_numbers(old, new) and not _are_equal(graphs, axes=True):
            return _Found(
                "formula", notes=("the formula is the same, and tensors of other shapes lie along other axes",)
            )
    else:
        fitting = _on_the_same(old, new, graphs)
        if fitting is None:
            return _Found("formula", notes=("the old formulas don't fit today's tensors: both can't be computed",))
        found = witness.find(*fitting)
        tried = found.tried
        if found.witness is not None:
            return _Found("formula", tried, found.witness)
    if _rounds_alike(old, new):
        return _Found("same", tried)
    return _Found("rounding", tried, None, rounding.compare(old, new))


def _are_equal(graphs: tuple[Graph, Graph], *, axes: bool = False) -> bool:
    known: formulas.Known = {}
    before, now = (formulas.canonical(graph, known, axes=axes) for graph in graphs)
    common = before.keys() & now.keys()
    return bool(common) and all(before[tensor] == now[tensor] for tensor in common)


def _takes_the_same_numbers(old: Side, new: Side) -> bool:
    """Whether each tensor has as many elements as before."""
    shapes = old.loaded.shapes
    return all(math.prod(shapes.get(name, shape)) == math.prod(shape) for name, shape in new.loaded.shapes.items())


def _on_the_same(old: Side, new: Side, graphs: tuple[Graph, Graph]) -> tuple[Graph, Graph] | None:
    """Both graphs on tensors of the same shapes."""
    if not {output.tensor for output in graphs[0].outputs} & {output.tensor for output in graphs[1].outputs}:
        return None
    if all(new.loaded.shapes.get(name, shape) == shape for name, shape in old.loaded.shapes.items()):
        return graphs
    other = with_shapes(old.loaded, new.loaded)
    return None if other is None else (other, graphs[1])


def _rounds_alike(old: Side, new: Side) -> bool:
    if old.plan is not None and new.plan is not None:
        known: formulas.Known = {}
        before, now = rounding.steps(old, known), rounding.steps(new, known)
        return all(before[tensor] == now[tensor] for tensor in before.keys() & now.keys())
    # Of output folders only texts are known: alike where all that computes is the same.
    alike = all(change.state == "same" for change in statements.compare(old, new))
    return alike and _settings(old.document) == _settings(new.document)


def _settings(document: Mapping[str, Any]) -> Any:
    """What a plan says beside its kernels' texts that rounding depends on."""
    return (
        document["precision"],
        [(tensor["name"], tensor["dtype"]) for tensor in document["tensors"]],
        [
            (kernel["file"], kernel["config"], kernel["named_compile_time_args"], kernel["defines"])
            for program in document["programs"]
            for kernel in program["kernels"]
        ],
    )
