"""Plans with a fault in the tile program of one kernel, and their proofs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ttgen
from ttgen.analysis.prove import prove
from ttgen.model.body import Body, If, Loop, Routine, Section, Statement
from ttgen.model.plan import Plan

Change = Callable[[Statement], tuple[Statement, ...] | None]


def rewritten(body: Body, change: Change) -> Body:
    """A body with every statement for which `change` gives something replaced by that."""
    result: list[Statement] = []
    for statement in body:
        new = change(statement)
        if new is not None:
            result.extend(new)
        elif isinstance(statement, (Loop, Routine)):
            result.append(replace(statement, body=rewritten(statement.body, change)))
        elif isinstance(statement, If):
            then, otherwise = (rewritten(part, change) for part in (statement.then, statement.otherwise))
            result.append(replace(statement, then=then, otherwise=otherwise))
        elif isinstance(statement, Section):
            math, pack = (rewritten(part, change) for part in (statement.math, statement.pack))
            result.append(Section(math=math, pack=pack))
        else:
            result.append(statement)
    return tuple(result)


def check(plan: Plan, kernel: str = "", change: Change | None = None) -> None:
    program = plan.program
    if change is not None:
        before = {item.name: item.body for item in program.kernels}
        kernels = tuple(
            replace(item, body=rewritten(item.body, change)) if item.name == kernel else item
            for item in program.kernels
        )
        assert before != {item.name: item.body for item in kernels}, "the fault must change something"
        program = replace(program, kernels=kernels)
    wide = plan.precision.accumulate == "float32"
    prove(
        program,
        {tensor.name: tensor for tensor in plan.tensors},
        dst_slots=4 if wide else 8,
        dst_bits=32 if wide else 16,
    )


def plan_of(name: str) -> Plan:
    return ttgen.plan(ttgen.load(f"specs/{name}.yaml"))


def drop(kind: type, name: str = "") -> Change:
    """Drops the statements of a kind, of one buffer or semaphore."""
    return lambda statement: (
        ()
        if isinstance(statement, kind)
        and name in ("", getattr(statement, "cb", ""), getattr(statement, "semaphore", ""))
        else None
    )


def edit(kind: type, **changes: Any) -> Change:
    return lambda statement: (replace(statement, **changes),) if isinstance(statement, kind) else None
